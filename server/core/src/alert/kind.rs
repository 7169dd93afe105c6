//! What alerts are about, and whose they are.

use crate::{
    audit::Tenant,
    port::{Store, StoreError, api_key::Holder},
};
use latchkey_model::TeamId;
use std::{fmt, str::FromStr};

/// Whose alerts they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertsOf {
    /// A team's: of what it owns.
    Team(TeamId),
    /// The admins': of the whole portal.
    Portal,
}

/// The text names nobody who has alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody who has alerts")]
pub struct ParseAlertsOfError;

impl AlertsOf {
    /// The addresses of those who are told.
    pub(crate) async fn people(self, store: &dyn Store) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Team(team) => store.people_of(Holder::Team(team)).await,
            Self::Portal => store.admin_emails().await,
        }
    }
}

impl From<AlertsOf> for Tenant {
    fn from(of: AlertsOf) -> Self {
        match of {
            AlertsOf::Team(team) => Self::Team(team),
            AlertsOf::Portal => Self::Portal,
        }
    }
}

impl fmt::Display for AlertsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tenant::from(*self).fmt(f)
    }
}

impl FromStr for AlertsOf {
    type Err = ParseAlertsOfError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(Tenant::Team(team)) => Ok(Self::Team(team)),
            Ok(Tenant::Portal) => Ok(Self::Portal),
            Ok(Tenant::Account(_)) | Err(_) => Err(ParseAlertsOfError),
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// Many of a credential's requests are refused; for the portal, many of everybody's.
    FailureRate,
    /// A credential is used from a network that it was not used from before.
    NewNetwork,
    /// A key was found, or sent, where others can read it.
    Leak,
    /// Requests are answered with a status of 500 or above.
    ServerErrors,
    /// A key is about to reach one of its limits.
    LimitNear,
    /// A key ends soon.
    KeyEnds,
    /// Many must wait after too many tries, or one network tries the passwords of many.
    Lockouts,
}

/// The text names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of alert")]
pub struct ParseAlertKindError;

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::FailureRate,
        Self::NewNetwork,
        Self::Leak,
        Self::ServerErrors,
        Self::LimitNear,
        Self::KeyEnds,
        Self::Lockouts,
    ];

    /// The kinds that somebody has rules for.
    pub fn of(of: AlertsOf) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |kind| match of {
            AlertsOf::Team(_) => *kind != Self::Lockouts,
            AlertsOf::Portal => matches!(kind, Self::FailureRate | Self::ServerErrors | Self::Lockouts),
        })
    }

    /// The stored word, which webhooks say, too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FailureRate => "failure_rate",
            Self::NewNetwork => "new_network",
            Self::Leak => "leak",
            Self::ServerErrors => "server_errors",
            Self::LimitNear => "limit_near",
            Self::KeyEnds => "key_ends",
            Self::Lockouts => "lockouts",
        }
    }

    /// What people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::FailureRate => "Many refusals",
            Self::NewNetwork => "New network",
            Self::Leak => "Leaked key",
            Self::ServerErrors => "Server errors",
            Self::LimitNear => "Limit near",
            Self::KeyEnds => "Key ends soon",
            Self::Lockouts => "Lockouts",
        }
    }

    /// Whether its people are told whatever its rule says: whoever took a key could also switch that off.
    pub const fn always_told(self) -> bool {
        matches!(self, Self::Leak)
    }
}

impl FromStr for AlertKind {
    type Err = ParseAlertKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ParseAlertKindError)
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn words_are_read_back() {
        for kind in AlertKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        for of in [AlertsOf::Portal, AlertsOf::Team(TeamId::from_uuid(Uuid::from_u128(7)))] {
            assert_eq!(of.to_string().parse(), Ok(of));
        }
        assert_eq!(format!("account:{}", Uuid::nil()).parse::<AlertsOf>(), Err(ParseAlertsOfError));
    }

    #[test]
    fn every_kind_is_somebodys() {
        let team = AlertsOf::Team(TeamId::from_uuid(Uuid::nil()));
        for kind in AlertKind::ALL {
            assert!(AlertKind::of(team).chain(AlertKind::of(AlertsOf::Portal)).any(|one| one == kind), "{kind}");
        }
    }
}
