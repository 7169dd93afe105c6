//! Paths: the only place that spells one.

use latchkey_core::{
    alert::{AlertKind, AlertsOf},
    oauth_client::{ClientId, ClientKind, LogoDigest},
    port::api_key::AfterKey,
};
use latchkey_model::{
    AccountId, ApiKeyId, ApiSlug, ApplicationId, Environment, IdentityProviderId, OauthClientId, RequestId, TeamId,
    WebhookId,
};
use uuid::Uuid;

pub const HOME: &str = "/";
pub const DOCS: &str = "/docs";
pub const SIGN_UP: &str = "/signup";
pub const SIGN_IN: &str = "/login";
/// Leads on to a provider.
pub const LEAVE: &str = "/login/leave";
/// What somebody reads who asked for an account.
pub const SIGN_UP_MAIL: &str = "/signup/mail";
pub const FORGOT: &str = "/forgot";
pub const PROFILE: &str = "/account/profile";
pub const SECURITY: &str = "/account/security";
pub const SECOND_FACTOR: &str = "/second-factor";
pub const PASSKEY_SIGN_IN: &str = "/login/passkey";
pub const NEW_TOTP: &str = "/account/security/app";
pub const NEW_PASSKEY: &str = "/account/security/passkey";
pub const ACTIVITY: &str = "/account/activity";
pub const ADMIN_AUDIT: &str = "/admin/audit";
pub const NOTICES: &str = "/account/notices";
pub const PERSONAL_DATA: &str = "/account/data";
pub const DELETE_ACCOUNT: &str = "/account/data/delete";
pub const ACCOUNT_DELETED: &str = "/account/deleted";
pub const EXPORT_DATA: &str = "/account/data/export";
pub const TEAMS: &str = "/teams";
pub const ADMIN_SETTINGS: &str = "/admin/settings";
pub const SETUP: &str = "/setup";
pub const DASHBOARD: &str = "/dashboard";
pub const APPLICATIONS: &str = "/apps";
pub const NEW_APPLICATION: &str = "/apps/new";
pub const SIGN_IN_METHODS: &str = "/account/sign-in-methods";
pub const SESSIONS: &str = "/account/sessions";
pub const TOKENS: &str = "/account/tokens";
pub const AUTHORIZED_APPS: &str = "/account/authorized-apps";
pub const NEW_TOKEN: &str = "/account/tokens/new";
pub const DEVICE: &str = "/device";
pub const AUTHORIZE: &str = "/oauth/authorize";
pub const FORM_POST: &str = "/oauth/authorize/form-post";
pub const ADMIN_FAILURES: &str = "/admin/failures";
pub const ADMIN_LOGS: &str = "/admin/logs";
pub const ADMIN_USAGE: &str = "/admin/usage";
pub const ADMIN_ALERTS: &str = "/admin/alerts";
pub const ADMIN_ACCOUNTS: &str = "/admin/accounts";
pub const ADMIN_CREDENTIALS: &str = "/admin/credentials";
pub const ADMIN_BLOCKS: &str = "/admin/blocks";
pub const ADMIN_LOCKOUTS: &str = "/admin/lockouts";
pub const ADMIN_OVERVIEW: &str = "/admin/overview";
pub const ADMIN_OUTBOX: &str = "/admin/outbox";
pub const ADMIN_SIGNING_KEYS: &str = "/admin/signing-keys";
pub const ADMIN_APPS: &str = "/admin/apps";
pub const ADMIN_IDENTITY_PROVIDERS: &str = "/admin/identity-providers";
pub const ADMIN_APIS: &str = "/admin/apis";
pub const ADMIN_NEW_API: &str = "/admin/apis/new";
pub const GATEWAY_GUIDE: &str = "/docs/gateway";
pub const ADMIN_NEW_IDENTITY_PROVIDER: &str = "/admin/identity-providers/new";

pub fn api(slug: &ApiSlug) -> String {
    format!("{ADMIN_APIS}/{slug}")
}

pub fn identity_provider(id: IdentityProviderId) -> String {
    format!("{ADMIN_IDENTITY_PROVIDERS}/{id}")
}

pub fn guide(name: &str) -> String {
    format!("/docs/{name}")
}

pub fn keys(application: ApplicationId, environment: Environment) -> String {
    format!("/apps/{application}/{environment}/keys")
}

/// The list of keys, where it goes on.
pub fn keys_after(application: ApplicationId, environment: Environment, after: AfterKey) -> String {
    let ended = if after.ended { "&ended=yes" } else { "" };
    format!("{}?after={}{ended}", keys(application, environment), after.id)
}

pub fn new_key(application: ApplicationId, environment: Environment) -> String {
    format!("/apps/{application}/{environment}/keys/new")
}

/// The form for a new key with the settings of another.
pub fn clone_key(application: ApplicationId, environment: Environment, key: ApiKeyId) -> String {
    format!("/apps/{application}/{environment}/keys/new?from={key}")
}

/// The form for a new token with the settings of another.
pub fn clone_token(key: ApiKeyId) -> String {
    format!("{NEW_TOKEN}?from={key}")
}

pub fn key(application: ApplicationId, environment: Environment, key: ApiKeyId) -> String {
    format!("/apps/{application}/{environment}/keys/{key}")
}

pub fn token(key: ApiKeyId) -> String {
    format!("/account/tokens/{key}")
}

/// Below the page of a key or a token.
pub fn rotate(key: &str) -> String {
    format!("{key}/rotate")
}

/// Below the page of a key or a token.
pub fn revoke(key: &str) -> String {
    format!("{key}/revoke")
}

/// Below the page of a key or a token that another takes over from.
pub fn end_key(key: &str) -> String {
    format!("{key}/end")
}

/// Where an admin revokes a key or a token, whoever owns it.
pub fn revoke_credential(key: ApiKeyId) -> String {
    format!("{ADMIN_CREDENTIALS}/{key}/revoke")
}

/// The clients of one kind.
pub fn clients(kind: ClientKind, application: ApplicationId, environment: Environment) -> String {
    let part = match kind {
        ClientKind::ThirdParty => "clients",
        ClientKind::ServiceAccount => "service-accounts",
    };
    format!("/apps/{application}/{environment}/{part}")
}

pub fn new_client(kind: ClientKind, application: ApplicationId, environment: Environment) -> String {
    format!("{}/new", clients(kind, application, environment))
}

pub fn client(kind: ClientKind, application: ApplicationId, environment: Environment, id: OauthClientId) -> String {
    format!("{}/{id}", clients(kind, application, environment))
}

/// The picture of a client.
pub fn logo(client: &ClientId, digest: &LogoDigest) -> String {
    // Unreserved (RFC 3986 section 2.3); a client that is known by an address has slashes in its id.
    const KEPT: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let client = percent_encoding::utf8_percent_encode(client.as_str(), &KEPT);
    format!("/logos/{client}/{digest}.png")
}

pub fn settings(application: ApplicationId, environment: Environment) -> String {
    format!("/apps/{application}/{environment}/settings")
}

pub fn usage(application: ApplicationId, environment: Environment) -> String {
    format!("/apps/{application}/{environment}/usage")
}

/// The usage of all environments of an application together.
pub fn application_usage(application: ApplicationId) -> String {
    format!("/apps/{application}/usage")
}

/// The usage of one key.
pub fn key_usage(application: ApplicationId, environment: Environment, key: ApiKeyId) -> String {
    format!("{}?key={key}", usage(application, environment))
}

/// The usage of one client.
pub fn client_usage(application: ApplicationId, environment: Environment, client: OauthClientId) -> String {
    format!("{}?client={client}", usage(application, environment))
}

pub fn logs(application: ApplicationId, environment: Environment) -> String {
    format!("/apps/{application}/{environment}/logs")
}

/// The log of all environments of an application together.
pub fn application_logs(application: ApplicationId) -> String {
    format!("/apps/{application}/logs")
}

/// The log of one key.
pub fn key_logs(application: ApplicationId, environment: Environment, key: ApiKeyId) -> String {
    format!("/apps/{application}/{environment}/logs?key={key}")
}

/// The log of any credential, by its bare id.
pub fn credential_logs(application: ApplicationId, environment: Environment, credential: Uuid) -> String {
    format!("/apps/{application}/{environment}/logs?key={credential}")
}

/// The form that keeps a network out.
pub fn new_block(network: &str) -> String {
    let network = percent_encoding::utf8_percent_encode(network, percent_encoding::NON_ALPHANUMERIC);
    format!("{ADMIN_BLOCKS}?network={network}")
}

/// An account, for admins.
pub fn account(id: AccountId) -> String {
    format!("{ADMIN_ACCOUNTS}/{id}")
}

/// The accounts that are older than one.
pub fn more_accounts(text: &str, role: &str, state: &str, before: AccountId) -> String {
    let [text, role, state] =
        [text, role, state].map(|word| percent_encoding::utf8_percent_encode(word, percent_encoding::NON_ALPHANUMERIC));
    format!("{ADMIN_ACCOUNTS}?text={text}&role={role}&state={state}&before={before}")
}

/// Credentials that are found by a text, for admins.
pub fn found_credentials(text: &str) -> String {
    if text.is_empty() {
        return ADMIN_CREDENTIALS.to_owned();
    }
    let text = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    format!("{ADMIN_CREDENTIALS}?q={text}")
}

pub fn request(id: RequestId) -> String {
    format!("/logs/{id}")
}

/// The alerts of a team, or of the portal.
pub fn alerts(of: AlertsOf) -> String {
    match of {
        AlertsOf::Team(team) => format!("{TEAMS}/{team}/alerts"),
        AlertsOf::Portal => ADMIN_ALERTS.to_owned(),
    }
}

/// The form of one of their rules.
pub fn alert_rule(of: AlertsOf, kind: AlertKind) -> String {
    format!("{}/rules/{kind}", alerts(of))
}

/// The form that adds a webhook to them.
pub fn new_webhook(of: AlertsOf) -> String {
    format!("{}/webhooks/new", alerts(of))
}

/// One of their webhooks.
pub fn webhook(of: AlertsOf, id: WebhookId) -> String {
    format!("{}/webhooks/{id}", alerts(of))
}

/// A query of these pairs, but for those without a value.
pub fn query<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.extend([name, "="]);
        query.extend(percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC));
    }
    query
}

/// The audit log of a team.
pub fn team_audit(id: TeamId) -> String {
    format!("{TEAMS}/{id}/audit")
}

/// The page of a team.
pub fn team(id: TeamId) -> String {
    format!("{TEAMS}/{id}")
}

/// Where the link of an invitation leads.
pub fn invitation(token: &str) -> String {
    format!("/invitation?token={token}")
}

/// Where a passkey signs its person in, and leads on to a path.
pub fn passkey_sign_in(next: &str) -> String {
    if next.is_empty() {
        return PASSKEY_SIGN_IN.to_owned();
    }
    let next = percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC);
    format!("{PASSKEY_SIGN_IN}?next={next}")
}

/// Where the link in a mail to somebody who signs up leads.
pub fn finish_sign_up(token: &str) -> String {
    format!("/signup/confirm?token={token}")
}

pub fn reset(token: &str) -> String {
    format!("/reset?token={token}")
}

pub fn verify_email(token: &str) -> String {
    format!("/verify-email?token={token}")
}

/// The sign-in page that leads back to a path.
pub fn sign_in_then(path: &str) -> String {
    let path = percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
    format!("{SIGN_IN}?next={path}")
}

/// The same for somebody who is known: who must sign in though somebody is signed in already, and who it probably is.
pub fn sign_in_as(path: &str, again: bool, email: Option<&str>) -> String {
    let mut url = sign_in_then(path);
    if again {
        url.push_str("&again=yes");
    }
    if let Some(email) = email {
        url.push_str("&email=");
        url.extend(percent_encoding::utf8_percent_encode(email, percent_encoding::NON_ALPHANUMERIC));
    }
    url
}

/// A path of this portal that somebody sent us: anything else becomes `otherwise`. Never another origin.
pub fn local(path: &str, otherwise: &str) -> String {
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 8_192
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain { path.to_owned() } else { otherwise.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t06_only_paths_of_this_portal_are_led_back_to() {
        for fine in ["/apps", "/logs/x?status=401&reason=expired", "/"] {
            assert_eq!(local(fine, "/dashboard"), fine);
        }
        for bad in [
            "",
            "apps",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/a\r\nLocation: https://evil.test",
            "/a b",
            "/\u{2028}",
        ] {
            assert_eq!(local(bad, "/dashboard"), "/dashboard", "{bad:?}");
        }
    }
}
