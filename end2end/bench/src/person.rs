//! A person for the load: a token of theirs, and a browser that is signed in.

use crate::seed::Seeded;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_core::{
    account::SignInMethod,
    api_key::{CreateApiKey, KeyForm},
    port::{Inserted, session::SessionRecord},
    secret::sha256,
};
use latchkey_model::{AccountId, SessionId};
use serde_json::json;
use time::Duration;

/// What a person's programs send.
pub(crate) struct Person {
    /// A personal access token.
    pub(crate) token: String,
    /// The value of the portal's cookie.
    pub(crate) session: String,
}

/// Makes both for the account that owns everything.
pub(crate) async fn make(seeded: &Seeded) -> Result<Person, Box<dyn std::error::Error>> {
    let ports = &seeded.services.ports;
    let form = KeyForm { name: "Bench", scopes: &["read:posts".to_owned()], expiry: "30", ..KeyForm::default() };
    let create = CreateApiKey { form, form_id: ports.uuid() };
    let token = seeded.services.personal_tokens.create(&seeded.actor(), create).await?;
    let session = sign_in(seeded, seeded.account.id).await?;
    Ok(Person { token: token.plain.expose().to_owned(), session })
}

/// Signs somebody in, and says what their browser's cookie is.
pub(crate) async fn sign_in(seeded: &Seeded, account: AccountId) -> Result<String, Box<dyn std::error::Error>> {
    let ports = &seeded.services.ports;
    let mut id = [0; 16];
    ports.random().fill(&mut id);
    let (now, digest) = (ports.now(), sha256(&id));
    let values = json!({
        "account": account,
        "password_version": 0,
        "method": SignInMethod::PASSWORD.as_str(),
        "began": now.unix_timestamp(),
        "seen": now.unix_timestamp(),
    });
    let session = SessionRecord {
        id: SessionId::from_uuid(ports.uuid()),
        digest,
        account_id: Some(account),
        password_version: 0,
        method: SignInMethod::PASSWORD,
        data: seeded.services.session_values.seal(&digest, values.to_string().as_bytes())?,
        created_at: now,
        seen_at: now,
        expires_at: now + Duration::DAY,
        user_agent: String::new(),
        address: "127.0.0.1".to_owned(),
    };
    let mut work = ports.store.begin().await?;
    if work.session_add(&session).await? == Inserted::Duplicate {
        return Err("the session is there already".into());
    }
    work.commit().await?;
    Ok(URL_SAFE_NO_PAD.encode(id))
}
