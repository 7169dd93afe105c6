//! Passkeys (Web Authentication Level 3): set up, asked for beside a password, and as a sign-in of their own.

use super::{RecoveryCodes, SecondFactorError, SecondFactors};
use crate::{
    actor::Actor,
    port::{
        Consumed, Inserted, StoreError,
        account::Account,
        second_factor::{PasskeyCeremony, PasskeyRecord},
    },
    ports::Ports,
};
use latchkey_model::{AccountId, Name, PasskeyCeremonyId, PasskeyId};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::Arc;
use time::Duration;
use url::{Host, Url};
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
        PublicKeyCredential, RegisterPublicKeyCredential, WebauthnError,
    },
};
use webauthn_rs_proto::ResidentKeyRequirement;

/// Why a passkey was not set up or taken.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// What is so of every second factor.
    #[error(transparent)]
    Factor(#[from] SecondFactorError),
    /// The portal is not at an address that passkeys can be for.
    #[error("passkeys are for names, and this portal has an address that is a number")]
    NoName,
    /// The authenticator's answer is not what was asked for, or came too late or twice.
    #[error("the passkey could not be taken")]
    NotTaken,
    /// What was stored of a passkey cannot be read.
    #[error("a stored passkey cannot be read")]
    Stored(#[source] serde_json::Error),
    /// The library refused.
    #[error("passkeys cannot be asked for")]
    Library(#[from] WebauthnError),
}

impl From<StoreError> for PasskeyError {
    fn from(error: StoreError) -> Self {
        Self::Factor(error.into())
    }
}

/// What an authenticator is asked: for the page, and the name by which its answer is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// For the session to keep.
    pub ceremony: PasskeyCeremonyId,
    /// For the browser, as JSON.
    pub options: String,
}

/// For which name passkeys are, and at which address they are asked for.
#[derive(Clone)]
pub struct RelyingParty {
    webauthn: Option<Arc<Webauthn>>,
    origin: Option<String>,
}

impl RelyingParty {
    /// That of a portal at this address. A portal on this machine has the machine's own name; another number has none.
    pub fn new(public_url: &str) -> Self {
        let Ok(mut url) = public_url.parse::<Url>() else { return Self { webauthn: None, origin: None } };
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(_)) | None => false,
        };
        if is_loopback && url.set_host(Some("localhost")).is_err() {
            return Self { webauthn: None, origin: None };
        }
        let built = url.domain().and_then(|name| {
            let builder = WebauthnBuilder::new(name, &url).ok()?.rp_name("Latchkey");
            builder.build().ok()
        });
        let origin = built.is_some().then(|| url.origin().ascii_serialization());
        Self { webauthn: built.map(Arc::new), origin }
    }

    /// Where browsers can be asked for passkeys, if anywhere.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    fn webauthn(&self) -> Result<&Webauthn, PasskeyError> {
        self.webauthn.as_deref().ok_or(PasskeyError::NoName)
    }
}

/// Passkeys. Cloning it clones handles.
#[derive(Clone)]
pub struct Passkeys {
    ports: Ports,
    factors: SecondFactors,
    party: RelyingParty,
}

impl Passkeys {
    /// How long an authenticator may take.
    const CEREMONY_LIFE: Duration = Duration::minutes(5);
    /// The longest answer that is read, in bytes.
    const LONGEST_ANSWER: usize = 16 * 1024;

    /// The service.
    pub fn new(ports: Ports, factors: SecondFactors, party: RelyingParty) -> Self {
        Self { ports, factors, party }
    }

    /// Where browsers can be asked for passkeys, if anywhere.
    pub fn origin(&self) -> Option<&str> {
        self.party.origin()
    }

    /// Asks for a new passkey.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub async fn begin_registration(&self, actor: &Actor) -> Result<Challenge, PasskeyError> {
        let account = actor.proven(self.ports.now()).map_err(SecondFactorError::from)?;
        let known = self.passkeys_of(account.id).await?;
        let exclude = known.iter().map(|(_, passkey)| passkey.cred_id().clone()).collect();
        let (mut options, state) = self.party.webauthn()?.start_passkey_registration(
            account.id.as_uuid(),
            account.email.as_str(),
            account.name.as_str(),
            Some(exclude),
        )?;
        // A passkey that its device keeps can be found there without an address: it is a sign-in of its own.
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        }
        self.ask(Some(account.id), &options.public_key, &state).await
    }

    /// Takes a new passkey. Recovery codes come with the first second factor.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub async fn finish_registration(
        &self,
        actor: &Actor,
        ceremony: PasskeyCeremonyId,
        answer: &str,
        name: Name,
    ) -> Result<Option<RecoveryCodes>, PasskeyError> {
        let now = self.ports.now();
        let account = actor.proven(now).map_err(SecondFactorError::from)?;
        let state: PasskeyRegistration = self.spend(ceremony, Some(account.id)).await?;
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let passkey =
            self.party.webauthn()?.finish_passkey_registration(&answer, &state).map_err(|error| not_taken(&error))?;
        let record = PasskeyRecord {
            id: PasskeyId::from_uuid(self.ports.uuid()),
            account: account.id,
            credential_id: passkey.cred_id().clone(),
            name,
            data: serde_json::to_string(&passkey).map_err(PasskeyError::Stored)?,
            created_at: now,
            last_used_at: None,
        };
        let mut work = self.ports.store.begin().await?;
        if work.passkey_add(&record).await? == Inserted::Duplicate {
            return Err(PasskeyError::Factor(SecondFactorError::SetUpAlready));
        }
        let what = format!("The passkey {}", record.name);
        Ok(self.factors.added(work, actor, account, &what).await?)
    }

    /// Asks for one of an account's passkeys, beside its password; none where it has none.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub async fn begin_second(&self, account: AccountId) -> Result<Option<Challenge>, PasskeyError> {
        let known = self.passkeys_of(account).await?;
        let (Ok(webauthn), false) = (self.party.webauthn(), known.is_empty()) else { return Ok(None) };
        let passkeys: Vec<_> = known.into_iter().map(|(_, passkey)| passkey).collect();
        let (options, state) = webauthn.start_passkey_authentication(&passkeys)?;
        self.ask(Some(account), &options.public_key, &state).await.map(Some)
    }

    /// Takes one of an account's passkeys, beside its password.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub async fn finish_second(
        &self,
        account: AccountId,
        ceremony: PasskeyCeremonyId,
        answer: &str,
    ) -> Result<(), PasskeyError> {
        let state: PasskeyAuthentication = self.spend(ceremony, Some(account)).await?;
        let answer: PublicKeyCredential = read(answer)?;
        let result =
            self.party.webauthn()?.finish_passkey_authentication(&answer, &state).map_err(|error| not_taken(&error))?;
        let known = self.passkeys_of(account).await?;
        let (record, passkey) = known
            .into_iter()
            .find(|(_, passkey)| passkey.cred_id() == result.cred_id())
            .ok_or(PasskeyError::NotTaken)?;
        self.note_use(&record, passkey, &result).await
    }

    /// Asks whoever is there for a passkey that says by itself whose it is.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub async fn begin_sign_in(&self) -> Result<Challenge, PasskeyError> {
        let (options, state) = self.party.webauthn()?.start_discoverable_authentication()?;
        self.ask(None, &options.public_key, &state).await
    }

    /// Finds the account of a passkey.
    ///
    /// # Errors
    /// [`PasskeyError`].
    pub async fn finish_sign_in(&self, ceremony: PasskeyCeremonyId, answer: &str) -> Result<Account, PasskeyError> {
        let state: DiscoverableAuthentication = self.spend(ceremony, None).await?;
        let answer: PublicKeyCredential = read(answer)?;
        let webauthn = self.party.webauthn()?;
        let (account, credential_id) =
            webauthn.identify_discoverable_authentication(&answer).map_err(|error| not_taken(&error))?;
        let record = self.ports.store.passkey(credential_id).await?.ok_or(PasskeyError::NotTaken)?;
        if record.account.as_uuid() != account {
            return Err(PasskeyError::NotTaken);
        }
        let passkey = passkey_of(&record)?;
        let result = webauthn
            .finish_discoverable_authentication_v2(&answer, state, &passkey)
            .map_err(|error| not_taken(&error))?;
        let account = self.ports.store.account(record.account).await?.ok_or(PasskeyError::NotTaken)?;
        self.note_use(&record, passkey, &result).await?;
        Ok(account)
    }

    /// Level 3 section 7.2 step 22: a counter that does not go on is that of a copy.
    async fn note_use(
        &self,
        record: &PasskeyRecord,
        mut passkey: Passkey,
        result: &AuthenticationResult,
    ) -> Result<(), PasskeyError> {
        passkey.update_credential(result).ok_or(PasskeyError::NotTaken)?;
        let data = serde_json::to_string(&passkey).map_err(PasskeyError::Stored)?;
        let mut work = self.ports.store.begin().await?;
        // Of two that answer at once, the one that comes later was judged by a counter that is none any more.
        if work.passkey_use(record, &data, self.ports.now()).await? == Consumed::Lost {
            return Err(PasskeyError::NotTaken);
        }
        Ok(work.commit().await?)
    }

    async fn passkeys_of(&self, account: AccountId) -> Result<Vec<(PasskeyRecord, Passkey)>, PasskeyError> {
        let records = self.ports.store.passkeys(account).await?;
        records.into_iter().map(|record| passkey_of(&record).map(|passkey| (record, passkey))).collect()
    }

    async fn ask(
        &self,
        account: Option<AccountId>,
        options: &(impl Serialize + Sync),
        state: &(impl Serialize + Sync),
    ) -> Result<Challenge, PasskeyError> {
        let ceremony = PasskeyCeremony {
            id: PasskeyCeremonyId::from_uuid(self.ports.uuid()),
            account,
            state: serde_json::to_string(state).map_err(PasskeyError::Stored)?,
            expires_at: self.ports.now() + Self::CEREMONY_LIFE,
        };
        let mut work = self.ports.store.begin().await?;
        work.passkey_ceremony_add(&ceremony).await?;
        work.commit().await?;
        let options = serde_json::to_string(options).map_err(PasskeyError::Stored)?;
        Ok(Challenge { ceremony: ceremony.id, options })
    }

    /// Spends a challenge before its answer is looked at: of all who bring an answer to it, one is heard.
    async fn spend<T: DeserializeOwned>(
        &self,
        id: PasskeyCeremonyId,
        account: Option<AccountId>,
    ) -> Result<T, PasskeyError> {
        let now = self.ports.now();
        let ceremony = self.ports.store.passkey_ceremony(id, now).await?.ok_or(PasskeyError::NotTaken)?;
        let mut work = self.ports.store.begin().await?;
        if ceremony.account != account || work.passkey_ceremony_take(id, now).await? == Consumed::Lost {
            return Err(PasskeyError::NotTaken);
        }
        work.commit().await?;
        serde_json::from_str(&ceremony.state).map_err(|_| PasskeyError::NotTaken)
    }
}

fn passkey_of(record: &PasskeyRecord) -> Result<Passkey, PasskeyError> {
    serde_json::from_str(&record.data).map_err(PasskeyError::Stored)
}

fn read<T: DeserializeOwned>(answer: &str) -> Result<T, PasskeyError> {
    if answer.len() > Passkeys::LONGEST_ANSWER {
        return Err(PasskeyError::NotTaken);
    }
    serde_json::from_str(answer).map_err(|_| PasskeyError::NotTaken)
}

fn not_taken(error: &WebauthnError) -> PasskeyError {
    tracing::info!(%error, "a passkey was not taken");
    PasskeyError::NotTaken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r06_passkeys_are_for_the_portals_own_name() {
        let origin = |url: &str| RelyingParty::new(url).origin().map(str::to_owned);
        assert_eq!(origin("https://keys.example.org/"), Some("https://keys.example.org".to_owned()));
        assert_eq!(origin("http://127.0.0.1:4000"), Some("http://localhost:4000".to_owned()));
        assert_eq!(origin("http://[::1]:4000"), Some("http://localhost:4000".to_owned()));
        assert_eq!(origin("https://192.0.2.7"), None);
        assert_eq!(origin("nothing"), None);
    }
}
