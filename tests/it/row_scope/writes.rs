//! Writes of restricted members.

use std::collections::BTreeMap;

use engine::Role;
use serde_json::{Value, json};
use tests::{App, behaviours, stored::stored};

use super::{MARK, Staff, staff};
use crate::{
    ownership::{data, done, member, own, refused},
    roots::requiring,
    write::replay::all_mutations,
};

behaviours![
    no_mutation_reaches_a_hidden_row,
    restricted_members_own_what_they_create,
    restricted_members_write_what_they_see,
    conflicts_with_hidden_rows_reveal_nothing,
    conflicts_with_hidden_rows_are_limited,
    notifications_of_hidden_notes_do_not_exist,
    hidden_companies_with_the_same_name_do_not_exist,
];

/// Every mutation of the product with the IDs of hidden rows: rows of prospects 1 and 3, and of the organization, do not
/// change, and no answer has a text of them.
async fn no_mutation_reaches_a_hidden_row(app: App) {
    let Staff { dora, .. } = staff(&app).await;
    let of_dora = |row: &Value| row["prospect_id"] == json!(4);
    let rows = async || -> BTreeMap<(String, i64), Value> {
        let mut rows = stored(&app).await;
        rows.retain(|(entity, key), row| !(of_dora(row) || (entity == "prospect" && *key == 4)));
        rows
    };
    let before = rows().await;
    let mut denied = 0;
    for mutation in all_mutations() {
        let query = format!("mutation {{ {mutation} {{ userErrors {{ reason message }} }} }}");
        let answer = app.answer_in(dora.clone(), &query).await;
        assert!(!answer.to_string().contains(MARK), "{mutation}\n{answer:#}");
        let now = rows().await;
        for (place, row) in &before {
            assert_eq!(now.get(place), Some(row), "{mutation}\n{answer:#}");
        }
        denied += usize::from(answer["errors"][0]["extensions"]["code"] == "FORBIDDEN");
    }
    assert!(denied < all_mutations().len());
    // The fields that require WRITE are those of prospects and of what belongs to them.
    for field in requiring("mutation", "WRITE") {
        let is_of_prospects = ["Prospect", "Interaction", "Draft", "Template", "revert"]
            .iter()
            .any(|word| field.contains(word));
        assert!(is_of_prospects, "{field}");
    }
}

const CREATE: &str = r#"createProspect(input: { fullName: "Eve", email: "eve@new.example", company: { name: "New", website: "https://new.example", size: "10", industryId: 1 } }) { prospect { id owner { id } company { id name prospectCount } } userErrors { reason field message } }"#;

async fn restricted_members_own_what_they_create(app: App) {
    let Staff { admin, dora, tom } = staff(&app).await;
    let made = done(&app, &dora, CREATE).await["prospect"].clone();
    assert_eq!(made["owner"]["id"], format!("Membership:{}", own(&dora)));
    assert_eq!(
        (&made["company"]["name"], &made["company"]["prospectCount"]),
        (&json!("New"), &json!(1))
    );
    let list = "{ prospects { totalCount } companies { totalCount } }";
    let counts = |number: i64| json!({ "prospects": { "totalCount": number }, "companies": { "totalCount": number } });
    assert_eq!(data(&app, &dora, list).await, counts(2));
    assert_eq!(data(&app, &tom, list).await, counts(1));
    let mine = format!("companyId: 2, ownerId: {}", own(&dora));
    let create = |more: &str| {
        format!(
            r#"createProspect(input: {{ fullName: "Fay", email: "fay@new.example", {more} }}) {{ prospect {{ id }} userErrors {{ reason field }} }}"#
        )
    };
    done(&app, &dora, &create(&mine)).await;
    // They assign prospects neither to others nor to teams, and create nothing else.
    let create = |more: &str| create(more).replace("fay@", "gil@");
    for mutation in [
        create(&format!("companyId: 2, ownerId: {}", own(&tom))),
        create("companyId: 2, teamId: 1"),
        create(r#"company: { name: "Other", size: "1", industry: { name: "Other" } }"#),
        create(
            r#"company: { name: "bank & Sons", size: "77", industryId: 1, website: "https://bank.example" }"#,
        ),
        format!(
            r#"upsertProspects(input: {{ prospects: [{{ fullName: "Eve", email: "eve@new.example", companyId: 2, ownerId: {} }}] }}) {{ prospects {{ id }} userErrors {{ reason }} }}"#,
            own(&admin)
        ),
    ] {
        let before = stored(&app).await.len();
        let answer = app.answer_in(dora.clone(), &format!("mutation {{ {mutation} }}")).await;
        let payload = answer["data"].as_object().and_then(|data| data.values().next());
        let is_denied = answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            || payload
                .is_some_and(|payload| payload["userErrors"][0]["reason"] == "PERMISSION_MISSING");
        let is_created = answer["data"]["createProspect"]["prospect"]["id"].is_string();
        assert!(is_denied || mutation.contains("bank.example"), "{mutation}\n{answer:#}");
        assert_eq!(stored(&app).await.len() > before, is_created, "{mutation}");
    }
    // The hidden company keeps its values.
    let bank = "{ company(id: 2) { size } }";
    assert_ne!(data(&app, &admin, bank).await["company"]["size"], "77");
}

async fn restricted_members_write_what_they_see(app: App) {
    let Staff { dora, tom, .. } = staff(&app).await;
    let update = |id: i64| {
        format!(
            r#"updateProspect(input: {{ id: {id}, patch: {{ jobTitle: "CTO" }} }}) {{ prospect {{ jobTitle }} userErrors {{ reason field }} }}"#
        )
    };
    let log = |id: i64| {
        format!(
            r#"logInteraction(input: {{ prospectId: {id}, interactionType: "call", subject: "Hello", content: "Hi" }}) {{ interaction {{ subject }} userErrors {{ reason field }} }}"#
        )
    };
    assert_eq!(done(&app, &dora, &update(4)).await["prospect"]["jobTitle"], "CTO");
    assert_eq!(done(&app, &tom, &update(2)).await["prospect"]["jobTitle"], "CTO");
    assert_eq!(done(&app, &dora, &log(4)).await["interaction"]["subject"], "Hello");
    for (scope, id) in [(&dora, 2), (&dora, 1), (&tom, 4), (&tom, 99)] {
        assert_eq!(refused(&app, scope, &update(id)).await, ["ROW_NOT_FOUND id"]);
        assert_eq!(refused(&app, scope, &log(id)).await, ["ROW_NOT_FOUND prospectId"]);
    }
    let delete = "deleteProspect(input: { id: 4 }) { userErrors { reason } }";
    done(&app, &dora, delete).await;
    let deleted =
        data(&app, &dora, "{ prospect(id: 4) { deletedAt } prospects { totalCount } }").await;
    assert!(deleted["prospect"]["deletedAt"].is_string(), "{deleted}");
    assert_eq!(deleted["prospects"]["totalCount"], 0);
    done(&app, &dora, "restoreProspect(input: { id: 4 }) { userErrors { reason } }").await;
}

async fn notifications_of_hidden_notes_do_not_exist(app: App) {
    let Staff { admin, dora, .. } = staff(&app).await;
    for prospect in [1, 4] {
        let note = format!(
            "createProspectNote(input: {{ prospectId: {prospect}, content: \"x\", mentionIds: [{}] }}) {{ userErrors {{ reason }} }}",
            own(&dora)
        );
        done(&app, &admin, &note).await;
    }
    let list = "{ notifications(filter: { kind: { eq: MENTION } }) { nodes { id readAt } } }";
    let seen = data(&app, &dora, list).await["notifications"]["nodes"].clone();
    assert_eq!(seen.as_array().unwrap().len(), 1, "{seen}");
    let mentions: Vec<i64> = stored(&app)
        .await
        .into_iter()
        .filter(|((entity, _), row)| entity == "notification" && row["kind"] == "mention")
        .map(|((_, key), _)| key)
        .collect();
    for key in mentions.iter().filter(|key| seen[0]["id"] != format!("Notification:{key}")) {
        for action in ["markNotificationsRead", "dismissNotifications"] {
            let mark =
                format!("{action}(input: {{ ids: [{key}] }}) {{ userErrors {{ reason field }} }}");
            assert_eq!(refused(&app, &dora, &mark).await, ["ROW_NOT_FOUND ids"]);
        }
    }
    let all = "markNotificationsRead(input: {}) { markedNotifications userErrors { reason } }";
    let unread = data(&app, &dora, "{ notifications { totalCount } }").await;
    let marked = done(&app, &dora, all).await["markedNotifications"].clone();
    assert_eq!(marked, unread["notifications"]["totalCount"]);
    // When the prospect is assigned to the member, the notification is unread.
    let assign = format!(
        "assignProspects(input: {{ prospects: [{{ id: 1 }}], ownerId: {} }}) {{ userErrors {{ reason }} }}",
        own(&dora)
    );
    done(&app, &admin, &assign).await;
    let seen = data(&app, &dora, list).await["notifications"]["nodes"].clone();
    let unread = seen.as_array().unwrap().iter().filter(|one| one["readAt"].is_null()).count();
    assert_eq!((seen.as_array().unwrap().len(), unread), (2, 1), "{seen}");
}

/// Names of companies without a website are compared with visible companies only.
async fn hidden_companies_with_the_same_name_do_not_exist(app: App) {
    let Staff { admin, dora, .. } = staff(&app).await;
    let create = |name: &str, email: &str| {
        format!(
            r#"createProspect(input: {{ fullName: "Eve", email: "{email}@new.example", company: {{ name: "{name}", size: "10", industryId: 1 }} }}) {{ prospect {{ company {{ id }} }} userErrors {{ reason field }} }}"#
        )
    };
    let company = async |scope, email: &str| {
        done(&app, scope, &create("Twin", email)).await["prospect"]["company"]["id"].clone()
    };
    let hidden = company(&admin, "a").await;
    let own = company(&dora, "b").await;
    assert_ne!(own, hidden);
    assert_eq!(company(&dora, "c").await, own);
    // A visible company is used as it is; other values would change it.
    let other = create("Twin", "d").replace("size: \"10\"", "size: \"99\"");
    assert_eq!(refused(&app, &dora, &other).await, ["PERMISSION_MISSING company"]);
}

const FIXED: &str = "VALUE_NOT_AVAILABLE - a value that must be unique is not available; ask a member who can see all prospects";

/// The user errors of a mutation.
async fn errors(app: &App, scope: &engine::Scope, mutation: &str) -> Vec<String> {
    let answer = app.answer_in(scope.clone(), &format!("mutation {{ {mutation} }}")).await;
    let payload = answer["data"]
        .as_object()
        .unwrap_or_else(|| panic!("{mutation}\n{answer:#}"))
        .values()
        .next()
        .unwrap()
        .clone();
    let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or("-").to_owned();
    let line = |error: &Value| {
        format!("{} {} {}", text(error, "reason"), text(error, "field"), text(error, "message"))
    };
    errors.iter().map(line).collect()
}

async fn conflicts_with_hidden_rows_reveal_nothing(app: App) {
    let Staff { admin, dora, .. } = staff(&app).await;
    let website = r#"updateCompany(input: { id: 1, patch: { website: "https://acme.example" } }) { userErrors { reason } }"#;
    done(&app, &admin, website).await;
    let before = stored(&app).await;
    let all = "userErrors { reason field message }";
    let company = |text: &str| {
        format!(
            r#"createProspect(input: {{ fullName: "Gus", email: "gus@new.example", company: {{ name: "Acme", size: "1", industryId: 1, {text} }} }}) {{ {all} }}"#
        )
    };
    let email =
        data(&app, &admin, "{ prospect(id: 1) { email } }").await["prospect"]["email"].clone();
    for mutation in [
        format!(
            r#"createProspect(input: {{ fullName: "Gus", email: {email}, companyId: 2 }}) {{ {all} }}"#
        ),
        format!("updateProspect(input: {{ id: 4, patch: {{ email: {email} }} }}) {{ {all} }}"),
        format!(
            r#"upsertProspects(input: {{ prospects: [{{ fullName: "Gus", email: {email}, companyId: 2 }}], onError: SKIP_FAILED }}) {{ {all} }}"#
        ),
        format!(
            r#"upsertProspects(input: {{ prospects: [{{ fullName: "Gus", email: {email}, companyId: 2 }}] }}) {{ {all} }}"#
        ),
        company(r#"website: "https://www.acme.example/about""#),
    ] {
        assert_eq!(errors(&app, &dora, &mutation).await, [FIXED], "{mutation}");
        assert_eq!(stored(&app).await, before, "{mutation}");
    }
    // The error of another member names the row, and so does that of its owner.
    let visible = errors(&app, &admin, &format!(r#"createProspect(input: {{ fullName: "Gus", email: {email}, companyId: 2 }}) {{ {all} }}"#)).await;
    assert!(visible[0].contains("Prospect:1"), "{visible:?}");
    let own_email =
        data(&app, &dora, "{ prospect(id: 4) { email } }").await["prospect"]["email"].clone();
    let visible = errors(&app, &dora, &format!(r#"createProspect(input: {{ fullName: "Gus", email: {own_email}, companyId: 2 }}) {{ {all} }}"#)).await;
    assert!(visible[0].contains("Prospect:4"), "{visible:?}");
}

async fn conflicts_with_hidden_rows_are_limited(app: App) {
    let Staff { dora, .. } = staff(&app).await;
    let eve = member(&app, "eve", Role::Restricted).await;
    let email = app.data("{ prospect(id: 1) { email } }").await["prospect"]["email"].clone();
    let create = |email: &Value| {
        format!(
            r#"createProspect(input: {{ fullName: "Gus", email: {email}, companyId: 2 }}) {{ prospect {{ id }} userErrors {{ reason field message }} }}"#
        )
    };
    for _ in 0..20 {
        assert_eq!(errors(&app, &dora, &create(&email)).await, [FIXED]);
    }
    // Afterwards, an available value gets the same answer as one that is not.
    for value in [&email, &json!("free@new.example")] {
        let query = format!("mutation {{ {} }}", create(value));
        let answer = app.answer_in(dora.clone(), &query).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{answer:#}");
        assert_eq!(answer["errors"][0]["extensions"]["reason"], "RATE_LIMIT_EXCEEDED");
    }
    // The limit is that of one member, and ends after an hour.
    assert_eq!(errors(&app, &eve, &create(&email)).await.len(), 1);
    app.clock.advance(chrono::TimeDelta::minutes(61));
    done(&app, &dora, &create(&json!("free@new.example"))).await;
}
