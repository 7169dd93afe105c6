//! Copies a text to the clipboard.

use leptos::prelude::*;

/// A button that copies `value` and says so. Without scripts it is not shown: the text beside it can be selected.
#[island]
pub fn CopyButton(
    /// What is copied.
    value: String,
    /// What is copied, in words, for those who hear the button.
    label: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        #[cfg(feature = "hydrate")]
        {
            let clipboard = window().navigator().clipboard();
            let promise = clipboard.write_text(&value);
            leptos::task::spawn_local(async move {
                if wasm_bindgen_futures::JsFuture::from(promise).await.is_ok() {
                    copied.set(true);
                    set_timeout(move || copied.set(false), std::time::Duration::from_secs(2));
                }
            });
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = (&value, copied);
    };
    view! {
        <span class="copy needs-script">
            <button type="button" class="btn btn-small" on:click=copy aria-label=format!("Copy {label}")>
                {move || if copied.get() { "Copied" } else { "Copy" }}
            </button>
            <span class="sr-only" role="status">{move || if copied.get() { "Copied" } else { "" }}</span>
        </span>
    }
}
