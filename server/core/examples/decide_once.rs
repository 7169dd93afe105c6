//! Calls the decision so many times, for scripts/callgrind.sh, which counts its instructions.
//!
//! `decide_once` names its cases, one a line; `decide_once CASE CALLS` runs one of them.
#![expect(clippy::print_stdout, reason = "the names of the cases are what it is asked for")]

use latchkey_core::{
    api_key::{Notes, PlainApiKey},
    authn::{
        Asked, Entry, Facts, Lookup, Transport, Verdict,
        credential::{Carried, Credential},
        decide,
    },
    limit::{Meter, Meters, Quota, RateLimits},
    memory::Freshness,
    port::api_key::{AddressMode, ApiKey, KeyOwner, KeySettings, Revoked, RevokedBecause, StoredApiKey},
    random::Random,
    secret::MasterKey,
};
use latchkey_model::{AccountId, ApiKeyId, ApplicationId, Environment, EnvironmentId, KeyKind, RequestId, TeamId};
use std::{hint::black_box, net::Ipv4Addr, num::NonZeroU32, process::ExitCode, sync::Arc};
use time::OffsetDateTime;
use uuid::Uuid;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);
const CASES: [&str; 6] = ["good-key", "narrow-key", "revoked", "scope-missing", "limit-hit", "bad-checksum"];

/// Always the same key: the count must not depend on chance.
struct Same;

impl Random for Same {
    fn fill(&self, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(index * 7 % 200).unwrap_or(0);
        }
    }
}

/// What is counted.
#[inline(never)]
fn measured(facts: &Facts, credential: &Credential, lookup: Lookup) -> Verdict {
    decide(black_box(facts), black_box(credential), black_box(lookup))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [case, calls] = arguments.as_slice() else {
        for case in CASES {
            println!("{case}");
        }
        return ExitCode::SUCCESS;
    };
    let (Some(case), Ok(calls)) = (CASES.iter().find(|known| *known == case), calls.parse::<u32>()) else {
        return ExitCode::FAILURE;
    };
    let plain = PlainApiKey::generate(&Same, KeyKind::Api(Environment::Production));
    let mut text = plain.expose().to_owned();
    if *case == "bad-checksum" {
        let last = text.pop();
        text.push(if last == Some('0') { '1' } else { '0' });
    }
    let carried = Carried { api_key: [Some(text.as_bytes()), None], ..Carried::default() };
    let credential = Credential::read(carried);
    let facts = Facts {
        id: RequestId::from_uuid(Uuid::nil()),
        at: NOW,
        address: Ipv4Addr::LOCALHOST.into(),
        transport: Transport::Private,
        certificate: None,
        asked: Asked::Demo { needed_scope: Some("write:posts") },
    };
    let presented = plain.digest(&MasterKey::new([1; 32]).derive("api-key"));
    let entry = Arc::new(entry(case, &plain));
    for _ in 0..calls {
        let lookup = match *case {
            "bad-checksum" => Lookup::NotAsked,
            _ => Lookup::Found { entry: Arc::clone(&entry), presented },
        };
        black_box(measured(&facts, &credential, lookup));
    }
    ExitCode::SUCCESS
}

fn entry(case: &str, plain: &PlainApiKey) -> Entry {
    let id = ApiKeyId::from_uuid(Uuid::from_u128(1));
    let word = |text: &str| text.parse().unwrap_or_else(|_| unreachable!("a good name"));
    // A narrow key has networks and two windows to be asked about.
    let (scopes, networks, more_windows) = match case {
        "narrow-key" => ("read:posts write:posts", "127.0.0.0/8 203.0.113.0/24 2001:db8::/32", 1),
        "scope-missing" => ("read:posts", "", 0),
        _ => ("read:posts write:posts", "", 0),
    };
    let stored = StoredApiKey {
        key: ApiKey {
            id,
            public_id: plain.public_id(),
            last_four: plain.last_four().to_owned(),
            owner: KeyOwner::Environment {
                environment_id: EnvironmentId::from_uuid(Uuid::from_u128(2)),
                environment: Environment::Production,
                application_id: ApplicationId::from_uuid(Uuid::from_u128(3)),
                application_name: word("Bookshelf"),
                team_id: TeamId::from_uuid(Uuid::from_u128(4)),
            },
            settings: KeySettings {
                name: word("Web backend"),
                scopes: scopes.parse().unwrap_or_default(),
                allowed_from: networks.parse().unwrap_or_default(),
                address_mode: AddressMode::Enforce,
                limits: RateLimits::default(),
                notes: Notes::default(),
                expires_at: Some(NOW + time::Duration::DAY),
            },
            created_by: AccountId::from_uuid(Uuid::from_u128(5)),
            created_by_name: word("Ada"),
            created_at: NOW,
            scopes_set_at: NOW,
            disabled: None,
            enabled_at: None,
            revoked: (case == "revoked").then_some(Revoked { at: NOW, because: RevokedBecause::Asked }),
            lineage: id,
            takeover: None,
            replaced: None,
            last_used_at: None,
            last_used_from: None,
            exposed_at: None,
            leaked: None,
            suspended: None,
        },
        digest: plain.digest(&MasterKey::new([1; 32]).derive("api-key")),
    };
    let wide = Quota::per_minute(NonZeroU32::MAX);
    let first = if case == "limit-hit" { Quota::per_minute(NonZeroU32::MIN) } else { wide };
    Entry::for_key(
        stored,
        Arc::new(Meters::new(first, &vec![wide; more_windows], Arc::new(Meter::new(wide)))),
        Freshness::new(NOW, 0),
    )
}
