//! A private key that signs.

use super::{Jwk, SigningAlgorithm};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaKeyPair,
    },
};
use std::fmt;
use zeroize::Zeroizing;

/// A private key, ready to sign. It cannot be printed.
pub struct PrivateKey {
    algorithm: SigningAlgorithm,
    pair: Pair,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// A key that cannot be made, read or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// The library could not make one.
    #[error("no key could be generated")]
    Generate,
    /// The bytes are no PKCS #8 of a key for this algorithm.
    #[error("the stored private key cannot be read")]
    Read,
    /// The library could not sign.
    #[error("the token could not be signed")]
    Sign,
}

impl PrivateKey {
    /// Makes a key. Returned beside it is its PKCS #8 form, to be sealed.
    ///
    /// # Errors
    /// [`PrivateKeyError::Generate`].
    pub fn generate(algorithm: SigningAlgorithm) -> Result<(Self, Zeroizing<Vec<u8>>), PrivateKeyError> {
        let failed = |_| PrivateKeyError::Generate;
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(failed)?
                .as_ref()
                .to_vec(),
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random).map_err(failed)?.as_ref().to_vec(),
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?.as_ref().to_vec()
            }
        };
        let pkcs8 = Zeroizing::new(pkcs8);
        Ok((Self::from_pkcs8(algorithm, &pkcs8)?, pkcs8))
    }

    /// Reads a key (RFC 5958).
    ///
    /// # Errors
    /// [`PrivateKeyError::Read`].
    pub fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, PrivateKeyError> {
        let failed = |_| PrivateKeyError::Read;
        let pair = match algorithm {
            SigningAlgorithm::Es256 => {
                Pair::P256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(failed)?)
            }
            SigningAlgorithm::EdDsa => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(failed)?),
            SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256 => {
                Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(pkcs8).map_err(failed)?))
            }
        };
        Ok(Self { algorithm, pair })
    }

    /// How it signs.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Signs, in the form of RFC 7518 section 3 and RFC 8037.
    ///
    /// # Errors
    /// [`PrivateKeyError::Sign`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PrivateKeyError> {
        let failed = |_| PrivateKeyError::Sign;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding =
                    if self.algorithm == SigningAlgorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }

    /// The public half, under this `kid`.
    pub fn public_jwk(&self, kid: &str) -> Jwk {
        match &self.pair {
            // An uncompressed point is 0x04, x and y, of 32 bytes each (SEC 1 section 2.3.3).
            Pair::P256(pair) => Jwk::p256(&pair.public_key().as_ref()[1..], kid),
            Pair::Ed25519(pair) => Jwk::ed25519(pair.public_key().as_ref(), kid),
            Pair::Rsa(pair) => {
                let key = pair.public_key();
                let modulus = key.modulus();
                let exponent = key.exponent();
                Jwk::rsa(
                    modulus.big_endian_without_leading_zero(),
                    exponent.big_endian_without_leading_zero(),
                    self.algorithm,
                    kid,
                )
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.algorithm)
    }
}
