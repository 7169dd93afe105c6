//! Questions about alerts.

use super::{PORTAL, from_row, rule_from_row};
use crate::{
    SeaStore,
    convert::{count, micros, time, word},
    entity::{account, alert, alert_rule, api_key, application, environment, oauth_client, rollup, seen_network},
    error::{Corrupt, store_error},
};
use ::time::OffsetDateTime;
use async_trait::async_trait;
use latchkey_core::{
    alert::{AlertKind, AlertsOf, Rule},
    api_key::format::hint,
    oauth_client::ClientKind,
    port::{
        AlertReader, StoreError,
        alert::{
            Alert, CredentialOwner, CredentialSort, NamedCredential, SeenNetwork, Watched, WatchedCounts,
            WatchedEnvironment,
        },
        rollup::Period,
    },
};
use latchkey_model::{AlertId, ApplicationId, Environment, EnvironmentId, KeyKind, TeamId};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait,
    prelude::Uuid,
    sea_query::{Alias, CaseStatement, Expr, ExprTrait, Func, SimpleExpr},
};
use std::collections::HashMap;

/// How many ids a question names at once.
const AT_ONCE: usize = 500;

/// What was counted of a credential, of all of an owner, or of everybody.
#[derive(FromQueryResult)]
struct Counted {
    owner_id: Uuid,
    api_key_id: Uuid,
    requests: i64,
    refused: i64,
    server_errors: i64,
}

#[derive(FromQueryResult)]
struct EnvironmentRow {
    id: Uuid,
    kind: String,
    application_id: Uuid,
    application_name: String,
    team_id: Uuid,
}

impl EnvironmentRow {
    fn into_environment(self) -> Result<WatchedEnvironment, StoreError> {
        Ok(WatchedEnvironment {
            id: EnvironmentId::from_uuid(self.id),
            environment: word::<Environment>(&self.kind, "environment")?,
            application: ApplicationId::from_uuid(self.application_id),
            application_name: word(&self.application_name, "name")?,
            team: TeamId::from_uuid(self.team_id),
        })
    }
}

#[derive(FromQueryResult)]
struct Others {
    others: i64,
    used_since: Option<i64>,
}

/// The requests for which a condition holds.
fn requests_where(condition: SimpleExpr) -> SimpleExpr {
    let requests = Expr::col(rollup::Column::Requests);
    let case: SimpleExpr = CaseStatement::new().case(condition, requests).finally(0).into();
    SimpleExpr::from(Func::sum(case)).cast_as(Alias::new("bigint"))
}

impl SeaStore {
    async fn watched_environments(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, WatchedEnvironment>, StoreError> {
        let mut found = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(AT_ONCE) {
            let rows = environment::Entity::find()
                .select_only()
                .columns([environment::Column::Id, environment::Column::Kind])
                .column_as(application::Column::Id, "application_id")
                .column_as(application::Column::Name, "application_name")
                .column_as(application::Column::TeamId, "team_id")
                .join(JoinType::InnerJoin, environment::Relation::Application.def())
                .filter(environment::Column::Id.is_in(ids.iter().copied()))
                .into_model::<EnvironmentRow>()
                .all(&self.reader)
                .await
                .map_err(store_error)?;
            for row in rows {
                found.insert(row.id, row.into_environment()?);
            }
        }
        Ok(found)
    }

    pub(crate) async fn watched_environment(&self, id: Uuid) -> Result<Option<WatchedEnvironment>, StoreError> {
        Ok(self.watched_environments(&[id]).await?.remove(&id))
    }
}

#[async_trait]
impl AlertReader for SeaStore {
    async fn alert_rules(&self, of: AlertsOf) -> Result<Vec<Rule>, StoreError> {
        let rules = alert_rule::Entity::find().filter(alert_rule::Column::Tenant.eq(of.to_string()));
        rules.all(&self.reader).await.map_err(store_error)?.iter().map(rule_from_row).collect()
    }

    async fn alert_rules_of_all(&self) -> Result<Vec<(AlertsOf, Rule)>, StoreError> {
        let rules = alert_rule::Entity::find().all(&self.reader).await.map_err(store_error)?;
        rules.iter().map(|row| Ok((word(&row.tenant, "tenant")?, rule_from_row(row)?))).collect()
    }

    async fn alerts(&self, of: AlertsOf, before: Option<AlertId>, limit: u64) -> Result<Vec<Alert>, StoreError> {
        let mut query = alert::Entity::find().filter(alert::Column::Tenant.eq(of.to_string()));
        if let Some(before) = before {
            query = query.filter(alert::Column::Id.lt(before.as_uuid()));
        }
        let rows = query.order_by_desc(alert::Column::Id).limit(limit).all(&self.reader).await.map_err(store_error)?;
        rows.into_iter().map(from_row).collect()
    }

    async fn alerts_going(&self) -> Result<Vec<Alert>, StoreError> {
        // In the very words of the index that holds them alone.
        let going = alert::Entity::find().filter(Expr::cust("going"));
        going.all(&self.reader).await.map_err(store_error)?.into_iter().map(from_row).collect()
    }

    async fn alert_over_since(
        &self,
        of: AlertsOf,
        kind: AlertKind,
        subject: Option<Uuid>,
        since: OffsetDateTime,
    ) -> Result<Option<Alert>, StoreError> {
        let over = alert::Entity::find()
            .filter(alert::Column::Tenant.eq(of.to_string()))
            .filter(alert::Column::Kind.eq(kind.as_str()))
            .filter(alert::Column::SubjectId.eq(subject.unwrap_or(PORTAL)))
            .filter(alert::Column::EndedAt.gt(micros(since)))
            .order_by_desc(alert::Column::Id);
        over.one(&self.reader).await.map_err(store_error)?.map(from_row).transpose()
    }

    async fn watched_counts(&self, since: i64) -> Result<Vec<WatchedCounts>, StoreError> {
        use rollup::Column;
        let refused = || requests_where(Expr::col(Column::Refused).eq(true));
        let server_errors = || requests_where(Expr::col(Column::Status).gte(500));
        let rows = rollup::Entity::find()
            .select_only()
            .columns([Column::OwnerId, Column::ApiKeyId])
            .column_as(Column::Requests.sum().cast_as(Alias::new("bigint")), "requests")
            .column_as(refused(), "refused")
            .column_as(server_errors(), "server_errors")
            .filter(Column::Period.eq(Period::Minute.as_str()))
            .filter(Column::Start.gte(since))
            .group_by(Column::OwnerId)
            .group_by(Column::ApiKeyId)
            .having(Condition::any().add(refused().gt(0)).add(server_errors().gt(0)))
            .into_model::<Counted>()
            .all(&self.reader)
            .await
            .map_err(store_error)?;
        let mut owners: Vec<_> = rows.iter().map(|row| row.owner_id).filter(|owner| *owner != PORTAL).collect();
        owners.sort_unstable();
        owners.dedup();
        let environments = self.watched_environments(&owners).await?;
        let whose = |row: &Counted| match (row.owner_id, row.api_key_id) {
            (PORTAL, PORTAL) => Some(Watched::Portal),
            // A person's own tokens are no team's.
            (owner, PORTAL) => environments.get(&owner).cloned().map(Watched::Environment),
            (owner, credential) => {
                environments.get(&owner).cloned().map(|environment| Watched::Credential(environment, credential))
            }
        };
        Ok(rows
            .iter()
            .filter_map(|row| {
                Some(WatchedCounts {
                    whose: whose(row)?,
                    requests: count(row.requests),
                    refused: count(row.refused),
                    server_errors: count(row.server_errors),
                })
            })
            .collect())
    }

    async fn networks_untold(&self, limit: u64) -> Result<Vec<SeenNetwork>, StoreError> {
        use seen_network::{Column, Entity};
        // Likewise.
        let untold = Entity::find().filter(Expr::cust("NOT told")).order_by_asc(Column::FirstAt).limit(limit);
        let mut found = Vec::new();
        for row in untold.all(&self.reader).await.map_err(store_error)? {
            let others = Entity::find()
                .select_only()
                .column_as(Column::Network.count(), "others")
                .column_as(Column::FirstAt.min(), "used_since")
                .filter(Column::CredentialId.eq(row.credential_id))
                .filter(Column::Network.ne(&row.network))
                .into_model::<Others>()
                .one(&self.reader)
                .await
                .map_err(store_error)?;
            let (others, since) = others.map_or((0, None), |row| (row.others, row.used_since));
            found.push(SeenNetwork {
                credential: row.credential_id,
                network: row.network,
                address: word(&row.address, "address")?,
                first_at: time(row.first_at)?,
                used_since: time(since.map_or(row.first_at, |since| Ord::min(since, row.first_at)))?,
                others: count(others),
            });
        }
        Ok(found)
    }

    async fn named_credential(&self, id: Uuid) -> Result<Option<(NamedCredential, CredentialOwner)>, StoreError> {
        if let Some(key) = api_key::Entity::find_by_id(id).one(&self.reader).await.map_err(store_error)? {
            let public_id = word(&key.public_id, "public id")?;
            let (what, kind, owner) = match (key.environment_id, key.account_id) {
                (Some(environment), _) => {
                    let Some(environment) = self.watched_environment(environment).await? else { return Ok(None) };
                    let kind = KeyKind::Api(environment.environment);
                    (CredentialSort::Key, kind, CredentialOwner::Environment(environment))
                }
                (None, Some(person)) => {
                    let person = account::Entity::find_by_id(person).one(&self.reader).await.map_err(store_error)?;
                    let Some(person) = person else { return Ok(None) };
                    (CredentialSort::PersonalToken, KeyKind::Personal, CredentialOwner::Person(person.email))
                }
                (None, None) => return Err(Corrupt { what: "key's owner" }.into()),
            };
            let named = NamedCredential { what, name: key.name, hint: hint(kind, public_id, &key.last_four) };
            return Ok(Some((named, owner)));
        }
        let client = oauth_client::Entity::find_by_id(id).one(&self.reader).await.map_err(store_error)?;
        let Some(client) = client else { return Ok(None) };
        let Some(environment) = self.watched_environment(client.environment_id).await? else { return Ok(None) };
        let what = match word::<ClientKind>(&client.kind, "kind")? {
            ClientKind::ThirdParty => CredentialSort::Client,
            ClientKind::ServiceAccount => CredentialSort::ServiceAccount,
        };
        let named = NamedCredential { what, name: client.name, hint: client.client_id };
        Ok(Some((named, CredentialOwner::Environment(environment))))
    }
}
