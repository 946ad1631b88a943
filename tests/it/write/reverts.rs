//! Reverts of changes.

use serde_json::{Value, json};
use tests::{App, behaviours};

behaviours![
    a_change_is_reverted_as_a_new_update,
    single_fields_are_reverted,
    later_changes_of_other_fields_stay,
    values_of_all_kinds_are_restored,
    reverts_are_validated,
    only_updates_can_be_reverted,
    a_revision_conflict_returns_the_current_row,
    changes_of_other_organizations_are_not_found,
    a_revert_requires_the_permission_to_update_the_row,
];

const PAYLOAD: &str = "node { id ... on Prospect { revision fullName location jobTitle } } \
                       userErrors { reason field message }";

async fn person(app: &App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    app.prospect("Ada", company).await;
}

async fn update(app: &App, patch: &str) {
    let update = format!(
        "mutation {{ updateProspect(input: {{ id: 1, patch: {{ {patch} }} }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&update).await;
}

/// The newest change of an entity.
async fn last(app: &App, entity: &str) -> Value {
    let query = format!(
        "{{ changes(filter: {{ entity: {{ eq: {entity} }} }}, last: 1) {{ nodes {{ id kind fields {{ name before after }} }} }} }}"
    );
    app.data(&query).await["changes"]["nodes"][0].take()
}

async fn revert(app: &App, change: &Value, rest: &str) -> Value {
    let mutation = format!(
        "mutation {{ revertChange(input: {{ changeId: {}{rest} }}) {{ {PAYLOAD} }} }}",
        change["id"]
    );
    app.data(&mutation).await["revertChange"].take()
}

async fn a_change_is_reverted_as_a_new_update(app: App) {
    person(&app).await;
    update(&app, "fullName: \"Ada Byron\", location: \"London\"").await;
    let change = last(&app, "PROSPECT").await;
    let reverted = revert(&app, &change, "").await;
    assert_eq!(
        reverted,
        json!({ "node": { "id": "Prospect:1", "revision": 3, "fullName": "Ada", "location": null, "jobTitle": null },
            "userErrors": [] })
    );
    let log = last(&app, "PROSPECT").await;
    assert_eq!(log["kind"], "UPDATED");
    let mut fields = log["fields"].as_array().unwrap().clone();
    fields.sort_by_key(|field| field["name"].as_str().unwrap().to_owned());
    assert_eq!(
        json!(fields),
        json!([{ "name": "fullName", "before": "Ada Byron", "after": "Ada" },
            { "name": "location", "before": "London", "after": null }])
    );
    // A revert of the revert.
    let again = revert(&app, &log, "").await;
    assert_eq!(again["node"]["fullName"], "Ada Byron");
    // A change whose values are current already writes nothing.
    let unchanged = revert(&app, &log, "").await;
    assert_eq!(unchanged["node"]["revision"], again["node"]["revision"]);
}

async fn single_fields_are_reverted(app: App) {
    person(&app).await;
    update(&app, "fullName: \"Ada Byron\", location: \"London\"").await;
    let change = last(&app, "PROSPECT").await;
    let reverted = revert(&app, &change, ", fields: [\"location\"]").await;
    assert_eq!(reverted["node"]["fullName"], "Ada Byron");
    assert_eq!(reverted["node"]["location"], json!(null));
    for (field, reason) in [
        ("jobTitle", "CHANGE_NOT_REVERTIBLE"),
        ("emailKey", "CHANGE_NOT_REVERTIBLE"),
        ("revision", "CHANGE_NOT_REVERTIBLE"),
        ("nothing", "VALUE_UNKNOWN"),
        ("companyId", "CHANGE_NOT_REVERTIBLE"),
    ] {
        let refused =
            revert(&app, &change, &format!(", fields: [\"fullName\", \"{field}\"]")).await;
        assert_eq!(refused["node"], json!(null), "{field}");
        assert_eq!(refused["userErrors"][0]["reason"], reason, "{field}");
        assert_eq!(refused["userErrors"][0]["field"], "fields.1", "{field}");
    }
}

async fn later_changes_of_other_fields_stay(app: App) {
    person(&app).await;
    update(&app, "location: \"London\"").await;
    let change = last(&app, "PROSPECT").await;
    update(&app, "jobTitle: \"Countess\", location: \"Paris\"").await;
    let reverted = revert(&app, &change, "").await;
    assert_eq!(reverted["node"]["jobTitle"], "Countess");
    assert_eq!(reverted["node"]["location"], json!(null));
}

async fn values_of_all_kinds_are_restored(app: App) {
    let create = r#"mutation { createEvent(input: { eventType: "fair", eventDate: "2026-06-01T09:00:00.123456Z",
        description: "d", location: "Berlin", targetRoles: ["CTO", 1] }) { event { id } userErrors { message } } }"#;
    app.done(create).await;
    let update = r#"mutation { updateEvent(input: { id: 1, patch: { eventDate: "2026-06-02T09:00:00Z", targetRoles: null,
        location: "Rome" } }) { userErrors { message } } }"#;
    app.done(update).await;
    let change = last(&app, "EVENT").await;
    let mutation = format!(
        "mutation {{ revertChange(input: {{ changeId: {} }}) {{ node {{ ... on Event {{ eventDate targetRoles location }} }} \
         userErrors {{ message }} }} }}",
        change["id"]
    );
    let reverted = app.done(&mutation).await["node"].take();
    assert_eq!(
        reverted,
        json!({ "eventDate": "2026-06-01T09:00:00.123456Z", "targetRoles": ["CTO", 1], "location": "Berlin" })
    );
}

async fn reverts_are_validated(app: App) {
    person(&app).await;
    update(&app, "email: \"ada@new.example\"").await;
    let change = last(&app, "PROSPECT").await;
    let before = change["fields"][0]["before"].as_str().unwrap().to_owned();
    let create = format!(
        "mutation {{ createProspect(input: {{ fullName: \"Other\", email: \"{before}\", companyId: 1 }}) {{ userErrors {{ message }} }} }}"
    );
    app.done(&create).await;
    let refused = revert(&app, &change, "").await;
    assert_eq!(refused["userErrors"][0]["reason"], "PROSPECT_EMAIL_TAKEN");
    assert_eq!(refused["userErrors"][0]["field"], "fields.email");
    app.done("mutation { deleteProspect(input: { id: 1 }) { userErrors { message } } }").await;
    let refused = revert(&app, &change, "").await;
    assert_eq!(refused["userErrors"][0]["reason"], "ROW_DELETED");
}

async fn only_updates_can_be_reverted(app: App) {
    person(&app).await;
    let create =
        r#"mutation { createIndustry(input: { name: "Banks" }) { userErrors { message } } }"#;
    app.done(create).await;
    let created = last(&app, "INDUSTRY").await;
    let refused = revert(&app, &created, "").await;
    assert_eq!(refused["userErrors"][0]["reason"], "CHANGE_NOT_REVERTIBLE");
    assert_eq!(refused["userErrors"][0]["field"], "changeId");
    app.done("mutation { advanceProspect(input: { id: 1, lifecycleStage: DISQUALIFIED }) { userErrors { message } } }").await;
    let stage = last(&app, "PROSPECT").await;
    let refused = revert(&app, &stage, "").await;
    assert_eq!(refused["userErrors"][0]["reason"], "CHANGE_NOT_REVERTIBLE");
    let missing = revert(&app, &json!({ "id": "Change:999" }), "").await;
    assert_eq!(missing["userErrors"][0]["reason"], "ROW_NOT_FOUND");
    assert_eq!(missing["userErrors"][0]["field"], "changeId");
}

async fn a_revision_conflict_returns_the_current_row(app: App) {
    person(&app).await;
    update(&app, "location: \"London\"").await;
    let change = last(&app, "PROSPECT").await;
    let refused = revert(&app, &change, ", expectedRevision: 1").await;
    assert_eq!(refused["userErrors"][0]["reason"], "REVISION_CONFLICT");
    assert_eq!(refused["node"]["location"], "London");
    let done = revert(&app, &change, ", expectedRevision: 2").await;
    assert_eq!(done["node"]["location"], json!(null));
}

async fn changes_of_other_organizations_are_not_found(app: App) {
    person(&app).await;
    update(&app, "location: \"London\"").await;
    let change = last(&app, "PROSPECT").await;
    let stranger = app.organization("stranger").await;
    let mutation = format!(
        "mutation {{ revertChange(input: {{ changeId: {} }}) {{ {PAYLOAD} }} }}",
        change["id"]
    );
    let answer = app.answer_to(stranger, &mutation, json!({})).await;
    assert_eq!(answer["data"]["revertChange"]["userErrors"][0]["reason"], "ROW_NOT_FOUND");
    let query = "{ prospect(id: 1) { location } }";
    assert_eq!(app.data(query).await["prospect"]["location"], "London");
}

async fn a_revert_requires_the_permission_to_update_the_row(app: App) {
    // Only owners and admins write settings.
    let query = "{ setting(id: 1) { value } }";
    let before = app.data(query).await["setting"]["value"].take();
    let update = r#"mutation { updateSetting(input: { id: 1, patch: { value: "b" } }) { userErrors { message } } }"#;
    app.done(update).await;
    let change = last(&app, "SETTING").await;
    let mutation = format!(
        "mutation {{ revertChange(input: {{ changeId: {} }}) {{ node {{ ... on Setting {{ value }} }} userErrors {{ reason }} }} }}",
        change["id"]
    );
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
    let (store, actor) = (app.store.clone(), engine::Actor::LocalUser);
    let member = engine::Scope::new(store, app.organization, actor, engine::Role::Member, clock);
    let request = async_graphql::Request::new(&mutation).data(member);
    let answer = api::schema::build().execute(request).await;
    assert_eq!(answer.errors.len(), 1, "{answer:?}");
    assert_eq!(app.data(query).await["setting"]["value"], "b");
    let reverted = app.done(&mutation).await;
    assert_eq!(reverted["node"]["value"], before);
}
