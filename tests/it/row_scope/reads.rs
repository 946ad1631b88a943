//! Reads of restricted members: lists, rows, relations, aggregates, groups, filters, search, reports.

use std::collections::BTreeMap;

use engine::Scope;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{MARK, Staff, staff};
use crate::ownership::data;

behaviours![
    every_field_hides_rows_outside_of_the_scope,
    counts_and_counters_count_visible_rows,
    filters_and_orders_reveal_no_hidden_rows,
    search_finds_visible_rows_only,
    rows_disappear_when_they_are_assigned_to_others,
    references_to_hidden_rows_are_null,
];

/// The types of the schema: their fields without required arguments, and the name of the type of each field.
struct Types(BTreeMap<String, Vec<(String, String)>>);

impl Types {
    async fn read(app: &App) -> Self {
        let of = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
        let query = format!(
            "{{ __schema {{ types {{ kind name fields {{ name args {{ defaultValue type {{ kind }} }} type {{ {of} }} }} }} }} }}"
        );
        let schema = app.data(&query).await;
        let types = schema["__schema"]["types"].as_array().unwrap().clone();
        let objects = types.iter().filter(|one| one["kind"] == "OBJECT");
        let fields = |object: &Value| {
            let fields = object["fields"].as_array().unwrap().iter();
            let optional = fields.filter(|field| {
                let args = field["args"].as_array().unwrap();
                args.iter().all(|arg| arg["type"]["kind"] != "NON_NULL")
            });
            let with_types = optional.map(|field| {
                let mut ty = &field["type"];
                while !ty["ofType"].is_null() {
                    ty = &ty["ofType"];
                }
                (
                    field["name"].as_str().unwrap().to_owned(),
                    ty["name"].as_str().unwrap().to_owned(),
                )
            });
            with_types.collect()
        };
        let all = objects.map(|one| (one["name"].as_str().unwrap().to_owned(), fields(one)));
        Self(all.collect())
    }

    fn is_row(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|fields| fields.iter().any(|(field, _)| field == "id"))
    }

    /// A selection of all fields of a type, without the fields of rows that it leads to at the last level.
    fn selection(&self, name: &str, depth: usize) -> Option<String> {
        let Some(fields) = self.0.get(name) else { return Some(String::new()) };
        if self.is_row(name) && depth == 0 {
            return Some("{ id }".to_owned());
        }
        let parts = fields.iter().filter_map(|(field, of)| {
            let inner = self.selection(of, depth.checked_sub(1)?)?;
            Some(format!("{field} {inner}"))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| format!("{{ {} }}", parts.join(" ")))
    }
}

/// The rows that a restricted member must not see, as they appear in answers.
fn hidden(app: &Stored, seen: &[i64]) -> Vec<String> {
    let is_hidden =
        |row: &Value, name: &str| row[name].as_i64().is_some_and(|key| !seen.contains(&key));
    let rows = app.0.iter().filter(|((entity, key), row)| match entity.as_str() {
        "prospect" => !seen.contains(key),
        "company" => !seen
            .iter()
            .any(|seen| app.0[&("prospect".to_owned(), *seen)]["company_id"] == json!(key)),
        "import_job" | "import_record" | "llm_usage_log" | "service_usage_log" | "api_key" => true,
        _ => is_hidden(row, "prospect_id"),
    });
    let names = rows.filter_map(|((called, key), _)| {
        let entity = api::catalog::entities().iter().find(|one| one.table.called == called)?;
        Some(format!("\"{}:{key}\"", entity.name))
    });
    names.collect()
}

struct Stored(BTreeMap<(String, i64), Value>);

impl Stored {
    async fn read(app: &App) -> Self {
        Self(tests::stored::stored(app).await)
    }
}

fn assert_hidden(answer: &Value, hidden: &[String], context: &str) {
    let text = answer.to_string();
    assert!(!text.contains(MARK), "{context}\n{answer:#}");
    for row in hidden {
        assert!(!text.contains(row.as_str()), "{row}: {context}\n{answer:#}");
    }
}

/// The matrix: each root field, each field of each entity from each list, and each row by its ID.
async fn every_field_hides_rows_outside_of_the_scope(app: App) {
    let Staff { admin, dora, tom } = staff(&app).await;
    let types = Types::read(&app).await;
    let stored = Stored::read(&app).await;
    for (scope, seen) in [(&dora, [4]), (&tom, [2])] {
        let hidden = hidden(&stored, &seen);
        assert!(hidden.len() > 20, "{hidden:?}");
        for row in &hidden {
            let query = format!("{{ node(id: {row}) {{ id }} nodes(ids: [{row}]) {{ id }} }}");
            let expected = json!({ "node": null, "nodes": [null] });
            assert_eq!(data(&app, scope, &query).await, expected, "{row}");
        }
        for entity in api::catalog::entities() {
            for (field, of) in &types.0[entity.name] {
                let list = entity.plural;
                for depth in [2, 1] {
                    let Some(selected) = types.selection(of, depth) else { continue };
                    let query =
                        format!("{{ {list}(first: 5) {{ nodes {{ id {field} {selected} }} }} }}");
                    let answer = app.answer_in(scope.clone(), &query).await;
                    if depth == 2 && answer["errors"][0]["extensions"]["code"] == "TOO_COMPLEX" {
                        continue;
                    }
                    assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
                    assert_hidden(&answer, &hidden, &query);
                    break;
                }
            }
        }
        for (field, of) in &types.0["Query"] {
            if ["apiKeys", "databaseStatistics"].contains(&field.as_str()) {
                continue;
            }
            let Some(selected) = types.selection(of, 2) else { continue };
            let query = format!("{{ {field} {selected} }}");
            let answer = app.answer_in(scope.clone(), &query).await;
            assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
            assert_hidden(&answer, &hidden, &query);
        }
    }
    // The same queries of other members return the rows.
    let selected = types.selection("Prospect", 1).unwrap();
    let query = format!("{{ prospects {{ nodes {selected} }} }}");
    let all = app.answer_in(admin.clone(), &query).await.to_string();
    assert!(all.contains(MARK) && all.contains("\"Company:1\""), "{all}");
}

async fn counts(app: &App, scope: &Scope) -> BTreeMap<&'static str, (i64, i64, i64)> {
    let mut counts = BTreeMap::new();
    for entity in api::catalog::entities() {
        let list = entity.plural;
        let query = format!(
            "{{ {list} {{ totalCount aggregate {{ count }} groups(by: {{ createdAt: YEAR }}) {{ nodes {{ aggregate {{ count }} }} }} }} }}"
        );
        let found = &data(app, scope, &query).await[list];
        let groups = found["groups"]["nodes"].as_array().unwrap().iter();
        let grouped = groups.map(|group| group["aggregate"]["count"].as_i64().unwrap()).sum();
        let number = |value: &Value| value.as_i64().unwrap();
        let all = (number(&found["totalCount"]), number(&found["aggregate"]["count"]), grouped);
        counts.insert(list, all);
    }
    counts
}

async fn counts_and_counters_count_visible_rows(app: App) {
    let Staff { admin, dora, tom } = staff(&app).await;
    let stored = Stored::read(&app).await;
    let all = counts(&app, &admin).await;
    for (scope, prospect, company) in [(&dora, 4, 2), (&tom, 2, 1)] {
        let counted = counts(&app, scope).await;
        for (list, (total, aggregate, grouped)) in &counted {
            assert_eq!((total, total), (aggregate, grouped), "{list}");
            assert!(*total <= all[list].0 || *list == "notifications", "{list}");
        }
        for (list, entity) in [
            ("interactions", "interaction"),
            ("outreachDrafts", "outreach_draft"),
            ("prospectResearches", "prospect_research"),
            ("prospectNotes", "prospect_note"),
            ("prospectAssignments", "prospect_assignment"),
        ] {
            let rows = stored.0.iter().filter(|((called, _), row)| {
                called == entity && row["prospect_id"] == json!(prospect)
            });
            assert_eq!(counted[list].0, i64::try_from(rows.count()).unwrap(), "{list}");
        }
        for list in ["prospects", "companies"] {
            assert_eq!(counted[list].0, 1, "{list}");
        }
        for list in ["industries", "solutions", "events", "messageTemplates", "memberships"] {
            assert_eq!(counted[list].0, all[list].0, "{list}");
        }
        for list in ["importJobs", "importRecords", "llmUsageLogs", "settings", "externalIds"] {
            assert_eq!(counted[list].0, 0, "{list}");
            assert!(list == "settings" || all[list].0 > 0, "{list}");
        }
        // The counter of the company counts the visible prospect only, also in conditions and orders.
        let query = "{ companies(filter: { prospectCount: { eq: 1 } }, orderBy: [{ prospectCount: DESC }]) { \
                     nodes { id prospectCount prospects { totalCount } engagement { prospects } } \
                     aggregate { prospectCount { max } } } }";
        let found = &data(&app, scope, query).await["companies"];
        let expected = json!([{ "id": format!("Company:{company}"), "prospectCount": 1,
            "prospects": { "totalCount": 1 }, "engagement": { "prospects": 1 } }]);
        assert_eq!(found["nodes"], expected);
        assert_eq!(found["aggregate"]["prospectCount"]["max"], 1);
    }
}

async fn filters_and_orders_reveal_no_hidden_rows(app: App) {
    let Staff { dora, tom, .. } = staff(&app).await;
    let hidden = format!("{{ contains: \"{MARK}\" }}");
    for scope in [&dora, &tom] {
        for (list, filter) in [
            ("prospects", format!("fullName: {hidden}")),
            ("companies", format!("prospects: {{ some: {{ fullName: {hidden} }} }}")),
            (
                "industries",
                format!(
                    "companies: {{ some: {{ prospects: {{ some: {{ fullName: {hidden} }} }} }} }}"
                ),
            ),
            ("events", format!("interactions: {{ some: {{ content: {hidden} }} }}")),
            ("interactions", format!("prospect: {{ fullName: {hidden} }}")),
            ("changes", "entity: { in: [COMPANY, TEAM, MEMBERSHIP] }".to_owned()),
        ] {
            let query = format!("{{ {list}(filter: {{ {filter} }}) {{ totalCount }} }}");
            assert_eq!(data(&app, scope, &query).await[list]["totalCount"], 0, "{query}");
        }
        // An industry without visible companies is one without companies.
        let none = "{ industries(filter: { companies: { none: {} } }) { totalCount } }";
        assert_eq!(data(&app, scope, none).await["industries"]["totalCount"], 2);
        let groups = "{ prospects { groups(by: { company: { name: VALUE } }) { nodes { key { company { name } } aggregate { count } } } } }";
        let groups = app.answer_in(scope.clone(), groups).await;
        assert!(!groups.to_string().contains("Zoo"), "{groups}");
        let order =
            "{ prospects(orderBy: [{ company: { name: ASC } }]) { totalCount nodes { id } } }";
        assert_eq!(data(&app, scope, order).await["prospects"]["totalCount"], 1);
    }
}

async fn search_finds_visible_rows_only(app: App) {
    let Staff { admin, dora, tom } = staff(&app).await;
    let search = |text: &str| {
        format!(
            "{{ search(query: \"{text}\") {{ totalCount similar edges {{ title node {{ id }} }} }} }}"
        )
    };
    let found = async |scope: &Scope, text: &str| {
        let answer = data(&app, scope, &search(text)).await["search"].clone();
        (answer["totalCount"].as_i64().unwrap(), answer.to_string())
    };
    assert!(found(&admin, MARK).await.0 > 3);
    for scope in [&dora, &tom] {
        for text in [MARK, "Hiddenmrak", "ada@acme.example"] {
            assert_eq!(found(scope, text).await.0, 0, "{text}");
        }
    }
    let (count, text) = found(&dora, "Dan").await;
    assert!(count > 0 && text.contains("\"Prospect:4\""), "{text}");
    assert_eq!(found(&tom, "Dan").await.0, 0);
    assert!(found(&tom, "Acme").await.1.contains("\"Company:1\""));
    assert!(!found(&dora, "Acme").await.1.contains("Company:1"));
    assert!(found(&dora, "Radar").await.0 > 0);
}

async fn references_to_hidden_rows_are_null(app: App) {
    let Staff { admin, dora, .. } = staff(&app).await;
    let draft = app.draft(4, None, "draft").await;
    for mutation in [
        "moveProspect(input: { id: 4, companyId: 1 }) { userErrors { message } }",
        "moveProspect(input: { id: 4, companyId: 2 }) { userErrors { message } }",
    ] {
        crate::ownership::done(&app, &admin, mutation).await;
    }
    for sql in [
        "UPDATE prospects SET duplicate_of = 1 WHERE id = 4".to_owned(),
        "UPDATE companies SET duplicate_of = 1 WHERE id = 2".to_owned(),
        format!("UPDATE outreach_drafts SET import_record_id = 1 WHERE id = {draft}"),
    ] {
        app.db.execute_unprepared(&sql).await.unwrap();
    }
    let query = format!(
        "{{ prospect(id: 4) {{ duplicateOfId duplicateOf {{ id }} company {{ duplicateOfId }} history {{ nodes {{ fields {{ name before after }} }} }} }} \
         outreachDraft(id: {draft}) {{ importRecordId importRecord {{ id }} }} \
         found: prospects(filter: {{ duplicateOfId: {{ isNull: false }} }}) {{ totalCount }} \
         changes(first: 100) {{ nodes {{ fields {{ name before after }} }} }} }}"
    );
    let all = data(&app, &admin, &query).await.to_string();
    for row in ["\"Prospect:1\"", "\"Company:1\"", "\"ImportRecord:1\""] {
        assert!(all.contains(row), "{row}: {all}");
    }
    let seen = data(&app, &dora, &query).await;
    for row in ["Prospect:1\"", "Company:1\"", "ImportRecord:1\""] {
        assert!(!seen.to_string().contains(row), "{row}: {seen:#}");
    }
    assert_eq!(seen["found"]["totalCount"], 0);
    assert!(!seen["prospect"]["history"]["nodes"].as_array().unwrap().is_empty());
}

async fn rows_disappear_when_they_are_assigned_to_others(app: App) {
    let Staff { admin, dora, tom } = staff(&app).await;
    let ids = async |scope: &Scope| {
        data(&app, scope, "{ prospects { nodes { id } } companies { nodes { id } } }").await
    };
    let of = |prospects: &[i64], companies: &[i64]| {
        let nodes = |name: &str, keys: &[i64]| {
            let nodes = keys.iter().map(|key| json!({ "id": format!("{name}:{key}") }));
            json!({ "nodes": nodes.collect::<Vec<_>>() })
        };
        json!({ "prospects": nodes("Prospect", prospects), "companies": nodes("Company", companies) })
    };
    assert_eq!(ids(&dora).await, of(&[4], &[2]));
    assert_eq!(ids(&tom).await, of(&[2], &[1]));
    let assign = format!(
        "assignProspects(input: {{ prospects: [{{ id: 4 }}], ownerId: {} }}) {{ userErrors {{ message }} }}",
        crate::ownership::own(&tom)
    );
    crate::ownership::done(&app, &admin, &assign).await;
    assert_eq!(ids(&dora).await, of(&[], &[]));
    assert_eq!(ids(&tom).await, of(&[2, 4], &[1, 2]));
    let leave = format!(
        "removeTeamMember(input: {{ teamId: 1, membershipId: {} }}) {{ userErrors {{ message }} }}",
        crate::ownership::own(&tom)
    );
    crate::ownership::done(&app, &admin, &leave).await;
    assert_eq!(ids(&tom).await, of(&[4], &[2]));
}
