//! Revoking a key or a token of anybody's: what that would break is shown first.

use super::{
    act_fn::ActOn,
    act_form::{ActButton, CardActs},
    listed::owner_of,
};
use crate::{
    feature::api_key::{KeyStateBadge, Radius},
    page::{Page, page, param, take_flash},
    route,
    ssr::{actor, services},
    ui::{Crumb, Message, PageHead},
};
use latchkey_model::ApiKeyId;
use leptos::prelude::*;

/// The last look before an admin ends a key.
#[component]
pub fn RevokeCredentialPage() -> impl IntoView {
    page(async {
        let id = param::<ApiKeyId>("key")?;
        let (services, actor) = (services(), actor());
        let key = services.directory.key(&actor, id).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let name = key.settings.name.to_string();
        let title = format!("Revoke {name}");
        let explanation = format!("{} of {}, {}", key.owner.kind().label(), owner_of(&key.owner), key.hint());
        let found = route::found_credentials(key.public_id.as_str());
        let crumbs = vec![
            Crumb { label: "Credentials".to_owned(), href: Some(route::ADMIN_CREDENTIALS.to_owned()) },
            Crumb { label: name, href: Some(found) },
        ];
        let act = if key.is_ended(now) {
            view! { <p><KeyStateBadge key now/></p> }.into_any()
        } else {
            let radius = services.api_keys.blast_radius(&actor, &key).await?;
            view! {
                <Radius radius what="Revoking it"/>
                <CardActs
                    on=ActOn::Key
                    id=id.to_string()
                    title="Revoke it"
                    explanation="It is refused from then on, for good: whoever uses it needs another. It stays in its owner's list, so that later failures can be explained."
                    act=ActButton::REVOKE
                    back=route::revoke_credential(id)
                    flash=flash.as_ref()
                />
            }
            .into_any()
        };
        let body = view! {
            <PageHead title=title.clone() explanation crumbs/>
            <Message flash/>
            {act}
        };
        Ok(Page::portal(title, body))
    })
}
