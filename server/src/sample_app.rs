//! `latchkey sample-app`: somebody else's web app, as small as it can be. It signs people in by this server, reads and writes posts for them,
//! and shows every request that it makes on the way. It shares nothing with the server but the standards.

mod app;
mod exchange;
mod page;

use crate::outside::{OutsideError, client_builder};
use app::{App, Client};
use clap::Args;
use exchange::{Exchanges, Speaker};
use serde::Deserialize;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use url::Url;

/// What the sample app must know.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "these lines are the text of --help")]
pub struct SampleAppArgs {
    /// The server by which people sign in
    #[arg(long, default_value = "http://127.0.0.1:4000")]
    server: Url,
    /// Address to listen on; register http://127.0.0.1/callback for the client
    #[arg(long, default_value_t = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 4100))]
    listen: SocketAddr,
    /// The app's client id [default: it registers itself]
    #[arg(long)]
    client_id: Option<String>,
    /// The app's secret, if it has one
    #[arg(long, env = "LATCHKEY_SAMPLE_SECRET", hide_env_values = true)]
    client_secret: Option<String>,
    /// The token with which it registers itself, where that takes one
    #[arg(long, env = "LATCHKEY_REGISTRATION_TOKEN", hide_env_values = true)]
    registration_token: Option<String>,
}

/// Why the sample app does not run; each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SampleAppError {
    /// No client with TLS can be made here.
    #[error(transparent)]
    Outside(#[from] OutsideError),
    /// The port is in use, or not ours to use.
    #[error("cannot listen on {address}: {source}. Choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The server does not describe itself.
    #[error("{server} does not answer as a Latchkey does: {what}. Is it running?")]
    Server {
        /// Which server.
        server: Url,
        /// What is missing.
        what: String,
    },
    /// It could not register.
    #[error("the app could not register itself: {0}. Give it a --client-id, or a --registration-token")]
    Registration(String),
    /// The listener failed.
    #[error("the sample app stopped: {0}")]
    Serve(#[source] std::io::Error),
}

/// What the app reads of the server's metadata (RFC 8414).
#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    revocation_endpoint: String,
    registration_endpoint: Option<String>,
}

/// What it may do, if its person lets it.
const SCOPES: [&str; 4] = ["openid", "profile", "read:posts", "write:posts"];

/// Runs the sample app until it is stopped.
///
/// # Errors
/// [`SampleAppError`].
#[expect(clippy::print_stdout, reason = "this is for the person who started it")]
pub async fn run(args: SampleAppArgs) -> Result<(), SampleAppError> {
    let http = client_builder()?.build().map_err(OutsideError::Request)?;
    let speaker = Speaker::new(http);
    let metadata = describe(&speaker, &args.server).await?;
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|source| SampleAppError::Listen { address: args.listen, source })?;
    let address = listener.local_addr().map_err(SampleAppError::Serve)?;
    let redirect = format!("http://{address}/callback");
    let client = match args.client_id {
        Some(id) => Client { id, secret: args.client_secret },
        None => register(&speaker, &metadata, &redirect, args.registration_token.as_deref()).await?,
    };
    println!("The sample app is at http://{address}, as client {}", client.id);
    let app = App::new(speaker, metadata, client, redirect, &args.server);
    axum::serve(listener, app.router())
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await
        .map_err(SampleAppError::Serve)
}

async fn describe(speaker: &Speaker, server: &Url) -> Result<Metadata, SampleAppError> {
    let failed = |what: String| SampleAppError::Server { server: server.clone(), what };
    let url = server.join("/.well-known/oauth-authorization-server").map_err(|error| failed(error.to_string()))?;
    let asked = http::Request::get(url.as_str()).body(Vec::new()).map_err(|error| failed(error.to_string()))?;
    let answer =
        speaker.ask(&Exchanges::default(), "Who are you?", asked).await.map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(answer.body()).map_err(|error| failed(error.to_string()))
}

/// Registers the app as one that keeps no secret (RFC 7591).
async fn register(
    speaker: &Speaker,
    metadata: &Metadata,
    redirect: &str,
    token: Option<&str>,
) -> Result<Client, SampleAppError> {
    #[derive(Deserialize)]
    struct Registered {
        client_id: String,
    }
    let failed = |what: &dyn std::fmt::Display| SampleAppError::Registration(what.to_string());
    let endpoint =
        metadata.registration_endpoint.as_deref().ok_or_else(|| failed(&"the server takes no registrations"))?;
    let about = json!({
        "client_name": "Sample app", "redirect_uris": [redirect], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "scope": SCOPES.join(" "),
        "id_token_signed_response_alg": "ES256",
    });
    let mut request = http::Request::post(endpoint).header(http::header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(about.to_string().into_bytes()).map_err(|error| failed(&error))?;
    let answer = speaker.ask(&Exchanges::default(), "Register", request).await.map_err(|error| failed(&error))?;
    if answer.status() != http::StatusCode::CREATED {
        return Err(failed(&String::from_utf8_lossy(answer.body())));
    }
    let registered: Registered = serde_json::from_slice(answer.body()).map_err(|error| failed(&error))?;
    Ok(Client { id: registered.client_id, secret: None })
}
