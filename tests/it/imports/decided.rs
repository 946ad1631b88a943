//! Decisions on match candidates, and repair of failed records.

use serde_json::json;
use tests::{App, behaviours};

use super::{act, commit, counts, people, preview, sentences, work};

behaviours![
    merge_candidates_are_decided_one_by_one,
    merge_candidates_are_decided_together,
    rejected_decision_rejects_the_batch_or_is_skipped,
    commit_decides_all_remaining_candidates,
    rows_of_one_chunk_are_matched_with_each_other,
    stored_decisions_are_applied,
    failed_record_can_be_repaired,
    failed_records_are_retried,
];

/// Previews an import in which every row has a match candidate; returns the primary key of its job.
async fn candidates(app: &App) -> i64 {
    app.industry("Software").await;
    for create in [
        r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#,
        r#"createProspect(input: { fullName: "Ada Lovelace", email: "ada@acme.example", companyId: 1 })"#,
        r#"createProspect(input: { fullName: "Adam Lovelace", email: "adam@acme.example", companyId: 1 })"#,
    ] {
        app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    }
    let list = "Name,Email,Phone,Company\n\
        Ada Lovelace,a.lovelace@acme.example,+493012345678,Acme\n\
        Ada Lovelac,al@acme.example,+493012345679,Acme\n\
        Lovelace Ada,la@acme.example,,Acme\n\
        Ada Lovelace,,,Acme\n";
    preview(app, list).await
}

async fn decide(app: &App, record: i64, decision: &str) {
    let decide = format!(
        "mutation {{ decideImportRecord(input: {{ id: {record}, decision: {decision} }}) {{ importRecord {{ decision }} userErrors {{ message }} }} }}"
    );
    app.done(&decide).await;
}

async fn merge_candidates_are_decided_one_by_one(app: App) {
    let job = candidates(&app).await;
    decide(&app, 1, "MERGE, prospectId: \"Prospect:2\"").await;
    commit(&app, job, "WAIT").await;
    assert_eq!(counts(&app, job).await, (vec![0, 1, 0, 0, 3], "COMPLETED".to_owned()));
    let note = async || {
        let query = format!("{{ importJob(id: {job}) {{ note }} }}");
        app.data(&query).await["importJob"]["note"].as_str().map(str::to_owned)
    };
    assert!(
        note().await.unwrap().starts_with("3 rows wait for a decision: use decideImportRecord")
    );
    assert_eq!(
        people(&app).await[1],
        "Adam Lovelace | adam@acme.example | +493012345678 | - | Acme"
    );
    // In a committed import, a decision is applied immediately.
    for (record, decision) in [(2, "CREATE"), (3, "SKIP"), (4, "MERGE")] {
        decide(&app, record, decision).await;
        work(&app).await;
    }
    assert_eq!(note().await, None);
    assert_eq!(
        sentences(&app, job)
            .await
            .iter()
            .map(|told| told.split(':').next().unwrap())
            .collect::<Vec<_>>(),
        [
            "MERGE_CANDIDATE MATCHED by decision",
            "MERGE_CANDIDATE CREATED",
            "MERGE_CANDIDATE REJECTED",
            "MERGE_CANDIDATE MATCHED by decision"
        ]
    );
    assert_eq!(counts(&app, job).await, (vec![1, 1, 2, 0, 0], "COMPLETED".to_owned()));
    let refused = app
        .refused("mutation { decideImportRecord(input: { id: 3, decision: MERGE }) { userErrors { code field message } } }")
        .await;
    assert_eq!(
        refused,
        ["CONFLICT id: the row needs no decision: it is not an open MERGE_CANDIDATE"]
    );
}

async fn decide_all(app: &App, input: &str) -> serde_json::Value {
    let decide = format!(
        "mutation {{ decideImportRecords(input: {{ {input} }}) {{ importRecords {{ decision }} userErrors {{ reason field index }} }} }}"
    );
    app.data(&decide).await["decideImportRecords"].take()
}

async fn merge_candidates_are_decided_together(app: App) {
    let job = candidates(&app).await;
    commit(&app, job, "WAIT").await;
    let input = "importRecords: [{ id: 3, decision: SKIP }, { id: 1, decision: MERGE, prospectId: \"Prospect:2\" }, \
                 { id: 2, decision: CREATE }]";
    let decided = decide_all(&app, input).await;
    assert_eq!(
        decided,
        json!({ "importRecords": [{ "decision": "SKIP" }, { "decision": "MERGE" }, { "decision": "CREATE" }], "userErrors": [] })
    );
    work(&app).await;
    assert_eq!(counts(&app, job).await, (vec![1, 1, 1, 0, 1], "COMPLETED".to_owned()));
}

async fn rejected_decision_rejects_the_batch_or_is_skipped(app: App) {
    let job = candidates(&app).await;
    let input = "importRecords: [{ id: 1, decision: SKIP }, { id: 4, decision: CREATE }, \
                 { id: 2, decision: MERGE, prospectId: 9 }, { id: 99, decision: SKIP }]";
    let errors = json!([
        { "reason": "DECISION_INVALID", "field": "decision", "index": 1 },
        { "reason": "ROW_NOT_FOUND", "field": "prospectId", "index": 2 },
        { "reason": "ROW_NOT_FOUND", "field": "id", "index": 3 },
    ]);
    let refused = decide_all(&app, input).await;
    assert_eq!(refused, json!({ "importRecords": null, "userErrors": errors }));
    let skipped = decide_all(&app, &format!("{input}, onError: SKIP_FAILED")).await;
    let rows = json!([{ "decision": "SKIP" }, null, null, null]);
    assert_eq!(skipped, json!({ "importRecords": rows, "userErrors": errors }));
    commit(&app, job, "WAIT").await;
    assert_eq!(counts(&app, job).await, (vec![0, 0, 1, 0, 3], "COMPLETED".to_owned()));
}

async fn commit_decides_all_remaining_candidates(app: App) {
    let job = candidates(&app).await;
    commit(&app, job, "WAIT").await;
    assert_eq!(counts(&app, job).await.0, [0, 0, 0, 0, 4]);
    let create = "mutation { decideImportRecord(input: { id: 4, decision: CREATE }) { userErrors { code field message } } }";
    let refused = app.refused(create).await;
    assert_eq!(
        refused,
        [
            "INVALID decision: the row has no e-mail address; correct the row first, or use MERGE or SKIP"
        ]
    );
    decide(&app, 3, "SKIP").await;
    commit(&app, job, "CREATE").await;
    assert_eq!(counts(&app, job).await, (vec![2, 0, 1, 1, 0], "COMPLETED".to_owned()));
    let query = "{ importRecord(id: 4) { promotionStatus lastError } }";
    assert_eq!(
        app.data(query).await["importRecord"],
        json!({ "promotionStatus": "FAILED", "lastError": "the row has no e-mail address" })
    );
}

async fn rows_of_one_chunk_are_matched_with_each_other(app: App) {
    app.industry("Software").await;
    for create in [
        r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#,
        r#"createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 1 })"#,
    ] {
        app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    }
    let list = "Name,Email,Phone,Title,LinkedIn,Company\n\
        Ada,ada@acme.example,,,linkedin.com/in/ada,Acme\n\
        Ada L.,ada@private.example,,CTO,linkedin.com/in/ada,Acme\n\
        Eve Adams,eve@delta.example,,,,Delta\n\
        Adams Eve,eve.adams@gmail.com,+493012345678,,,Delta\n\
        Fay One,fay@delta.example,+493000000000,,,Delta\n\
        Gil Two,gil@delta.example,+493000000000,,,Delta\n\
        Hal Three,hal@delta.example,+493000000000,,,Delta\n";
    let job = preview(&app, list).await;
    let before = app.store.statements();
    commit(&app, job, "MERGE").await;
    assert!(
        app.store.statements() - before < 120,
        "rows that share a phone number must not take one pass each"
    );
    assert_eq!(counts(&app, job).await, (vec![4, 3, 0, 0, 0], "COMPLETED".to_owned()));
    let mut people = people(&app).await;
    people.sort_unstable();
    assert_eq!(
        people,
        [
            "Ada | ada@acme.example | - | CTO | Acme",
            "Eve Adams | eve@delta.example | +493012345678 | - | Delta",
            "Fay One | fay@delta.example | +493000000000 | - | Delta",
            "Gil Two | gil@delta.example | +493000000000 | - | Delta",
            "Hal Three | hal@delta.example | +493000000000 | - | Delta"
        ]
    );
}

async fn stored_decisions_are_applied(app: App) {
    let job = candidates(&app).await;
    decide(&app, 1, "SKIP").await;
    decide(&app, 2, "MERGE, prospectId: 2").await;
    for write in [
        r#"createProspect(input: { fullName: "Other", email: "a.lovelace@acme.example", companyId: 1 })"#,
        "deleteProspect(input: { id: 2 })",
    ] {
        app.done(&format!("mutation {{ {write} {{ userErrors {{ message }} }} }}")).await;
    }
    commit(&app, job, "WAIT").await;
    let query = "{ importRecords(first: 2) { nodes { promotionStatus lastError } } }";
    let gone = "the prospect no longer exists or has not been created yet";
    assert_eq!(
        app.data(query).await["importRecords"]["nodes"],
        json!([{ "promotionStatus": "REJECTED", "lastError": null }, { "promotionStatus": "FAILED", "lastError": gone }])
    );
}

async fn failed_record_can_be_repaired(app: App) {
    let list = "Name,Email,Company\nAda,ada at acme,Acme\nBob,bob@acme.example,Acme\nZed,,Acme\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    assert_eq!(counts(&app, job).await, (vec![1, 0, 0, 2, 0], "COMPLETED".to_owned()));
    let repair = |record: i64, patch: &str| {
        format!(
            "mutation {{ repairImportRecord(input: {{ id: {record}, patch: {{ {patch} }} }}) {{ importRecord {{ verdict email }} userErrors {{ code field message }} }} }}"
        )
    };
    for (record, patch, message) in [
        (1, r#"email: "still not""#, "INVALID patch: `still not` is not an e-mail address"),
        (
            1,
            r#"email: "ada@acme.example", phone: "x""#,
            "INVALID patch: `x` can't be read as a phone number",
        ),
        (1, "email: null", "INVALID id: the row has no e-mail address"),
        (2, r#"fullName: "Robert""#, "CONFLICT id: the row is CREATED and can't be changed"),
    ] {
        assert_eq!(app.refused(&repair(record, patch)).await, [message]);
    }
    let repaired =
        app.done(&repair(1, r#"email: "Ada@acme.example", phone: "+49 30 12345678""#)).await;
    assert_eq!(
        repaired["importRecord"],
        json!({ "verdict": "CREATE", "email": "ada@acme.example" })
    );
    work(&app).await;
    let repaired = app.done(&repair(3, r#"email: "bob@acme.example""#)).await;
    assert_eq!(repaired["importRecord"]["verdict"], "SKIP");
    work(&app).await;
    assert_eq!(counts(&app, job).await, (vec![2, 0, 1, 0, 0], "COMPLETED".to_owned()));
    assert_eq!(people(&app).await[1], "Ada | ada@acme.example | +493012345678 | - | Acme");
}

async fn failed_records_are_retried(app: App) {
    let job = candidates(&app).await;
    commit(&app, job, "CREATE").await;
    assert_eq!(counts(&app, job).await.0, [3, 0, 0, 1, 0]);
    act(&app, "retryImportJob", job).await;
    assert_eq!(counts(&app, job).await, (vec![3, 0, 0, 1, 0], "COMPLETED".to_owned()));
    let query = "{ importRecord(id: 4) { promotionStatus lastError } }";
    assert_eq!(app.data(query).await["importRecord"]["promotionStatus"], "FAILED");
}
