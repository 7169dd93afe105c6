//! Latchkey's HTTP surface: the portal's pages and forms, the door, the demo API, the operations.
//!
//! [`routes`] is the one table of everything that answers; [`router::router`] builds the whole surface from it.

// A page is one type, as deep as its elements.
#![recursion_limit = "512"]

pub mod answer;
pub mod api;
pub mod assets;
mod blocked;
pub mod config;
pub mod connection;
pub mod data_folder;
pub mod doctor;
pub mod door;
mod exposed;
pub mod front;
pub mod gateway;
pub mod health;
pub mod leaks;
pub mod limit_headers;
mod listeners;
pub mod logos;
pub mod metrics;
pub mod oauth;
pub mod outside;
mod patience;
pub mod plain_http;
pub mod portal;
pub mod problem;
pub mod router;
pub mod routes;
pub mod sample_app;
pub mod scan;
pub mod serve;
pub mod smtp;
mod socket;
pub mod state;
pub mod telemetry;
mod this_machine;
pub mod tls;
mod unjudged;
pub mod workers;
