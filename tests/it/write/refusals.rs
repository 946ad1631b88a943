//! Validation errors: the inputs that are rejected, and the reported errors.

use serde_json::json;
use tests::{App, behaviours};

use super::batches::company;

behaviours![
    numeric_limits_are_enforced,
    timestamp_year_must_be_from_1_to_9999,
    all_validation_errors_are_reported_together,
    text_limits_are_enforced,
    unknown_ids_are_not_found,
    rows_of_another_organization_are_not_found,
];

async fn all_validation_errors_are_reported_together(app: App) {
    company(&app).await;
    let wrong = r#"mutation { createProspect(input: { fullName: "  ", email: "nobody", linkedinUrl: "no where", companyId: 99 }) {
        prospect { id } userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(wrong).await,
        [
            "INVALID fullName: must not be empty",
            "INVALID email: must be an e-mail address, such as ada@acme.example",
            "INVALID linkedinUrl: must be a LinkedIn profile, such as https://www.linkedin.com/in/ada",
            "NOT_FOUND companyId: no such company",
        ]
    );
    let research = r#"mutation { saveProspectResearch(input: { prospectId: 1, researchSummary: "x", confidenceScore: 1.5,
        recommendedSolutions: { no: "list" } }) { userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(research).await,
        [
            "NOT_FOUND prospectId: no such prospect",
            "INVALID recommendedSolutions: must be a list of at most 1000 strings and numbers",
            "INVALID confidenceScore: must be from 0 to 1",
        ]
    );
    let event = r#"mutation { createEvent(input: { eventType: "fair", eventDate: "tomorrow", description: "d", location: "l" }) {
        userErrors { code field message } } }"#;
    assert_eq!(
        app.error(event).await,
        "GRAPHQL_VALIDATION_FAILED: `eventDate` must be an RFC 3339 date and time with a time zone, e.g. 2026-03-01T09:00:00Z (got \"tomorrow\")"
    );
    assert_eq!(
        app.data("{ prospects { totalCount } changes { totalCount } }").await["changes"]["totalCount"],
        0
    );
}

async fn text_limits_are_enforced(app: App) {
    let name = "😀".repeat(255);
    let create = |name: &str| {
        format!(
            "mutation {{ createIndustry(input: {{ name: {} }}) {{ industry {{ name }} userErrors {{ code field message }} }} }}",
            json!(name)
        )
    };
    assert_eq!(app.done(&create(&name)).await["industry"]["name"], name);
    assert_eq!(
        app.refused(&create(&format!("{name}x"))).await,
        ["INVALID name: must be at most 255 characters (got 256)"]
    );
    assert_eq!(
        app.refused(&create("a\0b")).await,
        ["INVALID name: must not contain the NUL character"]
    );
    let draft = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x", metadata: { a: ["\u0000"] }, tone: "123456789012345678901" }) {
        userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(draft).await,
        [
            "NOT_FOUND prospectId: no such prospect",
            "INVALID tone: must be at most 20 characters (got 21)",
            "INVALID metadata: must not contain the NUL character",
        ]
    );
}

async fn unknown_ids_are_not_found(app: App) {
    for mutation in [
        r#"updateProspect(input: { id: "Prospect:7", patch: { fullName: "x" } })"#,
        r#"updateProspect(input: { id: "Company:7", patch: { fullName: "x" } })"#,
        r#"updateProspect(input: { id: "99999999999999999999", patch: { fullName: "x" } })"#,
        r#"deleteCompany(input: { id: "nonsense" })"#,
        r"restoreProspect(input: { id: 7 })",
        r"approveOutreachDraft(input: { id: 7, expectedRevision: 1 })",
        r"openEvent(input: { id: 7 })",
        r"eraseProspect(input: { id: 7 })",
        r"exportProspect(input: { id: 7 })",
        r"mergeProspects(input: { keepId: 7, dropId: 8 })",
        r"linkIndustrySolution(input: { industryId: 7, solutionId: 7 })",
    ] {
        let refused = app
            .refused(&format!(
                "mutation {{ {mutation} {{ userErrors {{ code field message }} }} }}"
            ))
            .await;
        assert!(
            refused.len() == 1 && refused[0].starts_with("NOT_FOUND "),
            "{mutation} {refused:?}"
        );
    }
}

async fn rows_of_another_organization_are_not_found(app: App) {
    app.world().await;
    let stranger = app.organization("stranger").await;
    let before = app
        .data("{ changes { totalCount } prospects { nodes { id updatedAt revision fullName } } }")
        .await;
    for mutation in [
        r#"createCompany(input: { name: "x", size: "x", industryId: 1 })"#,
        r#"createProspect(input: { fullName: "x", email: "x@y.example", companyId: 1 })"#,
        r#"createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x" })"#,
        r#"createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "x", llmUsageLogIds: [1] })"#,
        r#"logInteraction(input: { prospectId: 1, interactionType: "x", subject: "x", content: "x" })"#,
        r#"saveProspectResearch(input: { prospectId: 1, researchSummary: "x" })"#,
        r#"createSolution(input: { name: "x", category: "x", description: "x", pricingModel: "x", industryIds: [1] })"#,
        r#"updateProspect(input: { id: 1, patch: { fullName: "stolen" } })"#,
        r#"updateOutreachDraft(input: { id: 1, patch: { content: "stolen" } })"#,
        r"deleteProspect(input: { id: 1 })",
        r"deleteOutreachDraft(input: { id: 1 })",
        r"deleteInteraction(input: { id: 1 })",
        r"restoreProspect(input: { id: 1 })",
        r"submitOutreachDraft(input: { id: 1 })",
        r"moveProspect(input: { id: 1, companyId: 1 })",
        r"unsubscribeProspect(input: { id: 1 })",
        r"advanceProspect(input: { id: 1, lifecycleStage: DISQUALIFIED })",
        r"mergeProspects(input: { keepId: 1, dropId: 2 })",
        r"mergeIndustries(input: { keepId: 1, dropId: 2 })",
        r"eraseProspect(input: { id: 1 })",
        r"exportProspect(input: { id: 1 })",
        r"cancelEvent(input: { id: 1 })",
        r"linkIndustrySolution(input: { industryId: 1, solutionId: 1 })",
        r"unlinkIndustrySolution(input: { industryId: 1, solutionId: 1 })",
    ] {
        let query = format!("mutation {{ m: {mutation} {{ userErrors {{ code }} }} }}");
        let answer = app.answer_to(stranger, &query, json!({})).await;
        assert_eq!(
            answer["data"]["m"]["userErrors"][0]["code"], "NOT_FOUND",
            "{mutation} {answer}"
        );
    }
    assert_eq!(
        app.data(
            "{ changes { totalCount } prospects { nodes { id updatedAt revision fullName } } }"
        )
        .await,
        before
    );
    assert_eq!(
        app.answer_to(stranger, "{ changes { totalCount } }", json!({})).await["data"]["changes"]["totalCount"],
        0
    );
}

async fn numeric_limits_are_enforced(app: App) {
    let create = |prompt: i64, cost: &str| {
        format!(
            r#"mutation {{ createLlmUsageLog(input: {{ workflowName: "w", nodeName: "n", model: "m", promptTokens: {prompt},
            completionTokens: 1, latencyMs: 3, cost: {cost} }}) {{ llmUsageLog {{ totalTokens }} userErrors {{ code field message }} }} }}"#
        )
    };
    assert_eq!(
        app.refused(&create(2_147_483_647, "1")).await,
        ["INVALID totalTokens: must be from 0 to 2147483647"]
    );
    assert_eq!(
        app.refused(&create(-5, "-0.5")).await,
        [
            "INVALID promptTokens: must be from 0 to 2147483647",
            "INVALID totalTokens: must be from 0 to 2147483647",
            "INVALID cost: must be from 0 to 1000000"
        ]
    );
    let largest = app.done(&create(2_147_483_646, "1")).await;
    assert_eq!(largest["llmUsageLog"]["totalTokens"], 2_147_483_647);
}

async fn timestamp_year_must_be_from_1_to_9999(app: App) {
    for (date, taken) in [
        ("0000-01-01T00:00:00Z", false),
        ("0001-01-01T00:00:00Z", true),
        ("9999-12-31T23:59:59.999999Z", true),
        ("+10000-01-01T00:00:00Z", false),
    ] {
        let create = format!(
            r#"mutation {{ m: createEvent(input: {{ eventType: "x", eventDate: "{date}", description: "d", location: "l" }}) {{ event {{ eventDate }} userErrors {{ code }} }} }}"#
        );
        let answer = app.answer(&create).await;
        assert_eq!(answer["data"]["m"]["event"]["eventDate"] == date, taken, "{date} {answer}");
    }
}
