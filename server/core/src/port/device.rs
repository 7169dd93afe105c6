//! Codes of devices on which nobody can sign in (RFC 8628).

use super::{Consumed, Inserted, StoreError, grant::SignIn, oauth_client::OauthClient};
use async_trait::async_trait;
use latchkey_model::{GrantId, OauthClientId, ScopeSet};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A device that waits, or waited, for its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// Its id, and that of the family of tokens that it gives.
    pub id: Uuid,
    /// HMAC-SHA256 under the pepper of the code that the device polls with.
    pub digest: [u8; 32],
    /// The same of the code that the person types in.
    pub user_code: [u8; 32],
    /// Which app runs on it.
    pub client: OauthClientId,
    /// What it asks for.
    pub scopes: ScopeSet,
    /// How long it must wait between two questions.
    pub interval: Duration,
    /// Until when it can be answered and redeemed.
    pub expires_at: OffsetDateTime,
    /// When it last asked.
    pub polled_at: Option<OffsetDateTime>,
    /// What became of it.
    pub state: DeviceState,
}

/// What became of a device's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has answered yet.
    Waiting,
    /// Its person said no.
    Denied,
    /// Its person said yes.
    Allowed {
        /// What was allowed.
        grant: GrantId,
        /// What of it this device gets.
        scopes: ScopeSet,
        /// How the person had signed in.
        sign_in: SignIn,
    },
    /// The device has its tokens.
    Redeemed,
}

impl DeviceState {
    /// The stored word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Denied => "denied",
            Self::Allowed { .. } => "allowed",
            Self::Redeemed => "redeemed",
        }
    }
}

/// Questions about devices.
#[async_trait]
pub trait DeviceReader {
    /// The code that a device polls with.
    async fn device_code(&self, digest: &[u8; 32]) -> Result<Option<DeviceCode>, StoreError>;

    /// The code that a person typed in, with the app that asks.
    async fn device_code_by_user_code(
        &self,
        user_code: &[u8; 32],
    ) -> Result<Option<(DeviceCode, OauthClient)>, StoreError>;
}

/// Changes to devices' codes.
#[async_trait]
pub trait DeviceWriter {
    /// Adds a code.
    async fn device_code_add(&mut self, code: &DeviceCode) -> Result<Inserted, StoreError>;

    /// Notes that a device asked, if it last did so when the caller saw, and how long it must wait from now on.
    async fn device_code_polled(
        &mut self,
        id: Uuid,
        seen: Option<OffsetDateTime>,
        at: OffsetDateTime,
        interval: Duration,
    ) -> Result<Consumed, StoreError>;

    /// Answers a code that waits still: of all who answer, one wins.
    async fn device_code_answer(
        &mut self,
        id: Uuid,
        state: &DeviceState,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Spends a code that was allowed: of all who try, one wins.
    async fn device_code_redeem(&mut self, id: Uuid) -> Result<Consumed, StoreError>;
}
