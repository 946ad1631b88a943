//! Where the log goes: standard error, and a collector of OpenTelemetry when one is named.

use std::io::IsTerminal as _;

use clap::{Args, ValueEnum};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use service::{Error, Result};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// What is logged when `RUST_LOG` says nothing: what is slow and what goes wrong.
const USUAL: &str = "warn,api=info,service=info,sqlx=error";

/// The log.
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
    /// For people: one line for each entry, with colors on a terminal.
    Pretty,
    /// For programs: a JSON object on each line.
    Json,
}

/// Sends what it still has when it is dropped.
pub(super) struct Log(Option<SdkTracerProvider>);

impl LogOptions {
    /// Starts the log of this process; one that runs already goes on.
    pub(super) fn start(&self) -> Result<Log> {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
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

/// The exporter has a client of its own, which can't be made inside of a runtime.
fn provider(endpoint: &str) -> Result<SdkTracerProvider> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let built = std::thread::spawn(move || {
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
        let resource = Resource::builder().with_service_name("salesgraph").build();
        let provider = SdkTracerProvider::builder();
        Ok(provider.with_batch_exporter(exporter).with_resource(resource).build())
    });
    let built = built.join().map_err(|_| Error::internal("the exporter could not be made"))?;
    built.map_err(|error: opentelemetry_otlp::ExporterBuildError| {
        Error::invalid(
            service::Reason::ConfigurationInvalid,
            "otlp",
            format!("this can't be a collector: {error}"),
        )
    })
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // Its client may not be dropped inside of a runtime either.
            let _ = std::thread::spawn(move || provider.shutdown()).join();
        }
    }
}
