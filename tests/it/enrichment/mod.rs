//! Enrichment: filling in fields of prospects and companies with data from providers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use engine::Clock;
use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use serde_json::Value as Json;
use service::enrichment::{
    Field, Provider, ProviderRequest, ProviderResponse, ProviderResult, Providers, RuleProvider,
    UsageCharge, Value, Variant, Worker,
};
use tests::App;

pub mod filled;
pub mod life;
pub mod limits;
pub mod local;
pub mod providers;
pub mod spending;
pub mod written;

/// Returns the response of a fake provider to a request.
type Says = Box<dyn Fn(&ProviderRequest, usize) -> ProviderResponse + Send + Sync>;

/// A fake provider with configurable responses.
pub struct Fake {
    name: &'static str,
    most: f64,
    says: Says,
    /// Number of requests received.
    pub asked: AtomicUsize,
    running: AtomicUsize,
    /// Maximum number of concurrent requests.
    pub at_once: AtomicUsize,
}

impl Fake {
    /// Creates a fake provider with this maximum cost per request.
    fn new(
        name: &'static str,
        most: f64,
        says: impl Fn(&ProviderRequest, usize) -> ProviderResponse + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            most,
            says: Box::new(says),
            asked: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
        })
    }
}

impl Provider for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn most(&self, _: &ProviderRequest) -> f64 {
        self.most
    }

    fn ask<'a>(&'a self, ask: &'a ProviderRequest) -> BoxFuture<'a, ProviderResponse> {
        Box::pin(async move {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.at_once.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
            self.running.fetch_sub(1, Ordering::SeqCst);
            (self.says)(ask, number)
        })
    }
}

/// The charge for a call with this cost.
#[expect(clippy::unnecessary_wraps, reason = "`Answer` holds an option")]
fn charge(cost: f64) -> Option<UsageCharge> {
    Some(UsageCharge {
        provider: "acme".to_owned(),
        operation: "look_up".to_owned(),
        cost,
        latency_ms: 20,
        status_code: Some(200),
        ..UsageCharge::default()
    })
}

/// The charge for a call to a language model.
#[expect(clippy::unnecessary_wraps, reason = "`Answer` holds an option")]
fn tokens(model: &str, prompt: i64, completion: i64, cost: f64) -> Option<UsageCharge> {
    Some(UsageCharge {
        provider: "openai".to_owned(),
        model: Some(model.to_owned()),
        operation: "/chat/completions".to_owned(),
        prompt_tokens: prompt,
        completion_tokens: completion,
        cost,
        latency_ms: 100,
        status_code: Some(200),
        ..UsageCharge::default()
    })
}

/// A response that contains the requested fields among `values`, with this charge.
fn found(
    ask: &ProviderRequest,
    values: &[(Field, &str, f64)],
    charge: Option<UsageCharge>,
) -> ProviderResponse {
    let wanted = values.iter().filter(|(field, ..)| ask.wanted.contains(field));
    let values = wanted.map(|(field, value, confidence)| Value {
        field: *field,
        value: (*value).to_owned(),
        confidence: *confidence,
    });
    ProviderResponse {
        outcome: Ok(ProviderResult { values: values.collect(), variants: Vec::new() }),
        charge,
        said: None,
    }
}

/// Message variants numbered from 1 to `number`.
fn variants(number: u32) -> Vec<Variant> {
    let variant = |number| Variant {
        subject: Some(format!("Subject {number}")),
        content: format!("Content {number}"),
        template: None,
    };
    (1..=number).map(variant).collect()
}

/// Configures these providers in addition to the rule provider.
fn ask(app: &mut App, providers: Vec<Arc<dyn Provider>>) {
    let mut all: Vec<Arc<dyn Provider>> = vec![Arc::new(RuleProvider)];
    all.extend(providers);
    app.providers = Providers::new(all);
}

fn worker(app: &App) -> Worker {
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    Worker::new(app.store.clone(), clock, app.providers.clone())
}

/// Runs one worker round over all due records; returns the number of processed records.
pub async fn work(app: &App) -> u64 {
    worker(app).round().await.unwrap()
}

/// Starts an enrichment of these prospects; returns the primary key of its job.
async fn begin(app: &App, ids: &[i64], how: &str) -> i64 {
    let mutation = format!(
        "mutation {{ enrichProspects(input: {{ ids: {ids:?} {how} }}) {{ importJob {{ id }} userErrors {{ message }} }} }}"
    );
    let done = app.done(&mutation).await;
    let id = done["importJob"]["id"].as_str().unwrap();
    id.strip_prefix("ImportJob:").unwrap().parse().unwrap()
}

/// Starts an enrichment and runs one worker round.
async fn enrich(app: &App, ids: &[i64], how: &str) -> i64 {
    let job = begin(app, ids, how).await;
    work(app).await;
    job
}

/// Creates prospects, each at its own company; returns their primary keys.
async fn people(app: &App, number: usize) -> Vec<i64> {
    let industry = app.industry("Unclassified").await;
    let mut keys = Vec::new();
    for index in 0..number {
        let company = company(app, &format!("Company {index}"), industry).await;
        keys.push(app.prospect(&format!("Person {index}"), company).await);
    }
    keys
}

/// A company without enrichable data.
async fn company(app: &App, name: &str, industry: i64) -> i64 {
    app.company_with(name, industry, |row| row.size = Set("unknown".to_owned())).await
}

/// The selected fields of a job.
async fn job(app: &App, job: i64, fields: &str) -> Json {
    app.data(&format!("{{ importJob(id: {job}) {{ {fields} }} }}")).await["importJob"].clone()
}

/// Updates a setting.
async fn set(app: &App, key: &str, value: &str) {
    let upsert = format!(
        "mutation {{ upsertSettings(input: {{ settings: [{{ key: \"{key}\", value: {value} }}] }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&upsert).await;
}

/// The provenance of all values, each as `field value outcome source`.
async fn provenance(app: &App) -> Vec<String> {
    let query = "{ fieldProvenances(first: 100) { nodes { field value outcome source } } }";
    let nodes = app.data(query).await["fieldProvenances"]["nodes"].take();
    let text = |row: &Json, name: &str| row[name].as_str().unwrap().to_owned();
    let told = nodes.as_array().unwrap().iter().map(|row| {
        let parts = ["field", "value", "outcome", "source"].map(|name| text(row, name));
        parts.join(" ")
    });
    told.collect()
}
