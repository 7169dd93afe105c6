//! Requests over time: columns drawn on the server, with the same numbers in a table behind them.

use leptos::prelude::*;

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
}

/// A chart of columns that needs no script.
#[component]
pub fn Chart(
    /// What it shows, in a sentence.
    #[prop(into)]
    title: String,
    bars: Vec<(String, u64, u64)>,
) -> impl IntoView {
    let bars: Vec<_> = bars.into_iter().map(|(label, served, refused)| Bar { label, served, refused }).collect();
    let most = bars.iter().map(|bar| bar.served + bar.refused).max().unwrap_or(0).max(1);
    let (first, last) = (
        bars.first().map(|bar| bar.label.clone()).unwrap_or_default(),
        bars.last().map(|bar| bar.label.clone()).unwrap_or_default(),
    );
    let count = bars.len().max(1) as u64;
    let columns = bars.iter().enumerate().map(|(index, bar)| column(bar, index as u64, count, most)).collect_view();
    let rows = bars
        .iter()
        .filter(|bar| bar.served + bar.refused > 0)
        .map(|bar| {
            view! { <tr><th scope="row">{bar.label.clone()}</th><td>{bar.served}</td><td>{bar.refused}</td></tr> }
        })
        .collect_view();
    let view_box = format!("0 0 {WIDTH} {HEIGHT}");
    view! {
        <figure class="chart">
            <div class="chart-legend" aria-hidden="true">
                <span class="chart-key chart-served">"served"</span>
                <span class="chart-key chart-refused">"refused"</span>
                <span class="chart-most">{format!("up to {most} in one column")}</span>
            </div>
            <svg viewBox=view_box role="img" aria-label=title.clone() preserveAspectRatio="none">{columns}</svg>
            <div class="chart-axis" aria-hidden="true"><span>{first}</span><span>{last}</span></div>
            <details>
                <summary>"Show as a table"</summary>
                <div class="table-scroll" tabindex="0" role="region" aria-label=title>
                    <table>
                        <thead><tr><th scope="col">"From"</th><th scope="col">"Served"</th><th scope="col">"Refused"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </details>
        </figure>
    }
}

fn column(bar: &Bar, index: u64, count: u64, most: u64) -> impl IntoView + use<> {
    let gap = if count > 60 { 1 } else { 3 };
    let (from, to) = (index * WIDTH / count, (index + 1) * WIDTH / count);
    let width = (to - from).saturating_sub(gap).max(1);
    // What is there is seen, however little it is.
    let height = |requests: u64| if requests == 0 { 0 } else { (requests * (HEIGHT - 4) / most).max(2) };
    let (served, refused) = (height(bar.served), height(bar.refused));
    let title = format!("{}: {} served, {} refused", bar.label, bar.served, bar.refused);
    view! {
        <g>
            <title>{title}</title>
            <rect class="chart-served" x=from y=HEIGHT - served width=width height=served></rect>
            <rect class="chart-refused" x=from y=(HEIGHT - served).saturating_sub(refused) width=width height=refused></rect>
        </g>
    }
}
