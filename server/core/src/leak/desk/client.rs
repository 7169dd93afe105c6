//! Reports of what clients hold: their secrets, and what they were given.

use super::{LeakDesk, LeakPlace};
use crate::{
    access_token::{AccessToken, KnownTokens, TokenEnd},
    alert::{AlertKind, AlertSubject, AlertsOf, NewAlert},
    api_key::PlainApiKey,
    audit::{Act, Action},
    mail::Letter,
    port::{
        Change, Consumed, Inserted, StoreError, UnitOfWork,
        api_key::{Holder, KeyOwner},
        oauth_client::{OauthClient, RevokedToken},
    },
    secret::digests_equal,
};
use latchkey_model::{EnvironmentId, OauthClientId, TeamId};
use time::OffsetDateTime;

/// A client of which something was found, and those whom that concerns.
pub(super) struct Concerned {
    client: OauthClient,
    environment: EnvironmentId,
    team: TeamId,
    people: Vec<String>,
}

impl LeakDesk {
    /// A secret ends where the client's environment ends leaked keys.
    pub(super) async fn report_client_secret(
        &self,
        found: &PlainApiKey,
        place: &LeakPlace,
    ) -> Result<bool, StoreError> {
        let store = &self.ports.store;
        let Some((client, secret, digest)) = store.client_secret(found.public_id()).await? else { return Ok(false) };
        if !digests_equal(&digest, &found.digest(&self.rests_on.client_secrets)) {
            return Ok(false);
        }
        let Some(concerned) = self.concerned(client).await?.filter(|_| secret.revoked_at.is_none()) else {
            return Ok(true);
        };
        let revoke = store.key_policy_in(concerned.environment).await?.is_some_and(|policy| policy.revoke_leaked);
        let (mut work, now) = (store.begin().await?, self.ports.now());
        let first = work.client_secret_leaked(secret.id, now).await? == Consumed::Won;
        let ended = revoke && work.client_secret_revoke(client, secret.id, now).await? == Consumed::Won;
        // Of one that works on, they hear once.
        if first || ended {
            self.tell(&mut *work, &concerned, found, place, ended).await?;
        }
        self.commit(work, vec![Change::Client(concerned.client.client_id)]).await?;
        Ok(true)
    }

    /// A refresh token is what somebody allowed an app: it always ends, with all that came of the same sign-in.
    pub(super) async fn report_refresh_token(
        &self,
        found: &PlainApiKey,
        place: &LeakPlace,
    ) -> Result<bool, StoreError> {
        let store = &self.ports.store;
        let Some((token, _)) = store.refresh_token(found.public_id()).await? else { return Ok(false) };
        if !digests_equal(&token.digest, &found.digest(&self.rests_on.grants)) {
            return Ok(false);
        }
        let now = self.ports.now();
        let family = store.token_family(token.family).await?;
        let Some(family) = family.filter(|family| family.ended().is_none() && family.expires_at > now) else {
            return Ok(true);
        };
        let Some(concerned) = self.concerned(family.grant.client).await? else { return Ok(true) };
        let person = store.people_of(Holder::Account(family.grant.account)).await?;
        let mut work = store.begin().await?;
        if work.token_family_end(family.id, now).await? == Consumed::Won {
            self.tell(&mut *work, &concerned, found, place, true).await?;
            let app = &concerned.client.settings.name;
            let letter = Letter::app_token_leaked(app, family.id, &place.0, &self.rests_on.public_url);
            letter.send(&mut *work, &self.ports, &person).await?;
        }
        self.commit(work, vec![Change::Token(family.id)]).await?;
        Ok(true)
    }

    /// An access token always ends: its client asks for another one.
    pub(super) async fn report_access_token(&self, found: &PlainApiKey, place: &LeakPlace) -> Result<bool, StoreError> {
        let store = &self.ports.store;
        let Some(token) = store.opaque_token(found.public_id()).await? else { return Ok(false) };
        if !digests_equal(&token.digest, &KnownTokens::digest(found.expose())) {
            return Ok(false);
        }
        let (id, now) = (token.claims.jti, self.ports.now());
        let ends = OffsetDateTime::from_unix_timestamp(token.claims.exp).ok().filter(|ends| *ends > now);
        let (Some(expires_at), None) = (ends, store.token_revoked_at(id).await?) else { return Ok(true) };
        let Some(concerned) = self.concerned(token.client).await? else { return Ok(true) };
        let mut work = store.begin().await?;
        let revoked = RevokedToken { id, client: token.client, revoked_at: now, expires_at };
        if work.token_revoke(&revoked).await? == Inserted::Done {
            self.tell(&mut *work, &concerned, found, place, true).await?;
        }
        self.commit(work, vec![Change::Token(id)]).await?;
        Ok(true)
    }

    /// A token that was sent where others can read it always ends: its client asks for another one. Of its tokens, a client's people
    /// hear once a day, since a program that sends one so sends the next likewise.
    pub(super) async fn end_token(&self, token: &AccessToken) -> Result<(), StoreError> {
        let now = self.ports.now();
        // One that is suspended could go on.
        let may_work = matches!(token.ended, None | Some(TokenEnd::Suspended(_))) && token.expires_at > now;
        // Whoever comes by a certificate alone has sent no token.
        if !may_work || token.certificate_alone {
            return Ok(());
        }
        let Some(concerned) = self.concerned(token.client).await? else { return Ok(()) };
        let (client, team) = (&concerned.client, concerned.team);
        let mut work = self.ports.store.begin().await?;
        let revoked = RevokedToken { id: token.id, client: client.id, revoked_at: now, expires_at: token.expires_at };
        if work.token_revoke(&revoked).await? == Inserted::Done {
            let subject = AlertSubject::client(client, &self.rests_on.public_url);
            let letter = Letter::client_token_exposed(client, now, &subject.url);
            let of = AlertsOf::Team(team);
            let alert = NewAlert { of, kind: AlertKind::Leak, subject, letter, measured: None, lasts: false };
            // Whoever was told today is not told again.
            let _ = self.rests_on.alerts.raise(&mut *work, alert, &concerned.people).await?;
            let act = Act::new(team, Action::ClientTokenExposed, client.id, &client.settings.name);
            act.because("it came in a URL or over plain HTTP").by_nobody(&mut *work, &self.ports).await?;
            tracing::warn!(client.id = %client.client_id, "a token was sent where others can read it, and ended");
        }
        self.commit(work, vec![Change::Token(token.id)]).await
    }

    /// A client that has not ended, with its people.
    pub(super) async fn concerned(&self, id: OauthClientId) -> Result<Option<Concerned>, StoreError> {
        let found = self.ports.store.client_found(id).await?.filter(|client| client.revoked_at.is_none());
        let Some(client) = found else { return Ok(None) };
        let KeyOwner::Environment { environment_id: environment, team_id: team, .. } = client.owner else {
            return Ok(None);
        };
        let people = self.ports.store.people_of(Holder::Team(team)).await?;
        Ok(Some(Concerned { client, environment, team, people }))
    }

    /// Tells a client's people what was found, and notes it.
    pub(super) async fn tell(
        &self,
        work: &mut dyn UnitOfWork,
        concerned: &Concerned,
        found: &PlainApiKey,
        place: &LeakPlace,
        ended: bool,
    ) -> Result<(), StoreError> {
        let (client, team) = (&concerned.client, concerned.team);
        let subject = AlertSubject::client(client, &self.rests_on.public_url);
        let letter = Letter::client_secret_leaked(client, found, &place.0, ended, &subject.url);
        let of = AlertsOf::Team(team);
        let alert = NewAlert { of, kind: AlertKind::Leak, subject, letter, measured: None, lasts: false };
        // Whether it is the first time, what was found has said: an alert is removed after a while, and may have been switched off.
        let _ = self.rests_on.alerts.raise(work, alert, &concerned.people).await?;
        let act = Act::new(team, Action::ClientSecretLeaked, client.id, &client.settings.name);
        let act = act.change("found", "", found.hint()).change("revoked", false, ended).because(&place.0);
        act.by_nobody(work, &self.ports).await?;
        tracing::warn!(key.hint = %found.hint(), revoked = ended, "what a client holds was reported as leaked");
        Ok(())
    }
}
