//! The fields about a key: the same for a new key, a change, and a personal access token.

use crate::{
    ssr::flash::Flash,
    ui::{Checkbox, CheckboxGroups, Choice, ChoiceGroup, Field, RadioList, TextArea},
};
use latchkey_core::{
    api_key::Expiry,
    port::{
        api::ApiScope,
        api_key::{AddressMode, ApiKey, KeySettings},
    },
};
use latchkey_model::FieldErrors;
use leptos::prelude::*;
use std::collections::BTreeMap;

/// What the fields hold when the page is drawn.
#[derive(Debug, Clone, Default)]
pub struct KeyFormValues {
    name: String,
    /// None for a new key: then every scope is ticked.
    scopes: Option<Vec<String>>,
    expiry: String,
    allowed_from: String,
    report_only: bool,
    limits: String,
    notes: String,
    errors: FieldErrors,
}

impl KeyFormValues {
    /// The values of a new key's form.
    pub fn new(expiry: &str) -> Self {
        Self { expiry: expiry.to_owned(), ..Self::default() }
    }

    /// The values that a key has.
    pub fn of(settings: &KeySettings, expiry: &str) -> Self {
        Self {
            name: settings.name.as_str().to_owned(),
            scopes: Some(settings.scopes.iter().map(ToString::to_string).collect()),
            expiry: expiry.to_owned(),
            allowed_from: settings.allowed_from.to_string(),
            report_only: settings.address_mode == AddressMode::ReportOnly,
            limits: settings.limits.to_string(),
            notes: settings.notes.as_str().to_owned(),
            errors: FieldErrors::default(),
        }
    }

    /// What was typed, where the message on this page comes from this very form.
    #[must_use]
    pub fn or_typed(self, flash: Option<&Flash>) -> Self {
        let Some(flash) = flash.filter(|flash| flash.value("name").is_some()) else { return self };
        let typed = |field: &str| flash.value(field).unwrap_or_default().to_owned();
        Self {
            name: typed("name"),
            scopes: Some(flash.values("scopes[]").to_vec()),
            expiry: typed("expiry"),
            allowed_from: typed("allowed_from"),
            report_only: flash.value("report_only").is_some_and(|value| !value.is_empty()),
            limits: typed("limits"),
            notes: typed("notes"),
            errors: flash.errors.clone(),
        }
    }

    /// The scopes that are ticked.
    pub fn scopes(&self) -> &[String] {
        self.scopes.as_deref().unwrap_or_default()
    }

    /// The same values, as the rules read them.
    pub fn as_form(&self) -> latchkey_core::api_key::KeyForm<'_> {
        latchkey_core::api_key::KeyForm {
            name: &self.name,
            scopes: self.scopes(),
            expiry: &self.expiry,
            allowed_from: &self.allowed_from,
            report_only: self.report_only,
            limits: &self.limits,
            notes: &self.notes,
        }
    }
}

/// As many days as a key lives, for the form of one that is to live as long; at most so many.
pub fn days_of(key: &ApiKey, at_most: i64) -> Option<String> {
    let life = key.settings.expires_at? - key.created_at;
    Some(life.whole_days().clamp(1, at_most).to_string())
}

/// The ends to choose from: those that are listed and, after them, the one that the form has, if it is another number of days.
pub fn expiries(listed: &[(&str, &str)], values: &KeyFormValues) -> Vec<(String, String)> {
    let mut all: Vec<_> = listed.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect();
    let is_listed = listed.iter().any(|(value, _)| *value == values.expiry);
    if let (false, Ok(Expiry::Days(days))) = (is_listed, values.expiry.parse::<Expiry>()) {
        let label = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        all.push((values.expiry.clone(), label));
    }
    all
}

/// Every field about a key.
#[component]
pub fn KeyFields(
    values: KeyFormValues,
    known: Vec<ApiScope>,
    /// What is sent and what is read.
    expiries: Vec<(String, String)>,
) -> impl IntoView {
    let error = |field: &str| values.errors.get(field).map(str::to_owned);
    let groups = scope_groups(known, values.scopes.as_deref());
    let expiries = expiries
        .into_iter()
        .map(|(value, label)| Choice { chosen: value == values.expiry, value, label, description: String::new() })
        .collect();
    view! {
        <Field
            name="name"
            label="Name"
            value=values.name.clone()
            autocomplete="off"
            hint="Where it will be used, for example Web backend.".to_owned()
            error=error("name")
            required=true
        />
        <CheckboxGroups name="scopes" legend="What it may do" groups error=error("scopes")/>
        <RadioList name="expiry" legend="When it ends" items=expiries error=error("expiry")/>
        <Field
            name="allowed_from"
            label="Allowed addresses (optional)"
            value=values.allowed_from.clone()
            autocomplete="off"
            hint="Addresses and networks such as 203.0.113.0/24 2001:db8::/32, with spaces between. Empty: any address.".to_owned()
            error=error("allowed_from")
        />
        <Checkbox
            name="report_only"
            label="Only report other addresses"
            checked=values.report_only
            hint="Requests from elsewhere are let in, and the log says that they would be refused. Try a list this way first.".to_owned()
        />
        <Field
            name="limits"
            label="Limits of its own (optional)"
            value=values.limits.clone()
            autocomplete="off"
            hint="Requests in a window, such as 20/1s 600/1m 10000/1d. Empty: the limit of every key.".to_owned()
            error=error("limits")
        />
        <TextArea
            name="notes"
            label="Notes (optional)"
            value=values.notes.clone()
            hint="For your team: who uses it, where it is stored. Never the key itself.".to_owned()
            error=error("notes")
        />
    }
}

/// Scopes by what they are about: `read:posts` and `write:posts` are reading and writing of posts; those of a guarded API stand under its
/// name, as they are written. Until somebody has chosen, all are proposed but those that delete everything at once, and those of APIs that
/// the credential may not be for.
pub(in crate::feature) fn scope_groups(known: Vec<ApiScope>, ticked: Option<&[String]>) -> Vec<ChoiceGroup> {
    let mut order = Vec::new();
    let mut groups: BTreeMap<String, Vec<Choice>> = BTreeMap::new();
    for scope in known {
        let text = scope.scope.to_string();
        let (action, about) = match &scope.api {
            Some(api) => (text.as_str(), api.as_str()),
            None => text.split_once(':').unwrap_or((&text, "sign-in")),
        };
        let proposed = scope.api.is_none() && action != "delete";
        if !order.iter().any(|known| known == about) {
            order.push(about.to_owned());
        }
        groups.entry(about.to_owned()).or_default().push(Choice {
            chosen: ticked.map_or(proposed, |ticked| ticked.contains(&text)),
            label: if scope.api.is_some() { text.clone() } else { capitalised(&action.replace('_', " ")) },
            description: scope.description,
            value: text.clone(),
        });
    }
    order
        .into_iter()
        .filter_map(|about| groups.remove(&about).map(|choices| ChoiceGroup { label: capitalised(&about), choices }))
        .collect()
}

pub(in crate::feature) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_life_than_those_that_are_listed_can_be_chosen_too() {
        let listed = [("never", "Never"), ("30", "30 days")];
        let ends = |expiry: &str| expiries(&listed, &KeyFormValues::new(expiry));
        assert_eq!(ends("45").last(), Some(&("45".to_owned(), "45 days".to_owned())));
        for known in ["never", "30", "keep", "soon", "0"] {
            assert_eq!(ends(known).len(), 2, "{known}");
        }
    }

    #[test]
    fn scopes_stand_under_what_they_are_about() {
        let scope = |text: &str| ApiScope { scope: text.parse().unwrap(), description: String::new(), api: None };
        let known = vec![scope("read:posts"), scope("delete:account"), scope("write:posts"), scope("openid")];
        let proposed = scope_groups(known.clone(), None);
        let chosen: Vec<_> = proposed.iter().flat_map(|group| &group.choices).map(|one| one.chosen).collect();
        assert_eq!(chosen, [true, true, false, true], "nobody is proposed to delete everything");
        let groups = scope_groups(known, Some(&["write:posts".to_owned()]));
        let shape: Vec<_> = groups
            .iter()
            .map(|group| {
                let choices: Vec<_> = group.choices.iter().map(|one| (one.label.as_str(), one.chosen)).collect();
                (group.label.as_str(), choices)
            })
            .collect();
        assert_eq!(
            shape,
            [
                ("Posts", vec![("Read", false), ("Write", true)]),
                ("Account", vec![("Delete", false)]),
                ("Sign-in", vec![("Openid", false)]),
            ]
        );
        let guarded = ApiScope { api: Some("Orders desk".parse().unwrap()), ..scope("orders:read") };
        let groups = scope_groups(vec![scope("read:posts"), guarded], None);
        assert_eq!((groups[1].label.as_str(), groups[1].choices[0].label.as_str()), ("Orders desk", "orders:read"));
        assert!(!groups[1].choices[0].chosen, "a key is for an API only if somebody says so");
    }
}
