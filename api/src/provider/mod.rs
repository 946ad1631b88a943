//! Providers over the network: a language model and a lookup service.

mod allowed_model;
mod llm;
mod lookup;

use std::{sync::Arc, time::Duration};

use clap::Args;
use engine::{Error, Result};
use reqwest::{Client, Response, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::Value as Json;
use service::{
    enrichment::{Failure, Field, Provider, Providers, RuleProvider, Value},
    ingest::note::{Note, NoteCode},
};

pub use self::allowed_model::AllowedModel;
use self::{llm::Llm, lookup::Lookup};

/// Timeout of a provider request.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Maximum delay that a provider may request before a retry.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// Maximum size of a response, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Enrichment providers besides the built-in rules.
#[derive(Args, Clone, Debug, Default)]
pub struct ProviderOptions {
    /// URL of a language model: any server with the protocol of OpenAI's chat completions. Default with a key: OpenAI.
    #[arg(long, env = "SALESGRAPH_LLM_URL", value_name = "URL", value_parser = web_address)]
    pub llm_url: Option<String>,
    /// API key of the language model; prefer the environment variable.
    #[arg(long, env = "SALESGRAPH_LLM_KEY", hide_env_values = true, value_name = "KEY")]
    pub llm_key: Option<String>,
    /// A model that organizations may use, with its price in US dollars per million tokens: `MODEL=INPUT/OUTPUT` or
    /// `MODEL=INPUT/OUTPUT/CACHED_INPUT`. Repeatable; separated by commas in the environment. Default with a key: the
    /// models with a built-in price (gpt-4o-mini). Default without a key: the models in the setting `llm_prices`.
    #[arg(
        long = "llm-model",
        env = "SALESGRAPH_LLM_MODELS",
        value_name = "MODEL=PRICES",
        value_delimiter = ','
    )]
    pub llm_models: Vec<AllowedModel>,
    /// Maximum that an organization may spend on providers per UTC day, in US dollars. The setting `daily_spend_limit`
    /// can only lower it. Default: 100 with a key, no maximum without one.
    #[arg(long, env = "SALESGRAPH_DAILY_SPEND_LIMIT", value_name = "DOLLARS", value_parser = daily_dollars)]
    pub daily_spend_limit: Option<f64>,
    /// URL of a lookup service for people and companies, with `{email}`, `{domain}`, `{name}`, `{company}`,
    /// `{location}` or `{linkedin}` as placeholders; it returns JSON.
    #[arg(long, env = "SALESGRAPH_LOOKUP_URL", value_name = "URL", value_parser = web_address)]
    pub lookup_url: Option<String>,
    /// API key of the lookup service, sent as a bearer token; prefer the environment variable.
    #[arg(long, env = "SALESGRAPH_LOOKUP_KEY", hide_env_values = true, value_name = "KEY")]
    pub lookup_key: Option<String>,
    /// Cost of a lookup, in US dollars.
    #[arg(long, env = "SALESGRAPH_LOOKUP_COST", value_name = "DOLLARS", default_value = "0")]
    #[arg(value_parser = dollars)]
    pub lookup_cost: f64,
}

fn web_address(text: &str) -> std::result::Result<String, String> {
    let plain = text.replace(['{', '}'], "");
    let address = reqwest::Url::parse(&plain).map_err(|error| error.to_string())?;
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains(['{', '}'])
        || text.find('{').is_some_and(|place| place < text.find("://").unwrap_or(0))
    {
        return Err("placeholders are only allowed after the host".to_owned());
    }
    match address.scheme() {
        "http" | "https" => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("must start with http:// or https://".to_owned()),
    }
}

/// Default maximum per day with a key of the operator, in US dollars.
const DEFAULT_SPEND_LIMIT: f64 = 100.0;

fn daily_dollars(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1e9).contains(number));
    number.ok_or_else(|| "must be US dollars from 0 to 1000000000, such as 25".to_owned())
}

fn dollars(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|number| (0.0..=1_000.0).contains(number));
    number.ok_or_else(|| "must be US dollars from 0 to 1000, such as 0.01".to_owned())
}

/// Installs the TLS library that the database drivers use as well. Call it before the first connection.
pub fn prepare_tls() {
    // Only the first call installs it.
    drop(rustls::crypto::ring::default_provider().install_default());
}

impl ProviderOptions {
    /// Merges the options before and after the command; the latter take precedence.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            llm_url: self.llm_url.or(other.llm_url),
            llm_key: self.llm_key.or(other.llm_key),
            llm_models: if self.llm_models.is_empty() { other.llm_models } else { self.llm_models },
            daily_spend_limit: self.daily_spend_limit.or(other.daily_spend_limit),
            lookup_url: self.lookup_url.or(other.lookup_url),
            lookup_key: self.lookup_key.or(other.lookup_key),
            lookup_cost: if self.lookup_cost > 0.0 { self.lookup_cost } else { other.lookup_cost },
        }
    }

    /// The providers, free ones first.
    ///
    /// # Errors
    /// [`Error::Invalid`] if TLS is not available on this machine.
    pub fn providers(&self) -> Result<Providers> {
        let mut all: Vec<Arc<dyn Provider>> = vec![Arc::new(RuleProvider)];
        if self.lookup_url.is_none() && self.llm_url.is_none() && self.llm_key.is_none() {
            return Ok(Providers::new(all));
        }
        prepare_tls();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("salesgraph/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                Error::invalid(
                    engine::Reason::ConfigurationInvalid,
                    "llm_url",
                    format!("failed to initialize TLS for providers: {error}"),
                )
            })?;
        if let Some(url) = &self.lookup_url {
            let (key, cost) = (self.lookup_key.clone(), self.lookup_cost);
            all.push(Arc::new(Lookup::new(client.clone(), url.clone(), key, cost)));
        }
        if self.llm_url.is_some() || self.llm_key.is_some() {
            let (url, key) = (self.llm_url.clone(), self.llm_key.clone());
            all.push(Arc::new(Llm::new(client, url, key, self.llm_models.clone())));
        }
        let has_key = self.llm_key.is_some() || self.lookup_key.is_some();
        let limit = self.daily_spend_limit.or(has_key.then_some(DEFAULT_SPEND_LIMIT));
        Ok(Providers::new(all).limited(limit))
    }
}

/// Reads the body of a response up to the maximum size.
async fn body(mut response: Response) -> std::result::Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend(chunk),
            Ok(Some(_)) => {
                return Err(Failure::Never(Note::new(
                    NoteCode::ProviderAnswerTooLarge,
                    [PROVIDER],
                )));
            }
            Ok(None) => return Ok(body),
            Err(error) => return Err(Failure::Later(without_address(error), None)),
        }
    }
}

/// The message of a transport error without the URL, which may contain secrets.
fn without_address(error: reqwest::Error) -> Note {
    let error = error.without_url();
    let code = if error.is_timeout() {
        NoteCode::ProviderTimeout
    } else if error.is_connect() {
        NoteCode::ProviderUnreachable
    } else {
        NoteCode::ProviderConnectionLost
    };
    Note::new(code, [PROVIDER])
}

/// Placeholder for the provider's name in a note, until the name is known.
const PROVIDER: &str = "";

/// Replaces the placeholder in a failure with the provider's name.
fn named(failure: Failure, name: &str) -> Failure {
    let named = |mut note: Note| {
        if let Some(provider) = note.arguments.first_mut().filter(|first| first.is_empty()) {
            name.clone_into(provider);
        }
        note
    };
    match failure {
        Failure::Later(note, wait) => Failure::Later(named(note), wait),
        Failure::Never(note) => Failure::Never(named(note)),
        Failure::Misconfigured(note) => Failure::Misconfigured(named(note)),
    }
}

/// The failure for an HTTP status.
fn refusal(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Failure {
    let note = |code| Note::new(code, [PROVIDER, status.as_str()]);
    match status.as_u16() {
        400 | 429 if is_out_of_budget(body) => {
            Failure::Misconfigured(note(NoteCode::ProviderBudgetUsed))
        }
        401 | 403 => Failure::Misconfigured(note(NoteCode::ProviderKeyRejected)),
        404 | 405 => Failure::Misconfigured(note(NoteCode::ProviderAddressWrong)),
        300..=399 => Failure::Misconfigured(note(NoteCode::ProviderRedirects)),
        408 | 409 | 425 | 429 | 500..=599 => Failure::Later(note(NoteCode::ProviderStatus), wait),
        _ => Failure::Never(note(NoteCode::ProviderStatus)),
    }
}

/// Whether a gateway reports an exhausted budget, so that all further requests would fail.
fn is_out_of_budget(body: &[u8]) -> bool {
    let Ok(said) = serde_json::from_slice::<Json>(body) else { return false };
    let error = if said["error"].is_object() { &said["error"] } else { &said };
    ["type", "code", "message"].iter().any(|name| {
        let text = error[*name].as_str().unwrap_or_default().to_ascii_lowercase();
        text.contains("budget") || text == "insufficient_quota"
    })
}

/// The delay that a provider requests: seconds or a date (RFC 9110, 10.2.3). Gateways forward the header of their own
/// provider under another name.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let told = headers.get("retry-after").or_else(|| headers.get("llm_provider-retry-after"))?;
    let told = told.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = told.parse::<f64>() {
        Duration::try_from_secs_f64(seconds).ok()?
    } else {
        // A date is relative to the provider's own clock.
        let date = |text: &str| chrono::DateTime::parse_from_rfc2822(text).ok();
        let now = headers.get("date")?.to_str().ok().and_then(date)?;
        (date(told)? - now).to_std().unwrap_or_default()
    };
    Some(wait.min(MAX_WAIT))
}

/// The error message of a provider, with the API key removed.
fn said(body: &[u8], key: Option<&String>) -> Option<String> {
    let said = serde_json::from_slice::<Json>(body).ok();
    let said = said.as_ref().and_then(|json| {
        json["error"]["message"].as_str().or(json["error"].as_str()).or(json["message"].as_str())
    });
    // One line without control characters, because it is shown on a page and in a terminal.
    let mut said: String = said?.replace(char::is_control, " ");
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        said = said.replace(key.as_str(), "…");
    }
    let said: String = said.chars().take(300).collect();
    (!said.trim().is_empty()).then_some(said)
}

/// A failure before a response was received, and whether the request may have been processed and paid for.
fn broken(error: reqwest::Error) -> (Failure, bool) {
    let is_sent = !error.is_connect() && !error.is_builder();
    (Failure::Later(without_address(error), None), is_sent)
}

/// The values in an object by field name: each is a string, or an object with `value` and `confidence`.
fn values(told: &Json, usual_confidence: f64) -> Vec<Value> {
    let Some(told) = told.as_object() else { return Vec::new() };
    let read = |(name, told): (&String, &Json)| {
        let field = Field::of(name)?;
        let text = |told: &Json| match told {
            Json::String(value) => Some(value.clone()),
            Json::Number(value) => Some(value.to_string()),
            _ => None,
        };
        let (value, confidence) = match told {
            Json::Object(told) => (text(told.get("value")?)?, told.get("confidence")),
            told => (text(told)?, None),
        };
        let confidence = confidence.and_then(self::confidence).unwrap_or(usual_confidence);
        let value = value.trim();
        let is_told = !value.is_empty() && value.len() <= 2_000;
        is_told.then(|| Value {
            field,
            value: value.to_owned(),
            confidence: confidence.clamp(0.0, 1.0),
        })
    };
    told.iter().filter_map(read).collect()
}

/// Parses a confidence from 0 to 1; a string or a percentage (`90`, `"90 %"`) is also accepted.
fn confidence(told: &Json) -> Option<f64> {
    let number = match told {
        Json::Number(number) => number.as_f64()?,
        Json::String(text) => {
            let text = text.trim();
            let percent = text.strip_suffix('%');
            let number: f64 = percent.unwrap_or(text).trim().parse().ok()?;
            if percent.is_some() { number / 100.0 } else { number }
        }
        _ => return None,
    };
    match number {
        number if (0.0..=1.0).contains(&number) => Some(number),
        number if (10.0..=100.0).contains(&number) => Some(number / 100.0),
        _ => None,
    }
}

/// A length as stored in usage logs.
fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
