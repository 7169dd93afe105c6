//! One provider, for admins.

use super::{
    DisableProvider, RemoveProvider, SaveProvider,
    admin_page::{RedirectUri, crumbs},
    provider_fields::{ProviderFields, ProviderValues},
};
use crate::{
    page::{Page, page, param, take_flash},
    route,
    ssr::{actor, services},
    ui::{Form, Message, PageHead, ReasonInput, SubmitButton},
};
use latchkey_model::IdentityProviderId;
use leptos::{prelude::*, server_fn::ServerFn};

/// What can be changed about a provider.
#[component]
pub fn IdentityProviderPage() -> impl IntoView {
    page(async {
        let id = param::<IdentityProviderId>("provider")?;
        let (services, actor) = (services(), actor());
        let provider = services.identity_providers.get(&actor, id).await?;
        let ends = match services.identity_providers.links(&actor, id).await? {
            0 => "Nobody has linked an identity there.".to_owned(),
            1 => "One link of a person with it ends. They sign in with their password then, and are not signed out."
                .to_owned(),
            many => format!(
                "{many} links of people with it end. They sign in with their password then; nobody is signed out."
            ),
        };
        let flash = take_flash().await;
        let here = route::identity_provider(id);
        let (update_back, remove_back) = (here.clone(), here.clone());
        let disabled = provider.disabled_at.is_some();
        let values = ProviderValues::of(&provider.settings).or_typed(flash.as_ref());
        let title = provider.settings.name.as_str().to_owned();
        let explanation = if disabled {
            "Switched off: nobody signs in with it."
        } else {
            "People can sign in with it once they have linked it."
        };
        let body = view! {
            <PageHead title=title.clone() explanation crumbs=crumbs(&title)>
                <Form action=DisableProvider::PATH back=here class="row-form">
                    <ReasonInput id="reason-switch" label="Why it is switched off or on"/>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <input type="hidden" name="disabled" value=if disabled { "" } else { "yes" }/>
                    <button type="submit" class="btn">{if disabled { "Switch on" } else { "Switch off" }}</button>
                </Form>
            </PageHead>
            <Message flash/>
            <Form action=SaveProvider::PATH back=update_back class="card form">
                <RedirectUri id/>
                <input type="hidden" name="id" value=id.to_string()/>
                <ProviderFields values has_secret=true/>
                <div class="form-actions"><SubmitButton text="Save"/></div>
            </Form>
            <section class="card form" aria-labelledby="remove">
                <h2 id="remove">"Remove it"</h2>
                <p>{ends}</p>
                <Form action=RemoveProvider::PATH back=remove_back class="row-form">
                    <ReasonInput id="reason-remove" label="Why it is removed"/>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button type="submit" class="btn btn-danger">"Remove"</button>
                </Form>
            </section>
        };
        Ok(Page::portal(title, body))
    })
}
