//! Other providers that people sign in with, and whose accounts their identities there open.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{identity_provider, linked_identity},
    error::{Corrupt, store_error},
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, IdentityProviderReader, IdentityProviderWriter, Inserted, StoreError,
    identity_provider::{Identity, IdentityProvider, LinkedIdentity, ProviderSettings},
};
use latchkey_model::{AccountId, IdentityProviderId};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, UpdateMany,
    sea_query::OnConflict,
};

fn provider(row: identity_provider::Model) -> Result<IdentityProvider, StoreError> {
    Ok(IdentityProvider {
        id: IdentityProviderId::from_uuid(row.id),
        settings: ProviderSettings {
            name: word(&row.name, "name")?,
            protocol: serde_json::from_str(&row.protocol).map_err(|_| Corrupt { what: "protocol of a provider" })?,
            client_id: row.client_id,
            scopes: row.scopes,
        },
        sealed_secret: row.sealed_secret,
        created_at: time(row.created_at)?,
        disabled_at: row.disabled_at.map(time).transpose()?,
    })
}

fn settings_of(settings: &ProviderSettings) -> Result<identity_provider::ActiveModel, StoreError> {
    let protocol = serde_json::to_string(&settings.protocol).map_err(|_| Corrupt { what: "protocol of a provider" })?;
    Ok(identity_provider::ActiveModel {
        name: Set(settings.name.as_str().to_owned()),
        protocol: Set(protocol),
        client_id: Set(settings.client_id.clone()),
        scopes: Set(settings.scopes.clone()),
        ..Default::default()
    })
}

fn key(identity: &Identity) -> (sea_orm::prelude::Uuid, String) {
    (identity.provider.as_uuid(), identity.subject.clone())
}

/// The change of a provider that nobody has removed.
fn change(id: IdentityProviderId, set: identity_provider::ActiveModel) -> UpdateMany<identity_provider::Entity> {
    identity_provider::Entity::update_many()
        .set(set)
        .filter(identity_provider::Column::Id.eq(id.as_uuid()))
        .filter(identity_provider::Column::RemovedAt.is_null())
}

/// A provider that nobody has removed.
fn find(id: IdentityProviderId) -> Select<identity_provider::Entity> {
    identity_provider::Entity::find_by_id(id.as_uuid()).filter(identity_provider::Column::RemovedAt.is_null())
}

#[async_trait]
impl IdentityProviderReader for SeaStore {
    async fn identity_providers(&self) -> Result<Vec<IdentityProvider>, StoreError> {
        let query = identity_provider::Entity::find()
            .filter(identity_provider::Column::RemovedAt.is_null())
            .order_by_asc(identity_provider::Column::Name)
            .order_by_asc(identity_provider::Column::Id);
        query.all(&self.reader).await.map_err(store_error)?.into_iter().map(provider).collect()
    }

    async fn identity_provider(&self, id: IdentityProviderId) -> Result<Option<IdentityProvider>, StoreError> {
        find(id).one(&self.reader).await.map_err(store_error)?.map(provider).transpose()
    }

    async fn account_of_identity(&self, identity: &Identity) -> Result<Option<AccountId>, StoreError> {
        let query = linked_identity::Entity::find_by_id(key(identity))
            .inner_join(identity_provider::Entity)
            .filter(identity_provider::Column::RemovedAt.is_null());
        let found = query.one(&self.reader).await.map_err(store_error)?;
        Ok(found.map(|row| AccountId::from_uuid(row.account_id)))
    }

    async fn linked_identity_count(&self, provider: IdentityProviderId) -> Result<u64, StoreError> {
        let query =
            linked_identity::Entity::find().filter(linked_identity::Column::IdentityProviderId.eq(provider.as_uuid()));
        query.count(&self.reader).await.map_err(store_error)
    }

    async fn linked_identities(&self, account: AccountId) -> Result<Vec<LinkedIdentity>, StoreError> {
        let query = linked_identity::Entity::find()
            .find_also_related(identity_provider::Entity)
            .filter(linked_identity::Column::AccountId.eq(account.as_uuid()))
            .filter(identity_provider::Column::RemovedAt.is_null())
            .order_by_asc(linked_identity::Column::LinkedAt)
            .order_by_asc(linked_identity::Column::Subject);
        let rows = query.all(&self.reader).await.map_err(store_error)?;
        let linked = |(row, provider): (linked_identity::Model, Option<identity_provider::Model>)| {
            let provider = provider.ok_or(Corrupt { what: "provider of a link" })?;
            Ok(LinkedIdentity {
                identity: Identity {
                    provider: IdentityProviderId::from_uuid(row.identity_provider_id),
                    subject: row.subject,
                },
                provider_name: word(&provider.name, "name")?,
                label: row.label,
                account: AccountId::from_uuid(row.account_id),
                linked_at: time(row.linked_at)?,
                last_used_at: row.last_used_at.map(time).transpose()?,
            })
        };
        rows.into_iter().map(linked).collect()
    }
}

impl SeaUnitOfWork {
    /// Whether nobody has removed a provider: whoever does at the same time comes before, or after this transaction.
    async fn hold_provider(&self, id: IdentityProviderId) -> Result<bool, StoreError> {
        let held = find(id).lock_shared().one(&self.transaction).await.map_err(store_error)?;
        Ok(held.is_some())
    }
}

#[async_trait]
impl IdentityProviderWriter for SeaUnitOfWork {
    async fn identity_provider_add(&mut self, provider: &IdentityProvider) -> Result<Inserted, StoreError> {
        let row = identity_provider::ActiveModel {
            id: Set(provider.id.as_uuid()),
            sealed_secret: Set(provider.sealed_secret.clone()),
            created_at: Set(micros(provider.created_at)),
            disabled_at: Set(provider.disabled_at.map(micros)),
            ..settings_of(&provider.settings)?
        };
        let insert = identity_provider::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn identity_provider_update(
        &mut self,
        id: IdentityProviderId,
        settings: &ProviderSettings,
        sealed_secret: Option<&[u8]>,
    ) -> Result<Consumed, StoreError> {
        let sealed_secret = sealed_secret.map_or(NotSet, |sealed| Set(sealed.to_vec()));
        let update = change(id, identity_provider::ActiveModel { sealed_secret, ..settings_of(settings)? });
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn identity_provider_disable(
        &mut self,
        id: IdentityProviderId,
        at: Option<OffsetDateTime>,
    ) -> Result<Consumed, StoreError> {
        let set = identity_provider::ActiveModel { disabled_at: Set(at.map(micros)), ..Default::default() };
        let update = change(id, set);
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn identity_provider_remove(
        &mut self,
        id: IdentityProviderId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let (removed_at, sealed_secret) = (Set(Some(micros(at))), Set(Vec::new()));
        let update = change(id, identity_provider::ActiveModel { sealed_secret, removed_at, ..Default::default() });
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn linked_identity_add(&mut self, linked: &LinkedIdentity) -> Result<Inserted, StoreError> {
        if !self.hold_provider(linked.identity.provider).await? {
            return Ok(Inserted::Duplicate);
        }
        let row = linked_identity::ActiveModel {
            identity_provider_id: Set(linked.identity.provider.as_uuid()),
            subject: Set(linked.identity.subject.clone()),
            label: Set(linked.label.clone()),
            account_id: Set(linked.account.as_uuid()),
            linked_at: Set(micros(linked.linked_at)),
            last_used_at: Set(linked.last_used_at.map(micros)),
        };
        let insert = linked_identity::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn linked_identity_used(&mut self, identity: &Identity, at: OffsetDateTime) -> Result<Consumed, StoreError> {
        if !self.hold_provider(identity.provider).await? {
            return Ok(Consumed::Lost);
        }
        let update = linked_identity::Entity::update_many()
            .set(linked_identity::ActiveModel { last_used_at: Set(Some(micros(at))), ..Default::default() })
            .filter(linked_identity::Column::IdentityProviderId.eq(identity.provider.as_uuid()))
            .filter(linked_identity::Column::Subject.eq(&identity.subject));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn linked_identity_remove(
        &mut self,
        account: AccountId,
        identity: &Identity,
    ) -> Result<Consumed, StoreError> {
        let delete = linked_identity::Entity::delete_by_id(key(identity))
            .filter(linked_identity::Column::AccountId.eq(account.as_uuid()));
        Ok(consumed(delete.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
