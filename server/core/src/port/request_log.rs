//! What went through the door: rows for single requests.

use super::{
    StoreError,
    rollup::{AddressCounts, AddressKey, RollupCounts, RollupKey, Volume},
};
use async_trait::async_trait;
use latchkey_model::{
    AccountId, ApiKeyId, ApplicationId, ClientSecretId, Environment, EnvironmentId, GrantId, OauthClientId, OwnerId,
    RequestId, TeamId, trace::DecisionTrace,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use time::OffsetDateTime;
use uuid::Uuid;

/// Whom a request could be attributed to: known for every request that named a key of ours, even a dead one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribution {
    /// Whom the credential stands for.
    pub owner: AttributedTo,
    /// The credential.
    pub credential: CredentialId,
    /// How its owner recognises it.
    pub hint: String,
    /// What its owner calls it.
    pub name: String,
}

/// The methods that rows and counts tell apart, the most usual first. Whatever else a caller makes up is the last of them.
pub const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "OTHER"];

/// Under which id requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialId {
    /// An API key or a personal access token.
    Key(ApiKeyId),
    /// An OAuth client or a service account: all of its tokens together.
    Client(OauthClientId),
    /// A person who came as themselves.
    Account(AccountId),
}

impl CredentialId {
    /// The bare id, for a store.
    pub const fn as_uuid(self) -> Uuid {
        match self {
            Self::Key(id) => id.as_uuid(),
            Self::Client(id) => id.as_uuid(),
            Self::Account(id) => id.as_uuid(),
        }
    }
}

/// Whose request it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributedTo {
    /// An application in one environment.
    Environment {
        /// The team.
        team_id: TeamId,
        /// The application.
        application_id: ApplicationId,
        /// The environment.
        environment_id: EnvironmentId,
        /// Which of the three that is.
        environment: Environment,
    },
    /// A person, by a token of theirs.
    Account(AccountId),
}

impl AttributedTo {
    /// Whose requests are counted.
    pub fn id(&self) -> OwnerId {
        match self {
            Self::Environment { environment_id, .. } => (*environment_id).into(),
            Self::Account(id) => (*id).into(),
        }
    }

    /// The application and environment, where it was one.
    pub const fn application(&self) -> Option<(ApplicationId, Environment)> {
        match self {
            Self::Environment { application_id, environment, .. } => Some((*application_id, *environment)),
            Self::Account(_) => None,
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Its id, which the caller was told.
    pub id: RequestId,
    /// When it arrived.
    pub at: OffsetDateTime,
    /// The HTTP method, shortened to 16 characters.
    pub method: String,
    /// The route's pattern, such as `/api/v1/posts/{id}`.
    pub route: String,
    /// The path that was asked for, without its query, shortened to 256 characters.
    pub path: String,
    /// The status of the answer.
    pub status: u16,
    /// Why the door refused it: the stable word of the reason (`revoked`, `insufficient_scope` …). None if it was let in.
    pub reason: Option<String>,
    /// Why it would have been refused, where a check only reports.
    pub reported: Option<String>,
    /// From where.
    pub address: IpAddr,
    /// The caller's own word about itself, shortened to 256 characters.
    pub user_agent: String,
    /// How long the answer took, in microseconds.
    pub duration_us: u64,
    /// The length of the bodies, as far as they came through this server.
    pub volume: Volume,
    /// For how many requests the row stands: of refusals, those that were alike; of others, those since the row before.
    pub stands_for: u64,
    /// Whether those that were alike came from many places, of which the row names the first alone.
    pub from_many: bool,
    /// When the last of those came, where there are more than one that were alike.
    pub last_at: Option<OffsetDateTime>,
    /// Whom it belongs to; none for strangers.
    pub attribution: Option<Attribution>,
    /// The decision, step by step.
    pub trace: DecisionTrace,
    /// What would help, for the owner; none where nothing was refused.
    pub remedy: Option<String>,
}

/// Refusals that are alike, of which one has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// The one that has the row.
    pub row: RequestId,
    /// How many more came.
    pub more: u64,
    /// When the last one came.
    pub last_at: OffsetDateTime,
}

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Used {
    /// A key.
    Key(ApiKeyId),
    /// A client, by one of its tokens or by asking for one.
    Client(OauthClientId),
    /// A client's secret.
    Secret(ClientSecretId),
    /// What a person allowed a client.
    Grant(GrantId),
    /// An access token that was given with a refresh token: the answer that had both in it has arrived.
    AccessToken(Uuid),
}

impl Used {
    /// A credential, where its last use is kept. Of a person who comes as themselves, nobody asks for it.
    pub fn credential(id: CredentialId) -> Option<Self> {
        match id {
            CredentialId::Key(id) => Some(Self::Key(id)),
            CredentialId::Client(id) => Some(Self::Client(id)),
            CredentialId::Account(_) => None,
        }
    }
}

/// A credential's last use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// What was used.
    pub used: Used,
    /// When.
    pub at: OffsetDateTime,
    /// From where.
    pub address: IpAddr,
}

/// One batch of the writer: everything in it becomes true together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestBatch {
    /// Rows for single requests.
    pub rows: Vec<RequestRow>,
    /// Refusals that belong to rows of before, or of this batch; each row once.
    pub folded: Vec<Folded>,
    /// Counts to be added to what is stored.
    pub rollups: Vec<(RollupKey, RollupCounts)>,
    /// Counts by address, likewise.
    pub addresses: Vec<(AddressKey, AddressCounts)>,
    /// The newest use of each key in the batch.
    pub last_uses: Vec<LastUse>,
    /// Keys that were seen where secrets must not be; the first time stays.
    pub exposures: Vec<(ApiKeyId, OffsetDateTime)>,
    /// Networks that credentials were used from.
    pub networks: Vec<NetworkUse>,
}

/// A credential was let in from a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkUse {
    /// Whose credential.
    pub owner: OwnerId,
    /// The credential.
    pub credential: Uuid,
    /// From where.
    pub address: IpAddr,
    /// Within the hour that begins at this time, in Unix seconds.
    pub hour: i64,
}

/// Whose requests a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogScope {
    /// Those attributed to the teams of this account.
    Account(AccountId),
    /// All of them, unattributed ones included: for an admin.
    Portal,
}

/// Which requests to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Of this application only.
    pub application: Option<ApplicationId>,
    /// Of this environment only.
    pub environment: Option<Environment>,
    /// Made with this credential only: the bare id of a key, a client or a person.
    pub credential: Option<Uuid>,
    /// Refused at the door (`true`), let in (`false`).
    pub refused: Option<bool>,
    /// Let in, though a check that only reports would have refused it.
    pub reported: bool,
    /// Refused for this reason.
    pub reason: Option<String>,
    /// With this method.
    pub method: Option<String>,
    /// With this status.
    pub status: Option<u16>,
    /// From this address.
    pub address: Option<IpAddr>,
    /// To this route: its pattern.
    pub route: Option<String>,
    /// From this network, as [`network_word`] writes it.
    pub network: Option<String>,
    /// Whose path, client, or credential's name or hint contains this text, whatever the case.
    pub text: Option<String>,
    /// At or after this time.
    pub since: Option<OffsetDateTime>,
    /// Before this time.
    pub until: Option<OffsetDateTime>,
    /// Older than this request: the cursor.
    pub before: Option<RequestId>,
}

impl RequestFilter {
    /// Whether it lets everything pass that is as old as the cursor allows, but for whose it is.
    pub fn is_wide(&self) -> bool {
        let whose = Self {
            application: self.application,
            environment: self.environment,
            credential: self.credential,
            before: self.before,
            ..Self::default()
        };
        *self == whose
    }
}

/// The network by which addresses are looked at together: the first 24 bits of an IPv4 address, 48 of an IPv6 address.
pub fn network_word(address: IpAddr) -> String {
    let network = network_of_request(address);
    format!("{network}/{}", if network.is_ipv4() { 24 } else { 48 })
}

/// The first address of that network.
pub fn network_of_request(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & 0xffff_ff00).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80)).into(),
    }
}

/// What was found of a log, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found<T> {
    /// What passes the filter.
    pub found: Vec<T>,
    /// Where the search was given up for now, before it came to the end: requests older than this one were not looked at.
    pub searched_to: Option<(RequestId, OffsetDateTime)>,
}

/// By what requests are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// Reason, method and route, and credential.
    Failure,
    /// From where.
    Address,
    /// From which network.
    Network,
    /// Method and route.
    Route,
    /// Why.
    Reason,
}

/// Requests that have something in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestGroup {
    /// Why they were refused, where that is what they share.
    pub reason: Option<String>,
    /// Method and route, likewise.
    pub route: Option<(String, String)>,
    /// The credential, its hint and its name, likewise.
    pub credential: Option<(Uuid, String, String)>,
    /// An address or a network, likewise.
    pub from: Option<String>,
    /// How many there are.
    pub requests: u64,
    /// By how many credentials that are known.
    pub credentials: u64,
    /// From how many addresses.
    pub addresses: u64,
    /// When the first came.
    pub first_at: OffsetDateTime,
    /// When the last came.
    pub last_at: OffsetDateTime,
}

/// Questions about requests.
#[async_trait]
pub trait RequestLogReader {
    /// The newest requests that pass the filter. Where few pass, the search ends after a while and says how far it came.
    async fn requests(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        limit: u64,
    ) -> Result<Found<RequestRow>, StoreError>;

    /// Which requests arrived after another one, the oldest first, and for how many each stands: the newest, at most so many. Those that
    /// came by within the minute before are told again: what takes long is written late.
    async fn requests_after(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        after: RequestId,
        limit: u64,
    ) -> Result<Vec<(RequestId, u64)>, StoreError>;

    /// The requests with these ids, the oldest first.
    async fn requests_with_ids(&self, scope: LogScope, ids: &[RequestId]) -> Result<Vec<RequestRow>, StoreError>;

    /// The newest requests that pass the filter, put together, those with the most first.
    async fn request_groups(
        &self,
        scope: LogScope,
        filter: &RequestFilter,
        by: GroupBy,
        limit: u64,
    ) -> Result<Found<RequestGroup>, StoreError>;

    /// One request.
    async fn request(&self, scope: LogScope, id: RequestId) -> Result<Option<RequestRow>, StoreError>;

    /// How many rows of single requests there are, and about how many bytes one takes.
    async fn request_log_size(&self) -> Result<(u64, u64), StoreError>;
}

/// Changes to the log.
#[async_trait]
pub trait RequestLogWriter {
    /// Writes a batch.
    async fn record(&mut self, batch: &RequestBatch) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_written_by_their_first_bits() {
        assert_eq!(network_word("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network_word("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network_word("2001:db8:7:1::9".parse().unwrap()), "2001:db8:7::/48");
    }
}
