//! The demo API's rules: posts, kept apart by environment, those of people too.

use crate::{
    authn::Principal,
    port::{
        Consumed, Inserted, StoreError,
        api_key::Holder,
        post::{Post, PostOwner, StoredAnswer},
    },
    ports::Ports,
    secret::{hex, sha256},
};
use latchkey_model::{Environment, EnvironmentId, FieldErrors, OwnerId, PostId};

/// The most posts on a page.
pub const MAX_PAGE: u64 = 100;

/// What a caller sends to create or change a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostInput {
    /// 1 to 200 characters.
    pub title: String,
    /// At most 10,000 characters.
    pub body: String,
}

impl PostInput {
    const MAX_TITLE: usize = 200;
    const MAX_BODY: usize = 10_000;

    fn check(&self) -> Result<(), PostError> {
        let mut errors = FieldErrors::default();
        if self.title.trim().is_empty() {
            errors.add("title", "A title is needed");
        } else if self.title.chars().count() > Self::MAX_TITLE {
            errors.add("title", format!("At most {} characters", Self::MAX_TITLE));
        }
        if self.body.chars().count() > Self::MAX_BODY {
            errors.add("body", format!("At most {} characters", Self::MAX_BODY));
        }
        // PostgreSQL cannot store it, so SQLite shall not either.
        if self.title.contains('\0') || self.body.contains('\0') {
            errors.add("body", "The character U+0000 cannot be stored");
        }
        if errors.is_empty() { Ok(()) } else { Err(PostError::Invalid(errors)) }
    }
}

/// Why a post could not be made, shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Members are wrong; each sentence says why.
    #[error("some members are not valid")]
    Invalid(FieldErrors),
    /// No such post.
    #[error("no such post")]
    NotFound,
    /// The post is another owner's: the caller is told that there is none.
    #[error("the post is another owner's")]
    OfAnother {
        /// Which.
        post: PostId,
        /// The environment that it is of, where it is the caller's team's or the same person's.
        of: Option<Environment>,
    },
    /// The post is no longer the version that the caller had (RFC 9110 section 13.1.1).
    #[error("the post has been changed since")]
    Changed,
    /// The idempotency key was used for another question.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The store failed.
    #[error("the posts could not be reached")]
    Store(#[from] StoreError),
}

/// A page of posts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostPage {
    /// The newest first.
    pub posts: Vec<Post>,
    /// The cursor to what is older, if anything is.
    pub next: Option<PostId>,
}

/// The answer to a creation: a post made now, or the answer that was given before under the same idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// Made now.
    Now(Post),
    /// Made before.
    Before(StoredAnswer),
}

/// Keeps posts. The scopes were checked at the door; whose data it is follows from the principal alone.
#[derive(Clone)]
pub struct PostService {
    ports: Ports,
}

impl PostService {
    /// The service on these ports.
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// Posts, newest first.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn list(&self, principal: &Principal, before: Option<PostId>, limit: u64) -> Result<PostPage, PostError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let mut posts = self.ports.store.posts(principal.post_owner(), before, limit + 1).await?;
        let more = posts.len() as u64 > limit;
        posts.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = posts.last().map(|post| post.id).filter(|_| more);
        Ok(PostPage { posts, next })
    }

    /// One post.
    ///
    /// # Errors
    /// [`PostError::OfAnother`] for a post of another environment.
    pub async fn get(&self, principal: &Principal, id: PostId) -> Result<Post, PostError> {
        match self.ports.store.post(principal.post_owner(), id).await? {
            Some(post) => Ok(post),
            None => Err(self.missing(principal, id).await?),
        }
    }

    /// Creates a post; once, however often the same request comes with the same idempotency key. `answer` draws the body
    /// and entity tag that are kept for those who ask again.
    ///
    /// # Errors
    /// [`PostError::KeyReused`] when the key was used for another post.
    pub async fn create(
        &self,
        principal: &Principal,
        input: PostInput,
        idempotency_key: Option<&str>,
        answer: impl FnOnce(&Post) -> (String, String) + Send,
    ) -> Result<Created, PostError> {
        input.check()?;
        let owner = principal.post_owner();
        let fingerprint = fingerprint(&input);
        // Callers choose it, and some choose what is secret: its digest tells as well whether it was used before.
        let idempotency_key = idempotency_key.map(|key| hex(&sha256(key.as_bytes())));
        let idempotency_key = idempotency_key.as_deref();
        if let Some(key) = idempotency_key
            && let Some(before) = self.ports.store.idempotent_answer(owner, key).await?
        {
            return replay(before, fingerprint);
        }
        let now = self.ports.now();
        let post = Post {
            id: PostId::from_uuid(self.ports.uuid()),
            owner,
            title: input.title,
            body: input.body,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut work = self.ports.store.begin().await?;
        work.post_add(&post).await?;
        if let Some(key) = idempotency_key {
            let (body, etag) = answer(&post);
            let kept = StoredAnswer { fingerprint, post: post.id, body, etag };
            if work.idempotent_answer_add(owner, key, &kept, now).await? == Inserted::Duplicate {
                // The same request came a moment earlier: this one's post is undone with its transaction.
                drop(work);
                let before = self.ports.store.idempotent_answer(owner, key).await?;
                return before.map_or(Err(PostError::Changed), |before| replay(before, fingerprint));
            }
        }
        work.commit().await?;
        Ok(Created::Now(post))
    }

    /// Replaces a post's title and body. With `expected`, only when that is its version still.
    ///
    /// # Errors
    /// [`PostError::Changed`] when somebody was faster.
    pub async fn update(
        &self,
        principal: &Principal,
        id: PostId,
        expected: Option<&dyn PostCondition>,
        input: PostInput,
    ) -> Result<Post, PostError> {
        input.check()?;
        let current = self.current(principal, id, expected).await?;
        let now = self.ports.now();
        let mut work = self.ports.store.begin().await?;
        let owner = principal.post_owner();
        match work.post_update(owner, id, current.version, &input.title, &input.body, now).await? {
            Consumed::Won => work.commit().await?,
            Consumed::Lost => return Err(PostError::Changed),
        }
        Ok(Post { title: input.title, body: input.body, version: current.version + 1, updated_at: now, ..current })
    }

    /// Deletes a post. With `expected`, only when that is its version still.
    ///
    /// # Errors
    /// [`PostError`].
    pub async fn delete(
        &self,
        principal: &Principal,
        id: PostId,
        expected: Option<&dyn PostCondition>,
    ) -> Result<(), PostError> {
        let current = self.current(principal, id, expected).await?;
        let mut work = self.ports.store.begin().await?;
        match work.post_delete(principal.post_owner(), id, current.version).await? {
            Consumed::Won => Ok(work.commit().await?),
            Consumed::Lost => Err(PostError::Changed),
        }
    }

    /// Deletes everything that the caller has here, a person's of every environment, in steps that do not hold up others for long. What it
    /// makes meanwhile may stay.
    ///
    /// # Errors
    /// [`PostError::Store`]: what was not deleted before is left.
    pub async fn delete_all(&self, principal: &Principal) -> Result<(), PostError> {
        Ok(delete_all(&self.ports, principal.owner_id()).await?)
    }

    /// Why the caller has no such post. The store is asked the same whether or not somebody else has, so that the time tells nothing.
    async fn missing(&self, principal: &Principal, id: PostId) -> Result<PostError, StoreError> {
        let owner = self.ports.store.post_owner(id).await?;
        let home = EnvironmentId::from_uuid(owner.map_or(id.as_uuid(), |owner| owner.id.as_uuid()));
        let home = self.ports.store.team_of_environment(home).await?;
        let own = principal.post_owner();
        let Some(PostOwner { id: whose, environment }) = owner.filter(|owner| *owner != own) else {
            return Ok(PostError::NotFound);
        };
        let is_told = whose == own.id || home.is_some_and(|(team, _)| principal.owner().holder() == Holder::Team(team));
        Ok(PostError::OfAnother { post: id, of: is_told.then_some(environment) })
    }

    async fn current(
        &self,
        principal: &Principal,
        id: PostId,
        expected: Option<&dyn PostCondition>,
    ) -> Result<Post, PostError> {
        let post = self.get(principal, id).await?;
        if expected.is_some_and(|condition| !condition.holds(&post)) {
            return Err(PostError::Changed);
        }
        Ok(post)
    }
}

/// What a caller demands of a post before it is changed: the `If-Match` of HTTP, without HTTP.
pub trait PostCondition: Sync {
    /// Whether the post is what the caller had.
    fn holds(&self, post: &Post) -> bool;
}

fn replay(before: StoredAnswer, fingerprint: [u8; 32]) -> Result<Created, PostError> {
    if before.fingerprint == fingerprint { Ok(Created::Before(before)) } else { Err(PostError::KeyReused) }
}

/// The length of the title keeps `ab` + `c` apart from `a` + `bc`.
fn fingerprint(input: &PostInput) -> [u8; 32] {
    sha256(format!("{}:{}{}", input.title.len(), input.title, input.body).as_bytes())
}

/// Deletes all posts of an environment, or of a person in all of them, in steps that do not hold up others for long.
pub(crate) async fn delete_all(ports: &Ports, owner: OwnerId) -> Result<(), StoreError> {
    const STEP: u64 = 100;
    loop {
        let mut work = ports.store.begin().await?;
        let gone = work.posts_delete(owner, STEP).await?;
        // With the last posts, and after them, goes what would be answered about them to those who ask again.
        let answers = if gone < STEP { work.idempotent_answers_delete(owner, STEP).await? } else { STEP };
        work.commit().await?;
        if answers < STEP {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(title: &str, body: &str) -> PostInput {
        PostInput { title: title.to_owned(), body: body.to_owned() }
    }

    #[test]
    fn another_post_has_another_fingerprint() {
        assert_ne!(fingerprint(&input("ab", "c")), fingerprint(&input("a", "bc")));
        assert_eq!(fingerprint(&input("a", "b")), fingerprint(&input("a", "b")));
    }

    #[test]
    fn a_post_has_a_title_and_an_end() {
        assert!(input("x", "").check().is_ok());
        for bad in [input(" ", "x"), input(&"x".repeat(201), ""), input("x", &"x".repeat(10_001)), input("x\0", "")] {
            assert!(bad.check().is_err());
        }
    }
}
