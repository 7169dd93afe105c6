//! What an admin suspends, and finds.

use crate::support::{Database, NOW, add_key, application, name, new_key, on_both_databases, person, stored};
use latchkey_core::{
    audit::Reason,
    port::{
        AccountReader, ApplicationReader, Consumed, DirectoryReader, NoticeReader,
        api_key::{Holder, KeyState, NewKeyOwner},
        directory::AccountSearch,
        suspension::{Suspendable, SuspendableId, Suspension},
    },
};
use latchkey_model::AccountRole;
use time::Duration;

on_both_databases!(
    a_suspension_is_of_its_keys_too_and_keeps_its_first_reason,
    a_suspended_account_is_that_of_its_own_tokens_alone,
    suspended_admins_look_after_nothing,
    admins_find_what_anybody_has,
);

const KEY: &str = "aaaaaaaaaaaa";
const TOKEN: &str = "bbbbbbbbbbbb";

fn why(text: &str) -> Reason {
    text.parse().unwrap()
}

async fn suspend(database: &Database, what: SuspendableId, because: &str) -> Consumed {
    let mut work = database.begin().await;
    let outcome = work.suspend(what, NOW, &why(because)).await.unwrap();
    work.commit().await.unwrap();
    outcome
}

async fn reinstate(database: &Database, what: SuspendableId) -> Consumed {
    let mut work = database.begin().await;
    let outcome = work.reinstate(what).await.unwrap();
    work.commit().await.unwrap();
    outcome
}

async fn state(database: &Database, public_id: &str) -> KeyState {
    stored(database, public_id).await.key.state(NOW)
}

async fn a_suspension_is_of_its_keys_too_and_keeps_its_first_reason(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    add_key(database, &new_key(&ada, &bookshelf, KEY)).await;
    let what = SuspendableId::Application(bookshelf.id);
    assert_eq!(reinstate(database, what).await, Consumed::Lost, "it is not suspended");
    assert_eq!(suspend(database, what, "it sends spam").await, Consumed::Won);
    assert_eq!(suspend(database, what, "another reason").await, Consumed::Lost);
    let suspension = Suspension { of: Suspendable::Application, at: NOW };
    assert_eq!(state(database, KEY).await, KeyState::Suspended(suspension));
    let found = database.store.application(ada.account.id, bookshelf.id, NOW).await.unwrap().unwrap();
    let suspended = found.application.suspended.unwrap();
    assert_eq!((suspended.suspension, suspended.because.as_str()), (suspension, "it sends spam"));
    let late = NOW + Duration::days(8);
    assert!(matches!(stored(database, KEY).await.key.state(late), KeyState::Expired(_)), "that is why, for good");
    assert_eq!(reinstate(database, what).await, Consumed::Won);
    assert_eq!(state(database, KEY).await, KeyState::Live);
}

async fn a_suspended_account_is_that_of_its_own_tokens_alone(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    add_key(database, &new_key(&ada, &bookshelf, KEY)).await;
    let mut token = new_key(&ada, &bookshelf, TOKEN);
    token.owner = NewKeyOwner::Account(ada.account.id);
    add_key(database, &token).await;
    assert_eq!(suspend(database, SuspendableId::Account(ada.account.id), "it sends spam").await, Consumed::Won);
    let suspension = Suspension { of: Suspendable::Account, at: NOW };
    assert_eq!(state(database, TOKEN).await, KeyState::Suspended(suspension));
    assert_eq!(state(database, KEY).await, KeyState::Live, "it made the key, and its team owns it");
    let account = database.store.account(ada.account.id).await.unwrap().unwrap();
    assert_eq!(account.suspended.unwrap().suspension, suspension);
}

async fn suspended_admins_look_after_nothing(database: &Database) {
    let mut admins = Vec::new();
    for email in ["root@example.org", "second@example.org"] {
        let mut admin = person(database, &format!("like-{email}")).await.account;
        admin.id = latchkey_model::AccountId::from_uuid(crate::support::uuid());
        admin.email = email.parse().unwrap();
        admin.role = AccountRole::Admin;
        let mut work = database.begin().await;
        let hash = latchkey_core::port::account::PasswordHash("$argon2id$".to_owned());
        let _ = work.account_add(&admin, &hash).await.unwrap();
        work.commit().await.unwrap();
        admins.push(admin.id);
    }
    let held = async || database.begin().await.admins_hold().await.unwrap();
    assert_eq!(held().await, 2);
    assert_eq!(suspend(database, SuspendableId::Account(admins[1]), "a stolen laptop").await, Consumed::Won);
    assert_eq!(held().await, 1);
    assert_eq!(database.store.admin_emails().await.unwrap(), ["root@example.org"]);
}

async fn admins_find_what_anybody_has(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let bookshelf = application(database, &ada, "Bookshelf 100%").await;
    add_key(database, &new_key(&ada, &bookshelf, KEY)).await;
    let store = &database.store;
    let search = AccountSearch { text: "ADA@".to_owned(), ..AccountSearch::default() };
    let found = store.accounts_found(&search, 10).await.unwrap();
    assert_eq!(found.iter().map(|found| found.account.id).collect::<Vec<_>>(), [ada.account.id]);
    assert_eq!(suspend(database, SuspendableId::Account(eve.account.id), "it sends spam").await, Consumed::Won);
    for (suspended, expected) in [(Some(true), vec![eve.account.id]), (Some(false), vec![ada.account.id])] {
        let search = AccountSearch { suspended, ..AccountSearch::default() };
        let found = store.accounts_found(&search, 10).await.unwrap();
        assert_eq!(found.iter().map(|found| found.account.id).collect::<Vec<_>>(), expected);
    }
    let older = AccountSearch { before: Some(eve.account.id), ..AccountSearch::default() };
    assert_eq!(store.accounts_found(&older, 10).await.unwrap().len(), 1);
    for (sought, keys, applications) in [("aaaa", 1, 0), ("WEB back", 1, 0), ("100%", 0, 1), ("1%0", 0, 0)] {
        assert_eq!(store.keys_found(sought, 10).await.unwrap().len(), keys, "{sought}");
        assert_eq!(store.applications_found(sought, 10).await.unwrap().len(), applications, "{sought}");
    }
    let found = store.application_found(bookshelf.id).await.unwrap().unwrap();
    assert_eq!((found.name, found.team_id), (name("Bookshelf 100%"), ada.team));
    assert_eq!(store.people_of(Holder::Team(ada.team)).await.unwrap(), ["ada@example.org"]);
}
