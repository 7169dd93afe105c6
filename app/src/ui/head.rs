//! The head of a page: where you are, what this is, what you can do.

use super::EnvironmentBadge;
use latchkey_model::Environment;
use leptos::prelude::*;

/// A step of the way to this page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// What it is called.
    pub label: String,
    /// Where it leads; none for what has no page.
    pub href: Option<String>,
}

/// The way here, the heading, the environment, one line of explanation, and the actions.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(into)] explanation: String,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional_no_strip, into)] environment: Option<Environment>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="page-head">
            {(!crumbs.is_empty()).then(|| view! { <Breadcrumbs crumbs/> })}
            <div class="page-head-row">
                <div>
                    <h1>
                        {title}
                        {environment.map(|environment| view! { " " <EnvironmentBadge environment/> })}
                    </h1>
                    <p class="page-head-explanation">{explanation}</p>
                </div>
                {children.map(|children| view! { <div class="page-head-actions">{children()}</div> })}
            </div>
        </header>
    }
}

#[component]
fn Breadcrumbs(crumbs: Vec<Crumb>) -> impl IntoView {
    let steps = crumbs
        .into_iter()
        .map(|crumb| match crumb.href {
            Some(href) => view! { <li><a href=href>{crumb.label}</a></li> }.into_any(),
            None => view! { <li>{crumb.label}</li> }.into_any(),
        })
        .collect_view();
    view! { <nav aria-label="Breadcrumbs" class="breadcrumbs"><ol>{steps}</ol></nav> }
}

/// One of a row of pages about the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    /// What it is called.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// Whether this is the page.
    pub current: bool,
}

/// Links between pages about the same thing.
#[component]
pub fn Tabs(#[prop(into)] label: String, tabs: Vec<Tab>) -> impl IntoView {
    let links = tabs
        .into_iter()
        .map(|tab| view! { <li><a href=tab.href aria-current=tab.current.then_some("page")>{tab.label}</a></li> })
        .collect_view();
    view! { <nav class="tabs" aria-label=label><ul>{links}</ul></nav> }
}
