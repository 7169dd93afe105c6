//! A client that is known by the certificate of its connection (RFC 8705 section 2).

use super::{ClientAuthenticator, Whence};
use crate::{
    oauth_client::{ClientAuthMethod, ClientKeys},
    port::oauth_client::OauthClient,
};

impl ClientAuthenticator {
    /// Whether the connection is the client's own. That its other end holds the certificate's key was proven when it was made.
    pub(super) async fn connects(&self, client: &OauthClient, from: &Whence) -> bool {
        let Some(certificate) = from.certificate.as_deref().filter(|shown| shown.is_valid_at(from.at)) else {
            return false;
        };
        let settings = &client.settings;
        match settings.auth_method {
            // Section 2.1: an authority says that the name is theirs.
            ClientAuthMethod::Tls => {
                certificate.trusted
                    && settings.certificate_subject.as_ref().is_some_and(|subject| subject.is_of(certificate))
            }
            // Section 2.2: the certificate itself is known, whoever signed it.
            ClientAuthMethod::SelfSignedTls => {
                let shown = certificate.thumbprint;
                match &settings.keys {
                    Some(ClientKeys::Certificates(certificates)) => certificates.contains(shown),
                    Some(ClientKeys::Inline(keys)) => keys.has_certificate(shown),
                    Some(ClientKeys::At(url)) => {
                        let keys = self.fetch(client, url, |keys| keys.has_certificate(shown), from.at).await;
                        keys.is_some_and(|keys| keys.has_certificate(shown))
                    }
                    None => false,
                }
            }
            _ => false,
        }
    }
}
