//! JOSE, as much of it as tokens need: signing and verifying compact JWS (RFC 7515), keys as JWK (RFC 7517).
//!
//! There is no way to verify without naming the algorithm that is expected: a token's own header never chooses it, and neither
//! `none` nor a shared-secret algorithm has a name here. `jku`, `x5u` and `x5c` are never followed (RFC 8725 section 3.10), a header
//! that demands an extension is refused (RFC 7515 section 4.1.11), and there is no decryption, so no bomb to inflate.

mod algorithm;
mod compact;
mod jwk;
mod jwk_set;
mod private_key;

pub use algorithm::{ParseAlgorithmError, SigningAlgorithm};
pub use compact::{Compact, CompactError, Header, sign};
pub use jwk::{Jwk, JwkError, VerifyingKey};
pub use jwk_set::{JwkSet, ParseJwkSetError};
pub use private_key::{PrivateKey, PrivateKeyError};
