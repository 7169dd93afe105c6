//! The portal's pages.
//!
//! Pages run on the server alone: they are HTML with real links and real forms, complete before any script arrives. What a
//! browser may make quicker is an island, in [`islands`], the only part of this crate that is compiled to wasm.
//!
//! To add a page: a path in `route`, a file in the folder of its feature, a row in the server's table of routes. To add a form: a
//! server function beside its page, answered by a redirect (`ssr::respond`).

// A page is one type, as deep as its elements.
#![recursion_limit = "512"]
#![expect(clippy::needless_pass_by_value, reason = "components own their properties")]
#![expect(
    unreachable_pub,
    reason = "components and server functions make public items beside themselves, in private modules"
)]

pub mod islands;

#[cfg(feature = "ssr")]
pub mod feature;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "ssr")]
pub mod route;
#[cfg(feature = "ssr")]
pub mod shell;
#[cfg(feature = "ssr")]
pub mod ssr;
#[cfg(feature = "ssr")]
pub mod ui;
