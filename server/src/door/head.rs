//! What the door reads of a request.

use super::API_KEY;
use crate::{connection::Arrival, portal::cookie::session_of, state::AppState};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use hyper::body::Body;
use latchkey_core::{
    authn::{
        Asked, Basic, Facts,
        credential::{Carried, Credential},
    },
    certificate::ClientCertificate,
    port::request_log::METHODS,
};
use latchkey_model::RequestId;
use time::OffsetDateTime;

/// A request without its body.
#[derive(Clone, Copy)]
pub(crate) struct Head<'r> {
    pub(super) method: &'r Method,
    pub(super) headers: &'r HeaderMap,
    uri: &'r Uri,
    /// The length of its body, in bytes, where it says so.
    pub(super) received: u64,
}

impl<'r> Head<'r> {
    /// The head of a request.
    pub(crate) fn of<B: Body>(request: &'r Request<B>) -> Self {
        Self {
            method: request.method(),
            headers: request.headers(),
            uri: request.uri(),
            received: request.body().size_hint().exact().unwrap_or(0),
        }
    }

    pub(super) fn path(&self) -> &'r str {
        self.uri.path()
    }

    /// The credential that came with it. A password is decoded first, and kept by whoever asks.
    pub(super) fn credential(
        self,
        state: &AppState,
        basic: Option<&'r Basic>,
        certificate: Option<&'r ClientCertificate>,
    ) -> Credential<'r> {
        // Every field in which a credential travels; more than one is never a matter of which comes first.
        Credential::read(Carried {
            authorization: self.authorization(),
            api_key: fields(self.headers, &API_KEY),
            basic,
            session: session_of(state, self.method, self.headers),
            certificate,
            query: self.uri.query(),
        })
    }

    pub(super) fn authorization(self) -> [Option<&'r [u8]>; 2] {
        fields(self.headers, &header::AUTHORIZATION)
    }
}

/// What is known of a request besides its credential.
pub(super) fn facts(
    state: &AppState,
    arrival: &Arrival,
    asked: Asked,
    (at, id): (OffsetDateTime, RequestId),
    certificate: Option<&ClientCertificate>,
) -> Facts {
    Facts {
        id,
        at,
        address: arrival.address(),
        transport: arrival.transport(&state.config),
        certificate: certificate.map(|certificate| certificate.thumbprint),
        asked,
    }
}

/// The first two fields of a name: two of a kind say all that there is to say of three.
pub(crate) fn fields<'a>(headers: &'a HeaderMap, name: &HeaderName) -> [Option<&'a [u8]>; 2] {
    let mut found = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    [found.next(), found.next()]
}

/// The name of a method, for the record: whatever a caller makes up is one of its own there.
pub(crate) fn method_word(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}
