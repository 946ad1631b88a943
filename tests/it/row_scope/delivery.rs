//! Subscriptions of restricted members.

use engine::{Scope, change_log::ChangeStream};
use serde_json::json;
use tests::{App, behaviours};

use super::{MARK, Staff, staff};
use crate::{
    ownership::{done, own},
    subscriptions::feed::{begin, next, nothing, subscribe_in},
};

behaviours![subscriptions_deliver_visible_rows_only, visibility_is_evaluated_at_delivery,];

fn assign(prospect: i64, owner: &Scope) -> String {
    format!(
        "assignProspects(input: {{ prospects: [{{ id: {prospect} }}], ownerId: {} }}) {{ userErrors {{ reason }} }}",
        own(owner)
    )
}

fn rename(prospect: i64, title: &str) -> String {
    format!(
        r#"updateProspect(input: {{ id: {prospect}, patch: {{ jobTitle: "{title}" }} }}) {{ userErrors {{ reason }} }}"#
    )
}

const DRAFTS: &str = "subscription { outreachDraftChanged { matchChange cursor change { recordId kind } draft { id content } } }";

fn edit(draft: i64, content: &str) -> String {
    format!(
        r#"updateOutreachDraft(input: {{ id: {draft}, patch: {{ content: "{content}" }} }}) {{ userErrors {{ reason }} }}"#
    )
}

/// A draft of prospect 4, and one of prospect 1, that can be edited.
async fn drafts(app: &App) -> (i64, i64) {
    (app.draft(4, None, "draft").await, app.draft(1, None, "draft").await)
}

async fn subscriptions_deliver_visible_rows_only(app: App) {
    let Staff { admin, dora, .. } = staff(&app).await;
    let (own, hidden) = drafts(&app).await;
    let feed = ChangeStream::new(app.store.clone());
    let mut all = subscribe_in(dora.clone(), &feed, DRAFTS);
    let filter = "outreachDraftChanged(filter: { content: { contains: \"new\" } })";
    let mut filtered =
        subscribe_in(dora.clone(), &feed, &DRAFTS.replace("outreachDraftChanged", filter));
    let mut changes = subscribe_in(
        dora.clone(),
        &feed,
        "subscription { changes { change { entity recordId } } }",
    );
    for stream in [&mut all, &mut filtered, &mut changes] {
        begin(&app, stream).await;
    }
    done(&app, &admin, &edit(hidden, &format!("{MARK} new"))).await;
    done(&app, &admin, &rename(1, MARK)).await;
    done(&app, &admin, &rename(2, "CTO")).await;
    app.settled().await;
    for stream in [&mut all, &mut filtered, &mut changes] {
        nothing(stream).await;
    }
    done(&app, &admin, &edit(own, "new")).await;
    let event = next(&mut all).await.clone();
    assert_eq!(event["draft"], json!({ "id": format!("OutreachDraft:{own}"), "content": "new" }));
    assert_eq!(next(&mut filtered).await["matchChange"], "ENTERED");
    assert_eq!(next(&mut changes).await["change"]["recordId"], format!("OutreachDraft:{own}"));
    done(&app, &admin, &edit(own, "old")).await;
    assert_eq!(next(&mut filtered).await["matchChange"], "LEFT");
    done(&app, &admin, &rename(4, "CEO")).await;
    next(&mut changes).await;
    assert_eq!(next(&mut changes).await["change"]["entity"], "PROSPECT");
}

/// A subscription that resumes after the prospect was assigned to another member receives nothing of its rows.
async fn visibility_is_evaluated_at_delivery(app: App) {
    let Staff { admin, dora, tom } = staff(&app).await;
    let (own, _) = drafts(&app).await;
    let feed = ChangeStream::new(app.store.clone());
    let changes = "subscription { changes { cursor change { entity kind } } }";
    let mut of_drafts = subscribe_in(dora.clone(), &feed, DRAFTS);
    let mut of_changes = subscribe_in(dora.clone(), &feed, changes);
    begin(&app, &mut of_drafts).await;
    begin(&app, &mut of_changes).await;
    done(&app, &admin, &edit(own, "First")).await;
    let first = next(&mut of_drafts).await["cursor"].clone();
    next(&mut of_changes).await;
    drop((of_drafts, of_changes));
    done(&app, &admin, &edit(own, "Second")).await;
    done(&app, &admin, &assign(4, &tom)).await;
    done(&app, &admin, &edit(own, "Third")).await;
    app.settled().await;
    for (query, field) in [(DRAFTS, "outreachDraftChanged"), (changes, "changes {")] {
        let name = field.trim_end_matches(" {");
        let resumed = query.replacen(name, &format!("{name}(after: {first})"), 1);
        let mut of_dora = subscribe_in(dora.clone(), &feed, &resumed);
        nothing(&mut of_dora).await;
        let mut of_tom = subscribe_in(tom.clone(), &feed, &resumed);
        assert!(next(&mut of_tom).await.is_object());
    }
    // An open subscription of the former owner ends to deliver, and that of the new owner begins.
    let mut of_dora = subscribe_in(dora.clone(), &feed, DRAFTS);
    let mut of_tom = subscribe_in(tom.clone(), &feed, DRAFTS);
    begin(&app, &mut of_dora).await;
    begin(&app, &mut of_tom).await;
    done(&app, &admin, &edit(own, "Fourth")).await;
    assert_eq!(next(&mut of_tom).await["draft"]["content"], "Fourth");
    nothing(&mut of_dora).await;
    done(&app, &admin, &assign(4, &dora)).await;
    done(&app, &admin, &edit(own, "Fifth")).await;
    assert_eq!(next(&mut of_dora).await["draft"]["content"], "Fifth");
    nothing(&mut of_tom).await;
}
