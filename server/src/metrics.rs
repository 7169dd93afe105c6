//! Numbers for those who watch over the server (`OpenMetrics` 1.0, which Prometheus reads), on a listener of their own.
//!
//! No number is about a key, an account or an address: who may read them need not know whose requests they count, and there are few of
//! them however many keys there are. What requests cost is counted by the writer of the request log, off their path.

use crate::{
    health::{self, Health},
    state::AppState,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use latchkey_core::{port::rollup::LATENCY_BOUNDS_US, usage::RouteTotals};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{collections::BTreeMap, fmt};

/// The path that everybody expects.
pub const PATH: &str = "/metrics";

const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Names of labels, and what they say.
type Labels = Vec<(&'static str, String)>;

/// What is read at once when somebody asks.
struct Snapshot {
    routes: Vec<RouteTotals>,
    refusals: BTreeMap<&'static str, u64>,
    rows_lost: u64,
    without_row: u64,
    lines: usize,
    database_up: bool,
    ready: bool,
    uptime_seconds: f64,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl Snapshot {
    async fn of(state: &AppState) -> Self {
        let recorder = &state.recorder;
        Self {
            routes: recorder.totals(),
            refusals: recorder.refusals(),
            rows_lost: recorder.lost(),
            without_row: recorder.without_row(),
            lines: state.live_lines.count(),
            ready: Health::faults(state).await.is_empty(),
            database_up: state.services.ports.store.ping().await.is_ok(),
            uptime_seconds: state.started.elapsed().as_secs_f64(),
        }
    }

    fn requests(&self) -> impl Iterator<Item = (Labels, u64)> {
        self.routes.iter().map(|total| {
            let labels = vec![
                ("method", total.method.to_owned()),
                ("route", total.route.to_string()),
                ("status", total.status.to_string()),
                ("refused", total.refused.to_string()),
            ];
            (labels, total.requests)
        })
    }

    /// The latencies of each route, whatever the status.
    fn durations(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "How long answers took";
        let name = "latchkey_request_duration_seconds";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let mut by_route: BTreeMap<(String, &str), (f64, u64, [u64; 12])> = BTreeMap::new();
        for total in &self.routes {
            let (sum, count, buckets) = by_route.entry((total.route.to_string(), total.method)).or_default();
            *sum += seconds(total.duration_us);
            *count += total.requests;
            for (bucket, new) in buckets.iter_mut().zip(total.latency) {
                *bucket += new;
            }
        }
        for ((route, method), (sum, count, buckets)) in by_route {
            let labels: Labels = vec![("method", method.to_owned()), ("route", route)];
            let bounds = LATENCY_BOUNDS_US.into_iter().map(seconds).chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(buckets).collect();
            family.encode_family(&labels)?.encode_histogram::<Labels>(sum, count, &buckets, None)?;
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a sum of durations need not be exact to the microsecond after centuries"
)]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl Iterator<Item = (Labels, u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let build: Labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        encoder
            .encode_descriptor("latchkey_build", "Which version this is", None, MetricType::Info)?
            .encode_info(&build)?;
        gauge(encoder, "latchkey_uptime_seconds", "How long this server has been up", self.uptime_seconds)?;
        gauge(
            encoder,
            "latchkey_database_up",
            "Whether the database answers",
            if self.database_up { 1.0 } else { 0.0 },
        )?;
        gauge(
            encoder,
            "latchkey_ready",
            "Whether requests can be served here: /health/ready says why not",
            if self.ready { 1.0 } else { 0.0 },
        )?;
        counters(encoder, "latchkey_requests", "Requests that came to the door", self.requests())?;
        self.durations(encoder)?;
        let refusals = self.refusals.iter().map(|(reason, many)| (vec![("reason", (*reason).to_owned())], *many));
        counters(encoder, "latchkey_refusals", "Requests that the door refused, by its reason", refusals)?;
        counter(
            encoder,
            "latchkey_log_rows_lost",
            "Rows of the request log that could not be written, though they were owed",
            self.rows_lost,
        )?;
        counter(
            encoder,
            "latchkey_requests_without_row",
            "Requests that were counted without a row of their own",
            self.without_row,
        )?;
        let lines = u32::try_from(self.lines).unwrap_or(u32::MAX);
        gauge(encoder, "latchkey_live_lines", "Lines on which logs are watched", f64::from(lines))
    }
}

/// What answers on the listener for operators.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route(PATH, get(show))
        .route("/health/live", get(|| async { "ok\n" }))
        .route("/health/ready", get(health::ready_in_detail))
        .with_state(state)
}

async fn show(State(state): State<AppState>) -> Response {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Snapshot::of(&state).await));
    let mut written = String::new();
    match text::encode(&mut written, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, TYPE)], written).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
