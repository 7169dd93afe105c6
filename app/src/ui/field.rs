//! Fields of forms: a label, a hint, an error, all tied together for those who hear the page.

use leptos::prelude::*;

/// The attribute that ties a field to its hint and its error.
fn described_by(name: &str, hint: bool, error: bool) -> Option<String> {
    match (hint, error) {
        (true, true) => Some(format!("{name}-hint {name}-error")),
        (true, false) => Some(format!("{name}-hint")),
        (false, true) => Some(format!("{name}-error")),
        (false, false) => None,
    }
}

fn notes(name: &str, hint: Option<String>, error: Option<String>) -> impl IntoView + use<> {
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    view! {
        {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        {error.map(|error| view! { <p class="field-error" id=error_id>{error}</p> })}
    }
}

/// One line of text.
#[component]
pub fn Field(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    /// `text`, `email`, `password`, `search`.
    #[prop(default = "text")]
    kind: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] autocomplete: Option<&'static str>,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
    #[prop(optional)] required: bool,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some(), error.is_some());
    let invalid = error.is_some().then_some("true");
    let notes = notes(&name, hint, error);
    view! {
        <div class="field">
            <label for=name.clone()>{label}</label>
            <input
                id=name.clone()
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                required=required
                autofocus=autofocus
                aria-describedby=described
                aria-invalid=invalid
            />
            {notes}
        </div>
    }
}

/// One of several things to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// What it means, in a line; may be empty.
    pub description: String,
    /// Whether it is chosen already.
    pub chosen: bool,
}

fn choices(kind: &'static str, name: &str, choices: Vec<Choice>) -> impl IntoView + use<> {
    let field = name.to_owned();
    choices
        .into_iter()
        .enumerate()
        .map(move |(index, choice)| {
            let id = format!("{}-{index}", field.trim_end_matches("[]"));
            view! {
                <div class="choice">
                    <input id=id.clone() type=kind name=field.clone() value=choice.value checked=choice.chosen/>
                    <label for=id>
                        <span class="choice-label">{choice.label}</span>
                        {(!choice.description.is_empty())
                            .then(|| view! { <span class="choice-description">{choice.description}</span> })}
                    </label>
                </div>
            }
        })
        .collect_view()
}

/// Any number of several things, such as scopes.
#[component]
pub fn CheckboxList(
    #[prop(into)] name: String,
    #[prop(into)] legend: String,
    items: Vec<Choice>,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some(), error.is_some());
    let boxes = choices("checkbox", &format!("{name}[]"), items);
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{legend}</legend>
            <div class="choices">{boxes}</div>
            {notes(&name, hint, error)}
        </fieldset>
    }
}

/// One of several things, all in sight.
#[component]
pub fn RadioList(
    #[prop(into)] name: String,
    #[prop(into)] legend: String,
    items: Vec<Choice>,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some(), error.is_some());
    let radios = choices("radio", &name, items);
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{legend}</legend>
            <div class="choices choices-row">{radios}</div>
            {notes(&name, hint, error)}
        </fieldset>
    }
}
