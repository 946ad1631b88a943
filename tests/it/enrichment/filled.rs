//! Writing values from providers to prospects and companies.

use sea_orm::ActiveValue::Set;
use serde_json::json;
use service::enrichment::{Failure, Field, ProviderResponse};
use tests::{App, behaviours, stored::dump};

use super::{Fake, ask, begin, charge, enrich, found, job, people, provenance, set, tokens, work};
use crate::imports;

behaviours![
    rules_derive_values_from_known_fields,
    manually_entered_values_are_kept,
    policy_controls_overwriting,
    invalid_values_are_rejected_and_the_rest_is_written,
    low_confidence_values_are_dropped,
    enrichment_can_be_undone,
    import_can_be_undone_after_enrichment,
    erasure_removes_enriched_values,
    later_providers_are_asked_only_for_missing_fields,
    values_found_before_a_failure_are_kept,
    unrequested_fields_are_not_cached_as_unknown,
];

async fn rules_derive_values_from_known_fields(app: App) {
    app.industry("Logistics").await;
    let list = "Name,Email,Phone,Company\nAda,ada@mueller.example,+49 30 12345678,Müller Logistik GmbH\n\
                Bob,bob@gmail.com,,Zoo\n";
    let list = imports::preview(&app, list).await;
    imports::commit(&app, list, "WAIT").await;
    let enrich = format!(
        "mutation {{ enrichImportJob(input: {{ id: {list} }}) {{ importJob {{ id name kind status totalRecords \
         sourceJob {{ id }} }} userErrors {{ message }} }} }}"
    );
    let begun = app.done(&enrich).await;
    assert_eq!(
        begun["importJob"],
        json!({ "id": "ImportJob:2", "name": "Enrichment of ", "kind": "ENRICHMENT", "status": "PROCESSING",
            "totalRecords": 2, "sourceJob": { "id": "ImportJob:1" } })
    );
    assert_eq!(work(&app).await, 2);
    let people = app
        .data("{ prospects { nodes { location company { website size industry { name } } } } }")
        .await;
    assert_eq!(
        people["prospects"]["nodes"],
        json!([
            { "location": "Germany", "company": { "website": "mueller.example", "size": "unknown", "industry": { "name": "Logistics" } } },
            { "location": null, "company": { "website": null, "size": "unknown", "industry": { "name": "Unknown" } } },
        ])
    );
    let fields = "status processedRecords enrichedRecords failedRecords pendingRecords progressPercentage actualCost \
                  estimatedCost importRecords { nodes { status enrichmentConfidence dataCompleteness cost } }";
    assert_eq!(
        job(&app, 2, fields).await,
        json!({ "status": "COMPLETED", "processedRecords": 2, "enrichedRecords": 2, "failedRecords": 0,
            "pendingRecords": 0, "progressPercentage": 100.0, "actualCost": 0.0, "estimatedCost": 0.0,
            "importRecords": { "nodes": [
                { "status": "ENRICHED", "enrichmentConfidence": 0.5, "dataCompleteness": 0.7, "cost": 0.0 },
                { "status": "ENRICHED", "enrichmentConfidence": null, "dataCompleteness": 0.3, "cost": 0.0 },
            ] } })
    );
    assert_eq!(
        provenance(&app).await,
        [
            // The import already provided the website of the company.
            "location Germany APPLIED rules",
            "industry Logistics APPLIED rules",
        ]
    );
}

/// Configures a provider that returns a location and a company size.
fn knows(app: &mut App, place: &'static str) {
    let fake = Fake::new("http", 0.5, move |asked, _| {
        found(asked, &[(Field::Location, place, 0.9), (Field::Size, "11-50", 0.8)], charge(0.5))
    });
    ask(app, vec![fake]);
}

async fn manually_entered_values_are_kept(mut app: App) {
    let ids = people(&app, 1).await;
    knows(&mut app, "Berlin");
    let begun = begin(&app, &ids, "providers: [HTTP]").await;
    // A user enters the value before the provider is called.
    let typed = r#"mutation { updateProspect(input: { id: 1, patch: { location: "Bonn" } }) { userErrors { message } } }"#;
    app.done(typed).await;
    work(&app).await;
    assert_eq!(app.data("{ prospect(id: 1) { location } }").await["prospect"]["location"], "Bonn");
    // The location is not requested because the prospect already has one.
    assert_eq!(provenance(&app).await, ["size 11-50 APPLIED http"]);
    let record = job(&app, begun, "importRecords { nodes { enrichedData } }").await;
    let size = &record["importRecords"]["nodes"][0]["enrichedData"]["size"];
    assert_eq!(
        *size,
        json!({ "value": "11-50", "source": "http", "confidence": 0.8, "cost": 0.5, "outcome": "applied",
            "fetchedAt": "2026-03-01T12:00:00Z" })
    );
}

async fn policy_controls_overwriting(mut app: App) {
    let ids = people(&app, 1).await;
    set(&app, "cache_ttl_days", "0").await;
    knows(&mut app, "Berlin");
    enrich(&app, &ids, "providers: [HTTP]").await;
    let place = async |app: &App| {
        app.data("{ prospect(id: 1) { location } }").await["prospect"]["location"].clone()
    };
    assert_eq!(place(&app).await, "Berlin");
    knows(&mut app, "Rome");
    enrich(&app, &ids, "providers: [HTTP]").await;
    assert_eq!(place(&app).await, "Berlin");
    enrich(&app, &ids, "providers: [HTTP], policy: REPLACE_FOUND").await;
    assert_eq!(place(&app).await, "Rome");
    let typed = r#"mutation { updateProspect(input: { id: 1, patch: { location: "Bonn" } }) { userErrors { message } } }"#;
    app.done(typed).await;
    knows(&mut app, "Oslo");
    enrich(&app, &ids, "providers: [HTTP], policy: REPLACE_FOUND").await;
    assert_eq!(place(&app).await, "Bonn");
    enrich(&app, &ids, "providers: [HTTP], policy: OVERWRITE").await;
    assert_eq!(place(&app).await, "Oslo");
    let told = app
        .data("{ fieldProvenances(filter: { field: { eq: \"location\" } }) { nodes { value replacedValue outcome cost } } }")
        .await;
    assert_eq!(
        told["fieldProvenances"]["nodes"],
        json!([
            { "value": "Berlin", "replacedValue": null, "outcome": "APPLIED", "cost": 0.25 },
            // The size is not requested because the company already has one.
            { "value": "Rome", "replacedValue": "Berlin", "outcome": "APPLIED", "cost": 0.25 },
            { "value": "Oslo", "replacedValue": "Bonn", "outcome": "APPLIED", "cost": 0.25 },
        ])
    );
}

async fn invalid_values_are_rejected_and_the_rest_is_written(mut app: App) {
    let ids = people(&app, 1).await;
    app.company_with("Taken", 1, |row| row.domain = Set(Some("taken.example".to_owned()))).await;
    let fake = Fake::new("http", 0.0, |asked, _| {
        let values = [
            (Field::Phone, "call me", 0.9),
            (Field::LinkedinUrl, "https://linkedin.com/in/ada-l/?x=1", 0.9),
            (Field::JobTitle, " CTO\u{0} ", 0.9),
            (Field::Website, "https://www.taken.example", 0.9),
            (Field::Size, "11-50", 0.9),
            (Field::Industry, "Alchemy", 0.9),
        ];
        found(asked, &values, None)
    });
    ask(&mut app, vec![fake]);
    enrich(&app, &ids, "providers: [HTTP]").await;
    assert_eq!(
        provenance(&app).await,
        [
            "phone call me REJECTED http",
            "job_title CTO APPLIED http",
            "linkedin_url https://www.linkedin.com/in/ada-l APPLIED http",
            "website https://www.taken.example REJECTED http",
            "size 11-50 APPLIED http",
            "industry Alchemy REJECTED http",
        ]
    );
    let person = "{ prospect(id: 1) { phone jobTitle linkedinUrl company { website size } } }";
    assert_eq!(
        app.data(person).await["prospect"],
        json!({ "phone": null, "jobTitle": "CTO", "linkedinUrl": "https://www.linkedin.com/in/ada-l",
            "company": { "website": null, "size": "11-50" } })
    );
}

async fn low_confidence_values_are_dropped(mut app: App) {
    let ids = people(&app, 1).await;
    let fake = Fake::new("http", 0.1, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.29)], charge(0.1))
    });
    ask(&mut app, vec![fake]);
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    assert!(provenance(&app).await.is_empty());
    // The call is charged, but the value is not cached.
    assert_eq!(job(&app, begun, "actualCost").await["actualCost"], 0.1);
    let kept = app.data("{ enrichmentCacheEntries { totalCount } }").await;
    // The empty result for the company is cached.
    assert_eq!(kept["enrichmentCacheEntries"]["totalCount"], 1);
}

async fn enrichment_can_be_undone(mut app: App) {
    let ids = people(&app, 2).await;
    knows(&mut app, "Berlin");
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    let typed = r#"mutation { updateProspect(input: { id: 1, patch: { location: "Bonn" } }) { userErrors { message } } }"#;
    app.done(typed).await;
    imports::act(&app, "undoImportJob", begun).await;
    let people = app.data("{ prospects { nodes { location company { size } } } }").await;
    assert_eq!(
        people["prospects"]["nodes"],
        json!([{ "location": "Bonn", "company": { "size": "unknown" } },
            { "location": null, "company": { "size": "unknown" } }])
    );
    let told = job(&app, begun, "status undoneRecords undoSkippedRecords actualCost").await;
    // Undoing an enrichment does not refund its cost.
    assert_eq!(
        told,
        json!({ "status": "UNDONE", "undoneRecords": 3, "undoSkippedRecords": 1, "actualCost": 1.0 })
    );
    let mut told = provenance(&app).await;
    told.sort();
    assert_eq!(
        told,
        [
            "location Berlin NOT_REPLACED http",
            "location Berlin UNDONE http",
            "size 11-50 UNDONE http",
            "size 11-50 UNDONE http",
        ]
    );
}

async fn import_can_be_undone_after_enrichment(app: App) {
    let list = "Name,Email,Phone,Company\nAda,ada@mueller.example,+49 30 12345678,Müller\n";
    let list = imports::preview(&app, list).await;
    imports::commit(&app, list, "WAIT").await;
    enrich(&app, &[1], "").await;
    imports::act(&app, "undoImportJob", list).await;
    let told = job(&app, list, "undoneRecords undoSkippedRecords").await;
    assert_eq!(told, json!({ "undoneRecords": 1, "undoSkippedRecords": 0 }));
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 0);
}

async fn erasure_removes_enriched_values(mut app: App) {
    let ids = people(&app, 2).await;
    let fake = Fake::new("http", 0.5, |asked, _| {
        let place = format!("Secret of {}", asked.known.full_name);
        found(asked, &[(Field::Location, &place, 0.9)], charge(0.5))
    });
    ask(&mut app, vec![fake]);
    let begun = enrich(&app, &ids, "providers: [HTTP]").await;
    let export = "mutation { exportProspect(input: { id: 1 }) { export userErrors { message } } }";
    let export = app.done(export).await["export"].clone();
    assert_eq!(export["field_provenance"][0]["value"], "Secret of Person 0");
    let erase = "mutation { eraseProspect(input: { id: 1 }) { userErrors { message } } }";
    app.done(erase).await;
    let left = dump(&app).await;
    assert!(!left.contains("Secret of Person 0") && !left.contains("Person 0"), "{left}");
    assert!(left.contains("Secret of Person 1"));
    let told = job(&app, begun, "totalRecords processedRecords enrichedRecords actualCost").await;
    assert_eq!(
        told,
        json!({ "totalRecords": 1, "processedRecords": 1, "enrichedRecords": 1, "actualCost": 1.0 })
    );
}

async fn values_found_before_a_failure_are_kept(mut app: App) {
    let ids = people(&app, 1).await;
    let first = Fake::new("http", 0.1, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.1))
    });
    let second = Fake::new("llm", 0.1, |_, _| ProviderResponse {
        outcome: Err(Failure::Never("HTTP status 400".into())),
        charge: tokens("m", 0, 0, 0.0),
        said: Some("no such thing as Person 0".to_owned()),
    });
    ask(&mut app, vec![first, second]);
    let begun = enrich(&app, &ids, "providers: [LLM, HTTP]").await;
    assert_eq!(provenance(&app).await, ["location Berlin APPLIED http"]);
    let told = job(
        &app,
        begun,
        "status error failedRecords importRecords { nodes { status lastError providerMessage } }",
    )
    .await;
    // The provider's message may contain personal data, so only the record stores it.
    assert_eq!(
        told,
        json!({ "status": "FAILED", "error": "no record was enriched; `lastError` and `providerMessage` of the failed records have the reasons",
            "failedRecords": 1, "importRecords": { "nodes": [
                { "status": "FAILED", "lastError": "HTTP status 400", "providerMessage": "no such thing as Person 0" }] } })
    );
    let erase = "mutation { eraseProspect(input: { id: 1 }) { userErrors { message } } }";
    app.done(erase).await;
    assert!(!dump(&app).await.contains("Person 0"));
}

async fn unrequested_fields_are_not_cached_as_unknown(mut app: App) {
    let ids = people(&app, 1).await;
    let typed = r#"mutation { updateProspect(input: { id: 1, patch: { jobTitle: "CEO" } }) { userErrors { message } } }"#;
    app.done(typed).await;
    let fake = Fake::new("llm", 0.1, |asked, _| {
        found(asked, &[(Field::JobTitle, "CTO", 0.9)], tokens("m", 10, 5, 0.1))
    });
    ask(&mut app, vec![fake.clone()]);
    enrich(&app, &ids, "providers: [LLM]").await;
    // The prospect already had a job title, so it was not requested and the cached response does not contain one.
    enrich(&app, &ids, "providers: [LLM], policy: OVERWRITE").await;
    assert_eq!(app.data("{ prospect(id: 1) { jobTitle } }").await["prospect"]["jobTitle"], "CTO");
}

async fn later_providers_are_asked_only_for_missing_fields(mut app: App) {
    let ids = people(&app, 1).await;
    let first = Fake::new("http", 0.1, |asked, _| {
        found(asked, &[(Field::Location, "Berlin", 0.9)], charge(0.1))
    });
    let second = Fake::new("llm", 0.1, |asked, _| {
        assert!(!asked.wanted.contains(&Field::Location));
        found(asked, &[(Field::JobTitle, "CTO", 0.9)], tokens("m", 10, 5, 0.1))
    });
    ask(&mut app, vec![first, second]);
    enrich(&app, &ids, "providers: [LLM, HTTP]").await;
    assert_eq!(provenance(&app).await, ["job_title CTO APPLIED m", "location Berlin APPLIED http"]);
    // Without deep search, only the first external provider is called.
    set(&app, "enable_deep_search", "false").await;
    set(&app, "cache_ttl_days", "0").await;
    let other = app.prospect("Other", 1).await;
    enrich(&app, &[other], "providers: [LLM, HTTP]").await;
    let titled = "{ prospects(filter: { jobTitle: { eq: \"CTO\" } }) { totalCount } }";
    assert_eq!(app.data(titled).await["prospects"]["totalCount"], 1);
}
