//! Companies and interactions that are written together with a prospect.

use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    a_prospect_is_created_with_its_company_and_interactions,
    existing_rows_are_updated,
    rows_of_one_batch_share_their_company,
    errors_name_the_nested_field,
    skipped_items_leave_no_nested_rows,
    an_id_and_a_row_exclude_each_other,
    companies_are_created_with_their_industry,
    repeated_requests_log_interactions_once,
    concurrent_batches_in_opposite_order_do_not_deadlock,
    batches_do_not_deadlock_with_moves,
];

const PAYLOAD: &str = "prospects { fullName lifecycleStage company { name size industry { name } } \
                       interactions { nodes { subject direction } } } createdCount updatedCount \
                       userErrors { reason field index message }";

async fn upsert(app: &App, input: &str) -> Value {
    let mutation = format!("mutation {{ upsertProspects(input: {{ {input} }}) {{ {PAYLOAD} }} }}");
    app.data(&mutation).await["upsertProspects"].take()
}

async fn totals(app: &App) -> Value {
    let query = "{ prospects { totalCount } companies { totalCount } industries { totalCount } interactions { totalCount } }";
    let data = app.data(query).await;
    ["prospects", "companies", "industries", "interactions"]
        .iter()
        .map(|list| data[list]["totalCount"].clone())
        .collect()
}

const ADA: &str = r#"{ fullName: "Ada", email: "ada@acme.example",
    company: { name: "Acme", size: "11-50", website: "acme.example", industry: { name: "Software" } },
    interactions: [
        { interactionType: "email", subject: "Hello", content: "c", channel: EMAIL },
        { interactionType: "email", subject: "Re: Hello", content: "c", direction: INBOUND }] }"#;

async fn a_prospect_is_created_with_its_company_and_interactions(app: App) {
    let done = upsert(&app, &format!("prospects: [{ADA}]")).await;
    assert_eq!(
        done,
        json!({ "prospects": [{ "fullName": "Ada", "lifecycleStage": "ENGAGED",
            "company": { "name": "Acme", "size": "11-50", "industry": { "name": "Software" } },
            "interactions": { "nodes": [{ "subject": "Hello", "direction": "OUTBOUND" }, { "subject": "Re: Hello", "direction": "INBOUND" }] } }],
            "createdCount": 1, "updatedCount": 0, "userErrors": [] })
    );
    let query = "{ companies { nodes { prospectCount } } changes { nodes { entity kind } } }";
    let data = app.data(query).await;
    assert_eq!(data["companies"]["nodes"], json!([{ "prospectCount": 1 }]));
    let entities: Vec<_> = data["changes"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["kind"] == "CREATED")
        .map(|change| change["entity"].clone())
        .collect();
    let expected = ["INDUSTRY", "COMPANY", "PROSPECT", "INTERACTION", "INTERACTION"];
    assert_eq!(json!(entities), json!(expected));
    // The mutations for one and for many rows accept the same fields.
    let create = r#"mutation { createProspect(input: { fullName: "Bob", email: "bob@acme.example",
        company: { name: "Acme", size: "11-50", website: "acme.example", industryId: 1 },
        interactions: [{ interactionType: "call", subject: "Call", content: "c" }] })
        { prospect { company { id } lifecycleStage } userErrors { message } } }"#;
    let bob = app.done(create).await["prospect"].take();
    assert_eq!(bob, json!({ "company": { "id": "Company:1" }, "lifecycleStage": "CONTACTED" }));
}

async fn existing_rows_are_updated(app: App) {
    upsert(&app, &format!("prospects: [{ADA}]")).await;
    let again = r#"{ fullName: "Ada Lovelace", email: "ADA@acme.example",
        company: { name: "Acme Ltd", size: "51-250", website: "https://www.acme.example", industry: { name: "SOFTWARE" } },
        interactions: [{ interactionType: "call", subject: "Call", content: "c" }] }"#;
    let done = upsert(&app, &format!("prospects: [{again}]")).await;
    assert_eq!(done["updatedCount"], 1);
    let ada = &done["prospects"][0];
    assert_eq!(ada["fullName"], "Ada Lovelace");
    assert_eq!(ada["company"]["name"], "Acme Ltd");
    assert_eq!(ada["company"]["size"], "51-250");
    assert_eq!(ada["interactions"]["nodes"][2]["subject"], "Call");
    assert_eq!(totals(&app).await, json!([1, 1, 1, 3]));
}

async fn rows_of_one_batch_share_their_company(app: App) {
    let person = |name: &str, website: &str| {
        format!(
            r#"{{ fullName: "{name}", email: "{name}@x.example", company: {{ name: "{}", size: "1"{website}, industry: {{ name: "Software" }} }} }}"#,
            if website.is_empty() { "Beta" } else { "Acme" }
        )
    };
    let site = ", website: \"acme.example\"";
    let people = [person("a", site), person("b", ""), person("c", site), person("d", "")];
    let done = upsert(&app, &format!("prospects: [{}]", people.join(", "))).await;
    assert_eq!(done["userErrors"], json!([]));
    assert_eq!(totals(&app).await, json!([4, 2, 1, 0]));
    let counts = app.data("{ companies { nodes { prospectCount } } }").await;
    assert_eq!(
        counts["companies"]["nodes"],
        json!([{ "prospectCount": 2 }, { "prospectCount": 2 }])
    );
}

const WRONG: &str = r#"{ fullName: "Bob", email: "bob@acme.example",
    company: { name: "Beta", size: "1", website: "not a host", industry: { name: "Software" } } },
    { fullName: "Cleo", email: "cleo@acme.example",
    company: { name: "Gamma", size: "1", website: "gamma.example", industry: { name: "Zoos" } },
    interactions: [{ interactionType: "x", subject: "s", content: "c" }, { interactionType: "x", subject: "", content: "c" }] },
    { fullName: "Dan", email: "dan@acme.example", company: { name: "Delta", size: "1", industryId: "Company:1" } }"#;

fn errors_of_wrong() -> Value {
    json!([
        { "reason": "URL_INVALID", "field": "company.website", "index": 1 },
        { "reason": "VALUE_REQUIRED", "field": "interactions.1.subject", "index": 2 },
        { "reason": "ID_INVALID", "field": "company.industryId", "index": 3 },
    ])
}

fn without_messages(mut errors: Value) -> Value {
    for error in errors.as_array_mut().unwrap() {
        error.as_object_mut().unwrap().remove("message");
    }
    errors
}

async fn errors_name_the_nested_field(app: App) {
    let refused = upsert(&app, &format!("prospects: [{ADA}, {WRONG}], onError: REJECT_ALL")).await;
    assert_eq!(refused["prospects"], json!(null));
    let errors = without_messages(refused["userErrors"].clone());
    // IDs are checked before anything is written.
    assert_eq!(errors, json!([errors_of_wrong()[2]]));
    assert_eq!(totals(&app).await, json!([0, 0, 0, 0]));
    let many = vec![r#"{ interactionType: "x", subject: "s", content: "c" }"#; 101].join(", ");
    let create = format!(
        r#"prospects: [{{ fullName: "A", email: "a@x.example", companyId: 1, interactions: [{many}] }}]"#
    );
    let refused = upsert(&app, &create).await;
    assert_eq!(refused["userErrors"][0]["reason"], "TOO_MANY_ITEMS");
    assert_eq!(refused["userErrors"][0]["field"], "interactions");
}

async fn skipped_items_leave_no_nested_rows(app: App) {
    let done = upsert(&app, &format!("prospects: [{ADA}, {WRONG}], onError: SKIP_FAILED")).await;
    assert_eq!(without_messages(done["userErrors"].clone()), errors_of_wrong());
    assert_eq!(done["createdCount"], 1);
    // Neither Gamma nor the industry Zoos nor the valid interaction of Cleo exists.
    assert_eq!(totals(&app).await, json!([1, 1, 1, 2]));
}

async fn an_id_and_a_row_exclude_each_other(app: App) {
    let industry = app.industry("Software").await;
    app.company("Acme", industry).await;
    let both = r#"{ fullName: "Bob", email: "bob@acme.example", companyId: 1,
        company: { name: "Beta", size: "1", industryId: 1 } }"#;
    let neither = r#"{ fullName: "Bob", email: "bob@acme.example" }"#;
    for (item, reason) in [(both, "ARGUMENTS_EXCLUSIVE"), (neither, "VALUE_REQUIRED")] {
        let refused = upsert(&app, &format!("prospects: [{item}]")).await;
        assert_eq!(refused["userErrors"][0]["reason"], reason, "{item}");
        assert_eq!(refused["userErrors"][0]["field"], "companyId", "{item}");
    }
    assert_eq!(totals(&app).await, json!([0, 1, 1, 0]));
}

async fn companies_are_created_with_their_industry(app: App) {
    let create = r#"mutation { createCompany(input: { name: "Acme", size: "1", industry: { name: "Software" } })
        { company { industry { name } } userErrors { message } } }"#;
    let created = app.done(create).await["company"].take();
    assert_eq!(created, json!({ "industry": { "name": "Software" } }));
}

async fn repeated_requests_log_interactions_once(app: App) {
    let input = format!("prospects: [{ADA}], idempotencyKey: \"k\"");
    let first = upsert(&app, &input).await;
    assert_eq!(upsert(&app, &input).await, first);
    assert_eq!(totals(&app).await, json!([1, 1, 1, 2]));
}

async fn concurrent_batches_in_opposite_order_do_not_deadlock(app: App) {
    let batch = |numbers: &mut dyn Iterator<Item = usize>, size: &str| {
        let people = numbers.map(|n| {
            // Every second company has no domain and is identified by its name.
            let website =
                if n % 2 == 0 { format!(", website: \"c{n}.example\"") } else { String::new() };
            format!(
                r#"{{ fullName: "P{n}", email: "p{n}@x.example",
                company: {{ name: "C{n}", size: "{size}"{website}, industry: {{ name: "I{}" }} }},
                interactions: [{{ interactionType: "x", subject: "s", content: "c" }}] }}"#,
                n % 3
            )
        });
        format!("prospects: [{}]", people.collect::<Vec<_>>().join(", "))
    };
    for size in ["1", "2"] {
        let (up, down) = (batch(&mut (0..8), size), batch(&mut (0..8).rev(), &format!("{size}0")));
        let (up, down) = futures_util::join!(upsert(&app, &up), upsert(&app, &down));
        assert_eq!((&up["userErrors"], &down["userErrors"]), (&json!([]), &json!([])));
    }
    assert_eq!(totals(&app).await, json!([8, 8, 3, 32]));
    let delete = "mutation { deleteProspect(input: { id: 1 }) { userErrors { message } } }";
    let batch = batch(&mut (0..8), "3");
    let (done, _) = futures_util::join!(upsert(&app, &batch), app.data(delete));
    assert_eq!(done["userErrors"], json!([]));
}

async fn batches_do_not_deadlock_with_moves(app: App) {
    let industry = app.industry("Software").await;
    for name in ["Zero", "One", "Two", "Three"] {
        app.company(name, industry).await;
    }
    let names = ["Zero", "One", "Two", "Three"];
    let people = (0..8).map(|n| {
        format!(r#"{{ fullName: "P{n}", email: "p{n}@x.example", companyId: {} }}"#, n % 4 + 1)
    });
    let people = people.collect::<Vec<_>>().join(", ");
    assert_eq!(upsert(&app, &format!("prospects: [{people}]")).await["userErrors"], json!([]));
    for round in 0..8_usize {
        // Existing companies in descending order, and prospects that leave other companies.
        let nested = (0..4).map(|n| {
            let (person, name) = ((n + round) % 4, names[3 - n]);
            format!(
                r#"{{ fullName: "P{person}", email: "p{person}@x.example", company: {{ name: "{name}", size: "{round}", industryId: 1 }} }}"#
            )
        });
        let batch = format!("prospects: [{}]", nested.collect::<Vec<_>>().join(", "));
        // The number of prospects changes for several companies.
        let company = if round % 2 == 0 { 1 } else { 4 };
        let moves = (5..9).map(|id| format!("{{ id: {id}, companyId: {company} }}"));
        let moves = format!(
            "mutation {{ moveProspects(input: {{ prospects: [{}] }}) {{ userErrors {{ reason }} }} }}",
            moves.collect::<Vec<_>>().join(", ")
        );
        let (written, answer) = futures_util::join!(upsert(&app, &batch), app.data(&moves));
        assert_eq!(written["userErrors"], json!([]));
        assert_eq!(answer["moveProspects"]["userErrors"], json!([]));
    }
    let query = "{ companies { nodes { name prospectCount prospects { totalCount } } } }";
    let companies = app.data(query).await["companies"]["nodes"].take();
    assert_eq!(companies.as_array().unwrap().len(), 4);
    for company in companies.as_array().unwrap() {
        assert_eq!(company["prospectCount"], company["prospects"]["totalCount"], "{company}");
    }
}
