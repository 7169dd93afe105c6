//! The one list of words that programs look at when an answer says no: each with its status, its class in words, and what it means.
//! The words of OAuth's own errors are those of its RFCs, and are not here.

macro_rules! codes {
    ($($name:ident = $word:literal, $status:literal, $title:literal, $meaning:literal;)+) => {
        /// What is wrong, for programs. A word is never given another meaning, another status, or another name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $meaning] $name,)+
        }

        impl ProblemCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The HTTP status that it comes with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The class, for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means, in a sentence: the one that its section of the guide begins with.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

codes! {
    AmbiguousCredentials = "ambiguous_credentials", 400, "Two credentials", "Two credentials came at once.";
    CredentialInQuery = "credential_in_query", 400, "Credential in the URL", "A credential came in the URL.";
    AmbiguousRequest = "ambiguous_request", 400, "Ambiguous request",
        "Servers differ in how they read this path or method, so nobody can say which policy of the API it meets.";
    MissingCredential = "missing_credential", 401, "Credential missing", "No credential came.";
    InvalidToken = "invalid_token", 401, "Credential not valid", "Something is wrong with the credential.";
    InvalidCredentials = "invalid_credentials", 401, "Address or password not valid",
        "An address and a password came, and are not right, or their person does not let programs send them.";
    UseDpopNonce = "use_dpop_nonce", 401, "Nonce needed", "The `DPoP` proof needs the nonce of this answer's `DPoP-Nonce` field.";
    InvalidDpopProof = "invalid_dpop_proof", 401, "Proof not valid",
        "The `DPoP` proof is missing, is for another method, address or token, or was used before.";
    InsufficientScope = "insufficient_scope", 403, "Scope missing",
        "The credential is valid and does not hold the scope that the call needs.";
    AddressBlocked = "address_blocked", 403, "Not from here",
        "Whoever runs this portal keeps the caller's network out for a while, whatever it sends.";
    TlsRequired = "tls_required", 403, "TLS required", "A credential came over plain HTTP from another machine.";
    Forbidden = "forbidden", 403, "Not from here", "The key is valid and may not be used from this address.";
    WrongEnvironment = "wrong_environment", 403, "Other environment",
        "The credential is valid and for another environment than the API takes here.";
    ForgedRequest = "forged_request", 403, "Not from the portal",
        "The portal's cookie came with a request that no page of the portal sent.";
    NotFound = "not_found", 404, "Not found", "There is nothing here for this credential.";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed", "The path does not answer to this method.";
    RateLimited = "rate_limited", 429, "Too many requests", "A quota is used up.";
    TooManyFailures = "too_many_failures", 429, "Too many failures",
        "Too many credentials from this network were not valid.";
    Internal = "internal", 500, "Internal error", "Something went wrong on our side.";
    Unavailable = "unavailable", 503, "Temporarily unavailable", "Something that the answer needs is out of reach.";
    InvalidQuery = "invalid_query", 400, "Invalid query", "A parameter of the query cannot be read.";
    InvalidJson = "invalid_json", 400, "Invalid JSON", "The body is not JSON, or not of the form that the path takes.";
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, "Invalid Idempotency-Key",
        "The `Idempotency-Key` is empty, longer than 128 characters, or was sent twice.";
    InvalidReport = "invalid_report", 400, "Not a report", "What was sent is no report of a leaked key.";
    InvalidSignature = "invalid_signature", 401, "Signature not valid", "The report is not signed by GitHub.";
    NotAProxy = "not_a_proxy", 403, "Not a proxy", "Only proxies of the same machine, and those that the operator named, may ask.";
    UnreadableCheck = "unreadable_check", 400, "Unreadable check",
        "The proxy does not say once which method and target it asks about.";
    Changed = "changed", 412, "Changed since", "What is to be changed was changed since it was read.";
    TooLarge = "too_large", 413, "Body too large", "The body is larger than the path takes.";
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type", "The body is not said to be JSON.";
    Invalid = "invalid", 422, "Invalid content", "Members of the body are missing, unknown or not valid.";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "Idempotency-Key used before",
        "The `Idempotency-Key` was sent with another body before.";
    TooManyLines = "too_many_lines", 503, "Too many lines", "So many logs are watched right now that there is no room for another.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_a_word_of_its_own_that_needs_no_escape() {
        let words: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            let word = code.as_str();
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{word}");
            assert!((400..600).contains(&code.status()) && code.meaning().ends_with('.'), "{word}");
        }
    }
}
