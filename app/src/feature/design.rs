//! Every part in each of its states, for those who build pages. In a release build there is no such page.

use crate::{
    page::{Page, PageError, page},
    ssr::flash::Flash,
    ui::{
        Badge, Banner, Bar, Chart, CheckboxList, Choice, CodeSample, Crumb, DataTable, EmptyState, EnvironmentBadge,
        Field, Icon, IconName, Message, PageHead, RadioList, RelativeTime, Sample, SecretOnce, Tab, Tabs, Tone, Trace,
    },
};
use latchkey_model::{
    Environment,
    trace::{DecisionTrace, Step, StepName, StepOutcome},
};
use leptos::prelude::*;
use time::{Duration, macros::datetime};

/// The parts.
#[component]
pub fn DesignPage() -> impl IntoView {
    page(async {
        if cfg!(not(debug_assertions)) {
            return Err(PageError::NotFound);
        }
        let body = view! {
            <PageHead
                title="Design"
                explanation="Every part in each of its states."
                crumbs=vec![
                    Crumb { label: "Applications".to_owned(), href: Some("/design".to_owned()) },
                    Crumb { label: "Bookshelf".to_owned(), href: None },
                ]
                environment=Environment::Production
            >
                <a class="btn btn-primary" href="#buttons">"Primary"</a>
            </PageHead>
            <Words/>
            <Fields/>
            <Data/>
        };
        Ok(Page::public("Design", body))
    })
}

#[component]
fn Words() -> impl IntoView {
    let badges = [(Tone::Good, "live"), (Tone::Bad, "revoked"), (Tone::Wait, "expires"), (Tone::Neutral, "viewer")]
        .map(|(tone, text)| view! { <Badge tone text/> " " })
        .collect_view();
    let environments = Environment::ALL.map(|environment| view! { <EnvironmentBadge environment/> " " }).collect_view();
    let now = datetime!(2026-11-23 12:00 UTC);
    let times =
        [Duration::seconds(2), Duration::minutes(3), Duration::days(12), Duration::days(300), -Duration::hours(5)]
            .map(|back| view! { <li><RelativeTime at=now - back now/></li> })
            .collect_view();
    view! {
        <h2 id="buttons">"Buttons"</h2>
        <p class="row">
            <button type="button" class="btn btn-primary">"Primary"</button>
            <button type="button" class="btn">"Secondary"</button>
            <button type="button" class="btn btn-danger">"Danger"</button>
            <button type="button" class="btn btn-small">"Small"</button>
            <button type="button" class="btn" disabled=true>"Disabled"</button>
            <button type="button" class="btn"><Icon name=IconName::Plus/>"With a picture"</button>
        </p>
        <h2>"Badges"</h2>
        <p class="row">{badges}</p>
        <p class="row">{environments}</p>
        <h2>"Messages"</h2>
        <Message flash=Some(Flash::good("The session has ended."))/>
        <Message flash=Some(Flash::bad("Some fields need another look. What you typed is still here."))/>
        <Banner tone=Tone::Wait><Icon name=IconName::Alert/>" This key expires in 7 days."</Banner>
        <Banner tone=Tone::Neutral>"This key was never used."</Banner>
        <h2>"Times"</h2>
        <ul class="plain">{times}</ul>
        <h2>"Tabs"</h2>
        <Tabs
            label="Example"
            tabs=vec![
                Tab { label: "Development".to_owned(), href: "#one".to_owned(), current: true },
                Tab { label: "Staging".to_owned(), href: "#two".to_owned(), current: false },
            ]
        />
        <h2>"Nothing yet"</h2>
        <EmptyState title="No key yet"><p>"A key identifies an application."</p><a class="btn btn-primary" href="#next">"Create key"</a></EmptyState>
    }
}

#[component]
fn Fields() -> impl IntoView {
    let choice = |value: &str, chosen| Choice {
        value: value.to_owned(),
        label: format!("Choice {value}"),
        description: "What it means".to_owned(),
        chosen,
    };
    view! {
        <h2>"Fields"</h2>
        <form class="card form" method="get">
            <Field name="plain" label="Plain" error=None/>
            <Field name="hinted" label="With a hint" hint="What helps.".to_owned() value="Typed" error=None/>
            <Field name="wrong" label="With an error" value="ada@" error=Some("Enter an e-mail address such as ada@example.org".to_owned())/>
            <CheckboxList name="scopes" legend="Any of these" items=vec![choice("one", true), choice("two", false)] error=None/>
            <RadioList
                name="expiry"
                legend="One of these"
                items=vec![choice("never", true), choice("soon", false)]
                error=Some("Choose when the key expires".to_owned())
            />
        </form>
    }
}

#[component]
fn Data() -> impl IntoView {
    let step = |name, outcome, detail: &str| Step { name, outcome, detail: detail.to_owned() };
    let trace = DecisionTrace::complete(vec![
        step(StepName::Credential, StepOutcome::Passed, "API key in X-API-Key"),
        step(StepName::Format, StepOutcome::Failed, "the checksum does not match: at least one character was changed"),
    ]);
    let bars = (0..24)
        .map(|hour| Bar {
            label: format!("{hour:02}:00"),
            served: hour * 37 % 100,
            refused: u64::from(hour % 7 == 3) * 9,
            before: Some(hour * 53 % 90),
            href: None,
        })
        .collect();
    let samples = vec![
        Sample {
            language: "curl",
            code: "curl -H \"Authorization: Bearer $LATCHKEY_KEY\" https://api.example.org/v1/whoami".to_owned(),
        },
        Sample { language: "Python", code: "print(\"hello\")".to_owned() },
    ];
    view! {
        <h2>"A decision"</h2>
        <div class="card"><Trace trace remedy=Some("Compare the key with the one you stored.".to_owned())/></div>
        <h2>"A secret"</h2>
        <SecretOnce secret="lk_dev_000000000000_this-is-no-key".to_owned() next="#stored"/>
        <h2>"Code"</h2>
        <CodeSample name="design" samples/>
        <h2>"A chart"</h2>
        <div class="card"><Chart title="Requests in the last 24 hours" bars/></div>
        <h2>"A table"</h2>
        <DataTable label="Example table" columns=vec!["Name", "Key"]>
                    <tr><td data-label="Name">"Web backend"</td><td data-label="Key"><code>"lk_live_7Gq2…x4Tb"</code></td></tr>
                    <tr class="ended"><td data-label="Name">"Nightly export"</td><td data-label="Key"><code>"lk_live_Pm81…tW0a"</code></td></tr>
                </DataTable>
    }
}
