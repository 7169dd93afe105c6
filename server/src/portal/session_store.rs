//! Cookie sessions on our own store: digested ids, no coming back after sign-out, a new id in one transaction.

use crate::state::AppState;
use app::ssr::session::{ACCOUNT, ADDRESS, METHOD, PASSWORD_VERSION, REPLACES, Rotations, USER_AGENT, digest_of};
use async_trait::async_trait;
use latchkey_core::{
    Ports,
    account::SessionValues,
    authn::KnownPeople,
    openid::SignOuts,
    port::{
        Consumed, Inserted, StoreError,
        session::{SessionDigest, SessionRecord},
    },
};
use latchkey_model::SessionId;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// The value that keeps when a session began, in Unix seconds: its life is counted from there.
pub(super) const BEGAN: &str = "began";

/// The sessions of the portal.
#[derive(Clone)]
pub struct PortalSessions {
    ports: Ports,
    values: SessionValues,
    sign_outs: SignOuts,
    rotations: Rotations,
    people: KnownPeople,
    idle: Duration,
    life: Duration,
}

impl std::fmt::Debug for PortalSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PortalSessions")
    }
}

impl PortalSessions {
    /// The sessions of this server.
    pub fn new(state: &AppState) -> Self {
        Self {
            ports: state.services.ports.clone(),
            values: state.services.session_values.clone(),
            sign_outs: state.services.sign_outs.clone(),
            rotations: state.rotations.clone(),
            people: state.services.memories.people.clone(),
            idle: state.config.session_idle,
            life: state.config.session_life,
        }
    }

    /// The row of a session: it never outlives its life, however often somebody comes back.
    fn row(&self, record: &Record) -> Result<SessionRecord> {
        let now = self.ports.now();
        let text = |name: &str| record.data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let began = record.data.get(BEGAN).and_then(Value::as_i64).unwrap_or_else(|| now.unix_timestamp());
        let began = OffsetDateTime::from_unix_timestamp(began).map_err(|error| Error::Encode(error.to_string()))?;
        let digest = digest_of(record.id);
        let values = serde_json::to_vec(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        Ok(SessionRecord {
            id: SessionId::from_uuid(self.ports.uuid()),
            digest,
            account_id: text(ACCOUNT).parse().ok(),
            password_version: record.data.get(PASSWORD_VERSION).and_then(Value::as_i64).unwrap_or_default(),
            method: text(METHOD).parse().unwrap_or_default(),
            data: self.values.seal(&digest, &values).map_err(|error| Error::Encode(error.to_string()))?,
            created_at: began,
            seen_at: now,
            // By our own clock, not the middleware's: one time decides everything.
            expires_at: (now + self.idle).min(began + self.life),
            user_agent: text(USER_AGENT),
            address: text(ADDRESS),
        })
    }
}

/// The chain of a store's error as one line: the middleware logs it, nobody else sees it.
fn failed(error: &StoreError) -> Error {
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    Error::Backend(format!("{error}: {source}"))
}

#[async_trait]
impl SessionStore for PortalSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let replaces = record.data.remove(REPLACES).and_then(|value| serde_json::from_value::<Vec<u8>>(value).ok());
        let replaces: Option<SessionDigest> = replaces.and_then(|bytes| bytes.try_into().ok());
        record.data.insert(BEGAN.to_owned(), self.ports.now().unix_timestamp().into());
        let row = self.row(record)?;
        let mut work = self.ports.store.begin().await.map_err(|error| failed(&error))?;
        match work.session_add(&row).await.map_err(|error| failed(&error))? {
            Inserted::Done => {}
            Inserted::Duplicate => return Err(Error::Backend("the session's id was used before".to_owned())),
        }
        let Some(old) = replaces else { return work.commit().await.map_err(|error| failed(&error)) };
        // Lost means that it has ended by itself meanwhile: the new one is good all the same.
        let (Consumed::Won | Consumed::Lost) =
            work.session_end(&old, self.ports.now()).await.map_err(|error| failed(&error))?;
        self.people.commit_end(work).await.map_err(|error| failed(&error))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let row = self.row(record)?;
        let mut work = self.ports.store.begin().await.map_err(|error| failed(&error))?;
        match work.session_save(&row).await.map_err(|error| failed(&error))? {
            Consumed::Won => work.commit().await.map_err(|error| failed(&error)),
            // The session was ended while this request was under way: what it wanted to keep is gone with it.
            Consumed::Lost => Ok(()),
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let digest = digest_of(*id);
        let found = self.ports.store.session_load(&digest, self.ports.now()).await;
        let Some(row) = found.map_err(|error| failed(&error))? else { return Ok(None) };
        let values = self.values.open(&digest, &row.data).map_err(|error| Error::Decode(error.to_string()))?;
        let data = serde_json::from_slice(&values).map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date: row.expires_at }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let digest = digest_of(*id);
        if self.rotations.take(&digest) {
            // It ends in the transaction that adds its successor.
            return Ok(());
        }
        let mut work = self.ports.store.begin().await.map_err(|error| failed(&error))?;
        match work.session_end(&digest, self.ports.now()).await.map_err(|error| failed(&error))? {
            Consumed::Won => self.sign_outs.note(&mut *work, &digest).await.map_err(|error| failed(&error))?,
            Consumed::Lost => {}
        }
        self.people.commit_end(work).await.map_err(|error| failed(&error))?;
        self.sign_outs.wake();
        Ok(())
    }
}
