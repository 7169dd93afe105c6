//! The whole server: the real router on a real database, asked as browsers and programs ask.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod authorization;
mod canary;
mod command;
mod consent;
mod crash;
mod demo_api;
mod device;
mod forged_forms;
mod headers;
mod housekeeping;
mod key_page;
mod leaks;
mod limits;
mod metadata_documents;
mod oauth_on_postgres;
mod openid;
mod openidconnect_crate;
mod outage;
mod personal_tokens;
mod pushed_requests;
mod races;
mod recording;
mod refusals;
mod registration;
mod rotation;
mod routes;
mod sender_constrained;
mod service_accounts;
mod sessions;
mod sign_out;
mod stage;
mod support;
mod token_exchange;
mod traceability;
mod wire;
