//! Revoking and rotating with real concurrency: what the door remembers is never what somebody was told is over.

use crate::support::{Portal, START};
use latchkey_core::{
    Actor, Services,
    alert::AlertsOf,
    api_key::{ApiKeyError, ApiKeyService, ClockStart, CreateApiKey, CreatedApiKey, KeyForm, PlainApiKey},
    authn::{
        Asked, Facts, Transport,
        credential::{Carried, Credential},
    },
    port::{
        Inserted, UnitOfWork,
        second_factor::{PasskeyRecord, TotpRecord},
        session::SessionDigest,
        suspension::SuspendableId,
    },
    usage::{SavedViews, views::SavedViewError},
    webhook::{WebhookError, WebhookForm, WebhookService},
};
use latchkey_model::{AccountRole, ApiKeyId, ApplicationId, Environment, PasskeyId, RequestId};
use latchkey_storage::SeaStore;
use sea_orm::ConnectionTrait;
use server::config::Given;
use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::Barrier;

const CALLS: usize = 64;

struct Scene {
    _portal: Portal,
    services: Arc<Services>,
    ada: Actor,
    application: ApplicationId,
}

async fn scene() -> Scene {
    let given = Given {
        requests_per_minute: "100000000".parse().ok(),
        team_requests_per_minute: "100000000".parse().ok(),
        ..Given::default()
    };
    scene_of(Portal::with(given).await).await
}

async fn scene_of(portal: Portal) -> Scene {
    let mut browser = portal.member("ada@example.org").await;
    let application = browser.application("Bookshelf").await.parse().unwrap();
    let services = portal.state.services.clone();
    let store = &services.ports.store;
    let (account, _) = store.account_by_email("ada@example.org").await.unwrap().unwrap();
    let ada = Actor::Account {
        account,
        session: SessionDigest::default(),
        signed_in_at: START,
        signed_in_by: latchkey_core::account::SignInMethod::PASSWORD,
        from: std::net::Ipv4Addr::LOCALHOST.into(),
    };
    Scene { _portal: portal, services, ada, application }
}

impl Scene {
    async fn key(&self) -> (ApiKeyId, PlainApiKey) {
        let created = self.create(Environment::Development).await.unwrap();
        (created.id, created.plain)
    }

    async fn create(&self, environment: Environment) -> Result<CreatedApiKey, ApiKeyError> {
        let scopes = ["read:posts".to_owned()];
        let form = KeyForm { name: "Racing", scopes: &scopes, expiry: "never", ..KeyForm::default() };
        let create = CreateApiKey { form, form_id: self.services.ports.uuid() };
        self.services.api_keys.create(&self.ada, self.application, environment, create).await
    }

    async fn create_token(&self) -> Result<CreatedApiKey, ApiKeyError> {
        let scopes = ["read:posts".to_owned()];
        let form = KeyForm { name: "Racing", scopes: &scopes, expiry: "30", ..KeyForm::default() };
        let create = CreateApiKey { form, form_id: self.services.ports.uuid() };
        self.services.personal_tokens.create(&self.ada, create).await
    }
}

async fn admitted(services: &Services, key: &PlainApiKey) -> bool {
    let value = key.expose().as_bytes();
    let credential = Credential::read(Carried { api_key: [Some(value), None], ..Carried::default() });
    let facts = Facts {
        id: RequestId::from_uuid(services.ports.uuid()),
        at: services.ports.now(),
        address: Ipv4Addr::LOCALHOST.into(),
        transport: Transport::Private,
        certificate: None,
        asked: Asked::Demo { needed_scope: Some("read:posts") },
    };
    services.door.judge(&facts, &credential, None).await.outcome.is_ok()
}

/// Calls on both sides of an answer: how many were let in before, and how many began after.
#[derive(Default)]
struct Sides {
    before: AtomicU64,
    after: AtomicU64,
}

impl Sides {
    /// 64 callers call as fast as they can while the key is ended by `act`. A call that begins after its answer must be refused.
    async fn race(
        self: &Arc<Self>,
        scene: &Arc<Scene>,
        key: &Arc<PlainApiKey>,
        round: u64,
        act: impl Future<Output = ()>,
    ) {
        let answered = Arc::new(AtomicBool::new(false));
        let start = Arc::new(Barrier::new(CALLS + 1));
        let callers: Vec<_> = (0..CALLS)
            .map(|_| {
                let (scene, key, answered, start) =
                    (Arc::clone(scene), Arc::clone(key), Arc::clone(&answered), Arc::clone(&start));
                let sides = Arc::clone(self);
                tokio::spawn(async move {
                    start.wait().await;
                    for _ in 0..200 {
                        let late = answered.load(Ordering::SeqCst);
                        let passed = admitted(&scene.services, &key).await;
                        assert!(!(late && passed), "round {round}: a call that began after the answer was let in");
                        if late {
                            sides.after.fetch_add(1, Ordering::Relaxed);
                            return;
                        }
                        sides.before.fetch_add(u64::from(passed), Ordering::Relaxed);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        start.wait().await;
        act.await;
        answered.store(true, Ordering::SeqCst);
        assert!(!admitted(&scene.services, key).await, "round {round}");
        for caller in callers {
            caller.await.unwrap();
        }
    }

    fn have_both(&self, rounds: u64) {
        let (before, after) = (self.before.load(Ordering::Relaxed), self.after.load(Ordering::Relaxed));
        assert!(before > rounds && after > rounds, "there were calls on both sides of the answer: {before}, {after}");
    }
}

/// The same while its application is suspended: nothing is known of which keys that concerns, and none is let in all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asvs_8_3_2_no_call_that_begins_after_a_suspension_was_answered_succeeds() {
    const ROUNDS: u64 = 200;
    let scene = Arc::new(scene().await);
    let mut admin = scene.ada.clone();
    if let Actor::Account { account, .. } = &mut admin {
        account.role = AccountRole::Admin;
    }
    let what = SuspendableId::Application(scene.application);
    let (_, key) = scene.key().await;
    let key = Arc::new(key);
    let sides = Arc::<Sides>::default();
    for round in 0..ROUNDS {
        let suspend = async { scene.services.directory.suspend(&admin, what, "a race").await.unwrap() };
        sides.race(&scene, &key, round, suspend).await;
        scene.services.directory.reinstate(&admin, what, "the race is over").await.unwrap();
        assert!(admitted(&scene.services, &key).await, "round {round}: at once");
    }
    sides.have_both(ROUNDS);
}

/// 64 callers call as fast as they can while the key is revoked. A call that begins after the answer must be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn asvs_8_3_2_no_call_that_begins_after_a_revocation_was_answered_succeeds() {
    const ROUNDS: u64 = 1_000;
    let scene = Arc::new(scene().await);
    let sides = Arc::<Sides>::default();
    for round in 0..ROUNDS {
        let (id, key) = scene.key().await;
        let revoke = async { drop(scene.services.api_keys.revoke(&scene.ada, id).await.unwrap()) };
        sides.race(&scene, &Arc::new(key), round, revoke).await;
    }
    sides.have_both(ROUNDS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_of_64_rotations_at_once_one_wins() {
    let scene = Arc::new(scene().await);
    for _ in 0..10 {
        let (id, old) = scene.key().await;
        let tries: Vec<_> = (0..CALLS)
            .map(|_| {
                let scene = Arc::clone(&scene);
                tokio::spawn(async move {
                    let (overlap, form_id) = ("none".parse().unwrap(), scene.services.ports.uuid());
                    scene.services.api_keys.rotate(&scene.ada, id, overlap, ClockStart::Now, form_id).await
                })
            })
            .collect();
        let mut winners = Vec::new();
        for one in tries {
            match one.await.unwrap() {
                Ok((_, created)) => winners.push(created.plain),
                Err(error) => assert!(matches!(error, ApiKeyError::BeingRotated | ApiKeyError::NotLive), "{error:?}"),
            }
        }
        assert_eq!(winners.len(), 1);
        assert!(admitted(&scene.services, &winners[0]).await, "the winner's key works");
        assert!(!admitted(&scene.services, &old).await, "the old one has ended");
    }
}

/// Of 64 first uses at once, one starts the clock, and with no overlap the old key is refused from then on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_the_first_use_starts_the_clock_once() {
    let scene = Arc::new(scene().await);
    for _ in 0..20 {
        let (id, old) = scene.key().await;
        let form_id = scene.services.ports.uuid();
        let overlap = "none".parse().unwrap();
        let rotated = scene.services.api_keys.rotate(&scene.ada, id, overlap, ClockStart::FirstUse, form_id).await;
        let new = Arc::new(rotated.unwrap().1.plain);
        assert!(admitted(&scene.services, &old).await, "until then the old key works");
        let uses: Vec<_> = (0..CALLS)
            .map(|_| {
                let (scene, new) = (Arc::clone(&scene), Arc::clone(&new));
                tokio::spawn(async move { admitted(&scene.services, &new).await })
            })
            .collect();
        for one in uses {
            assert!(one.await.unwrap(), "a rotation refuses nobody who has the new key");
        }
        assert!(!admitted(&scene.services, &old).await, "the old key has ended");
    }
}

/// A rotation that is called off while its new key is first used: one of the two happens, wholly.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_calling_off_and_first_use_at_once() {
    let scene = Arc::new(scene().await);
    let (mut called_off, mut taken_over) = (0, 0);
    for _ in 0..60 {
        let (id, old) = scene.key().await;
        let (overlap, form_id) = ("none".parse().unwrap(), scene.services.ports.uuid());
        let rotated = scene.services.api_keys.rotate(&scene.ada, id, overlap, ClockStart::FirstUse, form_id).await;
        let (_, created) = rotated.unwrap();
        let new = created.plain;
        let cancel = {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.services.api_keys.cancel_rotation(&scene.ada, created.id).await })
        };
        let _ = admitted(&scene.services, &new).await;
        match cancel.await.unwrap() {
            Ok(_) => {
                called_off += 1;
                assert!(admitted(&scene.services, &old).await, "the old key works on");
                assert!(!admitted(&scene.services, &new).await, "the new key never works");
            }
            Err(ApiKeyError::NotRotating) => {
                taken_over += 1;
                assert!(!admitted(&scene.services, &old).await, "the old key has ended");
                assert!(admitted(&scene.services, &new).await, "the new key works");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(called_off + taken_over, 60);
}

/// The same where the old key's clock runs from the beginning.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn r17_calling_off_and_first_use_at_once_while_the_clock_runs() {
    let scene = Arc::new(scene().await);
    for _ in 0..60 {
        let (id, old) = scene.key().await;
        let (overlap, form_id) = ("1h".parse().unwrap(), scene.services.ports.uuid());
        let rotated = scene.services.api_keys.rotate(&scene.ada, id, overlap, ClockStart::Now, form_id).await;
        let (_, created) = rotated.unwrap();
        let new = created.plain;
        let cancel = {
            let scene = Arc::clone(&scene);
            tokio::spawn(async move { scene.services.api_keys.cancel_rotation(&scene.ada, created.id).await })
        };
        let _ = admitted(&scene.services, &new).await;
        let works = match cancel.await.unwrap() {
            Ok(_) => false,
            Err(ApiKeyError::NotRotating) => true,
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(admitted(&scene.services, &new).await, works, "only a new key that was not used is called off");
        assert!(admitted(&scene.services, &old).await, "the old key works in either case");
    }
}

/// Whoever does this on PostgreSQL holds what they took for some while longer.
async fn slow_down(store: &SeaStore, event: &str) {
    let function = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
                    $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$";
    let trigger = format!("CREATE TRIGGER slow AFTER {event} FOR EACH ROW EXECUTE FUNCTION slow()");
    for sql in [function, trigger.as_str()] {
        store.writer().execute_unprepared(sql).await.unwrap();
    }
}

/// PostgreSQL ends one of two who wait for one another.
#[tokio::test]
async fn r50_limits_of_both_keys_of_a_rotation_are_changed_at_once() {
    let portal = Portal::on_postgres().await;
    let store = portal.store.clone();
    let scene = scene_of(portal).await;
    let (old, _) = scene.key().await;
    let (keys, overlap, form_id) = (&scene.services.api_keys, "1h".parse().unwrap(), scene.services.ports.uuid());
    let (_, new) = keys.rotate(&scene.ada, old, overlap, ClockStart::Now, form_id).await.unwrap();
    slow_down(&store, "UPDATE ON api_key").await;
    let change = async |id: ApiKeyId, limits: &'static str| {
        let scopes = ["read:posts".to_owned()];
        let form = KeyForm { name: "Racing", scopes: &scopes, expiry: "keep", limits, ..KeyForm::default() };
        keys.update(&scene.ada, id, &form, "").await.map(drop)
    };
    let outcomes = tokio::join!(change(old, "10/1m"), change(new.id, "20/1m"));
    assert!(
        matches!(outcomes, (Ok(()), Err(ApiKeyError::ChangedMeanwhile)) | (Err(ApiKeyError::ChangedMeanwhile), Ok(()))),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_token_is_made_while_a_second_factor_is_removed() {
    let portal = Portal::on_postgres().await;
    let store = portal.store.clone();
    let scene = scene_of(portal).await;
    let account = scene.ada.account().unwrap().id;
    let totp = TotpRecord { account, sealed_seed: Vec::new(), last_step: 0, created_at: START, last_used_at: None };
    let mut work = scene.services.ports.store.begin().await.unwrap();
    assert_eq!(work.totp_add(&totp).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    slow_down(&store, "INSERT ON audit_event").await;
    let (removed, made) = tokio::join!(scene.services.second_factors.remove_totp(&scene.ada), async {
        // By then, the other one waits in the log.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        scene.create_token().await
    });
    removed.unwrap();
    made.unwrap();
}

#[tokio::test]
async fn two_second_factors_are_added_at_once() {
    let portal = Portal::on_postgres().await;
    let scene = scene_of(portal).await;
    let account = scene.ada.account().unwrap().id;
    let added = async |number: u8| {
        let passkey = PasskeyRecord {
            id: PasskeyId::from_uuid(scene.services.ports.uuid()),
            account,
            credential_id: vec![number],
            name: "Phone".parse().unwrap(),
            data: String::new(),
            created_at: START,
            last_used_at: None,
        };
        let mut work = scene.services.ports.store.begin().await.unwrap();
        assert_eq!(work.passkey_add(&passkey).await.unwrap(), Inserted::Done);
        work
    };
    let noted = async |mut work: Box<dyn UnitOfWork>| {
        assert!(work.second_factor_note(account).await.unwrap());
        work.commit().await.unwrap();
    };
    let (one, other) = (added(1).await, added(2).await);
    tokio::join!(noted(one), noted(other));
}

/// How many of so many forms at once found room, where every other one was told that there is none.
async fn found_room<T, E>(forms: Vec<tokio::task::JoinHandle<Result<T, E>>>, is_full: fn(&E) -> bool) -> usize {
    let mut room = 0;
    for form in forms {
        match form.await.unwrap() {
            Ok(_) => room += 1,
            Err(error) => assert!(is_full(&error)),
        }
    }
    room
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_forms_at_once_no_more_find_room_than_there_is() {
    const FORMS: usize = 32;
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let scene = Arc::new(scene_of(portal).await);
        let (services, account) = (&scene.services, scene.ada.account().unwrap().id);
        let found = services.ports.store.application(account, scene.application, services.ports.now()).await.unwrap();
        let of = AlertsOf::Team(found.unwrap().application.team_id);
        let webhooks: Vec<_> = (0..FORMS)
            .map(|number| {
                let scene = Arc::clone(&scene);
                let form = WebhookForm { name: format!("Hook {number}"), url: "https://example.org/hook".to_owned() };
                tokio::spawn(async move { scene.services.webhooks.add(&scene.ada, of, &form).await })
            })
            .collect();
        let full = |error: &WebhookError| matches!(error, WebhookError::TooMany);
        assert_eq!(found_room(webhooks, full).await, WebhookService::AT_MOST);
        let views: Vec<_> = (0..FORMS)
            .map(|number| {
                let scene = Arc::clone(&scene);
                let (page, name) = (format!("/apps/{}/logs", scene.application), format!("View {number}"));
                tokio::spawn(
                    async move { scene.services.saved_views.save(&scene.ada, &page, &name, "status=401").await },
                )
            })
            .collect();
        let full = |error: &SavedViewError| matches!(error, SavedViewError::TooMany);
        assert_eq!(found_room(views, full).await, SavedViews::ON_PAGE);
    }
}

/// Copies the only key of an application, or the only token, so often.
async fn copy_only(store: &SeaStore, owner: &str, times: u64) {
    let id = match store.writer().get_database_backend() {
        sea_orm::DatabaseBackend::Postgres => "gen_random_uuid()",
        _ => "randomblob(16)",
    };
    let sql = format!(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {times}) \
         INSERT INTO api_key (id, public_id, last_four, digest, environment_id, account_id, name, scopes, allowed_from, \
         report_only, limits, notes, created_by, created_at, expires_at, disabled_by_policy, lineage, form_id) \
         SELECT {id}, CAST({first} + n AS TEXT), last_four, digest, environment_id, account_id, name, scopes, allowed_from, \
         report_only, limits, notes, created_by, created_at, expires_at, disabled_by_policy, {id}, {id} \
         FROM api_key CROSS JOIN number WHERE {owner} IS NOT NULL",
        first = if owner == "account_id" { 100_000_000_000_u64 } else { 200_000_000_000 },
    );
    assert_eq!(store.writer().execute_unprepared(&sql).await.unwrap().rows_affected(), times);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_keys_and_tokens_made_at_once_no_more_find_room_than_there_is() {
    const FORMS: usize = 32;
    const ROOM: usize = 5;
    for portal in [Portal::start().await, Portal::on_postgres().await] {
        let store = portal.store.clone();
        let scene = Arc::new(scene_of(portal).await);
        let (first, _) = scene.key().await;
        copy_only(&store, "environment_id", ApiKeyService::LIVE_KEYS_AT_MOST - 1 - ROOM as u64).await;
        let keys: Vec<_> = (0..FORMS)
            .map(|number| {
                let scene = Arc::clone(&scene);
                tokio::spawn(async move { scene.create(Environment::ALL[number % 3]).await })
            })
            .collect();
        let full = |error: &ApiKeyError| matches!(error, ApiKeyError::TooMany);
        assert_eq!(found_room(keys, full).await, ROOM, "in all environments together");
        let (keys, overlap, form_id) = (&scene.services.api_keys, "1h".parse().unwrap(), scene.services.ports.uuid());
        let rotated = keys.rotate(&scene.ada, first, overlap, ClockStart::FirstUse, form_id).await;
        assert!(matches!(rotated, Err(ApiKeyError::TooMany)), "the key that takes over is one more");
        keys.revoke(&scene.ada, first).await.unwrap();
        scene.create(Environment::Production).await.unwrap();

        scene.create_token().await.unwrap();
        copy_only(&store, "account_id", ApiKeyService::TOKENS_AT_MOST - 1 - ROOM as u64).await;
        let tokens: Vec<_> = (0..FORMS)
            .map(|_| {
                let scene = Arc::clone(&scene);
                tokio::spawn(async move { scene.create_token().await })
            })
            .collect();
        let full = |error: &ApiKeyError| matches!(error, ApiKeyError::TooManyTokens);
        assert_eq!(found_room(tokens, full).await, ROOM);
    }
}
