//! Failed records, crashed workers and stopped jobs.

use std::sync::{Arc, atomic::Ordering};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use serde_json::json;
use service::enrichment::{Failure, Field, LEASE, Provider, ProviderRequest, ProviderResponse};
use tests::{App, behaviours};
use tokio::sync::Notify;

use super::{Fake, ask, begin, charge, enrich, found, job, people, provenance, set, work, worker};

behaviours![
    failed_records_are_retried_up_to_the_maximum,
    permanent_failures_are_not_retried,
    misconfigured_provider_fails_the_job,
    expired_lease_is_claimed_by_another_worker,
    late_response_is_charged_and_not_written,
    concurrent_requests_respect_the_setting,
    paused_or_cancelled_job_sends_no_requests,
    deleted_prospects_are_skipped,
    job_deleted_during_a_request_is_charged,
    job_undone_during_a_request_writes_nothing,
    reservation_of_cancelled_job_expires_with_its_lease,
    server_without_provider_leaves_job_to_other_servers,
];

fn fails(failure: Failure) -> Arc<Fake> {
    Fake::new("http", 0.5, move |_, _| ProviderResponse {
        outcome: Err(failure.clone()),
        charge: charge(0.1),
        said: None,
    })
}

async fn act(app: &App, what: &str, job: i64) {
    app.done(&format!(
        "mutation {{ {what}(input: {{ id: {job} }}) {{ userErrors {{ message }} }} }}"
    ))
    .await;
}

const RECORD: &str = "status error actualCost failedRecords importRecords { nodes { status lastError processingAttempts \
                      nextAttemptAt cost } }";

async fn failed_records_are_retried_up_to_the_maximum(mut app: App) {
    let ids = people(&app, 1).await;
    let fake = fails(Failure::Later("it is busy".into(), None));
    ask(&mut app, vec![fake.clone()]);
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    let told = job(&app, begun, RECORD).await;
    let record = &told["importRecords"]["nodes"][0];
    assert_eq!((&told["status"], &record["status"]), (&json!("PROCESSING"), &json!("PENDING")));
    assert_eq!(
        (&record["lastError"], &record["processingAttempts"]),
        (&json!("it is busy"), &json!(1))
    );
    // The delay is two minutes plus a jitter of up to one minute.
    let next: chrono::DateTime<chrono::Utc> =
        record["nextAttemptAt"].as_str().unwrap().parse().unwrap();
    let wait = (next.fixed_offset() - app.now()).num_seconds();
    assert!((120..180).contains(&wait), "{wait}");
    assert_eq!(work(&app).await, 0);
    app.clock.advance(TimeDelta::minutes(3));
    assert_eq!(work(&app).await, 1);
    app.clock.advance(TimeDelta::minutes(3));
    assert_eq!(work(&app).await, 0);
    app.clock.advance(TimeDelta::minutes(3));
    assert_eq!(work(&app).await, 1);
    let told = job(&app, begun, RECORD).await;
    let record = &told["importRecords"]["nodes"][0];
    assert_eq!(
        (&told["status"], &told["error"], &told["failedRecords"], &record["status"]),
        (
            &json!("FAILED"),
            &json!(
                "no record was enriched; `lastError` and `providerMessage` of the failed records have the reasons"
            ),
            &json!(1),
            &json!("FAILED")
        )
    );
    // Each attempt is charged.
    assert_eq!((&told["actualCost"], &record["cost"]), (&json!(0.3), &json!(0.3)));
    let ledger = app.data("{ serviceUsageLogs { totalCount } }").await;
    assert_eq!(ledger["serviceUsageLogs"]["totalCount"], 3);
    // A manual retry succeeds.
    let fake = Fake::new("http", 0.5, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.1))
    });
    ask(&mut app, vec![fake]);
    act(&app, "retryImportJob", begun).await;
    assert_eq!(work(&app).await, 1);
    let fields = "status error failedRecords enrichedRecords processedRecords actualCost";
    assert_eq!(
        job(&app, begun, fields).await,
        json!({ "status": "COMPLETED", "error": null, "failedRecords": 0, "enrichedRecords": 1,
            "processedRecords": 1, "actualCost": 0.4 })
    );
}

async fn permanent_failures_are_not_retried(mut app: App) {
    let ids = people(&app, 1).await;
    ask(&mut app, vec![fails(Failure::Never("that is no question".into()))]);
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    let told = job(&app, begun, RECORD).await;
    let record = &told["importRecords"]["nodes"][0];
    assert_eq!(
        (&told["status"], &record["lastError"]),
        (&json!("FAILED"), &json!("that is no question"))
    );
}

async fn misconfigured_provider_fails_the_job(mut app: App) {
    let ids = people(&app, 8).await;
    let fake = fails(Failure::Misconfigured("HTTP status 401".into()));
    ask(&mut app, vec![fake.clone()]);
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    assert!(fake.asked.load(Ordering::SeqCst) <= 3);
    let told = job(&app, begun, "status error failedRecords pendingRecords").await;
    assert_eq!(
        told,
        json!({ "status": "FAILED", "error": "HTTP status 401", "failedRecords": 0, "pendingRecords": 8 })
    );
    ask(&mut app, vec![Fake::new("http", 0.5, |asked, _| found(asked, &[], charge(0.1)))]);
    act(&app, "retryImportJob", begun).await;
    assert_eq!(work(&app).await, 8);
}

/// A provider that responds only after a notification from the test.
struct Slow {
    called: Notify,
    go_on: Notify,
}

impl Provider for Slow {
    fn name(&self) -> &'static str {
        "http"
    }

    fn most(&self, _: &ProviderRequest) -> f64 {
        0.5
    }

    fn ask<'a>(&'a self, ask: &'a ProviderRequest) -> BoxFuture<'a, ProviderResponse> {
        Box::pin(async move {
            self.called.notify_one();
            self.go_on.notified().await;
            found(ask, &[(Field::Location, "Late", 0.9)], charge(0.5))
        })
    }
}

fn slow() -> Arc<Slow> {
    Arc::new(Slow { called: Notify::new(), go_on: Notify::new() })
}

async fn expired_lease_is_claimed_by_another_worker(mut app: App) {
    let ids = people(&app, 1).await;
    let slow = slow();
    ask(&mut app, vec![slow.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    let mut dying = worker(&app);
    {
        let round = dying.round();
        tokio::select! {
            _ = round => panic!("the round must not finish"),
            () = slow.called.notified() => {}
        }
    }
    drop(dying);
    let fake = Fake::new("http", 0.5, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.5))
    });
    ask(&mut app, vec![fake.clone()]);
    assert_eq!(work(&app).await, 0, "the lease has not expired");
    app.clock.advance(LEASE + TimeDelta::seconds(1));
    assert_eq!(work(&app).await, 1);
    let told = job(
        &app,
        begun,
        "status enrichedRecords actualCost importRecords { nodes { processingAttempts } }",
    )
    .await;
    assert_eq!(
        told,
        json!({ "status": "COMPLETED", "enrichedRecords": 1, "actualCost": 0.5,
            "importRecords": { "nodes": [{ "processingAttempts": 2 }] } })
    );
}

async fn late_response_is_charged_and_not_written(mut app: App) {
    let ids = people(&app, 1).await;
    let slow = slow();
    ask(&mut app, vec![slow.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    let mut late = worker(&app);
    let meanwhile = async {
        slow.called.notified().await;
        app.clock.advance(LEASE + TimeDelta::seconds(1));
        let clock = Arc::clone(&app.clock) as Arc<dyn engine::Clock>;
        let fake = Fake::new("http", 0.5, |asked, _| {
            found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.25))
        });
        let providers = service::enrichment::Providers::new(vec![fake]);
        let mut other = super::Worker::new(app.store.clone(), clock, providers);
        assert_eq!(other.round().await.unwrap(), 1);
        slow.go_on.notify_one();
    };
    let (round, ()) = futures_util::join!(late.round(), meanwhile);
    round.unwrap();
    assert_eq!(provenance(&app).await, ["location Berlin APPLIED http"]);
    let told = job(&app, begun, "status enrichedRecords processedRecords actualCost").await;
    assert_eq!(
        told,
        json!({ "status": "COMPLETED", "enrichedRecords": 1, "processedRecords": 1, "actualCost": 0.75 })
    );
}

async fn concurrent_requests_respect_the_setting(mut app: App) {
    let ids = people(&app, 12).await;
    set(&app, "cache_ttl_days", "0").await;
    let fake = Fake::new("http", 0.0, |asked, _| found(asked, &[], None));
    ask(&mut app, vec![fake.clone()]);
    begin(&app, &ids[..6], "providers: [HTTP]").await;
    begin(&app, &ids[6..], "providers: [HTTP]").await;
    let (mut one, mut other) = (worker(&app), worker(&app));
    while fake.asked.load(Ordering::SeqCst) < 12 {
        let (first, second) = futures_util::join!(one.round(), other.round());
        first.unwrap();
        second.unwrap();
    }
    assert_eq!(fake.at_once.load(Ordering::SeqCst), 3);
    set(&app, "max_concurrent_enrichments", "1").await;
    let fake = Fake::new("http", 0.0, |asked, _| found(asked, &[], None));
    ask(&mut app, vec![fake.clone()]);
    enrich(&app, &ids, "providers: [HTTP]").await;
    assert_eq!(fake.at_once.load(Ordering::SeqCst), 1);
    let ended = "{ importJobs(filter: { status: { eq: COMPLETED } }) { totalCount } }";
    assert_eq!(app.data(ended).await["importJobs"]["totalCount"], 3);
}

async fn paused_or_cancelled_job_sends_no_requests(mut app: App) {
    let ids = people(&app, 2).await;
    let fake = Fake::new("http", 0.0, |asked, _| found(asked, &[], None));
    ask(&mut app, vec![fake.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    act(&app, "pauseImportJob", begun).await;
    assert_eq!(work(&app).await, 0);
    act(&app, "resumeImportJob", begun).await;
    act(&app, "cancelImportJob", begun).await;
    assert_eq!(work(&app).await, 0);
    act(&app, "retryImportJob", begun).await;
    assert_eq!(work(&app).await, 2);
    let refused = app
        .data(&format!("mutation {{ commitImportJob(input: {{ id: {begun} }}) {{ importJob {{ status }} userErrors {{ message }} }} }}"))
        .await;
    assert!(refused["commitImportJob"]["userErrors"][0]["message"].is_string(), "{refused}");
}

async fn deleted_prospects_are_skipped(mut app: App) {
    let ids = people(&app, 2).await;
    ask(&mut app, vec![Fake::new("http", 0.0, |asked, _| found(asked, &[], None))]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    app.done("mutation { deleteProspect(input: { id: 1 }) { userErrors { message } } }").await;
    assert_eq!(work(&app).await, 1);
    let told = job(&app, begun, "status skippedRecords enrichedRecords progressPercentage").await;
    assert_eq!(
        told,
        json!({ "status": "COMPLETED", "skippedRecords": 1, "enrichedRecords": 1, "progressPercentage": 100.0 })
    );
}

async fn job_deleted_during_a_request_is_charged(mut app: App) {
    let ids = people(&app, 1).await;
    let slow = slow();
    ask(&mut app, vec![slow.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    let mut one = worker(&app);
    let meanwhile = async {
        slow.called.notified().await;
        act(&app, "pauseImportJob", begun).await;
        act(&app, "deleteImportJob", begun).await;
        slow.go_on.notify_one();
    };
    let (round, ()) = futures_util::join!(one.round(), meanwhile);
    round.unwrap();
    let told = app
        .data(
            "{ serviceUsageLogs { nodes { cost importJob { id } } } prospect(id: 1) { location } }",
        )
        .await;
    assert_eq!(told["serviceUsageLogs"]["nodes"], json!([{ "cost": 0.5, "importJob": null }]));
    assert_eq!(told["prospect"]["location"], json!(null));
}

async fn job_undone_during_a_request_writes_nothing(mut app: App) {
    let ids = people(&app, 1).await;
    let slow = slow();
    ask(&mut app, vec![slow.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    let mut one = worker(&app);
    let meanwhile = async {
        slow.called.notified().await;
        act(&app, "pauseImportJob", begun).await;
        crate::imports::act(&app, "undoImportJob", begun).await;
        slow.go_on.notify_one();
    };
    let (round, ()) = futures_util::join!(one.round(), meanwhile);
    round.unwrap();
    assert!(provenance(&app).await.is_empty());
    let told = job(&app, begun, "status skippedRecords actualCost").await;
    assert_eq!(told, json!({ "status": "UNDONE", "skippedRecords": 1, "actualCost": 0.5 }));
}

async fn reservation_of_cancelled_job_expires_with_its_lease(mut app: App) {
    let ids = people(&app, 2).await;
    set(&app, "daily_spend_limit", "0.6").await;
    let slow = slow();
    ask(&mut app, vec![slow.clone()]);
    let begun = begin(&app, &ids[..1], "providers: [HTTP]").await;
    let mut dying = worker(&app);
    {
        let round = dying.round();
        tokio::select! {
            _ = round => panic!("the round must not finish"),
            () = slow.called.notified() => {}
        }
    }
    drop(dying);
    act(&app, "cancelImportJob", begun).await;
    let fake = Fake::new("http", 0.5, |asked, _| found(asked, &[], charge(0.5)));
    ask(&mut app, vec![fake]);
    begin(&app, &ids[1..], "providers: [HTTP]").await;
    assert_eq!(work(&app).await, 0, "the reservation should remain until the lease expires");
    app.clock.advance(LEASE + TimeDelta::seconds(1));
    assert_eq!(work(&app).await, 1);
}

async fn server_without_provider_leaves_job_to_other_servers(mut app: App) {
    let ids = people(&app, 1).await;
    let fake = Fake::new("http", 0.0, |asked, _| found(asked, &[], None));
    ask(&mut app, vec![fake.clone()]);
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    let providers = std::mem::take(&mut app.providers);
    ask(&mut app, Vec::new());
    assert_eq!(work(&app).await, 0);
    // No error is recorded yet, because another server may be about to claim the job.
    assert_eq!(job(&app, begun, "error").await, json!({ "error": null }));
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(work(&app).await, 0);
    let told = job(&app, begun, "status error").await;
    assert_eq!(
        told,
        json!({ "status": "PROCESSING",
            "error": "HTTP is not configured on this server; the job waits for a server with this provider" })
    );
    app.providers = providers;
    assert_eq!(work(&app).await, 1);
    let told = job(&app, begun, "status error").await;
    assert_eq!(told, json!({ "status": "COMPLETED", "error": null }));
}
