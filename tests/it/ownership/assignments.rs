//! Assignments of prospects: owners, their history, and the round robin.

use std::collections::BTreeSet;

use engine::Role;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{data, done, member, member_of, own, refused};

behaviours![
    assignment_keeps_the_history_of_owners,
    rejected_items_are_reported_and_nothing_else_changes,
    only_active_members_of_the_organization_own_prospects,
    round_robin_continues_after_the_newest_assignment,
    round_robin_takes_active_members_who_write,
    concurrent_assignments_leave_one_open_assignment,
    merged_prospects_have_one_open_assignment,
    a_prospect_is_created_with_an_owner,
    owners_can_be_filtered_grouped_and_read_in_few_statements,
    the_work_list_of_an_owner,
];

const HISTORY: &str =
    "assignments { nodes { assignee { id } assignedBy { id } assignedAt unassignedAt } }";

fn assign(prospects: &[i64], arguments: &str) -> String {
    let items: Vec<_> = prospects.iter().map(|id| format!("{{ id: {id} }}")).collect();
    format!(
        "assignProspects(input: {{ prospects: [{}] {arguments} }}) {{ prospects {{ id owner {{ id }} }} userErrors {{ reason field index }} }}",
        items.join(", ")
    )
}

/// The owner of each of these prospects.
async fn owners(app: &App, prospects: &[i64]) -> Vec<Option<i64>> {
    let mut owners = Vec::new();
    for id in prospects {
        let data = app.data(&format!("{{ prospect(id: {id}) {{ owner {{ id }} }} }}")).await;
        let owner = data["prospect"]["owner"]["id"].as_str();
        owners.push(owner.and_then(|id| id.strip_prefix("Membership:")?.parse().ok()));
    }
    owners
}

async fn assignment_keeps_the_history_of_owners(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    let to = |scope| format!("ownerId: {}", own(scope));
    done(&app, &ann, &assign(&[1, 2], &to(&ann))).await;
    app.clock.advance(chrono::TimeDelta::hours(1));
    done(&app, &ann, &assign(&[1], &to(&bo))).await;
    // An assignment to the owner changes nothing.
    app.clock.advance(chrono::TimeDelta::hours(1));
    done(&app, &bo, &assign(&[1], &to(&bo))).await;
    assert_eq!(refused(&app, &bo, &assign(&[2], "")).await, ["VALUE_REQUIRED ownerId"]);
    done(&app, &bo, &assign(&[2], "ownerId: null")).await;
    let data = app.data(&format!("{{ one: prospect(id: 1) {{ owner {{ id }} revision {HISTORY} }} two: prospect(id: 2) {{ owner {{ id }} {HISTORY} }} }}")).await;
    let id = |scope| json!({ "id": format!("Membership:{}", own(scope)) });
    assert_eq!(data["one"]["owner"], id(&bo));
    assert_eq!(data["one"]["revision"], 3);
    assert_eq!(
        data["one"]["assignments"]["nodes"],
        json!([
            { "assignee": id(&ann), "assignedBy": id(&ann), "assignedAt": "2026-03-01T12:00:00Z", "unassignedAt": "2026-03-01T13:00:00Z" },
            { "assignee": id(&bo), "assignedBy": id(&ann), "assignedAt": "2026-03-01T13:00:00Z", "unassignedAt": null },
        ])
    );
    assert_eq!(data["two"]["owner"], Value::Null);
    assert_eq!(data["two"]["assignments"]["nodes"][0]["unassignedAt"], "2026-03-01T14:00:00Z");
    let changes = app
        .data("{ changes(filter: { entity: { eq: PROSPECT } }) { nodes { fields { name before after } } } }")
        .await;
    let named = |node: &Value| node["fields"][0]["name"] == "ownerId";
    assert!(changes["changes"]["nodes"].as_array().unwrap().iter().any(named), "{changes:#}");
}

async fn rejected_items_are_reported_and_nothing_else_changes(app: App) {
    app.world().await;
    let ann = member(&app, "ann", Role::Member).await;
    app.done("mutation { deleteProspect(input: { id: 2 }) { userErrors { message } } }").await;
    let to = format!("ownerId: {}", own(&ann));
    let mutation = assign(&[1, 2, 99], &to);
    assert_eq!(refused(&app, &ann, &mutation).await, ["ROW_DELETED id", "ROW_NOT_FOUND id"]);
    assert_eq!(owners(&app, &[1]).await, [None]);
    let skipped = assign(&[1, 2, 99, 1], &format!("{to} onError: SKIP_FAILED"));
    let answer = app.answer_in(ann.clone(), &format!("mutation {{ {skipped} }}")).await;
    let payload = &answer["data"]["assignProspects"];
    let indexes: Vec<_> = payload["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["index"].clone())
        .collect();
    assert_eq!(indexes, [1, 2], "{answer:#}");
    assert_eq!(payload["prospects"][0], payload["prospects"][3]);
    assert_eq!(owners(&app, &[1, 3]).await, [Some(own(&ann)), None]);
    let stale = format!(
        "assignProspects(input: {{ prospects: [{{ id: 3, expectedRevision: 7 }}] {to} }}) {{ userErrors {{ reason field }} }}"
    );
    assert_eq!(refused(&app, &ann, &stale).await, ["REVISION_CONFLICT expectedRevision"]);
    let both = assign(&[3], &format!("{to} roundRobin: {{}}"));
    assert_eq!(refused(&app, &ann, &both).await, ["ARGUMENTS_EXCLUSIVE ownerId"]);
    let many: Vec<i64> = (1..=101).collect();
    assert_eq!(refused(&app, &ann, &assign(&many, &to)).await, ["TOO_MANY_ITEMS prospects"]);
}

async fn only_active_members_of_the_organization_own_prospects(app: App) {
    app.world().await;
    let ann = member(&app, "ann", Role::Owner).await;
    let bo = member(&app, "bo", Role::Member).await;
    let elsewhere = app.organization("elsewhere").await;
    let eve = member_of(&app, elsewhere, "eve", Role::Owner).await;
    for foreign in [own(&eve).to_string(), "99".to_owned(), "\"Prospect:1\"".to_owned()] {
        let mutation = assign(&[1], &format!("ownerId: {foreign}"));
        assert_eq!(refused(&app, &ann, &mutation).await, ["ROW_NOT_FOUND ownerId"], "{foreign}");
    }
    // Prospects of another organization do not exist for its members.
    let mutation = assign(&[1], &format!("ownerId: {}", own(&eve)));
    assert_eq!(refused(&app, &eve, &mutation).await, ["ROW_NOT_FOUND id"]);
    for action in ["suspendMember", "removeMember"] {
        let act = format!("{action}(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&bo));
        done(&app, &ann, &act).await;
        let mutation = assign(&[1], &format!("ownerId: {}", own(&bo)));
        assert_eq!(refused(&app, &ann, &mutation).await, ["MEMBER_STATUS_CONFLICT ownerId"]);
    }
    assert_eq!(owners(&app, &[1]).await, [None]);
}

async fn round_robin_continues_after_the_newest_assignment(app: App) {
    app.world().await;
    let ann = member(&app, "ann", Role::Member).await;
    let bo = member(&app, "bo", Role::Admin).await;
    let cy = member(&app, "cy", Role::Member).await;
    let [a, b, c] = [own(&ann), own(&bo), own(&cy)].map(Some);
    let pool = format!("roundRobin: {{ memberIds: [{}, {}, {}] }}", own(&cy), own(&bo), own(&ann));
    done(&app, &ann, &assign(&[1, 2], &pool)).await;
    assert_eq!(owners(&app, &[1, 2]).await, [a, b]);
    // The clock stands still: the order of assignments decides.
    done(&app, &ann, &assign(&[3, 4], &pool)).await;
    assert_eq!(owners(&app, &[3, 4]).await, [c, a]);
    let five = app.prospect("Eli", 1).await;
    let six = app.prospect("Flo", 1).await;
    let of = format!("roundRobin: {{ memberIds: [{}, {}] }}", own(&cy), own(&ann));
    done(&app, &ann, &assign(&[five, six], &of)).await;
    assert_eq!(owners(&app, &[five, six]).await, [c, a]);
}

async fn round_robin_takes_active_members_who_write(app: App) {
    app.world().await;
    let ann = member(&app, "ann", Role::Owner).await;
    let reader = member(&app, "reader", Role::Analyst).await;
    let away = member(&app, "away", Role::Member).await;
    let team = done(
        &app,
        &ann,
        r#"createTeam(input: { name: "North" }) { team { id } userErrors { message } }"#,
    )
    .await;
    let team = team["team"]["id"].as_str().unwrap().to_owned();
    let suspend =
        format!("suspendMember(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&away));
    done(&app, &ann, &suspend).await;
    // The analyst and the suspended member get nothing. `world` has another member.
    done(&app, &ann, &assign(&[1, 2, 3], "roundRobin: {}")).await;
    for owner in owners(&app, &[1, 2, 3]).await {
        assert!(owner != Some(own(&reader)) && owner != Some(own(&away)) && owner.is_some());
    }
    let team_of = format!("roundRobin: {{ teamId: \"{team}\" }}");
    let named = |ids: &str| format!("roundRobin: {{ memberIds: [{ids}] }}");
    for (pool, expected) in [
        (team_of.clone(), "MEMBER_STATUS_CONFLICT roundRobin"),
        (named(&own(&reader).to_string()), "MEMBER_STATUS_CONFLICT roundRobin"),
        (named(&format!("{}, {}", own(&ann), own(&away))), "MEMBER_STATUS_CONFLICT roundRobin"),
        (named(""), "VALUE_REQUIRED roundRobin"),
        (
            format!("roundRobin: {{ teamId: \"{team}\", memberIds: [{}] }}", own(&ann)),
            "ARGUMENTS_EXCLUSIVE roundRobin",
        ),
        ("roundRobin: { teamId: 99 }".to_owned(), "ROW_NOT_FOUND roundRobin.teamId"),
    ] {
        assert_eq!(refused(&app, &ann, &assign(&[4], &pool)).await, [expected], "{pool}");
    }
    let join = format!(
        "addTeamMember(input: {{ teamId: \"{team}\", membershipId: {} }}) {{ userErrors {{ message }} }}",
        own(&ann)
    );
    done(&app, &ann, &join).await;
    done(&app, &ann, &assign(&[4], &team_of)).await;
    assert_eq!(owners(&app, &[4]).await, [Some(own(&ann))]);
}

async fn concurrent_assignments_leave_one_open_assignment(app: App) {
    app.world().await;
    let mut members = Vec::new();
    for name in ["ann", "bo", "cy", "di"] {
        members.push(member(&app, name, Role::Member).await);
    }
    let all = members.iter().flat_map(|scope| {
        let to = format!("ownerId: {}", own(scope));
        let mutations = [assign(&[1, 2, 3, 4], &to), assign(&[4, 3, 2, 1], "roundRobin: {}")];
        mutations.map(|mutation| (scope, mutation))
    });
    let app = &app;
    let all = all.map(|(scope, mutation)| async move { done(app, scope, &mutation).await });
    futures_util::future::join_all(all).await;
    let data = app.data("{ prospects { nodes { owner { id } assignments(first: 100) { nodes { assignee { id } unassignedAt } } } } }").await;
    for node in data["prospects"]["nodes"].as_array().unwrap() {
        let open: Vec<_> = node["assignments"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["unassignedAt"].is_null())
            .map(|one| one["assignee"].clone())
            .collect();
        assert_eq!(open, std::slice::from_ref(&node["owner"]));
    }
}

async fn merged_prospects_have_one_open_assignment(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    // Kept with an owner, kept without one, and the older row dropped.
    for (keep, drop, owners_of, expected) in
        [(1, 2, [Some(&ann), Some(&bo)], &ann), (3, 4, [None, Some(&bo)], &bo)]
    {
        for (prospect, owner) in [keep, drop].into_iter().zip(owners_of) {
            if let Some(owner) = owner {
                done(&app, &ann, &assign(&[prospect], &format!("ownerId: {}", own(owner)))).await;
            }
        }
        let merge = format!(
            "mutation {{ mergeProspects(input: {{ keepId: {keep}, dropId: {drop} }}) {{ userErrors {{ message }} }} }}"
        );
        app.done(&merge).await;
        let survivor = keep.min(drop);
        assert_eq!(owners(&app, &[survivor]).await, [Some(own(expected))]);
        open_matches_owner(&app, survivor).await;
    }
    let merge =
        "mutation { mergeProspects(input: { keepId: 3, dropId: 1 }) { userErrors { message } } }";
    app.done(merge).await;
    assert_eq!(owners(&app, &[1]).await, [Some(own(&bo))]);
    open_matches_owner(&app, 1).await;
}

async fn open_matches_owner(app: &App, prospect: i64) {
    let query = format!(
        "{{ prospect(id: {prospect}) {{ owner {{ id }} assignments(filter: {{ unassignedAt: {{ isNull: true }} }}) {{ nodes {{ assignee {{ id }} }} }} }} }}"
    );
    let data = app.data(&query).await;
    let open = data["prospect"]["assignments"]["nodes"].as_array().unwrap();
    assert_eq!(open.len(), 1, "{data:#}");
    assert_eq!(open[0]["assignee"], data["prospect"]["owner"]);
}

async fn a_prospect_is_created_with_an_owner(app: App) {
    app.world().await;
    let ann = member(&app, "ann", Role::Member).await;
    let create = |email: &str, owner: &str| {
        format!(
            r#"createProspect(input: {{ fullName: "Eli", email: "{email}@acme.example", companyId: 1, ownerId: {owner} }}) {{ prospect {{ id owner {{ id }} }} userErrors {{ reason field }} }}"#
        )
    };
    let own_id = own(&ann).to_string();
    let made = done(&app, &ann, &create("eli", &own_id)).await;
    assert_eq!(made["prospect"]["owner"]["id"], format!("Membership:{own_id}"));
    let id = made["prospect"]["id"].as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap();
    open_matches_owner(&app, id).await;
    assert_eq!(refused(&app, &ann, &create("flo", "99")).await, ["ROW_NOT_FOUND ownerId"]);
    // The owner of an existing prospect changes with `assignProspects` only.
    let patch = "updateProspect(input: { id: 1, patch: { ownerId: 1 } }) { userErrors { reason } }";
    let answer = app.answer_in(ann.clone(), &format!("mutation {{ {patch} }}")).await;
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("ownerId"), "{answer:#}");
}

async fn owners_can_be_filtered_grouped_and_read_in_few_statements(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    done(&app, &ann, &assign(&[1, 2], &format!("ownerId: {}", own(&ann)))).await;
    done(&app, &ann, &assign(&[3], &format!("ownerId: {}", own(&bo)))).await;
    let of = |filter: &str| {
        format!("{{ prospects(filter: {{ owner: {filter} }}) {{ nodes {{ fullName }} }} }}")
    };
    let names = async |filter: &str| -> BTreeSet<String> {
        let data = app.data(&of(filter)).await;
        let nodes = data["prospects"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["fullName"].as_str().unwrap().to_owned()).collect()
    };
    let of_ann = format!("{{ id: {{ eq: \"Membership:{}\" }} }}", own(&ann));
    assert_eq!(names(&of_ann).await, BTreeSet::from(["Ada".to_owned(), "bob".to_owned()]));
    let note = format!(
        "createProspectNote(input: {{ prospectId: 1, content: \"x\", mentionIds: [{}] }}) {{ userErrors {{ message }} }}",
        own(&bo)
    );
    done(&app, &ann, &note).await;
    let (data, statements) = app
        .counted("{ prospects { nodes { owner { role profile { name } } team { name } notes { nodes { content author { role } mentions { nodes { id } } } } assignments { nodes { assignee { id } } } } } }")
        .await;
    assert_eq!(data["prospects"]["nodes"][2]["owner"]["role"], "MEMBER");
    assert_eq!(statements, 5);
    let groups = app.data("{ prospects { groups(by: { ownerId: VALUE }) { nodes { key { ownerId } aggregate { count } } } } }").await;
    assert_eq!(groups["prospects"]["groups"]["nodes"].as_array().unwrap().len(), 3, "{groups:#}");
}

async fn the_work_list_of_an_owner(app: App) {
    app.world().await;
    let (ann, bo) =
        (member(&app, "ann", Role::Analyst).await, member(&app, "bo", Role::Member).await);
    let admin = member(&app, "admin", Role::Admin).await;
    for name in ["Eli", "Flo", "Gus"] {
        app.prospect_with(name, 1, |row| row.is_active = Set(true)).await;
    }
    let team = done(
        &app,
        &admin,
        r#"createTeam(input: { name: "North" }) { team { id } userErrors { message } }"#,
    )
    .await;
    let team = team["team"]["id"].as_str().unwrap().to_owned();
    done(&app, &admin, &format!("addTeamMember(input: {{ teamId: \"{team}\", membershipId: {} }}) {{ userErrors {{ message }} }}", own(&bo))).await;
    done(&app, &bo, &assign(&[1, 5], &format!("ownerId: {}", own(&ann)))).await;
    done(&app, &bo, &assign(&[2, 6], &format!("ownerId: {}", own(&bo)))).await;
    done(&app, &bo, &format!("assignProspectsToTeam(input: {{ prospects: [{{ id: 3 }}, {{ id: 5 }}], teamId: \"{team}\" }}) {{ userErrors {{ message }} }}")).await;
    let listed = async |scope: &engine::Scope, arguments: &str| -> BTreeSet<String> {
        let query =
            format!("{{ workList(first: 50 {arguments}) {{ nodes {{ prospect {{ id }} }} }} }}");
        let data = data(&app, scope, &query).await;
        let nodes = data["workList"]["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|node| {
                node["prospect"]["id"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
            })
            .collect()
    };
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(listed(&ann, "owner: ME").await, ids(&["1", "5"]));
    assert_eq!(listed(&bo, "owner: ME").await, ids(&["2", "6"]));
    assert_eq!(listed(&bo, "owner: MY_TEAMS").await, ids(&["3", "5"]));
    assert_eq!(listed(&ann, "owner: MY_TEAMS").await, ids(&[]));
    assert_eq!(listed(&ann, "owner: UNASSIGNED").await, ids(&["3", "4", "7"]));
    assert_eq!(listed(&admin, &format!("ownerId: {}", own(&ann))).await, ids(&["1", "5"]));
    assert_eq!(listed(&admin, "").await.len(), 7);
    // Pages of a list of one owner.
    let query = "{ workList(first: 1, owner: ME) { nodes { prospect { id } } pageInfo { hasNextPage endCursor } } }";
    let page = data(&app, &ann, query).await;
    assert_eq!(page["workList"]["pageInfo"]["hasNextPage"], true);
    let cursor = page["workList"]["pageInfo"]["endCursor"].as_str().unwrap();
    let next = format!(
        "{{ workList(first: 1, owner: ME, after: \"{cursor}\") {{ nodes {{ prospect {{ id }} }} pageInfo {{ hasNextPage }} }} }}"
    );
    assert_eq!(data(&app, &ann, &next).await["workList"]["pageInfo"]["hasNextPage"], false);
    let other = next.replace("owner: ME", "owner: UNASSIGNED");
    let answer = app.answer_in(ann.clone(), &other).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_CURSOR", "{answer:#}");
    for (arguments, reason) in [
        ("owner: ME", "MEMBER_REQUIRED"),
        ("owner: MY_TEAMS", "MEMBER_REQUIRED"),
        ("owner: UNASSIGNED, ownerId: 1", "ARGUMENTS_EXCLUSIVE"),
        ("ownerId: \"Prospect:1\"", "ID_INVALID"),
    ] {
        let answer = app
            .answer(&format!("{{ workList({arguments}) {{ nodes {{ prospect {{ id }} }} }} }}"))
            .await;
        assert_eq!(answer["errors"][0]["extensions"]["reason"], reason, "{answer:#}");
    }
}
