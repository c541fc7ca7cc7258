//! Where traces are sent, by the server's file and by OpenTelemetry's variables of the environment.

use super::ConfigError;

/// Where traces are sent, and of how many requests.
#[derive(Clone, Debug, PartialEq)]
pub struct TracingConfig {
    /// The collector's URL, to which traces are posted as OTLP over HTTP.
    pub endpoint: String,
    /// Headers of these requests, such as a token.
    pub headers: Vec<(String, String)>,
    /// The name of this service.
    pub service: String,
    /// The share of requests that are traced, 0 to 1, of those that come without a `traceparent`.
    pub share: f64,
}

/// The path of the protocol, below a collector's address.
const PATH: &str = "/v1/traces";

const SERVICE: &str = "cupola-serve";

impl TracingConfig {
    /// Returns a configuration that traces every request. What does not end as the protocol's path does gets it.
    ///
    /// Nothing where the address is no URL of HTTP.
    pub fn new(endpoint: &str) -> Option<Self> {
        let endpoint = endpoint.trim_end_matches('/');
        let endpoint = match endpoint.ends_with(PATH) {
            true => endpoint.to_owned(),
            false => format!("{endpoint}{PATH}"),
        };
        let url = reqwest::Url::parse(&endpoint).ok()?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_http.then(|| Self {
            endpoint,
            headers: Vec::new(),
            service: SERVICE.to_owned(),
            share: 1.0,
        })
    }

    /// Returns a configuration with what the environment says of it; `get` returns a variable. Without an endpoint in
    /// either, or where the environment says so, there is none.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Environment`], by the variable whose value is none.
    ///
    /// # Source
    ///
    /// OpenTelemetry's specification of environment variables, for traces: `OTEL_SDK_DISABLED`, `OTEL_TRACES_EXPORTER`,
    /// `OTEL_EXPORTER_OTLP_[TRACES_]{ENDPOINT,HEADERS,PROTOCOL}`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER[_ARG]`.
    pub fn with_environment(
        file: Option<Self>,
        get: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, ConfigError> {
        let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| {
            let traces = format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
            let all = format!("OTEL_EXPORTER_OTLP_{name}");
            let find = |name: String| get(&name).map(|value| (name, value));
            find(traces).or_else(|| find(all))
        };
        let wrong = |name: &str, found: &str, expected| {
            let (name, found) = (name.to_owned(), found.to_owned());
            ConfigError::Environment { name, found, expected }
        };
        let is_off = get("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"))
            || get("OTEL_TRACES_EXPORTER").is_some_and(|v| v == "none");
        if is_off {
            return Ok(None);
        }
        let endpoint = either("ENDPOINT").map(|(name, value)| {
            let is_whole = name.contains("TRACES");
            let mut config = Self::new(&value);
            if let (true, Some(config)) = (is_whole, &mut config) {
                config.endpoint.clone_from(&value);
            }
            config.ok_or_else(|| wrong(&name, &value, "a URL such as `http://localhost:4318`"))
        });
        let mut config = match (endpoint.transpose()?, file) {
            (None, None) => return Ok(None),
            (None, Some(file)) => file,
            (Some(config), None) => config,
            (Some(Self { endpoint, .. }), Some(file)) => Self { endpoint, ..file },
        };
        if let Some((name, protocol)) = either("PROTOCOL")
            && protocol != "http/protobuf"
        {
            return Err(wrong(&name, &protocol, "`http/protobuf`"));
        }
        if let Some((name, headers)) = either("HEADERS") {
            config.headers = headers
                .split(',')
                .filter(|header| !header.trim().is_empty())
                .map(|header| {
                    let (name, value) = header.split_once('=')?;
                    let value = crate::rest::decode(value.trim())?.into_owned();
                    Some((name.trim().to_owned(), value))
                })
                .collect::<Option<_>>()
                // Headers may be secrets.
                .ok_or_else(|| wrong(&name, "something else", "`name=value,name=value`"))?;
        }
        if let Some(service) = get("OTEL_SERVICE_NAME") {
            config.service = service;
        }
        let sampler = get("OTEL_TRACES_SAMPLER");
        match sampler.as_deref() {
            None | Some("parentbased_traceidratio") => {
                const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
                if let Some(share) = get(NAME) {
                    let number = share.trim().parse().ok();
                    let number = number.filter(|number| (0.0..=1.0).contains(number));
                    config.share = number.ok_or_else(|| wrong(NAME, &share, "0 to 1"))?;
                }
            }
            Some("parentbased_always_on") => config.share = 1.0,
            Some("parentbased_always_off") => config.share = 0.0,
            Some(other) => {
                let expected = "`parentbased_traceidratio`, `parentbased_always_on` or \
                    `parentbased_always_off`";
                return Err(wrong("OTEL_TRACES_SAMPLER", other, expected));
            }
        }
        Ok(Some(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: Option<&str>, variables: &[(&str, &str)]) -> String {
        let get = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let file = file.map(|endpoint| TracingConfig::new(endpoint).unwrap());
        match TracingConfig::with_environment(file, &get) {
            Ok(None) => "off".to_owned(),
            Ok(Some(config)) => format!(
                "{} {:?} {} {}",
                config.endpoint, config.headers, config.service, config.share
            ),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_environment_says_where_traces_go() {
        const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        for (file, variables, expected) in [
            (None, &[][..], "off"),
            (None, &[(ALL, "")], "off"),
            (None, &[(ALL, "http://a:4318/")], "http://a:4318/v1/traces [] cupola-serve 1"),
            (Some("http://b"), &[(ALL, "http://a")], "http://a/v1/traces [] cupola-serve 1"),
            (Some("http://b"), &[], "http://b/v1/traces [] cupola-serve 1"),
            // The variable for traces alone is taken as it is.
            (None, &[(ALL, "http://a"), (TRACES, "https://c/x")], "https://c/x [] cupola-serve 1"),
            (Some("http://b"), &[("OTEL_SDK_DISABLED", "TRUE")], "off"),
            (Some("http://b"), &[("OTEL_TRACES_EXPORTER", "none")], "off"),
            (
                Some("http://b"),
                &[
                    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t, x=1"),
                    ("OTEL_SERVICE_NAME", "taxi"),
                    ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
                ],
                "http://b/v1/traces [(\"authorization\", \"Bearer t\"), (\"x\", \"1\")] taxi 0.25",
            ),
            (
                None,
                &[(ALL, "collector:4318")],
                "`OTEL_EXPORTER_OTLP_ENDPOINT`: found \"collector:4318\", expected a URL such as \
                 `http://localhost:4318`",
            ),
            (
                Some("http://b"),
                &[("OTEL_TRACES_SAMPLER_ARG", "2")],
                "`OTEL_TRACES_SAMPLER_ARG`: found \"2\", expected 0 to 1",
            ),
            (
                Some("http://b"),
                &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
                "`OTEL_EXPORTER_OTLP_PROTOCOL`: found \"grpc\", expected `http/protobuf`",
            ),
        ] {
            assert_eq!(read(file, variables), expected, "{file:?} {variables:?}");
        }
    }
}
