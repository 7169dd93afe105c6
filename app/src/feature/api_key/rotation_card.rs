//! Rotations under way: what each of the two keys does, and when the old one can go.

use super::{CancelRotation, key_in_view::KeyPaths};
use crate::{
    page::PageError,
    route,
    ssr::{actor, services},
    ui::{Badge, Form, RelativeTime, Tone},
};
use latchkey_core::{
    api_key::safe_to_end,
    port::api_key::{ApiKey, KeyState},
    usage::report::{Range, TimeZone, UsageOf},
};
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

/// The two keys of a rotation that is under way.
#[derive(Clone)]
pub struct Pair {
    old: ApiKey,
    new: ApiKey,
    /// Requests of each in the last hour.
    hourly: [u64; 2],
}

impl Pair {
    /// The rotations among these keys whose old key is still there, and whose new key works.
    ///
    /// # Errors
    /// When the counts cannot be read.
    pub async fn find(keys: &[ApiKey], now: OffsetDateTime) -> Result<Vec<Self>, PageError> {
        let (services, actor) = (services(), actor());
        let mut pairs = Vec::new();
        for old in keys.iter().filter(|key| !key.is_ended(now)) {
            let Some(replaced) = old.replaced else { continue };
            let new = keys.iter().find(|key| key.id == replaced.by && key.state(now) == KeyState::Live);
            let Some(new) = new else { continue };
            let hourly = [
                services.usage.usage(&actor, UsageOf::Key(old.id), Range::Hour, &TimeZone::UTC).await?.served(),
                services.usage.usage(&actor, UsageOf::Key(new.id), Range::Hour, &TimeZone::UTC).await?.served(),
            ];
            pairs.push(Self { old: old.clone(), new: new.clone(), hourly });
        }
        Ok(pairs)
    }

    /// The rotation that one key is in, whichever of the two it is.
    pub(super) async fn of(key: &ApiKey, now: OffsetDateTime) -> Result<Vec<Self>, PageError> {
        let (services, actor) = (services(), actor());
        let other = match (key.replaced, key.takeover) {
            (Some(replaced), _) => replaced.by,
            (None, Some(takeover)) => takeover.from,
            (None, None) => return Ok(Vec::new()),
        };
        match services.api_keys.get(&actor, other).await {
            Ok(other) => Self::find(&[key.clone(), other], now).await,
            Err(error) => Err(error.into()),
        }
    }
}

/// Every rotation that is under way.
#[component]
pub fn Rotations(pairs: Vec<Pair>, now: OffsetDateTime, can_write: bool, #[prop(into)] back: String) -> impl IntoView {
    pairs.into_iter().map(|pair| view! { <RotationCard pair now can_write back=back.clone()/> }).collect_view()
}

#[component]
fn RotationCard(pair: Pair, now: OffsetDateTime, can_write: bool, back: String) -> impl IntoView {
    let Pair { old, new, hourly } = pair;
    let pending = new.is_pending();
    let can_be_called_off = new.last_used_at.is_none() && new.replaced.is_none();
    let safe = safe_to_end(&old, &new, now);
    let title_id = format!("rotation-{}", old.id);
    let heading_id = title_id.clone();
    let name = old.settings.name.as_str().to_owned();
    let state = if pending {
        let overlap = new.takeover.map(|takeover| takeover.overlap).unwrap_or_default();
        let then = if overlap.is_zero() {
            "the old one ends at that moment".to_owned()
        } else {
            format!("the old one works for {} more", in_words(overlap))
        };
        view! { <p>{format!("The new key waits for its first use. From then on, {then}.")}</p> }.into_any()
    } else {
        let ends = old.ends_at();
        view! {
            <p>"Both work. The old one ends " {ends.map(|at| view! { <RelativeTime at now/> })} "."</p>
        }
        .into_any()
    };
    let verdict = match (pending, safe) {
        (true, _) => view! { <Badge tone=Tone::Wait text="waiting for first use"/> }.into_any(),
        (false, true) => view! { <Badge tone=Tone::Good text="safe to end"/> }.into_any(),
        (false, false) => view! { <Badge tone=Tone::Wait text="old key in use"/> }.into_any(),
    };
    let actions = can_write.then(|| {
        let (end, new_id) = (route::end_key(&KeyPaths::of(&old).key), new.id.to_string());
        view! {
            <div class="form-actions">
                <a class=if safe { "btn btn-primary" } else { "btn btn-danger" } href=end>"End the old key now"</a>
                {can_be_called_off.then(|| view! {
                    <Form action=CancelRotation::PATH back>
                        <input type="hidden" name="id" value=new_id/>
                        <button type="submit" class="btn">"Call the rotation off"</button>
                    </Form>
                })}
            </div>
        }
    });
    view! {
        <section class="card rotation" aria-labelledby=title_id>
            <h2 id=heading_id>{format!("{name} is being rotated")} " " {verdict}</h2>
            {state}
            <div class="two">
                <Side label="Old key" key=old requests=hourly[0] now/>
                <Side label="New key" key=new requests=hourly[1] now/>
            </div>
            {actions}
        </section>
    }
}

#[component]
fn Side(label: &'static str, key: ApiKey, requests: u64, now: OffsetDateTime) -> impl IntoView {
    let href = KeyPaths::of(&key).key;
    let used = match (key.last_used_at, key.last_used_from) {
        (Some(at), from) => {
            view! { <RelativeTime at now/> {from.map(|from| view! { " from " <code>{from.to_string()}</code> })} }
                .into_any()
        }
        (None, _) => view! { "never" }.into_any(),
    };
    view! {
        <dl class="facts">
            <div><dt>{label}</dt><dd><a href=href><code>{key.hint()}</code></a></dd></div>
            <div><dt>"Last used"</dt><dd>{used}</dd></div>
            <div><dt>"Last hour"</dt><dd>{if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") }}</dd></div>
        </dl>
    }
}

fn in_words(overlap: time::Duration) -> String {
    let (days, hours, minutes) = (overlap.whole_days(), overlap.whole_hours(), overlap.whole_minutes());
    match () {
        () if days > 0 && hours == days * 24 => {
            if days == 1 {
                "24 hours".to_owned()
            } else {
                format!("{days} days")
            }
        }
        () if hours > 0 && minutes == hours * 60 => {
            if hours == 1 {
                "1 hour".to_owned()
            } else {
                format!("{hours} hours")
            }
        }
        () => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    #[test]
    fn overlaps_in_words() {
        for (overlap, words) in [
            (Duration::hours(1), "1 hour"),
            (Duration::hours(24), "24 hours"),
            (Duration::days(7), "7 days"),
            (Duration::hours(36), "36 hours"),
            (Duration::minutes(90), "90 minutes"),
        ] {
            assert_eq!(in_words(overlap), words);
        }
    }
}
