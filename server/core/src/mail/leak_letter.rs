//! What is written about secrets that were found where they must not be.

use super::{Letter, account_letter::unless_link, page_of};
use crate::{
    api_key::PlainApiKey,
    clock::written,
    notice::NoticeKind,
    port::{alert::WatchedEnvironment, api_key::ApiKey, oauth_client::OauthClient},
};
use latchkey_model::{KeyKind, Name};
use time::OffsetDateTime;
use uuid::Uuid;

/// What became of a key that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundKey {
    /// It works on.
    Works,
    /// It is switched off, and may be switched on.
    SwitchedOff,
    /// It is suspended, and may be reinstated.
    Suspended,
    /// It was revoked.
    Revoked,
    /// It had ended by itself, and was revoked so that nobody lets it go on.
    RevokedAfterItsEnd,
}

fn found_at(place: &str) -> String {
    if place.is_empty() { "Where it was found was not said.".to_owned() } else { format!("It was found at {place}.") }
}

impl Letter {
    /// A key was found where secrets must not be: for the first time, or again, if something else became of it then.
    pub fn key_leaked(key: &ApiKey, place: &str, became: FoundKey, first: bool, public_url: &str) -> Self {
        let what = match became {
            FoundKey::Revoked => {
                "It was revoked at once, as its settings ask for: requests with it are refused. Create a new key for its callers."
            }
            FoundKey::RevokedAfterItsEnd => {
                "It had ended by itself. It was revoked all the same, as its settings ask for, so that it cannot be prolonged."
            }
            FoundKey::Works => {
                "It still works. Rotate it now, move your callers, and end it: whoever found it can use it."
            }
            FoundKey::SwitchedOff => {
                "It is switched off, and requests with it are refused. Do not switch it on again, since whoever found it could use it then: revoke it, and create a new key for its callers."
            }
            FoundKey::Suspended => {
                "It is suspended, and requests with it are refused until that ends; whoever found it could use it then. Revoke it, and create a new key for its callers."
            }
        };
        let name = &key.settings.name;
        let (occasion, subject) = if first {
            ("key-leaked", format!("{name} was found where secrets must not be"))
        } else {
            ("key-leak-revoked", format!("{name} was found where secrets must not be again, and was revoked"))
        };
        let text = format!(
            "Somebody reported the {} {name} ({}) of {}. {}\n\n{what}\n{}\n",
            key.owner.kind().label(),
            key.hint(),
            key.owner.name(),
            found_at(place),
            page_of(key, public_url),
        );
        Self::new(NoticeKind::KeyFound, &subject, format!("{occasion}:{}", key.id), text)
    }

    /// A secret or a token of a client was found where secrets must not be; `url` is the client's page.
    pub fn client_secret_leaked(
        client: &OauthClient,
        found: &PlainApiKey,
        place: &str,
        ended: bool,
        url: &str,
    ) -> Self {
        let (name, kind) = (&client.settings.name, found.kind());
        let what = match kind {
            KeyKind::RefreshToken => {
                "It was ended at once, with every token that came of the same sign-in: the app asks its person again."
            }
            KeyKind::AccessToken => {
                "It was revoked at once: requests with it are refused. The client asks for another one by itself."
            }
            KeyKind::Registration => {
                "It was ended at once: the app cannot change what it registered any more. You can, on its page."
            }
            _ if ended => {
                "It was revoked at once, as the settings of its environment ask for: no token is given for it. Add another secret for the client."
            }
            _ if client.suspended.is_some() => {
                "No token is given for it while the client is suspended; whoever found it could be the client after that. Add another secret, give it to the client, and end this one."
            }
            _ => {
                "It still works. Add another secret now, give it to the client, and end this one: whoever found it can be the client."
            }
        };
        let article = if kind == KeyKind::AccessToken { "An" } else { "A" };
        let label = kind.label();
        let subject = format!("{article} {label} of {name} was found where secrets must not be");
        let text = format!(
            "Somebody reported the {label} {} of {name} ({}) of {}. {}\n\n{what}\n{url}\n",
            found.hint(),
            client.client_id,
            client.owner.name(),
            found_at(place),
        );
        let occasion = if ended { "client-secret-ended" } else { "client-secret-leaked" };
        Self::new(NoticeKind::KeyFound, &subject, format!("{occasion}:{}", found.public_id()), text)
    }

    /// A token of a client was sent where others can read it, and ended: its people hear of that once a day. `url` is the client's page.
    pub fn client_token_exposed(client: &OauthClient, at: OffsetDateTime, url: &str) -> Self {
        let name = &client.settings.name;
        let text = format!(
            "At {}, a program sent an access token of {name} ({}) of {} in a URL or over plain HTTP. The request was refused, and the token was revoked at once: whoever keeps that URL or was on the way has it. So is each other one that is sent so; you are told once a day.\n\nMend the program: a token belongs in a header, over https.\n{url}\n",
            written(at),
            client.client_id,
            client.owner.name(),
        );
        let subject = format!("An access token of {name} was sent where others can read it");
        Self::new(NoticeKind::KeyFound, &subject, format!("client-token-exposed:{}:{}", client.id, at.date()), text)
    }

    /// The token with which apps register was found where secrets must not be, and ended; `url` is where another one is made.
    pub fn registration_token_leaked(home: &WatchedEnvironment, found: &PlainApiKey, place: &str, url: &str) -> Self {
        let (application, environment) = (&home.application_name, home.environment);
        let subject = format!("The registration token of {application} was found where secrets must not be");
        let text = format!(
            "Somebody reported the registration token {} of {application} ({environment}). {}\n\nIt was ended at once: no app registers with it any more. Apps that did so work on; look at whether you know them. Make another token there:\n{url}\n",
            found.hint(),
            found_at(place),
        );
        Self::new(NoticeKind::KeyFound, &subject, format!("registration-token-leaked:{}", found.public_id()), text)
    }

    /// What an app acted for the reader with was found where secrets must not be, and ended.
    pub fn app_token_leaked(app: &Name, family: Uuid, place: &str, public_url: &str) -> Self {
        let app = unless_link(app, "An app");
        let subject =
            format!("{app} has to ask you again: what it acted for you with was found where secrets must not be");
        let text = format!(
            "Somebody reported a refresh token with which {app} acts for you. {}\n\nIt was ended at once, with all that came of the same sign-in, so that nobody else acts for you with it. The app asks you again when you use it. What your apps may do:\n{public_url}/account/authorized-apps\n",
            found_at(place),
        );
        Self::new(NoticeKind::KeyFound, &subject, format!("app-token-leaked:{family}"), text)
    }
}
