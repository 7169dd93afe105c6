//! OAuth clients and service accounts, their secrets, and tokens that were revoked before their end.

use super::{
    Consumed, Inserted, StoreError,
    api_key::KeyOwner,
    suspension::{Suspendable, Suspended},
};
use crate::{
    access_token::Claims,
    api_key::format::{PublicId, hint},
    certificate::{CertificateSubject, ClientCertificate},
    jose::SigningAlgorithm,
    oauth_client::{
        ClientAuthMethod, ClientId, ClientKeys, ClientKind, GrantTypes, Logo, LogoDigest, RedirectUris, TokenForm,
    },
    openid::SubjectType,
};
use async_trait::async_trait;
use latchkey_model::{
    AccountId, ApplicationId, ClientSecretId, Environment, EnvironmentId, KeyKind, Name, OauthClientId, ScopeSet,
    TeamId,
};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};
use url::Url;
use uuid::Uuid;

/// What can be set about a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box that a person ticks")]
pub struct ClientSettings {
    /// What people call it; who is asked for consent reads it.
    pub name: Name,
    /// How it proves that it is itself.
    pub auth_method: ClientAuthMethod,
    /// Which grants it may use.
    pub grants: GrantTypes,
    /// Where people are led back to.
    pub redirect_uris: RedirectUris,
    /// What it may be allowed at most.
    pub scopes: ScopeSet,
    /// How its access tokens are signed.
    pub signing_algorithm: SigningAlgorithm,
    /// How long its access tokens live.
    pub access_token_life: Duration,
    /// How its access tokens are written.
    pub token_form: TokenForm,
    /// What people are called towards it.
    pub subject_type: SubjectType,
    /// Its public keys, where it proves to be itself with one of them.
    pub keys: Option<ClientKeys>,
    /// Which name of its certificate is its own, where an authority signs that.
    pub certificate_subject: Option<CertificateSubject>,
    /// Whether its access tokens must be bound to a key (RFC 9449 section 5.2).
    pub dpop_required: bool,
    /// Whether its access tokens must be bound to the certificate of its connection (RFC 8705 section 3.4).
    pub certificate_bound: bool,
    /// Whether it must send its requests before it sends the person (RFC 9126 section 6).
    pub pushed_only: bool,
    /// Whether it must send a challenge with every request (RFC 7636).
    pub pkce_required: bool,
    /// Whether it keeps to the FAPI 2.0 Security Profile.
    pub high_security: bool,
    /// Where people may be led after they signed out.
    pub post_logout_redirect_uris: RedirectUris,
    /// Where it is told that somebody signed out.
    pub backchannel_logout_uri: Option<Url>,
}

impl ClientSettings {
    /// Whether this certificate is the client's, as far as that is known without asking anybody (RFC 8705 section 2).
    pub fn is_shown_by(&self, certificate: &ClientCertificate) -> bool {
        match (self.auth_method, &self.keys) {
            // Section 2.1: an authority says that the name is theirs.
            (ClientAuthMethod::Tls, _) => {
                certificate.trusted
                    && self.certificate_subject.as_ref().is_some_and(|subject| subject.is_of(certificate))
            }
            // Section 2.2: the certificate itself is known, whoever signed it.
            (ClientAuthMethod::SelfSignedTls, Some(ClientKeys::Certificates(certificates))) => {
                certificates.contains(certificate.thumbprint)
            }
            (ClientAuthMethod::SelfSignedTls, Some(ClientKeys::Inline(keys))) => {
                keys.has_certificate(certificate.thumbprint)
            }
            _ => false,
        }
    }
}

/// A client without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// The row's id.
    pub id: OauthClientId,
    /// Its public name.
    pub client_id: ClientId,
    /// What it is.
    pub kind: ClientKind,
    /// Whose it is: always an environment's.
    pub owner: KeyOwner,
    /// What can be set about it.
    pub settings: ClientSettings,
    /// Who made it.
    pub created_by: AccountId,
    /// What that person is called.
    pub created_by_name: Name,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When somebody ended it.
    pub revoked_at: Option<OffsetDateTime>,
    /// Whether an admin has suspended it, or its application.
    pub suspended: Option<Suspended>,
    /// When an admin said that it is what it says.
    pub verified_at: Option<OffsetDateTime>,
    /// Its picture.
    pub logo: Option<LogoDigest>,
    /// Every token of its own that was made until then was ended.
    pub tokens_ended_at: Option<OffsetDateTime>,
    /// When a request last passed with one of its tokens, to within the writer's pause.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
}

impl OauthClient {
    /// Whether a token of its own was ended with all that it held: its name says when it was made, to the millisecond (RFC 9562
    /// section 5.7).
    pub fn has_ended(&self, token: Uuid) -> bool {
        let Some(ended) = self.tokens_ended_at else { return false };
        let made = token
            .get_timestamp()
            .map(|at| at.to_unix())
            .map(|(seconds, nanoseconds)| i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds));
        made.is_none_or(|made| made <= ended.unix_timestamp_nanos())
    }

    /// Whether it may ask for anything: it is neither ended nor suspended.
    pub const fn works(&self) -> bool {
        self.revoked_at.is_none() && self.suspended.is_none()
    }

    /// Whether it is suspended by itself, and not only with its application.
    pub fn is_suspended_itself(&self) -> bool {
        self.suspended.as_ref().is_some_and(|suspended| suspended.suspension.of == Suspendable::Client)
    }

    /// Whether it can prove to be itself (RFC 6749 section 2.1, confidential).
    pub fn can_authenticate(&self) -> bool {
        self.settings.auth_method != ClientAuthMethod::None
    }
}

/// A secret, as its people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// The row's id.
    pub id: ClientSecretId,
    /// The 12 characters inside the secret that name it.
    pub public_id: PublicId,
    /// Its last four characters.
    pub last_four: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When somebody ended it.
    pub revoked_at: Option<OffsetDateTime>,
    /// When a token was last asked for with it, to within the writer's pause.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
}

impl ClientSecret {
    /// How a person recognises it: `lk_sec_7Gq2…x4Tb`.
    pub fn hint(&self) -> String {
        hint(KeyKind::ClientSecret, self.public_id, &self.last_four)
    }
}

/// What the token endpoint loads of a client.
#[derive(Clone)]
pub struct StoredClient {
    /// The client.
    pub client: OauthClient,
    /// Its secrets, with the HMAC-SHA256 of each under the pepper, ended ones too: a use of those is told to their people.
    pub secrets: Vec<(ClientSecret, [u8; 32])>,
}

/// A client to be added.
#[derive(Clone)]
pub struct NewOauthClient {
    /// The row's id.
    pub id: OauthClientId,
    /// Its public name.
    pub client_id: ClientId,
    /// What it is.
    pub kind: ClientKind,
    /// Whose it is.
    pub environment_id: EnvironmentId,
    /// What can be set about it.
    pub settings: ClientSettings,
    /// Who makes it.
    pub created_by: AccountId,
    /// When.
    pub created_at: OffsetDateTime,
    /// The form's own id: sent twice, it makes one client.
    pub form_id: Uuid,
}

/// A secret to be added.
#[derive(Clone)]
pub struct NewClientSecret {
    /// The row's id.
    pub id: ClientSecretId,
    /// Whose it is.
    pub client: OauthClientId,
    /// The 12 characters inside the secret that name it.
    pub public_id: PublicId,
    /// Its last four characters.
    pub last_four: String,
    /// HMAC-SHA256 of the whole secret under the pepper.
    pub digest: [u8; 32],
    /// Who makes it.
    pub created_by: AccountId,
    /// When.
    pub created_at: OffsetDateTime,
    /// The form's own id.
    pub form_id: Uuid,
}

/// A token that is not good to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokedToken {
    /// The token's own id, its `jti`.
    pub id: Uuid,
    /// Whose it was.
    pub client: OauthClientId,
    /// When it was ended.
    pub revoked_at: OffsetDateTime,
    /// When it would have ended by itself: the row goes then.
    pub expires_at: OffsetDateTime,
}

/// An access token that means nothing but to this server.
#[derive(Clone)]
pub struct OpaqueToken {
    /// The 12 characters inside the token that name it.
    pub public_id: PublicId,
    /// SHA-256 of the whole token, which has 190 bits of its own.
    pub digest: [u8; 32],
    /// Whose it is.
    pub client: OauthClientId,
    /// What it would say if it were signed.
    pub claims: Claims,
}

/// Questions about clients.
#[async_trait]
pub trait OauthClientReader {
    /// The clients of one environment, live ones first, the newest first. A stranger's application has none.
    async fn oauth_clients(
        &self,
        account: AccountId,
        application: ApplicationId,
        environment: Environment,
        kind: ClientKind,
    ) -> Result<Vec<OauthClient>, StoreError>;

    /// One client, if a team of the account owns it.
    async fn oauth_client(&self, account: AccountId, id: OauthClientId) -> Result<Option<OauthClient>, StoreError>;

    /// The secrets of a client, the newest first. Whoever asks has the client already.
    async fn client_secrets(&self, client: OauthClientId) -> Result<Vec<ClientSecret>, StoreError>;

    /// A secret of any client, ended or not, with whose it is and its HMAC-SHA256 under the pepper. Not scoped to an account: somebody
    /// found it.
    async fn client_secret(
        &self,
        public_id: PublicId,
    ) -> Result<Option<(OauthClientId, ClientSecret, [u8; 32])>, StoreError>;

    /// A client by its public name, with its secrets: for the token endpoint.
    async fn oauth_client_for_token(&self, client_id: &ClientId) -> Result<Option<StoredClient>, StoreError>;

    /// The live service accounts that are known by a certificate.
    async fn machines_with_certificates(&self) -> Result<Vec<OauthClient>, StoreError>;

    /// A token that means nothing but to this server.
    async fn opaque_token(&self, public_id: PublicId) -> Result<Option<OpaqueToken>, StoreError>;

    /// Such tokens of a client's own that are good at this time, the newest first, so many at most.
    async fn opaque_tokens(
        &self,
        client: OauthClientId,
        now: OffsetDateTime,
        at_most: u64,
    ) -> Result<Vec<OpaqueToken>, StoreError>;

    /// Every live client that acts for people, those that nobody has verified first.
    async fn clients_for_people(&self) -> Result<Vec<OauthClient>, StoreError>;

    /// One of them.
    async fn client_for_people(&self, id: OauthClientId) -> Result<Option<OauthClient>, StoreError>;

    /// The picture of this name of a client.
    async fn client_logo(&self, client_id: &ClientId, digest: &LogoDigest) -> Result<Option<Vec<u8>>, StoreError>;

    /// When a token was revoked before its end, if it was.
    async fn token_revoked_at(&self, id: Uuid) -> Result<Option<OffsetDateTime>, StoreError>;
}

/// Changes to clients.
#[async_trait]
pub trait OauthClientWriter {
    /// Adds a client; [`Inserted::Duplicate`] when its form was sent before.
    async fn oauth_client_add(&mut self, client: &NewOauthClient) -> Result<Inserted, StoreError>;

    /// Changes a client that is not ended, as long as it is what was read, where that is told: of two who change one client at once, one
    /// is told. With another name or other addresses it is verified no more.
    async fn oauth_client_update(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        read: Option<&ClientSettings>,
        settings: &ClientSettings,
    ) -> Result<Consumed, StoreError>;

    /// Ends a client, and with it every token that it holds.
    async fn oauth_client_revoke(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        by: AccountId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Says that a client is what it says, or says so no more; [`Consumed::Lost`] where it is not what it was when it was looked at.
    async fn oauth_client_verify(
        &mut self,
        client: &OauthClient,
        at: Option<OffsetDateTime>,
    ) -> Result<Consumed, StoreError>;

    /// Gives a client another picture, or takes it away. It is verified no more.
    async fn client_logo_set(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        logo: Option<&Logo>,
    ) -> Result<Consumed, StoreError>;

    /// Ends every token of the client's own that was made until then.
    async fn client_tokens_end(
        &mut self,
        team: TeamId,
        id: OauthClientId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Adds a secret, if the client has fewer than so many live ones; [`Inserted::Duplicate`] otherwise, and when its form was sent
    /// before.
    async fn client_secret_add(&mut self, secret: &NewClientSecret, live_at_most: u64) -> Result<Inserted, StoreError>;

    /// Ends a secret.
    async fn client_secret_revoke(
        &mut self,
        client: OauthClientId,
        id: ClientSecretId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Notes that somebody found a secret that has not ended; the first time stays.
    async fn client_secret_leaked(&mut self, id: ClientSecretId, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Ends a token before its time.
    async fn token_revoke(&mut self, token: &RevokedToken) -> Result<Inserted, StoreError>;

    /// Adds a token that means nothing but to this server.
    async fn opaque_token_add(&mut self, token: &OpaqueToken) -> Result<Inserted, StoreError>;

    /// Spends the name of something that may come once, until it would have ended by itself: of all who try, one wins.
    async fn used_name_add(&mut self, name: &[u8; 32], ends_at: OffsetDateTime) -> Result<Inserted, StoreError>;
}
