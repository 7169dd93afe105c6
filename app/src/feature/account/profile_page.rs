//! What a person says of themselves.

use super::profile_fn::{AskToVerify, ChangeEmail, Rename};
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, typed},
        services,
    },
    ui::{Badge, Field, Form, Message, PageHead, RelativeTime, SubmitButton, Tone},
};
use latchkey_core::port::account::Account;
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

/// The name and the address of the account.
#[component]
pub fn ProfilePage() -> impl IntoView {
    page(async {
        let account = actor().account()?.clone();
        let now = services().ports.now();
        let flash = take_flash().await;
        let errors = ["name", "email"].map(|field| error_at(flash.as_ref(), field));
        let new_email = typed(flash.as_ref(), "email");
        let name = Some(typed(flash.as_ref(), "name")).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| account.name.as_str().to_owned());
        let [name_error, email_error] = errors;
        let body = view! {
            <PageHead title="Profile" explanation="What you are called, and where we write to you."/>
            <Message flash/>
            <Form action=Rename::PATH back=route::PROFILE class="card form">
                <h2>"Name"</h2>
                <Field name="name" label="Your name" value=name autocomplete="name" error=name_error required=true/>
                <SubmitButton text="Save"/>
            </Form>
            <Address account now/>
            <Form action=ChangeEmail::PATH back=route::PROFILE class="card form">
                <h2>"Another address"</h2>
                <p>"We mail a link to the new address, and word of it to the one that you have. Once you open the link, you sign in with the new one."</p>
                <Field name="email" label="New e-mail" kind="email" value=new_email autocomplete="email" error=email_error required=true/>
                <SubmitButton text="Change address"/>
            </Form>
        };
        Ok(Page::portal("Profile", body))
    })
}

#[component]
fn Address(account: Account, now: OffsetDateTime) -> impl IntoView {
    let state = match account.email_verified_at {
        Some(at) => view! { <Badge tone=Tone::Good text="confirmed"/> " " <RelativeTime at now/> }.into_any(),
        None => view! { <Badge tone=Tone::Wait text="not confirmed"/> }.into_any(),
    };
    let ask = account.email_verified_at.is_none().then(|| {
        view! {
            <p>"Until it is confirmed, apps that you authorize are told that it may not be yours."</p>
            <Form action=AskToVerify::PATH back=route::PROFILE>
                <button type="submit" class="btn">"Mail me a link to confirm it"</button>
            </Form>
        }
    });
    view! {
        <section class="card form" aria-labelledby="address">
            <h2 id="address">"E-mail"</h2>
            <p><strong>{account.email.as_str().to_owned()}</strong>" "{state}</p>
            {ask}
        </section>
    }
}
