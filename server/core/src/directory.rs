//! What admins find of everybody's, and what they do to it: suspend it for a while, reinstate it, revoke it.

mod acts;
mod search;
mod service;

pub use search::CredentialSearch;
pub use service::{AccountInView, Directory, DirectoryError, FoundCredentials};
