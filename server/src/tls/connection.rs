//! What is known of a connection by TLS.

use super::authorities::Authorities;
use latchkey_core::certificate::ClientCertificate;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// A connection that came by a TLS listener of ours. Requests by any other way do not have it, whatever their fields say.
#[derive(Clone)]
pub struct TlsConnection {
    /// By which listener it came.
    pub listener: TlsListener,
    shown: Option<Arc<Shown>>,
}

/// Our TLS listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsListener {
    /// For everybody.
    Ordinary,
    /// The one that asks for client certificates. Browsers that have some would ask their people which to show, so pages are
    /// elsewhere.
    MutualTls,
}

/// The chain that the other end showed, and holds the key of.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    /// What was said of it at first, and of which reading of the authorities.
    first: Option<Arc<ClientCertificate>>,
    reading: u64,
    authorities: Authorities,
}

impl TlsConnection {
    pub(super) fn new(listener: TlsListener, chain: &[CertificateDer<'static>], authorities: &Authorities) -> Self {
        let shown = (!chain.is_empty()).then(|| {
            let reading = authorities.reading();
            let first = authorities.judge(chain);
            Arc::new(Shown { chain: chain.to_vec(), first, reading, authorities: authorities.clone() })
        });
        Self { listener, shown }
    }

    /// The certificate that its other end showed. It is judged once, and anew when the authorities have changed: one that is trusted
    /// no more opens nothing, however long its connection lasts.
    pub fn certificate(&self) -> Option<Arc<ClientCertificate>> {
        let shown = self.shown.as_ref()?;
        if shown.reading == shown.authorities.reading() {
            shown.first.clone()
        } else {
            shown.authorities.judge(&shown.chain)
        }
    }
}
