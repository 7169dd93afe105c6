//! What admins do to what is somebody else's, each with a reason.

use super::service::{Directory, DirectoryError};
use crate::{
    actor::Actor,
    api_key::{let_the_old_key_be, old_key_of},
    audit::{Act, Action, Reason, Tenant},
    mail::Letter,
    memory::commit_and_forget,
    port::{
        Change, Consumed, StoreError, UnitOfWork,
        account::Account,
        api_key::{Holder, Revoked, RevokedBecause},
        suspension::{Suspendable, SuspendableId},
    },
};
use latchkey_model::{AccountRole, ApiKeyId, FieldErrors, OauthClientId};
use time::OffsetDateTime;

/// What an act is about.
struct Target {
    tenant: Tenant,
    id: String,
    /// For the audit log: an account's name is not kept there.
    name: String,
    /// What its people read of it.
    called: String,
    people: Vec<String>,
    /// Whether it is an admin's account.
    is_admin: bool,
}

impl Directory {
    /// Suspends an account, an application or a client: nothing of it is let in from now on, at no node, until it is reinstated.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn suspend(&self, actor: &Actor, what: SuspendableId, reason: &str) -> Result<(), DirectoryError> {
        let (admin, now, reason) = self.may_act(actor, reason)?;
        if what == SuspendableId::Account(admin.id) {
            return Err(DirectoryError::Yourself);
        }
        let target = self.target(what).await?;
        let mut work = self.ports.store.begin().await?;
        // Held until the commit: of two admins who suspend one another, one comes too late.
        if target.is_admin && work.admins_hold().await? < 2 {
            return Err(DirectoryError::LastAdmin);
        }
        if work.suspend(what, now, &reason).await? == Consumed::Lost {
            return Err(DirectoryError::NothingToChange);
        }
        if let SuspendableId::Account(account) = what {
            self.sessions.end(&mut *work, account, None).await?;
        }
        let action = match what.kind() {
            Suspendable::Account => Action::AccountSuspended,
            Suspendable::Application => Action::ApplicationSuspended,
            Suspendable::Client => Action::ClientSuspended,
        };
        let letter = Letter::suspended(what.kind(), &target.id, &target.called, &reason, now);
        self.told(&mut *work, actor, action, &target, &reason, letter).await?;
        self.commit(work, vec![Change::Suspensions]).await?;
        self.sessions.wake();
        Ok(())
    }

    /// Lets what is suspended go on as it was. Sessions that ended stay ended.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn reinstate(&self, actor: &Actor, what: SuspendableId, reason: &str) -> Result<(), DirectoryError> {
        let (_, now, reason) = self.may_act(actor, reason)?;
        let target = self.target(what).await?;
        let mut work = self.ports.store.begin().await?;
        if work.reinstate(what).await? == Consumed::Lost {
            return Err(DirectoryError::NothingToChange);
        }
        if let SuspendableId::Application(application) = what {
            work.api_keys_idle_from(application, now).await?;
        }
        let action = match what.kind() {
            Suspendable::Account => Action::AccountReinstated,
            Suspendable::Application => Action::ApplicationReinstated,
            Suspendable::Client => Action::ClientReinstated,
        };
        let letter = Letter::reinstated(what.kind(), &target.id, &target.called, now);
        self.told(&mut *work, actor, action, &target, &reason, letter).await?;
        Ok(self.commit(work, vec![Change::Suspensions]).await?)
    }

    /// Ends a key or a personal access token for good.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn revoke_key(&self, actor: &Actor, id: ApiKeyId, reason: &str) -> Result<(), DirectoryError> {
        let (admin, now, reason) = self.may_act(actor, reason)?;
        let key = self.ports.store.key_found(id).await?.ok_or(DirectoryError::NotFound)?;
        let holder = key.owner.holder();
        let target = Target {
            tenant: holder.into(),
            id: id.to_string(),
            name: key.settings.name.to_string(),
            called: format!("{} ({}) of {}", key.settings.name, key.hint(), key.owner.name()),
            people: self.ports.store.people_of(holder).await?,
            is_admin: false,
        };
        let old = old_key_of(&self.ports, &key).await?;
        let mut work = self.ports.store.begin().await?;
        let revoked = Revoked { at: now, because: RevokedBecause::Admin };
        if work.api_key_revoke(holder, id, Some(admin.id), revoked).await? == Consumed::Lost {
            return Err(DirectoryError::NothingToChange);
        }
        let mut changes = vec![Change::Key(key.public_id)];
        changes.extend(let_the_old_key_be(&mut *work, &key, old, now).await?.map(Change::Key));
        let letter = Letter::revoked_by_admin(key.owner.kind().label(), &target.id, &target.called, &reason, now);
        self.told(&mut *work, actor, Action::KeyRevoked, &target, &reason, letter).await?;
        Ok(self.commit(work, changes).await?)
    }

    /// Ends a client for good, and with it every token that it holds.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn revoke_client(&self, actor: &Actor, id: OauthClientId, reason: &str) -> Result<(), DirectoryError> {
        let (admin, now, reason) = self.may_act(actor, reason)?;
        let client = self.ports.store.client_found(id).await?.ok_or(DirectoryError::NotFound)?;
        let Holder::Team(team) = client.owner.holder() else { return Err(DirectoryError::NotFound) };
        let target = self.target(SuspendableId::Client(id)).await?;
        let mut work = self.ports.store.begin().await?;
        if work.oauth_client_revoke(team, id, admin.id, now).await? == Consumed::Lost {
            return Err(DirectoryError::NothingToChange);
        }
        let letter = Letter::revoked_by_admin("client", &target.id, &target.called, &reason, now);
        self.told(&mut *work, actor, Action::ClientRevoked, &target, &reason, letter).await?;
        Ok(self.commit(work, vec![Change::Client(client.client_id)]).await?)
    }

    /// Whoever may act on what is not theirs, when, and why they do.
    fn may_act<'a>(
        &self,
        actor: &'a Actor,
        reason: &str,
    ) -> Result<(&'a Account, OffsetDateTime, Reason), DirectoryError> {
        let admin = actor.admin()?;
        let now = self.ports.now();
        let reason = FieldErrors::at("reason", reason.parse::<Reason>()).map_err(DirectoryError::Invalid)?;
        actor.proven(now)?;
        Ok((admin, now, reason))
    }

    async fn target(&self, what: SuspendableId) -> Result<Target, DirectoryError> {
        let store = &self.ports.store;
        Ok(match what {
            SuspendableId::Account(id) => {
                let account = store.account(id).await?.ok_or(DirectoryError::NotFound)?;
                Target {
                    tenant: id.into(),
                    id: id.to_string(),
                    name: String::new(),
                    called: String::new(),
                    people: vec![account.email.to_string()],
                    is_admin: account.role == AccountRole::Admin,
                }
            }
            SuspendableId::Application(id) => {
                let found = store.application_found(id).await?.ok_or(DirectoryError::NotFound)?;
                Target {
                    tenant: found.team_id.into(),
                    id: id.to_string(),
                    name: found.name.to_string(),
                    called: found.name.to_string(),
                    people: store.people_of(Holder::Team(found.team_id)).await?,
                    is_admin: false,
                }
            }
            SuspendableId::Client(id) => {
                let client = store.client_found(id).await?.ok_or(DirectoryError::NotFound)?;
                let holder = client.owner.holder();
                Target {
                    tenant: holder.into(),
                    id: id.to_string(),
                    name: client.settings.name.to_string(),
                    called: format!("{} ({}) of {}", client.settings.name, client.client_id, client.owner.name()),
                    people: store.people_of(holder).await?,
                    is_admin: false,
                }
            }
        })
    }

    /// Notes an act in the log of whoever owns its target, and tells them.
    async fn told(
        &self,
        work: &mut dyn UnitOfWork,
        actor: &Actor,
        action: Action,
        target: &Target,
        reason: &Reason,
        letter: Letter,
    ) -> Result<(), StoreError> {
        let act = Act::new(target.tenant, action, &target.id, &target.name).because(reason);
        act.by(actor, work, &self.ports).await?;
        letter.send(work, &self.ports, &target.people).await
    }

    /// Commits an act: nothing is judged by what was before from now on, at no node.
    async fn commit(&self, work: Box<dyn UnitOfWork>, changes: Vec<Change>) -> Result<(), StoreError> {
        let (memories, forgotten) = (self.memories.clone(), changes.clone());
        let forget = move || forgotten.iter().for_each(|change| memories.forget(change));
        commit_and_forget(work, changes, forget).await
    }
}
