//! Secrets of every kind are planted wherever people and programs send them, and looked for wherever they must not be: in the
//! database, the log, traces, pages, files, mails, metrics, answers.
//!
//! [`planted`] knows what was planted; the journeys plant it and send it where it belongs and where it does not; [`everywhere`] looks
//! at everything that the portal shows.

mod at_the_door;
mod database;
mod everywhere;
pub(crate) mod log;
mod oauth;
mod people;
mod planted;
mod scene;

use crate::{
    support::{PASSWORD, Portal, postgres_database},
    traces::Collector,
};
use log::Log;
use planted::{DATABASE, Planted};
use scene::Scene;
use server::{
    config::{Config, Given},
    serve::open_database,
    telemetry::Traces,
};
use std::time::Duration;
use tracing::level_filters::LevelFilter;

#[tokio::test]
async fn r53_secrets_stay_where_they_belong() {
    Box::pin(secrets_stay_where_they_belong(None)).await;
}

#[tokio::test]
async fn r53_secrets_stay_where_they_belong_on_postgres() {
    Box::pin(secrets_stay_where_they_belong(Some(postgres_database().await))).await;
}

async fn secrets_stay_where_they_belong(database_url: Option<String>) {
    let (log, collector) = (Log::default(), Collector::start().await);
    let mut planted = Planted::default();
    planted.plant("a field for the collector", "canary-of-the-collector");
    let otlp_headers = Some("x-tenant=canary-of-the-collector".to_owned());
    let given = Given { otlp_headers, database_url, ..collector.given() };
    let traces = Traces::new(&Config::new(given.clone()).unwrap()).unwrap().unwrap();
    let _listening = log.listen(&traces);
    let mut scene = Scene::set(given, &mut planted).await;

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
    planted.are_not_in(DATABASE, &database);
    planted.are_not_in("the log", &written);
    planted.are_not_in("the traces", &collector.text());
    planted.were_not_seen();
}

/// Neither the server for mail nor the database is there, and whoever is told so is not told the password for it.
#[tokio::test]
async fn r53_passwords_for_what_is_out_of_reach_are_nowhere() {
    let (log, mut planted) = (Log::default(), Planted::default());
    let _listening = log.listen_at(LevelFilter::TRACE);
    let (mail_password, store_password) = ("canary-password-for-mail", "canary-password-for-the-database");
    planted.plant("the password for mail", mail_password);
    planted.plant("the password for the database", store_password);
    let portal = Portal::with(Given {
        smtp_url: format!("smtp://keys:{mail_password}@127.0.0.1:1").parse().ok(),
        mail_from: Some("Latchkey <keys@example.org>".to_owned()),
        ..Given::default()
    })
    .await;
    let fields = [("name", "Ada"), ("email", "ada@example.org"), ("password", PASSWORD)];
    portal.browser().send("/signup", "/form/account/sign-up", &fields).await;
    portal.state.services.mailed_links.answer().await.unwrap();
    assert_eq!(portal.state.services.postman.deliver().await.unwrap(), 0);
    planted.are_not_in("the outbox", &portal.admin().await.get("/admin/outbox").await.text());
    planted.are_not_in(DATABASE, &database::whole(&portal).await);

    let url = format!("postgres://latchkey:{store_password}@127.0.0.1:1/latchkey");
    let config = Config::new(Given { database_url: Some(url), ..Given::default() }).unwrap();
    let Err(error) = open_database(&config).await else { panic!("nobody is there") };
    planted.are_not_in("an error", &format!("{error} {error:?}"));
    let written = log.text();
    assert!(written.contains("a mail was not taken"), "the log was read");
    planted.are_not_in("the log", &written);
}
