//! The picture that people are shown when a client asks them.

use super::lifecycle_fn::{RemoveClientLogo, SetClientLogo};
use crate::{
    feature::grant::ClientLogo,
    ui::{Form, SubmitButton},
};
use latchkey_core::port::oauth_client::OauthClient;
use leptos::{prelude::*, server_fn::ServerFn};

/// Shows it, and takes another.
#[component]
pub(super) fn LogoCard(client: OauthClient, #[prop(into)] back: String, error: Option<String>) -> impl IntoView {
    let id = client.id.to_string();
    let has_one = client.logo.is_some();
    let described = if error.is_some() { "file-hint file-error" } else { "file-hint" };
    let invalid = error.is_some().then_some("true");
    let (remove_id, remove_back) = (id.clone(), back.clone());
    view! {
        <section class="card form" aria-labelledby="logo">
            <h2 id="logo">"Logo"</h2>
            <ClientLogo client/>
            <Form action=SetClientLogo::PATH back class="logo-form" with_file=true>
                <input type="hidden" name="id" value=id/>
                <div class="field">
                    <label for="file">"Picture"</label>
                    <input id="file" type="file" name="file" accept="image/png,image/jpeg,image/webp" required=true aria-describedby=described aria-invalid=invalid/>
                    <p class="field-hint" id="file-hint">"PNG, JPEG or WebP, at most 2 MB. It is drawn anew, at most 192 pixels a side. With another one, the client is verified no more."</p>
                    {error.map(|error| view! { <p class="field-error" id="file-error">{error}</p> })}
                </div>
                <SubmitButton text="Upload" kind=""/>
            </Form>
            {has_one.then(|| view! {
                <Form action=RemoveClientLogo::PATH back=remove_back>
                    <input type="hidden" name="id" value=remove_id/>
                    <button type="submit" class="btn btn-small btn-danger">"Remove the logo"</button>
                </Form>
            })}
        </section>
    }
}
