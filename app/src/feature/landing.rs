//! The first page: what this is, in one screen, with a call that works against this very server.

use crate::{
    islands::TryIt,
    page::{Page, page, take_flash},
    route,
    ssr::portal,
    ui::{CodeSample, Message, Sample, Trace},
};
use latchkey_model::trace::{DecisionTrace, Step, StepName, StepOutcome};
use leptos::prelude::*;

/// What Latchkey is.
#[component]
pub fn LandingPage() -> impl IntoView {
    page(async {
        let flash = take_flash().await;
        let url = format!("{}/api/v1/status", portal().public_url);
        let samples = vec![Sample { language: "curl", code: format!("curl -i {url}") }];
        let body = view! {
            <Message flash/>
            <section class="hero">
                <div>
                    <h1>"The front desk of your HTTP API"</h1>
                    <p class="lead">
                        "Keys for every environment, shown once and stored as digests. And when a call is refused, its owner reads which check failed and what to do."
                    </p>
                    <p class="hero-actions">
                        <a class="btn btn-primary btn-large" href=route::SIGN_UP>"Get your first key"</a>
                        <a class="btn btn-large" href=route::DOCS>"Read the guide"</a>
                    </p>
                </div>
                <div class="card" aria-label="A refused request, explained" role="group">
                    <p class="dim"><code>"POST /api/v1/posts"</code>" answered "<strong>"403 insufficient_scope"</strong></p>
                    <Trace trace=example_trace() remedy=Some("Create a key that holds write:posts, or call with one that does.".to_owned())/>
                </div>
            </section>
            <section aria-labelledby="live">
                <h2 id="live">"Try it now"</h2>
                <p>"This call works against this very server, without a key."</p>
                <CodeSample name="status" samples/>
                <TryIt path="/api/v1/status".to_owned()/>
            </section>
            <section class="three" aria-label="What you get">
                <div class="card"><h2>"Three environments"</h2><p>"Development, staging and production have their own keys, data and limits. A key says by its first letters where it is good."</p></div>
                <div class="card"><h2>"Every refusal explained"</h2><p>"Even for a revoked, expired or mistyped key, its owner sees the exact reason. The caller is told only what is safe."</p></div>
                <div class="card"><h2>"No script needed"</h2><p>"Every page is complete before any script arrives. Scripts make it quicker; they never make it possible."</p></div>
            </section>
        };
        Ok(Page::public("", body))
    })
}

fn example_trace() -> DecisionTrace {
    let passed = |name, detail: &str| Step { name, outcome: StepOutcome::Passed, detail: detail.to_owned() };
    DecisionTrace::complete(vec![
        passed(StepName::Credential, "API key in Authorization: Bearer"),
        passed(StepName::Format, "well formed, the checksum matches"),
        passed(StepName::Lookup, "Nightly export of Bookshelf"),
        passed(StepName::Lifetime, "ends on 2027-01-31"),
        passed(StepName::Environment, "production"),
        passed(StepName::Address, "203.0.113.9, any address may use this key"),
        Step {
            name: StepName::Scope,
            outcome: StepOutcome::Failed,
            detail: "needs write:posts, holds read:posts".to_owned(),
        },
    ])
}
