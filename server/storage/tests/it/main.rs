//! The store on real databases: every test runs on SQLite and on PostgreSQL.

mod account;
mod api_key;
mod post;
mod request_log;
mod schema;
mod session;
mod support;
