//! API keys and personal access tokens: rows that outlive the keys they describe, so that a failure can be explained.

use super::{
    Consumed, Inserted, StoreError,
    request_log::{Found, LogScope},
    suspension::Suspension,
};
use crate::{
    api_key::{
        AllowList, Notes,
        format::{PublicId, hint},
    },
    limit::RateLimits,
};
use async_trait::async_trait;
use latchkey_model::{
    AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, KeyKind, Name, OwnerId, ScopeSet, TeamId,
};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// Whom a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOwner {
    /// An application in one environment.
    Environment {
        /// Where the key is good.
        environment_id: EnvironmentId,
        /// Which of the three that is.
        environment: Environment,
        /// The application.
        application_id: ApplicationId,
        /// What it is called.
        application_name: Name,
        /// The team that owns the application.
        team_id: TeamId,
    },
    /// A person.
    Account {
        /// Who.
        account_id: AccountId,
        /// What they are called.
        account_name: Name,
    },
}

impl KeyOwner {
    /// What the key's prefix says.
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Environment { environment, .. } => KeyKind::Api(*environment),
            Self::Account { .. } => KeyKind::Personal,
        }
    }

    /// The environment, where it is one.
    pub const fn environment(&self) -> Option<Environment> {
        match self {
            Self::Environment { environment, .. } => Some(*environment),
            Self::Account { .. } => None,
        }
    }

    /// The application and environment, where it is one.
    pub const fn application(&self) -> Option<(ApplicationId, Environment)> {
        match self {
            Self::Environment { application_id, environment, .. } => Some((*application_id, *environment)),
            Self::Account { .. } => None,
        }
    }

    /// Whose requests are counted and whose demo data it is.
    pub fn id(&self) -> OwnerId {
        match self {
            Self::Environment { environment_id, .. } => (*environment_id).into(),
            Self::Account { account_id, .. } => (*account_id).into(),
        }
    }

    /// Who may change the key.
    pub const fn holder(&self) -> Holder {
        match self {
            Self::Environment { team_id, .. } => Holder::Team(*team_id),
            Self::Account { account_id, .. } => Holder::Account(*account_id),
        }
    }

    /// What the owner is called: the application, or the person.
    pub const fn name(&self) -> &Name {
        match self {
            Self::Environment { application_name, .. } => application_name,
            Self::Account { account_name, .. } => account_name,
        }
    }
}

/// Who may change a key, and who shares one rate limit: a team, or a person for their own tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A team.
    Team(TeamId),
    /// A person.
    Account(AccountId),
}

/// What an address outside the allow list means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressMode {
    /// The request is refused.
    #[default]
    Enforce,
    /// The request is let in, and the log says that it would be refused.
    ReportOnly,
}

/// Why a key was ended by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBecause {
    /// Somebody revoked it.
    Asked,
    /// It was found where secrets must not be, and its owner's policy ends such keys.
    Leaked,
    /// It was to take over from another, and that was called off.
    RotationCancelled,
    /// An admin ended it.
    Admin,
}

impl RevokedBecause {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Leaked => "leaked",
            Self::RotationCancelled => "rotation_cancelled",
            Self::Admin => "admin",
        }
    }
}

impl std::str::FromStr for RevokedBecause {
    type Err = ParseReasonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Asked, Self::Leaked, Self::RotationCancelled, Self::Admin]
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or(ParseReasonError)
    }
}

/// The stored word is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reason")]
pub struct ParseReasonError;

/// That a key was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// When.
    pub at: OffsetDateTime,
    /// Why.
    pub because: RevokedBecause,
}

/// That a key is switched off, and can be switched on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: OffsetDateTime,
    /// Whether the environment's policy for idle keys did it, rather than a person.
    pub by_policy: bool,
}

/// That a key takes over from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takeover {
    /// The key before it.
    pub from: ApiKeyId,
    /// How long both work, from the start of the clock.
    pub overlap: Duration,
    /// When the older key's clock started; none while this key waits for its first use.
    pub started_at: Option<OffsetDateTime>,
}

/// That another key takes over from this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// The key after it.
    pub by: ApiKeyId,
    /// When this key stops working; none while the new one waits for its first use.
    pub retires_at: Option<OffsetDateTime>,
}

/// That a key was found where secrets must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaked {
    /// When somebody said so first.
    pub at: OffsetDateTime,
    /// Where it was, as they said; may be empty.
    pub place: String,
}

/// What a person can set about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// What people call it.
    pub name: Name,
    /// What it may do.
    pub scopes: ScopeSet,
    /// From where it may be used.
    pub allowed_from: AllowList,
    /// What happens to requests from elsewhere.
    pub address_mode: AddressMode,
    /// How often it may be used; empty for the limit of every key.
    pub limits: RateLimits,
    /// What its people want to remember about it.
    pub notes: Notes,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// The 12 characters inside the key that name it.
    pub public_id: PublicId,
    /// The key's last four characters, to tell keys apart by sight.
    pub last_four: String,
    /// Whom it stands for.
    pub owner: KeyOwner,
    /// What can be set about it.
    pub settings: KeySettings,
    /// Who made it.
    pub created_by: AccountId,
    /// What that person is called.
    pub created_by_name: Name,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Since when it may do what it may: since it was made, unless its scopes were changed.
    pub scopes_set_at: OffsetDateTime,
    /// Whether it is switched off.
    pub disabled: Option<Disabled>,
    /// When it was switched on again, or its application was reinstated.
    pub enabled_at: Option<OffsetDateTime>,
    /// Whether what it stands for is suspended: its application, or its person's account.
    pub suspended: Option<Suspension>,
    /// Whether somebody ended it.
    pub revoked: Option<Revoked>,
    /// The first key of the row of keys that took over from one another: they share their limits.
    pub lineage: ApiKeyId,
    /// Whether it takes over from another key.
    pub takeover: Option<Takeover>,
    /// Whether another key takes over from it.
    pub replaced: Option<Replaced>,
    /// When a request last passed with it, to within the writer's pause.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
    /// When it was seen where secrets must not be (a URL, plain HTTP): it should be replaced.
    pub exposed_at: Option<OffsetDateTime>,
    /// Whether somebody found it elsewhere.
    pub leaked: Option<Leaked>,
}

/// What a key is doing, in the order in which the door asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Somebody ended it.
    Revoked(Revoked),
    /// Another key took over from it.
    RotatedOut(OffsetDateTime),
    /// It ended by itself.
    Expired(OffsetDateTime),
    /// What it stands for is suspended.
    Suspended(Suspension),
    /// It is switched off.
    Disabled(Disabled),
    /// It works.
    Live,
}

impl ApiKey {
    /// How a person recognises the key: `lk_dev_7Gq2…x4Tb`.
    pub fn hint(&self) -> String {
        hint(self.owner.kind(), self.public_id, &self.last_four)
    }

    /// What the key is doing.
    pub fn state(&self, now: OffsetDateTime) -> KeyState {
        if let Some(revoked) = self.revoked {
            return KeyState::Revoked(revoked);
        }
        if let Some(at) = self.replaced.and_then(|replaced| replaced.retires_at).filter(|at| *at <= now) {
            return KeyState::RotatedOut(at);
        }
        if let Some(at) = self.settings.expires_at.filter(|at| *at <= now) {
            return KeyState::Expired(at);
        }
        if let Some(suspension) = self.suspended {
            return KeyState::Suspended(suspension);
        }
        self.disabled.map_or(KeyState::Live, KeyState::Disabled)
    }

    /// Whether it can neither be used, nor switched on or reinstated again.
    pub fn is_ended(&self, now: OffsetDateTime) -> bool {
        !matches!(self.state(now), KeyState::Live | KeyState::Disabled(_) | KeyState::Suspended(_))
    }

    /// Whether it waits for its first use to take over from another key.
    pub fn is_pending(&self) -> bool {
        self.revoked.is_none() && self.takeover.is_some_and(|takeover| takeover.started_at.is_none())
    }

    /// Whether it takes over from another key, and has not been used yet.
    pub fn awaits_first_use(&self) -> bool {
        let unused = self.revoked.is_none() && self.takeover.is_some() && self.last_used_at.is_none();
        unused || self.is_pending()
    }

    /// Whether another key can take over from it: it works, and no rotation of it is under way.
    pub fn is_rotatable(&self, now: OffsetDateTime) -> bool {
        self.state(now) == KeyState::Live && self.replaced.is_none() && !self.is_pending()
    }

    /// When it stops working by itself: at its expiry, or at the end of a rotation, whichever comes first.
    pub fn ends_at(&self) -> Option<OffsetDateTime> {
        let retires = self.replaced.and_then(|replaced| replaced.retires_at);
        [self.settings.expires_at, retires].into_iter().flatten().min()
    }
}

/// What the door loads for a key: the row, and the digest to compare with.
#[derive(Clone)]
pub struct StoredApiKey {
    /// The row.
    pub key: ApiKey,
    /// HMAC-SHA256 of the whole key under the pepper.
    pub digest: [u8; 32],
}

/// Whose a new key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewKeyOwner {
    /// An environment; the service has checked that the account may write to its application.
    Environment(EnvironmentId),
    /// A person.
    Account(AccountId),
}

impl From<&KeyOwner> for NewKeyOwner {
    fn from(owner: &KeyOwner) -> Self {
        match owner {
            KeyOwner::Environment { environment_id, .. } => Self::Environment(*environment_id),
            KeyOwner::Account { account_id, .. } => Self::Account(*account_id),
        }
    }
}

/// A key to be added.
#[derive(Clone)]
pub struct NewApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// The public id, unique among all keys there ever were.
    pub public_id: PublicId,
    /// The last four characters.
    pub last_four: String,
    /// HMAC-SHA256 of the whole key under the pepper.
    pub digest: [u8; 32],
    /// Whose it is.
    pub owner: NewKeyOwner,
    /// What can be set about it.
    pub settings: KeySettings,
    /// Who makes it.
    pub created_by: AccountId,
    /// Now.
    pub created_at: OffsetDateTime,
    /// The first key of its row of keys: itself, unless it takes over from another.
    pub lineage: ApiKeyId,
    /// Whether it takes over from another.
    pub takeover: Option<Takeover>,
    /// The form that asked for it: a form sent twice makes one key.
    pub form_id: Uuid,
}

/// How an environment treats its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Whether a key that was found where secrets must not be is revoked at once.
    pub revoke_leaked: bool,
    /// After how many days without a request a key is switched off; none for never.
    pub disable_idle_days: Option<u16>,
    /// After how many days a key should be rotated; none for never.
    pub rotate_after_days: Option<u16>,
}

/// What was asked of a key on one route from one address in some time, as far as single requests were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// The method.
    pub method: String,
    /// The route's pattern.
    pub route: String,
    /// From where.
    pub address: IpAddr,
    /// How many requests were let in.
    pub requests: u64,
}

/// A key and the address of the person to tell about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyToTell {
    /// The key.
    pub key: ApiKey,
    /// Where its people read mail.
    pub emails: Vec<String>,
}

/// A key that was given the limits of another, since both count against one quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLimits {
    /// The row's id.
    pub id: ApiKeyId,
    /// The key's public id. For forgetting it.
    pub public_id: PublicId,
    /// What people call it.
    pub name: Name,
    /// The limits that it had.
    pub before: RateLimits,
}

/// More keys than this are not listed on one page.
pub const LISTED_AT_MOST: usize = 500;

/// Where a list of keys goes on: after this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AfterKey {
    /// The key.
    pub id: ApiKeyId,
    /// Whether it stood among those that have ended, which come last. It may have ended since.
    pub ended: bool,
}

/// Questions about keys.
#[async_trait]
pub trait ApiKeyReader {
    /// The keys of one environment of an application, if a team of the account owns it: those that have not ended first, and of each the
    /// newest; so many at most, after another where one is named.
    async fn api_keys(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        now: OffsetDateTime,
        after: Option<AfterKey>,
        at_most: usize,
    ) -> Result<Vec<ApiKey>, StoreError>;

    /// Of the keys that the first page of such a list may leave out, those that work and were used longest ago, and those that are the
    /// oldest: so many of each at most, and each once.
    async fn oldest_keys(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        now: OffsetDateTime,
        limit: u64,
    ) -> Result<Vec<ApiKey>, StoreError>;

    /// How many keys there are of one environment of an application, if a team of the account owns it; where none is named, how many
    /// personal access tokens the account has.
    async fn api_keys_count(
        &self,
        account: AccountId,
        of: Option<(ApplicationId, Environment)>,
    ) -> Result<u64, StoreError>;

    /// The account's own personal access tokens: those that have not ended first, then the newest; so many at most, or all.
    async fn personal_tokens(
        &self,
        account: AccountId,
        now: OffsetDateTime,
        at_most: Option<usize>,
    ) -> Result<Vec<ApiKey>, StoreError>;

    /// One key, if a team of the account owns it, or it is the account's own token.
    async fn api_key(&self, account: AccountId, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError>;

    /// Keys of the account's teams, and its own tokens, that were found elsewhere since a time, the newest first.
    async fn leaked_keys(&self, account: AccountId, since: OffsetDateTime) -> Result<Vec<ApiKey>, StoreError>;

    /// What the door needs for the key with this public id. Not scoped to an account: the door is finding out who asks.
    async fn api_key_for_door(&self, public_id: PublicId) -> Result<Option<StoredApiKey>, StoreError>;

    /// How an environment treats its keys, if a team of the account owns it.
    async fn key_policy(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<Option<KeyPolicy>, StoreError>;

    /// The public id of a key. For forgetting it.
    async fn public_id(&self, id: ApiKeyId) -> Result<Option<PublicId>, StoreError>;

    /// The policy of the environment that a key is for; none for a personal access token. For the server's own workers.
    async fn key_policy_of(&self, id: ApiKeyId) -> Result<Option<KeyPolicy>, StoreError>;

    /// How an environment treats its keys. For the server's own workers.
    async fn key_policy_in(&self, environment: EnvironmentId) -> Result<Option<KeyPolicy>, StoreError>;

    /// What was let in with a key since a time, by route and address, the most first: of a busy key, the newest part, as much as is read
    /// while people wait.
    async fn key_traffic(
        &self,
        scope: LogScope,
        id: ApiKeyId,
        since: OffsetDateTime,
    ) -> Result<Found<Traffic>, StoreError>;

    /// Keys that work, end by themselves before a time, and whose people were not told so for that many days yet. For the
    /// server's own workers.
    async fn keys_ending(
        &self,
        now: OffsetDateTime,
        before: OffsetDateTime,
        days: u16,
        limit: u64,
    ) -> Result<Vec<KeyToTell>, StoreError>;

    /// Keys that work and have been idle for longer than their environment's policy allows; those of suspended applications are left
    /// out. For the server's own workers.
    async fn keys_idle(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError>;

    /// Keys that work, were seen where others can read them, and whose people were not told so yet. For the server's own workers.
    async fn keys_exposed(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError>;
}

/// Changes to keys. Each is one conditional UPDATE whose row count decides, and names who may change the key.
#[async_trait]
pub trait ApiKeyWriter {
    /// Adds a key; [`Inserted::Duplicate`] when its form has made one before.
    async fn api_key_add(&mut self, key: &NewApiKey) -> Result<Inserted, StoreError>;

    /// How many keys that have not ended there are of the application, or the person, whose key this is. The number holds until the end
    /// of this transaction.
    async fn api_keys_hold(&mut self, owner: NewKeyOwner, now: OffsetDateTime) -> Result<u64, StoreError>;

    /// Ends a key that is not revoked. `by` is none where the server itself does it.
    async fn api_key_revoke(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: Option<AccountId>,
        revoked: Revoked,
    ) -> Result<Consumed, StoreError>;

    /// Changes what can be set about a key that is not revoked, as long as that is what was read: of two who change one key at once,
    /// one is told.
    async fn api_key_update(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        read: &KeySettings,
        settings: &KeySettings,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Gives limits to the other keys in the row of keys of this one, as far as they have not ended and have others: those, as they
    /// were. Whoever changes one of the row, this one too, waits for the end of this transaction: so this comes before the change of its
    /// own limits.
    async fn api_key_limits_share(
        &mut self,
        key: &ApiKey,
        limits: &RateLimits,
        now: OffsetDateTime,
    ) -> Result<Vec<SharedLimits>, StoreError>;

    /// Switches a key off that is on; by policy, only one that is idle at that time, as [`ApiKeyReader::keys_idle`] says.
    async fn api_key_disable(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        disabled: Disabled,
    ) -> Result<Consumed, StoreError>;

    /// Switches a key on that is off and not revoked.
    async fn api_key_enable(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Counts the keys of an application as idle from this time on: it was suspended, and nobody could use them.
    async fn api_keys_idle_from(&mut self, application: ApplicationId, at: OffsetDateTime) -> Result<(), StoreError>;

    /// Marks a key as replaced by another: only one may take over, and only from a key that is neither revoked nor itself
    /// waiting for its first use, and whose settings are what was read, since the other one has them.
    async fn api_key_replace(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        read: &KeySettings,
        replaced: Replaced,
    ) -> Result<Consumed, StoreError>;

    /// Starts the clock of a takeover that waits for its first use.
    async fn takeover_start(&mut self, id: ApiKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Notes the first use of a key that takes over from another. Later uses are the log's to note.
    async fn takeover_used(&mut self, id: ApiKeyId, at: OffsetDateTime, from: IpAddr) -> Result<Consumed, StoreError>;

    /// Calls a takeover off whose new key was not used yet, whether or not the older one's clock runs: the new key is revoked.
    async fn takeover_cancel(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Sets when a replaced key stops working, if that is not set yet, or later than this.
    async fn api_key_retire(&mut self, id: ApiKeyId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Takes back that a key is replaced by another, unless it has stopped working for that by now, or a third key takes over from the
    /// other: then this one is not needed any more.
    async fn api_key_keep(
        &mut self,
        holder: Holder,
        id: ApiKeyId,
        by: ApiKeyId,
        now: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Notes that somebody found a key; the first time stays.
    async fn api_key_leaked(&mut self, id: ApiKeyId, leaked: &Leaked) -> Result<Consumed, StoreError>;

    /// Notes that a key's people were told that it ends in so many days.
    async fn api_key_told(&mut self, id: ApiKeyId, days: u16) -> Result<Consumed, StoreError>;

    /// Notes that a key's people were told that it was exposed.
    async fn api_key_exposure_told(&mut self, id: ApiKeyId) -> Result<Consumed, StoreError>;

    /// Sets how an environment treats its keys, if this team owns it, as long as that is what was read.
    async fn key_policy_set(
        &mut self,
        team: TeamId,
        application: ApplicationId,
        environment: Environment,
        read: &KeyPolicy,
        policy: &KeyPolicy,
    ) -> Result<Consumed, StoreError>;
}
