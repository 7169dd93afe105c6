//! Who asks somebody to let it act for them, and the buttons of the answer: the same wherever the question is asked.

use crate::{route, ui::EnvironmentBadge};
use latchkey_core::port::{api_key::KeyOwner, oauth_client::OauthClient};
use leptos::prelude::*;

/// A client's picture, where it has one. What it says is said in words beside it.
#[component]
pub fn ClientLogo(client: OauthClient) -> impl IntoView {
    let logo = client.logo.as_ref().map(|digest| route::logo(&client.client_id, digest));
    logo.map(|src| view! { <img class="logo" src=src alt="" width="48" height="48"/> })
}

/// Who asks, and whether somebody has looked at it.
#[component]
pub fn WhoAsks(
    client: OauthClient,
    /// What to look at before going on, where nobody has verified it.
    caution: &'static str,
) -> impl IntoView {
    let name = client.settings.name.as_str().to_owned();
    let (application, environment) = match &client.owner {
        KeyOwner::Environment { application_name, environment, .. } => {
            (application_name.as_str().to_owned(), Some(*environment))
        }
        KeyOwner::Account { account_name, .. } => (account_name.as_str().to_owned(), None),
    };
    let verified = if client.verified_at.is_some() {
        "An admin of this portal has verified that it is what it says. ".to_owned()
    } else {
        format!("Nobody has verified it{caution}. ")
    };
    view! {
        <div class="who-asks">
            <ClientLogo client/>
            <p>
                <strong>{name}</strong>
                {format!(", an app of {application}, asks to act for you. {verified}")}
                {environment.map(|environment| view! { <EnvironmentBadge environment/> })}
            </p>
        </div>
    }
}

/// Yes and no, as large as one another.
#[component]
pub fn AnswerButtons() -> impl IntoView {
    view! {
        <div class="form-actions">
            <button type="submit" class="btn btn-primary" name="answer" value="allow">"Allow"</button>
            <button type="submit" class="btn" name="answer" value="deny">"Deny"</button>
        </div>
    }
}
