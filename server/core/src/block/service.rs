//! What admins do with blocks.

use super::{BlockedNetwork, Blocks};
use crate::{
    actor::{Actor, NotAdmin, NotSignedIn},
    audit::{Act, Action, Reason, Tenant},
    port::{Change, Consumed, StoreError, block::Block},
    ports::Ports,
};
use latchkey_model::{BlockId, FieldErrors};
use time::Duration;

/// Why nobody was kept out, or let in again.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// Only an admin may.
    #[error("only an admin may keep somebody out")]
    Forbidden,
    /// Fields need another look.
    #[error("fields need another look")]
    Invalid(FieldErrors),
    /// It is over already.
    #[error("no such block")]
    NotFound,
    /// The store failed.
    #[error("blocks could not be reached")]
    Store(#[from] StoreError),
}

impl From<NotAdmin> for BlockError {
    fn from(error: NotAdmin) -> Self {
        match error {
            NotAdmin::NotSignedIn(error) => Self::NotSignedIn(error),
            NotAdmin::Developer => Self::Forbidden,
        }
    }
}

/// What an admin typed.
#[derive(Debug, Clone, Default)]
pub struct BlockForm {
    /// The address or network.
    pub network: String,
    /// For how many hours.
    pub hours: String,
    /// Why.
    pub reason: String,
}

/// Keeps networks out, and lets them in again.
#[derive(Clone)]
pub struct BlockService {
    ports: Ports,
    blocks: Blocks,
}

impl BlockService {
    /// The longest that a block lasts, in hours: 90 days.
    pub const MAX_HOURS: u32 = 90 * 24;

    /// The service; what it changes holds at once by what this node knows.
    pub fn new(ports: Ports, blocks: Blocks) -> Self {
        Self { ports, blocks }
    }

    /// What is kept out now, the newest first.
    ///
    /// # Errors
    /// [`BlockError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Block>, BlockError> {
        actor.admin()?;
        Ok(self.ports.store.blocks(self.ports.now()).await?)
    }

    /// Keeps a network out.
    ///
    /// # Errors
    /// [`BlockError::Invalid`] also for the network that the admin comes from.
    pub async fn add(&self, actor: &Actor, form: &BlockForm) -> Result<Block, BlockError> {
        let admin = actor.admin()?;
        let now = self.ports.now();
        let mut errors = FieldErrors::default();
        let network = errors.check("network", form.network.parse::<BlockedNetwork>());
        let hours = errors.check("hours", hours(&form.hours));
        let reason = errors.check("reason", form.reason.parse::<Reason>());
        if let (Some(network), Actor::Account { from, .. }) = (network, actor)
            && network.contains(*from)
        {
            errors.add("network", "You come from there yourself, and would lock yourself out");
        }
        let (Some(network), Some(hours), Some(reason), true) = (network, hours, reason, errors.is_empty()) else {
            return Err(BlockError::Invalid(errors));
        };
        let block = Block {
            id: BlockId::from_uuid(self.ports.uuid()),
            network,
            reason,
            created_by: admin.id,
            created_at: now,
            expires_at: now + Duration::hours(hours.into()),
        };
        let mut work = self.ports.store.begin().await?;
        work.block_add(&block).await?;
        work.announce(&Change::Blocks).await?;
        let text = block.network.to_string();
        let act = Act::new(Tenant::Portal, Action::NetworkBlocked, &text, &text)
            .change("until", "", crate::clock::written(block.expires_at))
            .because(block.reason.as_str());
        act.commit_by(actor, work, &self.ports).await?;
        self.blocks.load(now).await?;
        Ok(block)
    }

    /// Lets a network in again before its time.
    ///
    /// # Errors
    /// [`BlockError`].
    pub async fn end(&self, actor: &Actor, id: BlockId, reason: &str) -> Result<(), BlockError> {
        actor.admin()?;
        let now = self.ports.now();
        let mut errors = FieldErrors::default();
        let Some(reason) = errors.check("reason", reason.parse::<Reason>()) else {
            return Err(BlockError::Invalid(errors));
        };
        let block = self.ports.store.blocks(now).await?.into_iter().find(|block| block.id == id);
        let block = block.ok_or(BlockError::NotFound)?;
        let mut work = self.ports.store.begin().await?;
        match work.block_end(id, now).await? {
            Consumed::Won => {}
            Consumed::Lost => return Err(BlockError::NotFound),
        }
        work.announce(&Change::Blocks).await?;
        let text = block.network.to_string();
        let act = Act::new(Tenant::Portal, Action::NetworkUnblocked, &text, &text).because(reason.as_str());
        act.commit_by(actor, work, &self.ports).await?;
        Ok(self.blocks.load(now).await?)
    }
}

fn hours(typed: &str) -> Result<u32, String> {
    let longest = BlockService::MAX_HOURS;
    match typed.trim().parse::<u32>() {
        Ok(hours) if (1..=longest).contains(&hours) => Ok(hours),
        _ => Err(format!("Enter a number of hours from 1 to {longest}")),
    }
}
