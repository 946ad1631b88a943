//! Subscription filters: rows that enter or leave the result set.

use tests::{App, behaviours};

use super::feed::{begin, next, nothing, prospect, subscribe};

behaviours![filter_reports_rows_that_enter_and_leave];

async fn filter_reports_rows_that_enter_and_leave(app: App) {
    let feed = prospect(&app).await;
    let filters = ["{ status: { eq: PENDING_REVIEW } }", r#"{ metadata: { has: "hot" } }"#, "{}"];
    let mut followed = Vec::new();
    for filter in filters {
        let query = format!(
            "subscription {{ outreachDraftChanged(filter: {filter}) {{ matchChange change {{ kind recordId }} }} }}"
        );
        let mut events = subscribe(&app, &feed, &query);
        begin(&app, &mut events).await;
        followed.push(events);
    }
    let create = |more: &str| {
        format!(
            r#"createOutreachDraft(input: {{ prospectId: 1, draftType: "x", content: "x" {more} }})"#
        )
    };
    let steps: [(String, [&[&str]; 3]); 7] = [
        (
            create("metadata: { hot: { a: 1 } }"),
            [&[], &["ENTERED CREATED OutreachDraft:1"], &["ENTERED CREATED OutreachDraft:1"]],
        ),
        (create(""), [&[], &[], &["ENTERED CREATED OutreachDraft:2"]]),
        (
            "submitOutreachDraft(input: { id: 1 })".to_owned(),
            [
                &["ENTERED UPDATED OutreachDraft:1"],
                &["UPDATED UPDATED OutreachDraft:1"],
                &["UPDATED UPDATED OutreachDraft:1"],
            ],
        ),
        (
            "updateOutreachDraft(input: { id: 2, patch: { metadata: { hot: { b: 1 } } } })"
                .to_owned(),
            [&[], &["ENTERED UPDATED OutreachDraft:2"], &["UPDATED UPDATED OutreachDraft:2"]],
        ),
        (
            "updateOutreachDraft(input: { id: 2, patch: { metadata: { cold: { b: 1 } } } })"
                .to_owned(),
            [&[], &["LEFT UPDATED OutreachDraft:2"], &["UPDATED UPDATED OutreachDraft:2"]],
        ),
        (
            "approveOutreachDraft(input: { id: 1, expectedRevision: 2 })".to_owned(),
            [
                &["LEFT UPDATED OutreachDraft:1"],
                &["UPDATED UPDATED OutreachDraft:1"],
                &["UPDATED UPDATED OutreachDraft:1"],
            ],
        ),
        // An erased draft is always reported as `LEFT`, to avoid revealing whether it matched the filter before.
        ("eraseProspect(input: { id: 1 })".to_owned(), [&ERASED, &ERASED, &ERASED]),
    ];
    for (mutation, expected) in steps {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ code message }} }} }}")).await;
        for (events, expected) in followed.iter_mut().zip(expected) {
            let mut seen = Vec::new();
            for _ in expected {
                let event = next(events).await;
                let parts =
                    [&event["matchChange"], &event["change"]["kind"], &event["change"]["recordId"]];
                seen.push(parts.map(|part| part.as_str().unwrap()).join(" "));
            }
            seen.sort_unstable();
            assert_eq!(seen, expected, "{mutation}");
            nothing(events).await;
        }
    }
}

const ERASED: [&str; 2] = ["LEFT ERASED OutreachDraft:1", "LEFT ERASED OutreachDraft:2"];
