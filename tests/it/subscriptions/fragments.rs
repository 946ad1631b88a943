//! Subscriptions whose root field is selected within fragments or more than once.

use std::time::Duration;

use engine::change_log::ChangeStream;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::feed::subscribe;

behaviours![
    root_field_in_a_fragment_receives_events,
    root_field_selected_twice_receives_each_event_once,
];

async fn receives_each_event_once(app: &App, query: &str) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    app.prospect("Ada", company).await;
    let feed = ChangeStream::new(app.store.clone());
    let mut events = subscribe(app, &feed, query);
    app.settled().await;
    let early = tokio::time::timeout(Duration::from_millis(60), events.next()).await;
    assert!(early.is_err(), "{early:?}");
    for content in ["one", "two"] {
        app.done(&format!(
            "mutation {{ createOutreachDraft(input: {{ prospectId: 1, draftType: \"initial\", \
             content: \"{content}\" }}) {{ userErrors {{ code }} }} }}"
        ))
        .await;
    }
    for (id, content) in [("OutreachDraft:1", "one"), ("OutreachDraft:2", "two")] {
        let response = tokio::time::timeout(Duration::from_secs(10), events.next()).await;
        let response = response
            .expect("an event should arrive within 10 seconds")
            .expect("the stream should not end");
        let answer: Value = serde_json::from_str(&graph::json_text::response(&response)).unwrap();
        let expected = json!({ "draft": { "id": id, "content": content } });
        assert_eq!(answer, json!({ "data": { "outreachDraftCreated": expected } }));
    }
}

async fn root_field_in_a_fragment_receives_events(app: App) {
    let query = "subscription { ...A ... { outreachDraftCreated { draft { content } } } } \
                 fragment A on Subscription { outreachDraftCreated { draft { id } } }";
    receives_each_event_once(&app, query).await;
}

async fn root_field_selected_twice_receives_each_event_once(app: App) {
    let query = "subscription { outreachDraftCreated { draft { id } } \
                 outreachDraftCreated { draft { content } } }";
    receives_each_event_once(&app, query).await;
}
