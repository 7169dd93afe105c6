//! Requests that the app makes, and what it shows of them.

use http::{Request, Response};
use std::{
    fmt::Write,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

/// A request and its answer, as they are shown.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) title: &'static str,
    pub(super) request: String,
    pub(super) response: String,
}

/// What was said for one visitor, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges(Arc<Mutex<Vec<Exchange>>>);

impl Exchanges {
    const KEPT: usize = 30;

    pub(super) fn all(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, exchange: Exchange) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == Self::KEPT {
            all.remove(0);
        }
        all.push(exchange);
    }
}

type Asking = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, reqwest::Error>> + Send>>;

/// Makes requests, and notes what was said.
#[derive(Clone)]
pub(super) struct Speaker(reqwest::Client);

impl Speaker {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self(client)
    }

    /// What the library makes its requests with.
    pub(super) fn client(&self, noted: &Exchanges, title: &'static str) -> impl Fn(Request<Vec<u8>>) -> Asking + use<> {
        let (speaker, noted) = (self.clone(), noted.clone());
        move |request| {
            let (speaker, noted) = (speaker.clone(), noted.clone());
            Box::pin(async move { speaker.ask(&noted, title, request).await })
        }
    }

    /// Makes one request.
    pub(super) async fn ask(
        &self,
        noted: &Exchanges,
        title: &'static str,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, reqwest::Error> {
        let mut shown = format!("{} {}\n", request.method(), shortened(&request.uri().to_string()));
        for (name, value) in request.headers() {
            let _ = writeln!(shown, "{name}: {}", shortened(&String::from_utf8_lossy(value.as_bytes())));
        }
        if !request.body().is_empty() {
            let _ = write!(shown, "\n{}", shortened(&String::from_utf8_lossy(request.body())));
        }
        let answer = self.0.execute(request.try_into()?).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?.to_vec();
        let mut response = format!("{status}\n");
        for name in ["content-type", "www-authenticate", "x-request-id"] {
            if let Some(value) = headers.get(name) {
                let _ = writeln!(response, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
        }
        let _ = write!(response, "\n{}", shortened(&String::from_utf8_lossy(&body)));
        noted.add(Exchange { title, request: shown, response });
        let mut whole = Response::new(body);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }
}

/// The text with everything that may be a secret shortened: what is long and has no spaces.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 36;
    const SHOWN: usize = 12;
    let secret =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '+' | '=');
    let mut out = String::new();
    let mut run = String::new();
    for character in text.chars().chain(['\n']) {
        if secret(character) {
            run.push(character);
            continue;
        }
        // A parameter's name is no part of its value.
        let (name, value) = run.rsplit_once('=').filter(|(_, value)| !value.is_empty()).unwrap_or(("", &run));
        if !name.is_empty() {
            out.push_str(name);
            out.push('=');
        }
        match value.char_indices().nth(SHOWN) {
            Some((end, _)) if value.chars().count() > LONGEST => out.extend([&value[..end], "…"]),
            _ => out.push_str(value),
        }
        run.clear();
        out.push(character);
    }
    out.pop();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_by_their_beginning_alone() {
        let secret = "x".repeat(43);
        let text = format!(
            "grant_type=authorization_code&code={secret}&redirect_uri=http://127.0.0.1/cb\nauthorization: Bearer {secret}"
        );
        let shown = shortened(&text);
        assert!(
            !shown.contains(&secret) && shown.contains("code=xxxxxxxxxxxx…&redirect_uri=http://127.0.0.1/cb"),
            "{shown}"
        );
        assert_eq!(shortened("{\"scope\":\"read:posts\"}"), "{\"scope\":\"read:posts\"}");
    }
}
