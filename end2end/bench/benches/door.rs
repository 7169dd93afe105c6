//! The parts of the door, one by one: reading a key, deciding, remembering, counting.

use divan::{Bencher, black_box};
use latchkey_core::{
    Actor, Ports, Services,
    account::{PlainPassword, SignUp},
    api_key::{CreateApiKey, KeyForm, Notes, PlainApiKey, format::PublicId},
    authn::{
        Asked, Entry, Facts, Found, KnownKeys, Lookup, Transport, Verdict,
        credential::{Carried, Credential, Via},
        decide,
    },
    clock::{Clock, SystemClock},
    limit::{Limiter, Meter, Meters, Quota, RateLimits},
    memory::Freshness,
    port::rollup::Volume,
    port::{
        Store,
        api_key::{AddressMode, ApiKey, KeyOwner, KeySettings, StoredApiKey},
    },
    random::SystemRandom,
    secret::MasterKey,
    usage::{Passed, Recording, RouteName, RowBudget},
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, KeyKind, RequestId, TeamId};
use server::{
    config::{Config, Given},
    serve::{open_database, outside_ports, settings_of},
};
use std::{net::Ipv4Addr, num::NonZeroU32, sync::Arc, time::Duration};
use time::OffsetDateTime;
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

fn plain() -> PlainApiKey {
    PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Production))
}

fn facts() -> Facts {
    Facts {
        id: RequestId::from_uuid(Uuid::nil()),
        at: NOW,
        address: Ipv4Addr::LOCALHOST.into(),
        transport: Transport::Private,
        certificate: None,
        asked: Asked::Demo { needed_scope: Some("read:posts") },
    }
}

fn stored(key: &PlainApiKey) -> StoredApiKey {
    let id = ApiKeyId::from_uuid(Uuid::from_u128(1));
    let word = |text: &str| text.parse().unwrap_or_else(|_| unreachable!("a good name"));
    StoredApiKey {
        key: ApiKey {
            id,
            public_id: key.public_id(),
            last_four: key.last_four().to_owned(),
            owner: KeyOwner::Environment {
                environment_id: EnvironmentId::from_uuid(Uuid::from_u128(2)),
                environment: Environment::Production,
                application_id: ApplicationId::from_uuid(Uuid::from_u128(3)),
                application_name: word("Bookshelf"),
                team_id: TeamId::from_uuid(Uuid::from_u128(4)),
            },
            settings: KeySettings {
                name: word("Web backend"),
                scopes: "read:posts write:posts".parse().unwrap_or_default(),
                allowed_from: "127.0.0.0/8 ::1".parse().unwrap_or_default(),
                address_mode: AddressMode::Enforce,
                limits: RateLimits::default(),
                notes: Notes::default(),
                expires_at: None,
            },
            created_by: AccountId::from_uuid(Uuid::from_u128(5)),
            created_by_name: word("Ada"),
            created_at: NOW,
            scopes_set_at: NOW,
            disabled: None,
            enabled_at: None,
            revoked: None,
            lineage: id,
            takeover: None,
            replaced: None,
            last_used_at: None,
            last_used_from: None,
            exposed_at: None,
            leaked: None,
            suspended: None,
        },
        digest: key.digest(&MasterKey::new([1; 32]).derive("api-key")),
    }
}

fn entry(key: &PlainApiKey) -> Arc<Entry> {
    let wide = Quota::per_minute(NonZeroU32::MAX);
    let meters = Meters::new(wide, &[], Arc::new(Meter::new(wide)));
    Arc::new(Entry::for_key(stored(key), Arc::new(meters), Freshness::new(NOW, 0)))
}

fn verdict(key: &PlainApiKey) -> Verdict {
    let presented = key.digest(&MasterKey::new([1; 32]).derive("api-key"));
    decide(&facts(), &bearer(key), Lookup::Found { entry: entry(key), presented })
}

fn bearer(key: &PlainApiKey) -> Credential<'_> {
    Credential::ApiKey { via: Via::Bearer, key: key.presented() }
}

/// Reading a header: shape and checksum.
#[divan::bench]
fn parse(bencher: Bencher<'_, '_>) {
    let value = format!("Bearer {}", plain().expose());
    bencher.bench_local(|| {
        Credential::read(Carried { authorization: [Some(black_box(value.as_bytes())), None], ..Carried::default() })
    });
}

/// The digest of a presented key.
#[divan::bench]
fn digest(bencher: Bencher<'_, '_>) {
    let (key, pepper) = (plain(), MasterKey::new([1; 32]).derive("api-key"));
    bencher.bench_local(|| black_box(&key).digest(&pepper));
}

/// The decision by itself.
#[divan::bench]
fn decide_good_key(bencher: Bencher<'_, '_>) {
    let key = plain();
    let (credential, known) = (bearer(&key), entry(&key));
    let presented = key.digest(&MasterKey::new([1; 32]).derive("api-key"));
    bencher.bench_local(|| {
        let lookup = Lookup::Found { entry: Arc::clone(&known), presented: black_box(presented) };
        decide(black_box(&facts()), &credential, lookup)
    });
}

/// Remembering one key among two hundred, and that nobody has one.
#[divan::bench(args = ["known", "nobodys"])]
fn remember(bencher: Bencher<'_, '_>, which: &str) {
    let (known, made) = runtime().block_on(known_keys());
    let nobodys: Vec<_> = (0..200).map(|_| plain().public_id()).collect();
    runtime().block_on(async {
        for id in &nobodys {
            let _ = known.look_up(*id, NOW).await;
        }
    });
    let ids = if which == "known" { made } else { nobodys };
    let mut number = 0;
    bencher.bench_local(|| {
        number = (number + 7) % ids.len();
        known.remembered(black_box(ids[number]), NOW)
    });
}

/// Counting one request, without its row.
#[divan::bench]
fn record(bencher: Bencher<'_, '_>) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (store, _config, _folder) = runtime.block_on(store());
    let budget = RowBudget { served_per_second: NonZeroU32::MIN, refused_per_second: NonZeroU32::MIN };
    let (recorder, _recording) = Recording::start(store, budget).unwrap_or_else(|error| unreachable!("{error}"));
    let verdict = verdict(&plain());
    let route = RouteName::Own("/api/v1/whoami");
    let passed =
        Passed { method: "GET", route, status: 200, duration: Duration::from_micros(40), volume: Volume::default() };
    bencher.bench_local(|| recorder.count(black_box(&verdict), passed.clone()));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap_or_else(|error| unreachable!("{error}"))
}

async fn store() -> (Arc<dyn Store>, Config, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("{error}"));
    let given = Given { data: Some(folder.path().to_owned()), ..Given::default() };
    let config = Config::new(given).unwrap_or_else(|error| unreachable!("{error}"));
    let store = open_database(&config).await.unwrap_or_else(|error| unreachable!("{error}"));
    (Arc::new(store), config, folder)
}

/// A memory that holds keys of a real database, made as a person makes them.
async fn known_keys() -> (KnownKeys, Vec<PublicId>) {
    let (store, config, _folder) = store().await;
    let ports = Ports::new(Arc::clone(&store), Arc::new(SystemClock), Arc::new(SystemRandom));
    let keys = outside_ports(&config).unwrap_or_else(|error| unreachable!("{error}"));
    let services = Services::new(ports, &MasterKey::new([1; 32]), &settings_of(&config), &keys);
    let services = services.unwrap_or_else(|error| unreachable!("{error}"));
    let form = SignUp {
        email: "bench@example.org",
        name: "Bench",
        password: PlainPassword::new("violet tractor hums at dawn"),
    };
    let signed_up = services.accounts.sign_up(form, Ipv4Addr::LOCALHOST.into()).await;
    let account = signed_up.unwrap_or_else(|error| unreachable!("{error}"));
    let actor = Actor::Account {
        account,
        session: [0; 32],
        signed_in_at: SystemClock.now(),
        signed_in_by: latchkey_core::account::SignInMethod::PASSWORD,
        from: std::net::Ipv4Addr::LOCALHOST.into(),
    };
    let made = services.applications.create(&actor, "Bench", None).await;
    let application = made.unwrap_or_else(|error| unreachable!("{error}")).id;
    let wide = Quota::per_minute(NonZeroU32::MAX);
    let (known, mut ids) = (KnownKeys::new(store, wide, Arc::new(Limiter::new(wide))), Vec::new());
    let scopes = ["read:posts".to_owned()];
    for _ in 0..200 {
        let form = KeyForm { name: "Bench", scopes: &scopes, expiry: "never", ..KeyForm::default() };
        let create = CreateApiKey { form, form_id: services.ports.uuid() };
        let created = services.api_keys.create(&actor, application, Environment::Production, create).await;
        ids.push(created.unwrap_or_else(|error| unreachable!("{error}")).plain.public_id());
    }
    for id in &ids {
        let found = known.look_up(*id, NOW).await;
        assert!(matches!(found, Ok(Found::Key(_))), "the key is there");
    }
    (known, ids)
}
