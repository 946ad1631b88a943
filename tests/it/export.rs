//! CSV and NDJSON exports, and the execution report of requests.

use api::product_server::executor;
use async_graphql::{Executor, Request};
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::{App, behaviours};

use crate::{
    access::serve as serve_with_keys,
    http::{JSON, beside, send, serve},
    protocol::body,
};

behaviours![
    json_is_returned_if_a_table_is_not_possible_and_json_is_accepted,
    csv_has_a_line_per_row_and_a_column_per_field,
    export_without_page_size_returns_all_rows,
    compressed_export_is_complete,
    variable_defaults_apply_to_exports,
    row_with_only_null_fields_is_exported,
    single_nested_list_provides_the_rows,
    formulas_are_escaped,
    groups_and_aggregates_can_be_exported,
    search_results_can_be_exported,
    nested_lists_require_ndjson,
    selections_that_are_not_tabular_are_rejected,
    export_reads_a_consistent_snapshot,
    at_most_two_concurrent_exports,
    report_contains_execution_statistics,
    rates_are_percentages_in_csv,
    sql_text_requires_permission_operate,
];

/// Status, headers and body of the response to `query` with `media` in the `Accept` header.
async fn request(app: &App, media: &str, query: &str) -> (u16, String, String) {
    beside(async {
        let address = serve(app).await;
        let head = format!("{JSON}\r\nAccept: {media}");
        let (status, head, body) = send(address, &head, &body(query)).await;
        let body = if head.contains("transfer-encoding: chunked") { whole(&body) } else { body };
        (status, head, body)
    })
    .await
}

/// Decodes a chunked body.
fn whole(body: &str) -> String {
    let (mut rest, mut whole) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        whole.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    whole
}

async fn rates_are_percentages_in_csv(app: App) {
    app.world().await;
    let query = "{ companies(first: 2) { nodes { engagement { replyRate contacted } } } }";
    let (status, head, csv) = request(&app, "text/csv", query).await;
    assert_eq!(status, 200, "{csv}");
    assert!(head.contains("content-type: text/csv; charset=utf-8; header=present"), "{head}");
    let json = app.data(query).await;
    let rates = json["companies"]["nodes"].as_array().unwrap().iter().map(|company| {
        let engagement = &company["engagement"];
        let rate = engagement["replyRate"].as_f64().map(|rate| format!("{:.1}%", rate * 100.0));
        format!("{},{}\r\n", rate.unwrap_or_default(), engagement["contacted"])
    });
    let rates: String = rates.collect();
    assert!(rates.contains('%'), "{rates}");
    assert_eq!(csv, format!("engagement.replyRate,engagement.contacted\r\n{rates}"));
}

async fn csv_has_a_line_per_row_and_a_column_per_field(app: App) {
    app.world().await;
    let query = r"{ prospects { __typename nodes { fullName employer: company { name ...I } lastContactedAt isActive
                    location @include(if: false) } } }
                  fragment I on Company { industry { name } }";
    let (status, head, csv) = request(&app, "text/csv", query).await;
    assert_eq!(status, 200, "{csv}");
    assert!(head.contains("content-type: text/csv; charset=utf-8"), "{head}");
    assert!(
        head.contains(r#"content-disposition: attachment; filename="prospects.csv""#),
        "{head}"
    );
    let expected = "fullName,employer.name,employer.industry.name,lastContactedAt,isActive\r\n\
                    Ada,Acme,Logistics,2026-03-01T12:00:00Z,true\r\n\
                    bob,Acme,Logistics,,true\r\n\
                    Cleo,Acme,Logistics,2026-03-01T10:00:00Z,true\r\n\
                    Dan,bank & Sons,banking,2026-03-01T09:00:00Z,true\r\n";
    assert_eq!(csv, expected);
    let (_, _, edges) =
        request(&app, "text/csv", "{ prospects(last: 1) { edges { node { fullName } } } }").await;
    assert_eq!(edges, "node.fullName\r\nDan\r\n");
    let none = r#"{ prospects(filter: { fullName: { eq: "nobody" } }) { nodes { fullName company { name } } } }"#;
    assert_eq!(request(&app, "text/csv", none).await.2, "fullName,company.name\r\n");
}

async fn json_is_returned_if_a_table_is_not_possible_and_json_is_accepted(app: App) {
    app.world().await;
    let two = "{ prospects { totalCount } companies { totalCount } }";
    let both = "text/csv, application/json;q=0.5";
    let (status, head, json) = request(&app, both, two).await;
    assert_eq!(status, 200, "{json}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert_eq!(json, r#"{"data":{"prospects":{"totalCount":4},"companies":{"totalCount":2}}}"#);
    // A list that can be exported is still a table.
    let (_, head, _) = request(&app, both, "{ prospects { nodes { fullName } } }").await;
    assert!(head.contains("content-type: text/csv"), "{head}");
    // Other errors are not hidden by the alternative.
    let (status, head, json) = request(&app, both, "{ prospects { nodes { nothing } } }").await;
    assert_eq!(status, 400, "{json}");
    assert!(head.contains("content-type: application/graphql-response+json"), "{head}");
    let (status, _, json) = request(&app, "text/csv", two).await;
    assert_eq!((status, json.contains("TABLE_NOT_POSSIBLE")), (400, true), "{json}");
}

async fn export_without_page_size_returns_all_rows(app: App) {
    let [acme, _] = app.world().await;
    for number in 0..1_100 {
        app.prospect(&format!("P{number:04}"), acme).await;
    }
    let names = async |query: &str| {
        let (status, _, csv) = request(&app, "text/csv", query).await;
        assert_eq!(status, 200, "{csv}");
        csv.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let all = names("{ prospects(orderBy: { fullName: DESC }) { nodes { fullName } } }").await;
    assert_eq!(all.len(), 1_104);
    assert_eq!(all[..2], ["P1099", "P1098"]);
    assert_eq!(all[1_103], "Ada");
    // With an explicit page size, only that page is exported.
    let page =
        names("{ prospects(first: 3, orderBy: { fullName: DESC }) { nodes { fullName } } }").await;
    assert_eq!(page, ["P1099", "P1098", "P1097"]);
    let lines = request(&app, "application/x-ndjson", "{ prospects { nodes { id } } }").await.2;
    assert_eq!(lines.lines().count(), 1_104);
}

async fn compressed_export_is_complete(app: App) {
    let [acme, _] = app.world().await;
    for number in 0..600 {
        app.prospect(&format!("P{number:04}"), acme).await;
    }
    beside(async {
        let address = serve(&app).await;
        for encoding in ["gzip", "br"] {
            let head = format!("{JSON}\r\nAccept: text/csv\r\nAccept-Encoding: {encoding}");
            let query = "{ prospects { nodes { id fullName email } } }";
            let (status, head, sent) = send(address, &head, &body(query)).await;
            assert_eq!(status, 200);
            assert!(head.contains(&format!("content-encoding: {encoding}")), "{head}");
            assert!(sent.ends_with("\r\n0\r\n\r\n"), "{encoding}: the body is incomplete");
        }
    })
    .await;
}

async fn variable_defaults_apply_to_exports(app: App) {
    app.world().await;
    let query = "query ($n: Int = 2, $x: Boolean = true) { prospects(first: $n) { nodes { fullName location @include(if: $x) } } }";
    assert_eq!(request(&app, "text/csv", query).await.2, "fullName,location\r\nAda,\r\nbob,\r\n");
}

async fn row_with_only_null_fields_is_exported(app: App) {
    app.world().await;
    let query = "{ prospects(first: 2) { nodes { location } } }";
    assert_eq!(request(&app, "text/csv", query).await.2, "location\r\n\"\"\r\n\"\"\r\n");
}

async fn single_nested_list_provides_the_rows(app: App) {
    app.world().await;
    app.usage("large", 2.0).await;
    let query = "{ llmCostReport(groupBy: MODEL) { groups { key cost } } }";
    assert_eq!(request(&app, "text/csv", query).await.2, "key,cost\r\nlarge,2.0\r\nsmall,0.01\r\n");
    // A field that cannot be represented as a column causes an error instead of being silently dropped.
    for (query, told) in [
        (
            "{ llmCostReport(groupBy: MODEL) { replies groups { key } } }",
            "`replies` beside `groups`",
        ),
        ("{ prospects { totalCount nodes { fullName } } }", "`totalCount` beside `nodes`"),
        (
            "{ prospects { nodes { fullName } pageInfo { endCursor } } }",
            "`pageInfo` beside `nodes`",
        ),
    ] {
        for media in ["text/csv", "application/x-ndjson"] {
            let (status, _, answer) = request(&app, media, query).await;
            assert_eq!(status, 400, "{answer}");
            assert!(answer.contains(told), "{answer}");
        }
    }
    let groups = "{ prospects { groups(by: { email: VALUE }) { nodes { key { email } } } } }";
    assert_eq!(request(&app, "text/csv", groups).await.2.lines().count(), 5);
}

async fn formulas_are_escaped(app: App) {
    let [acme, _] = app.world().await;
    for name in ["=1+1", "+49 30", "-a", "@b", "\tc", "say \"a, b\"", "two\nlines", " d"] {
        app.prospect_with(name, acme, |row| row.location = Set(Some("Oslo".to_owned()))).await;
    }
    app.usage("small", -0.5).await;
    let query = r#"{ prospects(filter: { location: { eq: "Oslo" } }) { nodes { fullName } } }"#;
    let expected = "fullName\r\n'=1+1\r\n'+49 30\r\n'-a\r\n'@b\r\n'\tc\r\n\"say \"\"a, b\"\"\"\r\n\"two\nlines\"\r\n\" d\"\r\n";
    assert_eq!(request(&app, "text/csv", query).await.2, expected);
    let costs = "{ llmUsageLogs(filter: { cost: { lt: 0 } }) { nodes { cost } } }";
    assert_eq!(request(&app, "text/csv", costs).await.2, "cost\r\n-0.5\r\n");
}

async fn groups_and_aggregates_can_be_exported(app: App) {
    app.world().await;
    let groups = "{ interactions { groups(by: { prospect: { company: { name: VALUE } } }) { nodes { key { prospect { company { name } } } aggregate { count } } } } }";
    assert_eq!(
        request(&app, "text/csv", groups).await.2,
        "key.prospect.company.name,aggregate.count\r\nAcme,9\r\nbank & Sons,5\r\n"
    );
    let aggregate = "{ prospects { aggregate { count companyId { distinct } } } }";
    assert_eq!(
        request(&app, "text/csv", aggregate).await.2,
        "aggregate.count,aggregate.companyId.distinct\r\n4,2\r\n"
    );
    let beside_rows = "{ companies { nodes { name prospects { aggregate { count } } } } }";
    assert_eq!(
        request(&app, "text/csv", beside_rows).await.2,
        "name,prospects.aggregate.count\r\nAcme,3\r\nbank & Sons,1\r\n"
    );
    let buckets = "{ prospects { groups(by: [{ createdAt: YEAR }, { createdAt: WEEKDAY }]) { nodes { \
                   key { year: createdAt(bucket: YEAR) day: createdAt(bucket: WEEKDAY) } \
                   aggregate { count } gone: aggregate(filter: { isActive: { eq: false } }) { count } filter } } } }";
    let csv = request(&app, "text/csv", buckets).await.2;
    let (head, row) = csv.split_once("\r\n").unwrap();
    assert_eq!(head, "key.year,key.day,aggregate.count,gone.count,filter");
    assert!(row.starts_with("2026,SUNDAY,4,0,\"{\"\"and\"\":"), "{row}");
    let number = "{ prospects { groups(by: { email: VALUE }) { totalCount } } }";
    assert_eq!(request(&app, "text/csv", number).await.2, "groups.totalCount\r\n4\r\n");
    let counts = "{ prospects { totalCount aggregate { lastContactedAt { count } } } }";
    assert_eq!(
        request(&app, "text/csv", counts).await.2,
        "totalCount,aggregate.lastContactedAt.count\r\n4,3\r\n"
    );
}

async fn search_results_can_be_exported(app: App) {
    let industry = app.industry("Logistics").await;
    for number in 0..30 {
        app.company(&format!("Acme {number}"), industry).await;
    }
    let query =
        r#"{ search(query: "acme") { edges { type title node { ... on Company { size } } } } }"#;
    let (status, _, csv) = request(&app, "text/csv", query).await;
    assert_eq!(status, 200, "{csv}");
    assert!(csv.starts_with("type,title,node.size\r\nCOMPANY,Acme 29,11-50\r\n"), "{csv}");
    assert_eq!(csv.lines().count(), 31, "all matching rows should be exported");
    for number in 30..501 {
        app.company(&format!("Acme {number}"), industry).await;
    }
    let (status, _, told) = request(&app, "text/csv", query).await;
    assert_eq!(status, 400);
    assert!(
        told.contains("the search matches 501 rows, which exceeds the export limit of 500"),
        "{told}"
    );
    let first = query.replace("\"acme\"", "\"acme\", first: 100");
    assert_eq!(request(&app, "text/csv", &first).await.2.lines().count(), 101);
}

async fn nested_lists_require_ndjson(app: App) {
    app.world().await;
    let query = "{ companies { nodes { name prospects(first: 1) { nodes { fullName } } } } }";
    let (status, _, error) = request(&app, "text/csv", query).await;
    assert_eq!(status, 400);
    assert!(error.contains("the nested list `prospects` can't be exported as CSV"), "{error}");
    let (_, head, lines) = request(&app, "application/x-ndjson", query).await;
    assert!(head.contains("content-type: application/x-ndjson"), "{head}");
    let expected = "{\"name\":\"Acme\",\"prospects\":{\"nodes\":[{\"fullName\":\"Ada\"}]}}\n\
                    {\"name\":\"bank & Sons\",\"prospects\":{\"nodes\":[{\"fullName\":\"Dan\"}]}}\n";
    assert_eq!(lines, expected);
}

async fn selections_that_are_not_tabular_are_rejected(app: App) {
    app.world().await;
    for (query, told) in [
        (
            "{ prospects { aggregate { count } groups(by: { email: VALUE }) { nodes { key { email } } } } }",
            "`aggregate` beside `groups`",
        ),
        (
            "{ prospects { groups(by: { email: VALUE }) { nodes { key { email } } totalCount } } }",
            "`totalCount` beside `nodes`",
        ),
        (
            "{ prospects { groups(by: { createdAt: YEAR }) { nodes { key { createdAt(bucket: DAY) } } } } }",
            "`key.createdAt` with the bucket DAY is not a group key",
        ),
        ("{ a: prospects { nodes { id } } b: events { nodes { id } } }", "exactly one root field"),
        ("{ prospects { nodes { id } edges { cursor } } }", "exactly one selection of `nodes`"),
        ("{ prospects { nodes { id } n2: nodes { email } } }", "exactly one selection of `nodes`"),
        ("{ prospects { nodes { nothing } } }", "Cannot query field"),
        (r#"{ prospects(after: "x") { nodes { id } } }"#, "unknown cursor format"),
        (
            "mutation { deleteProspect(input: { id: 1 }) { deletedId } }",
            "only queries can be exported as a table",
        ),
    ] {
        let (status, head, answer) = request(&app, "text/csv", query).await;
        assert_eq!(status, 400, "{query}: {answer}");
        assert!(head.contains("json"), "{head}");
        assert!(answer.contains(told), "{query}: {answer}");
    }
    assert_eq!(app.data("{ prospects { totalCount } }").await["prospects"]["totalCount"], 4);
}

async fn export_reads_a_consistent_snapshot(app: App) {
    app.world().await;
    let count = async |scope: &engine::Scope| {
        let request = Request::new("{ prospects { totalCount } }").data(scope.clone());
        let response = executor().execute(request).await;
        let answer: Value = serde_json::from_str(&graph::json_text::response(&response)).unwrap();
        answer["data"]["prospects"]["totalCount"].clone()
    };
    let scope = app.scope(app.organization);
    let then = scope.at_one_moment().await.unwrap();
    app.prospect("Eve", 1).await;
    assert_eq!(count(&then).await, 4);
    assert_eq!(count(&scope).await, 5);
    app.prospect("Fay", 1).await;
    assert_eq!(count(&then).await, 4);
    assert_eq!(count(&scope.at_one_moment().await.unwrap()).await, 6);
}

async fn at_most_two_concurrent_exports(app: App) {
    let scope = app.scope(app.organization);
    let held = [scope.at_one_moment().await.unwrap(), scope.at_one_moment().await.unwrap()];
    let refused = scope.at_one_moment().await.unwrap_err();
    assert!(matches!(refused, engine::Error::Unavailable(_)), "{refused}");
    drop(held);
    scope.at_one_moment().await.unwrap();
}

async fn report_contains_execution_statistics(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let head = format!("{JSON}\r\nSalesgraph-Report: 1");
        let query = "{ companies { nodes { id prospects { nodes { id } } } } }";
        let mut documents = Vec::new();
        for _ in 0..2 {
            let (_, _, answer) = send(address, &head, &body(query)).await;
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let report = &answer["extensions"]["report"];
            assert_eq!(
                (&report["statements"], &report["rows"]),
                (&json!(2), &json!(6)),
                "{report}"
            );
            assert!(
                report["wallMilliseconds"].as_f64() >= report["statementMilliseconds"].as_f64()
            );
            assert!(report["cost"]["requested"].as_u64().unwrap() > 0);
            assert_eq!(report["role"], "OWNER");
            assert_eq!(report["sql"].as_array().unwrap().len(), 2);
            assert_eq!(report["sql"][1]["rows"], 4);
            assert!(report["sql"][1]["text"].as_str().unwrap().contains("\"prospects\""));
            documents.push(report["cache"]["document"].clone());
        }
        assert_eq!(documents, ["miss", "hit"]);
        assert!(!send(address, JSON, &body(query)).await.2.contains("extensions"));
    })
    .await;
}

async fn sql_text_requires_permission_operate(app: App) {
    app.world().await;
    beside(async {
        let (address, visitors) = serve_with_keys(&app).await;
        for (head, told) in
            [(&visitors.admin, true), (&visitors.member, false), (&visitors.analyst, false)]
        {
            let head = format!("{head}\r\nSalesgraph-Report: 1");
            let (_, _, answer) =
                send(address, &head, &body("{ prospects { nodes { id } } }")).await;
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let report = &answer["extensions"]["report"];
            assert_eq!(report["statements"], 1, "{answer}");
            assert_eq!(report.get("sql").is_some(), told, "{report}");
        }
    })
    .await;
}
