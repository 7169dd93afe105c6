//! Roles: of an account in the portal, and of an account in a team.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The stored word is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a role")]
pub struct ParseRoleError;

/// What an account may do in the portal as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountRole {
    /// Builds applications.
    Developer,
    /// Reviews authentication failures and everybody's credentials.
    Admin,
}

impl AccountRole {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for AccountRole {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "developer" => Ok(Self::Developer),
            "admin" => Ok(Self::Admin),
            _ => Err(ParseRoleError),
        }
    }
}

/// What an account may do with a team's applications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Everything, members included.
    Owner,
    /// Applications and credentials.
    Developer,
    /// Looks only.
    Viewer,
}

impl TeamRole {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Developer => "developer",
            Self::Viewer => "viewer",
        }
    }

    /// Whether the role may create, change and end applications and credentials.
    pub const fn may_write(self) -> bool {
        match self {
            Self::Owner | Self::Developer => true,
            Self::Viewer => false,
        }
    }
}

impl FromStr for TeamRole {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "owner" => Ok(Self::Owner),
            "developer" => Ok(Self::Developer),
            "viewer" => Ok(Self::Viewer),
            _ => Err(ParseRoleError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_and_viewers_only_look() {
        for role in [AccountRole::Developer, AccountRole::Admin] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for role in [TeamRole::Owner, TeamRole::Developer, TeamRole::Viewer] {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(role.may_write(), role != TeamRole::Viewer);
        }
    }
}
