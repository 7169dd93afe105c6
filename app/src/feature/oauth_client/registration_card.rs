//! Who may register apps in an environment.

use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with, session},
        reveal, services,
    },
    ui::{Choice, Form, RadioList, SubmitButton},
};
use latchkey_core::oauth_client::{ClientKind, OauthClientError, RegistrationInView, RegistrationPolicy};
use latchkey_model::{ApplicationId, Environment};
use leptos::{prelude::*, server, server_fn::ServerFn};
use uuid::Uuid;

fn choices(view: RegistrationInView) -> Vec<Choice> {
    RegistrationPolicy::ALL
        .into_iter()
        .filter(|policy| view.may_open || *policy != RegistrationPolicy::Open || view.policy == *policy)
        .map(|policy| {
            let (label, description) = match policy {
                RegistrationPolicy::Closed => ("Nobody", "People create clients on this page."),
                RegistrationPolicy::Token => {
                    ("Whoever has the token", "A new token is made when you save, and the one before ends.")
                }
                RegistrationPolicy::Open => {
                    ("Anybody", "Unknown apps and agents too. One environment of the whole portal can be so.")
                }
            };
            Choice {
                value: policy.as_str().to_owned(),
                label: label.to_owned(),
                description: description.to_owned(),
                chosen: policy == view.policy,
            }
        })
        .collect()
}

/// The question who may register apps here by themselves.
#[component]
pub(super) fn RegistrationCard(
    view: RegistrationInView,
    application: ApplicationId,
    environment: Environment,
) -> impl IntoView {
    let back = route::clients(ClientKind::ThirdParty, application, environment);
    view! {
        <section aria-labelledby="registration">
            <h2 id="registration">"Apps that register themselves"</h2>
            <p>
                "By the rules of RFC 7591, as agents do that find this server from an API's answer. They may ask people for what any client may; nobody has verified them, and consent says so. "
                <a href=route::guide("oauth")>"How it is done"</a>
            </p>
            <Form action=SetRegistration::PATH back class="card form">
                <input type="hidden" name="application" value=application.to_string()/>
                <input type="hidden" name="environment" value=environment.as_str()/>
                <RadioList name="policy" legend="Who may register apps here" items=choices(view)/>
                <div class="form-actions"><SubmitButton text="Save" kind=""/></div>
            </Form>
        </section>
    }
}

/// Says who may register apps in an environment; a new token is shown once on the next page.
#[server(prefix = "/form", endpoint = "oauth-client/registration")]
pub async fn set_registration(
    #[server(default)] application: String,
    #[server(default)] environment: String,
    #[server(default)] policy: String,
) -> Result<(), ServerFnError> {
    let place = (application.parse::<ApplicationId>(), environment.parse::<Environment>(), policy.parse());
    let (Ok(application), Ok(environment), Ok(policy)) = place else {
        see_other(route::APPLICATIONS);
        return Ok(());
    };
    let back = route::clients(ClientKind::ThirdParty, application, environment);
    match services().registrations.set_policy(&actor(), application, environment, policy).await {
        Ok(Some(token)) => {
            if let Some(session) = session() {
                reveal::put(&session, Uuid::nil(), token.expose()).await;
            }
            see_other(&back);
        }
        Ok(None) => see_other_with(&back, Flash::good("Saved.")).await,
        Err(OauthClientError::NotSignedIn(_)) => see_other(&route::sign_in_then(&back)),
        Err(error) => see_other_with(&back, Refused::from(error).flash()).await,
    }
    Ok(())
}
