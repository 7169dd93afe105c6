//! The question whether an app may act for somebody: who asks, for what, in words, for how long.

use super::{
    form_post::post_on,
    who_asks::{AnswerButtons, WhoAsks},
};
use crate::{
    page::{Page, PageError, here, page},
    route,
    shell::let_forms_lead_to,
    ssr::{
        actor,
        respond::{Refused, see_other, see_other_with, session, set_status},
        services,
    },
    ui::{CheckboxList, Choice, Form},
};
use http::{StatusCode, request::Parts};
use latchkey_core::{
    authorization::{Answer, Parameters, Question, ResponseMode, Shown, SignInFirst, Untrusted},
    oauth_client::GrantType,
};
use leptos::{prelude::*, server, server_fn::ServerFn};

/// Where a client sends people (RFC 6749 section 3.1).
#[component]
pub fn ConsentPage() -> impl IntoView {
    page(async {
        let query = use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned));
        let parameters = Parameters::of_query(&query.unwrap_or_default());
        match services().authorization.begin(&actor(), &parameters).await? {
            Shown::Respond(response) if response.mode == ResponseMode::FormPost => Ok(post_on(response)),
            Shown::Respond(response) => Err(PageError::Redirect(response.url())),
            Shown::SignIn(first) => Err(PageError::Redirect(sign_in(&first))),
            Shown::Stop(untrusted) => Ok(stopped(untrusted)),
            Shown::Consent(question) => Ok(ask(*question, &parameters)),
        }
    })
}

/// The sign-in page that leads back to the request.
fn sign_in(first: &SignInFirst) -> String {
    let back = format!("{}?{}", route::AUTHORIZE, first.next.to_query());
    route::sign_in_as(&back, first.again, first.hint.as_deref())
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
    let client = question.client.clone();
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
    let asked = parameters.to_query();
    let place = question.redirect_uri.split(['?', '#']).next().unwrap_or_default().to_owned();
    let (who, email) = (question.account.name.as_str().to_owned(), question.account.email.as_str().to_owned());
    let document = question.client.client_id.address().map(String::from);
    let title = format!("Let {name} act for you?");
    let body = view! {
        <section class="narrow consent">
            <h1>{title.clone()}</h1>
            <WhoAsks client caution=": go on only if you came from it"/>
            <Form action=AnswerConsent::PATH back=here() class="card form">
                <input type="hidden" name="asked" value=asked/>
                <CheckboxList
                    name="ticked"
                    legend="It may then"
                    items=scopes
                    hint="Untick what you do not want to allow.".to_owned()
                />
                <dl class="facts">
                    <div><dt>"As"</dt><dd>{format!("{who}, {email}")}</dd></div>
                    <div><dt>"For how long"</dt><dd>{how_long}</dd></div>
                    {document.map(|address| view! { <div><dt>"Known by"</dt><dd><code>{address}</code></dd></div> })}
                    <div><dt>"Leads back to"</dt><dd><code>{place}</code></dd></div>
                </dl>
                <AnswerButtons/>
            </Form>
        </section>
    };
    Page::public(title, body)
}

/// Takes the answer, and leads back to the client. What the form says is judged as if it had come from anybody.
#[server(prefix = "/form", endpoint = "grant/answer")]
pub async fn answer_consent(
    #[server(default)] asked: String,
    #[server(default)] ticked: Vec<String>,
    #[server(default)] answer: String,
) -> Result<(), ServerFnError> {
    let parameters = Parameters::of_query(&asked);
    let answer = if answer == "allow" { Answer::Allow(ticked) } else { Answer::Deny };
    match services().authorization.answer(&actor(), &parameters, &answer).await {
        Ok(Shown::Respond(response)) if response.mode == ResponseMode::FormPost => {
            let kept = match session() {
                Some(session) => super::form_post::keep(&session, &response).await,
                None => false,
            };
            see_other(if kept { route::FORM_POST } else { route::DASHBOARD });
        }
        Ok(Shown::Respond(response)) => see_other(&response.url()),
        Ok(Shown::SignIn(first)) => see_other(&sign_in(&first)),
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
