//! Links: invitations, password resets and the setup of the first account.

use chrono::TimeDelta;
use engine::{Actor, Reason, Role};
use sea_orm::ConnectionTrait;
use serde_json::json;
use service::identity::FirstAccount;
use tests::{App, behaviours, stored::dump};

use super::{
    PASSWORD, client, cookie, invitation, member, member_of, post, reason, serve, sign_in, token_of,
};
use crate::{access::key, http::beside};

behaviours![
    invitation_is_accepted_once,
    concurrent_acceptances_succeed_once,
    links_expire_and_replace_older_ones,
    rejected_password_keeps_the_link,
    existing_account_accepts_with_its_password,
    invitation_gives_no_access_to_other_organizations,
    joining_invalidates_password_resets,
    withdrawn_invitation_is_invalid,
    reset_ends_all_sessions,
    sign_in_during_a_reset_leaves_no_session,
    suspension_invalidates_links,
    first_account_is_created_with_the_setup_code,
    setup_code_is_limited,
    tokens_are_in_no_answer_log_or_table,
];

async fn accept(app: &App, token: &str, password: &str) -> Result<String, Reason> {
    let client = client();
    let accepted =
        app.accounts.accept_invitation(token, Some("Ann"), password.to_owned(), &client).await;
    accepted.map(|session| session.token).map_err(|error| error.reason())
}

async fn reset(app: &App, token: &str, password: &str) -> Result<String, Reason> {
    let reset = app.accounts.reset_password(token, password.to_owned(), &client()).await;
    reset.map(|session| session.token).map_err(|error| error.reason())
}

async fn invitation_is_accepted_once(app: App) {
    beside(Box::pin(async {
        let token = invitation(&app, app.organization, "Ann@Example.com", Role::Analyst).await;
        let address = serve(&app).await;
        let own = format!("Origin: http://{address}");
        let body = json!({ "token": token, "name": " Ann Lee ", "password": PASSWORD });
        let (status, head, answer) = post(address, "/sign-in/invitation", &own, &body).await;
        assert_eq!(status, 200, "{answer}");
        let viewer = "{ viewer { actorName role } memberships { nodes { role status profile { email name } } } }";
        let answer = super::ask(address, cookie(&head).unwrap(), viewer).await;
        let expected = json!({ "viewer": { "actorName": "Ann Lee", "role": "ANALYST" }, "memberships": { "nodes": [
            { "role": "ANALYST", "status": "ACTIVE", "profile": { "email": "ann@example.com", "name": "Ann Lee" } }] } });
        assert_eq!(answer["data"], expected, "{answer}");
        let (status, _, answer) = post(address, "/sign-in/invitation", &own, &body).await;
        assert_eq!((status, reason(&answer)), (400, "LINK_INVALID"));
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
    }))
    .await;
}

async fn concurrent_acceptances_succeed_once(app: App) {
    let token = invitation(&app, app.organization, "ann@example.com", Role::Member).await;
    let passwords: Vec<_> = (0..8).map(|n| format!("password number {n}")).collect();
    let all = passwords.iter().map(|password| accept(&app, &token, password));
    let results = futures_util::future::join_all(all).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let refused = results.iter().filter_map(|result| result.as_ref().err());
    assert!(refused.clone().all(|reason| *reason == Reason::LinkInvalid), "{results:?}");
    // The password is the one of the request that succeeded.
    let won = results.iter().position(Result::is_ok).unwrap();
    let session = app.accounts.sign_in("ann@example.com", passwords[won].clone(), &client()).await;
    assert!(session.is_ok());
}

async fn links_expire_and_replace_older_ones(app: App) {
    let first = invitation(&app, app.organization, "ann@example.com", Role::Member).await;
    let second = invitation(&app, app.organization, "ann@example.com", Role::Member).await;
    assert_eq!(accept(&app, &first, PASSWORD).await, Err(Reason::LinkInvalid));
    app.clock.advance(TimeDelta::days(7));
    assert_eq!(accept(&app, &second, PASSWORD).await, Err(Reason::LinkInvalid));
    let third = invitation(&app, app.organization, "ann@example.com", Role::Member).await;
    app.clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
    // A link is valid for its purpose only.
    assert_eq!(reset(&app, &third, PASSWORD).await, Err(Reason::LinkInvalid));
    assert!(accept(&app, &third, PASSWORD).await.is_ok());
    let link = app.accounts.password_reset_link("ann@example.com").await.unwrap();
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(
        reset(&app, &token_of(&link), "another long password").await,
        Err(Reason::LinkInvalid)
    );
    for token in ["", "x", &"A".repeat(43)] {
        assert_eq!(accept(&app, token, PASSWORD).await, Err(Reason::LinkInvalid));
    }
}

async fn rejected_password_keeps_the_link(app: App) {
    let token = invitation(&app, app.organization, "annette@example.com", Role::Member).await;
    for password in ["short", "annette annette"] {
        assert_eq!(accept(&app, &token, password).await, Err(Reason::PasswordNotAllowed));
    }
    assert!(accept(&app, &token, PASSWORD).await.is_ok());
}

/// An administrator of another organization could otherwise take over the account with an invitation.
async fn existing_account_accepts_with_its_password(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let second = app.organization("second").await;
        let token = invitation(&app, second, "ann@example.com", Role::Admin).await;
        assert_eq!(
            accept(&app, &token, "a password of the admin").await,
            Err(Reason::SignInRejected)
        );
        let address = serve(&app).await;
        assert_eq!(sign_in(address, "ann@example.com", "a password of the admin").await.0, 401);
        let session = accept(&app, &token, PASSWORD).await.unwrap();
        let viewer =
            super::ask(address, &session, "{ viewer { actorName role organization { slug } } }")
                .await;
        let expected =
            json!({ "actorName": "ann", "role": "ADMIN", "organization": { "slug": "second" } });
        assert_eq!(viewer["data"]["viewer"], expected);
    }))
    .await;
}

/// The user of an API key has no password. An administrator of another organization could otherwise choose one, and act in
/// the organization of the key.
async fn invitation_gives_no_access_to_other_organizations(app: App) {
    key(&app, app.organization, Role::Owner, "bot@example.com", true).await;
    let second = app.organization("second").await;
    let token = invitation(&app, second, "bot@example.com", Role::Member).await;
    assert_eq!(accept(&app, &token, PASSWORD).await, Err(Reason::UserNotAllowed));
    // With a password from the operator, the same link works.
    let link = app.accounts.password_reset_link("bot@example.com").await.unwrap();
    reset(&app, &token_of(&link), PASSWORD).await.unwrap();
    let token = invitation(&app, second, "bot@example.com", Role::Member).await;
    assert!(accept(&app, &token, PASSWORD).await.is_ok());
}

/// An administrator creates a password reset before the user joins another organization.
async fn joining_invalidates_password_resets(app: App) {
    member(&app, "ann@example.com", Role::Member).await;
    let mutation =
        "mutation { createMemberLink(input: { id: 1 }) { link userErrors { message } } }";
    let link = app.done(mutation).await["link"].as_str().unwrap().to_owned();
    let second = app.organization("second").await;
    let token = invitation(&app, second, "ann@example.com", Role::Member).await;
    accept(&app, &token, PASSWORD).await.unwrap();
    let refused = reset(&app, &token_of(&link), "another long password").await;
    assert_eq!(refused, Err(Reason::LinkInvalid));
}

async fn withdrawn_invitation_is_invalid(app: App) {
    let token = invitation(&app, app.organization, "ann@example.com", Role::Member).await;
    app.done("mutation { removeMember(input: { id: 1 }) { membership { status } userErrors { message } } }").await;
    assert_eq!(accept(&app, &token, PASSWORD).await, Err(Reason::LinkInvalid));
}

async fn reset_ends_all_sessions(app: App) {
    beside(Box::pin(async {
        let session = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let viewer = "{ viewer { role } }";
        assert!(super::ask(address, &session, viewer).await["data"]["viewer"].is_object());
        // An administrator creates the link for a member of this organization only.
        let link = app.done("mutation { createMemberLink(input: { id: 1 }) { link userErrors { message } } }").await;
        let token = token_of(link["link"].as_str().unwrap());
        let new = reset(&app, &token, "another long password").await.unwrap();
        assert_eq!(reason(&super::ask(address, &session, viewer).await), "SESSION_REJECTED");
        assert!(super::ask(address, &new, viewer).await["data"]["viewer"].is_object());
        assert_eq!(reset(&app, &token, "a third long password").await, Err(Reason::LinkInvalid));
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 401);
        let second = app.organization("second").await;
        let shared = invitation(&app, second, "ann@example.com", Role::Member).await;
        accept(&app, &shared, "another long password").await.unwrap();
        let refused = app.refused("mutation { createMemberLink(input: { id: 1 }) { link userErrors { code field message } } }").await;
        let expected = "CONFLICT id: the user belongs to several organizations; only the operator of the server can reset the password";
        assert_eq!(refused, [expected]);
    }))
    .await;
}

/// A sign-in verifies the old password before the reset and begins its session afterwards.
async fn sign_in_during_a_reset_leaves_no_session(app: App) {
    member(&app, "ann@example.com", Role::Member).await;
    let (client, mut old) = (client(), PASSWORD.to_owned());
    for round in 0..6 {
        let new = format!("new password {round}");
        let token = token_of(&app.accounts.password_reset_link("ann@example.com").await.unwrap());
        // A weak hash is replaced at the sign-in, which must not bring the old password back.
        let weak = bcrypt::hash(&old, 4).unwrap();
        let sql =
            format!("UPDATE users SET password_hash = '{weak}' WHERE email = 'ann@example.com'");
        app.db.execute_unprepared(&sql).await.unwrap();
        let sign_ins =
            (0..3).map(|_| app.accounts.sign_in("ann@example.com", old.clone(), &client));
        let (sessions, reset) = futures_util::join!(
            futures_util::future::join_all(sign_ins),
            app.accounts.reset_password(&token, new.clone(), &client)
        );
        let kept = reset.unwrap();
        app.clock.advance(TimeDelta::seconds(1));
        for session in sessions.into_iter().flatten() {
            let identity = app.accounts.sessions().identity(&session.token).await.unwrap();
            assert!(identity.is_none(), "round {round}");
        }
        assert!(app.accounts.sessions().identity(&kept.token).await.unwrap().is_some());
        let refused = app.accounts.sign_in("ann@example.com", old, &client).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::SignInRejected, "round {round}");
        old = new;
    }
}

async fn suspension_invalidates_links(app: App) {
    member(&app, "ann@example.com", Role::Member).await;
    let link = app.accounts.password_reset_link("ann@example.com").await.unwrap();
    app.accounts.suspend_account("ann@example.com", None).await.unwrap();
    let token = token_of(&link);
    assert_eq!(reset(&app, &token, "another long password").await, Err(Reason::LinkInvalid));
    let link = app.accounts.password_reset_link("ann@example.com").await.unwrap();
    let token = token_of(&link);
    assert_eq!(reset(&app, &token, "another long password").await, Err(Reason::AccountSuspended));
}

async fn first_account_is_created_with_the_setup_code(app: App) {
    beside(Box::pin(async {
        let code = app.accounts.issue_setup_code().unwrap();
        let address = serve(&app).await;
        let own = format!("Origin: http://{address}");
        let body = json!({ "code": code, "email": "ann@example.com", "name": "Ann", "password": PASSWORD });
        let (status, head, answer) = post(address, "/sign-in/setup", &own, &body).await;
        assert_eq!(status, 200, "{answer}");
        let viewer = super::ask(address, cookie(&head).unwrap(), "{ viewer { actorName role organization { slug } } }").await;
        let expected = json!({ "actorName": "Ann", "role": "OWNER", "organization": { "slug": "default" } });
        assert_eq!(viewer["data"]["viewer"], expected, "{viewer}");
        let (status, _, answer) = post(address, "/sign-in/setup", &own, &body).await;
        assert_eq!((status, reason(&answer)), (400, "SETUP_CODE_REJECTED"));
        // A code of a restarted server is useless once there is an account.
        let code = app.accounts.issue_setup_code().unwrap();
        let body = json!({ "code": code, "email": "eve@example.com", "password": PASSWORD });
        let (status, _, answer) = post(address, "/sign-in/setup", &own, &body).await;
        assert_eq!((status, reason(&answer)), (400, "SETUP_CODE_REJECTED"));
    }))
    .await;
}

async fn setup_code_is_limited(app: App) {
    let set_up = async |code: &str, email: &str, password: &str| {
        let first = FirstAccount {
            code: code.to_owned(),
            email: email.to_owned(),
            name: None,
            password: password.to_owned(),
        };
        let done = app.accounts.set_up(app.organization, first, &client()).await;
        done.map(|_| ()).map_err(|error| error.reason())
    };
    assert_eq!(set_up("", "a@example.com", PASSWORD).await, Err(Reason::SetupCodeRejected));
    // A rejected input does not consume the code.
    let code = app.accounts.issue_setup_code().unwrap();
    assert_eq!(set_up(&code, "a@example.com", "short").await, Err(Reason::PasswordNotAllowed));
    assert_eq!(set_up(&code, "nobody", PASSWORD).await, Err(Reason::EmailInvalid));
    for _ in 0..5 {
        assert_eq!(
            set_up("guess", "a@example.com", PASSWORD).await,
            Err(Reason::SetupCodeRejected)
        );
    }
    assert_eq!(set_up(&code, "a@example.com", PASSWORD).await, Err(Reason::SetupCodeRejected));
    let code = app.accounts.issue_setup_code().unwrap();
    app.clock.advance(TimeDelta::minutes(30));
    assert_eq!(set_up(&code, "a@example.com", PASSWORD).await, Err(Reason::SetupCodeRejected));
    let code = app.accounts.issue_setup_code().unwrap();
    let emails: Vec<_> = (0..4).map(|n| format!("p{n}@example.com")).collect();
    let all = emails.iter().map(|email| set_up(&code, email, PASSWORD));
    let results = futures_util::future::join_all(all).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
}

async fn tokens_are_in_no_answer_log_or_table(app: App) {
    member_of(&app, app.organization, "boss@example.com", Role::Owner).await;
    let invite = r#"mutation { inviteMember(input: { email: "ann@example.com", role: MEMBER, idempotencyKey: "k" }) { link membership { id } userErrors { message } } }"#;
    let answer = app.done_by(Actor::Person("Boss".to_owned()), invite).await;
    let link = answer["link"].as_str().unwrap();
    assert!(link.starts_with("/sign-in#invitation="), "{link}");
    let token = token_of(link);
    // A repeated request returns the membership, but not the link.
    let again = app.done_by(Actor::Person("Boss".to_owned()), invite).await;
    assert_eq!((&again["link"], &again["membership"]), (&json!(null), &answer["membership"]));
    assert!(accept(&app, &token, PASSWORD).await.is_ok());
    let log = app
        .data("{ changes { nodes { entity kind actorName fields { name before after } } } }")
        .await;
    let stored = dump(&app).await;
    for secret in [token.as_str(), PASSWORD, "$argon2id"] {
        assert!(!log.to_string().contains(secret) && !stored.contains(secret), "{secret}");
    }
    // E-mail addresses of users are confidential in the change log; roles are not.
    assert!(
        !log.to_string().contains("ann@example.com") && log.to_string().contains("MEMBERSHIP"),
        "{log}"
    );
}
