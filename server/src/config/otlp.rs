//! Where traces go, if they go anywhere.

use super::{ConfigError, Given};
use crate::this_machine;
use http::{HeaderName, HeaderValue};
use std::collections::HashMap;
use url::Url;

/// A collector of traces (OpenTelemetry, OTLP over HTTP), and what of them it gets.
#[derive(Clone)]
pub struct OtlpSettings {
    /// Where it takes them.
    pub endpoint: Url,
    /// What it wants to be sent beside them, such as a token of its own.
    pub headers: HashMap<String, String>,
    /// The part of the requests that is traced where nobody before us has decided that, from 0 to 1.
    pub sample: f64,
    /// What this server is called there.
    pub service: String,
}

impl std::fmt::Debug for OtlpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpSettings").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

impl OtlpSettings {
    /// One request in a hundred.
    const SAMPLE: f64 = 0.01;
    /// Where collectors take traces, if it is not said otherwise.
    const PATH: &str = "/v1/traces";

    /// Reads what was given; the rest means nothing without an endpoint.
    pub(super) fn read(given: &Given) -> Result<Option<Self>, ConfigError> {
        let Some(mut endpoint) = given.otlp_endpoint.clone() else {
            let rest = given.otlp_headers.is_some() || given.otlp_sample.is_some() || given.otlp_service.is_some();
            return if rest { Err(ConfigError::OtlpOfNobody) } else { Ok(None) };
        };
        let is_http = matches!(endpoint.scheme(), "http" | "https") && endpoint.host_str().is_some();
        if !is_http || !endpoint.username().is_empty() || endpoint.password().is_some() || endpoint.query().is_some() {
            return Err(ConfigError::OtlpEndpoint);
        }
        if endpoint.path() == "/" {
            endpoint.set_path(Self::PATH);
        }
        let headers = headers(given.otlp_headers.as_deref().unwrap_or_default())?;
        if !headers.is_empty() && endpoint.scheme() != "https" && !this_machine::has(&endpoint) {
            return Err(ConfigError::OtlpInTheClear);
        }
        let sample = given.otlp_sample.unwrap_or(Self::SAMPLE);
        if !(0.0..=1.0).contains(&sample) {
            return Err(ConfigError::OtlpSample);
        }
        let service = given.otlp_service.clone().unwrap_or_else(|| "latchkey".to_owned());
        Ok(Some(Self { endpoint, headers, sample, service }))
    }
}

/// Reads `name=value,name=value`.
fn headers(text: &str) -> Result<HashMap<String, String>, ConfigError> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or(ConfigError::OtlpHeaders)?;
            let (name, value) = (name.trim(), value.trim());
            let fits = HeaderName::try_from(name).is_ok() && HeaderValue::from_str(value).is_ok();
            fits.then(|| (name.to_owned(), value.to_owned())).ok_or(ConfigError::OtlpHeaders)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: &str, headers: Option<&str>, sample: Option<f64>) -> Result<Option<OtlpSettings>, ConfigError> {
        let otlp_endpoint = Url::parse(endpoint).ok();
        let otlp_headers = headers.map(str::to_owned);
        OtlpSettings::read(&Given { otlp_endpoint, otlp_headers, otlp_sample: sample, ..Given::default() })
    }

    #[test]
    fn nothing_is_traced_unless_it_is_said_where_to() {
        assert!(read("", None, None).unwrap().is_none());
        assert!(matches!(read("", None, Some(1.0)), Err(ConfigError::OtlpOfNobody)));
        let settings = read("http://127.0.0.1:4318", None, None).unwrap().unwrap();
        assert_eq!(settings.endpoint.as_str(), "http://127.0.0.1:4318/v1/traces");
        assert!((settings.sample - 0.01).abs() < f64::EPSILON && settings.service == "latchkey");
        let other = read("https://collector.example/otlp/traces", None, Some(0.0)).unwrap().unwrap();
        assert_eq!(other.endpoint.path(), "/otlp/traces", "as it is given");
    }

    #[test]
    fn wrong_settings_are_refused_and_headers_do_not_print() {
        for bad in ["grpc://collector.example", "https://a:b@collector.example", "https://collector.example/?a=b"] {
            assert!(matches!(read(bad, None, None), Err(ConfigError::OtlpEndpoint)), "{bad}");
        }
        for bad in ["token", "a b=c", "a=b\nc"] {
            let read = read("https://collector.example", Some(&format!("x=y,{bad}")), None);
            assert!(matches!(read, Err(ConfigError::OtlpHeaders)), "{bad}");
        }
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(read("https://collector.example", None, Some(bad)), Err(ConfigError::OtlpSample)));
        }
        let headers = Some("authorization=Bearer hunter2, x-tenant = a=b");
        let clear = read("http://collector.example", headers, None);
        assert!(matches!(clear, Err(ConfigError::OtlpInTheClear)));
        let settings = read("https://collector.example", headers, None).unwrap().unwrap();
        assert_eq!(settings.headers["x-tenant"], "a=b");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
