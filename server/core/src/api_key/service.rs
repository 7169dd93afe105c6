//! What people do with keys: create, list, change, rotate, switch off and on, revoke.

use super::{
    ClockStart, KeyChanges, KeyForm, KeyPolicyForm, Overlap, RouteScopes,
    form::Occasion,
    format::{PlainApiKey, PublicId},
    rotation::{let_the_old_key_be, old_key_of},
};
use crate::{
    actor::{Actor, NotProven, NotSignedIn},
    audit::{Act, Action, Tenant},
    authn::KnownKeys,
    clock::written,
    port::{
        Consumed, Inserted, StoreError, UnitOfWork,
        account::Account,
        api::ApiScope,
        api_key::{
            AfterKey, ApiKey, Disabled, Holder, KeyPolicy, KeySettings, KeyState, LISTED_AT_MOST, NewApiKey,
            NewKeyOwner, Replaced, Revoked, RevokedBecause, Takeover,
        },
    },
    ports::Ports,
    secret::DigestKey,
    shown::Shown,
};
use latchkey_model::{ApiKeyId, ApplicationId, Environment, FieldErrors, KeyKind, ScopeSet, TeamRole};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// What a person fills in to create a key.
#[derive(Debug, Clone, Copy)]
pub struct CreateApiKey<'a> {
    /// Everything that can also be changed later.
    pub form: KeyForm<'a>,
    /// The form's own id: sent twice, it makes one key.
    pub form_id: Uuid,
}

/// A key that was just made.
#[derive(Debug)]
pub struct CreatedApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// The key, to be shown once.
    pub plain: PlainApiKey,
}

/// A page of the list of an environment's keys.
#[derive(Debug, Clone)]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// Where the list goes on, if it does.
    pub next: Option<AfterKey>,
    /// How many keys come after those of the first page; not counted on later ones.
    pub beyond: u64,
}

/// Why a key could not be made, shown, changed or ended.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// It is too long ago that the person showed who they are: what makes or ends a secret takes a fresh sign-in.
    #[error("the person must show first who they are")]
    ProveFirst,
    /// Fields are wrong; each sentence says why.
    #[error("some fields need another look")]
    Invalid(FieldErrors),
    /// The form was sent before, and made its key then.
    #[error("this form has made its key already")]
    SentTwice,
    /// The account may only look.
    #[error("this account may only look")]
    Forbidden,
    /// No such application or key, as far as this account may know.
    #[error("no such key")]
    NotFound,
    /// The key had been revoked before.
    #[error("the key was revoked before")]
    AlreadyRevoked,
    /// Another rotation of the key was first, or the key is itself waiting for its first use.
    #[error("the key is being rotated already")]
    BeingRotated,
    /// The key does not work, so there is nothing to take over from.
    #[error("the key does not work any more")]
    NotLive,
    /// There is no rotation to end or to call off.
    #[error("the key is not being rotated, or its rotation has gone further")]
    NotRotating,
    /// There are as many keys that have not ended as one application may have.
    #[error("there are too many keys")]
    TooMany,
    /// There are as many tokens that have not ended as one person may have.
    #[error("there are too many tokens")]
    TooManyTokens,
    /// Somebody else changed the key, or how its environment treats keys, after it was read here or shown.
    #[error("the key was changed meanwhile")]
    ChangedMeanwhile,
    /// The key is already as it was asked to be.
    #[error("the key is like that already")]
    NothingToChange,
    /// The store failed.
    #[error("the key could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotProven> for ApiKeyError {
    fn from(error: NotProven) -> Self {
        match error {
            NotProven::NotSignedIn(error) => Self::NotSignedIn(error),
            NotProven::TooLongAgo => Self::ProveFirst,
        }
    }
}

/// Does with keys what people ask.
#[derive(Clone)]
pub struct ApiKeyService {
    pub(super) ports: Ports,
    pepper: DigestKey,
    changes: KeyChanges,
    pub(super) route_scopes: RouteScopes,
}

impl ApiKeyService {
    /// How many keys one application may have that have not ended: a form that a program fills in makes no more.
    pub const LIVE_KEYS_AT_MOST: u64 = 10_000;
    /// How many personal access tokens one person may have that have not ended.
    pub const TOKENS_AT_MOST: u64 = 100;

    /// The service; keys are digested under this pepper, and changes are forgotten by this memory of the door.
    pub fn new(ports: Ports, pepper: DigestKey, known: KnownKeys, route_scopes: RouteScopes) -> Self {
        Self { ports, pepper, changes: KeyChanges::new(known), route_scopes }
    }

    /// The scopes that a key can hold, in the order in which they are shown.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn scopes(&self) -> Result<Vec<ApiScope>, StoreError> {
        self.ports.store.known_scopes().await
    }

    /// Creates a key of an application. What is returned is the only copy there will ever be.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn create(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        create: CreateApiKey<'_>,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let account = actor.account()?;
        let now = self.ports.now();
        let found = self.ports.store.application(account.id, application, now).await?.ok_or(ApiKeyError::NotFound)?;
        if !found.role.may_write() {
            return Err(ApiKeyError::Forbidden);
        }
        actor.proven(self.ports.now())?;
        let settings = self.check(&create.form, Occasion::New).await?;
        let owner = NewKeyOwner::Environment(found.environment_id(environment));
        let tenant = Tenant::Team(found.application.team_id);
        self.add_new(actor, tenant, KeyKind::Api(environment), owner, settings, create.form_id).await
    }

    /// Adds a key in this transaction, which must not be committed where there are too many with it.
    async fn add(work: &mut dyn UnitOfWork, new: &NewApiKey) -> Result<(), ApiKeyError> {
        match work.api_key_add(new).await? {
            Inserted::Done => Self::fits(work, new.owner, new.created_at).await,
            Inserted::Duplicate => Err(ApiKeyError::SentTwice),
        }
    }

    /// Whether an owner has no more keys than they may, with those of this transaction.
    async fn fits(work: &mut dyn UnitOfWork, owner: NewKeyOwner, now: OffsetDateTime) -> Result<(), ApiKeyError> {
        let (at_most, too_many) = match owner {
            NewKeyOwner::Environment(_) => (Self::LIVE_KEYS_AT_MOST, ApiKeyError::TooMany),
            NewKeyOwner::Account(_) => (Self::TOKENS_AT_MOST, ApiKeyError::TooManyTokens),
        };
        if work.api_keys_hold(owner, now).await? > at_most { Err(too_many) } else { Ok(()) }
    }

    /// Reads a form; every field that is wrong says why.
    pub(crate) async fn check_new(&self, form: &KeyForm<'_>) -> Result<KeySettings, ApiKeyError> {
        self.check(form, Occasion::New).await
    }

    async fn check(&self, form: &KeyForm<'_>, occasion: Occasion<'_>) -> Result<KeySettings, ApiKeyError> {
        form.check(&self.scopes().await?, occasion, self.ports.now()).map_err(ApiKeyError::Invalid)
    }

    /// Adds a key that takes over from nobody.
    pub(crate) async fn add_new(
        &self,
        actor: &Actor,
        tenant: Tenant,
        kind: KeyKind,
        owner: NewKeyOwner,
        settings: KeySettings,
        form_id: Uuid,
    ) -> Result<CreatedApiKey, ApiKeyError> {
        let account = actor.account()?;
        let id = ApiKeyId::from_uuid(self.ports.uuid());
        let plain = PlainApiKey::generate(self.ports.random(), kind);
        let new = self.new_key(id, &plain, owner, account, settings, form_id);
        let mut work = self.ports.store.begin().await?;
        let made = Act::new(tenant, Action::KeyCreated, id, &new.settings.name);
        let made = changed(made, None, &new.settings).change("kind", "", kind.label());
        Self::add(&mut *work, &new).await?;
        made.by(actor, &mut *work, &self.ports).await?;
        self.changes.commit(work, &[plain.public_id()]).await?;
        Ok(CreatedApiKey { id, plain })
    }

    fn new_key(
        &self,
        id: ApiKeyId,
        plain: &PlainApiKey,
        owner: NewKeyOwner,
        account: &Account,
        settings: KeySettings,
        form_id: Uuid,
    ) -> NewApiKey {
        NewApiKey {
            id,
            public_id: plain.public_id(),
            last_four: plain.last_four().to_owned(),
            digest: plain.digest(&self.pepper),
            owner,
            settings,
            created_by: account.id,
            created_at: self.ports.now(),
            lineage: id,
            takeover: None,
            form_id,
        }
    }

    /// The keys of one environment: those that have not ended first, and of each the newest; so many as one page lists, from the first
    /// one on or after another. A stranger's application has none.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn list(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        after: Option<AfterKey>,
    ) -> Result<KeyList, ApiKeyError> {
        let (account, now, store) = (actor.account()?, self.ports.now(), &self.ports.store);
        let one_more = LISTED_AT_MOST + 1;
        let mut keys = store.api_keys(account.id, application, environment, now, after, one_more).await?;
        let goes_on = keys.len() > LISTED_AT_MOST;
        keys.truncate(LISTED_AT_MOST);
        let next = keys.last().filter(|_| goes_on).map(|key| AfterKey { id: key.id, ended: key.is_ended(now) });
        let beyond = if goes_on && after.is_none() {
            let all = store.api_keys_count(account.id, Some((application, environment))).await?;
            all.saturating_sub(keys.len() as u64)
        } else {
            0
        };
        Ok(KeyList { keys, next, beyond })
    }

    /// The actor's keys and tokens that were found where secrets must not be, in the last 30 days.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn leaked(&self, actor: &Actor) -> Result<Vec<ApiKey>, ApiKeyError> {
        let account = actor.account()?;
        Ok(self.ports.store.leaked_keys(account.id, self.ports.now() - Duration::days(30)).await?)
    }

    /// One key.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] for another team's key too.
    pub async fn get(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let account = actor.account()?;
        self.ports.store.api_key(account.id, id).await?.ok_or(ApiKeyError::NotFound)
    }

    /// One key that the actor may change.
    async fn writable<'a>(&self, actor: &'a Actor, id: ApiKeyId) -> Result<(&'a Account, ApiKey), ApiKeyError> {
        let account = actor.account()?;
        let key = self.get(actor, id).await?;
        let may_write = match key.owner.holder() {
            Holder::Account(id) => id == account.id,
            Holder::Team(team) => {
                let teams = self.ports.store.memberships(account.id).await?;
                let role = teams.iter().find(|membership| membership.team_id == team).map(|membership| membership.role);
                role.is_some_and(TeamRole::may_write)
            }
        };
        if may_write { Ok((account, key)) } else { Err(ApiKeyError::Forbidden) }
    }

    /// Commits the change if it was won, with who made it, and makes the door forget the keys; otherwise says why it was lost.
    async fn won(
        &self,
        mut work: Box<dyn UnitOfWork>,
        outcome: Consumed,
        (actor, act): (&Actor, Act),
        keys: &[PublicId],
        lost: ApiKeyError,
    ) -> Result<(), ApiKeyError> {
        match outcome {
            Consumed::Won => {
                act.by(actor, &mut *work, &self.ports).await?;
                Ok(self.changes.commit(work, keys).await?)
            }
            Consumed::Lost => Err(lost),
        }
    }

    /// Ends a key: the next request with it is refused.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn revoke(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let (account, key) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        let revoked = Revoked { at: self.ports.now(), because: RevokedBecause::Asked };
        let old = old_key_of(&self.ports, &key).await?;
        let mut work = self.ports.store.begin().await?;
        let outcome = work.api_key_revoke(key.owner.holder(), id, Some(account.id), revoked).await?;
        let mut keys = vec![key.public_id];
        keys.extend(let_the_old_key_be(&mut *work, &key, old, revoked.at).await?);
        self.won(work, outcome, (actor, act_on(Action::KeyRevoked, &key)), &keys, ApiKeyError::AlreadyRevoked).await?;
        Ok(key)
    }

    /// Reads a form that changes a key, without changing it: what it would be. The form carries what it [showed](Shown) of the settings.
    ///
    /// # Errors
    /// [`ApiKeyError::ChangedMeanwhile`] when that is not what they are; [`ApiKeyError::Invalid`] with every field that is wrong.
    pub async fn proposed(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        form: &KeyForm<'_>,
        shown: &str,
    ) -> Result<(ApiKey, KeySettings), ApiKeyError> {
        let key = self.get(actor, id).await?;
        if !Shown::of(&key.settings).is(shown) {
            return Err(ApiKeyError::ChangedMeanwhile);
        }
        let settings = self.check(form, Occasion::Change(&key.settings)).await?;
        if key.owner.kind() == KeyKind::Personal {
            crate::personal_token::check_life(&settings, key.created_at).map_err(ApiKeyError::Invalid)?;
        }
        Ok((key, settings))
    }

    /// Changes what can be set about a key, as long as it is what the form [showed](Shown).
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn update(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        form: &KeyForm<'_>,
        shown: &str,
    ) -> Result<ApiKey, ApiKeyError> {
        self.writable(actor, id).await?;
        let (key, settings) = self.proposed(actor, id, form, shown).await?;
        self.set(actor, key, &settings).await
    }

    /// Takes the scopes away that nobody used for a month.
    ///
    /// # Errors
    /// [`ApiKeyError::NothingToChange`] when there is none, or none would be left.
    pub async fn shrink(&self, actor: &Actor, id: ApiKeyId) -> Result<(ApiKey, ScopeSet), ApiKeyError> {
        let (_, key) = self.writable(actor, id).await?;
        let unused = self.advice_for(actor, &key).await?.unused_scopes;
        let kept: ScopeSet =
            key.settings.scopes.iter().filter(|scope| !unused.contains(scope.as_str())).cloned().collect();
        if unused.is_empty() || kept.is_empty() {
            return Err(ApiKeyError::NothingToChange);
        }
        let settings = KeySettings { scopes: kept, ..key.settings.clone() };
        Ok((self.set(actor, key, &settings).await?, unused))
    }

    async fn set(&self, actor: &Actor, key: ApiKey, settings: &KeySettings) -> Result<ApiKey, ApiKeyError> {
        let (holder, now) = (key.owner.holder(), self.ports.now());
        let mut work = self.ports.store.begin().await?;
        // Keys of which one takes over from the other count against one quota, which is found by its limits. They are changed before
        // their like: of two who change limits in one row of keys, one waits for the other.
        let others = if key.settings.limits == settings.limits {
            Vec::new()
        } else {
            work.api_key_limits_share(&key, &settings.limits, now).await?
        };
        if work.api_key_update(holder, key.id, &key.settings, settings, now).await? == Consumed::Lost {
            drop(work);
            return Err(self.meanwhile(actor, &key, ApiKeyError::ChangedMeanwhile).await);
        }
        if key.is_ended(now) {
            // One that had expired, and is to go on, is one more.
            Self::fits(&mut *work, NewKeyOwner::from(&key.owner), now).await?;
        }
        let mut keys = vec![key.public_id];
        for other in others {
            let act = Act::new(holder, Action::KeyChanged, other.id, &other.name);
            act.change("limits", &other.before, &settings.limits)
                .because("keys that take over from one another share one quota")
                .by(actor, &mut *work, &self.ports)
                .await?;
            keys.push(other.public_id);
        }
        let act = changed(act_on(Action::KeyChanged, &key), Some(&key.settings), settings);
        act.by(actor, &mut *work, &self.ports).await?;
        self.changes.commit(work, &keys).await?;
        Ok(key)
    }

    /// Why a key is not as it was read any more; `otherwise` if its settings are the same.
    async fn meanwhile(&self, actor: &Actor, read: &ApiKey, otherwise: ApiKeyError) -> ApiKeyError {
        match self.get(actor, read.id).await {
            Ok(found) if found.revoked.is_some() => ApiKeyError::AlreadyRevoked,
            Ok(found) if found.settings != read.settings => ApiKeyError::ChangedMeanwhile,
            Ok(_) => otherwise,
            Err(error) => error,
        }
    }

    /// Switches a key off: the next request with it is refused, until it is switched on again.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn disable(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let (_, key) = self.writable(actor, id).await?;
        let disabled = Disabled { at: self.ports.now(), by_policy: false };
        let mut work = self.ports.store.begin().await?;
        let outcome = work.api_key_disable(key.owner.holder(), id, disabled).await?;
        self.won(
            work,
            outcome,
            (actor, act_on(Action::KeyDisabled, &key)),
            &[key.public_id],
            ApiKeyError::NothingToChange,
        )
        .await?;
        Ok(key)
    }

    /// Switches a key on again.
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn enable(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let (_, key) = self.writable(actor, id).await?;
        let mut work = self.ports.store.begin().await?;
        let outcome = work.api_key_enable(key.owner.holder(), id, self.ports.now()).await?;
        self.won(
            work,
            outcome,
            (actor, act_on(Action::KeyEnabled, &key)),
            &[key.public_id],
            ApiKeyError::NothingToChange,
        )
        .await?;
        Ok(key)
    }

    /// Makes the key that takes over from another. Of several rotations of one key at once, one wins.
    ///
    /// The new key has the old one's settings, and as long a life as the old one had.
    ///
    /// # Errors
    /// [`ApiKeyError::BeingRotated`] for those that lost.
    pub async fn rotate(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        overlap: Overlap,
        start: ClockStart,
        form_id: Uuid,
    ) -> Result<(ApiKey, CreatedApiKey), ApiKeyError> {
        let (account, old) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        let now = self.ports.now();
        if old.state(now) != KeyState::Live {
            return Err(ApiKeyError::NotLive);
        }
        if old.is_pending() || old.replaced.is_some() {
            return Err(ApiKeyError::BeingRotated);
        }
        let started_at = match start {
            ClockStart::FirstUse => None,
            ClockStart::Now => Some(now),
        };
        let new_id = ApiKeyId::from_uuid(self.ports.uuid());
        let plain = PlainApiKey::generate(self.ports.random(), old.owner.kind());
        let owner = NewKeyOwner::from(&old.owner);
        let life = old.settings.expires_at.map(|at| at - old.created_at);
        let settings = KeySettings { expires_at: life.and_then(|life| now.checked_add(life)), ..old.settings.clone() };
        let new = NewApiKey {
            lineage: old.lineage,
            takeover: Some(Takeover { from: old.id, overlap: overlap.duration(), started_at }),
            ..self.new_key(new_id, &plain, owner, account, settings, form_id)
        };
        let mut work = self.ports.store.begin().await?;
        Self::add(&mut *work, &new).await?;
        let retires_at = started_at.map(|at| at.saturating_add(overlap.duration()));
        let replaced = Replaced { by: new_id, retires_at };
        let outcome = work.api_key_replace(old.owner.holder(), old.id, &old.settings, replaced).await?;
        if outcome == Consumed::Lost {
            drop(work);
            return Err(self.meanwhile(actor, &old, ApiKeyError::BeingRotated).await);
        }
        let act = act_on(Action::KeyRotated, &old).change("overlap", "", overlap.duration());
        self.won(work, outcome, (actor, act), &[old.public_id, plain.public_id()], ApiKeyError::BeingRotated).await?;
        Ok((old, CreatedApiKey { id: new_id, plain }))
    }

    /// Calls a rotation off whose new key was not used yet; `id` is the new key. The old key works on as before.
    ///
    /// # Errors
    /// [`ApiKeyError::NotRotating`] when the new key was used before, or the old one has ended.
    pub async fn cancel_rotation(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let (account, new) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        let Some(takeover) = new.takeover else { return Err(ApiKeyError::NotRotating) };
        let old = self.get(actor, takeover.from).await?;
        let (holder, now) = (new.owner.holder(), self.ports.now());
        // Also one that has expired: then nothing would be left that works.
        if old.is_ended(now) {
            return Err(ApiKeyError::NotRotating);
        }
        let mut work = self.ports.store.begin().await?;
        let cancelled = work.takeover_cancel(holder, id, account.id, now).await?;
        let kept = match cancelled {
            Consumed::Won => work.api_key_keep(holder, old.id, id, now).await?,
            Consumed::Lost => Consumed::Lost,
        };
        let act = act_on(Action::RotationCancelled, &new);
        self.won(work, kept, (actor, act), &[old.public_id, new.public_id], ApiKeyError::NotRotating).await?;
        Ok(old)
    }

    /// Ends the overlap of a rotation now; `id` is the old key.
    ///
    /// # Errors
    /// [`ApiKeyError::NotRotating`] when no other key takes over from it.
    pub async fn end_overlap(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let (_, old) = self.writable(actor, id).await?;
        actor.proven(self.ports.now())?;
        let Some(replaced) = old.replaced else { return Err(ApiKeyError::NotRotating) };
        let new = self.get(actor, replaced.by).await?;
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        // The new key waits no longer for its first use: there is nothing left to take over.
        let _ = work.takeover_start(new.id, now).await?;
        let outcome = work.api_key_retire(old.id, now).await?;
        let act = act_on(Action::OverlapEnded, &old);
        self.won(work, outcome, (actor, act), &[old.public_id, new.public_id], ApiKeyError::NotRotating).await?;
        Ok(old)
    }

    /// How an environment treats its keys.
    ///
    /// # Errors
    /// [`ApiKeyError::NotFound`] for another team's application too.
    pub async fn policy(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
    ) -> Result<KeyPolicy, ApiKeyError> {
        let account = actor.account()?;
        self.ports.store.key_policy(account.id, application, environment).await?.ok_or(ApiKeyError::NotFound)
    }

    /// Sets how an environment treats its keys, as long as that is what the form [showed](Shown).
    ///
    /// # Errors
    /// [`ApiKeyError`].
    pub async fn set_policy(
        &self,
        actor: &Actor,
        application: ApplicationId,
        environment: Environment,
        form: &KeyPolicyForm<'_>,
        shown: &str,
    ) -> Result<(), ApiKeyError> {
        let account = actor.account()?;
        let now: OffsetDateTime = self.ports.now();
        let found = self.ports.store.application(account.id, application, now).await?.ok_or(ApiKeyError::NotFound)?;
        if !found.role.may_write() {
            return Err(ApiKeyError::Forbidden);
        }
        let before = self.policy(actor, application, environment).await?;
        if !Shown::of(&before).is(shown) {
            return Err(ApiKeyError::ChangedMeanwhile);
        }
        let policy = form.check().map_err(ApiKeyError::Invalid)?;
        let mut work = self.ports.store.begin().await?;
        match work.key_policy_set(found.application.team_id, application, environment, &before, &policy).await? {
            Consumed::Won => {
                let tenant = found.application.team_id;
                let act = Act::new(tenant, Action::KeyPolicyChanged, application, &found.application.name);
                let after = format!("{policy:?}");
                act.change("environment", "", environment)
                    .change("policy", format!("{before:?}"), after)
                    .by(actor, &mut *work, &self.ports)
                    .await?;
                Ok(work.commit().await?)
            }
            Consumed::Lost => Err(ApiKeyError::ChangedMeanwhile),
        }
    }
}

/// Something done to a key.
fn act_on(action: Action, key: &ApiKey) -> Act {
    Act::new(key.owner.holder(), action, key.id, &key.settings.name)
}

/// The settings that a key has, and those that it had.
fn changed(act: Act, before: Option<&KeySettings>, after: &KeySettings) -> Act {
    let ends = |settings: &KeySettings| settings.expires_at.map(written).unwrap_or_default();
    let was = |of: fn(&KeySettings) -> String| before.map(of).unwrap_or_default();
    act.change("name", was(|settings| settings.name.to_string()), &after.name)
        .change("scopes", was(|settings| settings.scopes.to_string()), &after.scopes)
        .change("expires_at", before.map(ends).unwrap_or_default(), ends(after))
        .change("allowed_from", was(|settings| settings.allowed_from.to_string()), &after.allowed_from)
        .change("limits", was(|settings| settings.limits.to_string()), &after.limits)
        .change("notes", was(|settings| settings.notes.to_string()), &after.notes)
}
