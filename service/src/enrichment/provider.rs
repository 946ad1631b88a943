//! The interface of enrichment providers.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::field::Field;
use crate::governance::setting::{Price, Settings};
use crate::ingest::note::Note;

/// A provider of data about people and companies.
pub trait Provider: Send + Sync {
    /// Name of the provider, one of [`PROVIDERS`](super::PROVIDERS).
    fn name(&self) -> &'static str;

    /// The configuration error that prevents calls with these settings, if any.
    fn refuses(&self, _: &Settings) -> Option<Note> {
        None
    }

    /// Whether the provider is an external service. Responses of external services are cached.
    fn is_outside(&self) -> bool {
        true
    }

    /// Maximum cost of a request, in US dollars. This amount is reserved from the daily spend limit before the call.
    fn most(&self, ask: &ProviderRequest) -> f64;

    /// Calls the provider. The response contains the usage even if the call failed.
    fn ask<'a>(&'a self, ask: &'a ProviderRequest) -> BoxFuture<'a, ProviderResponse>;
}

/// A provider request: the known values of a person, and the requested fields.
#[derive(Clone, Debug, Default)]
pub struct ProviderRequest {
    /// Known values of the person and the company.
    pub known: Known,
    /// Requested fields.
    pub wanted: Vec<Field>,
    /// Names of the existing industries.
    pub industries: Vec<String>,
    /// Number of message variants to generate.
    pub variants: u32,
    /// The language model.
    pub model: String,
    /// The provider of the language model.
    pub llm_provider: String,
    /// Price of the language model, from the settings of the organization.
    pub price: Price,
}

/// Known values of a person and their company; unknown values are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Full name.
    pub full_name: String,
    /// E-mail address.
    pub email: String,
    /// Phone number (E.164).
    pub phone: String,
    /// Job title.
    pub job_title: String,
    /// URL of the LinkedIn profile.
    pub linkedin_url: String,
    /// Location of the person.
    pub location: String,
    /// Name of the company.
    pub company_name: String,
    /// Website of the company.
    pub website: String,
    /// Size class of the company.
    pub size: String,
    /// Industry of the company.
    pub industry: String,
}

/// A provider response.
#[derive(Debug)]
pub struct ProviderResponse {
    /// The result, or why the call failed.
    pub outcome: Result<ProviderResult, Failure>,
    /// Usage of the call; `None` for a local provider without cost.
    pub charge: Option<UsageCharge>,
    /// Error message of the provider. It may contain personal data, so it is stored only with the record.
    pub said: Option<String>,
}

/// Result of a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProviderResult {
    /// Values of fields.
    pub values: Vec<Value>,
    /// Message variants.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The field.
    pub field: Field,
    /// The value.
    pub value: String,
    /// Confidence of the provider, from 0 to 1.
    pub confidence: f64,
}

/// A message variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Subject line.
    pub subject: Option<String>,
    /// The message.
    pub content: String,
    /// The template that the message was rendered from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<i64>,
}

/// Why a provider call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A temporary failure, with the delay that the provider requests, if any.
    Later(Note, Option<Duration>),
    /// A permanent failure of this request.
    Never(Note),
    /// A configuration error that makes every request fail.
    Misconfigured(Note),
}

impl Failure {
    /// The error message of this server, without text of the provider.
    #[must_use]
    pub fn note(&self) -> &Note {
        match self {
            Self::Later(note, _) | Self::Never(note) | Self::Misconfigured(note) => note,
        }
    }
}

/// Usage of a call, which becomes a row of a usage log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageCharge {
    /// The provider.
    pub provider: String,
    /// The language model; `None` for other services.
    pub model: Option<String>,
    /// The endpoint or operation.
    pub operation: String,
    /// Number of prompt tokens.
    pub prompt_tokens: i64,
    /// Number of completion tokens.
    pub completion_tokens: i64,
    /// Cost, in US dollars.
    pub cost: f64,
    /// Latency, in milliseconds.
    pub latency_ms: i64,
    /// HTTP status code.
    pub status_code: Option<i64>,
    /// Size of the request, in bytes.
    pub request_size: i64,
    /// Size of the response, in bytes.
    pub response_size: i64,
    /// Request ID of the provider.
    pub request_id: Option<String>,
    /// Why the model stopped generating.
    pub finish_reason: Option<String>,
    /// Error message of a failed call.
    pub error: Option<String>,
}

/// The providers of a server, in call order: free providers first.
#[derive(Clone, Default)]
pub struct Providers {
    all: Arc<[Arc<dyn Provider>]>,
    spend_limit: Option<f64>,
}

impl std::fmt::Debug for Providers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all.iter().map(|one| one.name())).finish()
    }
}

impl Providers {
    /// Creates the list of providers, without a spend limit.
    #[must_use]
    pub fn new(all: Vec<Arc<dyn Provider>>) -> Self {
        Self { all: all.into(), spend_limit: None }
    }

    /// Sets the operator's daily spend limit per organization, in US dollars.
    #[must_use]
    pub fn limited(self, spend_limit: Option<f64>) -> Self {
        Self { spend_limit, ..self }
    }

    /// Daily spend limit of an organization, in US dollars: its setting, capped by the operator's limit.
    #[must_use]
    pub fn spend_limit(&self, setting: f64) -> f64 {
        self.spend_limit.map_or(setting, |limit| limit.min(setting))
    }

    /// Returns the providers with these names, in call order.
    pub fn named<'p>(&'p self, names: &'p [String]) -> impl Iterator<Item = &'p Arc<dyn Provider>> {
        self.all.iter().filter(|one| names.iter().any(|name| name == one.name()))
    }

    /// Returns the provider with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.all.iter().find(|one| one.name() == name)
    }
}
