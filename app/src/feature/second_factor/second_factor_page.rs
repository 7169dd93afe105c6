//! Where somebody who has shown their password shows what is asked for beside it.

use super::{code_fn::VerifyCode, passkey_fn::VerifyPasskey};
use crate::{
    islands::PasskeyButton,
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{
        flash::error_at,
        kept::{Kept, keep},
        services,
        session::HalfSignIn,
    },
    ui::{Field, Form, Message, SubmitButton},
};
use latchkey_core::second_factor::PasskeyError;
use latchkey_model::PasskeyCeremonyId;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};

/// Which challenge a page shows, for when its answer comes.
#[derive(Serialize, Deserialize)]
pub(super) struct Ceremony(pub(super) PasskeyCeremonyId);

impl Kept for Ceremony {
    const KEY: &'static str = "passkey_ceremony";
}

impl From<PasskeyError> for PageError {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Factor(error) => error.into(),
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "passkeys cannot be asked for");
                Self::NotFound
            }
        }
    }
}

/// A code, or a passkey.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    page(async {
        let Some(half) = HalfSignIn::here().await else {
            return Err(PageError::Redirect(route::SIGN_IN.to_owned()));
        };
        let flash = take_flash().await;
        let error = error_at(flash.as_ref(), "code");
        let challenge = services().passkeys.begin_second(half.account).await?;
        if let Some(challenge) = &challenge {
            keep(&Ceremony(challenge.ceremony)).await;
        }
        let passkey = challenge.map(|challenge| {
            view! {
                <Form action=VerifyPasskey::PATH back=route::SECOND_FACTOR class="card needs-script">
                    <h2>"With a passkey"</h2>
                    <input type="hidden" name="answer" value=""/>
                    <PasskeyButton options=challenge.options make=false text="Use a passkey".to_owned()/>
                </Form>
            }
        });
        let hint = "Six digits from your app, or one of your recovery codes.".to_owned();
        let body = view! {
            <section class="narrow">
                <h1>"One more thing"</h1>
                <p class="lead">"Your password is right. Show that it is you in another way, too."</p>
                <Message flash/>
                {passkey}
                <Form action=VerifyCode::PATH back=route::SECOND_FACTOR class="card">
                    <h2>"With a code"</h2>
                    <Field name="code" label="Code" autocomplete="one-time-code" hint error required=true autofocus=true/>
                    <SubmitButton text="Go on"/>
                </Form>
                <p>"Not you? "<a href=route::SIGN_IN>"Sign in as somebody else"</a></p>
            </section>
        };
        Ok(Page::public("One more thing", body))
    })
}
