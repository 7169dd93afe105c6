//! The vocabulary that the server and the browser share.
//!
//! Everything here is plain data: no input or output, no clock, no randomness, so that it compiles to wasm.
//!
//! | word | type |
//! | --- | --- |
//! | account, team, API, application, API key … | the ids of [`id`] |
//! | environment | [`Environment`] |
//! | scope | [`Scope`], [`ScopeSet`] |
//! | role | [`AccountRole`], [`TeamRole`] |
//! | what a form gets back | [`FieldErrors`] |
//! | the steps of a decision, as a page shows them | [`trace`] |
//! | a request as it comes, in a log that is watched | [`live`] |
//!
//! To add a word: one file, a private field, a `parse` that names what is wrong, and a line in this table.
#![warn(missing_docs)]

pub mod api_slug;
pub mod email;
pub mod environment;
pub mod error;
pub mod id;
pub mod key_kind;
pub mod live;
pub mod name;
pub mod password;
pub mod role;
pub mod scope;
pub mod trace;

pub use api_slug::ApiSlug;
pub use email::EmailAddress;
pub use environment::Environment;
pub use error::FieldErrors;
pub use id::{
    AccountId, AlertId, ApiId, ApiKeyId, ApplicationId, AuditEventId, BlockId, ClientSecretId, EnvironmentId, GrantId,
    IdentityProviderId, InvitationId, MailId, MailedLinkId, NoticeId, OauthClientId, OwnerId, PasskeyCeremonyId,
    PasskeyId, PostId, RequestId, SavedViewId, SessionId, SigningKeyId, TeamId, WebhookDeliveryId, WebhookId,
};
pub use key_kind::KeyKind;
pub use name::Name;
pub use role::{AccountRole, TeamRole};
pub use scope::{Scope, ScopeSet};
