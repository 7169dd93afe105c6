//! What is asked for beside a password: setting it up, bringing it, and saying of whom it is asked.

mod cards;
mod code_fn;
mod passkey_fn;
mod passkey_pages;
mod second_factor_page;
mod settings_page;
mod totp_page;

pub use cards::FactorCards;
pub use code_fn::{ConfirmTotp, VerifyCode};
pub use passkey_fn::{AddPasskey, PasskeySignIn, VerifyPasskey};
pub use passkey_pages::{NewPasskeyPage, PasskeySignInPage};
pub use second_factor_page::SecondFactorPage;
pub use settings_page::SettingsPage;
pub use totp_page::NewTotpPage;
