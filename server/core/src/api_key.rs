//! API keys: created and shown once, listed by hint, revoked at once.

mod allow_list;
pub mod format;
mod service;

pub use allow_list::{AllowList, ParseAllowListError};
pub use format::PlainApiKey;
pub use service::{ApiKeyError, ApiKeyService, CreateApiKey, CreatedApiKey, Expiry};
