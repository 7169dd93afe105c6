//! The keys that sign tokens, for admins.

use crate::{
    page::{Page, page, take_flash},
    route,
    ssr::{
        actor,
        again::sign_in_again,
        flash::Flash,
        respond::{Refused, see_other_with},
        services,
    },
    ui::{Badge, DataTable, EmptyState, Form, Message, PageHead, ReasonInput, RelativeTime, Tone},
};
use latchkey_core::{
    jose::SigningAlgorithm,
    port::signing_key::SigningKeyState,
    signing_key::{SigningKeyError, SigningKeyService, SigningKeyView},
};
use leptos::{prelude::*, server, server_fn::ServerFn};
use time::OffsetDateTime;

/// Every signing key: next, active and retired.
#[component]
pub fn SigningKeysPage() -> impl IntoView {
    page(async {
        let services = services();
        let keys = services.signing_keys.list(&actor()).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let list = if keys.is_empty() {
            view! {
                <EmptyState title="No signing key yet">
                    <p>"The first one is made when the first token is asked for."</p>
                </EmptyState>
            }
            .into_any()
        } else {
            let rows = keys.into_iter().map(|key| view! { <Row key now/> }).collect_view();
            view! {
                <DataTable label="Signing keys" columns=vec!["Key", "Algorithm", "State", "Made"] action="Action">{rows}</DataTable>
            }
            .into_any()
        };
        let days = SigningKeyService::ROTATED_AFTER.whole_days();
        let body = view! {
            <PageHead
                title="Signing keys"
                explanation=format!("They sign access tokens. Each signs for {days} days, then the next one does; a retired one stays published for a day.")
            />
            <Message flash/>
            {list}
            <p class="dim">"The public halves are at "<a href="/oauth/jwks.json"><code>"/oauth/jwks.json"</code></a>"."</p>
        };
        Ok(Page::portal("Signing keys", body))
    })
}

#[component]
fn Row(key: SigningKeyView, now: OffsetDateTime) -> impl IntoView {
    let (tone, word, at) = match key.state {
        SigningKeyState::Next => (Tone::Neutral, "Next", None),
        SigningKeyState::Active { since } => (Tone::Good, "Active", Some(since)),
        SigningKeyState::Retired { at } => (Tone::Wait, "Retired", Some(at)),
    };
    let active = matches!(key.state, SigningKeyState::Active { .. });
    view! {
        <tr>
            <td data-label="Key"><code>{key.id.to_string()}</code></td>
            <td data-label="Algorithm">{key.algorithm.as_str()}</td>
            <td data-label="State">
                <Badge tone text=word/>
                {at.map(|at| view! { <p class="dim">"since "<RelativeTime at now/></p> })}
            </td>
            <td data-label="Made"><RelativeTime at=key.created_at now/></td>
            <td>
                {active.then(|| view! {
                    <Form action=RotateSigningKey::PATH back=route::ADMIN_SIGNING_KEYS class="row-form">
                        <ReasonInput id=format!("reason-{}", key.id) label=format!("Why the next {} key signs", key.algorithm.as_str())/>
                        <input type="hidden" name="algorithm" value=key.algorithm.as_str()/>
                        <button type="submit" class="btn btn-small">"Rotate now"</button>
                    </Form>
                })}
            </td>
        </tr>
    }
}

impl From<SigningKeyError> for Refused {
    fn from(error: SigningKeyError) -> Self {
        match error {
            SigningKeyError::NotSignedIn(_) => Self::new("Sign in first."),
            SigningKeyError::ProveFirst => Self::new("Sign in once more before you do this."),
            SigningKeyError::Forbidden => Self::new("Only an admin may rotate signing keys."),
            SigningKeyError::Invalid(_) => Self::without_reason(),
            SigningKeyError::Ring(_) | SigningKeyError::Store(_) => Self::fault(&error),
        }
    }
}

/// Lets the next key sign.
#[server(prefix = "/form", endpoint = "signing-key/rotate")]
pub async fn rotate_signing_key(
    #[server(default)] algorithm: String,
    #[server(default)] reason: String,
) -> Result<(), ServerFnError> {
    let Ok(algorithm) = algorithm.parse::<SigningAlgorithm>() else {
        see_other_with(route::ADMIN_SIGNING_KEYS, Flash::bad("There is no such algorithm.")).await;
        return Ok(());
    };
    match services().signing_keys.rotate(&actor(), algorithm, &reason).await {
        Ok(()) => {
            let message = "The next key signs from now on. Tokens that are signed with the one before stay good.";
            see_other_with(route::ADMIN_SIGNING_KEYS, Flash::good(message)).await;
        }
        Err(SigningKeyError::NotSignedIn(_)) => {
            see_other_with(&route::sign_in_then(route::ADMIN_SIGNING_KEYS), Flash::bad("Sign in first.")).await;
        }
        Err(error @ SigningKeyError::ProveFirst) => {
            sign_in_again(route::ADMIN_SIGNING_KEYS, Refused::from(error).flash()).await;
        }
        Err(error) => see_other_with(route::ADMIN_SIGNING_KEYS, Refused::from(error).flash()).await,
    }
    Ok(())
}
