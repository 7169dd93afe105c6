//! The frames of pages: the public one with a bar at its head, the portal's with navigation at its side.

use super::{Form, Icon, IconName};
use crate::ssr::Theme;
use leptos::prelude::*;

/// A link of the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavItem {
    /// What it is called.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
    /// The picture beside the word.
    pub icon: IconName,
    /// Whether this is the page.
    pub current: bool,
}

/// Links that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavGroup {
    /// What they are about; the first group needs no word.
    pub label: Option<String>,
    /// The links.
    pub items: Vec<NavItem>,
}

/// Who looks at the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
}

#[component]
fn Brand(href: &'static str) -> impl IntoView {
    view! {
        <a class="brand" href=href>
            <svg class="brand-mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
                <path d="M12 12a4.2 4.2 0 1 1-8.4 0 4.2 4.2 0 0 1 8.4 0Z M12 12h9v3.6 M17.2 12v2.6"></path>
            </svg>
            "Latchkey"
        </a>
    }
}

/// The choice of a theme; it is kept in a cookie, so that the first byte of the next page is right.
#[component]
fn ThemeForm(theme: Theme, action: &'static str, back: String) -> impl IntoView {
    let buttons = Theme::ALL
        .map(|one| {
            let label = match one {
                Theme::System => "System",
                Theme::Light => "Light",
                Theme::Dark => "Dark",
            };
            let pressed = if one == theme { "true" } else { "false" };
            view! { <button type="submit" name="theme" value=one.as_str() aria-pressed=pressed>{label}</button> }
        })
        .collect_view();
    view! {
        <Form action back class="theme">
            <div role="group" aria-label="Theme">{buttons}</div>
        </Form>
    }
}

/// The frame of pages that anybody may read.
#[component]
pub fn PublicFrame(
    /// The links at the head.
    links: Vec<(&'static str, &'static str)>,
    home: &'static str,
    theme: Theme,
    theme_action: &'static str,
    #[prop(into)] here: String,
    children: Children,
) -> impl IntoView {
    let links = links.into_iter().map(|(label, href)| view! { <li><a href=href>{label}</a></li> }).collect_view();
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div class="public">
            <header class="public-head">
                <Brand href=home/>
                <nav aria-label="Main"><ul>{links}</ul></nav>
            </header>
            <main id="main">{children()}</main>
            <footer class="public-foot">
                <p>"Latchkey, the front desk of an HTTP API"</p>
                <ThemeForm theme action=theme_action back=here/>
            </footer>
        </div>
    }
}

/// The frame of the portal's own pages.
#[component]
pub fn PortalFrame(
    groups: Vec<NavGroup>,
    viewer: Viewer,
    home: &'static str,
    sign_out_action: &'static str,
    theme: Theme,
    theme_action: &'static str,
    #[prop(into)] here: String,
    children: Children,
) -> impl IntoView {
    let side = navigation(&groups);
    let sheet = navigation(&groups);
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div class="portal">
            <header class="portal-side">
                <div class="portal-top">
                    <Brand href=home/>
                    <details class="sheet">
                        <summary class="btn btn-small"><Icon name=IconName::Menu/>"Menu"</summary>
                        <div class="sheet-body">
                            <nav aria-label="Menu">{sheet}</nav>
                            <ViewerPart viewer=viewer.clone() sign_out_action theme theme_action here=here.clone()/>
                        </div>
                    </details>
                </div>
                <nav class="side-nav" aria-label="Main">{side}</nav>
                <ViewerPart viewer sign_out_action theme theme_action here/>
            </header>
            <main id="main">{children()}</main>
        </div>
    }
}

/// Who is signed in, the way out, and the theme.
#[component]
fn ViewerPart(
    viewer: Viewer,
    sign_out_action: &'static str,
    theme: Theme,
    theme_action: &'static str,
    here: String,
) -> impl IntoView {
    view! {
        <div class="portal-viewer">
            <p class="viewer-name">{viewer.name}</p>
            <p class="viewer-email">{viewer.email}</p>
            <Form action=sign_out_action back=here.clone()>
                <button type="submit" class="btn btn-small"><Icon name=IconName::SignOut/>"Sign out"</button>
            </Form>
            <ThemeForm theme action=theme_action back=here/>
        </div>
    }
}

fn navigation(groups: &[NavGroup]) -> impl IntoView + use<> {
    groups
        .iter()
        .cloned()
        .map(|group| {
            let items = group
                .items
                .into_iter()
                .map(|item| {
                    view! {
                        <li>
                            <a href=item.href aria-current=item.current.then_some("page")>
                                <Icon name=item.icon/>
                                {item.label}
                            </a>
                        </li>
                    }
                })
                .collect_view();
            view! {
                {group.label.map(|label| view! { <p class="nav-label">{label}</p> })}
                <ul>{items}</ul>
            }
        })
        .collect_view()
}
