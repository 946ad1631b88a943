//! Log output: standard error, and optionally an OpenTelemetry collector.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use engine::{Error, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Default log filter without `RUST_LOG`: warnings, errors and slow operations.
const DEFAULT: &str = "warn,api=info,engine=info,graph=info,server=info,service=info,sqlx=error";

/// Log options.
#[derive(Args, Debug)]
pub(super) struct LogOptions {
    /// The format of the log on standard error. `RUST_LOG` sets its level.
    #[arg(long, global = true, value_enum, env = "SALESGRAPH_LOG_FORMAT", default_value_t = LogForm::Pretty)]
    log_format: LogForm,
    /// OpenTelemetry collector (OTLP over HTTP) for spans of operations: `http://localhost:4318`. Disabled by default.
    #[arg(long, global = true, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogForm {
    /// For people: one line per entry, colored on a terminal.
    Pretty,
    /// For programs: one JSON object per line.
    Json,
}

/// Flushes pending spans on drop.
pub(super) struct Log(Option<SdkTracerProvider>);

impl LogOptions {
    /// Initializes logging for this process; a logger that is already set stays in effect.
    pub(super) fn start(&self) -> Result<Log> {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
        let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let written = match self.log_format {
            LogForm::Json => layer.json().flatten_event(true).with_ansi(false).boxed(),
            LogForm::Pretty => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        };
        let provider = self.otlp.as_deref().map(provider).transpose()?;
        let sent = provider.as_ref().map(|provider| {
            tracing_opentelemetry::layer().with_tracer(provider.tracer("salesgraph"))
        });
        tracing_subscriber::registry().with(filter).with(written).with(sent).try_init().ok();
        Ok(Log(provider))
    }
}

/// The exporter has its own blocking client, which can't be created inside a runtime.
fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let built = std::thread::spawn(move || {
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
        let resource = Resource::builder().with_service_name("salesgraph").build();
        let provider = SdkTracerProvider::builder();
        Ok(provider.with_batch_exporter(exporter).with_resource(resource).build())
    });
    let built =
        built.join().map_err(|_| Error::internal("failed to create the OpenTelemetry exporter"))?;
    built.map_err(|error: opentelemetry_otlp::ExporterBuildError| {
        Error::invalid(
            engine::Reason::ConfigurationInvalid,
            "otlp",
            format!("invalid OpenTelemetry collector URL: {error}"),
        )
    })
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // The client of the exporter must not be dropped inside a runtime either.
            let _ = std::thread::spawn(move || provider.shutdown()).join();
        }
    }
}
