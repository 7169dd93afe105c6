//! One account, with what it has.

use super::{
    act_fn::ActOn,
    act_form::{ActButton, CardActs, SuspendedBadge},
    listed::{ApplicationRow, key_row, listed},
};
use crate::{
    page::{Page, page, param, take_flash},
    route,
    ssr::{actor, flash::Flash, services},
    ui::{Crumb, Message, PageHead, RelativeTime},
};
use latchkey_core::port::{account::Membership, api_key::ApiKey, application::MemberApplication};
use latchkey_model::AccountId;
use leptos::prelude::*;
use time::OffsetDateTime;

/// What an account is, has, and can be done to it.
#[component]
pub fn AccountPage() -> impl IntoView {
    page(async {
        let id = param::<AccountId>("account")?;
        let (services, actor) = (services(), actor());
        let view = services.directory.account(&actor, id).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let here = route::account(id);
        let account = view.found.account;
        let title = account.email.as_str().to_owned();
        let crumbs = vec![
            Crumb { label: "Accounts".to_owned(), href: Some(route::ADMIN_ACCOUNTS.to_owned()) },
            Crumb { label: title.clone(), href: None },
        ];
        let suspended = account.suspended.map(|suspended| *suspended);
        let is_suspended = suspended.is_some();
        let own = actor.account()?.id == id;
        let (act_title, act_explanation) = if is_suspended {
            (
                "Reinstate it",
                "Its person can sign in again. Tokens and authorized apps work as before; sessions stay ended.",
            )
        } else {
            (
                "Suspend it",
                "Its person is signed out everywhere at once. Their password, their personal access tokens and the apps that they authorized are refused until you reinstate the account. What their teams own works on.",
            )
        };
        let act = (!own).then(|| {
            view! {
                <CardActs
                    on=ActOn::Account
                    id=id.to_string()
                    title=act_title
                    explanation=act_explanation
                    act=ActButton::suspend_or_reinstate(is_suspended)
                    back=here.clone()
                    flash=flash.as_ref()
                />
            }
        });
        let applications = applications(view.applications, &here, flash.as_ref(), now);
        let tokens = tokens(view.tokens, now);
        let teams = teams(view.teams);
        let last = match view.found.last_sign_in_at {
            Some(at) => view! { <RelativeTime at now/> }.into_any(),
            None => "not lately".into_any(),
        };
        let body = view! {
            <PageHead title=title.clone() explanation=account.name.as_str().to_owned() crumbs/>
            <Message flash/>
            <section class="card" aria-labelledby="facts">
                <h2 id="facts">"What it is"</h2>
                <dl class="facts">
                    <div><dt>"State"</dt><dd><SuspendedBadge suspended now/></dd></div>
                    <div><dt>"Role"</dt><dd>{account.role.as_str()}</dd></div>
                    <div><dt>"Signed up"</dt><dd><RelativeTime at=account.created_at now/></dd></div>
                    <div><dt>"Last sign-in"</dt><dd>{last}</dd></div>
                    <div><dt>"Signed in with"</dt><dd>{browsers(view.sessions)}</dd></div>
                    <div><dt>"Second factor"</dt><dd>{if account.has_second_factor { "set up" } else { "none" }}</dd></div>
                    <div><dt>"Teams"</dt><dd>{teams}</dd></div>
                </dl>
            </section>
            {applications}
            {tokens}
            {act}
        };
        Ok(Page::portal(title, body))
    })
}

fn browsers(sessions: usize) -> String {
    match sessions {
        0 => "no browser".to_owned(),
        1 => "1 browser".to_owned(),
        many => format!("{many} browsers"),
    }
}

fn teams(teams: Vec<Membership>) -> impl IntoView {
    let rows = teams
        .into_iter()
        .map(|one| view! { <li>{format!("{}, {}", one.team_name, one.role.as_str())}</li> })
        .collect_view();
    view! { <ul class="plain">{rows}</ul> }
}

fn applications(
    applications: Vec<MemberApplication>,
    here: &str,
    flash: Option<&Flash>,
    now: OffsetDateTime,
) -> impl IntoView + use<> {
    let row = |one: MemberApplication| {
        let row = ApplicationRow {
            id: one.application.id,
            name: one.application.name,
            team_name: one.team_name,
            live_keys: Some(one.live_keys.iter().sum()),
            suspended: one.application.suspended.map(|suspended| *suspended),
        };
        row.show(here, flash, now)
    };
    let rows = applications.into_iter().map(row).collect();
    listed("applications", "Applications of its teams", vec!["Application", "Live keys", "State"], rows)
}

fn tokens(tokens: Vec<ApiKey>, now: OffsetDateTime) -> impl IntoView {
    let rows = tokens.into_iter().map(|token| key_row(token, "Token", None, now)).collect();
    listed("tokens", "Personal access tokens", vec!["Token", "State", "Last used"], rows)
}
