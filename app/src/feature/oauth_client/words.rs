//! What pages call each kind of client.

use crate::route;
use latchkey_core::oauth_client::ClientKind;
use latchkey_model::{ApplicationId, Environment};

/// The words of one kind.
pub(super) struct Words {
    /// Many of them, as a title.
    pub(super) many: &'static str,
    /// One of them, in a sentence.
    pub(super) one: &'static str,
    /// What they are, under the title.
    pub(super) explanation: &'static str,
    /// What to say where there is none.
    pub(super) empty: &'static str,
    /// An example of a name.
    pub(super) name_hint: &'static str,
    /// What the scopes are to it.
    pub(super) scopes: &'static str,
    /// The list in another environment.
    pub(super) list: fn(ApplicationId, Environment) -> String,
}

impl Words {
    pub(super) const fn of(kind: ClientKind) -> &'static Self {
        match kind {
            ClientKind::ThirdParty => &Self {
                many: "OAuth clients",
                one: "OAuth client",
                explanation: "Apps that people let act for them. Each sends people here to ask, and gets tokens for what they allow.",
                empty: "An OAuth client is an app that acts for people: they see what it asks for, allow it or not, and can take it back.",
                name_hint: "People read it when they are asked, for example Reading list.",
                scopes: "What it may ask people for",
                list: |application, environment| route::clients(ClientKind::ThirdParty, application, environment),
            },
            ClientKind::ServiceAccount => &Self {
                many: "Service accounts",
                one: "service account",
                explanation: "Machines of this application. Each asks the token endpoint for short-lived tokens.",
                empty: "A service account is a machine: it asks for tokens that live some minutes, and calls the API with them.",
                name_hint: "The machine or job, for example Nightly import.",
                scopes: "What it may do at most",
                list: |application, environment| route::clients(ClientKind::ServiceAccount, application, environment),
            },
        }
    }
}
