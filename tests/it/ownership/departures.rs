//! Transfers of prospects, and members who leave the organization.

use engine::Role;
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{done, member, member_of, own, refused};

behaviours![
    a_departing_member_is_succeeded,
    prospects_of_an_erased_user_have_no_owner,
    all_prospects_of_a_member_are_transferred,
    successors_are_other_active_members,
];

async fn owned(app: &App, member: i64) -> i64 {
    let query = format!(
        "{{ prospects(filter: {{ owner: {{ id: {{ eq: \"Membership:{member}\" }} }} }}) {{ totalCount }} }}"
    );
    app.data(&query).await["prospects"]["totalCount"].as_i64().unwrap()
}

/// Assigns the prospects 1, 2 and 3, of which 3 is deleted, to a member of a team.
async fn portfolio(app: &App, admin: &engine::Scope, member: i64) -> String {
    app.world().await;
    let assign = format!(
        "assignProspects(input: {{ prospects: [{{ id: 1 }}, {{ id: 2 }}, {{ id: 3 }}], ownerId: {member} }}) {{ userErrors {{ message }} }}"
    );
    done(app, admin, &assign).await;
    app.done("mutation { deleteProspect(input: { id: 3 }) { userErrors { message } } }").await;
    let team = done(
        app,
        admin,
        r#"createTeam(input: { name: "North" }) { team { id } userErrors { message } }"#,
    )
    .await;
    let team = team["team"]["id"].as_str().unwrap().to_owned();
    done(app, admin, &format!("addTeamMember(input: {{ teamId: \"{team}\", membershipId: {member} }}) {{ userErrors {{ message }} }}")).await;
    team
}

async fn open(app: &App) -> Value {
    let data = app
        .data("{ prospectAssignments(filter: { unassignedAt: { isNull: true } }) { nodes { assignee { id } prospect { id } } } }")
        .await;
    data["prospectAssignments"]["nodes"].clone()
}

async fn a_departing_member_is_succeeded(app: App) {
    let admin = member(&app, "admin", Role::Admin).await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    let team = portfolio(&app, &admin, own(&ann)).await;
    let remove = format!(
        "removeMember(input: {{ id: {}, successorId: {} }}) {{ membership {{ status teams {{ nodes {{ id }} }} }} userErrors {{ message }} }}",
        own(&ann),
        own(&bo)
    );
    let removed = done(&app, &admin, &remove).await;
    assert_eq!(removed["membership"], json!({ "status": "LEFT", "teams": { "nodes": [] } }));
    assert_eq!([owned(&app, own(&ann)).await, owned(&app, own(&bo)).await], [0, 2]);
    // The deleted prospect has the successor, too, when it is restored.
    app.done("mutation { restoreProspect(input: { id: 3 }) { userErrors { message } } }").await;
    assert_eq!(owned(&app, own(&bo)).await, 3);
    let of_bo = json!({ "id": format!("Membership:{}", own(&bo)) });
    let open = open(&app).await;
    assert_eq!(open.as_array().unwrap().len(), 3, "{open:#}");
    assert!(open.as_array().unwrap().iter().all(|one| one["assignee"] == of_bo), "{open:#}");
    let team =
        app.data(&format!("{{ team(id: \"{team}\") {{ members {{ totalCount }} }} }}")).await;
    assert_eq!(team["team"]["members"]["totalCount"], 0);
    // Without a successor, the prospects have no owner.
    let remove =
        format!("removeMember(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&bo));
    done(&app, &admin, &remove).await;
    assert_eq!(owned(&app, own(&bo)).await, 0);
    assert_eq!(
        app.data("{ prospect(id: 1) { owner { id } } }").await["prospect"]["owner"],
        json!(null)
    );
}

async fn prospects_of_an_erased_user_have_no_owner(app: App) {
    let admin = member(&app, "admin", Role::Admin).await;
    let ann = member(&app, "ann", Role::Member).await;
    portfolio(&app, &admin, own(&ann)).await;
    app.accounts.erase_account("ann@example.com").await.unwrap();
    assert_eq!(owned(&app, own(&ann)).await, 0);
    assert_eq!(open(&app).await, json!([]));
    let data = app.data("{ prospect(id: 1) { assignments { nodes { assignee { status profile { email name } } } } } }").await;
    let assignee = &data["prospect"]["assignments"]["nodes"][0]["assignee"];
    assert_eq!(assignee["status"], "LEFT");
    assert!(!data.to_string().contains("ann@"), "{data:#}");
}

async fn all_prospects_of_a_member_are_transferred(app: App) {
    let admin = member(&app, "admin", Role::Admin).await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    portfolio(&app, &admin, own(&ann)).await;
    let transfer = format!(
        "transferProspects(input: {{ fromId: {}, toId: {}, idempotencyKey: \"t\" }}) {{ transferredProspects userErrors {{ reason field }} }}",
        own(&ann),
        own(&bo)
    );
    let forbidden = app.answer_in(bo.clone(), &format!("mutation {{ {transfer} }}")).await;
    assert_eq!(forbidden["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let open = transfer.replace(&format!("toId: {}, idempotencyKey: \"t\"", own(&bo)), "");
    assert_eq!(refused(&app, &admin, &open).await, ["VALUE_REQUIRED toId"]);
    for _ in 0..2 {
        assert_eq!(done(&app, &admin, &transfer).await["transferredProspects"], 3);
    }
    assert_eq!([owned(&app, own(&ann)).await, owned(&app, own(&bo)).await], [0, 2]);
}

async fn successors_are_other_active_members(app: App) {
    let admin = member(&app, "admin", Role::Admin).await;
    let (ann, bo) =
        (member(&app, "ann", Role::Member).await, member(&app, "bo", Role::Member).await);
    portfolio(&app, &admin, own(&ann)).await;
    let elsewhere = app.organization("elsewhere").await;
    let eve = member_of(&app, elsewhere, "eve", Role::Owner).await;
    let suspend =
        format!("suspendMember(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&bo));
    done(&app, &admin, &suspend).await;
    for (successor, reason) in [
        (own(&ann), "MEMBER_STATUS_CONFLICT successorId"),
        (own(&bo), "MEMBER_STATUS_CONFLICT successorId"),
        (own(&eve), "ROW_NOT_FOUND successorId"),
    ] {
        let remove = format!(
            "removeMember(input: {{ id: {}, successorId: {successor} }}) {{ userErrors {{ reason field }} }}",
            own(&ann)
        );
        assert_eq!(refused(&app, &admin, &remove).await, [reason]);
    }
    assert_eq!(owned(&app, own(&ann)).await, 2);
    let transfer = |from: i64, to: i64| {
        format!(
            "transferProspects(input: {{ fromId: {from}, toId: {to} }}) {{ userErrors {{ reason field }} }}"
        )
    };
    assert_eq!(
        refused(&app, &admin, &transfer(own(&ann), own(&bo))).await,
        ["MEMBER_STATUS_CONFLICT toId"]
    );
    assert_eq!(
        refused(&app, &admin, &transfer(own(&eve), own(&admin))).await,
        ["ROW_NOT_FOUND fromId"]
    );
}
