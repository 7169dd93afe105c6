//! What admins set for the whole portal: a text under a name, which whoever sets it reads.

use crate::{entity::setting, error::store_error, work::inserted};
use latchkey_core::port::{Inserted, StoreError};
use sea_orm::{
    ActiveValue::Set, DatabaseConnection, DatabaseTransaction, EntityTrait, QuerySelect, sea_query::OnConflict,
};

/// What is set, if anything is.
pub(crate) async fn read(reader: &DatabaseConnection, name: &str) -> Result<Option<String>, StoreError> {
    let row = setting::Entity::find_by_id(name).one(reader).await.map_err(store_error)?;
    Ok(row.map(|row| row.value))
}

/// What is set, if anything is; whoever else holds it waits for the end of this transaction.
pub(crate) async fn hold(transaction: &DatabaseTransaction, name: &str) -> Result<Option<String>, StoreError> {
    // A row that is not there cannot be held.
    let row = setting::ActiveModel { name: Set(name.to_owned()), value: Set(String::new()) };
    let insert = setting::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
    let (Inserted::Done | Inserted::Duplicate) = inserted(insert.exec_without_returning(transaction).await)?;
    let held = setting::Entity::find_by_id(name).lock_exclusive();
    let held = held.one(transaction).await.map_err(store_error)?;
    Ok(held.map(|row| row.value).filter(|value| !value.is_empty()))
}

/// Sets it, whatever was set before.
pub(crate) async fn write(transaction: &DatabaseTransaction, name: &str, value: String) -> Result<(), StoreError> {
    let row = setting::ActiveModel { name: Set(name.to_owned()), value: Set(value) };
    let replace = OnConflict::column(setting::Column::Name).update_column(setting::Column::Value).to_owned();
    let insert = setting::Entity::insert(row).on_conflict(replace);
    insert.exec_without_returning(transaction).await.map_err(store_error)?;
    Ok(())
}
