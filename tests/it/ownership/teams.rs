//! Teams and their members.

use engine::Role;
use serde_json::json;
use tests::{App, behaviours};

use super::{data, done, member, member_of, own, refused};

behaviours![
    teams_are_managed_by_owners_and_admins,
    members_belong_to_teams,
    prospects_stay_when_their_team_is_deleted,
];

fn change(action: &str, team: &str, member: i64) -> String {
    format!(
        "{action}(input: {{ teamId: \"{team}\", membershipId: {member} }}) {{ team {{ name members {{ nodes {{ id }} }} }} membership {{ teams {{ nodes {{ name }} }} }} userErrors {{ reason field }} }}"
    )
}

const CREATE: &str =
    r#"createTeam(input: { name: "North" }) { team { id } userErrors { reason field } }"#;

async fn teams_are_managed_by_owners_and_admins(app: App) {
    let admin = member(&app, "admin", Role::Admin).await;
    let seller = member(&app, "seller", Role::Member).await;
    let made = done(&app, &admin, CREATE).await;
    let team = made["team"]["id"].as_str().unwrap();
    for mutation in [
        CREATE.to_owned(),
        format!(
            r#"updateTeam(input: {{ id: "{team}", patch: {{ name: "South" }} }}) {{ userErrors {{ reason }} }}"#
        ),
        format!(r#"deleteTeam(input: {{ id: "{team}" }}) {{ userErrors {{ reason }} }}"#),
        change("addTeamMember", team, own(&seller)),
    ] {
        let answer = app.answer_in(seller.clone(), &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{mutation}");
    }
    for (field, value, reason) in [
        ("name", "\" \"".to_owned(), "VALUE_REQUIRED name"),
        ("avatarUrl", "\"javascript:alert(1)\"".to_owned(), "VALUE_INVALID avatarUrl"),
        ("description", format!("\"{}\"", "x".repeat(10_001)), "TEXT_TOO_LONG description"),
        ("projectCode", format!("\"{}\"", "x".repeat(101)), "TEXT_TOO_LONG projectCode"),
    ] {
        let mutation = format!(
            r#"updateTeam(input: {{ id: "{team}", patch: {{ {field}: {value} }} }}) {{ userErrors {{ reason field }} }}"#
        );
        let refused = refused(&app, &admin, &mutation).await;
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(
            refused[0].ends_with(&format!(" patch.{field}")) || refused[0] == reason,
            "{refused:?}"
        );
    }
}

async fn members_belong_to_teams(app: App) {
    let admin = member(&app, "admin", Role::Admin).await;
    let seller = member(&app, "seller", Role::Member).await;
    let elsewhere = app.organization("elsewhere").await;
    let eve = member_of(&app, elsewhere, "eve", Role::Owner).await;
    let made = done(&app, &admin, CREATE).await;
    let team = made["team"]["id"].as_str().unwrap();
    for _ in 0..2 {
        let joined = done(&app, &admin, &change("addTeamMember", team, own(&seller))).await;
        let members = json!([{ "id": format!("Membership:{}", own(&seller)) }]);
        assert_eq!(joined["team"]["members"]["nodes"], members);
        assert_eq!(joined["membership"]["teams"]["nodes"], json!([{ "name": "North" }]));
    }
    let query = "{ viewer { membership { role teams { nodes { name } } } } }";
    let viewer = &data(&app, &seller, query).await["viewer"]["membership"];
    assert_eq!(viewer["teams"]["nodes"], json!([{ "name": "North" }]));
    assert_eq!(app.data(query).await["viewer"]["membership"], json!(null));
    let foreign = change("addTeamMember", team, own(&eve));
    assert_eq!(refused(&app, &admin, &foreign).await, ["ROW_NOT_FOUND membershipId"]);
    assert_eq!(refused(&app, &eve, &foreign).await, ["ROW_NOT_FOUND teamId"]);
    let left = done(&app, &admin, &change("removeTeamMember", team, own(&seller))).await;
    assert_eq!(left["team"]["members"]["nodes"], json!([]));
    let remove =
        format!("removeMember(input: {{ id: {} }}) {{ userErrors {{ message }} }}", own(&seller));
    done(&app, &admin, &remove).await;
    let again = change("addTeamMember", team, own(&seller));
    assert_eq!(refused(&app, &admin, &again).await, ["MEMBER_STATUS_CONFLICT membershipId"]);
}

async fn prospects_stay_when_their_team_is_deleted(app: App) {
    app.world().await;
    let admin = member(&app, "admin", Role::Admin).await;
    let made = done(&app, &admin, CREATE).await;
    let team = made["team"]["id"].as_str().unwrap();
    done(&app, &admin, &change("addTeamMember", team, own(&admin))).await;
    let assign = |team: &str| {
        format!(
            "assignProspectsToTeam(input: {{ prospects: [{{ id: 1 }}, {{ id: 2 }}] {team} }}) {{ prospects {{ team {{ id }} }} userErrors {{ reason field }} }}"
        )
    };
    let done_to = done(&app, &admin, &assign(&format!("teamId: \"{team}\""))).await;
    assert_eq!(done_to["prospects"][1]["team"]["id"], team);
    assert_eq!(refused(&app, &admin, &assign("teamId: 99")).await, ["ROW_NOT_FOUND teamId"]);
    let delete = format!(r#"deleteTeam(input: {{ id: "{team}" }}) {{ userErrors {{ message }} }}"#);
    done(&app, &admin, &delete).await;
    let prospect = app.data("{ prospect(id: 1) { team { id } } }").await;
    assert_eq!(prospect["prospect"]["team"], json!(null));
    assert_eq!(refused(&app, &admin, &assign("")).await, ["VALUE_REQUIRED teamId"]);
    done(&app, &admin, &assign("teamId: null")).await;
}
