//! Groups: percentiles, filtered aggregates, several time buckets of one column, and rejected arguments.

use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    integers_are_compared_with_fractions,
    cost_follows_the_number_of_possible_groups,
    percentiles_are_identical_on_both_engines,
    group_aggregates_can_be_filtered,
    column_can_be_grouped_by_several_buckets,
    invalid_arguments_are_rejected,
    invalid_selections_are_rejected,
];

async fn percentiles_are_identical_on_both_engines(app: App) {
    for (model, cost) in [("a", 4.0), ("a", 1.0), ("a", 3.0), ("a", 2.0), ("b", 0.1)] {
        app.usage(model, cost).await;
    }
    let data = app
        .data(
            "query ($p: Float!) { llmUsageLogs { \
               aggregate { cost { least: percentile(p: 0) median: percentile(p: 0.5) most: percentile(p: 1) p90: percentile(p: $p) } totalTokens { percentile(p: 0.5) } } \
               groups(by: { model: VALUE }) { nodes { key { model } aggregate { cost { percentile(p: 0.5) } } \
                 large: aggregate(filter: { cost: { gte: 3 } }) { cost { percentile(p: 0.5) } } } } } }"
                .replace("$p: Float!", "$p: Float! = 0.9")
                .as_str(),
        )
        .await;
    let all = &data["llmUsageLogs"]["aggregate"];
    for (name, expected) in [("least", 0.1), ("median", 2.0), ("most", 4.0), ("p90", 3.6)] {
        let found = all["cost"][name].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-9, "{name}: {found}");
    }
    assert!(all["totalTokens"]["percentile"].is_number());
    assert_eq!(
        data["llmUsageLogs"]["groups"]["nodes"],
        json!([
            { "key": { "model": "a" }, "aggregate": { "cost": { "percentile": 2.5 } },
              "large": { "cost": { "percentile": 3.5 } } },
            { "key": { "model": "b" }, "aggregate": { "cost": { "percentile": 0.1 } },
              "large": { "cost": { "percentile": null } } },
        ])
    );
}

async fn group_aggregates_can_be_filtered(app: App) {
    app.world().await;
    let data = app
        .data(
            r#"{ prospects { groups(by: { company: { name: VALUE } }) { nodes { key { company { name } }
                 aggregate { count }
                 ada: aggregate(filter: { fullName: { eq: "Ada" } }) { count lastContactedAt { max } }
                 drafted: aggregate(filter: { outreachDrafts: { some: { status: { eq: DRAFT } } } }) { count }
                 banked: aggregate(filter: { company: { industry: { name: { eq: "banking" } } } }) { count } } } }
               companies { nodes { name prospects {
                 all: aggregate { count }
                 ada: aggregate(filter: { fullName: { eq: "Ada" } }) { count } } } } }"#,
        )
        .await;
    let groups = data["prospects"]["groups"]["nodes"].as_array().unwrap();
    let counts = |group: &Value| {
        ["aggregate", "ada", "drafted", "banked"].map(|name| group[name]["count"].as_i64().unwrap())
    };
    let whole = app
        .data(
            r"{ prospects(filter: { outreachDrafts: { some: { status: { eq: DRAFT } } } }) {
                 groups(by: { company: { name: VALUE } }) { nodes { aggregate { count } } } } }",
        )
        .await;
    let drafted = &whole["prospects"]["groups"]["nodes"][0]["aggregate"]["count"];
    assert_eq!(counts(&groups[0]), [3, 1, drafted.as_i64().unwrap(), 0]);
    assert_eq!(counts(&groups[1])[0], 1);
    assert_eq!(counts(&groups[1])[3], 1);
    assert_eq!(groups[1]["ada"], json!({ "count": 0, "lastContactedAt": { "max": null } }));
    assert_eq!(
        data["companies"]["nodes"][0]["prospects"],
        json!({ "all": { "count": 3 }, "ada": { "count": 1 } })
    );
}

async fn column_can_be_grouped_by_several_buckets(app: App) {
    app.world().await;
    let data = app
        .data(
            "{ prospects { groups(by: [{ createdAt: YEAR }, { createdAt: MONTH }, { company: { createdAt: QUARTER } }]) { nodes { \
               key { year: createdAt(bucket: YEAR) month: createdAt(bucket: MONTH) company { createdAt(bucket: QUARTER) } } \
               aggregate { count } } } } }",
        )
        .await;
    assert_eq!(
        data["prospects"]["groups"]["nodes"],
        json!([{ "key": { "year": "2026", "month": "2026-03", "company": { "createdAt": "2026-Q1" } },
            "aggregate": { "count": 4 } }])
    );
}

async fn invalid_arguments_are_rejected(app: App) {
    let location = "by: { location: VALUE }";
    for (arguments, key, told) in [
        ("by: []", "", "INVALID: `by` must have 1 to 4 group keys"),
        (
            "by: [{ location: VALUE }, { location: VALUE }]",
            "",
            "INVALID: `by` contains the group key `location` more than once",
        ),
        (
            &format!("{location}, first: 1001"),
            "",
            "INVALID: `first` must be from 0 to 1000 (got 1001)",
        ),
        (
            &format!(r#"{location}, timeZone: "Berlin""#),
            "",
            "INVALID: `timeZone` must be an IANA time zone name, e.g. `Europe/Berlin`",
        ),
        (
            &format!("{location}, orderBy: {{ groupKey: {{ position: 1 }} }}"),
            "",
            "INVALID: `groupKey.position` must be the position of a group key in `by`, from 0 to 0",
        ),
        (
            &format!("{location}, having: {{ count: {{ eq: null }} }}"),
            "",
            "INVALID: `having.count.eq` must not be null; omit it, or use `isNull: true` to match null",
        ),
        (
            location,
            "key { email }",
            "INVALID: `key.email` is not a group key; add it to `by` or remove it from the selection",
        ),
        (
            "by: { company: { name: VALUE } }",
            "key { company { industry { name } } }",
            "INVALID: `key.company.industry.name` is not a group key; add it to `by` or remove it from the selection",
        ),
        (
            "by: { createdAt: DAY }",
            "key { createdAt(bucket: MONTH) }",
            "INVALID: `key.createdAt` with the bucket MONTH is not a group key; add it to `by` or remove it from the selection",
        ),
        (
            location,
            "aggregate { createdAt { max } } key { location email }",
            "INVALID: `key.email` is not a group key; add it to `by` or remove it from the selection",
        ),
        (
            "by: { createdAt: DAY }, fill: true",
            "",
            "INVALID: `fill` requires `since` and `until` for buckets other than `WEEKDAY` and `HOUR_OF_DAY`",
        ),
        (&format!("{location}, fill: true"), "", "INVALID: `fill` requires a time bucket in `by`"),
        (
            &format!(r#"{location}, since: "2026-01-01T00:00:00Z""#),
            "",
            "INVALID: `since` requires a time bucket in `by`",
        ),
        (
            r#"by: { createdAt: DAY }, since: "2026-01-02T00:00:00Z", until: "2026-01-02T00:00:00Z""#,
            "",
            "INVALID: `until` must be later than `since`",
        ),
        (
            r#"by: [{ createdAt: YEAR }, { lastContactedAt: YEAR }], since: "2026-01-01T00:00:00Z""#,
            "",
            "INVALID: `since` allows time buckets of only one column in `by`; use `filter` for the other columns",
        ),
        (
            "by: { createdAt: WEEKDAY }, fill: true, having: { count: { gte: 1 } }",
            "",
            "INVALID: `having` can't be combined with `fill`",
        ),
        (
            "by: { createdAt: WEEKDAY }, fill: true, orderBy: { count: DESC }",
            "",
            "INVALID: with `fill`, groups can be sorted only by `groupKey`",
        ),
        (
            r#"by: { createdAt: HOUR }, fill: true, since: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z""#,
            "",
            "INVALID: `fill` would return more than 1000 groups: use a shorter time range, longer buckets or fewer keys",
        ),
    ] {
        let key = if key.is_empty() { "filter" } else { key };
        let query = format!("{{ prospects {{ groups({arguments}) {{ nodes {{ {key} }} }} }} }}");
        assert_eq!(app.error(&query).await, told, "{arguments}");
    }
}

async fn invalid_selections_are_rejected(app: App) {
    let share = "{ llmUsageLogs { aggregate { cost { percentile(p: 1.5) } } } }";
    assert_eq!(app.error(share).await, "INVALID: `p` must be from 0 to 1");
    let hops = format!("{}{{ fullName: VALUE }}{}", "{ mergedInto: ".repeat(11), " }".repeat(11));
    let far = format!("{{ prospects {{ groups(by: {hops}) {{ totalCount }} }} }}");
    assert_eq!(app.error(&far).await, "INVALID: a group key may span at most 10 relations");
    for invalid in [
        "{ prospects { groups(by: { notes: VALUE }) { totalCount } } }",
        "{ prospects { groups(by: { createdAt: VALUE }) { totalCount } } }",
        "{ prospects { groups(by: { location: VALUE, email: VALUE }) { totalCount } } }",
        "{ prospects { groups(by: { createdAt: DAY }) { nodes { key { createdAt } } } } }",
        "{ llmUsageLogs { aggregate { cost { percentile } } } }",
    ] {
        let answer = app.answer(invalid).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED",
            "{invalid}"
        );
    }
}

async fn integers_are_compared_with_fractions(app: App) {
    app.usage("a", 1.0).await;
    app.usage("b", 2.0).await;
    for (having, expected) in [
        ("{ totalTokens: { max: { gt: 0.5 } } }", 2),
        ("{ totalTokens: { min: { lt: 3000000000.5 } } }", 2),
        ("{ totalTokens: { max: { in: [0.25, 1e12] } } }", 0),
        ("{ cost: { sum: { gte: 1.5 } } }", 1),
    ] {
        let query = format!(
            "{{ llmUsageLogs {{ groups(by: {{ model: VALUE }}, having: {having}) {{ totalCount }} }} }}"
        );
        let data = app.data(&query).await;
        let count = data["llmUsageLogs"]["groups"].get("totalCount").unwrap().as_i64().unwrap();
        assert_eq!(count, expected, "{having}");
    }
}

async fn cost_follows_the_number_of_possible_groups(app: App) {
    app.world().await;
    let cost = async |by: &str, variables: Value| {
        let query = format!(
            "query ($by: [ProspectDimension!] = [{{ lifecycleStage: VALUE }}]) {{ \
             companies(first: 100) {{ nodes {{ prospects {{ groups(by: {by}) {{ nodes {{ aggregate {{ count }} }} }} \
             groupsBy: groups(by: $by, first: 1) {{ totalCount }} }} }} }} }}"
        );
        let answer = app.answer_to(app.organization, &query, variables).await;
        assert!(
            answer["data"]["companies"]["nodes"][0]["prospects"]["groups"]["nodes"].is_array(),
            "{answer}"
        );
    };
    // With 100 groups of 3 fields, 100 companies would be near the cost limit; with 9 or 25 groups, they are not.
    cost("[{ lifecycleStage: VALUE }, { isActive: VALUE }]", json!({})).await;
    cost("{ lastContactedAt: HOUR_OF_DAY }", json!({ "by": [{ "isActive": "VALUE" }] })).await;
    // The cost of joins is counted once, not once per company.
    cost("{ company: { industry: { name: VALUE } } }", json!({})).await;
    let many = "{ industries(first: 100) { nodes { companies(first: 100) { nodes { prospects { \
                groups(by: { email: VALUE }) { nodes { aggregate { count } } } } } } } } }";
    let error = app.error(many).await;
    assert!(error.ends_with("or set a lower `first` on lists and groups"), "{error}");
}
