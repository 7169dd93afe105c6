//! Where an app sends people who want to sign out (OpenID Connect RP-Initiated Logout).

use super::server_fn::SignOut;
use crate::{
    page::{Page, PageError, here, page},
    route,
    shell::let_forms_lead_to,
    ssr::{actor, services},
    ui::{Form, SubmitButton},
};
use http::request::Parts;
use latchkey_core::authorization::Parameters;
use leptos::{prelude::*, server_fn::ServerFn};

/// Asks whether to sign out: a link alone must not do it.
#[component]
pub fn SignOutPage() -> impl IntoView {
    page(async {
        let query = use_context::<Parts>().and_then(|parts| parts.uri.query().map(str::to_owned));
        let parameters = Parameters::of_query(&query.unwrap_or_default());
        let asked = services().sign_outs.asked(&actor(), &parameters).await?;
        if !asked.signed_in {
            if let Some(then) = asked.then {
                return Err(PageError::Redirect(then));
            }
            let body = view! {
                <section class="narrow">
                    <h1>"You are signed out"</h1>
                    <p><a href=route::SIGN_IN>"Sign in"</a></p>
                </section>
            };
            return Ok(Page::public("You are signed out", body));
        }
        if let Some(then) = &asked.then {
            let_forms_lead_to(then);
        }
        let who = asked.client.map_or_else(|| "An app".to_owned(), |name| name.as_str().to_owned());
        let body = view! {
            <section class="narrow">
                <h1>"Sign out of Latchkey?"</h1>
                <p>{format!("{who} asks whether you want to sign out here, too. Apps that act for you go on until you take that back.")}</p>
                <Form action=SignOut::PATH back=here() class="card">
                    <input type="hidden" name="asked" value=parameters.to_query()/>
                    <div class="form-actions">
                        <SubmitButton text="Sign out"/>
                        <a class="btn" href=route::DASHBOARD>"Stay"</a>
                    </div>
                </Form>
            </section>
        };
        Ok(Page::public("Sign out of Latchkey?", body))
    })
}
