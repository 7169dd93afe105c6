//! What is asked for beside a password: the codes of an app, recovery codes for when it is gone, passkeys; and of whom.

mod passkey;
mod recovery_code;
mod service;
mod totp;

pub use passkey::{Challenge, PasskeyError, Passkeys, RelyingParty};
pub use recovery_code::RecoveryCodes;
pub(crate) use service::is_missing;
pub use service::{Factors, SecondFactorError, SecondFactors, TotpEnrolment};
