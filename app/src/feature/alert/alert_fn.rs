//! The form of a rule.
#![expect(clippy::too_many_arguments, reason = "a form has one for each field")]

use super::of_form;
use crate::{
    route,
    ssr::{
        actor,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
};
use latchkey_core::{
    alert::{AlertError, AlertKind, RuleForm},
    port::Consumed,
};
use leptos::{prelude::*, server};

/// What its sender reads.
pub(super) fn refused(error: &AlertError) -> Refused {
    match error {
        AlertError::NotSignedIn(_) => Refused::new("Sign in first."),
        AlertError::NotFound => Refused::new("There are no such alerts."),
        AlertError::Forbidden => Refused::new("Your role in the team lets you look only. Ask one of its owners."),
        AlertError::Invalid(errors) => Refused::invalid(errors.clone()),
        AlertError::Store(_) => Refused::fault(error),
    }
}

/// Changes a rule.
#[server(prefix = "/form", endpoint = "alert/rule")]
pub async fn set_alert_rule(
    #[server(default)] of: String,
    #[server(default)] kind: String,
    #[server(default)] shown: String,
    #[server(default)] on: String,
    #[server(default)] people: String,
    #[server(default)] webhooks: String,
    #[server(default)] percent: String,
    #[server(default)] at_least: String,
    #[server(default)] minutes: String,
    #[server(default)] hours: String,
) -> Result<(), ServerFnError> {
    let Some(of) = of_form(&of).await else { return Ok(()) };
    let list = route::alerts(of);
    let Ok(kind) = kind.parse::<AlertKind>() else {
        match actor().account() {
            Ok(_) => see_other_with(&list, refused(&AlertError::NotFound).flash()).await,
            Err(_) => see_other(&route::sign_in_then(&list)),
        }
        return Ok(());
    };
    let form = RuleForm {
        on: !on.is_empty(),
        people: !people.is_empty(),
        webhooks: !webhooks.is_empty(),
        percent,
        at_least,
        minutes,
        hours,
    };
    let flash = match services().alerts.set_rule(&actor(), of, kind, &form, &shown).await {
        Ok(Consumed::Won) => {
            see_other_with(&list, Flash::good(format!("The rule {} is saved.", kind.label()))).await;
            return Ok(());
        }
        Ok(Consumed::Lost) => Refused::changed_meanwhile("this rule").flash(),
        // What it showed at first stays with it: whoever typed has not seen a change since then.
        Err(error @ AlertError::Invalid(_)) => refused(&error).flash().keep("shown", &shown),
        Err(AlertError::NotSignedIn(_)) => {
            see_other(&route::sign_in_then(&list));
            return Ok(());
        }
        Err(error) => {
            see_other_with(&list, refused(&error).flash()).await;
            return Ok(());
        }
    };
    let typed = [
        ("on", on.as_str()),
        ("people", &people),
        ("webhooks", &webhooks),
        ("percent", &form.percent),
        ("at_least", &form.at_least),
        ("minutes", &form.minutes),
        ("hours", &form.hours),
    ];
    let flash = typed.into_iter().fold(flash.keep("typed", "yes"), |flash, (field, value)| flash.keep(field, value));
    see_other_with(&route::alert_rule(of, kind), flash).await;
    Ok(())
}
