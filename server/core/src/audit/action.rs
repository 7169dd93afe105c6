//! What was done.

use std::{fmt, str::FromStr};

/// The text names no action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an action")]
pub struct ParseActionError;

macro_rules! actions {
    ($($(#[$doc:meta])+ $name:ident = $word:literal, $label:literal;)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])+ $name,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stored word. It is part of what is bound: a word is never given another meaning.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// What people read.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }
        }
    };
}

actions! {
    /// An account was made.
    AccountCreated = "account.created", "Signed up";
    /// Its person is called something else.
    AccountRenamed = "account.renamed", "Changed their name";
    /// Another address was asked for.
    EmailChangeAsked = "account.email_change_asked", "Asked for another address";
    /// Another address is in force.
    EmailChanged = "account.email_changed", "Took another address";
    /// The address was shown to be its person's.
    EmailVerified = "account.email_verified", "Confirmed the address";
    /// The password was changed by who knew it.
    PasswordChanged = "account.password_changed", "Changed the password";
    /// The password was replaced by a link.
    PasswordReset = "account.password_reset", "Replaced the password by a mailed link";
    /// Whether programs may send the password.
    PasswordForPrograms = "account.password_for_programs", "Changed whether programs may send the password";
    /// The password was sent where others can read it.
    PasswordExposed = "account.password_exposed", "Sent the password where others can read it";
    /// An admin suspended it.
    AccountSuspended = "account.suspended", "Suspended the account";
    /// It goes on.
    AccountReinstated = "account.reinstated", "Reinstated the account";
    /// The account was deleted.
    AccountDeleted = "account.deleted", "Deleted the account";
    /// Something is asked for beside the password.
    FactorAdded = "second_factor.added", "Added a second factor";
    /// It is asked for no more.
    FactorRemoved = "second_factor.removed", "Removed a second factor";
    /// There are new recovery codes.
    RecoveryCodesMade = "second_factor.recovery_codes_made", "Made new recovery codes";
    /// Sessions were ended by their person.
    SessionsEnded = "session.ended", "Ended sessions";
    /// An identity elsewhere opens the account.
    IdentityLinked = "identity.linked", "Linked an identity elsewhere";
    /// It opens it no more.
    IdentityUnlinked = "identity.unlinked", "Unlinked an identity elsewhere";
    /// An app may act for the account.
    GrantGiven = "grant.given", "Authorized an app";
    /// It may no more.
    GrantRevoked = "grant.revoked", "Ended what an app may do";
    /// Something came twice that works once, and what came of it was ended.
    StolenEnded = "grant.stolen_ended", "Ended tokens of an app that may be stolen";
    /// A team was made.
    TeamCreated = "team.created", "Made the team";
    /// It is called something else.
    TeamRenamed = "team.renamed", "Renamed the team";
    /// Somebody was invited.
    MemberInvited = "team.member_invited", "Invited somebody";
    /// An invitation was called off.
    InvitationCalledOff = "team.invitation_called_off", "Called an invitation off";
    /// Somebody joined.
    MemberJoined = "team.member_joined", "Joined";
    /// Somebody has another role.
    RoleChanged = "team.role_changed", "Changed a role";
    /// Somebody left, or was taken out.
    MemberRemoved = "team.member_removed", "Took somebody out, or left";
    /// An application was made.
    ApplicationCreated = "application.created", "Made an application";
    /// An admin suspended it.
    ApplicationSuspended = "application.suspended", "Suspended an application";
    /// It goes on.
    ApplicationReinstated = "application.reinstated", "Reinstated an application";
    /// A key or token was made.
    KeyCreated = "api_key.created", "Made a key";
    /// Its settings were changed.
    KeyChanged = "api_key.changed", "Changed a key";
    /// It was switched off.
    KeyDisabled = "api_key.disabled", "Switched a key off";
    /// It was switched on.
    KeyEnabled = "api_key.enabled", "Switched a key on";
    /// Another key takes over.
    KeyRotated = "api_key.rotated", "Rotated a key";
    /// That was called off.
    RotationCancelled = "api_key.rotation_cancelled", "Called a rotation off";
    /// The overlap was ended.
    OverlapEnded = "api_key.overlap_ended", "Ended the overlap of a rotation";
    /// It was revoked.
    KeyRevoked = "api_key.revoked", "Revoked a key";
    /// It was found elsewhere.
    KeyLeaked = "api_key.leaked", "Reported a key as found elsewhere";
    /// How an environment treats its keys.
    KeyPolicyChanged = "environment.key_policy_changed", "Changed how an environment treats its keys";
    /// A client or service account was made.
    ClientCreated = "oauth_client.created", "Registered a client";
    /// It was changed.
    ClientChanged = "oauth_client.changed", "Changed a client";
    /// It has another secret.
    SecretAdded = "oauth_client.secret_added", "Added a secret";
    /// A secret of it has ended.
    SecretEnded = "oauth_client.secret_ended", "Ended a secret";
    /// A secret or a token of it was found elsewhere.
    ClientSecretLeaked = "oauth_client.secret_leaked", "Reported a secret or token of a client as found elsewhere";
    /// A token of it was sent where others can read it, and ended.
    ClientTokenExposed = "oauth_client.token_exposed", "Ended a token that was sent where others can read it";
    /// Its tokens were ended.
    ClientTokensEnded = "oauth_client.tokens_ended", "Ended every token of a service account";
    /// It was revoked.
    ClientRevoked = "oauth_client.revoked", "Revoked a client";
    /// An admin suspended it.
    ClientSuspended = "oauth_client.suspended", "Suspended a client";
    /// It goes on.
    ClientReinstated = "oauth_client.reinstated", "Reinstated a client";
    /// An admin says what it is, or no longer.
    ClientVerified = "oauth_client.verified", "Changed whether a client is verified";
    /// Which apps may register themselves.
    RegistrationPolicyChanged = "environment.registration_changed", "Changed which apps may register themselves";
    /// The token with which apps register was found elsewhere.
    RegistrationTokenLeaked = "environment.registration_token_leaked", "Reported a registration token as found elsewhere";
    /// An API was put behind the gateway.
    ApiRegistered = "guarded_api.registered", "Registered an API";
    /// It, or what its routes ask for, was changed.
    ApiChanged = "guarded_api.changed", "Changed an API";
    /// It was removed.
    ApiRemoved = "guarded_api.removed", "Removed an API";
    /// The next key signs.
    SigningKeyRotated = "signing_key.rotated", "Rotated a signing key";
    /// A provider was added.
    ProviderAdded = "identity_provider.added", "Added an identity provider";
    /// It was changed.
    ProviderChanged = "identity_provider.changed", "Changed an identity provider";
    /// It was switched off or on.
    ProviderSwitched = "identity_provider.switched", "Switched an identity provider off or on";
    /// It was removed.
    ProviderRemoved = "identity_provider.removed", "Removed an identity provider";
    /// A network is kept out.
    NetworkBlocked = "network.blocked", "Blocked a network";
    /// It is let in again.
    NetworkUnblocked = "network.unblocked", "Ended a block";
    /// Somebody who failed too often may try again.
    LockoutEnded = "lockout.ended", "Ended a lockout";
    /// When an alert is raised, and who hears it.
    AlertRuleChanged = "alert_rule.changed", "Changed a rule for alerts";
    /// Programs are told of alerts somewhere.
    WebhookAdded = "webhook.added", "Added a webhook";
    /// It was changed, or switched off or on.
    WebhookChanged = "webhook.changed", "Changed a webhook";
    /// It has another secret.
    WebhookSecretRotated = "webhook.secret_rotated", "Made a new secret for a webhook";
    /// It was removed.
    WebhookRemoved = "webhook.removed", "Removed a webhook";
    /// How long things are kept.
    RetentionChanged = "setting.retention_changed", "Changed how long things are kept";
    /// Of whom a second factor is asked.
    FactorRequirementChanged = "setting.second_factor_changed", "Changed who must have a second factor";
}

impl FromStr for Action {
    type Err = ParseActionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or(ParseActionError)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_action_has_a_word_of_its_own_and_survives_it() {
        let words: HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(words.len(), Action::ALL.len());
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
        }
        assert_eq!("".parse::<Action>(), Err(ParseActionError));
    }
}
