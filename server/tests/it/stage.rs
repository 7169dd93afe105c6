//! A stage for what happens between a person, an app and this server.

use crate::support::{Answer, Browser, Portal, between};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use latchkey_core::{port::AccountReader, secret::sha256};
use std::collections::BTreeMap;

pub(crate) const REDIRECT: &str = "https://reader.example/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const SCOPES: &[&str] = &["read:posts", "write:posts"];

/// An app of Ada's, and Grace, whom it asks.
pub(crate) struct Stage {
    pub(crate) portal: Portal,
    pub(crate) ada: Browser,
    pub(crate) grace: Browser,
    pub(crate) application: String,
    pub(crate) client_id: String,
    pub(crate) secret: String,
    pub(crate) authorization: Option<String>,
    pub(crate) page: String,
    /// What the app asks for, unless a test says otherwise.
    pub(crate) scopes: Vec<String>,
}

pub(crate) fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(sha256(VERIFIER.as_bytes()))
}

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Stage {
    pub(crate) async fn set(fields: &[(&str, &str)]) -> Self {
        Self::on(Portal::start().await, fields).await
    }

    pub(crate) async fn on(portal: Portal, fields: &[(&str, &str)]) -> Self {
        Self::build(portal, SCOPES, fields).await
    }

    /// With a client that may ask for these scopes.
    pub(crate) async fn with_scopes(scopes: &[&str], fields: &[(&str, &str)]) -> Self {
        Self::build(Portal::start().await, scopes, fields).await
    }

    pub(crate) async fn build(portal: Portal, scopes: &[&str], fields: &[(&str, &str)]) -> Self {
        let mut ada = portal.member("ada@example.org").await;
        let application = ada.application("Bookshelf").await;
        let client = ada.oauth_client(&application, "development", scopes, fields).await;
        let authorization = (!client.secret.is_empty()).then(|| client.basic());
        let grace = portal.member("grace@example.org").await;
        Self {
            portal,
            ada,
            grace,
            application,
            client_id: client.client_id,
            secret: client.secret,
            authorization,
            page: client.page,
            scopes: scopes.iter().map(ToString::to_string).collect(),
        }
    }

    pub(crate) fn parameters(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("response_type", "code".to_owned()),
            ("client_id", self.client_id.clone()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("scope", self.scopes.join(" ")),
            ("state", "a state&with=signs".to_owned()),
            ("code_challenge", challenge()),
            ("code_challenge_method", "S256".to_owned()),
        ])
    }

    pub(crate) fn url(&self, change: impl FnOnce(&mut BTreeMap<&'static str, String>)) -> String {
        let mut parameters = self.parameters();
        change(&mut parameters);
        let pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        format!("/oauth/authorize?{}", encoded(&pairs))
    }

    /// Grace answers the question on a page.
    pub(crate) async fn answer(&mut self, url: &str, ticked: &[&str], answer: &str) -> Answer {
        let page = self.grace.get(url).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let text = page.text();
        let mut fields = Vec::new();
        for part in text.split("<input type=\"hidden\" name=\"").skip(1) {
            let (name, rest) = part.split_once('"').unwrap();
            let value = between(rest, "value=\"", "\"").replace("&amp;", "&");
            if !name.starts_with('_') && name != "theme" {
                fields.push((name.to_owned(), value));
            }
        }
        fields.extend(ticked.iter().map(|scope| ("ticked[]".to_owned(), (*scope).to_owned())));
        fields.push(("answer".to_owned(), answer.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.grace.send(url, "/form/grant/answer", &fields).await
    }

    /// A code that Grace allowed.
    pub(crate) async fn code(&mut self) -> String {
        let scopes = self.scopes.clone();
        let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
        self.code_for(&scopes).await
    }

    /// A code for these scopes, which Grace ticks where she is asked.
    pub(crate) async fn code_for(&mut self, scopes: &[&str]) -> String {
        let url = self.url(|_| ());
        let mut answer = self.grace.get(&url).await;
        if answer.status == StatusCode::OK {
            answer = self.answer(&url, scopes, "allow").await;
        }
        parameter(&answer, "code").unwrap_or_else(|| panic!("no code: {answer:?}"))
    }

    /// The id of Grace's account.
    pub(crate) async fn grace_id(&self) -> String {
        let found = self.portal.store.account_by_email("grace@example.org").await.unwrap();
        found.unwrap().0.id.to_string()
    }

    pub(crate) async fn redeem(&self, pairs: &[(&str, &str)]) -> Answer {
        let mut all = Vec::from(pairs);
        if self.authorization.is_none() {
            all.push(("client_id", &self.client_id));
        }
        self.portal.oauth("/oauth/token", self.authorization.as_deref(), &encoded(&all)).await
    }

    pub(crate) async fn redeem_code(&self, code: &str) -> Answer {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.redeem(&pairs).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.redeem(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    pub(crate) async fn tokens(&mut self) -> Tokens {
        let code = self.code().await;
        Tokens::of(&self.redeem_code(&code).await)
    }

    pub(crate) async fn works(&self, tokens: &Tokens) -> bool {
        self.portal.with_key(&tokens.access, "GET", "/api/v1/whoami", "").await.status == StatusCode::OK
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{answer:?}");
        let text = |member: &str| answer.json()[member].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), id: text("id_token") }
    }
}

/// A parameter of the address that an answer leads to.
pub(crate) fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let url: url::Url = answer.location().parse().unwrap_or_else(|_| panic!("leads nowhere: {answer:?}"));
    let found: Vec<_> =
        url.query_pairs().filter(|(found, _)| found == name).map(|(_, value)| value.into_owned()).collect();
    assert!(found.len() <= 1, "{name} is there twice: {answer:?}");
    found.into_iter().next()
}

/// The error word, and that nobody keeps the answer.
pub(crate) fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), "no-store", "rfc6749_5_1: {answer:?}");
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {answer:?}")).to_owned()
}
