//! The demo API's posts. Each environment has its own, and so has each person in each environment; a credential of one never sees
//! another's.

use super::{Consumed, Inserted, StoreError};
use async_trait::async_trait;
use latchkey_model::{Environment, OwnerId, PostId};
use time::OffsetDateTime;

/// Whose posts: those of an environment, or of a person in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostOwner {
    /// The environment, or the person.
    pub id: OwnerId,
    /// Which of the three it is, or in which of them the person's are.
    pub environment: Environment,
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its id; ids sort by the time of creation.
    pub id: PostId,
    /// Whose data it is.
    pub owner: PostOwner,
    /// At most 200 characters.
    pub title: String,
    /// At most 10,000 characters.
    pub body: String,
    /// 1 at first, one more with each change: the entity tag is drawn from it.
    pub version: i64,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// The answer that a request with an `Idempotency-Key` got, for those who ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// SHA-256 of what was asked: the same key with another question is an error of the caller.
    pub fingerprint: [u8; 32],
    /// The post that was made.
    pub post: PostId,
    /// The answer's body, as it was sent.
    pub body: String,
    /// The answer's entity tag.
    pub etag: String,
}

/// Questions about posts.
#[async_trait]
pub trait PostReader {
    /// Posts of an owner, newest first, those older than `before` when given.
    async fn posts(&self, owner: PostOwner, before: Option<PostId>, limit: u64) -> Result<Vec<Post>, StoreError>;

    /// One post of an owner.
    async fn post(&self, owner: PostOwner, id: PostId) -> Result<Option<Post>, StoreError>;

    /// Whose a post is: for the record of who asked for another's, and nothing else.
    async fn post_owner(&self, id: PostId) -> Result<Option<PostOwner>, StoreError>;

    /// What a request of this owner with this key was answered.
    async fn idempotent_answer(&self, owner: PostOwner, key: &str) -> Result<Option<StoredAnswer>, StoreError>;
}

/// Changes to posts.
#[async_trait]
pub trait PostWriter {
    /// Adds a post.
    async fn post_add(&mut self, post: &Post) -> Result<(), StoreError>;

    /// Replaces title and body, when the stored version is `expected`: one conditional UPDATE that also counts the version
    /// up by one.
    async fn post_update(
        &mut self,
        owner: PostOwner,
        id: PostId,
        expected: i64,
        title: &str,
        body: &str,
        at: OffsetDateTime,
    ) -> Result<Consumed, StoreError>;

    /// Removes a post, when the stored version is `expected`.
    async fn post_delete(&mut self, owner: PostOwner, id: PostId, expected: i64) -> Result<Consumed, StoreError>;

    /// Removes posts of an environment, or of a person in all of them, at most so many; says how many there were.
    async fn posts_delete(&mut self, owner: OwnerId, limit: u64) -> Result<u64, StoreError>;

    /// Removes what requests of an environment, or of a person in all of them, were answered, at most so many; says how many there were.
    async fn idempotent_answers_delete(&mut self, owner: OwnerId, limit: u64) -> Result<u64, StoreError>;

    /// Keeps an answer under an idempotency key; [`Inserted::Duplicate`] when the key was used before.
    async fn idempotent_answer_add(
        &mut self,
        owner: PostOwner,
        key: &str,
        answer: &StoredAnswer,
        at: OffsetDateTime,
    ) -> Result<Inserted, StoreError>;
}
