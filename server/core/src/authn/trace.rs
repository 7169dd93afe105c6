//! The steps of a decision, in words for its owner.

use super::{
    asked::{Asked, Rule},
    credential::Via,
    entry::Entry,
    person::KnownBy,
    refusal::Refusal,
    verdict::Verdict,
};
use crate::{
    access_token::Binding,
    clock::written,
    port::api_key::{AddressMode, KeyOwner},
};
use latchkey_model::trace::{DecisionTrace, Step, StepName, StepOutcome};
use std::fmt::Write;

/// Writes down every step of a verdict: those before the failing one passed, those after it were not reached in most cases.
pub(super) fn of(verdict: &Verdict) -> DecisionTrace {
    let refusal = verdict.outcome.as_ref().err();
    let failing = refusal.map(Refusal::step);
    let mut steps = Vec::with_capacity(StepName::ALL.len());
    for name in StepName::ALL {
        if Some(name) == failing {
            let detail = refusal.map(Refusal::detail).unwrap_or_default();
            steps.push(Step { name, outcome: StepOutcome::Failed, detail });
            // Whose something is was found out behind the door, when every other check had passed.
            if matches!(refusal, Some(Refusal::WrongOwner { .. })) {
                continue;
            }
            break;
        }
        steps.push(Step { name, outcome: StepOutcome::Passed, detail: passed(name, verdict) });
    }
    DecisionTrace::complete(steps)
}

fn passed(name: StepName, verdict: &Verdict) -> String {
    let entry = verdict.known.as_deref();
    match (name, entry) {
        (StepName::Credential, _) => verdict.via.map(|via| format!("found in {via}")).unwrap_or_default(),
        (StepName::Format, _) if verdict.via == Some(Via::Certificate) => "a certificate that holds".to_owned(),
        (StepName::Format, Some(entry)) if entry.token().is_some() => "written like an access token".to_owned(),
        (StepName::Format, Some(entry)) if entry.person().is_some() => match entry.person().map(|person| person.by) {
            Some(KnownBy::Password) => "an address and a password".to_owned(),
            _ => "a session of the portal, and the request is of a page of ours".to_owned(),
        },
        (StepName::Format, _) => "well formed, the checksum matches".to_owned(),
        (StepName::Lookup, Some(entry)) if entry.person().is_some() => format!("{}, as themselves", entry.name()),
        (StepName::Lookup, Some(entry)) => {
            let proven = match entry.token().map(|token| &token.binding) {
                Some(_) if verdict.via == Some(Via::Certificate) => "by its certificate, ",
                Some(Some(Binding::Dpop(_))) => "made by this server and sent by whoever holds its key, for ",
                Some(Some(Binding::Certificate(_))) => "made by this server and sent over its own certificate, for ",
                Some(None) => "made by this server, for ",
                None => "",
            };
            format!("{proven}{} of {}", entry.name(), entry.counted_for().name())
        }
        (StepName::Lifetime, Some(entry)) => lifetime(entry),
        (StepName::Environment, Some(entry)) => match entry.counted_for() {
            KeyOwner::Environment { environment, .. } => environment.as_str().to_owned(),
            KeyOwner::Account { .. } => "what a person has belongs to no environment".to_owned(),
        },
        (StepName::Address, Some(entry)) => address(entry, verdict),
        (StepName::Scope, _) => scope(&verdict.facts.asked),
        (StepName::Limit, _) => limit(verdict),
        (_, None) => String::new(),
    }
}

fn scope(asked: &Asked) -> String {
    match asked {
        Asked::Demo { needed_scope: Some(needed) } => format!("holds {needed}"),
        Asked::Demo { needed_scope: None } | Asked::Gateway => "none needed".to_owned(),
        Asked::Guarded(guard) => match &guard.rule {
            Rule::Holders { scopes, .. } if !scopes.is_empty() => format!("holds {scopes}"),
            Rule::Holders { .. } if !guard.api.scopes.is_empty() => format!("holds a scope of {}", guard.api.slug),
            _ => "none needed".to_owned(),
        },
    }
}

fn lifetime(entry: &Entry) -> String {
    let mut text = match entry.ends_at() {
        Some(at) if entry.token().is_some() => format!("ends at {}", written(at)),
        Some(at) => format!("ends on {}", at.date()),
        None => "does not expire".to_owned(),
    };
    if entry.key().is_some_and(|key| key.replaced.is_some()) {
        text.push_str("; another key takes over from it");
    }
    text
}

fn address(entry: &Entry, verdict: &Verdict) -> String {
    let address = verdict.facts.address;
    let Some(key) = entry.key() else { return format!("{address}, it may be used from any") };
    let settings = &key.settings;
    let allowed = &settings.allowed_from;
    if allowed.is_empty() {
        format!("{address}, any address may use this key")
    } else if verdict.reported {
        format!("{address} is outside of {allowed}: reported, and let in, since this list only reports")
    } else if settings.address_mode == AddressMode::ReportOnly {
        format!("{address}, in the list that only reports: {allowed}")
    } else {
        format!("{address}, allowed: {allowed}")
    }
}

fn limit(verdict: &Verdict) -> String {
    let Some(readings) = &verdict.readings else { return String::new() };
    let mut text = String::new();
    if let Some(route) = &verdict.route {
        let _ = write!(text, "{} of {} of this route left", route.remaining, route.quota);
    }
    for reading in readings.windows().iter().chain([readings.owner()]) {
        let comma = if text.is_empty() { "" } else { ", " };
        let whose = if std::ptr::eq(reading, readings.owner()) { " of all keys together" } else { "" };
        let _ = write!(text, "{comma}{} of {}{whose} left", reading.remaining, reading.quota);
    }
    text
}
