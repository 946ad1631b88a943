//! The change log: entries, queries and retention.

use engine::{Actor, change_log};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tests::{App, Engine, behaviours, stored::stored};

use super::replay::entries;

behaviours![
    history_records_actor_fields_and_timestamp,
    change_log_is_paginated_by_cursor,
    change_log_can_be_filtered_by_entity_and_condition,
    failed_write_leaves_no_entries,
    demo_data_is_logged_per_chunk,
    old_entries_and_their_cursors_expire,
    expired_data_is_removed,
    foreign_cursor_is_rejected,
    new_cluster_starts_a_new_epoch,
    entries_above_the_watermark_are_hidden,
];

async fn history_records_actor_fields_and_timestamp(app: App) {
    app.world().await;
    let ada = Actor::Person("Ada".to_owned());
    app.done_by(ada, r#"mutation { updateProspect(input: { id: 1, patch: { location: "London", fullName: "Ada L" } }) { userErrors { code } } }"#).await;
    app.clock.advance(chrono::TimeDelta::hours(1));
    app.done(r"mutation { moveProspect(input: { id: 1, companyId: 2 }) { userErrors { code } } }")
        .await;
    let data = app.data("{ prospect(id: 1) { history { totalCount nodes { kind entity recordId actorKind actorName requestId createdAt fields { name before after } } } } \
        last: prospect(id: 1) { history(last: 1, filter: { kind: { eq: UPDATED } }) { nodes { actorKind } pageInfo { hasPreviousPage } } } }").await;
    let entry = |actor: &str, name: Value, at: &str, fields: Value| json!({ "kind": "UPDATED", "entity": "PROSPECT", "recordId": "Prospect:1", "actorKind": actor, "actorName": name, "requestId": "test", "createdAt": at, "fields": fields });
    assert_eq!(
        data["prospect"]["history"],
        json!({ "totalCount": 2, "nodes": [
            entry("PERSON", json!("Ada"), "2026-03-01T12:00:00Z",
                json!([{ "name": "fullName", "before": "Ada", "after": "Ada L" }, { "name": "location", "before": null, "after": "London" }])),
            entry("LOCAL_USER", json!(null), "2026-03-01T13:00:00Z", json!([{ "name": "companyId", "before": "Company:1", "after": "Company:2" }]))] })
    );
    assert_eq!(
        data["last"]["history"],
        json!({ "nodes": [{ "actorKind": "LOCAL_USER" }], "pageInfo": { "hasPreviousPage": true } })
    );
}

async fn industries(app: &App, count: usize) {
    for number in 0..count {
        app.done(&format!(r#"mutation {{ createIndustry(input: {{ name: "I{number}" }}) {{ userErrors {{ code }} }} }}"#)).await;
    }
}

async fn change_log_is_paginated_by_cursor(app: App) {
    industries(&app, 5).await;
    let (all, statements) = app.counted("{ changes { totalCount edges { cursor node { id cursor recordId } } pageInfo { hasNextPage endCursor } } }").await;
    assert_eq!(statements, 2);
    let edges = all["changes"]["edges"].as_array().unwrap();
    assert_eq!(edges.len(), 5);
    for edge in edges {
        assert_eq!(
            edge["cursor"], edge["node"]["cursor"],
            "edge and node should have the same cursor"
        );
    }
    let after = format!(
        "{{ changes(first: 2, after: {}) {{ nodes {{ recordId }} pageInfo {{ hasNextPage hasPreviousPage }} }} }}",
        edges[1]["cursor"]
    );
    let page = app.data(&after).await;
    assert_eq!(
        page["changes"],
        json!({ "nodes": [{ "recordId": "Industry:3" }, { "recordId": "Industry:4" }], "pageInfo": { "hasNextPage": true, "hasPreviousPage": true } })
    );
    // A cursor is a position in the change log, so it can be used with a different filter too.
    let other = format!(
        "{{ changes(last: 1, after: {}, entities: [INDUSTRY], filter: {{ kind: {{ eq: CREATED }} }}) {{ nodes {{ recordId }} }} }}",
        edges[1]["cursor"]
    );
    assert_eq!(app.data(&other).await["changes"]["nodes"], json!([{ "recordId": "Industry:5" }]));
}

async fn change_log_can_be_filtered_by_entity_and_condition(app: App) {
    app.world().await;
    industries(&app, 1).await;
    app.done_by(
        Actor::Worker("w".to_owned()),
        "mutation { submitOutreachDraft(input: { id: 1 }) { userErrors { code } } }",
    )
    .await;
    let data = app.data(r#"{ a: changes(entities: [OUTREACH_DRAFT, PROSPECT]) { nodes { recordId } } b: changes(entities: []) { totalCount }
        c: changes(filter: { actorName: { eq: "w" }, entity: { in: [OUTREACH_DRAFT] } }) { totalCount } d: changes(entities: null) { totalCount } }"#).await;
    assert_eq!(
        data,
        json!({ "a": { "nodes": [{ "recordId": "OutreachDraft:1" }] }, "b": { "totalCount": 2 }, "c": { "totalCount": 1 }, "d": { "totalCount": 2 } })
    );
}

async fn failed_write_leaves_no_entries(app: App) {
    app.world().await;
    let before = stored(&app).await;
    app.refused(
        r"mutation { mergeProspects(input: { keepId: 1, dropId: 1 }) { userErrors { code } } }",
    )
    .await;
    app.db.execute_unprepared("ALTER TABLE industry_solutions RENAME TO gone").await.unwrap();
    // The merge fails after companies have been moved.
    let answer = app
        .answer(
            "mutation { mergeIndustries(input: { keepId: 1, dropId: 2 }) { userErrors { code } } }",
        )
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL", "{answer}");
    assert_eq!(stored(&app).await, before);
    assert!(entries(&app).await.is_empty());
}

async fn demo_data_is_logged_per_chunk(app: App) {
    let scope = app.scope(app.organization);
    service::demo::seed(&scope, service::demo::Scale::Small, &engine::progress::Unwatched)
        .await
        .unwrap();
    let data = app
        .data("{ changes(first: 100) { nodes { kind entity recordId fields { name after } } } }")
        .await;
    let nodes = data["changes"]["nodes"].as_array().unwrap();
    let rows: i64 = nodes
        .iter()
        .filter(|node| node["entity"] == "PROSPECT")
        .map(|node| node["fields"][0]["after"].as_i64().unwrap())
        .sum();
    assert_eq!(rows, 2_000);
    assert!(nodes.iter().all(|node| node["kind"] == "IMPORTED" && node["recordId"] == json!(null)));
    assert!(nodes.len() < 40, "{}", nodes.len());
}

async fn old_entries_and_their_cursors_expire(app: App) {
    industries(&app, 2).await;
    let all = app.data("{ changes { nodes { cursor } } }").await;
    app.clock.advance(chrono::TimeDelta::days(300));
    app.done(r#"mutation { createIndustry(input: { name: "New" }) { userErrors { code } } }"#)
        .await;
    let now = || engine::Clock::now(app.clock.as_ref());
    assert_eq!(change_log::expire(&app.store, now(), change_log::RETENTION_DAYS).await.unwrap(), 0);
    app.clock.advance(chrono::TimeDelta::days(101));
    assert_eq!(change_log::expire(&app.store, now(), change_log::RETENTION_DAYS).await.unwrap(), 2);
    let after = |index: usize| {
        format!(
            "{{ changes(after: {}) {{ nodes {{ recordId }} }} }}",
            all["changes"]["nodes"][index]["cursor"]
        )
    };
    let error = app.error(&after(0)).await;
    assert!(error.starts_with("CURSOR_EXPIRED: "), "{error}");
    // The cursor of the last expired entry remains valid, because no later entry is missing.
    assert_eq!(
        app.data(&after(1)).await["changes"]["nodes"],
        json!([{ "recordId": "Industry:3" }])
    );
}

/// Change log entries expire after the retention period, idempotency keys after 24 hours, and provider responses at
/// their own time.
async fn expired_data_is_removed(app: App) {
    app.world().await;
    app.done(
        r#"mutation { createIndustry(input: { name: "New", idempotencyKey: "a" }) { userErrors { code } } }"#,
    )
    .await;
    let left = async |hours: i64| {
        let now = engine::Clock::now(app.clock.as_ref()) + chrono::TimeDelta::hours(hours);
        service::operations::maintenance::remove_expired(&app.store, now, 400).await.unwrap();
        let mut left = Vec::new();
        for table in ["idempotency_keys", "enrichment_cache", "changes"] {
            let sql = format!("SELECT count(*) FROM \"{table}\"");
            let statement = Statement::from_string(app.db.get_database_backend(), sql);
            let row = app.db.query_one_raw(statement).await.unwrap().unwrap();
            left.push(row.try_get_by_index::<i64>(0).unwrap());
        }
        left
    };
    assert_eq!(left(23).await, [1, 1, 1]);
    assert_eq!(left(25).await, [0, 1, 1]);
    assert_eq!(left(24 * 30).await, [0, 0, 1]);
    assert_eq!(left(24 * 401).await, [0, 0, 0]);
}

async fn foreign_cursor_is_rejected(app: App) {
    industries(&app, 1).await;
    let ahead = change_log::cursor(change_log::Position { epoch: 9, transaction: 9, id: 9 });
    let list = app.data("{ industries { edges { cursor } } }").await;
    let of_list = list["industries"]["edges"][0]["cursor"].as_str().unwrap();
    for cursor in [ahead.as_str(), of_list, "nonsense", "", &ahead[..8]] {
        let error =
            app.error(&format!("{{ changes(after: \"{cursor}\") {{ totalCount }} }}")).await;
        assert!(error.starts_with("BAD_CURSOR: "), "{cursor}: {error}");
    }
}

async fn new_cluster_starts_a_new_epoch(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    change_log::open(&app.store).await.unwrap();
    change_log::open(&app.store).await.unwrap();
    industries(&app, 1).await;
    let epochs = async || {
        let sql = "SELECT DISTINCT epoch FROM changes ORDER BY epoch";
        let rows = app
            .db
            .query_all_raw(Statement::from_string(app.db.get_database_backend(), sql))
            .await
            .unwrap();
        rows.iter().map(|row| row.try_get_by_index::<i32>(0).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(epochs().await, [1]);
    // Simulates a dump restored from a cluster with far higher transaction numbers.
    let moved = "UPDATE changes SET transaction_number = transaction_number + 1000000000; UPDATE change_log SET cluster = 'another'";
    app.db.execute_unprepared(moved).await.unwrap();
    change_log::open(&app.store).await.unwrap();
    app.done(r#"mutation { createIndustry(input: { name: "New" }) { userErrors { code } } }"#)
        .await;
    assert_eq!(epochs().await, [1, 2]);
    let data = app.data("{ changes { nodes { recordId } } }").await;
    assert_eq!(
        data["changes"]["nodes"],
        json!([{ "recordId": "Industry:1" }, { "recordId": "Industry:2" }])
    );
}

async fn entries_above_the_watermark_are_hidden(app: App) {
    use sea_orm::TransactionTrait;
    if app.engine == Engine::Sqlite {
        return;
    }
    let running = app.db.begin().await.unwrap();
    running.execute_unprepared("UPDATE organizations SET name = name").await.unwrap();
    // Executes the query without waiting until all entries are below the watermark.
    let count = async || {
        let query = "{ changes { totalCount } }";
        let answer = app.answer_to(app.organization, query, json!({})).await;
        answer["data"]["changes"]["totalCount"].clone()
    };
    app.done(r#"mutation { createEvent(input: { eventType: "x", eventDate: "2026-06-01T09:00:00Z", description: "d", location: "l" }) { userErrors { code } } }"#).await;
    assert_eq!(count().await, 0, "a running transaction may still write an earlier entry");
    running.rollback().await.unwrap();
    app.settled().await;
    assert_eq!(count().await, 1);
}
