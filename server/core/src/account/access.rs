//! Everything that opens an account, or acts for it: ended at once.

use super::session::SessionEnds;
use crate::{
    audit::Act,
    memories::Memories,
    memory::commit_and_forget,
    port::{Change, Consumed, StoreError, UnitOfWork},
    ports::Ports,
};
use latchkey_model::AccountId;

/// Names in the audit log what ended together: keys and tokens, clients, and what apps were allowed.
pub(super) fn naming(act: Act, ended: &[Change]) -> Act {
    let (mut keys, mut clients, mut grants) = (Vec::new(), Vec::new(), Vec::new());
    for change in ended {
        match change {
            Change::Key(id) => keys.push(id.as_str().to_owned()),
            Change::Client(id) => clients.push(id.to_string()),
            Change::Token(id) => grants.push(id.to_string()),
            _ => {}
        }
    }
    let all = [("keys", keys), ("clients", clients), ("grants", grants)];
    all.into_iter().fold(act, |act, (field, ids)| act.change(field, ids.join(" "), ""))
}

/// Ends access. Cloning it clones handles.
#[derive(Clone)]
pub struct AccessEnds {
    ports: Ports,
    sessions: SessionEnds,
    memories: Memories,
}

impl AccessEnds {
    /// What is remembered of credentials is forgotten with their end.
    pub fn new(ports: Ports, sessions: SessionEnds, memories: Memories) -> Self {
        Self { ports, sessions, memories }
    }

    /// Ends the sessions, tokens, authorized apps, identities elsewhere and second factors of an account, and that programs may send
    /// its password; returns what must be forgotten at the commit.
    pub(super) async fn end(&self, work: &mut dyn UnitOfWork, account: AccountId) -> Result<Vec<Change>, StoreError> {
        self.sessions.end(work, account, None).await?;
        work.second_factors_remove(account).await?;
        let (Consumed::Won | Consumed::Lost) = work.account_allow_password(account, false).await?;
        work.account_access_end(account, self.ports.now()).await
    }

    /// Commits that access ended: nothing that did is let in from now on, at no node.
    pub(super) async fn commit(&self, work: Box<dyn UnitOfWork>, mut changes: Vec<Change>) -> Result<(), StoreError> {
        changes.push(Change::Sessions);
        let (memories, forgotten) = (self.memories.clone(), changes.clone());
        let forget = move || forgotten.iter().for_each(|change| memories.forget(change));
        commit_and_forget(work, changes, forget).await?;
        self.sessions.wake();
        Ok(())
    }
}
