//! Everything that is kept about a person, for them to take along (GDPR articles 15 and 20). Secrets, and what only proves them, are
//! not in it.

use crate::{
    actor::{Actor, NotProven},
    clock::written,
    port::{StoreError, api_key::ApiKey},
    ports::Ports,
};
use serde::Serialize;

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Nobody is signed in, or it is too long ago.
    #[error(transparent)]
    NotProven(#[from] NotProven),
    /// The store failed.
    #[error("the data could not be read")]
    Store(#[from] StoreError),
}

/// What is kept about a person. Times are in UTC (RFC 3339).
#[derive(Debug, Serialize)]
pub struct PersonalData {
    exported_at: String,
    account: AccountData,
    teams: Vec<TeamData>,
    sessions: Vec<SessionData>,
    sign_in_methods: SignInData,
    personal_access_tokens: Vec<TokenData>,
    authorized_apps: Vec<AppData>,
    notices: Vec<NoticeData>,
}

#[derive(Debug, Serialize)]
struct AccountData {
    id: String,
    name: String,
    email: String,
    email_confirmed_at: Option<String>,
    role: &'static str,
    created_at: String,
}

#[derive(Debug, Serialize)]
struct TeamData {
    id: String,
    name: String,
    role: &'static str,
}

#[derive(Debug, Serialize)]
struct SessionData {
    browser: String,
    address: String,
    signed_in_at: String,
    last_seen_at: String,
    ends_at: String,
}

#[derive(Debug, Serialize)]
struct SignInData {
    programs_may_send_the_password: bool,
    authenticator_app_since: Option<String>,
    passkeys: Vec<NamedData>,
    recovery_codes_left: u64,
    identities_elsewhere: Vec<IdentityData>,
}

#[derive(Debug, Serialize)]
struct NamedData {
    name: String,
    added_at: String,
    last_used_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct IdentityData {
    provider: String,
    known_there_as: String,
    linked_at: String,
    last_used_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct TokenData {
    name: String,
    hint: String,
    scopes: String,
    notes: String,
    allowed_from: String,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
    last_used_from: Option<String>,
}

#[derive(Debug, Serialize)]
struct NoticeData {
    subject: String,
    text: String,
    told_at: String,
}

#[derive(Debug, Serialize)]
struct AppData {
    name: String,
    scopes: String,
    authorized_at: String,
    ended_at: Option<String>,
}

/// Exports what is kept about people.
#[derive(Clone)]
pub struct PersonalDataService {
    ports: Ports,
}

impl PersonalDataService {
    /// How many notices are in it, the newest first; they are kept for 90 days.
    const NOTICES: u64 = 1_000;

    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Everything that is kept about the actor. It takes a fresh sign-in: whoever finds a browser open does not carry it away.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn export(&self, actor: &Actor) -> Result<PersonalData, ExportError> {
        let now = self.ports.now();
        let account = actor.proven(now)?;
        let (id, store) = (account.id, &self.ports.store);
        let teams = store.memberships(id).await?.into_iter().map(|one| TeamData {
            id: one.team_id.to_string(),
            name: one.team_name.to_string(),
            role: one.role.as_str(),
        });
        let sessions = store.sessions(id, now).await?.into_iter().map(|one| SessionData {
            browser: one.user_agent,
            address: one.address,
            signed_in_at: written(one.created_at),
            last_seen_at: written(one.seen_at),
            ends_at: written(one.expires_at),
        });
        let passkeys = store.passkeys(id).await?.into_iter().map(|one| NamedData {
            name: one.name.to_string(),
            added_at: written(one.created_at),
            last_used_at: one.last_used_at.map(written),
        });
        let identities = store.linked_identities(id).await?.into_iter().map(|one| IdentityData {
            provider: one.provider_name.to_string(),
            known_there_as: one.label,
            linked_at: written(one.linked_at),
            last_used_at: one.last_used_at.map(written),
        });
        let apps = store.grants(id).await?.into_iter().map(|one| AppData {
            name: one.client_name.to_string(),
            scopes: one.grant.scopes.to_string(),
            authorized_at: written(one.grant.created_at),
            ended_at: one.grant.revoked_at.map(written),
        });
        let notices = store.notices(id, false, Self::NOTICES).await?.into_iter().map(|one| NoticeData {
            subject: one.subject,
            text: one.text,
            told_at: written(one.created_at),
        });
        Ok(PersonalData {
            exported_at: written(now),
            account: AccountData {
                id: id.to_string(),
                name: account.name.to_string(),
                email: account.email.to_string(),
                email_confirmed_at: account.email_verified_at.map(written),
                role: account.role.as_str(),
                created_at: written(account.created_at),
            },
            teams: teams.collect(),
            sessions: sessions.collect(),
            sign_in_methods: SignInData {
                programs_may_send_the_password: account.programs_may_use_password,
                authenticator_app_since: store.totp(id).await?.map(|totp| written(totp.created_at)),
                passkeys: passkeys.collect(),
                recovery_codes_left: store.recovery_codes_left(id).await?,
                identities_elsewhere: identities.collect(),
            },
            personal_access_tokens: store.personal_tokens(id, now, None).await?.iter().map(token).collect(),
            authorized_apps: apps.collect(),
            notices: notices.collect(),
        })
    }
}

fn token(key: &ApiKey) -> TokenData {
    TokenData {
        name: key.settings.name.to_string(),
        hint: key.hint(),
        scopes: key.settings.scopes.to_string(),
        notes: key.settings.notes.to_string(),
        allowed_from: key.settings.allowed_from.to_string(),
        created_at: written(key.created_at),
        expires_at: key.settings.expires_at.map(written),
        revoked_at: key.revoked.map(|revoked| written(revoked.at)),
        last_used_at: key.last_used_at.map(written),
        last_used_from: key.last_used_from.map(|address| address.to_string()),
    }
}
