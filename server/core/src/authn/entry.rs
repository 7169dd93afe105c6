//! What is remembered of a credential between requests.

use super::person::Person;
use crate::{
    access_token::AccessToken,
    limit::Meters,
    memory::{Freshness, Remembered},
    port::{
        api_key::{ApiKey, KeyOwner, StoredApiKey},
        request_log::{AttributedTo, Attribution, CredentialId},
    },
    secret::digests_equal,
    usage::tally::Tally,
};
use bytes::Bytes;
use latchkey_model::{ApiId, Name, ScopeSet};
use std::{
    any::Any,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};
use time::OffsetDateTime;

/// What a request can be let in by.
#[derive(Clone)]
pub enum Record {
    /// An API key or a personal access token.
    Key(Box<StoredApiKey>),
    /// An access token of OAuth.
    Token(Box<AccessToken>),
    /// A person who comes as themselves.
    Person(Box<Person>),
}

/// A credential as the store described it, its meters, and what was counted for it.
pub struct Entry {
    record: Record,
    /// Kept, since it is told and recorded with every request.
    hint: String,
    meters: Arc<Meters>,
    tally: Tally,
    drawn: Drawn,
    freshness: Freshness,
    /// How much was changed about tokens when this one was looked up.
    changes: u64,
    /// Whether the key takes over from another and was not used yet. The first request to see it so begins the takeover.
    awaits_first_use: AtomicBool,
}

/// Texts that are drawn from an entry once and told with every answer: it never changes, and neither do they.
#[derive(Debug, Default)]
pub struct Drawn {
    /// The limits of the credential.
    pub limits: OnceLock<Bytes>,
    /// Whose it is, as its caller may see it.
    pub introduction: OnceLock<Bytes>,
    /// Whose it is, as guarded APIs are told: the few that were told of it last, the first of them in front. They lie here, since whoever
    /// answers for many callers in turn waits for everything that lies elsewhere.
    identities: RwLock<[Option<Arc<Identity>>; Self::IDENTITIES]>,
}

/// What a guarded API is told of a caller whom it can take as let in.
#[derive(Debug)]
pub struct Identity {
    /// Which API.
    pub api: ApiId,
    /// As it was after so many changes.
    pub version: i64,
    /// Until when it may be told; what proves it holds a while longer.
    pub fresh_until: OffsetDateTime,
    /// Names of fields, and what they say of this caller alone.
    pub own: [Option<(&'static str, Bytes)>; Self::OWN],
    /// The same of what many callers have in common.
    pub of_many: [Option<(&'static str, &'static str)>; Self::OF_MANY],
    /// The same as it is answered.
    pub answer: Slot,
}

impl Identity {
    /// How many fields say something of a caller alone, at most.
    pub const OWN: usize = 6;
    /// How many fields say what many callers have in common, at most.
    pub const OF_MANY: usize = 2;
}

/// Room for what whoever answers makes of a text, once. Of which type that is, this layer need not know.
#[derive(Debug, Default)]
pub struct Slot(OnceLock<Box<dyn Any + Send + Sync>>);

impl Slot {
    /// What was made here, or is made now. None where it is of another type: one maker has one.
    pub fn get_or_make<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

impl Drawn {
    /// At how many APIs a credential's identity is kept at hand.
    const IDENTITIES: usize = 4;

    /// What this API is told, if that was drawn lately.
    pub fn identity(&self, api: ApiId, version: i64, now: OffsetDateTime) -> Option<Arc<Identity>> {
        let identities = self.identities.read().unwrap_or_else(PoisonError::into_inner);
        let is_its = |one: &&Arc<Identity>| one.api == api && one.version == version && one.fresh_until > now;
        identities.iter().flatten().find(is_its).cloned()
    }

    /// Keeps what an API is told.
    pub fn keep_identity(&self, identity: Arc<Identity>) {
        let mut identities = self.identities.write().unwrap_or_else(PoisonError::into_inner);
        let is_its = |one: &Option<Arc<Identity>>| one.as_ref().is_none_or(|one| one.api == identity.api);
        // In its own place, in the next free one, or in that of the first.
        let place = identities.iter().position(is_its).unwrap_or_default();
        let last = place.max(identities.iter().flatten().count().saturating_sub(1));
        identities[place..=last].rotate_left(1);
        identities[last] = Some(identity);
    }
}

impl Entry {
    /// An entry for what the store said of a key.
    pub fn for_key(stored: StoredApiKey, meters: Arc<Meters>, freshness: Freshness) -> Self {
        Self {
            hint: stored.key.hint(),
            awaits_first_use: AtomicBool::new(stored.key.awaits_first_use()),
            record: Record::Key(Box::new(stored)),
            meters,
            tally: Tally::default(),
            drawn: Drawn::default(),
            freshness,
            changes: 0,
        }
    }

    /// An entry for a token that is proven, under these limits; `changes` is what had been changed about tokens before.
    pub fn for_token(token: AccessToken, meters: Arc<Meters>, freshness: Freshness, changes: u64) -> Self {
        Self {
            hint: token.client_id.as_str().to_owned(),
            awaits_first_use: AtomicBool::new(false),
            record: Record::Token(Box::new(token)),
            meters,
            tally: Tally::default(),
            drawn: Drawn::default(),
            freshness,
            changes,
        }
    }

    /// An entry for a person, under these limits.
    pub fn for_person(person: Person, meters: Arc<Meters>, freshness: Freshness) -> Self {
        Self {
            hint: person.by.as_str().to_owned(),
            awaits_first_use: AtomicBool::new(false),
            record: Record::Person(Box::new(person)),
            meters,
            tally: Tally::default(),
            drawn: Drawn::default(),
            freshness,
            changes: 0,
        }
    }

    /// What it is about.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The key, where it is one.
    pub fn key(&self) -> Option<&ApiKey> {
        match &self.record {
            Record::Key(stored) => Some(&stored.key),
            Record::Token(_) | Record::Person(_) => None,
        }
    }

    /// Whether it is the key with this digest.
    pub fn is_key(&self, presented: &[u8; 32]) -> bool {
        matches!(&self.record, Record::Key(stored) if digests_equal(&stored.digest, presented))
    }

    /// The access token, where it is one.
    pub fn token(&self) -> Option<&AccessToken> {
        match &self.record {
            Record::Key(_) | Record::Person(_) => None,
            Record::Token(token) => Some(token),
        }
    }

    /// The person, where one comes as themselves.
    pub fn person(&self) -> Option<&Person> {
        match &self.record {
            Record::Key(_) | Record::Token(_) => None,
            Record::Person(person) => Some(person),
        }
    }

    /// Whom it stands for.
    pub fn owner(&self) -> &KeyOwner {
        match &self.record {
            Record::Key(stored) => &stored.key.owner,
            Record::Token(token) => &token.owner,
            Record::Person(person) => &person.owner,
        }
    }

    /// Under whom its requests are counted and logged: a client's are its developers', whoever it acts for.
    pub fn counted_for(&self) -> &KeyOwner {
        match &self.record {
            Record::Key(stored) => &stored.key.owner,
            Record::Token(token) => &token.client_owner,
            Record::Person(person) => &person.owner,
        }
    }

    /// What it may do.
    pub fn scopes(&self) -> &ScopeSet {
        match &self.record {
            Record::Key(stored) => &stored.key.settings.scopes,
            Record::Token(token) => &token.scopes,
            Record::Person(person) => &person.scopes,
        }
    }

    /// What it is called: the key, or the client that holds the token.
    pub fn name(&self) -> &Name {
        match &self.record {
            Record::Key(stored) => &stored.key.settings.name,
            Record::Token(token) => &token.client_name,
            Record::Person(person) => person.name(),
        }
    }

    /// When it ends by itself.
    pub fn ends_at(&self) -> Option<OffsetDateTime> {
        match &self.record {
            Record::Key(stored) => stored.key.ends_at(),
            Record::Token(token) => Some(token.expires_at),
            Record::Person(person) => person.ends_at,
        }
    }

    /// Under which id its requests are counted.
    pub fn credential_id(&self) -> CredentialId {
        match &self.record {
            Record::Key(stored) => CredentialId::Key(stored.key.id),
            Record::Token(token) => CredentialId::Client(token.client),
            Record::Person(person) => CredentialId::Account(person.account),
        }
    }

    /// How a person recognises it.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// What it must keep to.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// What was counted since the writer last came by.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What answers say of it.
    pub fn drawn(&self) -> &Drawn {
        &self.drawn
    }

    /// How much had been changed about tokens when this one was looked up.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether the next request with it begins a takeover.
    pub fn awaits_first_use(&self) -> bool {
        self.awaits_first_use.load(Ordering::Relaxed)
    }

    /// Whether this call is the one that begins the takeover.
    pub fn begin_takeover(&self) -> bool {
        self.awaits_first_use() && self.awaits_first_use.swap(false, Ordering::AcqRel)
    }

    /// Says that the takeover could not be begun: the next request tries again.
    pub fn retry_takeover(&self) {
        self.awaits_first_use.store(true, Ordering::Release);
    }

    /// Whom a request with it belongs to.
    pub fn attribution(&self) -> Attribution {
        Attribution {
            owner: attributed_to(self.counted_for()),
            credential: self.credential_id(),
            hint: self.hint.clone(),
            name: self.name().as_str().to_owned(),
        }
    }
}

impl Remembered for Entry {
    fn freshness(&self) -> &Freshness {
        &self.freshness
    }
}

fn attributed_to(owner: &KeyOwner) -> AttributedTo {
    match owner {
        KeyOwner::Environment { environment_id, environment, application_id, team_id, .. } => {
            AttributedTo::Environment {
                team_id: *team_id,
                application_id: *application_id,
                environment_id: *environment_id,
                environment: *environment,
            }
        }
        KeyOwner::Account { account_id, .. } => AttributedTo::Account(*account_id),
    }
}

/// Whom a request made with this key belongs to.
pub(crate) fn attribution_of(key: &ApiKey) -> Attribution {
    Attribution {
        owner: attributed_to(&key.owner),
        credential: CredentialId::Key(key.id),
        hint: key.hint(),
        name: key.settings.name.as_str().to_owned(),
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Entry").field(&self.hint).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use uuid::Uuid;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn api(number: usize) -> ApiId {
        ApiId::from_uuid(Uuid::from_u128(number as u128))
    }

    fn identity(api: ApiId, version: i64) -> Arc<Identity> {
        let fresh_until = NOW + Duration::MINUTE;
        Arc::new(Identity {
            api,
            version,
            fresh_until,
            own: Default::default(),
            of_many: [None; Identity::OF_MANY],
            answer: Slot::default(),
        })
    }

    #[test]
    fn what_the_last_few_apis_are_told_is_kept_while_it_is_fresh() {
        let drawn = Drawn::default();
        (0..=Drawn::IDENTITIES).for_each(|number| drawn.keep_identity(identity(api(number), 1)));
        assert!(drawn.identity(api(0), 1, NOW).is_none(), "the oldest made room");
        for number in 1..=Drawn::IDENTITIES {
            assert!(drawn.identity(api(number), 1, NOW).is_some(), "{number}");
        }
        drawn.keep_identity(identity(api(1), 2));
        assert!(drawn.identity(api(1), 1, NOW).is_none(), "of an API, only what it was told last is kept");
        assert!(drawn.identity(api(1), 2, NOW).is_some() && drawn.identity(api(2), 1, NOW).is_some());
        assert!(drawn.identity(api(1), 2, NOW + Duration::MINUTE).is_none(), "and is told for a minute");
        drawn.keep_identity(identity(api(9), 1));
        assert!(drawn.identity(api(2), 1, NOW).is_none(), "now that one was told first");
        assert!(
            [1, 9].iter().all(|number| drawn.identity(api(*number), if *number == 1 { 2 } else { 1 }, NOW).is_some())
        );
    }
}
