//! What a change would break, before it is made.

use crate::ui::{Banner, Tone};
use latchkey_core::api_key::BlastRadius;
use leptos::prelude::*;
use time::macros::format_description;

/// How many of each list are shown.
const SHOWN: usize = 8;

/// What a key did in the last 24 hours, and how much of it would be refused.
#[component]
pub fn Radius(
    radius: BlastRadius,
    /// What the change does, as the start of a sentence: "Revoking it".
    what: &'static str,
) -> impl IntoView {
    let tone = match (radius.refused, radius.estimated) {
        (0, false) => Tone::Neutral,
        (0, true) => Tone::Wait,
        _ => Tone::Bad,
    };
    let looked_at = looked_at(&radius);
    let sentence = match (radius.requests, radius.refused) {
        (0, _) => "It served no request in the last 24 hours.".to_owned(),
        (all, 0) if radius.estimated => {
            format!("{what} would have refused none of the {looked_at}, of {} in the last 24 hours.", requests(all))
        }
        (_, 0) => format!("{what} would have refused none of the {} in the last 24 hours.", requests(radius.requests)),
        (all, refused) if all == refused => {
            format!("{what} would have refused all {} of the last 24 hours.", requests(all))
        }
        (all, refused) => {
            let about = if radius.estimated { "about " } else { "" };
            format!("{what} would have refused {about}{refused} of {} in the last 24 hours.", requests(all))
        }
    };
    let in_part = radius.kept < radius.requests || radius.newest_since.is_some();
    let sampled = (in_part && radius.requests > 0).then(|| format!("Addresses are drawn from the {looked_at}."));
    let routes = rows(radius.routes);
    let more = radius.addresses.len().saturating_sub(SHOWN);
    let addresses = radius.addresses.into_iter().map(|(address, count)| (address.to_string(), count)).collect();
    let addresses = rows(addresses);
    view! {
        <Banner tone><strong>{sentence}</strong></Banner>
        {(radius.requests > 0).then(|| view! {
            <div class="two">
                <section class="card" aria-labelledby="radius-routes">
                    <h2 id="radius-routes">"What it called"</h2>
                    <table>
                        <thead><tr><th scope="col">"Route"</th><th scope="col" class="number">"Requests"</th></tr></thead>
                        <tbody>{routes}</tbody>
                    </table>
                </section>
                <section class="card" aria-labelledby="radius-addresses">
                    <h2 id="radius-addresses">"From where"</h2>
                    <table>
                        <thead><tr><th scope="col">"Address"</th><th scope="col" class="number">"Requests"</th></tr></thead>
                        <tbody>{addresses}</tbody>
                    </table>
                    {(more > 0).then(|| view! { <p class="dim">{format!("and {more} more addresses")}</p> })}
                    {sampled.map(|sampled| view! { <p class="dim">{sampled}</p> })}
                </section>
            </div>
        })}
    }
}

/// Which single requests the change was tried on.
fn looked_at(radius: &BlastRadius) -> String {
    let kept = requests(radius.kept);
    match radius.newest_since {
        None => format!("{kept} that were kept one by one"),
        Some(since) => {
            let since = since.format(format_description!("[day padding:none] [month repr:short], [hour]:[minute] UTC"));
            format!("newest {kept} that were kept one by one, since {}", since.unwrap_or_default())
        }
    }
}

fn requests(count: u64) -> String {
    if count == 1 { "1 request".to_owned() } else { format!("{count} requests") }
}

fn rows(counts: Vec<(String, u64)>) -> impl IntoView {
    counts
        .into_iter()
        .take(SHOWN)
        .map(|(name, count)| view! { <tr><th scope="row"><code>{name}</code></th><td class="number">{count}</td></tr> })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn it_is_said_which_requests_were_looked_at() {
        let mut radius = BlastRadius { requests: 90_000, kept: 10_000, ..BlastRadius::default() };
        assert_eq!(looked_at(&radius), "10000 requests that were kept one by one");
        radius.newest_since = Some(datetime!(2026-11-23 14:05 UTC));
        assert_eq!(looked_at(&radius), "newest 10000 requests that were kept one by one, since 23 Nov, 14:05 UTC");
    }
}
