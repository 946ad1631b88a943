//! CSV imports of prospects.

use std::sync::Arc;

use engine::{Clock, progress::Unwatched};
use serde_json::Value;
use service::imports::{self, Options, Worker};
use tests::App;

pub mod bulk;
pub mod cells;
pub mod company_details;
pub mod decided;
pub mod deleted_companies;
pub mod erased;
pub mod files;
pub mod people;
pub mod undo;
pub mod upload;
pub mod verdicts;
pub mod written;

/// The fields of an import record that `sentences` selects.
const ROWS: &str = "nodes { verdict promotionStatus reason matchReason prospect { fullName } }";

/// Previews an import; returns the primary key of its job.
pub async fn preview(app: &App, file: &str) -> i64 {
    look_as(app, file, Options::default()).await
}

async fn look_as(app: &App, file: &str, options: Options) -> i64 {
    let opened = imports::open(file.as_bytes(), options).unwrap();
    opened.preview(&app.scope(app.organization), &Unwatched).await.unwrap().job
}

/// A worker that runs only when a test calls it.
fn worker(app: &App) -> Worker {
    Worker::new(app.store.clone(), Arc::clone(&app.clock) as Arc<dyn Clock>)
}

/// Runs the worker until no job is in progress.
async fn work(app: &App) {
    let mut worker = worker(app);
    let running = "{ importJobs(filter: { status: { in: [PROCESSING, UNDOING, PROMOTING] }, kind: { eq: IMPORT } }) { totalCount } }";
    loop {
        while worker.round().await.unwrap() {}
        // An abandoned transaction may lock a job briefly.
        if app.data(running).await["importJobs"]["totalCount"] == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Commits an import and waits until it is completed.
pub async fn commit(app: &App, job: i64, candidates: &str) {
    let commit = format!(
        "mutation {{ commitImportJob(input: {{ id: {job}, candidates: {candidates} }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&commit).await;
    work(app).await;
}

/// Runs a job action and waits until it is completed.
pub async fn act(app: &App, what: &str, job: i64) {
    let act =
        format!("mutation {{ {what}(input: {{ id: {job} }}) {{ userErrors {{ message }} }} }}");
    app.done(&act).await;
    work(app).await;
}

/// The records of an import, each as `VERDICT STATUS by MATCH: reason`.
async fn sentences(app: &App, job: i64) -> Vec<String> {
    let query = format!("{{ importJob(id: {job}) {{ importRecords(first: 100) {{ {ROWS} }} }} }}");
    let rows = app.data(&query).await;
    let rows = rows["importJob"]["importRecords"]["nodes"].as_array().unwrap().clone();
    let told = rows.iter().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let by = row["matchReason"].as_str().map(|by| format!(" by {by}")).unwrap_or_default();
        let reason = text("reason");
        let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
        format!("{} {}{by}{reason}", text("verdict"), text("promotionStatus"))
    });
    told.collect()
}

/// The record counts (created, updated, skipped, failed, pending) and status of a job.
async fn counts(app: &App, job: i64) -> (Vec<i64>, String) {
    let query = format!(
        "{{ importJob(id: {job}) {{ status createdRecords updatedRecords skippedRecords failedRecords pendingRecords }} }}"
    );
    let job = app.data(&query).await["importJob"].clone();
    let names =
        ["createdRecords", "updatedRecords", "skippedRecords", "failedRecords", "pendingRecords"];
    let counts = names.map(|name| job[name].as_i64().unwrap());
    (counts.to_vec(), job["status"].as_str().unwrap().to_owned())
}

/// All prospects except deleted ones, each with name, email, phone, job title and company.
async fn people(app: &App) -> Vec<String> {
    let query =
        "{ prospects(first: 100) { nodes { fullName email phone jobTitle company { name } } } }";
    let people = app.data(query).await["prospects"]["nodes"].clone();
    let told = people.as_array().unwrap().iter().map(|person| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        [
            &person["fullName"],
            &person["email"],
            &person["phone"],
            &person["jobTitle"],
            &person["company"]["name"],
        ]
        .map(text)
        .join(" | ")
    });
    told.collect()
}
