//! What stands before every page and form: it finds out who is asking, and turns away forms that this portal did not make.

use super::{session_store::BEGAN, upload};
use crate::{connection::Arrival, routes::BODY_LIMIT, state::AppState};
use app::{
    feature::{
        account::{SetTheme, SignIn, SignOut},
        second_factor::{AddPasskey, ConfirmTotp, PasskeySignIn, VerifyCode, VerifyPasskey},
    },
    route,
    ssr::{
        Theme,
        flash::Flash,
        form::{FormPage, FormToken, field},
        respond::find_cookie,
        session::{ACCOUNT, ADDRESS, METHOD, PASSWORD_VERSION, PeerAddress, SEEN, digest_of},
    },
};
use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use latchkey_core::{Actor, port::StoreError, random::base62, secret::digests_equal};
use latchkey_model::AccountId;
use leptos::server_fn::ServerFn;
use std::net::IpAddr;
use time::OffsetDateTime;
use tower_sessions::Session;

/// What a server function says when it could not read its arguments.
const SERVER_FN_ERROR: HeaderName = HeaderName::from_static("serverfnerror");
const SEED_LENGTH: usize = 32;
/// Fields whose content is never kept for a second try.
const SECRET_FIELDS: [&str; 9] = [
    "password",
    "current_password",
    "code",
    "answer",
    "token",
    "client_secret",
    "credential",
    upload::FILE,
    field::TOKEN,
];

/// Why a form is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forged {
    /// It comes from a page of another origin, or the browser does not say from where.
    Origin,
    /// It is not encoded as forms are.
    ContentType,
}

/// Guards every page and form.
pub async fn guard(State(state): State<AppState>, session: Session, mut request: Request, next: Next) -> Response {
    let seed_cookie = seed_cookie_name(&state);
    let known_seed = form_seed(&state, request.headers()).map(str::to_owned);
    let seed = known_seed.clone().unwrap_or_else(|| base62(state.services.ports.random(), SEED_LENGTH));
    let token = token_of(&state, &seed);

    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        if let Err(forged) = from_this_portal(&request, &state) {
            tracing::warn!(?forged, http.path = request.uri().path(), "a form was turned away");
            return refused(forged);
        }
        request = match with_checked_body(&state, &session, request, known_seed.as_deref()).await {
            Ok(request) => request,
            Err(response) => return response,
        };
    }

    let address = Arrival::of(&state.config, &request).address();
    let actor = match find_actor(&state, &session, address).await {
        Ok(actor) => actor,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "who is asking cannot be found out");
            return unavailable();
        }
    };
    match must_set_up_factor(&state, &actor, request.uri().path()).await {
        Ok(false) => {}
        Ok(true) => return see_other(HeaderValue::from_static(route::SECURITY)),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "what is asked of an account cannot be found out"
            );
            return unavailable();
        }
    }
    if matches!(actor, Actor::Account { .. })
        && let Err(error) = note_visit(&state, &session, address).await
    {
        tracing::warn!(%error, "a visit could not be noted");
    }
    let theme = find_cookie(request.headers(), Theme::COOKIE).map(Theme::from_word).unwrap_or_default();
    let extensions = request.extensions_mut();
    extensions.insert(actor);
    extensions.insert(PeerAddress(address));
    extensions.insert(theme);
    extensions.insert(FormToken(URL_SAFE_NO_PAD.encode(token)));

    let back = request.headers().get(header::REFERER).cloned();
    let mut response = next.run(request).await;
    // Fields of a kind that the form does not have: it was never filled in on a page of ours.
    if response.headers().contains_key(SERVER_FN_ERROR) {
        Flash::bad("This form could not be read. Fill it in again.").put(&session).await;
        response = see_other(back.unwrap_or(HeaderValue::from_static(route::HOME)));
    }
    if known_seed.is_none() {
        set_seed(&state, response.headers_mut(), seed_cookie, &seed);
    }
    response
}

/// Whether somebody must set up a second factor before they do this. They can do that, sign in once more for it, and leave.
async fn must_set_up_factor(state: &AppState, actor: &Actor, path: &str) -> Result<bool, StoreError> {
    /// Pages, with those below them.
    const PAGES: [&str; 4] = [route::SECURITY, route::SIGN_IN, route::SECOND_FACTOR, route::DOCS];
    let forms = [
        ConfirmTotp::PATH,
        AddPasskey::PATH,
        SignIn::PATH,
        PasskeySignIn::PATH,
        VerifyCode::PATH,
        VerifyPasskey::PATH,
        SignOut::PATH,
        SetTheme::PATH,
    ];
    let is_open = forms.contains(&path) || PAGES.iter().any(|page| is_below(page, path));
    match actor {
        Actor::Account { account, .. } if !is_open => state.services.second_factors.is_missing(account).await,
        Actor::Account { .. } | Actor::Anonymous => Ok(false),
    }
}

/// Whether a path is this page's, or that of a page below it.
fn is_below(page: &str, path: &str) -> bool {
    path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What the browser keeps beside its session, from which its forms' token is made.
pub(super) fn form_seed<'a>(state: &AppState, headers: &'a HeaderMap) -> Option<&'a str> {
    find_cookie(headers, seed_cookie_name(state))
        .filter(|seed| seed.len() == SEED_LENGTH && seed.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether this is the token of the forms of whoever has this seed.
pub(super) fn proves_form(state: &AppState, seed: &str, token: &str) -> bool {
    let sent: Option<[u8; 32]> = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| bytes.try_into().ok());
    sent.is_some_and(|sent| digests_equal(&sent, &token_of(state, seed)))
}

fn seed_cookie_name(state: &AppState) -> &'static str {
    if state.config.secure_cookies() { "__Host-latchkey_form" } else { "latchkey_form" }
}

fn set_seed(state: &AppState, headers: &mut HeaderMap, name: &str, seed: &str) {
    let secure = if state.config.secure_cookies() { "; Secure" } else { "" };
    let cookie = format!("{name}={seed}; Path=/; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.append(header::SET_COOKIE, value);
    }
}

fn token_of(state: &AppState, seed: &str) -> [u8; 32] {
    state.form_key.digest(seed.as_bytes())
}

/// Whether the browser says that the request is of a page of this portal: by `Origin`, or where it sends none, by `Sec-Fetch-Site`.
pub(super) fn is_own_origin(headers: &HeaderMap, state: &AppState) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("null"));
    let site = text("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    match text("origin") {
        Some(origin) => state.config.origins().iter().any(|ours| ours == origin),
        None => site == Some("same-origin"),
    }
}

/// The browser must say that the form is on a page of ours, and send it as forms are sent.
fn from_this_portal(request: &Request, state: &AppState) -> Result<(), Forged> {
    if !is_own_origin(request.headers(), state) {
        return Err(Forged::Origin);
    }
    let text = |name| request.headers().get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("null"));
    let content_type = text("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let urlencoded = essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let with_file = || upload::takes_a_file(request.uri().path()) && upload::boundary(request.headers()).is_some();
    if urlencoded || with_file() { Ok(()) } else { Err(Forged::ContentType) }
}

fn refused(forged: Forged) -> Response {
    match forged {
        Forged::Origin => {
            (StatusCode::FORBIDDEN, "This form was not sent from a page of this portal.\n").into_response()
        }
        Forged::ContentType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the form as a form.\n").into_response(),
    }
}

fn see_other(location: HeaderValue) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// The session layer answers an empty 500 when a session cannot be kept: this says so instead, and when to try again. What the
/// form did before stays done.
pub async fn explain_session_failure(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR || response.body().size_hint().exact() != Some(0) {
        return response;
    }
    let text = "Temporarily unavailable: your session could not be kept. Sign in again in a moment.\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], text).into_response()
}

fn unavailable() -> Response {
    let text = "Temporarily unavailable. Nothing was changed; try again in a moment.\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], text).into_response()
}

/// Reads the form, checks its token, and passes it on. A form whose token has expired goes back to its page, with what was
/// typed.
async fn with_checked_body(
    state: &AppState,
    session: &Session,
    request: Request,
    seed: Option<&str>,
) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let boundary = upload::boundary(&parts.headers);
    let limit = if boundary.is_some() { upload::LIMIT } else { BODY_LIMIT };
    let Ok(mut bytes) = to_bytes(body, limit).await else {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "This form is too large.\n").into_response());
    };
    let fields: Vec<(String, String)> = match boundary {
        None => url::form_urlencoded::parse(&bytes).into_owned().collect(),
        Some(boundary) => {
            let Some(fields) = upload::fields(boundary, bytes).await else { return Err(refused(Forged::ContentType)) };
            bytes = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish().into();
            let urlencoded = HeaderValue::from_static("application/x-www-form-urlencoded");
            parts.headers.insert(header::CONTENT_TYPE, urlencoded);
            parts.headers.remove(header::CONTENT_LENGTH);
            fields
        }
    };
    let value = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let back = route::local(value(field::BACK).unwrap_or_default(), route::HOME);
    let sent = value(field::TOKEN).unwrap_or_default();
    if !seed.is_some_and(|seed| proves_form(state, seed, sent)) {
        tracing::info!(http.path = parts.uri.path(), "a form had expired");
        return Err(back_with_input(state, session, &fields, &back).await);
    }
    // What cannot be read as the form's own fields is led back to its page, and never to wherever `Referer` says.
    parts.headers.remove(header::REFERER);
    parts.extensions.insert(FormPage(back.clone()));
    if let Ok(value) = HeaderValue::try_from(back) {
        parts.headers.insert(header::REFERER, value);
    }
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

async fn back_with_input(state: &AppState, session: &Session, fields: &[(String, String)], back: &str) -> Response {
    let flash = Flash::bad("This form had expired. What you typed is still here; send it again.");
    let flash = fields
        .iter()
        .filter(|(name, _)| !SECRET_FIELDS.contains(&name.as_str()) && name != field::BACK)
        .take(16)
        .fold(flash, |flash, (name, value)| flash.keep(name, value));
    flash.put(session).await;
    let mut response = see_other(HeaderValue::try_from(back).unwrap_or(HeaderValue::from_static(route::HOME)));
    let seed = base62(state.services.ports.random(), SEED_LENGTH);
    set_seed(state, response.headers_mut(), seed_cookie_name(state), &seed);
    response
}

/// Keeps a session alive while somebody uses it: noted now and then, not on every request, since each note is a write.
async fn note_visit(state: &AppState, session: &Session, from: IpAddr) -> Result<(), tower_sessions::session::Error> {
    const EVERY_SECONDS: i64 = 300;
    let now = state.services.ports.now().unix_timestamp();
    if session.get::<i64>(SEEN).await?.is_some_and(|seen| now - seen < EVERY_SECONDS) {
        return Ok(());
    }
    session.insert(SEEN, now).await?;
    session.insert(ADDRESS, from.to_string()).await
}

/// The account of the session, looked up anew for each request: what changed about it is in force at once.
async fn find_actor(state: &AppState, session: &Session, from: IpAddr) -> Result<Actor, StoreError> {
    let failed = |error: tower_sessions::session::Error| StoreError::Unavailable(Box::new(error));
    let Some(id) = session.get::<AccountId>(ACCOUNT).await.map_err(failed)? else { return Ok(Actor::Anonymous) };
    let Some(session_id) = session.id() else { return Ok(Actor::Anonymous) };
    let account = state.services.accounts.account(id).await?;
    let version = session.get::<i64>(PASSWORD_VERSION).await.map_err(failed)?.unwrap_or_default();
    let method = session.get::<String>(METHOD).await.map_err(failed)?;
    let signed_in_by = method.and_then(|word| word.parse().ok()).unwrap_or_default();
    // What was changed meanwhile counts for every session of before, also for one that was being made just then.
    let account = account.filter(|account| account.is_open_to(version, signed_in_by));
    // A session begins when its person signs in: its id is a new one then.
    let began = session.get::<i64>(BEGAN).await.map_err(failed)?.unwrap_or_default();
    let signed_in_at = OffsetDateTime::from_unix_timestamp(began).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let session = digest_of(session_id);
    Ok(account.map_or(Actor::Anonymous, |account| Actor::Account {
        account,
        session,
        signed_in_at,
        signed_in_by,
        from,
    }))
}
