//! What admins see first: how the portal does, and what is odd about it.

use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::Action,
    port::{
        StoreError,
        request_log::{GroupBy, LogScope, RequestFilter, RequestGroup},
    },
    ports::Ports,
    usage::{
        UsageService,
        report::{Range, TimeZone, Usage, UsageError, UsageOf},
    },
};
use time::{Duration, OffsetDateTime};

/// Why it was not shown.
#[derive(Debug, thiserror::Error)]
pub enum OverviewError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may see it.
    #[error("only an admin may see this")]
    Forbidden,
    /// The store failed.
    #[error("the overview could not be read")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for OverviewError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

impl From<UsageError> for OverviewError {
    fn from(error: UsageError) -> Self {
        match error {
            UsageError::NotSignedIn(error) => Self::NotSignedIn(error),
            UsageError::NotFound => Self::Forbidden,
            UsageError::Store(error) => Self::Store(error),
        }
    }
}

/// What a network that is refused a lot seems to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// It tries credentials that nobody has.
    Guessing,
    /// It tries credentials of many: found somewhere, or stolen.
    Stuffing,
    /// One credential is refused over and over: mostly a program with an old key.
    Stuck,
}

/// What happened in the last 24 hours, and what is odd in the last one.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The requests of everybody.
    pub usage: Usage,
    /// How many signed in.
    pub sign_ins: u64,
    /// How many accounts there are.
    pub accounts: u64,
    /// How many must wait after too many tries.
    pub lockouts: u64,
    /// How many networks are kept out.
    pub blocks: u64,
    /// What was made, and how often.
    pub made: Vec<(Action, u64)>,
    /// Networks of the last hour that look odd, the worst first.
    pub odd: Vec<(RequestGroup, Suspicion)>,
    /// Since when refusals were looked at, where there are too many for the whole hour.
    pub looked_since: Option<OffsetDateTime>,
}

/// Draws the overview.
#[derive(Clone)]
pub struct OverviewService {
    ports: Ports,
    usage: UsageService,
}

impl OverviewService {
    /// What is worth counting apart of what was done.
    const MADE: [Action; 6] = [
        Action::AccountCreated,
        Action::ApplicationCreated,
        Action::KeyCreated,
        Action::ClientCreated,
        Action::SecretAdded,
        Action::GrantGiven,
    ];

    /// The service.
    pub fn new(ports: Ports) -> Self {
        Self { usage: UsageService::new(ports.clone()), ports }
    }

    /// What an admin sees first.
    ///
    /// # Errors
    /// [`OverviewError`].
    pub async fn show(&self, actor: &Actor) -> Result<Overview, OverviewError> {
        actor.admin()?;
        let (store, now) = (&self.ports.store, self.ports.now());
        let yesterday = now - Duration::DAY;
        let counts = store.audit_counts(yesterday).await?;
        let made = Self::MADE
            .map(|action| (action, counts.iter().find(|(done, _)| *done == action).map_or(0, |(_, times)| *times)));
        let (odd, looked_since) = self.odd(now).await?;
        Ok(Overview {
            usage: self.usage.usage(actor, UsageOf::Portal, Range::Day, &TimeZone::UTC).await?,
            sign_ins: store.sign_ins(yesterday).await?,
            accounts: store.account_count().await?,
            lockouts: store.lock_count(now).await?,
            blocks: store.blocks(now).await?.len() as u64,
            made: made.into(),
            odd,
            looked_since,
        })
    }

    async fn odd(
        &self,
        now: OffsetDateTime,
    ) -> Result<(Vec<(RequestGroup, Suspicion)>, Option<OffsetDateTime>), StoreError> {
        const LOOKED_AT: u64 = 200;
        const SHOWN: usize = 10;
        let refused =
            RequestFilter { refused: Some(true), since: Some(now - Duration::HOUR), ..RequestFilter::default() };
        let groups = self.ports.store.request_groups(LogScope::Portal, &refused, GroupBy::Network, LOOKED_AT).await?;
        let mut odd: Vec<_> =
            groups.found.into_iter().filter_map(|group| suspicion(&group).map(|odd| (group, odd))).collect();
        // A program with an old key is no attack, however often it asks.
        odd.sort_by_key(|(_, suspicion)| *suspicion == Suspicion::Stuck);
        odd.truncate(SHOWN);
        Ok((odd, groups.searched_to.map(|(_, at)| at)))
    }
}

/// What a network with so many refusals in an hour seems to do; nothing, where they are few.
fn suspicion(group: &RequestGroup) -> Option<Suspicion> {
    /// As many as no person makes by mistake.
    const MANY: u64 = 100;
    /// As many credentials as no program has.
    const CREDENTIALS: u64 = 10;
    match (group.requests, group.credentials) {
        (_, many) if many >= CREDENTIALS => Some(Suspicion::Stuffing),
        (many, 0) if many >= MANY => Some(Suspicion::Guessing),
        (many, _) if many >= MANY => Some(Suspicion::Stuck),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_odd_has_a_name() {
        let group = |requests, credentials| RequestGroup {
            reason: None,
            route: None,
            credential: None,
            from: Some("203.0.113.0/24".to_owned()),
            requests,
            credentials,
            addresses: 1,
            first_at: OffsetDateTime::UNIX_EPOCH,
            last_at: OffsetDateTime::UNIX_EPOCH,
        };
        for (requests, credentials, expected) in [
            (99, 0, None),
            (100, 0, Some(Suspicion::Guessing)),
            (100, 1, Some(Suspicion::Stuck)),
            (12, 10, Some(Suspicion::Stuffing)),
            (5, 5, None),
        ] {
            assert_eq!(suspicion(&group(requests, credentials)), expected, "{requests} of {credentials}");
        }
    }
}
