//! Requests to addresses that somebody else named: an app's keys, its logout endpoint (security: R-58).
//!
//! A name is resolved once, and the connection goes to the address that was looked at; what leads into a private network, to this
//! machine or to the cloud's own services is not asked at all. No redirect is followed, nothing is read for longer than some seconds
//! or beyond some kilobytes, and no credential of ours goes along.

mod client_sites;
mod guard;
mod providers;
mod webhooks;

pub use client_sites::SitesOfClients;
pub use guard::is_public;
pub use providers::Providers;
pub use webhooks::Webhooks;

use guard::PublicOnly;
use std::{net::IpAddr, sync::Arc, time::Duration};
use url::{Host, Url};

/// Why an address did not answer.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// It leads to where nothing is asked.
    #[error("the address leads into a private network")]
    Forbidden,
    /// It did not answer, or with an error.
    #[error("the address did not answer as it should")]
    Request(#[source] reqwest::Error),
    /// It answered with an error, where the answer itself says nothing.
    #[error("the address answered {0}")]
    Status(http::StatusCode),
    /// It answered more than is read.
    #[error("the answer is too large")]
    TooLarge,
    /// No client with TLS can be made on this machine.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl OutsideError {
    /// An address that did not answer, without the address: its query may hold somebody's secret, and errors are logged.
    pub(crate) fn of_request(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }
}

/// Asks addresses that somebody else named.
#[derive(Clone)]
pub struct Outside {
    client: reqwest::Client,
    private_too: bool,
}

impl Outside {
    const TIMEOUT: Duration = Duration::from_secs(5);

    /// A client; `private_too` lets it ask addresses of private networks, for whoever runs everything in one.
    ///
    /// # Errors
    /// [`OutsideError::Tls`].
    pub fn new(private_too: bool) -> Result<Self, OutsideError> {
        let builder = client_builder()?.no_proxy();
        let builder = if private_too { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        Ok(Self { client: builder.build().map_err(OutsideError::of_request)?, private_too })
    }

    /// Reads what is at an address.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn get(&self, url: &Url, largest: usize) -> Result<Vec<u8>, OutsideError> {
        self.allowed(url)?;
        let sent = self.client.get(url.clone()).send().await;
        let response = sent.and_then(reqwest::Response::error_for_status).map_err(OutsideError::of_request)?;
        // A redirect is no error to the client, and no answer to us.
        if response.status() != reqwest::StatusCode::OK {
            return Err(OutsideError::Forbidden);
        }
        whole(response, largest).await
    }

    /// Makes a request, and reads the answer whole, whatever its status is.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        largest: usize,
    ) -> Result<http::Response<Vec<u8>>, OutsideError> {
        let request: reqwest::Request = request.try_into().map_err(OutsideError::of_request)?;
        self.allowed(request.url())?;
        let response = self.client.execute(request).await.map_err(OutsideError::of_request)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = http::Response::new(whole(response, largest).await?);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }

    /// Makes a request, and says the status of the answer alone, of which no more is read than it takes to be whole.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn status_of(&self, request: http::Request<Vec<u8>>, largest: usize) -> Result<u16, OutsideError> {
        let request: reqwest::Request = request.try_into().map_err(OutsideError::of_request)?;
        self.allowed(request.url())?;
        let response = self.client.execute(request).await.map_err(OutsideError::of_request)?;
        let status = response.status().as_u16();
        // What is said at length is no fault: the connection is given up then.
        let (Ok(_) | Err(_)) = whole(response, largest).await;
        Ok(status)
    }

    /// Posts a form to an address.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn post_form(&self, url: &Url, body: String) -> Result<(), OutsideError> {
        self.allowed(url)?;
        let request = self
            .client
            .post(url.clone())
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let sent = request.send().await;
        sent.and_then(reqwest::Response::error_for_status).map_err(OutsideError::of_request).map(drop)
    }

    /// An address that is written as a number is resolved by nobody, so it is looked at here.
    fn allowed(&self, url: &Url) -> Result<(), OutsideError> {
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(OutsideError::Forbidden),
        };
        let plain = url.scheme() != "https";
        let public = address.is_none_or(is_public);
        if self.private_too || (public && !plain) { Ok(()) } else { Err(OutsideError::Forbidden) }
    }
}

/// A body, if it is not too large.
pub(crate) async fn whole(mut response: reqwest::Response, largest: usize) -> Result<Vec<u8>, OutsideError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(OutsideError::of_request)? {
        if body.len() + part.len() > largest {
            return Err(OutsideError::TooLarge);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// What every client of ours has: our roots, a time limit, no redirect.
///
/// # Errors
/// [`OutsideError::Tls`].
pub fn client_builder() -> Result<reqwest::ClientBuilder, OutsideError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(OutsideError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .timeout(Outside::TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("latchkey")
        .tls_backend_preconfigured(tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn r58_addresses_that_lead_inside_are_not_asked() {
        let outside = Outside::new(false).unwrap();
        for inside in [
            "https://127.0.0.1/jwks.json",
            "https://2130706433/jwks.json",
            "https://0x7f.1/jwks.json",
            "https://[::1]/jwks.json",
            "https://[::ffff:169.254.169.254]/latest/meta-data",
            "https://10.0.0.1/",
            "https://0.0.0.0/",
            "http://93.184.215.14/",
        ] {
            let answer = outside.get(&inside.parse().unwrap(), 1_024).await;
            assert!(matches!(answer, Err(OutsideError::Forbidden)), "{inside}: {answer:?}");
        }
        // A name is looked at when it is resolved.
        let answer = outside.get(&"https://localhost:1/".parse().unwrap(), 1_024).await.unwrap_err();
        let text = format!("{answer:?}");
        assert!(text.contains("private network"), "{text}");
    }

    #[tokio::test]
    async fn r53_no_error_names_the_address() {
        let outside = Outside::new(true).unwrap();
        let url: Url = "http://127.0.0.1:1/hook?token=canary".parse().unwrap();
        let posted = http::Request::post(url.as_str()).body(Vec::new()).unwrap();
        for error in [
            outside.get(&url, 1_024).await.unwrap_err(),
            outside.send(posted.clone(), 1_024).await.unwrap_err(),
            outside.status_of(posted, 1_024).await.unwrap_err(),
            outside.post_form(&url, String::new()).await.unwrap_err(),
        ] {
            let text = format!("{error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
            assert!(matches!(error, OutsideError::Request(_)) && !text.contains("canary"), "{text}");
        }
    }
}
