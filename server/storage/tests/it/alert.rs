//! Alerts: each occasion once, what lasts once at a time, and networks told of once.

use crate::support::{Database, NOW, on_both_databases, uuid};
use latchkey_core::{
    alert::{AlertKind, AlertsOf, Measure, Rule, Share},
    port::{
        AlertReader, Consumed, Inserted, Perishable,
        alert::{Alert, Course},
        request_log::{NetworkUse, RequestBatch},
    },
};
use latchkey_model::{AlertId, OwnerId, TeamId};
use time::Duration;

on_both_databases!(
    a_rule_is_kept_as_it_was_set,
    each_occasion_is_told_once_and_what_lasts_once_at_a_time,
    a_network_is_untold_until_somebody_takes_it,
    old_alerts_and_networks_are_forgotten,
);

fn alert(of: AlertsOf, occasion: &str, course: Course) -> Alert {
    Alert {
        id: AlertId::from_uuid(uuid()),
        of,
        kind: AlertKind::FailureRate,
        subject: None,
        title: "Many requests are refused".to_owned(),
        text: "They are.".to_owned(),
        occasion: occasion.to_owned(),
        facts: "{}".to_owned(),
        url: "https://portal.example/".to_owned(),
        raised_at: NOW,
        course,
    }
}

async fn add(database: &Database, alert: &Alert) -> Inserted {
    let mut work = database.begin().await;
    let inserted = work.alert_add(alert).await.unwrap();
    work.commit().await.unwrap();
    inserted
}

async fn a_rule_is_kept_as_it_was_set(database: &Database) {
    let team = AlertsOf::Team(TeamId::from_uuid(uuid()));
    let share = Measure::Share(Share { percent: 7, at_least: 1_000_000, minutes: 60 });
    let measures = [share, Measure::Learning { hours: 0 }, Measure::Count { at_least: 3 }, Measure::Each];
    let kinds = [AlertKind::ServerErrors, AlertKind::NewNetwork, AlertKind::Lockouts, AlertKind::Leak];
    let rules: Vec<_> = kinds
        .into_iter()
        .zip(measures)
        .map(|(kind, measure)| Rule { kind, on: false, people: true, webhooks: false, measure })
        .collect();
    for rule in &rules {
        let mut work = database.begin().await;
        work.alert_rule_set(team, &Rule { on: true, ..*rule }).await.unwrap();
        work.alert_rule_set(team, rule).await.unwrap();
        work.commit().await.unwrap();
    }
    let found = database.store.alert_rules(team).await.unwrap();
    assert!(rules.len() == found.len() && rules.iter().all(|rule| found.contains(rule)), "{found:?}");
    assert_eq!(database.store.alert_rules(AlertsOf::Portal).await.unwrap(), []);
    assert!(database.store.alert_rules_of_all().await.unwrap().iter().all(|(of, _)| *of == team));
}

async fn each_occasion_is_told_once_and_what_lasts_once_at_a_time(database: &Database) {
    let (portal, team) = (AlertsOf::Portal, AlertsOf::Team(TeamId::from_uuid(uuid())));
    assert_eq!(add(database, &alert(portal, "one", Course::Once)).await, Inserted::Done);
    assert_eq!(add(database, &alert(portal, "one", Course::Once)).await, Inserted::Duplicate);
    assert_eq!(add(database, &alert(team, "one", Course::Once)).await, Inserted::Done, "somebody else's");
    let going = alert(portal, "two", Course::Going);
    assert_eq!(add(database, &going).await, Inserted::Done);
    assert_eq!(add(database, &alert(portal, "three", Course::Going)).await, Inserted::Duplicate, "one lasts");
    assert_eq!(database.store.alerts_going().await.unwrap(), std::slice::from_ref(&going));

    let mut work = database.begin().await;
    assert_eq!(work.alert_end(going.id, NOW + Duration::HOUR).await.unwrap(), Consumed::Won);
    assert_eq!(work.alert_end(going.id, NOW + Duration::HOUR).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    let over = async |since| {
        let over = database.store.alert_over_since(portal, AlertKind::FailureRate, None, since).await.unwrap();
        over.map(|alert| (alert.id, alert.course))
    };
    assert_eq!(over(NOW).await, Some((going.id, Course::Over(NOW + Duration::HOUR))));
    assert_eq!(over(NOW + Duration::HOUR).await, None);
    let mut work = database.begin().await;
    assert_eq!(work.alert_resume(going.id).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.alerts_going().await.unwrap(), std::slice::from_ref(&going));
    let listed = database.store.alerts(portal, None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|alert| alert.occasion.as_str()).collect::<Vec<_>>(), ["two", "one"]);
    assert_eq!(database.store.alerts(portal, Some(going.id), 10).await.unwrap().len(), 1);
}

async fn a_network_is_untold_until_somebody_takes_it(database: &Database) {
    let (owner, credential) = (OwnerId::from_uuid(uuid()), uuid());
    let used = |address: &str, hour| NetworkUse { owner, credential, address: address.parse().unwrap(), hour };
    let hour = NOW.unix_timestamp();
    let networks =
        vec![used("203.0.113.7", hour), used("203.0.113.8", hour + 3_600), used("2001:db8::1", hour + 7_200)];
    let mut work = database.begin().await;
    work.record(&RequestBatch { networks, ..RequestBatch::default() }).await.unwrap();
    work.commit().await.unwrap();
    let untold = database.store.networks_untold(10).await.unwrap();
    let seen: Vec<_> = untold.iter().map(|one| (one.network.as_str(), one.others)).collect();
    assert_eq!(seen, [("203.0.113.0/24", 1), ("2001:db8::/48", 1)]);
    assert_eq!((untold[0].address.to_string().as_str(), untold[0].first_at), ("203.0.113.7", NOW));
    assert_eq!((untold[1].first_at, untold[1].used_since), (NOW + Duration::hours(2), NOW));
    let mut work = database.begin().await;
    assert_eq!(work.network_told(credential, "203.0.113.0/24").await.unwrap(), Consumed::Won);
    assert_eq!(work.network_told(credential, "203.0.113.0/24").await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(database.store.networks_untold(10).await.unwrap().len(), 1);
}

async fn old_alerts_and_networks_are_forgotten(database: &Database) {
    assert_eq!(add(database, &alert(AlertsOf::Portal, "one", Course::Once)).await, Inserted::Done);
    assert_eq!(add(database, &alert(AlertsOf::Portal, "two", Course::Going)).await, Inserted::Done);
    let (owner, address) = (OwnerId::from_uuid(uuid()), "203.0.113.7".parse().unwrap());
    let used = NetworkUse { owner, credential: uuid(), address, hour: NOW.unix_timestamp() };
    let mut work = database.begin().await;
    work.record(&RequestBatch { networks: vec![used], ..RequestBatch::default() }).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(database.prune(Perishable::Alerts, NOW).await, 0);
    assert_eq!(database.prune(Perishable::SeenNetworks, NOW).await, 0);
    assert_eq!(database.store.alerts(AlertsOf::Portal, None, 10).await.unwrap().len(), 2);
    assert_eq!(database.prune(Perishable::Alerts, NOW + Duration::SECOND).await, 1);
    assert_eq!(database.prune(Perishable::SeenNetworks, NOW + Duration::SECOND).await, 1);
    let left = database.store.alerts(AlertsOf::Portal, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|alert| alert.occasion.as_str()).collect::<Vec<_>>(), ["two"], "what lasts stays");
    assert_eq!(database.store.networks_untold(10).await.unwrap(), []);
}
