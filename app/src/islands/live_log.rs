//! Requests as they come, above those that were there when the page was made.

use latchkey_model::live::LiveRequest;
use leptos::prelude::*;

/// The most rows that are kept in sight.
#[cfg(feature = "hydrate")]
const ROWS: usize = 200;

/// How the line to the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Connecting,
    Open,
    Paused,
}

/// Shows the requests that this server tells of (server-sent events), the newest first. Without scripts it is not shown.
#[island]
pub fn LiveLog(
    /// Where they are told, on this server.
    url: String,
) -> impl IntoView {
    let rows = RwSignal::new(Vec::<LiveRequest>::new());
    let line = RwSignal::new(Line::Connecting);
    let left_out = RwSignal::new(None::<String>);
    #[cfg(feature = "hydrate")]
    listen(&url, rows, line, left_out);
    // The log itself, with the same filter.
    let log = url.replacen("/live", "", 1);
    let toggle =
        move |_| line.update(|line| *line = if *line == Line::Paused { Line::Connecting } else { Line::Paused });
    let state = move || match line.get() {
        Line::Connecting => "Connecting …".to_owned(),
        Line::Open => match rows.with(Vec::len) {
            0 => "Live: waiting for the next request".to_owned(),
            1 => "Live: one request since this page was opened".to_owned(),
            many => format!("Live: {many} requests since this page was opened"),
        },
        Line::Paused => "Paused".to_owned(),
    };
    view! {
        <section class="live needs-script" aria-label="Requests as they come">
            <div class="live-head">
                <p class="live-state" class:live-open=move || line.get() == Line::Open role="status">{state}</p>
                <button type="button" class="btn btn-small" on:click=toggle>
                    {move || if line.get() == Line::Paused { "Go on" } else { "Pause" }}
                </button>
            </div>
            {move || left_out.get().map(|text| view! { <p class="dim" role="status">{text} " " <a href=log.clone()>"Open the log"</a></p> })}
            <div class="table-scroll" tabindex="0" role="region" aria-label="New requests" hidden=move || rows.with(Vec::is_empty)>
                <table class="cards-on-phone">
                    <thead>
                        <tr>
                            <th scope="col">"When"</th><th scope="col">"Answer"</th><th scope="col">"Request"</th>
                            <th scope="col">"Key"</th><th scope="col">"From"</th>
                            <th scope="col"><span class="sr-only">"Open"</span></th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=move || rows.get() key=|row| (row.id.clone(), row.many.clone()) let:row>
                            <Row row/>
                        </For>
                    </tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Row(row: LiveRequest) -> impl IntoView {
    let tone = match (&row.reason, row.status) {
        (Some(_), _) => "badge tone-bad",
        (None, 200..=399) => "badge tone-good",
        (None, _) => "badge tone-wait",
    };
    let answer = match &row.reason {
        Some(reason) => format!("{} {reason}", row.status),
        None => row.status.to_string(),
    };
    let href = format!("/logs/{}", row.id);
    let label = format!(" request {}", row.id);
    view! {
        <tr>
            <td data-label="When">{row.at}</td>
            <td data-label="Answer"><span class=tone>{answer}</span> {row.many.map(|many| view! { " " <span class="many">{many}</span> })}</td>
            <td data-label="Request"><code>{row.request}</code></td>
            <td data-label="Key">{row.key.map(|(name, hint)| view! { {name} <p class="dim"><code>{hint}</code></p> })}</td>
            <td data-label="From"><code>{row.from}</code></td>
            <td><a class="btn btn-small" href=href>"Open"<span class="sr-only">{label}</span></a></td>
        </tr>
    }
}

/// Opens the line, and opens it again after a pause from where it was. A line that drops, the browser opens again by itself.
#[cfg(feature = "hydrate")]
fn listen(url: &str, rows: RwSignal<Vec<LiveRequest>>, line: RwSignal<Line>, left_out: RwSignal<Option<String>>) {
    use wasm_bindgen::{JsCast as _, closure::Closure};
    let url = url.to_owned();
    let source = StoredValue::new_local(None::<web_sys::EventSource>);
    Effect::new(move |_| match line.get() {
        Line::Paused => {
            if let Some(open) = source.try_update_value(Option::take).flatten() {
                open.close();
            }
        }
        Line::Connecting | Line::Open => {
            if source.with_value(Option::is_some) {
                return;
            }
            // After a pause, or where the line was refused, from the last that was told.
            let last = rows.with_untracked(|rows| rows.iter().map(|row| row.id.clone()).max());
            let from = match (last, url.split_once("after=")) {
                (Some(last), Some((rest, _))) => format!("{rest}after={last}"),
                _ => url.clone(),
            };
            let Ok(new) = web_sys::EventSource::new(&from) else { return };
            let opened = Closure::<dyn Fn()>::new(move || line.set(Line::Open));
            let failed = Closure::<dyn Fn()>::new(move || {
                if line.get_untracked() == Line::Paused {
                    return;
                }
                line.set(Line::Connecting);
                // A line that dropped, the browser opens again; one that was refused, nobody does but us.
                let refused = source.with_value(|open| open.as_ref().is_some_and(|open| open.ready_state() == 2));
                if refused {
                    source.set_value(None);
                    set_timeout(
                        move || {
                            if line.get_untracked() == Line::Connecting {
                                line.set(Line::Connecting);
                            }
                        },
                        std::time::Duration::from_secs(10),
                    );
                }
            });
            let came = Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
                let row = event.data().as_string().and_then(|text| serde_json::from_str::<LiveRequest>(&text).ok());
                if let Some(row) = row {
                    rows.update(|rows| {
                        rows.retain(|known| known.id != row.id);
                        rows.insert(0, row);
                        rows.truncate(ROWS);
                    });
                }
            });
            let missed = Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
                left_out.set(event.data().as_string());
            });
            // It is refused nowhere.
            let _ = new.add_event_listener_with_callback("left-out", missed.as_ref().unchecked_ref());
            new.set_onopen(Some(opened.as_ref().unchecked_ref()));
            new.set_onerror(Some(failed.as_ref().unchecked_ref()));
            new.set_onmessage(Some(came.as_ref().unchecked_ref()));
            // They live as long as the page does.
            opened.forget();
            failed.forget();
            came.forget();
            missed.forget();
            source.set_value(Some(new));
        }
    });
}
