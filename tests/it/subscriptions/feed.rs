//! Delivery of events: filters, cursors, tenant isolation and backlogs.

use std::{pin::Pin, time::Duration};

use api::product_server::executor;
use async_graphql::{Executor, Request, Response};
use engine::{Actor, change_log::ChangeStream};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    new_draft_is_delivered_once_with_the_selected_fields,
    subscriber_resumes_after_its_last_cursor,
    subscription_without_a_cursor_starts_now,
    filter_applies_to_the_draft_at_the_time_of_the_change,
    filter_can_follow_relations,
    every_draft_transition_is_delivered,
    changes_can_be_filtered_by_entity_and_actor,
    erased_draft_is_delivered_as_null,
    changes_of_other_organizations_are_not_delivered,
    lists_and_subscriptions_share_cursors,
    invalid_arguments_are_rejected_immediately,
    slow_subscriber_misses_no_events,
    writes_of_other_processes_are_delivered,
    closing_the_feed_ends_its_subscriptions,
];

const EVERYTHING: &str = "subscription { changes { cursor } }";
type Events = Pin<Box<dyn Stream<Item = Response> + Send>>;

pub fn subscribe(app: &App, feed: &ChangeStream, query: &str) -> Events {
    subscribe_in(app.scope(app.organization), feed, query)
}

pub fn subscribe_in(scope: engine::Scope, feed: &ChangeStream, query: &str) -> Events {
    executor().execute_stream(Request::new(query).data(feed.clone()).data(scope), None)
}

/// The data of the next event, below its root field.
pub async fn next(events: &mut Events) -> Value {
    let response = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
    let response = response
        .expect("an event should arrive within 10 seconds")
        .expect("the stream should not end");
    assert!(response.errors.is_empty(), "{:?}", response.errors);
    let answer: Value = serde_json::from_str(&graph::json_text::response(&response)).unwrap();
    answer["data"].as_object().unwrap().values().next().unwrap().clone()
}

/// Asserts that no event arrives within a short time.
pub async fn nothing(events: &mut Events) {
    let next = tokio::time::timeout(Duration::from_millis(60), events.next()).await;
    assert!(next.is_err(), "{next:?}");
}

/// Starts a subscription by polling its stream once. Earlier writes are not delivered as new.
pub async fn begin(app: &App, events: &mut Events) {
    app.settled().await;
    nothing(events).await;
}

pub async fn draft(app: &App, content: &str) {
    let create = format!(
        r#"mutation {{ createOutreachDraft(input: {{ prospectId: 1, draftType: "initial", content: "{content}" }}) {{ userErrors {{ code }} }} }}"#
    );
    app.done(&create).await;
}

pub async fn prospect(app: &App) -> ChangeStream {
    let industry = app.industry("Logistics").await;
    let acme = app.company("Acme", industry).await;
    app.prospect("Ada", acme).await;
    ChangeStream::new(app.store.clone())
}

async fn new_draft_is_delivered_once_with_the_selected_fields(app: App) {
    let feed = prospect(&app).await;
    let query = "subscription { outreachDraftCreated { draft { id content prospect { fullName company { name } } availableActions } change { kind actorKind fields { name } } } }";
    let mut events = subscribe(&app, &feed, query);
    begin(&app, &mut events).await;
    draft(&app, "one").await;
    let event = next(&mut events).await;
    assert_eq!(
        event["draft"],
        json!({ "id": "OutreachDraft:1", "content": "one", "prospect": { "fullName": "Ada", "company": { "name": "Acme" } },
            "availableActions": ["EDIT", "SUBMIT", "DISCARD"] })
    );
    assert_eq!(event["change"]["kind"], "CREATED");
    app.done("mutation { submitOutreachDraft(input: { id: 1 }) { userErrors { code } } }").await;
    nothing(&mut events).await;
}

async fn subscriber_resumes_after_its_last_cursor(app: App) {
    let feed = prospect(&app).await;
    let mut events = subscribe(
        &app,
        &feed,
        "subscription { outreachDraftCreated { cursor draft { content } } }",
    );
    begin(&app, &mut events).await;
    draft(&app, "one").await;
    let cursor = next(&mut events).await["cursor"].clone();
    drop(events);
    draft(&app, "two").await;
    // The server restarts between the two subscriptions.
    drop(feed);
    let feed = ChangeStream::new(app.store.clone());
    draft(&app, "three").await;
    let query = format!(
        "subscription {{ outreachDraftCreated(after: {cursor}) {{ draft {{ content }} }} }}"
    );
    let mut events = subscribe(&app, &feed, &query);
    for expected in ["two", "three"] {
        assert_eq!(next(&mut events).await["draft"]["content"], expected);
    }
    draft(&app, "four").await;
    assert_eq!(next(&mut events).await["draft"]["content"], "four");
    nothing(&mut events).await;
}

async fn subscription_without_a_cursor_starts_now(app: App) {
    let feed = prospect(&app).await;
    draft(&app, "before").await;
    // Entries above the watermark would be delivered as new.
    let mut events =
        subscribe(&app, &feed, "subscription { outreachDraftCreated { draft { content } } }");
    begin(&app, &mut events).await;
    draft(&app, "after").await;
    assert_eq!(next(&mut events).await["draft"]["content"], "after");
}

async fn filter_applies_to_the_draft_at_the_time_of_the_change(app: App) {
    let feed = prospect(&app).await;
    draft(&app, "zero").await;
    let start = app.data("{ changes(last: 1) { nodes { cursor } } }").await["changes"]["nodes"][0]
        ["cursor"]
        .clone();
    draft(&app, "one").await;
    // The draft is no longer in status `DRAFT` when the subscription starts.
    app.done("mutation { submitOutreachDraft(input: { id: 2 }) { userErrors { code } } }").await;
    let filters = [
        (r"{ status: { eq: DRAFT } }", true),
        (r"{ status: { in: [PENDING_REVIEW] } }", false),
        (
            r#"{ content: { startsWith: "ON" }, version: { eq: 1 }, createdAt: { lte: "2026-03-01T12:00:00Z" } }"#,
            true,
        ),
        (r#"{ createdAt: { gt: "2026-03-01T12:00:00Z" } }"#, false),
        (
            r#"{ metadata: { isNull: true }, parentDraftId: { isNull: true }, prospectId: { eq: "Prospect:1" } }"#,
            true,
        ),
        (r"{ metadata: { isNull: false } }", false),
        (r#"{ not: { subject: { contains: "x" } } }"#, true),
    ];
    // A link between an LLM call and a draft does not reveal whether the draft matches the filter.
    let mut linked = subscribe(
        &app,
        &feed,
        "subscription { outreachDraftChanged(filter: { not: { content: { eq: \"linked\" } } }) { change { kind } } }",
    );
    begin(&app, &mut linked).await;
    app.done(r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "linked",
        llmUsageLogs: [{ workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 1, cost: 0 }] }) { userErrors { code } } }"#).await;
    nothing(&mut linked).await;
    for (filter, passes) in filters {
        let query = format!(
            "subscription {{ outreachDraftCreated(after: {start}, filter: {filter}) {{ draft {{ content }} }} }}"
        );
        let mut events = subscribe(&app, &feed, &query);
        if passes {
            assert_eq!(next(&mut events).await["draft"]["content"], "one", "{filter}");
        } else {
            nothing(&mut events).await;
        }
    }
    let with_json = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "json", metadata: { tags: ["hot"], word: "w" } }) { userErrors { code } } }"#;
    app.done(with_json).await;
    for filter in [r#"{ metadata: { has: "tags" } }"#, r"{ metadata: { isNull: false } }"] {
        let query = format!(
            "subscription {{ outreachDraftCreated(after: {start}, filter: {filter}) {{ draft {{ content }} }} }}"
        );
        assert_eq!(next(&mut subscribe(&app, &feed, &query)).await["draft"]["content"], "json");
    }
}

async fn filter_can_follow_relations(app: App) {
    app.world().await;
    let feed = ChangeStream::new(app.store.clone());
    let query = r#"subscription { outreachDraftCreated(filter: { prospect: { company: { industry: { name: { eq: "banking" } } } } }) { draft { prospect { fullName } } } }"#;
    let mut events = subscribe(&app, &feed, query);
    begin(&app, &mut events).await;
    for prospect in [1, 4] {
        app.done(&format!(r#"mutation {{ createOutreachDraft(input: {{ prospectId: {prospect}, draftType: "x", content: "x" }}) {{ userErrors {{ code }} }} }}"#)).await;
    }
    assert_eq!(next(&mut events).await["draft"]["prospect"]["fullName"], "Dan");
    nothing(&mut events).await;
}

async fn every_draft_transition_is_delivered(app: App) {
    let feed = prospect(&app).await;
    let mut events = subscribe(
        &app,
        &feed,
        "subscription { outreachDraftChanged { change { kind fields { name after } } draft { id } } }",
    );
    begin(&app, &mut events).await;
    draft(&app, "one").await;
    app.done("mutation { submitOutreachDraft(input: { id: 1 }) { userErrors { code } } }").await;
    app.done("mutation { approveOutreachDraft(input: { id: 1, expectedRevision: 2 }) { userErrors { code } } }").await;
    app.done("mutation { markOutreachDraftSent(input: { id: 1 }) { userErrors { code } } }").await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let event = next(&mut events).await;
        let fields = event["change"]["fields"].as_array().unwrap().iter();
        let status = fields
            .filter(|field| field["name"] == "status")
            .map(|field| field["after"].as_str().unwrap().to_owned());
        seen.push((
            event["change"]["kind"].as_str().unwrap().to_owned(),
            status.collect::<String>(),
        ));
    }
    let expected = [
        ("CREATED", "DRAFT"),
        ("UPDATED", "PENDING_REVIEW"),
        ("UPDATED", "APPROVED"),
        ("UPDATED", "SENDING"),
        ("UPDATED", "SENT"),
    ];
    assert_eq!(seen, expected.map(|(kind, status)| (kind.to_owned(), status.to_owned())));
    nothing(&mut events).await;
}

async fn changes_can_be_filtered_by_entity_and_actor(app: App) {
    let feed = prospect(&app).await;
    let mut drafts = subscribe(
        &app,
        &feed,
        "subscription { changes(entities: [OUTREACH_DRAFT]) { change { recordId } } }",
    );
    let mut by_worker = subscribe(
        &app,
        &feed,
        "subscription { changes(filter: { actorKind: { eq: WORKER } }) { cursor change { actorName entity } } }",
    );
    begin(&app, &mut drafts).await;
    begin(&app, &mut by_worker).await;
    app.done("mutation { unsubscribeProspect(input: { id: 1 }) { userErrors { code } } }").await;
    draft(&app, "one").await;
    let worker = Actor::Worker("w".to_owned());
    app.done_by(
        worker,
        "mutation { resubscribeProspect(input: { id: 1 }) { userErrors { code } } }",
    )
    .await;
    assert_eq!(next(&mut drafts).await["change"]["recordId"], "OutreachDraft:1");
    assert_eq!(
        next(&mut by_worker).await["change"],
        json!({ "actorName": "w", "entity": "PROSPECT" })
    );
    nothing(&mut drafts).await;
    nothing(&mut by_worker).await;
}

async fn erased_draft_is_delivered_as_null(app: App) {
    let feed = prospect(&app).await;
    draft(&app, "zero").await;
    let last = app.data("{ changes(last: 1) { nodes { cursor } } }").await;
    draft(&app, "one").await;
    app.done("mutation { eraseProspect(input: { id: 1 }) { userErrors { code } } }").await;
    let query = format!(
        "subscription {{ outreachDraftChanged(after: {}) {{ draft {{ content }} change {{ kind recordId fields {{ name }} }} }} }}",
        last["changes"]["nodes"][0]["cursor"]
    );
    let mut events = subscribe(&app, &feed, &query);
    assert_eq!(
        next(&mut events).await,
        json!({ "draft": null, "change": { "kind": "CREATED", "recordId": "OutreachDraft:2", "fields": [] } })
    );
    assert_eq!(next(&mut events).await["change"]["kind"], "ERASED");
}

async fn changes_of_other_organizations_are_not_delivered(app: App) {
    let feed = prospect(&app).await;
    let stranger = app.organization("stranger").await;
    let mut theirs = subscribe_in(app.scope(stranger), &feed, EVERYTHING);
    begin(&app, &mut theirs).await;
    draft(&app, "one").await;
    nothing(&mut theirs).await;
    let own = r#"mutation { createIndustry(input: { name: "x" }) { userErrors { code } } }"#;
    app.answer_to(stranger, own, json!({})).await;
    assert!(next(&mut theirs).await["cursor"].is_string());
}

async fn lists_and_subscriptions_share_cursors(app: App) {
    let feed = prospect(&app).await;
    let mut events =
        subscribe(&app, &feed, "subscription { changes { cursor change { cursor } } }");
    begin(&app, &mut events).await;
    draft(&app, "one").await;
    draft(&app, "two").await;
    let first = next(&mut events).await;
    assert_eq!(first["cursor"], first["change"]["cursor"]);
    let list = app
        .data(&format!(
            "{{ changes(after: {}) {{ edges {{ cursor node {{ recordId }} }} }} }}",
            first["cursor"]
        ))
        .await;
    assert_eq!(list["changes"]["edges"][0]["node"]["recordId"], "OutreachDraft:2");
    assert_eq!(list["changes"]["edges"][0]["cursor"], next(&mut events).await["cursor"]);
}

async fn invalid_arguments_are_rejected_immediately(app: App) {
    let feed = prospect(&app).await;
    for (argument, code) in
        [(r#"after: "nonsense""#, "BAD_CURSOR"), (r"filter: { content: { eq: null } }", "INVALID")]
    {
        let mut events = subscribe(
            &app,
            &feed,
            &format!("subscription {{ outreachDraftCreated({argument}) {{ cursor }} }}"),
        );
        let response = graph::json_text::response(&events.next().await.unwrap());
        let response: Value = serde_json::from_str(&response).unwrap();
        assert_eq!(response["errors"][0]["extensions"]["code"], code, "{response}");
        assert!(events.next().await.is_none());
    }
}

/// A backlog larger than the buffer is read from the change log.
async fn slow_subscriber_misses_no_events(app: App) {
    let feed = prospect(&app).await;
    let mut events = subscribe(
        &app,
        &feed,
        "subscription { changes(entities: [INDUSTRY]) { change { recordId } } }",
    );
    let mut reading = subscribe(
        &app,
        &feed,
        "subscription { changes(entities: [INDUSTRY]) { change { recordId } } }",
    );
    begin(&app, &mut events).await;
    begin(&app, &mut reading).await;
    let known = app.data("{ industries { totalCount } }").await["industries"]["totalCount"]
        .as_i64()
        .unwrap();
    for number in 0..300 {
        let create = format!(
            "mutation {{ createIndustry(input: {{ name: \"{number}\" }}) {{ userErrors {{ code }} }} }}"
        );
        app.done(&create).await;
        if number % 100 == 0 {
            // Changes that become visible together cause only one notification.
            app.settled().await;
        }
    }
    for stream in [&mut reading, &mut events] {
        for number in 1..=300 {
            assert_eq!(
                next(stream).await["change"]["recordId"],
                format!("Industry:{}", known + number)
            );
        }
        nothing(stream).await;
    }
}

async fn writes_of_other_processes_are_delivered(app: App) {
    let feed = prospect(&app).await;
    let mut events =
        subscribe(&app, &feed, "subscription { outreachDraftCreated { draft { content } } }");
    begin(&app, &mut events).await;
    // A separate store, whose notifications do not reach the feed.
    let other = engine::Store::connect(&app.url).await.unwrap();
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
    let scope = engine::Scope::new(
        other.clone(),
        app.organization,
        Actor::CommandLine,
        engine::Role::Owner,
        clock,
    );
    let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "theirs" }) { userErrors { code } } }"#;
    let response = api::schema::build().execute(Request::new(create).data(scope)).await;
    assert!(response.errors.is_empty());
    assert_eq!(next(&mut events).await["draft"]["content"], "theirs");
}

async fn closing_the_feed_ends_its_subscriptions(app: App) {
    let feed = prospect(&app).await;
    let mut events = subscribe(&app, &feed, EVERYTHING);
    begin(&app, &mut events).await;
    feed.close();
    let end = tokio::time::timeout(Duration::from_secs(5), events.next()).await;
    assert!(end.expect("the stream should end within 5 seconds").is_none());
}
