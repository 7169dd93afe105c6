//! The tables, as SeaORM sees them: private to this crate.
#![expect(unreachable_pub, reason = "what the derives of SeaORM write is pub")]

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod api_key;
pub(crate) mod api_scope;
pub(crate) mod application;
pub(crate) mod authorization_code;
pub(crate) mod client_logo;
pub(crate) mod client_secret;
pub(crate) mod device_code;
pub(crate) mod environment;
pub(crate) mod idempotent_answer;
pub(crate) mod identity_provider;
pub(crate) mod linked_identity;
pub(crate) mod logout_notice;
pub(crate) mod mail;
pub(crate) mod mailed_link;
pub(crate) mod membership;
pub(crate) mod oauth_client;
pub(crate) mod oauth_grant;
pub(crate) mod opaque_token;
pub(crate) mod post;
pub(crate) mod pushed_request;
pub(crate) mod refresh_token;
pub(crate) mod registered_client;
pub(crate) mod registration;
pub(crate) mod request_log;
pub(crate) mod revoked_token;
pub(crate) mod rollup;
pub(crate) mod session;
pub(crate) mod setup_link;
pub(crate) mod signing_key;
pub(crate) mod team;
pub(crate) mod token_family;
pub(crate) mod used_name;
