//! The forms by which an admin acts: what is acted on, why, and a button for each act.

use super::act_fn::{ActOn, ActOnThing};
use crate::{
    ssr::flash::{Flash, error_at},
    ui::{Badge, Field, Form, RelativeTime, Tone},
};
use latchkey_core::port::suspension::Suspended;
use leptos::{prelude::*, server_fn::ServerFn};
use time::OffsetDateTime;

/// One act, as a button says it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ActButton {
    word: &'static str,
    label: &'static str,
    kind: &'static str,
}

impl ActButton {
    pub(super) const REVOKE: Self = Self { word: "revoke", label: "Revoke", kind: "btn-danger" };

    /// Suspends, or reinstates what is suspended.
    pub(super) const fn suspend_or_reinstate(suspended: bool) -> Self {
        if suspended {
            Self { word: "reinstate", label: "Reinstate", kind: "" }
        } else {
            Self { word: "suspend", label: "Suspend", kind: "btn-danger" }
        }
    }
}

/// What was typed here before, if this is the form that came back.
fn came_back<'a>(flash: Option<&'a Flash>, id: &str) -> Option<&'a Flash> {
    flash.filter(|flash| flash.value("id") == Some(id))
}

/// The form in a row of a table.
#[component]
pub(super) fn RowActs<'a>(
    on: ActOn,
    id: String,
    /// What it is called, for those who hear the page.
    called: String,
    acts: Vec<ActButton>,
    #[prop(into)] back: String,
    flash: Option<&'a Flash>,
) -> impl IntoView + use<> {
    let flash = came_back(flash, &id);
    let (error, typed) = (error_at(flash, "reason"), flash.and_then(|flash| flash.value("reason")).map(str::to_owned));
    let field = format!("reason-{id}");
    let noted = format!("{field}-error");
    let described = error.is_some().then(|| noted.clone());
    let invalid = error.is_some().then_some("true");
    let buttons = acts
        .into_iter()
        .map(|act| {
            let class = format!("btn btn-small {}", act.kind);
            let hidden = format!(" {called}");
            view! { <button type="submit" name="act" value=act.word class=class>{act.label}<span class="sr-only">{hidden}</span></button> }
        })
        .collect_view();
    view! {
        <Form action=ActOnThing::PATH back class="row-form">
            <input type="hidden" name="on" value=on.as_str()/>
            <input type="hidden" name="id" value=id/>
            <label class="sr-only" for=field.clone()>{format!("Why, for {called}")}</label>
            <input id=field name="reason" placeholder="Why" value=typed required=true aria-describedby=described aria-invalid=invalid/>
            {buttons}
        </Form>
        {error.map(|error| view! { <p class="field-error" id=noted>{error}</p> })}
    }
}

/// The form on the page of what it is about.
#[component]
pub(super) fn CardActs<'a>(
    on: ActOn,
    id: String,
    #[prop(into)] title: String,
    #[prop(into)] explanation: String,
    act: ActButton,
    #[prop(into)] back: String,
    flash: Option<&'a Flash>,
) -> impl IntoView + use<> {
    let flash = came_back(flash, &id);
    let (error, typed) = (error_at(flash, "reason"), flash.and_then(|flash| flash.value("reason")).unwrap_or_default());
    let class = format!("btn {}", act.kind);
    let typed = typed.to_owned();
    view! {
        <Form action=ActOnThing::PATH back class="card form">
            <h2>{title}</h2>
            <p>{explanation}</p>
            <input type="hidden" name="on" value=on.as_str()/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="act" value=act.word/>
            <Field name="reason" label="Why" value=typed required=true hint="Kept in the audit log, and told to whom it concerns.".to_owned() error/>
            <div class="form-actions"><button type="submit" class=class>{act.label}</button></div>
        </Form>
    }
}

/// Whether something is suspended, since when and why.
#[component]
pub(super) fn SuspendedBadge(suspended: Option<Suspended>, now: OffsetDateTime) -> impl IntoView {
    match suspended {
        None => view! { <Badge tone=Tone::Good text="Live"/> }.into_any(),
        Some(suspended) => {
            let because = suspended.because.to_string();
            view! {
                <Badge tone=Tone::Bad text="Suspended"/>" "<RelativeTime at=suspended.suspension.at now/>
                <p class="dim">{because}</p>
            }
            .into_any()
        }
    }
}
