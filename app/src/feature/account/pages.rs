//! The pages of people who are not signed in yet.

use super::{
    server_fn::SignIn,
    sign_up_fn::{Setup, SignUp},
};
use crate::{
    feature::identity_provider::SignInWith,
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{
        SignUpMode, actor,
        flash::{Flash, error_at, typed},
        portal, services,
    },
    ui::{Field, Form, Message, SubmitButton},
};
use latchkey_core::Actor;
use leptos::{prelude::*, server_fn::ServerFn};

fn redirect_if_signed_in() -> Result<(), PageError> {
    match actor() {
        Actor::Account { .. } => Err(PageError::Redirect(route::DASHBOARD.to_owned())),
        Actor::Anonymous => Ok(()),
    }
}

/// Where an account begins.
#[component]
pub fn SignUpPage() -> impl IntoView {
    page(async {
        redirect_if_signed_in()?;
        if portal().sign_up == SignUpMode::Closed {
            let body = view! {
                <section class="narrow">
                    <h1>"Sign-up is closed"</h1>
                    <p>"This portal takes no new accounts at the moment. Ask whoever runs it."</p>
                    <p><a href=route::SIGN_IN>"Sign in"</a></p>
                </section>
            };
            return Ok(Page::public("Sign-up is closed", body));
        }
        let flash = take_flash().await;
        let (fields, lead) = if portal().sign_up == SignUpMode::Confirmed {
            let (value, error) = (typed(flash.as_ref(), "email"), error_at(flash.as_ref(), "email"));
            let field = view! { <Field name="email" label="E-mail" kind="email" value autocomplete="username" error required=true/> };
            (field.into_any(), "We mail you a link. Open it, and choose your password.")
        } else {
            (new_account_fields(flash.as_ref()).into_any(), "Your first key is a minute away.")
        };
        let body = view! {
            <section class="narrow">
                <h1>"Create your account"</h1>
                <p class="lead">{lead}</p>
                <Message flash=flash/>
                <Form action=SignUp::PATH back=route::SIGN_UP class="card">
                    {fields}
                    <SubmitButton text="Create account"/>
                </Form>
                <p>"You have an account? "<a href=route::SIGN_IN>"Sign in"</a></p>
            </section>
        };
        Ok(Page::public("Create your account", body))
    })
}

fn new_account_fields(flash: Option<&Flash>) -> impl IntoView + use<> {
    let (name, email) = (typed(flash, "name"), typed(flash, "email"));
    let [name_error, email_error, password_error] = ["name", "email", "password"].map(|field| error_at(flash, field));
    view! {
        <Field name="name" label="Your name" value=name autocomplete="name" error=name_error required=true/>
        <Field name="email" label="E-mail" kind="email" value=email autocomplete="username" error=email_error required=true/>
        <NewPassword label="Password" error=password_error/>
    }
}

/// The field for a new password, with what is asked of it.
#[component]
pub(super) fn NewPassword(label: &'static str, error: Option<String>) -> impl IntoView {
    let shortest = services().accounts.shortest_password();
    let hint = format!("At least {shortest} characters. Any characters; a few unrelated words work well.");
    view! { <Field name="password" label kind="password" autocomplete="new-password" hint error required=true/> }
}

/// Where a person comes back.
#[component]
pub fn SignInPage() -> impl IntoView {
    page(async {
        let again = query("again").is_some();
        if !again {
            redirect_if_signed_in()?;
        }
        let flash = take_flash().await;
        let next = query("next").unwrap_or_default();
        let hint = query("email");
        // A provider that knows a person signs them in without asking: that is no fresh sign-in.
        let providers = if again { Vec::new() } else { services().identity_providers.offered().await? };
        let back =
            if next.is_empty() { route::SIGN_IN.to_owned() } else { route::sign_in_as(&next, again, hint.as_deref()) };
        let wanted = next.clone();
        let (offers_passkeys, passkey) = (services().passkeys.origin().is_some(), route::passkey_sign_in(&next));
        let email = Some(typed(flash.as_ref(), "email")).filter(|typed| !typed.is_empty()).or(hint).unwrap_or_default();
        let body = view! {
            <section class="narrow">
                <h1>"Sign in"</h1>
                {again.then(|| view! { <p class="lead">"You are asked to sign in once more before you go on."</p> })}
                <Message flash=flash/>
                <Form action=SignIn::PATH back=back.clone() class="card">
                    <input type="hidden" name="next" value=wanted/>
                    <Field name="email" label="E-mail" kind="email" value=email autocomplete="username" required=true/>
                    <Field name="password" label="Password" kind="password" autocomplete="current-password" required=true/>
                    <SubmitButton text="Sign in"/>
                </Form>
                <SignInWith providers next back/>
                {offers_passkeys.then(|| view! { <p class="needs-script"><a class="btn" href=passkey>"Sign in with a passkey"</a></p> })}
                <p><a href=route::FORGOT>"Forgot your password?"</a></p>
                <p>"New here? "<a href=route::SIGN_UP>"Create an account"</a></p>
            </section>
        };
        Ok(Page::public("Sign in", body))
    })
}

/// Where the one-time link from the terminal leads: the first admin's account.
#[component]
pub fn SetupPage() -> impl IntoView {
    page(async {
        redirect_if_signed_in()?;
        let token = query("token").unwrap_or_default();
        let flash = take_flash().await;
        let fields = new_account_fields(flash.as_ref());
        let back = format!("{}?token={token}", route::SETUP);
        let body = view! {
            <section class="narrow">
                <h1>"Create the first admin"</h1>
                <p class="lead">"This link works once. The account it makes can see every refused request."</p>
                <Message flash=flash/>
                <Form action=Setup::PATH back class="card">
                    <input type="hidden" name="token" value=token/>
                    {fields}
                    <SubmitButton text="Create admin account"/>
                </Form>
            </section>
        };
        Ok(Page::public("Create the first admin", body))
    })
}
