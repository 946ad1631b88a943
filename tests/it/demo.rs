//! The demo data.

use engine::{Error, progress::Unwatched};
use serde_json::json;
use service::demo;
use tests::{App, behaviours};

behaviours![
    demo_data_is_complete_and_consistent,
    demo_data_is_deterministic,
    demo_data_requires_an_empty_organization,
    primary_keys_continue_after_the_demo_data,
    removing_demo_data_keeps_changed_rows,
    demo_data_is_recognized_without_its_first_rows,
    removal_without_demo_data_is_rejected,
    demo_data_of_the_previous_version_is_removed,
    demo_data_is_removed_beside_rows_of_users,
    demo_data_covers_a_year,
    demo_imports_can_be_decided_committed_and_undone,
];

async fn seed(app: &App, organization: i64) -> engine::Result<u64> {
    demo::seed(&app.scope(organization), demo::Scale::Small, &Unwatched).await
}

const COUNTS: &str = "{ industries { totalCount } solutions { totalCount } events { totalCount } \
    companies { totalCount } prospects { totalCount } interactions { totalCount } \
    outreachDrafts { totalCount } prospectResearches { totalCount } llmUsageLogs { totalCount } }";

async fn demo_data_is_complete_and_consistent(app: App) {
    seed(&app, app.organization).await.unwrap();
    let counts = app.data(COUNTS).await;
    assert_eq!(counts["companies"]["totalCount"], 200);
    assert_eq!(counts["prospects"]["totalCount"], 2_000);
    for list in counts.as_object().unwrap().values() {
        assert!(list["totalCount"].as_i64().unwrap() >= 12, "{counts}");
    }
    // `lastContactedAt` is the date of the newest outbound interaction, `lastEngagementDate` that of the newest inbound
    // interaction. Every industry has companies.
    let newest = |direction: &str| {
        format!(
            "interactions(first: 1, orderBy: {{ interactionDate: DESC }}, filter: {{ direction: \
             {{ eq: {direction} }} }}) {{ nodes {{ interactionDate }} }}"
        )
    };
    let query = format!(
        "{{ prospects(first: 100) {{ nodes {{ lastContactedAt lastEngagementDate ours: {} theirs: {} }} }} \
         industries {{ nodes {{ companies {{ totalCount }} }} }} }}",
        newest("OUTBOUND"),
        newest("INBOUND")
    );
    let data = app.data(&query).await;
    for prospect in data["prospects"]["nodes"].as_array().unwrap() {
        let newest = |side: &str| prospect[side]["nodes"][0]["interactionDate"].clone();
        assert_eq!(prospect["lastContactedAt"], newest("ours"));
        assert_eq!(prospect["lastEngagementDate"], newest("theirs"));
    }
    for industry in data["industries"]["nodes"].as_array().unwrap() {
        assert!(industry["companies"]["totalCount"].as_i64().unwrap() > 0);
    }
}

async fn demo_data_is_deterministic(app: App) {
    seed(&app, app.organization).await.unwrap();
    let other = app.organization("other").await;
    seed(&app, other).await.unwrap();
    let query = "{ prospects(first: 50, orderBy: [{ email: ASC }]) { nodes { fullName email lastContactedAt \
                 company { name } outreachDrafts { nodes { content status } } } } }";
    let first = app.answer_to(app.organization, query, json!({})).await;
    assert_eq!(first, app.answer_to(other, query, json!({})).await);
}

async fn demo_data_requires_an_empty_organization(app: App) {
    app.industry("Logistics").await;
    let refused = seed(&app, app.organization).await;
    assert!(matches!(refused, Err(Error::Conflict(..))), "{refused:?}");
    assert_eq!(app.data("{ solutions { totalCount } }").await["solutions"]["totalCount"], 0);
}

async fn primary_keys_continue_after_the_demo_data(app: App) {
    seed(&app, app.organization).await.unwrap();
    let industry = app.industry("New").await;
    assert_eq!(industry, 13);
    assert_eq!(app.company("New", industry).await, 201);
}

/// For each table, the number of rows that are removed, that are skipped because they were changed, and that are
/// skipped because they are referenced.
async fn removed(app: &App, commit: bool) -> Vec<(&'static str, u64, u64, u64)> {
    let removals = demo::remove(&app.scope(app.organization), commit, &Unwatched).await.unwrap();
    let told =
        removals.into_iter().map(|one| (one.table, one.removed, one.changed, one.referenced));
    told.collect()
}

const EVERYTHING: &str = "{ industries { totalCount } solutions { totalCount } events { totalCount } \
    companies { totalCount } prospects { totalCount } interactions { totalCount } \
    outreachDrafts { totalCount } prospectResearches { totalCount } llmUsageLogs { totalCount } \
    dailyCostSummaries { totalCount } search(query: \"logistics\") { totalCount } }";

async fn removing_demo_data_keeps_changed_rows(app: App) {
    let rows = seed(&app, app.organization).await.unwrap();
    // A user drafts a message, changes a company, uses an industry and logs an LLM call on a day of the demo data.
    let day = "{ llmUsageLogs(first: 1) { nodes { createdAt } } }";
    assert!(app.data(day).await["llmUsageLogs"]["nodes"][0]["createdAt"].is_string());
    for mutation in [
        r#"createOutreachDraft(input: { prospectId: 7, draftType: "x", content: "c" })"#,
        r#"updateCompany(input: { id: 3, patch: { size: "7" } })"#,
        r#"createCompany(input: { name: "Mine", size: "1", industryId: 1 })"#,
        r#"createProspect(input: { fullName: "Ada", email: "ada@mine.example", companyId: 201 })"#,
        r#"createLlmUsageLog(input: { workflowName: "w", nodeName: "n", model: "own", promptTokens: 1, completionTokens: 1, cost: 1 })"#,
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    let company = app.data("{ prospect(id: 7) { company { id } } }").await;
    assert_ne!(company["prospect"]["company"]["id"], "Company:3");
    let before = app.data(EVERYTHING).await;
    let dry = removed(&app, false).await;
    assert_eq!(app.data(EVERYTHING).await, before, "a dry run should remove nothing");
    assert_eq!(removed(&app, true).await, dry);
    let table = |name: &str| dry.iter().find(|(table, ..)| *table == name).copied().unwrap();
    assert_eq!(table("prospects"), ("prospects", 1_999, 0, 1));
    assert_eq!(table("companies"), ("companies", 198, 1, 1));
    assert_eq!(table("outreach_drafts").2, 0);
    let gone: u64 = dry.iter().map(|(_, removed, ..)| removed).sum();
    // The demo data also includes the links between industries and solutions.
    assert!(gone < rows && gone > rows * 9 / 10, "{gone} of {rows}");
    let data = app
        .data("{ industries { totalCount } companies { nodes { id } } prospects { nodes { id } } outreachDrafts { totalCount } \
               interactions { totalCount } dailyCostSummaries { nodes { model calls costUsd } } solutions { totalCount } }")
        .await;
    assert_eq!(data["outreachDrafts"]["totalCount"], 1);
    assert_eq!(data["interactions"]["totalCount"], 0);
    assert_eq!(data["solutions"]["totalCount"], 0);
    assert_eq!(
        data["prospects"]["nodes"],
        json!([{ "id": "Prospect:7" }, { "id": "Prospect:2001" }])
    );
    assert_eq!(
        data["companies"]["nodes"],
        json!([{ "id": "Company:3" }, company["prospect"]["company"], { "id": "Company:201" }])
    );
    assert_eq!(
        data["dailyCostSummaries"]["nodes"],
        json!([{ "model": "own", "calls": 1, "costUsd": 1.0 }])
    );
    let log = app.data("{ changes(filter: { kind: { eq: DELETED } }) { nodes { entity recordId fields { name before } } } }").await;
    let first = &log["changes"]["nodes"][0];
    assert_eq!(
        (&first["entity"], &first["recordId"]),
        (&json!("LLM_USAGE_LOG"), &json!(null)),
        "{log}"
    );
    // A second run finds no demo data and removes no rows.
    let again = removed(&app, true).await;
    assert!(again.iter().all(|(_, removed, ..)| *removed == 0), "{again:?}");
}

async fn demo_data_is_recognized_without_its_first_rows(app: App) {
    seed(&app, app.organization).await.unwrap();
    for mutation in [
        "deleteSolution(input: { id: 1 })",
        "mergeIndustries(input: { keepId: 2, dropId: 1 })",
        "eraseProspect(input: { id: 1 })",
        "eraseProspect(input: { id: 2 })",
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    app.clock.advance(chrono::TimeDelta::days(30));
    let dry = removed(&app, false).await;
    let table = |name: &str| dry.iter().find(|(table, ..)| *table == name).copied().unwrap();
    // The companies of the merged industry count as changed.
    assert_eq!(table("prospects"), ("prospects", 1_998, 0, 0), "{dry:?}");
    let (_, gone, changed, _) = table("companies");
    assert_eq!((gone + changed, changed > 0), (200, true), "{dry:?}");
    assert_eq!(table("llm_usage_logs").1, 1_000);
}

async fn removal_without_demo_data_is_rejected(app: App) {
    app.world().await;
    let refused = demo::remove(&app.scope(app.organization), true, &Unwatched).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound(_)), "{refused}");
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 4);
}

async fn demo_data_of_the_previous_version_is_removed(app: App) {
    let scope = app.scope(app.organization);
    let scale = demo::Scale::Small;
    let rows =
        demo::seed_edition(&scope, scale, demo::Edition::HalfYear, &Unwatched).await.unwrap();
    app.clock.advance(chrono::TimeDelta::days(40));
    let removals = removed(&app, true).await;
    let gone: u64 = removals.iter().map(|(_, removed, ..)| removed).sum();
    // The links between industries and solutions are not counted.
    assert!(gone < rows && gone > rows * 99 / 100, "{gone} of {rows}");
    let data = app.data(EVERYTHING).await;
    for (name, list) in data.as_object().unwrap() {
        assert_eq!(list["totalCount"], 0, "{name}");
    }
}

async fn demo_data_covers_a_year(app: App) {
    seed(&app, app.organization).await.unwrap();
    let count = |list: &str| {
        format!("{list}: {list} {{ groups(by: [{{ createdAt: MONTH }}]) {{ totalCount }} }}")
    };
    let lists =
        ["prospects", "interactions", "prospectResearches", "outreachDrafts", "llmUsageLogs"];
    let query = format!("{{ {} }}", lists.map(count).join(" "));
    let data = app.data(&query).await;
    for list in lists {
        let months = data[list]["groups"]["totalCount"].as_i64().unwrap();
        assert!(months >= 12, "{list}: {months}");
    }
    // No row of a prospect is older than the prospect.
    let query = "{ prospects(first: 100) { nodes { createdAt interactions(first: 1) { nodes { interactionDate } } \
                 outreachDrafts(first: 1) { nodes { createdAt } } latestResearch { createdAt } } } }";
    for prospect in app.data(query).await["prospects"]["nodes"].as_array().unwrap() {
        let made = prospect["createdAt"].as_str().unwrap();
        for other in [
            &prospect["interactions"]["nodes"][0]["interactionDate"],
            &prospect["outreachDrafts"]["nodes"][0]["createdAt"],
            &prospect["latestResearch"]["createdAt"],
        ] {
            assert!(other.as_str().is_none_or(|other| other > made), "{prospect}");
        }
    }
    let query = "{ prospects { groups(by: [{ source: VALUE }]) { nodes { key { source } } } } \
                 outreachDrafts(filter: { messageTemplateId: { isNull: false } }) { totalCount } \
                 companies(filter: { country: { eq: \"DE\" }, employeeCount: { gt: 0 } }) { totalCount } }";
    let data = app.data(query).await;
    assert_eq!(data["prospects"]["groups"]["nodes"].as_array().unwrap().len(), 2);
    assert!(data["outreachDrafts"]["totalCount"].as_i64().unwrap() > 100);
    assert!(data["companies"]["totalCount"].as_i64().unwrap() > 50);
}

async fn demo_imports_can_be_decided_committed_and_undone(app: App) {
    seed(&app, app.organization).await.unwrap();
    let query = "{ importJobs { nodes { id name status totalRecords processedRecords createdRecords skippedRecords failedRecords \
                 pendingRecords importRecords(filter: { verdict: { eq: MERGE_CANDIDATE } }) { nodes { reason candidateProspects { fullName } mappedData } } } } }";
    let jobs = app.data(query).await["importJobs"]["nodes"].take();
    let counts = |job: &serde_json::Value| {
        [
            "totalRecords",
            "processedRecords",
            "createdRecords",
            "skippedRecords",
            "failedRecords",
            "pendingRecords",
        ]
        .map(|name| job[name].as_i64().unwrap())
    };
    assert_eq!(jobs[0]["status"], "COMPLETED");
    assert_eq!(counts(&jobs[0]), [43, 43, 40, 1, 2, 0]);
    assert_eq!(jobs[1]["status"], "PENDING");
    assert_eq!(counts(&jobs[1]), [8, 1, 0, 0, 1, 7]);
    let candidates = jobs[1]["importRecords"]["nodes"].as_array().unwrap();
    assert_eq!(candidates.len(), 2);
    for row in candidates {
        assert_eq!(
            row["candidateProspects"][0]["fullName"], row["mappedData"]["full_name"],
            "{row}"
        );
    }
    super::imports::commit(&app, 2, "MERGE").await;
    let jobs = app.data(query).await["importJobs"]["nodes"].take();
    assert_eq!(jobs[1]["status"], "COMPLETED");
    // Four new prospects; both candidates and one known prospect get new values.
    assert_eq!(counts(&jobs[1]), [8, 8, 4, 0, 1, 0], "{jobs}");
}

async fn demo_data_is_removed_beside_rows_of_users(app: App) {
    // Another organization has other numbers of drafts and templates.
    let other = app.organization("other").await;
    let template = r#"mutation { createMessageTemplate(input: { name: "Own", templateType: BODY, templateText: "Hi" }) { userErrors { message } } }"#;
    app.answer_to(other, template, json!({})).await;
    seed(&app, app.organization).await.unwrap();
    for number in 0..3 {
        let file = format!("Name,Email,Company\nUser {number},user{number}@own.example,Own\n");
        super::imports::preview(&app, &file).await;
    }
    let find = "{ prospects(filter: { researchCount: { gt: 0 } }, first: 1) { nodes { id researchCount } } }";
    let id = app.data(find).await["prospects"]["nodes"][0]["id"].as_str().unwrap().to_owned();
    let update = format!(
        "mutation {{ updateProspect(input: {{ id: \"{id}\", patch: {{ jobTitle: \"CTO\" }} }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&update).await;
    let removals = removed(&app, true).await;
    let gone = |name: &str| removals.iter().find(|(table, ..)| *table == name).unwrap().1;
    assert_eq!(
        (gone("import_jobs"), gone("import_records"), gone("message_templates")),
        (2, 51, 4)
    );
    let query = format!(
        "{{ importJobs {{ totalCount }} messageTemplates {{ totalCount }} prospect(id: \"{id}\") {{ researchCount }} }}"
    );
    assert_eq!(
        app.data(&query).await,
        json!({ "importJobs": { "totalCount": 3 }, "messageTemplates": { "totalCount": 0 }, "prospect": { "researchCount": 0 } })
    );
}
