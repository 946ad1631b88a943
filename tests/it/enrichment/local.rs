//! Enrichment by the built-in rules: many records in one transaction, without leases.

use chrono::TimeDelta;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;
use service::enrichment::{Field, Provider, ProviderRequest, ProviderResponse, Providers};
use tests::{App, behaviours};

use super::{Fake, ask, begin, charge, enrich, found, job, people, provenance, work};
use crate::imports;

behaviours![
    rules_take_few_statements,
    first_company_gets_a_derived_domain,
    colleagues_see_values_that_the_batch_has_written,
    paused_job_is_not_enriched,
    values_of_the_rules_are_replaced_only_if_unmodified,
    concurrent_workers_enrich_each_record_once,
    record_whose_provider_panics_does_not_keep_the_others,
    jobs_with_external_providers_continue_beside_a_batch,
    value_of_a_colleague_in_the_same_batch_is_replaced,
];

/// Imports people who each have a phone number but no location.
async fn with_phones(app: &App, rows: std::ops::Range<usize>) -> i64 {
    let row = |n: usize| {
        let name = imports::written::name(n);
        let (company, phone) = (n / 20, 1_000_000 + n);
        format!("{name},p{n}@c{company}.example,+49 30 {phone:07},C{company},c{company}.example\n")
    };
    let file = format!("Name,Email,Phone,Company,Website\n{}", rows.map(row).collect::<String>());
    let job = imports::preview(app, &file).await;
    imports::commit(app, job, "WAIT").await;
    job
}

async fn enrich_import(app: &App, job: i64) -> i64 {
    let mutation = format!(
        "mutation {{ enrichImportJob(input: {{ id: {job} }}) {{ importJob {{ id }} userErrors {{ message }} }} }}"
    );
    let id = app.done(&mutation).await["importJob"]["id"].as_str().unwrap().to_owned();
    id.strip_prefix("ImportJob:").unwrap().parse().unwrap()
}

async fn rules_take_few_statements(app: App) {
    let mut counts = Vec::new();
    for rows in [0..20, 20..400] {
        let number = rows.len() as u64;
        let job = with_phones(&app, rows).await;
        enrich_import(&app, job).await;
        let (enriched, asked) = engine::record_statements(Box::pin(work(&app)), true).await;
        assert_eq!(enriched, number);
        counts.push(asked.sent.len());
    }
    assert_eq!(counts[0], counts[1], "{counts:?}");
    let query = "{ prospects(filter: { location: { eq: \"Germany\" } }) { totalCount } \
                 fieldProvenances { totalCount } \
                 changes(filter: { entity: { eq: PROSPECT }, kind: { eq: UPDATED } }) { totalCount } }";
    assert_eq!(
        app.data(query).await,
        json!({ "prospects": { "totalCount": 400 }, "fieldProvenances": { "totalCount": 400 },
            "changes": { "totalCount": 400 } })
    );
    // The import can still be undone.
    imports::act(&app, "undoImportJob", 1).await;
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 380);
}

async fn first_company_gets_a_derived_domain(app: App) {
    let industry = app.industry("Unclassified").await;
    let mut ids = Vec::new();
    for name in ["Acme", "Acme Trading"] {
        let company = super::company(&app, name, industry).await;
        ids.push(app.prospect(name, company).await);
    }
    for (id, user) in ids.iter().zip(["ada", "bob"]) {
        app.done(&format!(
            "mutation {{ updateProspect(input: {{ id: {id}, patch: {{ email: \"{user}@acme.example\" }} }}) {{ userErrors {{ message }} }} }}"
        ))
        .await;
    }
    begin(&app, &ids, "").await;
    assert_eq!(work(&app).await, 2);
    assert_eq!(
        provenance(&app).await,
        ["website acme.example APPLIED rules", "website acme.example REJECTED rules"]
    );
    let companies = app.data("{ companies { nodes { domain } } }").await;
    assert_eq!(
        companies["companies"]["nodes"],
        json!([{ "domain": "acme.example" }, { "domain": null }])
    );
}

async fn colleagues_see_values_that_the_batch_has_written(app: App) {
    app.industry("Logistics").await;
    let file =
        "Name,Email,Company\nAda,ada@gmail.com,Nord Logistik\nBob,bob@gmail.com,Nord Logistik\n";
    let list = imports::preview(&app, file).await;
    imports::commit(&app, list, "WAIT").await;
    enrich_import(&app, list).await;
    assert_eq!(work(&app).await, 2);
    // The second record does not ask for the industry that the first one has filled in.
    assert_eq!(provenance(&app).await, ["industry Logistics APPLIED rules"]);
}

async fn paused_job_is_not_enriched(app: App) {
    let list = with_phones(&app, 0..3).await;
    let enrichment = enrich_import(&app, list).await;
    let act = async |what: &str| {
        app.done(&format!(
            "mutation {{ {what}(input: {{ id: {enrichment} }}) {{ userErrors {{ message }} }} }}"
        ))
        .await;
    };
    act("pauseImportJob").await;
    assert_eq!(work(&app).await, 0);
    act("resumeImportJob").await;
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(work(&app).await, 3);
    let fields = "status enrichedRecords importRecords { nodes { status processingAttempts } }";
    let record = json!({ "status": "ENRICHED", "processingAttempts": 1 });
    assert_eq!(
        job(&app, enrichment, fields).await,
        json!({ "status": "COMPLETED", "enrichedRecords": 3,
            "importRecords": { "nodes": [record, record, record] } })
    );
}

async fn values_of_the_rules_are_replaced_only_if_unmodified(app: App) {
    let list = with_phones(&app, 0..2).await;
    enrich_import(&app, list).await;
    work(&app).await;
    for (id, input) in [
        (1, "phone: \"+33 1 70 18 99 00\""),
        (2, "phone: \"+33 1 70 18 99 01\", location: \"Lyon\""),
    ] {
        app.done(&format!(
            "mutation {{ updateProspect(input: {{ id: {id}, patch: {{ {input} }} }}) {{ userErrors {{ message }} }} }}"
        ))
        .await;
    }
    begin(&app, &[1, 2], "policy: REPLACE_FOUND").await;
    assert_eq!(work(&app).await, 2);
    let people = app.data("{ prospects { nodes { location } } }").await;
    assert_eq!(
        people["prospects"]["nodes"],
        json!([{ "location": "France" }, { "location": "Lyon" }])
    );
}

async fn concurrent_workers_enrich_each_record_once(app: App) {
    let list = with_phones(&app, 0..1_200).await;
    let enrichment = enrich_import(&app, list).await;
    let (mut one, mut two) = (super::worker(&app), super::worker(&app));
    let (one, two) = futures_util::join!(one.round(), two.round());
    assert_eq!(one.unwrap() + two.unwrap(), 1_200);
    assert_eq!(
        job(&app, enrichment, "status enrichedRecords processedRecords").await,
        json!({ "status": "COMPLETED", "enrichedRecords": 1_200, "processedRecords": 1_200 })
    );
    let query = "{ fieldProvenances { totalCount } }";
    assert_eq!(app.data(query).await["fieldProvenances"]["totalCount"], 1_200);
}

/// A provider that is part of the server: it derives values from the name of a person, and panics for one name.
struct Local;

impl Provider for Local {
    fn name(&self) -> &'static str {
        "rules"
    }

    fn is_outside(&self) -> bool {
        false
    }

    fn most(&self, _: &ProviderRequest) -> f64 {
        0.0
    }

    fn ask<'a>(&'a self, ask: &'a ProviderRequest) -> BoxFuture<'a, ProviderResponse> {
        assert_ne!(ask.known.full_name, "Person 1", "a fault of the provider");
        let website = format!("site{}.example", ask.known.full_name.len());
        Box::pin(std::future::ready(found(ask, &[(Field::Website, &website, 0.9)], None)))
    }
}

async fn record_whose_provider_panics_does_not_keep_the_others(mut app: App) {
    let ids = people(&app, 3).await;
    app.done(r#"mutation { updateProspect(input: { id: 3, patch: { fullName: "Person Three" } }) { userErrors { message } } }"#).await;
    app.providers = Providers::new(vec![Arc::new(Local)]);
    let enrichment = enrich(&app, &ids, "").await;
    let fields = "status enrichedRecords failedRecords importRecords { nodes { status } }";
    assert_eq!(
        job(&app, enrichment, fields).await,
        json!({ "status": "PROCESSING", "enrichedRecords": 2, "failedRecords": 0, "importRecords": { "nodes": [
            { "status": "ENRICHED" }, { "status": "PROCESSING" }, { "status": "ENRICHED" }] } })
    );
    // Its attempts are counted, and it fails after the last one.
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(6));
        work(&app).await;
    }
    assert_eq!(
        job(&app, enrichment, "status enrichedRecords failedRecords").await,
        json!({ "status": "COMPLETED", "enrichedRecords": 2, "failedRecords": 1 })
    );
}

async fn jobs_with_external_providers_continue_beside_a_batch(mut app: App) {
    let list = with_phones(&app, 0..1_200).await;
    let fake = Fake::new("http", 0.01, |ask, _| {
        found(ask, &[(Field::JobTitle, "CTO", 0.9)], charge(0.001))
    });
    ask(&mut app, vec![fake.clone()]);
    let local = enrich_import(&app, list).await;
    let external = begin(&app, &[1, 2, 3, 4, 5], "providers: [HTTP]").await;
    assert_eq!(work(&app).await, 1_205);
    for enrichment in [local, external] {
        assert_eq!(job(&app, enrichment, "status").await["status"], "COMPLETED");
    }
    let query = "{ prospects(filter: { jobTitle: { eq: \"CTO\" }, location: { eq: \"Germany\" } }) { totalCount } }";
    assert_eq!(app.data(query).await["prospects"]["totalCount"], 5);
}

async fn value_of_a_colleague_in_the_same_batch_is_replaced(mut app: App) {
    let industry = app.industry("Unclassified").await;
    let company = super::company(&app, "Acme", industry).await;
    let mut ids = Vec::new();
    for name in ["Ada", "Cleopatra"] {
        ids.push(app.prospect(name, company).await);
    }
    app.providers = Providers::new(vec![Arc::new(Local)]);
    enrich(&app, &ids, "policy: REPLACE_FOUND").await;
    assert_eq!(
        provenance(&app).await,
        ["website site3.example APPLIED rules", "website site9.example APPLIED rules"]
    );
    let query = "{ company(id: 1) { website } }";
    assert_eq!(app.data(query).await["company"]["website"], "site9.example");
}
