//! Everybody's accounts.

use super::act_form::SuspendedBadge;
use crate::{
    page::{Page, page, query, take_flash},
    route,
    ssr::{actor, services},
    ui::{DataTable, EmptyState, Field, Message, PageHead, RelativeTime, options},
};
use latchkey_core::port::directory::{AccountSearch, FoundAccount};
use latchkey_model::AccountRole;
use leptos::prelude::*;
use time::OffsetDateTime;

/// Accounts by address, name, role and state.
#[component]
pub fn AccountsPage() -> impl IntoView {
    page(async {
        let services = services();
        let asked = |name: &str| query(name).unwrap_or_default().trim().to_owned();
        let (text, role, state) = (asked("text"), asked("role"), asked("state"));
        let search = AccountSearch {
            text: text.clone(),
            role: role.parse::<AccountRole>().ok(),
            suspended: match state.as_str() {
                "suspended" => Some(true),
                "live" => Some(false),
                _ => None,
            },
            before: asked("before").parse().ok(),
        };
        let (found, oldest) = services.directory.accounts(&actor(), &search).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let more = oldest.map(|oldest| route::more_accounts(&text, &role, &state, oldest));
        let list = if found.is_empty() {
            view! {
                <EmptyState title="Nobody is like that">
                    <p>"No account has this in its address or name, with this role and state."</p>
                    <a class="btn" href=route::ADMIN_ACCOUNTS>"Everybody"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = found.into_iter().map(|found| view! { <Row found now/> }).collect_view();
            view! {
                <DataTable label="Accounts" columns=vec!["Account", "Role", "State", "Last sign-in", "Signed up"]>{rows}</DataTable>
                {more.map(|href| view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"Older accounts"</a></nav> })}
            }
            .into_any()
        };
        let body = view! {
            <PageHead title="Accounts" explanation="Everybody who can sign in here. Open one to see what it has, and to suspend it."/>
            <Message flash/>
            <form method="get" action=route::ADMIN_ACCOUNTS class="filter" role="search" aria-label="Find an account">
                <Field name="text" label="Address or name" value=text error=None/>
                <div class="field"><label for="role">"Role"</label><select id="role" name="role">{options(&role, &[("developer", "Developer"), ("admin", "Admin")])}</select></div>
                <div class="field"><label for="state">"State"</label><select id="state" name="state">{options(&state, &[("live", "Live"), ("suspended", "Suspended")])}</select></div>
                <div class="filter-actions"><button type="submit" class="btn btn-primary">"Find"</button></div>
            </form>
            {list}
        };
        Ok(Page::portal("Accounts", body))
    })
}

#[component]
fn Row(found: FoundAccount, now: OffsetDateTime) -> impl IntoView {
    let account = found.account;
    let email = account.email.as_str().to_owned();
    let last = match found.last_sign_in_at {
        Some(at) => view! { <RelativeTime at now/> }.into_any(),
        None => view! { <span class="dim">"not lately"</span> }.into_any(),
    };
    view! {
        <tr>
            <td data-label="Account">
                <a class="row-link" href=route::account(account.id)>{email}</a>
                <p class="dim">{account.name.as_str().to_owned()}</p>
            </td>
            <td data-label="Role">{account.role.as_str()}</td>
            <td data-label="State"><SuspendedBadge suspended=account.suspended.map(|suspended| *suspended) now/></td>
            <td data-label="Last sign-in">{last}</td>
            <td data-label="Signed up"><RelativeTime at=account.created_at now/></td>
        </tr>
    }
}
