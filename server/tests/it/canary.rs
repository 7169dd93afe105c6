//! Secrets of every kind are planted wherever people and programs send them, and looked for wherever they must not be: in the
//! database, the log, traces, pages, files, mails, metrics, answers.
//!
//! [`planted`] knows what was planted; the journeys plant it and send it where it belongs and where it does not; [`everywhere`] looks
//! at everything that the portal shows.

mod at_the_door;
mod database;
mod everywhere;
mod log;
mod oauth;
mod people;
mod planted;
mod scene;

use crate::traces::Collector;
use log::Log;
use planted::Planted;
use scene::Scene;
use server::{config::Config, telemetry::Traces};
use std::time::Duration;

#[tokio::test]
async fn r53_secrets_stay_where_they_belong() {
    let (log, collector) = (Log::default(), Collector::start().await);
    let traces = Traces::new(&Config::new(collector.given()).unwrap()).unwrap().unwrap();
    let _listening = log.listen(&traces);
    let mut planted = Planted::default();
    let mut scene = Scene::set(collector.given(), &mut planted).await;

    people::prove_themselves(&mut scene, &mut planted).await;
    people::are_mailed_links(&mut scene, &mut planted).await;
    people::type_secrets_elsewhere(&mut scene, &mut planted).await;
    oauth::clients_get_tokens(&mut scene, &mut planted).await;
    oauth::devices_and_agents_come(&mut scene, &mut planted).await;
    at_the_door::everything_is_sent_everywhere(&scene, &mut planted).await;
    at_the_door::leaks_are_reported(&scene, &mut planted).await;
    people::add_a_second_factor(&mut scene, &mut planted).await;

    // Until the writer of the request log has come by.
    tokio::time::sleep(Duration::from_secs(2)).await;
    everywhere::look(&mut scene, &mut planted).await;
    traces.finish().await;
    let (database, written) = (database::whole(&scene.stage.portal).await, log.text());
    assert!(written.contains("insufficient_scope"), "the log was read");
    assert!(collector.text().contains("insufficient_scope"), "the traces were read");
    assert!(database.contains("ada@example.org"), "the database was read");
    assert!(!database.contains(database::UNSEALED_KEY), "a private key is in the database as it is");
    planted.are_not_in("the database", &database);
    planted.are_not_in("the log", &written);
    planted.are_not_in("the traces", &collector.text());
    planted.were_not_seen();
}
