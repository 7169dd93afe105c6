//! The whole HTTP surface in one screen.

use crate::{api, assets, blocked, gateway, leaks, logos, oauth, portal, problem::Problem, state::AppState};
use axum::{Router, extract::State, http::StatusCode, middleware, response::IntoResponse, routing::get};
use tower_http::catch_panic::CatchPanicLayer;

/// Everything that answers.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(leaks::router())
        .merge(oauth::router())
        .merge(portal::router(&state))
        .route("/assets/{version}/{*name}", get(assets::serve))
        .route(logos::PATH, get(logos::serve))
        .route("/robots.txt", get(assets::robots))
        .route("/health/live", get(|| async { "ok\n" }))
        .route("/health/ready", get(ready))
        .layer(middleware::from_fn_with_state(state.clone(), blocked::turn_away))
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        // Flat: no layer of the pages is on the path of a request to the API. The door sees to its panics.
        .merge(api::router(state.config.base_url()))
        .merge(gateway::router())
        .with_state(state)
}

/// Whether requests can be served: the database answers.
pub(crate) async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    match state.services.ports.store.ping().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
