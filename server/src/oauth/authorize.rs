//! Requests that come as a form instead of a query (OpenID Connect Core section 3.1.2.1). They come from pages of somebody else's, so they
//! do nothing but lead to the page that asks.

use super::{answer::Refused, form::Form};
use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

/// Leads to the page that asks for consent.
pub(super) async fn as_query(request: Request) -> Result<Response, Refused> {
    lead_to("/oauth/authorize", request).await
}

/// Leads to the page that asks whether to sign out (OpenID Connect RP-Initiated Logout section 2).
pub(super) async fn logout_as_query(request: Request) -> Result<Response, Refused> {
    lead_to("/oauth/logout", request).await
}

async fn lead_to(page: &str, request: Request) -> Result<Response, Refused> {
    let (_, form) = Form::read(request).await?;
    let page = format!("{page}?{}", form.parameters().to_query());
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response())
}
