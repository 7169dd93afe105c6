//! The store on real databases: every test runs on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod account;
mod alert;
mod api;
mod api_key;
mod changes;
mod housekeeping;
mod identity_provider;
mod key_lifecycle;
mod mail;
mod mailed_link;
mod notice;
mod oauth_client;
mod post;
mod request_log;
mod retention;
mod rollup;
mod schema;
mod session;
mod support;
mod suspension;
mod webhook;
