//! One client: what it is, its secrets, how to ask for a token, and what can be changed.

use super::{
    AddClientSecret, EndClientSecret, UpdateClient, client_fields::ClientFields, client_form::ClientValues,
    clients_page::StateBadge, logo_card::LogoCard, tokens_card::TokensCard, words::Words,
};
use crate::{
    feature::api_key::{NewSecret, capitalised, crumbs, in_view},
    page::{InView, Page, PageError, page, param, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, shown},
        portal, services,
    },
    ui::{
        Badge, CodeSample, Crumb, DataTable, Form, LastUse, Message, PageHead, RelativeTime, Sample, SecretOnce,
        SubmitButton, Tone,
    },
};
use latchkey_core::{
    clock::written,
    oauth_client::{ClientAuthMethod, ClientInView, ClientKind, OauthClientService},
    port::{
        api_key::KeyOwner,
        oauth_client::{ClientSecret, OauthClient},
    },
};
use latchkey_model::OauthClientId;
use leptos::{prelude::*, server_fn::ServerFn};
use time::{Duration, OffsetDateTime};

/// How long a secret must have been quiet before it can be ended without a thought.
const QUIET: Duration = Duration::hours(24);

/// The client of this kind that the path names; the rest of the path must be its own.
pub(super) async fn client_in_view(kind: ClientKind) -> Result<(InView, ClientInView), PageError> {
    let in_view = in_view().await?;
    let found = services().oauth_clients.get(&actor(), param::<OauthClientId>("client")?).await?;
    let named = (in_view.application.application.id, in_view.environment);
    match found.client.owner {
        KeyOwner::Environment { application_id, environment, .. }
            if (application_id, environment) == named && found.client.kind == kind =>
        {
            Ok((in_view, found))
        }
        _ => Err(PageError::NotFound),
    }
}

/// The way to a page of a client.
pub(super) fn crumbs_to(in_view: &InView, client: &OauthClient, below: bool) -> Vec<Crumb> {
    let (application, environment) = (in_view.application.application.id, in_view.environment);
    let mut crumbs = crumbs(in_view);
    if let Some(last) = crumbs.last_mut() {
        last.href = Some(route::clients(client.kind, application, environment));
    }
    let href = below.then(|| route::client(client.kind, application, environment, client.id));
    crumbs.push(Crumb { label: client.settings.name.as_str().to_owned(), href });
    crumbs
}

/// One OAuth client.
#[component]
pub fn ClientPage() -> impl IntoView {
    client_page(ClientKind::ThirdParty)
}

/// One service account.
#[component]
pub fn ServiceAccountPage() -> impl IntoView {
    client_page(ClientKind::ServiceAccount)
}

fn client_page(kind: ClientKind) -> impl IntoView {
    page(async move {
        let words = Words::of(kind);
        let (in_view, found) = client_in_view(kind).await?;
        let services = services();
        let possible = services.oauth_clients.possible(kind).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let new = NewSecret::take().await;
        let client = found.client.clone();
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let here = route::client(client.kind, application, environment, client.id);
        let revoke = route::revoke(&here);
        let values = ClientValues::of(&client.settings).or_typed(flash.as_ref());
        let shown = shown(flash.as_ref(), &client.settings);
        let editable = found.may_write && client.revoked_at.is_none();
        let people = client.kind == ClientKind::ThirdParty;
        let logo_error = error_at(flash.as_ref(), "logo");
        let title = client.settings.name.as_str().to_owned();
        let form_id = services.ports.uuid().to_string();
        let body = view! {
            <PageHead
                title=title.clone()
                explanation=format!("{} {}", capitalised(words.one), client.client_id)
                crumbs=crumbs_to(&in_view, &client, false)
                environment
            >
                {editable.then(|| view! { <a class="btn btn-danger" href=revoke>"Revoke"</a> })}
            </PageHead>
            <Message flash/>
            {new.map(|new| view! { <SecretOnce secret=new.into_text() next=here.clone() what="client secret"/> })}
            <div class="two">
                <Facts client=client.clone() now/>
                <section class="card" aria-labelledby="ask">
                    <HowToAsk client=client.clone()/>
                </section>
            </div>
            {(editable && people).then(|| view! { <LogoCard client=client.clone() back=here.clone() error=logo_error/> })}
            {(!people).then(|| view! { <TokensCard found=found.clone() now can_write=editable back=here.clone()/> })}
            {client.settings.auth_method.has_secret().then(|| view! { <Secrets found now can_write=editable back=here.clone() form_id/> })}
            {editable.then(|| view! {
                <section aria-labelledby="settings">
                    <h2 id="settings">"Settings"</h2>
                    <p>"Tokens that it holds already keep what they were made with, for some minutes."</p>
                    <Form action=UpdateClient::PATH back=here class="card form">
                        <input type="hidden" name="id" value=client.id.to_string()/>
                        <input type="hidden" name="shown" value=shown/>
                        <ClientFields kind=client.kind values possible/>
                        <div class="form-actions"><SubmitButton text="Save"/></div>
                    </Form>
                </section>
            })}
        };
        Ok(Page::application(title, in_view, body))
    })
}

#[component]
fn Facts(client: OauthClient, now: OffsetDateTime) -> impl IntoView {
    let its = client.owner.application();
    let logs =
        its.map(|(application, environment)| route::credential_logs(application, environment, client.id.as_uuid()));
    let usage = its.map(|(application, environment)| route::client_usage(application, environment, client.id));
    let settings = &client.settings;
    let why = client.suspended.as_ref().map(|suspended| {
        let sentence = format!(
            "An admin suspended its {} at {}: {}. To have it reinstated, write to whoever runs this portal.",
            suspended.suspension.of.as_str(),
            written(suspended.suspension.at),
            suspended.because,
        );
        view! { <p>{sentence}</p> }
    });
    view! {
        <section class="card" aria-labelledby="facts">
            <h2 id="facts">"About it"</h2>
            <dl class="facts">
                <div><dt>"State"</dt><dd><StateBadge revoked_at=client.revoked_at suspended=client.suspended.clone()/>{why}</dd></div>
                {(client.kind == ClientKind::ThirdParty).then(|| {
                    let word = if client.verified_at.is_some() { "by an admin of this portal" } else { "by nobody" };
                    view! { <div><dt>"Verified"</dt><dd>{word}</dd></div> }
                })}
                <div><dt>"Client id"</dt><dd><code>{client.client_id.to_string()}</code></dd></div>
                <div><dt>"May do"</dt><dd><code>{settings.scopes.to_string()}</code></dd></div>
                {(client.kind == ClientKind::ThirdParty).then(|| {
                    let lines = settings.redirect_uris.iter().map(|uri| view! { <li><code>{uri.as_str().to_owned()}</code></li> });
                    view! { <div><dt>"Leads back to"</dt><dd><ul class="plain">{lines.collect_view()}</ul></dd></div> }
                })}
                <div><dt>"Tokens"</dt><dd>{format!("{} min, {}", settings.access_token_life.whole_minutes(), settings.signing_algorithm)}</dd></div>
                <div><dt>"Last used"</dt><dd><LastUse at=client.last_used_at from=client.last_used_from now/></dd></div>
                <div><dt>"Made"</dt><dd><RelativeTime at=client.created_at now/>{format!(" by {}", client.created_by_name)}</dd></div>
            </dl>
            {logs.zip(usage).map(|(logs, usage)| view! {
                <p><a href=usage>"What it did, under Usage"</a>" "<a href=logs>"and under Logs"</a></p>
            })}
        </section>
    }
}

#[component]
fn HowToAsk(client: OauthClient) -> impl IntoView {
    let portal = portal();
    let id = &client.client_id;
    let settings = &client.settings;
    let by_certificate = settings.auth_method.has_certificate() || settings.certificate_bound;
    // People go to the portal itself; only what the client asks for itself goes over its certificate.
    let pages = portal.public_url.clone();
    let url = portal.mutual_tls_url.filter(|_| by_certificate).unwrap_or(portal.public_url);
    let proof = match settings.auth_method {
        ClientAuthMethod::SecretPost => format!("-d client_id={id} -d client_secret=\"$LATCHKEY_SECRET\""),
        ClientAuthMethod::SecretBasic => format!("-u \"{id}:$LATCHKEY_SECRET\""),
        ClientAuthMethod::PrivateKeyJwt => String::from(
            "-d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n  -d client_assertion=\"$ASSERTION\"",
        ),
        ClientAuthMethod::Tls | ClientAuthMethod::SelfSignedTls | ClientAuthMethod::None => {
            format!("-d client_id={id}")
        }
    };
    let certificate = if by_certificate { "--cert client.pem --key client-key.pem \\\n  " } else { "" };
    let credentials = format!("{certificate}{proof}");
    let before = match client.settings.auth_method {
        ClientAuthMethod::PrivateKeyJwt => "Put an assertion that it signed into the variable, then paste this.",
        method if method.has_certificate() => "Paste this where the certificate and its key are.",
        _ => "Put the secret into the variable, then paste this.",
    };
    match client.kind {
        ClientKind::ServiceAccount => {
            let code = format!("curl {credentials} \\\n  -d grant_type=client_credentials \\\n  {url}/oauth/token");
            view! {
                <h2 id="ask">"Ask for a token"</h2>
                <p>{format!("{before} Call the API with the token until it expires.")}</p>
                <CodeSample name="token-call" samples=vec![Sample { language: "curl", code }]/>
            }
            .into_any()
        }
        ClientKind::ThirdParty => {
            let redirect =
                client.settings.redirect_uris.iter().next().map(|uri| uri.as_str().to_owned()).unwrap_or_default();
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let ask = format!(
                "{pages}/oauth/authorize?response_type=code\n  &client_id={id}\n  &redirect_uri={}\n  &scope={}\n  &state=$STATE\n  &code_challenge=$CHALLENGE\n  &code_challenge_method=S256",
                encode(&redirect),
                encode(&client.settings.scopes.to_string()),
            );
            let redeem = format!(
                "curl {credentials} \\\n  -d grant_type=authorization_code \\\n  -d code=\"$CODE\" \\\n  -d code_verifier=\"$VERIFIER\" \\\n  -d redirect_uri={} \\\n  {url}/oauth/token",
                encode(&redirect),
            );
            view! {
                <h2 id="ask">"Ask a person, then for tokens"</h2>
                <p>"Send the person to the address, without its line breaks. They come back with a code; redeem it within a minute. Most OAuth libraries do both from the metadata of this server."</p>
                <CodeSample
                    name="authorize-call"
                    samples=vec![Sample { language: "Address", code: ask }, Sample { language: "curl", code: redeem }]
                />
            }
            .into_any()
        }
    }
}

/// The secrets: two while one takes over from the other.
#[component]
fn Secrets(
    found: ClientInView,
    now: OffsetDateTime,
    can_write: bool,
    #[prop(into)] back: String,
    form_id: String,
) -> impl IntoView {
    let live = found.secrets.iter().filter(|secret| secret.revoked_at.is_none()).count();
    let two = live > 1;
    let room = (live as u64) < OauthClientService::LIVE_SECRETS_AT_MOST;
    let id = found.client.id.to_string();
    let newest = found.secrets.iter().filter(|secret| secret.revoked_at.is_none()).map(|secret| secret.id).next();
    let rows = found
        .secrets
        .iter()
        .cloned()
        .map(|secret| {
            let can_end = can_write && two && secret.revoked_at.is_none();
            let takes_over = two && newest == Some(secret.id);
            view! { <SecretRow secret client=id.clone() now can_end takes_over back=back.clone()/> }
        })
        .collect_view();
    view! {
        <section aria-labelledby="secrets">
            <h2 id="secrets">"Secrets"</h2>
            <p>"To change the secret with no downtime: add a second one, give it to the machine, and end the first once it is quiet."</p>
            <DataTable label="Secrets" columns=vec!["Secret", "Made", "Last used", "State"] action="Action">{rows}</DataTable>
            {(can_write && room).then(|| view! {
                <Form action=AddClientSecret::PATH back=back>
                    <input type="hidden" name="id" value=id.clone()/>
                    <input type="hidden" name="form_id" value=form_id/>
                    <SubmitButton text="Add a second secret" kind=""/>
                </Form>
            })}
        </section>
    }
}

#[component]
fn SecretRow(
    secret: ClientSecret,
    client: String,
    now: OffsetDateTime,
    can_end: bool,
    /// Whether it is the newer of two.
    takes_over: bool,
    back: String,
) -> impl IntoView {
    let ended = secret.revoked_at.is_some();
    let quiet = secret.last_used_at.is_none_or(|at| now - at >= QUIET);
    let state = match (ended, takes_over, quiet) {
        (true, ..) => view! { <Badge tone=Tone::Bad text="Ended"/> }.into_any(),
        (false, false, true) if can_end => view! { <Badge tone=Tone::Good text="Safe to end"/> }.into_any(),
        (false, false, false) if can_end => view! { <Badge tone=Tone::Wait text="Still in use"/> }.into_any(),
        _ => view! { <Badge tone=Tone::Good text="Live"/> }.into_any(),
    };
    view! {
        <tr class:ended=ended>
            <td data-label="Secret"><code>{secret.hint()}</code></td>
            <td data-label="Made"><RelativeTime at=secret.created_at now/></td>
            <td data-label="Last used"><LastUse at=secret.last_used_at from=secret.last_used_from now/></td>
            <td data-label="State">{state}</td>
            <td>
                {can_end.then(|| view! {
                    <Form action=EndClientSecret::PATH back>
                        <input type="hidden" name="id" value=client/>
                        <input type="hidden" name="secret" value=secret.id.to_string()/>
                        <button type="submit" class="btn btn-small btn-danger">
                            "End"<span class="sr-only">{format!(" {}", secret.hint())}</span>
                        </button>
                    </Form>
                })}
            </td>
        </tr>
    }
}
