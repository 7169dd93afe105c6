//! What a key is doing, in a word and a time.

use crate::ui::{Badge, RelativeTime, Tone};
use latchkey_core::port::api_key::{ApiKey, KeyState, RevokedBecause};
use leptos::prelude::*;
use time::OffsetDateTime;

/// Whether a key works, and how it ends.
#[component]
pub fn KeyStateBadge(key: ApiKey, now: OffsetDateTime) -> impl IntoView {
    let (tone, text, at) = match key.state(now) {
        KeyState::Revoked(revoked) => {
            let text = match revoked.because {
                RevokedBecause::Asked => "revoked",
                RevokedBecause::Leaked => "revoked: leaked",
                RevokedBecause::Admin => "revoked by an admin",
                RevokedBecause::RotationCancelled => "rotation called off",
            };
            (Tone::Bad, text, Some(revoked.at))
        }
        KeyState::RotatedOut(at) => (Tone::Bad, "rotated out", Some(at)),
        KeyState::Expired(at) => (Tone::Bad, "expired", Some(at)),
        KeyState::Suspended(suspension) => (Tone::Bad, "suspended", Some(suspension.at)),
        KeyState::Disabled(disabled) if disabled.by_policy => (Tone::Wait, "switched off: idle", Some(disabled.at)),
        KeyState::Disabled(disabled) => (Tone::Wait, "switched off", Some(disabled.at)),
        KeyState::Live if key.is_pending() => (Tone::Wait, "waiting for first use", None),
        KeyState::Live => match (key.replaced, key.ends_at()) {
            (Some(_), Some(at)) => (Tone::Wait, "being replaced: ends", Some(at)),
            (Some(_), None) => (Tone::Wait, "being replaced", None),
            (None, Some(at)) => (Tone::Good, "live: expires", Some(at)),
            (None, None) => (Tone::Good, "live", None),
        },
    };
    view! { <Badge tone text/> {at.map(|at| view! { " " <RelativeTime at now/> })} }
}
