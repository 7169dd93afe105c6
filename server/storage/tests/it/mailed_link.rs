//! Links that are mailed: asked for, answered once, spent once, gone with their time.

use crate::support::{Database, NOW, on_both_databases, person, uuid};
use latchkey_core::port::{
    AccountReader, Consumed, Inserted, MailedLinkReader, Perishable,
    account::PasswordHash,
    mailed_link::{LinkAnswer, LinkPurpose, MailedLink},
};
use latchkey_model::MailedLinkId;
use time::Duration;

on_both_databases!(
    r17_a_link_is_answered_once_and_spent_once,
    a_request_that_comes_to_nothing_is_answered_once,
    an_account_ends_its_links_of_one_purpose,
    r54_an_address_belongs_to_one_account,
    r43_of_two_new_passwords_one_wins,
);

fn link(purpose: LinkPurpose) -> MailedLink {
    MailedLink {
        id: MailedLinkId::from_uuid(uuid()),
        purpose,
        email: "ada@example.org".parse().unwrap(),
        account: None,
        asked_at: NOW,
    }
}

fn answer(digest: u8) -> LinkAnswer {
    LinkAnswer { digest: [digest; 32], account: None, expires_at: NOW + Duration::HOUR }
}

async fn ask(database: &Database, link: &MailedLink) {
    let mut work = database.begin().await;
    work.link_ask(link).await.unwrap();
    work.commit().await.unwrap();
}

async fn r17_a_link_is_answered_once_and_spent_once(database: &Database) {
    let link = link(LinkPurpose::SignUp);
    ask(database, &link).await;
    assert_eq!(database.store.link_requests(10).await.unwrap(), std::slice::from_ref(&link));
    let mut work = database.begin().await;
    assert_eq!(work.link_take(link.id, NOW).await.unwrap(), Consumed::Lost, "there is no link yet");
    assert_eq!(work.link_answer(link.id, Some(&answer(1)), NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.link_answer(link.id, Some(&answer(2)), NOW).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(database.store.link_requests(10).await.unwrap(), []);
    let find = async |purpose, digest, at| database.store.mailed_link(purpose, &[digest; 32], at).await.unwrap();
    assert_eq!(find(LinkPurpose::SignUp, 1, NOW).await, Some(link.clone()));
    assert_eq!(find(LinkPurpose::SignUp, 2, NOW).await, None);
    assert_eq!(find(LinkPurpose::ResetPassword, 1, NOW).await, None, "it is for something else");
    assert_eq!(find(LinkPurpose::SignUp, 1, NOW + Duration::HOUR).await, None, "it has expired");
    let mut work = database.begin().await;
    assert_eq!(work.link_take(link.id, NOW + Duration::HOUR).await.unwrap(), Consumed::Lost);
    assert_eq!(work.link_take(link.id, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.link_take(link.id, NOW).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(find(LinkPurpose::SignUp, 1, NOW).await, None);
    assert_eq!(database.prune(Perishable::MailedLinks, NOW).await, 0);
    assert_eq!(database.prune(Perishable::MailedLinks, NOW + Duration::SECOND).await, 1);
}

async fn a_request_that_comes_to_nothing_is_answered_once(database: &Database) {
    let link = link(LinkPurpose::SignUp);
    ask(database, &link).await;
    let mut work = database.begin().await;
    assert_eq!(work.link_answer(link.id, None, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.link_take(link.id, NOW).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(database.store.link_requests(10).await.unwrap(), []);
}

async fn an_account_ends_its_links_of_one_purpose(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let mut links = Vec::new();
    for (digest, purpose) in [(1, LinkPurpose::ResetPassword), (2, LinkPurpose::ChangeEmail)] {
        let link = MailedLink { account: Some(ada.account.id), ..link(purpose) };
        ask(database, &link).await;
        let mut work = database.begin().await;
        assert_eq!(work.link_answer(link.id, Some(&answer(digest)), NOW).await.unwrap(), Consumed::Won);
        work.commit().await.unwrap();
        links.push(link);
    }
    let asked = MailedLink { account: Some(ada.account.id), ..link(LinkPurpose::ResetPassword) };
    ask(database, &asked).await;
    let mut work = database.begin().await;
    work.links_end(ada.account.id, LinkPurpose::ResetPassword, NOW).await.unwrap();
    assert_eq!(work.link_take(links[0].id, NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.link_answer(asked.id, Some(&answer(3)), NOW).await.unwrap(), Consumed::Lost, "a request ends, too");
    assert_eq!(work.link_take(links[1].id, NOW).await.unwrap(), Consumed::Won);
}

async fn r54_an_address_belongs_to_one_account(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let new = "Ada.New@example.org".parse().unwrap();
    let mut work = database.begin().await;
    assert_eq!(work.account_set_email(ada.account.id, &new, NOW).await.unwrap(), Inserted::Done);
    assert_eq!(
        work.account_verify_email(ada.account.id, &"ada@example.org".parse().unwrap(), NOW).await.unwrap(),
        Consumed::Lost,
        "it is another address by now"
    );
    work.commit().await.unwrap();
    let found = database.store.account(ada.account.id).await.unwrap().unwrap();
    assert_eq!((&found.email, found.email_verified_at), (&new, Some(NOW)));
    let mut work = database.begin().await;
    let taken = "ada.new@example.org".parse().unwrap();
    assert_eq!(work.account_set_email(eve.account.id, &taken, NOW).await.unwrap(), Inserted::Duplicate);
}

async fn r43_of_two_new_passwords_one_wins(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let mut work = database.begin().await;
    let hash = PasswordHash("new".to_owned());
    assert_eq!(work.account_set_password(ada.account.id, &hash, 0).await.unwrap(), Consumed::Won);
    assert_eq!(work.account_set_password(ada.account.id, &hash, 0).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    let (found, stored) = database.store.account_by_email("ada@example.org").await.unwrap().unwrap();
    assert_eq!((found.password_version, stored.0.as_str()), (1, "new"));
}
