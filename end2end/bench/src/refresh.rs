//! How many refreshes a second are done, each of them on the disk before it is answered: the rules on a real store, below the router.

use crate::{Outcome, seed};
use latchkey_core::{
    Actor, Services,
    authorization::{Answer, Parameters, PresentedClient, Shown, TokenRequest, Whence},
    oauth_client::{ClientForm, ClientKind},
};
use latchkey_model::Environment;
use std::{
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const REDIRECT: &str = "https://bench.example/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The S256 of the verifier (RFC 7636 appendix B).
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Sign-ins that refresh at the same time.
const FAMILIES: usize = 64;
const LENGTH: Duration = Duration::from_secs(5);

struct App {
    services: Arc<Services>,
    presented: PresentedClient,
}

/// Measures, and prints what came of it.
pub(crate) async fn measure(data: &Path) -> Outcome {
    let seeded = Box::pin(seed::open(&seed::Place::folder(data))).await?;
    let scopes = ["read:posts".to_owned()];
    let form = ClientForm {
        name: "Bench app",
        scopes: &scopes,
        auth_method: "client_secret_basic",
        signing_algorithm: "ES256",
        token_minutes: "15",
        redirect_uris: REDIRECT,
        refresh: true,
        token_form: "jwt",
        subject_type: "public",
        ..ClientForm::default()
    };
    let (services, actor) = (seeded.services.clone(), seeded.actor());
    let form_id = services.ports.uuid();
    let kind = ClientKind::ThirdParty;
    let clients = &services.oauth_clients;
    let created = clients.create(&actor, kind, seeded.application, Environment::Production, &form, form_id).await?;
    let name = clients.get(&actor, created.id).await?.client.client_id.to_string();
    let (_, secret) = created.secret.ok_or("it has no secret")?;
    let basic = Some((name.clone(), secret.expose().to_owned()));
    let app = Arc::new(App { services, presented: PresentedClient { basic, ..PresentedClient::default() } });

    let mut tokens = Vec::new();
    for _ in 0..FAMILIES {
        tokens.push(app.sign_in(&actor, &name).await?);
    }
    let (done, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let callers: Vec<_> = tokens
        .into_iter()
        .map(|mut token| {
            let (app, done) = (Arc::clone(&app), Arc::clone(&done));
            tokio::spawn(async move {
                while began.elapsed() < LENGTH {
                    token = app.ask("refresh_token", None, Some(&token)).await.map_err(|error| error.to_string())?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, String>(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousand refreshes")]
    let per_second = done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64();
    println!("{per_second:.0} refreshes a second, {FAMILIES} at a time, each on the disk before it is answered");
    Ok(())
}

impl App {
    /// A refresh token for a new sign-in.
    async fn sign_in(&self, actor: &Actor, client_id: &str) -> Result<String, Box<dyn std::error::Error>> {
        let parameters = Parameters::of([
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", REDIRECT),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let allow = Answer::Allow(vec!["read:posts".to_owned()]);
        let shown = Box::pin(self.services.authorization.answer(actor, &parameters, &allow)).await?;
        let Shown::Respond(response) = shown else { return Err("no code was given".into()) };
        let code = response.pairs.iter().find(|(name, _)| *name == "code").ok_or("no code was given")?.1.as_str();
        self.ask("authorization_code", Some(code), None).await
    }

    async fn ask(
        &self,
        grant_type: &str,
        code: Option<&str>,
        refresh_token: Option<&str>,
    ) -> Result<String, Box<dyn std::error::Error>> {
        let from = Whence { at: self.services.ports.now(), address: Ipv4Addr::LOCALHOST.into(), certificate: None };
        let client = self.services.client_auth.authenticate(&self.presented, &from).await?;
        let code_verifier = code.map(|_| VERIFIER);
        let asked = TokenRequest { grant_type, code, code_verifier, refresh_token, ..TokenRequest::default() };
        let given = serde_json::to_value(self.services.tokens.issue(&client, asked).await?)?;
        Ok(given["refresh_token"].as_str().ok_or("no refresh token was given")?.to_owned())
    }
}
