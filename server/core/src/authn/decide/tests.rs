//! The refusal table of the product, row by row, and the shape that every verdict has.

use super::*;
use crate::authn::{asked::Audience, refusal::Answer};
use crate::{
    access_token::Binding,
    access_token::{AccessToken, AtHome, Audiences, TokenEnd},
    api_key::PlainApiKey,
    api_key::{AllowList, Notes},
    authn::{
        basic::Basic,
        credential::{Carried, CarriedSession},
        person::{KnownBy, Person},
    },
    dpop::ProofProblem,
    limit::{Meter, Meters, Quota, RateLimits},
    memory::Freshness,
    oauth_client::ClientId,
    port::{
        api_key::{Disabled, KeyOwner, KeySettings, Replaced, Revoked, RevokedBecause, StoredApiKey},
        suspension::{Suspendable, Suspension},
    },
    problem::ProblemCode,
    random::SystemRandom,
    secret::{DigestKey, MasterKey},
};
use latchkey_model::{
    AccountId, ApiId, ApiKeyId, ApplicationId, Environment, EnvironmentId, KeyKind, OauthClientId, PostId, TeamId,
    trace::{StepName, StepOutcome},
};
use std::{net::Ipv4Addr, num::NonZeroU32};
use time::{Duration, macros::datetime};
use uuid::Uuid;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
const NEEDED: &str = "write:posts";

fn pepper() -> DigestKey {
    MasterKey::new([1; 32]).derive("api-key")
}

fn facts() -> Facts {
    Facts {
        id: RequestId::from_uuid(Uuid::from_u128(9)),
        at: NOW,
        address: Ipv4Addr::LOCALHOST.into(),
        transport: Transport::Private,
        certificate: None,
        asked: Asked::Demo { needed_scope: Some(NEEDED) },
    }
}

fn suspension(of: Suspendable) -> Suspension {
    Suspension { of, at: NOW }
}

fn stored(key: &PlainApiKey) -> StoredApiKey {
    let owner = match key.kind() {
        KeyKind::Api(environment) => KeyOwner::Environment {
            environment_id: EnvironmentId::from_uuid(Uuid::from_u128(2)),
            environment,
            application_id: ApplicationId::from_uuid(Uuid::from_u128(3)),
            application_name: "Bookshelf".parse().unwrap(),
            team_id: TeamId::from_uuid(Uuid::from_u128(4)),
        },
        KeyKind::Personal
        | KeyKind::ClientSecret
        | KeyKind::RefreshToken
        | KeyKind::AccessToken
        | KeyKind::Registration => KeyOwner::Account {
            account_id: AccountId::from_uuid(Uuid::from_u128(5)),
            account_name: "Ada".parse().unwrap(),
        },
    };
    StoredApiKey {
        key: ApiKey {
            id: ApiKeyId::from_uuid(Uuid::from_u128(1)),
            public_id: key.public_id(),
            last_four: key.last_four().to_owned(),
            owner,
            settings: KeySettings {
                name: "Web backend".parse().unwrap(),
                scopes: "read:posts write:posts".parse().unwrap(),
                allowed_from: AllowList::default(),
                address_mode: AddressMode::Enforce,
                limits: RateLimits::default(),
                notes: Notes::default(),
                expires_at: None,
            },
            created_by: AccountId::from_uuid(Uuid::from_u128(5)),
            created_by_name: "Ada".parse().unwrap(),
            created_at: NOW - Duration::days(1),
            scopes_set_at: NOW - Duration::days(1),
            disabled: None,
            enabled_at: None,
            revoked: None,
            lineage: ApiKeyId::from_uuid(Uuid::from_u128(1)),
            takeover: None,
            replaced: None,
            last_used_at: None,
            last_used_from: None,
            exposed_at: None,
            leaked: None,
            suspended: None,
        },
        digest: key.digest(&pepper()),
    }
}

/// Meters of which so many requests were spent.
fn meters(requests: u32, spent: u32) -> Arc<Meters> {
    let minute = |requests| Quota::per_minute(NonZeroU32::new(requests).unwrap());
    let meters = Meters::new(minute(requests), &[], Arc::new(Meter::new(minute(1_000))));
    for _ in 0..spent {
        let _ = meters.spend(NOW);
    }
    Arc::new(meters)
}

fn bearer(key: &PlainApiKey) -> Credential<'_> {
    Credential::ApiKey { via: Via::Bearer, key: key.presented() }
}

fn found(stored: StoredApiKey, key: &PlainApiKey) -> Lookup {
    found_with(stored, key, meters(10, 0))
}

fn found_with(stored: StoredApiKey, key: &PlainApiKey, meters: Arc<Meters>) -> Lookup {
    Lookup::Found {
        entry: Arc::new(Entry::for_key(stored, meters, Freshness::new(NOW, 0))),
        presented: key.digest(&pepper()),
    }
}

/// One row of the table: what is sent and found, and what each side is told.
struct Row {
    what: &'static str,
    facts: Facts,
    credential: Credential<'static>,
    lookup: Lookup,
    status: u16,
    code: &'static str,
    reason: &'static str,
    failing: StepName,
    owner_known: bool,
}

impl Row {
    fn new(what: &'static str, credential: Credential<'static>, lookup: Lookup) -> Self {
        Self {
            what,
            facts: facts(),
            credential,
            lookup,
            status: 401,
            code: "invalid_token",
            reason: "",
            failing: StepName::Credential,
            owner_known: false,
        }
    }
}

/// What decides about a token is what the look-up proved, not its text.
const TOKEN: Credential<'static> = Credential::AccessToken { via: Via::Bearer, text: "eyJ" };

fn not_proven(why: TokenProblem) -> Row {
    Row::new("a token that is not proven", TOKEN, Lookup::NotProven(why))
}

/// A token that is bound to a certificate, over a connection that showed this one.
fn over_connection(shown: Option<&'static [u8]>, held: Held) -> Row {
    let Lookup::Proven { entry, .. } =
        proven(|token| token.binding = Some(Binding::Certificate(CertificateThumbprint::of(b"own"))))
    else {
        unreachable!("it was proven")
    };
    Row {
        facts: Facts { certificate: shown.map(CertificateThumbprint::of), ..facts() },
        reason: "wrong_certificate",
        failing: StepName::Lookup,
        owner_known: true,
        ..Row::new("a token and its connection", TOKEN, Lookup::Proven { entry, held })
    }
}

#[test]
fn rfc8705_3_a_bound_token_is_let_in_over_a_connection_with_its_own_certificate() {
    let Row { lookup, facts, .. } = over_connection(Some(b"own"), Held::Nothing);
    assert!(decide(&facts, &TOKEN, lookup).outcome.is_ok());
}

/// A token that is bound to a key, or to none, in the hands of whoever holds this.
fn of_holder(bound_to: Option<&'static str>, held: Held) -> Row {
    let Lookup::Proven { entry, .. } = proven(match bound_to {
        Some(_) => |token| token.binding = Some(Binding::Dpop("key".to_owned())),
        None => |_| (),
    }) else {
        unreachable!("it was proven")
    };
    Row {
        failing: StepName::Lookup,
        owner_known: true,
        ..Row::new("a token and its holder", TOKEN, Lookup::Proven { entry, held })
    }
}

#[test]
fn rfc9449_7_1_a_bound_token_is_let_in_with_its_own_key() {
    let Row { lookup, .. } = of_holder(Some("key"), Held::Key("key".to_owned()));
    assert!(decide(&facts(), &TOKEN, lookup).outcome.is_ok());
}

fn proven(change: fn(&mut AccessToken)) -> Lookup {
    let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Production));
    let mut token = AccessToken {
        subject: "ada".to_owned(),
        binding: None,
        id: Uuid::from_u128(6),
        client: OauthClientId::from_uuid(Uuid::from_u128(7)),
        client_id: ClientId::generate(&SystemRandom),
        client_name: "Nightly import".parse().unwrap(),
        owner: stored(&key).key.owner.clone(),
        client_owner: stored(&key).key.owner,
        consent: None,
        derived: None,
        audiences: Audiences::new(vec!["https://keys.example.org/api/v1".to_owned()]),
        at_home: AtHome { demo: true, gateway: false },
        certificate_alone: false,
        scopes: "read:posts write:posts".parse().unwrap(),
        issued_at: NOW - Duration::minutes(5),
        expires_at: NOW + Duration::minutes(10),
        ended: None,
    };
    change(&mut token);
    let entry = Arc::new(Entry::for_token(token, meters(10, 0), Freshness::new(NOW, 0), 0));
    Lookup::Proven { entry, held: Held::Nothing }
}

#[test]
fn a_good_token_passes_every_step() {
    let verdict = decide(&facts(), &TOKEN, proven(|_| ()));
    let principal = verdict.outcome.as_ref().unwrap();
    assert!(principal.key().is_none() && principal.token().is_some());
    let trace = verdict.trace();
    let passed = |step: &latchkey_model::trace::Step| step.outcome == StepOutcome::Passed && !step.detail.is_empty();
    assert!(trace.steps().iter().all(passed), "{trace:?}");
}

fn by_an_app_in_development(token: &mut AccessToken) {
    if let KeyOwner::Environment { environment, .. } = &mut token.client_owner {
        *environment = Environment::Development;
    }
}

fn for_a_person(token: &mut AccessToken) {
    let account_id = AccountId::from_uuid(Uuid::from_u128(30));
    token.owner = KeyOwner::Account { account_id, account_name: "Ada".parse().unwrap() };
    by_an_app_in_development(token);
}

#[test]
fn what_an_app_does_for_a_person_is_of_its_own_environment() {
    let of = |change: fn(&mut AccessToken)| {
        let principal = decide(&facts(), &TOKEN, proven(change)).outcome.unwrap();
        assert_eq!(principal.post_owner().id, principal.owner_id());
        (principal.environment(), principal.post_owner().environment)
    };
    assert_eq!(of(for_a_person), (Some(Environment::Development), Environment::Development));
    // What was exchanged stays of whom it was first made for.
    assert_eq!(of(by_an_app_in_development), (Some(Environment::Production), Environment::Production));
}

#[test]
fn a_key_that_nobody_compared_lets_nobody_in() {
    let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Production));
    let Lookup::Found { entry, .. } = found(stored(&key), &key) else { panic!("it was found") };
    let refused = decide(&facts(), &bearer(&key), Lookup::Proven { entry, held: Held::Nothing }).outcome.unwrap_err();
    assert_eq!(refused.reason(), "wrong_secret");
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<Row> {
    // The rows outlive this function, and borrow from what they send.
    let new = || -> &'static PlainApiKey {
        Box::leak(Box::new(PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Production))))
    };
    let (key, other) = (new(), new());
    let with = |change: fn(&mut ApiKey)| {
        let mut stored = stored(key);
        change(&mut stored.key);
        found(stored, key)
    };
    let mut mistyped = key.expose().to_owned();
    let last = mistyped.pop();
    mistyped.push(if last == Some('0') { '1' } else { '0' });
    let malformed =
        |text: &'static str| Credential::read(Carried { api_key: [Some(text.as_bytes()), None], ..Carried::default() });
    let query = format!("api_key={}", key.expose());
    vec![
        Row {
            status: 400,
            code: "ambiguous_credentials",
            reason: "ambiguous_credentials",
            ..Row::new(
                "two credentials at once",
                Credential::Ambiguous { first: Via::Bearer, second: Via::ApiKeyHeader },
                Lookup::NotAsked,
            )
        },
        Row {
            code: "missing_credential",
            reason: "missing_credential",
            ..Row::new("no credential", Credential::Missing, Lookup::NotAsked)
        },
        Row { reason: "unknown_scheme", ..Row::new("Basic", Credential::UnknownScheme, Lookup::NotAsked) },
        Row {
            reason: "malformed",
            failing: StepName::Format,
            ..Row::new("not a key", malformed("secret"), Lookup::NotAsked)
        },
        Row {
            reason: "malformed",
            failing: StepName::Format,
            ..Row::new("a truncated key", malformed(&key.expose()[..40]), Lookup::NotAsked)
        },
        Row {
            reason: "bad_checksum",
            failing: StepName::Format,
            ..Row::new("a mistyped key", malformed(mistyped.leak()), Lookup::NotAsked)
        },
        Row {
            reason: "unknown_key",
            failing: StepName::Lookup,
            ..Row::new("an unknown key", bearer(key), Lookup::Unknown)
        },
        Row {
            reason: "wrong_secret",
            failing: StepName::Lookup,
            owner_known: true,
            ..Row::new("another secret", bearer(other), found(stored(key), other))
        },
        Row {
            reason: "revoked",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a revoked key",
                bearer(key),
                with(|key| key.revoked = Some(Revoked { at: NOW, because: RevokedBecause::Asked })),
            )
        },
        Row {
            reason: "expired",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new("an expired key, to the second", bearer(key), with(|key| key.settings.expires_at = Some(NOW)))
        },
        Row {
            reason: "rotated_out",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a key after its overlap, to the second",
                bearer(key),
                with(|key| {
                    let by = ApiKeyId::from_uuid(Uuid::from_u128(9));
                    key.replaced = Some(Replaced { by, retires_at: Some(NOW) });
                }),
            )
        },
        Row {
            reason: "suspended",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a key of a suspended application",
                bearer(key),
                with(|key| key.suspended = Some(suspension(Suspendable::Application))),
            )
        },
        Row {
            reason: "disabled",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a key that is switched off",
                bearer(key),
                with(|key| {
                    key.disabled = Some(Disabled { at: NOW, by_policy: false });
                }),
            )
        },
        Row {
            status: 429,
            code: "too_many_failures",
            reason: "too_many_failures",
            failing: StepName::Lookup,
            ..Row::new(
                "too many keys that nobody has",
                bearer(key),
                Lookup::TooManyUnknown { retry_after: Duration::SECOND },
            )
        },
        Row {
            status: 403,
            code: "forbidden",
            reason: "address_not_allowed",
            failing: StepName::Address,
            owner_known: true,
            ..Row::new(
                "another network",
                bearer(key),
                with(|key| key.settings.allowed_from = "203.0.113.0/24".parse().unwrap()),
            )
        },
        Row {
            status: 403,
            code: "insufficient_scope",
            reason: "insufficient_scope",
            failing: StepName::Scope,
            owner_known: true,
            ..Row::new("scope missing", bearer(key), with(|key| key.settings.scopes = "read:posts".parse().unwrap()))
        },
        Row {
            status: 429,
            code: "rate_limited",
            reason: "rate_limited",
            failing: StepName::Limit,
            owner_known: true,
            ..Row::new("too many requests", bearer(key), found_with(stored(key), key, meters(50, 50)))
        },
        Row {
            status: 403,
            code: "forged_request",
            reason: "forged_request",
            ..Row::new("a cookie from elsewhere", Credential::Session(session(false)), Lookup::NotAsked)
        },
        Row {
            reason: "missing_credential",
            code: "missing_credential",
            ..Row::new("a cookie of no session", Credential::Session(session(true)), Lookup::Nobody)
        },
        Row { reason: "unknown_account", ..nobody(PersonProblem::UnknownAccount) },
        Row { reason: "wrong_password", ..nobody(PersonProblem::WrongPassword) },
        Row { reason: "password_not_allowed", ..nobody(PersonProblem::NotAllowed) },
        Row { reason: "password_not_allowed", ..nobody(PersonProblem::FactorMissing) },
        Row { reason: "suspended", ..nobody(PersonProblem::Suspended) },
        Row {
            status: 403,
            code: "wrong_environment",
            reason: "wrong_environment",
            failing: StepName::Environment,
            owner_known: true,
            facts: at_guarded(holders("", &[Environment::Staging])),
            ..Row::new("a key of another environment", bearer(key), with(|_| ()))
        },
        Row {
            status: 404,
            code: "not_found",
            reason: "not_covered",
            failing: StepName::Scope,
            owner_known: true,
            facts: at_guarded(Rule::Uncovered),
            ..Row::new("a path that no policy covers", bearer(key), with(|_| ()))
        },
        Row {
            status: 405,
            code: "method_not_allowed",
            reason: "method_not_covered",
            failing: StepName::Scope,
            owner_known: true,
            facts: at_guarded(Rule::WrongMethod { allow: "GET, HEAD".to_owned() }),
            ..Row::new("a method that no policy covers", bearer(key), with(|_| ()))
        },
        Row {
            status: 400,
            code: "ambiguous_request",
            reason: "ambiguous_request",
            failing: StepName::Scope,
            owner_known: true,
            facts: at_guarded(Rule::Ambiguous),
            ..Row::new("a path that reads in two ways", bearer(key), with(|_| ()))
        },
        Row {
            status: 403,
            code: "tls_required",
            reason: "tls_required",
            owner_known: true,
            facts: Facts { transport: Transport::InTheClear, ..facts() },
            ..Row::new("plain HTTP", bearer(key), with(|_| ()))
        },
        Row {
            status: 400,
            code: "credential_in_query",
            reason: "credential_in_query",
            ..Row::new(
                "in the query string",
                Credential::read(Carried { query: Some(query.leak()), ..Carried::default() }),
                Lookup::NotAsked,
            )
        },
        Row {
            status: 503,
            code: "unavailable",
            reason: "store_unavailable",
            failing: StepName::Lookup,
            ..Row::new("store out of reach", bearer(key), Lookup::Unavailable)
        },
        Row {
            status: 503,
            code: "unavailable",
            reason: "store_unavailable",
            failing: StepName::Lookup,
            ..Row::new("a look-up that was forgotten", bearer(key), Lookup::NotAsked)
        },
        Row {
            code: "use_dpop_nonce",
            reason: "missing_nonce",
            ..of_holder(Some("key"), Held::NotProven(ProofProblem::Nonce))
        },
        Row {
            code: "invalid_dpop_proof",
            reason: "bad_proof",
            ..of_holder(Some("key"), Held::NotProven(ProofProblem::Signature))
        },
        Row {
            status: 503,
            code: "unavailable",
            reason: "bad_proof",
            ..of_holder(Some("key"), Held::NotProven(ProofProblem::TooMany))
        },
        over_connection(None, Held::Nothing),
        over_connection(Some(b"another"), Held::Nothing),
        over_connection(Some(b"own"), Held::Key("key".to_owned())),
        Row { reason: "wrong_holder", ..of_holder(Some("key"), Held::Nothing) },
        Row { reason: "wrong_holder", ..of_holder(Some("key"), Held::Key("another".to_owned())) },
        Row { reason: "wrong_holder", ..of_holder(None, Held::Key("key".to_owned())) },
        Row { reason: "malformed", failing: StepName::Format, ..not_proven(TokenProblem::Malformed) },
        Row { reason: "wrong_type", failing: StepName::Format, ..not_proven(TokenProblem::Type) },
        Row { reason: "wrong_signature", failing: StepName::Lookup, ..not_proven(TokenProblem::Signer) },
        Row { reason: "wrong_signature", failing: StepName::Lookup, ..not_proven(TokenProblem::Signature) },
        Row { reason: "wrong_issuer", failing: StepName::Lookup, ..not_proven(TokenProblem::Issuer) },
        Row { reason: "wrong_audience", failing: StepName::Lookup, ..not_proven(TokenProblem::Audience) },
        Row { reason: "unknown_client", failing: StepName::Lookup, ..not_proven(TokenProblem::Client) },
        Row {
            reason: "revoked",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new("a revoked token", TOKEN, proven(|token| token.ended = Some(TokenEnd::Revoked(NOW))))
        },
        Row {
            reason: "revoked",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a token that a person took back",
                TOKEN,
                proven(|token| token.ended = Some(TokenEnd::ConsentEnded(NOW))),
            )
        },
        Row {
            reason: "revoked",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a token of a revoked client",
                TOKEN,
                proven(|token| token.ended = Some(TokenEnd::ClientEnded(NOW))),
            )
        },
        Row {
            reason: "suspended",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new(
                "a token of a suspended client",
                TOKEN,
                proven(|token| token.ended = Some(TokenEnd::Suspended(suspension(Suspendable::Client)))),
            )
        },
        Row {
            reason: "expired",
            failing: StepName::Lifetime,
            owner_known: true,
            ..Row::new("an expired token, to the second", TOKEN, proven(|token| token.expires_at = NOW))
        },
        Row {
            status: 403,
            code: "insufficient_scope",
            reason: "insufficient_scope",
            failing: StepName::Scope,
            owner_known: true,
            ..Row::new("a token without the scope", TOKEN, proven(|token| token.scopes = "read:posts".parse().unwrap()))
        },
    ]
}

#[test]
fn every_row_of_the_refusal_table() {
    for row in table() {
        let verdict = decide(&row.facts, &row.credential, row.lookup);
        let refusal = verdict.outcome.as_ref().expect_err(row.what);
        let answer = refusal.answer();
        assert_eq!((answer.code.status(), answer.code.as_str()), (row.status, row.code), "{}", row.what);
        assert_eq!(refusal.reason(), row.reason, "{}", row.what);
        assert_eq!(verdict.trace().failed().map(|step| step.name), Some(row.failing), "{}", row.what);
        assert_eq!(verdict.attribution().is_some(), row.owner_known, "{}", row.what);
    }
}

#[test]
fn every_trace_is_whole_in_order_and_fails_once() {
    for row in table() {
        let trace = decide(&row.facts, &row.credential, row.lookup).trace();
        let names: Vec<_> = trace.steps().iter().map(|step| step.name).collect();
        assert_eq!(names, StepName::ALL, "{}", row.what);
        let place = StepName::ALL.iter().position(|name| *name == row.failing).unwrap();
        for (index, step) in trace.steps().iter().enumerate() {
            let expected = match index.cmp(&place) {
                std::cmp::Ordering::Less => StepOutcome::Passed,
                std::cmp::Ordering::Equal => StepOutcome::Failed,
                std::cmp::Ordering::Greater => StepOutcome::NotReached,
            };
            assert_eq!(step.outcome, expected, "{}: {:?}", row.what, step.name);
        }
    }
}

fn wrong_owner(of: Option<Environment>) -> Refusal {
    Refusal::WrongOwner { post: PostId::from_uuid(Uuid::from_u128(40)), of }
}

#[test]
fn what_is_found_out_behind_the_door_is_a_step_of_the_decision() {
    for (of, said) in [(Some(Environment::Production), "one of production"), (None, "another owner's")] {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Staging));
        let mut verdict = decide(&facts(), &bearer(&key), found(stored(&key), &key));
        assert!(verdict.outcome.is_ok());
        verdict.outcome = Err(wrong_owner(of));
        let answer = wrong_owner(of).answer();
        assert_eq!((answer.code.status(), answer.code.as_str()), (404, "not_found"));
        let trace = verdict.trace();
        let failed = trace.failed().unwrap();
        assert!(failed.name == StepName::Environment && failed.detail.ends_with(said), "{failed:?}");
        let passed = trace.steps().iter().filter(|step| step.outcome == StepOutcome::Passed).count();
        assert_eq!(passed, StepName::ALL.len() - 1);
    }
}

fn blocked() -> Refusal {
    Refusal::AddressBlocked { network: "203.0.113.0/24".parse().unwrap(), until: NOW }
}

#[test]
fn whoever_is_kept_out_is_told_so_and_nothing_else_is_looked_at() {
    let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Staging));
    let verdict = stopped_early(&facts(), &bearer(&key), blocked(), found(stored(&key), &key));
    let answer = verdict.outcome.as_ref().unwrap_err().answer();
    assert_eq!((answer.code.status(), answer.code.as_str()), (403, "address_blocked"));
    assert_eq!(verdict.trace().failed().map(|step| step.name), Some(StepName::Credential));
    assert!(verdict.attribution().is_some() && !verdict.exposed, "its owner learns of it");
    assert!(!answer.detail.contains("203.0.113"), "who is kept out with them is not told");
}

#[test]
fn every_reason_is_in_the_list_and_in_the_table() {
    let mut seen: Vec<_> = table()
        .into_iter()
        .filter_map(|row| decide(&row.facts, &row.credential, row.lookup).outcome.err())
        .map(|refusal| refusal.reason())
        // One the door decides before anything is looked at, the other is found out behind it.
        .chain([blocked().reason(), wrong_owner(None).reason()])
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, Refusal::REASONS);
}

#[test]
fn one_text_for_everything_that_is_wrong_with_a_credential() {
    let answers: Vec<_> = table()
        .into_iter()
        .filter_map(|row| decide(&row.facts, &row.credential, row.lookup).outcome.err())
        .map(|refusal| refusal.answer())
        .filter(|answer| answer.code == ProblemCode::InvalidToken)
        // Whoever has a bound token can read in it that it is: only the scheme to use is named otherwise (RFC 9449 section 7.1).
        .map(|answer| Answer {
            challenge: answer.challenge.map(|text| text.replacen("DPoP", "Bearer", 1).into()),
            ..answer
        })
        .map(|answer| Answer {
            challenge: answer.challenge.map(|text| text.split(", algs=").next().unwrap_or_default().to_owned().into()),
            ..answer
        })
        .collect();
    assert!(answers.len() > 5);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn rfc6750_3_challenges() {
    for row in table() {
        let answer = decide(&row.facts, &row.credential, row.lookup).outcome.unwrap_err().answer();
        let challenge = answer.challenge.unwrap_or_default();
        // Who sent nothing may send either kind of token; whoever sent one is told about that.
        let other = answer.other_challenge.unwrap_or_default();
        assert_eq!(other.starts_with("DPoP "), answer.code == ProblemCode::MissingCredential, "{}", row.what);
        match answer.code.as_str() {
            "missing_credential" => {
                let all = format!("{challenge}, {other}");
                assert!(
                    !all.contains("error") && challenge.starts_with("Bearer "),
                    "no error code where nothing was sent"
                );
                assert!(other.contains("algs=\"ES256 "), "rfc9449_7_1: {other}");
            }
            "invalid_token" | "invalid_credentials" => assert!(challenge.contains("error=\"invalid_token\"")),
            "use_dpop_nonce" | "invalid_dpop_proof" => {
                assert!(
                    challenge.starts_with("DPoP ") && challenge.contains(answer.code.as_str()),
                    "rfc9449_7_1: {challenge}"
                );
            }
            "insufficient_scope" => assert!(challenge.contains("scope=\"write:posts\"")),
            _ => assert!(challenge.is_empty(), "{}", row.what),
        }
    }
}

#[test]
fn no_answer_and_no_trace_repeats_the_key() {
    for row in table() {
        let secret = match &row.credential {
            Credential::ApiKey { key, .. } => key.kept().expose().to_owned(),
            _ => continue,
        };
        let verdict = decide(&row.facts, &row.credential, row.lookup);
        let told =
            format!("{verdict:?} {:?} {:?}", verdict.trace(), verdict.outcome.as_ref().err().map(Refusal::answer));
        let hidden = &secret[secret.len() - 38..secret.len() - 4];
        assert!(!told.contains(hidden), "{}", row.what);
    }
}

#[test]
fn waiting_as_told_is_long_enough() {
    let row = table().into_iter().find(|row| row.reason == "rate_limited").unwrap();
    let answer = decide(&row.facts, &row.credential, row.lookup).outcome.unwrap_err().answer();
    assert_eq!(answer.retry_after, Some(2), "1.2 s rounded up");
}

#[test]
fn a_good_key_passes_every_step() {
    for kind in KeyKind::ALL.into_iter().filter(|kind| {
        !matches!(kind, KeyKind::ClientSecret | KeyKind::RefreshToken | KeyKind::AccessToken | KeyKind::Registration)
    }) {
        let key = PlainApiKey::generate(&SystemRandom, kind);
        let verdict = decide(&facts(), &bearer(&key), found(stored(&key), &key));
        let principal = verdict.outcome.as_ref().unwrap();
        assert_eq!(principal.owner().kind(), kind);
        let trace = verdict.trace();
        assert!(
            trace.steps().iter().all(|step| step.outcome == StepOutcome::Passed && !step.detail.is_empty()),
            "{trace:?}"
        );
        assert!(!verdict.exposed && !verdict.reported);
    }
}

#[test]
fn a_refused_request_costs_no_quota_unless_it_came_to_the_limit() {
    for row in table().into_iter().filter(|row| row.failing != StepName::Limit) {
        let entry = match &row.lookup {
            Lookup::Found { entry, .. } => Some(Arc::clone(entry)),
            _ => None,
        };
        assert!(decide(&row.facts, &row.credential, row.lookup).outcome.is_err());
        if let Some(entry) = entry {
            assert_eq!(entry.meters().spend(NOW).windows()[0].remaining, 9, "{}", row.what);
        }
    }
}

#[test]
fn a_list_that_only_reports_lets_in_and_says_so() {
    let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Staging));
    let mut stored = stored(&key);
    stored.key.settings.allowed_from = "203.0.113.0/24".parse().unwrap();
    stored.key.settings.address_mode = AddressMode::ReportOnly;
    let verdict = decide(&facts(), &bearer(&key), found(stored, &key));
    assert!(verdict.outcome.is_ok() && verdict.reported);
    let trace = verdict.trace();
    let address = trace.steps().iter().find(|step| step.name == StepName::Address).unwrap();
    assert!(address.detail.contains("only reports") && address.outcome == StepOutcome::Passed, "{address:?}");
}

#[test]
fn a_key_works_until_the_end_of_its_overlap_or_its_expiry_whichever_is_first() {
    let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Staging));
    let mut stored = stored(&key);
    let by = ApiKeyId::from_uuid(Uuid::from_u128(9));
    stored.key.replaced = Some(Replaced { by, retires_at: Some(NOW + Duration::days(7)) });
    stored.key.settings.expires_at = Some(NOW + Duration::hours(1));
    assert_eq!(stored.key.ends_at(), stored.key.settings.expires_at);
    let reason_at = |after: Duration| {
        let facts = Facts { at: NOW + after, ..facts() };
        decide(&facts, &bearer(&key), found(stored.clone(), &key)).outcome.err().map(|refusal| refusal.reason())
    };
    assert_eq!(reason_at(Duration::minutes(59)), None);
    assert_eq!(reason_at(Duration::hours(1)), Some("expired"));
    assert_eq!(reason_at(Duration::days(7)), Some("rotated_out"));
}

#[test]
fn a_key_is_exposed_by_who_could_read_it_and_not_by_what_a_proxy_forgot() {
    let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Staging));
    for (transport, exposed) in [(Transport::InTheClear, true), (Transport::Unsaid, false)] {
        let verdict = decide(&Facts { transport, ..facts() }, &bearer(&key), found(stored(&key), &key));
        assert_eq!(verdict.outcome.map(|_| ()), Err(Refusal::TlsRequired));
        assert_eq!(verdict.exposed, exposed, "{transport:?}");
    }
}

#[test]
fn a_token_is_exposed_as_a_key_is() {
    for (transport, exposed) in [(Transport::InTheClear, true), (Transport::Unsaid, false)] {
        let verdict = decide(&Facts { transport, ..facts() }, &TOKEN, proven(|_| ()));
        assert_eq!((verdict.exposed, verdict.attribution().is_some()), (exposed, true), "{transport:?}");
    }
    let query = Some("access_token=eyJhbGciOi.e30.AA");
    let in_query = Credential::read(Carried { query, ..Carried::default() });
    assert!(decide(&facts(), &in_query, proven(|_| ())).exposed);
    assert!(!decide(&facts(), &in_query, Lookup::NotProven(TokenProblem::Signature)).exposed);
}

fn session(by_our_page: bool) -> CarriedSession {
    CarriedSession { digest: [7; 32], by_our_page }
}

/// A row about an address and a password by which nobody comes.
fn nobody(why: PersonProblem) -> Row {
    let value = Some(&b"Basic YWRhQGV4YW1wbGUub3JnOnBhc3N3b3Jk"[..]);
    let basic: &'static Basic = Box::leak(Box::new(Basic::read([value, None]).unwrap()));
    Row {
        failing: StepName::Lookup,
        code: "invalid_credentials",
        ..Row::new("a password of nobody", Credential::Password(basic), Lookup::NotAPerson { known: None, why })
    }
}

#[test]
fn a_person_passes_every_step_as_themselves() {
    let account = AccountId::from_uuid(Uuid::from_u128(30));
    let person = |by, ends_at| {
        let owner = KeyOwner::Account { account_id: account, account_name: "Ada".parse().unwrap() };
        let person = Person { account, owner, by, scopes: "read:posts write:posts".parse().unwrap(), ends_at };
        let entry = Arc::new(Entry::for_person(person, meters(10, 0), Freshness::new(NOW, 0)));
        Lookup::Proven { entry, held: Held::Nothing }
    };
    let credential = || Credential::Session(session(true));
    let soon = Some(NOW + Duration::seconds(1));
    let verdict = decide(&facts(), &credential(), person(KnownBy::Session, soon));
    let principal = verdict.outcome.as_ref().unwrap();
    assert_eq!((principal.owner_id(), principal.environment()), (account.into(), None));
    assert_eq!(principal.post_owner().environment, Environment::Production);
    assert!(verdict.trace().steps().iter().all(|step| step.outcome == StepOutcome::Passed && !step.detail.is_empty()));
    let ended = decide(&facts(), &credential(), person(KnownBy::Session, Some(NOW)));
    assert_eq!(ended.outcome.map(|_| ()), Err(Refusal::MissingCredential));
    // No other API is trusted with a password.
    let value = Some(&b"Basic YWRhQGV4YW1wbGUub3JnOnBhc3N3b3Jk"[..]);
    let basic = Basic::read([value, None]).unwrap();
    let rule = holders("", &Environment::ALL);
    let verdict = decide(&at_guarded(rule), &Credential::Password(&basic), person(KnownBy::Password, None));
    assert_eq!(verdict.outcome.map(|_| ()), Err(Refusal::UnknownScheme));
}

/// Facts of a request to a guarded API with this rule, which takes credentials of staging and production.
fn at_guarded(rule: Rule) -> Facts {
    let environments = [Environment::Staging, Environment::Production];
    let api = Arc::new(Audience {
        id: ApiId::from_uuid(Uuid::from_u128(20)),
        slug: "orders".parse().unwrap(),
        url: "https://api.example.org".to_owned(),
        origin: "https://api.example.org".to_owned(),
        scopes: "orders:read orders:write".parse().unwrap(),
        environments: environments.into(),
    });
    let guard = Guard { api, route: "orders:/v1/orders".into(), rule, limit: None };
    Facts { asked: Asked::Guarded(Arc::new(guard)), ..facts() }
}

fn holders(scopes: &str, environments: &[Environment]) -> Rule {
    Rule::Holders { scopes: scopes.parse().unwrap(), environments: environments.iter().copied().collect() }
}

#[test]
fn a_guarded_api_takes_what_was_made_for_it() {
    const STAGING: &[Environment] = &[Environment::Staging];
    let all = &Environment::ALL;
    let not_covered = |allow: &str| Rule::WrongMethod { allow: allow.to_owned() };
    for (held, rule, refused) in [
        ("orders:read", holders("orders:read", STAGING), None),
        ("orders:read", holders("", STAGING), None),
        ("orders:read orders:write", holders("orders:read orders:write", all), None),
        // Each of them is needed, and a scope of another API is none of this one's.
        ("orders:read", holders("orders:read orders:write", STAGING), Some((StepName::Scope, "insufficient_scope"))),
        ("read:posts", holders("", STAGING), Some((StepName::Scope, "insufficient_scope"))),
        ("", holders("", STAGING), Some((StepName::Scope, "insufficient_scope"))),
        ("orders:read", holders("", &[Environment::Production]), Some((StepName::Environment, "wrong_environment"))),
        ("orders:read", holders("", &[]), Some((StepName::Environment, "wrong_environment"))),
        ("orders:read", Rule::Uncovered, Some((StepName::Scope, "not_covered"))),
        ("orders:read", not_covered("GET"), Some((StepName::Scope, "method_not_covered"))),
        ("orders:read", Rule::Ambiguous, Some((StepName::Scope, "ambiguous_request"))),
    ] {
        let key = PlainApiKey::generate(&SystemRandom, KeyKind::Api(Environment::Staging));
        let mut stored = stored(&key);
        stored.key.settings.scopes = held.parse().unwrap();
        let said = format!("{held} {rule:?}");
        let verdict = decide(&at_guarded(rule), &bearer(&key), found(stored, &key));
        let trace = verdict.trace();
        match (verdict.outcome, refused) {
            (Ok(_), None) => assert!(trace.failed().is_none(), "{said}"),
            (Err(refusal), Some((step, reason))) => {
                assert_eq!((refusal.step(), refusal.reason()), (step, reason), "{said}");
                assert_eq!(trace.failed().map(|step| step.name), Some(step), "{said}");
                assert!(!refusal.remedy().is_empty() && verdict.readings.is_some(), "{said}");
            }
            (outcome, _) => panic!("{said}: {outcome:?}"),
        }
    }
}

#[test]
fn nobody_without_a_credential_learns_what_a_guarded_api_covers() {
    for rule in [Rule::Uncovered, Rule::Ambiguous, Rule::WrongMethod { allow: "GET".to_owned() }] {
        let verdict = decide(&at_guarded(rule), &Credential::Missing, Lookup::NotAsked);
        assert_eq!(verdict.outcome.map(|_| ()), Err(Refusal::MissingCredential));
    }
}

#[test]
fn rfc9068_4_a_token_is_taken_by_the_api_that_it_was_made_for_alone() {
    let rule = || holders("orders:read", &Environment::ALL);
    let outcome = |facts: &Facts, change| decide(facts, &TOKEN, proven(change)).outcome.map(|_| ());
    let wrong = Err(Refusal::NotAToken { why: TokenProblem::Audience });
    assert_eq!(outcome(&at_guarded(rule()), |_| ()), wrong, "a token for the demo API");
    let for_orders = |token: &mut AccessToken| {
        token.scopes = "orders:read".parse().unwrap();
        token.audiences = Audiences::new(vec!["https://api.example.org".to_owned()]);
        token.at_home = AtHome { demo: false, gateway: false };
    };
    assert_eq!(outcome(&at_guarded(rule()), for_orders), Ok(()));
    assert_eq!(outcome(&facts(), for_orders), wrong, "nor does the demo API take another's");
    assert_eq!(outcome(&Facts { asked: Asked::Gateway, ..facts() }, for_orders), wrong);
}

#[test]
fn who_asks_on_behalf_of_others_is_not_held_up_by_a_limit() {
    let facts = Facts { asked: Asked::Gateway, ..facts() };
    for _ in 0..30 {
        let lookup = proven(|token| token.at_home.gateway = true);
        let verdict = decide(&facts, &TOKEN, lookup);
        assert!(verdict.outcome.is_ok());
        assert_eq!(verdict.readings.unwrap().windows()[0].remaining, 10);
    }
}
