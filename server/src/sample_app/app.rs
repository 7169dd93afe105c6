//! The app: its pages, and what it asks of the server.

use super::{
    Metadata, SCOPES,
    exchange::{Exchanges, Speaker},
    page,
};
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header};
use latchkey_core::random::{SystemRandom, base62};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenResponse, TokenUrl,
    basic::{BasicClient, BasicTokenResponse},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;

/// The app's own name towards the server.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<String>,
}

type Oauth = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// What the app keeps for one visitor.
#[derive(Clone, Default)]
pub(super) struct Visitor {
    /// Between the question and the answer: what comes back, and what proves that the app asked.
    pub(super) asked: Option<(String, String)>,
    pub(super) access: Option<String>,
    pub(super) refresh: Option<String>,
    pub(super) name: Option<String>,
    pub(super) message: Option<String>,
    pub(super) posts: Vec<(String, String)>,
    pub(super) exchanges: Exchanges,
}

impl Visitor {
    pub(super) fn is_signed_in(&self) -> bool {
        self.access.is_some()
    }

    fn take(&mut self, tokens: &BasicTokenResponse) {
        self.access = Some(tokens.access_token().secret().clone());
        self.refresh = tokens.refresh_token().map(|token| token.secret().clone());
    }

    pub(super) fn can_refresh(&self) -> bool {
        self.refresh.is_some()
    }
}

/// The app. Cloning it clones a handle.
#[derive(Clone)]
pub(super) struct App(Arc<Parts>);

struct Parts {
    speaker: Speaker,
    metadata: Metadata,
    client: Client,
    redirect: String,
    posts: String,
    visitors: Mutex<HashMap<String, Visitor>>,
}

/// Why something that the app asked for did not come.
struct Refused(String);

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        Self(format!("{error}{cause}"))
    }
}

#[derive(Deserialize)]
struct Callback {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct NewPost {
    title: String,
}

const COOKIE: &str = "sample_app";

impl App {
    pub(super) fn new(speaker: Speaker, metadata: Metadata, client: Client, redirect: String, server: &Url) -> Self {
        let posts = format!("{}/api/v1/posts", server.as_str().trim_end_matches('/'));
        Self(Arc::new(Parts { speaker, metadata, client, redirect, posts, visitors: Mutex::default() }))
    }

    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(home))
            .route("/callback", get(callback))
            .route("/sign-in", post(sign_in))
            .route("/posts", post(write_post))
            .route("/read", post(read_posts))
            .route("/refresh", post(refresh))
            .route("/revoke", post(revoke))
            .with_state(self)
    }

    fn oauth(&self) -> Result<Oauth, Refused> {
        let parts = &*self.0;
        let mut client = BasicClient::new(ClientId::new(parts.client.id.clone()));
        if let Some(secret) = &parts.client.secret {
            client = client.set_client_secret(ClientSecret::new(secret.clone()));
        }
        Ok(client
            .set_auth_uri(AuthUrl::new(parts.metadata.authorization_endpoint.clone())?)
            .set_token_uri(TokenUrl::new(parts.metadata.token_endpoint.clone())?)
            .set_redirect_uri(RedirectUrl::new(parts.redirect.clone())?))
    }

    /// The visitor that a request comes from, by the cookie of their browser.
    fn visitor(&self, headers: &HeaderMap) -> (String, Visitor) {
        let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let id = cookies.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
        let visitors = self.0.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        match id.and_then(|id| Some((id.to_owned(), visitors.get(id)?.clone()))) {
            Some(known) => known,
            None => (base62(&SystemRandom, 32), Visitor::default()),
        }
    }

    /// Keeps the visitor, and leads their browser on.
    fn lead_on(&self, id: &str, visitor: Visitor, to: &str) -> Response {
        self.keep(id, visitor);
        let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax");
        (StatusCode::SEE_OTHER, [(header::LOCATION, to.to_owned()), (header::SET_COOKIE, cookie)]).into_response()
    }

    fn keep(&self, id: &str, visitor: Visitor) {
        /// It is a sample: a restart forgets everybody, and so does a crowd.
        const MOST: usize = 1_000;
        let mut visitors = self.0.visitors.lock().unwrap_or_else(PoisonError::into_inner);
        if visitors.len() >= MOST {
            visitors.clear();
        }
        visitors.insert(id.to_owned(), visitor);
    }

    /// Calls an API with the visitor's token.
    async fn call(
        &self,
        visitor: &Visitor,
        title: &'static str,
        method: &str,
        url: &str,
        body: Option<Value>,
    ) -> Result<Value, Refused> {
        let access = visitor.access.as_deref().ok_or_else(|| Refused("nobody is signed in".to_owned()))?;
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header(header::AUTHORIZATION, format!("Bearer {access}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map(|body| body.to_string().into_bytes()).unwrap_or_default())?;
        let answer = self.0.speaker.ask(&visitor.exchanges, title, request).await?;
        if !answer.status().is_success() {
            return Err(Refused(format!("The API answered {}. See below what was said.", answer.status())));
        }
        Ok(serde_json::from_slice(answer.body())?)
    }

    async fn load_posts(&self, visitor: &mut Visitor) -> Result<(), Refused> {
        let page = self.call(visitor, "Read the posts", "GET", &self.0.posts, None).await?;
        let text = |post: &Value, member: &str| post[member].as_str().unwrap_or_default().to_owned();
        let posts = page["posts"].as_array().cloned().unwrap_or_default();
        visitor.posts = posts.iter().map(|post| (text(post, "title"), text(post, "created_at"))).collect();
        Ok(())
    }

    /// Sends the person to the server, with a fresh challenge and state.
    fn begin(&self, visitor: &mut Visitor) -> Result<String, Refused> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let oauth = self.oauth()?;
        let mut asked = oauth.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge);
        for scope in SCOPES {
            asked = asked.add_scope(Scope::new(scope.to_owned()));
        }
        let (url, state) = asked.url();
        visitor.asked = Some((state.into_secret(), verifier.into_secret()));
        Ok(url.into())
    }

    /// Takes the answer: only to a question that this browser asked, and from the server that it asked (RFC 9207 section 2.4).
    async fn finish(&self, visitor: &mut Visitor, back: Callback) -> Result<(), Refused> {
        let (state, verifier) = visitor.asked.take().ok_or_else(|| Refused("Nothing was asked.".to_owned()))?;
        if back.state.as_deref() != Some(&state) || back.iss.as_deref() != Some(&self.0.metadata.issuer) {
            return Err(Refused("This answer is to another question, or from another server.".to_owned()));
        }
        if let Some(error) = back.error {
            return Err(Refused(format!("{error}: {}", back.error_description.unwrap_or_default())));
        }
        let code = back.code.ok_or_else(|| Refused("There is no code.".to_owned()))?;
        let http = self.0.speaker.client(&visitor.exchanges, "Redeem the code");
        let tokens = self
            .oauth()?
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .request_async(&http)
            .await?;
        visitor.take(&tokens);
        let who = self.call(visitor, "Who signed in?", "GET", &self.0.metadata.userinfo_endpoint.clone(), None).await;
        visitor.name = who.ok().and_then(|who| who["name"].as_str().map(str::to_owned));
        self.load_posts(visitor).await
    }

    async fn renew(&self, visitor: &mut Visitor) -> Result<(), Refused> {
        let refresh = visitor.refresh.clone().ok_or_else(|| Refused("There is no refresh token.".to_owned()))?;
        let http = self.0.speaker.client(&visitor.exchanges, "Refresh");
        let tokens = self.oauth()?.exchange_refresh_token(&RefreshToken::new(refresh)).request_async(&http).await?;
        visitor.take(&tokens);
        Ok(())
    }

    /// Ends what the app has, itself (RFC 7009). The library would do so by TLS alone, and a sample runs on one machine.
    async fn give_back(&self, visitor: &mut Visitor) -> Result<(), Refused> {
        let token = visitor.refresh.as_deref().or(visitor.access.as_deref());
        let token = token.ok_or_else(|| Refused("There is nothing to give back.".to_owned()))?;
        let mut pairs = vec![("token", token)];
        let mut request = http::Request::post(&self.0.metadata.revocation_endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &self.0.client.secret {
            Some(secret) => {
                let name = STANDARD.encode(format!("{}:{secret}", self.0.client.id));
                request = request.header(header::AUTHORIZATION, format!("Basic {name}"));
            }
            None => pairs.push(("client_id", &self.0.client.id)),
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = request.body(body.into_bytes())?;
        let answer = self.0.speaker.ask(&visitor.exchanges, "Give the tokens back", request).await?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(Refused(format!("The server answered {}.", answer.status())))
        }
    }
}

async fn home(State(app): State<App>, headers: HeaderMap) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    let message = visitor.message.take();
    let shown = page::draw(&visitor, message.as_deref(), &app.0.metadata.issuer);
    app.keep(&id, visitor);
    let cookie = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax");
    let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' http: https:; base-uri 'none'; frame-ancestors 'none'";
    ([(header::SET_COOKIE, cookie), (header::CONTENT_SECURITY_POLICY, policy.to_owned())], Html(shown)).into_response()
}

async fn sign_in(State(app): State<App>, headers: HeaderMap) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    match app.begin(&mut visitor) {
        Ok(url) => app.lead_on(&id, visitor, &url),
        Err(refused) => told(&app, &id, visitor, Err(refused), ""),
    }
}

async fn callback(State(app): State<App>, headers: HeaderMap, Query(back): Query<Callback>) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    let outcome = app.finish(&mut visitor, back).await;
    told(&app, &id, visitor, outcome, "You are signed in, and the app acts for you.")
}

async fn read_posts(State(app): State<App>, headers: HeaderMap) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    let outcome = app.load_posts(&mut visitor).await;
    told(&app, &id, visitor, outcome, "Read again.")
}

async fn write_post(State(app): State<App>, headers: HeaderMap, Form(post): Form<NewPost>) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    let body = json!({"title": post.title, "body": "Written by the sample app."});
    let outcome = match app.call(&visitor, "Write a post", "POST", &app.0.posts.clone(), Some(body)).await {
        Ok(_) => app.load_posts(&mut visitor).await,
        Err(refused) => Err(refused),
    };
    told(&app, &id, visitor, outcome, "Written.")
}

async fn refresh(State(app): State<App>, headers: HeaderMap) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    let outcome = app.renew(&mut visitor).await;
    told(&app, &id, visitor, outcome, "The app has a new token.")
}

async fn revoke(State(app): State<App>, headers: HeaderMap) -> Response {
    let (id, mut visitor) = app.visitor(&headers);
    let outcome = app.give_back(&mut visitor).await;
    told(
        &app,
        &id,
        visitor,
        outcome,
        "The tokens are given back. Read the posts again to see that they are worth nothing.",
    )
}

/// Leads back to the page, which says how it went.
fn told(app: &App, id: &str, mut visitor: Visitor, outcome: Result<(), Refused>, good: &str) -> Response {
    visitor.message = Some(match outcome {
        Ok(()) => good.to_owned(),
        Err(Refused(what)) => what,
    });
    app.lead_on(id, visitor, "/")
}
