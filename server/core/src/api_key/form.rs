//! What a person fills in about a key, and what it becomes when every field is good.

use super::{AllowList, Expiry, Notes};
use crate::{
    leak::{finder, redacted},
    limit::RateLimits,
    port::{
        api::ApiScope,
        api_key::{AddressMode, KeySettings},
    },
};
use latchkey_model::{FieldErrors, Name, ScopeSet};
use time::OffsetDateTime;

/// What a person fills in about a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyForm<'a> {
    /// What to call it.
    pub name: &'a str,
    /// The scopes that were ticked.
    pub scopes: &'a [String],
    /// `never`, a number of days, or `keep` for a change.
    pub expiry: &'a str,
    /// Networks with spaces between; none lets every address in.
    pub allowed_from: &'a str,
    /// Whether addresses outside are let in and reported.
    pub report_only: bool,
    /// Limits such as `20/1s 600/1m`; none for the limit of every key.
    pub limits: &'a str,
    /// Notes.
    pub notes: &'a str,
}

/// What the form is for: a new key, or a change of one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Occasion<'a> {
    New,
    Change(&'a KeySettings),
}

impl KeyForm<'_> {
    /// Reads every field, and says of all that are wrong why.
    pub(super) fn check(
        &self,
        known: &[ApiScope],
        occasion: Occasion<'_>,
        now: OffsetDateTime,
    ) -> Result<KeySettings, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", self.name.parse::<Name>());
        if finder::find(self.name.as_bytes()).next().is_some() {
            errors.add("name", "This is a key. Names are shown to everybody in the team: choose another");
        }
        let expiry = errors.check("expiry", self.expiry.parse::<Expiry>());
        let allowed_from = errors.check("allowed_from", self.allowed_from.parse::<AllowList>());
        let limits = errors.check("limits", self.limits.parse::<RateLimits>());
        let notes = errors.check("notes", self.notes.parse::<Notes>());
        let scopes = check_scopes(&mut errors, self.scopes, known);
        let before = match occasion {
            Occasion::New => None,
            Occasion::Change(settings) => Some(settings),
        };
        if before.is_none() && expiry == Some(Expiry::Keep) {
            errors.add("expiry", super::ParseExpiryError.to_string());
        }
        match (name, scopes, expiry, allowed_from, limits, notes) {
            (Some(name), Some(scopes), Some(expiry), Some(allowed_from), Some(limits), Some(notes))
                if errors.is_empty() =>
            {
                let address_mode = if self.report_only { AddressMode::ReportOnly } else { AddressMode::Enforce };
                let expires_at = expiry.at(now, before.and_then(|before| before.expires_at));
                Ok(KeySettings { name, scopes, allowed_from, address_mode, limits, notes, expires_at })
            }
            _ => Err(errors),
        }
    }
}

/// The scopes that were ticked: at least one, and each of them known.
pub(crate) fn check_scopes(errors: &mut FieldErrors, ticked: &[String], known: &[ApiScope]) -> Option<ScopeSet> {
    let scopes: Option<ScopeSet> =
        errors.check("scopes", ticked.iter().map(|text| text.parse()).collect::<Result<_, _>>());
    if let Some(scopes) = &scopes {
        if scopes.is_empty() {
            errors.add("scopes", "Choose at least one scope");
        }
        if let Some(unknown) = scopes.iter().find(|scope| !known.iter().any(|one| one.scope == **scope)) {
            // It may be a secret that was typed into the wrong field.
            errors.add("scopes", format!("There is no scope {}", redacted(&unknown.to_string())));
        }
    }
    scopes
}
