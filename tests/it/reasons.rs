//! Reason codes, which clients can compare instead of message texts.

use std::collections::HashSet;

use engine::Reason;
use serde_json::{Value, json};
use tests::{App, behaviours};

use crate::{
    access::{ask, serve},
    http::{JSON, beside, send},
    protocol::body,
};

behaviours![
    user_errors_carry_a_reason,
    revision_conflict_returns_the_current_row,
    request_errors_carry_a_reason,
    reasons_are_values_of_the_schema_enum,
];

async fn world(app: &App) {
    for mutation in [
        r#"createIndustry(input: { name: "Software" })"#,
        r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#,
        r#"createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 1 })"#,
        r#"createProspect(input: { fullName: "Bob", email: "bob@acme.example", companyId: 1 })"#,
        "unsubscribeProspect(input: { id: 2 })",
        r#"createProspect(input: { fullName: "Cleo", email: "cleo@acme.example", companyId: 1 })"#,
        "deleteProspect(input: { id: 3 })",
        r#"createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "c" })"#,
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
}

async fn user_errors_carry_a_reason(app: App) {
    world(&app).await;
    let long = "x".repeat(256);
    for (mutation, reason, field) in [
        (r#"createIndustry(input: { name: "SOFTWARE" })"#.to_owned(), "INDUSTRY_NAME_TAKEN", json!("name")),
        (r#"createIndustry(input: { name: " " })"#.to_owned(), "VALUE_REQUIRED", json!("name")),
        (format!("createIndustry(input: {{ name: \"{long}\" }})"), "TEXT_TOO_LONG", json!("name")),
        (r#"createIndustry(input: { name: "a\nb" })"#.to_owned(), "CHARACTER_NOT_ALLOWED", json!("name")),
        (
            r#"createCompany(input: { name: "Acme 2", size: "1", industryId: 1, website: "www.acme.example" })"#.to_owned(),
            "COMPANY_DOMAIN_TAKEN",
            json!("website"),
        ),
        (
            r#"createCompany(input: { name: "B", size: "1", industryId: 9 })"#.to_owned(),
            "ROW_NOT_FOUND",
            json!("industryId"),
        ),
        (
            r#"createProspect(input: { fullName: "A", email: "ADA@acme.example", companyId: 1 })"#.to_owned(),
            "PROSPECT_EMAIL_TAKEN",
            json!("email"),
        ),
        (
            r#"createProspect(input: { fullName: "A", email: "ada", companyId: 1 })"#.to_owned(),
            "EMAIL_INVALID",
            json!("email"),
        ),
        (r#"updateProspect(input: { id: 3, patch: { fullName: "C" } })"#.to_owned(), "ROW_DELETED", json!("id")),
        (r#"updateProspect(input: { id: 1, patch: { phone: "x" } })"#.to_owned(), "PHONE_INVALID", json!("patch.phone")),
        ("deleteCompany(input: { id: 1 })".to_owned(), "COMPANY_HAS_PROSPECTS", json!("id")),
        ("deleteIndustry(input: { id: 1 })".to_owned(), "INDUSTRY_HAS_COMPANIES", json!("id")),
        ("mergeProspects(input: { keepId: 1, dropId: 1 })".to_owned(), "MERGE_WITH_ITSELF", json!("dropId")),
        ("advanceProspect(input: { id: 1, lifecycleStage: CUSTOMER })".to_owned(), "TRANSITION_NOT_ALLOWED", json!("lifecycleStage")),
        ("approveOutreachDraft(input: { id: 1, expectedRevision: 1 })".to_owned(), "DRAFT_STATUS_CONFLICT", json!("id")),
        (
            r#"createMessageTemplate(input: { name: "N", templateType: BODY, templateText: "{{x}}" })"#.to_owned(),
            "TEMPLATE_VARIABLE_UNKNOWN",
            json!("templateText"),
        ),
        ("enrichProspects(input: { ids: [1], providers: [LLM] })".to_owned(), "PROVIDER_UNAVAILABLE", json!("providers")),
        ("enrichProspects(input: { ids: [1], variants: 11 })".to_owned(), "VALUE_OUT_OF_RANGE", json!("variants")),
    ] {
        let query = format!("mutation {{ {mutation} {{ userErrors {{ reason field }} }} }}");
        let answer = app.data(&query).await;
        let errors = answer.as_object().unwrap().values().next().unwrap()["userErrors"].clone();
        assert_eq!(errors[0], json!({ "reason": reason, "field": field }), "{mutation}");
    }
    let again = r#"mutation { createIndustry(input: { name: "X", idempotencyKey: "k" }) { userErrors { reason } } }"#;
    app.done(again).await;
    let other = app.data(&again.replace("\"X\"", "\"Y\"")).await;
    assert_eq!(
        other["createIndustry"]["userErrors"],
        json!([{ "reason": "IDEMPOTENCY_KEY_REUSED" }])
    );
}

async fn revision_conflict_returns_the_current_row(app: App) {
    world(&app).await;
    app.done(r#"mutation { updateProspect(input: { id: 1, patch: { location: "Rome" } }) { userErrors { message } } }"#)
        .await;
    for (mutation, row) in [
        (
            r#"updateProspect(input: { id: 1, expectedRevision: 1, patch: { location: "Oslo" } })"#,
            "prospect",
        ),
        ("deleteProspect(input: { id: 1, expectedRevision: 1 })", "prospect"),
        ("moveProspect(input: { id: 1, companyId: 1, expectedRevision: 1 })", "prospect"),
    ] {
        let query = format!(
            "mutation {{ {mutation} {{ {row} {{ location revision }} userErrors {{ reason }} }} }}"
        );
        let answer = app.data(&query).await;
        let payload = answer.as_object().unwrap().values().next().unwrap();
        assert_eq!(
            *payload,
            json!({ "prospect": { "location": "Rome", "revision": 2 }, "userErrors": [{ "reason": "REVISION_CONFLICT" }] }),
            "{mutation}"
        );
    }
    // For other errors, no row is returned.
    let other = app.data(r#"mutation { updateProspect(input: { id: 1, patch: { email: "x" } }) { prospect { id } } }"#).await;
    assert_eq!(other["updateProspect"], json!({ "prospect": null }));
}

fn reason(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["reason"].as_str().unwrap_or("-")
}

async fn request_errors_carry_a_reason(app: App) {
    app.world().await;
    beside(Box::pin(async {
        let (address, visitors) = serve(&app).await;
        let deep = format!("{{ companies {}", "{ nodes { industry { companies ".repeat(9));
        let deep = format!("{deep} {{ totalCount }} {} }}", "} } }".repeat(9));
        for (query, expected) in [
            ("{ prospects {", "DOCUMENT_SYNTAX"),
            ("{ nothing }", "DOCUMENT_INVALID"),
            (deep.as_str(), "OPERATION_TOO_COMPLEX"),
            ("{ prospects(first: -1) { totalCount } }", "VALUE_OUT_OF_RANGE"),
            ("{ prospects(first: 1, last: 1) { totalCount } }", "ARGUMENTS_EXCLUSIVE"),
            (r#"{ prospects(after: "x") { nodes { id } } }"#, "CURSOR_INVALID"),
            (r#"{ prospects(filter: { companyId: { eq: "Prospect:1" } }) { nodes { id } } }"#, "ID_INVALID"),
            (r#"{ prospects { groups(by: { createdAt: DAY }, timeZone: "Mars") { totalCount } } }"#, "TIME_ZONE_UNKNOWN"),
            ("{ databaseStatistics { engine } }", "OPERATOR_ONLY"),
            (
                r#"{ search(query: "acme", types: COMPANY) { nodes { ... on Company { prospects(after: "x") { nodes { id } } } } } }"#,
                "CURSOR_INVALID",
            ),
        ] {
            let answer = ask(address, &visitors.owner, query).await;
            assert_eq!(reason(&answer), expected, "{query}: {answer}");
        }
        let query = "{ prospects { totalCount } }";
        assert_eq!(reason(&ask(address, &visitors.anonymous, query).await), "KEY_REQUIRED");
        let wrong = format!("{JSON}\r\nAuthorization: Bearer sg_x");
        assert_eq!(reason(&ask(address, &wrong, query).await), "KEY_REJECTED");
        let erase = "mutation { eraseProspect(input: { id: 1 }) { userErrors { code } } }";
        assert_eq!(reason(&ask(address, &visitors.member, erase).await), "PERMISSION_MISSING");
        let hash = r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}}"#;
        let (_, _, answer) = send(address, &visitors.owner, hash).await;
        assert_eq!(reason(&serde_json::from_str(&answer).unwrap()), "PERSISTED_QUERY_NOT_FOUND");
        let csv = format!("{}\r\nAccept: text/csv", visitors.owner);
        let (_, _, answer) = send(address, &csv, &body("{ viewer { role } companies { nodes { id } } }")).await;
        assert_eq!(reason(&serde_json::from_str(&answer).unwrap()), "TABLE_NOT_POSSIBLE");
    }))
    .await;
}

async fn reasons_are_values_of_the_schema_enum(app: App) {
    let query = "{ __type(name: \"ErrorReason\") { enumValues { name description } } }";
    let values = app.data(query).await["__type"]["enumValues"].clone();
    let names: HashSet<String> = values
        .as_array()
        .unwrap()
        .iter()
        .map(|value| {
            assert!(value["description"].as_str().unwrap().ends_with('.'), "{value}");
            value["name"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(names.len(), Reason::WORDS.len());
    assert!(names.contains(&Reason::RevisionConflict.code()));
    // Stored responses to requests with an idempotency key contain reason codes in this form.
    let stored = serde_json::to_value(Reason::CompanyDomainTaken).unwrap();
    assert_eq!(stored, "company_domain_taken");
}
