//! Where the links in our mails lead: each page asks before it spends its link, since programs that look at mails open links, too.

use super::{pages::NewPassword, password_fn::ResetPassword, profile_fn::ConfirmEmail, sign_up_fn::FinishSignUp};
use crate::{
    page::{Page, PageError, page, take_flash},
    route,
    ssr::{
        actor,
        flash::{error_at, typed},
        link::token,
        services,
    },
    ui::{Field, Form, Message, SubmitButton},
};
use latchkey_core::{Actor, account::EmailLink};
use leptos::{prelude::*, server_fn::ServerFn};

/// What is said of every link that is not good, whatever the reason.
fn spent(next: AnyView) -> Page {
    let body = view! {
        <section class="narrow">
            <h1>"This link is not good any more"</h1>
            <p>"It was used, it has expired, or a newer one took its place."</p>
            {next}
        </section>
    };
    Page::public("This link is not good any more", body)
}

/// What somebody reads who asked for an account.
#[component]
pub fn SignUpMailPage() -> impl IntoView {
    page(async {
        let body = view! {
            <section class="narrow">
                <h1>"Look into your mail"</h1>
                <p class="lead">"We wrote to the address that you gave. Open the link in the mail, and choose your password: then the account is yours."</p>
                <p>"Nothing there after some minutes? Look among the unwanted mails, or "<a href=route::SIGN_UP>"ask once more"</a>"."</p>
            </section>
        };
        Ok(Page::public("Look into your mail", body))
    })
}

/// Where an account comes to be.
#[component]
pub fn FinishSignUpPage() -> impl IntoView {
    page(async {
        let token = token();
        let flash = take_flash().await;
        if !services().accounts.may_finish_sign_up(&token).await? {
            return Ok(spent(view! { <p><a class="btn" href=route::SIGN_UP>"Create an account"</a>" "<a class="btn" href=route::SIGN_IN>"Sign in"</a></p> }.into_any()));
        }
        let [name_error, error] = ["name", "password"].map(|field| error_at(flash.as_ref(), field));
        let name = typed(flash.as_ref(), "name");
        let body = view! {
            <section class="narrow">
                <h1>"Finish creating your account"</h1>
                <p class="lead">"Your address is confirmed with this."</p>
                <Message flash/>
                <Form action=FinishSignUp::PATH back=route::finish_sign_up(&token) class="card">
                    <input type="hidden" name="token" value=token.clone()/>
                    <Field name="name" label="Your name" value=name autocomplete="name" error=name_error required=true/>
                    <NewPassword label="Password" error/>
                    <SubmitButton text="Create account"/>
                </Form>
            </section>
        };
        Ok(Page::public("Finish creating your account", body))
    })
}

/// Where a new password is chosen.
#[component]
pub fn ResetPasswordPage() -> impl IntoView {
    page(async {
        let token = token();
        let flash = take_flash().await;
        if !services().passwords.may_reset(&token).await? {
            return Ok(spent(view! { <p><a class="btn" href=route::FORGOT>"Ask for a new link"</a></p> }.into_any()));
        }
        let error = error_at(flash.as_ref(), "password");
        let body = view! {
            <section class="narrow">
                <h1>"Choose a new password"</h1>
                <p class="lead">"Every browser that is signed in to your account is signed out with this."</p>
                <Message flash/>
                <Form action=ResetPassword::PATH back=route::reset(&token) class="card">
                    <input type="hidden" name="token" value=token.clone()/>
                    <NewPassword label="New password" error/>
                    <SubmitButton text="Change password"/>
                </Form>
            </section>
        };
        Ok(Page::public("Choose a new password", body))
    })
}

/// Where an address is shown to be somebody's.
#[component]
pub fn VerifyEmailPage() -> impl IntoView {
    page(async {
        let token = token();
        let flash = take_flash().await;
        let (title, lead, button) = match services().profiles.email_link(&token).await? {
            None => {
                return Ok(spent(view! { <p><a class="btn" href=route::PROFILE>"Your profile"</a></p> }.into_any()));
            }
            // Whoever asked for it must be who opens it.
            Some(_) if matches!(actor(), Actor::Anonymous) => return Err(PageError::NotSignedIn),
            Some(EmailLink::Verify(email)) => ("Confirm your address", format!("{email} is yours."), "Confirm"),
            Some(EmailLink::Change(email)) => {
                ("Take your new address", format!("From now on you sign in with {email}."), "Take it")
            }
        };
        let body = view! {
            <section class="narrow">
                <h1>{title}</h1>
                <p class="lead">{lead}</p>
                <Message flash/>
                <Form action=ConfirmEmail::PATH back=route::verify_email(&token) class="card">
                    <input type="hidden" name="token" value=token.clone()/>
                    <SubmitButton text=button/>
                </Form>
            </section>
        };
        Ok(Page::public(title, body))
    })
}
