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

/// The options of a filter: any, or one of these, by value and words.
pub fn options(chosen: &str, listed: &[(&'static str, &'static str)]) -> impl IntoView + use<> {
    let chosen = chosen.to_owned();
    let listed = listed.to_vec();
    view! {
        <option value="" selected=chosen.is_empty()>"Any"</option>
        {listed
            .into_iter()
            .map(|(value, label)| view! { <option value=value selected=value == chosen>{label}</option> })
            .collect_view()}
    }
}

/// Why something is done, beside the button that does it.
#[component]
pub fn ReasonInput(
    #[prop(into)] id: String,
    /// For those who hear the page.
    #[prop(into)]
    label: String,
) -> impl IntoView {
    view! {
        <label class="sr-only" for=id.clone()>{label}</label>
        <input id=id name="reason" placeholder="Why" required=true/>
    }
}

/// Several lines of text.
#[component]
pub fn TextArea(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    #[prop(optional, into)] value: String,
    /// How many of them are in sight.
    #[prop(default = 3)]
    rows: u8,
    /// Whether it is for programs to read.
    #[prop(optional)]
    code: bool,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some(), error.is_some());
    let invalid = error.is_some().then_some("true");
    let notes = notes(&name, hint, error);
    view! {
        <div class="field">
            <label for=name.clone()>{label}</label>
            <textarea id=name.clone() name=name rows=rows class=code.then_some("code") aria-describedby=described aria-invalid=invalid>{value}</textarea>
            {notes}
        </div>
    }
}

/// One thing that is so or not.
#[component]
pub fn Checkbox(
    #[prop(into)] name: String,
    #[prop(into)] label: String,
    checked: bool,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some(), error.is_some());
    view! {
        <div class="field">
            <div class="choice">
                <input id=name.clone() type="checkbox" name=name.clone() value="yes" checked=checked aria-describedby=described/>
                <label for=name.clone()><span class="choice-label">{label}</span></label>
            </div>
            {notes(&name, hint, error)}
        </div>
    }
}

/// Choices that belong together, under what they are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceGroup {
    /// What they are about.
    pub label: String,
    /// The choices.
    pub choices: Vec<Choice>,
}

/// Any number of several things, in groups, such as what may be done with each kind of thing.
#[component]
pub fn CheckboxGroups(
    #[prop(into)] name: String,
    #[prop(into)] legend: String,
    groups: Vec<ChoiceGroup>,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional_no_strip)] error: Option<String>,
) -> impl IntoView {
    let described = described_by(&name, hint.is_some(), error.is_some());
    let field = format!("{name}[]");
    let rows = groups
        .into_iter()
        .enumerate()
        .map(|(index, group)| {
            let boxes = choices("checkbox", &field, &format!("{name}-{index}"), group.choices);
            let label = group.label.clone();
            view! {
                <div class="choice-group" role="group" aria-label=label>
                    <span class="choice-group-label">{group.label}</span>
                    <div class="choices choices-row">{boxes}</div>
                </div>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{legend}</legend>
            <div class="choices">{rows}</div>
            {notes(&name, hint, error)}
        </fieldset>
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

fn choices(kind: &'static str, name: &str, ids: &str, choices: Vec<Choice>) -> impl IntoView + use<> {
    let (field, ids) = (name.to_owned(), ids.to_owned());
    choices
        .into_iter()
        .enumerate()
        .map(move |(index, choice)| {
            let id = format!("{ids}-{index}");
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
    let boxes = choices("checkbox", &format!("{name}[]"), &name, items);
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
    let radios = choices("radio", &name, &name, items);
    view! {
        <fieldset class="field" aria-describedby=described>
            <legend>{legend}</legend>
            <div class="choices choices-row">{radios}</div>
            {notes(&name, hint, error)}
        </fieldset>
    }
}
