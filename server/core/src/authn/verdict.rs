//! What the door decided, and everything that is drawn from it.

use super::refusal::Refusal;
use crate::{limit::LimitState, port::request_log::Attribution};
use latchkey_model::{
    ApiKeyId, ApplicationId, Environment, EnvironmentId, Name, ScopeSet,
    trace::{DecisionTrace, Step, StepName, StepOutcome},
};
use time::OffsetDateTime;

/// Who the request turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The application that the key identifies.
    pub application_id: ApplicationId,
    /// What it is called.
    pub application_name: Name,
    /// In which environment.
    pub environment_id: EnvironmentId,
    /// Which of the three that is.
    pub environment: Environment,
    /// With which key.
    pub api_key_id: ApiKeyId,
    /// What that is called.
    pub api_key_name: Name,
    /// How its owner recognises it.
    pub api_key_hint: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
}

/// The decision about one request.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The principal, or why there is none. A public route lets everybody in: `Ok(None)`.
    pub outcome: Result<Option<Principal>, Refusal>,
    /// Every check, in order; at most one of them failed.
    pub trace: DecisionTrace,
    /// Whom the request belongs to, as far as the look-up could tell.
    pub attribution: Option<Attribution>,
    /// The public id that a mistyped key names: the writer finds its owner, off the path of the request.
    pub claimed_public_id: Option<String>,
    /// A key of ours was seen where it must not be.
    pub exposed: bool,
    /// The state of the rate limit, for the answer's headers.
    pub limit: Option<LimitState>,
}

/// Collects the steps of a decision in their order.
pub(super) struct Steps(Vec<Step>);

impl Steps {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(StepName::ALL.len()))
    }

    pub(super) fn passed(&mut self, detail: impl Into<String>) {
        self.push(StepOutcome::Passed, detail.into());
    }

    pub(super) fn failed(mut self, refusal: &Refusal) -> DecisionTrace {
        self.push(StepOutcome::Failed, refusal.detail());
        DecisionTrace::complete(self.0)
    }

    pub(super) fn all_passed(self) -> DecisionTrace {
        debug_assert_eq!(self.0.len(), StepName::ALL.len(), "every step says how it went");
        DecisionTrace::complete(self.0)
    }

    /// The next step's name follows from how many were taken: the order cannot be got wrong.
    fn push(&mut self, outcome: StepOutcome, detail: String) {
        if let Some(name) = StepName::ALL.get(self.0.len()) {
            self.0.push(Step { name: *name, outcome, detail });
        }
    }
}
