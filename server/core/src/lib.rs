//! Latchkey's rules and services: no HTTP, no SQL, no pages.
//!
//! A handler of any kind finds the [`actor::Actor`], calls one service of [`Services`], and draws the answer. To add a use case:
//! the words in `latchkey-model`, the port in [`port`], the rule and its error enum in the folder of its capability (the actor
//! first, the check inside), a field in [`Services`] if the capability is new.
#![warn(missing_docs)]

pub mod access_token;
pub mod account;
pub mod actor;
pub mod alert;
pub mod api_key;
pub mod application;
pub mod audit;
pub mod authn;
pub mod authorization;
mod batches;
pub mod block;
pub mod certificate;
pub mod clock;
pub mod courtesy;
pub mod demo;
pub mod directory;
pub mod dpop;
pub mod gateway;
pub mod grant;
pub mod identity_provider;
pub mod jose;
pub mod leak;
pub mod limit;
pub mod lockout;
pub mod mail;
pub mod memories;
pub mod memory;
pub mod notice;
pub mod oauth_client;
pub mod openid;
pub mod overview;
pub mod personal_token;
pub mod port;
pub mod ports;
pub mod problem;
pub mod random;
pub mod retention;
pub mod sealing;
pub mod second_factor;
pub mod secret;
pub mod services;
pub mod shown;
pub mod signing_key;
mod split;
pub mod team;
pub mod usage;
pub mod webhook;

pub use actor::Actor;
pub use ports::Ports;
pub use services::{OutsidePorts, Services, Settings};
pub use shown::Shown;
