//! Batching of events that are ready at the same time.

use tests::{App, behaviours};

use super::feed::{draft, next, prospect, subscribe};

behaviours![rows_of_pending_events_are_read_in_batches];

async fn rows_of_pending_events_are_read_in_batches(app: App) {
    const COUNT: u64 = 60;
    let feed = prospect(&app).await;
    draft(&app, "first").await;
    app.settled().await;
    let last = app.data("{ changes(last: 1) { edges { cursor } } }").await;
    let cursor = last["changes"]["edges"][0]["cursor"].as_str().unwrap();
    for number in 0..COUNT {
        draft(&app, &number.to_string()).await;
    }
    app.settled().await;
    let before = app.store.statements();
    let query = format!(
        "subscription {{ outreachDraftCreated(after: \"{cursor}\") {{ change {{ kind }} a: draft {{ content \
         availableActions }} b: draft {{ prospect {{ fullName }} }} }} }}"
    );
    let mut events = subscribe(&app, &feed, &query);
    for number in 0..COUNT {
        let event = next(&mut events).await;
        assert_eq!(event["a"]["content"], number.to_string());
        assert_eq!(event["a"]["availableActions"][0], "EDIT");
        assert_eq!(event["b"]["prospect"]["fullName"], "Ada");
        assert_eq!(event["change"]["kind"], "CREATED");
    }
    // On a busy machine, a batch may expire before its last event is delivered; its rows are then read again.
    let statements = app.store.statements() - before;
    assert!(statements < COUNT, "{statements} statements for {COUNT} events");
}
