//! A message kept in the session until the next page: what happened, what is wrong at which field, and what was typed.

use latchkey_core::Shown;
use latchkey_model::{AccountId, FieldErrors};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tower_sessions::Session;

/// Whether it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tone {
    /// It did.
    Good,
    /// It did not.
    Bad,
}

/// A message for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Whether it went well.
    pub tone: Tone,
    /// The sentence at the head of the page.
    pub message: String,
    /// Sentences at fields.
    #[serde(default)]
    pub errors: FieldErrors,
    /// What was typed, to be kept in the form; never a secret.
    #[serde(default)]
    pub input: BTreeMap<String, Vec<String>>,
}

impl Flash {
    const KEY: &'static str = "flash";
    /// The message for the page after the next, which asks for something else first.
    const ASIDE: &'static str = "flash_aside";
    /// What is kept of one field: enough for every field that a form of ours has.
    const MAX_VALUE: usize = 16_384;

    /// It went well.
    pub fn good(message: impl Into<String>) -> Self {
        Self { tone: Tone::Good, message: message.into(), errors: FieldErrors::default(), input: BTreeMap::new() }
    }

    /// It did not.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { tone: Tone::Bad, ..Self::good(message) }
    }

    /// With sentences at fields.
    #[must_use]
    pub fn with_errors(mut self, errors: FieldErrors) -> Self {
        self.errors = errors;
        self
    }

    /// With what was typed into a field.
    #[must_use]
    pub fn keep(mut self, field: &str, value: &str) -> Self {
        // A key that was pasted into a field for something else is not kept, and not shown again.
        let value = latchkey_core::leak::redacted(value).chars().take(Self::MAX_VALUE).collect();
        self.input.entry(field.to_owned()).or_default().push(value);
        self
    }

    /// What was typed into a field.
    pub fn value(&self, field: &str) -> Option<&str> {
        self.input.get(field).and_then(|values| values.first()).map(String::as_str)
    }

    /// Everything that was ticked in a field.
    pub fn values(&self, field: &str) -> &[String] {
        self.input.get(field).map(Vec::as_slice).unwrap_or_default()
    }

    /// Keeps the message for the next page. A message that cannot be kept is one less message, not a failed request.
    pub async fn put(self, session: &Session) {
        if let Err(error) = session.insert(Self::KEY, self).await {
            tracing::warn!(%error, "a message for the next page could not be kept");
        }
    }

    /// Keeps the message until this person has done what is asked first.
    pub async fn put_aside(self, session: &Session, account: AccountId) {
        if let Err(error) = session.insert(Self::ASIDE, (account, self)).await {
            tracing::warn!(%error, "a message for a later page could not be kept");
        }
    }

    /// Makes what was put aside the message for the next page, for the person who typed it alone. It is no refusal any more: what was
    /// asked first is done.
    pub async fn bring_back(session: &Session, account: AccountId) {
        let aside = session.remove::<(AccountId, Self)>(Self::ASIDE).await.ok().flatten();
        if let Some((_, mut flash)) = aside.filter(|(whose, _)| *whose == account) {
            flash.tone = Tone::Good;
            "What you typed is still here; send it again.".clone_into(&mut flash.message);
            flash.put(session).await;
        }
    }

    /// Takes the message, if there is one.
    pub async fn take(session: &Session) -> Option<Self> {
        // Asking first: a visitor without a session gets none for looking at a page.
        match session.get::<Self>(Self::KEY).await {
            Ok(Some(flash)) => {
                let _ = session.remove_value(Self::KEY).await;
                Some(flash)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "a message could not be read");
                None
            }
        }
    }
}

/// What was typed into a field, to be shown there again.
pub fn typed(flash: Option<&Flash>, field: &str) -> String {
    flash.and_then(|flash| flash.value(field)).unwrap_or_default().to_owned()
}

/// What a form carries of what it showed: a form that came back, what it showed at first; otherwise what is shown now.
pub fn shown(flash: Option<&Flash>, now: &impl std::fmt::Debug) -> String {
    let first = flash.and_then(|flash| flash.value("shown"));
    first.map_or_else(|| Shown::of(now).to_string(), str::to_owned)
}

/// The sentence at a field.
pub fn error_at(flash: Option<&Flash>, field: &str) -> Option<String> {
    flash.and_then(|flash| flash.errors.get(field)).map(str::to_owned)
}
