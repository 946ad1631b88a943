//! Moves of many prospects in one mutation.

use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    prospects_are_moved_together,
    rejected_move_rejects_the_batch_or_is_skipped,
    concurrent_moves_in_opposite_order_do_not_deadlock,
];

const PAYLOAD: &str = "prospects { id company { name } } userErrors { reason field index }";

async fn people(app: &App, number: usize) {
    let industry = app.industry("Logistics").await;
    for name in ["Acme", "Beta"] {
        app.company(name, industry).await;
    }
    let people = (0..number).map(|number| {
        format!("{{ fullName: \"P{number}\", email: \"p{number}@acme.example\", companyId: 1 }}")
    });
    let people = people.collect::<Vec<_>>().join(", ");
    let create = format!(
        "mutation {{ createProspects(input: {{ prospects: [{people}] }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&create).await;
}

async fn moved(app: &App, input: &str) -> Value {
    let mutation = format!("mutation {{ moveProspects(input: {{ {input} }}) {{ {PAYLOAD} }} }}");
    app.data(&mutation).await["moveProspects"].take()
}

async fn counts(app: &App) -> Value {
    let query = "{ companies { nodes { prospectCount } } }";
    let nodes = app.data(query).await["companies"]["nodes"].take();
    let counts = nodes.as_array().unwrap().iter().map(|company| company["prospectCount"].clone());
    counts.collect()
}

async fn prospects_are_moved_together(app: App) {
    people(&app, 3).await;
    let input = "prospects: [{ id: 3, companyId: 2 }, { id: 1, companyId: 2, expectedRevision: 1 }], \
                 idempotencyKey: \"m\"";
    let row = |id: i64| json!({ "id": format!("Prospect:{id}"), "company": { "name": "Beta" } });
    let expected = json!({ "prospects": [row(3), row(1)], "userErrors": [] });
    assert_eq!(moved(&app, input).await, expected);
    assert_eq!(moved(&app, input).await, expected);
    assert_eq!(counts(&app).await, json!([1, 2]));
}

async fn rejected_move_rejects_the_batch_or_is_skipped(app: App) {
    people(&app, 3).await;
    let input = "prospects: [{ id: 1, companyId: 2 }, { id: 9, companyId: 2 }, { id: 2, companyId: 9 }, \
                 { id: 3, companyId: 2, expectedRevision: 5 }]";
    let errors = json!([
        { "reason": "ROW_NOT_FOUND", "field": "id", "index": 1 },
        { "reason": "ROW_NOT_FOUND", "field": "companyId", "index": 2 },
        { "reason": "REVISION_CONFLICT", "field": "expectedRevision", "index": 3 },
    ]);
    let refused = moved(&app, input).await;
    assert_eq!(refused, json!({ "prospects": null, "userErrors": errors }));
    assert_eq!(counts(&app).await, json!([3, 0]));
    let skipped = moved(&app, &format!("{input}, onError: SKIP_FAILED")).await;
    let row = json!({ "id": "Prospect:1", "company": { "name": "Beta" } });
    assert_eq!(skipped, json!({ "prospects": [row, null, null, null], "userErrors": errors }));
    assert_eq!(counts(&app).await, json!([2, 1]));
    let items = vec!["{ id: 1, companyId: 1 }"; 101].join(", ");
    let refused = moved(&app, &format!("prospects: [{items}]")).await;
    assert_eq!(refused["userErrors"][0]["reason"], "TOO_MANY_ITEMS");
}

async fn concurrent_moves_in_opposite_order_do_not_deadlock(app: App) {
    people(&app, 8).await;
    let list = |ids: &mut dyn Iterator<Item = i32>, company: i32| {
        let items: Vec<_> = ids.map(|id| format!("{{ id: {id}, companyId: {company} }}")).collect();
        format!("prospects: [{}]", items.join(", "))
    };
    let (up, down) = (list(&mut (1..=8), 1), list(&mut (1..=8).rev(), 2));
    let (up, down) = futures_util::join!(moved(&app, &up), moved(&app, &down));
    assert_eq!((&up["userErrors"], &down["userErrors"]), (&json!([]), &json!([])));
    let counts = counts(&app).await;
    assert!(counts == json!([8, 0]) || counts == json!([0, 8]), "{counts}");
}
