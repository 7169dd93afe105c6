//! Networks that admins keep out.

use crate::{
    page::{Page, PageError, page, query, take_flash},
    route,
    ssr::{
        actor,
        flash::{Flash, error_at},
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{DataTable, EmptyState, Field, Form, Message, PageHead, RelativeTime, SubmitButton},
};
use latchkey_core::{
    block::{BlockError, BlockForm},
    port::block::Block,
};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

impl From<BlockError> for PageError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::NotSignedIn(_) => Self::NotSignedIn,
            BlockError::Store(error) => Self::Store(error),
            BlockError::Forbidden | BlockError::Invalid(_) | BlockError::NotFound => Self::NotFound,
        }
    }
}

impl From<BlockError> for Refused {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::NotSignedIn(_) => Self::new("Sign in first."),
            BlockError::Forbidden => Self::new("Only an admin may keep somebody out."),
            BlockError::Invalid(errors) => Self::invalid(errors),
            BlockError::NotFound => Self::new("That block is over already."),
            BlockError::Store(_) => Self::fault(&error),
        }
    }
}

/// What is kept out, and the form that keeps out more.
#[component]
pub fn BlocksPage() -> impl IntoView {
    page(async {
        let services = services();
        let blocks = services.blocks.list(&actor()).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let typed = |field: &str, otherwise: String| {
            flash.as_ref().and_then(|flash| flash.value(field)).map_or(otherwise, str::to_owned)
        };
        let network = typed("network", query("network").unwrap_or_default());
        let (hours, reason) = (typed("hours", "24".to_owned()), typed("reason", String::new()));
        let errors = ["network", "hours", "reason"].map(|field| error_at(flash.as_ref(), field));
        let [network_error, hours_error, reason_error] = errors;
        let list = if blocks.is_empty() {
            view! {
                <EmptyState title="Nobody is kept out">
                    <p>"Under Failures, by address and by network, you see who tries what, and can block them from there."</p>
                    <a class="btn" href=format!("{}?view=networks", route::ADMIN_FAILURES)>"Failures by network"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = blocks.into_iter().map(|block| view! { <Row block now/> }).collect_view();
            view! {
                <DataTable label="Networks that are kept out" columns=vec!["Network", "Why", "Since", "Until"] action="End">
                    {rows}
                </DataTable>
            }
            .into_any()
        };
        let body = view! {
            <PageHead
                title="Blocks"
                explanation="Addresses and networks that are kept out of everything here for a while: the API, guarded APIs, and these pages."
            />
            <Message flash/>
            {list}
            <Form action=AddBlock::PATH back=route::ADMIN_BLOCKS class="card form">
                <h2>"Keep a network out"</h2>
                <Field
                    name="network"
                    label="Address or network"
                    value=network
                    required=true
                    hint="An address, or a network such as 203.0.113.0/24. Whoever is behind it with others is kept out with them.".to_owned()
                    error=network_error
                />
                <Field name="hours" label="For how many hours" value=hours required=true error=hours_error/>
                <Field
                    name="reason"
                    label="Why"
                    value=reason
                    required=true
                    hint="Kept in the audit log.".to_owned()
                    error=reason_error
                />
                <div class="form-actions"><SubmitButton text="Keep out" kind="btn-danger"/></div>
            </Form>
        };
        Ok(Page::portal("Blocks", body))
    })
}

#[component]
fn Row(block: Block, now: OffsetDateTime) -> impl IntoView {
    let network = block.network.to_string();
    let field = format!("reason-{}", block.id);
    view! {
        <tr>
            <td data-label="Network"><code>{network.clone()}</code></td>
            <td data-label="Why">{block.reason.to_string()}</td>
            <td data-label="Since"><RelativeTime at=block.created_at now/></td>
            <td data-label="Until"><RelativeTime at=block.expires_at now/></td>
            <td>
                <Form action=EndBlock::PATH back=route::ADMIN_BLOCKS class="row-form">
                    <input type="hidden" name="id" value=block.id.to_string()/>
                    <label class="sr-only" for=field.clone()>{format!("Why {network} is let in again")}</label>
                    <input id=field name="reason" placeholder="Why" required=true/>
                    <button type="submit" class="btn btn-small">"Let in"</button>
                </Form>
            </td>
        </tr>
    }
}

async fn answer(outcome: Result<(), BlockError>, said: &str, typed: &[(&str, &str)]) {
    match outcome {
        Ok(()) => see_other_with(route::ADMIN_BLOCKS, Flash::good(said)).await,
        Err(BlockError::NotSignedIn(_)) => see_other(&route::sign_in_then(route::ADMIN_BLOCKS)),
        Err(error) => {
            let flash = Refused::from(error).flash();
            let flash = typed.iter().fold(flash, |flash, (field, value)| flash.keep(field, value));
            see_other_with(route::ADMIN_BLOCKS, flash).await;
        }
    }
}

/// Keeps a network out.
#[server(prefix = "/form", endpoint = "block/add")]
pub async fn add_block(
    #[server(default)] network: String,
    #[server(default)] hours: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let form = BlockForm { network, hours, reason };
    let outcome = services().blocks.add(&actor(), &form).await.map(drop);
    let typed = [("network", &*form.network), ("hours", &*form.hours), ("reason", &*form.reason)];
    answer(outcome, "They are kept out from now on.", &typed).await;
    Ok(())
}

/// Lets a network in again.
#[server(prefix = "/form", endpoint = "block/end")]
pub async fn end_block(#[server(default)] id: String, #[server(default)] reason: String) -> Result<(), ServerFnError> {
    let outcome = match id.parse() {
        Ok(id) => services().blocks.end(&actor(), id, &reason).await,
        Err(_) => actor().admin().map_err(BlockError::from).and(Err(BlockError::NotFound)),
    };
    answer(outcome, "They are let in again.", &[]).await;
    Ok(())
}
