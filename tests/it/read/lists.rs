//! Lists and relations: the rows that they return for each parent.

use serde_json::json;
use tests::{App, app::texts, behaviours};

behaviours![
    nested_arguments_apply_per_parent,
    relations_can_be_traversed_in_both_directions,
    many_to_many_relations_can_be_traversed_in_both_directions,
    latest_research_is_the_newest,
    default_page_has_25_rows_ordered_by_id,
    page_sizes_out_of_range_are_rejected,
    global_ids_and_bare_primary_keys_are_accepted,
    unknown_and_malformed_ids_return_null,
    stored_values_are_returned_unchanged,
    days_since_the_last_contact_follow_the_clock,
];

async fn nested_arguments_apply_per_parent(app: App) {
    app.world().await;
    let data = app
        .data(
            "{ companies { nodes { name prospects(first: 2, orderBy: [{ fullName: DESC }]) { \
             totalCount nodes { fullName interactions(last: 1, orderBy: [{ interactionDate: ASC }]) \
             { nodes { subject } } } pageInfo { hasNextPage } } } } }",
        )
        .await;
    let people = |names: serde_json::Value, total, more| json!({ "totalCount": total, "nodes": names, "pageInfo": { "hasNextPage": more } });
    let person = |name, newest| json!({ "fullName": name, "interactions": { "nodes": [{ "subject": newest }] } });
    let expected = json!([
        { "name": "Acme",
          "prospects": people(json!([person("Cleo", "Cleo 3"), person("bob", "bob 2")]), 3, true) },
        { "name": "bank & Sons", "prospects": people(json!([person("Dan", "Dan 4")]), 1, false) },
    ]);
    assert_eq!(data["companies"]["nodes"], expected);
}

async fn relations_can_be_traversed_in_both_directions(app: App) {
    app.world().await;
    let data = app
        .data(
            "{ industries(first: 1) { nodes { name companies(first: 1) { nodes { name industry { name } \
             prospects(first: 1) { nodes { fullName company { name } \
             interactions(first: 1) { nodes { subject prospect { fullName } event { location \
               interactions { totalCount } outreachDrafts { totalCount } } } } \
             outreachDrafts { nodes { status prospect { fullName } event { location } } } } } } } } } }",
        )
        .await;
    let expected = json!({ "industries": { "nodes": [{ "name": "Logistics", "companies": { "nodes": [{
        "name": "Acme", "industry": { "name": "Logistics" },
        "prospects": { "nodes": [{
            "fullName": "Ada", "company": { "name": "Acme" },
            "interactions": { "nodes": [{ "subject": "Ada 0", "prospect": { "fullName": "Ada" },
                "event": { "location": "Berlin", "interactions": { "totalCount": 4 },
                           "outreachDrafts": { "totalCount": 4 } } }] },
            "outreachDrafts": { "nodes": [
                { "status": "DRAFT", "prospect": { "fullName": "Ada" }, "event": null },
                { "status": "SENT", "prospect": { "fullName": "Ada" }, "event": { "location": "Berlin" } },
            ] },
        }] },
    }] } }] } });
    assert_eq!(data, expected);
}

async fn many_to_many_relations_can_be_traversed_in_both_directions(app: App) {
    app.world().await;
    let data = app
        .data(
            "{ industries { nodes { name solutions(orderBy: [{ name: ASC }]) { totalCount nodes { name \
             industries(first: 1, orderBy: [{ name: ASC }]) { nodes { name } totalCount } } } } } }",
        )
        .await;
    let radar = json!({ "name": "Radar",
        "industries": { "nodes": [{ "name": "banking" }], "totalCount": 2 } });
    let planner = json!({ "name": "Planner",
        "industries": { "nodes": [{ "name": "Logistics" }], "totalCount": 1 } });
    let expected = json!([
        { "name": "Logistics", "solutions": { "totalCount": 2, "nodes": [planner, radar] } },
        { "name": "banking", "solutions": { "totalCount": 1, "nodes": [radar] } },
        { "name": "Zoos", "solutions": { "totalCount": 0, "nodes": [] } },
    ]);
    assert_eq!(data["industries"]["nodes"], expected);
}

async fn latest_research_is_the_newest(app: App) {
    app.world().await;
    let data = app
        .data(
            "{ prospects { nodes { latestResearch { researchSummary prospect { fullName } } } } }",
        )
        .await;
    let newest = |name: &str| json!({ "latestResearch": { "researchSummary": format!("{name} 0"), "prospect": { "fullName": name } } });
    let expected =
        json!([{ "latestResearch": null }, newest("bob"), newest("Cleo"), newest("Dan")]);
    assert_eq!(data["prospects"]["nodes"], expected);
}

async fn default_page_has_25_rows_ordered_by_id(app: App) {
    for number in 0..30 {
        app.industry(&format!("Industry {}", 90 - number)).await;
    }
    let data =
        app.data("{ industries { nodes { id } totalCount pageInfo { hasNextPage } } }").await;
    let expected: Vec<String> = (1..=25).map(|key| format!("Industry:{key}")).collect();
    assert_eq!(texts(&data["industries"]["nodes"], "id"), expected);
    assert_eq!(data["industries"]["totalCount"], 30);
    assert_eq!(data["industries"]["pageInfo"]["hasNextPage"], true);
}

async fn page_sizes_out_of_range_are_rejected(app: App) {
    app.world().await;
    let error = async |arguments: &str| {
        app.error(&format!("{{ prospects({arguments}) {{ nodes {{ id }} }} }}")).await
    };
    assert_eq!(error("first: 101").await, "INVALID: `first` must be from 0 to 100, got 101");
    assert_eq!(error("first: -1").await, "INVALID: `first` must be from 0 to 100, got -1");
    assert_eq!(error("last: 101").await, "INVALID: `last` must be from 0 to 100, got 101");
    assert_eq!(
        error("first: 1, last: 1").await,
        "INVALID: `first` and `last` can't be combined; specify only one of them"
    );
    let nested = "{ companies { nodes { prospects(first: 101) { nodes { id } } } } }";
    assert_eq!(app.error(nested).await, "INVALID: `first` must be from 0 to 100, got 101");
    let none = app.data("{ prospects(first: 0) { nodes { id } totalCount } }").await;
    assert_eq!(none["prospects"], json!({ "nodes": [], "totalCount": 4 }));
}

async fn global_ids_and_bare_primary_keys_are_accepted(app: App) {
    app.world().await;
    let data = app
        .data(
            r#"{ one: prospect(id: "Prospect:2") { id companyId } two: prospect(id: 2) { id }
                 three: prospect(id: "2") { id } node(id: "Prospect:2") { id __typename } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({ "one": { "id": "Prospect:2", "companyId": "Company:1" }, "two": { "id": "Prospect:2" },
            "three": { "id": "Prospect:2" }, "node": { "id": "Prospect:2", "__typename": "Prospect" } })
    );
}

async fn unknown_and_malformed_ids_return_null(app: App) {
    app.world().await;
    let ids = [
        "999",
        "Prospect:999",
        "Company:1",
        "Prospect:",
        ":",
        "",
        "Prospect:01",
        "Prospect:-1",
        "Prospect:1 OR 1=1",
        "99999999999999999999",
        "Prospect:9223372036854775808",
        "ß",
        "\\u0000",
    ];
    for id in ids {
        let one = app.data(&format!("{{ prospect(id: \"{id}\") {{ id }} }}")).await;
        assert_eq!(one["prospect"], json!(null), "{id}");
        if id != "Company:1" {
            let node = app.data(&format!("{{ node(id: \"{id}\") {{ id }} }}")).await;
            assert_eq!(node["node"], json!(null), "{id}");
        }
    }
}

async fn stored_values_are_returned_unchanged(app: App) {
    use sea_orm::ActiveValue::Set;
    let roles = json!(["CTO", "Head of IT", 7]);
    let stored = roles.clone();
    let event = app
        .event("Köln", |row| {
            row.target_roles = Set(Some(stored));
            row.status = Set("cancelled".to_owned());
            row.event_date = Set("2026-05-01T09:30:00.123456+02:00".parse().unwrap());
        })
        .await;
    let query = format!(
        "{{ event(id: {event}) {{ location targetRoles targetIndustries status eventDate createdAt \
         revision }} }}"
    );
    let expected = json!({
        "location": "Köln", "targetRoles": roles, "targetIndustries": null, "status": "CANCELLED",
        "eventDate": "2026-05-01T07:30:00.123456Z", "createdAt": "2026-03-01T12:00:00Z", "revision": 1,
    });
    assert_eq!(app.data(&query).await["event"], expected);
    let log = app.usage("large-2026", 0.1 + 0.2).await;
    let query = format!("{{ llmUsageLog(id: {log}) {{ model totalTokens cost workflowName }} }}");
    let expected = json!({ "model": "large-2026", "totalTokens": 120, "cost": 0.1 + 0.2,
        "workflowName": "outreach" });
    assert_eq!(app.data(&query).await["llmUsageLog"], expected);
}

async fn days_since_the_last_contact_follow_the_clock(app: App) {
    app.world().await;
    let query = "{ prospects { nodes { days: daysSinceLastContact company { prospects(first: 1) { \
                 nodes { daysSinceLastContact } } } } } }";
    app.clock.advance(chrono::TimeDelta::hours(47));
    let days = |data: serde_json::Value| -> Vec<serde_json::Value> {
        let rows = data["prospects"]["nodes"].as_array().unwrap();
        rows.iter().map(|row| row["days"].clone()).collect()
    };
    assert_eq!(days(app.data(query).await), [json!(1), json!(null), json!(2), json!(2)]);
}
