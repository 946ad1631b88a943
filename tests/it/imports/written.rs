//! Commits of imports: in chunks, and interrupted, paused, resumed or cancelled.

use std::time::Duration;

use engine::{
    change_log::ChangeStream,
    progress::{Progress, Unwatched},
};
use futures_util::StreamExt;
use serde_json::json;
use service::imports::{self, JobAction};
use tests::{App, behaviours};

use super::{act, commit, counts, people, preview, sentences, work, worker};
use crate::subscriptions::feed::subscribe;

behaviours![
    commit_creates_prospects_and_companies,
    commit_considers_rows_written_since_the_preview,
    interrupted_commit_resumes,
    concurrent_runs_commit_each_row_once,
    commit_can_be_paused_resumed_and_cancelled,
    incomplete_preview_cannot_be_committed,
    job_actions_require_an_allowed_status,
    progress_is_delivered_to_subscribers,
    stalled_uploads_are_marked_as_failed,
    committer_is_the_actor_of_written_rows,
];

/// A name that is unique within its company.
pub fn name(number: usize) -> String {
    let firsts = ["Ada", "Bob", "Cleo", "Dan", "Eve", "Fay", "Gil", "Hal", "Ivy", "Jo"];
    let lasts = ["Lovelace", "Byte", "Code", "Quine", "Turing"];
    format!("{} {}", firsts[number % 10], lasts[number / 10 % 5])
}

/// An import file with `rows` prospects, ten per company.
fn many(rows: usize) -> String {
    let row = |n: usize| format!("{},p{n}@c{}.example,C{}\n", name(n), n / 10, n / 10);
    format!("Name,Email,Company\n{}", (0..rows).map(row).collect::<String>())
}

async fn totals(app: &App) -> (i64, i64) {
    let totals = app.data("{ prospects { totalCount } companies { totalCount } }").await;
    let total = |name: &str| totals[name]["totalCount"].as_i64().unwrap();
    (total("prospects"), total("companies"))
}

async fn commit_creates_prospects_and_companies(app: App) {
    let list = "First Name,Last Name,Email,Phone,Title,City,Country,Company,Website,Industry,# Employees\n\
        Ada,Lovelace,ada@acme.example,+493012345678,CTO,London,UK,Acme Ltd,https://www.acme.example,Software,250\n\
        Bob,Byte,bob@acme.example,,,,,ACME,,,\n\
        Cleo,Code,cleo@gmail.com,,,,,Beta,,,\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    let query = "{ prospects { nodes { fullName email phone jobTitle location source lifecycleStage company { name website domain size industry { name } } } } \
                 importRecords { nodes { promotionStatus prospect { fullName } company { name } } } }";
    let acme = json!({ "name": "Acme Ltd", "website": "https://www.acme.example", "domain": "acme.example", "size": "250", "industry": { "name": "Software" } });
    let beta = json!({ "name": "Beta", "website": null, "domain": null, "size": "unknown", "industry": { "name": "Unknown" } });
    let person = |name: &str, email: &str| json!({ "fullName": name, "email": email, "phone": null, "jobTitle": null, "location": null, "source": "IMPORT", "lifecycleStage": "NEW" });
    let mut ada = person("Ada Lovelace", "ada@acme.example");
    for (field, value) in
        [("phone", "+493012345678"), ("jobTitle", "CTO"), ("location", "London, UK")]
    {
        ada[field] = json!(value);
    }
    let (mut bob, mut cleo) =
        (person("Bob Byte", "bob@acme.example"), person("Cleo Code", "cleo@gmail.com"));
    (ada["company"], bob["company"], cleo["company"]) = (acme.clone(), acme, beta);
    let data = app.data(query).await;
    assert_eq!(data["prospects"]["nodes"], json!([ada, bob, cleo]));
    assert_eq!(
        data["importRecords"]["nodes"][1],
        json!({ "promotionStatus": "CREATED", "prospect": { "fullName": "Bob Byte" }, "company": { "name": "Acme Ltd" } })
    );
    assert_eq!(counts(&app, job).await, (vec![3, 0, 0, 0, 0], "COMPLETED".to_owned()));
    // Importing the same file again changes nothing.
    let again = preview(&app, list).await;
    assert_eq!(sentences(&app, again).await, ["SKIP MATCHED by email: no new values"; 3]);
    commit(&app, again, "WAIT").await;
    assert_eq!(totals(&app).await, (3, 2));
}

async fn commit_considers_rows_written_since_the_preview(app: App) {
    let list = "Name,Email,Phone,Company\nAda,ada@acme.example,+493012345678,Acme\nBob Byte,bob@acme.example,,Acme\n";
    let job = preview(&app, list).await;
    app.industry("Software").await;
    for create in [
        r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#,
        r#"createProspect(input: { fullName: "Ada L", email: "ADA@acme.example", companyId: 1 })"#,
        r#"createProspect(input: { fullName: "Byte, Bob", email: "b.byte@acme.example", companyId: 1 })"#,
    ] {
        app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    }
    commit(&app, job, "WAIT").await;
    assert_eq!(
        sentences(&app, job).await,
        [
            "CREATE MATCHED by email",
            "MERGE_CANDIDATE NONE: may be Prospect:2: same name at the same company, different e-mail address",
        ]
    );
    assert_eq!(people(&app).await[0], "Ada L | ADA@acme.example | +493012345678 | - | Acme");
    assert_eq!(totals(&app).await, (2, 1));
}

/// Interrupts the run after this number of rows.
struct BreakOff(std::sync::atomic::AtomicI64);

impl Progress for BreakOff {
    fn begin(&self, _step: &str, _rows: Option<u64>) {}
    fn advance(&self, rows: u64) {
        let rows = i64::try_from(rows).unwrap();
        let left = self.0.fetch_sub(rows, std::sync::atomic::Ordering::Relaxed) - rows;
        assert!(left > 0, "interrupted");
    }
    fn finish(&self) {}
}

async fn interrupted_commit_resumes(app: App) {
    let job = preview(&app, &many(3_460)).await;
    let scope = app.scope(app.organization);
    imports::act(&scope, job, JobAction::Commit("wait".to_owned()), None).await.unwrap();
    // The run is interrupted between two chunks.
    let broken = futures_util::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(async {
        imports::run(&scope, job, &BreakOff(900.into())).await
    }));
    assert!(broken.await.is_err());
    assert_eq!(counts(&app, job).await, (vec![1_000, 0, 0, 0, 2_460], "PROCESSING".to_owned()));
    // The run is interrupted within a chunk, at arbitrary times.
    for micros in [300, 3_000, 9_000, 20_000, 35_000, 60_000] {
        let run = imports::run(&scope, job, &Unwatched);
        drop(tokio::time::timeout(Duration::from_micros(micros), run).await);
        let (counted, _) = counts(&app, job).await;
        assert_eq!(counted[0] % 10, 0, "{counted:?}");
        assert_eq!(totals(&app).await.0, counted[0], "the counters must match the written rows");
    }
    work(&app).await;
    assert_eq!(counts(&app, job).await, (vec![3_460, 0, 0, 0, 0], "COMPLETED".to_owned()));
    assert_eq!(totals(&app).await, (3_460, 346));
    let emails = app.data("{ prospects { aggregate { count email { distinct } } } }").await;
    assert_eq!(
        emails["prospects"]["aggregate"],
        json!({ "count": 3460, "email": { "distinct": 3460 } })
    );
}

async fn concurrent_runs_commit_each_row_once(app: App) {
    let job = preview(&app, &many(3_200)).await;
    let other = preview(&app, &many(3_200)).await;
    let scope = app.scope(app.organization);
    for job in [job, other] {
        imports::act(&scope, job, JobAction::Commit("wait".to_owned()), None).await.unwrap();
    }
    let one = imports::run(&scope, job, &Unwatched);
    let two = imports::run(&scope, job, &Unwatched);
    let third = imports::run(&scope, other, &Unwatched);
    let (one, two, third) = futures_util::join!(one, two, third);
    for done in [one, two, third] {
        assert_eq!(done.unwrap().text(service::ingest::import_job::Column::Status), "completed");
    }
    assert_eq!(totals(&app).await, (3_200, 320));
    let (first, _) = counts(&app, job).await;
    let (second, _) = counts(&app, other).await;
    assert_eq!(first[0] + second[0], 3_200);
    assert_eq!(first[2] + second[2], 3_200);
}

async fn commit_can_be_paused_resumed_and_cancelled(app: App) {
    let job = preview(&app, &many(3_400)).await;
    let mut worker = worker(&app);
    let act = async |what: &str| {
        let act = format!(
            "mutation {{ {what}(input: {{ id: {job} }}) {{ importJob {{ status }} userErrors {{ message }} }} }}"
        );
        app.done(&act).await["importJob"]["status"].clone()
    };
    assert_eq!(act("commitImportJob").await, "PROCESSING");
    assert!(worker.round().await.unwrap());
    assert_eq!(act("pauseImportJob").await, "PAUSED");
    assert!(!worker.round().await.unwrap());
    assert_eq!(counts(&app, job).await, (vec![1_000, 0, 0, 0, 2_400], "PAUSED".to_owned()));
    assert_eq!(act("resumeImportJob").await, "PROCESSING");
    assert!(worker.round().await.unwrap());
    assert_eq!(act("cancelImportJob").await, "CANCELLED");
    assert!(!worker.round().await.unwrap());
    assert_eq!(counts(&app, job).await, (vec![2_000, 0, 0, 0, 1_400], "CANCELLED".to_owned()));
    assert_eq!(act("undoImportJob").await, "UNDOING");
    work(&app).await;
    assert_eq!(totals(&app).await, (0, 0));
    let query = format!("{{ importJob(id: {job}) {{ status undoneRecords undoSkippedRecords }} }}");
    assert_eq!(
        app.data(&query).await["importJob"],
        json!({ "status": "UNDONE", "undoneRecords": 2000, "undoSkippedRecords": 0 })
    );
}

async fn incomplete_preview_cannot_be_committed(app: App) {
    let job = app.import_job("Broken").await;
    let sql = "UPDATE import_jobs SET status = 'failed'";
    sea_orm::ConnectionTrait::execute_unprepared(&app.db, sql).await.unwrap();
    for what in ["commitImportJob", "retryImportJob"] {
        let act = format!(
            "mutation {{ {what}(input: {{ id: {job} }}) {{ userErrors {{ code field message }} }} }}"
        );
        assert_eq!(
            app.refused(&act).await,
            ["CONFLICT id: the preview of the import did not finish; upload the file again"]
        );
    }
}

async fn job_actions_require_an_allowed_status(app: App) {
    let job = preview(&app, "Name,Email\nAda,ada@acme.example\n").await;
    let refused = async |what: &str| {
        let act = format!(
            "mutation {{ {what}(input: {{ id: {job} }}) {{ userErrors {{ code field message }} }} }}"
        );
        app.refused(&act).await.join("")
    };
    assert_eq!(
        refused("pauseImportJob").await,
        "CONFLICT id: the job is PENDING; to pause a job, its status must be PROCESSING"
    );
    assert_eq!(
        refused("resumeImportJob").await,
        "CONFLICT id: the job is PENDING; to resume a job, its status must be PAUSED"
    );
    assert!(
        refused("undoImportJob")
            .await
            .starts_with("CONFLICT id: the job is PENDING; to undo a job, its status must be")
    );
    act(&app, "cancelImportJob", job).await;
    assert!(refused("cancelImportJob").await.starts_with("CONFLICT id: the job is CANCELLED"));
    app.done(&format!(
        "mutation {{ commitImportJob(input: {{ id: {job} }}) {{ userErrors {{ message }} }} }}"
    ))
    .await;
    let delete = format!(
        "mutation {{ deleteImportJob(input: {{ id: {job} }}) {{ userErrors {{ code field message }} }} }}"
    );
    assert_eq!(
        app.refused(&delete).await,
        ["CONFLICT id: the import job is PROCESSING; wait until it is done, or pause it"]
    );
    work(&app).await;
    app.done(&delete).await;
    let left = app
        .data("{ importJobs { totalCount } importRecords { totalCount } prospects { totalCount } }")
        .await;
    assert_eq!(
        left,
        json!({ "importJobs": { "totalCount": 0 }, "importRecords": { "totalCount": 0 }, "prospects": { "totalCount": 1 } })
    );
    let none = app
        .refused(
            "mutation { commitImportJob(input: { id: 77 }) { userErrors { code field message } } }",
        )
        .await;
    assert_eq!(none, ["NOT_FOUND id: no such import job"]);
}

async fn progress_is_delivered_to_subscribers(app: App) {
    let job = preview(&app, &many(2_400)).await;
    app.settled().await;
    let feed = ChangeStream::new(app.store.clone());
    let query = format!(
        "subscription {{ importJobChanged(filter: {{ id: {{ eq: \"ImportJob:{job}\" }} }}) {{ change {{ fields {{ name after }} }} importJob {{ id }} }} }}"
    );
    let mut events = subscribe(&app, &feed, &query);
    assert!(tokio::time::timeout(Duration::from_millis(100), events.next()).await.is_err());
    preview(&app, "Name,Email\nAda,ada@acme.example\n").await;
    commit(&app, job, "WAIT").await;
    let mut seen = Vec::new();
    while seen.len() < 4 {
        let event =
            tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap();
        let event: serde_json::Value =
            serde_json::from_str(&graph::json_text::response(&event)).unwrap();
        let event = &event["data"]["importJobChanged"];
        assert_eq!(event["importJob"]["id"], format!("ImportJob:{job}"));
        let fields = event["change"]["fields"].as_array().unwrap();
        let field = |name: &str| {
            fields.iter().find(|field| field["name"] == name).map(|field| field["after"].clone())
        };
        seen.push((field("status"), field("processedRecords")));
    }
    assert_eq!(
        seen,
        [
            (Some(json!("PROCESSING")), None),
            (None, Some(json!(1_000))),
            (None, Some(json!(2_000))),
            (Some(json!("COMPLETED")), Some(json!(2_400))),
        ]
    );
}

async fn stalled_uploads_are_marked_as_failed(app: App) {
    let job = app.import_job("Broken").await;
    let sql = "UPDATE import_jobs SET status = 'uploading'";
    sea_orm::ConnectionTrait::execute_unprepared(&app.db, sql).await.unwrap();
    let worker = worker(&app);
    app.clock.advance(chrono::TimeDelta::minutes(9));
    worker.give_up().await.unwrap();
    assert_eq!(counts(&app, job).await.1, "UPLOADING");
    app.clock.advance(chrono::TimeDelta::minutes(2));
    worker.give_up().await.unwrap();
    let query = format!("{{ importJob(id: {job}) {{ status error }} }}");
    assert_eq!(
        app.data(&query).await["importJob"],
        json!({ "status": "FAILED", "error": "the preview was interrupted: upload the file again" })
    );
}

async fn committer_is_the_actor_of_written_rows(app: App) {
    let job = preview(&app, "Name,Email\nAda,ada@acme.example\n").await;
    let commit = format!(
        "mutation {{ commitImportJob(input: {{ id: {job} }}) {{ userErrors {{ message }} }} }}"
    );
    app.done_by(engine::Actor::Person("Grace".to_owned()), &commit).await;
    work(&app).await;
    let query = format!(
        "{{ importJob(id: {job}) {{ committedBy }} changes(filter: {{ entity: {{ eq: PROSPECT }} }}) {{ nodes {{ kind actorKind actorName requestId }} }} }}"
    );
    let data = app.data(&query).await;
    assert_eq!(data["importJob"]["committedBy"], "person/Grace");
    assert_eq!(
        data["changes"]["nodes"],
        json!([{ "kind": "CREATED", "actorKind": "PERSON", "actorName": "Grace", "requestId": format!("import-{job}") }])
    );
}
