//! Where somebody asks for a new password.

use super::password_fn::ForgotPassword;
use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        flash::{error_at, typed},
        services,
    },
    ui::{Field, Form, Message, SubmitButton},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// Asks for the address of the account.
#[component]
pub fn ForgotPage() -> impl IntoView {
    page(async {
        let flash = take_flash().await;
        let (email, error) = (typed(flash.as_ref(), "email"), error_at(flash.as_ref(), "email"));
        let unsent = (!services().postman.sends()).then(|| {
            view! { <p class="dim">"This portal sends no mail yet. Ask whoever runs it to pass the link on to you."</p> }
        });
        let body = view! {
            <section class="narrow">
                <h1>"Forgot your password?"</h1>
                <p class="lead">"Give the address of your account. If there is one, we mail it a link to choose a new password."</p>
                <Message flash/>
                <Form action=ForgotPassword::PATH back=route::FORGOT class="card">
                    <Field name="email" label="E-mail" kind="email" value=email autocomplete="username" error required=true/>
                    <SubmitButton text="Mail me a link"/>
                </Form>
                {unsent}
                <p>"You remember it? "<a href=route::SIGN_IN>"Sign in"</a></p>
            </section>
        };
        Ok(Page::public("Forgot your password?", body))
    })
}
