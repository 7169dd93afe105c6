//! The list of keys, and the new one's only appearance.

use super::{crumbs, environment_tabs, in_view};
use crate::{
    page::{InView, Page, page, take_flash},
    route,
    ssr::{actor, portal, respond, reveal, services},
    ui::{
        Badge, Banner, CodeSample, DataTable, EmptyState, Message, PageHead, RelativeTime, Sample, SecretOnce, Tabs,
        Tone,
    },
};
use latchkey_core::port::api_key::ApiKey;
use leptos::prelude::*;
use time::OffsetDateTime;

/// The keys of one environment.
#[component]
pub fn KeysPage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let application = in_view.application.application.id;
        let services = services();
        let keys = services.api_keys.list(&actor(), application, in_view.environment).await?;
        let now = services.ports.now();
        let flash = take_flash().await;
        let new = match respond::session() {
            Some(session) => reveal::take(&session).await,
            None => None,
        };
        let here = route::keys(application, in_view.environment);
        let exposed: Vec<_> =
            keys.iter().filter(|key| key.exposed_at.is_some() && is_live(key, now)).cloned().collect();
        let create = route::new_key(application, in_view.environment);
        let list = if keys.is_empty() {
            let create = create.clone();
            view! {
                <EmptyState title=format!("No key for {} yet", in_view.environment)>
                    <p>"A key identifies this application to the API. It is shown once, when you create it."</p>
                    <a class="btn btn-primary" href=create>"Create key"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            let can_write = in_view.application.role.may_write();
            view! { <KeyTable keys now in_view=in_view.clone() can_write/> }.into_any()
        };
        let body = view! {
            <PageHead
                title="API keys"
                explanation="A key identifies this application. Each environment has its own; a key for one is refused in another."
                crumbs=crumbs(&in_view)
                environment=in_view.environment
            >
                <a class="btn btn-primary" href=create>"Create key"</a>
            </PageHead>
            <Tabs label="Environments" tabs=environment_tabs(&in_view, route::keys)/>
            <Message flash/>
            {new.map(|(_, secret)| view! {
                <SecretOnce secret=secret.to_string() next=here/>
                <FirstCall key=secret.to_string()/>
            })}
            {exposed.into_iter().map(|key| view! {
                <Banner tone=Tone::Bad>
                    <strong>{key.name.as_str().to_owned()}</strong>
                    " was sent in a URL or over plain HTTP, where others can read it. Create a new key, move your callers, then revoke this one."
                </Banner>
            }).collect_view()}
            {list}
        };
        Ok(Page::application("API keys", in_view, body))
    })
}

/// The next thing to do with a new key.
#[component]
fn FirstCall(key: String) -> impl IntoView {
    let url = format!("{}/api/v1/whoami", portal().public_url);
    let samples = vec![
        Sample { language: "curl", code: format!("curl -H \"Authorization: Bearer {key}\" {url}") },
        Sample {
            language: "JavaScript",
            code: format!(
                "const response = await fetch(\"{url}\", {{\n  headers: {{ Authorization: `Bearer ${{process.env.LATCHKEY_KEY}}` }},\n}});\nconsole.log(response.status, await response.json());"
            ),
        },
        Sample {
            language: "Python",
            code: format!(
                "import os, urllib.request\n\nrequest = urllib.request.Request(\"{url}\")\nrequest.add_header(\"Authorization\", \"Bearer \" + os.environ[\"LATCHKEY_KEY\"])\nprint(urllib.request.urlopen(request).read().decode())"
            ),
        },
    ];
    view! {
        <section aria-labelledby="first-call">
            <h2 id="first-call">"Make the first call"</h2>
            <p>"Paste this into a terminal. The request appears under Usage and Logs within two seconds."</p>
            <CodeSample name="first-call-sample" samples/>
        </section>
    }
}

fn is_live(key: &ApiKey, now: OffsetDateTime) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now)
}

#[component]
fn KeyTable(keys: Vec<ApiKey>, now: OffsetDateTime, in_view: InView, can_write: bool) -> impl IntoView {
    let rows = keys
        .into_iter()
        .map(|key| {
            let live = is_live(&key, now);
            let revoke = route::revoke_key(key.application_id, in_view.environment, key.id);
            let scopes = key.scopes.iter().map(|scope| view! { <li><code>{scope.to_string()}</code></li> }).collect_view();
            let action = (live && can_write).then(|| {
                view! { <a class="btn btn-small btn-danger" href=revoke>"Revoke"<span class="sr-only">{format!(" {}", key.name)}</span></a> }
            });
            view! {
                <tr class:ended=!live>
                    <td data-label="Name">
                        <strong>{key.name.as_str().to_owned()}</strong>
                        <p class="dim">{format!("made by {}, ", key.created_by_name)}<RelativeTime at=key.created_at now/></p>
                    </td>
                    <td data-label="Key"><code>{key.hint()}</code></td>
                    <td data-label="Can">
                        <ul class="plain">{scopes}</ul>
                        {(!key.allowed_from.is_empty()).then(|| view! { <p class="dim">{format!("from {}", key.allowed_from)}</p> })}
                    </td>
                    <td data-label="Last used">
                        {match key.last_used_at {
                            Some(at) => view! {
                                <RelativeTime at now/>
                                <p class="dim">{key.last_used_from.map(|address| format!("from {address}"))}</p>
                            }.into_any(),
                            None => view! { <span class="dim">"never used"</span> }.into_any(),
                        }}
                    </td>
                    <td data-label="Ends"><Ending key=key.clone() now/></td>
                    <td>{action}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <DataTable label="API keys" columns=vec!["Name", "Key", "Can", "Last used", "Ends"] action="Action">{rows}</DataTable>
    }
}

#[component]
fn Ending(key: ApiKey, now: OffsetDateTime) -> impl IntoView {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => view! { <Badge tone=Tone::Bad text="revoked"/> " " <RelativeTime at now/> }.into_any(),
        (None, Some(at)) if at <= now => {
            view! { <Badge tone=Tone::Bad text="expired"/> " " <RelativeTime at now/> }.into_any()
        }
        (None, Some(at)) => view! { <Badge tone=Tone::Wait text="expires"/> " " <RelativeTime at now/> }.into_any(),
        (None, None) => view! { <span class="dim">"never"</span> }.into_any(),
    }
}
