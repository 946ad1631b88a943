//! What lists come to: all together, and group by group.

use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    rows_are_counted_and_summed_up,
    sums_of_money_are_exact,
    of_nothing_there_is_no_sum,
    groups_come_by_column_and_by_relation,
    the_filter_of_a_group_gives_its_rows,
    text_is_grouped_without_regard_to_case,
    groups_are_chosen_and_sorted,
    groups_beyond_the_first_are_counted,
    below_rows_each_has_its_own,
    aggregates_take_one_statement_each,
    deleted_rows_and_those_of_others_are_left_out,
    the_log_is_counted_too,
    what_is_wrong_is_told,
];

async fn rows_are_counted_and_summed_up(app: App) {
    for (model, cost) in [("small", 0.25), ("small", 0.5), ("Large", 1.0)] {
        app.usage(model, cost).await;
    }
    let data = app
        .data(
            r"{ llmUsageLogsAggregate { __typename count distinct { model cost } sum { cost totalTokens }
                 avg { cost } min { cost createdAt } max { cost } }
               some: llmUsageLogsAggregate(filter: { cost: { lt: 1 } }) { count sum { cost } } }",
        )
        .await;
    let all = &data["llmUsageLogsAggregate"];
    assert_eq!(all["count"], 3);
    assert_eq!(all["distinct"], json!({ "model": 2, "cost": 3 }));
    assert_eq!(all["sum"]["cost"], 1.75);
    assert!((all["avg"]["cost"].as_f64().unwrap() - 1.75 / 3.0).abs() < 1e-12);
    assert_eq!(all["min"], json!({ "cost": 0.25, "createdAt": "2026-03-01T12:00:00Z" }));
    assert_eq!(all["max"]["cost"], 1.0);
    assert_eq!(data["some"], json!({ "count": 2, "sum": { "cost": 0.75 } }));
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
            "{{ llmUsageLogsGroupBy(by: MODEL {having}) {{ nodes {{ key {{ model }} sum {{ cost }} }} }} }}"
        )
    };
    let told = |data: &Value| {
        let nodes = data["llmUsageLogsGroupBy"]["nodes"].as_array().unwrap().clone();
        let told = nodes.into_iter().map(|node| node["sum"]["cost"].as_f64().unwrap());
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(&app.data(&groups("")).await), [0.3, 0.300_000_001_1, 3.0]);
    assert_eq!(told(&app.data(&groups(", having: { sum: { cost: { lte: 0.3 } } }")).await), [0.3]);
    assert_eq!(told(&app.data(&groups(", having: { sum: { cost: { gte: 3 } } }")).await), [3.0]);
    // The days too, which triggers sum up row by row, and reports.
    let days = app.data("{ dailyCostSummaries(orderBy: [{ id: ASC }]) { nodes { costUsd } } llmCostReport(groupBy: MODEL) { groups { key cost } total { cost } } }").await;
    let day = |cost: f64| json!({ "costUsd": cost });
    assert_eq!(
        days["dailyCostSummaries"]["nodes"],
        json!([day(0.3), day(0.300_000_001_1), day(3.0)])
    );
    assert_eq!(days["llmCostReport"]["total"]["cost"], 3.600_000_001_1);
}

async fn of_nothing_there_is_no_sum(app: App) {
    let data = app
        .data(
            "{ llmUsageLogsAggregate { count sum { cost } avg { cost } max { createdAt } distinct { model } } \
               llmUsageLogsGroupBy(by: MODEL) { totalCount nodes { count } } }",
        )
        .await;
    let expected = json!({ "count": 0, "sum": { "cost": null }, "avg": { "cost": null },
        "max": { "createdAt": null }, "distinct": { "model": 0 } });
    assert_eq!(data["llmUsageLogsAggregate"], expected);
    assert_eq!(data["llmUsageLogsGroupBy"], json!({ "totalCount": 0, "nodes": [] }));
}

async fn groups_come_by_column_and_by_relation(app: App) {
    app.world().await;
    let data = app
        .data(
            r"{ drafts: outreachDraftsGroupBy(by: [STATUS, EVENT_LOCATION]) {
                 nodes { key { status eventLocation draftType } count } }
               interactions: interactionsGroupBy(by: PROSPECT_COMPANY_INDUSTRY_NAME) {
                 nodes { key { prospectCompanyIndustryName } count distinct { prospectId } } }
               prospects: prospectsGroupBy(by: COMPANY_ID) { nodes { key { companyId } count } } }",
        )
        .await;
    assert_eq!(
        data["drafts"]["nodes"],
        json!([
            { "key": { "status": "DRAFT", "eventLocation": null, "draftType": null }, "count": 4 },
            { "key": { "status": "SENT", "eventLocation": "Berlin", "draftType": null }, "count": 4 },
        ])
    );
    assert_eq!(
        data["interactions"]["nodes"],
        json!([
            { "key": { "prospectCompanyIndustryName": "banking" }, "count": 5, "distinct": { "prospectId": 1 } },
            { "key": { "prospectCompanyIndustryName": "Logistics" }, "count": 9, "distinct": { "prospectId": 3 } },
        ])
    );
    assert_eq!(
        data["prospects"]["nodes"],
        json!([
            { "key": { "companyId": "Company:1" }, "count": 3 },
            { "key": { "companyId": "Company:2" }, "count": 1 },
        ])
    );
}

/// Every group of every kind of key, against the list with its filter.
async fn the_filter_of_a_group_gives_its_rows(app: App) {
    app.world().await;
    for (list, keys) in [
        ("prospects", "COMPANY_INDUSTRY_NAME"),
        ("prospects", "LAST_CONTACTED_AT_HOUR"),
        ("prospects", "IS_ACTIVE"),
        ("prospects", "COMPANY_SIZE"),
        ("prospects", "LIFECYCLE_STAGE, COMPANY_ID"),
        ("interactions", "EVENT_LOCATION"),
        ("interactions", "OUTREACH_DRAFT_STATUS"),
        ("interactions", "INTERACTION_DATE_DAY, PROSPECT_FULL_NAME"),
        ("outreachDrafts", "STATUS, EVENT_ID, VERSION"),
    ] {
        let ty = format!("{}{}", list[..1].to_uppercase(), list[1..].trim_end_matches('s'));
        let own = r#"filter: { id: { notIn: ["1"] } }"#;
        let groups = app
            .data(&format!(
                "{{ {list}GroupBy(by: [{keys}], {own}) {{ nodes {{ count filter }} }} }}"
            ))
            .await;
        let groups = groups[format!("{list}GroupBy")]["nodes"].as_array().unwrap().clone();
        let mut sum = 0;
        for group in &groups {
            let count = format!(
                "query ($filter: {ty}Filter) {{ {list}(filter: $filter) {{ totalCount }} }}"
            );
            let variables = json!({ "filter": group["filter"] });
            let answer = app.answer_to(app.organization, &count, variables).await;
            assert_eq!(answer["data"][list]["totalCount"], group["count"], "{keys}: {group}");
            sum += group["count"].as_i64().unwrap();
        }
        let total = app.data(&format!("{{ {list}({own}) {{ totalCount }} }}")).await;
        assert_eq!(total[list]["totalCount"], sum, "{keys}");
    }
}

async fn text_is_grouped_without_regard_to_case(app: App) {
    let [acme, _] = app.world().await;
    for (name, place) in [("E", "Berlin"), ("F", "BERLIN"), ("G", "köln"), ("H", "KÖLN")] {
        app.prospect_with(name, acme, |row| row.location = Set(Some(place.to_owned()))).await;
    }
    let data = app
        .data("{ prospectsGroupBy(by: LOCATION) { nodes { key { location } count } } prospectsAggregate { distinct { location } } }")
        .await;
    // As everywhere, only A–Z have no case; what is told is one of the ways it is written.
    assert_eq!(
        data["prospectsGroupBy"]["nodes"],
        json!([
            { "key": { "location": "BERLIN" }, "count": 2 },
            { "key": { "location": "KÖLN" }, "count": 1 },
            { "key": { "location": "köln" }, "count": 1 },
            { "key": { "location": null }, "count": 4 },
        ])
    );
    assert_eq!(data["prospectsAggregate"]["distinct"]["location"], 3);
}

async fn groups_are_chosen_and_sorted(app: App) {
    for (model, cost) in [("a", 1.0), ("a", 2.0), ("b", 9.0), ("c", 1.0), ("c", 1.0), ("c", 1.0)] {
        app.usage(model, cost).await;
    }
    let models = async |arguments: &str| {
        let query = format!(
            "{{ llmUsageLogsGroupBy(by: MODEL, {arguments}) {{ nodes {{ key {{ model }} }} }} }}"
        );
        let data = app.data(&query).await;
        let nodes = data["llmUsageLogsGroupBy"]["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|node| node["key"]["model"].as_str().unwrap().to_owned())
            .collect::<String>()
    };
    assert_eq!(models("first: 9").await, "abc");
    assert_eq!(models("orderBy: { key: { model: DESC } }").await, "cba");
    assert_eq!(models("orderBy: { count: DESC }").await, "cab");
    assert_eq!(models("orderBy: { sum: { cost: DESC } }").await, "bac");
    assert_eq!(models("orderBy: [{ sum: { cost: ASC } }, { count: ASC }]").await, "acb");
    assert_eq!(models("having: { count: { gte: 2 } }").await, "ac");
    assert_eq!(models("having: { avg: { cost: { gt: 1 } } }").await, "ab");
    assert_eq!(models("having: { avg: { cost: { gt: 1 } }, count: { in: [1, 3] } }").await, "b");
    assert_eq!(models("having: { max: { cost: { eq: 2 } } }").await, "a");
    assert_eq!(
        models(r#"having: { min: { createdAt: { lt: "2020-01-01T00:00:00Z" } } }"#).await,
        ""
    );
    assert_eq!(models("filter: { cost: { lt: 2 } }, having: { count: { gte: 1 } }").await, "ac");
}

async fn groups_beyond_the_first_are_counted(app: App) {
    for model in ["a", "b", "c", "d", "d"] {
        app.usage(model, 1.0).await;
    }
    let data = app
        .data(
            "{ two: llmUsageLogsGroupBy(by: MODEL, first: 2) { totalCount nodes { key { model } } } \
               none: llmUsageLogsGroupBy(by: MODEL, first: 0) { totalCount nodes { count } } \
               some: llmUsageLogsGroupBy(by: MODEL, having: { count: { gt: 1 } }) { totalCount } }",
        )
        .await;
    assert_eq!(
        data["two"],
        json!({ "totalCount": 4, "nodes": [{ "key": { "model": "a" } }, { "key": { "model": "b" } }] })
    );
    assert_eq!(data["none"], json!({ "totalCount": 4, "nodes": [] }));
    assert_eq!(data["some"]["totalCount"], 1);
}

async fn below_rows_each_has_its_own(app: App) {
    app.world().await;
    let data = app
        .data(
            r#"{ companies { nodes { name
                 prospectsAggregate(filter: { fullName: { ne: "Ada" } }) { count max { lastContactedAt } }
                 prospectsGroupBy(by: FULL_NAME, first: 2, orderBy: { key: { fullName: DESC } }) {
                   totalCount nodes { key { fullName } count filter } } } }
               industries { nodes { name solutionsAggregate { count } solutionsGroupBy(by: NAME) { nodes { key { name } } }
                 companiesAggregate { count distinct { size } } } } }"#,
        )
        .await;
    assert_eq!(
        data["companies"]["nodes"][0],
        json!({ "name": "Acme",
            "prospectsAggregate": { "count": 2, "max": { "lastContactedAt": "2026-03-01T10:00:00Z" } },
            "prospectsGroupBy": { "totalCount": 3, "nodes": [
                { "key": { "fullName": "Cleo" }, "count": 1, "filter": { "fullName": { "eq": "Cleo" } } },
                { "key": { "fullName": "bob" }, "count": 1, "filter": { "fullName": { "eq": "bob" } } } ] } })
    );
    let industries = data["industries"]["nodes"].as_array().unwrap();
    let counts: Vec<_> = industries.iter().map(|one| &one["solutionsAggregate"]["count"]).collect();
    assert_eq!(counts, [2, 1, 0]);
    assert_eq!(
        industries[0]["solutionsGroupBy"]["nodes"],
        json!([{ "key": { "name": "Planner" } }, { "key": { "name": "Radar" } }])
    );
    assert_eq!(industries[2]["solutionsGroupBy"]["nodes"], json!([]));
    assert_eq!(
        industries[2]["companiesAggregate"],
        json!({ "count": 0, "distinct": { "size": 0 } })
    );
}

async fn aggregates_take_one_statement_each(app: App) {
    app.world().await;
    for (query, statements) in [
        ("{ prospectsAggregate { count distinct { companyId } } }", 1),
        (
            "{ prospectsGroupBy(by: COMPANY_INDUSTRY_NAME) { totalCount nodes { count filter } } }",
            1,
        ),
        (
            "{ companies { nodes { prospectsAggregate { count } \
               prospectsGroupBy(by: LOCATION) { totalCount nodes { count } } \
               prospects { nodes { interactionsAggregate { count } } } } } }",
            5,
        ),
        ("{ company(id: 1) { prospectsAggregate { count } } }", 2),
        ("{ companies(first: 0) { nodes { prospectsAggregate { count } } } }", 1),
    ] {
        assert_eq!(app.counted(query).await.1, statements, "{query}");
    }
}

async fn deleted_rows_and_those_of_others_are_left_out(app: App) {
    app.world().await;
    let other = app.organization("other").await;
    let industry = app.industry_of(other, "Logistics").await;
    assert!(industry > 0);
    app.done(r"mutation { deleteProspect(input: { id: 3 }) { deletedId userErrors { message } } }")
        .await;
    let data = app
        .data(
            "{ industriesAggregate { count } prospectsAggregate { count } interactionsAggregate { count } \
               companies { nodes { prospectsAggregate { count } } } }",
        )
        .await;
    assert_eq!(data["industriesAggregate"]["count"], 3);
    assert_eq!(data["prospectsAggregate"]["count"], 3);
    // What belongs to a deleted prospect leaves the lists with them.
    assert_eq!(data["interactionsAggregate"]["count"], 10);
    assert_eq!(data["companies"]["nodes"][0]["prospectsAggregate"]["count"], 2);
}

async fn the_log_is_counted_too(app: App) {
    app.world().await;
    for place in ["Rome", "Oslo"] {
        app.done(&format!(
            r#"mutation {{ updateProspect(input: {{ id: 1, patch: {{ location: "{place}" }} }}) {{ prospect {{ id }} userErrors {{ message }} }} }}"#
        ))
        .await;
    }
    app.settled().await;
    let data = app
        .data("{ changesGroupBy(by: [ENTITY, KIND]) { nodes { key { entity kind } count } } }")
        .await;
    assert_eq!(
        data["changesGroupBy"]["nodes"],
        json!([{ "key": { "entity": "PROSPECT", "kind": "UPDATED" }, "count": 2 }])
    );
}

async fn what_is_wrong_is_told(app: App) {
    for (arguments, told) in [
        ("by: []", "INVALID: `by` takes from 1 to 4 keys"),
        ("by: [LOCATION, LOCATION]", "INVALID: `by` names LOCATION twice"),
        ("by: LOCATION, first: 1001", "INVALID: `first` must be from 0 to 1000, it was 1001"),
        (
            r#"by: LOCATION, timeZone: "Berlin""#,
            "INVALID: `timeZone` takes a name of the IANA database, like `Europe/Berlin`",
        ),
        (
            "by: LOCATION, orderBy: { key: { email: ASC } }",
            "INVALID: groups are not made by `email`: add it to `by`",
        ),
        (
            "by: LOCATION, having: { count: { eq: null } }",
            "INVALID: `having.count.eq` can't be null: leave it out, or ask for absent values by `isNull: true`",
        ),
    ] {
        let query = format!("{{ prospectsGroupBy({arguments}) {{ nodes {{ count }} }} }}");
        assert_eq!(app.error(&query).await, told, "{arguments}");
    }
    let unknown = app.answer("{ prospectsGroupBy(by: NOTES) { nodes { count } } }").await;
    assert_eq!(unknown["data"], Value::Null);
}
