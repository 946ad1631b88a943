//! Selections: aliases, fragments, directives, and errors with their path.

use api::product_server::executor;
use async_graphql::{Executor, Request};
use graph::declaration::FieldKind;
use sea_orm::ActiveValue::Set;
use serde_json::json;
use server::document::Limits;
use tests::{App, behaviours};

behaviours![
    lists_select_a_limited_number_of_to_one_relations,
    lists_select_a_limited_number_of_columns,
    aliased_fields_are_paginated_independently,
    fragments_apply_to_matching_types,
    repeated_fields_are_merged,
    skip_and_include_are_applied,
    every_object_has_typename,
    fields_are_returned_in_selection_order,
    internal_error_nulls_the_nearest_nullable_field,
    internal_error_reveals_no_details,
    several_root_fields_are_resolved_together,
    root_fields_are_returned_in_selection_order,
    too_deeply_nested_document_is_rejected,
    brackets_nest_at_most_two_hundred_levels,
    response_with_too_many_objects_is_rejected,
    nullable_root_field_fails_independently,
    conflicting_fields_are_rejected,
    errors_in_several_nodes_have_separate_paths,
];

async fn aliased_fields_are_paginated_independently(app: App) {
    app.world().await;
    let query = "{ company(id: 1) { first: prospects(first: 1) { nodes { n: fullName } } \
                 last: prospects(last: 1) { nodes { n: fullName } totalCount } one: industry { name } \
                 two: industry { id } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(
        data["company"],
        json!({ "first": { "nodes": [{ "n": "Ada" }] }, "last": { "nodes": [{ "n": "Cleo" }], "totalCount": 3 },
            "one": { "name": "Logistics" }, "two": { "id": "Industry:1" } })
    );
    assert_eq!(statements, 4);
}

async fn fragments_apply_to_matching_types(app: App) {
    app.world().await;
    let query = r#"
        fragment Person on Prospect { fullName ...Work }
        fragment Work on Prospect { company { ... on Company { name } ... on Node { id } } }
        { nodes(ids: ["Prospect:1", "Company:2"]) { id ...Person ... on Company { name } ... @include(if: true) { __typename } }
          node(id: "Prospect:2") { ... on Node { id ... on Prospect { fullName } } ... on Company { name } } }"#;
    let data = app.data(query).await;
    assert_eq!(
        data,
        json!({ "nodes": [
            { "id": "Prospect:1", "fullName": "Ada", "company": { "name": "Acme", "id": "Company:1" }, "__typename": "Prospect" },
            { "id": "Company:2", "name": "bank & Sons", "__typename": "Company" }],
          "node": { "id": "Prospect:2", "fullName": "bob" } })
    );
}

async fn repeated_fields_are_merged(app: App) {
    app.world().await;
    let query = "{ prospect(id: 1) { company { name } company { industry { name } } company { industry { id } } \
                 interactions(first: 1) { nodes { subject } } interactions(first: 1) { nodes { id } totalCount } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(
        data["prospect"],
        json!({ "company": { "name": "Acme", "industry": { "name": "Logistics", "id": "Industry:1" } },
            "interactions": { "nodes": [{ "subject": "Ada 0", "id": "Interaction:1" }], "totalCount": 2 } })
    );
    assert_eq!(statements, 3);
}

async fn skip_and_include_are_applied(app: App) {
    app.world().await;
    let query = "query ($no: Boolean = false) { prospect(id: 1) { fullName email @skip(if: true) \
                 company @include(if: $no) { name } interactions @skip(if: true) { totalCount } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(data["prospect"], json!({ "fullName": "Ada" }));
    assert_eq!(statements, 1);
}

async fn every_object_has_typename(app: App) {
    app.world().await;
    let query = "{ __typename companies(first: 1) { __typename nodes { __typename } edges { __typename \
                 node { __typename } } pageInfo { __typename } } }";
    assert_eq!(
        app.data(query).await,
        json!({ "__typename": "Query", "companies": { "__typename": "CompanyConnection",
            "nodes": [{ "__typename": "Company" }],
            "edges": [{ "__typename": "CompanyEdge", "node": { "__typename": "Company" } }],
            "pageInfo": { "__typename": "PageInfo" } } })
    );
}

async fn fields_are_returned_in_selection_order(app: App) {
    app.world().await;
    let query = "{ prospects(first: 1) { totalCount nodes { email id fullName } } }";
    let request = async_graphql::Request::new(query).data(app.scope(app.organization));
    let text = graph::json_text::response(&api::schema::build().execute(request).await);
    let place = |word: &str| text.find(word).unwrap();
    assert!(place("totalCount") < place("nodes"), "{text}");
    assert!(place("email") < place("\"id\"") && place("\"id\"") < place("fullName"), "{text}");
}

async fn internal_error_nulls_the_nearest_nullable_field(app: App) {
    app.world().await;
    app.event("Nowhere", |row| row.status = Set("melted".to_owned())).await;
    app.interaction(2, Some(2), "odd", 99).await;
    let query = "{ prospects { nodes { fullName odd: interactions(last: 1) { nodes { subject event { status } } } } } }";
    let answer = app.answer(query).await;
    let odd = &answer["data"]["prospects"]["nodes"][1];
    assert_eq!(
        *odd,
        json!({ "fullName": "bob", "odd": { "nodes": [{ "subject": "odd", "event": null }] } })
    );
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    assert_eq!(
        answer["errors"][0]["path"],
        json!(["prospects", "nodes", 1, "odd", "nodes", 0, "event", "status"])
    );
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");

    let answer = app.answer("{ events { nodes { status } } industries { totalCount } }").await;
    assert_eq!(answer["data"], json!(null));
    assert_eq!(answer["errors"][0]["path"], json!(["events", "nodes", 1, "status"]));

    let answer = app.answer("{ event(id: 2) { id status } industries { totalCount } }").await;
    assert_eq!(answer["data"], json!({ "event": null, "industries": { "totalCount": 3 } }));
}

async fn internal_error_reveals_no_details(app: App) {
    use sea_orm::ConnectionTrait;
    app.db.execute_unprepared("ALTER TABLE llm_usage_logs RENAME TO gone").await.unwrap();
    let error = app.error("{ llmUsageLogs { nodes { id } } }").await;
    assert_eq!(error, "INTERNAL: internal error");
}

async fn several_root_fields_are_resolved_together(app: App) {
    app.world().await;
    let query = "{ a: companies { totalCount } b: prospects { totalCount } schemaVersion }";
    assert_eq!(
        app.data(query).await,
        json!({ "a": { "totalCount": 2 }, "b": { "totalCount": 4 }, "schemaVersion": null })
    );
}

async fn too_deeply_nested_document_is_rejected(app: App) {
    let deep = |levels: usize| {
        let mut query = "{ id }".to_owned();
        for _ in 0..levels {
            query = format!("{{ company {{ prospects(first: 1) {{ nodes {query} }} }} }}");
        }
        format!("{{ prospects(first: 1) {{ nodes {query} }} }}")
    };
    app.data(&deep(4)).await;
    let error = app.error(&deep(40)).await;
    assert!(error.starts_with("TOO_COMPLEX: field depth"), "{error}");
    let error = app.error(&deep(10)).await;
    assert_eq!(error, "TOO_COMPLEX: field depth: 33 exceeds the limit of 32");
}

async fn brackets_nest_at_most_two_hundred_levels(app: App) {
    let levels = 201;
    for (open, close) in [("{ a ", "}"), ("[", "]"), ("{ a: ", "}")] {
        let (deep, end) = (open.repeat(levels), close.repeat(levels));
        for query in [
            format!("{deep}{end}"),
            format!("{{ prospects(filter: {deep}1{end}) {{ totalCount }} }}"),
        ] {
            let error = app.error(&query).await;
            assert!(error.starts_with("TOO_COMPLEX: bracket depth: 20"), "{error}");
        }
    }
}

async fn response_with_too_many_objects_is_rejected(app: App) {
    for number in 0..10 {
        let industry = app.industry(&format!("Industry {number}")).await;
        let solution = app.solution(&format!("Solution {number}")).await;
        for other in 1..industry {
            app.suits(other, solution).await;
        }
        app.suits(industry, solution).await;
    }
    let mut query = "{ id }".to_owned();
    for _ in 0..3 {
        query = format!("{{ solutions {{ nodes {{ industries {{ nodes {query} }} }} }} }}");
    }
    let query = format!("{{ industries {{ nodes {query} }} }}");
    let error = app.error(&query).await;
    assert!(error.starts_with("TOO_COMPLEX: query cost: "), "{error}");
    // The cost is estimated in advance. In addition, the number of loaded objects is limited during execution.
    let limits = Limits { max_cost: u64::MAX, ..Limits::DEFAULT };
    let executor = executor().within(limits);
    let request = Request::new(&query).data(app.scope(app.organization));
    let response = executor.execute(request).await;
    assert_eq!(
        response.errors[0].message,
        "the response would exceed 100000 objects; request fewer rows"
    );
}

async fn nullable_root_field_fails_independently(app: App) {
    app.world().await;
    let query = "{ a: prospect(id: 1) { interactions(first: 500) { totalCount } } b: companies { totalCount } }";
    let answer = app.answer(query).await;
    assert_eq!(answer["data"], json!({ "a": null, "b": { "totalCount": 2 } }));
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID");
    let answer =
        app.answer("{ a: prospects(first: 500) { totalCount } b: companies { totalCount } }").await;
    assert_eq!(answer["data"], json!(null));
}

async fn conflicting_fields_are_rejected(app: App) {
    app.world().await;
    for query in [
        "{ companies { nodes { prospects(first: 1) { totalCount } ...F } } } fragment F on Company { prospects(first: 2) { totalCount } }",
        "{ prospects { nodes { x: fullName ... on Prospect { x: email } } } }",
        "{ companies { nodes { x: industry { id } ... on Company { x: prospects { totalCount } } } } }",
    ] {
        let answer = app.answer(query).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert!(*code == "INVALID" || *code == "GRAPHQL_VALIDATION_FAILED", "{answer}");
    }
}

async fn errors_in_several_nodes_have_separate_paths(app: App) {
    app.world().await;
    for prospect in [1, 3] {
        app.draft(prospect, None, "melted").await;
    }
    let query = r#"{ nodes(ids: ["Prospect:1", "Prospect:2", "Prospect:3"]) { id ... on Prospect { outreachDrafts { nodes { status } } } } }"#;
    let answer = app.answer(query).await;
    assert_eq!(answer["data"]["nodes"][1]["id"], "Prospect:2");
    assert_eq!(
        (&answer["data"]["nodes"][0], &answer["data"]["nodes"][2]),
        (&json!(null), &json!(null))
    );
    let path = |index: usize| json!(["nodes", index, "outreachDrafts", "nodes", 2, "status"]);
    assert_eq!(answer["errors"][0]["path"], path(0));
    assert_eq!(answer["errors"][1]["path"], path(2));
}

async fn root_fields_are_returned_in_selection_order(app: App) {
    app.world().await;
    let query = "{ z: companies(first: 1) { nodes { prospects { totalCount } } } ...F schemaVersion __typename } \
                 fragment F on Query { y: prospect(id: 1) { id } z: companies(first: 1) { totalCount } ... { a: industries { totalCount } } }";
    for _ in 0..10 {
        let text = app.text(query).await;
        let places: Vec<usize> = ["\"z\"", "\"y\"", "\"a\"", "\"schemaVersion\"", "\"__typename\""]
            .iter()
            .map(|word| text.find(word).unwrap_or_else(|| panic!("{word} in {text}")))
            .collect();
        assert!(places.is_sorted(), "{text}");
    }
}

/// A selection with two to-one relations per level, and `last` pairs on the last of five levels.
fn tree(level: usize, last: &mut usize) -> String {
    if level == 5 {
        if *last == 0 {
            return "id".to_owned();
        }
        *last -= 1;
    }
    let [merged, duplicate] =
        [0, 1].map(|_| if level == 5 { "id".to_owned() } else { tree(level + 1, last) });
    format!("mergedInto {{ {merged} }} duplicateOf {{ {duplicate} }}")
}

async fn lists_select_a_limited_number_of_to_one_relations(app: App) {
    app.world().await;
    let query =
        |last: usize| format!("{{ prospects {{ nodes {{ {} }} }} }}", tree(1, &mut { last }));
    // 2 + 4 + 8 + 16 relations, and 30 on the last level.
    let selected = query(15);
    assert_eq!(
        selected.matches("mergedInto").count() + selected.matches("duplicateOf").count(),
        60
    );
    app.data(&selected).await;
    let answer = app.answer(&query(16)).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "TOO_COMPLEX", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("a list selects more than 60 to-one relations (at `Prospect."),
        "{message}"
    );
}

/// All columns of an entity, as a selection.
fn columns(name: &str) -> String {
    let entity = api::catalog::entities().iter().find(|entity| entity.name == name).unwrap();
    let columns = entity.fields.iter().filter(|field| {
        matches!(field.gives, FieldKind::Column { .. } | FieldKind::Reference { .. })
    });
    columns.map(|field| field.name.as_str()).collect::<Vec<_>>().join(" ")
}

async fn lists_select_a_limited_number_of_columns(app: App) {
    app.world().await;
    let (draft, record) = (columns("OutreachDraft"), columns("ImportRecord"));
    let level = format!("parentDraft {{ {draft} importRecord {{ {record} }} ");
    let query = |levels: usize| {
        let nested = level.repeat(levels) + &"}".repeat(levels);
        format!("{{ outreachDrafts {{ nodes {{ id {nested} }} }} }}")
    };
    let most = 1_600 / (level.split_whitespace().count() - 5);
    assert!(2 * most < 60);
    app.data(&query(most - 1)).await;
    let answer = app.answer(&query(most + 1)).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "TOO_COMPLEX", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("a list selects more than 1600 columns (at `"), "{message}");
}
