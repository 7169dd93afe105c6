//! API keys: whose they are, and that each ends once.

use crate::{
    request_log::write,
    support::{Database, NOW, add_key, application, new_key, on_both_databases, person, stored, uuid},
};
use latchkey_core::port::{
    ApiKeyReader, ApiReader, ApplicationReader, Consumed, Inserted, Store,
    api_key::{AfterKey, Holder, NewKeyOwner, Revoked, RevokedBecause},
    request_log::{LastUse, RequestBatch, Used},
};
use latchkey_model::{ApiKeyId, Environment};
use time::{Duration, OffsetDateTime};

on_both_databases!(
    a_key_reads_back_as_it_was_made,
    a_key_is_seen_by_its_team_alone,
    a_form_sent_twice_makes_one_key,
    r17_a_key_is_revoked_once_under_concurrency,
    live_keys_are_counted,
    what_a_list_may_leave_out_is_found_and_counted,
    a_list_goes_on_after_a_key_until_each_was_there_once,
    of_keys_made_at_once_no_more_fit_than_their_owner_may_have,
    the_demo_api_is_there_with_its_scopes,
);

fn revoked(at: OffsetDateTime) -> Revoked {
    Revoked { at, because: RevokedBecause::Asked }
}

async fn a_key_reads_back_as_it_was_made(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let new = new_key(&ada, &bookshelf, "aaaaaaaaaaaa");
    add_key(database, &new).await;
    let stored = stored(database, "aaaaaaaaaaaa").await;
    assert_eq!(stored.digest, new.digest);
    assert_eq!(stored.key.owner.name(), &bookshelf.name);
    assert_eq!(stored.key.hint(), "lk_dev_aaaa…x4Tb");
    assert_eq!(stored.key.owner.holder(), Holder::Team(ada.team));
    assert_eq!(stored.key.settings, new.settings);
    assert_eq!(
        (stored.key.revoked, stored.key.disabled, stored.key.takeover, stored.key.replaced),
        (None, None, None, None)
    );
    assert_eq!(stored.key.lineage, new.id);
    let listed =
        database.store.api_keys(ada.account.id, bookshelf.id, Environment::Development, NOW, None, 9).await.unwrap();
    assert_eq!(listed, [stored.key]);
    let elsewhere =
        database.store.api_keys(ada.account.id, bookshelf.id, Environment::Staging, NOW, None, 9).await.unwrap();
    assert_eq!(elsewhere, []);
    assert!(database.store.api_key_for_door("AAAAAAAAAAAA".parse().unwrap()).await.unwrap().is_none(), "ids are exact");
}

async fn what_a_list_may_leave_out_is_found_and_counted(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let mut ids = Vec::new();
    for (public_id, days, used) in
        [("aaaaaaaaaaaa", 3, Some(1)), ("bbbbbbbbbbbb", 2, None), ("cccccccccccc", 1, Some(0))]
    {
        let mut key = new_key(&ada, &bookshelf, public_id);
        key.created_at = NOW - Duration::days(days);
        add_key(database, &key).await;
        if let Some(used) = used {
            let address = "203.0.113.9".parse().unwrap();
            let last_uses = vec![LastUse { used: Used::Key(key.id), at: NOW - Duration::days(used), address }];
            write(database, RequestBatch { last_uses, ..RequestBatch::default() }).await;
        }
        ids.push(key.id);
    }
    let oldest = async |account, limit| {
        let found =
            database.store.oldest_keys(account, bookshelf.id, Environment::Development, NOW, limit).await.unwrap();
        found.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert_eq!(oldest(ada.account.id, 1).await, [ids[1], ids[0]], "the one idle longest, and the oldest");
    assert_eq!(oldest(ada.account.id, 9).await, [ids[1], ids[0], ids[2]], "each once");
    assert_eq!(oldest(eve.account.id, 9).await, []);
    let counted = async |account, of| database.store.api_keys_count(account, of).await.unwrap();
    let development = Some((bookshelf.id, Environment::Development));
    assert_eq!((counted(ada.account.id, development).await, counted(eve.account.id, development).await), (3, 0));
    assert_eq!(counted(ada.account.id, Some((bookshelf.id, Environment::Staging))).await, 0);
    assert_eq!(counted(ada.account.id, None).await, 0, "tokens are apart");
}

async fn a_list_goes_on_after_a_key_until_each_was_there_once(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let mut ids = Vec::new();
    // Two were made at the same time; of each three, one has expired and one is revoked.
    for (number, minutes) in (0..9_u8).zip([0, 1, 1, 2, 3, 4, 5, 6, 7]) {
        let mut key = new_key(&ada, &bookshelf, &format!("aaaaaaaaaaa{number}"));
        key.created_at = NOW - Duration::minutes(minutes);
        key.settings.expires_at = (number % 3 == 1).then_some(NOW);
        add_key(database, &key).await;
        ids.push(key.id);
    }
    let end = async |id| {
        let mut work = database.begin().await;
        let ended = work.api_key_revoke(Holder::Team(ada.team), id, Some(ada.account.id), revoked(NOW)).await.unwrap();
        assert_eq!(ended, Consumed::Won);
        work.commit().await.unwrap();
    };
    for number in [2, 5, 8] {
        end(ids[number]).await;
    }
    let page = async |account, after, at_most| {
        let store = &database.store;
        let found = store.api_keys(account, bookshelf.id, Environment::Development, NOW, after, at_most).await.unwrap();
        found.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    let in_order = [0, 3, 6, 2, 1, 4, 5, 7, 8].map(|number| ids[number]);
    assert_eq!(page(ada.account.id, None, 99).await, in_order, "those that have not ended, then the newest");
    for at_most in [1, 2, 3, 4, 9] {
        let mut seen: Vec<ApiKeyId> = Vec::new();
        loop {
            let after = seen.last().map(|id| AfterKey { id: *id, ended: seen.len() > 3 });
            let next = page(ada.account.id, after, at_most).await;
            assert!(next.len() <= at_most);
            if next.is_empty() {
                break;
            }
            seen.extend(next);
        }
        assert_eq!(seen, in_order, "{at_most} on a page");
    }
    // One that has ended since a page was drawn goes on where it stood.
    end(ids[3]).await;
    let after = Some(AfterKey { id: ids[3], ended: false });
    assert_eq!(page(ada.account.id, after, 2).await, [ids[6], ids[2]]);
    assert_eq!(page(eve.account.id, None, 9).await, []);
    assert_eq!(page(eve.account.id, after, 9).await, []);
    let nobodys = Some(AfterKey { id: ApiKeyId::from_uuid(uuid()), ended: false });
    assert_eq!(page(ada.account.id, nobodys, 9).await, []);
}

async fn of_keys_made_at_once_no_more_fit_than_their_owner_may_have(database: &Database) {
    const AT_MOST: u64 = 5;
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let tokens = [NewKeyOwner::Account(eve.account.id); 3];
    for (first, owners) in ["a", "b"].into_iter().zip([bookshelf.environments.map(NewKeyOwner::Environment), tokens]) {
        // One that has ended does not count.
        let mut ended = new_key(&ada, &bookshelf, &format!("{first}aaaaaaaaaaa"));
        (ended.owner, ended.settings.expires_at) = (owners[0], Some(NOW));
        add_key(database, &ended).await;
        let made = (0..24_usize).map(|number| {
            let mut key = new_key(&ada, &bookshelf, &format!("{first}bbbbbbbbb{number:02}"));
            key.owner = owners[number % 3];
            let store = database.store.clone();
            tokio::spawn(async move {
                let mut work = store.begin().await.unwrap();
                assert_eq!(work.api_key_add(&key).await.unwrap(), Inserted::Done);
                let fits = work.api_keys_hold(key.owner, NOW).await.unwrap() <= AT_MOST;
                if fits {
                    work.commit().await.unwrap();
                }
                fits
            })
        });
        let mut fitted = 0;
        for one in made.collect::<Vec<_>>() {
            fitted += u64::from(one.await.unwrap());
        }
        assert_eq!(fitted, AT_MOST);
    }
}

async fn a_key_is_seen_by_its_team_alone(database: &Database) {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let key = new_key(&ada, &bookshelf, "aaaaaaaaaaaa");
    add_key(database, &key).await;
    assert!(database.store.api_key(ada.account.id, key.id).await.unwrap().is_some());
    assert!(database.store.api_key(eve.account.id, key.id).await.unwrap().is_none());
    let listed =
        database.store.api_keys(eve.account.id, bookshelf.id, Environment::Development, NOW, None, 9).await.unwrap();
    assert_eq!(listed, []);
    let mut work = database.begin().await;
    assert_eq!(
        work.api_key_revoke(Holder::Team(eve.team), key.id, Some(eve.account.id), revoked(NOW)).await.unwrap(),
        Consumed::Lost
    );
    work.commit().await.unwrap();
    let stored = stored(database, "aaaaaaaaaaaa").await;
    assert_eq!(stored.key.revoked, None);
}

async fn a_form_sent_twice_makes_one_key(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let form_id = uuid();
    let sent = (0..8_u8).map(|number| {
        let mut key = new_key(&ada, &bookshelf, &format!("aaaaaaaaaaa{number}"));
        key.form_id = form_id;
        let store = database.store.clone();
        tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            let inserted = work.api_key_add(&key).await.unwrap();
            if inserted == Inserted::Done {
                work.commit().await.unwrap();
            }
            inserted
        })
    });
    let mut made = 0;
    for one in sent.collect::<Vec<_>>() {
        made += usize::from(one.await.unwrap() == Inserted::Done);
    }
    assert_eq!(made, 1);
    let listed =
        database.store.api_keys(ada.account.id, bookshelf.id, Environment::Development, NOW, None, 9).await.unwrap();
    assert_eq!(listed.len(), 1);
}

async fn r17_a_key_is_revoked_once_under_concurrency(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let key = new_key(&ada, &bookshelf, "aaaaaaaaaaaa");
    add_key(database, &key).await;
    let (team, by, id) = (ada.team, ada.account.id, key.id);
    let tries = (0..32).map(|second| {
        let store = database.store.clone();
        tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            let at = NOW + Duration::seconds(second);
            let outcome = work.api_key_revoke(Holder::Team(team), id, Some(by), revoked(at)).await.unwrap();
            work.commit().await.unwrap();
            (outcome, at)
        })
    });
    let mut winners = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        let (outcome, at) = one.await.unwrap();
        if outcome == Consumed::Won {
            winners.push(at);
        }
    }
    assert_eq!(winners.len(), 1);
    let stored = stored(database, "aaaaaaaaaaaa").await;
    assert_eq!(stored.key.revoked, Some(revoked(winners[0])), "the first end stays");
    let mut work = database.begin().await;
    let nobodys = ApiKeyId::from_uuid(uuid());
    assert_eq!(work.api_key_revoke(Holder::Team(team), nobodys, Some(by), revoked(NOW)).await.unwrap(), Consumed::Lost);
}

async fn live_keys_are_counted(database: &Database) {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let (mut live, mut expired) =
        (new_key(&ada, &bookshelf, "aaaaaaaaaaaa"), new_key(&ada, &bookshelf, "bbbbbbbbbbbb"));
    let ended = new_key(&ada, &bookshelf, "cccccccccccc");
    live.settings.expires_at = None;
    expired.settings.expires_at = Some(NOW);
    for key in [&live, &expired, &ended] {
        add_key(database, key).await;
    }
    let mut work = database.begin().await;
    assert_eq!(
        work.api_key_revoke(Holder::Team(ada.team), ended.id, Some(ada.account.id), revoked(NOW)).await.unwrap(),
        Consumed::Won
    );
    work.commit().await.unwrap();
    let seen = database.store.application(ada.account.id, bookshelf.id, NOW).await.unwrap().unwrap();
    assert_eq!(seen.live_keys, [1, 0, 0]);
    let listed =
        database.store.api_keys(ada.account.id, bookshelf.id, Environment::Development, NOW, None, 9).await.unwrap();
    assert_eq!(listed.first().map(|key| key.id), Some(live.id), "live ones come first");
}

async fn the_demo_api_is_there_with_its_scopes(database: &Database) {
    let apis = database.store.built_in_apis().await.unwrap();
    let scopes: Vec<_> = apis.iter().flat_map(|api| &api.scopes).map(|scope| scope.scope.to_string()).collect();
    assert_eq!(scopes, ["read:posts", "write:posts", "delete:account"]);
}
