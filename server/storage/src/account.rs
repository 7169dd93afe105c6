//! Accounts, teams, and the link that makes the first admin.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{account, membership, setup_link, team},
    error::store_error,
    suspension::suspended,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    AccountReader, AccountWriter, Consumed, Inserted, StoreError,
    account::{Account, KnownAddress, Membership, PasswordHash},
    suspension::Suspendable,
};
use latchkey_model::{AccountId, AccountRole, EmailAddress, Name, TeamId, TeamRole};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
    UpdateMany, sea_query::OnConflict,
};

pub(crate) fn from_row(row: account::Model) -> Result<(Account, PasswordHash), StoreError> {
    let account = Account {
        id: AccountId::from_uuid(row.id),
        email: word(&row.email, "address")?,
        name: word(&row.name, "name")?,
        role: word(&row.role, "role")?,
        created_at: time(row.created_at)?,
        email_verified_at: row.email_verified_at.map(time).transpose()?,
        password_version: row.password_version,
        has_second_factor: row.has_second_factor,
        programs_may_use_password: row.programs_may_use_password,
        suspended: suspended(Suspendable::Account, row.suspended_at, row.suspended_because.as_deref())?.map(Box::new),
    };
    Ok((account, PasswordHash(row.password_hash)))
}

#[async_trait]
impl AccountReader for SeaStore {
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let live = account::Entity::find_by_id(id.as_uuid()).filter(account::Column::DeletedAt.is_null());
        let row = live.one(&self.reader).await.map_err(store_error)?;
        Ok(row.map(from_row).transpose()?.map(|(account, _)| account))
    }

    async fn account_by_email(&self, canonical: &str) -> Result<Option<(Account, PasswordHash)>, StoreError> {
        account::Entity::find()
            .filter(account::Column::EmailCanonical.eq(canonical))
            .filter(account::Column::DeletedAt.is_null())
            .one(&self.reader)
            .await
            .map_err(store_error)?
            .map(from_row)
            .transpose()
    }

    async fn memberships(&self, account: AccountId) -> Result<Vec<Membership>, StoreError> {
        let rows = membership::Entity::find()
            .find_also_related(team::Entity)
            .filter(membership::Column::AccountId.eq(account.as_uuid()))
            .order_by_asc(membership::Column::CreatedAt)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .filter_map(|(membership, team)| Some((membership, team?)))
            .map(|(membership, team)| {
                Ok(Membership {
                    team_id: TeamId::from_uuid(team.id),
                    team_name: word(&team.name, "name")?,
                    role: word(&membership.role, "role")?,
                })
            })
            .collect()
    }

    async fn known_addresses(&self) -> Result<Vec<KnownAddress>, StoreError> {
        const MOST: u64 = 100_000;
        let rows = account::Entity::find()
            .filter(account::Column::DeletedAt.is_null())
            .order_by_desc(account::Column::Id)
            .limit(MOST)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let known = |row: account::Model| KnownAddress {
            account: AccountId::from_uuid(row.id),
            email: row.email,
            canonical: row.email_canonical,
        };
        Ok(rows.into_iter().map(known).collect())
    }

    async fn account_count(&self) -> Result<u64, StoreError> {
        let accounts = account::Entity::find().filter(account::Column::DeletedAt.is_null());
        accounts.count(&self.reader).await.map_err(store_error)
    }

    async fn admin_emails(&self) -> Result<Vec<String>, StoreError> {
        let admins = account::Entity::find()
            .filter(account::Column::Role.eq(AccountRole::Admin.as_str()))
            .filter(account::Column::SuspendedAt.is_null())
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(admins.into_iter().map(|admin| admin.email).collect())
    }

    async fn has_admin(&self) -> Result<bool, StoreError> {
        let admins = account::Entity::find()
            .filter(account::Column::Role.eq(AccountRole::Admin.as_str()))
            .count(&self.reader)
            .await
            .map_err(store_error)?;
        Ok(admins > 0)
    }
}

fn changing(account: AccountId, row: account::ActiveModel) -> UpdateMany<account::Entity> {
    account::Entity::update_many().set(row).filter(account::Column::Id.eq(account.as_uuid()))
}

#[async_trait]
impl AccountWriter for SeaUnitOfWork {
    async fn account_add(&mut self, account: &Account, password: &PasswordHash) -> Result<Inserted, StoreError> {
        let row = account::ActiveModel {
            id: Set(account.id.as_uuid()),
            email: Set(account.email.as_str().to_owned()),
            email_canonical: Set(account.email.canonical()),
            name: Set(account.name.as_str().to_owned()),
            role: Set(account.role.as_str().to_owned()),
            password_hash: Set(password.0.clone()),
            created_at: Set(micros(account.created_at)),
            email_verified_at: Set(account.email_verified_at.map(micros)),
            password_version: Set(account.password_version),
            has_second_factor: Set(account.has_second_factor),
            programs_may_use_password: Set(account.programs_may_use_password),
            muted_notices: Set(String::new()),
            deleted_at: Set(None),
            suspended_at: Set(None),
            suspended_because: Set(None),
        };
        let insert = account::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn account_verify_email(
        &mut self,
        account: AccountId,
        email: &EmailAddress,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let row = account::ActiveModel { email_verified_at: Set(Some(micros(at))), ..Default::default() };
        let update = changing(account, row).filter(account::Column::EmailCanonical.eq(email.canonical()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn account_set_email(
        &mut self,
        account: AccountId,
        email: &EmailAddress,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError> {
        let row = account::ActiveModel {
            email: Set(email.as_str().to_owned()),
            email_canonical: Set(email.canonical()),
            email_verified_at: Set(Some(micros(at))),
            ..Default::default()
        };
        match changing(account, row).exec(&self.transaction).await {
            Ok(_) => Ok(Inserted::Done),
            // It spoils the transaction, which has come to nothing with it.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                Ok(Inserted::Duplicate)
            }
            Err(error) => Err(store_error(error)),
        }
    }

    async fn account_rename(&mut self, account: AccountId, name: &Name) -> Result<Consumed, StoreError> {
        let row = account::ActiveModel { name: Set(name.as_str().to_owned()), ..Default::default() };
        let update = changing(account, row).exec(&self.transaction).await.map_err(store_error)?;
        Ok(consumed(update.rows_affected))
    }

    async fn account_set_password(
        &mut self,
        account: AccountId,
        password: &PasswordHash,
        version: i64,
    ) -> Result<Consumed, StoreError> {
        let row = account::ActiveModel {
            password_hash: Set(password.0.clone()),
            password_version: Set(version + 1),
            ..Default::default()
        };
        let update = changing(account, row).filter(account::Column::PasswordVersion.eq(version));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn admins_hold(&mut self) -> Result<u64, StoreError> {
        let held = account::Entity::find()
            .filter(account::Column::Role.eq(AccountRole::Admin.as_str()))
            .order_by_asc(account::Column::Id)
            .lock_exclusive()
            .all(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(held.iter().filter(|admin| admin.suspended_at.is_none()).count() as u64)
    }

    async fn account_allow_password(&mut self, account: AccountId, allowed: bool) -> Result<Consumed, StoreError> {
        let row = account::ActiveModel { programs_may_use_password: Set(allowed), ..Default::default() };
        let update = changing(account, row).exec(&self.transaction).await.map_err(store_error)?;
        Ok(consumed(update.rows_affected))
    }

    async fn team_add(
        &mut self,
        team: TeamId,
        name: &Name,
        owner: AccountId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let row = team::ActiveModel {
            id: Set(team.as_uuid()),
            name: Set(name.as_str().to_owned()),
            created_at: Set(micros(at)),
        };
        team::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        let row = membership::ActiveModel {
            team_id: Set(team.as_uuid()),
            account_id: Set(owner.as_uuid()),
            role: Set(TeamRole::Owner.as_str().to_owned()),
            created_at: Set(micros(at)),
        };
        membership::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn setup_link_replace(
        &mut self,
        digest: &[u8; 32],
        at: OffsetDateTime,
        expires_at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        setup_link::Entity::delete_many()
            .filter(setup_link::Column::SpentAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        let row = setup_link::ActiveModel {
            digest: Set(digest.to_vec()),
            created_at: Set(micros(at)),
            expires_at: Set(micros(expires_at)),
            spent_at: Set(None),
        };
        setup_link::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn setup_link_take(&mut self, digest: &[u8; 32], at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let result = setup_link::Entity::update_many()
            .set(setup_link::ActiveModel { spent_at: Set(Some(micros(at))), ..Default::default() })
            .filter(setup_link::Column::Digest.eq(digest.to_vec()))
            .filter(setup_link::Column::SpentAt.is_null())
            .filter(setup_link::Column::ExpiresAt.gt(micros(at)))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(result.rows_affected))
    }
}
