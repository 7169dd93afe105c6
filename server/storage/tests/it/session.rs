//! Sessions: what is ended stays ended.

use crate::support::{Database, NOW, on_both_databases, person, uuid};
use latchkey_core::{
    account::SignInMethod,
    port::{
        Consumed, Inserted, Perishable, SessionReader,
        session::{SealedValues, SessionRecord},
    },
};
use latchkey_model::{AccountId, SessionId};
use time::Duration;

on_both_databases!(
    t03_saving_does_not_bring_an_ended_session_back,
    r11_a_digest_is_never_used_again,
    a_session_ends_by_time,
    sessions_are_ended_by_their_account_alone,
    old_sessions_are_removed_and_live_ones_stay,
);

fn session(account: Option<AccountId>, digest: u8) -> SessionRecord {
    SessionRecord {
        id: SessionId::from_uuid(uuid()),
        digest: [digest; 32],
        account_id: account,
        password_version: 0,
        method: SignInMethod::PASSWORD,
        data: SealedValues("sealed".to_owned()),
        created_at: NOW,
        seen_at: NOW,
        expires_at: NOW + Duration::days(3),
        user_agent: "Firefox".to_owned(),
        address: "203.0.113.9".to_owned(),
    }
}

async fn add(database: &Database, session: &SessionRecord) -> Inserted {
    let mut work = database.begin().await;
    let inserted = work.session_add(session).await.unwrap();
    work.commit().await.unwrap();
    inserted
}

async fn t03_saving_does_not_bring_an_ended_session_back(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let mut row = session(Some(ada.account.id), 1);
    assert_eq!(add(database, &row).await, Inserted::Done);
    let mut work = database.begin().await;
    assert_eq!(work.session_end(&row.digest, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    row.data = SealedValues("late".to_owned());
    let mut work = database.begin().await;
    assert_eq!(work.session_save(&row).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(database.store.session_load(&row.digest, NOW).await.unwrap(), None);
    let mut work = database.begin().await;
    assert_eq!(work.session_end(&row.digest, NOW).await.unwrap(), Consumed::Lost, "it ends once");
}

async fn r11_a_digest_is_never_used_again(database: &Database) {
    let row = session(None, 1);
    assert_eq!(add(database, &row).await, Inserted::Done);
    let other = SessionRecord { id: SessionId::from_uuid(uuid()), ..row.clone() };
    assert_eq!(add(database, &other).await, Inserted::Duplicate);
    let mut work = database.begin().await;
    assert_eq!(work.session_end(&row.digest, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(add(database, &other).await, Inserted::Duplicate, "not even after its end");
}

async fn a_session_ends_by_time(database: &Database) {
    let row = session(None, 1);
    assert_eq!(add(database, &row).await, Inserted::Done);
    let before = row.expires_at - Duration::seconds(1);
    assert!(database.store.session_load(&row.digest, before).await.unwrap().is_some());
    assert_eq!(database.store.session_load(&row.digest, row.expires_at).await.unwrap(), None);
}

async fn sessions_are_ended_by_their_account_alone(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let (laptop, phone, old) =
        (session(Some(ada.account.id), 1), session(Some(ada.account.id), 2), session(Some(ada.account.id), 3));
    for row in [&laptop, &phone, &old] {
        assert_eq!(add(database, row).await, Inserted::Done);
    }
    let mut work = database.begin().await;
    assert_eq!(work.session_end_own(eve.account.id, phone.id, NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.session_end_all(eve.account.id, Some(&[9; 32]), NOW).await.unwrap(), 0);
    assert_eq!(work.session_end_own(ada.account.id, old.id, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(
        work.session_end_all(ada.account.id, Some(&laptop.digest), NOW).await.unwrap(),
        1,
        "the ended one is not counted"
    );
    work.commit().await.unwrap();
    assert_eq!(database.store.sessions(ada.account.id, NOW).await.unwrap(), [laptop]);
    let mut work = database.begin().await;
    assert_eq!(work.session_end_all(ada.account.id, None, NOW).await.unwrap(), 1);
    work.commit().await.unwrap();
    assert_eq!(database.store.sessions(ada.account.id, NOW).await.unwrap(), []);
    assert_eq!(database.store.sessions(eve.account.id, NOW).await.unwrap(), []);
}

async fn old_sessions_are_removed_and_live_ones_stay(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let (live, mut expired, ended) = (session(None, 1), session(None, 2), session(Some(ada.account.id), 3));
    expired.expires_at = NOW - Duration::days(2);
    for row in [&live, &expired, &ended] {
        assert_eq!(add(database, row).await, Inserted::Done);
    }
    let mut work = database.begin().await;
    assert_eq!(work.session_end_own(ada.account.id, ended.id, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.prune(Perishable::ExpiredSessions, NOW - Duration::days(1)).await, 1);
    assert_eq!(database.prune(Perishable::EndedSessions, NOW).await, 0);
    assert_eq!(database.prune(Perishable::EndedSessions, NOW + Duration::SECOND).await, 1);
    assert!(database.store.session_load(&live.digest, NOW).await.unwrap().is_some());
}
