//! Small words with a colour; the word always says what the colour says.

use latchkey_model::Environment;
use leptos::prelude::*;

/// What a badge or banner means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to do.
    Good,
    /// Refused, revoked, wrong.
    Bad,
    /// Soon, or look here.
    Wait,
    /// Neither.
    Neutral,
}

impl Tone {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Wait => "wait",
            Self::Neutral => "neutral",
        }
    }
}

/// A state in a word.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! { <span class=format!("badge tone-{}", tone.class())>{text}</span> }
}

/// Which environment this is about: never in doubt.
#[component]
pub fn EnvironmentBadge(environment: Environment) -> impl IntoView {
    view! { <span class=format!("environment environment-{environment}")>{environment.label()}</span> }
}
