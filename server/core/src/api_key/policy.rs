//! How an environment treats its keys: what a person fills in.

use crate::port::api_key::KeyPolicy;
use latchkey_model::FieldErrors;

/// What a person fills in about an environment's policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyPolicyForm<'a> {
    /// Whether a leaked key is revoked at once.
    pub revoke_leaked: bool,
    /// Days without a request after which a key is switched off; empty for never.
    pub disable_idle_days: &'a str,
    /// Days after which a key should be rotated; empty for never.
    pub rotate_after_days: &'a str,
}

impl KeyPolicyForm<'_> {
    const MAX_DAYS: u16 = 730;

    /// Reads every field, and says of all that are wrong why.
    pub(super) fn check(&self) -> Result<KeyPolicy, FieldErrors> {
        let mut errors = FieldErrors::default();
        let disable_idle_days = errors.check("disable_idle_days", days(self.disable_idle_days));
        let rotate_after_days = errors.check("rotate_after_days", days(self.rotate_after_days));
        match (disable_idle_days, rotate_after_days) {
            (Some(disable_idle_days), Some(rotate_after_days)) => {
                Ok(KeyPolicy { revoke_leaked: self.revoke_leaked, disable_idle_days, rotate_after_days })
            }
            _ => Err(errors),
        }
    }
}

fn days(text: &str) -> Result<Option<u16>, String> {
    match text.trim() {
        "" => Ok(None),
        text => match text.parse() {
            Ok(days @ 1..=KeyPolicyForm::MAX_DAYS) => Ok(Some(days)),
            _ => Err(format!("Enter 1 to {} days, or leave it empty for never", KeyPolicyForm::MAX_DAYS)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_some_or_never() {
        assert_eq!(days(""), Ok(None));
        assert_eq!(days(" 90 "), Ok(Some(90)));
        for bad in ["0", "731", "-1", "x"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }
}
