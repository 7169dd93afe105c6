//! Asks the browser for a passkey, and sends its answer with the form that the button is in.

use leptos::prelude::*;

/// A button that has an authenticator answer a challenge. Without scripts it is not shown: there is no passkey without them.
#[island]
pub fn PasskeyButton(
    /// The challenge, as the server wrote it.
    options: String,
    /// Whether a new passkey is made, or one asked for.
    make: bool,
    /// What the button says.
    text: String,
) -> impl IntoView {
    let problem = RwSignal::new("");
    let ask = move |event: leptos::ev::MouseEvent| {
        #[cfg(feature = "hydrate")]
        {
            let options = options.clone();
            let button = event.current_target();
            leptos::task::spawn_local(async move {
                problem.set("");
                if answer(&options, make, button).await.is_err() {
                    problem.set("That did not work. Try again, or choose another way.");
                }
            });
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = (&options, make, &event, problem);
    };
    view! {
        <span class="needs-script">
            <button type="button" class="btn btn-primary" on:click=ask>{text}</button>
            <p class="field-error" role="status" hidden=move || problem.with(|problem| problem.is_empty())>{move || problem.get()}</p>
        </span>
    }
}

/// Puts the authenticator's answer into the form's field, and sends the form.
#[cfg(feature = "hydrate")]
async fn answer(options: &str, make: bool, button: Option<web_sys::EventTarget>) -> Result<(), wasm_bindgen::JsValue> {
    use wasm_bindgen::{JsCast as _, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_sys::js_sys::{Function, JSON, Object, Promise, Reflect};
    let member = |object: &JsValue, name: &str| Reflect::get(object, &name.into());
    let kinds = member(&window(), "PublicKeyCredential")?;
    let reader = if make { "parseCreationOptionsFromJSON" } else { "parseRequestOptionsFromJSON" };
    let read: Function = member(&kinds, reader)?.dyn_into()?;
    let wanted = Object::new();
    Reflect::set(&wanted, &"publicKey".into(), &read.call1(&kinds, &JSON::parse(options)?)?)?;
    let credentials = member(&window().navigator(), "credentials")?;
    let ask: Function = member(&credentials, if make { "create" } else { "get" })?.dyn_into()?;
    let asked: Promise = ask.call1(&credentials, &wanted)?.dyn_into()?;
    let credential = JsFuture::from(asked).await?;
    let written: Function = member(&credential, "toJSON")?.dyn_into()?;
    let answer = JSON::stringify(&written.call0(&credential)?)?;
    let button: web_sys::Element = button.ok_or(JsValue::NULL)?.dyn_into()?;
    let form: web_sys::HtmlFormElement = button.closest("form")?.ok_or(JsValue::NULL)?.dyn_into()?;
    let field = form.query_selector("input[name=answer]")?.ok_or(JsValue::NULL)?;
    field.set_attribute("value", &String::from(answer))?;
    form.request_submit()
}
