//! API keys that are created through the API.

use chrono::TimeDelta;
use engine::{Clock, Role};
use serde_json::{Value, json};
use service::identity::api_key::{self, NewKey};
use tests::{App, behaviours, stored::dump};

use super::{ask, member, post, reason, serve};
use crate::{
    access::{self, head_with_key},
    http::beside,
};

behaviours![
    owner_creates_lists_and_revokes_keys,
    keys_never_exceed_their_creator,
    repeated_creation_returns_no_secret,
];

fn create(fields: &str) -> String {
    format!(
        "mutation {{ createApiKey(input: {{ name: \"bot\", {fields} }}) {{ key apiKey {{ keyId name prefix role isWorker userEmail lastUsedAt expiresAt revokedAt }} userErrors {{ reason field }} }} }}"
    )
}

async fn owner_creates_lists_and_revokes_keys(app: App) {
    beside(Box::pin(async {
        let owner = member(&app, "boss@example.com", Role::Owner).await;
        let admin = member(&app, "adam@example.com", Role::Admin).await;
        let address = serve(&app).await;
        let created = ask(address, &owner, &create("role: MEMBER")).await["data"]["createApiKey"].take();
        let key = created["key"].as_str().unwrap();
        let (prefix, secret) = key.split_once('.').unwrap();
        let own = json!({ "keyId": created["apiKey"]["keyId"], "name": "bot", "prefix": prefix, "role": "MEMBER", "isWorker": true,
            "userEmail": "boss@example.com", "lastUsedAt": null, "expiresAt": null, "revokedAt": null });
        assert_eq!(created["apiKey"], own);
        let viewer = access::ask(address, &head_with_key(key), "{ viewer { actorKind actorName role profile { email } } }").await;
        let expected = json!({ "actorKind": "WORKER", "actorName": "bot", "role": "MEMBER", "profile": { "email": "boss@example.com" } });
        assert_eq!(viewer["data"]["viewer"], expected);
        let list = "{ apiKeys { prefix name } }";
        let listed = ask(address, &owner, list).await;
        assert_eq!(listed["data"]["apiKeys"], json!([{ "prefix": prefix, "name": "bot" }]));
        assert!(!listed.to_string().contains(secret) && !dump(&app).await.contains(secret));
        for request in [list.to_owned(), create("role: ANALYST")] {
            assert_eq!(reason(&ask(address, &admin, &request).await), "PERMISSION_MISSING");
        }
        let revoke = |id: &Value| format!("mutation {{ revokeApiKey(input: {{ keyId: {id} }}) {{ apiKey {{ revokedAt }} userErrors {{ reason field }} }} }}");
        let missing = ask(address, &owner, &revoke(&json!(999))).await;
        assert_eq!(missing["data"]["revokeApiKey"]["userErrors"], json!([{ "reason": "ROW_NOT_FOUND", "field": "keyId" }]));
        for _ in 0..2 {
            let revoked = ask(address, &owner, &revoke(&own["keyId"])).await;
            assert_eq!(revoked["data"]["revokeApiKey"]["apiKey"]["revokedAt"], "2026-03-01T12:00:00Z");
        }
        app.clock.advance(TimeDelta::seconds(2));
        assert_eq!(reason(&access::ask(address, &head_with_key(key), "{ viewer { role } }").await), "KEY_REJECTED");
    }))
    .await;
}

async fn keys_never_exceed_their_creator(app: App) {
    beside(Box::pin(async {
        member(&app, "boss@example.com", Role::Owner).await;
        let address = serve(&app).await;
        let end = app.clock.now() + TimeDelta::days(1);
        let of_creator = async |worker: bool, role: Role| {
            let new = NewKey {
                name: "creator".to_owned(),
                role,
                worker,
                user: "boss@example.com".to_owned(),
                is_owner: false,
                expires_at: Some(end),
            };
            head_with_key(&api_key::create(&app.scope(app.organization), new).await.unwrap())
        };
        let creator = of_creator(true, Role::Owner).await;
        // A key of a program can't make itself a person, who may approve the drafts of programs.
        let refused = access::ask(address, &creator, &create("role: OWNER, isWorker: false")).await;
        let expected = json!([{ "reason": "USER_NOT_ALLOWED", "field": "isWorker" }]);
        assert_eq!(refused["data"]["createApiKey"]["userErrors"], expected);
        // The new key expires with its creator.
        for fields in ["role: OWNER", r#"role: OWNER, expiresAt: "2030-01-01T00:00:00Z""#] {
            let created = access::ask(address, &creator, &create(fields)).await;
            assert_eq!(
                created["data"]["createApiKey"]["apiKey"]["expiresAt"],
                "2026-03-02T12:00:00Z"
            );
        }
        let created = access::ask(
            address,
            &creator,
            &create(r#"role: OWNER, expiresAt: "2026-03-01T13:00:00Z""#),
        )
        .await;
        assert_eq!(created["data"]["createApiKey"]["apiKey"]["expiresAt"], "2026-03-01T13:00:00Z");
        // A weaker key of the same owner may not create keys.
        let weaker = of_creator(false, Role::Admin).await;
        assert_eq!(
            reason(&access::ask(address, &weaker, &create("role: ANALYST")).await),
            "PERMISSION_MISSING"
        );
        let (_, _, body) =
            post(address, "/graphql", "X: y", &json!({ "query": create("role: OWNER") })).await;
        assert_eq!(reason(&body), "KEY_REQUIRED");
    }))
    .await;
}

async fn repeated_creation_returns_no_secret(app: App) {
    beside(Box::pin(async {
        let owner = member(&app, "boss@example.com", Role::Owner).await;
        let address = serve(&app).await;
        let request = create(r#"role: MEMBER, idempotencyKey: "k""#);
        let first = ask(address, &owner, &request).await["data"]["createApiKey"].take();
        let second = ask(address, &owner, &request).await["data"]["createApiKey"].take();
        assert!(first["key"].is_string() && second["key"].is_null(), "{second}");
        assert_eq!(first["apiKey"], second["apiKey"]);
    }))
    .await;
}
