//! Teams, their members and invitations.

use crate::{
    SeaStore, SeaUnitOfWork,
    convert::{micros, time, word},
    entity::{account, invitation, membership, team},
    error::store_error,
    work::{consumed, inserted},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::port::{
    Consumed, Inserted, StoreError, TeamReader, TeamWriter,
    team::{Invitation, Member},
};
use latchkey_model::{AccountId, InvitationId, Name, TeamId, TeamRole};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{OnConflict, Query, SelectStatement},
};

/// The teams that an account is in.
pub(crate) fn teams_of(account: AccountId) -> SelectStatement {
    Query::select()
        .column(membership::Column::TeamId)
        .from(membership::Entity)
        .and_where(membership::Column::AccountId.eq(account.as_uuid()))
        .to_owned()
}

fn invitation_from_row(
    (row, team): (invitation::Model, Option<team::Model>),
) -> Result<Option<Invitation>, StoreError> {
    let Some(team) = team else { return Ok(None) };
    Ok(Some(Invitation {
        id: InvitationId::from_uuid(row.id),
        team: TeamId::from_uuid(row.team_id),
        team_name: word(&team.name, "name")?,
        email: word(&row.email, "address")?,
        role: word(&row.role, "role")?,
        invited_by: word(&row.invited_by, "name")?,
        created_at: time(row.created_at)?,
        expires_at: time(row.expires_at)?,
    }))
}

#[async_trait]
impl TeamReader for SeaStore {
    async fn members(&self, account: AccountId, team: TeamId) -> Result<Vec<Member>, StoreError> {
        let rows = membership::Entity::find()
            .find_also_related(account::Entity)
            .filter(membership::Column::TeamId.eq(team.as_uuid()))
            .filter(membership::Column::TeamId.in_subquery(teams_of(account)))
            .order_by_asc(membership::Column::CreatedAt)
            .order_by_asc(membership::Column::AccountId)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter()
            .filter_map(|(membership, account)| Some((membership, account?)))
            .map(|(membership, account)| {
                Ok(Member {
                    account: AccountId::from_uuid(account.id),
                    name: word(&account.name, "name")?,
                    email: word(&account.email, "address")?,
                    role: word(&membership.role, "role")?,
                    since: time(membership.created_at)?,
                })
            })
            .collect()
    }

    async fn invitations(
        &self,
        account: AccountId,
        team: TeamId,
        now: OffsetDateTime,
    ) -> Result<Vec<Invitation>, StoreError> {
        let rows = invitation::Entity::find()
            .find_also_related(team::Entity)
            .filter(invitation::Column::TeamId.eq(team.as_uuid()))
            .filter(invitation::Column::TeamId.in_subquery(teams_of(account)))
            .filter(invitation::Column::EndedAt.is_null())
            .filter(invitation::Column::ExpiresAt.gt(micros(now)))
            .order_by_desc(invitation::Column::Id)
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        rows.into_iter().filter_map(|row| invitation_from_row(row).transpose()).collect()
    }

    async fn invitation(&self, digest: &[u8; 32], now: OffsetDateTime) -> Result<Option<Invitation>, StoreError> {
        let row = invitation::Entity::find()
            .find_also_related(team::Entity)
            .filter(invitation::Column::Digest.eq(digest.to_vec()))
            .filter(invitation::Column::EndedAt.is_null())
            .filter(invitation::Column::ExpiresAt.gt(micros(now)))
            .one(&self.reader)
            .await
            .map_err(store_error)?;
        row.map_or(Ok(None), invitation_from_row)
    }
}

#[async_trait]
impl TeamWriter for SeaUnitOfWork {
    async fn team_hold(&mut self, team: TeamId) -> Result<(), StoreError> {
        let held = team::Entity::find_by_id(team.as_uuid()).lock_exclusive();
        held.one(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn membership_role(&mut self, team: TeamId, account: AccountId) -> Result<Option<TeamRole>, StoreError> {
        let row = membership::Entity::find_by_id((team.as_uuid(), account.as_uuid()))
            .one(&self.transaction)
            .await
            .map_err(store_error)?;
        row.map(|row| Ok(word(&row.role, "role")?)).transpose()
    }

    async fn owners(&mut self, team: TeamId) -> Result<u64, StoreError> {
        membership::Entity::find()
            .filter(membership::Column::TeamId.eq(team.as_uuid()))
            .filter(membership::Column::Role.eq(TeamRole::Owner.as_str()))
            .count(&self.transaction)
            .await
            .map_err(store_error)
    }

    async fn members_count(&mut self, team: TeamId) -> Result<u64, StoreError> {
        membership::Entity::find()
            .filter(membership::Column::TeamId.eq(team.as_uuid()))
            .count(&self.transaction)
            .await
            .map_err(store_error)
    }

    async fn team_rename(&mut self, team: TeamId, name: &Name) -> Result<(), StoreError> {
        let update = team::Entity::update_many()
            .set(team::ActiveModel { name: Set(name.as_str().to_owned()), ..Default::default() })
            .filter(team::Column::Id.eq(team.as_uuid()));
        update.exec(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn membership_add(
        &mut self,
        team: TeamId,
        account: AccountId,
        role: TeamRole,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError> {
        let row = membership::ActiveModel {
            team_id: Set(team.as_uuid()),
            account_id: Set(account.as_uuid()),
            role: Set(role.as_str().to_owned()),
            created_at: Set(micros(at)),
        };
        let insert = membership::Entity::insert(row).on_conflict(OnConflict::new().do_nothing().to_owned());
        inserted(insert.exec_without_returning(&self.transaction).await)
    }

    async fn membership_set_role(
        &mut self,
        team: TeamId,
        account: AccountId,
        role: TeamRole,
    ) -> Result<Consumed, StoreError> {
        let update = membership::Entity::update_many()
            .set(membership::ActiveModel { role: Set(role.as_str().to_owned()), ..Default::default() })
            .filter(membership::Column::TeamId.eq(team.as_uuid()))
            .filter(membership::Column::AccountId.eq(account.as_uuid()));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }

    async fn membership_remove(&mut self, team: TeamId, account: AccountId) -> Result<Consumed, StoreError> {
        let removed = membership::Entity::delete_by_id((team.as_uuid(), account.as_uuid()))
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        Ok(consumed(removed.rows_affected))
    }

    async fn invitation_add(&mut self, new: &Invitation, digest: &[u8; 32]) -> Result<(), StoreError> {
        invitation::Entity::update_many()
            .set(invitation::ActiveModel { ended_at: Set(Some(micros(new.created_at))), ..Default::default() })
            .filter(invitation::Column::TeamId.eq(new.team.as_uuid()))
            .filter(invitation::Column::Email.eq(new.email.as_str()))
            .filter(invitation::Column::EndedAt.is_null())
            .exec(&self.transaction)
            .await
            .map_err(store_error)?;
        let row = invitation::ActiveModel {
            id: Set(new.id.as_uuid()),
            team_id: Set(new.team.as_uuid()),
            email: Set(new.email.as_str().to_owned()),
            role: Set(new.role.as_str().to_owned()),
            invited_by: Set(new.invited_by.as_str().to_owned()),
            digest: Set(digest.to_vec()),
            created_at: Set(micros(new.created_at)),
            expires_at: Set(micros(new.expires_at)),
            ended_at: Set(None),
        };
        invitation::Entity::insert(row).exec_without_returning(&self.transaction).await.map_err(store_error)?;
        Ok(())
    }

    async fn invitation_end(
        &mut self,
        team: TeamId,
        id: InvitationId,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError> {
        let update = invitation::Entity::update_many()
            .set(invitation::ActiveModel { ended_at: Set(Some(micros(at))), ..Default::default() })
            .filter(invitation::Column::Id.eq(id.as_uuid()))
            .filter(invitation::Column::TeamId.eq(team.as_uuid()))
            .filter(invitation::Column::EndedAt.is_null())
            .filter(invitation::Column::ExpiresAt.gt(micros(at)));
        Ok(consumed(update.exec(&self.transaction).await.map_err(store_error)?.rows_affected))
    }
}
