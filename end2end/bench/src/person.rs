//! A person for the load: a token of theirs, and a browser that is signed in.

use crate::seed::Seeded;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use latchkey_core::{
    account::SignInMethod,
    api_key::{CreateApiKey, KeyForm},
    port::{Inserted, session::SessionRecord},
    secret::sha256,
};
use latchkey_model::SessionId;
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
    let mut id = [0; 16];
    ports.random().fill(&mut id);
    let now = ports.now();
    let session = SessionRecord {
        id: SessionId::from_uuid(ports.uuid()),
        digest: sha256(&id),
        account_id: Some(seeded.account.id),
        password_version: 0,
        method: SignInMethod::PASSWORD,
        data: "{}".to_owned(),
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
    Ok(Person { token: token.plain.expose().to_owned(), session: URL_SAFE_NO_PAD.encode(id) })
}
