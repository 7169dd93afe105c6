//! The whole HTTP surface in one screen.

use crate::{
    api, assets, blocked,
    connection::Arrival,
    door::put_request_id,
    gateway, health, leaks, logos, oauth, portal,
    problem::{self, Problem},
    state::AppState,
    telemetry::{Followed, follow, is_followed, note},
};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use latchkey_model::RequestId;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

/// Everything that answers.
pub fn router(state: AppState) -> Router {
    let router = Router::new()
        .merge(leaks::router())
        .merge(oauth::router())
        .merge(portal::router(&state))
        .route("/assets/{version}/{*name}", get(assets::serve))
        .route(logos::PATH, get(logos::serve))
        .route("/robots.txt", get(assets::robots))
        .route(problem::LIST, get(problem::list))
        .route("/health/live", get(|| async { "ok\n" }))
        .route("/health/ready", get(health::ready))
        .layer(middleware::from_fn_with_state(state.clone(), blocked::turn_away))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request met a fault of ours and was answered 500");
            Problem::internal().into_response()
        }))
        .layer(middleware::from_fn_with_state(state.clone(), identify))
        // Flat: no layer of the pages is on the path of a request to the API. The door sees to its panics.
        .merge(api::router(state.config.base_url()))
        .merge(gateway::router());
    // Around everything, once a route was found; not there at all where nobody wants traces.
    let router =
        if state.is_traced() { router.layer(middleware::from_fn_with_state(state.clone(), trace)) } else { router };
    router.with_state(state)
}

/// Gives a request an id, by which its answer and every line of the log about it can be brought together. What is behind the door has
/// one of the door's.
async fn identify(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = RequestId::from_uuid(state.services.ports.uuid());
    if state.is_traced() {
        note(id, None);
    }
    // Of the highest level: no filter keeps it out that lets a line of the request through.
    let span = tracing::error_span!("request", request.id = %id);
    let mut response = next.run(request).instrument(span).await;
    put_request_id(response.headers_mut(), id);
    response
}

/// Follows a request to its answer, as a span of a trace.
async fn trace(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !is_followed(request.uri().path()) {
        return next.run(request).await;
    }
    let arrival = Arrival::of(&state.config, &request);
    let (method, path, headers) = (request.method(), request.uri().path(), request.headers());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let span = Followed { arrival: &arrival, method, path, route, headers }.span();
    follow(span, next.run(request)).await
}
