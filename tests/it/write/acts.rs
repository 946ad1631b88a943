//! Business actions on prospects, industries, events and interactions.

use serde_json::json;
use tests::{App, behaviours};

behaviours![
    logging_an_interaction_updates_the_prospect,
    deleting_an_interaction_updates_the_prospect,
    content_of_an_interaction_is_immutable,
    interaction_in_the_future_is_rejected,
    event_follows_its_state_machine,
    research_is_saved_with_its_usage_logs,
    rejected_research_stores_no_usage_logs,
    merging_industries_moves_companies_and_solutions,
    merging_prospects_keeps_the_older_row,
    moving_a_prospect_changes_its_company,
    lifecycle_stages_follow_allowed_transitions,
    recorded_activity_only_advances_the_stage,
    erasing_a_prospect_removes_all_personal_data,
    erasing_includes_merged_and_deleted_rows,
    interaction_rejects_the_draft_of_another_prospect,
    export_contains_all_data_of_a_prospect,
];

async fn logging_an_interaction_updates_the_prospect(app: App) {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    app.prospect("Ada", acme).await;
    let log = |direction: &str, date: &str| {
        format!(
            r#"mutation {{ logInteraction(input: {{ prospectId: 1, interactionType: "call", subject: "s", content: "c",
            direction: {direction}, interactionDate: "{date}" }}) {{ interaction {{ direction prospect {{ lastContactedAt lastEngagementDate lifecycleStage }} }} userErrors {{ code message }} }} }}"#
        )
    };
    let first = app.done(&log("OUTBOUND", "2026-02-01T00:00:00Z")).await;
    assert_eq!(
        first["interaction"]["prospect"],
        json!({ "lastContactedAt": "2026-02-01T00:00:00Z", "lastEngagementDate": null, "lifecycleStage": "CONTACTED" })
    );
    app.done(&log("OUTBOUND", "2026-01-01T00:00:00Z")).await;
    let last = app.done(&log("INBOUND", "2026-02-03T00:00:00Z")).await;
    assert_eq!(
        last["interaction"]["prospect"],
        json!({ "lastContactedAt": "2026-02-01T00:00:00Z", "lastEngagementDate": "2026-02-03T00:00:00Z", "lifecycleStage": "ENGAGED" })
    );
    let plain = app.done(r#"mutation { logInteraction(input: { prospectId: 1, interactionType: "call", subject: "s", content: "c" }) { interaction { direction interactionDate } userErrors { code } } }"#).await;
    assert_eq!(
        plain["interaction"],
        json!({ "direction": "OUTBOUND", "interactionDate": "2026-03-01T12:00:00Z" })
    );
}

async fn deleting_an_interaction_updates_the_prospect(app: App) {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    app.prospect("Ada", acme).await;
    for date in ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"] {
        app.done(&format!(r#"mutation {{ logInteraction(input: {{ prospectId: 1, interactionType: "call", subject: "s", content: "c", interactionDate: "{date}" }}) {{ userErrors {{ code }} }} }}"#)).await;
    }
    let delete = |id: i64| {
        format!(
            "mutation {{ deleteInteraction(input: {{ id: {id} }}) {{ deletedId userErrors {{ code }} }} }}"
        )
    };
    let contacted = "{ prospect(id: 1) { lastContactedAt } }";
    app.done(&delete(2)).await;
    assert_eq!(app.data(contacted).await["prospect"]["lastContactedAt"], "2026-01-01T00:00:00Z");
    app.done(&delete(1)).await;
    assert_eq!(app.data(contacted).await["prospect"]["lastContactedAt"], json!(null));
}

async fn content_of_an_interaction_is_immutable(app: App) {
    app.world().await;
    let seen = app.done(r#"mutation { updateInteraction(input: { id: 1, patch: { sentiment: "positive", outcome: "meeting" } }) { interaction { sentiment outcome } userErrors { code } } }"#).await;
    assert_eq!(seen["interaction"], json!({ "sentiment": "positive", "outcome": "meeting" }));
    let other = r#"mutation { updateInteraction(input: { id: 1, patch: { content: "other" } }) { userErrors { code } } }"#;
    assert!(app.error(other).await.starts_with("GRAPHQL_VALIDATION_FAILED"));
}

async fn interaction_in_the_future_is_rejected(app: App) {
    app.world().await;
    let log = r#"mutation { logInteraction(input: { prospectId: 1, interactionType: "call", subject: "s", content: "c", interactionDate: "2026-03-01T12:06:00Z" }) { userErrors { code field message } } }"#;
    assert_eq!(app.refused(log).await, ["INVALID interactionDate: must not be in the future"]);
}

async fn event_follows_its_state_machine(app: App) {
    let create = r#"mutation { createEvent(input: { eventType: "fair", eventDate: "2026-06-01T09:00:00+02:00", description: "d", location: "Berlin", targetRoles: ["CTO"] }) { event { status eventDate } userErrors { code } } }"#;
    assert_eq!(
        app.done(create).await["event"],
        json!({ "status": "PLANNED", "eventDate": "2026-06-01T07:00:00Z" })
    );
    let act = |verb: &str| {
        format!(
            "mutation {{ {verb}Event(input: {{ id: 1 }}) {{ event {{ status }} userErrors {{ code field message }} }} }}"
        )
    };
    assert_eq!(
        app.refused(&act("complete")).await,
        ["CONFLICT id: an event in status PLANNED can only change to OPEN, CANCELLED"]
    );
    assert_eq!(app.done(&act("open")).await["event"]["status"], "OPEN");
    assert_eq!(app.done(&act("complete")).await["event"]["status"], "COMPLETED");
    assert_eq!(
        app.refused(&act("cancel")).await,
        ["CONFLICT id: the status COMPLETED of an event can't be changed"]
    );
}

async fn research_is_saved_with_its_usage_logs(app: App) {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    app.prospect("Ada", acme).await;
    let known = app.usage("large", 0.5).await;
    let save = format!(
        r#"mutation {{ saveProspectResearch(input: {{ prospectId: 1, researchSummary: "Decides.", keyInsights: {{ need: ["speed"] }},
        recommendedSolutions: ["Radar", 1], confidenceScore: 0.75, llmUsageLogIds: ["LlmUsageLog:{known}"],
        llmUsageLogs: [{{ workflowName: "w", nodeName: "n", model: "small", promptTokens: 10, completionTokens: 5, latencyMs: 3, cost: 0.25 }}] }}) {{
        prospectResearch {{ keyInsights costToDate llmUsageLogs {{ nodes {{ model totalTokens prospectResearches {{ totalCount }} }} }} prospect {{ lifecycleStage }} }} userErrors {{ code field message }} }} }}"#
    );
    let saved = app.done(&save).await;
    assert_eq!(
        saved["prospectResearch"],
        json!({ "keyInsights": { "need": ["speed"] }, "costToDate": 0.75, "prospect": { "lifecycleStage": "RESEARCHED" },
            "llmUsageLogs": { "nodes": [{ "model": "large", "totalTokens": 120, "prospectResearches": { "totalCount": 1 } },
                { "model": "small", "totalTokens": 15, "prospectResearches": { "totalCount": 1 } }] } })
    );
}

async fn rejected_research_stores_no_usage_logs(app: App) {
    app.world().await;
    let save = r#"mutation { saveProspectResearch(input: { prospectId: 1, researchSummary: "x",
        llmUsageLogs: [{ workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 3, cost: 0.25 },
            { workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, totalTokens: 9, latencyMs: 3, cost: -1 }] }) { userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(save).await,
        [
            "INVALID llmUsageLogs.totalTokens: `totalTokens` must be the sum of prompt and completion tokens (2)",
            "INVALID llmUsageLogs.cost: must be from 0 to 1000000"
        ]
    );
    let data = app.data("{ llmUsageLogs { totalCount } changes { totalCount } prospect(id: 1) { research { totalCount } } }").await;
    assert_eq!(
        data,
        json!({ "llmUsageLogs": { "totalCount": 1 }, "changes": { "totalCount": 0 }, "prospect": { "research": { "totalCount": 0 } } })
    );
}

async fn merging_industries_moves_companies_and_solutions(app: App) {
    app.world().await;
    let merge = r"mutation { mergeIndustries(input: { keepId: 1, dropId: 2 }) { industry { id name companies { nodes { name } } solutions { nodes { name } } } userErrors { code field message } } }";
    let merged = app.done(merge).await;
    assert_eq!(
        merged["industry"],
        json!({ "id": "Industry:1", "name": "Logistics", "companies": { "nodes": [{ "name": "Acme" }, { "name": "bank & Sons" }] },
            "solutions": { "nodes": [{ "name": "Radar" }, { "name": "Planner" }] } })
    );
    assert_eq!(
        app.data("{ industry(id: 2) { name } industries { totalCount } }").await,
        json!({ "industry": null, "industries": { "totalCount": 2 } })
    );
    assert_eq!(
        app.refused(&merge.replace("dropId: 2", "dropId: 1")).await,
        ["INVALID dropId: an industry can't be merged into itself"]
    );
    assert_eq!(app.refused(merge).await, ["NOT_FOUND dropId: no such industry"]);
}

async fn merging_prospects_keeps_the_older_row(app: App) {
    app.world().await;
    let own = "interactions { totalCount } outreachDrafts { totalCount } research { totalCount }";
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { location: "London" } }) { userErrors { code } } }"#).await;
    app.done("mutation { unsubscribeProspect(input: { id: 1 }) { userErrors { code } } }").await;
    let merge = format!(
        r"mutation {{ mergeProspects(input: {{ keepId: 3, dropId: 1 }}) {{ prospect {{ id fullName email location lastContactedAt unsubscribedAt {own} }} userErrors {{ code }} }} }}"
    );
    let merged = app.done(&merge).await;
    assert_eq!(
        merged["prospect"],
        json!({ "id": "Prospect:1", "fullName": "Cleo", "email": "cleo@acme.example", "location": "London",
            "lastContactedAt": "2026-03-01T12:00:00Z", "unsubscribedAt": "2026-03-01T12:00:00Z",
            "interactions": { "totalCount": 6 }, "outreachDrafts": { "totalCount": 4 }, "research": { "totalCount": 2 } })
    );
    let gone = app.data(&format!("{{ prospect(id: 3) {{ deletedAt {own} history {{ nodes {{ kind }} }} }} prospects {{ totalCount }} }}")).await;
    assert_eq!(gone["prospect"]["interactions"]["totalCount"], 0);
    assert_eq!(gone["prospect"]["history"]["nodes"], json!([{ "kind": "MERGED" }]));
    assert_eq!(gone["prospects"]["totalCount"], 3);
}

async fn moving_a_prospect_changes_its_company(app: App) {
    app.world().await;
    let moved = app.done(r#"mutation { moveProspect(input: { id: 1, companyId: "Company:2", expectedRevision: 1 }) { prospect { company { name } } userErrors { code } } }"#).await;
    assert_eq!(moved["prospect"]["company"]["name"], "bank & Sons");
    let nowhere = r"mutation { moveProspect(input: { id: 1, companyId: 9 }) { userErrors { code field message } } }";
    assert_eq!(app.refused(nowhere).await, ["NOT_FOUND companyId: no such company"]);
}

async fn lifecycle_stages_follow_allowed_transitions(app: App) {
    app.world().await;
    let advance = |stage: &str| {
        format!(
            "mutation {{ advanceProspect(input: {{ id: 1, lifecycleStage: {stage} }}) {{ prospect {{ lifecycleStage }} userErrors {{ code field message }} }} }}"
        )
    };
    assert_eq!(
        app.refused(&advance("CUSTOMER")).await,
        [
            "CONFLICT lifecycleStage: a prospect in stage NEW can only move to RESEARCHED, CONTACTED, DISQUALIFIED, not to CUSTOMER"
        ]
    );
    for stage in [
        "CONTACTED",
        "ENGAGED",
        "QUALIFIED",
        "OPPORTUNITY",
        "CUSTOMER",
        "ENGAGED",
        "DISQUALIFIED",
        "NEW",
    ] {
        assert_eq!(app.done(&advance(stage)).await["prospect"]["lifecycleStage"], stage);
    }
}

async fn recorded_activity_only_advances_the_stage(app: App) {
    app.world().await;
    let log = r#"mutation { logInteraction(input: { prospectId: 1, interactionType: "call", subject: "s", content: "c" }) { userErrors { code } } }"#;
    let save = r#"mutation { saveProspectResearch(input: { prospectId: 1, researchSummary: "x" }) { userErrors { code } } }"#;
    let stage = "{ prospect(id: 1) { lifecycleStage } }";
    app.done(log).await;
    app.done(save).await;
    assert_eq!(app.data(stage).await["prospect"]["lifecycleStage"], "CONTACTED");
    app.done("mutation { advanceProspect(input: { id: 1, lifecycleStage: DISQUALIFIED }) { userErrors { code } } }").await;
    app.done(log).await;
    assert_eq!(app.data(stage).await["prospect"]["lifecycleStage"], "DISQUALIFIED");
}

async fn erasing_a_prospect_removes_all_personal_data(app: App) {
    app.world().await;
    app.done(r#"mutation { updateProspect(input: { id: 3, patch: { fullName: "Cleo Secret", location: "Hidden" } }) { userErrors { code } } }"#).await;
    app.done(r#"mutation { createOutreachDraft(input: { prospectId: 3, draftType: "x", content: "Dear Cleo Secret," }) { userErrors { code } } }"#).await;
    app.done(r#"mutation { logInteraction(input: { prospectId: 3, interactionType: "x", subject: "Cleo Secret", content: "Cleo Secret" }) { userErrors { code } } }"#).await;
    app.done(r#"mutation { saveProspectResearch(input: { prospectId: 3, researchSummary: "Cleo Secret" }) { userErrors { code } } }"#).await;
    app.done("mutation { deleteProspect(input: { id: 3 }) { userErrors { code } } }").await;
    let erased = app.done("mutation { eraseProspect(input: { id: 3 }) { erasedId erasedRecords userErrors { code } } }").await;
    assert_eq!(erased, json!({ "erasedId": "Prospect:3", "erasedRecords": 11, "userErrors": [] }));
    let log = app.data("{ changes(first: 100) { nodes { entity recordId kind fields { name before after } } } prospect(id: 3) { id } }").await;
    assert_eq!(log["prospect"], json!(null));
    let text = log.to_string();
    assert!(!text.contains("Secret") && !text.contains("Hidden"), "{text}");
    let nodes = log["changes"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().filter(|node| node["kind"] == "ERASED").count(), 12);
    let rows = "{ interactions(filter: { prospectId: { eq: 3 } }) { totalCount } outreachDrafts(filter: { prospectId: { eq: 3 } }) { totalCount } }";
    assert_eq!(
        app.data(rows).await,
        json!({ "interactions": { "totalCount": 0 }, "outreachDrafts": { "totalCount": 0 } })
    );
    // No personal data of the prospect remains in any table.
    let dump = tests::stored::dump(&app).await;
    assert!(!dump.contains("Secret") && !dump.contains("Hidden"));
    assert!(dump.contains("Ada 0"), "other prospects should remain");
}

async fn export_contains_all_data_of_a_prospect(app: App) {
    app.world().await;
    app.done(r#"mutation { updateProspect(input: { id: 3, patch: { location: "Rome" } }) { userErrors { code } } }"#).await;
    let export = app
        .done("mutation { exportProspect(input: { id: 3 }) { export userErrors { code } } }")
        .await;
    let export = &export["export"];
    assert_eq!(export["prospect"]["full_name"], "Cleo");
    assert_eq!(export["company"]["name"], "Acme");
    let counts = ["interactions", "outreach_drafts", "prospect_research", "changes"]
        .map(|name| export[name].as_array().unwrap().len());
    assert_eq!(counts, [4, 2, 2, 1]);
    assert_eq!(export["changes"][0]["before"], json!({ "location": null }));
    let noted = app.data("{ prospect(id: 3) { history(last: 1) { nodes { kind } } } }").await;
    assert_eq!(noted["prospect"]["history"]["nodes"], json!([{ "kind": "EXPORTED" }]));
}

async fn erasing_includes_merged_and_deleted_rows(app: App) {
    app.world().await;
    for mutation in [
        r#"updateProspect(input: { id: 3, patch: { fullName: "Cleo Secret" } })"#,
        r#"logInteraction(input: { prospectId: 3, interactionType: "x", subject: "Secret call", content: "c" })"#,
        r#"createOutreachDraft(input: { prospectId: 3, draftType: "x", content: "Secret draft", llmUsageLogIds: [1] })"#,
        r#"saveProspectResearch(input: { prospectId: 3, researchSummary: "Secret research", llmUsageLogIds: [1] })"#,
        // These rows are deleted before the prospect is erased, but their values are still in the change log.
        "deleteInteraction(input: { id: 15 })",
        "deleteOutreachDraft(input: { id: 9 })",
        "deleteProspectResearch(input: { id: 7 })",
        r#"createOutreachDraft(input: { prospectId: 3, draftType: "x", content: "Secret too", llmUsageLogIds: [1] })"#,
        r#"createProspects(input: { onError: SKIP_FAILED, idempotencyKey: "k", prospects: [
            { fullName: "Secret twin", email: "cleo@acme.example", companyId: 1 }] })"#,
        "mergeProspects(input: { keepId: 2, dropId: 3 })",
        "mergeProspects(input: { keepId: 1, dropId: 2 })",
    ] {
        let answer = app
            .answer(&format!("mutation {{ m: {mutation} {{ userErrors {{ message }} }} }}"))
            .await;
        assert!(answer.get("errors").is_none(), "{answer}");
        assert!(
            mutation.contains("SKIP_FAILED") || answer["data"]["m"]["userErrors"] == json!([]),
            "{mutation} {answer}"
        );
    }
    let merged = app.data("{ prospect(id: 3) { mergedInto { id mergedInto { id } } } }").await;
    assert_eq!(
        merged["prospect"]["mergedInto"],
        json!({ "id": "Prospect:2", "mergedInto": { "id": "Prospect:1" } })
    );
    let again = "mutation { mergeProspects(input: { keepId: 1, dropId: 3 }) { userErrors { code field message } } }";
    assert_eq!(
        app.refused(again).await,
        ["CONFLICT dropId: the prospect was merged into Prospect:2"]
    );
    let told = "{ prospect(id: 3) { history(filter: { kind: { eq: MERGED } }) { nodes { fields { name after } } } } }";
    let told = app.data(told).await;
    let fields = told["prospect"]["history"]["nodes"][0]["fields"].as_array().unwrap();
    let merged = json!({ "name": "mergedIntoId", "after": "Prospect:2" });
    assert!(fields.contains(&merged), "{told}");
    let restore =
        "mutation { restoreProspect(input: { id: 3 }) { userErrors { code field message } } }";
    assert_eq!(
        app.refused(restore).await,
        ["CONFLICT id: the prospect was merged into Prospect:2 and can't be restored"]
    );
    let export = app
        .done("mutation { exportProspect(input: { id: 1 }) { export userErrors { code } } }")
        .await;
    assert!(export["export"].to_string().contains("Secret call"));
    assert!(tests::stored::dump(&app).await.contains("Secret"));
    app.done("mutation { eraseProspect(input: { id: 1 }) { erasedId userErrors { code } } }").await;
    let dump = tests::stored::dump(&app).await.to_lowercase();
    for word in ["secret", "cleo", "bob", "ada "] {
        assert!(!dump.contains(word), "{word}");
    }
    assert!(dump.contains("dan"), "other prospects should remain");
    assert_eq!(
        app.data("{ prospects { totalCount } llmUsageLogs { totalCount } }").await,
        json!({ "prospects": { "totalCount": 1 }, "llmUsageLogs": { "totalCount": 1 } })
    );
}

async fn interaction_rejects_the_draft_of_another_prospect(app: App) {
    app.world().await;
    let log = |draft: i64| {
        format!(
            r#"mutation {{ logInteraction(input: {{ prospectId: 1, interactionType: "x", subject: "s", content: "c", outreachDraftId: {draft} }}) {{ userErrors {{ code field message }} }} }}"#
        )
    };
    assert_eq!(
        app.refused(&log(3)).await,
        ["INVALID outreachDraftId: `outreachDraftId` belongs to another prospect"]
    );
    app.done(&log(1)).await;
    assert_eq!(
        app.data("{ interactions(filter: { outreachDraftId: { isNull: false } }) { totalCount } }")
            .await["interactions"]["totalCount"],
        1
    );
}
