//! Rules that hold on every path on which the owner of a prospect changes.

use engine::Role;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};
use tests::{App, Engine, behaviours};

use super::{data, done, member, own, refused};

behaviours![
    an_upsert_changes_the_owner_like_an_assignment,
    a_batch_of_new_prospects_notifies_each_owner_once,
    suspended_accounts_get_no_work,
    merged_rows_take_no_part_in_transfers,
    a_round_robin_sees_a_concurrent_departure,
    a_merge_sees_a_concurrent_departure,
    members_who_succeed_each_other_depart_one_after_the_other,
    the_state_of_owners_is_consistent_after_every_mutation,
];

fn assign(prospects: &str, owner: i64) -> String {
    format!(
        "assignProspects(input: {{ prospects: [{prospects}], ownerId: {owner} }}) {{ prospects {{ owner {{ id status }} }} userErrors {{ reason field }} }}"
    )
}

fn upsert(owner: &str) -> String {
    format!(
        r#"upsertProspects(input: {{ prospects: [{{ fullName: "Ada", email: "ada@acme.example", companyId: 1 {owner} }}] }}) {{ prospects {{ owner {{ id }} }} userErrors {{ reason field }} }}"#
    )
}

/// The prospects whose open assignment is not that of their owner.
async fn inconsistent(app: &App) -> Vec<String> {
    let query = "{ prospects { nodes { id owner { id } assignments(filter: { unassignedAt: { isNull: true } }) { nodes { assignee { id } } } } } }";
    let data = app.data(query).await;
    let wrong = |node: &&Value| {
        let open = node["assignments"]["nodes"].as_array().unwrap();
        match open.as_slice() {
            [] => !node["owner"].is_null(),
            [one] => one["assignee"] != node["owner"],
            _ => true,
        }
    };
    let nodes = data["prospects"]["nodes"].as_array().unwrap();
    nodes.iter().filter(wrong).map(ToString::to_string).collect()
}

async fn notifications(app: &App, scope: &engine::Scope) -> Vec<String> {
    let data = data(app, scope, "{ notifications { nodes { message } } }").await;
    let nodes = data["notifications"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["message"].as_str().unwrap().to_owned()).collect()
}

async fn an_upsert_changes_the_owner_like_an_assignment(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    let admin = member(&app, "admin", Role::Admin).await;
    let owner = |scope| format!(", ownerId: {}", own(scope));
    for (owner, expected) in [
        (owner(&bo), Some(own(&bo))),
        (String::new(), Some(own(&bo))),
        (owner(&ann), Some(own(&ann))),
        (", ownerId: null".to_owned(), None),
        (owner(&bo), Some(own(&bo))),
    ] {
        let upserted = done(&app, &ann, &upsert(&owner)).await;
        let id = expected.map(|id| json!({ "id": format!("Membership:{id}") }));
        assert_eq!(upserted["prospects"][0]["owner"], id.unwrap_or(Value::Null), "{owner}");
        assert_eq!(inconsistent(&app).await, Vec::<String>::new(), "{owner}");
    }
    assert_eq!(notifications(&app, &bo).await.len(), 2);
    let remove =
        format!("suspendMember(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&ann));
    done(&app, &admin, &remove).await;
    assert_eq!(
        refused(&app, &admin, &upsert(&owner(&ann))).await,
        ["MEMBER_STATUS_CONFLICT ownerId"]
    );
}

async fn a_batch_of_new_prospects_notifies_each_owner_once(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    let items = (0..6).map(|number| {
        let owner = if number < 4 { own(&bo) } else { own(&ann) };
        // The last one is rejected.
        let email =
            if number == 3 { "no address".to_owned() } else { format!("p{number}@acme.example") };
        format!(r#"{{ fullName: "P", email: "{email}", companyId: 1, ownerId: {owner} }}"#)
    });
    let items: Vec<_> = items.collect();
    let create = format!(
        "createProspects(input: {{ prospects: [{}], onError: SKIP_FAILED }}) {{ prospects {{ id }} userErrors {{ reason }} }}",
        items.join(", ")
    );
    let answer = app.answer_in(ann.clone(), &format!("mutation {{ {create} }}")).await;
    assert_eq!(
        answer["data"]["createProspects"]["userErrors"].as_array().unwrap().len(),
        1,
        "{answer}"
    );
    assert_eq!(notifications(&app, &bo).await, ["3 prospects were assigned to you."]);
    assert!(notifications(&app, &ann).await.is_empty());
    assert_eq!(inconsistent(&app).await, Vec::<String>::new());
}

async fn suspended_accounts_get_no_work(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Admin).await, member(&app, "bo", Role::Member).await);
    done(&app, &ann, &assign("{ id: 1 }", own(&bo))).await;
    app.accounts.suspend_account("bo@example.com", None).await.unwrap();
    let conflict = |field: &str| vec![format!("MEMBER_STATUS_CONFLICT {field}")];
    assert_eq!(refused(&app, &ann, &assign("{ id: 2 }", own(&bo))).await, conflict("ownerId"));
    let turn = format!(
        "assignProspects(input: {{ prospects: [{{ id: 2 }}], roundRobin: {{ memberIds: [{}] }} }}) {{ userErrors {{ reason field }} }}",
        own(&bo)
    );
    assert_eq!(refused(&app, &ann, &turn).await, conflict("roundRobin"));
    let note = format!(
        "createProspectNote(input: {{ prospectId: 1, content: \"x\", mentionIds: [{}] }}) {{ userErrors {{ reason field }} }}",
        own(&bo)
    );
    assert_eq!(refused(&app, &ann, &note).await, conflict("mentionIds"));
    let transfer = format!(
        "transferProspects(input: {{ fromId: {}, toId: {} }}) {{ userErrors {{ reason field }} }}",
        own(&ann),
        own(&bo)
    );
    assert_eq!(refused(&app, &ann, &transfer).await, conflict("toId"));
    // The prospects of the account stay, also in a merge.
    app.done(
        "mutation { mergeProspects(input: { keepId: 2, dropId: 1 }) { userErrors { message } } }",
    )
    .await;
    let owner = app.data("{ prospect(id: 1) { owner { id } } }").await;
    assert_eq!(owner["prospect"]["owner"]["id"], format!("Membership:{}", own(&bo)));
}

async fn merged_rows_take_no_part_in_transfers(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Admin).await, member(&app, "bo", Role::Member).await);
    done(&app, &ann, &assign("{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }", own(&bo))).await;
    for (keep, drop) in [(1, 2), (4, 3)] {
        app.done(&format!("mutation {{ mergeProspects(input: {{ keepId: {keep}, dropId: {drop} }}) {{ userErrors {{ message }} }} }}")).await;
    }
    let transfer = |to: i64| {
        format!(
            "transferProspects(input: {{ fromId: {}, toId: {to} }}) {{ transferredProspects userErrors {{ reason field }} }}",
            own(&bo)
        )
    };
    assert_eq!(refused(&app, &ann, &transfer(own(&bo))).await, ["VALUE_INVALID toId"]);
    assert_eq!(done(&app, &ann, &transfer(own(&ann))).await["transferredProspects"], 2);
    assert_eq!(inconsistent(&app).await, Vec::<String>::new());
}

/// Makes `work` wait for a member whose membership ends in another transaction.
async fn while_leaving<T>(app: &App, member: i64, work: impl Future<Output = T>) -> T {
    let transaction = app.db.begin().await.unwrap();
    let leave = format!("UPDATE memberships SET status = 'left' WHERE id = {member}");
    transaction.execute_unprepared(&leave).await.unwrap();
    let (result, ()) = tokio::join!(work, async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        transaction.commit().await.unwrap();
    });
    result
}

async fn a_round_robin_sees_a_concurrent_departure(app: App) {
    if app.engine == Engine::Sqlite {
        // SQLite has a single writer.
        return;
    }
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    let turn = format!(
        "assignProspects(input: {{ prospects: [{{ id: 1 }}], roundRobin: {{ memberIds: [{}] }} }}) {{ userErrors {{ reason field }} }}",
        own(&bo)
    );
    let refused = while_leaving(&app, own(&bo), refused(&app, &ann, &turn)).await;
    assert_eq!(refused, ["MEMBER_STATUS_CONFLICT roundRobin"]);
}

async fn a_merge_sees_a_concurrent_departure(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    app.world().await;
    let bo = member(&app, "bo", Role::Member).await;
    done(&app, &bo, &assign("{ id: 2 }", own(&bo))).await;
    let merge =
        "mutation { mergeProspects(input: { keepId: 1, dropId: 2 }) { userErrors { message } } }";
    while_leaving(&app, own(&bo), app.done(merge)).await;
    let owner = app.data("{ prospect(id: 1) { owner { id } } }").await;
    assert_eq!(owner["prospect"]["owner"], Value::Null);
    assert_eq!(inconsistent(&app).await, Vec::<String>::new());
}

async fn members_who_succeed_each_other_depart_one_after_the_other(app: App) {
    app.world().await;
    let admin = member(&app, "admin", Role::Admin).await;
    for round in 0..3 {
        let one = member(&app, &format!("one{round}"), Role::Member).await;
        let two = member(&app, &format!("two{round}"), Role::Member).await;
        done(&app, &admin, &assign("{ id: 1 }", own(&one))).await;
        done(&app, &admin, &assign("{ id: 2 }", own(&two))).await;
        let remove = |from: &engine::Scope, to: &engine::Scope| {
            format!(
                "removeMember(input: {{ id: {}, successorId: {} }}) {{ userErrors {{ reason field }} }}",
                own(from),
                own(to)
            )
        };
        let (first, second) = (remove(&one, &two), remove(&two, &one));
        let (first, second) =
            tokio::join!(refused(&app, &admin, &first), refused(&app, &admin, &second));
        let mut refused = [first, second].concat();
        refused.sort_unstable();
        assert_eq!(refused, ["MEMBER_STATUS_CONFLICT successorId"]);
        assert_eq!(inconsistent(&app).await, Vec::<String>::new());
    }
}

async fn the_state_of_owners_is_consistent_after_every_mutation(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Owner).await, member(&app, "bo", Role::Member).await);
    let (a, b) = (own(&ann), own(&bo));
    for mutation in [
        assign("{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }", a),
        "deleteProspect(input: { id: 2 }) { userErrors { message } }".to_owned(),
        format!("transferProspects(input: {{ fromId: {a}, toId: {b} }}) {{ userErrors {{ message }} }}"),
        "restoreProspect(input: { id: 2 }) { userErrors { message } }".to_owned(),
        assign("{ id: 2 }", a),
        "mergeProspects(input: { keepId: 2, dropId: 1, dryRun: true }) { userErrors { message } }".to_owned(),
        "mergeProspects(input: { keepId: 2, dropId: 1 }) { userErrors { message } }".to_owned(),
        "moveProspect(input: { id: 3, companyId: 2 }) { userErrors { message } }".to_owned(),
        r#"updateProspect(input: { id: 3, patch: { location: "Rome" } }) { userErrors { message } }"#.to_owned(),
        "eraseProspect(input: { id: 4 }) { userErrors { message } }".to_owned(),
        format!("removeMember(input: {{ id: {b}, successorId: {a} }}) {{ userErrors {{ message }} }}"),
    ] {
        done(&app, &ann, &mutation).await;
        assert_eq!(inconsistent(&app).await, Vec::<String>::new(), "{mutation}");
    }
}
