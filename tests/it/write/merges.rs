//! Merges of prospects and companies, and their dry runs.

use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use service::operations::maintenance;
use tests::{App, behaviours, stored::stored};

behaviours![
    dry_run_shows_the_result_and_writes_nothing,
    the_strictest_value_wins,
    companies_are_merged_with_their_prospects,
    merged_companies_are_not_restored,
    invalid_merges_are_rejected,
    concurrent_merges_and_moves_lose_nothing,
];

const RESULT: &str =
    "result { survivorId fields { name keep drop result rule } movedRows { entity count } }";

/// The payload of a merge without errors.
async fn merge(app: &App, mutation: &str, fields: &str) -> Value {
    app.done(&format!("mutation {{ {mutation} {{ {fields} {RESULT} userErrors {{ message }} }} }}"))
        .await
}

/// All rows, except for those that every request writes.
async fn rows(app: &App) -> Vec<Value> {
    stored(app).await.into_values().collect()
}

async fn people(app: &App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    let (old, new) = (app.hours(-48), app.hours(-2));
    app.prospect_with("Ada", company, |row| {
        row.location = Set(Some("Berlin".to_owned()));
        row.last_contacted_at = Set(Some(new));
        row.lifecycle_stage = Set("contacted".to_owned());
    })
    .await;
    app.prospect_with("Ada Lovelace", company, |row| {
        row.email = Set("ada@lovelace.example".to_owned());
        row.job_title = Set(Some("Countess".to_owned()));
        row.last_contacted_at = Set(Some(old));
        row.lifecycle_stage = Set("qualified".to_owned());
        row.unsubscribed_at = Set(Some(old));
    })
    .await;
    app.interaction(2, None, "Hello", -3).await;
    app.draft(2, None, "draft").await;
    app.draft(1, None, "draft").await;
}

async fn dry_run_shows_the_result_and_writes_nothing(app: App) {
    people(&app).await;
    let before = rows(&app).await;
    let dry = merge(
        &app,
        "mergeProspects(input: { keepId: 2, dropId: 1, dryRun: true })",
        "prospect { id }",
    )
    .await;
    assert_eq!(rows(&app).await, before);
    assert_eq!(dry["prospect"], Value::Null);
    let done =
        merge(&app, "mergeProspects(input: { keepId: 2, dropId: 1 })", "prospect { id jobTitle }")
            .await;
    assert_eq!(done["prospect"], json!({ "id": "Prospect:1", "jobTitle": "Countess" }));
    assert_eq!(done["result"], dry["result"]);
    assert_eq!(dry["result"]["survivorId"], "Prospect:1");
    assert_eq!(
        dry["result"]["movedRows"],
        json!([{ "entity": "INTERACTION", "count": 1 }, { "entity": "OUTREACH_DRAFT", "count": 1 }])
    );
    let fields = |name: &str| -> Value {
        let fields = dry["result"]["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).cloned().unwrap_or_default()
    };
    let field = |keep: Value, drop: Value, result: Value, rule: &str, name: &str| json!({ "name": name, "keep": keep, "drop": drop, "result": result, "rule": rule });
    let (ada, lovelace) = (json!("Ada"), json!("Ada Lovelace"));
    assert_eq!(fields("fullName"), field(lovelace.clone(), ada, lovelace, "KEPT", "fullName"));
    let berlin = json!("Berlin");
    assert_eq!(
        fields("location"),
        field(Value::Null, berlin.clone(), berlin, "FILLED", "location")
    );
    assert_eq!(fields("lastContactedAt")["rule"], "NEWEST");
    assert_eq!(fields("lastContactedAt")["result"], fields("lastContactedAt")["drop"]);
    let (contacted, qualified) = (json!("CONTACTED"), json!("QUALIFIED"));
    assert_eq!(
        fields("lifecycleStage"),
        field(qualified.clone(), contacted, qualified, "FURTHEST", "lifecycleStage")
    );
    assert_eq!(fields("companyId"), Value::Null, "equal values are omitted");
}

async fn the_strictest_value_wins(app: App) {
    people(&app).await;
    // The opt-out of the dropped row applies to the result.
    let dry =
        merge(&app, "mergeProspects(input: { keepId: 1, dropId: 2, dryRun: true })", "").await;
    let fields = dry["result"]["fields"].as_array().unwrap();
    let opt_out = fields.iter().find(|field| field["name"] == "unsubscribedAt").unwrap();
    assert_eq!(opt_out["keep"], Value::Null);
    assert_eq!(opt_out["result"], opt_out["drop"]);
    assert_eq!(opt_out["rule"], "STRICTEST");
    // The disqualification of the kept row stays, that of the other row does not apply.
    app.done("mutation { advanceProspect(input: { id: 1, lifecycleStage: DISQUALIFIED }) { userErrors { message } } }")
        .await;
    for (keep, drop, result, rule) in
        [(1, 2, "DISQUALIFIED", "STRICTEST"), (2, 1, "QUALIFIED", "KEPT")]
    {
        let mutation =
            format!("mergeProspects(input: {{ keepId: {keep}, dropId: {drop}, dryRun: true }})");
        let dry = merge(&app, &mutation, "").await;
        let fields = dry["result"]["fields"].as_array().unwrap();
        let stage = fields.iter().find(|field| field["name"] == "lifecycleStage").unwrap();
        assert_eq!((&stage["result"], &stage["rule"]), (&json!(result), &json!(rule)));
    }
}

async fn companies(app: &App) {
    let industry = app.industry("Logistics").await;
    for (name, website) in [("Acme", None), ("ACME Inc.", Some("https://acme.example"))] {
        let website = website.map_or("null".to_owned(), |website| format!("\"{website}\""));
        let create = format!(
            "createCompany(input: {{ name: \"{name}\", size: \"10\", website: {website}, industryId: {industry} }})"
        );
        app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    }
    for (name, company) in [("a", 1), ("b", 2), ("c", 2)] {
        app.prospect(name, company).await;
    }
    maintenance::recount(&app.store).await.unwrap();
}

async fn companies_are_merged_with_their_prospects(app: App) {
    companies(&app).await;
    let before = rows(&app).await;
    let company = "company { id name domain prospectCount prospects { totalCount } }";
    let dry =
        merge(&app, "mergeCompanies(input: { keepId: 2, dropId: 1, dryRun: true })", company).await;
    assert_eq!(rows(&app).await, before);
    let done = merge(&app, "mergeCompanies(input: { keepId: 2, dropId: 1 })", company).await;
    assert_eq!(done["result"], dry["result"]);
    assert_eq!(
        done["company"],
        json!({ "id": "Company:1", "name": "ACME Inc.", "domain": "acme.example", "prospectCount": 3,
            "prospects": { "totalCount": 3 } })
    );
    assert_eq!(done["result"]["movedRows"], json!([{ "entity": "PROSPECT", "count": 2 }]));
    assert_eq!(maintenance::recount(&app.store).await.unwrap(), 0);
    let data = app.data("{ company(id: 2) { deletedAt mergedInto { name } prospectCount } companies { totalCount } }").await;
    assert!(data["company"]["deletedAt"].is_string());
    assert_eq!(data["company"]["mergedInto"]["name"], "ACME Inc.");
    assert_eq!(data["company"]["prospectCount"], 0);
    assert_eq!(data["companies"]["totalCount"], 1);
}

async fn merged_companies_are_not_restored(app: App) {
    companies(&app).await;
    merge(&app, "mergeCompanies(input: { keepId: 1, dropId: 2 })", "").await;
    let restore = "mutation { restoreCompany(input: { id: 2 }) { userErrors { reason message } } }";
    let answer = app.answer(restore).await;
    assert_eq!(
        answer["data"]["restoreCompany"]["userErrors"],
        json!([{ "reason": "ROW_MERGED", "message": "the company was merged into Company:1 and can't be restored" }])
    );
    // The domain of the merged company was filled into the other one.
    let domain = app.data("{ company(id: 1) { domain website } }").await;
    assert_eq!(
        domain["company"],
        json!({ "domain": "acme.example", "website": "https://acme.example" })
    );
}

async fn invalid_merges_are_rejected(app: App) {
    companies(&app).await;
    for dry_run in [true, false] {
        for (keep, drop, error) in [
            (1, 1, json!({ "field": "dropId", "reason": "MERGE_WITH_ITSELF" })),
            (9, 1, json!({ "field": "keepId", "reason": "ROW_NOT_FOUND" })),
            (1, 9, json!({ "field": "dropId", "reason": "ROW_NOT_FOUND" })),
        ] {
            for entity in ["Prospects", "Companies"] {
                let mutation = format!(
                    "mutation {{ merge{entity}(input: {{ keepId: {keep}, dropId: {drop}, dryRun: {dry_run} }}) \
                     {{ result {{ survivorId }} userErrors {{ field reason }} }} }}"
                );
                let payload = app.answer(&mutation).await["data"][format!("merge{entity}")].clone();
                assert_eq!(payload, json!({ "result": null, "userErrors": [error] }), "{entity}");
            }
        }
    }
}

async fn concurrent_merges_and_moves_lose_nothing(app: App) {
    companies(&app).await;
    let (merge, create) = (
        "mutation { mergeCompanies(input: { keepId: 1, dropId: 2 }) { userErrors { reason } } }",
        "mutation { createProspect(input: { fullName: \"x\", email: \"x@acme.example\", companyId: 2 }) \
         { prospect { id } userErrors { reason } } }",
    );
    let (merged, created) = futures_util::future::join(app.answer(merge), app.answer(create)).await;
    assert_eq!(merged["data"]["mergeCompanies"]["userErrors"], json!([]), "{merged}");
    let errors = &created["data"]["createProspect"]["userErrors"];
    let all = if *errors == json!([]) { 4 } else { 3 };
    assert!(all == 4 || *errors == json!([{ "reason": "ROW_MERGED" }]), "{created}");
    assert_eq!(maintenance::recount(&app.store).await.unwrap(), 0);
    let data = app
        .data("{ company(id: 1) { prospectCount } company2: company(id: 2) { prospectCount } }")
        .await;
    assert_eq!(data["company"]["prospectCount"], all);
    assert_eq!(data["company2"]["prospectCount"], 0);
}
