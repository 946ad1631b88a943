//! Filters: the rows that match each condition.

use sea_orm::ActiveValue::Set;
use serde_json::json;
use tests::{App, app::texts, behaviours};

behaviours![
    text_is_compared_case_insensitively,
    like_wildcards_are_escaped,
    null_matches_negated_conditions,
    condition_and_its_negation_partition_the_rows,
    numbers_timestamps_and_booleans_are_compared,
    enums_and_ids_are_compared,
    relations_are_filtered_by_related_rows,
    json_filter_matches_elements_and_keys,
    logical_operators_can_be_combined,
    invalid_values_are_rejected_naming_the_field,
    omitted_variables_disable_their_conditions,
    missing_required_variable_is_rejected,
    variable_defaults_apply_to_directives,
    unsupported_operators_are_rejected,
    number_of_conditions_is_limited,
    filters_apply_to_counts_and_nested_lists,
];

async fn names(app: &App, filter: &str) -> Vec<String> {
    let query = format!("{{ prospects(filter: {filter}) {{ nodes {{ fullName }} totalCount }} }}");
    let data = app.data(&query).await;
    let names = texts(&data["prospects"]["nodes"], "fullName");
    assert_eq!(data["prospects"]["totalCount"], names.len(), "{filter}");
    names
}

async fn text_is_compared_case_insensitively(app: App) {
    app.world().await;
    assert_eq!(names(&app, r#"{ fullName: { eq: "ADA" } }"#).await, ["Ada"]);
    assert_eq!(names(&app, r#"{ fullName: { in: ["ada", "BOB"] } }"#).await, ["Ada", "bob"]);
    assert_eq!(names(&app, r#"{ fullName: { startsWith: "B" } }"#).await, ["bob"]);
    assert_eq!(names(&app, r#"{ fullName: { contains: "LE" } }"#).await, ["Cleo"]);
    assert_eq!(names(&app, r#"{ fullName: { endsWith: "N" } }"#).await, ["Dan"]);
    assert_eq!(names(&app, r#"{ fullName: { gt: "ada", lt: "DAN" } }"#).await, ["bob", "Cleo"]);
    assert_eq!(
        names(&app, r#"{ fullName: { gte: "B", lte: "dan" } }"#).await,
        ["bob", "Cleo", "Dan"]
    );
}

async fn like_wildcards_are_escaped(app: App) {
    let industry = app.industry("All").await;
    let company = app.company("Acme", industry).await;
    for name in ["100% sure", "100 sure", "a_b", "acb", r"back\slash", "it's", "日本%"] {
        app.prospect_with("x", company, |row| row.full_name = Set(name.to_owned())).await;
    }
    assert_eq!(names(&app, r#"{ fullName: { contains: "0%" } }"#).await, ["100% sure"]);
    assert_eq!(names(&app, r#"{ fullName: { startsWith: "a_" } }"#).await, ["a_b"]);
    assert_eq!(names(&app, r#"{ fullName: { contains: "\\" } }"#).await, [r"back\slash"]);
    assert_eq!(names(&app, r#"{ fullName: { contains: "'" } }"#).await, ["it's"]);
    assert_eq!(names(&app, r#"{ fullName: { endsWith: "本%" } }"#).await, ["日本%"]);
    assert!(names(&app, r#"{ fullName: { contains: "" } }"#).await.len() == 7);
}

async fn null_matches_negated_conditions(app: App) {
    app.world().await;
    let absent = names(&app, "{ lastContactedAt: { isNull: true } }").await;
    assert_eq!(absent, ["bob"]);
    assert_eq!(names(&app, "{ lastContactedAt: { isNull: false } }").await, ["Ada", "Cleo", "Dan"]);
    let noon = r#"{ lastContactedAt: { ne: "2026-03-01T12:00:00Z" } }"#;
    assert_eq!(names(&app, noon).await, ["bob", "Cleo", "Dan"]);
    let not = r#"{ not: { lastContactedAt: { gte: "2026-03-01T10:00:00Z" } } }"#;
    assert_eq!(names(&app, not).await, ["bob", "Dan"]);
    let none = r#"{ lastContactedAt: { notIn: ["2026-03-01T12:00:00Z"] } }"#;
    assert_eq!(names(&app, none).await, ["bob", "Cleo", "Dan"]);
}

async fn condition_and_its_negation_partition_the_rows(app: App) {
    app.world().await;
    let all = names(&app, "{}").await;
    for filter in [
        r#"{ fullName: { contains: "a" } }"#,
        r#"{ linkedinUrl: { contains: "a" } }"#,
        r#"{ location: { eq: "Berlin" } }"#,
        r#"{ lastContactedAt: { lt: "2026-03-01T11:30:00+00:00" } }"#,
        "{ isActive: { eq: true } }",
        r#"{ company: { domain: { startsWith: "a" } } }"#,
        r#"{ interactions: { some: { subject: { endsWith: "3" } } } }"#,
        r#"{ interactions: { every: { sentiment: { eq: "positive" } } } }"#,
        r"{ research: { none: {} } }",
        "{ or: [] }",
    ] {
        let mut both = names(&app, filter).await;
        both.extend(names(&app, &format!("{{ not: {filter} }}")).await);
        both.sort_unstable();
        let mut expected = all.clone();
        expected.sort_unstable();
        assert_eq!(both, expected, "{filter}");
    }
}

async fn numbers_timestamps_and_booleans_are_compared(app: App) {
    app.world().await;
    app.usage("medium", 0.5).await;
    app.usage("large", 2.0).await;
    let models = async |filter: &str| {
        let query = format!("{{ llmUsageLogs(filter: {filter}) {{ nodes {{ model }} }} }}");
        texts(&app.data(&query).await["llmUsageLogs"]["nodes"], "model")
    };
    assert_eq!(models("{ cost: { gt: 0.01, lte: 2 } }").await, ["medium", "large"]);
    assert_eq!(models("{ cost: { in: [0.01, 2.0] } }").await, ["small", "large"]);
    assert_eq!(models("{ totalTokens: { eq: 120 } }").await.len(), 3);
    assert_eq!(models("{ totalTokens: { in: [1, 2] } }").await.len(), 0);
    let zone = r#"{ lastContactedAt: { eq: "2026-03-01T11:00:00+01:00" } }"#;
    assert_eq!(names(&app, zone).await, ["Cleo"]);
    let several =
        r#"{ lastContactedAt: { in: ["2026-03-01T12:00:00Z", "2026-03-01T09:00:00Z"] } }"#;
    assert_eq!(names(&app, several).await, ["Ada", "Dan"]);
    assert_eq!(names(&app, "{ isActive: { eq: false } }").await.len(), 0);
    assert_eq!(names(&app, "{ isActive: { ne: false } }").await.len(), 4);
}

async fn enums_and_ids_are_compared(app: App) {
    app.world().await;
    let drafts = async |filter: &str| {
        let query = format!("{{ outreachDrafts(filter: {filter}) {{ totalCount }} }}");
        app.data(&query).await["outreachDrafts"]["totalCount"].as_i64().unwrap()
    };
    assert_eq!(drafts("{ status: { eq: DRAFT } }").await, 4);
    assert_eq!(drafts("{ status: { in: [DRAFT, SENT] } }").await, 8);
    assert_eq!(drafts("{ status: { notIn: [DRAFT] } }").await, 4);
    assert_eq!(drafts("{ eventId: { isNull: true } }").await, 4);
    assert_eq!(drafts(r#"{ eventId: { eq: "Event:1" } }"#).await, 4);
    assert_eq!(
        names(&app, r#"{ id: { in: ["Prospect:1", 3, "4"] } }"#).await,
        ["Ada", "Cleo", "Dan"]
    );
    assert_eq!(names(&app, r#"{ companyId: { eq: "Company:2" } }"#).await, ["Dan"]);
    assert_eq!(names(&app, r"{ companyId: { ne: 2 } }").await, ["Ada", "bob", "Cleo"]);
}

async fn relations_are_filtered_by_related_rows(app: App) {
    app.world().await;
    let by = async |filter: &str| names(&app, filter).await;
    assert_eq!(by(r#"{ company: { name: { eq: "acme" } } }"#).await, ["Ada", "bob", "Cleo"]);
    assert_eq!(by(r#"{ company: { industry: { name: { eq: "Banking" } } } }"#).await, ["Dan"]);
    assert_eq!(by(r#"{ interactions: { some: { subject: { eq: "Dan 4" } } } }"#).await, ["Dan"]);
    assert_eq!(by(r#"{ interactions: { none: { subject: { endsWith: "2" } } } }"#).await, ["Ada"]);
    assert_eq!(by(r"{ research: { some: {} } }").await, ["bob", "Cleo", "Dan"]);
    assert_eq!(
        by(r#"{ research: { every: { researchSummary: { endsWith: "0" } } } }"#).await,
        ["Ada", "bob"]
    );
    assert_eq!(
        by(r#"{ outreachDrafts: { some: { event: { location: { eq: "berlin" } } } }, fullName: { lt: "c" } }"#).await,
        ["Ada", "bob"]
    );
    let industries = r#"{ industries(filter: { solutions: { some: { name: { eq: "radar" } } } }) { nodes { name } } }"#;
    assert_eq!(
        texts(&app.data(industries).await["industries"]["nodes"], "name"),
        ["Logistics", "banking"]
    );
    let none = r"{ industries(filter: { solutions: { none: {} } }) { nodes { name } } }";
    assert_eq!(texts(&app.data(none).await["industries"]["nodes"], "name"), ["Zoos"]);
    let interactions =
        r#"{ interactions(filter: { event: { location: { eq: "Berlin" } } }) { totalCount } }"#;
    assert_eq!(app.data(interactions).await["interactions"]["totalCount"], 4);
}

async fn json_filter_matches_elements_and_keys(app: App) {
    for (place, roles) in [
        ("list", json!(["CTO", "Head of IT", 12])),
        ("object", json!({ "CTO": 1 })),
        ("other", json!(["cto", 13, { "CTO": 2 }])),
    ] {
        app.event(place, |row| row.target_roles = Set(Some(roles))).await;
    }
    app.event("absent", |_| {}).await;
    let places = async |filter: &str| {
        let query =
            format!("{{ events(filter: {{ targetRoles: {filter} }}) {{ nodes {{ location }} }} }}");
        texts(&app.data(&query).await["events"]["nodes"], "location")
    };
    assert_eq!(places(r#"{ has: "CTO" }"#).await, ["list", "object"]);
    assert_eq!(places(r#"{ has: "12" }"#).await, ["list"]);
    assert_eq!(places(r#"{ has: "1' OR '1" }"#).await.len(), 0);
    assert_eq!(places("{ isNull: true }").await, ["absent"]);
}

async fn logical_operators_can_be_combined(app: App) {
    app.world().await;
    let filter = r#"{ or: [{ fullName: { eq: "Ada" } }, { and: [{ company: { name: { contains: "bank" } } },
        { not: { fullName: { eq: "x" } } }] }] }"#;
    assert_eq!(names(&app, filter).await, ["Ada", "Dan"]);
    assert_eq!(names(&app, "{ or: [] }").await.len(), 0);
    assert_eq!(names(&app, "{ and: [] }").await.len(), 4);
    assert_eq!(names(&app, "{ not: {} }").await.len(), 0);
    assert_eq!(names(&app, r#"{ or: { fullName: { eq: "ada" } } }"#).await, ["Ada"]);
}

async fn invalid_values_are_rejected_naming_the_field(app: App) {
    app.world().await;
    let error = async |filter: &str| {
        app.error(&format!("{{ prospects(filter: {filter}) {{ nodes {{ id }} }} }}")).await
    };
    assert_eq!(
        error(r#"{ lastContactedAt: { gt: "yesterday" } }"#).await,
        "GRAPHQL_VALIDATION_FAILED: `gt` must be an RFC 3339 date and time with a time zone, e.g. 2026-03-01T09:00:00Z (got \"yesterday\")"
    );
    assert_eq!(
        error(r#"{ companyId: { eq: "Prospect:1" } }"#).await,
        "INVALID: `filter.companyId.eq` must be a Company ID: `Company:` and the primary key, or the key alone"
    );
    assert_eq!(
        error("{ email: { eq: null } }").await,
        "INVALID: `filter.email.eq` must not be null; omit it, or use `isNull: true` to match null"
    );
    assert_eq!(
        error("{ fullName: { contains: \"a\\u0000b\" } }").await,
        "INVALID: `filter.fullName.contains` must not contain the NUL character"
    );
    let long = "x".repeat(1_001);
    assert_eq!(
        error(&format!("{{ fullName: {{ contains: \"{long}\" }} }}")).await,
        "INVALID: `filter.fullName.contains` must be at most 1000 characters"
    );
}

async fn omitted_variables_disable_their_conditions(app: App) {
    app.world().await;
    let query = "query ($name: String, $size: Int = 2, $filter: ProspectFilter) { \
                 one: prospects(filter: { fullName: { eq: $name } }) { nodes { fullName } } \
                 two: prospects(first: $size, filter: $filter) { nodes { fullName } } }";
    let variables = json!({ "name": "ada", "filter": { "fullName": { "startsWith": "C" } } });
    let data = app.answer_to(app.organization, query, variables).await;
    assert_eq!(texts(&data["data"]["one"]["nodes"], "fullName"), ["Ada"], "{data:#}");
    assert_eq!(texts(&data["data"]["two"]["nodes"], "fullName"), ["Cleo"]);
    let data = app.answer_to(app.organization, query, json!({})).await;
    assert_eq!(texts(&data["data"]["one"]["nodes"], "fullName").len(), 4, "{data:#}");
    assert_eq!(texts(&data["data"]["two"]["nodes"], "fullName"), ["Ada", "bob"]);
}

async fn filters_apply_to_counts_and_nested_lists(app: App) {
    app.world().await;
    let query = "{ companies { nodes { prospects(filter: { lastContactedAt: { isNull: false } }) { \
                 totalCount nodes { interactions(filter: { event: { location: { eq: \"Berlin\" } } }) { \
                 totalCount nodes { subject } } } } } } }";
    let interactions = |subject: &str| json!({ "interactions": { "totalCount": 1, "nodes": [{ "subject": subject }] } });
    let expected = json!([
        { "prospects": { "totalCount": 2, "nodes": [interactions("Ada 0"), interactions("Cleo 0")] } },
        { "prospects": { "totalCount": 1, "nodes": [interactions("Dan 0")] } },
    ]);
    assert_eq!(app.data(query).await["companies"]["nodes"], expected);
}

async fn missing_required_variable_is_rejected(app: App) {
    app.world().await;
    for (query, variables, expected) in [
        (
            "query ($c: ID!) { prospects(filter: { companyId: { eq: $c } }) { totalCount } }",
            json!({}),
            "`$c` of type `ID!` is required",
        ),
        (
            "query ($c: ID!) { prospects(filter: { companyId: { eq: $c } }) { totalCount } }",
            json!({ "C": 1 }),
            "`$c` of type `ID!` is required",
        ),
        (
            "query ($f: ProspectFilter!) { prospects(filter: $f) { totalCount } }",
            json!({ "f": null }),
            "`$f` of type `ProspectFilter!` must not be null",
        ),
        (
            "query ($n: Int! = 3) { prospects(first: $n) { totalCount } }",
            json!({ "n": null }),
            "`$n` of type `Int!` must not be null",
        ),
    ] {
        let answer = app.answer_to(app.organization, query, variables).await;
        assert_eq!(answer["data"], json!(null), "{answer}");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        assert!(answer["errors"][0]["extensions"]["code"].is_string());
    }
}

async fn variable_defaults_apply_to_directives(app: App) {
    app.world().await;
    let query = "query ($yes: Boolean = true, $n: Int! = 2) { prospects(first: $n) @include(if: $yes) { nodes { fullName } } }";
    let answer = app.answer_to(app.organization, query, json!({})).await;
    assert_eq!(
        texts(&answer["data"]["prospects"]["nodes"], "fullName"),
        ["Ada", "bob"],
        "{answer}"
    );
    let answer = app.answer_to(app.organization, query, json!({ "yes": false })).await;
    assert_eq!(answer["data"], json!({}));
}

async fn unsupported_operators_are_rejected(app: App) {
    // The filter is rejected even if an omitted variable is used in it too.
    for filter in [
        "totalTokens: { contains: \"5\" }",
        "totalTokens: { has: \"5\" }",
        "createdAt: { isNull: \"yes\" }",
        "or: [null]",
    ] {
        let query = format!(
            "query ($x: String) {{ llmUsageLogs(filter: {{ {filter}, model: {{ eq: $x }} }}) {{ totalCount }} }}"
        );
        let error = app.error(&query).await;
        assert!(error.starts_with("GRAPHQL_VALIDATION_FAILED: "), "{error}");
    }
    let huge = r#"{ solutions(filter: { keywords: { has: "1e-20000" } }) { totalCount } }"#;
    assert_eq!(app.data(huge).await["solutions"]["totalCount"], 0);
}

async fn number_of_conditions_is_limited(app: App) {
    app.world().await;
    let filter = |count: usize| {
        let one = r#"{ fullName: { eq: "Ada" } }"#;
        format!(
            "{{ prospects(filter: {{ or: [{}] }}) {{ totalCount }} }}",
            vec![one; count].join(", ")
        )
    };
    assert_eq!(app.data(&filter(400)).await["prospects"]["totalCount"], 1);
    assert_eq!(app.error(&filter(600)).await, "INVALID: `filter` must have at most 500 conditions");
}
