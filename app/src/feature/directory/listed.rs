//! What an admin finds, in tables: rows that are the same wherever they are listed.

use super::{
    act_fn::ActOn,
    act_form::{ActButton, RowActs, SuspendedBadge},
};
use crate::{
    feature::api_key::KeyStateBadge,
    route,
    ssr::flash::Flash,
    ui::{DataTable, LastUse},
};
use latchkey_core::port::{
    api_key::{ApiKey, KeyOwner},
    suspension::Suspended,
};
use latchkey_model::{ApplicationId, Name};
use leptos::prelude::*;
use time::OffsetDateTime;

/// Things of one kind under their heading; nothing where there are none.
pub(super) fn listed(
    id: &'static str,
    title: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<AnyView>,
) -> impl IntoView {
    (!rows.is_empty()).then(|| {
        view! {
            <section aria-labelledby=id>
                <h2 id=id>{title}</h2>
                <DataTable label=title columns action="Act">{rows}</DataTable>
            </section>
        }
    })
}

/// The row of an application.
pub(super) struct ApplicationRow {
    pub(super) id: ApplicationId,
    pub(super) name: Name,
    pub(super) team_name: Name,
    /// How many live keys it has, where that is a column.
    pub(super) live_keys: Option<u64>,
    pub(super) suspended: Option<Suspended>,
}

impl ApplicationRow {
    pub(super) fn show(self, back: &str, flash: Option<&Flash>, now: OffsetDateTime) -> AnyView {
        let (name, is_suspended) = (self.name.to_string(), self.suspended.is_some());
        view! {
            <tr>
                <td data-label="Application"><strong>{name.clone()}</strong><p class="dim">{format!("Team {}", self.team_name)}</p></td>
                {self.live_keys.map(|live| view! { <td data-label="Live keys">{live}</td> })}
                <td data-label="State"><SuspendedBadge suspended=self.suspended now/></td>
                <td>
                    <RowActs
                        on=ActOn::Application
                        id=self.id.to_string()
                        called=name
                        acts=vec![ActButton::suspend_or_reinstate(is_suspended)]
                        back=back.to_owned()
                        flash
                    />
                </td>
            </tr>
        }
        .into_any()
    }
}

/// Whose a credential is.
pub(super) fn owner_of(owner: &KeyOwner) -> String {
    match owner {
        KeyOwner::Environment { application_name, environment, .. } => format!("{application_name}, {environment}"),
        KeyOwner::Account { account_name, .. } => account_name.to_string(),
    }
}

/// The row of a key or a token, under what it is called here; whose it is, where that is a column.
pub(super) fn key_row(key: ApiKey, what: &'static str, whose: Option<String>, now: OffsetDateTime) -> AnyView {
    let (name, ended) = (key.settings.name.to_string(), key.is_ended(now));
    let acts = (!ended).then(|| {
        let (href, hidden) = (route::revoke_credential(key.id), format!(" {name}"));
        view! { <a class="btn btn-small btn-danger" href=href>"Revoke"<span class="sr-only">{hidden}</span></a> }
    });
    view! {
        <tr class:ended=ended>
            <td data-label=what><strong>{name}</strong><p class="dim"><code>{key.hint()}</code></p></td>
            {whose.map(|whose| view! { <td data-label="Of">{whose}</td> })}
            <td data-label="State"><KeyStateBadge key=key.clone() now/></td>
            <td data-label="Last used"><LastUse at=key.last_used_at from=key.last_used_from now/></td>
            <td>{acts}</td>
        </tr>
    }
    .into_any()
}
