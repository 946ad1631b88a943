//! Imports of many rows: the number of statements does not depend on it.

use serde_json::json;
use tests::{App, behaviours};

use super::{act, commit, preview, written::name};

behaviours![
    commit_takes_few_statements,
    updates_take_few_statements,
    undo_takes_few_statements,
    undo_of_duplicates_that_share_an_address_leaves_no_mark,
    rows_merged_into_one_prospect_fill_in_different_fields,
];

/// A file of people at companies with twenty people each.
fn file(rows: std::ops::Range<usize>, with_phone: bool) -> String {
    let row = |n: usize| {
        let phone = if with_phone { format!("+49 30 {:07}", 1_000_000 + n) } else { String::new() };
        format!("{},p{n}@company{}.example,Company{},{phone}\n", name(n), n / 20, n / 20)
    };
    format!("Name,Email,Company,Phone\n{}", rows.map(row).collect::<String>())
}

/// The number of statements of a job action.
async fn statements(app: &App, what: impl AsyncFnOnce()) -> u64 {
    let before = app.store.statements();
    what().await;
    app.store.statements() - before
}

async fn commit_takes_few_statements(app: App) {
    let mut counts = Vec::new();
    for rows in [0..40, 40..900] {
        let job = preview(&app, &file(rows, false)).await;
        counts.push(statements(&app, async || commit(&app, job, "WAIT").await).await);
    }
    assert!(counts[1] <= counts[0], "{counts:?}");
}

async fn updates_take_few_statements(app: App) {
    let job = preview(&app, &file(0..900, false)).await;
    commit(&app, job, "WAIT").await;
    let mut counts = Vec::new();
    for rows in [0..40, 40..900] {
        let job = preview(&app, &file(rows, true)).await;
        counts.push(statements(&app, async || commit(&app, job, "WAIT").await).await);
    }
    assert_eq!(counts[0], counts[1], "{counts:?}");
    let query = "{ prospects(filter: { phone: { isNull: false } }) { aggregate { count phone { distinct } } } }";
    let filled = app.data(query).await["prospects"]["aggregate"].clone();
    assert_eq!(filled, json!({ "count": 900, "phone": { "distinct": 900 } }));
    let query =
        "{ changes(filter: { entity: { eq: PROSPECT }, kind: { eq: UPDATED } }) { totalCount } }";
    assert_eq!(app.data(query).await["changes"]["totalCount"], 900);
}

async fn undo_takes_few_statements(app: App) {
    let mut jobs = Vec::new();
    for rows in [0..40, 40..900] {
        let job = preview(&app, &file(rows, false)).await;
        commit(&app, job, "WAIT").await;
        jobs.push(job);
    }
    for rows in [0..20, 40..500] {
        let job = preview(&app, &file(rows, true)).await;
        commit(&app, job, "WAIT").await;
        jobs.push(job);
    }
    for pair in [[2, 3], [0, 1]] {
        let mut counts = Vec::new();
        for job in pair {
            let undo = async || act(&app, "undoImportJob", jobs[job]).await;
            counts.push(statements(&app, undo).await);
        }
        assert!(counts[1] <= counts[0], "{counts:?}");
    }
    let left = app.data("{ prospects { totalCount } companies { totalCount } }").await;
    assert_eq!(left, json!({ "prospects": { "totalCount": 0 }, "companies": { "totalCount": 0 } }));
}

async fn undo_of_duplicates_that_share_an_address_leaves_no_mark(app: App) {
    let file = "Name,Email,Company\nAda Lovelace,info@acme.example,Acme\nBob Byte,info@acme.example,Acme\n\
                Cleo Code,info@acme.example,Acme\n";
    let first = preview(&app, file).await;
    commit(&app, first, "CREATE").await;
    let query = "{ prospects(filter: { duplicateOfId: { isNull: false } }) { totalCount } }";
    let marked = async || app.data(query).await["prospects"]["totalCount"].clone();
    assert_eq!(marked().await, 2);
    // A later row of another import with the same address stays, and takes the place of the unmarked row.
    let second = preview(&app, "Name,Email,Company\nDora Data,info@acme.example,Acme\n").await;
    commit(&app, second, "CREATE").await;
    assert_eq!(marked().await, 3);
    act(&app, "undoImportJob", first).await;
    let left = app.data("{ prospects { nodes { fullName duplicateOf { id } } } }").await;
    assert_eq!(
        left["prospects"]["nodes"],
        json!([{ "fullName": "Dora Data", "duplicateOf": null }])
    );
    act(&app, "undoImportJob", second).await;
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 0);
}

async fn rows_merged_into_one_prospect_fill_in_different_fields(app: App) {
    let file = "Name,Email,Company\nAda Lovelace,ada@acme.example,Acme\nAugusta King,augusta@beta.example,Beta\n";
    let first = preview(&app, file).await;
    commit(&app, first, "WAIT").await;
    // The rows have nothing in common, so that they are written in the same pass.
    let file = "Name,Email,Title,LinkedIn,Company\n\
                Ada Lovelace,lovelace@acme.example,CTO,,Acme\n\
                Augusta King,king@beta.example,,https://www.linkedin.com/in/ada-lovelace,Beta\n";
    let second = preview(&app, file).await;
    let decide = "mutation { decideImportRecords(input: { importRecords: [\
                  { id: 3, decision: MERGE, prospectId: 1 }, { id: 4, decision: MERGE, prospectId: 1 }] }) { userErrors { message } } }";
    app.done(decide).await;
    commit(&app, second, "WAIT").await;
    let query = "{ prospect(id: 1) { jobTitle linkedinUrl revision } \
                 changes(filter: { entity: { eq: PROSPECT }, kind: { eq: UPDATED } }) { totalCount } }";
    assert_eq!(
        app.data(query).await,
        json!({ "prospect": { "jobTitle": "CTO", "linkedinUrl": "https://www.linkedin.com/in/ada-lovelace", "revision": 3 },
            "changes": { "totalCount": 2 } })
    );
    act(&app, "undoImportJob", second).await;
    assert_eq!(
        app.data("{ prospect(id: 1) { jobTitle linkedinUrl revision } }").await["prospect"],
        json!({ "jobTitle": null, "linkedinUrl": null, "revision": 5 })
    );
}
