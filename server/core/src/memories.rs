//! Everything that is remembered of credentials, and what other nodes change about them.

use crate::{
    access_token::KnownTokens,
    authn::{KnownKeys, KnownPeople},
    block::Blocks,
    clock::Clock,
    gateway::KnownApis,
    oauth_client::KnownClients,
    port::{Change, Changes},
};
use std::sync::Arc;

/// What is remembered of keys, clients, tokens, APIs and people.
#[derive(Clone)]
pub struct Memories {
    /// Keys.
    pub keys: KnownKeys,
    /// Clients.
    pub clients: KnownClients,
    /// Tokens.
    pub tokens: KnownTokens,
    /// APIs.
    pub apis: KnownApis,
    /// People who come as themselves.
    pub people: KnownPeople,
    /// Who is kept out.
    pub blocks: Blocks,
    /// What the time is.
    pub clock: Arc<dyn Clock>,
}

impl Memories {
    /// Listens to what other nodes change, until they are gone.
    pub async fn listen(self, changes: Changes) {
        let Changes::Heard(mut changes) = changes else { return };
        // Until the line stands, nothing is heard.
        self.set_deaf(true);
        while let Some(change) = changes.recv().await {
            self.forget(&change);
            if matches!(change, Change::Blocks | Change::Hearing)
                && let Err(error) = self.blocks.load(self.clock.now()).await
            {
                tracing::error!(error = &error as &dyn std::error::Error, "who is kept out could not be read anew");
            }
        }
        self.set_deaf(true);
        self.forget_all();
    }

    /// Forgets what a change made untrue.
    pub fn forget(&self, change: &Change) {
        match change {
            Change::Key(id) => self.keys.forget(*id),
            Change::Client(id) => {
                self.clients.forget(id);
                self.tokens.forget_client(id);
            }
            Change::Token(id) => self.tokens.forget_token(*id),
            Change::Apis => self.apis.forget(),
            Change::Sessions => self.people.forget_sessions(),
            // Rare, and it may reach far: whatever rests on it is looked up anew, also what came to be meanwhile.
            Change::Suspensions => self.forget_all(),
            // They are read anew: while they are, what was known holds on.
            Change::Blocks => {}
            Change::Deaf => {
                self.set_deaf(true);
                self.forget_all();
            }
            Change::Hearing => {
                self.forget_all();
                self.set_deaf(false);
            }
        }
    }

    fn set_deaf(&self, deaf: bool) {
        self.keys.set_deaf(deaf);
        self.clients.set_deaf(deaf);
        self.tokens.set_deaf(deaf);
        self.apis.set_deaf(deaf);
        self.people.set_deaf(deaf);
    }

    fn forget_all(&self) {
        self.keys.forget_all();
        self.clients.forget_all();
        self.tokens.forget_all();
        self.apis.forget_all();
        self.people.forget_sessions();
    }
}
