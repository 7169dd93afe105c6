//! Mails: written once for each reader, taken by one node at a time, and without their link once they are on their way.

use crate::support::{Database, NOW, on_both_databases, uuid};
use latchkey_core::port::{
    Consumed, Inserted, MailReader,
    mail::{Delivery, Mail, SealedLink},
};
use latchkey_model::MailId;
use time::Duration;

on_both_databases!(
    one_mail_for_each_recipient_and_occasion,
    a_mail_is_taken_by_one_and_is_due_again_when_nothing_is_heard_of_it,
    what_is_sent_or_given_up_keeps_no_link,
);

fn mail(recipient: &str, occasion: &str) -> Mail {
    Mail {
        id: MailId::from_uuid(uuid()),
        recipient: recipient.to_owned(),
        subject: "A key ends".to_owned(),
        text: "It does.".to_owned(),
        link: Some(SealedLink(vec![1, 2, 3])),
        occasion: occasion.to_owned(),
        created_at: NOW,
        useful_until: Some(NOW + Duration::hours(1)),
        delivery: Delivery::new(NOW),
    }
}

async fn add(database: &Database, mail: &Mail) -> Inserted {
    let mut work = database.begin().await;
    let inserted = work.mail_add(mail).await.unwrap();
    work.commit().await.unwrap();
    inserted
}

async fn one_mail_for_each_recipient_and_occasion(database: &Database) {
    let (first, second) = (mail("ada@example.org", "one"), mail("eve@example.org", "one"));
    assert_eq!(add(database, &first).await, Inserted::Done);
    assert_eq!(add(database, &second).await, Inserted::Done);
    assert_eq!(add(database, &mail("ada@example.org", "one")).await, Inserted::Duplicate);
    assert_eq!(database.store.mails(None, 10).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(database.store.mails(Some(second.id), 10).await.unwrap(), [first]);
}

async fn a_mail_is_taken_by_one_and_is_due_again_when_nothing_is_heard_of_it(database: &Database) {
    let mail = mail("ada@example.org", "one");
    assert_eq!(add(database, &mail).await, Inserted::Done);
    assert_eq!(database.store.mails_due(NOW - Duration::SECOND, 10).await.unwrap(), []);
    assert_eq!(database.store.mails_due(NOW, 10).await.unwrap(), std::slice::from_ref(&mail));
    let again = NOW + Duration::minutes(5);
    let mut work = database.begin().await;
    assert_eq!(work.mail_take(mail.id, 0, again).await.unwrap(), Consumed::Won);
    assert_eq!(work.mail_take(mail.id, 0, again).await.unwrap(), Consumed::Lost, "another node's try");
    work.commit().await.unwrap();
    assert_eq!(database.store.mails_due(NOW, 10).await.unwrap(), []);
    let due = database.store.mails_due(again, 10).await.unwrap();
    let waiting = Delivery::Waiting { attempts: 1, next_attempt_at: again, problem: None };
    assert_eq!(due, [Mail { delivery: waiting, ..mail }]);
}

async fn what_is_sent_or_given_up_keeps_no_link(database: &Database) {
    let over = [Delivery::Sent(NOW), Delivery::GivenUp { at: NOW, problem: "nobody has it".to_owned() }];
    let mails = [mail("ada@example.org", "one"), mail("ada@example.org", "two")];
    for (mail, delivery) in mails.iter().zip(&over) {
        assert_eq!(add(database, mail).await, Inserted::Done);
        let mut work = database.begin().await;
        assert_eq!(work.mail_settle(mail.id, 1, delivery).await.unwrap(), Consumed::Lost, "that try is another node's");
        assert_eq!(work.mail_settle(mail.id, 0, delivery).await.unwrap(), Consumed::Won);
        assert_eq!(work.mail_take(mail.id, 0, NOW).await.unwrap(), Consumed::Lost);
        work.commit().await.unwrap();
    }
    assert_eq!(database.store.mails_due(NOW + Duration::DAY, 10).await.unwrap(), []);
    let found = database.store.mails(None, 10).await.unwrap();
    assert!(found.iter().all(|mail| mail.link.is_none()), "{found:?}");
    assert_eq!([&found[1].delivery, &found[0].delivery], [&over[0], &over[1]]);
    // What has to wait keeps it.
    let waits = mail("ada@example.org", "three");
    assert_eq!(add(database, &waits).await, Inserted::Done);
    let waiting = Delivery::Waiting { attempts: 1, next_attempt_at: NOW, problem: Some("it is busy".to_owned()) };
    let mut work = database.begin().await;
    assert_eq!(work.mail_take(waits.id, 0, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.mail_settle(waits.id, 1, &waiting).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.mails_due(NOW, 10).await.unwrap(), [Mail { delivery: waiting, ..waits }]);
}
