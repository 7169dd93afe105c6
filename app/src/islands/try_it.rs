//! Calls an address of this very server and shows what it answers.

use leptos::prelude::*;

/// Runs a GET against this server. Without scripts it is a link to the same address.
#[island]
pub fn TryIt(
    /// The path, on this server.
    path: String,
) -> impl IntoView {
    let answer = RwSignal::new(None::<String>);
    let href = path.clone();
    let run = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        #[cfg(feature = "hydrate")]
        {
            let path = path.clone();
            leptos::task::spawn_local(async move {
                answer.set(Some(fetch(&path).await.unwrap_or_else(|_| "The server cannot be reached.".to_owned())));
            });
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = (&path, answer);
    };
    view! {
        <div class="try-it">
            <a class="btn btn-small" href=href on:click=run>"Run it"</a>
            <pre class="try-it-answer" role="status" aria-label="Answer" hidden=move || answer.with(Option::is_none)>{move || answer.get().unwrap_or_default()}</pre>
        </div>
    }
}

#[cfg(feature = "hydrate")]
async fn fetch(path: &str) -> Result<String, wasm_bindgen::JsValue> {
    use wasm_bindgen::JsCast as _;
    use wasm_bindgen_futures::JsFuture;
    let response: web_sys::Response = JsFuture::from(window().fetch_with_str(path)).await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok(format!("HTTP {} {}\n{}", response.status(), response.status_text(), body.as_string().unwrap_or_default()))
}
