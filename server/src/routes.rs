//! The one table of routes: what answers, who may ask, with which scope, how large a body.
//!
//! The API's router is built from it; the pages and forms, which Leptos registers, are compared with it by a test, and so are
//! the matrices of who may do what and of what a forged form gets. A route that is not here fails that test.

use latchkey_core::openid::OPENID;
use latchkey_model::Scope;

/// Who may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anybody,
    /// Whoever comes with a valid API key that holds the scope, if one is named.
    Key(Option<&'static str>),
    /// Service accounts that an operator named.
    Machine,
    /// Whoever is signed in.
    Account,
    /// Admins.
    Admin,
}

/// What kind of thing answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A page of the portal.
    Page,
    /// A file of the portal, for whoever is signed in.
    Download,
    /// A form of the portal: always POST, always behind the defence against forged requests.
    Form,
    /// An endpoint of the demo API, or another one behind the door.
    Api(Endpoint),
    /// Where leaked keys are reported.
    Leaks,
    /// An endpoint of OAuth: machines ask, and prove which client they are where it matters.
    Oauth,
    /// An endpoint for the servers of guarded APIs, and those who run them.
    Gateway,
    /// Something for operators.
    Operations,
}

/// The endpoints behind the door, and the demo API's that is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `GET /status`.
    Status,
    /// `GET /whoami`.
    Whoami,
    /// `GET /posts`.
    ListPosts,
    /// `POST /posts`.
    CreatePost,
    /// `GET /posts/{id}`.
    GetPost,
    /// `PUT /posts/{id}`.
    UpdatePost,
    /// `DELETE /posts/{id}`.
    DeletePost,
    /// `DELETE /account`.
    DeleteAccount,
    /// `GET /oauth/userinfo`.
    Userinfo,
    /// `POST /oauth/userinfo`.
    PostUserinfo,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with axum's `{parameters}`.
    pub path: &'static str,
    /// Who may ask.
    pub access: Access,
    /// What answers.
    pub kind: Kind,
}

/// The largest body that any route takes, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

const fn page(path: &'static str, access: Access) -> Route {
    Route { method: "GET", path, access, kind: Kind::Page }
}

const fn download(path: &'static str) -> Route {
    Route { method: "GET", path, access: Access::Account, kind: Kind::Download }
}

const fn form(path: &'static str, access: Access) -> Route {
    Route { method: "POST", path, access, kind: Kind::Form }
}

const fn api(method: &'static str, path: &'static str, endpoint: Endpoint, access: Access) -> Route {
    Route { method, path, access, kind: Kind::Api(endpoint) }
}

const fn leaks(path: &'static str) -> Route {
    Route { method: "POST", path, access: Access::Anybody, kind: Kind::Leaks }
}

const fn oauth(method: &'static str, path: &'static str) -> Route {
    Route { method, path, access: Access::Anybody, kind: Kind::Oauth }
}

const fn gateway(method: &'static str, path: &'static str) -> Route {
    Route { method, path, access: Access::Machine, kind: Kind::Gateway }
}

const fn operations(path: &'static str) -> Route {
    Route { method: "GET", path, access: Access::Anybody, kind: Kind::Operations }
}

/// Every route there is.
pub const ROUTES: &[Route] = &[
    page("/", Access::Anybody),
    page("/docs", Access::Anybody),
    page("/docs/{guide}", Access::Anybody),
    page("/signup", Access::Anybody),
    page("/signup/mail", Access::Anybody),
    page("/signup/confirm", Access::Anybody),
    page("/forgot", Access::Anybody),
    page("/reset", Access::Anybody),
    page("/verify-email", Access::Anybody),
    page("/login", Access::Anybody),
    page("/login/passkey", Access::Anybody),
    page("/second-factor", Access::Anybody),
    page("/login/leave", Access::Anybody),
    page("/login/callback/{provider}", Access::Anybody),
    page("/setup", Access::Anybody),
    page("/dashboard", Access::Account),
    page("/apps", Access::Account),
    page("/apps/new", Access::Account),
    page("/apps/{app}/{environment}/keys", Access::Account),
    page("/apps/{app}/{environment}/keys/new", Access::Account),
    page("/apps/{app}/{environment}/keys/{key}", Access::Account),
    page("/apps/{app}/{environment}/keys/{key}/rotate", Access::Account),
    page("/apps/{app}/{environment}/keys/{key}/revoke", Access::Account),
    page("/apps/{app}/{environment}/keys/{key}/end", Access::Account),
    page("/apps/{app}/{environment}/clients", Access::Account),
    page("/apps/{app}/{environment}/clients/new", Access::Account),
    page("/apps/{app}/{environment}/clients/{client}", Access::Account),
    page("/apps/{app}/{environment}/clients/{client}/revoke", Access::Account),
    page("/apps/{app}/{environment}/service-accounts", Access::Account),
    page("/apps/{app}/{environment}/service-accounts/new", Access::Account),
    page("/apps/{app}/{environment}/service-accounts/{client}", Access::Account),
    page("/apps/{app}/{environment}/service-accounts/{client}/revoke", Access::Account),
    page("/apps/{app}/{environment}/settings", Access::Account),
    page("/apps/{app}/logs", Access::Account),
    page("/apps/{app}/usage", Access::Account),
    page("/apps/{app}/{environment}/usage", Access::Account),
    page("/apps/{app}/{environment}/logs", Access::Account),
    page("/logs/{request_id}", Access::Account),
    // Whoever is not signed in yet is led to sign in, and back.
    page("/oauth/authorize", Access::Anybody),
    page("/oauth/authorize/form-post", Access::Anybody),
    page("/oauth/logout", Access::Anybody),
    page("/device", Access::Account),
    page("/account/authorized-apps", Access::Account),
    page("/account/sign-in-methods", Access::Account),
    page("/teams", Access::Account),
    page("/teams/{team}", Access::Account),
    page("/teams/{team}/audit", Access::Account),
    page("/teams/{team}/alerts", Access::Account),
    page("/teams/{team}/alerts/rules/{kind}", Access::Account),
    page("/teams/{team}/alerts/webhooks/new", Access::Account),
    page("/teams/{team}/alerts/webhooks/{webhook}", Access::Account),
    page("/invitation", Access::Anybody),
    page("/account/profile", Access::Account),
    page("/account/security", Access::Account),
    page("/account/security/app", Access::Account),
    page("/account/security/passkey", Access::Account),
    page("/account/data", Access::Account),
    page("/account/data/delete", Access::Account),
    page("/account/deleted", Access::Anybody),
    page("/account/notices", Access::Account),
    page("/account/activity", Access::Account),
    page("/account/sessions", Access::Account),
    page("/account/tokens", Access::Account),
    page("/account/tokens/new", Access::Account),
    page("/account/tokens/{key}", Access::Account),
    page("/account/tokens/{key}/rotate", Access::Account),
    page("/account/tokens/{key}/revoke", Access::Account),
    page("/account/tokens/{key}/end", Access::Account),
    page("/admin/outbox", Access::Admin),
    page("/admin/audit", Access::Admin),
    page("/admin/settings", Access::Admin),
    page("/admin/failures", Access::Admin),
    page("/admin/overview", Access::Admin),
    page("/admin/lockouts", Access::Admin),
    page("/admin/logs", Access::Admin),
    page("/admin/usage", Access::Admin),
    page("/admin/blocks", Access::Admin),
    page("/admin/alerts", Access::Admin),
    page("/admin/alerts/rules/{kind}", Access::Admin),
    page("/admin/alerts/webhooks/new", Access::Admin),
    page("/admin/alerts/webhooks/{webhook}", Access::Admin),
    page("/admin/accounts", Access::Admin),
    page("/admin/accounts/{account}", Access::Admin),
    page("/admin/credentials", Access::Admin),
    page("/admin/credentials/{key}/revoke", Access::Admin),
    page("/admin/signing-keys", Access::Admin),
    page("/admin/apps", Access::Admin),
    page("/admin/apis", Access::Admin),
    page("/admin/apis/new", Access::Admin),
    page("/admin/apis/{api}", Access::Admin),
    page("/admin/identity-providers", Access::Admin),
    page("/admin/identity-providers/new", Access::Admin),
    page("/admin/identity-providers/{provider}", Access::Admin),
    // Every part of the pages in its states; it answers 404 in a release build.
    page("/design", Access::Anybody),
    download("/account/data/export"),
    download("/account/activity/export"),
    download("/teams/{team}/audit/export"),
    download("/admin/audit/export"),
    download("/apps/{app}/usage/export"),
    download("/apps/{app}/{environment}/usage/export"),
    download("/admin/usage/export"),
    download("/apps/{app}/{environment}/logs/export"),
    download("/admin/failures/export"),
    download("/apps/{app}/logs/export"),
    download("/admin/logs/export"),
    download("/apps/{app}/{environment}/logs/live"),
    download("/admin/failures/live"),
    download("/apps/{app}/logs/live"),
    download("/admin/logs/live"),
    form("/form/account/sign-up", Access::Anybody),
    form("/form/account/finish-sign-up", Access::Anybody),
    form("/form/account/forgot", Access::Anybody),
    form("/form/account/reset-password", Access::Anybody),
    form("/form/account/confirm-email", Access::Anybody),
    form("/form/account/sign-in", Access::Anybody),
    form("/form/account/passkey-sign-in", Access::Anybody),
    form("/form/second-factor/verify", Access::Anybody),
    form("/form/second-factor/verify-passkey", Access::Anybody),
    form("/form/account/setup", Access::Anybody),
    form("/form/account/sign-out", Access::Anybody),
    form("/form/account/theme", Access::Anybody),
    form("/form/team/create", Access::Account),
    form("/form/team/rename", Access::Account),
    form("/form/team/invite", Access::Account),
    form("/form/team/call-off", Access::Account),
    form("/form/team/set-role", Access::Account),
    form("/form/team/remove", Access::Account),
    form("/form/team/accept", Access::Account),
    form("/form/account/rename", Access::Account),
    form("/form/account/ask-to-verify", Access::Account),
    form("/form/account/change-email", Access::Account),
    form("/form/account/change-password", Access::Account),
    form("/form/account/delete", Access::Account),
    form("/form/retention/set", Access::Admin),
    form("/form/lockout/end", Access::Admin),
    form("/form/alert/rule", Access::Account),
    form("/form/webhook/add", Access::Account),
    form("/form/webhook/change", Access::Account),
    form("/form/webhook/rotate", Access::Account),
    form("/form/webhook/switch", Access::Account),
    form("/form/webhook/test", Access::Account),
    form("/form/webhook/replay", Access::Account),
    form("/form/webhook/remove", Access::Account),
    form("/form/block/add", Access::Admin),
    form("/form/block/end", Access::Admin),
    form("/form/directory/find", Access::Admin),
    form("/form/directory/act", Access::Admin),
    form("/form/request-log/save-view", Access::Account),
    form("/form/request-log/remove-view", Access::Account),
    form("/form/notice/dismiss", Access::Account),
    form("/form/notice/dismiss-all", Access::Account),
    form("/form/notice/choose", Access::Account),
    form("/form/second-factor/confirm-totp", Access::Account),
    form("/form/second-factor/remove-totp", Access::Account),
    form("/form/second-factor/new-recovery-codes", Access::Account),
    form("/form/second-factor/add-passkey", Access::Account),
    form("/form/second-factor/remove-passkey", Access::Account),
    form("/form/second-factor/require", Access::Admin),
    form("/form/session/end", Access::Account),
    form("/form/session/end-others", Access::Account),
    form("/form/application/create", Access::Account),
    form("/form/api-key/create", Access::Account),
    form("/form/api-key/update", Access::Account),
    form("/form/api-key/disable", Access::Account),
    form("/form/api-key/enable", Access::Account),
    form("/form/api-key/shrink", Access::Account),
    form("/form/api-key/rotate", Access::Account),
    form("/form/api-key/cancel-rotation", Access::Account),
    form("/form/api-key/end-overlap", Access::Account),
    form("/form/api-key/revoke", Access::Account),
    form("/form/api-key/policy", Access::Account),
    form("/form/personal-token/create", Access::Account),
    form("/form/oauth-client/create", Access::Account),
    form("/form/oauth-client/update", Access::Account),
    form("/form/oauth-client/add-secret", Access::Account),
    form("/form/oauth-client/end-secret", Access::Account),
    form("/form/oauth-client/revoke", Access::Account),
    form("/form/oauth-client/set-logo", Access::Account),
    form("/form/oauth-client/remove-logo", Access::Account),
    form("/form/oauth-client/end-tokens", Access::Account),
    form("/form/oauth-client/verify", Access::Admin),
    form("/form/oauth-client/registration", Access::Account),
    form("/form/grant/answer", Access::Account),
    form("/form/device/answer", Access::Account),
    form("/form/device/find", Access::Account),
    form("/form/grant/revoke", Access::Account),
    form("/form/signing-key/rotate", Access::Admin),
    form("/form/identity-provider/begin", Access::Anybody),
    form("/form/guarded-api/save", Access::Admin),
    form("/form/guarded-api/remove", Access::Admin),
    form("/form/identity-provider/save", Access::Admin),
    form("/form/identity-provider/disable", Access::Admin),
    form("/form/identity-provider/remove", Access::Admin),
    form("/form/account/allow-password", Access::Account),
    form("/form/linked-identity/link", Access::Account),
    form("/form/linked-identity/decline", Access::Account),
    form("/form/linked-identity/unlink", Access::Account),
    api("GET", "/api/v1/status", Endpoint::Status, Access::Anybody),
    api("GET", "/api/v1/whoami", Endpoint::Whoami, Access::Key(None)),
    api("GET", "/api/v1/posts", Endpoint::ListPosts, Access::Key(Some(Scope::READ_POSTS))),
    api("POST", "/api/v1/posts", Endpoint::CreatePost, Access::Key(Some(Scope::WRITE_POSTS))),
    api("GET", "/api/v1/posts/{id}", Endpoint::GetPost, Access::Key(Some(Scope::READ_POSTS))),
    api("PUT", "/api/v1/posts/{id}", Endpoint::UpdatePost, Access::Key(Some(Scope::WRITE_POSTS))),
    api("DELETE", "/api/v1/posts/{id}", Endpoint::DeletePost, Access::Key(Some(Scope::WRITE_POSTS))),
    api("DELETE", "/api/v1/account", Endpoint::DeleteAccount, Access::Key(Some(Scope::DELETE_ACCOUNT))),
    api("GET", "/oauth/userinfo", Endpoint::Userinfo, Access::Key(Some(OPENID))),
    api("POST", "/oauth/userinfo", Endpoint::PostUserinfo, Access::Key(Some(OPENID))),
    oauth("POST", "/oauth/authorize"),
    oauth("POST", "/oauth/logout"),
    oauth("POST", "/oauth/par"),
    oauth("POST", "/oauth/device_authorization"),
    oauth("POST", "/oauth/register"),
    oauth("GET", "/oauth/register/{client_id}"),
    oauth("PUT", "/oauth/register/{client_id}"),
    oauth("DELETE", "/oauth/register/{client_id}"),
    oauth("POST", "/oauth/token"),
    oauth("POST", "/oauth/introspect"),
    oauth("POST", "/oauth/revoke"),
    oauth("GET", "/oauth/jwks.json"),
    oauth("GET", "/.well-known/oauth-authorization-server"),
    oauth("GET", "/.well-known/openid-configuration"),
    oauth("GET", "/.well-known/oauth-protected-resource/api/v1"),
    oauth("GET", "/.well-known/oauth-protected-resource/gateway/{api}"),
    gateway("POST", "/gateway/verify"),
    gateway("GET", "/gateway/apis/{api}/policies"),
    gateway("PUT", "/gateway/apis/{api}/policies"),
    leaks("/leaks"),
    leaks("/leaks/github"),
    operations("/api/openapi.json"),
    operations("/docs/errors.json"),
    operations("/health/live"),
    operations("/health/ready"),
];

/// The scope that a route of the API needs, for those who read the record of what was asked.
pub fn needed_scope(method: &str, path: &str) -> Option<&'static str> {
    // What answers to GET answers to HEAD.
    let method = if method == "HEAD" { "GET" } else { method };
    ROUTES.iter().find(|route| route.method == method && route.path == path).and_then(|route| match route.access {
        Access::Key(needed) => needed,
        Access::Anybody | Access::Machine | Access::Account | Access::Admin => None,
    })
}
