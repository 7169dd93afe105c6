//! The figures of a range: a chart, shares, percentiles, and tables of what was called, how it was answered and from where it came.

use crate::{
    ssr::zone::Zone,
    ui::{Bar, Chart},
};
use latchkey_core::{
    port::rollup::AddressCounts,
    usage::report::{Column, Range, Usage, UsageOf},
};
use leptos::prelude::*;
use std::net::IpAddr;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Whose usage is shown, and what belongs to it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Whose.
    pub of: UsageOf,
    /// The page that shows it.
    pub here: String,
    /// Where its requests are listed, if there is such a page.
    pub logs: Option<String>,
    /// Where to go from here if there was nothing.
    pub nothing: Option<(&'static str, String)>,
}

impl Subject {
    /// The page with another range.
    pub(super) fn at(&self, range: Range) -> String {
        with(&self.here, &[("range", range.as_str())])
    }

    fn export(&self, range: Range, format: &str) -> String {
        let (path, query) = self.here.split_once('?').unwrap_or((&self.here, ""));
        let path = format!("{path}/export");
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        with(&path, &[("range", range.as_str()), ("format", format)])
    }

    fn logs(&self, more: &[(&str, &str)]) -> Option<String> {
        self.logs.as_ref().map(|logs| with(logs, more))
    }
}

/// An address with more in its query.
fn with(address: &str, more: &[(&str, &str)]) -> String {
    let mut whole = address.to_owned();
    for (name, value) in more {
        whole.push(if whole.contains('?') { '&' } else { '?' });
        whole.push_str(name);
        whole.push('=');
        whole.extend(percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC));
    }
    whole
}

fn instant(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn bar(column: &Column, range: Range, subject: &Subject, zone: &Zone) -> Bar {
    let label = match range {
        Range::Hour | Range::Day => zone.write(column.start, format_description!("[hour]:[minute]")),
        Range::Week => zone.write(column.start, format_description!("[day] [month repr:short] [hour]:[minute]")),
        Range::Month | Range::Quarter => zone.write(column.start, format_description!("[day] [month repr:short]")),
    };
    Bar {
        label,
        served: column.served,
        refused: column.refused,
        before: Some(column.before),
        href: subject.logs.as_deref().map(|logs| rows(logs, column)),
    }
}

/// Where the requests of a column are listed.
fn rows(logs: &str, column: &Column) -> String {
    with(logs, &[("since", &instant(column.start)), ("until", &instant(column.end))])
}

/// Whose clock the columns follow. Days begin with a full hour of UTC: where clocks are half an hour apart from that, not at midnight.
fn clock(range: Range, columns: &[Column], zone: &Zone) -> String {
    let mut starts = columns.iter().map(|column| zone.local(column.start).time());
    let late = starts.rfind(|start| start.minute() != 0);
    match (range, late) {
        (Range::Month | Range::Quarter, Some(start)) => {
            let start = start.format(format_description!("[hour]:[minute]")).unwrap_or_default();
            format!("{}, days from {start} on", zone.name())
        }
        _ => zone.name().to_owned(),
    }
}

/// Everything of a range.
#[component]
pub(super) fn Figures(usage: Usage, range: Range, subject: Subject, zone: Zone) -> impl IntoView {
    let zone = if usage.utc_for_want_of_hours { Zone::named("UTC") } else { zone };
    let bars = usage.columns.iter().map(|column| bar(column, range, &subject, &zone)).collect();
    let since = usage.columns.first().map(|column| instant(column.start)).unwrap_or_default();
    let clock = clock(range, &usage.columns, &zone);
    let why_utc = usage.utc_for_want_of_hours.then_some(
        "These are UTC's days: those of your time zone are added up from counts by the hour, which do not go back that far.",
    );
    let why = (usage.refused > 0)
        .then(|| subject.logs(&[("outcome", "refused"), ("view", "failures"), ("since", &since)]))
        .flatten();
    let csv = subject.export(range, "csv");
    let json = subject.export(range, "json");
    view! {
        <section class="card" aria-labelledby="over-time">
            <div class="card-head">
                <h2 id="over-time">{format!("Last {}, {clock}", range.label())}</h2>
                <p class="card-actions">
                    <a class="btn btn-small" href=csv download="latchkey-usage.csv">"CSV"</a>
                    <a class="btn btn-small" href=json download="latchkey-usage.jsonl">"JSON"</a>
                </p>
            </div>
            {why_utc.map(|text| view! { <p class="dim">{text}</p> })}
            <dl class="figures">
                <div>
                    <dt>"requests"</dt>
                    <dd>{usage.requests} " " <span class="figure-note">{change_in_words(usage.requests, usage.before.0)}</span></dd>
                </div>
                <div>
                    <dt>"refused"</dt>
                    <dd>
                        {share_in_words(usage.refused, usage.requests)}
                        " "
                        <span class="figure-note">{change_in_words(usage.refused, usage.before.1)}</span>
                        {why.map(|href| view! { " " <a href=href>"see why"</a> })}
                    </dd>
                </div>
                {usage.latency_us.map(|latency| latency.map(latency_in_words)).map(|[half, most, nearly_all]| view! {
                    <div><dt>"p50"</dt><dd>{half}</dd></div>
                    <div><dt>"p95"</dt><dd>{most}</dd></div>
                    <div><dt>"p99"</dt><dd>{nearly_all}</dd></div>
                })}
                <div><dt>"received"</dt><dd>{bytes_in_words(usage.volume.received)}</dd></div>
                <div><dt>"sent"</dt><dd>{bytes_in_words(usage.volume.sent)}</dd></div>
            </dl>
            <Chart title=format!("Requests in the last {}, served and refused", range.label()) bars/>
        </section>
        <Tables usage since subject range/>
    }
}

/// What was called, how it was answered, and from where it came.
#[component]
fn Tables(usage: Usage, since: String, subject: Subject, range: Range) -> impl IntoView {
    let linked_by = |text: String, values: &[(&str, &str)]| {
        let values = [values, &[("since", since.as_str())]].concat();
        match subject.logs(&values) {
            Some(href) => view! { <a href=href>{text}</a> }.into_any(),
            None => text.into_any(),
        }
    };
    let linked = |text: String, name: &str, value: &str| linked_by(text, &[(name, value)]);
    let routes = usage
        .routes
        .iter()
        .map(|one| {
            let (method, pattern) = one.route.split_once(' ').unwrap_or_default();
            view! {
                <tr>
                    <th scope="row"><code>{linked_by(one.route.clone(), &[("route", pattern), ("method", method)])}</code></th>
                    <td class="number">{one.requests}</td>
                    <td class="number">{one.refused}</td>
                    <td class="number">{latency_in_words(one.p95_us)}</td>
                </tr>
            }
        })
        .collect_view();
    let statuses = usage
        .statuses
        .iter()
        .map(|(status, count)| {
            let status = status.to_string();
            view! {
                <tr><th scope="row">{linked(status.clone(), "status", &status)}</th><td class="number">{*count}</td></tr>
            }
        })
        .collect_view();
    let addresses = usage
        .addresses
        .iter()
        .map(|(address, counts): &(Option<IpAddr>, AddressCounts)| {
            let name = match address {
                Some(address) => {
                    let text = address.to_string();
                    view! { <code>{linked(text.clone(), "address", &text)}</code> }.into_any()
                }
                None => "others, counted together".into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="number">{counts.requests}</td>
                    <td class="number">{counts.refused}</td>
                </tr>
            }
        })
        .collect_view();
    let by_hour = match range {
        Range::Hour => "counted since the full hour, within ten seconds",
        _ => "counted within ten seconds",
    };
    view! {
        <section class="card" aria-labelledby="routes">
            <h2 id="routes">"Routes"</h2>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Requests by route">
                <table>
                    <thead><tr>
                        <th scope="col">"Route"</th><th scope="col" class="number">"Requests"</th>
                        <th scope="col" class="number">"Refused"</th><th scope="col" class="number">"p95"</th>
                    </tr></thead>
                    <tbody>{routes}</tbody>
                </table>
            </div>
        </section>
        <div class="two">
            <section class="card" aria-labelledby="addresses">
                <h2 id="addresses">"Addresses" " " <span class="dim">{by_hour}</span></h2>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Requests by address">
                    <table>
                        <thead><tr>
                            <th scope="col">"From"</th><th scope="col" class="number">"Requests"</th>
                            <th scope="col" class="number">"Refused"</th>
                        </tr></thead>
                        <tbody>{addresses}</tbody>
                    </table>
                </div>
            </section>
            <section class="card" aria-labelledby="statuses">
                <h2 id="statuses">"Statuses"</h2>
                <div class="table-scroll" tabindex="0" role="region" aria-label="Requests by status">
                    <table>
                        <thead><tr><th scope="col">"Status"</th><th scope="col" class="number">"Requests"</th></tr></thead>
                        <tbody>{statuses}</tbody>
                    </table>
                </div>
            </section>
        </div>
    }
}

/// The columns of a day, each with its hour, with those of the day before where they are compared, and with a link to its requests
/// where these are listed.
pub fn hours(usage: &Usage, zone: &Zone, compared: bool, logs: Option<&str>) -> Vec<Bar> {
    let hour = |column: &Column| Bar {
        label: zone.write(column.start, format_description!("[hour]:[minute]")),
        served: column.served,
        refused: column.refused,
        before: compared.then_some(column.before),
        href: logs.map(|logs| rows(logs, column)),
    };
    usage.columns.iter().map(hour).collect()
}

/// The figures of one key.
#[component]
pub fn KeyFigures(
    usage: Usage,
    /// Its own page of usage, if it has one.
    #[prop(optional_no_strip)]
    more: Option<String>,
    /// Where its requests are listed, if there is such a page.
    #[prop(optional_no_strip)]
    logs: Option<String>,
) -> impl IntoView {
    let bars = hours(&usage, &Zone::of_viewer(), false, logs.as_deref());
    view! {
        <dl class="figures">
            <div><dt>"requests"</dt><dd>{usage.requests}</dd></div>
            <div><dt>"refused"</dt><dd>{share_in_words(usage.refused, usage.requests)}</dd></div>
        </dl>
        <Chart title="Requests with this key in the last 24 hours, served and refused" bars/>
        {more.map(|href| view! { <p><a href=href>"All figures"</a></p> })}
    }
}

fn share_in_words(part: u64, whole: u64) -> String {
    let hundredths = (part * 10_000).checked_div(whole).unwrap_or(0);
    format!("{part} ({}.{:02} %)", hundredths / 100, hundredths % 100)
}

/// How a count differs from the one of the time before.
fn change_in_words(now: u64, before: u64) -> String {
    match (now, before) {
        (0, 0) => String::new(),
        (_, 0) => "none before".to_owned(),
        _ if now == before => "as before".to_owned(),
        _ => {
            let percent = now.abs_diff(before).saturating_mul(100).div_ceil(before);
            let sign = if now > before { '+' } else { '−' };
            format!("{sign}{percent} % ({before} before)")
        }
    }
}

/// A bucket's bound: the true value is at most this.
pub fn latency_in_words(microseconds: u64) -> String {
    if microseconds < 1_000 {
        format!("≤ 0.{} ms", microseconds / 10)
    } else {
        format!("≤ {}.{} ms", microseconds / 1_000, microseconds % 1_000 / 100)
    }
}

/// A length in the unit that leaves few digits (IEC 80000-13: 1 kB is 1,000 bytes).
fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let (mut tenths, mut unit) = (bytes / 100, 0);
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use latchkey_model::ApplicationId;
    use uuid::Uuid;

    #[test]
    fn numbers_in_words() {
        assert_eq!(share_in_words(1, 300), "1 (0.33 %)");
        assert_eq!(share_in_words(0, 0), "0 (0.00 %)");
        assert_eq!(latency_in_words(250), "≤ 0.25 ms");
        assert_eq!(latency_in_words(2_500), "≤ 2.5 ms");
        assert_eq!(latency_in_words(100_000), "≤ 100.0 ms");
        assert_eq!([999, 1_000, 1_250_000, 5_000_000_000].map(bytes_in_words), ["999 B", "1.0 kB", "1.2 MB", "5.0 GB"]);
        assert_eq!([(0, 0), (5, 0), (7, 7)].map(|(a, b)| change_in_words(a, b)), ["", "none before", "as before"]);
        assert_eq!(change_in_words(15, 10), "+50 % (10 before)");
        assert_eq!(change_in_words(1, 3), "−67 % (3 before)");
    }

    #[test]
    fn a_page_leads_to_its_files_and_rows() {
        let subject = Subject {
            of: UsageOf::Application(ApplicationId::from_uuid(Uuid::nil())),
            here: "/usage?key=1".to_owned(),
            logs: Some("/logs?key=1".to_owned()),
            nothing: None,
        };
        assert_eq!(subject.at(Range::Week), "/usage?key=1&range=7d");
        assert_eq!(subject.export(Range::Day, "csv"), "/usage/export?key=1&range=24h&format=csv");
        assert_eq!(subject.logs(&[("route", "/a b")]).unwrap(), "/logs?key=1&route=%2Fa%20b");
        assert_eq!(with("/x", &[("a", "1")]), "/x?a=1");
    }
}
