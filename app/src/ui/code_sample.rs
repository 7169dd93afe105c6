//! Code to copy, in the reader's language.

use crate::islands::CopyButton;
use leptos::prelude::*;

/// One language's way to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What the language is called.
    pub language: &'static str,
    /// The code.
    pub code: String,
}

/// Code in one or several languages; which one is shown needs no script.
#[component]
pub fn CodeSample(
    /// Tells this sample from others on the page.
    name: &'static str,
    samples: Vec<Sample>,
) -> impl IntoView {
    let several = samples.len() > 1;
    let parts = samples
        .into_iter()
        .enumerate()
        .map(|(index, sample)| {
            let id = format!("{name}-{index}");
            let language = sample.language;
            view! {
                {several.then(|| view! {
                    <input type="radio" class="sr-only sample-choice" name=name id=id.clone() checked=index == 0/>
                    <label for=id.clone() class="sample-tab">{language}</label>
                })}
                <div class="sample-body">
                    <pre tabindex="0" role="region" aria-label=format!("{language} example")><code>{sample.code.clone()}</code></pre>
                    <CopyButton value=sample.code label=format!("the {language} example")/>
                </div>
            }
        })
        .collect_view();
    let class = if several { "sample sample-several" } else { "sample" };
    view! { <div class=class>{parts}</div> }
}
