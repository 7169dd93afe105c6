//! The usage page: what the keys of an environment did.

use crate::{
    feature::api_key::{crumbs, environment_tabs, in_view},
    page::{InView, Page, page, query, take_flash},
    route,
    ssr::{actor, portal, services},
    ui::{Banner, Chart, EmptyState, Message, PageHead, Tab, Tabs, Tone},
};
use latchkey_core::usage::report::{Range, Usage};
use leptos::prelude::*;
use time::macros::format_description;

/// Requests over time, by outcome, route and status.
#[component]
pub fn UsagePage() -> impl IntoView {
    page(async {
        let in_view = in_view().await?;
        let range = query("range").and_then(|text| text.parse().ok()).unwrap_or(Range::Day);
        let (application, environment) = (in_view.application.application.id, in_view.environment);
        let usage = services().usage.usage(&actor(), application, environment, range).await?;
        let flash = take_flash().await;
        let recorder = portal().recorder;
        let (lost, without_row) = (recorder.lost(), recorder.without_row());
        let ranges = Range::ALL
            .into_iter()
            .map(|one| Tab {
                label: one.label().to_owned(),
                href: format!("{}?range={}", route::usage(application, environment), one.as_str()),
                current: one == range,
            })
            .collect();
        let shown = if usage.requests == 0 {
            view! {
                <EmptyState title=format!("No requests in the last {}", range.label())>
                    <p>"Call the API with a key of this environment; the request appears here within two seconds."</p>
                    <a class="btn btn-primary" href=route::keys(application, environment)>"Go to the keys"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            view! { <Figures usage range in_view=in_view.clone()/> }.into_any()
        };
        let body = view! {
            <PageHead
                title="Usage"
                explanation="What the keys of this environment did. Counts are exact."
                crumbs=crumbs(&in_view)
                environment
            />
            <Tabs label="Environments" tabs=environment_tabs(&in_view, route::usage)/>
            <Message flash/>
            <Tabs label="Time range" tabs=ranges/>
            {(lost > 0).then(|| view! {
                <Banner tone=Tone::Wait>
                    {format!("{lost} requests of this portal have no row in the logs since the server started, though they should: more came than could be written. Their counts are here all the same.")}
                </Banner>
            })}
            {(without_row > 0).then(|| view! {
                <Banner tone=Tone::Neutral>
                    {format!("{without_row} requests of this portal were counted without a row of their own since the server started: at busy times the logs show a sample.")}
                </Banner>
            })}
            {shown}
        };
        Ok(Page::application("Usage", in_view, body))
    })
}

#[component]
fn Figures(usage: Usage, range: Range, in_view: InView) -> impl IntoView {
    let label = match range {
        Range::Hour | Range::Day => format_description!("[hour]:[minute]"),
        Range::Week => format_description!("[day] [month repr:short] [hour]:[minute]"),
        Range::Month | Range::Quarter => format_description!("[day] [month repr:short]"),
    };
    let bars = usage
        .columns
        .iter()
        .map(|column| (column.start.format(label).unwrap_or_default(), column.served, column.refused))
        .collect();
    let share = share_in_words(usage.refused, usage.requests);
    let latency = usage.latency_us.map(|latency| latency.map(latency_in_words));
    let routes = usage
        .routes
        .iter()
        .map(|(route, count)| view! { <tr><th scope="row"><code>{route.clone()}</code></th><td class="number">{*count}</td></tr> })
        .collect_view();
    let statuses = usage
        .statuses
        .iter()
        .map(|(status, count)| view! { <tr><th scope="row">{*status}</th><td class="number">{*count}</td></tr> })
        .collect_view();
    let refused = format!("{}?outcome=refused", route::logs(in_view.application.application.id, in_view.environment));
    view! {
        <section class="card" aria-labelledby="over-time">
            <h2 id="over-time">{format!("Last {}, UTC", range.label())}</h2>
            <dl class="figures">
                <div><dt>"requests"</dt><dd>{usage.requests}</dd></div>
                <div><dt>"refused"</dt><dd>{share} " " <a href=refused>"see why"</a></dd></div>
                {latency.map(|[half, most, nearly_all]| view! {
                    <div><dt>"p50"</dt><dd>{half}</dd></div>
                    <div><dt>"p95"</dt><dd>{most}</dd></div>
                    <div><dt>"p99"</dt><dd>{nearly_all}</dd></div>
                })}
            </dl>
            <Chart title=format!("Requests in the last {}, served and refused", range.label()) bars/>
        </section>
        <div class="two">
            <section class="card" aria-labelledby="routes">
                <h2 id="routes">"Routes"</h2>
                <table><thead><tr><th scope="col">"Route"</th><th scope="col" class="number">"Requests"</th></tr></thead><tbody>{routes}</tbody></table>
            </section>
            <section class="card" aria-labelledby="statuses">
                <h2 id="statuses">"Statuses"</h2>
                <table><thead><tr><th scope="col">"Status"</th><th scope="col" class="number">"Requests"</th></tr></thead><tbody>{statuses}</tbody></table>
            </section>
        </div>
    }
}

/// The figures of one key.
#[component]
pub fn KeyFigures(usage: Usage) -> impl IntoView {
    let bars = usage
        .columns
        .iter()
        .map(|column| {
            let label = column.start.format(format_description!("[hour]:[minute]")).unwrap_or_default();
            (label, column.served, column.refused)
        })
        .collect();
    let share = share_in_words(usage.refused, usage.requests);
    view! {
        <dl class="figures">
            <div><dt>"requests"</dt><dd>{usage.requests}</dd></div>
            <div><dt>"refused"</dt><dd>{share}</dd></div>
        </dl>
        <Chart title="Requests with this key in the last 24 hours, served and refused" bars/>
    }
}

fn share_in_words(part: u64, whole: u64) -> String {
    let hundredths = (part * 10_000).checked_div(whole).unwrap_or(0);
    format!("{part} ({}.{:02} %)", hundredths / 100, hundredths % 100)
}

/// A bucket's bound: the true value is at most this.
fn latency_in_words(microseconds: u64) -> String {
    if microseconds < 1_000 {
        format!("≤ 0.{} ms", microseconds / 10)
    } else {
        format!("≤ {}.{} ms", microseconds / 1_000, microseconds % 1_000 / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        assert_eq!(share_in_words(1, 300), "1 (0.33 %)");
        assert_eq!(share_in_words(0, 0), "0 (0.00 %)");
        assert_eq!(latency_in_words(250), "≤ 0.25 ms");
        assert_eq!(latency_in_words(2_500), "≤ 2.5 ms");
        assert_eq!(latency_in_words(100_000), "≤ 100.0 ms");
    }
}
