//! Requests over time: columns drawn on the server, with the same numbers in a table behind them.

use leptos::prelude::*;
use std::fmt::Write;

const WIDTH: u64 = 720;
const HEIGHT: u64 = 160;

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// When it begins, for people.
    pub label: String,
    /// Requests that were let in.
    pub served: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// All requests of the same column in the time before, where that is shown.
    pub before: Option<u64>,
    /// Where its requests are listed.
    pub href: Option<String>,
}

/// A chart of columns that needs no script.
#[component]
pub fn Chart(
    /// What it shows, in a sentence.
    #[prop(into)]
    title: String,
    bars: Vec<Bar>,
) -> impl IntoView {
    let highest = |bar: &Bar| (bar.served + bar.refused).max(bar.before.unwrap_or(0));
    let most = bars.iter().map(highest).max().unwrap_or(0).max(1);
    let compares = bars.iter().any(|bar| bar.before.is_some());
    let (first, last) = (
        bars.first().map(|bar| bar.label.clone()).unwrap_or_default(),
        bars.last().map(|bar| bar.label.clone()).unwrap_or_default(),
    );
    let count = bars.len().max(1) as u64;
    let columns = bars.iter().enumerate().map(|(index, bar)| column(bar, index as u64, count, most)).collect_view();
    let before = compares.then(|| view! { <path class="chart-before" d=line(&bars, count, most)></path> });
    let rows = bars
        .iter()
        .filter(|bar| highest(bar) > 0)
        .map(|bar| {
            let label = match bar.href.clone() {
                Some(href) => view! { <a href=href>{bar.label.clone()}</a> }.into_any(),
                None => bar.label.clone().into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{label}</th>
                    <td>{bar.served}</td>
                    <td>{bar.refused}</td>
                    {compares.then(|| view! { <td>{bar.before.unwrap_or(0)}</td> })}
                </tr>
            }
        })
        .collect_view();
    let label = title.clone();
    let view_box = format!("0 0 {WIDTH} {HEIGHT}");
    // The picture says nothing that the table does not say better to those who do not see it.
    view! {
        <figure class="chart" aria-label=label>
            <div class="chart-legend" aria-hidden="true">
                <span class="chart-key chart-served">"served"</span>
                <span class="chart-key chart-refused">"refused"</span>
                {compares.then(|| view! { <span class="chart-key chart-key-before">"the time before"</span> })}
                <span class="chart-most">{format!("up to {most} in one column")}</span>
            </div>
            <svg viewBox=view_box aria-hidden="true" preserveAspectRatio="none">{columns} {before}</svg>
            <div class="chart-axis" aria-hidden="true"><span>{first}</span><span>{last}</span></div>
            <details>
                <summary>"Show as a table"</summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label=title>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"From"</th><th scope="col">"Served"</th><th scope="col">"Refused"</th>
                                {compares.then(|| view! { <th scope="col">"The time before"</th> })}
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </figure>
    }
}

/// What is there is seen, however little it is.
fn height(requests: u64, most: u64) -> u64 {
    if requests == 0 { 0 } else { (requests * (HEIGHT - 4) / most).max(2) }
}

fn column(bar: &Bar, index: u64, count: u64, most: u64) -> impl IntoView + use<> {
    let gap = if count > 60 { 1 } else { 3 };
    let (from, to) = (index * WIDTH / count, (index + 1) * WIDTH / count);
    let width = (to - from).saturating_sub(gap).max(1);
    let (served, refused) = (height(bar.served, most), height(bar.refused, most));
    let title = format!("{}: {} served, {} refused", bar.label, bar.served, bar.refused);
    let drawn = view! {
        <title>{title}</title>
        <rect class="chart-hit" x=from y="0" width=to - from height=HEIGHT></rect>
        <rect class="chart-served" x=from y=HEIGHT - served width=width height=served></rect>
        <rect class="chart-refused" x=from y=(HEIGHT - served).saturating_sub(refused) width=width height=refused></rect>
    };
    match bar.href.clone() {
        Some(href) => view! { <a href=href tabindex="-1">{drawn}</a> }.into_any(),
        None => view! { <g>{drawn}</g> }.into_any(),
    }
}

/// The time before, as a line through the middle of each column.
fn line(bars: &[Bar], count: u64, most: u64) -> String {
    let mut line = String::new();
    for (index, bar) in (0_u64..).zip(bars) {
        let x = (2 * index + 1) * WIDTH / (2 * count);
        let y = HEIGHT - height(bar.before.unwrap_or(0), most);
        // Writing to a text cannot fail.
        let _ = write!(line, "{}{x} {y}", if index == 0 { "M" } else { " L" });
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_goes_through_every_column() {
        let bar = |before| Bar { label: String::new(), served: 1, refused: 0, before: Some(before), href: None };
        assert_eq!(line(&[bar(0), bar(10)], 2, 10), format!("M180 {HEIGHT} L540 4"));
    }
}
