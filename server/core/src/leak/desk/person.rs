//! What people are known by, where it was sent so that others can read it: their password.

use super::LeakDesk;
use crate::{
    audit::{Act, Action},
    authn::Basic,
    mail::Letter,
    port::StoreError,
};
use std::net::IpAddr;

impl LeakDesk {
    /// Looks whether a password that came over plain HTTP is somebody's, which is a try like any other. Its person is told to choose
    /// another one, once a day: nobody else can.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tell_of_password(&self, sent: &Basic, from: IpAddr) -> Result<(), StoreError> {
        let (store, now) = (&self.ports.store, self.ports.now());
        let found = self.rests_on.memories.people.whose_password(sent, from, now).await?;
        let Some(id) = found.filter(|id| self.told.look(id, now).retry_after.is_none()) else { return Ok(()) };
        let Some(account) = store.account(id).await? else { return Ok(()) };
        let mut work = store.begin().await?;
        let letter = Letter::password_exposed(&account, from, now, &self.rests_on.public_url);
        letter.send(&mut *work, &self.ports, &[account.email.to_string()]).await?;
        let act = Act::new(id, Action::PasswordExposed, id, "").because("it came over plain HTTP");
        act.by_program(from, &mut *work, &self.ports).await?;
        work.commit().await?;
        // Counted once it is done: whoever could not be told is told of the next one.
        let _ = self.told.check(&id, now);
        tracing::warn!("a person's password was sent over plain HTTP");
        Ok(())
    }
}
