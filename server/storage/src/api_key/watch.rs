//! Keys that the server's own workers look for: those that end soon, those that nobody uses, those that others may have read.

use super::row::{keys_with_surroundings, works_at};
use crate::{
    SeaStore,
    convert::micros,
    entity::{api_key, application, environment},
};
use ::time::{Duration, OffsetDateTime};
use latchkey_core::port::{
    NoticeReader, StoreError,
    api_key::{ApiKey, KeyToTell},
};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

const MICROSECONDS_IN_A_DAY: i64 = 86_400_000_000;

impl SeaStore {
    async fn with_people(&self, keys: Vec<ApiKey>) -> Result<Vec<KeyToTell>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(KeyToTell { emails: self.people_of(key.owner.holder()).await?, key });
        }
        Ok(found)
    }

    pub(super) async fn ending(
        &self,
        now: OffsetDateTime,
        before: OffsetDateTime,
        days: u16,
        limit: u64,
    ) -> Result<Vec<KeyToTell>, StoreError> {
        use api_key::Column;
        let days = i64::from(days);
        let life = Expr::col((api_key::Entity, Column::ExpiresAt)).sub(Expr::col((api_key::Entity, Column::CreatedAt)));
        let query = keys_with_surroundings()
            .filter(works_at(now))
            .filter(Column::ExpiresAt.lte(micros(before)))
            .filter(Condition::any().add(Column::ToldDays.is_null()).add(Column::ToldDays.gt(days)))
            // Whoever has begun a rotation knows when it ends, once that is known: while the new key waits for its first use, it is
            // the old one's expiry that comes.
            .filter(Column::RetiresAt.is_null())
            // Whoever makes a key for a week need not be told a minute later that it ends within a month.
            .filter(life.gt(micros(OffsetDateTime::UNIX_EPOCH + Duration::days(days))))
            .order_by_asc(Column::ExpiresAt)
            .limit(limit);
        self.with_people(self.keys(query).await?).await
    }

    pub(super) async fn exposed(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError> {
        let query = keys_with_surroundings()
            .filter(works_at(now))
            // Not null, in a way that finds them by the index: they are few.
            .filter(api_key::Column::ExposedAt.gt(0))
            .filter(api_key::Column::ExposureTold.eq(false))
            .limit(limit);
        self.with_people(self.keys(query).await?).await
    }

    pub(super) async fn idle(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError> {
        use api_key::Column;
        let long_ago = |column: Column| {
            let allowed =
                Expr::col((environment::Entity, environment::Column::DisableIdleDays)).mul(MICROSECONDS_IN_A_DAY);
            Expr::col((api_key::Entity, column)).add(allowed).lte(micros(now))
        };
        let or_never = |column: Column| Condition::any().add(column.is_null()).add(long_ago(column));
        let query = keys_with_surroundings()
            .filter(works_at(now))
            .filter(environment::Column::DisableIdleDays.is_not_null())
            // Nobody can use what is suspended.
            .filter(application::Column::SuspendedAt.is_null())
            .filter(long_ago(Column::CreatedAt))
            .filter(or_never(Column::LastUsedAt))
            // Whoever switches a key on again has another such while to use it.
            .filter(or_never(Column::EnabledAt))
            // A key that waits for its first use is idle on purpose.
            .filter(Condition::any().add(Column::TakesOverFrom.is_null()).add(Column::TakeoverStartedAt.is_not_null()))
            .limit(limit);
        self.with_people(self.keys(query).await?).await
    }
}
