//! Posts: each environment has its own, people in each of them too, and nobody overwrites what they have not seen.

use crate::support::{Database, NOW, application, on_both_databases, person, uuid};
use latchkey_core::port::{
    Consumed, Inserted, Perishable, PostReader, Store,
    post::{Post, PostOwner, StoredAnswer},
};
use latchkey_model::{Environment, PostId};
use migrations::Migrator;
use sea_orm_migration::MigratorTrait;
use time::Duration;

on_both_databases!(
    a_post_is_seen_in_its_environment_alone,
    a_persons_posts_are_apart_by_environment,
    what_was_posted_before_is_of_the_environment_that_it_was_of,
    whose_a_post_is_can_be_told,
    a_page_ends_where_the_next_begins,
    a_change_to_what_was_changed_meanwhile_is_lost,
    r17_one_idempotency_key_keeps_one_answer_under_concurrency,
    old_answers_are_removed,
    all_of_an_owners_are_removed_and_no_others,
);

/// Two environments that hold posts.
async fn environments(database: &Database) -> [PostOwner; 2] {
    let ada = person(database, "ada@example.org").await;
    let bookshelf = application(database, &ada, "Bookshelf").await;
    let library = application(database, &ada, "Library").await;
    [bookshelf, library]
        .map(|made| PostOwner { id: made.environments[0].into(), environment: Environment::Development })
}

/// A person in development and in production.
async fn one_person(database: &Database) -> [PostOwner; 2] {
    let id = person(database, "grace@example.org").await.account.id.into();
    [Environment::Development, Environment::Production].map(|environment| PostOwner { id, environment })
}

fn post(owner: PostOwner, title: &str) -> Post {
    Post {
        id: PostId::from_uuid(uuid()),
        owner,
        title: title.to_owned(),
        body: String::new(),
        version: 1,
        created_at: NOW,
        updated_at: NOW,
    }
}

async fn add(database: &Database, post: &Post) {
    let mut work = database.begin().await;
    work.post_add(post).await.unwrap();
    work.commit().await.unwrap();
}

async fn a_post_is_seen_in_its_environment_alone(database: &Database) {
    let [here, there] = environments(database).await;
    let one = post(here, "One");
    add(database, &one).await;
    assert_eq!(database.store.post(here, one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(database.store.post(there, one.id).await.unwrap(), None);
    assert_eq!(database.store.posts(there, None, 10).await.unwrap(), []);
    let mut work = database.begin().await;
    assert_eq!(work.post_update(there, one.id, 1, "Stolen", "", NOW).await.unwrap(), Consumed::Lost);
    assert_eq!(work.post_delete(there, one.id, 1).await.unwrap(), Consumed::Lost);
}

async fn a_persons_posts_are_apart_by_environment(database: &Database) {
    let owners @ [development, production] = one_person(database).await;
    for owner in owners {
        let one = post(owner, owner.environment.label());
        add(database, &one).await;
        let mut work = database.begin().await;
        assert_eq!(work.idempotent_answer_add(owner, "key", &answer(&one), NOW).await.unwrap(), Inserted::Done);
        work.commit().await.unwrap();
    }
    for (here, there) in [(development, production), (production, development)] {
        let listed = database.store.posts(here, None, 10).await.unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let one = &listed[0];
        assert_eq!((one.owner, one.title.as_str()), (here, here.environment.label()));
        assert_eq!(database.store.post_owner(one.id).await.unwrap(), Some(here));
        assert_eq!(database.store.post(there, one.id).await.unwrap(), None);
        assert_eq!(database.store.idempotent_answer(here, "key").await.unwrap(), Some(answer(one)));
        let mut work = database.begin().await;
        assert_eq!(work.post_update(there, one.id, 1, "Stolen", "", NOW).await.unwrap(), Consumed::Lost);
        assert_eq!(work.post_delete(there, one.id, 1).await.unwrap(), Consumed::Lost);
    }
    let mut work = database.begin().await;
    assert_eq!(work.posts_delete(production.id, 10).await.unwrap(), 2, "all of the person's");
    assert_eq!(work.idempotent_answers_delete(production.id, 10).await.unwrap(), 2);
    work.commit().await.unwrap();
    assert_eq!(database.store.idempotent_answer(development, "key").await.unwrap(), None);
}

async fn what_was_posted_before_is_of_the_environment_that_it_was_of(database: &Database) {
    let ([environment, _], [development, production]) = (environments(database).await, one_person(database).await);
    for owner in [environment, development, production] {
        let one = post(owner, "One");
        add(database, &one).await;
        let mut work = database.begin().await;
        assert_eq!(work.idempotent_answer_add(owner, "key", &answer(&one), NOW).await.unwrap(), Inserted::Done);
        work.commit().await.unwrap();
    }
    let writer = database.store.writer();
    let later = Migrator::migrations().iter().rev().position(|step| step.name().contains("add_post_environment"));
    Migrator::down(writer, Some(u32::try_from(later.unwrap() + 1).unwrap())).await.unwrap();
    Migrator::up(writer, None).await.unwrap();
    for (owner, expected) in [(environment, 1), (development, 0), (production, 1)] {
        assert_eq!(database.store.posts(owner, None, 10).await.unwrap().len(), expected, "{owner:?}");
        let kept = database.store.idempotent_answer(owner, "key").await.unwrap();
        assert_eq!(usize::from(kept.is_some()), expected, "{owner:?}");
    }
}

async fn a_page_ends_where_the_next_begins(database: &Database) {
    let [here, _] = environments(database).await;
    let mut posts = Vec::new();
    for number in 0..5 {
        let one = post(here, &format!("Post {number}"));
        add(database, &one).await;
        posts.insert(0, one);
    }
    let first = database.store.posts(here, None, 2).await.unwrap();
    assert_eq!(first, posts[..2]);
    let second = database.store.posts(here, Some(first[1].id), 10).await.unwrap();
    assert_eq!(second, posts[2..]);
}

async fn a_change_to_what_was_changed_meanwhile_is_lost(database: &Database) {
    let [here, _] = environments(database).await;
    let one = post(here, "One");
    add(database, &one).await;
    let later = NOW + Duration::hours(1);
    let mut work = database.begin().await;
    assert_eq!(work.post_update(here, one.id, 1, "Two", "text", later).await.unwrap(), Consumed::Won);
    assert_eq!(work.post_update(here, one.id, 1, "Three", "", later).await.unwrap(), Consumed::Lost);
    assert_eq!(work.post_delete(here, one.id, 1).await.unwrap(), Consumed::Lost);
    work.commit().await.unwrap();
    let changed =
        Post { title: "Two".to_owned(), body: "text".to_owned(), version: 2, updated_at: later, ..one.clone() };
    assert_eq!(database.store.post(here, one.id).await.unwrap(), Some(changed));
    let mut work = database.begin().await;
    assert_eq!(work.post_delete(here, one.id, 2).await.unwrap(), Consumed::Won);
    work.commit().await.unwrap();
    assert_eq!(database.store.post(here, one.id).await.unwrap(), None);
}

fn answer(post: &Post) -> StoredAnswer {
    StoredAnswer { fingerprint: [3; 32], post: post.id, body: "{}".to_owned(), etag: "\"1\"".to_owned() }
}

async fn r17_one_idempotency_key_keeps_one_answer_under_concurrency(database: &Database) {
    let [here, there] = environments(database).await;
    let tries = (0..16).map(|number| {
        let store = database.store.clone();
        let one = post(here, &format!("Try {number}"));
        tokio::spawn(async move {
            let mut work = store.begin().await.unwrap();
            work.post_add(&one).await.unwrap();
            let inserted = work.idempotent_answer_add(here, "key", &answer(&one), NOW).await.unwrap();
            if inserted == Inserted::Done {
                work.commit().await.unwrap();
            }
            inserted
        })
    });
    let mut made = 0;
    for one in tries.collect::<Vec<_>>() {
        made += usize::from(one.await.unwrap() == Inserted::Done);
    }
    assert_eq!(made, 1);
    let posts = database.store.posts(here, None, 100).await.unwrap();
    assert_eq!(posts.len(), 1, "the losers' posts are undone with them");
    assert_eq!(database.store.idempotent_answer(here, "key").await.unwrap(), Some(answer(&posts[0])));
    assert_eq!(database.store.idempotent_answer(there, "key").await.unwrap(), None);
}

async fn whose_a_post_is_can_be_told(database: &Database) {
    let [here, there] = environments(database).await;
    let (one, other) = (post(here, "One"), post(there, "Theirs"));
    add(database, &one).await;
    add(database, &other).await;
    assert_eq!(database.store.post_owner(one.id).await.unwrap(), Some(here));
    assert_eq!(database.store.post_owner(other.id).await.unwrap(), Some(there));
    assert_eq!(database.store.post_owner(PostId::from_uuid(uuid())).await.unwrap(), None);
}

async fn old_answers_are_removed(database: &Database) {
    let [here, _] = environments(database).await;
    let one = post(here, "One");
    add(database, &one).await;
    let mut work = database.begin().await;
    assert_eq!(work.idempotent_answer_add(here, "key", &answer(&one), NOW).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    assert_eq!(database.prune(Perishable::IdempotentAnswers, NOW).await, 0);
    assert_eq!(database.prune(Perishable::IdempotentAnswers, NOW + Duration::seconds(1)).await, 1);
    assert_eq!(database.store.idempotent_answer(here, "key").await.unwrap(), None);
}

async fn all_of_an_owners_are_removed_and_no_others(database: &Database) {
    let [here, there] = environments(database).await;
    for title in ["One", "Two", "Three"] {
        add(database, &post(here, title)).await;
    }
    let other = post(there, "Theirs");
    add(database, &other).await;
    let answer = StoredAnswer { fingerprint: [1; 32], post: other.id, body: String::new(), etag: String::new() };
    let mut work = database.begin().await;
    for owner in [here, there] {
        assert_eq!(work.idempotent_answer_add(owner, "order-4711", &answer, NOW).await.unwrap(), Inserted::Done);
    }
    assert_eq!(work.idempotent_answer_add(here, "order-4712", &answer, NOW).await.unwrap(), Inserted::Done);
    work.commit().await.unwrap();
    let (mut removed, mut forgotten) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut work = database.begin().await;
        removed.push(work.posts_delete(here.id, 2).await.unwrap());
        forgotten.push(work.idempotent_answers_delete(here.id, 1).await.unwrap());
        work.commit().await.unwrap();
    }
    assert_eq!((removed, forgotten), (vec![2, 1, 0], vec![1, 1, 0]));
    assert_eq!(database.store.posts(here, None, 10).await.unwrap(), []);
    assert_eq!(database.store.posts(there, None, 10).await.unwrap(), [other]);
    assert_eq!(database.store.idempotent_answer(here, "order-4711").await.unwrap(), None);
    assert!(database.store.idempotent_answer(there, "order-4711").await.unwrap().is_some());
}
