//! Profile and preferences of the signed-in user.

use engine::Role;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{ask, member, post, serve};
use crate::{access::key, http::beside};

behaviours![
    profile_and_preferences_are_changed_field_by_field,
    invalid_profiles_are_rejected_as_a_whole,
    callers_without_a_session_have_no_preferences,
];

const VIEWER: &str =
    "viewer { profile { name avatarUrl timeZone } preferences { theme notifications values } }";

async fn update(address: std::net::SocketAddr, token: &str, fields: &str) -> Value {
    let query = format!(
        "mutation {{ updateViewer(input: {{ {fields} }}) {{ {VIEWER} userErrors {{ reason field }} }} }}"
    );
    ask(address, token, &query).await["data"]["updateViewer"].take()
}

async fn profile_and_preferences_are_changed_field_by_field(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Analyst).await;
        let other = member(&app, "bob@example.com", Role::Member).await;
        let address = serve(&app).await;
        let mut expected = json!({
            "profile": { "name": "ann", "avatarUrl": null, "timeZone": "UTC" },
            "preferences": { "theme": "LIGHT", "notifications": null, "values": null } });
        let answer = ask(address, &token, &format!("{{ {VIEWER} }}")).await;
        assert_eq!(answer["data"]["viewer"], expected, "{answer}");
        for (fields, path, value) in [
            (r#"name: " Ann Lee ""#, "/profile/name", json!("Ann Lee")),
            (r#"timeZone: "Europe/Berlin""#, "/profile/timeZone", json!("Europe/Berlin")),
            (
                r#"avatarUrl: "https://a.example/x.png""#,
                "/profile/avatarUrl",
                json!("https://a.example/x.png"),
            ),
            ("theme: DARK", "/preferences/theme", json!("DARK")),
            (
                r"notifications: { email: false }",
                "/preferences/notifications",
                json!({ "email": false }),
            ),
            (r"preferences: [1, null]", "/preferences/values", json!([1, null])),
            ("notifications: null", "/preferences/notifications", Value::Null),
            ("avatarUrl: null", "/profile/avatarUrl", Value::Null),
        ] {
            *expected.pointer_mut(path).unwrap() = value;
            let done = update(address, &token, fields).await;
            assert_eq!(done, json!({ "viewer": expected, "userErrors": [] }), "{fields}");
        }
        // The next request acts under the new name.
        let viewer = ask(address, &token, "{ viewer { actorName } }").await;
        assert_eq!(viewer["data"]["viewer"]["actorName"], "Ann Lee");
        let viewer = ask(address, &other, &format!("{{ {VIEWER} }}")).await;
        assert_eq!(viewer["data"]["viewer"]["preferences"]["theme"], "LIGHT");
        update(address, &token, "name: null").await;
        let viewer = ask(address, &token, "{ viewer { actorName } }").await;
        assert_eq!(viewer["data"]["viewer"]["actorName"], "ann@example.com");
        // Erasure removes the preferences too.
        app.accounts.erase_account("ann@example.com").await.unwrap();
        let sql = "SELECT count(*) FROM user_preferences";
        let row = app.db.query_one_raw(Statement::from_string(app.db.get_database_backend(), sql));
        let left: i64 = row.await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(left, 0);
    }))
    .await;
}

async fn invalid_profiles_are_rejected_as_a_whole(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let long = "x".repeat(16 * 1024);
        for (fields, reason, field) in [
            (r#"theme: DARK, timeZone: "Mars/Base""#.to_owned(), "TIME_ZONE_UNKNOWN", "timeZone"),
            (
                r#"theme: DARK, avatarUrl: "javascript:alert(1)""#.to_owned(),
                "URL_INVALID",
                "avatarUrl",
            ),
            (format!("theme: DARK, name: \"{}\"", "x".repeat(256)), "VALUE_INVALID", "name"),
            (format!("theme: DARK, notifications: \"{long}\""), "TEXT_TOO_LONG", "notifications"),
            (format!("theme: DARK, preferences: [\"{long}\"]"), "TEXT_TOO_LONG", "preferences"),
        ] {
            let done = update(address, &token, &fields).await;
            let expected =
                json!({ "viewer": null, "userErrors": [{ "reason": reason, "field": field }] });
            assert_eq!(done, expected, "{field}");
        }
        let viewer = ask(address, &token, &format!("{{ {VIEWER} }}")).await;
        assert_eq!(viewer["data"]["viewer"]["preferences"]["theme"], "LIGHT");
    }))
    .await;
}

async fn callers_without_a_session_have_no_preferences(app: App) {
    let viewer = app.data(&format!("{{ {VIEWER} }}")).await;
    assert_eq!(viewer["viewer"], json!({ "profile": null, "preferences": null }));
    let update =
        "mutation { updateViewer(input: { theme: DARK }) { userErrors { code field message } } }";
    assert_eq!(
        app.refused(update).await,
        ["CONFLICT -: this requires a signed-in user; sign in at /sign-in"]
    );
    beside(Box::pin(async {
        let key = key(&app, app.organization, Role::Owner, "boss@example.com", false).await;
        let address = serve(&app).await;
        let query = json!({ "query": update.replace("code field message", "reason") });
        let (_, _, body) =
            post(address, "/graphql", &format!("Authorization: Bearer {key}"), &query).await;
        assert_eq!(
            body["data"]["updateViewer"]["userErrors"],
            json!([{ "reason": "SESSION_REQUIRED" }])
        );
    }))
    .await;
}
