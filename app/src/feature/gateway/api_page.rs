//! One guarded API, for admins.

use super::{
    RemoveApi, SaveApi,
    api_fields::{ApiFields, ApiValues},
    apis_page::crumbs,
    policy_table::PolicyTable,
};
use crate::{
    page::{Page, page, param, take_flash},
    route,
    ssr::{actor, portal, services},
    ui::{CodeSample, Form, Message, PageHead, Sample, SubmitButton},
};
use latchkey_model::ApiSlug;
use leptos::{prelude::*, server_fn::ServerFn};

/// What it takes of whom, how a proxy asks about it, and what can be changed.
#[component]
pub fn ApiPage() -> impl IntoView {
    page(async {
        let slug = param::<ApiSlug>("api")?;
        let api = services().guarded_apis.get(&actor(), &slug).await?;
        let flash = take_flash().await;
        let here = route::api(&slug);
        let (save_back, remove_back) = (here.clone(), here);
        let (check, listening) = match portal().gateway {
            Some(address) => (format!("http://{address}/gateway/check/{slug}"), true),
            None => (format!("http://127.0.0.1:4001/gateway/check/{slug}"), false),
        };
        let values = ApiValues::of(&api).or_typed(flash.as_ref());
        let (title, version) = (api.settings.name.to_string(), api.version.to_string());
        let first = flash.as_ref().and_then(|flash| flash.value("version"));
        let shown = first.map_or_else(|| version.clone(), str::to_owned);
        let (saved, removed) = (slug.to_string(), slug.to_string());
        let body = view! {
            <PageHead title=title.clone() explanation=api.settings.base_url.clone() crumbs=crumbs(&title)/>
            <Message flash/>
            <section aria-labelledby="takes">
                <h2 id="takes">"What it takes"</h2>
                <PolicyTable policies=api.policies.clone() settings=api.settings.clone()/>
                <p class="dim">"What no policy covers is refused. Of two that cover a path, the more exact one counts."</p>
            </section>
            <section class="card form" aria-labelledby="asks">
                <h2 id="asks">"Where a proxy asks"</h2>
                <CodeSample name="check" samples=vec![Sample { language: "Address", code: check }]/>
                <p>
                    "Configurations for nginx, Caddy, HAProxy, Traefik and Envoy are in "
                    <a href=route::GATEWAY_GUIDE>"the guide"</a>
                    "."
                </p>
                {(!listening).then(|| view! {
                    <p class="dim">"Latchkey does not listen for checks yet: start it with " <code>"--gateway-listen 127.0.0.1:4001"</code> "."</p>
                })}
            </section>
            <section aria-labelledby="change">
                <h2 id="change">"Change it"</h2>
                <Form action=SaveApi::PATH back=save_back class="card form">
                    <input type="hidden" name="api" value=saved/>
                    <input type="hidden" name="version" value=shown/>
                    <ApiFields values new=false/>
                    <div class="form-actions"><SubmitButton text="Save"/></div>
                </Form>
            </section>
            <section class="card form" aria-labelledby="remove">
                <h2 id="remove">"Remove it"</h2>
                <p>"Every request to it is refused from then on. Credentials keep the names of its scopes, which mean nothing any more."</p>
                <Form action=RemoveApi::PATH back=remove_back>
                    <input type="hidden" name="api" value=removed/>
                    <input type="hidden" name="version" value=version/>
                    <button type="submit" class="btn btn-danger">"Remove"</button>
                </Form>
            </section>
        };
        Ok(Page::portal(title, body))
    })
}
