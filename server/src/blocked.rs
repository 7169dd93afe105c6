//! Keeping out whoever an admin blocks, from everything that is not behind the door: the door looks for itself.

use crate::{connection::Arrival, problem::Problem, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use latchkey_core::problem::ProblemCode;

/// Whoever looks after this server asks these, by whatever way they come.
const HEALTH: &str = "/health/";

/// Turns away who is kept out, before anything of the request is read.
pub(crate) async fn turn_away(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let address = Arrival::of(&state.config, &request).address();
    let now = state.services.ports.now();
    if request.uri().path().starts_with(HEALTH) || state.services.memories.blocks.covering(address, now).is_none() {
        return next.run(request).await;
    }
    let detail = "Requests from this address are not taken for now.";
    Problem::new(ProblemCode::AddressBlocked, detail).into_response()
}
