//! Data migration from a sales-assistant database.

pub mod resume;
pub mod skipped;

use engine::{
    Error,
    progress::{Progress, Unwatched},
};
use serde_json::{Value, json};
use service::systems::sales_assistant::{Finding, Options, Outcome, Source};
use tests::{App, Engine, app::texts, behaviours, sales_assistant::SourceDatabase};

behaviours![
    every_column_and_primary_key_is_migrated,
    both_engines_are_supported_as_source,
    primary_keys_continue_after_the_highest_one,
    rejected_rows_are_listed_and_nothing_is_written,
    rows_that_violate_the_source_schema_are_listed,
    enum_values_are_mapped,
    duplicates_are_kept_on_request,
    organization_with_existing_rows_is_rejected,
    primary_keys_used_by_another_organization_are_listed,
    non_integer_primary_keys_are_listed,
    invalid_source_databases_are_rejected,
];

async fn import(
    scope: &engine::Scope,
    from: &str,
    options: &Options,
    progress: &dyn Progress,
) -> engine::Result<Outcome> {
    let source = Source::open(from).await?;
    service::systems::sales_assistant::import(scope, &source, options, progress).await
}

async fn bring(app: &App, source: &SourceDatabase, options: &Options) -> Outcome {
    import(&app.scope(app.organization), &source.url, options, &Unwatched).await.unwrap()
}

async fn refused(app: &App, source: &SourceDatabase) -> Vec<String> {
    match bring(app, source, &Options::default()).await {
        Outcome::Refused(findings) => findings.iter().map(line).collect(),
        Outcome::Imported(rows) => panic!("imported: {rows:?}"),
    }
}

fn line(finding: &Finding) -> String {
    let Finding { table, column, reason, rows, examples } = finding;
    format!("{table}.{column} {reason} [{rows}: {}]", examples.join(" "))
}

fn rows(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Imported(report) => report.tables.iter().map(|(_, rows)| rows).sum(),
        Outcome::Refused(findings) => panic!("refused: {findings:?}"),
    }
}

const EVERYTHING: &str = "{ schemaVersion
    industries { nodes { id name createdAt updatedAt solutions { nodes { id } } } }
    solutions { nodes { id name category description useCases keywords pricingModel } }
    events { nodes { id eventType eventDate description location targetIndustries targetRoles solutionsFeatured status } }
    companies { nodes { id name industryId size website domain revision deletedAt } }
    prospects { nodes { id fullName email linkedinUrl location companyId lastContactedAt isActive } }
    interactions { nodes { id prospectId eventId interactionType interactionDate subject content sentiment outcome } }
    outreachDrafts { nodes { id prospectId eventId draftType content status } }
    prospectResearches { nodes { id prospectId researchSummary keyInsights recommendedSolutions confidenceScore } }
    llmUsageLogs { nodes { id workflowName nodeName model promptTokens completionTokens totalTokens latencyMs cost createdAt } } }";

fn expected() -> Value {
    json!({
        "schemaVersion": "1975ea83b712",
        "industries": { "nodes": [
            { "id": "Industry:3", "name": "Logistics", "createdAt": "2025-01-02T03:04:05Z",
              "updatedAt": "2025-01-02T03:04:05.000001Z", "solutions": { "nodes": [{ "id": "Solution:5" }] } },
            { "id": "Industry:7", "name": "Bänking", "createdAt": "2025-01-02T03:04:05.500Z",
              "updatedAt": "2025-01-02T03:04:05Z", "solutions": { "nodes": [] } }] },
        "solutions": { "nodes": [{ "id": "Solution:5", "name": "Radar", "category": "Platform", "description": "Finds.",
            "useCases": ["a", 1], "keywords": null, "pricingModel": "per seat" }] },
        "events": { "nodes": [{ "id": "Event:2", "eventType": "fair", "eventDate": "2025-06-01T09:00:00Z",
            "description": "A fair.", "location": "Berlin", "targetIndustries": ["Logistics"],
            "targetRoles": { "CTO": true }, "solutionsFeatured": null, "status": "PLANNED" }] },
        "companies": { "nodes": [
            { "id": "Company:11", "name": "Acme", "industryId": "Industry:3", "size": "11-50",
              "website": "https://www.Acme.example/x", "domain": "acme.example", "revision": 1, "deletedAt": null },
            { "id": "Company:12", "name": "Bank", "industryId": "Industry:7", "size": "1000+",
              "website": null, "domain": null, "revision": 1, "deletedAt": null }] },
        "prospects": { "nodes": [
            { "id": "Prospect:101", "fullName": "Ada Lovelace", "email": "Ada@acme.example", "linkedinUrl": null,
              "location": "London", "companyId": "Company:11", "lastContactedAt": "2025-03-04T05:06:07.123456Z", "isActive": true },
            { "id": "Prospect:102", "fullName": "Zoë", "email": "zoe@bank.example", "linkedinUrl": "https://l.example/zoe",
              "location": null, "companyId": "Company:12", "lastContactedAt": null, "isActive": false }] },
        "interactions": { "nodes": [
            { "id": "Interaction:1001", "prospectId": "Prospect:101", "eventId": "Event:2", "interactionType": "meeting",
              "interactionDate": "2025-03-04T05:06:07Z", "subject": "Met", "content": "At the fair.", "sentiment": "positive", "outcome": null },
            { "id": "Interaction:1002", "prospectId": "Prospect:101", "eventId": null, "interactionType": "email",
              "interactionDate": "2025-03-03T05:06:07Z", "subject": "Hello", "content": "", "sentiment": null, "outcome": "answered" }] },
        "outreachDrafts": { "nodes": [
            { "id": "OutreachDraft:21", "prospectId": "Prospect:101", "eventId": "Event:2", "draftType": "initial", "content": "Dear Ada", "status": "SENT" },
            { "id": "OutreachDraft:22", "prospectId": "Prospect:102", "eventId": null, "draftType": "reply", "content": "Dear Zoë", "status": "PENDING_REVIEW" }] },
        "prospectResearches": { "nodes": [{ "id": "ProspectResearch:31", "prospectId": "Prospect:101", "researchSummary": "Decides.",
            "keyInsights": { "need": [1, 2.5, null] }, "recommendedSolutions": [5], "confidenceScore": 0.300_000_000_000_000_04 }] },
        "llmUsageLogs": { "nodes": [{ "id": "LlmUsageLog:41", "workflowName": "outreach", "nodeName": "draft", "model": "large",
            "promptTokens": 100, "completionTokens": 20, "totalTokens": 120, "latencyMs": 900, "cost": 0.123_456_789_012_345_6,
            "createdAt": "2025-01-02T03:04:05Z" }] },
    })
}

async fn every_column_and_primary_key_is_migrated(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    let outcome = bring(&app, &source, &Options::default()).await;
    assert_eq!(rows(&outcome), 16);
    assert_eq!(app.data(EVERYTHING).await, expected());
}

async fn both_engines_are_supported_as_source(app: App) {
    // Migrates from a source on the other engine. This requires a Postgres server.
    if tests::database::postgres().is_none() {
        return;
    }
    let other = if app.engine == Engine::Sqlite { Engine::Postgres } else { Engine::Sqlite };
    let source = SourceDatabase::new(other).await;
    bring(&app, &source, &Options::default()).await;
    assert_eq!(app.data(EVERYTHING).await, expected());
}

async fn primary_keys_continue_after_the_highest_one(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    bring(&app, &source, &Options::default()).await;
    assert_eq!(app.industry("Next").await, 8);
    assert_eq!(app.prospect("Next", 11).await, 103);
    assert_eq!(app.usage("next", 0.0).await, 42);
}

async fn rejected_rows_are_listed_and_nothing_is_written(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    source.run("UPDATE prospects SET email = 'ADA@ACME.example' WHERE id = 102").await;
    source.run("UPDATE companies SET website = 'acme.example' WHERE id = 12").await;
    source.run("UPDATE industries SET name = 'LOGISTICS' WHERE id = 7").await;
    source.run("UPDATE outreach_drafts SET status = 'archived'").await;
    source.run("UPDATE events SET status = 'dreamt'").await;
    let keep = "is a duplicate; use `--duplicates keep` to import such rows unchanged";
    assert_eq!(
        refused(&app, &source).await,
        [
            "events.status `dreamt` has no matching enum value; map it with --map events.status:dreamt=… [1: 2]".to_owned(),
            "outreach_drafts.status `archived` has no matching enum value; map it with --map outreach_drafts.status:archived=… [2: 21 22]".to_owned(),
            format!("prospects.email {keep} [2: ada@acme.example (2 times)]"),
            format!("industries.name {keep} [2: logistics (2 times)]"),
            format!("companies.website (its domain) {keep} [2: acme.example (2 times)]"),
        ]
    );
    let data =
        app.data("{ industries { totalCount } prospects { totalCount } schemaVersion }").await;
    assert_eq!(
        data,
        json!({ "industries": { "totalCount": 0 }, "prospects": { "totalCount": 0 }, "schemaVersion": null })
    );
}

async fn rows_that_violate_the_source_schema_are_listed(app: App) {
    // Postgres enforces column types and constraints; SQLite does not.
    let source = SourceDatabase::new(Engine::Sqlite).await;
    let long = "x".repeat(256);
    source.run(&format!("UPDATE companies SET name = '{long}' WHERE id = 12")).await;
    source.run("UPDATE prospects SET company_id = 99 WHERE id = 102").await;
    source.run("UPDATE prospects SET last_contacted_at = 'yesterday', is_active = 'maybe' WHERE id = 101").await;
    source.run("UPDATE prospect_research SET key_insights = '{', confidence_score = 'high'").await;
    source.run("UPDATE llm_usage_logs SET prompt_tokens = 'many', total_tokens = 3000000000").await;
    source.run("UPDATE solutions SET description = 'a' || char(0) || 'b'").await;
    source.run("UPDATE industry_solutions SET solution_id = 77").await;
    source.run("UPDATE events SET location = CAST(x'ff00' AS TEXT)").await;
    source
        .run(
            r#"UPDATE events SET target_roles = '["a\u0000"]', solutions_featured = '["\\u0000"]'"#,
        )
        .await;
    assert_eq!(
        refused(&app, &source).await,
        [
            "solutions.description contains the NUL character [1: 5]",
            "events.location is not valid text [1: 2]",
            "events.target_roles contains the NUL character [1: 2]",
            "companies.name is longer than 255 characters [1: 12]",
            "prospects.is_active is neither true nor false [1: 101]",
            "prospects.last_contacted_at is not a timestamp [1: 101]",
            "prospects.company_id references a missing row of companies [1: 102]",
            "prospect_research.confidence_score is not a finite number [1: 31]",
            "prospect_research.key_insights is not JSON [1: 31]",
            "llm_usage_logs.prompt_tokens is not a 32-bit integer [1: 41]",
            "llm_usage_logs.total_tokens is not a 32-bit integer [1: 41]",
            "industry_solutions.solution_id references a missing row of solutions [1: 3]",
        ]
    );
}

async fn enum_values_are_mapped(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    source.run("UPDATE outreach_drafts SET status = 'archived' WHERE id = 21").await;
    let mapped = |from: &str, to: &str| Options {
        words: [(from.parse().unwrap(), to.to_owned())].into(),
        ..Options::default()
    };
    for (from, to) in [("outreach_drafts.status:archived", "gone"), ("prospects.email:a", "b")] {
        let wrong =
            import(&app.scope(app.organization), &source.url, &mapped(from, to), &Unwatched).await;
        assert!(matches!(wrong, Err(Error::Invalid { .. })), "{wrong:?}");
    }
    bring(&app, &source, &mapped("outreach_drafts.status:archived", "discarded")).await;
    let data = app.data("{ outreachDraft(id: 21) { status } }").await;
    assert_eq!(data["outreachDraft"]["status"], "DISCARDED");
}

async fn duplicates_are_kept_on_request(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    source.run("UPDATE prospects SET email = 'Ada@acme.example'").await;
    source.run("UPDATE industries SET name = 'Logistics'").await;
    let keep = Options { keep_duplicates: true, ..Options::default() };
    bring(&app, &source, &keep).await;
    let data = app
        .data("{ prospects { nodes { email duplicateOf { fullName } } } industries { nodes { name duplicateOfId } } }")
        .await;
    let (people, industries) = (&data["prospects"]["nodes"], &data["industries"]["nodes"]);
    assert_eq!(texts(people, "email"), ["Ada@acme.example"; 2]);
    assert_eq!(texts(industries, "name"), ["Logistics"; 2]);
    // All but the oldest are marked.
    assert!(people[0]["duplicateOf"].is_null() && industries[0]["duplicateOfId"].is_null());
    assert!(people[1]["duplicateOf"].is_object() && industries[1]["duplicateOfId"].is_string());
}

async fn organization_with_existing_rows_is_rejected(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    app.industry("Mine").await;
    let refused =
        import(&app.scope(app.organization), &source.url, &Options::default(), &Unwatched).await;
    let Err(Error::Conflict(_, message)) = refused else { panic!("{refused:?}") };
    assert!(message.contains("the organization already has industries"), "{message}");
    assert!(!message.contains("password"));
}

async fn primary_keys_used_by_another_organization_are_listed(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    let stranger = app.organization("stranger").await;
    for number in 0..4 {
        app.industry_of(stranger, &format!("Theirs {number}")).await;
    }
    let findings = refused(&app, &source).await;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].starts_with("industries.id is already used in this database"),
        "{findings:?}"
    );
    assert!(findings[0].ends_with("[1: 3]"), "{findings:?}");
}

async fn non_integer_primary_keys_are_listed(app: App) {
    // The table is created as the document specifies. SQLite accepts the type SERIAL but ignores its meaning.
    let source = SourceDatabase::new(Engine::Sqlite).await;
    for sql in [
        "CREATE TABLE loose (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
        "INSERT INTO loose SELECT * FROM industries",
        "INSERT INTO loose VALUES ('x', 'Odd', '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
        "DROP TABLE industries",
        "ALTER TABLE loose RENAME TO industries",
    ] {
        source.run(sql).await;
    }
    assert_eq!(refused(&app, &source).await[0], "industries.id is not an integer [1: ]");
}

async fn invalid_source_databases_are_rejected(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    source.run("ALTER TABLE llm_usage_logs RENAME COLUMN worfklow_name TO workflow_name").await;
    let scope = app.scope(app.organization);
    let message = async |url: &str| {
        let outcome = import(&scope, url, &Options::default(), &Unwatched).await;
        let Err(Error::Invalid { message, .. }) = outcome else { panic!("{outcome:?}") };
        message
    };
    assert!(message(&source.url).await.ends_with("no column llm_usage_logs.worfklow_name"));
    assert!(
        message("sqlite:/nowhere/at-all.db").await.starts_with("can't open /nowhere/at-all.db")
    );
    assert!(message("mysql://x/y").await.starts_with("the source must be"));
    let secret = message("postgres://user:secret@127.0.0.1:1/x").await;
    assert!(secret.starts_with("can't open the source") && !secret.contains("secret"), "{secret}");
}
