//! The ports of `latchkey-core` on SeaORM: SQLite and PostgreSQL with the same entities and the same queries.
//!
//! [`SeaStore`] answers questions from reading connections; [`SeaUnitOfWork`] is a writing transaction. One file for each
//! aggregate, named like its port: the reader on the store, the writer on the unit of work, the way from a row to the domain
//! and back. To add one: the step in `migrations`, the entity, the two impls, and a test on both databases in `tests/it`.
//!
//! Rules of this crate: the owner is in every query; what may be won once is a conditional UPDATE whose row count decides; an
//! insert that may clash says `ON CONFLICT DO NOTHING`, since an error would spoil PostgreSQL's transaction.
#![warn(missing_docs)]

mod account;
mod alert;
mod api;
mod api_key;
mod application;
mod audit;
mod block;
mod bulk;
mod changes;
mod checkpoint;
mod connect;
mod convert;
mod device;
mod directory;
mod ending;
mod entity;
mod error;
mod grant;
mod identity_provider;
mod like;
mod lockout;
mod logout;
mod mail;
mod mailed_link;
mod notice;
mod oauth_client;
mod post;
mod registration;
mod request_log;
mod retention;
mod rollup;
mod saved_view;
mod second_factor;
mod session;
mod setting;
mod signing_key;
mod suspension;
mod team;
mod webhook;
mod work;

pub use connect::{ConnectError, SeaStore};
pub use work::SeaUnitOfWork;
