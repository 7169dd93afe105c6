//! A form that posts to a server function, with the fields that every form carries.

use crate::ssr::{
    extension,
    form::{FormToken, field},
};
use leptos::prelude::*;

/// A real form: it works before any script arrives.
#[component]
pub fn Form(
    /// Where it posts to.
    action: &'static str,
    /// The page that it is on: where its person is led back to when it cannot be taken.
    #[prop(into)]
    back: String,
    #[prop(optional, into)] class: String,
    /// Whether there is a file in it.
    #[prop(optional)]
    with_file: bool,
    children: Children,
) -> impl IntoView {
    let token = extension::<FormToken>().map(|token| token.0).unwrap_or_default();
    view! {
        <form method="post" action=action class=class enctype=with_file.then_some("multipart/form-data")>
            <input type="hidden" name=field::TOKEN value=token/>
            <input type="hidden" name=field::BACK value=back/>
            {children()}
        </form>
    }
}

/// The button that sends a form.
#[component]
pub fn SubmitButton(
    #[prop(into)] text: String,
    /// `btn-primary`, `btn-danger`, or nothing for a plain one.
    #[prop(default = "btn-primary")]
    kind: &'static str,
) -> impl IntoView {
    view! { <button type="submit" class=format!("btn {kind}")>{text}</button> }
}
