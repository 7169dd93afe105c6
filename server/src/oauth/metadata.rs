//! What others must know of this server: its endpoints (RFC 8414) and its public keys (RFC 7517).

use super::answer::Refused;
use crate::{problem::Problem, state::AppState};
use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header;
use latchkey_core::{
    access_token::demo_api,
    authorization::ResponseMode,
    jose::{Jwk, SigningAlgorithm},
    oauth_client::{ClientAuthMethod, ClientCertificates, ClientKind, GrantType},
    openid::{ACR, Claim, SubjectType},
    port::api::ApiScope,
};
use serde::Serialize;

/// Where the metadata is (RFC 8414 section 3.1).
pub(super) const PATH: &str = "/.well-known/oauth-authorization-server";

/// Where clients of OpenID Connect look for the same (OpenID Connect Discovery section 4).
pub(super) const OPENID_PATH: &str = "/.well-known/openid-configuration";

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

/// RFC 8414 section 2, OpenID Connect Discovery section 3. What is not here does not work, and what works is here.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the RFCs have them so")]
struct Server {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    end_session_endpoint: String,
    jwks_uri: String,
    pushed_authorization_request_endpoint: String,
    device_authorization_endpoint: String,
    registration_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    service_documentation: String,
    grant_types_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: Vec<&'static str>,
    code_challenge_methods_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    scopes_supported: Vec<String>,
    subject_types_supported: Vec<&'static str>,
    id_token_signing_alg_values_supported: Vec<&'static str>,
    acr_values_supported: [&'static str; 1],
    claims_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
    prompt_values_supported: [&'static str; 4],
    dpop_signing_alg_values_supported: Vec<&'static str>,
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<Aliases>,
    client_id_metadata_document_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    require_pushed_authorization_requests: bool,
}

/// Where clients with a certificate find the endpoints that they ask themselves (RFC 8705 section 5).
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the RFC's own")]
struct Aliases {
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    pushed_authorization_request_endpoint: String,
    device_authorization_endpoint: String,
    userinfo_endpoint: String,
}

impl Aliases {
    fn of(url: &str) -> Self {
        let at = |path: &str| format!("{url}{path}");
        Self {
            token_endpoint: at("/oauth/token"),
            revocation_endpoint: at("/oauth/revoke"),
            introspection_endpoint: at("/oauth/introspect"),
            pushed_authorization_request_endpoint: at("/oauth/par"),
            device_authorization_endpoint: at("/oauth/device_authorization"),
            userinfo_endpoint: at("/oauth/userinfo"),
        }
    }
}

/// `GET /.well-known/oauth-authorization-server` and `GET /.well-known/openid-configuration`: one server, one description.
pub(super) async fn server(State(state): State<AppState>) -> Result<Response, Refused> {
    /// What every ID token says besides what a person lets a client know.
    const ALWAYS: [&str; 10] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];
    let issuer = state.config.base_url().to_owned();
    let at = |path: &str| format!("{issuer}{path}");
    let certificates = state.services.oauth_clients.certificates();
    let words = |methods: &[ClientAuthMethod]| {
        let working = methods.iter().filter(|method| method.works_with(certificates));
        working.map(|method| method.as_str()).collect::<Vec<_>>()
    };
    let algorithms = || SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).to_vec();
    let scopes = state.services.oauth_clients.scopes(ClientKind::ThirdParty).await?;
    let metadata = Server {
        authorization_endpoint: at("/oauth/authorize"),
        token_endpoint: at("/oauth/token"),
        userinfo_endpoint: at("/oauth/userinfo"),
        end_session_endpoint: at("/oauth/logout"),
        jwks_uri: at("/oauth/jwks.json"),
        pushed_authorization_request_endpoint: at("/oauth/par"),
        registration_endpoint: at("/oauth/register"),
        device_authorization_endpoint: at("/oauth/device_authorization"),
        introspection_endpoint: at("/oauth/introspect"),
        revocation_endpoint: at("/oauth/revoke"),
        service_documentation: at("/docs/oauth"),
        grant_types_supported: GrantType::ALL.iter().map(|grant| grant.as_str()).collect(),
        response_types_supported: ["code"],
        response_modes_supported: ResponseMode::ALL.map(ResponseMode::as_str).to_vec(),
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
        token_endpoint_auth_methods_supported: words(ClientAuthMethod::ALL),
        token_endpoint_auth_signing_alg_values_supported: algorithms(),
        // To learn what a token is, a client must prove to be itself.
        introspection_endpoint_auth_methods_supported: words(&ClientAuthMethod::PROVEN),
        introspection_endpoint_auth_signing_alg_values_supported: algorithms(),
        revocation_endpoint_auth_methods_supported: words(ClientAuthMethod::ALL),
        revocation_endpoint_auth_signing_alg_values_supported: algorithms(),
        scopes_supported: scopes.into_iter().map(|scope| scope.scope.to_string()).collect(),
        subject_types_supported: SubjectType::ALL.map(SubjectType::as_str).to_vec(),
        id_token_signing_alg_values_supported: algorithms(),
        acr_values_supported: [ACR],
        claims_supported: ALWAYS.into_iter().chain(Claim::ALL.map(Claim::as_str)).collect(),
        claims_parameter_supported: true,
        backchannel_logout_supported: true,
        backchannel_logout_session_supported: true,
        prompt_values_supported: ["none", "consent", "login", "select_account"],
        dpop_signing_alg_values_supported: algorithms(),
        tls_client_certificate_bound_access_tokens: certificates != ClientCertificates::None,
        mtls_endpoint_aliases: state.config.mutual_tls_url().map(Aliases::of),
        client_id_metadata_document_supported: state.services.registrations.is_open().await?,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        require_pushed_authorization_requests: false,
        issuer,
    };
    Ok(([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response())
}

/// RFC 9728 section 2: the scopes are the API's own.
#[derive(Serialize)]
struct ProtectedApi {
    resource: String,
    resource_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<String>,
    authorization_servers: [String; 1],
    bearer_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: Vec<&'static str>,
    tls_client_certificate_bound_access_tokens: bool,
    scopes_supported: Vec<String>,
}

/// `GET /.well-known/oauth-protected-resource/api/v1`.
pub(super) async fn resource(State(state): State<AppState>) -> Result<Response, Refused> {
    let issuer = state.config.base_url();
    let apis = state.services.ports.store.built_in_apis().await?;
    let scopes: Vec<_> = apis.into_iter().flat_map(|api| api.scopes).collect();
    let documentation = format!("{issuer}/docs/demo-api");
    Ok(protected(&state, demo_api(issuer), "Demo API".to_owned(), Some(documentation), &scopes))
}

/// `GET /.well-known/oauth-protected-resource/gateway/{api}`: what clients of a guarded API are led to by its refusals.
pub(super) async fn guarded_resource(
    State(state): State<AppState>,
    Path(slug): Path<String>,
) -> Result<Response, Refused> {
    let catalog = state.services.memories.apis.catalog(state.services.ports.now()).await?;
    let Some(found) = catalog.api(&slug) else { return Ok(Problem::not_found().into_response()) };
    let settings = &found.api.settings;
    Ok(protected(&state, settings.base_url.clone(), settings.name.to_string(), None, &settings.scopes))
}

fn protected(
    state: &AppState,
    resource: String,
    name: String,
    documentation: Option<String>,
    scopes: &[ApiScope],
) -> Response {
    let metadata = ProtectedApi {
        resource,
        resource_name: name,
        resource_documentation: documentation,
        authorization_servers: [state.config.base_url().to_owned()],
        bearer_methods_supported: ["header"],
        dpop_signing_alg_values_supported: SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).to_vec(),
        tls_client_certificate_bound_access_tokens: state.services.oauth_clients.certificates()
            != ClientCertificates::None,
        scopes_supported: scopes.iter().map(|scope| scope.scope.to_string()).collect(),
    };
    ([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response()
}
