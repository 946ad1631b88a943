//! What the database stores about sign-ins, and for how long.

use chrono::TimeDelta;
use engine::Role;
use sea_orm::{ConnectionTrait, Statement};
use service::identity::session;
use tests::{App, behaviours};

use super::{PASSWORD, member};
use crate::http::beside;

behaviours![only_hashes_of_tokens_are_stored, ended_sessions_are_removed_after_their_retention,];

async fn only_hashes_of_tokens_are_stored(app: App) {
    beside(Box::pin(async {
        let token = member(&app, "ann@example.com", Role::Member).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("copy.db");
        service::operations::backup::backup(&app.store, &file, &engine::progress::Unwatched)
            .await
            .unwrap();
        let bytes = std::fs::read(&file).unwrap();
        for secret in [token.as_str(), PASSWORD] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }))
    .await;
}

async fn ended_sessions_are_removed_after_their_retention(app: App) {
    member(&app, "ann@example.com", Role::Member).await;
    let rows = async || {
        let mut counts = Vec::new();
        for table in ["user_sessions", "one_time_tokens", "login_attempts"] {
            let sql = format!("SELECT count(*) FROM {table}");
            let backend = app.db.get_database_backend();
            let row = app.db.query_one_raw(Statement::from_string(backend, sql)).await;
            counts.push(row.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap());
        }
        counts
    };
    let expire = async || {
        service::operations::maintenance::remove_expired(
            &app.store,
            engine::Clock::now(app.clock.as_ref()),
            400,
        )
        .await
        .unwrap();
    };
    assert_eq!(rows().await, [1, 1, 1]);
    app.clock.advance(TimeDelta::days(90));
    expire().await;
    assert_eq!(rows().await, [1, 1, 1]);
    app.clock.advance(session::DURATION + TimeDelta::seconds(1));
    expire().await;
    assert_eq!(rows().await, [0, 0, 0]);
}
