//! Guarded APIs: their settings, their policies, and what is one API's alone.

use crate::support::{Database, NOW, name, on_both_databases, person, uuid};
use latchkey_core::{
    gateway::Policy,
    oauth_client::ClientId,
    port::{
        ApiReader, Change, Changes, Consumed, Inserted, Store,
        api::{ApiScope, ApiSettings, Duplicate, GuardedApi},
    },
    random::SystemRandom,
};
use latchkey_model::{ApiId, Environment, TeamId};

on_both_databases!(
    an_api_is_kept_as_it_was_set,
    a_name_an_address_and_a_scope_are_one_apis,
    r17_of_many_who_change_an_api_at_once_one_does,
    the_demo_api_is_none_that_can_be_removed,
);

fn api(team: TeamId, slug: &str, scopes: &[&str]) -> GuardedApi {
    let called = name("Orders");
    let scope = |scope: &&str| ApiScope {
        scope: scope.parse().unwrap(),
        description: format!("May {scope}"),
        api: Some(called.clone()),
    };
    GuardedApi {
        id: ApiId::from_uuid(uuid()),
        team_id: team,
        slug: slug.parse().unwrap(),
        settings: ApiSettings {
            name: called.clone(),
            base_url: format!("https://{slug}.example.org"),
            scopes: scopes.iter().map(scope).collect(),
            environments: [Environment::Staging, Environment::Production].into(),
            verifiers: [ClientId::generate(&SystemRandom), ClientId::generate(&SystemRandom)].into(),
            editors: [].into(),
        },
        policies: ["GET /health public 3/1m", "* /v1/{*rest} any production"]
            .map(|line| line.parse::<Policy>().unwrap())
            .into_iter()
            .collect(),
        version: 1,
        created_at: NOW,
    }
}

async fn add(database: &Database, api: &GuardedApi) -> Inserted {
    let mut work = database.begin().await;
    let outcome = work.guarded_api_add(api).await.unwrap();
    if outcome == Inserted::Done {
        work.commit().await.unwrap();
    }
    outcome
}

async fn update(database: &Database, api: &GuardedApi) -> Result<Consumed, Duplicate> {
    let mut work = database.begin().await;
    let outcome = work.guarded_api_update(api).await.unwrap();
    if outcome == Ok(Consumed::Won) {
        work.commit().await.unwrap();
    }
    outcome
}

async fn an_api_is_kept_as_it_was_set(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let orders = api(ada.team, "orders", &["orders:write", "orders:read"]);
    assert_eq!(add(database, &orders).await, Inserted::Done);
    assert_eq!(database.store.guarded_apis().await.unwrap(), std::slice::from_ref(&orders));
    let known = database.store.known_scopes().await.unwrap();
    let known: Vec<_> = known.iter().map(|one| one.scope.as_str()).collect();
    assert_eq!(known, ["read:posts", "write:posts", "delete:account", "orders:write", "orders:read"]);
    let mut changed = orders.clone();
    changed.settings.scopes.remove(0);
    changed.settings.environments = [Environment::Development].into();
    changed.policies = [].into_iter().collect();
    assert_eq!(update(database, &changed).await, Ok(Consumed::Won));
    changed.version = 2;
    assert_eq!(database.store.guarded_apis().await.unwrap(), [changed.clone()]);
    let mut work = database.begin().await;
    assert_eq!(work.guarded_api_retire(orders.id, 1, NOW).await.unwrap(), Consumed::Lost, "it is another by now");
    assert_eq!(work.guarded_api_retire(orders.id, 2, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.guarded_apis().await.unwrap(), []);
    let known = database.store.known_scopes().await.unwrap();
    assert!(known.iter().all(|one| one.api.is_none()), "{known:?}");
    // Credentials may hold its scopes still: they never come to mean another API's.
    assert_eq!(add(database, &GuardedApi { id: ApiId::from_uuid(uuid()), ..orders }).await, Inserted::Duplicate);
    let heir = api(ada.team, "heir", &["orders:write"]);
    assert_eq!(add(database, &heir).await, Inserted::Duplicate);
}

async fn a_name_an_address_and_a_scope_are_one_apis(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let orders = api(ada.team, "orders", &["orders:read"]);
    assert_eq!(add(database, &orders).await, Inserted::Done);
    let mut renamed = orders.clone();
    renamed.settings.scopes = api(ada.team, "orders", &["orders:see"]).settings.scopes;
    assert_eq!(update(database, &renamed).await, Ok(Consumed::Won));
    let stock = api(ada.team, "stock", &["stock:read"]);
    let same_name = GuardedApi { slug: orders.slug.clone(), ..stock.clone() };
    let mut same_address = stock.clone();
    same_address.settings.base_url = orders.settings.base_url.clone();
    let same_scope = api(ada.team, "stock", &["stock:read", "orders:read"]);
    let demo_scope = api(ada.team, "stock", &["read:posts"]);
    for other in [&same_name, &same_address, &same_scope, &demo_scope] {
        assert_eq!(add(database, other).await, Inserted::Duplicate, "{other:?}");
    }
    assert_eq!(database.store.guarded_apis().await.unwrap().len(), 1, "nothing is left of them");
    assert_eq!(add(database, &stock).await, Inserted::Done);
    for mut other in [same_address, same_scope] {
        other.id = stock.id;
        assert_eq!(update(database, &other).await, Err(Duplicate), "{other:?}");
    }
    assert_eq!(database.store.guarded_apis().await.unwrap()[1].settings.scopes, stock.settings.scopes);
    let back = GuardedApi { version: 2, ..orders };
    assert_eq!(update(database, &back).await, Ok(Consumed::Won), "its own scope is its own, also given up");
}

async fn r17_of_many_who_change_an_api_at_once_one_does(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let orders = api(ada.team, "orders", &["orders:read"]);
    assert_eq!(add(database, &orders).await, Inserted::Done);
    let mut changing = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = database.store.clone();
        let mut mine = orders.clone();
        mine.settings.name = name(&format!("Number {number}"));
        changing.spawn(async move {
            let mut work = store.begin().await.unwrap();
            let outcome = work.guarded_api_update(&mine).await.unwrap();
            work.commit().await.unwrap();
            outcome
        });
    }
    let outcomes = changing.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(Consumed::Won)).count(), 1, "{outcomes:?}");
    assert_eq!(database.store.guarded_apis().await.unwrap()[0].version, 2);
}

async fn the_demo_api_is_none_that_can_be_removed(database: &Database) {
    let demo = database.store.built_in_apis().await.unwrap().remove(0);
    let mut work = database.begin().await;
    assert_eq!(work.guarded_api_retire(demo.id, 0, NOW).await.unwrap(), Consumed::Lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_an_api_is_heard_by_the_other_nodes() {
    let database = Database::postgres().await;
    let Changes::Heard(mut changes) = database.store.changes() else { panic!("PostgreSQL tells of changes") };
    assert_eq!(changes.recv().await, Some(Change::Hearing));
    let mut work = database.begin().await;
    work.announce(&Change::Apis).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(changes.recv().await, Some(Change::Apis));
}
