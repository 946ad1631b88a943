//! The port of providers: who is asked about people and companies.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::field::Field;
use crate::governance::setting::{Price, Settings};
use crate::ingest::note::Note;

/// Somebody who can be asked about people and companies.
pub trait Provider: Send + Sync {
    /// What it is called, one of [`PROVIDERS`](super::PROVIDERS).
    fn name(&self) -> &'static str;

    /// Why it can't be asked as the settings are; nothing when it can.
    fn refuses(&self, _: &Settings) -> Option<Note> {
        None
    }

    /// Whether it goes outside: then what it answers is kept for others who ask the same.
    fn is_outside(&self) -> bool {
        true
    }

    /// What asking this costs at most, in US dollars: held back from the limit of the day before it is asked.
    fn most(&self, ask: &Ask) -> f64;

    /// Asks. What it took is told also when nothing came of it.
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer>;
}

/// What is known of a person, and what is to be found out.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// What is known, also of the company.
    pub known: Known,
    /// The fields that are to be found.
    pub wanted: Vec<Field>,
    /// The names of the industries that there are.
    pub industries: Vec<String>,
    /// How many ways of writing to the person are to be found.
    pub variants: u32,
    /// The model that is to be asked.
    pub model: String,
    /// Who runs it.
    pub llm_provider: String,
    /// Its price by the settings of the organization.
    pub price: Price,
}

/// What is known of a person and their company; empty where nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Full name.
    pub full_name: String,
    /// E-mail address.
    pub email: String,
    /// Phone number (E.164).
    pub phone: String,
    /// What the person does.
    pub job_title: String,
    /// Address of the profile at LinkedIn.
    pub linkedin_url: String,
    /// Where the person is.
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

/// What a provider says.
#[derive(Debug)]
pub struct Answer {
    /// What it found, or why it could not be asked.
    pub outcome: Result<Found, Failure>,
    /// What it took; nothing for what costs nothing and goes nowhere.
    pub charge: Option<Charge>,
    /// What the provider itself said of a failure: it may be about the person, so it stands with their record only.
    pub said: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Values of fields.
    pub values: Vec<Value>,
    /// Ways of writing to the person.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The field.
    pub field: Field,
    /// What it is.
    pub value: String,
    /// How sure the provider is, from 0 to 1.
    pub confidence: f64,
}

/// A way of writing to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// What it is about, in one line.
    pub subject: Option<String>,
    /// The message.
    pub content: String,
    /// The template that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<i64>,
}

/// Why a provider could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may answer later: after so long, where it says that.
    Later(Note, Option<Duration>),
    /// It will not answer this.
    Never(Note),
    /// It answers nobody, as it is set up.
    Misconfigured(Note),
}

impl Failure {
    /// Why, in words of our own.
    #[must_use]
    pub fn note(&self) -> &Note {
        match self {
            Self::Later(note, _) | Self::Never(note) | Self::Misconfigured(note) => note,
        }
    }
}

/// What a call took: a row of a ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Charge {
    /// Who was paid.
    pub provider: String,
    /// The language model, where one was asked.
    pub model: Option<String>,
    /// Where it was asked.
    pub operation: String,
    /// Tokens of the prompt.
    pub prompt_tokens: i64,
    /// Tokens of the answer.
    pub completion_tokens: i64,
    /// What it cost, in US dollars.
    pub cost: f64,
    /// How long it took, in milliseconds.
    pub latency_ms: i64,
    /// The status of HTTP.
    pub status_code: Option<i64>,
    /// How large the request was, in bytes.
    pub request_size: i64,
    /// How large the answer was, in bytes.
    pub response_size: i64,
    /// What the provider calls the request.
    pub request_id: Option<String>,
    /// Why the answer ended.
    pub finish_reason: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The providers of a server, in the order in which they are asked: what costs nothing first.
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
    /// These.
    #[must_use]
    pub fn new(all: Vec<Arc<dyn Provider>>) -> Self {
        Self { all: all.into(), spend_limit: None }
    }

    /// With a limit of the operator on what each organization may spend on a day, in US dollars.
    #[must_use]
    pub fn limited(self, spend_limit: Option<f64>) -> Self {
        Self { spend_limit, ..self }
    }

    /// What an organization may spend on a day, in US dollars: what its setting says, up to the operator's limit.
    #[must_use]
    pub fn spend_limit(&self, setting: f64) -> f64 {
        self.spend_limit.map_or(setting, |limit| limit.min(setting))
    }

    /// Those with these names, in their order.
    pub fn named<'p>(&'p self, names: &'p [String]) -> impl Iterator<Item = &'p Arc<dyn Provider>> {
        self.all.iter().filter(|one| names.iter().any(|name| name == one.name()))
    }

    /// The one with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.all.iter().find(|one| one.name() == name)
    }
}
