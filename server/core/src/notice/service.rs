//! What a person reads of their notices, and which they want as mail.

use super::NoticeKind;
use crate::{
    actor::{Actor, NotSignedIn},
    batches::remove_in_batches,
    port::{Consumed, Removed, StoreError, notice::Notice},
    ports::Ports,
};
use latchkey_model::{AccountId, NoticeId};
use std::future;
use uuid::Uuid;

/// Why notices were not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// Nobody is signed in.
    #[error(transparent)]
    NotSignedIn(#[from] NotSignedIn),
    /// There is no such notice.
    #[error("no such notice")]
    NotFound,
    /// The store failed.
    #[error("the notices could not be reached")]
    Store(#[from] StoreError),
}

/// How many notices a part of a batch changes or removes.
const PART: u64 = 16;

/// Removes all notices of an account, in batches that hold up nobody.
pub(crate) async fn remove_all(ports: &Ports, account: AccountId) -> Result<(), StoreError> {
    remove_in_batches(
        &*ports.store,
        ()..(),
        u64::MAX,
        PART,
        |_, limit| future::ready(Ok(limit)),
        |work, _, limit| {
            Box::pin(async move { Ok(Removed { rows: work.notices_remove(account, limit).await?, rest: () }) })
        },
    )
    .await?;
    Ok(())
}

/// Shows notices.
#[derive(Clone)]
pub struct NoticeService {
    ports: Ports,
}

impl NoticeService {
    /// How many a banner shows at once.
    const IN_BANNER: u64 = 3;
    /// How many the page shows.
    const ON_PAGE: u64 = 100;

    /// The service.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The newest that the actor has not seen; nothing for a visitor.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unseen(&self, actor: &Actor) -> Result<Vec<Notice>, StoreError> {
        match actor.account() {
            Ok(account) => self.ports.store.notices(account.id, true, Self::IN_BANNER).await,
            Err(NotSignedIn) => Ok(Vec::new()),
        }
    }

    /// The actor's notices, the newest first.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Notice>, NoticeError> {
        Ok(self.ports.store.notices(actor.account()?.id, false, Self::ON_PAGE).await?)
    }

    /// Notes that the actor has seen a notice.
    ///
    /// # Errors
    /// [`NoticeError::NotFound`] for somebody else's, and for one that was seen before.
    pub async fn dismiss(&self, actor: &Actor, id: NoticeId) -> Result<(), NoticeError> {
        let account = actor.account()?;
        let mut work = self.ports.store.begin().await?;
        match work.notice_seen(account.id, id, self.ports.now()).await? {
            Consumed::Won => Ok(work.commit().await?),
            Consumed::Lost => Err(NoticeError::NotFound),
        }
    }

    /// Notes that the actor has seen all of them, in batches that hold up nobody.
    ///
    /// # Errors
    /// [`NoticeError::Store`]: those that were noted before stay so.
    pub async fn dismiss_all(&self, actor: &Actor) -> Result<(), NoticeError> {
        let account = actor.account()?.id;
        let (store, now) = (&*self.ports.store, self.ports.now());
        // Nobody has seen those that come meanwhile.
        let Some(newest) = store.notices(account, true, 1).await?.pop() else { return Ok(()) };
        let first = NoticeId::from_uuid(Uuid::nil());
        remove_in_batches(
            store,
            first..newest.id,
            u64::MAX,
            PART,
            |_, limit| future::ready(Ok(limit)),
            |work, ids, limit| {
                Box::pin(async move { work.notices_seen(account, ids.start..=ids.end, now, limit).await })
            },
        )
        .await?;
        Ok(())
    }

    /// The kinds that the actor wants no mail of.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn muted(&self, actor: &Actor) -> Result<Vec<NoticeKind>, NoticeError> {
        Ok(self.ports.store.muted_notices(actor.account()?.id).await?)
    }

    /// The kinds of which the actor may choose whether they are mailed: what concerns admins alone is nobody else's to choose.
    pub fn choices(actor: &Actor) -> impl Iterator<Item = NoticeKind> + use<> {
        let is_admin = actor.admin().is_ok();
        let chosen = move |kind: &NoticeKind| kind.may_be_muted() && (is_admin || *kind != NoticeKind::Portal);
        NoticeKind::ALL.into_iter().filter(chosen)
    }

    /// Says which kinds the actor wants mail of; those that may not be muted are mailed all the same.
    ///
    /// # Errors
    /// [`NoticeError`].
    pub async fn choose(&self, actor: &Actor, wanted: &[NoticeKind]) -> Result<(), NoticeError> {
        let account = actor.account()?;
        let muted: Vec<_> = Self::choices(actor).filter(|kind| !wanted.contains(kind)).collect();
        let mut work = self.ports.store.begin().await?;
        work.notices_mute(account.id, &muted).await?;
        Ok(work.commit().await?)
    }
}
