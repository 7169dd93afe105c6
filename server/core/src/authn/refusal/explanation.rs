//! What the owner is told of a refusal: what was seen and needed, and what would help.

use super::{LimitOf, Refusal, listed, whole_seconds_up};
use crate::{
    access_token::{TokenEnd, TokenProblem},
    api_key::format::MalformedKey,
    authn::person::PersonProblem,
    clock::written,
    dpop::ProofProblem,
    port::api_key::RevokedBecause,
};

impl Refusal {
    /// What was seen and what was needed: the line of the failing step, for the owner.
    pub fn detail(&self) -> String {
        match self {
            Self::AmbiguousCredentials { first, second } => format!("two were sent: {first} and {second}"),
            Self::CredentialInQuery { parameter } => format!("sent in the URL, as {parameter}"),
            Self::TlsRequired => "sent over plain HTTP; TLS is required".to_owned(),
            Self::MissingCredential => "none was sent".to_owned(),
            Self::UnknownScheme => "the Authorization header has a scheme other than Bearer, DPoP and Basic".to_owned(),
            Self::Malformed { why: MalformedKey::NotOurs } => "does not begin with lk_".to_owned(),
            Self::Malformed { why: MalformedKey::Shape } => {
                "begins like a key, but is too short, too long or has a character that keys never have".to_owned()
            }
            Self::Malformed { why: MalformedKey::Checksum { .. } } => {
                "the checksum does not match: at least one character was changed".to_owned()
            }
            Self::UnknownKey => "no key has this id".to_owned(),
            Self::WrongSecret => "the id is known, the rest of the key is not the one that was issued".to_owned(),
            Self::NotAToken { why } => format!("the token {why}"),
            Self::ForgedRequest => "the portal's cookie came, and no page of the portal sent it".to_owned(),
            Self::NotAPerson { why } => why.to_string(),
            Self::NotHeld { why } => why.to_string(),
            Self::WrongHolder => {
                "the token came without a proof of the key that it is bound to, or with another key's".to_owned()
            }
            Self::WrongCertificate => {
                "the token is bound to a client certificate, and the connection showed none or another".to_owned()
            }
            Self::TokenEnded { end: TokenEnd::ConsentEnded(at) } => {
                format!("what the person had allowed was ended at {}, and every token with it", written(*at))
            }
            Self::TokenEnded { end: TokenEnd::ClientEnded(at) } => {
                format!("its client was revoked at {}, and every token with it", written(*at))
            }
            Self::TooManyFailures { .. } => "not looked up: too many keys from this network were nobody's".to_owned(),
            Self::Revoked { at, because: RevokedBecause::Asked } | Self::TokenEnded { end: TokenEnd::Revoked(at) } => {
                format!("revoked at {}", written(*at))
            }
            Self::Revoked { at, because: RevokedBecause::Admin } => format!("revoked by an admin at {}", written(*at)),
            Self::Revoked { at, because: RevokedBecause::Leaked } => {
                format!("revoked at {}, since it was found where secrets must not be", written(*at))
            }
            Self::Revoked { at, because: RevokedBecause::RotationCancelled } => {
                format!("its rotation was called off at {}", written(*at))
            }
            Self::RotatedOut { at } => format!("another key took over from it; it stopped working at {}", written(*at)),
            Self::Disabled { at, by_policy: false } => format!("switched off at {}", written(*at)),
            Self::Disabled { at, by_policy: true } => {
                format!("switched off at {}, since nobody had used it", written(*at))
            }
            Self::Suspended(suspension) | Self::TokenEnded { end: TokenEnd::Suspended(suspension) } => {
                format!("an admin suspended its {} at {}", suspension.of.as_str(), written(suspension.at))
            }
            Self::Expired { at } | Self::TokenExpired { at } => format!("expired at {}", written(*at)),
            Self::AddressBlocked { network, until } => {
                format!("an admin keeps {network} out until {}", written(*until))
            }
            Self::AddressNotAllowed { address, allowed } => format!("came from {address}, allowed: {allowed}"),
            Self::InsufficientScope { needed, held } => {
                if held.is_empty() {
                    format!("needs {needed}, holds no scope")
                } else {
                    format!("needs {needed}, holds {held}")
                }
            }
            Self::WrongEnvironment { held, taken } => format!("is for {held}, the API takes {}", listed(taken)),
            Self::WrongOwner { post, of: Some(environment) } => format!("the post {post} is one of {environment}"),
            Self::WrongOwner { post, of: None } => format!("the post {post} is another owner's"),
            Self::NotCovered => "no policy of the API covers this path".to_owned(),
            Self::MethodNotCovered { allow } => format!("the API's policies for this path are for {allow}"),
            Self::AmbiguousRequest => "it depends on who reads the path or the method which policy it meets".to_owned(),
            Self::RateLimited { retry_after, quota, whose } => {
                let whose = match whose {
                    LimitOf::Credential => "",
                    LimitOf::Owner => " of all keys together",
                    LimitOf::Route => " of each caller of this route",
                };
                format!("{quota}{whose} is used up; {} s to wait", whole_seconds_up(*retry_after))
            }
            Self::StoreUnavailable => "the store could not be asked".to_owned(),
        }
    }

    /// What would help, in a sentence for the owner.
    #[expect(clippy::too_many_lines, reason = "the whole table in one place")]
    pub fn remedy(&self) -> String {
        match self {
            Self::AmbiguousCredentials { .. } => {
                "Send the key once. Clients and proxies that add a header of their own are the usual cause.".to_owned()
            }
            Self::CredentialInQuery { .. } => {
                "Move the key into the Authorization header, then replace it: whoever kept the URL has the key.".to_owned()
            }
            Self::TlsRequired => {
                "Call the https:// address, then replace the key: it crossed the network in clear.".to_owned()
            }
            Self::AddressBlocked { .. } => {
                "Call from another network. If you should not be kept out, ask the people who run this portal.".to_owned()
            }
            Self::MissingCredential => "Add the header Authorization: Bearer with your key.".to_owned(),
            Self::UnknownScheme => "Use Authorization: Bearer, or the X-API-Key header.".to_owned(),
            Self::Malformed { why: MalformedKey::NotOurs | MalformedKey::Shape } => {
                "Copy the whole key again: it begins with lk_dev_, lk_stg_, lk_live_ or lk_pat_.".to_owned()
            }
            Self::Malformed { why: MalformedKey::Checksum { .. } } => {
                "Compare the key that was sent with the one you stored: a character was changed on the way.".to_owned()
            }
            Self::UnknownKey => {
                "Check that the key comes from this portal and was copied whole; otherwise create a new one.".to_owned()
            }
            Self::WrongSecret => {
                "Copy the key again from where you stored it. If nobody mistyped it, somebody is guessing: replace the key.".to_owned()
            }
            Self::NotAToken { why: TokenProblem::Type } => {
                "Send the access token of the token endpoint's answer, not an ID token.".to_owned()
            }
            Self::NotAToken { why: TokenProblem::Audience } => "Ask the token endpoint for a token for this API.".to_owned(),
            Self::ForgedRequest => {
                "If you did this yourself, send a key instead of the cookie. If not, a page elsewhere tried to act in your name; nothing was done.".to_owned()
            }
            Self::NotAPerson { why: PersonProblem::NotAllowed } => {
                "Make a personal access token for the program. If it can send nothing but a password, allow that under Sign-in methods.".to_owned()
            }
            Self::NotAPerson { why: PersonProblem::FactorMissing } => {
                "Set up a second factor, and make a personal access token for the program: from then on it cannot send the password.".to_owned()
            }
            Self::NotAPerson { why: PersonProblem::Suspended } => {
                "Write to whoever runs this portal: they suspended the account, and can reinstate it as it was.".to_owned()
            }
            Self::NotAPerson { .. } => {
                "Check the address and the password. If you do not know who sends them, somebody is guessing.".to_owned()
            }
            Self::NotHeld { why: ProofProblem::Nonce } => {
                "Nothing is wrong: DPoP libraries take the nonce from the answer and try again by themselves.".to_owned()
            }
            Self::NotHeld { .. } => {
                "Make a new proof for each request, with its method, its address and the token's hash (ath).".to_owned()
            }
            Self::WrongHolder => {
                "Send the token as Authorization: DPoP with a proof by the key that it was asked for with. If the app did so, somebody else has its token.".to_owned()
            }
            Self::WrongCertificate => {
                "Call the address for client certificates, with the certificate that the token was asked for with. If the app did so, somebody else has its token.".to_owned()
            }
            Self::NotAToken { .. } => {
                "Check that the token comes from this server's token endpoint, and was sent whole.".to_owned()
            }
            Self::TokenEnded { .. } | Self::TokenExpired { .. } => "Ask the token endpoint for a new token.".to_owned(),
            Self::TooManyFailures { retry_after } => {
                format!("Wait {} s. Check that the caller sends a key of this portal; keys that are known are not held up.", whole_seconds_up(*retry_after))
            }
            Self::Revoked { because: RevokedBecause::RotationCancelled, .. } => {
                "Give the caller the key that was to be replaced, or rotate it again.".to_owned()
            }
            Self::Revoked { because: RevokedBecause::Admin, .. } => {
                "Why is in the audit log. Make good what led to it, then create a new key and give it to the caller.".to_owned()
            }
            Self::Revoked { .. } => "Create a new key and give it to the caller.".to_owned(),
            Self::RotatedOut { .. } => "Give the caller the key that took over.".to_owned(),
            Self::Disabled { .. } => "Enable the key on its page, if the caller should go on.".to_owned(),
            Self::Suspended(_) => "Write to whoever runs this portal: they suspended it, and can reinstate it as it was.".to_owned(),
            Self::Expired { .. } => "Create a new key; choose a later expiry, or none.".to_owned(),
            Self::AddressNotAllowed { .. } => {
                "Call from an allowed network, or create a key that allows this one. If you do not know the address, revoke the key.".to_owned()
            }
            Self::InsufficientScope { needed, .. } => {
                format!("Call with a credential that holds {needed}: a key that has it, or a token that was asked for with it.")
            }
            Self::WrongEnvironment { taken, .. } => {
                format!("Use a credential of the application's environment {}.", listed(taken))
            }
            Self::WrongOwner { of: Some(environment), .. } => {
                format!("Use a credential of the application and environment that made it: {environment}. What a person makes without an app is of production.")
            }
            Self::WrongOwner { of: None, .. } => {
                "Check where the caller has the id from. If it is not yours, somebody may be trying ids of others.".to_owned()
            }
            Self::NotCovered | Self::MethodNotCovered { .. } => {
                "Check the path and the method. If they are right, whoever runs the API must add a policy for them.".to_owned()
            }
            Self::AmbiguousRequest => {
                "Send the path without dots, doubled slashes, semicolons and encoded signs. If you did not write them, somebody is looking for a way around the policies.".to_owned()
            }
            Self::RateLimited { whose: LimitOf::Route, retry_after, .. } => {
                format!("Wait {} s: this route of the API has a limit of its own.", whole_seconds_up(*retry_after))
            }
            Self::RateLimited { whose: LimitOf::Owner, retry_after, .. } => {
                format!("Wait {} s. All keys of one team share this limit: see under Usage which of them was busy.", whole_seconds_up(*retry_after))
            }
            Self::RateLimited { retry_after, .. } => {
                format!("Wait {} s, and spread the calls: the answer's RateLimit header says how many are left.", whole_seconds_up(*retry_after))
            }
            Self::StoreUnavailable => "Nothing is wrong with the key. Try again; if it stays, ask the operator.".to_owned(),
        }
    }
}
