//! Providers are asked about people, and what they find is filled in.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::BoxFuture;
use sea_orm::ActiveValue::Set;
use serde_json::Value as Json;
use service::{
    Clock,
    ingest::enrichment::{
        Answer, Ask, Charge, Field, Found, Offline, Provider, Providers, Value, Variant, Worker,
    },
};
use tests::App;

pub mod filled;
pub mod life;
pub mod limits;
pub mod providers;
pub mod spending;
pub mod written;

/// What a provider of the tests says.
type Says = Box<dyn Fn(&Ask, usize) -> Answer + Send + Sync>;

/// A provider that says what a test wants.
pub struct Fake {
    name: &'static str,
    most: f64,
    says: Says,
    /// How often it was asked.
    pub asked: AtomicUsize,
    running: AtomicUsize,
    /// How often it was asked at a time.
    pub at_once: AtomicUsize,
}

impl Fake {
    /// One that costs at most so much.
    fn new(
        name: &'static str,
        most: f64,
        says: impl Fn(&Ask, usize) -> Answer + Send + Sync + 'static,
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

    fn most(&self, _: &Ask) -> f64 {
        self.most
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
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

/// What a call took that cost so much.
#[expect(clippy::unnecessary_wraps, reason = "as answers hold it")]
fn charge(cost: f64) -> Option<Charge> {
    Some(Charge {
        provider: "acme".to_owned(),
        operation: "look_up".to_owned(),
        cost,
        latency_ms: 20,
        status_code: Some(200),
        ..Charge::default()
    })
}

/// What a call to a language model took.
#[expect(clippy::unnecessary_wraps, reason = "as answers hold it")]
fn tokens(model: &str, prompt: i64, completion: i64, cost: f64) -> Option<Charge> {
    Some(Charge {
        provider: "openai".to_owned(),
        model: Some(model.to_owned()),
        operation: "/chat/completions".to_owned(),
        prompt_tokens: prompt,
        completion_tokens: completion,
        cost,
        latency_ms: 100,
        status_code: Some(200),
        ..Charge::default()
    })
}

/// These values, of those that are wanted, for so much.
fn found(ask: &Ask, values: &[(Field, &str, f64)], charge: Option<Charge>) -> Answer {
    let wanted = values.iter().filter(|(field, ..)| ask.wanted.contains(field));
    let values = wanted.map(|(field, value, confidence)| Value {
        field: *field,
        value: (*value).to_owned(),
        confidence: *confidence,
    });
    Answer {
        outcome: Ok(Found { values: values.collect(), variants: Vec::new() }),
        charge,
        said: None,
    }
}

/// Ways of writing.
fn variants(number: u32) -> Vec<Variant> {
    let variant = |number| Variant {
        subject: Some(format!("Subject {number}")),
        content: format!("Content {number}"),
        template: None,
    };
    (1..=number).map(variant).collect()
}

/// Lets the server ask these, besides our own rules.
fn ask(app: &mut App, providers: Vec<Arc<dyn Provider>>) {
    let mut all: Vec<Arc<dyn Provider>> = vec![Arc::new(Offline)];
    all.extend(providers);
    app.providers = Providers::new(all);
}

fn worker(app: &App) -> Worker {
    let clock = Arc::clone(&app.clock) as Arc<dyn Clock>;
    Worker::new(app.store.clone(), clock, app.providers.clone())
}

/// Asks about everybody whose turn it is; gives how many there were.
pub async fn work(app: &App) -> u64 {
    worker(app).round().await.unwrap()
}

/// Begins an enrichment of these prospects; gives the number of its job.
async fn begin(app: &App, ids: &[i64], how: &str) -> i64 {
    let mutation = format!(
        "mutation {{ enrichProspects(input: {{ ids: {ids:?} {how} }}) {{ importJob {{ id }} userErrors {{ message }} }} }}"
    );
    let done = app.done(&mutation).await;
    let id = done["importJob"]["id"].as_str().unwrap();
    id.strip_prefix("ImportJob:").unwrap().parse().unwrap()
}

/// Begins an enrichment, and lets it be done.
async fn enrich(app: &App, ids: &[i64], how: &str) -> i64 {
    let job = begin(app, ids, how).await;
    work(app).await;
    job
}

/// Some prospects at companies of their own; gives their keys.
async fn people(app: &App, number: usize) -> Vec<i64> {
    let industry = app.industry("Unclassified").await;
    let mut keys = Vec::new();
    for index in 0..number {
        let company = company(app, &format!("Company {index}"), industry).await;
        keys.push(app.prospect(&format!("Person {index}"), company).await);
    }
    keys
}

/// A company of which nothing is known.
async fn company(app: &App, name: &str, industry: i64) -> i64 {
    app.company_with(name, industry, |row| row.size = Set("unknown".to_owned())).await
}

/// Something of a job.
async fn job(app: &App, job: i64, fields: &str) -> Json {
    app.data(&format!("{{ importJob(id: {job}) {{ {fields} }} }}")).await["importJob"].clone()
}

/// Sets a setting.
async fn set(app: &App, key: &str, value: &str) {
    let upsert = format!(
        "mutation {{ upsertSettings(input: {{ settings: [{{ key: \"{key}\", value: {value} }}] }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&upsert).await;
}

/// Where values came from: `field value outcome source`.
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
