//! `GET` and `POST /oauth/userinfo`: who signed in, as they let the client know (OpenID Connect Core section 5.3).

use crate::{answer::answer, door::Caller, problem::Problem, state::AppState};
use axum::{extract::State, response::Response};
use http::StatusCode;
use latchkey_core::{
    openid::{ClaimSet, PersonClaims},
    port::api_key::KeyOwner,
};
use serde::Serialize;

#[derive(Serialize)]
struct Userinfo<'a> {
    /// The same as in the ID token.
    sub: &'a str,
    #[serde(flatten)]
    person: PersonClaims,
}

/// Tells the client of its person.
pub(super) async fn show(State(state): State<AppState>, caller: Caller) -> Response {
    let nobody = || Problem::not_found().response(Some(caller.request_id));
    // Only a token of a person's can hold the scope that led here.
    let (Some(token), KeyOwner::Account { account_id, .. }) = (caller.principal.token(), caller.principal.owner())
    else {
        return nobody();
    };
    let account = match state.services.ports.store.account(*account_id).await {
        Ok(Some(account)) => account,
        Ok(None) => return nobody(),
        Err(error) => {
            tracing::error!(request.id = %caller.request_id, error = &error as &dyn std::error::Error, "a person cannot be read");
            return Problem::unavailable().response(Some(caller.request_id));
        }
    };
    let person = PersonClaims::of(&account, &ClaimSet::of_scopes(&token.scopes));
    match serde_json::to_vec(&Userinfo { sub: &token.subject, person }) {
        Ok(body) => answer(StatusCode::OK, "application/json", body),
        Err(_) => Problem::internal().response(Some(caller.request_id)),
    }
}
