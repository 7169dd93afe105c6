//! What admins see first.

use crate::{
    feature::usage::{hours, latency_in_words},
    page::{Page, PageError, page},
    route,
    ssr::{actor, services, zone::Zone},
    ui::{Badge, Banner, Chart, DataTable, EmptyState, PageHead, RelativeTime, Tone},
};
use latchkey_core::{
    overview::{Overview, OverviewError, Suspicion},
    port::request_log::RequestGroup,
};
use leptos::prelude::*;
use time::OffsetDateTime;

impl From<OverviewError> for PageError {
    fn from(error: OverviewError) -> Self {
        match error {
            OverviewError::NotSignedIn(_) => Self::NotSignedIn,
            OverviewError::Forbidden => Self::NotFound,
            OverviewError::Store(error) => Self::Store(error),
        }
    }
}

/// How the portal does.
#[component]
pub fn OverviewPage() -> impl IntoView {
    page(async {
        let services = services();
        let found = services.overview.show(&actor()).await?;
        let now = services.ports.now();
        let body = view! {
            <PageHead title="Overview" explanation="The last 24 hours of the portal, and what looks odd in the last one."/>
            <Figures found=found.clone()/>
            {found.looked_since.map(|at| view! {
                <Banner tone=Tone::Neutral>
                    {format!("So much is refused that only what came since {} was looked at for what is odd.", Zone::of_viewer().to_field(at))}
                </Banner>
            })}
            <Odd groups=found.odd now/>
            <Requests found_usage=found.usage/>
        };
        Ok(Page::portal("Overview", body))
    })
}

#[component]
fn Figures(found: Overview) -> impl IntoView {
    let made = found
        .made
        .into_iter()
        .map(|(action, times)| view! { <div><dt>{action.label()}</dt><dd>{times}</dd></div> })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="figures">
            <h2 id="figures">"In short"</h2>
            <dl class="figures">
                <div><dt>"requests"</dt><dd><a class="figure-link" href=route::ADMIN_USAGE>{found.usage.requests}</a></dd></div>
                <div><dt>"refused"</dt><dd><a class="figure-link" href=format!("{}?view=failures", route::ADMIN_FAILURES)>{found.usage.refused}</a></dd></div>
                <div><dt>"signed in"</dt><dd>{found.sign_ins}</dd></div>
                <div><dt>"accounts in all"</dt><dd>{found.accounts}</dd></div>
                <div><dt>"must wait now"</dt><dd><a class="figure-link" href=route::ADMIN_LOCKOUTS>{found.lockouts}</a></dd></div>
                <div><dt>"networks kept out now"</dt><dd><a class="figure-link" href=route::ADMIN_BLOCKS>{found.blocks}</a></dd></div>
            </dl>
            <h3>"Made in the last 24 hours"</h3>
            <dl class="figures">{made}</dl>
        </section>
    }
}

/// Networks that look odd, each with what can be done.
#[component]
fn Odd(groups: Vec<(RequestGroup, Suspicion)>, now: OffsetDateTime) -> impl IntoView {
    if groups.is_empty() {
        return view! {
            <EmptyState title="Nothing looks odd">
                <p>"No network was refused a hundred times in the last hour, or with ten credentials."</p>
            </EmptyState>
        }
        .into_any();
    }
    let rows = groups
        .into_iter()
        .map(|(group, suspicion)| {
            let (tone, word, meaning) = match suspicion {
                Suspicion::Stuffing => (Tone::Bad, "stuffing", "It tries credentials of many."),
                Suspicion::Guessing => (Tone::Bad, "guessing", "It tries credentials that nobody has."),
                Suspicion::Stuck => (
                    Tone::Wait,
                    "stuck",
                    "Few credentials are refused over and over: mostly a program with an old key.",
                ),
            };
            let from = group.from.unwrap_or_default();
            let encoded = percent_encoding::utf8_percent_encode(&from, percent_encoding::NON_ALPHANUMERIC).to_string();
            let requests = format!("{}?network={encoded}", route::ADMIN_FAILURES);
            let block = route::new_block(&from);
            view! {
                <tr>
                    <td data-label="From"><code>{from}</code></td>
                    <td data-label="Looks like"><Badge tone text=word/> <p class="dim">{meaning}</p></td>
                    <td data-label="Requests" class="number">{group.requests}</td>
                    <td data-label="Credentials" class="number">{group.credentials}</td>
                    <td data-label="Addresses" class="number">{group.addresses}</td>
                    <td data-label="Last"><RelativeTime at=group.last_at now/></td>
                    <td>
                        <a class="btn btn-small" href=requests>"Open"</a>
                        " "
                        <a class="btn btn-small" href=block>"Block"</a>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="odd">
            <h2 id="odd">"Odd in the last hour"</h2>
            <DataTable
                label="Networks that look odd"
                columns=vec!["From", "Looks like", "Requests", "Credentials", "Addresses", "Last"]
                action="Act"
            >
                {rows}
            </DataTable>
        </section>
    }
    .into_any()
}

#[component]
fn Requests(found_usage: latchkey_core::usage::report::Usage) -> impl IntoView {
    let zone = Zone::of_viewer();
    let bars = hours(&found_usage, &zone, true, Some(route::ADMIN_LOGS));
    let mut slowest = found_usage.routes;
    slowest.sort_by_key(|route| std::cmp::Reverse(route.p95_us));
    let rows = slowest
        .into_iter()
        .take(5)
        .map(|one| {
            view! {
                <tr>
                    <th scope="row"><code>{one.route}</code></th>
                    <td class="number">{latency_in_words(one.p95_us)}</td>
                    <td class="number">{one.requests}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="over-time">
            <h2 id="over-time">{format!("Requests, {}", zone.name())}</h2>
            <Chart title="Requests of the portal in the last 24 hours, served and refused" bars/>
        </section>
        <section class="card" aria-labelledby="slowest">
            <h2 id="slowest">"Slowest routes"</h2>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Routes by latency">
                <table>
                    <thead><tr>
                        <th scope="col">"Route"</th><th scope="col" class="number">"p95"</th>
                        <th scope="col" class="number">"Requests"</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}
