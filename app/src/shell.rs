//! The document around every page, and the routes that pages have.

use crate::{
    feature::{
        account, admin, alert, api_key, application, audit, block, design, device, directory, docs, gateway, grant,
        identity_provider, landing, lockout, notice, oauth_client, overview, personal_token, request_log,
        second_factor, session, signing_key, team, usage, webhook,
    },
    page::not_found,
    ssr::{Theme, extension, portal},
};
use http::{HeaderName, HeaderValue};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

/// Says that there are scripts, and in which time zone somebody reads: a name of the tz database, of letters that a cookie may have.
const BEFORE_ALL: &str = "document.documentElement.classList.add('scripts');\
    document.cookie='latchkey_zone='+Intl.DateTimeFormat().resolvedOptions().timeZone+';path=/;max-age=31536000;samesite=lax'\
    +(location.protocol==='https:'?';secure':'')";

/// The document: the right theme from the first byte, scripts and styles under a nonce.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let theme = extension::<Theme>().unwrap_or_default();
    let root = portal().assets_root;
    let style = format!("{root}/pkg/latchkey.css");
    let font = |name: &str| format!("{root}/fonts/{name}.woff2");
    set_content_security_policy("");
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Latchkey is the front desk of an HTTP API: keys for every environment, and a reason for every refusal."/>
                <link rel="icon" href=format!("{root}/favicon.svg") type="image/svg+xml"/>
                <link rel="preload" href=font("inter-latin") r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href=style/>
                <script nonce=use_nonce()>{BEFORE_ALL}</script>
                <AutoReload options=options.clone()/>
                <HydrationScripts options islands=true root/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Lets the forms of this page end at this address, whose origin becomes part of the page's policy (CSP `form-action` holds for the
/// redirect that answers a form, too).
pub fn let_forms_lead_to(address: &str) {
    let scheme_end = address.find(':').map_or(0, |end| end + 1);
    let origin = match address.get(scheme_end..).and_then(|rest| rest.strip_prefix("//")) {
        Some(rest) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            // A policy cannot name an IPv6 address (CSP3 section 2.3.1): its scheme is as near as it gets.
            let host = if host.starts_with('[') { String::new() } else { format!("//{host}") };
            format!(" {}{host}", &address[..scheme_end])
        }
        // An app's own scheme has no host.
        None => format!(" {}", &address[..scheme_end]),
    };
    // Nothing that would end the directive gets in: registered addresses are URLs.
    if origin.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',') || byte == b' ') {
        set_content_security_policy(&origin);
    }
}

/// Scripts run by their nonce alone; forms go to this portal alone, and to the targets that a page names; nobody frames it.
fn set_content_security_policy(form_targets: &str) {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
    let reload = if portal().watch { " ws://127.0.0.1:3001 ws://localhost:3001" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{reload}; form-action 'self'{form_targets}; base-uri 'none'; \
         object-src 'none'; frame-ancestors 'none'"
    );
    if let Ok(value) = HeaderValue::from_str(&policy) {
        response.insert_header(HeaderName::from_static("content-security-policy"), value);
    }
}

/// Every page. All of them are rendered whole before the first byte leaves: the status and the cookies are right.
#[component]
#[expect(clippy::too_many_lines, reason = "the list of pages in one place")]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Latchkey".to_owned() } else { format!("{title} · Latchkey") }/>
        <Router>
            <FlatRoutes fallback=not_found>
                <Route path=path!("/") view=landing::LandingPage ssr=SsrMode::Async/>
                <Route path=path!("/docs") view=docs::DocsPage ssr=SsrMode::Async/>
                <Route path=path!("/docs/:guide") view=docs::GuidePage ssr=SsrMode::Async/>
                <Route path=path!("/signup") view=account::SignUpPage ssr=SsrMode::Async/>
                <Route path=path!("/signup/mail") view=account::SignUpMailPage ssr=SsrMode::Async/>
                <Route path=path!("/signup/confirm") view=account::FinishSignUpPage ssr=SsrMode::Async/>
                <Route path=path!("/forgot") view=account::ForgotPage ssr=SsrMode::Async/>
                <Route path=path!("/reset") view=account::ResetPasswordPage ssr=SsrMode::Async/>
                <Route path=path!("/verify-email") view=account::VerifyEmailPage ssr=SsrMode::Async/>
                <Route path=path!("/login") view=account::SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/login/passkey") view=second_factor::PasskeySignInPage ssr=SsrMode::Async/>
                <Route path=path!("/second-factor") view=second_factor::SecondFactorPage ssr=SsrMode::Async/>
                <Route path=path!("/login/leave") view=identity_provider::LeavePage ssr=SsrMode::Async/>
                <Route path=path!("/login/callback/:provider") view=identity_provider::CallbackPage ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=account::SetupPage ssr=SsrMode::Async/>
                <Route path=path!("/dashboard") view=application::DashboardPage ssr=SsrMode::Async/>
                <Route path=path!("/apps") view=application::ApplicationsPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/new") view=application::NewApplicationPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/keys") view=api_key::KeysPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/keys/new") view=api_key::NewKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/keys/:key") view=api_key::KeyPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/keys/:key/rotate") view=api_key::RotateKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/settings") view=api_key::SettingsPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/keys/:key/revoke") view=api_key::RevokeKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/keys/:key/end") view=api_key::EndKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/clients") view=oauth_client::ClientsPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/clients/new") view=oauth_client::NewClientPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/clients/:client") view=oauth_client::ClientPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/clients/:client/revoke") view=oauth_client::RevokeClientPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/service-accounts") view=oauth_client::ServiceAccountsPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/service-accounts/new") view=oauth_client::NewServiceAccountPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/service-accounts/:client") view=oauth_client::ServiceAccountPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/service-accounts/:client/revoke") view=oauth_client::RevokeServiceAccountPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/usage") view=usage::ApplicationUsagePage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/usage") view=usage::UsagePage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/:environment/logs") view=request_log::LogsPage ssr=SsrMode::Async/>
                <Route path=path!("/logs/:request_id") view=request_log::RequestPage ssr=SsrMode::Async/>
                <Route path=path!("/oauth/authorize") view=grant::ConsentPage ssr=SsrMode::Async/>
                <Route path=path!("/oauth/authorize/form-post") view=grant::FormPostPage ssr=SsrMode::Async/>
                <Route path=path!("/oauth/logout") view=account::SignOutPage ssr=SsrMode::Async/>
                <Route path=path!("/device") view=device::DevicePage ssr=SsrMode::Async/>
                <Route path=path!("/account/authorized-apps") view=grant::AuthorizedAppsPage ssr=SsrMode::Async/>
                <Route path=path!("/account/sign-in-methods") view=identity_provider::SignInMethodsPage ssr=SsrMode::Async/>
                <Route path=path!("/teams") view=team::TeamsPage ssr=SsrMode::Async/>
                <Route path=path!("/teams/:team") view=team::TeamPage ssr=SsrMode::Async/>
                <Route path=path!("/invitation") view=team::InvitationPage ssr=SsrMode::Async/>
                <Route path=path!("/account/profile") view=account::ProfilePage ssr=SsrMode::Async/>
                <Route path=path!("/account/data") view=account::PersonalDataPage ssr=SsrMode::Async/>
                <Route path=path!("/account/activity") view=audit::ActivityPage ssr=SsrMode::Async/>
                <Route path=path!("/teams/:team/alerts") view=alert::TeamAlertsPage ssr=SsrMode::Async/>
                <Route path=path!("/teams/:team/alerts/rules/:kind") view=alert::TeamAlertRulePage ssr=SsrMode::Async/>
                <Route path=path!("/teams/:team/alerts/webhooks/new") view=webhook::TeamNewWebhookPage ssr=SsrMode::Async/>
                <Route path=path!("/teams/:team/alerts/webhooks/:webhook") view=webhook::TeamWebhookPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/alerts") view=alert::AdminAlertsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/alerts/rules/:kind") view=alert::AdminAlertRulePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/alerts/webhooks/new") view=webhook::AdminNewWebhookPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/alerts/webhooks/:webhook") view=webhook::AdminWebhookPage ssr=SsrMode::Async/>
                <Route path=path!("/teams/:team/audit") view=audit::TeamAuditPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/audit") view=audit::AdminAuditPage ssr=SsrMode::Async/>
                <Route path=path!("/account/notices") view=notice::NoticesPage ssr=SsrMode::Async/>
                <Route path=path!("/account/deleted") view=account::AccountDeletedPage ssr=SsrMode::Async/>
                <Route path=path!("/account/data/delete") view=account::DeleteAccountPage ssr=SsrMode::Async/>
                <Route path=path!("/account/security") view=account::SecurityPage ssr=SsrMode::Async/>
                <Route path=path!("/account/security/app") view=second_factor::NewTotpPage ssr=SsrMode::Async/>
                <Route path=path!("/account/security/passkey") view=second_factor::NewPasskeyPage ssr=SsrMode::Async/>
                <Route path=path!("/account/sessions") view=session::SessionsPage ssr=SsrMode::Async/>
                <Route path=path!("/account/tokens") view=personal_token::TokensPage ssr=SsrMode::Async/>
                <Route path=path!("/account/tokens/new") view=personal_token::NewTokenPage ssr=SsrMode::Async/>
                <Route path=path!("/account/tokens/:key") view=api_key::KeyPage ssr=SsrMode::Async/>
                <Route path=path!("/account/tokens/:key/rotate") view=api_key::RotateKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/account/tokens/:key/revoke") view=api_key::RevokeKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/account/tokens/:key/end") view=api_key::EndKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/outbox") view=admin::OutboxPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/settings") view=second_factor::SettingsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/failures") view=request_log::FailuresPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/overview") view=overview::OverviewPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/lockouts") view=lockout::LockoutsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/logs") view=request_log::PortalLogsPage ssr=SsrMode::Async/>
                <Route path=path!("/apps/:app/logs") view=request_log::ApplicationLogsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/blocks") view=block::BlocksPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts") view=directory::AccountsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/accounts/:account") view=directory::AccountPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/credentials") view=directory::CredentialsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/credentials/:key/revoke") view=directory::RevokeCredentialPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/usage") view=usage::PortalUsagePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/signing-keys") view=signing_key::SigningKeysPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/apps") view=oauth_client::VerificationPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/apis") view=gateway::ApisPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/apis/new") view=gateway::NewApiPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/apis/:api") view=gateway::ApiPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/identity-providers") view=identity_provider::IdentityProvidersPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/identity-providers/new") view=identity_provider::NewIdentityProviderPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/identity-providers/:provider") view=identity_provider::IdentityProviderPage ssr=SsrMode::Async/>
                <Route path=path!("/design") view=design::DesignPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}
