//! Actions on many drafts in one mutation.

use serde_json::{Value, json};
use tests::{App, behaviours};

use super::drafts::{person, written};

behaviours![
    each_draft_of_a_batch_gets_the_action,
    rejected_item_rejects_the_batch_or_is_skipped,
    repeated_batch_has_no_further_effect,
    concurrent_batches_in_opposite_order_do_not_deadlock,
    a_batch_has_at_most_100_items,
];

const PAYLOAD: &str = "outreachDrafts { id status } userErrors { code reason field index }";

async fn drafts(app: &App, number: usize) {
    written(app).await;
    for number in 2..=number {
        let create = format!(
            "mutation {{ createOutreachDraft(input: {{ prospectId: 1, draftType: \"initial\", content: \"{number}\" }}) \
             {{ userErrors {{ code }} }} }}"
        );
        app.done(&create).await;
    }
}

async fn batch(app: &App, act: &str, input: &str) -> Value {
    let mutation =
        format!("mutation {{ {act}OutreachDrafts(input: {{ {input} }}) {{ {PAYLOAD} }} }}");
    let answer = app.answer_by(person(), &mutation).await;
    answer["data"][format!("{act}OutreachDrafts")].clone()
}

async fn each_draft_of_a_batch_gets_the_action(app: App) {
    drafts(&app, 3).await;
    let rows = |status: &str, ids: &[i64]| {
        let rows =
            ids.iter().map(|id| json!({ "id": format!("OutreachDraft:{id}"), "status": status }));
        json!({ "outreachDrafts": rows.collect::<Vec<_>>(), "userErrors": [] })
    };
    let done = batch(&app, "submit", "drafts: [{ id: 3 }, { id: 1 }, { id: 2 }]").await;
    assert_eq!(done, rows("PENDING_REVIEW", &[3, 1, 2]));
    let approve = "drafts: [{ id: 1, expectedRevision: 2 }, { id: 2, expectedRevision: 2 }]";
    assert_eq!(batch(&app, "approve", approve).await, rows("APPROVED", &[1, 2]));
    let reject = "drafts: [{ id: 3, note: \"Too long\", expectedRevision: 2 }]";
    assert_eq!(batch(&app, "reject", reject).await, rows("REJECTED", &[3]));
    assert_eq!(batch(&app, "discard", "drafts: [{ id: 3 }]").await, rows("DISCARDED", &[3]));
    let told = app.data("{ outreachDraft(id: 3) { reviewNote } }").await;
    assert_eq!(told["outreachDraft"]["reviewNote"], "Too long");
}

async fn rejected_item_rejects_the_batch_or_is_skipped(app: App) {
    drafts(&app, 2).await;
    let input = "drafts: [{ id: 1 }, { id: \"Prospect:1\" }, { id: 2, expectedRevision: 7 }]";
    let errors = json!([
        { "code": "NOT_FOUND", "reason": "ROW_NOT_FOUND", "field": "id", "index": 1 },
        { "code": "CONFLICT", "reason": "REVISION_CONFLICT", "field": "expectedRevision", "index": 2 }
    ]);
    let refused = batch(&app, "submit", input).await;
    assert_eq!(refused, json!({ "outreachDrafts": null, "userErrors": errors }));
    let before = app.data("{ outreachDrafts { nodes { status } } }").await;
    assert_eq!(
        before["outreachDrafts"]["nodes"],
        json!([{ "status": "DRAFT" }, { "status": "DRAFT" }])
    );
    let skipped = batch(&app, "submit", &format!("{input}, onError: SKIP_FAILED")).await;
    let rows = json!([{ "id": "OutreachDraft:1", "status": "PENDING_REVIEW" }, null, null]);
    assert_eq!(skipped, json!({ "outreachDrafts": rows, "userErrors": errors }));
}

async fn repeated_batch_has_no_further_effect(app: App) {
    drafts(&app, 2).await;
    let input = "drafts: [{ id: 1 }, { id: 2 }], idempotencyKey: \"b1\"";
    let first = batch(&app, "submit", input).await;
    assert_eq!(first["userErrors"], json!([]));
    assert_eq!(batch(&app, "submit", input).await, first);
}

async fn concurrent_batches_in_opposite_order_do_not_deadlock(app: App) {
    drafts(&app, 8).await;
    let list = |ids: &mut dyn Iterator<Item = i32>| {
        let items: Vec<_> = ids.map(|id| format!("{{ id: {id} }}")).collect();
        format!("drafts: [{}], onError: SKIP_FAILED", items.join(", "))
    };
    let (up, down) = (list(&mut (1..=8)), list(&mut (1..=8).rev()));
    let (up, down) = futures_util::join!(batch(&app, "submit", &up), batch(&app, "submit", &down));
    let submitted = |payload: &Value| {
        let rows = payload["outreachDrafts"].as_array().unwrap();
        rows.iter().filter(|row| !row.is_null()).count()
    };
    assert_eq!(submitted(&up) + submitted(&down), 8, "{up} {down}");
}

async fn a_batch_has_at_most_100_items(app: App) {
    drafts(&app, 1).await;
    let items = vec!["{ id: 1 }"; 101].join(", ");
    let refused = batch(&app, "submit", &format!("drafts: [{items}]")).await;
    assert_eq!(refused["userErrors"][0]["reason"], "TOO_MANY_ITEMS");
}
