//! API keys: created and shown once, listed by hint, revoked at once.

pub mod format;
mod service;

pub use format::PlainApiKey;
pub use service::{ApiKeyError, ApiKeyService, CreateApiKey, CreatedApiKey, Expiry};
