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
        if client.settings.is_shown_by(certificate) {
            return true;
        }
        match (client.settings.auth_method, &client.settings.keys) {
            (ClientAuthMethod::SelfSignedTls, Some(ClientKeys::At(url))) => {
                let shown = certificate.thumbprint;
                let keys = self.fetch(client, url, |keys| keys.has_certificate(shown), from.at).await;
                keys.is_some_and(|keys| keys.has_certificate(shown))
            }
            _ => false,
        }
    }
}
