//! A table that becomes cards on a phone.

use leptos::prelude::*;

/// Rows under a head; each cell names its column by `data-label`, which a phone shows beside it.
#[component]
pub fn DataTable(
    /// What is listed.
    label: &'static str,
    columns: Vec<&'static str>,
    /// What the last column, which needs no head, lets one do.
    #[prop(optional)]
    action: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let heads = columns.into_iter().map(|column| view! { <th scope="col">{column}</th> }).collect_view();
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=label>
            <table class="cards-on-phone">
                <thead>
                    <tr>
                        {heads}
                        {action.map(|action| view! { <th scope="col"><span class="sr-only">{action}</span></th> })}
                    </tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}
