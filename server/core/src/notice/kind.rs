//! What a notice is about.

use std::{fmt, str::FromStr};

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// How the account is opened was changed, or somebody tried to.
    Account,
    /// A browser signed in that had not opened the account before.
    NewBrowser,
    /// A key was found or seen where secrets must not be.
    KeyFound,
    /// A key ends soon.
    KeyEnds,
    /// A key was switched off, since nobody used it.
    KeyIdle,
    /// A key is about to reach one of its limits.
    LimitNear,
    /// Many requests with a credential are refused.
    Refusals,
    /// A credential is used from a network that is new to it.
    NewNetwork,
    /// Requests are answered with server errors.
    ServerErrors,
    /// A webhook is switched off, since nobody answers there.
    WebhookOff,
    /// Who is in a team.
    Team,
    /// An admin suspended, reinstated or revoked something.
    Suspension,
    /// What admins must know of the portal.
    Portal,
}

/// The text names no kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of notice")]
pub struct ParseNoticeKindError;

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Account,
        Self::KeyFound,
        Self::Suspension,
        Self::NewBrowser,
        Self::KeyEnds,
        Self::KeyIdle,
        Self::LimitNear,
        Self::Refusals,
        Self::NewNetwork,
        Self::ServerErrors,
        Self::WebhookOff,
        Self::Team,
        Self::Portal,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::NewBrowser => "new_browser",
            Self::KeyFound => "key_found",
            Self::KeyEnds => "key_ends",
            Self::KeyIdle => "key_idle",
            Self::LimitNear => "limit_near",
            Self::Refusals => "refusals",
            Self::NewNetwork => "new_network",
            Self::ServerErrors => "server_errors",
            Self::WebhookOff => "webhook_off",
            Self::Team => "team",
            Self::Suspension => "suspension",
            Self::Portal => "portal",
        }
    }

    /// What it is about, for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Account => "Your password, address, second factor or identities change",
            Self::NewBrowser => "A browser signs in that is new to your account",
            Self::KeyFound => "A key of yours is found where secrets must not be",
            Self::KeyEnds => "A key ends soon",
            Self::KeyIdle => "A key was switched off, since nobody used it",
            Self::LimitNear => "A key is about to reach one of its limits",
            Self::Refusals => "Many requests with a credential of your team are refused",
            Self::NewNetwork => "A credential is used from a network that is new to it",
            Self::ServerErrors => "Requests of your team end in server errors",
            Self::WebhookOff => "A webhook is switched off, since nobody answers there",
            Self::Team => "You are taken out of a team",
            Self::Suspension => "An admin suspends, reinstates or revokes something of yours",
            Self::Portal => "Somebody attacks the portal, or it fails",
        }
    }

    /// Whether a person may do without its mail. Not without that of what takes their account or their keys from them: whoever did it
    /// could also switch the mail off.
    pub const fn may_be_muted(self) -> bool {
        match self {
            Self::Account | Self::KeyFound | Self::Suspension => false,
            Self::NewBrowser
            | Self::KeyEnds
            | Self::KeyIdle
            | Self::LimitNear
            | Self::Refusals
            | Self::NewNetwork
            | Self::ServerErrors
            | Self::WebhookOff
            | Self::Team
            | Self::Portal => true,
        }
    }
}

impl FromStr for NoticeKind {
    type Err = ParseNoticeKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(ParseNoticeKindError)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_its_word() {
        for kind in NoticeKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("".parse::<NoticeKind>(), Err(ParseNoticeKindError));
    }
}
