//! The audit log: of one's own account, of a team, and of the whole portal.

mod filter;

pub use filter::AuditQuery;

use crate::{
    page::{Page, PageError, page, param},
    route,
    ssr::{actor, services},
    ui::{Crumb, DataTable, EmptyState, PageHead, RelativeTime},
};
use filter::{AuditFilterBar, NOBODY};
use latchkey_core::{
    audit::{AuditError, AuditPage, AuditScope, AuditService, Tenant},
    port::audit::AuditEvent,
};
use latchkey_model::TeamId;
use leptos::prelude::*;
use serde::Deserialize;
use time::OffsetDateTime;

impl From<AuditError> for PageError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::NotSignedIn(_) => Self::NotSignedIn,
            AuditError::Forbidden | AuditError::NotFound => Self::NotFound,
            AuditError::Store(error) => Self::Store(error),
        }
    }
}

/// A field that was changed, as the log keeps it.
#[derive(Deserialize)]
struct FieldChange {
    field: String,
    before: String,
    after: String,
}

/// What was done to the account of whoever reads it.
#[component]
pub fn ActivityPage() -> impl IntoView {
    page(async {
        let log = log(AuditScope::Own, route::ACTIVITY).await?;
        let explanation =
            "What was changed about your account, by whom and from where. What you did in a team is in the team's log.";
        let body = view! {
            <PageHead title="Activity" explanation><Export path=route::ACTIVITY/></PageHead>
            {log}
        };
        Ok(Page::portal("Activity", body))
    })
}

/// What was done in a team.
#[component]
pub fn TeamAuditPage() -> impl IntoView {
    page(async {
        let team = param::<TeamId>("team")?;
        let path = route::team_audit(team);
        let log = log(AuditScope::Team(team), &path).await?;
        let name = services().teams.view(&actor(), team).await?.own.team_name.to_string();
        let crumbs = vec![
            Crumb { label: "Teams".to_owned(), href: Some(route::TEAMS.to_owned()) },
            Crumb { label: name.clone(), href: Some(route::team(team)) },
            Crumb { label: "Audit log".to_owned(), href: None },
        ];
        let explanation =
            "Every change to the team, its applications and their credentials: who, from where, from what to what.";
        let body = view! {
            <PageHead title="Audit log" explanation crumbs><Export path/></PageHead>
            {log}
        };
        Ok(Page::portal(format!("Audit log of {name}"), body))
    })
}

/// What was done in the portal, for admins.
#[component]
pub fn AdminAuditPage() -> impl IntoView {
    page(async {
        let log = log(AuditScope::Portal, route::ADMIN_AUDIT).await?;
        let explanation = "Every change that anybody made. Each is bound to the one before it; the command latchkey audit verify finds out whether any was changed since.";
        let body = view! {
            <PageHead title="Audit log" explanation><Export path=route::ADMIN_AUDIT/></PageHead>
            {log}
        };
        Ok(Page::portal("Audit log", body))
    })
}

#[component]
fn Export(#[prop(into)] path: String) -> impl IntoView {
    let filter = AuditQuery::read();
    let file = format!("{path}/export{}", filter.from_the_newest());
    let table = format!("{path}/export{}", filter.as_table());
    view! {
        <a class="btn" href=file download="latchkey-audit.jsonl">"Export"</a>
        <a class="btn" href=table download="latchkey-audit.csv">"As CSV"</a>
    }
}

/// The events of a page, and the way to those before them.
async fn log(scope: AuditScope, path: &str) -> Result<AnyView, PageError> {
    let (services, filter) = (services(), AuditQuery::read());
    let found = services.audit.page(&actor(), scope, &filter.to_core(), AuditService::ON_PAGE).await?;
    let (AuditPage { events, older }, now) = (found, services.ports.now());
    if events.is_empty() && filter.is_empty() {
        return Ok(
            view! { <EmptyState title="Nothing yet"><p>"Changes are listed here from the first on."</p></EmptyState> }
                .into_any(),
        );
    }
    let older = older.map(|id| {
        let older = format!("{path}{}", filter.older(id));
        view! { <nav aria-label="Pages" class="pager"><a class="btn" href=older>"Older events"</a></nav> }
    });
    if events.is_empty() {
        let all = path.to_owned();
        return Ok(view! {
            <AuditFilterBar filter action=path/>
            <EmptyState title="No event passes this filter">
                <p>"Clear the filter to see all of them."</p>
                <a class="btn" href=all>"Show all events"</a>
            </EmptyState>
        }
        .into_any());
    }
    let whose = scope == AuditScope::Portal;
    let rows = events.into_iter().map(|event| view! { <Row event whose now/> }).collect_view();
    Ok(view! {
        <AuditFilterBar filter action=path/>
        <DataTable label="Audit log" columns=vec!["When", "Who", "What", "To what"]>{rows}</DataTable>
        {older}
    }
    .into_any())
}

#[component]
fn Row(event: AuditEvent, whose: bool, now: OffsetDateTime) -> impl IntoView {
    let AuditEvent { event, sequence, account_name, .. } = event;
    let who = match (event.account, account_name) {
        (None, _) if event.from.is_some() => "A program".to_owned(),
        (None, _) => NOBODY.to_owned(),
        (Some(id), name) => name.unwrap_or_else(|| id.to_string()),
    };
    let tenant = whose.then(|| {
        let text = match event.tenant {
            Tenant::Portal => "in the portal's log".to_owned(),
            Tenant::Team(_) => "in a team's log".to_owned(),
            Tenant::Account(_) => "in an account's log".to_owned(),
        };
        view! { <p class="dim">{format!("{text}, event {sequence}")}</p> }
    });
    // An account's name is in no log: its page shows it, and the address.
    let target = match event.tenant {
        Tenant::Account(id) if event.target_name.is_empty() && event.target == id.to_string() => {
            if whose {
                view! { <a href=route::account(id)>"An account"</a> }.into_any()
            } else {
                "Your account".into_any()
            }
        }
        _ => event.target_name.into_any(),
    };
    let changes: Vec<FieldChange> = serde_json::from_str(&event.changes).unwrap_or_default();
    let changes = changes.into_iter().map(|change| {
        let FieldChange { field, before, after } = change;
        let text = match (before.is_empty(), after.is_empty()) {
            (true, _) => format!("{field}: {after}"),
            (false, true) => format!("{field}: no longer {before}"),
            (false, false) => format!("{field}: {before} → {after}"),
        };
        view! { <p class="dim">{text}</p> }
    });
    view! {
        <tr>
            <td data-label="When"><RelativeTime at=event.at now/></td>
            <td data-label="Who">
                {who}
                {event.from.map(|from| view! { <p class="dim"><code>{from.to_string()}</code></p> })}
            </td>
            <td data-label="What">
                {event.action.label()}
                {changes.collect_view()}
                {(!event.reason.is_empty()).then(|| view! { <p class="dim">{format!("Because: {}", event.reason)}</p> })}
                {tenant}
            </td>
            <td data-label="To what">
                {target}
                <p class="dim"><code>{event.target}</code></p>
            </td>
        </tr>
    }
}
