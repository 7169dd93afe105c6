//! How spans get to a collector: by our own HTTP client, and never at the cost of a request.

use crate::outside::{OutsideError, client_builder, whole};
use async_trait::async_trait;
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::runtime::Handle;

/// Our HTTP client, as exporters ask it: they do so on a thread of their own, and it works in the runtime.
#[derive(Clone)]
pub(super) struct Collector {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

impl Collector {
    /// What a collector answers, in bytes: a word about spans that it did not take.
    const LARGEST_ANSWER: usize = 64 * 1024;

    /// A client, inside of a Tokio runtime that outlives it.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub(super) fn new() -> Result<Self, OutsideError> {
        let client = client_builder()?.no_proxy().build().map_err(OutsideError::of_request)?;
        Ok(Self { client, runtime: Handle::current() })
    }

    async fn send(client: reqwest::Client, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let request: reqwest::Request = request.try_into().map_err(OutsideError::of_request)?;
        let response = client.execute(request).await.map_err(OutsideError::of_request)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = http::Response::new(Bytes::from(whole(response, Self::LARGEST_ANSWER).await?));
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        self.runtime.spawn(Self::send(self.client.clone(), request)).await?
    }
}

/// An exporter whose failures are counted: an operator hears of them once a minute, and nobody else.
#[derive(Debug)]
pub(super) struct Counting<E> {
    exporter: E,
    lost: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl<E> Counting<E> {
    const PAUSE: Duration = Duration::from_mins(1);

    pub(super) fn new(exporter: E) -> Self {
        Self { exporter, lost: AtomicU64::new(0), told: Mutex::new(None) }
    }

    fn is_to_be_told(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|last| last.elapsed() >= Self::PAUSE);
        if due {
            *told = Some(Instant::now());
        }
        due
    }
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        if let Err(error) = self.exporter.export(batch).await {
            let lost = self.lost.fetch_add(spans, Ordering::Relaxed) + spans;
            if self.is_to_be_told() {
                tracing::warn!(%error, lost, "spans did not reach the collector: they are lost, and requests go on");
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        self.exporter.set_resource(resource);
    }
}
