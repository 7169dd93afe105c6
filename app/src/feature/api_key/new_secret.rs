//! A new key's only appearance, and the next thing to do with it.

use crate::{
    ssr::{portal, respond, reveal},
    ui::{CodeSample, Sample, SecretOnce},
};
use leptos::prelude::*;
use zeroize::Zeroizing;

/// A secret on its way to this page, if there is one.
pub struct NewSecret(Zeroizing<String>);

impl NewSecret {
    /// Takes it: the next page has none.
    pub async fn take() -> Option<Self> {
        let session = respond::session()?;
        reveal::take(&session).await.map(|(_, secret)| Self(secret))
    }

    /// Shows it, with a way to go on and a first call to paste.
    pub fn show(self, next: String) -> impl IntoView {
        let secret = self.0.to_string();
        view! { <SecretOnce secret=secret.clone() next/> <FirstCall key=secret/> }
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
            <p>"Paste this into a terminal. The request appears under Usage and Logs within two seconds."</p>
            <CodeSample name="first-call-sample" samples/>
        </section>
    }
}
