//! The question whether an app may act for somebody: who asks, for what, in words, for how long.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use crate::{
    page::{Page, PageError, here, page},
    route,
    shell::let_forms_lead_to,
    ssr::{
        actor,
        respond::{Refused, see_other, see_other_with, set_status},
        services,
    },
    ui::{CheckboxList, Choice, EnvironmentBadge, Form},
};
use http::{StatusCode, request::Parts};
use latchkey_core::{
    authorization::{Answer, Parameters, Question, Shown, Untrusted},
    oauth_client::GrantType,
    port::api_key::KeyOwner,
};
use leptos::{prelude::*, server, server_fn::ServerFn};

/// Where a client sends people (RFC 6749 section 3.1).
#[component]
pub fn ConsentPage() -> impl IntoView {
    page(async {
        let parameters = parameters_of_url();
        match services().authorization.begin(&actor(), &parameters).await? {
            Shown::Redirect(url) => Err(PageError::Redirect(url)),
            Shown::SignIn => Err(PageError::NotSignedIn),
            Shown::Stop(untrusted) => Ok(stopped(untrusted)),
            Shown::Consent(question) => Ok(ask(*question, &parameters)),
        }
    })
}

fn parameters_of_url() -> Parameters {
    let query = use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned)).unwrap_or_default();
    Parameters::of(form_pairs(&query))
}

/// The pairs of a query or a body, decoded (RFC 6749 appendix B).
fn form_pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

/// Nobody is led anywhere: the address may be somebody else's.
fn stopped(untrusted: Untrusted) -> Page {
    set_status(StatusCode::BAD_REQUEST);
    let body = view! {
        <section class="narrow">
            <h1>"This request cannot be trusted"</h1>
            <p>{untrusted.to_string()}</p>
            <p>"You were not led on, and nothing was given."</p>
            <p><a href=route::DASHBOARD>"Dashboard"</a></p>
        </section>
    };
    Page::public("This request cannot be trusted", body)
}

fn ask(question: Question, parameters: &Parameters) -> Page {
    // The answer leads to the client: the browser must let this form end there (T11).
    let_forms_lead_to(&question.redirect_uri);
    let name = question.client.settings.name.as_str().to_owned();
    let (application, environment) = match &question.client.owner {
        KeyOwner::Environment { application_name, environment, .. } => {
            (application_name.as_str().to_owned(), Some(*environment))
        }
        KeyOwner::Account { account_name, .. } => (account_name.as_str().to_owned(), None),
    };
    let goes_on = question.client.settings.grants.contains(GrantType::RefreshToken);
    let minutes = question.client.settings.access_token_life.whole_minutes();
    let how_long = if goes_on {
        "Until you take it back, under Authorized apps.".to_owned()
    } else {
        format!("For {minutes} minutes; then it must ask you again.")
    };
    let scopes = question
        .scopes
        .iter()
        .map(|scope| Choice {
            value: scope.scope.to_string(),
            label: scope.description.clone(),
            description: if question.allowed.contains(scope.scope.as_str()) {
                format!("{}, which you allowed before", scope.scope)
            } else {
                scope.scope.to_string()
            },
            chosen: true,
        })
        .collect();
    let hidden = parameters
        .iter()
        .filter(|(name, _)| *name != "scope")
        .map(|(name, value)| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> })
        .collect_view();
    let asked = parameters.get("scope").unwrap_or_default().to_owned();
    let place = question.redirect_uri.split(['?', '#']).next().unwrap_or_default().to_owned();
    let (who, email) = (question.account.name.as_str().to_owned(), question.account.email.as_str().to_owned());
    let title = format!("Let {name} act for you?");
    let body = view! {
        <section class="narrow consent">
            <h1>{title.clone()}</h1>
            <p>
                <strong>{name.clone()}</strong>
                {format!(", an app of {application}, asks to act for you. Nobody has verified it: go on only if you came from it. ")}
                {environment.map(|environment| view! { <EnvironmentBadge environment/> })}
            </p>
            <Form action=AnswerConsent::PATH back=here() class="card form">
                {hidden}
                <input type="hidden" name="asked_scope" value=asked/>
                <CheckboxList
                    name="ticked"
                    legend="It may then"
                    items=scopes
                    hint="Untick what you do not want to allow.".to_owned()
                />
                <dl class="facts">
                    <div><dt>"As"</dt><dd>{format!("{who}, {email}")}</dd></div>
                    <div><dt>"For how long"</dt><dd>{how_long}</dd></div>
                    <div><dt>"Leads back to"</dt><dd><code>{place}</code></dd></div>
                </dl>
                <div class="form-actions">
                    <button type="submit" class="btn btn-primary" name="answer" value="allow">"Allow"</button>
                    <button type="submit" class="btn" name="answer" value="deny">"Deny"</button>
                </div>
            </Form>
        </section>
    };
    Page::public(title, body)
}

/// Takes the answer, and leads back to the client. What the form says is judged as if it had come from anybody.
#[server(prefix = "/form", endpoint = "grant/answer")]
pub async fn answer_consent(
    #[server(default)] response_type: String,
    #[server(default)] client_id: String,
    #[server(default)] redirect_uri: String,
    #[server(default)] asked_scope: String,
    #[server(default)] state: String,
    #[server(default)] code_challenge: String,
    #[server(default)] code_challenge_method: String,
    #[server(default)] prompt: String,
    #[server(default)] ticked: Vec<String>,
    #[server(default)] answer: String,
) -> Result<(), ServerFnError> {
    let parameters = Parameters::of([
        ("response_type", response_type),
        ("client_id", client_id),
        ("redirect_uri", redirect_uri),
        ("scope", asked_scope),
        ("state", state),
        ("code_challenge", code_challenge),
        ("code_challenge_method", code_challenge_method),
        ("prompt", prompt),
    ]);
    let answer = if answer == "allow" { Answer::Allow(ticked) } else { Answer::Deny };
    match services().authorization.answer(&actor(), &parameters, &answer).await {
        Ok(Shown::Redirect(url)) => see_other(&url),
        Ok(Shown::SignIn) => see_other(&route::sign_in_then(route::DASHBOARD)),
        Ok(Shown::Stop(_) | Shown::Consent(_)) => {
            see_other_with(
                route::DASHBOARD,
                Refused::new("That request could not be trusted. Nothing was given.").flash(),
            )
            .await;
        }
        Err(error) => see_other_with(route::DASHBOARD, Refused::fault(&error).flash()).await,
    }
    Ok(())
}
