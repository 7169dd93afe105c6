//! What people allowed OAuth clients to do, and what was given for it.

use super::{Consumed, Inserted, StoreError, suspension::Suspension};
use crate::{
    access_token::Binding, account::SignInMethod, api_key::format::PublicId, oauth_client::ClientId, openid::ClaimSet,
    port::session::SessionDigest, secret::sha256,
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_model::{AccountId, GrantId, Name, OauthClientId, ScopeSet};
use std::net::IpAddr;
use time::OffsetDateTime;
use uuid::Uuid;

/// What an account allowed a client to do, until it is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// Who allowed it.
    pub account: AccountId,
    /// To whom.
    pub client: OauthClientId,
    /// What.
    pub scopes: ScopeSet,
    /// Since when.
    pub created_at: OffsetDateTime,
    /// When somebody ended it.
    pub revoked_at: Option<OffsetDateTime>,
}

/// A grant as the account that gave it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantInView {
    /// The grant.
    pub grant: Grant,
    /// What the client is called.
    pub client_name: Name,
    /// Which application it belongs to.
    pub application_name: Name,
    /// That client's public name.
    pub client_id: ClientId,
    /// When a request last passed with one of its tokens.
    pub last_used_at: Option<OffsetDateTime>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
}

/// How a person had signed in when an app was given something: what its ID tokens say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// When.
    pub at: OffsetDateTime,
    /// How.
    pub by: SignInMethod,
    /// In which session: it ends what the app was given where the app is told of sign-outs.
    pub session: SessionDigest,
    /// By what the client recognises its own request; for the first ID token alone.
    pub nonce: Option<String>,
    /// What the client asked to be told in the ID token, and the person allowed.
    pub id_token_claims: ClaimSet,
}

/// A session's name towards clients: not the digest itself, which only the store knows.
pub fn session_name(session: &SessionDigest) -> String {
    URL_SAFE_NO_PAD.encode(sha256(&[b"sid", session.as_slice()].concat()))
}

/// A request that a client sent before it sent the person (RFC 9126).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// Its id.
    pub id: Uuid,
    /// HMAC-SHA256 of its name under the pepper.
    pub digest: [u8; 32],
    /// Whose it is.
    pub client: OauthClientId,
    /// The parameters, as a query.
    pub parameters: String,
    /// Until when it can be opened, and once it is, answered.
    pub expires_at: OffsetDateTime,
    /// Whether a browser came with it.
    pub opened: bool,
    /// When it was answered.
    pub consumed_at: Option<OffsetDateTime>,
}

/// A code that a client gets by way of a browser (RFC 6749 section 4.1.2).
#[derive(Clone)]
pub struct AuthorizationCode {
    /// Its id, and that of the family of tokens that it gives.
    pub id: Uuid,
    /// HMAC-SHA256 of the code under the pepper.
    pub digest: [u8; 32],
    /// What it is for.
    pub grant: GrantId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What its verifier must hash to (RFC 7636); none where the client may do without.
    pub challenge: Option<String>,
    /// What it gives.
    pub scopes: ScopeSet,
    /// How the person had signed in.
    pub sign_in: SignIn,
    /// The key that must redeem it (RFC 9449 section 10).
    pub binding: Option<Binding>,
    /// Until when it can be redeemed.
    pub expires_at: OffsetDateTime,
    /// When it was.
    pub consumed_at: Option<OffsetDateTime>,
}

/// All tokens that came of one consent in one browser: they end together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFamily {
    /// Its id.
    pub id: Uuid,
    /// What they are for.
    pub grant: Grant,
    /// What the account is called, for pages and answers.
    pub account_name: Name,
    /// Whether that account is suspended.
    pub suspended: Option<Suspension>,
    /// How the person had signed in.
    pub sign_in: SignIn,
    /// The key that its refresh tokens are bound to.
    pub binding: Option<Binding>,
    /// When they end, however often they are refreshed.
    pub expires_at: OffsetDateTime,
    /// When they were ended before.
    pub ended_at: Option<OffsetDateTime>,
}

/// A family to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTokenFamily {
    /// Its id.
    pub id: Uuid,
    /// What its tokens are for.
    pub grant: GrantId,
    /// How the person had signed in.
    pub sign_in: SignIn,
    /// The key that its refresh tokens are bound to.
    pub binding: Option<Binding>,
    /// When it ends.
    pub expires_at: OffsetDateTime,
}

impl TokenFamily {
    /// When the family, or the grant with all of its families, was ended.
    pub fn ended(&self) -> Option<OffsetDateTime> {
        self.ended_at.or(self.grant.revoked_at)
    }
}

/// A refresh token (RFC 6749 section 1.5).
#[derive(Clone)]
pub struct RefreshToken {
    /// Its row.
    pub id: Uuid,
    /// The 12 characters inside the token that name it.
    pub public_id: PublicId,
    /// HMAC-SHA256 of the whole token under the pepper.
    pub digest: [u8; 32],
    /// Its family.
    pub family: Uuid,
    /// The token that it was given for; none for the first of its family.
    pub parent: Option<Uuid>,
    /// The access token that was given with it: once that was used, the answer had arrived.
    pub access_token: Uuid,
    /// What it gives.
    pub scopes: ScopeSet,
    /// When it ends if nobody uses it.
    pub expires_at: OffsetDateTime,
    /// When it was used.
    pub consumed_at: Option<OffsetDateTime>,
    /// When it was ended without being used, since another was given in its place.
    pub ended_at: Option<OffsetDateTime>,
}

/// Questions about grants.
#[async_trait]
pub trait GrantReader {
    /// What an account allows, the newest first.
    async fn grants(&self, account: AccountId) -> Result<Vec<GrantInView>, StoreError>;

    /// What an account allows a client, if anything.
    async fn grant_of(&self, account: AccountId, client: OauthClientId) -> Result<Option<Grant>, StoreError>;

    /// A grant by its id, ended or not.
    async fn grant(&self, id: GrantId) -> Result<Option<Grant>, StoreError>;

    /// A code, with the client that it is for.
    async fn authorization_code(&self, digest: &[u8; 32]) -> Result<Option<(AuthorizationCode, Grant)>, StoreError>;

    /// A request that a client sent before.
    async fn pushed_request(&self, digest: &[u8; 32]) -> Result<Option<PushedRequest>, StoreError>;

    /// A family with its grant.
    async fn token_family(&self, id: Uuid) -> Result<Option<TokenFamily>, StoreError>;

    /// A refresh token, and whether one that was given for it has been used.
    async fn refresh_token(&self, public_id: PublicId) -> Result<Option<(RefreshToken, bool)>, StoreError>;
}

/// Changes to grants.
#[async_trait]
pub trait GrantWriter {
    /// Adds a grant.
    async fn grant_add(&mut self, grant: &Grant) -> Result<Inserted, StoreError>;

    /// Changes what a live grant allows.
    async fn grant_set_scopes(&mut self, id: GrantId, scopes: &ScopeSet) -> Result<Consumed, StoreError>;

    /// Ends a grant of the account's, and with it every family.
    async fn grant_revoke(
        &mut self,
        account: AccountId,
        id: GrantId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Adds a code.
    async fn authorization_code_add(&mut self, code: &AuthorizationCode) -> Result<Inserted, StoreError>;

    /// Spends a code: of all who try, one wins.
    async fn authorization_code_consume(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Adds a request that a client sent before.
    async fn pushed_request_add(&mut self, request: &PushedRequest) -> Result<Inserted, StoreError>;

    /// Lets a request that nobody has opened be answered until this time.
    async fn pushed_request_open(&mut self, id: Uuid, until: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Spends a request: of all who try, one wins.
    async fn pushed_request_consume(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Adds a family, if its grant is live.
    async fn token_family_add(&mut self, family: &NewTokenFamily) -> Result<Inserted, StoreError>;

    /// Ends a family.
    async fn token_family_end(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Adds a refresh token.
    async fn refresh_token_add(&mut self, token: &RefreshToken) -> Result<Inserted, StoreError>;

    /// Spends a refresh token, if its family is live: of all who try, one wins.
    async fn refresh_token_consume(&mut self, id: Uuid, at: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Spends it once more, where its answer was lost: only if it was last spent at the time that the caller saw.
    async fn refresh_token_consume_again(
        &mut self,
        id: Uuid,
        seen: OffsetDateTime,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Lets a live refresh token that is not spent by its use go on until this time.
    async fn refresh_token_prolong(&mut self, id: Uuid, until: OffsetDateTime) -> Result<Consumed, StoreError>;

    /// Ends what was given for a refresh token and was not used.
    async fn refresh_token_end_unused(&mut self, parent: Uuid, at: OffsetDateTime) -> Result<u64, StoreError>;
}
