//! A new key's only appearance, and the next thing to do with it.

use crate::{
    ssr::{portal, respond, reveal},
    ui::{CodeSample, Sample, SecretOnce},
};
use latchkey_core::port::api_key::ApiKey;
use leptos::prelude::*;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A secret on its way to this page, if there is one.
pub struct NewSecret {
    /// Whose it is: the row of a key, or of a client's secret.
    id: Uuid,
    secret: Zeroizing<String>,
}

impl NewSecret {
    /// Takes it: the next page has none.
    pub async fn take() -> Option<Self> {
        let session = respond::session()?;
        reveal::take(&session).await.map(|(id, secret)| Self { id, secret })
    }

    /// The secret itself, for a page that shows it in its own way.
    pub fn into_text(self) -> String {
        self.secret.to_string()
    }

    /// Shows it, with a way to go on and, unless the first call starts another key's clock, a call to paste.
    pub fn show(self, next: String, keys: &[ApiKey]) -> impl IntoView + use<> {
        let secret = self.secret.to_string();
        let pending = keys.iter().any(|key| key.id.as_uuid() == self.id && key.is_pending());
        let then = if pending {
            view! {
                <p class="banner tone-wait">"The first request with this key starts the old key's time. Give it to your callers before you try it."</p>
            }
            .into_any()
        } else {
            view! { <FirstCall key=secret.clone()/> }.into_any()
        };
        view! { <SecretOnce secret next/> {then} }
    }
}

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
            <p>"Paste this into a terminal. The request appears under Logs within two seconds, and under Usage."</p>
            <CodeSample name="first-call-sample" samples/>
        </section>
    }
}
