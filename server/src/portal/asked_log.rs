//! Which log is asked for, as a file or as it comes: the one whose page the path begins with.

use super::file::{nothing_here, sign_in_first, unavailable};
use crate::state::AppState;
use app::{
    feature::request_log::{Log, LogFilter},
    page::value_in,
    ssr::zone::Zone,
};
use axum::{
    Extension,
    extract::{FromRequestParts, MatchedPath, Path, Query},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, request::Parts};
use latchkey_core::{Actor, usage::log::LogError};
use latchkey_model::{ApplicationId, Environment};

/// Of an environment.
const ENVIRONMENT: &str = "/apps/{app}/{environment}/logs";
/// Of all environments of an application.
const APPLICATION: &str = "/apps/{app}/logs";
/// Of everybody, for admins.
const PORTAL: &str = "/admin/logs";
/// Of what is refused of that.
const FAILURES: &str = "/admin/failures";

/// The pages of logs: what is asked for has its path below one of them.
pub(super) const PAGES: [&str; 4] = [ENVIRONMENT, APPLICATION, PORTAL, FAILURES];

/// A log, who asks for it, and how. A stranger's is not there; who nobody is, whoever answers finds out.
pub struct AskedLog {
    pub(super) log: Log,
    pub(super) actor: Actor,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
}

impl FromRequestParts<AppState> for AskedLog {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Extension(actor) = Extension::<Actor>::from_request_parts(parts, state).await.map_err(into_response)?;
        let route = MatchedPath::from_request_parts(parts, state).await.map_err(into_response)?;
        let log = match route.as_str().rsplit_once('/').map(|(page, _)| page) {
            Some(ENVIRONMENT) => {
                let path = Path::<(ApplicationId, Environment)>::from_request_parts(parts, state).await;
                let Path((application, environment)) = path.map_err(into_response)?;
                is_known(state, &actor, application).await?;
                Log::of_environment(application, environment)
            }
            Some(APPLICATION) => {
                let path = Path::<ApplicationId>::from_request_parts(parts, state).await;
                let Path(application) = path.map_err(into_response)?;
                is_known(state, &actor, application).await?;
                Log::of_application(application)
            }
            Some(PORTAL) => Log::of_portal(),
            Some(FAILURES) => Log::of_failures(),
            _ => return Err(nothing_here()),
        };
        let Query(query) = Query::from_request_parts(parts, state).await.map_err(into_response)?;
        Ok(Self { log, actor, query, headers: parts.headers.clone() })
    }
}

impl AskedLog {
    /// The filter of the log's page, from the query and the cookies.
    pub(super) fn filter(&self) -> LogFilter {
        LogFilter::from_pairs(&self.query, Zone::of_headers(&self.headers))
    }

    /// A value of the query; the first one counts.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        value_in(&self.query, name)
    }

    /// Says why it is not told.
    pub(super) fn refused(&self, error: &LogError) -> Response {
        match error {
            LogError::NotSignedIn(_) => sign_in_first(&self.log.path),
            LogError::Forbidden | LogError::NotFound => nothing_here(),
            LogError::Store(_) => unavailable(error, "a log"),
        }
    }
}

async fn is_known(state: &AppState, actor: &Actor, application: ApplicationId) -> Result<(), Response> {
    if actor.account().is_ok() && state.services.applications.get(actor, application).await.is_err() {
        return Err(nothing_here());
    }
    Ok(())
}

fn into_response(rejection: impl IntoResponse) -> Response {
    rejection.into_response()
}
