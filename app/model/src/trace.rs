//! The decision trace: the steps that a request passed at the door, in their order.

use serde::{Deserialize, Serialize};

/// A step of the door. The order of the variants is the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// Is there exactly one credential, where a credential may be, over a safe channel?
    Credential,
    /// Is it written as a credential of its kind is, with a right checksum?
    Format,
    /// Do we know it?
    Lookup,
    /// Is it neither revoked nor expired?
    Lifetime,
    /// Does it belong to the environment that it names?
    Environment,
    /// May it be used from this address?
    Address,
    /// Does it hold the scope that the route needs?
    Scope,
    /// Is it within its rate limit?
    Limit,
}

impl StepName {
    /// All steps, in their order.
    pub const ALL: [Self; 8] = [
        Self::Credential,
        Self::Format,
        Self::Lookup,
        Self::Lifetime,
        Self::Environment,
        Self::Address,
        Self::Scope,
        Self::Limit,
    ];

    /// The word that a page shows.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Credential => "Credential",
            Self::Format => "Format",
            Self::Lookup => "Look-up",
            Self::Lifetime => "Lifetime",
            Self::Environment => "Environment",
            Self::Address => "Address",
            Self::Scope => "Scope",
            Self::Limit => "Limit",
        }
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// The check held.
    Passed,
    /// The check that refused the request; at most one step of a trace has it.
    Failed,
    /// An earlier step failed.
    NotReached,
}

/// One line of a decision trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which check.
    pub name: StepName,
    /// How it went.
    pub outcome: StepOutcome,
    /// What was seen, and where it failed, what was needed; never a secret.
    pub detail: String,
}

/// Every step of one decision, in the order of [`StepName::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DecisionTrace(Vec<Step>);

impl DecisionTrace {
    /// Completes the steps that were taken with those that were not reached.
    pub fn complete(mut taken: Vec<Step>) -> Self {
        for name in StepName::ALL.into_iter().skip(taken.len()) {
            taken.push(Step { name, outcome: StepOutcome::NotReached, detail: "not reached".to_owned() });
        }
        Self(taken)
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The step that refused the request, if one did.
    pub fn failed(&self) -> Option<&Step> {
        self.0.iter().find(|step| step.outcome == StepOutcome::Failed)
    }
}
