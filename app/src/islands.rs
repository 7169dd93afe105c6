//! What scripts make quicker: each island is useful HTML before its script arrives.

mod copy_button;
mod passkey_button;
mod try_it;

pub use copy_button::CopyButton;
pub use passkey_button::PasskeyButton;
pub use try_it::TryIt;
