//! What an access token says (RFC 9068 section 2.2).

use super::{Audiences, Confirmation};
use crate::oauth_client::ClientId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The `typ` of an access token (RFC 9068 section 2.1).
pub const TYPE: &str = "at+jwt";
/// The name of the demo API in tokens, and where it is (RFC 9728 section 1.2, RFC 8707 section 2).
pub fn demo_api(issuer: &str) -> String {
    format!("{issuer}/api/v1")
}

/// The name of the gateway in tokens: what a service account asks it needs a token of its own, which no API can pass on.
pub fn gateway(issuer: &str) -> String {
    format!("{issuer}/gateway")
}

/// The claims of an access token. All of them are required, and times are whole numbers of seconds: a token that says `"exp": "…"` is
/// not read at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// Whom it stands for: the client itself, where nobody consented to anything.
    pub sub: String,
    /// For which APIs it is.
    pub aud: Audiences,
    /// The client that holds it.
    pub client_id: String,
    /// What it may do.
    pub scope: String,
    /// Its own id.
    pub jti: Uuid,
    /// When it was made, in Unix seconds.
    pub iat: i64,
    /// When it ends, in Unix seconds.
    pub exp: i64,
    /// What a person allowed, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "gid")]
    pub grant: Option<Uuid>,
    /// All tokens of that person's one consent in one browser.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "fam")]
    pub family: Option<Uuid>,
    /// The key that it is bound to, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The token that it was exchanged for, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "drv")]
    pub derived: Option<Derived>,
    /// Who acts for whoever it stands for (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActingClient>,
}

/// What a token that was exchanged for another rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// The other token: it ends this one.
    pub from: Uuid,
    /// The client that held it.
    pub client: ClientId,
}

/// The claim `act`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActingClient {
    /// Which client acts.
    pub sub: String,
}

impl Claims {
    /// Whether the token stands for its client.
    pub fn is_the_clients_own(&self) -> bool {
        self.sub == self.client_id
    }

    /// The client, if its name is one of ours.
    pub fn client(&self) -> Option<ClientId> {
        self.client_id.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn r33_times_are_whole_numbers_and_nothing_is_optional() {
        let good = json!({
            "iss": "https://latchkey.test", "sub": "lkc_x", "aud": "https://latchkey.test/api/v1", "client_id": "lkc_x", "scope": "read:posts",
            "jti": "01a20000-0000-7000-8000-000000000001", "iat": 1, "exp": 2,
        });
        assert!(serde_json::from_value::<Claims>(good.clone()).is_ok());
        for (claim, value) in [
            ("exp", json!("2")),
            ("exp", json!(2.5)),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("exp", json!([2])),
            ("iat", json!("1")),
            ("aud", json!([7])),
            ("aud", Value::Null),
        ] {
            let mut bad = good.clone();
            bad[claim] = value.clone();
            assert!(serde_json::from_value::<Claims>(bad).is_err(), "{claim}: {value}");
        }
        for claim in ["iss", "sub", "aud", "client_id", "scope", "jti", "iat", "exp"] {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(claim);
            assert!(serde_json::from_value::<Claims>(bad).is_err(), "r38: without {claim}");
        }
    }
}
