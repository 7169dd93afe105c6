//! Other providers, and whose accounts their identities open.

use crate::support::{Database, NOW, name, on_both_databases, person, uuid};
use latchkey_core::{
    identity_provider::Protocol,
    port::{
        Consumed, IdentityProviderReader, Inserted, Perishable, RetentionReader, Store,
        identity_provider::{Identity, IdentityProvider, LinkedIdentity, ProviderSettings},
    },
};
use latchkey_model::{AccountId, IdentityProviderId};
use time::Duration;

on_both_databases!(
    a_provider_is_kept_as_it_was_set,
    an_identity_opens_one_account,
    r17_of_many_who_link_one_identity_at_once_one_wins,
    links_end_with_their_provider,
);

async fn provider(database: &Database, called: &str) -> IdentityProvider {
    let provider = IdentityProvider {
        id: IdentityProviderId::from_uuid(uuid()),
        settings: ProviderSettings {
            name: name(called),
            protocol: Protocol::Openid { issuer: "https://id.example.org".to_owned() },
            client_id: "latchkey".to_owned(),
            scopes: "openid email".to_owned(),
        },
        sealed_secret: vec![1, 2, 3],
        created_at: NOW,
        disabled_at: None,
    };
    let mut work = database.begin().await;
    assert_eq!(work.identity_provider_add(&provider).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    provider
}

fn linked(provider: &IdentityProvider, subject: &str, account: AccountId) -> LinkedIdentity {
    LinkedIdentity {
        identity: Identity { provider: provider.id, subject: subject.to_owned() },
        provider_name: provider.settings.name.clone(),
        label: "ada".to_owned(),
        account,
        linked_at: NOW,
        last_used_at: None,
    }
}

async fn a_provider_is_kept_as_it_was_set(database: &Database) {
    let mut kept = provider(database, "Other desk").await;
    let mut work = database.begin().await;
    assert_eq!(work.identity_provider_add(&kept).await.unwrap(), Inserted::Duplicate, "its form was sent before");
    kept.settings.name = name("Another desk");
    kept.disabled_at = Some(NOW);
    assert_eq!(work.identity_provider_update(kept.id, &kept.settings, None).await.unwrap(), Consumed::Won);
    assert_eq!(work.identity_provider_disable(kept.id, kept.disabled_at).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.identity_provider(kept.id).await.unwrap(), Some(kept.clone()), "the secret stayed");
    kept.sealed_secret = vec![4];
    let mut work = database.begin().await;
    assert_eq!(work.identity_provider_update(kept.id, &kept.settings, Some(&[4])).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.identity_providers().await.unwrap(), [kept]);
}

async fn an_identity_opens_one_account(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let provider = provider(database, "Other desk").await;
    let hers = linked(&provider, "7", ada.account.id);
    let mut work = database.begin().await;
    assert_eq!(work.linked_identity_add(&hers).await.unwrap(), Inserted::Done);
    assert_eq!(work.linked_identity_add(&linked(&provider, "7", eve.account.id)).await.unwrap(), Inserted::Duplicate);
    assert_eq!(work.linked_identity_used(&hers.identity, NOW + Duration::HOUR).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.account_of_identity(&hers.identity).await.unwrap(), Some(ada.account.id));
    assert_eq!(database.store.linked_identities(eve.account.id).await.unwrap(), []);
    let used = LinkedIdentity { last_used_at: Some(NOW + Duration::HOUR), ..hers.clone() };
    assert_eq!(database.store.linked_identities(ada.account.id).await.unwrap(), [used]);
    let mut work = database.begin().await;
    assert_eq!(work.linked_identity_remove(eve.account.id, &hers.identity).await.unwrap(), Consumed::Lost, "not hers");
    assert_eq!(work.linked_identity_remove(ada.account.id, &hers.identity).await.unwrap(), Consumed::Won);
    assert_eq!(work.linked_identity_used(&hers.identity, NOW).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(database.store.account_of_identity(&hers.identity).await.unwrap(), None);
}

async fn r17_of_many_who_link_one_identity_at_once_one_wins(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let provider = provider(database, "Other desk").await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let account = if number % 2 == 0 { ada.account.id } else { eve.account.id };
        let (store, wanted) = (database.store.clone(), linked(&provider, "7", account));
        tasks.spawn(async move {
            let mut work = store.begin().await.unwrap();
            let inserted = work.linked_identity_add(&wanted).await.unwrap();
            work.commit().await.unwrap();
            inserted == Inserted::Done
        });
    }
    let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
}

async fn links_end_with_their_provider(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let (one, other) = (provider(database, "One").await, provider(database, "Other").await);
    let (hers, kept) = (linked(&one, "7", ada.account.id), linked(&other, "7", ada.account.id));
    let mut work = database.begin().await;
    for linked in [&hers, &kept, &linked(&one, "8", ada.account.id)] {
        assert_eq!(work.linked_identity_add(linked).await.unwrap(), Inserted::Done);
    }
    assert_eq!(work.identity_provider_remove(one.id, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.identity_provider_remove(one.id, NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.identity_provider_update(one.id, &one.settings, Some(&[4])).await.unwrap(), Consumed::Lost);
    assert_eq!(work.identity_provider_disable(one.id, None).await.unwrap(), Consumed::Lost);
    assert_eq!(work.linked_identity_used(&hers.identity, NOW).await.unwrap(), Consumed::Lost, "it opens nothing");
    assert_eq!(work.linked_identity_add(&linked(&one, "9", ada.account.id)).await.unwrap(), Inserted::Duplicate);
    work.commit().await.unwrap();
    let store = &database.store;
    assert_eq!(store.identity_provider(one.id).await.unwrap(), None);
    assert_eq!(store.identity_providers().await.unwrap(), [other]);
    assert_eq!(store.account_of_identity(&hers.identity).await.unwrap(), None);
    assert_eq!(store.linked_identities(ada.account.id).await.unwrap(), std::slice::from_ref(&kept));
    // Its links, however many they are, go by and by.
    let what = Perishable::RemovedProviders;
    assert_eq!(store.linked_identity_count(one.id).await.unwrap(), 2);
    assert_eq!(database.prune(what, NOW).await, 0);
    let soon = NOW + Duration::SECOND;
    assert_eq!(store.perishables_read_ahead(what, NOW..soon, 8).await.unwrap(), 3);
    for rows in [2, 1, 0] {
        assert_eq!(database.prune(what, soon).await, rows, "the links, then the provider");
    }
    assert_eq!(store.linked_identity_count(one.id).await.unwrap(), 0);
    assert_eq!(store.linked_identities(ada.account.id).await.unwrap(), [kept]);
}
