//! Who must wait after too many tries.

use crate::{
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{DataTable, EmptyState, Field, Form, Message, PageHead, RelativeTime},
};
use latchkey_core::{
    lockout::{LockedOf, Lockout, LockoutError, LockoutList},
    port::lockout::CounterKind,
};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<LockoutError> for PageError {
    fn from(error: LockoutError) -> Self {
        match error {
            LockoutError::NotSignedIn(_) => Self::NotSignedIn,
            LockoutError::Store(error) => Self::Store(error),
            LockoutError::Forbidden | LockoutError::Invalid(_) | LockoutError::NotFound => Self::NotFound,
        }
    }
}

impl From<LockoutError> for Refused {
    fn from(error: LockoutError) -> Self {
        match error {
            LockoutError::NotSignedIn(_) => Self::new("Sign in first."),
            LockoutError::Forbidden => Self::new("Only an admin may end a lockout."),
            LockoutError::Invalid(_) => Self::without_reason(),
            LockoutError::NotFound => Self::new("That lockout is over already."),
            LockoutError::Store(_) => Self::fault(&error),
        }
    }
}

/// Lockouts, each with a way to end it.
#[component]
pub fn LockoutsPage() -> impl IntoView {
    page(async {
        let services = services();
        let [email, below] = ["email", "below"].map(|name| query(name).unwrap_or_default());
        let LockoutList { lockouts, more } = services.lockout_desk.list(&actor(), &email, &below).await?;
        let more = more.map(|below| {
            let href = format!(
                "{}{}",
                route::ADMIN_LOCKOUTS,
                route::query([("email", email.as_str()), ("below", below.as_str())])
            );
            view! { <nav aria-label="Pages" class="pager"><a class="btn" href=href>"Those who wait less long"</a></nav> }
        });
        let now = services.ports.now();
        let flash = take_flash().await;
        let list = if lockouts.is_empty() && !email.is_empty() {
            view! {
                <EmptyState title="Nobody has to wait for that address">
                    <p>"Nobody who failed at a password or a code of it has to wait. Whole networks are listed without an address."</p>
                    <a class="btn" href=route::ADMIN_LOCKOUTS>"Everybody who has to wait"</a>
                </EmptyState>
            }
            .into_any()
        } else if lockouts.is_empty() {
            view! {
                <EmptyState title="Nobody has to wait">
                    <p>"Whoever fails too often at a password or a code has to wait: a minute first, a day at most. They are listed here."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = lockouts
                .into_iter()
                .enumerate()
                .map(|(index, lockout)| view! { <Row index lockout now/> })
                .collect_view();
            view! {
                <DataTable label="Lockouts" columns=vec!["Who", "At what", "Until"] action="End">{rows}</DataTable>
            }
            .into_any()
        };
        let body = view! {
            <PageHead
                title="Lockouts"
                explanation="Who failed too often and has to wait. A browser that has opened an account before has tries of its own: no stranger locks its owner out."
            />
            <Message flash/>
            <form method="get" action=route::ADMIN_LOCKOUTS class="filter" role="search" aria-label="Find a lockout">
                <Field name="email" label="E-mail of an account" value=email error=None/>
                <div class="filter-actions"><button type="submit" class="btn btn-primary">"Find"</button></div>
            </form>
            {list}
            {more}
        };
        Ok(Page::portal("Lockouts", body))
    })
}

#[component]
fn Row(index: usize, lockout: Lockout, now: OffsetDateTime) -> impl IntoView {
    let who = match (lockout.name.network, lockout.name.kind) {
        (Some(network), _) => view! { <code>{network.to_string()}</code> }.into_any(),
        (None, CounterKind::Device) => "a browser that is known".into_any(),
        (None, _) => "whoever comes from elsewhere".into_any(),
    };
    let of = match &lockout.of {
        LockedOf::Password(_, email) => format!("the password of {email}"),
        LockedOf::Codes(_, email) => format!("the codes of {email}"),
        LockedOf::Anything => "whatever it tried".to_owned(),
        LockedOf::Unknown => "something that is no account's, or a client's secret".to_owned(),
    };
    let field = format!("reason-{index}");
    view! {
        <tr>
            <td data-label="Who">{who}</td>
            <td data-label="At what">{of}</td>
            <td data-label="Until"><RelativeTime at=lockout.until now/></td>
            <td>
                <Form action=EndLockout::PATH back=route::ADMIN_LOCKOUTS class="row-form">
                    <input type="hidden" name="id" value=lockout.id()/>
                    <label class="sr-only" for=field.clone()>"Why it ends"</label>
                    <input id=field name="reason" placeholder="Why" required=true/>
                    <button type="submit" class="btn btn-small">"End"</button>
                </Form>
            </td>
        </tr>
    }
}

/// Lets somebody try again.
#[server(prefix = "/form", endpoint = "lockout/end")]
pub async fn end_lockout(
    #[server(default)] id: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    match services().lockout_desk.end(&actor(), &id, &reason).await {
        Ok(()) => see_other_with(route::ADMIN_LOCKOUTS, Flash::good("They may try again.")).await,
        Err(LockoutError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::ADMIN_LOCKOUTS)),
        Err(error) => see_other_with(route::ADMIN_LOCKOUTS, Refused::from(error).flash()).await,
    }
    Ok(())
}
