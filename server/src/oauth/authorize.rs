//! `POST /oauth/authorize`: the same request as a form (OpenID Connect Core section 3.1.2.1). It comes from a page of somebody else's, so
//! it does nothing but lead to the page that asks.

use super::{answer::Refused, form::Form};
use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

/// Leads to the page.
pub(super) async fn as_query(request: Request) -> Result<Response, Refused> {
    let (_, form) = Form::read(request).await?;
    let page = format!("/oauth/authorize?{}", form.parameters().to_query());
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response())
}
