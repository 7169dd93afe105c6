//! What happens to a key between its making and its end: rotation, switching off, reminders, leaks.

use crate::{
    request_log::write,
    support::{
        Database, Made, NOW, Person, add_key, application, name, new_key, on_both_databases, person, stored, uuid,
    },
};
use latchkey_core::{
    limit::RateLimits,
    port::{
        ApiKeyReader, Consumed, Inserted, NoticeReader,
        api_key::{
            Disabled, Holder, KeyPolicy, KeySettings, KeyState, Leaked, NewKeyOwner, Replaced, Revoked, RevokedBecause,
            Takeover,
        },
        request_log::{LastUse, RequestBatch, Used},
        suspension::SuspendableId,
    },
};
use latchkey_model::{ApiKeyId, Environment, KeyKind};
use std::net::{IpAddr, Ipv4Addr};
use time::Duration;

on_both_databases!(
    r17_of_rotations_at_once_one_wins,
    a_takeover_starts_once_and_only_then_retires_the_old_key,
    a_rotation_is_called_off_only_before_its_first_use,
    a_rotation_is_called_off_while_its_old_key_works,
    a_rotation_is_not_called_off_whose_new_key_was_used_before_it_began,
    an_old_key_is_not_kept_once_a_third_takes_over,
    limits_are_changed_for_both_keys_of_a_rotation,
    a_key_that_waits_for_its_first_use_cannot_be_replaced,
    a_key_is_switched_off_and_on,
    settings_are_changed_by_their_holder_alone,
    r17_of_two_changes_from_one_read_one_wins,
    a_token_is_its_persons_alone,
    people_are_told_of_each_end_once_for_each_distance,
    people_are_told_of_an_end_until_the_rotation_sets_it,
    idle_keys_are_found_by_their_environments_policy,
    keys_of_a_suspended_application_are_not_idle,
    a_key_is_switched_off_by_policy_only_while_it_is_idle,
    a_policy_is_set_by_its_team_alone,
    the_first_report_of_a_leak_stays,
);

const OLD: &str = "aaaaaaaaaaaa";

/// How an environment without real data treats its keys until somebody says otherwise.
const USUAL: KeyPolicy = KeyPolicy { revoke_leaked: false, disable_idle_days: None, rotate_after_days: None };

struct Scene {
    ada: Person,
    eve: Person,
    bookshelf: Made,
    old: ApiKeyId,
}

async fn scene(database: &Database) -> Scene {
    let (ada, eve) = (person(database, "ada@example.org").await, person(database, "eve@example.org").await);
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let old = new_key(&ada, &bookshelf, OLD);
    add_key(database, &old).await;
    Scene { ada, eve, bookshelf, old: old.id }
}

/// Begins a rotation as the service does; whether it won.
async fn rotate(database: &Database, scene: &Scene, public_id: &str) -> (ApiKeyId, Consumed) {
    let mut new = new_key(&scene.ada, &scene.bookshelf, public_id);
    new.takeover = Some(Takeover { from: scene.old, overlap: Duration::HOUR, started_at: None });
    new.lineage = scene.old;
    let read = stored(database, OLD).await.key.settings;
    let mut work = database.begin().await;
    assert_eq!(work.api_key_add(&new).await.unwrap(), Inserted::Done);
    let replaced = Replaced { by: new.id, retires_at: None };
    let outcome = work.api_key_replace(Holder::Team(scene.ada.team), scene.old, &read, replaced).await.unwrap();
    if outcome == Consumed::Won {
        work.commit().await.unwrap();
    }
    (new.id, outcome)
}

async fn r17_of_rotations_at_once_one_wins(database: &Database) {
    let scene = scene(database).await;
    let names: Vec<_> = (0..8).map(|number| format!("bbbbbbbbbbb{number}")).collect();
    let outcomes = futures(names.iter().map(|public_id| rotate(database, &scene, public_id))).await;
    assert_eq!(outcomes.iter().filter(|(_, outcome)| *outcome == Consumed::Won).count(), 1);
    let keys =
        database.store.api_keys(scene.ada.account.id, scene.bookshelf.id, Environment::Development, NOW, None, 9).await;
    assert_eq!(keys.unwrap().len(), 2, "those that lost left nothing behind");
    let winner = outcomes.iter().find(|(_, outcome)| *outcome == Consumed::Won).unwrap().0;
    assert_eq!(stored(database, OLD).await.key.replaced.map(|replaced| replaced.by), Some(winner));
}

/// Runs futures at once, in this task.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}

async fn a_takeover_starts_once_and_only_then_retires_the_old_key(database: &Database) {
    let scene = scene(database).await;
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let key = stored(database, "bbbbbbbbbbbb").await.key;
    assert!(key.is_pending());
    assert_eq!((key.lineage, stored(database, OLD).await.key.replaced.unwrap().retires_at), (scene.old, None));
    let mut work = database.begin().await;
    assert_eq!(work.takeover_start(new, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.takeover_start(new, NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.api_key_retire(scene.old, NOW + Duration::HOUR).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_retire(scene.old, NOW + Duration::DAY).await.unwrap(), Consumed::Lost, "never later");
    assert_eq!(work.api_key_retire(scene.old, NOW + Duration::MINUTE).await.unwrap(), Consumed::Won, "sooner, by hand");
    assert_eq!(work.api_key_retire(new, NOW).await.unwrap(), Consumed::Lost, "nothing takes over from the new key");
    work.commit().await.unwrap();
    let old = stored(database, OLD).await.key;
    assert_eq!(old.state(NOW), KeyState::Live);
    assert_eq!(old.state(NOW + Duration::MINUTE), KeyState::RotatedOut(NOW + Duration::MINUTE));
    assert!(!stored(database, "bbbbbbbbbbbb").await.key.is_pending());
}

async fn a_rotation_is_called_off_only_before_its_first_use(database: &Database) {
    let scene = scene(database).await;
    let (by, holder) = (scene.ada.account.id, Holder::Team(scene.ada.team));
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let mut work = database.begin().await;
    let eve = Holder::Team(scene.eve.team);
    assert_eq!(work.takeover_cancel(eve, new, scene.eve.account.id, NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.takeover_cancel(holder, new, by, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_keep(holder, scene.old, new, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(stored(database, OLD).await.key.replaced, None);

    let (second, outcome) = rotate(database, &scene, "cccccccccccc").await;
    assert_eq!(outcome, Consumed::Won, "another rotation may follow");
    let mut work = database.begin().await;
    let from = IpAddr::from(Ipv4Addr::LOCALHOST);
    assert_eq!(work.takeover_used(scene.old, NOW, from).await.unwrap(), Consumed::Lost, "it takes over from nobody");
    assert_eq!(work.takeover_start(second, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.takeover_used(second, NOW, from).await.unwrap(), Consumed::Won);
    assert_eq!(work.takeover_used(second, NOW, from).await.unwrap(), Consumed::Lost, "the first use is one");
    assert_eq!(work.takeover_cancel(holder, second, by, NOW).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    let used = stored(database, "cccccccccccc").await.key;
    assert_eq!((used.last_used_at, used.last_used_from), (Some(NOW), Some(from)));
}

async fn a_rotation_is_called_off_while_its_old_key_works(database: &Database) {
    let scene = scene(database).await;
    let (by, holder) = (scene.ada.account.id, Holder::Team(scene.ada.team));
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let ends = NOW + Duration::HOUR;
    let mut work = database.begin().await;
    assert_eq!(work.takeover_start(new, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_retire(scene.old, ends).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    let mut work = database.begin().await;
    assert_eq!(work.takeover_cancel(holder, new, by, ends).await.unwrap(), Consumed::Won, "nobody used it");
    assert_eq!(work.api_key_keep(holder, scene.old, new, ends).await.unwrap(), Consumed::Lost, "it has ended");
    drop(work);
    let mut work = database.begin().await;
    assert_eq!(work.takeover_cancel(holder, new, by, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_keep(holder, scene.old, new, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    let old = stored(database, OLD).await.key;
    assert_eq!((old.replaced, old.state(ends)), (None, KeyState::Live));
}

/// The store was out of reach at the first use, which was noted with others later.
async fn a_rotation_is_not_called_off_whose_new_key_was_used_before_it_began(database: &Database) {
    let scene = scene(database).await;
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let last_uses = vec![LastUse { used: Used::Key(new), at: NOW, address: Ipv4Addr::LOCALHOST.into() }];
    write(database, RequestBatch { last_uses, ..RequestBatch::default() }).await;
    assert!(stored(database, "bbbbbbbbbbbb").await.key.is_pending());
    let (by, holder) = (scene.ada.account.id, Holder::Team(scene.ada.team));
    let mut work = database.begin().await;
    assert_eq!(work.takeover_cancel(holder, new, by, NOW).await.unwrap(), Consumed::Lost);
}

/// Whoever revokes the second key may have read it before.
async fn an_old_key_is_not_kept_once_a_third_takes_over(database: &Database) {
    let scene = scene(database).await;
    let (by, holder) = (scene.ada.account.id, Holder::Team(scene.ada.team));
    let (second, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let third = new_key(&scene.ada, &scene.bookshelf, "cccccccccccc");
    add_key(database, &third).await;
    let read = stored(database, "bbbbbbbbbbbb").await.key.settings;
    let (ends, replaced) = (NOW + Duration::HOUR, Replaced { by: third.id, retires_at: None });
    let mut work = database.begin().await;
    assert_eq!(work.takeover_start(second, NOW).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_retire(scene.old, ends).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_replace(holder, second, &read, replaced).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    let revoked = Revoked { at: NOW, because: RevokedBecause::Asked };
    let mut work = database.begin().await;
    assert_eq!(work.api_key_revoke(holder, second, Some(by), revoked).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_keep(holder, scene.old, second, NOW).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(stored(database, OLD).await.key.state(ends), KeyState::RotatedOut(ends));
}

async fn limits_are_changed_for_both_keys_of_a_rotation(database: &Database) {
    let scene = scene(database).await;
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    add_key(database, &new_key(&scene.ada, &scene.bookshelf, "cccccccccccc")).await;
    let old = stored(database, OLD).await.key;
    let (limits, others): (RateLimits, RateLimits) = ("5/1m".parse().unwrap(), "6/1m".parse().unwrap());
    let mut work = database.begin().await;
    let shared = work.api_key_limits_share(&old, &limits, NOW).await.unwrap();
    let shared: Vec<_> = shared.into_iter().map(|one| (one.id, one.public_id.to_string(), one.before)).collect();
    assert_eq!(shared, [(new, "bbbbbbbbbbbb".to_owned(), old.settings.limits.clone())]);
    assert_eq!(work.api_key_limits_share(&old, &limits, NOW).await.unwrap(), [], "it has them");
    let late = NOW + Duration::days(8);
    assert_eq!(work.api_key_limits_share(&old, &others, late).await.unwrap(), [], "it has ended by then");
    work.commit().await.unwrap();
    assert_eq!(stored(database, "bbbbbbbbbbbb").await.key.settings.limits, limits);
    assert_eq!(stored(database, "cccccccccccc").await.key.settings.limits, old.settings.limits, "another row of keys");
}

async fn a_key_that_waits_for_its_first_use_cannot_be_replaced(database: &Database) {
    let scene = scene(database).await;
    let holder = Holder::Team(scene.ada.team);
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let replaced = Replaced { by: ApiKeyId::from_uuid(uuid()), retires_at: None };
    let read = stored(database, OLD).await.key.settings;
    let mut work = database.begin().await;
    assert_eq!(work.api_key_replace(holder, new, &read, replaced).await.unwrap(), Consumed::Lost);
    assert_eq!(
        work.api_key_replace(holder, scene.old, &read, replaced).await.unwrap(),
        Consumed::Lost,
        "it is being replaced"
    );
    let eve = Holder::Team(scene.eve.team);
    assert_eq!(work.api_key_replace(eve, scene.old, &read, replaced).await.unwrap(), Consumed::Lost);
}

async fn a_key_is_switched_off_and_on(database: &Database) {
    let scene = scene(database).await;
    let (holder, off) = (Holder::Team(scene.ada.team), Disabled { at: NOW, by_policy: false });
    let mut work = database.begin().await;
    let eve = Holder::Team(scene.eve.team);
    assert_eq!(work.api_key_disable(eve, scene.old, off).await.unwrap(), Consumed::Lost);
    assert_eq!(work.api_key_enable(holder, scene.old, NOW).await.unwrap(), Consumed::Lost, "it is on");
    assert_eq!(work.api_key_disable(holder, scene.old, off).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_disable(holder, scene.old, off).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    assert_eq!(stored(database, OLD).await.key.state(NOW), KeyState::Disabled(off));
    let mut work = database.begin().await;
    assert_eq!(work.api_key_enable(holder, scene.old, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(stored(database, OLD).await.key.state(NOW), KeyState::Live);
}

async fn settings_are_changed_by_their_holder_alone(database: &Database) {
    let scene = scene(database).await;
    let before = stored(database, OLD).await.key.settings;
    let settings = KeySettings { name: name("Batch"), scopes: "read:posts".parse().unwrap(), ..before.clone() };
    let mut work = database.begin().await;
    for holder in [Holder::Team(scene.eve.team), Holder::Account(scene.ada.account.id)] {
        let outcome = work.api_key_update(holder, scene.old, &before, &settings, NOW).await.unwrap();
        assert_eq!(outcome, Consumed::Lost);
    }
    let (holder, later) = (Holder::Team(scene.ada.team), NOW + Duration::HOUR);
    assert_eq!(stored(database, OLD).await.key.scopes_set_at, NOW, "since it was made");
    let outcome = work.api_key_update(holder, scene.old, &before, &settings, later).await.unwrap();
    assert_eq!(outcome, Consumed::Won);
    let renamed = KeySettings { name: name("Nightly"), ..settings.clone() };
    let outcome = work.api_key_update(holder, scene.old, &settings, &renamed, NOW + Duration::DAY).await.unwrap();
    assert_eq!(outcome, Consumed::Won);
    work.commit().await.unwrap();
    let key = stored(database, OLD).await.key;
    assert_eq!((key.settings, key.scopes_set_at), (renamed, later));
}

async fn r17_of_two_changes_from_one_read_one_wins(database: &Database) {
    let scene = scene(database).await;
    let holder = Holder::Team(scene.ada.team);
    let mut read = stored(database, OLD).await.key.settings;
    // What is read has an end, and then none.
    for expires_at in [None, Some(NOW + Duration::DAY)] {
        let narrowed = KeySettings { allowed_from: "203.0.113.9".parse().unwrap(), expires_at, ..read.clone() };
        let shrunk = KeySettings { scopes: "read:posts".parse().unwrap(), ..read.clone() };
        let mut work = database.begin().await;
        let outcome = work.api_key_update(holder, scene.old, &read, &narrowed, NOW).await.unwrap();
        assert_eq!(outcome, Consumed::Won);
        work.commit().await.unwrap();
        let mut work = database.begin().await;
        let outcome = work.api_key_update(holder, scene.old, &read, &shrunk, NOW).await.unwrap();
        assert_eq!(outcome, Consumed::Lost, "what the other took away stays away");
        let replaced = Replaced { by: ApiKeyId::from_uuid(uuid()), retires_at: None };
        let outcome = work.api_key_replace(holder, scene.old, &read, replaced).await.unwrap();
        assert_eq!(outcome, Consumed::Lost, "nor does a new key bring it back");
        drop(work);
        assert_eq!(stored(database, OLD).await.key.settings, narrowed);
        read = narrowed;
    }
}

async fn a_token_is_its_persons_alone(database: &Database) {
    let scene = scene(database).await;
    let mut token = new_key(&scene.ada, &scene.bookshelf, "tttttttttttt");
    token.owner = NewKeyOwner::Account(scene.ada.account.id);
    add_key(database, &token).await;
    let found = stored(database, "tttttttttttt").await.key;
    assert_eq!((found.owner.kind(), found.owner.holder()), (KeyKind::Personal, Holder::Account(scene.ada.account.id)));
    let tokens = database.store.personal_tokens(scene.ada.account.id, NOW, None).await.unwrap();
    assert_eq!(tokens, std::slice::from_ref(&found));
    assert_eq!(database.store.personal_tokens(scene.eve.account.id, NOW, None).await.unwrap(), []);
    let mut ended = new_key(&scene.ada, &scene.bookshelf, "uuuuuuuuuuuu");
    ended.owner = token.owner;
    ended.created_at = NOW + Duration::HOUR;
    ended.settings.expires_at = Some(NOW);
    add_key(database, &ended).await;
    let first = database.store.personal_tokens(scene.ada.account.id, NOW, Some(1)).await.unwrap();
    assert_eq!(first, std::slice::from_ref(&found), "those that ended come last, however new");
    assert_eq!(database.store.api_keys_count(scene.ada.account.id, None).await.unwrap(), 2);
    assert_eq!(database.store.api_key(scene.eve.account.id, token.id).await.unwrap(), None);
    assert_eq!(database.store.api_key(scene.ada.account.id, token.id).await.unwrap(), Some(found));
    assert_eq!(database.store.key_policy_of(token.id).await.unwrap(), None);
    assert_eq!(database.store.people_of(Holder::Account(scene.ada.account.id)).await.unwrap(), ["ada@example.org"]);
}

async fn people_are_told_of_each_end_once_for_each_distance(database: &Database) {
    let scene = scene(database).await;
    // It lives seven days: a month ahead nobody needs to be told of it.
    let ending = |now, days: u16| {
        let store = database.store.clone();
        async move {
            let before = now + Duration::days(i64::from(days));
            store.keys_ending(now, before, days, 10).await.unwrap()
        }
    };
    assert_eq!(ending(NOW, 30).await, []);
    assert_eq!(ending(NOW + Duration::HOUR, 7).await, [], "it was made for seven days");
    let last_day = NOW + Duration::days(6) + Duration::HOUR;
    let found = ending(last_day, 1).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].key.id, found[0].emails.clone()), (scene.old, vec!["ada@example.org".to_owned()]));
    let mut work = database.begin().await;
    assert_eq!(work.api_key_told(scene.old, 1).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_told(scene.old, 1).await.unwrap(), Consumed::Lost);
    assert_eq!(work.api_key_told(scene.old, 7).await.unwrap(), Consumed::Lost, "the nearer one was told");
    work.commit().await.unwrap();
    assert_eq!(ending(last_day, 1).await, []);
    assert_eq!(ending(NOW + Duration::days(8), 1).await, [], "it has ended");
}

async fn people_are_told_of_an_end_until_the_rotation_sets_it(database: &Database) {
    let scene = scene(database).await;
    let (new, _) = rotate(database, &scene, "bbbbbbbbbbbb").await;
    let last_day = NOW + Duration::days(6) + Duration::HOUR;
    let told_of_old = || {
        let (store, old) = (database.store.clone(), scene.old);
        async move {
            let found = store.keys_ending(last_day, last_day + Duration::DAY, 1, 10).await.unwrap();
            found.iter().any(|one| one.key.id == old)
        }
    };
    assert!(told_of_old().await, "the new key waits for its first use, and the old one's end comes");
    let mut work = database.begin().await;
    assert_eq!(work.takeover_start(new, last_day).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_retire(scene.old, last_day + Duration::HOUR).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert!(!told_of_old().await, "whoever uses the new key knows");
}

async fn keys_of_a_suspended_application_are_not_idle(database: &Database) {
    let scene = scene(database).await;
    let read = stored(database, OLD).await.key.settings;
    let settings = KeySettings { expires_at: None, ..read.clone() };
    let policy = KeyPolicy { revoke_leaked: false, disable_idle_days: Some(30), rotate_after_days: None };
    let (holder, what) = (Holder::Team(scene.ada.team), SuspendableId::Application(scene.bookshelf.id));
    let idle = |days| {
        let store = database.store.clone();
        async move { store.keys_idle(NOW + Duration::days(days), 10).await.unwrap().len() }
    };
    let mut work = database.begin().await;
    assert_eq!(work.api_key_update(holder, scene.old, &read, &settings, NOW).await.unwrap(), Consumed::Won);
    let set = work.key_policy_set(scene.ada.team, scene.bookshelf.id, Environment::Development, &USUAL, &policy).await;
    assert_eq!(set.unwrap(), Consumed::Won);
    assert_eq!(work.suspend(what, NOW, &"it sends spam".parse().unwrap()).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(idle(31).await, 0);
    let back = NOW + Duration::days(31);
    let mut work = database.begin().await;
    assert_eq!(work.reinstate(what).await.unwrap(), Consumed::Won);
    work.api_keys_idle_from(scene.bookshelf.id, back).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(stored(database, OLD).await.key.enabled_at, Some(back));
    assert_eq!((idle(31).await, idle(60).await, idle(61).await), (0, 0, 1), "it has another 30 days to be used");
}

async fn idle_keys_are_found_by_their_environments_policy(database: &Database) {
    let scene = scene(database).await;
    let read = stored(database, OLD).await.key.settings;
    let settings = KeySettings { expires_at: None, ..read.clone() };
    let policy = KeyPolicy { revoke_leaked: false, disable_idle_days: Some(30), rotate_after_days: None };
    let holder = Holder::Team(scene.ada.team);
    let later = NOW + Duration::days(31);
    assert_eq!(database.store.keys_idle(later, 10).await.unwrap(), [], "no policy, nothing to find");
    let mut work = database.begin().await;
    assert_eq!(work.api_key_update(holder, scene.old, &read, &settings, NOW).await.unwrap(), Consumed::Won);
    let set = work.key_policy_set(scene.ada.team, scene.bookshelf.id, Environment::Development, &USUAL, &policy).await;
    assert_eq!(set.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.keys_idle(NOW + Duration::days(29), 10).await.unwrap(), []);
    assert_eq!(database.store.keys_idle(later, 10).await.unwrap().len(), 1);
    // Whoever switches it on again has 30 days to use it.
    let mut work = database.begin().await;
    let off = Disabled { at: later, by_policy: true };
    assert_eq!(work.api_key_disable(holder, scene.old, off).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_enable(holder, scene.old, later).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.keys_idle(later, 10).await.unwrap(), []);
    assert_eq!(database.store.keys_idle(later + Duration::days(31), 10).await.unwrap().len(), 1);
}

/// Much may happen between the question which keys are idle and the answer to it.
async fn a_key_is_switched_off_by_policy_only_while_it_is_idle(database: &Database) {
    let scene = scene(database).await;
    let (holder, what) = (Holder::Team(scene.ada.team), SuspendableId::Application(scene.bookshelf.id));
    let later = NOW + Duration::days(31);
    // What nobody commits is undone.
    let switched_off = async |by_policy: bool| {
        let mut work = database.begin().await;
        work.api_key_disable(holder, scene.old, Disabled { at: later, by_policy }).await.unwrap()
    };
    let read = stored(database, OLD).await.key.settings;
    let settings = KeySettings { expires_at: None, ..read.clone() };
    let policy = KeyPolicy { revoke_leaked: false, disable_idle_days: Some(30), rotate_after_days: None };
    let mut work = database.begin().await;
    assert_eq!(work.api_key_update(holder, scene.old, &read, &settings, NOW).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(switched_off(true).await, Consumed::Lost, "there is no policy");
    let mut work = database.begin().await;
    let set = work.key_policy_set(scene.ada.team, scene.bookshelf.id, Environment::Development, &USUAL, &policy).await;
    assert_eq!(set.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(switched_off(true).await, Consumed::Won);
    let mut work = database.begin().await;
    assert_eq!(work.suspend(what, NOW, &"it sends spam".parse().unwrap()).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(switched_off(true).await, Consumed::Lost, "nobody could use it");
    let mut work = database.begin().await;
    assert_eq!(work.reinstate(what).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(switched_off(true).await, Consumed::Won);
    let last_uses = vec![LastUse { used: Used::Key(scene.old), at: later, address: Ipv4Addr::LOCALHOST.into() }];
    write(database, RequestBatch { last_uses, ..RequestBatch::default() }).await;
    assert_eq!(switched_off(true).await, Consumed::Lost, "it was used");
    assert_eq!(switched_off(false).await, Consumed::Won, "a person needs no reason");
}

async fn a_policy_is_set_by_its_team_alone(database: &Database) {
    let scene = scene(database).await;
    let read = |environment| {
        let (store, account, application) = (database.store.clone(), scene.ada.account.id, scene.bookshelf.id);
        async move { store.key_policy(account, application, environment).await.unwrap() }
    };
    assert!(read(Environment::Production).await.unwrap().revoke_leaked, "by default, where real data is");
    assert!(!read(Environment::Development).await.unwrap().revoke_leaked);
    let policy = KeyPolicy { revoke_leaked: true, disable_idle_days: Some(90), rotate_after_days: Some(180) };
    let mut work = database.begin().await;
    let (application, environment) = (scene.bookshelf.id, Environment::Staging);
    let stolen = work.key_policy_set(scene.eve.team, application, environment, &USUAL, &policy).await.unwrap();
    assert_eq!(stolen, Consumed::Lost);
    for read in [
        KeyPolicy { revoke_leaked: true, ..USUAL },
        KeyPolicy { disable_idle_days: Some(90), ..USUAL },
        KeyPolicy { rotate_after_days: Some(90), ..USUAL },
    ] {
        let overtaken = work.key_policy_set(scene.ada.team, application, environment, &read, &policy).await.unwrap();
        assert_eq!(overtaken, Consumed::Lost, "it is not what was read");
    }
    for (read, outcome) in [(USUAL, Consumed::Won), (USUAL, Consumed::Lost), (policy, Consumed::Won)] {
        let own = work.key_policy_set(scene.ada.team, application, environment, &read, &policy).await.unwrap();
        assert_eq!(own, outcome);
    }
    work.commit().await.unwrap();
    assert_eq!(read(Environment::Staging).await, Some(policy));
    assert_ne!(read(Environment::Development).await, Some(policy));
    let hers = database.store.key_policy(scene.eve.account.id, application, environment).await.unwrap();
    assert_eq!(hers, None);
}

async fn the_first_report_of_a_leak_stays(database: &Database) {
    let scene = scene(database).await;
    let leaked = |place: &str| Leaked { at: NOW, place: place.to_owned() };
    let mut work = database.begin().await;
    assert_eq!(work.api_key_leaked(scene.old, &leaked("here")).await.unwrap(), Consumed::Won);
    assert_eq!(work.api_key_leaked(scene.old, &leaked("there")).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    let found = database.store.leaked_keys(scene.ada.account.id, NOW - Duration::DAY).await.unwrap();
    assert_eq!(found.iter().map(|key| key.leaked.clone()).collect::<Vec<_>>(), [Some(leaked("here"))]);
    assert_eq!(database.store.leaked_keys(scene.eve.account.id, NOW - Duration::DAY).await.unwrap(), []);
}
