//! Views of a log that somebody keeps under a name.

use super::filter::LogFilter;
use crate::{
    page::{PageError, here},
    route,
    ssr::{
        actor,
        again::form_page,
        flash::Flash,
        respond::{Refused, see_other, see_other_with},
        services,
    },
    ui::{Field, Form, SubmitButton},
};
use latchkey_core::usage::views::SavedViewError;
use leptos::{prelude::*, server, server_fn::ServerFn};

impl From<SavedViewError> for Refused {
    fn from(error: SavedViewError) -> Self {
        match error {
            SavedViewError::NotSignedIn(_) => Self::new("Sign in first."),
            SavedViewError::Invalid(errors) => Self::invalid(errors),
            SavedViewError::NotFound => Self::new("There is no such view any more."),
            SavedViewError::TooMany => Self::new("You keep twenty views of this log. Remove one first."),
            SavedViewError::Store(_) => Self::fault(&error),
        }
    }
}

impl From<SavedViewError> for PageError {
    fn from(error: SavedViewError) -> Self {
        match error {
            SavedViewError::NotSignedIn(_) => Self::NotSignedIn,
            SavedViewError::Store(error) => Self::Store(error),
            SavedViewError::Invalid(_) | SavedViewError::NotFound | SavedViewError::TooMany => Self::NotFound,
        }
    }
}

/// The views of a page, and the form that keeps the one in sight.
pub(super) async fn chips(path: &str) -> Result<AnyView, PageError> {
    let views = services().saved_views.list(&actor(), path).await?;
    // Where somebody was in it is no part of a view.
    let query = LogFilter::read().with(&[]).trim_start_matches('?').to_owned();
    let back = here();
    let links = views
        .into_iter()
        .map(|saved| {
            let href = format!("{}?{}", saved.page, saved.query);
            let current = saved.query == query;
            let label = format!("Remove the view {}", saved.name);
            view! {
                <li class="chip">
                    <a href=href aria-current=current.then_some("page")>{saved.name.to_string()}</a>
                    <Form action=RemoveView::PATH back=back.clone()>
                        <input type="hidden" name="id" value=saved.id.to_string()/>
                        <button type="submit" aria-label=label>"×"</button>
                    </Form>
                </li>
            }
        })
        .collect_view();
    let form = (!query.is_empty()).then(|| {
        let path = path.to_owned();
        view! {
            <details class="save-view">
                <summary>"Keep this view"</summary>
                <Form action=SaveView::PATH back=back.clone() class="save-view-form">
                    <input type="hidden" name="page" value=path/>
                    <input type="hidden" name="query" value=query/>
                    <Field name="name" label="Name of the view" required=true error=None/>
                    <SubmitButton text="Keep"/>
                </Form>
            </details>
        }
    });
    Ok(view! { <div class="saved-views"><ul aria-label="Kept views">{links}</ul>{form}</div> }.into_any())
}

/// Keeps a view.
#[server(prefix = "/form", endpoint = "request-log/save-view")]
pub async fn save_view(
    #[server(default)] name: String,
    #[server(default)] page: String,
    #[server(default)] query: String,
) -> Result<(), ServerFnError> {
    answer(services().saved_views.save(&actor(), &page, &name, &query).await, "Kept.").await;
    Ok(())
}

/// Forgets a view.
#[server(prefix = "/form", endpoint = "request-log/remove-view")]
pub async fn remove_view(#[server(default)] id: String) -> Result<(), ServerFnError> {
    let outcome = match id.parse() {
        Ok(id) => services().saved_views.remove(&actor(), id).await,
        Err(_) => actor().account().map_err(SavedViewError::from).and(Err(SavedViewError::NotFound)),
    };
    answer(outcome, "Removed.").await;
    Ok(())
}

async fn answer(outcome: Result<(), SavedViewError>, said: &str) {
    let page = form_page(route::DASHBOARD);
    match outcome {
        Ok(()) => see_other_with(&page, Flash::good(said)).await,
        Err(SavedViewError::NotSignedIn(_)) => see_other(&route::sign_in_then(&page)),
        Err(error) => see_other_with(&page, Refused::from(error).flash()).await,
    }
}
