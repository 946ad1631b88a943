//! Members: roles, suspension, removal, and the erasure of accounts.

use engine::{Actor, Reason, Role, Scope};
use serde_json::json;
use tests::{App, behaviours};

use super::{PASSWORD, ask, client, invitation, member, member_of, reason, serve, sign_in};
use crate::{
    access::{self, head_with_key, key},
    http::beside,
    personal_data::columns_containing,
};

behaviours![
    role_changes_apply_to_open_sessions,
    only_owners_manage_owners,
    an_organization_keeps_an_owner,
    concurrent_removals_keep_an_owner,
    suspension_ends_access_until_reinstatement,
    removal_revokes_sessions_and_keys_for_good,
    members_of_other_organizations_do_not_exist,
    members_are_listed_in_two_statements,
    invitations_are_checked,
    profile_of_an_invited_user_is_hidden,
    admin_does_not_replace_the_invitation_of_an_owner,
    promotion_invalidates_password_resets,
    keys_of_programs_create_no_links,
    erasure,
    erasure_keeps_a_name_that_another_user_has,
];

const VIEWER: &str = "{ viewer { role } }";

fn change_role(id: i64, role: &str) -> String {
    format!(
        "mutation {{ changeMemberRole(input: {{ id: {id}, role: {role} }}) {{ membership {{ role }} userErrors {{ code reason field message }} }} }}"
    )
}

fn act(mutation: &str, id: i64) -> String {
    format!(
        "mutation {{ {mutation}(input: {{ id: {id} }}) {{ userErrors {{ code reason field message }} }} }}"
    )
}

async fn role_changes_apply_to_open_sessions(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        member(&app, "boss@example.com", Role::Owner).await;
        let address = serve(&app).await;
        assert_eq!(ask(address, &token, VIEWER).await["data"]["viewer"]["role"], "MEMBER");
        for role in ["ANALYST", "ADMIN", "OWNER"] {
            let done = app.done(&change_role(1, role)).await;
            assert_eq!(done["membership"]["role"], role);
            assert_eq!(ask(address, &token, VIEWER).await["data"]["viewer"]["role"], role);
        }
    }))
    .await;
}

async fn only_owners_manage_owners(app: App) {
    beside(Box::pin(async {
        member(&app, "boss@example.com", Role::Owner).await;
        let admin = member(&app, "adam@example.com", Role::Admin).await;
        let analyst = member(&app, "ann@example.com", Role::Analyst).await;
        let address = serve(&app).await;
        for mutation in [
            change_role(1, "ANALYST"),
            change_role(3, "OWNER"),
            change_role(2, "OWNER"),
            act("suspendMember", 1),
            act("removeMember", 1),
            act("createMemberLink", 1),
            r#"mutation { inviteMember(input: { email: "eve@example.com", role: OWNER }) { link userErrors { reason } } }"#.to_owned(),
        ] {
            let answer = ask(address, &admin, &mutation).await;
            assert!(answer.to_string().contains("USER_NOT_ALLOWED"), "{mutation}: {answer}");
            assert!(!answer.to_string().contains('#'), "{answer}");
            assert_eq!(reason(&ask(address, &analyst, &mutation).await), "PERMISSION_MISSING");
        }
        let answer = ask(address, &admin, &change_role(3, "MEMBER")).await;
        assert_eq!(answer["data"]["changeMemberRole"]["userErrors"], json!([]), "{answer}");
    }))
    .await;
}

async fn an_organization_keeps_an_owner(app: App) {
    member(&app, "boss@example.com", Role::Owner).await;
    // An invited owner can't act yet.
    invitation(&app, app.organization, "next@example.com", Role::Owner).await;
    for mutation in [change_role(1, "ADMIN"), act("suspendMember", 1), act("removeMember", 1)] {
        let refused = app.refused(&mutation).await;
        let expected = "CONFLICT id: the organization must keep an owner who can sign in; make another member an owner first";
        assert_eq!(refused, [expected], "{mutation}");
    }
    app.done(&change_role(1, "OWNER")).await;
    app.done(&act("removeMember", 2)).await;
    member(&app, "other@example.com", Role::Owner).await;
    app.done(&act("removeMember", 1)).await;
}

async fn concurrent_removals_keep_an_owner(app: App) {
    for name in ["a", "b", "c", "d"] {
        member(&app, &format!("{name}@example.com"), Role::Owner).await;
    }
    let scope = app.scope(app.organization);
    let all = (1..=4).map(|id| app.accounts.remove(&scope, id, None, None));
    let results = futures_util::future::join_all(all).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3, "{results:?}");
}

async fn suspension_ends_access_until_reinstatement(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let key = head_with_key(&key(&app, app.organization, Role::Member, "ann@example.com", true).await);
        let address = serve(&app).await;
        assert_eq!(access::ask(address, &key, VIEWER).await["data"]["viewer"]["role"], "MEMBER");
        let suspend = r#"mutation { suspendMember(input: { id: 1, reason: "on leave" }) { membership { status suspensionReason } userErrors { message } } }"#;
        let done = app.done(suspend).await;
        assert_eq!(done["membership"], json!({ "status": "SUSPENDED", "suspensionReason": "on leave" }));
        assert_eq!(reason(&ask(address, &token, VIEWER).await), "SESSION_REJECTED");
        app.clock.advance(chrono::TimeDelta::seconds(2));
        assert_eq!(reason(&access::ask(address, &key, VIEWER).await), "KEY_REJECTED");
        assert_eq!(reason(&sign_in(address, "ann@example.com", PASSWORD).await.2), "MEMBERSHIP_MISSING");
        for wrong in [act("suspendMember", 1), act("createMemberLink", 1)] {
            assert!(app.refused(&wrong).await[0].starts_with("CONFLICT id:"), "{wrong}");
        }
        app.done(&act("reinstateMember", 1)).await;
        assert!(app.refused(&act("reinstateMember", 1)).await[0].starts_with("CONFLICT id:"));
        let row = app.data("{ membership(id: 1) { status suspensionReason } }").await;
        assert_eq!(row["membership"], json!({ "status": "ACTIVE", "suspensionReason": null }));
        // The ended session stays ended; the key works again.
        assert_eq!(reason(&ask(address, &token, VIEWER).await), "SESSION_REJECTED");
        app.clock.advance(chrono::TimeDelta::seconds(2));
        assert_eq!(access::ask(address, &key, VIEWER).await["data"]["viewer"]["role"], "MEMBER");
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
    }))
    .await;
}

async fn removal_revokes_sessions_and_keys_for_good(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let key = head_with_key(&key(&app, app.organization, Role::Member, "ann@example.com", true).await);
        let address = serve(&app).await;
        app.done(&act("removeMember", 1)).await;
        assert_eq!(reason(&ask(address, &token, VIEWER).await), "SESSION_REJECTED");
        assert_eq!(reason(&access::ask(address, &key, VIEWER).await), "KEY_REJECTED");
        // The same membership is used when the person comes back; the key stays revoked.
        let link = invitation(&app, app.organization, "ann@example.com", Role::Analyst).await;
        let session = app.accounts.accept_invitation(&link, None, PASSWORD.to_owned(), &client()).await.unwrap();
        let answer = ask(address, &session.token, "{ viewer { role } memberships { nodes { id status } } }").await;
        let expected = json!({ "viewer": { "role": "ANALYST" }, "memberships": { "nodes": [{ "id": "Membership:1", "status": "ACTIVE" }] } });
        assert_eq!(answer["data"], expected);
        app.clock.advance(chrono::TimeDelta::seconds(2));
        assert_eq!(reason(&access::ask(address, &key, VIEWER).await), "KEY_REJECTED");
    }))
    .await;
}

async fn members_of_other_organizations_do_not_exist(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let second = app.organization("second").await;
        let boss = member_of(&app, second, "boss@example.com", Role::Owner).await;
        let address = serve(&app).await;
        for mutation in [
            change_role(1, "ANALYST"),
            act("suspendMember", 1),
            act("reinstateMember", 1),
            act("removeMember", 1),
            act("createMemberLink", 1),
        ] {
            let foreign = ask(address, &boss, &mutation).await.to_string();
            let missing = ask(address, &boss, &mutation.replace("id: 1", "id: 999")).await.to_string();
            assert!(foreign == missing && foreign.contains("ROW_NOT_FOUND"), "{foreign}");
        }
        let list = ask(address, &boss, "{ memberships { nodes { id } } membership(id: 1) { id } node(id: \"Membership:1\") { id } }").await;
        let expected = json!({ "memberships": { "nodes": [{ "id": "Membership:2" }] }, "membership": null, "node": null });
        assert_eq!(list["data"], expected);
    }))
    .await;
}

async fn members_are_listed_in_two_statements(app: App) {
    // The primary keys of users and memberships differ.
    let second = app.organization("second").await;
    invitation(&app, second, "p0@example.com", Role::Member).await;
    invitation(&app, app.organization, "p0@example.com", Role::Member).await;
    for n in 1..4 {
        member(&app, &format!("p{n}@example.com"), Role::Member).await;
    }
    let query = "{ memberships(orderBy: [{ role: ASC }]) { nodes { role profile { email name timeZone } } } }";
    let (data, statements) = app.counted(query).await;
    assert_eq!(statements, 2);
    assert_eq!(
        data["memberships"]["nodes"][1],
        json!({ "role": "MEMBER", "profile": { "email": "p1@example.com", "name": "p1", "timeZone": "UTC" } })
    );
}

async fn invitations_are_checked(app: App) {
    member(&app, "ann@example.com", Role::Member).await;
    let invite = |email: &str, name: &str| {
        format!(
            "mutation {{ inviteMember(input: {{ email: \"{email}\", name: \"{name}\", role: MEMBER }}) {{ link userErrors {{ code field message }} }} }}"
        )
    };
    for (email, name, expected) in [
        ("nobody", "", "INVALID email: `email` must be an e-mail address"),
        ("ANN@example.com", "", "CONFLICT email: the user already is a member"),
        (
            "bo@example.com",
            &"x".repeat(256),
            "INVALID name: `name` must have at most 255 characters and no control characters",
        ),
    ] {
        assert_eq!(app.refused(&invite(email, name)).await, [expected]);
    }
    app.accounts.suspend_account("ann@example.com", None).await.unwrap();
    let second = app.organization("second").await;
    let new = service::identity::members::NewMember {
        email: "ann@example.com".to_owned(),
        name: None,
        role: Role::Member,
    };
    let refused = app.accounts.invite(&app.scope(second), new.clone(), None).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::UserNotAllowed);
    // The service also checks the permission.
    let clock = std::sync::Arc::clone(&app.clock) as std::sync::Arc<dyn engine::Clock>;
    let scope = Scope::new(app.store.clone(), second, Actor::LocalUser, Role::Member, clock);
    let refused = app.accounts.invite(&scope, new, None).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::PermissionMissing);
}

/// Erasure leaves the primary key, because other rows refer to it, and no personal data.
async fn erasure(app: App) {
    app.world().await;
    beside(Box::pin(async {
        let name = "zoe.unique";
        let email = "zoe.unique@example.com";
        member(&app, "boss@example.com", Role::Owner).await;
        let token = member(&app, email, Role::Member).await;
        let second = app.organization("second").await;
        member_again(&app, second, email).await;
        key(&app, app.organization, Role::Member, email, false).await;
        let address = serve(&app).await;
        sign_in(address, email, "a wrong password").await;
        for mutation in [
            r#"createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "c" })"#,
            r#"updateViewer(input: { timeZone: "Europe/Berlin", preferences: "zoe.unique" })"#,
        ] {
            let query = format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}");
            let answer = ask(address, &token, &query).await;
            assert!(answer.to_string().contains("\"userErrors\":[]"), "{answer}");
        }
        let suspend = r#"mutation { suspendMember(input: { id: 3, reason: "zoe.unique is away" }) { userErrors { message } } }"#;
        app.done(suspend).await;
        app.done(&act("reinstateMember", 3)).await;
        sign_in(address, email, PASSWORD).await;
        let before = columns_containing(&app, name).await;
        for column in ["users.email", "changes.actor_name", "changes.after", "outreach_drafts.author_name", "login_attempts.email", "user_preferences.preferences"] {
            assert!(before.contains(&column.to_owned()), "{column}: {before:?}");
        }
        app.accounts.erase_account(" Zoe.Unique@example.com").await.unwrap();
        assert_eq!(columns_containing(&app, name).await, [""; 0]);
        app.clock.advance(chrono::TimeDelta::milliseconds(500));
        assert_eq!(reason(&ask(address, &token, VIEWER).await), "SESSION_REJECTED");
        assert_eq!(sign_in(address, email, PASSWORD).await.0, 401);
        let rows = app.data("{ memberships { nodes { status profile { email name timeZone lastSignedInAt } } } }").await;
        let erased = json!({ "status": "LEFT", "profile": { "email": "deleted-3@invalid", "name": null, "timeZone": "UTC", "lastSignedInAt": null } });
        assert_eq!(rows["memberships"]["nodes"][2], erased);
        let drafts = app.data(r#"{ outreachDrafts(filter: { content: { eq: "c" } }) { nodes { authorName } } }"#).await;
        assert_eq!(drafts["outreachDrafts"]["nodes"][0]["authorName"], "erased user");
        assert!(app.accounts.erase_account(email).await.is_err());
        // The address is free again.
        member(&app, email, Role::Member).await;
    }))
    .await;
}

/// Adds a user with a password to another organization.
async fn member_again(app: &App, organization: i64, email: &str) {
    let link = invitation(app, organization, email, Role::Member).await;
    app.accounts.accept_invitation(&link, None, PASSWORD.to_owned(), &client()).await.unwrap();
}

/// The change log and drafts keep names only, which do not identify a user if two have the same name.
async fn erasure_keeps_a_name_that_another_user_has(app: App) {
    app.world().await;
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        member(&app, "ann@other.example", Role::Member).await;
        let address = serve(&app).await;
        let create = r#"mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "c" }) { userErrors { message } } }"#;
        ask(address, &token, create).await;
        app.accounts.erase_account("ann@example.com").await.unwrap();
        let drafts = app.data(r#"{ outreachDrafts(filter: { content: { eq: "c" } }) { nodes { authorName } } }"#).await;
        assert_eq!(drafts["outreachDrafts"]["nodes"][0]["authorName"], "ann");
    }))
    .await;
}

/// An invited user of another organization has not agreed to show a profile.
async fn profile_of_an_invited_user_is_hidden(app: App) {
    let second = app.organization("second").await;
    member_of(&app, second, "sue@example.com", Role::Member).await;
    let link = invitation(&app, app.organization, "sue@example.com", Role::Member).await;
    let query =
        "{ memberships { nodes { status profile { email name timeZone lastSignedInAt } } } }";
    let profile = async || app.data(query).await["memberships"]["nodes"][0]["profile"].clone();
    let hidden = json!({ "email": "sue@example.com", "name": null, "timeZone": "UTC", "lastSignedInAt": null });
    assert_eq!(profile().await, hidden);
    app.accounts.accept_invitation(&link, None, PASSWORD.to_owned(), &client()).await.unwrap();
    let shown = json!({ "email": "sue@example.com", "name": "sue", "timeZone": "UTC", "lastSignedInAt": "2026-03-01T12:00:00Z" });
    assert_eq!(profile().await, shown);
}

async fn admin_does_not_replace_the_invitation_of_an_owner(app: App) {
    beside(Box::pin(async {
        let admin = member(&app, "adam@example.com", Role::Admin).await;
        let link = invitation(&app, app.organization, "next@example.com", Role::Owner).await;
        let address = serve(&app).await;
        let invite = r#"mutation { inviteMember(input: { email: "next@example.com", role: MEMBER }) { link userErrors { reason } } }"#;
        let answer = ask(address, &admin, invite).await;
        let expected = json!({ "link": null, "userErrors": [{ "reason": "USER_NOT_ALLOWED" }] });
        assert_eq!(answer["data"]["inviteMember"], expected, "{answer}");
        let accepted = app.accounts.accept_invitation(&link, None, PASSWORD.to_owned(), &client()).await;
        let viewer = ask(address, &accepted.unwrap().token, VIEWER).await;
        assert_eq!(viewer["data"]["viewer"]["role"], "OWNER");
    }))
    .await;
}

/// An administrator creates a password reset before the member becomes an owner.
async fn promotion_invalidates_password_resets(app: App) {
    beside(Box::pin(async {
        member(&app, "boss@example.com", Role::Owner).await;
        let admin = member(&app, "adam@example.com", Role::Admin).await;
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let create =
            "mutation { createMemberLink(input: { id: 3 }) { link userErrors { reason } } }";
        let answer = ask(address, &admin, create).await["data"]["createMemberLink"].take();
        let token = super::token_of(answer["link"].as_str().unwrap());
        app.done(&change_role(3, "OWNER")).await;
        let reset = app
            .accounts
            .reset_password(&token, "another long password".to_owned(), &client())
            .await;
        assert_eq!(reset.unwrap_err().reason(), Reason::LinkInvalid);
    }))
    .await;
}

/// A link leads to a session, which has no expiry of a key and belongs to a person.
async fn keys_of_programs_create_no_links(app: App) {
    beside(Box::pin(async {
        member(&app, "boss@example.com", Role::Owner).await;
        let program = head_with_key(
            &key(&app, app.organization, Role::Owner, "boss@example.com", true).await,
        );
        let person = head_with_key(
            &key(&app, app.organization, Role::Owner, "boss@example.com", false).await,
        );
        let address = serve(&app).await;
        for mutation in [
            "createMemberLink(input: { id: 1 })",
            r#"inviteMember(input: { email: "eve@example.com", role: OWNER })"#,
        ] {
            let query = format!("mutation {{ {mutation} {{ link userErrors {{ reason }} }} }}");
            let answer = access::ask(address, &program, &query).await.to_string();
            assert!(answer.contains("USER_NOT_ALLOWED") && !answer.contains('#'), "{answer}");
            assert!(access::ask(address, &person, &query).await.to_string().contains('#'));
        }
    }))
    .await;
}
