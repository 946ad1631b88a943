//! Companies that are deleted while an import writes their people.

use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::json;
use tests::{App, Engine, behaviours};

use super::{preview, worker, written::name};

behaviours![
    company_deleted_during_commit_is_created_again,
    company_deleted_before_the_commit_is_created_again,
];

async fn company_deleted_during_commit_is_created_again(app: App) {
    app.industry("Software").await;
    let create = r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#;
    app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    let row = |n: usize| format!("{},p{n}@acme.example,Acme{n}\n", name(n));
    let rows: String = (0..1_000).map(row).collect();
    let job =
        preview(&app, &format!("Name,Email,Company\n{rows}Zoe Last,zoe@acme.example,Acme\n")).await;
    let commit = format!(
        "mutation {{ commitImportJob(input: {{ id: {job}, candidates: CREATE }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&commit).await;
    let mut worker = worker(&app);
    // The company is deleted after the worker has read it.
    worker.round().await.unwrap();
    let sql = "UPDATE companies SET deleted_at = updated_at WHERE id = 1";
    app.db.execute_unprepared(sql).await.unwrap();
    while worker.round().await.unwrap() {}
    let query = "{ prospects(last: 1) { nodes { fullName company { name deletedAt } } } }";
    let zoe = app.data(query).await["prospects"]["nodes"][0].clone();
    assert_eq!(zoe["company"]["deletedAt"], json!(null), "{zoe}");
}

async fn company_deleted_before_the_commit_is_created_again(app: App) {
    if app.engine == Engine::Sqlite {
        // SQLite has a single writer.
        return;
    }
    app.industry("Software").await;
    let create = r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#;
    app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    let job = preview(&app, "Name,Email,Company\nZoe Last,zoe@acme.example,Acme\n").await;
    let commit = format!(
        "mutation {{ commitImportJob(input: {{ id: {job}, candidates: CREATE }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&commit).await;
    // Another transaction deletes the company; the worker has written the prospect and waits to count it.
    let deletion = app.db.begin().await.unwrap();
    let delete = "UPDATE companies SET deleted_at = updated_at WHERE id = 1";
    deletion.execute_unprepared(delete).await.unwrap();
    let mut worker = worker(&app);
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE '%prospect_count%'";
    let waiting = || Statement::from_string(app.db.get_database_backend(), waiting);
    let commit = async {
        while app
            .db
            .query_one_raw(waiting())
            .await
            .unwrap()
            .unwrap()
            .try_get_by_index::<i64>(0)
            .unwrap()
            == 0
        {
            tokio::task::yield_now().await;
        }
        deletion.commit().await.unwrap();
    };
    futures_util::future::join(worker.round(), commit).await.0.unwrap();
    // The rollback of the rejected transaction may still hold the job.
    let status = "{ importJobs { nodes { status } } }";
    while app.data(status).await["importJobs"]["nodes"][0]["status"] == "PROCESSING" {
        worker.round().await.unwrap();
    }
    let query = "{ prospects { nodes { fullName company { id deletedAt prospectCount } } } }";
    assert_eq!(
        app.data(query).await["prospects"]["nodes"],
        json!([{ "fullName": "Zoe Last",
            "company": { "id": "Company:2", "deletedAt": null, "prospectCount": 1 } }])
    );
}
