//! One request: each check it passed, the one that failed, and what would help.

use super::table::{Answer, many_in_words};
use crate::{
    page::{InView, Page, page, param},
    route,
    ssr::{actor, services},
    ui::{Crumb, PageHead, RelativeTime, Trace},
};
use latchkey_core::port::request_log::CredentialId;
use leptos::prelude::*;

/// Why a request was answered as it was.
#[component]
pub fn RequestPage() -> impl IntoView {
    page(async {
        let (services, actor) = (services(), actor());
        let request = services.log.request(&actor, param("request_id")?).await?;
        let now = services.ports.now();
        let owner = request.attribution.clone();
        let owned_by = owner.as_ref().and_then(|owner| owner.owner.application());
        let crumb = match (&owned_by, &owner) {
            (Some((application, environment)), _) => ("Logs", route::logs(*application, *environment)),
            (None, Some(owner)) => match owner.credential {
                CredentialId::Key(key) => ("Token", route::token(key)),
                CredentialId::Account(_) => ("Sign-in methods", route::SIGN_IN_METHODS.to_owned()),
                // A person who let a client act for them sees what it did.
                CredentialId::Client(_) => ("Dashboard", route::DASHBOARD.to_owned()),
            },
            (None, None) => ("Failures", route::ADMIN_FAILURES.to_owned()),
        };
        let crumbs = vec![Crumb { label: crumb.0.to_owned(), href: Some(crumb.1) }];
        let answer = Answer { status: request.status, reason: request.reason.clone() };
        let many = many_in_words(&request).map(|(_, meaning)| meaning);
        let bodies = format!("{} B received, {} B sent", request.volume.received, request.volume.sent);
        let title = format!("{} {}", request.method, request.path);
        let environment = owned_by.map(|(_, environment)| environment);
        let milliseconds = format!("{}.{:03} ms", request.duration_us / 1_000, request.duration_us % 1_000);
        let body = view! {
            <PageHead title explanation="Every check of the door, in order." crumbs environment/>
            <div class="two">
                <section class="card" aria-labelledby="decision">
                    <h2 id="decision">{if request.reason.is_some() { "Why it was refused" } else { "Why it was let in" }}</h2>
                    <Trace trace=request.trace remedy=request.remedy/>
                </section>
                <section class="card" aria-labelledby="facts">
                    <h2 id="facts">"The request"</h2>
                    <dl class="facts">
                        <div><dt>"Answer"</dt><dd>{answer.badge()}</dd></div>
                        <div><dt>"When"</dt><dd><RelativeTime at=request.at now/></dd></div>
                        <div><dt>"Route"</dt><dd><code>{request.route}</code></dd></div>
                        {owner.map(|owner| view! {
                            <div><dt>"Credential"</dt><dd>{owner.name} " " <code>{owner.hint}</code></dd></div>
                        })}
                        <div><dt>"From"</dt><dd><code>{request.address.to_string()}</code></dd></div>
                        <div><dt>"Client"</dt><dd>{request.user_agent}</dd></div>
                        {many.map(|many| view! { <div><dt>"Stands for"</dt><dd>{many}</dd></div> })}
                        {request.last_at.map(|at| view! { <div><dt>"The last of them"</dt><dd><RelativeTime at now/></dd></div> })}
                        <div><dt>"Bodies"</dt><dd>{bodies}</dd></div>
                        <div><dt>"Took"</dt><dd>{milliseconds}</dd></div>
                        <div><dt>"Request id"</dt><dd><code>{request.id.to_string()}</code></dd></div>
                    </dl>
                </section>
            </div>
        };
        // An admin may look at what belongs to others: then there is no application to stay in.
        let application = match &owned_by {
            Some((application, environment)) => {
                let found = services.applications.get(&actor, *application).await.ok();
                found.map(|application| InView { application, environment: *environment })
            }
            None => None,
        };
        Ok(match application {
            Some(in_view) => Page::application("Request", in_view, body),
            None => Page::portal("Request", body),
        })
    })
}
