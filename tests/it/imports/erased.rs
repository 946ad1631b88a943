//! Import records of prospects that are erased, exported or merged.

use serde_json::json;
use tests::{App, behaviours, stored::dump};

use super::{commit, look_as, preview, sentences};

behaviours![
    erasure_removes_import_records,
    prospect_export_includes_import_records,
    import_records_follow_a_merged_prospect,
];

async fn erasure_removes_import_records(app: App) {
    let list = "Name,Email,Phone,Company\nAda Lovelace,ada@acme.example,,Acme\nA. Lovelace,ADA@acme.example,+493012345678,Acme\n\
                Lovelace Ada,other@acme.example,,Acme\nBob,bob@acme.example,,Acme\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    // This import is previewed but never committed.
    look_as(&app, "Name,Email\nAda,ada@acme.example\n", service::imports::Options::default()).await;
    // The prospect's email changes afterward, and one row has no email.
    let more = "Name,Email,Phone,LinkedIn,Company\nAda L,ada@acme.example,,linkedin.com/in/ada-l,Acme\nAdele L,,+493012345999,linkedin.com/in/ada-l,Acme\n";
    let other = preview(&app, more).await;
    commit(&app, other, "WAIT").await;
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { email: "new@acme.example" } }) { userErrors { message } } }"#).await;
    let erase =
        "mutation { eraseProspect(input: { id: 1 }) { erasedRecords userErrors { message } } }";
    assert_eq!(app.done(erase).await["erasedRecords"], 5);
    let left = dump(&app).await;
    for gone in ["ada@acme", "ADA@acme", "493012345678", "493012345999", "A. Lovelace", "Adele"] {
        assert!(!left.contains(gone), "{gone}");
    }
    assert_eq!(sentences(&app, job).await.len(), 2);
    let counted = app.data(&format!("{{ importJob(id: {job}) {{ totalRecords createdRecords skippedRecords updatedRecords pendingRecords }} }}")).await;
    assert_eq!(
        counted["importJob"],
        json!({ "totalRecords": 2, "createdRecords": 1, "skippedRecords": 0, "updatedRecords": 0, "pendingRecords": 1 })
    );
}

async fn prospect_export_includes_import_records(app: App) {
    let job = preview(&app, "Name,Email,Hobby\nAda,ada@acme.example,Numbers\n").await;
    commit(&app, job, "WAIT").await;
    let export = "mutation { exportProspect(input: { id: 1 }) { export userErrors { message } } }";
    let export = app.done(export).await["export"].to_string();
    assert!(export.contains("Numbers"), "{export}");
}

async fn import_records_follow_a_merged_prospect(app: App) {
    let job =
        preview(&app, "Name,Email,Company\nAda,ada@acme.example,Acme\nBob,bob@acme.example,Acme\n")
            .await;
    commit(&app, job, "WAIT").await;
    app.done(
        "mutation { mergeProspects(input: { keepId: 1, dropId: 2 }) { userErrors { message } } }",
    )
    .await;
    let rows = app.data("{ importRecords { nodes { prospect { id } } } }").await;
    let ada = json!({ "prospect": { "id": "Prospect:1" } });
    assert_eq!(rows["importRecords"]["nodes"], json!([ada, ada]));
}
