//! The decision trace: the steps that a request passed at the door.

use super::{Icon, IconName};
use latchkey_model::trace::{DecisionTrace, Step, StepOutcome};
use leptos::prelude::*;

/// Every step in order: what passed, what failed and why, what was not reached; and what would help.
#[component]
pub fn Trace(trace: DecisionTrace, #[prop(optional_no_strip)] remedy: Option<String>) -> impl IntoView {
    let steps = trace.steps().iter().cloned().map(|step| view! { <TraceStep step/> }).collect_view();
    view! {
        <ol class="trace">{steps}</ol>
        {remedy.map(|remedy| view! { <p class="trace-remedy"><strong>"To fix it: "</strong>{remedy}</p> })}
    }
}

#[component]
fn TraceStep(step: Step) -> impl IntoView {
    let (class, icon, word) = match step.outcome {
        StepOutcome::Passed => ("trace-passed", Some(IconName::Check), "passed"),
        StepOutcome::Failed => ("trace-failed", Some(IconName::Cross), "failed"),
        StepOutcome::NotReached => ("trace-skipped", None, "not reached"),
    };
    view! {
        <li class=class>
            <span class="trace-mark">
                {icon.map(|name| view! { <Icon name/> })}
                <span class="sr-only">{word}</span>
            </span>
            <span class="trace-name">{step.name.label()}</span>
            <span class="trace-detail">{step.detail}</span>
        </li>
    }
}
