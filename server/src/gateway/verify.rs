//! `POST /gateway/verify`: a server asks by its own code what a request's credential is worth.

use super::answer::refused;
use crate::{
    answer::answer,
    door::{Caller, Told, Unanswered, came, method_word},
    problem::Problem,
    state::AppState,
    tls::HandedOn,
};
use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use latchkey_core::{
    authn::{
        Basic, Refusal, Transport, Verdict,
        credential::{Carried, Via},
    },
    gateway::{self, GatewayError, GuardedRequest, Judged, Origin, Outcome},
    limit::Reading,
    problem::ProblemCode,
    usage::RouteName,
};
use latchkey_model::RequestId;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::value::RawValue;
use std::{net::IpAddr, sync::Arc, time::Instant};

/// The largest body, in bytes: a hundred requests with a token and a proof each.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;
/// How many requests may be asked about at once.
const MOST: usize = 100;

/// What is asked about: one request, or several of one API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    api: String,
    request: Option<Asked>,
    requests: Option<Vec<Asked>>,
}

/// A request, as the server got it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    method: String,
    /// Path and query, as they were sent.
    target: String,
    /// From where it came.
    address: IpAddr,
    /// Whether it came by TLS.
    #[serde(default = "by_tls")]
    tls: bool,
    authorization: Option<String>,
    #[serde(rename = "x-api-key")]
    api_key: Option<String>,
    dpop: Option<String>,
    /// The certificate that its caller showed, and proved to hold the key of.
    certificate: Option<Shown>,
    #[serde(rename = "user-agent")]
    agent: Option<String>,
}

/// A certificate, as the server that saw it writes it.
struct Shown(Arc<HandedOn>);

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told = HandedOn::told(&String::deserialize(deserializer)?);
        told.map(|told| Self(Arc::new(told))).ok_or_else(|| {
            D::Error::custom("certificate is one certificate, as PEM or as the base64 of its DER encoding")
        })
    }
}

const fn by_tls() -> bool {
    true
}

/// What a request is worth.
#[derive(Serialize)]
struct Worth {
    valid: bool,
    /// `ok`, or the word of the refusal.
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<gateway::Caller>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<Limit>,
    /// What the server may answer its caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Suggested>,
}

/// How a limit stands.
#[derive(Serialize)]
struct Limit {
    of: &'static str,
    requests: u32,
    window_seconds: u32,
    remaining: u32,
}

/// An answer for a caller who is refused.
#[derive(Serialize)]
struct Suggested {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    www_authenticate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<String>,
    /// The methods that the path answers to, where the request's is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<String>,
    /// What the next proof must carry, where the token needs one (RFC 9449 section 9).
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_nonce: Option<String>,
    /// The body, `application/problem+json`.
    problem: Option<Box<RawValue>>,
}

/// An error before anything was asked about.
pub(super) struct Failed(pub(super) Problem, pub(super) RequestId);

impl axum::response::IntoResponse for Failed {
    fn into_response(self) -> Response {
        self.0.response(Some(self.1))
    }
}

/// Says what requests are worth: 200, whatever they are.
pub(super) async fn verify(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    request: Request,
) -> Result<Response, Failed> {
    let failed = |problem| Failed(problem, id);
    // Whoever is named nowhere is not listened to.
    let is_named =
        state.services.guarded_apis.is_verifier(&principal).await.map_err(|error| failed(problem(&error, id)))?;
    if !is_named {
        return Err(failed(Problem::not_found()));
    }
    let body = axum::body::to_bytes(request.into_body(), BODY_LIMIT).await;
    let body = body.map_err(|_| failed(Problem::too_large(BODY_LIMIT)))?;
    let question: Question = serde_json::from_slice(&body).map_err(|error| failed(unreadable(&error.to_string())))?;
    state
        .services
        .guarded_apis
        .for_verifier(&principal, &question.api)
        .await
        .map_err(|error| failed(problem(&error, id)))?;
    let api = question.api.as_str();
    let text = match (question.request, question.requests) {
        (Some(one), None) => serde_json::to_vec(&worth(&state, api, &one).await),
        (None, Some(several)) if several.len() <= MOST => {
            let mut verdicts = Vec::with_capacity(several.len());
            for one in &several {
                verdicts.push(worth(&state, api, one).await);
            }
            serde_json::to_vec(&serde_json::json!({ "verdicts": verdicts }))
        }
        (None, Some(_)) => return Err(failed(unreadable(&format!("requests may have {MOST} members")))),
        _ => return Err(failed(unreadable("either request or requests is needed"))),
    };
    let text = text.map_err(|_| failed(Problem::internal()))?;
    Ok(answer(StatusCode::OK, "application/json", text))
}

async fn worth(state: &AppState, api: &str, asked: &Asked) -> Worth {
    let started = Instant::now();
    let (at, id) = came(state);
    // Whoever asks has seen that the caller holds its key, as it has seen the address; whose it is, is judged here. In the clear, nobody
    // can show one.
    let shown = asked.certificate.as_ref().filter(|_| asked.tls);
    let certificate = shown.and_then(|Shown(told)| state.authorities.judge_handed_on(told, at));
    let certificate = certificate.filter(|certificate| certificate.is_valid_at(at));
    let authorization = [asked.authorization.as_deref().map(str::as_bytes), None];
    let basic = Basic::read(authorization);
    let request = GuardedRequest {
        method: &asked.method,
        target: &asked.target,
        carried: Carried {
            authorization,
            api_key: [asked.api_key.as_deref().map(str::as_bytes), None],
            basic: basic.as_ref(),
            // A cookie is the portal\'s own.
            session: None,
            certificate: certificate.as_deref(),
            query: None,
        },
        proofs: [asked.dpop.as_deref().map(str::as_bytes), None],
        ..GuardedRequest::default()
    };
    let transport = if asked.tls { Transport::Private } else { Transport::InTheClear };
    let certificate = certificate.as_ref().map(|certificate| certificate.thumbprint);
    let origin = Origin { id, at, address: asked.address.to_canonical(), transport, certificate };
    match state.services.gateway.judge(api, origin, &request).await {
        Ok(Some(judged)) => recorded(state, judged, asked, id, started),
        // It was removed a moment ago.
        Ok(None) => worthless(&Problem::not_found(), None),
        Err(error) => {
            tracing::error!(request.id = %id, error = &error as &dyn std::error::Error, "the store cannot be asked about a request");
            worthless(&Problem::from(Refusal::StoreUnavailable.answer()), Some(id))
        }
    }
}

fn recorded(state: &AppState, judged: Judged, asked: &Asked, id: RequestId, started: Instant) -> Worth {
    let guard = judged.guard;
    let verdict = match judged.outcome {
        Outcome::Public(Ok(())) => {
            let none = Vec::new();
            return Worth { valid: true, code: "ok", request_id: None, principal: None, limits: none, answer: None };
        }
        Outcome::Public(Err(refusal)) => return worthless(&refused(state, &guard.api, &refusal), None),
        Outcome::Judged(verdict) => verdict,
    };
    let limits = limits(&verdict);
    let (worth, status) = match &verdict.outcome {
        Ok(principal) => {
            let principal = Some(gateway::Caller::new(principal, &guard.api));
            let worth = Worth { valid: true, code: "ok", request_id: Some(id), principal, limits, answer: None };
            (worth, StatusCode::OK)
        }
        Err(refusal) => {
            let problem = refused(state, &guard.api, refusal);
            let status = problem.status();
            let mut worth = Worth { limits, ..worthless(&problem, Some(id)) };
            if let Some(answer) = &mut worth.answer
                && verdict.via == Some(Via::Dpop)
            {
                answer.dpop_nonce = Some(state.services.proofs.nonce(verdict.facts.at));
            }
            (worth, status)
        }
    };
    let (route, method) = (RouteName::Guarded(Arc::clone(&guard.route)), method_word(&asked.method));
    let owed = state.recorder.owes_row(&verdict, id, method, &route);
    let told = owed.map(|owed| {
        let agent = asked.agent.as_deref().and_then(|agent| HeaderValue::from_str(agent).ok());
        let headers: HeaderMap = agent.map(|agent| (header::USER_AGENT, agent)).into_iter().collect();
        Told::new(owed, asked.target.split('?').next().unwrap_or_default(), &headers)
    });
    let mut unanswered = Unanswered { state, route, id, method, told, received: 0, started, verdict: Some(verdict) };
    unanswered.answered(status, 0);
    worth
}

fn worthless(problem: &Problem, id: Option<RequestId>) -> Worth {
    let response = problem.response(id);
    let field = |name: header::HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let answer = Suggested {
        status: problem.status().as_u16(),
        www_authenticate: field(header::WWW_AUTHENTICATE),
        retry_after: field(header::RETRY_AFTER),
        allow: field(header::ALLOW),
        dpop_nonce: None,
        problem: String::from_utf8(problem.body(id)).ok().and_then(|body| RawValue::from_string(body).ok()),
    };
    let code = problem.code();
    Worth { valid: false, code, request_id: id, principal: None, limits: Vec::new(), answer: Some(answer) }
}

fn limits(verdict: &Verdict) -> Vec<Limit> {
    let limit = |of, reading: &Reading| Limit {
        of,
        requests: reading.quota.requests.get(),
        window_seconds: reading.quota.window_seconds.get(),
        remaining: reading.remaining,
    };
    let credential = verdict.readings.iter().flat_map(|readings| {
        let own = readings.windows().iter().map(move |reading| limit("credential", reading));
        own.chain([limit("owner", readings.owner())])
    });
    credential.chain(verdict.route.iter().map(|reading| limit("route", reading))).collect()
}

fn unreadable(detail: &str) -> Problem {
    let detail = format!("The body is an object with api and request, or requests: {detail}.");
    Problem::new(ProblemCode::InvalidJson, detail)
}

pub(super) fn problem(error: &GatewayError, id: RequestId) -> Problem {
    match error {
        GatewayError::Invalid(errors) => Problem::invalid(errors.clone()),
        GatewayError::Changed => Problem::new(
            ProblemCode::Changed,
            "The API has been changed since you read it. Read it again, then repeat the change with its new ETag.",
        ),
        GatewayError::NotSignedIn(_) | GatewayError::Forbidden | GatewayError::NotFound => Problem::not_found(),
        GatewayError::Store(error) => {
            tracing::error!(request.id = %id, error = error as &dyn std::error::Error, "guarded APIs: the store failed");
            Problem::unavailable()
        }
    }
}
