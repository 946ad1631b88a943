//! CRUD mutations: create, update, delete, restore.

use sea_orm::ActiveValue::Set;
use serde_json::json;
use tests::{App, behaviours};

use super::batches::company;

behaviours![
    created_prospect_has_default_values,
    email_is_unique_case_insensitively,
    email_of_a_deleted_prospect_can_be_reused,
    patch_updates_given_fields_and_clears_nulls,
    update_with_stale_revision_is_rejected,
    patch_without_changes_writes_nothing,
    company_is_identified_by_its_domain,
    company_with_prospects_cannot_be_deleted,
    deleted_prospects_are_hidden_and_can_be_restored,
    deleting_an_event_clears_references_to_it,
    industry_in_use_cannot_be_deleted,
    usage_log_is_append_only,
    solution_is_created_with_links_to_industries,
    writes_execute_few_statements,
    concurrent_creates_with_one_email_create_one_row,
];

async fn created_prospect_has_default_values(app: App) {
    company(&app).await;
    let made = app
        .done(r#"mutation { createProspect(input: { fullName: "Ada Lovelace", email: "Ada@Acme.example", companyId: 1 }) {
            prospect { id fullName email isActive lifecycleStage revision createdAt updatedAt deletedAt company { name } }
            userErrors { message } } }"#)
        .await;
    let now = "2026-03-01T12:00:00Z";
    let expected = json!({ "id": "Prospect:1", "fullName": "Ada Lovelace", "email": "Ada@Acme.example",
        "isActive": true, "lifecycleStage": "NEW", "revision": 1, "createdAt": now, "updatedAt": now,
        "deletedAt": null, "company": { "name": "Acme" } });
    assert_eq!(made["prospect"], expected);
}

async fn email_is_unique_case_insensitively(app: App) {
    let acme = company(&app).await;
    app.prospect("Ada", acme).await;
    let create = r#"mutation { createProspect(input: { fullName: "Other", email: "ADA@acme.EXAMPLE", companyId: 1 }) {
        prospect { id } userErrors { code field message } } }"#;
    let taken = "CONFLICT email: there is already a prospect with this email: Prospect:1";
    assert_eq!(app.refused(create).await, [taken]);
    app.prospect("Bob", acme).await;
    let update = r#"mutation { updateProspect(input: { id: 2, patch: { email: "ada@acme.example" } }) { userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(update).await,
        ["CONFLICT patch.email: there is already a prospect with this email: Prospect:1"]
    );
    let stranger = app.organization("stranger").await;
    let industry = app.industry_of(stranger, "x").await;
    app.company_with("y", industry, |row| row.organization_id = Set(stranger)).await;
    let theirs = r#"mutation { createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 2 }) { userErrors { code } } }"#;
    let answer = app.answer_to(stranger, theirs, json!({})).await;
    assert_eq!(answer["data"]["createProspect"]["userErrors"], json!([]), "{answer}");
}

async fn email_of_a_deleted_prospect_can_be_reused(app: App) {
    let acme = company(&app).await;
    app.prospect("Ada", acme).await;
    app.done(r"mutation { deleteProspect(input: { id: 1 }) { deletedId userErrors { code } } }")
        .await;
    app.done(r#"mutation { createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 1 }) { userErrors { code } } }"#).await;
    let restore =
        r"mutation { restoreProspect(input: { id: 1 }) { userErrors { code field message } } }";
    assert_eq!(
        app.refused(restore).await,
        ["CONFLICT email: there is already a prospect with this email: Prospect:2"]
    );
}

async fn patch_updates_given_fields_and_clears_nulls(app: App) {
    let acme = company(&app).await;
    app.prospect_with("Ada", acme, |row| {
        row.location = Set(Some("London".to_owned()));
        row.linkedin_url = Set(Some("https://linkedin.example/ada".to_owned()));
    })
    .await;
    app.clock.advance(chrono::TimeDelta::hours(1));
    let patched = app
        .done(r"mutation { updateProspect(input: { id: 1, expectedRevision: 1, patch: { location: null, isActive: false } }) {
            prospect { fullName location linkedinUrl isActive revision createdAt updatedAt } userErrors { code } } }")
        .await;
    let expected = json!({ "fullName": "Ada", "location": null, "linkedinUrl": "https://linkedin.example/ada",
        "isActive": false, "revision": 2, "createdAt": "2026-03-01T12:00:00Z", "updatedAt": "2026-03-01T13:00:00Z" });
    assert_eq!(patched["prospect"], expected);
    let absent = r"mutation { updateProspect(input: { id: 1, patch: { fullName: null } }) { userErrors { code field message } } }";
    assert_eq!(app.refused(absent).await, ["INVALID patch.fullName: is required"]);
}

async fn update_with_stale_revision_is_rejected(app: App) {
    let acme = company(&app).await;
    app.prospect("Ada", acme).await;
    let update = r#"mutation { updateProspect(input: { id: 1, expectedRevision: 1, patch: { fullName: "Ada L" } }) { userErrors { code field message } } }"#;
    app.done(update).await;
    assert_eq!(
        app.refused(&update.replace("Ada L", "Ada M")).await,
        [
            "CONFLICT expectedRevision: the record was modified concurrently (current revision 2); reload and retry"
        ]
    );
}

async fn patch_without_changes_writes_nothing(app: App) {
    let acme = company(&app).await;
    app.prospect("Ada", acme).await;
    let same = r#"mutation { updateProspect(input: { id: 1, patch: { fullName: "Ada" } }) { prospect { revision } userErrors { code } } }"#;
    assert_eq!(app.done(same).await["prospect"]["revision"], 1);
    assert_eq!(app.data("{ changes { totalCount } }").await["changes"]["totalCount"], 0);
}

async fn company_is_identified_by_its_domain(app: App) {
    app.industry("Logistics").await;
    let create = |site: &str| {
        format!(
            r#"mutation {{ createCompany(input: {{ name: "Acme", size: "11-50", industryId: 1, website: "{site}" }}) {{
            company {{ domain }} userErrors {{ code field message }} }} }}"#
        )
    };
    let made = app.done(&create("https://www.Acme.example/about")).await;
    assert_eq!(made["company"]["domain"], "acme.example");
    assert_eq!(
        app.refused(&create("acme.example")).await,
        ["CONFLICT website: there is already a company with this domain: Company:1"]
    );
    let moved = r#"mutation { updateCompany(input: { id: 1, patch: { website: "https://acme.test.example" } }) { company { domain } userErrors { code } } }"#;
    assert_eq!(app.done(moved).await["company"]["domain"], "acme.test.example");
    let upsert = r#"mutation { upsertCompanies(input: { companies: [
        { name: "Acme Ltd", size: "51-200", industryId: 1, website: "http://acme.test.example" },
        { name: "New", size: "1", industryId: 1, website: "new.example" }, { name: "No site", size: "1", industryId: 1 }] }) {
        companies { id name size } createdCount updatedCount userErrors { code } } }"#;
    let done = app.done(upsert).await;
    assert_eq!(
        done["companies"][0],
        json!({ "id": "Company:1", "name": "Acme Ltd", "size": "51-200" })
    );
    assert_eq!((&done["createdCount"], &done["updatedCount"]), (&json!(2), &json!(1)));
}

async fn company_with_prospects_cannot_be_deleted(app: App) {
    let acme = company(&app).await;
    app.prospect("Ada", acme).await;
    let delete = r"mutation { deleteCompany(input: { id: 1 }) { deletedId company { deletedAt } userErrors { code field message } } }";
    assert_eq!(
        app.refused(delete).await,
        [
            "CONFLICT id: the company has 1 prospects that are not deleted; delete or move them first"
        ]
    );
    app.done(r"mutation { deleteProspect(input: { id: 1 }) { userErrors { code } } }").await;
    let deleted = app.done(delete).await;
    assert_eq!(deleted["company"]["deletedAt"], "2026-03-01T12:00:00Z");
    let orphan =
        r"mutation { restoreProspect(input: { id: 1 }) { userErrors { code field message } } }";
    assert_eq!(
        app.refused(orphan).await,
        ["CONFLICT id: the company is deleted; restore it first"]
    );
    let create = r#"mutation { createProspect(input: { fullName: "x", email: "x@y.example", companyId: 1 }) { userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(create).await,
        ["CONFLICT companyId: the company is deleted; restore it first"]
    );
}

async fn deleted_prospects_are_hidden_and_can_be_restored(app: App) {
    app.world().await;
    let deleted = app.done(r"mutation { deleteProspect(input: { id: 1, expectedRevision: 1 }) { deletedId prospect { deletedAt } userErrors { code } } }").await;
    assert_eq!(deleted["deletedId"], "Prospect:1");
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 3);
    let draft = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) { userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(draft).await,
        ["CONFLICT prospectId: the prospect is deleted; restore it first"]
    );
    let update = r#"mutation { updateProspect(input: { id: 1, patch: { fullName: "x" } }) { userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(update).await,
        ["CONFLICT id: the prospect is deleted; restore it first"]
    );
    app.done(r"mutation { restoreProspect(input: { id: 1 }) { prospect { deletedAt } userErrors { code } } }").await;
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 4);
}

async fn deleting_an_event_clears_references_to_it(app: App) {
    app.world().await;
    let counts = "{ interactions { totalCount } outreachDrafts { totalCount } }";
    let before = app.data(counts).await;
    app.done(r"mutation { deleteEvent(input: { id: 1 }) { deletedId userErrors { code } } }").await;
    assert_eq!(app.data(counts).await, before);
    let left = "{ i: interactions(filter: { eventId: { isNull: false } }) { totalCount } d: outreachDrafts(filter: { eventId: { isNull: false } }) { totalCount } }";
    assert_eq!(app.data(left).await, json!({ "i": { "totalCount": 0 }, "d": { "totalCount": 0 } }));
    let history = app.data("{ interaction(id: 1) { revision history { nodes { kind fields { name before after } } } } }").await;
    assert_eq!(history["interaction"]["revision"], 2);
    assert_eq!(
        history["interaction"]["history"]["nodes"],
        json!([{ "kind": "UPDATED", "fields": [{ "name": "eventId", "before": "Event:1", "after": null }] }])
    );
}

async fn industry_in_use_cannot_be_deleted(app: App) {
    app.world().await;
    let delete = |id: i64| {
        format!(
            "mutation {{ deleteIndustry(input: {{ id: {id} }}) {{ deletedId userErrors {{ code field message }} }} }}"
        )
    };
    assert_eq!(
        app.refused(&delete(1)).await,
        [
            "CONFLICT id: the industry has 1 companies (including deleted); merge it into another (mergeIndustries)"
        ]
    );
    assert_eq!(app.done(&delete(3)).await["deletedId"], "Industry:3");
}

async fn usage_log_is_append_only(app: App) {
    let create = |total: &str| {
        format!(
            r#"mutation {{ createLlmUsageLog(input: {{ workflowName: "w", nodeName: "n", model: "m", promptTokens: 10,
            completionTokens: 5{total}, latencyMs: 3, cost: 0.25 }}) {{ llmUsageLog {{ totalTokens cost }} userErrors {{ code field message }} }} }}"#
        )
    };
    assert_eq!(
        app.done(&create("")).await["llmUsageLog"],
        json!({ "totalTokens": 15, "cost": 0.25 })
    );
    assert_eq!(
        app.refused(&create(", totalTokens: 16")).await,
        ["INVALID totalTokens: `totalTokens` must be the sum of prompt and completion tokens (15)"]
    );
    let sdl = api::schema::sdl();
    assert!(!sdl.contains("updateLlmUsageLog") && !sdl.contains("deleteLlmUsageLog"));
    assert!(
        !sdl.contains("updateChange")
            && !sdl.contains("deleteChange")
            && !sdl.contains("createChange")
    );
}

async fn solution_is_created_with_links_to_industries(app: App) {
    app.industry("Logistics").await;
    app.industry("Zoos").await;
    let made = app.done(r#"mutation { createSolution(input: { name: "Radar", category: "c", description: "d", pricingModel: "p",
        useCases: ["a", 1], industryIds: ["Industry:2", 1] }) { solution { useCases industries { nodes { name } } } userErrors { code } } }"#).await;
    assert_eq!(
        made["solution"],
        json!({ "useCases": ["a", 1], "industries": { "nodes": [{ "name": "Logistics" }, { "name": "Zoos" }] } })
    );
    let pair = |verb: &str| {
        format!(
            "mutation {{ {verb}IndustrySolution(input: {{ industryId: 2, solutionId: 1 }}) {{ solution {{ industries {{ totalCount }} }} industry {{ solutions {{ totalCount }} }} userErrors {{ code }} }} }}"
        )
    };
    assert_eq!(app.done(&pair("unlink")).await["solution"]["industries"]["totalCount"], 1);
    let before = app.data("{ changes { totalCount } }").await;
    app.done(&pair("unlink")).await;
    assert_eq!(app.data("{ changes { totalCount } }").await, before);
    assert_eq!(app.done(&pair("link")).await["industry"]["solutions"]["totalCount"], 1);
}

async fn writes_execute_few_statements(app: App) {
    app.world().await;
    for (mutation, expected) in [
        // Advisory lock on the name (Postgres only), lookup of the name, insert of the row, insert of the change log
        // entry, and selection.
        (r#"createIndustry(input: { name: "New" }) { industry { name } }"#, [4, 5]),
        // Plain insert, as a single statement.
        (
            r#"createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" }) { outreachDraft { id } }"#,
            [1, 1],
        ),
        (
            r#"updateProspect(input: { id: 1, patch: { location: "Rome" } }) { prospect { id } }"#,
            [4, 4],
        ),
        (r"submitOutreachDraft(input: { id: 1 }) { outreachDraft { id } }", [5, 5]),
    ] {
        let (_, statements) = app.counted(&format!("mutation {{ {mutation} }}")).await;
        let expected = expected[usize::from(app.engine == tests::Engine::Postgres)];
        assert_eq!(statements, expected, "{mutation}");
    }
}

async fn concurrent_creates_with_one_email_create_one_row(app: App) {
    company(&app).await;
    let create = r#"mutation { createProspect(input: { fullName: "x", email: "one@x.example", companyId: 1 }) { prospect { id } userErrors { code } } }"#;
    let answers = futures_util::future::join_all((0..8).map(|_| app.answer(create))).await;
    let made =
        answers.iter().filter(|answer| answer["data"]["createProspect"]["prospect"].is_object());
    assert_eq!(made.count(), 1, "{answers:?}");
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 1);
}
