//! Aggregates over lists, in total and per group.

use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    aggregates_count_and_sum_rows,
    sums_of_money_are_exact,
    aggregates_of_no_rows_are_null,
    groups_by_column_and_by_relation,
    group_filter_selects_the_rows_of_the_group,
    text_is_grouped_case_insensitively,
    groups_can_be_filtered_and_sorted,
    total_count_includes_groups_beyond_the_page,
    nested_aggregates_are_computed_per_parent,
    aggregates_execute_one_statement_each,
    aggregates_exclude_deleted_rows_and_other_organizations,
    change_log_supports_aggregates,
];

async fn aggregates_count_and_sum_rows(app: App) {
    for (model, cost) in [("small", 0.25), ("small", 0.5), ("Large", 1.0)] {
        app.usage(model, cost).await;
    }
    let data = app
        .data(
            r"{ llmUsageLogs { aggregate { __typename count model { __typename distinct count }
                   cost { distinct sum avg min max } totalTokens { sum min } createdAt { min } }
                 some: aggregate(filter: { cost: { lt: 1 } }) { count cost { sum } }
                 none: aggregate(filter: { cost: { gt: 5 } }) { count cost { sum } } }
               filtered: llmUsageLogs(filter: { cost: { lt: 1 } }, first: 1) { aggregate { count cost { sum } }
                 small: aggregate(filter: { cost: { lte: 0.25 } }) { count } } }",
        )
        .await;
    let all = &data["llmUsageLogs"]["aggregate"];
    assert_eq!(all["__typename"], "LlmUsageLogAggregate");
    assert_eq!(all["count"], 3);
    assert_eq!(all["model"], json!({ "__typename": "ValueAggregate", "distinct": 2, "count": 3 }));
    assert_eq!(all["cost"]["distinct"], 3);
    assert_eq!(all["cost"]["sum"], 1.75);
    assert!((all["cost"]["avg"].as_f64().unwrap() - 1.75 / 3.0).abs() < 1e-12);
    assert_eq!(all["cost"]["min"], 0.25);
    assert_eq!(all["cost"]["max"], 1.0);
    assert_eq!(all["createdAt"]["min"], "2026-03-01T12:00:00Z");
    let some = json!({ "count": 2, "cost": { "sum": 0.75 } });
    assert_eq!(data["llmUsageLogs"]["some"], some);
    assert_eq!(data["llmUsageLogs"]["none"], json!({ "count": 0, "cost": { "sum": null } }));
    // The page size does not affect aggregates.
    assert_eq!(data["filtered"], json!({ "aggregate": some, "small": { "count": 1 } }));
}

async fn sums_of_money_are_exact(app: App) {
    for (model, costs) in
        [("a", &[0.1, 0.2][..]), ("b", &[0.1, 0.1, 0.1, 1e-9, 1e-10]), ("c", &[0.1; 30])]
    {
        for cost in costs {
            app.usage(model, *cost).await;
        }
    }
    let groups = |having: &str| {
        format!(
            "{{ llmUsageLogs {{ groups(by: {{ model: VALUE }} {having}) {{ nodes {{ key {{ model }} aggregate {{ cost {{ sum }} }} }} }} }} }}"
        )
    };
    let sums = |data: &Value| {
        let nodes = data["llmUsageLogs"]["groups"]["nodes"].as_array().unwrap().clone();
        let told = nodes.into_iter().map(|node| node["aggregate"]["cost"]["sum"].as_f64().unwrap());
        told.collect::<Vec<_>>()
    };
    assert_eq!(sums(&app.data(&groups("")).await), [0.3, 0.300_000_001_1, 3.0]);
    assert_eq!(sums(&app.data(&groups(", having: { cost: { sum: { lte: 0.3 } } }")).await), [0.3]);
    assert_eq!(sums(&app.data(&groups(", having: { cost: { sum: { gte: 3 } } }")).await), [3.0]);
    // The sums in reports and in daily cost summaries, which triggers update row by row, are exact too.
    let days = app.data("{ dailyCostSummaries(orderBy: [{ id: ASC }]) { nodes { costUsd } } llmCostReport(groupBy: MODEL) { groups { key cost } total { cost } } }").await;
    let day = |cost: f64| json!({ "costUsd": cost });
    assert_eq!(
        days["dailyCostSummaries"]["nodes"],
        json!([day(0.3), day(0.300_000_001_1), day(3.0)])
    );
    assert_eq!(days["llmCostReport"]["total"]["cost"], 3.600_000_001_1);
}

async fn aggregates_of_no_rows_are_null(app: App) {
    let data = app
        .data(
            "{ llmUsageLogs { aggregate { count cost { sum avg percentile(p: 0.5) } createdAt { max } model { distinct } } \
               groups(by: { model: VALUE }) { totalCount nodes { aggregate { count } } } } }",
        )
        .await;
    let expected = json!({ "count": 0, "cost": { "sum": null, "avg": null, "percentile": null },
        "createdAt": { "max": null }, "model": { "distinct": 0 } });
    assert_eq!(data["llmUsageLogs"]["aggregate"], expected);
    assert_eq!(data["llmUsageLogs"]["groups"], json!({ "totalCount": 0, "nodes": [] }));
}

async fn groups_by_column_and_by_relation(app: App) {
    app.world().await;
    let data = app
        .data(
            r"{ outreachDrafts { groups(by: [{ status: VALUE }, { event: { location: VALUE } }]) {
                 nodes { key { status event { __typename location } } aggregate { count } } } }
               interactions { groups(by: { prospect: { company: { industry: { name: VALUE } } } }) {
                 nodes { key { prospect { company { industry { name } } } } aggregate { count prospectId { distinct } } } } }
               prospects { groups(by: { companyId: VALUE }) { nodes { key { companyId } aggregate { count } } } } }",
        )
        .await;
    assert_eq!(
        data["outreachDrafts"]["groups"]["nodes"],
        json!([
            { "key": { "status": "DRAFT", "event": { "__typename": "EventGroupKey", "location": null } },
                "aggregate": { "count": 4 } },
            { "key": { "status": "SENT", "event": { "__typename": "EventGroupKey", "location": "Berlin" } },
                "aggregate": { "count": 4 } },
        ])
    );
    assert_eq!(
        data["interactions"]["groups"]["nodes"],
        json!([
            { "key": { "prospect": { "company": { "industry": { "name": "banking" } } } },
                "aggregate": { "count": 5, "prospectId": { "distinct": 1 } } },
            { "key": { "prospect": { "company": { "industry": { "name": "Logistics" } } } },
                "aggregate": { "count": 9, "prospectId": { "distinct": 3 } } },
        ])
    );
    assert_eq!(
        data["prospects"]["groups"]["nodes"],
        json!([
            { "key": { "companyId": "Company:1" }, "aggregate": { "count": 3 } },
            { "key": { "companyId": "Company:2" }, "aggregate": { "count": 1 } },
        ])
    );
}

/// Compares every group, for every kind of group key, with the list filtered by the `filter` of that group.
async fn group_filter_selects_the_rows_of_the_group(app: App) {
    app.world().await;
    for (list, keys) in [
        ("prospects", "{ company: { industry: { name: VALUE } } }"),
        ("prospects", "{ lastContactedAt: HOUR }"),
        ("prospects", "{ lastContactedAt: WEEKDAY }"),
        ("prospects", "{ lastContactedAt: HOUR_OF_DAY }, { lastContactedAt: MONTH }"),
        ("prospects", "{ isActive: VALUE }"),
        ("prospects", "{ company: { size: VALUE } }"),
        ("prospects", "{ company: { createdAt: DAY } }"),
        ("prospects", "{ lifecycleStage: VALUE }, { companyId: VALUE }"),
        ("interactions", "{ event: { location: VALUE } }"),
        ("interactions", "{ event: { eventDate: WEEKDAY } }"),
        ("interactions", "{ outreachDraft: { status: VALUE } }"),
        ("interactions", "{ outreachDraft: { prospect: { company: { industryId: VALUE } } } }"),
        ("interactions", "{ interactionDate: DAY }, { prospect: { fullName: VALUE } }"),
        ("outreachDrafts", "{ status: VALUE }, { eventId: VALUE }, { version: VALUE }"),
    ] {
        let ty = format!("{}{}", list[..1].to_uppercase(), list[1..].trim_end_matches('s'));
        let own = r#"filter: { id: { notIn: ["1"] } }"#;
        let groups = app
            .data(&format!(
                "{{ {list}({own}) {{ groups(by: [{keys}], timeZone: \"Asia/Kolkata\") {{ nodes {{ aggregate {{ count }} filter }} }} }} }}"
            ))
            .await;
        let groups = groups[list]["groups"]["nodes"].as_array().unwrap().clone();
        let mut sum = 0;
        for group in &groups {
            let count = format!(
                "query ($filter: {ty}Filter) {{ {list}(filter: $filter) {{ totalCount }} }}"
            );
            let variables = json!({ "filter": group["filter"] });
            let answer = app.answer_to(app.organization, &count, variables).await;
            assert_eq!(
                answer["data"][list]["totalCount"], group["aggregate"]["count"],
                "{keys}: {group}"
            );
            sum += group["aggregate"]["count"].as_i64().unwrap();
        }
        let total = app.data(&format!("{{ {list}({own}) {{ totalCount }} }}")).await;
        assert_eq!(total[list]["totalCount"], sum, "{keys}");
    }
}

async fn text_is_grouped_case_insensitively(app: App) {
    let [acme, _] = app.world().await;
    for (name, place) in [("E", "Berlin"), ("F", "BERLIN"), ("G", "köln"), ("H", "KÖLN")] {
        app.prospect_with(name, acme, |row| row.location = Set(Some(place.to_owned()))).await;
    }
    let data = app
        .data("{ prospects { groups(by: { location: VALUE }) { nodes { key { location } aggregate { count } } } aggregate { location { distinct } } } }")
        .await;
    // As in all comparisons, only the letters A–Z are case-insensitive. The group key is one of the spellings.
    assert_eq!(
        data["prospects"]["groups"]["nodes"],
        json!([
            { "key": { "location": "BERLIN" }, "aggregate": { "count": 2 } },
            { "key": { "location": "KÖLN" }, "aggregate": { "count": 1 } },
            { "key": { "location": "köln" }, "aggregate": { "count": 1 } },
            { "key": { "location": null }, "aggregate": { "count": 4 } },
        ])
    );
    assert_eq!(data["prospects"]["aggregate"]["location"]["distinct"], 3);
}

async fn groups_can_be_filtered_and_sorted(app: App) {
    for (model, cost) in [("a", 1.0), ("a", 2.0), ("b", 9.0), ("c", 1.0), ("c", 1.0), ("c", 1.0)] {
        app.usage(model, cost).await;
    }
    let models = async |cost: u32, arguments: &str| {
        let query = format!(
            "{{ llmUsageLogs(filter: {{ cost: {{ lt: {cost} }} }}) {{ groups(by: {{ model: VALUE }}, {arguments}) {{ nodes {{ key {{ model }} }} }} }} }}"
        );
        let data = app.data(&query).await;
        let nodes = data["llmUsageLogs"]["groups"]["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|node| node["key"]["model"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    assert_eq!(models(99, "first: 9").await, "abc");
    assert_eq!(models(99, "orderBy: { groupKey: { position: 0, direction: DESC } }").await, "cba");
    assert_eq!(
        models(99, "orderBy: [{ count: DESC }, { groupKey: { position: 0 } }]").await,
        "cab"
    );
    assert_eq!(models(99, "orderBy: { cost: { sum: DESC } }").await, "bac");
    assert_eq!(models(99, "orderBy: [{ cost: { sum: ASC } }, { count: ASC }]").await, "acb");
    assert_eq!(models(99, "having: { count: { gte: 2 } }").await, "ac");
    assert_eq!(models(99, "having: { cost: { avg: { gt: 1 } } }").await, "ab");
    assert_eq!(
        models(99, "having: { cost: { avg: { gt: 1 } }, count: { in: [1, 3] } }").await,
        "b"
    );
    assert_eq!(models(99, "having: { cost: { max: { eq: 2 } } }").await, "a");
    assert_eq!(
        models(99, r#"having: { createdAt: { min: { lt: "2020-01-01T00:00:00Z" } } }"#).await,
        ""
    );
    assert_eq!(models(2, "having: { model: { count: { gte: 1 } } }").await, "ac");
}

async fn total_count_includes_groups_beyond_the_page(app: App) {
    for model in ["a", "b", "c", "d", "d"] {
        app.usage(model, 1.0).await;
    }
    let data = app
        .data(
            "{ llmUsageLogs { two: groups(by: { model: VALUE }, first: 2) { totalCount nodes { key { model } } } \
               none: groups(by: { model: VALUE }, first: 0) { totalCount nodes { aggregate { count } } } \
               some: groups(by: { model: VALUE }, having: { count: { gt: 1 } }) { totalCount } } }",
        )
        .await;
    assert_eq!(
        data["llmUsageLogs"]["two"],
        json!({ "totalCount": 4, "nodes": [{ "key": { "model": "a" } }, { "key": { "model": "b" } }] })
    );
    assert_eq!(data["llmUsageLogs"]["none"], json!({ "totalCount": 4, "nodes": [] }));
    assert_eq!(data["llmUsageLogs"]["some"]["totalCount"], 1);
}

async fn nested_aggregates_are_computed_per_parent(app: App) {
    app.world().await;
    let data = app
        .data(
            r#"{ companies { nodes { name
                 prospects { aggregate(filter: { fullName: { ne: "Ada" } }) { count lastContactedAt { max } }
                 groups(by: { fullName: VALUE }, first: 2, orderBy: { groupKey: { position: 0, direction: DESC } }) {
                   totalCount nodes { key { fullName } aggregate { count } filter } } } } }
               industries { nodes { name solutions { aggregate { count } groups(by: { name: VALUE }) { nodes { key { name } } } }
                 companies { aggregate { count size { distinct } } } } } }"#,
        )
        .await;
    assert_eq!(
        data["companies"]["nodes"][0],
        json!({ "name": "Acme", "prospects": {
            "aggregate": { "count": 2, "lastContactedAt": { "max": "2026-03-01T10:00:00Z" } },
            "groups": { "totalCount": 3, "nodes": [
                { "key": { "fullName": "Cleo" }, "aggregate": { "count": 1 },
                  "filter": { "fullName": { "eq": "Cleo" } } },
                { "key": { "fullName": "bob" }, "aggregate": { "count": 1 },
                  "filter": { "fullName": { "eq": "bob" } } } ] } } })
    );
    let industries = data["industries"]["nodes"].as_array().unwrap();
    let counts: Vec<_> =
        industries.iter().map(|one| &one["solutions"]["aggregate"]["count"]).collect();
    assert_eq!(counts, [2, 1, 0]);
    assert_eq!(
        industries[0]["solutions"]["groups"]["nodes"],
        json!([{ "key": { "name": "Planner" } }, { "key": { "name": "Radar" } }])
    );
    assert_eq!(industries[2]["solutions"]["groups"]["nodes"], json!([]));
    assert_eq!(
        industries[2]["companies"]["aggregate"],
        json!({ "count": 0, "size": { "distinct": 0 } })
    );
}

async fn aggregates_execute_one_statement_each(app: App) {
    app.world().await;
    for (query, statements) in [
        ("{ prospects { aggregate { count companyId { distinct } } } }", 1),
        (
            "{ prospects { groups(by: { company: { industry: { name: VALUE } } }) { totalCount nodes { aggregate { count } filter } } } }",
            1,
        ),
        (
            "{ prospects { all: aggregate { count } active: aggregate(filter: { isActive: { eq: true } }) { count } \
               groups(by: { company: { name: VALUE } }) { nodes { aggregate { count } active: aggregate(filter: { isActive: { eq: true } }) { count } } } \
               again: groups(by: { lastContactedAt: WEEKDAY }, fill: true) { totalCount } nodes { id } totalCount } }",
            5,
        ),
        (
            "{ companies { nodes { prospects { aggregate { count } \
               groups(by: { location: VALUE }) { totalCount nodes { aggregate { count } } } \
               nodes { interactions { aggregate { count } } } } } } }",
            5,
        ),
        ("{ company(id: 1) { prospects { aggregate { count } } } }", 2),
        (
            "{ company(id: 1) { history { aggregate { count } groups(by: { kind: VALUE }) { totalCount } } } }",
            3,
        ),
        ("{ companies(first: 0) { nodes { prospects { aggregate { count } } } } }", 1),
    ] {
        assert_eq!(app.counted(query).await.1, statements, "{query}");
    }
}

async fn aggregates_exclude_deleted_rows_and_other_organizations(app: App) {
    app.world().await;
    let other = app.organization("other").await;
    let industry = app.industry_of(other, "Logistics").await;
    assert!(industry > 0);
    app.done(r"mutation { deleteProspect(input: { id: 3 }) { deletedId userErrors { message } } }")
        .await;
    let data = app
        .data(
            "{ industries { aggregate { count } } prospects { aggregate { count } } interactions { aggregate { count } } \
               companies { nodes { prospects { aggregate { count } } } } }",
        )
        .await;
    assert_eq!(data["industries"]["aggregate"]["count"], 3);
    assert_eq!(data["prospects"]["aggregate"]["count"], 3);
    // Child rows of a deleted prospect are hidden too.
    assert_eq!(data["interactions"]["aggregate"]["count"], 10);
    assert_eq!(data["companies"]["nodes"][0]["prospects"]["aggregate"]["count"], 2);
}

async fn change_log_supports_aggregates(app: App) {
    app.world().await;
    for place in ["Rome", "Oslo"] {
        app.done(&format!(
            r#"mutation {{ updateProspect(input: {{ id: 1, patch: {{ location: "{place}" }} }}) {{ prospect {{ id }} userErrors {{ message }} }} }}"#
        ))
        .await;
    }
    app.settled().await;
    let data = app
        .data(
            "{ changes(entities: [PROSPECT, COMPANY]) { totalCount \
               groups(by: [{ entity: VALUE }, { kind: VALUE }]) { nodes { key { entity kind } aggregate { count } filter } } } \
               prospect(id: 1) { history { aggregate { count createdAt { max } } \
                 groups(by: { kind: VALUE }) { nodes { key { kind } aggregate { count } } } } } }",
        )
        .await;
    assert_eq!(
        data["changes"]["groups"]["nodes"],
        json!([{ "key": { "entity": "PROSPECT", "kind": "UPDATED" }, "aggregate": { "count": 2 },
            "filter": { "entity": { "in": ["PROSPECT", "COMPANY"] },
                "and": [{ "entity": { "eq": "PROSPECT" } }, { "kind": { "eq": "UPDATED" } }] } }])
    );
    // A single entity is coerced to a list.
    let one = app
        .data(
            "{ changes(entities: PROSPECT) { groups(by: { kind: VALUE }) { nodes { filter } } } }",
        )
        .await;
    assert_eq!(
        one["changes"]["groups"]["nodes"][0]["filter"],
        json!({ "entity": { "in": ["PROSPECT"] }, "and": [{ "kind": { "eq": "UPDATED" } }] })
    );
    let history = &data["prospect"]["history"];
    assert_eq!(history["aggregate"]["count"], 2);
    assert_eq!(
        history["groups"]["nodes"],
        json!([{ "key": { "kind": "UPDATED" }, "aggregate": { "count": 2 } }])
    );
}
