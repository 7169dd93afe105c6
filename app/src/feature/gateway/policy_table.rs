//! What an API takes of whom, as a table.

use crate::ui::{DataTable, EmptyState, EnvironmentBadge};
use latchkey_core::{
    gateway::{Access, Policies, Policy},
    port::api::ApiSettings,
};
use leptos::prelude::*;

/// Every policy, in the order in which they were written.
#[component]
pub(super) fn PolicyTable(policies: Policies, settings: ApiSettings) -> impl IntoView {
    if policies.is_empty() {
        return view! {
            <EmptyState title="No policy yet">
                <p>"Nobody is let in until a policy says who may ask for what. Add the first one below."</p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = policies.iter().cloned().map(|policy| view! { <Row policy settings=settings.clone()/> }).collect_view();
    view! {
        <DataTable label="Policies" columns=vec!["Methods", "Path", "Who", "Environments", "Limit of each"]>{rows}</DataTable>
    }
    .into_any()
}

#[component]
fn Row(policy: Policy, settings: ApiSettings) -> impl IntoView {
    let who = match &policy.access {
        Access::Public => view! { "Everybody" }.into_any(),
        Access::Holders(scopes) if scopes.is_empty() => view! { "Any scope of the API" }.into_any(),
        Access::Holders(scopes) => {
            let scopes: Vec<_> =
                scopes.iter().map(|scope| view! { <li><code>{scope.to_string()}</code></li> }).collect();
            view! { <ul class="words">{scopes}</ul> }.into_any()
        }
    };
    let named = if policy.environments.is_empty() { &settings.environments } else { &policy.environments };
    let environments = match policy.access {
        Access::Public => view! { <span class="dim">"No credential"</span> }.into_any(),
        Access::Holders(_) => {
            let badges: Vec<_> =
                named.iter().map(|one| view! { <li><EnvironmentBadge environment=*one/></li> }).collect();
            view! { <ul class="words">{badges}</ul> }.into_any()
        }
    };
    let limit = match policy.limit {
        Some(limit) => view! { {limit.to_string()} }.into_any(),
        None => view! { <span class="dim">"None of its own"</span> }.into_any(),
    };
    view! {
        <tr>
            <td data-label="Methods"><code>{policy.methods.to_string()}</code></td>
            <td data-label="Path"><code class="break">{policy.path.to_string()}</code></td>
            <td data-label="Who">{who}</td>
            <td data-label="Environments">{environments}</td>
            <td data-label="Limit of each">{limit}</td>
        </tr>
    }
}
