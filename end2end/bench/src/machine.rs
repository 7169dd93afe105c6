//! A service account for the load: who asks for tokens, and what is asked with them.

use crate::{Outcome, seed};
use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey_core::oauth_client::{ClientForm, ClientKind};
use latchkey_load::{Target, request::render};
use latchkey_model::Environment;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

/// Makes a service account, and prints its name and its secret.
pub(crate) async fn make(data: &Path) -> Outcome {
    let seeded = seed::open(data).await?;
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
    println!("{} {}", found.client.client_id, secret.expose());
    Ok(())
}

/// A service account, as the load knows it.
pub(crate) struct Machine {
    authorization: String,
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
        let (name, secret) = text.trim().split_once(' ').ok_or("no service account could be made")?;
        Ok(Self { authorization: format!("Basic {}", STANDARD.encode(format!("{name}:{secret}"))) })
    }

    /// Asks for a token.
    pub(crate) fn token_request(&self, target: Target) -> Vec<u8> {
        self.post(target, "/oauth/token", b"grant_type=client_credentials")
    }

    /// Asks what a token is.
    pub(crate) fn introspection(&self, target: Target, token: &str) -> Vec<u8> {
        self.post(target, "/oauth/introspect", format!("token={token}").as_bytes())
    }

    /// A token, asked for once.
    pub(crate) fn token(&self, address: SocketAddr, target: Target) -> Result<String, Box<dyn std::error::Error>> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&self.token_request(target))?;
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
