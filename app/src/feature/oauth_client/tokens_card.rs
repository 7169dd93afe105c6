//! The tokens that a service account holds.

use super::lifecycle_fn::EndClientTokens;
use crate::ui::{DataTable, Form, RelativeTime};
use latchkey_core::{
    oauth_client::{ClientInView, HeldToken, TokenForm},
    port::oauth_client::OauthClient,
};
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

fn explanation(client: &OauthClient) -> String {
    let minutes = client.settings.access_token_life.whole_minutes();
    match client.settings.token_form {
        TokenForm::Jwt => {
            format!(
                "Signed tokens are not stored: each is good for {minutes} minutes from when it was given. End all of them if one got lost."
            )
        }
        TokenForm::Opaque => {
            format!("Each is good for {minutes} minutes from when it was given. End all of them if one got lost.")
        }
    }
}

/// Lists those that are stored, and ends all of them.
#[component]
pub(super) fn TokensCard(
    found: ClientInView,
    now: OffsetDateTime,
    can_write: bool,
    #[prop(into)] back: String,
) -> impl IntoView {
    let id = found.client.id.to_string();
    let ended = found.client.tokens_ended_at;
    let explanation = explanation(&found.client);
    let opaque = found.client.settings.token_form == TokenForm::Opaque;
    let none = found.tokens.is_empty() && opaque;
    let rows = found.tokens.into_iter().map(|token| view! { <Row token now/> }).collect::<Vec<_>>();
    let table = (!rows.is_empty()).then(|| {
        view! { <DataTable label="Tokens" columns=vec!["Token", "Given", "Ends"]>{rows}</DataTable> }
    });
    view! {
        <section aria-labelledby="tokens">
            <h2 id="tokens">"Tokens it holds"</h2>
            <p>
                {explanation}
                {none.then_some(" It holds none now.")}
                {ended.map(|at| view! { " All of them were ended " <RelativeTime at now/> "." })}
            </p>
            {table}
            {can_write.then(|| view! {
                <Form action=EndClientTokens::PATH back>
                    <input type="hidden" name="id" value=id/>
                    <button type="submit" class="btn btn-danger">"End all tokens"</button>
                </Form>
            })}
        </section>
    }
}

#[component]
fn Row(token: HeldToken, now: OffsetDateTime) -> impl IntoView {
    view! {
        <tr>
            <td data-label="Token"><code>{token.hint}</code></td>
            <td data-label="Given"><RelativeTime at=token.made_at now/></td>
            <td data-label="Ends"><RelativeTime at=token.ends_at now/></td>
        </tr>
    }
}
