//! Secrets of clients and tokens of registration, as whoever found one brings it: by what names it, and nothing else.

use crate::support::{Database, Made, NOW, Person, application, name, on_both_databases, person, uuid};
use latchkey_core::{
    api_key::format::PublicId,
    jose::SigningAlgorithm,
    oauth_client::{ClientAuthMethod, ClientKind, GrantType, RedirectUris, RegistrationPolicy, TokenForm},
    openid::SubjectType,
    port::{
        ApiKeyReader, Consumed, Inserted, OauthClientReader, RegistrationReader, Store,
        alert::WatchedEnvironment,
        api_key::KeyPolicy,
        oauth_client::{ClientSettings, NewClientSecret, NewOauthClient},
        registration::{Registration, RegistrationToken},
    },
};
use latchkey_model::{ClientSecretId, Environment, EnvironmentId, OauthClientId, ScopeSet};
use time::Duration;

on_both_databases!(
    a_secret_is_found_by_its_public_id_ended_or_not,
    an_environment_says_how_it_treats_what_was_found,
    the_token_that_registering_takes_ends_once_and_alone,
    a_client_is_found_by_the_token_that_manages_it,
    r17_of_two_changes_of_a_client_from_one_read_one_wins,
);

const ONE: &str = "aaaaaaaaaaaa";
const OTHER: &str = "bbbbbbbbbbbb";

fn public_id(text: &str) -> PublicId {
    text.parse().unwrap()
}

/// A service account with a secret of its own.
fn settings() -> ClientSettings {
    ClientSettings {
        name: name("Nightly import"),
        auth_method: ClientAuthMethod::SecretBasic,
        grants: [GrantType::ClientCredentials].into_iter().collect(),
        redirect_uris: RedirectUris::default(),
        scopes: "read:posts".parse::<ScopeSet>().unwrap(),
        signing_algorithm: SigningAlgorithm::Es256,
        access_token_life: Duration::minutes(15),
        token_form: TokenForm::Jwt,
        subject_type: SubjectType::Public,
        keys: None,
        certificate_subject: None,
        dpop_required: false,
        certificate_bound: false,
        pushed_only: false,
        pkce_required: false,
        high_security: false,
        post_logout_redirect_uris: RedirectUris::default(),
        backchannel_logout_uri: None,
    }
}

async fn client(database: &Database, owner: &Person, environment: EnvironmentId) -> OauthClientId {
    let id = OauthClientId::from_uuid(uuid());
    let new = NewOauthClient {
        id,
        client_id: format!("lkc_{}", &id.as_uuid().simple().to_string()[12..]).parse().unwrap(),
        kind: ClientKind::ServiceAccount,
        environment_id: environment,
        settings: settings(),
        created_by: owner.account.id,
        created_at: NOW,
        form_id: uuid(),
    };
    let mut work = database.begin().await;
    assert_eq!(work.oauth_client_add(&new).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    id
}

async fn secret(database: &Database, owner: &Person, of: OauthClientId, called: &str, digest: u8) -> ClientSecretId {
    let new = NewClientSecret {
        id: ClientSecretId::from_uuid(uuid()),
        client: of,
        public_id: public_id(called),
        last_four: "x4Tb".to_owned(),
        digest: [digest; 32],
        created_by: owner.account.id,
        created_at: NOW,
        form_id: uuid(),
    };
    let mut work = database.begin().await;
    assert_eq!(work.client_secret_add(&new, 2).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    new.id
}

async fn bookshelf(database: &Database) -> (Person, Made) {
    let ada = person(database, "ada@example.org").await;
    let made = application(database, &ada, "Bookshelf").await;
    (ada, made)
}

async fn a_secret_is_found_by_its_public_id_ended_or_not(database: &Database) {
    let (ada, made) = bookshelf(database).await;
    let (first, second) =
        (client(database, &ada, made.environments[0]).await, client(database, &ada, made.environments[2]).await);
    let kept = secret(database, &ada, first, ONE, 7).await;
    let ended = secret(database, &ada, second, OTHER, 8).await;
    let at = NOW + Duration::minutes(1);
    let mut work = database.begin().await;
    // A secret ends as its own client's, and once.
    assert_eq!(work.client_secret_revoke(first, ended, at).await.unwrap(), Consumed::Lost);
    assert_eq!(work.client_secret_revoke(second, ended, at).await.unwrap(), Consumed::Won);
    assert_eq!(work.client_secret_revoke(second, ended, at).await.unwrap(), Consumed::Lost);
    // That it was found is noted once, and while it has not ended.
    for (id, outcome) in [(kept, Consumed::Won), (kept, Consumed::Lost), (ended, Consumed::Lost)] {
        assert_eq!(work.client_secret_leaked(id, at).await.unwrap(), outcome);
    }
    work.commit().await.unwrap();
    for (called, of, id, digest, revoked_at) in
        [(ONE, first, kept, [7; 32], None), (OTHER, second, ended, [8; 32], Some(at))]
    {
        let (client, found, stored) = database.store.client_secret(public_id(called)).await.unwrap().unwrap();
        assert_eq!((client, found.id, stored), (of, id, digest));
        assert_eq!((found.public_id.as_str(), found.revoked_at), (called, revoked_at));
    }
    assert!(database.store.client_secret(public_id("cccccccccccc")).await.unwrap().is_none());
}

async fn r17_of_two_changes_of_a_client_from_one_read_one_wins(database: &Database) {
    let (ada, made) = bookshelf(database).await;
    let id = client(database, &ada, made.environments[0]).await;
    let called = |text: &str| ClientSettings { name: name(text), ..settings() };
    let team = ada.team;
    let tries = (0..16).map(|number| {
        let (store, after) = (database.store.clone(), called(&format!("Import {number}")));
        tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            let outcome = work.oauth_client_update(team, id, Some(&settings()), &after).await.unwrap();
            work.commit().await.unwrap();
            (outcome, after)
        })
    });
    let mut won = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        let (outcome, after) = one.await.unwrap();
        if outcome == Consumed::Won {
            won.push(after);
        }
    }
    let there = async || database.store.oauth_client(ada.account.id, id).await.unwrap().unwrap().settings;
    assert_eq!(won, [there().await]);
    // Whoever does not say what they read replaces what there is.
    let stale = settings();
    for (read, outcome) in [(Some(&stale), Consumed::Lost), (Some(&won[0]), Consumed::Won), (None, Consumed::Won)] {
        let mut work = database.begin().await;
        assert_eq!(work.oauth_client_update(team, id, read, &called("Weekly import")).await.unwrap(), outcome);
        work.commit().await.unwrap();
    }
    assert_eq!(there().await, called("Weekly import"));
}

async fn an_environment_says_how_it_treats_what_was_found(database: &Database) {
    let (ada, made) = bookshelf(database).await;
    let revokes = async |environment: usize| {
        let policy = database.store.key_policy_in(made.environments[environment]).await.unwrap();
        policy.map(|policy| policy.revoke_leaked)
    };
    assert_eq!((revokes(0).await, revokes(2).await), (Some(false), Some(true)), "until somebody says otherwise");
    let policy = KeyPolicy { revoke_leaked: true, disable_idle_days: Some(30), rotate_after_days: None };
    let mut work = database.begin().await;
    let usual = KeyPolicy { revoke_leaked: false, disable_idle_days: None, rotate_after_days: None };
    let set = work.key_policy_set(ada.team, made.id, Environment::Development, &usual, &policy).await.unwrap();
    assert_eq!(set, Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.key_policy_in(made.environments[0]).await.unwrap(), Some(policy));
    assert_eq!((revokes(1).await, revokes(2).await), (Some(false), Some(true)), "the others are as they were");
    assert_eq!(database.store.key_policy_in(EnvironmentId::from_uuid(uuid())).await.unwrap(), None);
}

async fn the_token_that_registering_takes_ends_once_and_alone(database: &Database) {
    let (ada, made) = bookshelf(database).await;
    let registration = |environment: usize, token: &str, digest: u8| Registration {
        environment_id: made.environments[environment],
        policy: RegistrationPolicy::Token,
        decided_by: ada.account.id,
        decided_at: NOW,
        token: Some(RegistrationToken { public_id: public_id(token), digest: [digest; 32] }),
    };
    let (here, elsewhere) = (registration(0, ONE, 7), registration(1, OTHER, 8));
    let mut work = database.begin().await;
    for one in [&here, &elsewhere] {
        work.registration_set(one).await.unwrap();
    }
    work.commit().await.unwrap();
    let by_token = async |token: &str| database.store.registration_by_token(public_id(token)).await.unwrap();
    assert_eq!(by_token(ONE).await, Some(here.clone()));

    let home = database.store.home_of_registration(made.environments[0]).await.unwrap();
    let expected = WatchedEnvironment {
        id: made.environments[0],
        environment: Environment::Development,
        application: made.id,
        application_name: made.name.clone(),
        team: ada.team,
    };
    assert_eq!(home, Some(expected));
    assert_eq!(database.store.home_of_registration(EnvironmentId::from_uuid(uuid())).await.unwrap(), None);

    let end = async |environment: usize, token: &str| {
        let mut work = database.begin().await;
        let outcome = work.registration_token_end(made.environments[environment], public_id(token)).await.unwrap();
        work.commit().await.unwrap();
        outcome
    };
    // One that another has replaced, or that is another environment's, ends nothing.
    assert_eq!(end(0, OTHER).await, Consumed::Lost);
    assert_eq!(end(0, ONE).await, Consumed::Won);
    assert_eq!(end(0, ONE).await, Consumed::Lost);
    assert_eq!(by_token(ONE).await, None);
    assert_eq!(by_token(OTHER).await, Some(elsewhere));
    let left = database.store.registration(ada.account.id, made.id, Environment::Development).await.unwrap();
    assert_eq!(left, Some(Registration { token: None, ..here }), "who may register is as it was");
}

async fn a_client_is_found_by_the_token_that_manages_it(database: &Database) {
    let (ada, made) = bookshelf(database).await;
    let registered = client(database, &ada, made.environments[0]).await;
    let token = RegistrationToken { public_id: public_id(ONE), digest: [7; 32] };
    let mut work = database.begin().await;
    assert_eq!(work.registered_client_add(registered, &token).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    let by_token = async |token: &str| database.store.registered_client_by_token(public_id(token)).await.unwrap();
    assert_eq!(by_token(ONE).await, Some((registered, token)));
    assert_eq!(by_token(OTHER).await, None);
    for outcome in [Consumed::Won, Consumed::Lost] {
        let mut work = database.begin().await;
        assert_eq!(work.registered_client_remove(registered).await.unwrap(), outcome);
        work.commit().await.unwrap();
    }
    assert_eq!(by_token(ONE).await, None);
}
