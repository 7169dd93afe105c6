//! What people are known by, where it was sent so that others can read it: their password.

use super::LeakDesk;
use crate::{
    audit::{Act, Action},
    authn::Basic,
    mail::Letter,
    port::StoreError,
};
use latchkey_model::AccountId;
use std::net::IpAddr;
use time::OffsetDateTime;

impl LeakDesk {
    /// Looks whether a password that came over plain HTTP is somebody's, which is a try like any other. Its person is told to choose
    /// another one, once a day: nobody else can.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell_of_password(&self, sent: &Basic, from: IpAddr) -> Result<(), StoreError> {
        let now = self.ports.now();
        let found = self.rests_on.memories.people.whose_password(sent, from, now).await?;
        let Some(id) = found else { return Ok(()) };
        // Spent before anything is done: of two that come at once, one is told.
        let told = self.told.meter(&id);
        if told.spend(now).is_over() {
            return Ok(());
        }
        let done = self.tell_person(id, from, now).await;
        if done.is_err() {
            // Whoever could not be told is told of the next one.
            told.give_back();
        }
        done
    }

    async fn tell_person(&self, id: AccountId, from: IpAddr, now: OffsetDateTime) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let Some(account) = store.account(id).await? else { return Ok(()) };
        let mut work = store.begin().await?;
        let letter = Letter::password_exposed(&account, from, now, &self.rests_on.public_url);
        letter.send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
        let act = Act::new(id, Action::PasswordExposed, id, "").because("it came over plain HTTP");
        act.by_program(from, &mut *work, &self.ports).await?;
        work.commit().await?;
        tracing::warn!("a person's password was sent over plain HTTP");
        Ok(())
    }
}
