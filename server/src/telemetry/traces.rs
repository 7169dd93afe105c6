//! Traces of requests, sent to a collector in batches (OpenTelemetry, OTLP over HTTP).

use super::{
    collector::{Collector, Counting},
    request::TARGET,
};
use crate::{
    config::{Config, OtlpSettings},
    outside::OutsideError,
};
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// Why requests cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// No client for the collector can be made.
    #[error("no client for the collector of traces can be made on this machine")]
    Client(#[from] OutsideError),
    /// The exporter does not take the settings.
    #[error("traces cannot be exported as otlp_endpoint and otlp_headers say")]
    Exporter(#[from] ExporterBuildError),
}

/// Where traces are gathered until they are sent.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Spans that wait. When more come, they are lost and counted: no request waits for a collector.
    const QUEUE: usize = 4_096;
    /// Spans that are sent together.
    const BATCH: usize = 512;
    const PAUSE: Duration = Duration::from_secs(2);
    /// How long the collector has for what is left at the end.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Traces, if the operator wants them; inside of a Tokio runtime.
    ///
    /// # Errors
    /// [`TracesError`].
    pub fn new(config: &Config) -> Result<Option<Self>, TracesError> {
        let Some(OtlpSettings { endpoint, headers, sample, service }) = &config.otlp else { return Ok(None) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new()?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.as_str())
            .with_headers(headers.clone())
            .with_timeout(Self::PATIENCE)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(Self::QUEUE)
            .with_max_export_batch_size(Self::BATCH)
            .with_scheduled_delay(Self::PAUSE)
            .build();
        let processor = BatchSpanProcessor::builder(Counting::new(exporter)).with_batch_config(batches).build();
        let resource = Resource::builder_empty()
            .with_service_name(service.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(*sample))))
            .with_resource(resource)
            .build();
        Ok(Some(Self { provider }))
    }

    /// What makes spans of requests. Nothing else is one: what libraries say of their work is in no trace.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("latchkey"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET))
    }

    /// Sends what is left, and ends.
    pub async fn finish(self) {
        let ended = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(Self::PATIENCE)).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last spans did not reach the collector"),
            Err(_) => tracing::error!("the end of the traces was a fault of ours"),
        }
    }
}
