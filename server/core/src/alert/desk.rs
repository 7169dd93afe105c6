//! Raising alerts, in the transaction of what they tell of.

use super::{AlertKind, AlertsOf, Rule, letter};
use crate::{
    limit::Quota,
    mail::{Letter, page_of},
    oauth_client::ClientKind,
    port::{
        Consumed, Inserted, StoreError, UnitOfWork,
        alert::{Alert, Course, CredentialOwner, CredentialSort, NamedCredential, WatchedEnvironment},
        api_key::{ApiKey, Holder},
        oauth_client::OauthClient,
    },
    ports::Ports,
    webhook::{Event, Message},
};
use latchkey_model::{AlertId, OauthClientId};
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

/// What kind of thing an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// An API key, or a personal access token.
    ApiKey,
    /// An app or a service account.
    OauthClient,
    /// An environment of an application.
    Environment,
    /// The portal.
    Portal,
}

impl SubjectKind {
    /// What people read before its name.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::ApiKey => "The API key",
            Self::OauthClient => "The client",
            Self::Environment => "The environment",
            Self::Portal => "",
        }
    }
}

/// What an alert is about, as webhooks say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertSubject {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub what: SubjectKind,
    /// Its id; none for the portal.
    pub id: Option<Uuid>,
    /// What it is called.
    pub name: String,
    /// How its owner recognises it; empty for what is no credential.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Its page.
    pub url: String,
}

impl AlertSubject {
    /// The portal.
    pub fn portal(public_url: &str) -> Self {
        Self {
            what: SubjectKind::Portal,
            id: None,
            name: "The portal".to_owned(),
            hint: String::new(),
            url: format!("{public_url}/admin/overview"),
        }
    }

    /// A key.
    pub fn key(key: &ApiKey, public_url: &str) -> Self {
        Self {
            what: SubjectKind::ApiKey,
            id: Some(key.id.as_uuid()),
            name: key.settings.name.to_string(),
            hint: key.hint(),
            url: page_of(key, public_url),
        }
    }

    /// A client.
    pub fn client(client: &OauthClient, public_url: &str) -> Self {
        let part = match client.kind {
            ClientKind::ThirdParty => "clients",
            ClientKind::ServiceAccount => "service-accounts",
        };
        let url = match client.owner.application() {
            Some((application, environment)) => {
                format!("{public_url}/apps/{application}/{environment}/{part}/{}", client.id)
            }
            None => public_url.to_owned(),
        };
        Self {
            what: SubjectKind::OauthClient,
            id: Some(client.id.as_uuid()),
            name: client.settings.name.to_string(),
            hint: client.client_id.to_string(),
            url,
        }
    }

    /// A credential of an environment, as far as its page depends on it.
    pub(super) fn credential(home: &WatchedEnvironment, id: Uuid, named: &NamedCredential, public_url: &str) -> Self {
        let (what, part) = match named.what {
            CredentialSort::Key | CredentialSort::PersonalToken => (SubjectKind::ApiKey, "keys"),
            CredentialSort::Client => (SubjectKind::OauthClient, "clients"),
            CredentialSort::ServiceAccount => (SubjectKind::OauthClient, "service-accounts"),
        };
        let url = format!("{public_url}/apps/{}/{}/{part}/{id}", home.application, home.environment);
        Self { what, id: Some(id), name: named.name.clone(), hint: named.hint.clone(), url }
    }

    /// An environment in which apps register themselves.
    pub fn registration(home: &WatchedEnvironment, public_url: &str) -> Self {
        Self {
            what: SubjectKind::Environment,
            id: Some(home.id.as_uuid()),
            name: format!("{} ({})", home.application_name, home.environment),
            hint: String::new(),
            url: format!("{public_url}/apps/{}/{}/clients", home.application, home.environment),
        }
    }
}

/// What was measured, as webhooks say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// How many were refused, or went wrong, or must wait.
    pub matching: u64,
    /// Of how many requests; none where requests are not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Within how many minutes, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u8>,
}

/// An alert before it is raised.
#[derive(Debug)]
pub struct NewAlert {
    /// Whose it is.
    pub of: AlertsOf,
    /// The kind.
    pub kind: AlertKind,
    /// What it is about.
    pub subject: AlertSubject,
    /// What people read.
    pub letter: Letter,
    /// What was measured, if anything was.
    pub measured: Option<Measured>,
    /// Whether it lasts until it ends.
    pub lasts: bool,
}

/// What the database and webhooks keep of an alert besides its words.
#[derive(Debug, Serialize)]
struct Facts<'a> {
    subject: &'a AlertSubject,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<Measured>,
}

/// Raises alerts. Cloning it clones a handle.
#[derive(Clone)]
pub struct Alerts {
    ports: Ports,
    public_url: Arc<str>,
}

impl Alerts {
    /// The desk; links begin with `public_url`.
    pub fn new(ports: Ports, public_url: Arc<str>) -> Self {
        Self { ports, public_url }
    }

    /// Where links begin.
    pub(super) fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The rule that holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rule(&self, of: AlertsOf, kind: AlertKind) -> Result<Rule, StoreError> {
        let changed = self.ports.store.alert_rules(of).await?;
        Ok(changed.into_iter().find(|rule| rule.kind == kind).unwrap_or(Rule::usual(of, kind)))
    }

    /// Raises an alert, as its rule says: the team's or the admins' list shows it, these people and the webhooks are told. What was
    /// raised before, or lasts already, is told to nobody again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise(
        &self,
        work: &mut dyn UnitOfWork,
        alert: NewAlert,
        people: &[String],
    ) -> Result<Inserted, StoreError> {
        let rule = self.rule(alert.of, alert.kind).await?;
        if !rule.on {
            return Ok(Inserted::Duplicate);
        }
        let facts = Facts { subject: &alert.subject, measured: alert.measured };
        let raised = Alert {
            id: AlertId::from_uuid(self.ports.uuid()),
            of: alert.of,
            kind: alert.kind,
            subject: alert.subject.id,
            title: alert.letter.subject().to_owned(),
            text: alert.letter.text().to_owned(),
            occasion: alert.letter.occasion().to_owned(),
            facts: serde_json::to_string(&facts).map_err(|error| StoreError::Internal(Box::new(error)))?,
            url: alert.subject.url.clone(),
            raised_at: self.ports.now(),
            course: if alert.lasts { Course::Going } else { Course::Once },
        };
        if work.alert_add(&raised).await? == Inserted::Duplicate {
            return Ok(Inserted::Duplicate);
        }
        if rule.tells_people() {
            alert.letter.send(work, &self.ports, people).await?;
        }
        if rule.webhooks {
            Message::of_alert(Event::AlertRaised, &raised, self.ports.now())?
                .send(work, &self.ports, raised.of)
                .await?;
        }
        Ok(Inserted::Done)
    }

    /// Raises an alert about a key; where it is a person's own token, its person alone is told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise_of_key(
        &self,
        work: &mut dyn UnitOfWork,
        kind: AlertKind,
        key: &ApiKey,
        letter: Letter,
        people: &[String],
    ) -> Result<(), StoreError> {
        match key.owner.holder() {
            Holder::Account(_) => letter.send(work, &self.ports, people).await,
            Holder::Team(team) => {
                let subject = AlertSubject::key(key, &self.public_url);
                let of = AlertsOf::Team(team);
                let alert = NewAlert { of, kind, subject, letter, measured: None, lasts: false };
                // Whoever was told before is not told again.
                let _ = self.raise(work, alert, people).await?;
                Ok(())
            }
        }
    }

    /// Raises an alert about a key that is about to reach a limit, once a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise_of_key_near_limit(&self, key: &ApiKey, quota: Quota) -> Result<(), StoreError> {
        let subject = AlertSubject::key(key, &self.public_url);
        let what = format!("The {}", key.owner.kind().label());
        let letter = letter::limit_near(&subject, &what, key.owner.name().as_str(), quota, self.ports.now());
        let people = self.ports.store.people_of(key.owner.holder()).await?;
        let mut work = self.ports.store.begin().await?;
        self.raise_of_key(&mut *work, AlertKind::LimitNear, key, letter, &people).await?;
        work.commit().await
    }

    /// Raises an alert about a client or a service account that is about to reach a limit, once a day. What is gone has nobody to tell.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise_of_client_near_limit(&self, client: OauthClientId, quota: Quota) -> Result<(), StoreError> {
        let id = client.as_uuid();
        let found = self.ports.store.named_credential(id).await?;
        let Some((named, CredentialOwner::Environment(home))) = found else { return Ok(()) };
        let subject = AlertSubject::credential(&home, id, &named, &self.public_url);
        let (what, owner) = (letter::sort(named.what), home.application_name.as_str());
        let letter = letter::limit_near(&subject, what, owner, quota, self.ports.now());
        let of = AlertsOf::Team(home.team);
        let people = of.people(&*self.ports.store).await?;
        let alert = NewAlert { of, kind: AlertKind::LimitNear, subject, letter, measured: None, lasts: false };
        let mut work = self.ports.store.begin().await?;
        let (Inserted::Done | Inserted::Duplicate) = self.raise(&mut *work, alert, &people).await?;
        work.commit().await
    }

    /// Notes that what an alert tells of is over, and tells webhooks.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn end(&self, alert: &Alert) -> Result<(), StoreError> {
        let now = self.ports.now();
        let rule = self.rule(alert.of, alert.kind).await?;
        let mut work = self.ports.store.begin().await?;
        if work.alert_end(alert.id, now).await? == Consumed::Lost {
            return Ok(());
        }
        if rule.on && rule.webhooks {
            Message::of_alert(Event::AlertEnded, alert, now)?.send(&mut *work, &self.ports, alert.of).await?;
        }
        work.commit().await
    }

    /// Lets what was over go on, and tells webhooks: they were told of its end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn resume(&self, work: &mut dyn UnitOfWork, over: Alert) -> Result<(), StoreError> {
        let rule = self.rule(over.of, over.kind).await?;
        if work.alert_resume(over.id).await? == Consumed::Won && rule.webhooks {
            let going = Alert { course: Course::Going, ..over };
            Message::of_alert(Event::AlertResumed, &going, self.ports.now())?.send(work, &self.ports, going.of).await?;
        }
        Ok(())
    }
}
