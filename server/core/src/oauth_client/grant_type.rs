//! What a client is, how it proves it, and which grants it may use: the words of RFC 7591 section 2.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// The stored word is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a word that is known here")]
pub struct ParseWordError;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = ParseWordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or(ParseWordError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What asks for tokens.
    ClientKind {
        /// An app that people let act for them.
        ThirdParty = "client",
        /// A machine that acts for its application.
        ServiceAccount = "service_account",
    }
}

words! {
    /// How a client proves to the token endpoint that it is itself. Each client has one way, and no other is taken from it.
    ClientAuthMethod {
        /// Not at all: it runs where no secret can be kept (RFC 6749 section 2.1, public).
        None = "none",
        /// By a secret in `Authorization: Basic` (RFC 6749 section 2.3.1).
        SecretBasic = "client_secret_basic",
        /// By a secret in the body.
        SecretPost = "client_secret_post",
        /// By an assertion that it signs with a key of its own (RFC 7523).
        PrivateKeyJwt = "private_key_jwt",
        /// By a certificate that an authority of the operator's signed (RFC 8705 section 2.1).
        Tls = "tls_client_auth",
        /// By a certificate that is known itself (RFC 8705 section 2.2).
        SelfSignedTls = "self_signed_tls_client_auth",
    }
}

impl ClientAuthMethod {
    /// Whether it is by a secret that both sides know.
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::SecretBasic | Self::SecretPost)
    }

    /// Whether it is by a certificate of the connection.
    pub const fn has_certificate(self) -> bool {
        matches!(self, Self::Tls | Self::SelfSignedTls)
    }

    /// Whether it is by something that never leaves the client, as the FAPI 2.0 Security Profile asks (section 5.3.2.1).
    pub const fn keeps_its_key(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::Tls | Self::SelfSignedTls)
    }

    /// The methods of a client that proves to be itself.
    pub const PROVEN: [Self; 5] =
        [Self::SecretBasic, Self::SecretPost, Self::PrivateKeyJwt, Self::Tls, Self::SelfSignedTls];
}

/// Which certificates of clients can be known here: what the operator's listeners ask for decides it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientCertificates {
    /// None: no listener asks for one.
    #[default]
    None,
    /// Those that are known themselves.
    Pinned,
    /// Also those that an authority of the operator's signed.
    Signed,
}

impl ClientAuthMethod {
    /// Whether a client can be known by this method here.
    pub fn works_with(self, certificates: ClientCertificates) -> bool {
        let needed = match self {
            Self::Tls => ClientCertificates::Signed,
            Self::SelfSignedTls => ClientCertificates::Pinned,
            Self::None | Self::SecretBasic | Self::SecretPost | Self::PrivateKeyJwt => ClientCertificates::None,
        };
        needed <= certificates
    }
}

words! {
    /// How an access token is written.
    TokenForm {
        /// Signed, for whoever verifies it without asking (RFC 9068).
        Jwt = "jwt",
        /// A random text that means nothing but to this server.
        Opaque = "opaque",
    }
}

words! {
    /// What a token can be asked for with.
    GrantType {
        /// A person's consent (RFC 6749 section 4.1).
        AuthorizationCode = "authorization_code",
        /// An earlier consent that goes on (section 6).
        RefreshToken = "refresh_token",
        /// The client's own standing (section 4.4).
        ClientCredentials = "client_credentials",
        /// A person's consent that was given on another machine (RFC 8628).
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// Another token (RFC 8693).
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
    }
}

/// The grants that a client may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantTypes(BTreeSet<GrantType>);

impl GrantTypes {
    /// Whether the client may use this one.
    pub fn contains(&self, grant: GrantType) -> bool {
        self.0.contains(&grant)
    }
}

impl FromIterator<GrantType> for GrantTypes {
    fn from_iter<I: IntoIterator<Item = GrantType>>(grants: I) -> Self {
        Self(grants.into_iter().collect())
    }
}

impl FromStr for GrantTypes {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect()
    }
}

impl fmt::Display for GrantTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|grant| grant.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}
