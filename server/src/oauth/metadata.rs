//! What others must know of this server: its endpoints (RFC 8414) and its public keys (RFC 7517).

use super::answer::Refused;
use crate::state::AppState;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use latchkey_core::{
    access_token::demo_api,
    jose::{Jwk, SigningAlgorithm},
    oauth_client::{ClientAuthMethod, GrantType},
};
use serde::Serialize;

/// Where the metadata is (RFC 8414 section 3.1).
pub(super) const PATH: &str = "/.well-known/oauth-authorization-server";

/// Where the demo API says which server its tokens come from (RFC 9728 section 3.1): the path of the API comes after.
pub(super) const RESOURCE_PATH: &str = "/.well-known/oauth-protected-resource/api/v1";

/// What a challenge of the demo API says of that (RFC 9728 section 5.1), after its other parameters.
pub fn resource_parameter(public_url: &str) -> String {
    format!(", resource_metadata=\"{public_url}{RESOURCE_PATH}\"")
}

/// Everybody may keep these for a while; a key is published long before it signs.
const CACHED: &str = "public, max-age=300";

/// The public keys.
#[derive(Serialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

/// `GET /oauth/jwks.json`.
pub(super) async fn jwks(State(state): State<AppState>) -> Result<Response, Refused> {
    // Whoever asks before the first token finds the key that it will be signed with.
    state.services.ring.prepare(SigningAlgorithm::Es256).await?;
    let keys = state.services.ring.published().await?.into_iter().map(|published| published.jwk).collect();
    Ok(([(header::CACHE_CONTROL, CACHED)], Json(Jwks { keys })).into_response())
}

/// RFC 8414 section 2. What is not here does not work, and what works is here.
#[derive(Serialize)]
struct Server {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    grant_types_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    scopes_supported: Vec<String>,
}

/// `GET /.well-known/oauth-authorization-server`.
pub(super) async fn server(State(state): State<AppState>) -> Result<Response, Refused> {
    let issuer = state.config.base_url().to_owned();
    let at = |path: &str| format!("{issuer}{path}");
    let words = |methods: &[ClientAuthMethod]| methods.iter().map(|method| method.as_str()).collect::<Vec<_>>();
    let scopes = state.services.oauth_clients.scopes().await?;
    let metadata = Server {
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at("/oauth/token"),
        jwks_uri: at("/oauth/jwks.json"),
        introspection_endpoint: at("/oauth/introspect"),
        revocation_endpoint: at("/oauth/revoke"),
        grant_types_supported: GrantType::ALL.iter().map(|grant| grant.as_str()).collect(),
        response_types_supported: ["code"],
        response_modes_supported: ["query"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: words(ClientAuthMethod::ALL),
        // To learn what a token is, a client must prove to be itself.
        introspection_endpoint_auth_methods_supported: words(&[
            ClientAuthMethod::SecretBasic,
            ClientAuthMethod::SecretPost,
        ]),
        revocation_endpoint_auth_methods_supported: words(ClientAuthMethod::ALL),
        scopes_supported: scopes.into_iter().map(|scope| scope.scope.to_string()).collect(),
        issuer,
    };
    Ok(([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response())
}

/// RFC 9728 section 2.
#[derive(Serialize)]
struct ProtectedApi {
    resource: String,
    resource_name: &'static str,
    resource_documentation: String,
    authorization_servers: [String; 1],
    bearer_methods_supported: [&'static str; 1],
    scopes_supported: Vec<String>,
}

/// `GET /.well-known/oauth-protected-resource/api/v1`.
pub(super) async fn resource(State(state): State<AppState>) -> Result<Response, Refused> {
    let issuer = state.config.base_url().to_owned();
    let scopes = state.services.oauth_clients.scopes().await?;
    let metadata = ProtectedApi {
        resource: demo_api(&issuer),
        resource_name: "Demo API",
        resource_documentation: format!("{issuer}/docs/demo-api"),
        authorization_servers: [issuer],
        bearer_methods_supported: ["header"],
        scopes_supported: scopes.into_iter().map(|scope| scope.scope.to_string()).collect(),
    };
    Ok(([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response())
}
