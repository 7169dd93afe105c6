//! Typed ids: an account's id is never taken for an application's.
//!
//! Ids are UUID version 7, made on the server ([`RequestId`] too, so that ids sort by time).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct ParseIdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that a store or the id port made.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID, for a store.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
            }
        }
    )*};
}

ids! {
    /// A person who signs in.
    AccountId,
    /// A resource server: the demo API, or one that an operator registers.
    ApiId,
    /// The row of an API key. Its public id, a part of the key itself, is another thing.
    ApiKeyId,
    /// What a developer builds; belongs to a team.
    ApplicationId,
    /// One of an application's three environments.
    EnvironmentId,
    /// Another provider that people sign in with.
    IdentityProviderId,
    /// One of an OAuth client's secrets.
    ClientSecretId,
    /// What an account allowed an OAuth client to do.
    GrantId,
    /// Something that somebody is alerted to.
    AlertId,
    /// A change that somebody made, in the audit log.
    AuditEventId,
    /// A network that is kept out.
    BlockId,
    /// An invitation to a team.
    InvitationId,
    /// A mail that was sent, or would be if a server for it were set.
    MailId,
    /// A link that is mailed to somebody who must show that an address is theirs.
    MailedLinkId,
    /// Something that somebody is told in the portal.
    NoticeId,
    /// A view of a log that somebody keeps.
    SavedViewId,
    /// The row of an OAuth client or a service account. Its `client_id` is another thing.
    OauthClientId,
    /// Whose requests are counted and whose demo data it is: an environment, or the account of a personal access token.
    OwnerId,
    /// A passkey of an account.
    PasskeyId,
    /// A challenge that an authenticator is to answer.
    PasskeyCeremonyId,
    /// A post of the demo API.
    PostId,
    /// One request through the door; shown to the caller, opened by the owner.
    RequestId,
    /// A signed-in browser, as the sessions page lists it. Not the cookie's value.
    SessionId,
    /// A key that signs tokens; its text is the `kid`.
    SigningKeyId,
    /// Owns applications and APIs.
    TeamId,
    /// Where a team, or the portal, is told of alerts.
    WebhookId,
    /// A message on its way to a webhook. Tries and replays keep it.
    WebhookDeliveryId,
}

impl From<EnvironmentId> for OwnerId {
    fn from(id: EnvironmentId) -> Self {
        Self(id.0)
    }
}

impl From<AccountId> for OwnerId {
    fn from(id: AccountId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text() {
        let id = AccountId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("seven".parse::<AccountId>(), Err(ParseIdError));
    }
}
