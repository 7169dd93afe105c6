//! Accounts, ownership, and links that work once.

use crate::support::{Database, NOW, application, name, on_both_databases, person, uuid};
use latchkey_core::port::{
    AccountReader, ApplicationReader, Consumed, Inserted, Store,
    account::{Account, PasswordHash},
    application::Application,
};
use latchkey_model::{AccountId, AccountRole, ApplicationId, Environment, EnvironmentId};
use time::Duration;

on_both_databases!(
    an_address_is_taken_in_any_spelling,
    nothing_is_kept_without_a_commit,
    an_application_is_seen_by_its_team_alone,
    a_team_has_one_application_of_a_name,
    r17_a_setup_link_is_taken_once_under_concurrency,
    a_setup_link_ends_by_time_and_by_a_newer_one,
);

async fn an_address_is_taken_in_any_spelling(database: &Database) {
    let ada = person(database, "Ada@Example.org").await;
    let again =
        Account { id: AccountId::from_uuid(uuid()), email: "aDA@example.ORG".parse().unwrap(), ..ada.account.clone() };
    let mut work = database.begin().await;
    assert_eq!(work.account_add(&again, &PasswordHash("other".to_owned())).await.unwrap(), Inserted::Duplicate);
    work.commit().await.unwrap();
    let (found, hash) = database.store.account_by_email("ada@example.org").await.unwrap().unwrap();
    assert_eq!((found, hash.0.as_str()), (ada.account, "$argon2id$"), "the first one stays as it was");
}

async fn nothing_is_kept_without_a_commit(database: &Database) {
    let account = Account {
        id: AccountId::from_uuid(uuid()),
        email: "ada@example.org".parse().unwrap(),
        name: name("Ada"),
        role: AccountRole::Admin,
        created_at: NOW,
        email_verified_at: None,
        password_version: 0,
        has_second_factor: false,
        programs_may_use_password: false,
        suspended: None,
    };
    let mut work = database.begin().await;
    assert_eq!(work.account_add(&account, &PasswordHash(String::new())).await.unwrap(), Inserted::Done);
    drop(work);
    assert_eq!(database.store.account(account.id).await.unwrap(), None);
    assert!(!database.store.has_admin().await.unwrap());
}

async fn an_application_is_seen_by_its_team_alone(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let hers = application(database, &ada, "Bookshelf").await;
    let seen = database.store.application(ada.account.id, hers.id, NOW).await.unwrap().unwrap();
    assert_eq!((seen.application.id, seen.environments, seen.live_keys), (hers.id, hers.environments, [0; 3]));
    assert_eq!(database.store.application(eve.account.id, hers.id, NOW).await.unwrap(), None);
    assert_eq!(database.store.applications(eve.account.id, NOW).await.unwrap(), []);
    assert_eq!(database.store.applications(ada.account.id, NOW).await.unwrap(), [seen]);
}

async fn a_team_has_one_application_of_a_name(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    application(database, &ada, "Bookshelf").await;
    // Another team may have one of that name; the same team may not, in whatever letters.
    application(database, &eve, "Bookshelf").await;
    let again = Application {
        id: ApplicationId::from_uuid(uuid()),
        team_id: ada.team,
        name: name("BOOKSHELF"),
        created_at: NOW,
        suspended: None,
    };
    let environments = Environment::ALL.map(|environment| (EnvironmentId::from_uuid(uuid()), environment));
    let mut work = database.begin().await;
    assert_eq!(work.application_add(&again, environments).await.unwrap(), Inserted::Duplicate);
}

async fn r17_a_setup_link_is_taken_once_under_concurrency(database: &Database) {
    let mut work = database.begin().await;
    work.setup_link_replace(&[1; 32], NOW, NOW + Duration::hours(1)).await.unwrap();
    work.commit().await.unwrap();
    let tries = (0..16).map(|_| {
        let store = database.store.clone();
        tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            let taken = work.setup_link_take(&[1; 32], NOW).await.unwrap();
            work.commit().await.unwrap();
            taken
        })
    });
    let mut won = 0;
    for one in tries.collect::<Vec<_>>() {
        won += usize::from(one.await.unwrap() == Consumed::Won);
    }
    assert_eq!(won, 1);
}

async fn a_setup_link_ends_by_time_and_by_a_newer_one(database: &Database) {
    let mut work = database.begin().await;
    work.setup_link_replace(&[1; 32], NOW, NOW + Duration::hours(1)).await.unwrap();
    assert_eq!(work.setup_link_take(&[2; 32], NOW).await.unwrap(), Consumed::Lost, "another link");
    assert_eq!(work.setup_link_take(&[1; 32], NOW + Duration::hours(1)).await.unwrap(), Consumed::Lost, "too late");
    work.setup_link_replace(&[3; 32], NOW, NOW + Duration::hours(1)).await.unwrap();
    assert_eq!(work.setup_link_take(&[1; 32], NOW).await.unwrap(), Consumed::Lost, "replaced");
    assert_eq!(work.setup_link_take(&[3; 32], NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.setup_link_take(&[3; 32], NOW).await.unwrap(), Consumed::Lost, "spent");
}
