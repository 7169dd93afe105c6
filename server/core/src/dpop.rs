//! Proofs that whoever sends a token holds the key that it is bound to (RFC 9449).
//!
//! A proof is a small signed token for one request: it names the method, the address and, where there is one, the access token. It must
//! carry a nonce of ours, so that nobody makes proofs in advance, and it is taken once.

mod nonces;
mod proof;
mod used_proofs;

pub use proof::{PresentedProof, ProofProblem, Proofs};
