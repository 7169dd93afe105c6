//! Second factors.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{account, passkey, passkey_ceremony, recovery_code, totp},
    error::store_error,
    setting,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, SecondFactorReader, SecondFactorWriter, StoreError,
    second_factor::{PasskeyCeremony, PasskeyRecord, TotpRecord},
};
use latchkey_model::{AccountId, AccountRole, PasskeyCeremonyId, PasskeyId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockType, OnConflict},
};

/// The roles, with spaces between.
const ROLES: &str = "second_factor_roles";

fn passkey_from_row(row: passkey::Model) -> Result<PasskeyRecord, StoreError> {
    Ok(PasskeyRecord {
        id: PasskeyId::from_uuid(row.id),
        account: AccountId::from_uuid(row.account_id),
        credential_id: row.credential_id,
        name: word(&row.name, "name")?,
        data: row.data,
        created_at: time(row.created_at)?,
        last_used_at: row.last_used_at.map(time).transpose()?,
    })
}

#[async_trait]
impl SecondFactorReader for SeaStore {
    async fn totp(&self, account: AccountId) -> Result<Option<TotpRecord>, StoreError> {
        let row = totp::Entity::find_by_id(account.as_uuid()).one(&self.reader).await.map_err(store_error)?;
        row.map(|row| {
            Ok(TotpRecord {
                account,
                sealed_seed: row.sealed_seed,
                last_step: row.last_step,
                created_at: time(row.created_at)?,
                last_used_at: row.last_used_at.map(time).transpose()?,
            })
        })
        .transpose()
    }

    async fn recovery_codes_left(&self, account: AccountId) -> Result<u64, StoreError> {
        recovery_code::Entity::find()
            .filter(recovery_code::Column::AccountId.eq(account.as_uuid()))
            .filter(recovery_code::Column::SpentAt.is_null())
            .count(&self.reader)
            .await
            .map_err(store_error)
    }

    async fn passkeys(&self, account: AccountId) -> Result<Vec<PasskeyRecord>, StoreError> {
        let rows = passkey::Entity::find()
            .filter(passkey::Column::AccountId.eq(account.as_uuid()))
            .order_by_asc(passkey::Column::Id)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(passkey_from_row).collect()
    }

    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<PasskeyRecord>, StoreError> {
        let row = passkey::Entity::find()
            .filter(passkey::Column::CredentialId.eq(credential_id.to_vec()))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        row.map(passkey_from_row).transpose()
    }

    async fn passkey_ceremony(
        &self,
        id: PasskeyCeremonyId,
        now: OffsetDateTime,
    ) -> Result<Option<PasskeyCeremony>, StoreError> {
        let row = passkey_ceremony::Entity::find_by_id(id.as_uuid())
            .filter(passkey_ceremony::Column::SpentAt.is_null())
            .filter(passkey_ceremony::Column::ExpiresAt.gt(micros(now)))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        row.map(|row| {
            Ok(PasskeyCeremony {
                id,
                account: row.account_id.map(AccountId::from_uuid),
                state: row.state,
                expires_at: time(row.expires_at)?,
            })
        })
        .transpose()
    }

    async fn second_factor_roles(&self) -> Result<Vec<AccountRole>, StoreError> {
        let words = setting::read(&self.reader, ROLES).await?.unwrap_or_default();
        words.split_whitespace().map(|role| Ok(word(role, "role")?)).collect()
    }
}

#[async_trait]
impl SecondFactorWriter for SeaUnitOfWork {
    async fn totp_add(&mut self, totp: &TotpRecord) -> Result<Inserted, StoreError> {
        let row = totp::ActiveModel {
            account_id: Set(totp.account.as_uuid()),
            sealed_seed: Set(totp.sealed_seed.clone()),
            last_step: Set(totp.last_step),
            created_at: Set(micros(totp.created_at)),
            last_used_at: Set(totp.last_used_at.map(micros)),
        };
        let insert = totp::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn totp_take(&mut self, account: AccountId, step: i64, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        let set = totp::ActiveModel { last_step: Set(step), last_used_at: Set(Some(micros(at))), ..Default::default() };
        let update = totp::Entity::update_many()
            .set(set)
            .filter(totp::Column::AccountId.eq(account.as_uuid()))
            .filter(totp::Column::LastStep.lt(step));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn totp_remove(&mut self, account: AccountId) -> Result<Consumed, StoreError> {
        let removed =
            totp::Entity::delete_by_id(account.as_uuid()).exec(&self.transaction).await.map_err(store_error)?;
        Ok(consumed(removed.rows_affected))
    }

    async fn recovery_codes_replace(
        &mut self,
        account: AccountId,
        digests: &[[u8; 32]],
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::AccountId.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        let rows: Vec<_> = digests
            .iter()
            .map(|digest| recovery_code::ActiveModel {
                digest: Set(digest.to_vec()),
                account_id: Set(account.as_uuid()),
                created_at: Set(micros(at)),
                spent_at: Set(None),
            })
            .collect();
        if !rows.is_empty() {
            let insert = recovery_code::Entity::insert_many(rows);
            insert.exec_without_returning(&self.transaction).await.map_err(store_error)?;
        }
        Ok(())
    }

    async fn recovery_code_take(
        &mut self,
        account: AccountId,
        digest: &[u8; 32],
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = recovery_code::Entity::update_many()
            .set(recovery_code::ActiveModel { spent_at: Set(Some(micros(at))), ..Default::default() })
            .filter(recovery_code::Column::Digest.eq(digest.to_vec()))
            .filter(recovery_code::Column::AccountId.eq(account.as_uuid()))
            .filter(recovery_code::Column::SpentAt.is_null());
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn passkey_add(&mut self, passkey: &PasskeyRecord) -> Result<Inserted, StoreError> {
        let row = passkey::ActiveModel {
            id: Set(passkey.id.as_uuid()),
            account_id: Set(passkey.account.as_uuid()),
            credential_id: Set(passkey.credential_id.clone()),
            name: Set(passkey.name.as_str().to_owned()),
            data: Set(passkey.data.clone()),
            created_at: Set(micros(passkey.created_at)),
            last_used_at: Set(passkey.last_used_at.map(micros)),
        };
        let insert = passkey::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn passkey_use(
        &mut self,
        passkey: &PasskeyRecord,
        data: &str,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let set = passkey::ActiveModel {
            data: Set(data.to_owned()),
            last_used_at: Set(Some(micros(at))),
            ..Default::default()
        };
        let update = passkey::Entity::update_many()
            .set(set)
            .filter(passkey::Column::Id.eq(passkey.id.as_uuid()))
            .filter(passkey::Column::Data.eq(passkey.data.as_str()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn passkey_remove(&mut self, account: AccountId, id: PasskeyId) -> Result<Consumed, StoreError> {
        let removed = passkey::Entity::delete_many()
            .filter(passkey::Column::Id.eq(id.as_uuid()))
            .filter(passkey::Column::AccountId.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(removed.rows_affected))
    }

    async fn passkey_ceremony_add(&mut self, ceremony: &PasskeyCeremony) -> Result<(), StoreError> {
        let row = passkey_ceremony::ActiveModel {
            id: Set(ceremony.id.as_uuid()),
            account_id: Set(ceremony.account.map(AccountId::as_uuid)),
            state: Set(ceremony.state.clone()),
            expires_at: Set(micros(ceremony.expires_at)),
            spent_at: Set(None),
        };
        passkey_ceremony::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn passkey_ceremony_take(
        &mut self,
        id: PasskeyCeremonyId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = passkey_ceremony::Entity::update_many()
            .set(passkey_ceremony::ActiveModel { spent_at: Set(Some(micros(at))), ..Default::default() })
            .filter(passkey_ceremony::Column::Id.eq(id.as_uuid()))
            .filter(passkey_ceremony::Column::SpentAt.is_null())
            .filter(passkey_ceremony::Column::ExpiresAt.gt(micros(at)));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn second_factors_remove(&mut self, account: AccountId) -> Result<(), StoreError> {
        let id = account.as_uuid();
        totp::Entity::delete_by_id(id).exec(&self.transaction).await.map_err(store_error)?;
        passkey::Entity::delete_many()
            .filter(passkey::Column::AccountId.eq(id))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        recovery_code::Entity::delete_many()
            .filter(recovery_code::Column::AccountId.eq(id))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        self.second_factor_note(account).await.map(drop)
    }

    async fn second_factor_note(&mut self, account: AccountId) -> Result<bool, StoreError> {
        // Rows that name the account can be written meanwhile.
        let held = account::Entity::find_by_id(account.as_uuid()).lock(LockType::NoKeyUpdate);
        held.one(&self.transaction).await.map_err(store_error)?;
        let apps = totp::Entity::find_by_id(account.as_uuid()).count(&self.transaction).await.map_err(store_error)?;
        let passkeys = passkey::Entity::find()
            .filter(passkey::Column::AccountId.eq(account.as_uuid()))
            .count(&self.transaction)
            .await
            .map_err(store_error)?;
        let has = apps + passkeys > 0;
        account::Entity::update_many()
            .set(account::ActiveModel { has_second_factor: Set(has), ..Default::default() })
            .filter(account::Column::Id.eq(account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(has)
    }

    async fn second_factor_roles_set(&mut self, roles: &[AccountRole]) -> Result<(), StoreError> {
        let words: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        setting::write(&self.transaction, ROLES, words.join(" ")).await
    }
}
