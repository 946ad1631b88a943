//! Attempts to sign in: rejections and lock-outs.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use engine::Role;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use server::http::Settings;
use tests::{App, behaviours};

use super::{PASSWORD, ask, cookie, member, member_of, post, reason, serve, sign_in, token_of};
use crate::{access::serve_with, http::beside};

behaviours![
    right_password_begins_a_session,
    wrong_password_and_unknown_address_have_the_same_answer,
    failures_lock_an_address_from_one_network,
    concurrent_attempts_do_not_exceed_the_limit,
    failures_from_many_networks_lock_an_address,
    failures_for_many_addresses_lock_a_network,
    success_ends_the_count_of_failures,
    addresses_of_clients_are_forwarded_by_trusted_proxies_only,
    lock_does_not_affect_links,
    suspended_account_is_told_only_with_the_right_password,
    imported_hash_is_accepted_and_replaced,
    malformed_bodies_are_rejected_without_an_attempt,
];

/// The numbers of attempts by failure reason, `-` for successful ones.
async fn attempts(app: &App) -> BTreeMap<String, i64> {
    let sql = "SELECT COALESCE(failure_reason, '-'), count(*) FROM login_attempts GROUP BY 1";
    let rows = app.db.query_all_raw(Statement::from_string(app.db.get_database_backend(), sql));
    let rows = rows.await.unwrap();
    rows.iter()
        .map(|row| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap()))
        .collect()
}

async fn fail(address: std::net::SocketAddr, email: &str) -> u16 {
    sign_in(address, email, "a wrong password").await.0
}

async fn right_password_begins_a_session(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let (status, head, body) = sign_in(address, " Ann@Example.com ", PASSWORD).await;
        assert_eq!(status, 200, "{body}");
        let set = head.lines().find(|line| line.starts_with("set-cookie")).unwrap();
        assert!(
            set.contains("Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000")
                && !set.contains("Domain"),
            "{set}"
        );
        assert!(head.contains("cache-control: no-store"), "{head}");
        let viewer = ask(
            address,
            cookie(&head).unwrap(),
            "{ viewer { actorKind actorName role profile { email lastSignedInAt } } }",
        )
        .await;
        let expected = json!({ "actorKind": "PERSON", "actorName": "ann", "role": "MEMBER",
            "profile": { "email": "ann@example.com", "lastSignedInAt": "2026-03-01T12:00:00Z" } });
        assert_eq!(viewer["data"]["viewer"], expected, "{viewer}");
    }))
    .await;
}

async fn wrong_password_and_unknown_address_have_the_same_answer(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let answer = async |email| {
            let (status, head, body) = sign_in(address, email, "a wrong password").await;
            let lines = head
                .lines()
                .filter(|line| !line.starts_with("x-request-id") && !line.starts_with("date"));
            (status, lines.map(str::to_owned).collect::<Vec<_>>(), body)
        };
        let (known, unknown) = (answer("ann@example.com").await, answer("bob@example.com").await);
        assert_eq!(known, unknown);
        assert_eq!((known.0, reason(&known.2)), (401, "SIGN_IN_REJECTED"));
        assert!(!known.1.iter().any(|line| line.starts_with("set-cookie")));
        let expected = [("-", 1), ("bad_password", 1), ("unknown_email", 1)];
        assert_eq!(attempts(&app).await, expected.map(|(name, n)| (name.to_owned(), n)).into());
    }))
    .await;
}

async fn failures_lock_an_address_from_one_network(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        for email in ["ann@example.com", "unknown@example.com"] {
            for _ in 0..5 {
                assert_eq!(fail(address, email).await, 401);
            }
        }
        // The right password does not help, and an unknown address has the same answer.
        let locked = sign_in(address, "ann@example.com", PASSWORD).await;
        let unknown = sign_in(address, "unknown@example.com", PASSWORD).await;
        assert_eq!((locked.0, reason(&locked.2)), (429, "SIGN_IN_LOCKED"));
        assert_eq!((locked.0, &locked.2), (unknown.0, &unknown.2));
        assert!(locked.1.contains("retry-after: 900"), "{}", locked.1);
        app.clock.advance(TimeDelta::minutes(15));
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
        // Rejected attempts during the lock have not extended it.
        assert_eq!(attempts(&app).await["locked"], 2);
    }))
    .await;
}

async fn concurrent_attempts_do_not_exceed_the_limit(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let all = (0..12).map(|_| fail(address, "ann@example.com"));
        let statuses = futures_util::future::join_all(all).await;
        let verified = statuses.iter().filter(|status| **status == 401).count();
        // Attempts that begin together all count, so that fewer than five may be verified.
        assert!(verified <= 5, "{statuses:?}");
        assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    }))
    .await;
}

/// Inserts failed attempts.
async fn insert_failures(app: &App, email: &str, networks: impl Iterator<Item = String>) {
    for network in networks {
        let sql = format!(
            "INSERT INTO login_attempts (email, ip_address, network, success, failure_reason, attempted_at, \
             created_at, updated_at) SELECT '{email}', '{network}', '{network}', success, 'bad_password', \
             attempted_at, created_at, updated_at FROM login_attempts WHERE failure_reason = 'unknown_email'"
        );
        app.db.execute_unprepared(&sql).await.unwrap();
    }
}

async fn failures_from_many_networks_lock_an_address(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        assert_eq!(fail(address, "unknown@example.com").await, 401);
        insert_failures(&app, "ann@example.com", (0..50).map(|n| format!("198.51.100.{n}"))).await;
        let (status, _, body) = sign_in(address, "ann@example.com", PASSWORD).await;
        assert_eq!((status, reason(&body)), (429, "SIGN_IN_LOCKED"));
        app.clock.advance(TimeDelta::minutes(15));
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 429);
        app.clock.advance(TimeDelta::minutes(45));
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
    }))
    .await;
}

async fn failures_for_many_addresses_lock_a_network(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        assert_eq!(fail(address, "unknown@example.com").await, 401);
        for n in 0..99 {
            insert_failures(
                &app,
                &format!("p{n}@example.com"),
                ["127.0.0.1".to_owned()].into_iter(),
            )
            .await;
        }
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 429);
        app.clock.advance(TimeDelta::minutes(15));
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
    }))
    .await;
}

async fn success_ends_the_count_of_failures(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        for _ in 0..2 {
            for _ in 0..4 {
                assert_eq!(fail(address, "ann@example.com").await, 401);
            }
            assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
        }
    }))
    .await;
}

async fn addresses_of_clients_are_forwarded_by_trusted_proxies_only(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let seen = async |trusted: &[&str], forwarded: &str| {
            let settings = Settings {
                trusted_proxy: trusted.iter().map(|net| net.parse().unwrap()).collect(),
                ..Settings::default()
            };
            let address = serve_with(&app, settings).await;
            let headers = format!("Origin: http://{address}\r\nX-Forwarded-For: {forwarded}");
            let body = json!({ "email": "ann@example.com", "password": PASSWORD });
            assert_eq!(post(address, "/sign-in", &headers, &body).await.0, 200);
            let sql =
                "SELECT ip_address || ' ' || network FROM login_attempts ORDER BY id DESC LIMIT 1";
            let row =
                app.db.query_one_raw(Statement::from_string(app.db.get_database_backend(), sql));
            row.await.unwrap().unwrap().try_get_by_index::<String>(0).unwrap()
        };
        let loopback = ["127.0.0.0/8"];
        for (trusted, forwarded, expected) in [
            (&[][..], "203.0.113.9", "127.0.0.1 127.0.0.1"),
            (&loopback, "203.0.113.9", "203.0.113.9 203.0.113.9"),
            // Only the proxy has appended the last address; a client can have sent the others.
            (&loopback, "198.51.100.1, 203.0.113.9", "203.0.113.9 203.0.113.9"),
            (
                &["127.0.0.0/8", "203.0.113.0/24"],
                "198.51.100.1, 203.0.113.9",
                "198.51.100.1 198.51.100.1",
            ),
            (&loopback, "198.51.100.1, unknown", "127.0.0.1 127.0.0.1"),
            (&loopback, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6 2001:db8:1:2::/64"),
            (&loopback, "203.0.113.9:4711", "203.0.113.9 203.0.113.9"),
            (&loopback, "[2001:db8::1]:4711", "2001:db8::1 2001:db8::/64"),
            (&loopback, "::ffff:203.0.113.9", "203.0.113.9 203.0.113.9"),
        ] {
            assert_eq!(seen(trusted, forwarded).await, expected, "{trusted:?} {forwarded}");
        }
    }))
    .await;
}

async fn lock_does_not_affect_links(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        for _ in 0..6 {
            fail(address, "ann@example.com").await;
        }
        let link = app.accounts.password_reset_link("ann@example.com").await.unwrap();
        let body = json!({ "token": token_of(&link), "password": "another long password" });
        let own = format!("Origin: http://{address}");
        assert_eq!(post(address, "/sign-in/reset", &own, &body).await.0, 200);
        // A new password also ends the lock.
        assert_eq!(sign_in(address, "ann@example.com", "another long password").await.0, 200);
    }))
    .await;
}

async fn suspended_account_is_told_only_with_the_right_password(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        app.accounts.suspend_account("ann@example.com", Some("left the company")).await.unwrap();
        let (status, _, body) = sign_in(address, "ann@example.com", "a wrong password").await;
        assert_eq!((status, reason(&body)), (401, "SIGN_IN_REJECTED"));
        let (status, _, body) = sign_in(address, "ann@example.com", PASSWORD).await;
        assert_eq!((status, reason(&body)), (403, "ACCOUNT_SUSPENDED"));
        assert!(!body.to_string().contains("left the company"), "{body}");
        app.accounts.reinstate_account("ann@example.com").await.unwrap();
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 200);
        // A member of no organization can't sign in.
        let stranger = app.organization("stranger").await;
        member_of(&app, stranger, "sue@example.com", Role::Owner).await;
        let sql = "UPDATE memberships SET status = 'left' WHERE user_id = (SELECT id FROM users WHERE email = 'sue@example.com')";
        app.db.execute_unprepared(sql).await.unwrap();
        let (status, _, body) = sign_in(address, "sue@example.com", PASSWORD).await;
        assert_eq!((status, reason(&body)), (403, "MEMBERSHIP_MISSING"));
    }))
    .await;
}

async fn imported_hash_is_accepted_and_replaced(app: App) {
    beside(Box::pin(async {
        member(&app, "ann@example.com", Role::Member).await;
        let address = serve(&app).await;
        let hash = async || {
            let sql = "SELECT password_hash FROM users WHERE email = 'ann@example.com'";
            let row =
                app.db.query_one_raw(Statement::from_string(app.db.get_database_backend(), sql));
            row.await.unwrap().unwrap().try_get_by_index::<String>(0).unwrap()
        };
        // The hash of `imported password`, with a cost of 4, which the test can afford.
        for imported in [
            bcrypt::hash("imported password", 4).unwrap(),
            // Argon2id with less memory than new hashes.
            argon2_hash("imported password"),
        ] {
            let sql = format!(
                "UPDATE users SET password_hash = '{imported}' WHERE email = 'ann@example.com'"
            );
            app.db.execute_unprepared(&sql).await.unwrap();
            assert_eq!(sign_in(address, "ann@example.com", "another password").await.0, 401);
            assert_eq!(hash().await, imported);
            assert_eq!(sign_in(address, "ann@example.com", "imported password").await.0, 200);
            assert!(
                hash().await.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
                "{}",
                hash().await
            );
            assert_eq!(sign_in(address, "ann@example.com", "imported password").await.0, 200);
        }
    }))
    .await;
}

fn argon2_hash(password: &str) -> String {
    use argon2::PasswordHasher;
    let params = argon2::Params::new(1_024, 1, 1, None).unwrap();
    let weak = argon2::Argon2::from(params);
    weak.hash_password_with_salt(password.as_bytes(), b"0123456789abcdef").unwrap().to_string()
}

async fn malformed_bodies_are_rejected_without_an_attempt(app: App) {
    beside(Box::pin(async {
        let address = serve(&app).await;
        let own = format!("Origin: http://{address}");
        let secret = "hunter2 hunter2";
        for body in [
            json!({ "email": "a@example.com" }),
            json!({ "email": "a@example.com", "password": 1 }),
            json!({ "email": "a@example.com", "password": "x", "pass": secret }),
            json!([secret]),
            Value::Null,
            json!({ "email": "a@example.com", "password": "x".repeat(20_000) }),
        ] {
            let (status, _, answer) = post(address, "/sign-in", &own, &body).await;
            assert_eq!(status, 400, "{answer}");
            assert!(!answer.to_string().contains("hunter2"), "{answer}");
        }
        let head = format!("POST /sign-in HTTP/1.1\r\nContent-Type: text/plain\r\n{own}");
        let body = json!({ "email": "a@example.com", "password": "x" }).to_string();
        assert_eq!(crate::http::send(address, &head, &body).await.0, 400);
        assert!(attempts(&app).await.is_empty());
    }))
    .await;
}
