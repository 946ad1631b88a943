//! Notes about prospects.

use engine::{Role, Scope};
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{data, done, member, member_of, own, refused};

behaviours![
    only_the_author_changes_a_note,
    notes_are_checked,
    notes_follow_their_prospect,
    notes_of_the_local_user_have_no_author,
];

pub fn create(prospect: i64, content: &str, mentions: &[i64]) -> String {
    format!(
        "createProspectNote(input: {{ prospectId: {prospect}, content: {}, mentionIds: {mentions:?} }}) {{ prospectNote {{ id revision content author {{ id }} mentions {{ nodes {{ id }} }} }} userErrors {{ reason field }} }}",
        json!(content)
    )
}

pub fn edit(id: &str, arguments: &str) -> String {
    format!(
        "updateProspectNote(input: {{ id: \"{id}\" {arguments} }}) {{ prospectNote {{ revision content mentions {{ nodes {{ id }} }} }} userErrors {{ reason field }} }}"
    )
}

fn delete(id: &str) -> String {
    format!("deleteProspectNote(input: {{ id: \"{id}\" }}) {{ userErrors {{ reason field }} }}")
}

pub fn id(payload: &Value) -> String {
    payload["prospectNote"]["id"].as_str().unwrap().to_owned()
}

async fn people(app: &App) -> [Scope; 3] {
    app.world().await;
    [
        member(app, "ann", Role::Member).await,
        member(app, "bo", Role::Member).await,
        member(app, "admin", Role::Admin).await,
    ]
}

async fn only_the_author_changes_a_note(app: App) {
    let [ann, bo, admin] = people(&app).await;
    let made = done(&app, &ann, &create(1, "Call *back*\n in May", &[])).await;
    assert_eq!(made["prospectNote"]["author"]["id"], format!("Membership:{}", own(&ann)));
    let note = id(&made);
    for scope in [&bo, &admin] {
        let mutation = edit(&note, "content: \"Never\"");
        assert_eq!(refused(&app, scope, &mutation).await, ["AUTHOR_ONLY id"]);
    }
    assert_eq!(refused(&app, &bo, &delete(&note)).await, ["AUTHOR_ONLY id"]);
    let edited =
        done(&app, &ann, &edit(&note, "content: \"Call back\", expectedRevision: 1")).await;
    assert_eq!(edited["prospectNote"]["revision"], 2);
    assert_eq!(edited["prospectNote"]["content"], "Call back");
    let stale = edit(&note, "content: \"x\", expectedRevision: 1");
    assert_eq!(refused(&app, &ann, &stale).await, ["REVISION_CONFLICT expectedRevision"]);
    done(&app, &admin, &delete(&note)).await;
    let made = done(&app, &ann, &create(1, "Other", &[])).await;
    done(&app, &ann, &delete(&id(&made))).await;
    let left = app.data("{ prospect(id: 1) { notes { totalCount } } }").await;
    assert_eq!(left["prospect"]["notes"]["totalCount"], 0);
}

async fn notes_are_checked(app: App) {
    let [ann, bo, admin] = people(&app).await;
    let elsewhere = app.organization("elsewhere").await;
    let eve = member_of(&app, elsewhere, "eve", Role::Owner).await;
    let suspend =
        format!("suspendMember(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&bo));
    done(&app, &admin, &suspend).await;
    app.done("mutation { deleteProspect(input: { id: 2 }) { userErrors { message } } }").await;
    let many: Vec<i64> = (1..=51).collect();
    for (mutation, reason) in [
        (create(1, " \n", &[]), "VALUE_REQUIRED content"),
        (create(1, &"ü".repeat(10_001), &[]), "TEXT_TOO_LONG content"),
        (create(1, "a\0b", &[]), "CHARACTER_NOT_ALLOWED content"),
        (create(99, "x", &[]), "ROW_NOT_FOUND prospectId"),
        (create(2, "x", &[]), "ROW_DELETED prospectId"),
        (create(1, "x", &[own(&eve)]), "ROW_NOT_FOUND mentionIds"),
        (create(1, "x", &[own(&bo)]), "MEMBER_STATUS_CONFLICT mentionIds"),
        (create(1, "x", &many), "TOO_MANY_ITEMS mentionIds"),
    ] {
        assert_eq!(refused(&app, &ann, &mutation).await, [reason], "{}", &mutation[..80]);
    }
    assert_eq!(
        app.data("{ prospectNotes { totalCount } }").await["prospectNotes"]["totalCount"],
        0
    );
    done(&app, &ann, &create(1, &"ü".repeat(10_000), &[])).await;
    // Another organization has no such prospect and no such note.
    assert_eq!(refused(&app, &eve, &create(1, "x", &[])).await, ["ROW_NOT_FOUND prospectId"]);
    assert_eq!(
        refused(&app, &eve, &edit("ProspectNote:1", "content: \"x\"")).await,
        ["ROW_NOT_FOUND id"]
    );
    assert_eq!(
        data(&app, &eve, "{ prospectNotes { totalCount } }").await["prospectNotes"]["totalCount"],
        0
    );
}

async fn notes_follow_their_prospect(app: App) {
    let [ann, bo, _] = people(&app).await;
    done(&app, &ann, &create(2, "First", &[own(&bo)])).await;
    done(&app, &ann, &create(1, "Second", &[])).await;
    app.done(
        "mutation { mergeProspects(input: { keepId: 2, dropId: 1 }) { userErrors { message } } }",
    )
    .await;
    let notes = app.data("{ prospect(id: 1) { notes { nodes { content } } } }").await;
    assert_eq!(
        notes["prospect"]["notes"]["nodes"],
        json!([{ "content": "First" }, { "content": "Second" }])
    );
    let export = app
        .done("mutation { exportProspect(input: { id: 1 }) { export userErrors { message } } }")
        .await;
    assert_eq!(export["export"]["prospect_notes"].as_array().map(Vec::len), Some(2), "{export:#}");
    // Notes are hidden together with their prospect.
    app.done("mutation { deleteProspect(input: { id: 1 }) { userErrors { message } } }").await;
    assert_eq!(
        app.data("{ prospectNotes { totalCount } }").await["prospectNotes"]["totalCount"],
        0
    );
    app.done("mutation { eraseProspect(input: { id: 1 }) { userErrors { message } } }").await;
    assert_eq!(app.data("{ prospectNote(id: 1) { id } }").await["prospectNote"], Value::Null);
}

async fn notes_of_the_local_user_have_no_author(app: App) {
    let [ann, ..] = people(&app).await;
    let made = app.done(&format!("mutation {{ {} }}", create(1, "x", &[own(&ann)]))).await;
    assert_eq!(made["prospectNote"]["author"], Value::Null);
    let note = id(&made);
    assert_eq!(refused(&app, &ann, &edit(&note, "content: \"y\"")).await, ["AUTHOR_ONLY id"]);
    app.done(&format!("mutation {{ {} }}", edit(&note, "content: \"y\""))).await;
}
