//! Keys that the server's own workers look for: those that end soon, those that nobody uses, those that others may have read.

use super::row::{Row, keys_with_surroundings, works_at};
use crate::{
    SeaStore,
    convert::micros,
    entity::{api_key, application, environment},
    error::store_error,
};
use ::time::{Duration, OffsetDateTime};
use latchkey_core::port::{
    NoticeReader, StoreError,
    api_key::{KeyToTell, StoredApiKey},
};
use sea_orm::{
    ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Query},
};

const MICROSECONDS_IN_A_DAY: i64 = 86_400_000_000;

/// Keys that nobody used for so many days; none where that is null.
fn unused_for(days: &Expr, now: OffsetDateTime) -> Condition {
    use api_key::Column;
    let long_ago = |column: Column| {
        let allowed = days.clone().mul(MICROSECONDS_IN_A_DAY);
        Expr::col((api_key::Entity, column)).add(allowed).lte(micros(now))
    };
    let or_never = |column: Column| Condition::any().add(column.is_null()).add(long_ago(column));
    Condition::all()
        .add(long_ago(Column::CreatedAt))
        .add(or_never(Column::LastUsedAt))
        // Whoever switches a key on again has another such while to use it.
        .add(or_never(Column::EnabledAt))
        // A key that waits for its first use is idle on purpose.
        .add(Condition::any().add(Column::TakesOverFrom.is_null()).add(Column::TakeoverStartedAt.is_not_null()))
}

/// Keys that are idle still, for whoever changes them: what [`SeaStore::idle`] finds, in words about the key's own row, which PostgreSQL
/// reads anew once another has written it.
pub(super) fn is_idle(now: OffsetDateTime) -> Condition {
    let days = Query::select()
        .column((environment::Entity, environment::Column::DisableIdleDays))
        .from(environment::Entity)
        .inner_join(
            application::Entity,
            Expr::col((environment::Entity, environment::Column::ApplicationId))
                .equals((application::Entity, application::Column::Id)),
        )
        .and_where(
            Expr::col((environment::Entity, environment::Column::Id))
                .equals((api_key::Entity, api_key::Column::EnvironmentId)),
        )
        .and_where(application::Column::SuspendedAt.is_null())
        .to_owned();
    works_at(now).add(unused_for(&Expr::SubQuery(None, Box::new(days.into())), now))
}

impl SeaStore {
    /// The keys that a question finds, with their people. What is wrong with one row keeps none of the others from being found.
    async fn with_people(&self, query: Select<api_key::Entity>) -> Result<Vec<KeyToTell>, StoreError> {
        let rows = query.into_model::<Row>().all(&self.reader).await.map_err(store_error)?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            match StoredApiKey::try_from(row) {
                Ok(StoredApiKey { key, .. }) => {
                    found.push(KeyToTell { emails: self.people_of(key.owner.holder()).await?, key });
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, key.id = %id, "a key cannot be read");
                }
            }
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
        self.with_people(query).await
    }

    pub(super) async fn exposed(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError> {
        let query = keys_with_surroundings()
            .filter(works_at(now))
            // Not null, in a way that finds them by the index: they are few.
            .filter(api_key::Column::ExposedAt.gt(0))
            .filter(api_key::Column::ExposureTold.eq(false))
            .limit(limit);
        self.with_people(query).await
    }

    pub(super) async fn idle(&self, now: OffsetDateTime, limit: u64) -> Result<Vec<KeyToTell>, StoreError> {
        let days = Expr::col((environment::Entity, environment::Column::DisableIdleDays));
        let query = keys_with_surroundings()
            .filter(works_at(now))
            .filter(environment::Column::DisableIdleDays.is_not_null())
            // Nobody can use what is suspended.
            .filter(application::Column::SuspendedAt.is_null())
            .filter(unused_for(&days, now))
            .limit(limit);
        self.with_people(query).await
    }
}
