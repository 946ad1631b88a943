//! GraphQL over HTTP: response formats, status codes, batches, persisted queries, and requests rejected before
//! execution. The clients in `tests/outside` also check this behavior.

use serde_json::{Value, json};
use server::http::Settings;
use tests::{App, Engine, behaviours};

use crate::{
    access::serve_with,
    http::{JSON, beside, send, serve},
};

behaviours![
    status_code_depends_on_whether_the_request_was_executed,
    every_rejection_has_an_error_code,
    batched_requests_are_executed,
    persisted_query_is_executed_by_hash,
    proxied_requests_are_not_treated_as_local,
    cross_origin_requests_are_rejected,
    introspection_can_be_disabled,
    cors_allows_only_configured_origins,
    concurrency_limit_returns_retry_after,
    timed_out_request_is_rolled_back,
    metrics_are_exposed,
    internal_errors_carry_the_request_id,
];

const RESPONSE: &str = "Accept: application/graphql-response+json";

pub fn body(query: &str) -> String {
    json!({ "query": query }).to_string()
}

pub fn code(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap_or_else(|_| panic!("{answer}"));
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("-").to_owned()
}

async fn status_code_depends_on_whether_the_request_was_executed(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let needs = r#"{"query":"query ($n: Int!) { prospects(first: $n) { totalCount } }"}"#;
        let wrong = r#"{"query":"query ($n: Int) { prospects(first: $n) { totalCount } }","variables":{"n":"x"}}"#;
        let unused = r#"{"query":"query ($f: [ProspectOrder!]) { prospects(orderBy: $f) { totalCount } }","variables":{"f":[{"fullName":"ASC","id":"ASC"}]}}"#;
        for (request, expected, has_data) in [
            (body("{ prospects { totalCount } }"), 200, true),
            (body("{"), 400, false),
            (body("{ nothing }"), 400, false),
            (needs.to_owned(), 400, false),
            (wrong.to_owned(), 400, false),
            (unused.to_owned(), 400, false),
            (body("{ prospect(id: 1) { interactions(first: -1) { totalCount } } }"), 200, true),
        ] {
            let head = format!("{JSON}\r\n{RESPONSE}");
            let (status, told, answer) = send(address, &head, &request).await;
            assert_eq!(status, expected, "{request}: {answer}");
            assert!(told.contains("content-type: application/graphql-response+json"), "{told}");
            assert_eq!(answer.contains("\"data\""), has_data, "{answer}");
            let (status, told, json) = send(address, JSON, &request).await;
            assert_eq!(status, 200, "{request}: {json}");
            assert!(told.contains("content-type: application/json"), "{told}");
            assert_eq!(json, answer);
        }
    })
    .await;
}

async fn every_rejection_has_an_error_code(app: App) {
    beside(async {
        let address = serve(&app).await;
        let long = format!("GET /graphql?query={} HTTP/1.1", "x".repeat(40_000));
        let large = format!("{JSON}\r\nX-Large: {}", "x".repeat(70_000));
        for (head, request, status, expected) in [
            ("PUT /graphql HTTP/1.1", "", 405, "METHOD_NOT_ALLOWED"),
            ("DELETE /graphql HTTP/1.1", "", 405, "METHOD_NOT_ALLOWED"),
            ("POST /health/live HTTP/1.1", "", 405, "METHOD_NOT_ALLOWED"),
            ("GET /nowhere HTTP/1.1", "", 404, "NOT_FOUND"),
            (&format!("{JSON}\r\nAccept: image/png"), "{}", 406, "NOT_ACCEPTABLE"),
            (&format!("{JSON}\r\nContent-Encoding: gzip"), "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
            (&long, "", 414, "URI_TOO_LONG"),
            (&large, "{}", 431, "HEADERS_TOO_LARGE"),
            ("GET /graphql?query=mutation%7B__typename%7D HTTP/1.1", "", 405, "METHOD_NOT_ALLOWED"),
        ] {
            let (told, _, answer) = send(address, head, request).await;
            let shown = &head[..head.len().min(80)];
            assert_eq!((told, code(&answer).as_str()), (status, expected), "{shown}: {answer}");
        }
        let (status, head, _) = send(address, "OPTIONS /graphql HTTP/1.1", "").await;
        assert_eq!(status, 204);
        assert!(head.contains("allow: get, head, post, options"), "{head}");
    })
    .await;
}

async fn batched_requests_are_executed(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        let two = json!([{ "query": "{ prospects { totalCount } }" }, { "query": "{ nope }" }]);
        let (status, _, answer) = send(address, JSON, &two.to_string()).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &answer[0]["data"]["prospects"]["totalCount"]), (200, &json!(4)));
        assert_eq!(answer[1]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
        for (count, expected) in [(0, 400), (10, 200), (11, 400)] {
            let requests = vec![json!({ "query": "{ __typename }" }); count];
            let (status, ..) = send(address, JSON, &json!(requests).to_string()).await;
            assert_eq!(status, expected, "{count}");
        }
    })
    .await;
}

async fn persisted_query_is_executed_by_hash(app: App) {
    beside(async {
        let address = serve(&app).await;
        // The SHA-256 hash of `{__typename}`.
        let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        let asked = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let by_hash = json!({ "extensions": asked }).to_string();
        let (_, _, answer) = send(address, JSON, &by_hash).await;
        assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_FOUND");
        assert!(answer.contains("\"PersistedQueryNotFound\""), "{answer}");
        let wrong = json!({ "query": "{ __typename }", "extensions": asked }).to_string();
        assert_eq!(send(address, JSON, &wrong).await.0, 400);
        let both = json!({ "query": "{__typename}", "extensions": asked }).to_string();
        assert_eq!(send(address, JSON, &both).await.0, 200);
        let (_, _, answer) = send(address, JSON, &by_hash).await;
        assert_eq!(answer, r#"{"data":{"__typename":"Query"}}"#);
        let get = format!("GET /graphql?extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{hash}%22%7D%7D HTTP/1.1");
        assert_eq!(send(address, &get, "").await.2, r#"{"data":{"__typename":"Query"}}"#);
    })
    .await;
}

async fn proxied_requests_are_not_treated_as_local(app: App) {
    beside(async {
        let address = serve(&app).await;
        let post = |line: &str| format!("{JSON}\r\n{line}");
        for head in [
            post("X-Forwarded-For: 203.0.113.9"),
            post("Forwarded: for=203.0.113.9"),
            post("Via: 1.1 x"),
            post("X-Real-IP: 203.0.113.9"),
            // nginx uses HTTP/1.0 by default.
            JSON.replace("HTTP/1.1", "HTTP/1.0"),
        ] {
            let (status, _, answer) = send(address, &head, &body("{ __typename }")).await;
            assert_eq!(status, 403, "{answer}");
            assert!(answer.contains("--require-keys"), "{answer}");
        }
        let (status, _, answer) =
            send(address, &post("Host: localhost\r\nHost: a.example"), &body("{ __typename }"))
                .await;
        assert_eq!(status, 400, "two `Host` headers: {answer}");
    })
    .await;
}

async fn cross_origin_requests_are_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        let post = |line: &str| format!("{JSON}\r\n{line}");
        let create = r#"mutation { createIndustry(input: { name: "X" }) { industry { id } } }"#;
        for line in [
            "Origin: https://elsewhere.example",
            "Origin: null",
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site: same-site",
        ] {
            let (status, _, answer) = send(address, &post(line), &body(create)).await;
            assert_eq!(status, 403, "{line}: {answer}");
        }
        let count = "{ industries { totalCount } }";
        for line in ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Accept: */*"] {
            let (status, head, answer) = send(address, &post(line), &body(count)).await;
            assert_eq!(
                (status, answer.as_str()),
                (200, r#"{"data":{"industries":{"totalCount":0}}}"#)
            );
            assert!(head.contains("cross-origin-resource-policy: same-origin"), "{head}");
        }
        let get = "GET / HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\nAccept: text/html";
        assert_eq!(
            send(address, get, "").await.0,
            200,
            "a link from another site may open the page"
        );
    })
    .await;
}

async fn introspection_can_be_disabled(app: App) {
    beside(async {
        let settings = Settings { no_introspection: true, ..Settings::default() };
        let address = serve_with(&app, settings).await;
        for query in ["{ __schema { types { name } } }", "{ __type(name: \"Prospect\") { name } }"]
        {
            let (_, _, answer) = send(address, JSON, &body(query)).await;
            assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED", "{answer}");
        }
        for query in [
            "{ prospect { id } }",
            "{ prospecs { id } }",
            "{ prospects(frist: 1) { nodes { id } } }",
        ] {
            let (_, _, answer) = send(address, JSON, &body(query)).await;
            assert!(!answer.contains("Did you mean"), "{answer}");
        }
        assert_eq!(
            send(address, JSON, &body("{ __typename }")).await.2,
            r#"{"data":{"__typename":"Query"}}"#
        );
    })
    .await;
}

async fn cors_allows_only_configured_origins(app: App) {
    beside(async {
        let allow_origin = vec!["https://app.example".to_owned()];
        let named = serve_with(&app, Settings { allow_origin, ..Settings::default() }).await;
        let usual = serve(&app).await;
        for (address, origin, allowed) in [
            (named, "https://app.example", true),
            (named, "https://evil.example", false),
            (named, "null", false),
            (usual, "https://app.example", false),
        ] {
            let asks = format!("OPTIONS /graphql HTTP/1.1\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type,authorization");
            let posts = format!("{JSON}\r\nOrigin: {origin}");
            for (head, request) in [(asks, String::new()), (posts, body("{ __typename }"))] {
                let (_, told, _) = send(address, &head, &request).await;
                let line = format!("access-control-allow-origin: {origin}");
                assert_eq!(told.contains(&line), allowed, "{head}\n{told}");
                assert!(allowed || !told.contains("access-control-allow-origin"), "{told}");
            }
        }
    })
    .await;
}

async fn concurrency_limit_returns_retry_after(app: App) {
    beside(async {
        let settings = Settings { max_concurrent: 0, ..Settings::default() };
        let address = serve_with(&app, settings).await;
        let (status, head, answer) = send(address, JSON, &body("{ schemaVersion }")).await;
        assert_eq!((status, code(&answer).as_str()), (503, "UNAVAILABLE"));
        assert!(head.contains("retry-after: 1"), "{head}");
    })
    .await;
}

async fn timed_out_request_is_rolled_back(app: App) {
    use sea_orm::{ConnectionTrait, TransactionTrait};
    app.world().await;
    beside(async {
        let request_timeout = std::time::Duration::from_millis(300);
        let address = serve_with(&app, Settings { request_timeout, ..Settings::default() }).await;
        let blocking = app.db.begin().await.unwrap();
        let hold = match app.engine {
            Engine::Sqlite => "UPDATE industries SET name = name",
            Engine::Postgres => "LOCK TABLE industries IN ACCESS EXCLUSIVE MODE",
        };
        blocking.execute_unprepared(hold).await.unwrap();
        let write = r#"mutation { createIndustry(input: { name: "x" }) { industry { id } } }"#;
        let (_, _, answer) = send(address, JSON, &body(write)).await;
        assert_eq!(code(&answer), "UNAVAILABLE", "{answer}");
        assert!(answer.contains("idempotencyKey"), "{answer}");
        blocking.rollback().await.unwrap();
        // The write was rolled back and does not block other transactions.
        let (_, _, answer) = send(address, JSON, &body(write)).await;
        assert_eq!(answer, r#"{"data":{"createIndustry":{"industry":{"id":"Industry:4"}}}}"#);
    })
    .await;
}

async fn metrics_are_exposed(app: App) {
    app.world().await;
    beside(async {
        let address = serve(&app).await;
        send(address, JSON, &body("query Names { prospects { nodes { fullName } } }")).await;
        send(address, JSON, &body("{ nothing }")).await;
        for number in 0..300 {
            send(address, JSON, &body(&format!("query N{number} {{ __typename }}"))).await;
        }
        let (status, head, text) = send(address, "GET /metrics HTTP/1.1", "").await;
        assert_eq!(status, 200);
        assert!(head.contains("content-type: application/openmetrics-text"), "{head}");
        for line in [
            "salesgraph_operations_total{kind=\"query\",outcome=\"answered\"} 301",
            "salesgraph_operation_duration_seconds_count{operation=\"Names\"} 1",
            "salesgraph_rejected_requests_total{reason=\"graphql_validation_failed\"} 1",
            "salesgraph_replication_lag_seconds 0.0",
            // The metric names of the previous version.
            "salesgraph_refusals_total{reason=\"graphql_validation_failed\"} 1",
            "salesgraph_replica_age_seconds 0.0",
            "salesgraph_connections{side=\"write\",state=\"idle\"}",
            "salesgraph_subscribers 0",
            "salesgraph_change_log_lag_seconds 0.0",
            "salesgraph_operation_duration_seconds_count{operation=\"other\"}",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let names = text.matches("duration_seconds_count{").count();
        assert!(
            names <= 201,
            "{names} operation labels: clients choose the names, so their number must be bounded"
        );
    })
    .await;
}

async fn internal_errors_carry_the_request_id(app: App) {
    use sea_orm::ConnectionTrait;
    beside(async {
        let address = serve(&app).await;
        app.db.execute_unprepared("DROP TABLE alembic_version").await.unwrap();
        let named = format!("{JSON}\r\nX-Request-Id: chosen");
        let (_, head, answer) = send(address, &named, &body("{ schemaVersion }")).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let own = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        let expected =
            json!({ "code": "INTERNAL", "reason": "INTERNAL_ERROR", "requestId": own.trim() });
        assert_eq!(answer["errors"][0]["extensions"], expected);
        assert_eq!(answer["errors"][0]["message"], "internal error");
    })
    .await;
}
