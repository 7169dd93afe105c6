//! Where a passkey is added, and where one signs its person in.

use super::{
    passkey_fn::{AddPasskey, PasskeySignIn},
    second_factor_page::Ceremony,
};
use crate::{
    islands::PasskeyButton,
    page::{Page, page, query, take_flash},
    route,
    ssr::{actor, flash::error_at, kept::keep, services},
    ui::{Field, Form, Message, PageHead},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// Where passkeys can be asked for, if that is not where this page is: on this machine they are for its name, not its number.
fn elsewhere(origin: Option<&str>) -> Option<String> {
    let here = crate::ssr::host();
    origin
        .and_then(|origin| origin.split_once("://"))
        .filter(|(_, host)| here.as_deref().is_some_and(|here| here != *host))
        .map(|(scheme, host)| format!("{scheme}://{host}"))
}

/// What stands in the place of the button where there is none.
#[component]
fn Instead(origin: Option<String>, path: String) -> impl IntoView {
    let words = match (&origin, elsewhere(origin.as_deref())) {
        (None, _) => view! { <p>"Passkeys are for names, and this portal's address is a number. Ask whoever runs it for a name."</p> }.into_any(),
        (Some(_), Some(other)) => view! {
            <p>"Passkeys of this portal are for another name: "<a href=format!("{other}{path}")>"open this page there"</a>"."</p>
        }
        .into_any(),
        (Some(_), None) => ().into_any(),
    };
    view! { {words} <noscript><p>"A passkey needs scripts, which are switched off."</p></noscript> }
}

/// Adds a passkey.
#[component]
pub fn NewPasskeyPage() -> impl IntoView {
    page(async {
        let services = services();
        let passkeys = &services.passkeys;
        let origin = passkeys.origin().map(str::to_owned);
        let flash = take_flash().await;
        // Whoever has to sign in once more is asked before they choose a name.
        actor().proven(services.ports.now()).map_err(latchkey_core::second_factor::SecondFactorError::from)?;
        let challenge = match elsewhere(origin.as_deref()) {
            None if origin.is_some() => Some(passkeys.begin_registration(&actor()).await?),
            _ => None,
        };
        if let Some(challenge) = &challenge {
            keep(&Ceremony(challenge.ceremony)).await;
        }
        let error = error_at(flash.as_ref(), "name");
        let form = challenge.map(|challenge| {
            view! {
                <Form action=AddPasskey::PATH back=route::NEW_PASSKEY class="card form needs-script">
                    <Field name="name" label="What you call it" value="This device" hint="For you to tell it from others.".to_owned() error required=true/>
                    <input type="hidden" name="answer" value=""/>
                    <div class="form-actions">
                        <PasskeyButton options=challenge.options make=true text="Make the passkey".to_owned()/>
                        <a class="btn" href=route::SECURITY>"Cancel"</a>
                    </div>
                </Form>
            }
        });
        let body = view! {
            <PageHead title="Add a passkey" explanation="Your device makes it, and keeps it. It is asked for after your password, and signs you in by itself."/>
            <Message flash/>
            {form}
            <Instead origin path=route::NEW_PASSKEY.to_owned()/>
        };
        Ok(Page::portal("Add a passkey", body))
    })
}

/// Signs somebody in by a passkey alone.
#[component]
pub fn PasskeySignInPage() -> impl IntoView {
    page(async {
        let services = services();
        let passkeys = &services.passkeys;
        let origin = passkeys.origin().map(str::to_owned);
        let next = query("next").unwrap_or_default();
        let path = route::passkey_sign_in(&next);
        let flash = take_flash().await;
        let challenge = match elsewhere(origin.as_deref()) {
            None if origin.is_some() => Some(passkeys.begin_sign_in().await?),
            _ => None,
        };
        if let Some(challenge) = &challenge {
            keep(&Ceremony(challenge.ceremony)).await;
        }
        let form = challenge.map(|challenge| {
            let (back, next) = (path.clone(), next.clone());
            view! {
                <Form action=PasskeySignIn::PATH back class="card form needs-script">
                    <input type="hidden" name="next" value=next/>
                    <input type="hidden" name="answer" value=""/>
                    <PasskeyButton options=challenge.options make=false text="Use a passkey".to_owned()/>
                </Form>
            }
        });
        let password = if next.is_empty() { route::SIGN_IN.to_owned() } else { route::sign_in_then(&next) };
        let body = view! {
            <section class="narrow">
                <h1>"Sign in with a passkey"</h1>
                <p class="lead">"Your device knows which one, and asks you for what unlocks it."</p>
                <Message flash/>
                {form}
                <Instead origin path/>
                <p><a href=password>"Sign in with your password"</a></p>
            </section>
        };
        Ok(Page::public("Sign in with a passkey", body))
    })
}
