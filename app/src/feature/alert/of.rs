//! Whose alerts a page or a form is about.

use crate::{
    page::{PageError, param},
    route,
    ssr::{
        actor,
        respond::{see_other, see_other_with},
        services,
    },
    ui::Crumb,
};
use latchkey_core::alert::{AlertError, AlertsOf};
use latchkey_model::TeamId;

/// The team of the path.
pub(in crate::feature) fn team_of() -> Result<AlertsOf, PageError> {
    param::<TeamId>("team").map(AlertsOf::Team)
}

/// What pages about somebody's alerts share.
pub(in crate::feature) struct OfPage {
    /// What a title ends with.
    pub(in crate::feature) whose: String,
    /// The way to the alerts; the last is the page itself.
    pub(in crate::feature) crumbs: Vec<Crumb>,
}

/// The words of a page below the alerts, or of the alerts themselves.
pub(in crate::feature) async fn page_of(of: AlertsOf, below: Option<&str>) -> Result<OfPage, PageError> {
    let mut crumbs = Vec::new();
    let whose = match of {
        AlertsOf::Team(team) => {
            let name = services().teams.view(&actor(), team).await?.own.team_name.to_string();
            crumbs.push(Crumb { label: "Teams".to_owned(), href: Some(route::TEAMS.to_owned()) });
            crumbs.push(Crumb { label: name.clone(), href: Some(route::team(team)) });
            format!(" of {name}")
        }
        AlertsOf::Portal => String::new(),
    };
    let href = below.map(|_| route::alerts(of));
    crumbs.push(Crumb { label: "Alerts".to_owned(), href });
    if let Some(below) = below {
        crumbs.push(Crumb { label: below.to_owned(), href: None });
    }
    Ok(OfPage { whose, crumbs })
}

/// Whose alerts a form names; without them, its sender is led elsewhere.
pub(in crate::feature) async fn of_form(of: &str) -> Option<AlertsOf> {
    let of = of.parse().ok();
    if of.is_none() {
        match actor().account() {
            Ok(_) => see_other_with(route::TEAMS, super::alert_fn::refused(&AlertError::NotFound).flash()).await,
            Err(_) => see_other(&route::sign_in_then(route::TEAMS)),
        }
    }
    of
}
