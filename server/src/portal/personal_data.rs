//! What is kept about a person, as a file.

use super::file::{sign_in_first, unavailable};
use crate::state::AppState;
use app::route;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::header;
use latchkey_core::{Actor, account::ExportError, actor::NotProven};

/// Where it is had.
pub const PATH: &str = "/account/data/export";

/// Answers with the file; whoever signed in too long ago is asked to do so once more, and led to the page with the link.
pub async fn export(State(state): State<AppState>, Extension(actor): Extension<Actor>) -> Response {
    match state.services.personal_data.export(&actor).await {
        Ok(data) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"latchkey-personal-data.json\""),
            ];
            match serde_json::to_string_pretty(&data) {
                Ok(text) => (headers, text).into_response(),
                Err(error) => unavailable(&error, "a person's data"),
            }
        }
        Err(ExportError::NotProven(NotProven::NotSignedIn(_))) => sign_in_first(route::PERSONAL_DATA),
        Err(ExportError::NotProven(NotProven::TooLongAgo)) => {
            let email = actor.account().ok().map(|account| account.email.to_string());
            Redirect::to(&route::sign_in_as(route::PERSONAL_DATA, true, email.as_deref())).into_response()
        }
        Err(error) => unavailable(&error, "a person's data"),
    }
}
