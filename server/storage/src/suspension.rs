//! Accounts, applications and clients that an admin suspends.

use crate::{
    SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{account, application, oauth_client},
    error::{Corrupt, store_error},
    work::consumed,
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    audit::Reason,
    port::{
        Consumed, StoreError, SuspensionWriter,
        suspension::{Suspendable, SuspendableId, Suspended, Suspension},
    },
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

/// Whether a row says that it is suspended.
pub(crate) fn suspension(of: Suspendable, at: Option<i64>) -> Result<Option<Suspension>, Corrupt> {
    at.map(|at| Ok(Suspension { of, at: time(at)? })).transpose()
}

/// The same with why.
pub(crate) fn suspended(of: Suspendable, at: Option<i64>, because: Option<&str>) -> Result<Option<Suspended>, Corrupt> {
    let Some(suspension) = suspension(of, at)? else { return Ok(None) };
    Ok(Some(Suspended { suspension, because: word(because.unwrap_or_default(), "reason")? }))
}

impl SeaUnitOfWork {
    async fn set_suspended(
        &self,
        what: SuspendableId,
        now: Option<(OffsetDateTime, &Reason)>,
    ) -> Result<Consumed, StoreError> {
        let at = Set(now.map(|(at, _)| micros(at)));
        let because = Set(now.map(|(_, because)| because.as_str().to_owned()));
        // What is suspended already keeps since when and why.
        let suspending = now.is_some();
        let done = match what {
            SuspendableId::Account(id) => {
                use account::{ActiveModel, Column, Entity};
                let set = ActiveModel { suspended_at: at, suspended_because: because, ..Default::default() };
                let change = Entity::update_many()
                    .set(set)
                    .filter(Column::Id.eq(id.as_uuid()))
                    .filter(Column::DeletedAt.is_null())
                    .filter(if suspending { Column::SuspendedAt.is_null() } else { Column::SuspendedAt.is_not_null() });
                change.exec(&self.transaction).await
            }
            SuspendableId::Application(id) => {
                use application::{ActiveModel, Column, Entity};
                let set = ActiveModel { suspended_at: at, suspended_because: because, ..Default::default() };
                let change = Entity::update_many().set(set).filter(Column::Id.eq(id.as_uuid())).filter(if suspending {
                    Column::SuspendedAt.is_null()
                } else {
                    Column::SuspendedAt.is_not_null()
                });
                change.exec(&self.transaction).await
            }
            SuspendableId::Client(id) => {
                use oauth_client::{ActiveModel, Column, Entity};
                let set = ActiveModel { suspended_at: at, suspended_because: because, ..Default::default() };
                let change = Entity::update_many()
                    .set(set)
                    .filter(Column::Id.eq(id.as_uuid()))
                    .filter(Column::RevokedAt.is_null())
                    .filter(if suspending { Column::SuspendedAt.is_null() } else { Column::SuspendedAt.is_not_null() });
                change.exec(&self.transaction).await
            }
        };
        Ok(consumed(done.map_err(store_error)?.rows_affected))
    }
}

#[async_trait]
impl SuspensionWriter for SeaUnitOfWork {
    async fn suspend(
        &mut self,
        what: SuspendableId,
        at: OffsetDateTime,
        because: &Reason,
    ) -> Result<Consumed, StoreError> {
        self.set_suspended(what, Some((at, because))).await
    }

    async fn reinstate(&mut self, what: SuspendableId) -> Result<Consumed, StoreError> {
        self.set_suspended(what, None).await
    }
}
