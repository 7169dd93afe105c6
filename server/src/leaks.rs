//! Reports of leaked keys: from anybody, and from GitHub's secret scanning.

mod github_keys;

pub use github_keys::{GithubKeys, GithubKeysError, KnownKeys};

use crate::{connection::Arrival, problem::Problem, routes::BODY_LIMIT, state::AppState};
use axum::{
    Json, Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_core::{
    leak::{
        LeakPlace,
        github::{
            Feedback, FeedbackLabel, GithubReport, IDENTIFIER_HEADER, PublicKeys, SIGNATURE_HEADER, SignatureError,
        },
    },
    port::StoreError,
    problem::ProblemCode,
};
use serde::Deserialize;

/// GitHub sends many reports at once.
const GITHUB_BODY_LIMIT: usize = 1024 * 1024;
/// What everybody is told: that there was such a key, or none, is not for strangers.
const THANKS: &str = "{\"status\":\"received\",\"detail\":\"Thank you. If this is a key of ours, its owner is told.\"}";

/// Both forms of report.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/leaks", post(report).fallback(only_post))
        .route("/leaks/github", post(report_from_github).fallback(only_post))
}

async fn only_post() -> Problem {
    Problem::method_not_allowed("POST".to_owned())
}

/// A report.
#[derive(Deserialize)]
struct Report {
    token: String,
    #[serde(default)]
    url: String,
}

/// `POST /leaks`: anybody may report; the answer is the same whether the key is real or not, and it leaves before anybody has
/// looked.
async fn report(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let admitted = state.services.leaks.admit(Arrival::of(&state.config, &request).address());
    if let Some(retry_after) = admitted.retry_after() {
        return Err(Problem::too_many_reports(retry_after));
    }
    let body = to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| Problem::too_large(BODY_LIMIT))?;
    let report: Report = serde_json::from_slice(&body).map_err(|_| {
        let detail = "A report is an object with token, and, if you know it, the url where you found it.";
        Problem::new(ProblemCode::InvalidReport, detail)
    })?;
    let leaks = state.services.leaks.clone();
    let Some(room) = leaks.room() else { return Err(Problem::unavailable()) };
    tokio::spawn(async move {
        let _room = room;
        leaks.report_patiently(&report.token, &LeakPlace::new(&report.url)).await;
    });
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::ACCEPTED, headers, THANKS).into_response())
}

/// `POST /leaks/github`: GitHub's secret scanning partner program. It is known by its signature, so it is told which were real.
async fn report_from_github(
    State(state): State<AppState>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    if !(headers.contains_key(IDENTIFIER_HEADER) && headers.contains_key(SIGNATURE_HEADER)) {
        return Err(unsigned());
    }
    let leaks = &state.services.leaks;
    let address = Arrival::of(&state.config, &request).address();
    if let Some(retry_after) = leaks.admit_signed(address).retry_after() {
        return Err(Problem::too_many_reports(retry_after));
    }
    let body =
        to_bytes(request.into_body(), GITHUB_BODY_LIMIT).await.map_err(|_| Problem::too_large(GITHUB_BODY_LIMIT))?;
    if !prove(&state, &headers, &body).await? {
        leaks.note_forged(address);
        return Err(unsigned());
    }
    // Taken last: whoever sends slowly, or forges, holds nobody up.
    let Some(_room) = leaks.room() else { return Err(Problem::unavailable()) };
    let reports = GithubReport::parse_all(&body)
        .map_err(|error| Problem::new(ProblemCode::InvalidReport, format!("{error}.")))?;
    let (mut answers, mut failed) = (Vec::with_capacity(reports.len()), false);
    for report in &reports {
        match leaks.report(&report.token, &LeakPlace::new(&report.url)).await {
            Ok(real) => {
                let label = if real { FeedbackLabel::TruePositive } else { FeedbackLabel::FalsePositive };
                answers.push(Feedback::new(report, label));
            }
            Err(error) => {
                let told = &error as &dyn std::error::Error;
                tracing::error!(error = told, "a report from GitHub could not be worked on");
                failed = true;
                // What is wrong with one keeps none of the others from being ended. Where the store is out of reach, they would only wait.
                if !matches!(error, StoreError::Internal(_)) {
                    break;
                }
            }
        }
    }
    // What cannot be looked up is not called false: GitHub sends the whole report again.
    if failed {
        return Err(Problem::unavailable());
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answers)).into_response())
}

fn unsigned() -> Problem {
    let detail = "The body must be signed by a key that GitHub publishes for secret scanning.";
    Problem::new(ProblemCode::InvalidSignature, detail)
}

/// Whether GitHub sent a body, by the keys that it publishes; nobody's word is taken where they cannot be had.
async fn prove(state: &AppState, headers: &HeaderMap, body: &Bytes) -> Result<bool, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let (Some(identifier), Some(signature)) = (text(IDENTIFIER_HEADER), text(SIGNATURE_HEADER)) else {
        return Ok(false);
    };
    let known = state.github.known(state.services.ports.now()).await;
    let mut proven = known.keys.verify(identifier, signature, body);
    // A key that we do not know may be a new one, and one that we have known for long may be withdrawn.
    let ask = match proven {
        Err(SignatureError::UnknownKey) => true,
        Err(SignatureError::Malformed) => false,
        Ok(()) | Err(SignatureError::Mismatch) => known.is_old,
    };
    if ask {
        proven = match fetched(state).await {
            Some(keys) => keys.verify(identifier, signature, body),
            None if proven == Err(SignatureError::UnknownKey) => return Err(Problem::unavailable()),
            // What was known is good for some days more.
            None => proven,
        };
    }
    if let Err(error) = proven {
        tracing::warn!(%error, "a report that says it is GitHub's is not");
    }
    Ok(proven.is_ok())
}

/// The keys that GitHub publishes now; none where they cannot be had.
async fn fetched(state: &AppState) -> Option<PublicKeys> {
    let asking = state.clone();
    // To its end, also where whoever sent the report goes away meanwhile.
    match tokio::spawn(async move { asking.github.fetch(&asking.services.ports).await }).await {
        Ok(Ok(keys)) => return Some(keys),
        Ok(Err(error)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "GitHub's keys could not be fetched");
        }
        Err(error) => tracing::error!(%error, "asking for GitHub's keys ended badly"),
    }
    None
}
