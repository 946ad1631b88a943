//! Unique values, and marks of rows that had the same value before it became unique.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::{App, behaviours};

behaviours![
    oldest_duplicate_replaces_a_deleted_row,
    oldest_duplicate_replaces_a_row_with_another_value,
    oldest_duplicate_replaces_a_permanently_deleted_row,
    merge_with_a_duplicate_leaves_one_unmarked_row,
    merged_values_of_another_row_leave_a_mark,
    marks_refer_to_a_row_with_the_same_value,
    deleted_duplicate_loses_its_mark,
    values_of_unmarked_rows_are_taken,
    database_rejects_a_second_unmarked_row,
    duplicates_are_found_by_a_filter,
    marks_are_in_the_change_log,
    concurrent_deletions_leave_no_mark_on_a_deleted_row,
];

async fn done(app: &App, mutation: &str) {
    app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
}

async fn prospect(app: &App, name: &str, email: &str) {
    let input = format!(r#"fullName: "{name}", email: "{email}", companyId: 1"#);
    done(app, &format!("createProspect(input: {{ {input} }})")).await;
}

/// Prospects 1 to 4, of which 2 and 3 are marked as duplicates of 1.
async fn three_with_one_address(app: &App) {
    let industry = app.industry("Logistics").await;
    app.company("Acme", industry).await;
    for (name, email) in [("Ada", "ada"), ("Ada B", "b"), ("Ada C", "c"), ("Dan", "dan")] {
        prospect(app, name, &format!("{email}@acme.example")).await;
    }
    let sql = "UPDATE prospects SET email = 'ADA@acme.example', email_key = 'ada@acme.example', \
               duplicate_of = 1 WHERE id IN (2, 3)";
    app.db.execute_unprepared(sql).await.unwrap();
}

/// The mark of every prospect that is not deleted.
async fn marks(app: &App) -> Vec<(i64, serde_json::Value)> {
    let data = app.data("{ prospects(first: 50) { nodes { id duplicateOf { id } } } }").await;
    let rows = data["prospects"]["nodes"].as_array().unwrap().clone();
    let key = |id: &serde_json::Value| {
        id.as_str().unwrap().split(':').next_back().unwrap().parse::<i64>().unwrap()
    };
    let mark = |row: &serde_json::Value| match &row["duplicateOf"] {
        serde_json::Value::Null => json!(null),
        row => json!(key(&row["id"])),
    };
    rows.iter().map(|row| (key(&row["id"]), mark(row))).collect()
}

async fn oldest_duplicate_replaces_a_deleted_row(app: App) {
    three_with_one_address(&app).await;
    done(&app, "deleteProspect(input: { id: 1 })").await;
    assert_eq!(marks(&app).await, [(2, json!(null)), (3, json!(2)), (4, json!(null))]);
    assert_eq!(
        app.refused("mutation { restoreProspect(input: { id: 1 }) { prospect { id } userErrors { code field message } } }")
            .await,
        ["CONFLICT email: there is already a prospect with this email: Prospect:2"]
    );
    done(&app, "eraseProspect(input: { id: 2 })").await;
    assert_eq!(marks(&app).await, [(3, json!(null)), (4, json!(null))]);
    done(&app, "deleteProspect(input: { id: 3 })").await;
    done(&app, "restoreProspect(input: { id: 1 })").await;
    assert_eq!(marks(&app).await, [(1, json!(null)), (4, json!(null))]);
}

async fn oldest_duplicate_replaces_a_row_with_another_value(app: App) {
    three_with_one_address(&app).await;
    let patch = |id: i64, email: &str| {
        format!(r#"updateProspect(input: {{ id: {id}, patch: {{ email: "{email}" }} }})"#)
    };
    // The same address in another notation is no other value.
    done(&app, &patch(1, "Ada@Acme.example")).await;
    let unchanged = [(1, json!(null)), (2, json!(1)), (3, json!(1)), (4, json!(null))];
    assert_eq!(marks(&app).await, unchanged);
    done(&app, &patch(1, "new@acme.example")).await;
    let replaced = [(1, json!(null)), (2, json!(null)), (3, json!(2)), (4, json!(null))];
    assert_eq!(marks(&app).await, replaced);
    // A marked row that gets another value is no duplicate any more.
    done(&app, &patch(3, "c@acme.example")).await;
    done(&app, &patch(2, "ada@other.example")).await;
    done(&app, &patch(1, "ada@acme.example")).await;
    let none = [1, 2, 3, 4].map(|id| (id, json!(null)));
    assert_eq!(marks(&app).await, none);
}

async fn oldest_duplicate_replaces_a_permanently_deleted_row(app: App) {
    for name in ["Logistics", "A", "B"] {
        app.industry(name).await;
    }
    let sql = "UPDATE industries SET name_key = 'logistics', duplicate_of = 1 WHERE id IN (2, 3)";
    app.db.execute_unprepared(sql).await.unwrap();
    done(&app, "deleteIndustry(input: { id: 1 })").await;
    let query = "{ industries { nodes { id duplicateOfId } } }";
    assert_eq!(
        app.data(query).await["industries"]["nodes"],
        json!([
            { "id": "Industry:2", "duplicateOfId": null },
            { "id": "Industry:3", "duplicateOfId": "Industry:2" },
        ])
    );
    done(&app, "mergeIndustries(input: { keepId: 3, dropId: 2 })").await;
    assert_eq!(
        app.data(query).await["industries"]["nodes"],
        json!([{ "id": "Industry:3", "duplicateOfId": null }])
    );
}

async fn merge_with_a_duplicate_leaves_one_unmarked_row(app: App) {
    three_with_one_address(&app).await;
    // The row with the older id survives.
    done(&app, "mergeProspects(input: { keepId: 3, dropId: 1 })").await;
    assert_eq!(marks(&app).await, [(1, json!(null)), (2, json!(1)), (4, json!(null))]);
    done(&app, "updateProspect(input: { id: 4, patch: { email: \"x@acme.example\" } })").await;
    // The surviving row was a duplicate of the merged one.
    let sql = "UPDATE prospects SET email = 'x@acme.example', email_key = 'x@acme.example', duplicate_of = 4 WHERE id = 2";
    app.db.execute_unprepared(sql).await.unwrap();
    done(&app, "mergeProspects(input: { keepId: 4, dropId: 2 })").await;
    assert_eq!(marks(&app).await, [(1, json!(null)), (2, json!(null))]);
    let shown = app.data("{ prospect(id: 2) { fullName email } }").await;
    assert_eq!(shown["prospect"], json!({ "fullName": "Dan", "email": "x@acme.example" }));
}

async fn merged_values_of_another_row_leave_a_mark(app: App) {
    three_with_one_address(&app).await;
    prospect(&app, "Eve", "eve@acme.example").await;
    let sql = "UPDATE prospects SET email = 'eve@acme.example', email_key = 'eve@acme.example', duplicate_of = 5 WHERE id = 4";
    app.db.execute_unprepared(sql).await.unwrap();
    // Prospect 1 gets the address of prospect 5; prospect 2 takes the place of prospect 1, prospect 4 that of 5.
    done(&app, "mergeProspects(input: { keepId: 5, dropId: 1 })").await;
    assert_eq!(
        marks(&app).await,
        [(1, json!(4)), (2, json!(null)), (3, json!(2)), (4, json!(null))]
    );
}

async fn marks_refer_to_a_row_with_the_same_value(app: App) {
    let industry = app.industry("Logistics").await;
    app.company("Acme", industry).await;
    for (name, email) in [("F", "f"), ("E", "b"), ("A", "a"), ("X", "x"), ("B", "y")] {
        prospect(&app, name, &format!("{email}@acme.example")).await;
    }
    let sql = "UPDATE prospects SET email = 'b@acme.example', email_key = 'b@acme.example', duplicate_of = 2 WHERE id = 5";
    app.db.execute_unprepared(sql).await.unwrap();
    done(&app, "mergeProspects(input: { keepId: 1, dropId: 2 })").await;
    done(&app, "mergeProspects(input: { keepId: 5, dropId: 3 })").await;
    // Prospect 3 has the address of prospect 5, which no other prospect has any more.
    assert_eq!(marks(&app).await, [(1, json!(null)), (3, json!(null)), (4, json!(null))]);
    let shown = app.data("{ prospect(id: 3) { email } }").await;
    assert_eq!(shown["prospect"]["email"], "b@acme.example");
}

async fn deleted_duplicate_loses_its_mark(app: App) {
    three_with_one_address(&app).await;
    done(&app, "deleteProspect(input: { id: 2 })").await;
    done(&app, "deleteProspect(input: { id: 1 })").await;
    assert_eq!(marks(&app).await, [(3, json!(null)), (4, json!(null))]);
    let deleted = app.data("{ prospect(id: 2) { deletedAt duplicateOfId } }").await;
    assert!(deleted["prospect"]["deletedAt"].is_string());
    assert_eq!(deleted["prospect"]["duplicateOfId"], json!(null));
}

async fn values_of_unmarked_rows_are_taken(app: App) {
    three_with_one_address(&app).await;
    assert_eq!(
        app.refused(r#"mutation { createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 1 }) { prospect { id } userErrors { code field message } } }"#)
            .await,
        ["CONFLICT email: there is already a prospect with this email: Prospect:1"]
    );
    done(
        &app,
        r#"upsertProspects(input: { prospects: [{ fullName: "Ada", email: "ada@acme.example", companyId: 1, jobTitle: "CTO" }] })"#,
    )
    .await;
    let data = app.data("{ prospects { nodes { jobTitle } } }").await;
    let titles = data["prospects"]["nodes"].as_array().unwrap();
    assert_eq!(titles.iter().filter(|row| row["jobTitle"] == "CTO").count(), 1);
    assert_eq!(titles[0]["jobTitle"], "CTO");
}

async fn database_rejects_a_second_unmarked_row(app: App) {
    three_with_one_address(&app).await;
    let copy = |mark: &str| {
        format!(
            "INSERT INTO prospects (organization_id, full_name, email, email_key, company_id, is_active, revision, \
             lifecycle_stage, created_at, updated_at, duplicate_of) SELECT organization_id, 'Ada', email, email_key, \
             company_id, is_active, 1, lifecycle_stage, created_at, updated_at, {mark} FROM prospects WHERE id = 1"
        )
    };
    let error = app.db.execute_unprepared(&copy("NULL")).await.unwrap_err();
    assert!(
        matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))),
        "{error}"
    );
    app.db.execute_unprepared(&copy("1")).await.unwrap();
}

async fn duplicates_are_found_by_a_filter(app: App) {
    three_with_one_address(&app).await;
    let data = app
        .data(
            r#"{ marked: prospects(filter: { duplicateOfId: { isNull: false } }) { totalCount }
                 of: prospects(filter: { duplicateOf: { fullName: { eq: "Ada" } } }) { nodes { fullName } }
                 companies(filter: { duplicateOfId: { isNull: false } }) { totalCount }
                 industries(filter: { duplicateOfId: { isNull: true } }) { totalCount } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({ "marked": { "totalCount": 2 },
            "of": { "nodes": [{ "fullName": "Ada B" }, { "fullName": "Ada C" }] },
            "companies": { "totalCount": 0 }, "industries": { "totalCount": 1 } })
    );
}

async fn marks_are_in_the_change_log(app: App) {
    three_with_one_address(&app).await;
    done(&app, "deleteProspect(input: { id: 1 })").await;
    app.settled().await;
    let history = |id: i64| {
        format!(
            "{{ prospect(id: {id}) {{ revision history(last: 1) {{ nodes {{ kind fields {{ name before after }} }} }} }} }}"
        )
    };
    for (id, mark) in [(2, json!(null)), (3, json!("Prospect:2"))] {
        let data = app.data(&history(id)).await["prospect"].clone();
        // A mark is not an edit of the row.
        assert_eq!(data["revision"], 1, "{data}");
        let change = &data["history"]["nodes"][0];
        assert_eq!(change["kind"], "UPDATED", "{data}");
        let expected = json!([{ "name": "duplicateOfId", "before": "Prospect:1", "after": mark }]);
        assert_eq!(change["fields"], expected, "{data}");
    }
}

/// Each set has three rows with one address; its first two rows are deleted at the same time.
async fn concurrent_deletions_leave_no_mark_on_a_deleted_row(app: App) {
    let industry = app.industry("Logistics").await;
    app.company("Acme", industry).await;
    for number in 0..24 {
        prospect(&app, "Ada", &format!("p{number}@acme.example")).await;
    }
    let sql = "UPDATE prospects SET duplicate_of = id - (id - 1) % 3, email_key = 'set' || ((id - 1) / 3) \
               WHERE id % 3 <> 1";
    let first = "UPDATE prospects SET email_key = 'set' || ((id - 1) / 3) WHERE id % 3 = 1";
    for sql in [first, sql] {
        app.db.execute_unprepared(sql).await.unwrap();
    }
    for set in 0..8 {
        let delete =
            async |id: i64| done(&app, &format!("deleteProspect(input: {{ id: {id} }})")).await;
        futures_util::join!(delete(set * 3 + 1), delete(set * 3 + 2));
    }
    let left: Vec<_> = (0..8).map(|set| (set * 3 + 3, json!(null))).collect();
    assert_eq!(marks(&app).await, left);
}
