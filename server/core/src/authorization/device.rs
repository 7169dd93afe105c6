//! Letting an app act that runs where nobody can sign in: the person does so elsewhere, with a short code (RFC 8628).

use super::{Authenticated, OauthError, beginnings::Beginnings, consent::ticked_of, token::granted};
use crate::{
    actor::{Actor, NotSignedIn},
    limit::{Limiter, Quota, network_of},
    lockout::{Lockouts, Subject, TryError, Visitor},
    oauth_client::GrantType,
    openid::ClaimSet,
    port::{
        Consumed, Inserted, StoreError,
        account::Account,
        api::ApiScope,
        device::{DeviceCode, DeviceState},
        grant::SignIn,
        oauth_client::OauthClient,
    },
    ports::Ports,
    random::base62,
    secret::DigestKey,
};
use serde::Serialize;
use std::{fmt, net::IpAddr, num::NonZeroU32, str::FromStr, sync::Arc};
use time::Duration;

/// What the device shows and polls with (RFC 8628 section 3.2).
#[derive(Serialize)]
pub struct DeviceAuthorization {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

/// The code that a person types in: eight consonants, so that no word comes out, in two groups (section 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
struct UserCode(String);

/// The text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has eight letters")]
struct ParseUserCodeError;

impl UserCode {
    const LETTERS: &'static [u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    const LENGTH: usize = 8;

    fn generate(random: &dyn crate::random::Random) -> Self {
        // Bytes from 240 on would make some letters likelier than others.
        let mut code = String::new();
        while code.len() < Self::LENGTH {
            let mut byte = [0];
            random.fill(&mut byte);
            if byte[0] < 240 {
                code.push(char::from(Self::LETTERS[usize::from(byte[0]) % Self::LETTERS.len()]));
            }
        }
        Self(code)
    }
}

impl FromStr for UserCode {
    type Err = ParseUserCodeError;

    /// However it is typed: small or large, with or without what stands between.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 64 {
            return Err(ParseUserCodeError);
        }
        let code: String =
            text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
        let written = code.len() == Self::LENGTH && code.bytes().all(|byte| Self::LETTERS.contains(&byte));
        if written { Ok(Self(code)) } else { Err(ParseUserCodeError) }
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = self.0.split_at(Self::LENGTH / 2);
        write!(f, "{one}-{other}")
    }
}

/// What a person is asked about a device.
#[derive(Debug)]
pub struct DeviceQuestion {
    /// Which app runs on it.
    pub client: OauthClient,
    /// What it wants.
    pub scopes: Vec<ApiScope>,
    /// Who is asked.
    pub account: Account,
}

/// Why a code could not be found or answered.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// No device waits with this code: it was mistyped, has expired, or was answered.
    #[error("no device waits with this code")]
    NotFound,
    /// Too many codes were wrong, or they could not be counted.
    #[error(transparent)]
    Try(#[from] TryError),
    /// The store failed.
    #[error("the code could not be looked up")]
    Store(#[from] StoreError),
}

/// Makes codes for devices, and asks people about them.
#[derive(Clone)]
pub struct DeviceService {
    ports: Ports,
    pepper: DigestKey,
    consent: super::AuthorizationService,
    issuer: Arc<str>,
    /// Wrong codes, by network.
    wrong: Arc<Limiter<IpAddr>>,
    /// Wrong codes of everybody (section 5.1).
    wrong_of_all: Arc<Limiter<()>>,
    lockouts: Lockouts,
    begun: Beginnings,
}

impl DeviceService {
    /// How long a code can be typed in.
    pub const LIFE: Duration = Duration::minutes(10);
    /// How long a device waits between two questions, and how much longer if it does not (section 3.5).
    pub const INTERVAL: Duration = Duration::seconds(5);
    const CODE_LENGTH: usize = 43;
    /// With 20⁸ codes and ten minutes for each, so many guesses find one in some thousand years.
    const WRONG_OF_ALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(599);

    /// The service of this issuer; codes are digested under this pepper, and `quota` is how many wrong ones a network may try.
    pub fn new(
        ports: Ports,
        consent: super::AuthorizationService,
        pepper: DigestKey,
        issuer: Arc<str>,
        quota: Quota,
        lockouts: Lockouts,
    ) -> Self {
        let wrong_of_all = Arc::new(Limiter::new(Quota::per_minute(Self::WRONG_OF_ALL)));
        Self {
            ports,
            pepper,
            consent,
            issuer,
            wrong: Arc::new(Limiter::new(quota)),
            wrong_of_all,
            lockouts,
            begun: Beginnings::new(),
        }
    }

    /// Begins for a device.
    ///
    /// # Errors
    /// [`OauthError`].
    pub async fn begin(
        &self,
        by: &Authenticated,
        scope: Option<&str>,
        from: IpAddr,
    ) -> Result<DeviceAuthorization, OauthError> {
        let client = by.client();
        if !client.settings.grants.contains(GrantType::DeviceCode) {
            return Err(OauthError::UnauthorizedClient);
        }
        self.begun.count(by, from, self.ports.now())?;
        let scopes = granted(scope, &client.settings.scopes)?;
        let device_code = base62(self.ports.random(), Self::CODE_LENGTH);
        let user_code = UserCode::generate(self.ports.random());
        let now = self.ports.now();
        let code = DeviceCode {
            id: self.ports.uuid(),
            digest: self.pepper.digest(device_code.as_bytes()),
            user_code: self.pepper.digest(user_code.0.as_bytes()),
            client: client.id,
            scopes,
            interval: Self::INTERVAL,
            expires_at: now + Self::LIFE,
            polled_at: None,
            state: DeviceState::Waiting,
        };
        let mut work = self.ports.store.begin().await?;
        match work.device_code_add(&code).await? {
            Inserted::Done => work.commit().await?,
            // One in 25,600 million: the device asks again.
            Inserted::Duplicate => return Err(StoreError::Unavailable("the code was taken".into()).into()),
        }
        let page = format!("{}/device", self.issuer);
        Ok(DeviceAuthorization {
            device_code,
            verification_uri_complete: format!("{page}?user_code={user_code}"),
            user_code: user_code.to_string(),
            verification_uri: page,
            expires_in: Self::LIFE.whole_seconds(),
            interval: Self::INTERVAL.whole_seconds(),
        })
    }

    /// What a person is asked who typed in a code.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub async fn question(&self, actor: &Actor, typed: &str, from: IpAddr) -> Result<DeviceQuestion, DeviceError> {
        let account = actor.account()?.clone();
        let (code, client) = self.find(&account, typed, from).await?;
        Ok(DeviceQuestion { client, scopes: self.consent.in_words(&code.scopes).await?, account })
    }

    /// Takes the answer: what was ticked, or nothing.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub async fn answer(
        &self,
        actor: &Actor,
        typed: &str,
        ticked: &[String],
        from: IpAddr,
    ) -> Result<OauthClient, DeviceError> {
        let Actor::Account { account, session, signed_in_at, signed_in_by, .. } = actor else {
            return Err(NotSignedIn.into());
        };
        let (code, client) = self.find(account, typed, from).await?;
        let ticked = ticked_of(&code.scopes, ticked);
        let state = if ticked.is_empty() {
            DeviceState::Denied
        } else {
            let grant = self.consent.allow(actor, account, &client, &ticked).await?;
            let sign_in = SignIn {
                at: *signed_in_at,
                by: *signed_in_by,
                session: *session,
                nonce: None,
                id_token_claims: ClaimSet::default(),
            };
            DeviceState::Allowed { grant: grant.id, scopes: ticked, sign_in }
        };
        let mut work = self.ports.store.begin().await?;
        match work.device_code_answer(code.id, &state, self.ports.now()).await? {
            Consumed::Won => work.commit().await?,
            Consumed::Lost => return Err(DeviceError::NotFound),
        }
        Ok(client)
    }

    /// The device that waits with this code. Wrong codes are counted, right ones are not.
    async fn find(
        &self,
        account: &Account,
        typed: &str,
        from: IpAddr,
    ) -> Result<(DeviceCode, OauthClient), DeviceError> {
        let now = self.ports.now();
        let network = network_of(from);
        for reading in [self.wrong.look(&network, now), self.wrong_of_all.look(&(), now)] {
            if let Some(retry_after) = reading.retry_after() {
                return Err(TryError::Locked { retry_after }.into());
            }
        }
        let attempt = self.lockouts.begin(Subject::DeviceCodes(account.id), &Visitor::at(from)).await?;
        let found = match typed.parse::<UserCode>() {
            Ok(code) => self.ports.store.device_code_by_user_code(&self.pepper.digest(code.0.as_bytes())).await?,
            Err(_) => None,
        };
        let waits = |code: &DeviceCode| code.state == DeviceState::Waiting && code.expires_at > now;
        let found = found.filter(|(code, client)| waits(code) && client.works()).ok_or_else(|| {
            let _ = (self.wrong.check(&network, now), self.wrong_of_all.check(&(), now));
            DeviceError::NotFound
        })?;
        self.lockouts.succeeded(attempt).await?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn rfc8628_6_1_a_code_reads_back_however_it_is_typed() {
        for _ in 0..1_000 {
            let code = UserCode::generate(&SystemRandom);
            let text = code.to_string();
            assert!(text.len() == 9 && !text.contains(['A', 'E', 'I', 'O', 'U', 'Y']), "{text}");
            for typed in
                [text.clone(), text.to_lowercase(), text.replace('-', ""), format!(" {} ", text.replace('-', " "))]
            {
                assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
            }
        }
        for bad in ["", "BCDF", "BCDFGHJKL", "AAAA-AAAA", "BCDF-GHJ1", &"B".repeat(1_000)] {
            assert_eq!(bad.parse::<UserCode>(), Err(ParseUserCodeError), "{bad}");
        }
    }
}
