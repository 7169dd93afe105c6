//! What scripts make quicker: each island is useful HTML before its script arrives.

mod copy_button;
mod live_log;
mod passkey_button;
mod try_it;

pub use copy_button::CopyButton;
pub use live_log::LiveLog;
pub use passkey_button::PasskeyButton;
pub use try_it::TryIt;
