//! Reports of registration tokens: those that apps manage themselves with, and those that let apps register.

use super::{LeakDesk, LeakPlace};
use crate::{
    alert::{AlertKind, AlertSubject, AlertsOf, NewAlert},
    api_key::PlainApiKey,
    audit::{Act, Action},
    mail::Letter,
    port::{Consumed, StoreError, api_key::Holder, registration::Registration},
    secret::digests_equal,
};

impl LeakDesk {
    /// A registration token always ends: nothing that serves anybody rests on it, and with it an app could be led elsewhere.
    pub(super) async fn report_registration_token(
        &self,
        found: &PlainApiKey,
        place: &LeakPlace,
    ) -> Result<bool, StoreError> {
        let store = &self.ports.store;
        let digest = found.digest(&self.rests_on.registrations);
        if let Some(registration) = store.registration_by_token(found.public_id()).await? {
            let real = registration.token.is_some_and(|token| digests_equal(&token.digest, &digest));
            if real {
                self.end_environments_token(&registration, found, place).await?;
            }
            return Ok(real);
        }
        let Some((client, token)) = store.registered_client_by_token(found.public_id()).await? else {
            return Ok(false);
        };
        if !digests_equal(&token.digest, &digest) {
            return Ok(false);
        }
        let Some(concerned) = self.concerned(client).await? else { return Ok(true) };
        let mut work = store.begin().await?;
        if work.registered_client_remove(client).await? == Consumed::Won {
            self.tell(&mut *work, &concerned, found, place, true).await?;
        }
        // Nothing of it is remembered: who manages a registration is looked up each time.
        work.commit().await?;
        Ok(true)
    }

    async fn end_environments_token(
        &self,
        registration: &Registration,
        found: &PlainApiKey,
        place: &LeakPlace,
    ) -> Result<(), StoreError> {
        let store = &self.ports.store;
        let Some(home) = store.home_of_registration(registration.environment_id).await? else { return Ok(()) };
        let people = store.people_of(Holder::Team(home.team)).await?;
        let mut work = store.begin().await?;
        // Whoever made another one meanwhile has ended this one.
        if work.registration_token_end(registration.environment_id, found.public_id()).await? == Consumed::Lost {
            return Ok(());
        }
        let subject = AlertSubject::registration(&home, &self.rests_on.public_url);
        let letter = Letter::registration_token_leaked(&home, found, &place.0, &subject.url);
        let of = AlertsOf::Team(home.team);
        let alert = NewAlert { of, kind: AlertKind::Leak, subject, letter, measured: None, lasts: false };
        // This token ends once.
        let _ = self.rests_on.alerts.raise(&mut *work, alert, &people).await?;
        Act::new(home.team, Action::RegistrationTokenLeaked, home.application, &home.application_name)
            .change("environment", "", home.environment)
            .change("found", "", found.hint())
            .because(&place.0)
            .by_nobody(&mut *work, &self.ports)
            .await?;
        work.commit().await?;
        tracing::warn!(key.hint = %found.hint(), "a registration token was reported as leaked");
        Ok(())
    }
}
