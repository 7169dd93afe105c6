//! `/api/v1/posts`: pages with cursors, entity tags (RFC 9110 section 8.8.3), idempotent creation.

use crate::{door::Caller, problem::Problem, routes::BODY_LIMIT, state::AppState};
use axum::{
    Json,
    extract::{FromRequest, Path, Query, Request, State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, StatusCode, header};
use latchkey_core::{
    authn::Refusal,
    demo::{Created, PostCondition, PostError, PostInput},
    port::{StoreError, post::Post},
    problem::ProblemCode,
};
use latchkey_model::{PostId, RequestId};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, serde::rfc3339};
use utoipa::{IntoParams, ToSchema};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_KEY_LENGTH: usize = 128;
const PAGE: u64 = 20;

/// A post, as callers see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Post)]
struct PostBody<'a> {
    #[schema(value_type = String, format = Uuid)]
    id: PostId,
    title: &'a str,
    body: &'a str,
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: OffsetDateTime,
}

impl<'a> From<&'a Post> for PostBody<'a> {
    fn from(post: &'a Post) -> Self {
        Self {
            id: post.id,
            title: &post.title,
            body: &post.body,
            created_at: post.created_at,
            updated_at: post.updated_at,
        }
    }
}

/// A page of posts.
#[derive(Serialize, ToSchema)]
#[schema(as = PageOfPosts)]
struct PageBody<'a> {
    /// The newest first.
    posts: Vec<PostBody<'a>>,
    /// Send it as `after` for what is older; null on the last page.
    #[schema(value_type = Option<String>, format = Uuid)]
    next: Option<PostId>,
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// How many, 20 unless it says otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, format = Uuid)]
    after: Option<PostId>,
}

/// What a caller sends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPost)]
pub(super) struct PostIn {
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    #[serde(default)]
    #[schema(max_length = 10_000)]
    body: String,
}

/// An error with the id of the request that met it, and what is recorded of it where the caller is told less.
pub(super) struct Failed(Problem, RequestId, Option<Box<Refusal>>);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let mut response = self.0.response(Some(self.1));
        if let Some(refusal) = self.2 {
            response.extensions_mut().insert(*refusal);
        }
        response
    }
}

type Answer = Result<Response, Failed>;

/// Posts, newest first.
#[utoipa::path(
    get, path = "/api/v1/posts", operation_id = "listPosts", params(PageQuery),
    responses((status = 200, body = PageBody, description = "A page of them"))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Query(page) = query.map_err(|_| {
        let detail = "limit is a number from 1 to 100; after is the next of the page before.";
        Failed(Problem::new(ProblemCode::InvalidQuery, detail), id, None)
    })?;
    let found = state
        .services
        .posts
        .list(&principal, page.after, page.limit.unwrap_or(PAGE))
        .await
        .map_err(|error| failed(&error, id))?;
    let body = PageBody { posts: found.posts.iter().map(PostBody::from).collect(), next: found.next };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

/// One post.
#[utoipa::path(
    get, path = "/api/v1/posts/{id}", operation_id = "getPost",
    params(
        ("id" = String, Path, format = Uuid, description = "The post"),
        ("if-none-match" = Option<String>, Header, description = "The ETag of the version that the caller has"),
    ),
    responses(
        (status = 200, body = PostBody, description = "The post", headers(("etag", description = "Its version"))),
        (status = 304, description = "The caller has this version", headers(("etag", description = "Its version"))),
    )
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    Path(post): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let post = state.services.posts.get(&principal, post_id(&post, id)?).await.map_err(|error| failed(&error, id))?;
    let known = tags(&headers, &header::IF_NONE_MATCH);
    if known.is_some_and(|known| lists_tag(&known, &etag(&post), Comparison::Weak)) {
        let headers = [(header::ETAG, etag(&post)), (header::CACHE_CONTROL, "no-store".to_owned())];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok(with_tag(StatusCode::OK, &post))
}

/// Creates a post.
#[utoipa::path(
    post, path = "/api/v1/posts", operation_id = "createPost", request_body = PostIn,
    params(("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 128,
        description = "The same request again within a day makes no second post")),
    responses((
        status = 201, body = PostBody, description = "It is made",
        headers(("etag", description = "Its version"), ("location", description = "Its address"))
    ))
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    request: Request,
) -> Answer {
    let key = idempotency_key(request.headers()).map_err(|problem| Failed(problem, id, None))?;
    let input = read(request, id).await?;
    let created = state
        .services
        .posts
        .create(&principal, input, key.as_deref(), |post| (written(post), etag(post)))
        .await
        .map_err(|error| failed(&error, id))?;
    let (post, body, tag) = match created {
        Created::Now(post) => (post.id, written(&post), etag(&post)),
        Created::Before(answer) => (answer.post, answer.body, answer.etag),
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::ETAG, tag),
        (header::LOCATION, format!("/api/v1/posts/{post}")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers, body).into_response())
}

/// Replaces a post.
#[utoipa::path(
    put, path = "/api/v1/posts/{id}", operation_id = "updatePost", request_body = PostIn,
    params(
        ("id" = String, Path, format = Uuid, description = "The post"),
        ("if-match" = Option<String>, Header, description = "The ETag of the version that is changed"),
    ),
    responses((
        status = 200, body = PostBody, description = "It is replaced",
        headers(("etag", description = "Its new version"))
    ))
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    Path(post): Path<String>,
    request: Request,
) -> Answer {
    let condition = IfMatch::read(request.headers());
    let post = post_id(&post, id)?;
    let input = read(request, id).await?;
    let posts = &state.services.posts;
    let post = posts
        .update(&principal, post, condition.as_ref().map(|one| one as &dyn PostCondition), input)
        .await
        .map_err(|error| failed(&error, id))?;
    Ok(with_tag(StatusCode::OK, &post))
}

/// Deletes a post.
#[utoipa::path(
    delete, path = "/api/v1/posts/{id}", operation_id = "deletePost",
    params(
        ("id" = String, Path, format = Uuid, description = "The post"),
        ("if-match" = Option<String>, Header, description = "The ETag of the version that is deleted"),
    ),
    responses((status = 204, description = "It is deleted"))
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
    Path(post): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let condition = IfMatch::read(&headers);
    let posts = &state.services.posts;
    posts
        .delete(&principal, post_id(&post, id)?, condition.as_ref().map(|one| one as &dyn PostCondition))
        .await
        .map_err(|error| failed(&error, id))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Deletes everything that the caller has in the demo API.
#[utoipa::path(
    delete, path = "/api/v1/account", operation_id = "deleteAccount",
    responses((status = 204, description = "Nothing is left"))
)]
pub(super) async fn remove_all(
    State(state): State<AppState>,
    Caller { principal, request_id: id }: Caller,
) -> Result<StatusCode, Failed> {
    state.services.posts.delete_all(&principal).await.map_err(|error| failed(&error, id))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `If-Match` (RFC 9110 section 13.1.1).
struct IfMatch(String);

impl IfMatch {
    fn read(headers: &HeaderMap) -> Option<Self> {
        tags(headers, &header::IF_MATCH).map(Self)
    }
}

impl PostCondition for IfMatch {
    fn holds(&self, post: &Post) -> bool {
        lists_tag(&self.0, &etag(post), Comparison::Strong)
    }
}

/// Entity tags, on however many lines it came (RFC 9110 section 5.3). A line that is no text lists nothing.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// How two entity tags are compared (RFC 9110 section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Weak,
    Strong,
}

fn lists_tag(list: &str, tag: &str, comparison: Comparison) -> bool {
    list.trim() == "*"
        || list.split(',').map(str::trim).any(|listed| match comparison {
            Comparison::Strong => listed == tag,
            Comparison::Weak => listed.strip_prefix("W/").unwrap_or(listed) == tag,
        })
}

fn etag(post: &Post) -> String {
    format!("\"{}\"", post.version)
}

fn written(post: &Post) -> String {
    serde_json::to_string(&PostBody::from(post)).unwrap_or_default()
}

fn with_tag(status: StatusCode, post: &Post) -> Response {
    let headers = [(header::ETAG, etag(post)), (header::CACHE_CONTROL, "no-store".to_owned())];
    (status, headers, Json(PostBody::from(post))).into_response()
}

/// What is no id names no post.
fn post_id(text: &str, request: RequestId) -> Result<PostId, Failed> {
    text.parse().map_err(|_| Failed(Problem::not_found(), request, None))
}

/// At most one, printable, of a bounded length (draft-ietf-httpapi-idempotency-key-header).
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= IDEMPOTENCY_KEY_LENGTH);
    match (text, values.next()) {
        (Some(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Problem::new(
            ProblemCode::InvalidIdempotencyKey,
            format!("Send one Idempotency-Key of 1 to {IDEMPOTENCY_KEY_LENGTH} visible characters."),
        )),
    }
}

async fn read(request: Request, id: RequestId) -> Result<PostInput, Failed> {
    let Json(input) = Json::<PostIn>::from_request(request, &()).await.map_err(|rejection| {
        let problem = match rejection {
            JsonRejection::MissingJsonContentType(_) => {
                Problem::new(ProblemCode::UnsupportedMediaType, "Send Content-Type: application/json.")
            }
            JsonRejection::JsonDataError(_) => Problem::new(
                ProblemCode::Invalid,
                "A post is an object with title and body, both texts, and nothing else.",
            ),
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(BODY_LIMIT),
            _ => Problem::new(ProblemCode::InvalidJson, "The body is not JSON."),
        };
        Failed(problem, id, None)
    })?;
    Ok(PostInput { title: input.title, body: input.body })
}

fn failed(error: &PostError, id: RequestId) -> Failed {
    let problem = match error {
        PostError::Invalid(errors) => Problem::invalid(errors.clone()),
        PostError::NotFound => Problem::not_found(),
        PostError::OfAnother { post, of } => {
            let refusal = Refusal::WrongOwner { post: *post, of: *of };
            return Failed(Problem::not_found(), id, Some(Box::new(refusal)));
        }
        PostError::Changed => Problem::new(
            ProblemCode::Changed,
            "The post has been changed since you read it. Read it again, then repeat the change with its new ETag.",
        ),
        PostError::KeyReused => Problem::new(
            ProblemCode::IdempotencyKeyReused,
            "This Idempotency-Key was sent with another body. Use a new one for a new post.",
        ),
        PostError::Store(error) => {
            tracing::error!(request.id = %id, error = error as &dyn std::error::Error, "posts: the store failed");
            match error {
                StoreError::Unavailable(_) | StoreError::NoSpace(_) => Problem::unavailable(),
                StoreError::Internal(_) => Problem::internal(),
            }
        }
    };
    Failed(problem, id, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn rfc9110_8_8_3_2_tags_compare_weakly_and_strongly() {
        assert!(lists_tag("\"1\", \"2\"", "\"2\"", Comparison::Strong));
        assert!(lists_tag("W/\"2\"", "\"2\"", Comparison::Weak));
        assert!(!lists_tag("W/\"2\"", "\"2\"", Comparison::Strong));
        assert!(!lists_tag("2", "\"2\"", Comparison::Weak));
        assert!(lists_tag(" * ", "\"2\"", Comparison::Strong));
    }

    #[test]
    fn one_idempotency_key_of_a_bounded_length() {
        let headers = |values: &[&str]| {
            let mut map = HeaderMap::new();
            for value in values {
                map.append(IDEMPOTENCY_KEY, HeaderValue::from_str(value).unwrap());
            }
            map
        };
        assert_eq!(idempotency_key(&headers(&[])).unwrap(), None);
        assert_eq!(idempotency_key(&headers(&["a"])).unwrap(), Some("a".to_owned()));
        assert!(idempotency_key(&headers(&[""])).is_err());
        assert!(idempotency_key(&headers(&["a", "a"])).is_err());
        assert!(idempotency_key(&headers(&[&"a".repeat(129)])).is_err());
    }
}
