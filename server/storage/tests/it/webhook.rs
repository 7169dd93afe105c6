//! Webhooks: messages in order, taken by one node at a time, postponed together, and sent again as if they were new.

use crate::support::{Database, NOW, on_both_databases, uuid};
use latchkey_core::{
    alert::AlertsOf,
    port::{
        Consumed, Perishable, RetentionReader, WebhookReader,
        webhook::{Delivery, DeliveryAttempt, DeliveryState, OffBecause, SealedWebhookSecret, Webhook},
    },
};
use latchkey_model::{AccountId, WebhookDeliveryId, WebhookId};
use time::Duration;

on_both_databases!(
    a_webhook_is_kept_as_it_was_set,
    a_message_is_taken_by_one_and_its_tries_are_listed,
    what_waits_behind_another_waits_as_long,
    messages_go_with_their_webhook_and_with_time,
);

fn webhook() -> Webhook {
    Webhook {
        id: WebhookId::from_uuid(uuid()),
        of: AlertsOf::Portal,
        name: "On call".parse().unwrap(),
        url: "https://example.org/hook?token=x".parse().unwrap(),
        secret: SealedWebhookSecret(vec![1, 2, 3]),
        former_secret: None,
        created_by: AccountId::from_uuid(uuid()),
        created_at: NOW,
        failing_since: None,
        off: None,
    }
}

fn delivery(webhook: &Webhook) -> Delivery {
    Delivery {
        id: WebhookDeliveryId::from_uuid(uuid()),
        webhook: webhook.id,
        event: "alert.raised".to_owned(),
        body: "{}".to_owned(),
        created_at: NOW,
        state: DeliveryState::Waiting { attempts: 0, next_attempt_at: NOW },
    }
}

async fn with_two_messages(database: &Database) -> (Webhook, [Delivery; 2]) {
    let webhook = webhook();
    let deliveries = [delivery(&webhook), delivery(&webhook)];
    let mut work = database.begin().await;
    assert_eq!(work.webhook_add(&webhook, 10).await.unwrap(), Consumed::Won);
    for one in &deliveries {
        work.delivery_add(one).await.unwrap();
    }
    work.commit().await.unwrap();
    (webhook, deliveries)
}

fn attempt(status: u16, problem: Option<&str>) -> DeliveryAttempt {
    DeliveryAttempt {
        id: uuid(),
        at: NOW,
        status: Some(status),
        problem: problem.map(str::to_owned),
        took: std::time::Duration::from_micros(1_234),
    }
}

async fn a_webhook_is_kept_as_it_was_set(database: &Database) {
    let before = webhook();
    let after = Webhook {
        name: "Nobody".parse().unwrap(),
        url: "https://example.net/".parse().unwrap(),
        secret: SealedWebhookSecret(vec![4]),
        former_secret: Some((SealedWebhookSecret(vec![1, 2, 3]), NOW + Duration::DAY)),
        off: Some((NOW, OffBecause::Asked)),
        ..before.clone()
    };
    let mut work = database.begin().await;
    assert_eq!(work.webhook_add(&before, 1).await.unwrap(), Consumed::Won);
    assert_eq!(work.webhook_add(&webhook(), 1).await.unwrap(), Consumed::Lost, "there is no room for two");
    work.commit().await.unwrap();
    assert_eq!(database.store.webhooks(AlertsOf::Portal).await.unwrap(), std::slice::from_ref(&before));
    let mut work = database.begin().await;
    assert_eq!(work.webhook_set(&after).await.unwrap(), Consumed::Won);
    assert_eq!(work.webhook_set(&webhook()).await.unwrap(), Consumed::Lost, "there is no such webhook");
    assert_eq!(work.webhook_off(after.id, NOW, OffBecause::Gone).await.unwrap(), Consumed::Lost, "it is off");
    work.commit().await.unwrap();
    assert_eq!(database.store.webhook_to_tell(after.id).await.unwrap(), Some(after.clone()));
    let mut work = database.begin().await;
    assert_eq!(work.webhook_set(&before).await.unwrap(), Consumed::Won);
    work.webhook_failing(before.id, Some(NOW)).await.unwrap();
    work.webhook_failing(before.id, Some(NOW + Duration::DAY)).await.unwrap();
    work.commit().await.unwrap();
    let found = database.store.webhook_to_tell(before.id).await.unwrap().unwrap();
    assert_eq!(found.failing_since, Some(NOW), "the first time stays");
    let mut work = database.begin().await;
    work.webhook_failing(before.id, None).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(database.store.webhook_to_tell(before.id).await.unwrap(), Some(before));
}

async fn a_message_is_taken_by_one_and_its_tries_are_listed(database: &Database) {
    let (webhook, [first, second]) = with_two_messages(database).await;
    assert_eq!(database.store.deliveries_due(NOW - Duration::SECOND, 10).await.unwrap(), []);
    assert_eq!(database.store.deliveries_due(NOW, 10).await.unwrap(), [first.clone(), second.clone()]);
    let again = NOW + Duration::MINUTE;
    let mut work = database.begin().await;
    assert_eq!(work.delivery_take(first.id, 0, again).await.unwrap(), Consumed::Won);
    assert_eq!(work.delivery_take(first.id, 0, again).await.unwrap(), Consumed::Lost, "another node's try");
    work.commit().await.unwrap();
    assert_eq!(database.store.deliveries_due(NOW, 10).await.unwrap(), std::slice::from_ref(&second));

    let (failed, taken) = (attempt(500, Some("it answered 500")), attempt(204, None));
    let waiting = DeliveryState::Waiting { attempts: 1, next_attempt_at: again };
    let mut work = database.begin().await;
    assert_eq!(work.delivery_settle(first.id, 2, &failed, waiting).await.unwrap(), Consumed::Lost);
    assert_eq!(work.delivery_settle(first.id, 1, &failed, waiting).await.unwrap(), Consumed::Won);
    assert_eq!(work.delivery_take(first.id, 1, again).await.unwrap(), Consumed::Won);
    assert_eq!(work.delivery_settle(first.id, 2, &taken, DeliveryState::Taken(NOW)).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    let tries = database.store.delivery_attempts(&[first.id, second.id]).await.unwrap();
    assert_eq!(tries, [(first.id, taken), (first.id, failed)]);

    let mut work = database.begin().await;
    let nobody = WebhookId::from_uuid(uuid());
    assert_eq!(work.delivery_again(nobody, first.id, again).await.unwrap(), Consumed::Lost, "r54");
    assert_eq!(work.delivery_again(webhook.id, first.id, again).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    let listed = database.store.deliveries(webhook.id, None, 10).await.unwrap();
    let state = DeliveryState::Waiting { attempts: 0, next_attempt_at: again };
    assert_eq!(listed, [second.clone(), Delivery { state, ..first }]);
    assert_eq!(database.store.deliveries(webhook.id, Some(second.id), 10).await.unwrap().len(), 1);
}

async fn what_waits_behind_another_waits_as_long(database: &Database) {
    let (webhook, [first, second]) = with_two_messages(database).await;
    let until = NOW + Duration::MINUTE;
    let mut work = database.begin().await;
    assert_eq!(work.delivery_take(first.id, 0, until).await.unwrap(), Consumed::Won);
    let given_up = DeliveryState::GivenUp(NOW);
    assert_eq!(work.delivery_settle(first.id, 1, &attempt(410, Some("gone")), given_up).await.unwrap(), Consumed::Won);
    work.deliveries_postpone(webhook.id, until).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(database.store.deliveries_due(NOW, 10).await.unwrap(), []);
    let due = database.store.deliveries_due(until, 10).await.unwrap();
    assert_eq!(due.iter().map(|one| one.id).collect::<Vec<_>>(), [second.id]);
}

async fn messages_go_with_their_webhook_and_with_time(database: &Database) {
    let (webhook, [first, _]) = with_two_messages(database).await;
    let mut work = database.begin().await;
    assert_eq!(work.delivery_take(first.id, 0, NOW).await.unwrap(), Consumed::Won);
    let taken = DeliveryState::Taken(NOW);
    assert_eq!(work.delivery_settle(first.id, 1, &attempt(200, None), taken).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.prune(Perishable::WebhookDeliveries, NOW).await, 0);
    assert_eq!(database.store.deliveries(webhook.id, None, 10).await.unwrap().len(), 2);
    let mut work = database.begin().await;
    assert_eq!(work.webhook_remove(webhook.id, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.webhook_remove(webhook.id, NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.webhook_set(&webhook).await.unwrap(), Consumed::Lost);
    assert_eq!(work.webhook_off(webhook.id, NOW, OffBecause::Gone).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    // It is gone for everybody at once; its messages, however many they are, go by and by.
    assert_eq!(database.store.webhooks(AlertsOf::Portal).await.unwrap(), []);
    assert_eq!(database.store.webhook_to_tell(webhook.id).await.unwrap(), None);
    assert_eq!(database.store.deliveries_due(NOW + Duration::DAY, 10).await.unwrap(), []);
    assert_eq!(database.prune(Perishable::RemovedWebhooks, NOW).await, 0);
    let soon = NOW + Duration::SECOND;
    let ahead = database.store.perishables_read_ahead(Perishable::RemovedWebhooks, NOW..soon, 8).await.unwrap();
    assert_eq!(ahead, 3);
    for rows in [2, 1, 0] {
        assert_eq!(database.prune(Perishable::RemovedWebhooks, soon).await, rows, "the messages, then the webhook");
    }
    assert_eq!(database.store.deliveries(webhook.id, None, 10).await.unwrap(), []);
    assert_eq!(database.store.delivery_attempts(&[first.id]).await.unwrap(), []);
    let (webhook, _) = with_two_messages(database).await;
    assert_eq!(database.prune(Perishable::WebhookDeliveries, NOW + Duration::SECOND).await, 2);
    assert_eq!(database.store.deliveries(webhook.id, None, 10).await.unwrap(), []);
}
