//! How a page is made: load what it shows, draw it in its frame, or say in the same frame why not.

use crate::{
    feature::{
        account::{SetTheme, SignOut},
        application::SuspendedBanner,
        notice::banners,
    },
    route,
    ssr::{Theme, actor, extension, flash::Flash, respond},
    ui::{EmptyState, IconName, NavGroup, NavItem, PageHead, PortalFrame, PublicFrame, Viewer},
};
use http::{StatusCode, request::Parts};
use latchkey_core::{
    Actor,
    account::{DeletionError, SessionError},
    actor::NotSignedIn,
    api_key::ApiKeyError,
    application::ApplicationError,
    grant::GrantError,
    mail::OutboxError,
    oauth_client::{ClientKind, OauthClientError},
    port::{StoreError, application::MemberApplication},
    signing_key::{KeyRingError, SigningKeyError},
    usage::log::LogError,
};
use latchkey_model::{AccountRole, Environment};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use std::future::Future;

/// What a page shows.
pub struct Page {
    title: String,
    frame: Frame,
    body: AnyView,
}

enum Frame {
    Public,
    Portal(Option<Box<InView>>),
}

/// The application and environment that a page is about.
#[derive(Clone)]
pub struct InView {
    /// The application.
    pub application: MemberApplication,
    /// Which of its environments.
    pub environment: Environment,
}

impl Page {
    /// A page that anybody may read.
    pub fn public(title: impl Into<String>, body: impl IntoView + 'static) -> Self {
        Self { title: title.into(), frame: Frame::Public, body: body.into_any() }
    }

    /// A page of the portal.
    pub fn portal(title: impl Into<String>, body: impl IntoView + 'static) -> Self {
        Self { title: title.into(), frame: Frame::Portal(None), body: body.into_any() }
    }

    /// A page about an application.
    pub fn application(title: impl Into<String>, in_view: InView, body: impl IntoView + 'static) -> Self {
        Self { title: title.into(), frame: Frame::Portal(Some(Box::new(in_view))), body: body.into_any() }
    }
}

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Somebody must sign in first; it leads to the sign-in page and back.
    #[error("sign in first")]
    NotSignedIn,
    /// No such thing, as far as this account may know.
    #[error("not found")]
    NotFound,
    /// Elsewhere.
    #[error("moved")]
    Redirect(String),
    /// The store failed.
    #[error("the page could not be loaded")]
    Store(#[source] StoreError),
}

impl From<NotSignedIn> for PageError {
    fn from(_: NotSignedIn) -> Self {
        Self::NotSignedIn
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ApplicationError> for PageError {
    fn from(error: ApplicationError) -> Self {
        match error {
            ApplicationError::NotSignedIn(_) => Self::NotSignedIn,
            ApplicationError::NotFound | ApplicationError::Forbidden | ApplicationError::Invalid(_) => Self::NotFound,
            ApplicationError::Store(error) => Self::Store(error),
        }
    }
}

impl From<OauthClientError> for PageError {
    fn from(error: OauthClientError) -> Self {
        match error {
            OauthClientError::NotSignedIn(_) => Self::NotSignedIn,
            OauthClientError::Store(error) => Self::Store(error),
            OauthClientError::Invalid(_)
            | OauthClientError::ProveFirst
            | OauthClientError::SentTwice
            | OauthClientError::Forbidden
            | OauthClientError::NotFound
            | OauthClientError::AlreadyEnded
            | OauthClientError::Changed
            | OauthClientError::TooManySecrets
            | OauthClientError::LastSecret => Self::NotFound,
        }
    }
}

impl From<GrantError> for PageError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::NotSignedIn(_) => Self::NotSignedIn,
            GrantError::NotFound => Self::NotFound,
            GrantError::Store(error) => Self::Store(error),
        }
    }
}

impl From<SigningKeyError> for PageError {
    fn from(error: SigningKeyError) -> Self {
        match error {
            SigningKeyError::NotSignedIn(_) => Self::NotSignedIn,
            SigningKeyError::Forbidden | SigningKeyError::Invalid(_) | SigningKeyError::ProveFirst => Self::NotFound,
            SigningKeyError::Store(error) | SigningKeyError::Ring(KeyRingError::Store(error)) => Self::Store(error),
            SigningKeyError::Ring(error) => Self::Store(StoreError::Internal(Box::new(error))),
        }
    }
}

impl From<ApiKeyError> for PageError {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotSignedIn(_) => Self::NotSignedIn,
            ApiKeyError::NotFound
            | ApiKeyError::Forbidden
            | ApiKeyError::ProveFirst
            | ApiKeyError::Invalid(_)
            | ApiKeyError::SentTwice
            | ApiKeyError::AlreadyRevoked
            | ApiKeyError::BeingRotated
            | ApiKeyError::NotLive
            | ApiKeyError::NotRotating
            | ApiKeyError::TooMany
            | ApiKeyError::TooManyTokens
            | ApiKeyError::ChangedMeanwhile
            | ApiKeyError::NothingToChange => Self::NotFound,
            ApiKeyError::Store(error) => Self::Store(error),
        }
    }
}

impl From<SessionError> for PageError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotSignedIn(_) => Self::NotSignedIn,
            SessionError::NotFound => Self::NotFound,
            SessionError::Store(error) => Self::Store(error),
        }
    }
}

impl From<DeletionError> for PageError {
    fn from(error: DeletionError) -> Self {
        match error {
            DeletionError::NotProven(_) => Self::NotSignedIn,
            DeletionError::Invalid(_) | DeletionError::LastOwner | DeletionError::LastAdmin => Self::NotFound,
            DeletionError::Store(error) => Self::Store(error),
        }
    }
}

impl From<LogError> for PageError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::NotSignedIn(_) => Self::NotSignedIn,
            // That the page exists is no secret; what is on it is.
            LogError::Forbidden | LogError::NotFound => Self::NotFound,
            LogError::Store(error) => Self::Store(error),
        }
    }
}

impl From<OutboxError> for PageError {
    fn from(error: OutboxError) -> Self {
        match error {
            OutboxError::NotSignedIn(_) => Self::NotSignedIn,
            OutboxError::Forbidden => Self::NotFound,
            OutboxError::Store(error) => Self::Store(error),
        }
    }
}

/// Draws a page once it is loaded.
pub fn page<F>(load: F) -> impl IntoView
where
    F: Future<Output = Result<Page, PageError>> + Send + 'static,
{
    Suspend::new(async move {
        match load.await {
            Ok(page) if matches!(page.frame, Frame::Portal(_)) => framed(page, banners().await),
            Ok(page) => framed(page, ().into_any()),
            Err(error) => framed(explained(&error), ().into_any()),
        }
    })
}

/// The page for an address that has none.
pub fn not_found() -> impl IntoView {
    framed(explained(&PageError::NotFound), ().into_any())
}

fn explained(error: &PageError) -> Page {
    let frame = if matches!(actor(), Actor::Account { .. }) { Frame::Portal(None) } else { Frame::Public };
    let (status, title, explanation) = match error {
        PageError::NotSignedIn => {
            respond::see_other(&route::sign_in_then(&here()));
            (StatusCode::SEE_OTHER, "Sign in first", "This page is for people who are signed in.")
        }
        PageError::Redirect(path) => {
            respond::see_other(path);
            (StatusCode::SEE_OTHER, "Elsewhere", "This page has moved.")
        }
        PageError::NotFound => (
            StatusCode::NOT_FOUND,
            "Nothing here",
            "There is no such page, or it belongs to a team that you are not in.",
        ),
        PageError::Store(error) => {
            tracing::error!(error = error as &dyn std::error::Error, "a page could not be loaded");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "Temporarily unavailable",
                "The page could not be loaded just now. Reload it in a moment.",
            )
        }
    };
    respond::set_status(status);
    let body = view! {
        <PageHead title explanation/>
        <EmptyState title="Where to go from here">
            <p><a class="btn" href=route::HOME>"Start page"</a>" "<a class="btn" href=route::DOCS>"Guide"</a></p>
        </EmptyState>
    };
    Page { title: title.to_owned(), frame, body: body.into_any() }
}

fn framed(page: Page, banners: AnyView) -> AnyView {
    let theme = extension::<Theme>().unwrap_or_default();
    let here = here();
    let actor = actor();
    let title = page.title;
    let body = page.body;
    let framed = if let (Frame::Portal(in_view), Actor::Account { account, .. }) = (page.frame, &actor) {
        let viewer = Viewer { name: account.name.as_str().to_owned(), email: account.email.as_str().to_owned() };
        let groups = navigation(in_view.as_deref(), account.role, &here);
        let suspended = in_view.map(|in_view| view! { <SuspendedBanner application=in_view.application/> });
        view! {
            <PortalFrame
                groups
                viewer
                home=route::DASHBOARD
                sign_out_action=SignOut::PATH
                theme
                theme_action=SetTheme::PATH
                here
            >
                {banners}
                {suspended}
                {body}
            </PortalFrame>
        }
        .into_any()
    } else {
        let mut links = vec![("Guide", route::DOCS)];
        match actor {
            Actor::Account { .. } => links.push(("Dashboard", route::DASHBOARD)),
            Actor::Anonymous => links.extend([("Sign in", route::SIGN_IN), ("Create account", route::SIGN_UP)]),
        }
        view! {
            <PublicFrame links home=route::HOME theme theme_action=SetTheme::PATH here>{body}</PublicFrame>
        }
        .into_any()
    };
    view! { <Title text=escaped(&title)/> {framed} }.into_any()
}

/// A title as HTML: it is written into the head as it is, and names that people choose are in it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn navigation(in_view: Option<&InView>, role: AccountRole, here: &str) -> Vec<NavGroup> {
    let item = |label, href: String, icon| {
        let current = here.split('?').next() == Some(href.as_str());
        NavItem { label, href, icon, current }
    };
    let mut groups = vec![NavGroup {
        label: None,
        items: vec![
            item("Dashboard", route::DASHBOARD.to_owned(), IconName::Grid),
            item("Guide", route::DOCS.to_owned(), IconName::Book),
        ],
    }];
    if let Some(InView { application, environment }) = in_view {
        let (id, environment) = (application.application.id, *environment);
        groups.push(NavGroup {
            label: Some(application.application.name.as_str().to_owned()),
            items: vec![
                item("Keys", route::keys(id, environment), IconName::Key),
                item("OAuth clients", route::clients(ClientKind::ThirdParty, id, environment), IconName::Plug),
                item(
                    "Service accounts",
                    route::clients(ClientKind::ServiceAccount, id, environment),
                    IconName::Machine,
                ),
                item("Usage", route::usage(id, environment), IconName::Chart),
                item("Logs", route::logs(id, environment), IconName::List),
                item("Settings", route::settings(id, environment), IconName::Sliders),
            ],
        });
    }
    groups.push(NavGroup {
        label: Some("You".to_owned()),
        items: vec![
            item("Notices", route::NOTICES.to_owned(), IconName::Mail),
            item("Profile", route::PROFILE.to_owned(), IconName::Person),
            item("Teams", route::TEAMS.to_owned(), IconName::People),
            item("Security", route::SECURITY.to_owned(), IconName::Lock),
            item("Tokens", route::TOKENS.to_owned(), IconName::Key),
            item("Authorized apps", route::AUTHORIZED_APPS.to_owned(), IconName::Plug),
            item("Sign-in methods", route::SIGN_IN_METHODS.to_owned(), IconName::Shield),
            item("Your data", route::PERSONAL_DATA.to_owned(), IconName::List),
            item("Sessions", route::SESSIONS.to_owned(), IconName::Monitor),
            item("Activity", route::ACTIVITY.to_owned(), IconName::List),
        ],
    });
    if role == AccountRole::Admin {
        groups.push(NavGroup {
            label: Some("Admin".to_owned()),
            items: vec![
                item("Overview", route::ADMIN_OVERVIEW.to_owned(), IconName::Monitor),
                item("Failures", route::ADMIN_FAILURES.to_owned(), IconName::Shield),
                item("Requests", route::ADMIN_LOGS.to_owned(), IconName::List),
                item("Usage", route::ADMIN_USAGE.to_owned(), IconName::Chart),
                item("Alerts", route::ADMIN_ALERTS.to_owned(), IconName::Mail),
                item("Accounts", route::ADMIN_ACCOUNTS.to_owned(), IconName::People),
                item("Credentials", route::ADMIN_CREDENTIALS.to_owned(), IconName::Key),
                item("Blocks", route::ADMIN_BLOCKS.to_owned(), IconName::Lock),
                item("Lockouts", route::ADMIN_LOCKOUTS.to_owned(), IconName::Lock),
                item("Audit log", route::ADMIN_AUDIT.to_owned(), IconName::List),
                item("Signing keys", route::ADMIN_SIGNING_KEYS.to_owned(), IconName::Pen),
                item("Apps that ask people", route::ADMIN_APPS.to_owned(), IconName::Check),
                item("APIs", route::ADMIN_APIS.to_owned(), IconName::Grid),
                item("Identity providers", route::ADMIN_IDENTITY_PROVIDERS.to_owned(), IconName::Plug),
                item("Settings", route::ADMIN_SETTINGS.to_owned(), IconName::Sliders),
                item("Outbox", route::ADMIN_OUTBOX.to_owned(), IconName::Mail),
            ],
        });
    }
    groups
}

/// The path and query of the page that is being shown.
pub fn here() -> String {
    use_context::<Parts>()
        .and_then(|parts| parts.uri.path_and_query().map(|path| path.as_str().to_owned()))
        .unwrap_or_else(|| route::HOME.to_owned())
}

/// A value of the query string; the first one counts.
pub fn query(name: &str) -> Option<String> {
    let parts = use_context::<Parts>()?;
    let query = parts.uri.query()?;
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (found == name).then(|| {
            let spaced = value.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        })
    })
}

/// A value among the pairs of a query; the first one counts.
pub fn value_in<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// A part of the path; what cannot be read names nothing.
///
/// # Errors
/// [`PageError::NotFound`].
pub fn param<T: std::str::FromStr>(name: &str) -> Result<T, PageError> {
    use_params_map()
        .with_untracked(|params| params.get(name))
        .and_then(|text| text.parse().ok())
        .ok_or(PageError::NotFound)
}

/// Takes the message that the last form left.
pub async fn take_flash() -> Option<Flash> {
    Flash::take(&respond::session()?).await
}
