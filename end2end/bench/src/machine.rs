//! A service account for the load: who asks for tokens, and what is asked with them.

use crate::{
    Outcome,
    person::{self, Person},
    seed,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey_core::{
    gateway::ApiForm,
    oauth_client::{ClientForm, ClientKind},
};
use latchkey_load::{Target, request::render};
use latchkey_model::Environment;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

/// The short name of the API behind the door.
pub(crate) const API: &str = "bench";
/// Where proxies ask about it.
pub(crate) fn check_path() -> String {
    format!("/gateway/check/{API}")
}

/// Makes a service account, an API that it may ask about, and what a person sends; and prints the account's name and secret, the
/// person's token and cookie.
pub(crate) async fn make(data: &Path) -> Outcome {
    let seeded = Box::pin(seed::open(&seed::Place::folder(data))).await?;
    let scopes = ["read:posts".to_owned(), "write:posts".to_owned()];
    let form = ClientForm {
        name: "Bench",
        scopes: &scopes,
        auth_method: "client_secret_basic",
        signing_algorithm: "ES256",
        token_minutes: "60",
        token_form: "jwt",
        ..ClientForm::default()
    };
    let (clients, actor) = (&seeded.services.oauth_clients, seeded.actor());
    let form_id = seeded.services.ports.uuid();
    let kind = ClientKind::ServiceAccount;
    let created = clients.create(&actor, kind, seeded.application, Environment::Production, &form, form_id).await?;
    let found = clients.get(&actor, created.id).await?;
    let (_, secret) = created.secret.ok_or("it has no secret")?;
    let client_id = found.client.client_id.to_string();
    guard(&seeded, &client_id).await?;
    let Person { token, session } = person::make(&seeded).await?;
    println!("{client_id} {} {token} {session}", secret.expose());
    Ok(())
}

/// Puts an API behind the door, about which this machine may ask.
async fn guard(seeded: &seed::Seeded, verifier: &str) -> Outcome {
    let admin = seeded.admin();
    let form = ApiForm {
        name: "Bench",
        slug: API,
        base_url: "https://bench.example.org",
        scopes: "bench:use",
        environments: &["production".to_owned()],
        policies: "GET /health public\nGET /v1/things any\nGET /v1/things/{id} any\nPOST /v1/things any",
        verifiers: verifier,
        ..ApiForm::default()
    };
    let apis = &seeded.services.guarded_apis;
    match apis.list(&admin).await?.first() {
        Some(known) => apis.update(&admin, &known.slug, known.version, &form).await?,
        None => drop(apis.register(&admin, &form).await?),
    }
    Ok(())
}

/// A service account, as the load knows it.
pub(crate) struct Machine {
    authorization: String,
    /// Whose load it is, too.
    pub(crate) person: Person,
}

impl Machine {
    /// Has one made, by another process: the data folder is the server's.
    pub(crate) fn of(data: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let made = Command::new(std::env::current_exe()?)
            .args(["machine", "--data"])
            .arg(data)
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(made.stdout)?;
        let words: Vec<_> = text.split_whitespace().collect();
        let [name, secret, token, session] = words[..] else { return Err("no service account could be made".into()) };
        Ok(Self {
            authorization: format!("Basic {}", STANDARD.encode(format!("{name}:{secret}"))),
            person: Person { token: token.to_owned(), session: session.to_owned() },
        })
    }

    /// Asks for a token.
    pub(crate) fn token_request(&self, target: Target) -> Vec<u8> {
        self.post(target, "/oauth/token", b"grant_type=client_credentials")
    }

    /// Asks what a token is.
    pub(crate) fn introspection(&self, target: Target, token: &str) -> Vec<u8> {
        self.post(target, "/oauth/introspect", format!("token={token}").as_bytes())
    }

    /// A token, asked for once; for the gateway if need be.
    pub(crate) fn token(
        &self,
        address: SocketAddr,
        target: Target,
        for_gateway: bool,
    ) -> Result<String, Box<dyn std::error::Error>> {
        let mut stream = TcpStream::connect(address)?;
        let request = if for_gateway {
            // The server is told nothing of its own address: this is what it takes for it.
            let body = format!("grant_type=client_credentials&resource={}/gateway", seed::PUBLIC_URL);
            self.post(target, "/oauth/token", body.as_bytes())
        } else {
            self.token_request(target)
        };
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        let mut part = [0; 4_096];
        // The answer is one line of JSON: it is whole once its last brace is there.
        while !answer.ends_with(b"}") {
            let read = stream.read(&mut part)?;
            if read == 0 {
                break;
            }
            answer.extend_from_slice(&part[..read]);
        }
        let text = String::from_utf8(answer)?;
        let (_, rest) = text.split_once("\"access_token\":\"").ok_or("no token was given")?;
        let (token, _) = rest.split_once('"').ok_or("no token was given")?;
        Ok(token.to_owned())
    }

    fn post(&self, target: Target, path: &str, body: &[u8]) -> Vec<u8> {
        let headers =
            [("authorization", self.authorization.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        render(target, "POST", path, &headers, body)
    }
}
