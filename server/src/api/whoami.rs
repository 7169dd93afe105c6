//! `GET /api/v1/whoami`: how am I known?

use crate::door::Caller;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::header;
use latchkey_core::port::api_key::KeyOwner;
use latchkey_model::{AccountId, ApplicationId, Environment, RequestId, Scope};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};

/// The principal, as the caller may see it.
#[derive(Serialize)]
struct Whoami<'a> {
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<Named<'a, ApplicationId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Named<'a, AccountId>>,
    key: NamedKey<'a>,
    scopes: Scopes<'a>,
    request_id: RequestId,
}

#[derive(Serialize)]
struct Named<'a, Id> {
    id: Id,
    name: &'a str,
}

#[derive(Serialize)]
struct NamedKey<'a> {
    name: &'a str,
    hint: &'a str,
    #[serde(with = "rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// Scopes as a list, written without copying them.
struct Scopes<'a>(&'a latchkey_model::ScopeSet);

impl Serialize for Scopes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Scope::as_str))
    }
}

/// Tells the caller who it turned out to be.
pub(super) async fn show(caller: Caller) -> Response {
    let key = caller.principal.key();
    let (method, application, environment, account) = match &key.owner {
        KeyOwner::Environment { application_id, application_name, environment, .. } => {
            let application = Named { id: *application_id, name: application_name.as_str() };
            ("api_key", Some(application), Some(*environment), None)
        }
        KeyOwner::Account { account_id, account_name } => {
            ("personal_token", None, None, Some(Named { id: *account_id, name: account_name.as_str() }))
        }
    };
    let settings = &key.settings;
    let answer = Whoami {
        method,
        application,
        environment,
        account,
        key: NamedKey { name: settings.name.as_str(), hint: caller.principal.hint(), expires_at: key.ends_at() },
        scopes: Scopes(&settings.scopes),
        request_id: caller.request_id,
    };
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
