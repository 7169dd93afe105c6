//! `GET /api/v1/whoami`: how am I known?

use crate::{answer::answer, problem::Problem};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use latchkey_core::{authn::Principal, openid::PROFILE, port::api_key::KeyOwner};
use latchkey_model::{ApplicationId, Environment, RequestId, Scope};
use serde::Serialize;
use std::borrow::Cow;
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::ToSchema;

/// The principal, as the caller may see it; the id of the request follows.
#[derive(Serialize, ToSchema)]
struct Whoami<'a> {
    /// `api_key`, `personal_token`, `access_token`, `client_certificate`, `password` or `session`.
    #[schema(example = "api_key")]
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<Named<'a>>,
    /// In which it acts: its own, or that of the app which acts for a person. A person who comes as themselves is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "development")]
    environment: Option<Environment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Person<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<NamedKey<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<NamedClient<'a>>,
    #[schema(value_type = Vec<String>, example = json!(["read:posts"]))]
    scopes: Scopes<'a>,
}

/// What a credential belongs to.
#[derive(Serialize, ToSchema)]
struct Named<'a> {
    #[schema(value_type = String, format = Uuid)]
    id: ApplicationId,
    name: &'a str,
}

/// A person: to an app that they let act for them, under the name that this app knows them by, and called what they are called only
/// where they let it know that.
#[derive(Serialize, ToSchema)]
struct Person<'a> {
    id: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

/// A key, as its owner recognises it.
#[derive(Serialize, ToSchema)]
struct NamedKey<'a> {
    name: &'a str,
    hint: &'a str,
    #[serde(with = "rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<OffsetDateTime>,
}

/// The client that a token was given to.
#[derive(Serialize, ToSchema)]
struct NamedClient<'a> {
    id: &'a str,
    name: &'a str,
    /// When the token ends.
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    expires_at: OffsetDateTime,
}

/// Scopes as a list, written without copying them.
struct Scopes<'a>(&'a latchkey_model::ScopeSet);

impl Serialize for Scopes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Scope::as_str))
    }
}

/// Tells the caller who it turned out to be.
#[utoipa::path(get, path = "/api/v1/whoami", operation_id = "getWhoami", responses((status = 200, body = Whoami, description = "Who the caller is")))]
pub(super) fn show(principal: &Principal, request_id: RequestId) -> Response {
    const END: &[u8] = b"\"}";
    let drawn = &principal.drawn().introduction;
    let Some(introduction) = drawn.get().cloned().or_else(|| introduction(principal)) else {
        return Problem::internal().response(Some(request_id));
    };
    let introduction = drawn.get_or_init(|| introduction);
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    let id = request_id.as_uuid().as_hyphenated().encode_lower(&mut id);
    let mut body = Vec::with_capacity(introduction.len() + id.len() + END.len());
    body.extend_from_slice(introduction);
    body.extend_from_slice(id.as_bytes());
    body.extend_from_slice(END);
    answer(StatusCode::OK, "application/json", body)
}

/// The whole answer up to the request id, which alone is another each time.
fn introduction(principal: &Principal) -> Option<Bytes> {
    let (application, account) = match principal.owner() {
        KeyOwner::Environment { application_id, application_name, .. } => {
            (Some(Named { id: *application_id, name: application_name.as_str() }), None)
        }
        KeyOwner::Account { account_id, account_name } => {
            let name = Some(account_name.as_str());
            let person = match principal.token() {
                Some(token) => {
                    Person { id: token.subject.as_str().into(), name: name.filter(|_| token.scopes.contains(PROFILE)) }
                }
                None => Person { id: account_id.to_string().into(), name },
            };
            (None, Some(person))
        }
    };
    let key = principal.key().map(|key| NamedKey {
        name: key.settings.name.as_str(),
        hint: principal.hint(),
        expires_at: key.ends_at(),
    });
    let client = principal.token().map(|token| NamedClient {
        id: token.client_id.as_str(),
        name: token.client_name.as_str(),
        expires_at: token.expires_at,
    });
    let method = match (&client, &account, principal.person()) {
        (.., Some(person)) => person.by.as_str(),
        _ if principal.token().is_some_and(|token| token.certificate_alone) => "client_certificate",
        (Some(_), ..) => "access_token",
        (None, None, _) => "api_key",
        (None, Some(_), _) => "personal_token",
    };
    let (environment, scopes) = (principal.environment(), Scopes(principal.scopes()));
    let whoami = Whoami { method, application, environment, account, key, client, scopes };
    let mut text = serde_json::to_string(&whoami).ok()?;
    // Another member instead of the end.
    text.pop();
    text.push_str(",\"request_id\":\"");
    Some(text.into())
}
