//! Undoing imports.

use serde_json::json;
use tests::{App, behaviours};

use super::{act, commit, counts, people, preview, sentences, written::name};

behaviours![
    undo_reverts_written_rows,
    undo_deletes_created_industries,
    undo_skips_records_modified_since,
    undo_reverts_file_duplicates,
    two_imports_are_undone_in_reverse_order,
    many_imports_are_undone_in_reverse_order,
    undo_skips_merged_prospects,
    undo_reverts_many_rows,
];

async fn done(app: &App, mutation: &str) {
    app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
}

async fn undone(app: &App, job: i64) -> serde_json::Value {
    let query = format!("{{ importJob(id: {job}) {{ status undoneRecords undoSkippedRecords }} }}");
    app.data(&query).await["importJob"].clone()
}

async fn undo_reverts_written_rows(app: App) {
    app.industry("Software").await;
    done(&app, r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#).await;
    done(&app, r#"createProspect(input: { fullName: "Ada", email: "ada@acme.example", jobTitle: "CTO", companyId: 1 })"#).await;
    // Activity of an existing prospect does not prevent an undo.
    done(&app, r#"logInteraction(input: { prospectId: 1, interactionType: "mail", subject: "s", content: "c" })"#).await;
    let before = people(&app).await;
    let list = "Name,Email,Phone,Title,Company\nAda,ada@acme.example,+493012345678,CEO,Acme\nBob,bob@beta.example,,,Beta\nCleo,cleo@acme.example,,,Acme\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    assert_eq!(people(&app).await.len(), 3);
    act(&app, "undoImportJob", job).await;
    assert_eq!(
        undone(&app, job).await,
        json!({ "status": "UNDONE", "undoneRecords": 3, "undoSkippedRecords": 0 })
    );
    assert_eq!(people(&app).await, before);
    let companies = app.data("{ companies { nodes { name } } }").await;
    assert_eq!(companies["companies"]["nodes"], json!([{ "name": "Acme" }]));
    assert_eq!(
        sentences(&app, job).await,
        ["UPDATE UNDONE by email: fills in phone", "CREATE UNDONE", "CREATE UNDONE"]
    );
    // Undone prospects can be restored and imported again.
    done(&app, "restoreCompany(input: { id: 2 })").await;
    done(&app, "restoreProspect(input: { id: 2 })").await;
    let again = preview(&app, list).await;
    commit(&app, again, "WAIT").await;
    assert_eq!(counts(&app, again).await, (vec![1, 1, 1, 0, 0], "COMPLETED".to_owned()));
}

async fn undo_deletes_created_industries(app: App) {
    for name in ["Banking", "Unclassified"] {
        app.industry(name).await;
    }
    let list = "Name,Email,Company,Industry\n\
        Ada,ada@a.example,A,Space\n\
        Bob,bob@b.example,B,Space\n\
        Cleo,cleo@c.example,C,Banking\n\
        Dan,dan@d.example,D,Cheese\n\
        Eve,eve@e.example,E,Boats\n\
        Fay,fay@f.example,F,Trains\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    // Other mutations reference one industry, rename a second and link a solution to a third.
    done(&app, "createCompany(input: { name: \"Mine\", size: \"1\", industryId: 4 })").await;
    done(&app, "updateIndustry(input: { id: 5, patch: { name: \"Ships\" } })").await;
    done(&app, r#"createSolution(input: { name: "Rails", category: "c", description: "d", pricingModel: "p", industryIds: [6] })"#)
        .await;
    act(&app, "undoImportJob", job).await;
    let left = app.data("{ industries { nodes { name } } prospects { totalCount } }").await;
    assert_eq!(left["prospects"]["totalCount"], 0);
    assert_eq!(
        tests::app::texts(&left["industries"]["nodes"], "name"),
        ["Banking", "Unclassified", "Cheese", "Ships", "Trains", "Unknown"]
    );
    // A restored company still has an industry.
    done(&app, "restoreCompany(input: { id: 1 })").await;
    let company = app.data("{ company(id: 1) { industry { name } } }").await;
    assert_eq!(company["company"]["industry"]["name"], "Unknown");
}

async fn undo_skips_records_modified_since(app: App) {
    let list = "Name,Email,Company\n\
        Ada,ada@a.example,A\nBob,bob@b.example,B\nCleo,cleo@c.example,C\nDan,dan@d.example,D\nEve,eve@e.example,E\nFay,fay@f.example,F\nGus,gus@g.example,G\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    for touch in [
        r#"updateProspect(input: { id: 1, patch: { location: "Rome" } })"#,
        r#"createOutreachDraft(input: { prospectId: 2, draftType: "x", content: "c" })"#,
        r#"saveProspectResearch(input: { prospectId: 3, researchSummary: "x" })"#,
        r"deleteProspect(input: { id: 4 })",
        r#"updateCompany(input: { id: 5, patch: { size: "7" } })"#,
        r#"createProspectNote(input: { prospectId: 7, content: "x" })"#,
    ] {
        done(&app, touch).await;
    }
    act(&app, "undoImportJob", job).await;
    assert_eq!(
        undone(&app, job).await,
        json!({ "status": "UNDONE", "undoneRecords": 2, "undoSkippedRecords": 5 })
    );
    let left = app.data("{ prospects { nodes { fullName } } companies { nodes { name } } }").await;
    let names = |list: &str, name: &str| tests::app::texts(&left[list]["nodes"], name);
    assert_eq!(names("prospects", "fullName"), ["Ada", "Bob", "Cleo", "Gus"]);
    // The undo does not remove the company of the manually deleted prospect or the updated company.
    assert_eq!(names("companies", "name"), ["A", "B", "C", "D", "E", "G"]);
    assert_eq!(
        sentences(&app, job).await[0],
        "CREATE UNDO_SKIPPED: the prospect was modified after the import"
    );
}

async fn undo_reverts_file_duplicates(app: App) {
    let list = "Name,Email,Phone,Title,LinkedIn,Company\n\
        Ada,ada@a.example,,,,A\n\
        Ada,ada@a.example,+493012345678,,,A\n\
        Ada,ada@a.example,,CTO,,A\n\
        Ada,ada@a.example,,,linkedin.com/in/ada,A\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    assert_eq!(people(&app).await, ["Ada | ada@a.example | +493012345678 | CTO | A"]);
    assert_eq!(counts(&app, job).await.0, [1, 3, 0, 0, 0]);
    act(&app, "undoImportJob", job).await;
    assert_eq!(
        undone(&app, job).await,
        json!({ "status": "UNDONE", "undoneRecords": 4, "undoSkippedRecords": 0 })
    );
    assert!(people(&app).await.is_empty());
}

async fn two_imports_are_undone_in_reverse_order(app: App) {
    let first = preview(&app, "Name,Email,Company\nAda,ada@a.example,A\n").await;
    commit(&app, first, "WAIT").await;
    let second =
        preview(&app, "Name,Email,Phone,Company\nAda,ada@a.example,+493012345678,A\n").await;
    commit(&app, second, "WAIT").await;
    act(&app, "undoImportJob", second).await;
    assert_eq!(people(&app).await, ["Ada | ada@a.example | - | - | A"]);
    act(&app, "undoImportJob", first).await;
    assert_eq!(
        undone(&app, first).await,
        json!({ "status": "UNDONE", "undoneRecords": 1, "undoSkippedRecords": 0 })
    );
    assert!(people(&app).await.is_empty());
}

async fn many_imports_are_undone_in_reverse_order(app: App) {
    let mut jobs = Vec::new();
    for row in ["", "+493012345678,", ",CTO"] {
        let list = format!("Name,Email,Company,Phone,Title\nAda,ada@a.example,A,{row}\n");
        jobs.push(preview(&app, &list).await);
        commit(&app, jobs[jobs.len() - 1], "WAIT").await;
    }
    assert_eq!(people(&app).await, ["Ada | ada@a.example | +493012345678 | CTO | A"]);
    for job in jobs.into_iter().rev() {
        act(&app, "undoImportJob", job).await;
        let expected = json!({ "status": "UNDONE", "undoneRecords": 1, "undoSkippedRecords": 0 });
        assert_eq!(undone(&app, job).await, expected);
    }
    assert!(people(&app).await.is_empty());
}

async fn undo_skips_merged_prospects(app: App) {
    app.industry("Software").await;
    done(&app, r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#).await;
    done(
        &app,
        r#"createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 1 })"#,
    )
    .await;
    let job = preview(&app, "Name,Email,Company\nBeth,beth@acme.example,Acme\n").await;
    commit(&app, job, "WAIT").await;
    done(&app, "mergeProspects(input: { keepId: 1, dropId: 2 })").await;
    act(&app, "undoImportJob", job).await;
    let expected = json!({ "status": "UNDONE", "undoneRecords": 0, "undoSkippedRecords": 1 });
    assert_eq!(undone(&app, job).await, expected);
    assert_eq!(people(&app).await, ["Ada | ada@acme.example | - | - | Acme"]);
}

async fn undo_reverts_many_rows(app: App) {
    let row = |n: usize| format!("{},p{n}@c{}.example,C{},\n", name(n), n / 10, n / 10);
    let rows: String = (0..1_205).map(row).collect();
    // The last row is in a different chunk than the first row and updates the prospect created from it.
    let again = format!("{},p0@c0.example,C0,+493012345678", name(0));
    let list = format!("Name,Email,Company,Phone\n{rows}{again}\n");
    let job = preview(&app, &list).await;
    commit(&app, job, "WAIT").await;
    assert_eq!(counts(&app, job).await, (vec![1_205, 1, 0, 0, 0], "COMPLETED".to_owned()));
    act(&app, "undoImportJob", job).await;
    assert_eq!(
        undone(&app, job).await,
        json!({ "status": "UNDONE", "undoneRecords": 1_206, "undoSkippedRecords": 0 })
    );
    let left = app.data("{ prospects { totalCount } companies { totalCount } }").await;
    assert_eq!(left, json!({ "prospects": { "totalCount": 0 }, "companies": { "totalCount": 0 } }));
}
