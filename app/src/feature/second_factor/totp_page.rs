//! Where an app that shows codes is set up.

use super::code_fn::ConfirmTotp;
use crate::{
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{
        actor,
        again::again_for,
        flash::error_at,
        kept::{Kept, keep, look},
        services,
    },
    ui::{Field, Form, Message, PageHead, QrPicture, SubmitButton},
};
use latchkey_core::{
    lockout::TryError,
    second_factor::{SecondFactorError, TotpEnrolment},
};
use leptos::{prelude::*, server_fn::ServerFn};
use serde::{Deserialize, Serialize};

/// The app that was begun to be set up, until its first code comes: sealed for the account.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct BegunEnrolment(pub(super) Vec<u8>);

impl Kept for BegunEnrolment {
    const KEY: &'static str = "totp_enrolment";
}

impl From<SecondFactorError> for PageError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::NotSignedIn(_) => Self::NotSignedIn,
            SecondFactorError::ProveFirst => Self::Redirect(again_for(&crate::page::here())),
            SecondFactorError::SetUpAlready => Self::Redirect(route::SECURITY.to_owned()),
            SecondFactorError::Store(error) | SecondFactorError::Try(TryError::Store(error)) => Self::Store(error),
            SecondFactorError::Forbidden
            | SecondFactorError::WrongCode
            | SecondFactorError::Try(TryError::Locked { .. })
            | SecondFactorError::NotFound
            | SecondFactorError::MustKeepOne
            | SecondFactorError::BeginAgain
            | SecondFactorError::Seal(_) => Self::NotFound,
        }
    }
}

/// Reloading shows the same picture: the app that read it goes on to count.
async fn enrolment() -> Result<TotpEnrolment, PageError> {
    let (services, actor) = (services(), actor());
    if let Some(BegunEnrolment(sealed)) = look().await
        && let Ok(begun) = services.second_factors.resume_totp(&actor, &sealed)
    {
        return Ok(begun);
    }
    let begun = services.second_factors.begin_totp(&actor).await?;
    keep(&BegunEnrolment(begun.sealed.clone())).await;
    Ok(begun)
}

/// The picture for the app, and its first code.
#[component]
pub fn NewTotpPage() -> impl IntoView {
    page(async {
        let begun = enrolment().await?;
        let flash = take_flash().await;
        let error = error_at(flash.as_ref(), "code");
        let letters: Vec<char> = begun.secret.chars().collect();
        let grouped = letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ");
        let body = view! {
            <PageHead title="Set up an app" explanation="Any app for one-time codes works: the one of your phone, of your password manager, or another."/>
            <Message flash/>
            <section class="card form" aria-labelledby="read">
                <h2 id="read">"1. Let the app read this"</h2>
                <QrPicture text=begun.url.to_string() label="The secret of your app, as a picture"/>
                <p>"Or type it in: "<code class="seed">{grouped}</code></p>
            </section>
            <Form action=ConfirmTotp::PATH back=route::NEW_TOTP class="card form">
                <h2>"2. Type the code that it shows"</h2>
                <Field name="code" label="Code" autocomplete="one-time-code" error required=true/>
                <div class="form-actions">
                    <SubmitButton text="Turn on"/>
                    <a class="btn" href=route::SECURITY>"Cancel"</a>
                </div>
            </Form>
        };
        Ok(Page::portal("Set up an app", body))
    })
}
