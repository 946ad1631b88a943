//! Reads all stored rows, for comparison with the expected state.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use engine::Kind;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::{App, Engine};

/// Every row of every entity, by entity name and primary key, as the change log would record it.
pub async fn stored(app: &App) -> BTreeMap<(String, i64), Value> {
    let mut rows = BTreeMap::new();
    for entity in api::catalog::entities().iter().filter(|entity| !entity.log) {
        let sql = format!("SELECT * FROM \"{}\"", entity.table.name);
        let backend = app.db.get_database_backend();
        for row in app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
            let mut object = serde_json::Map::new();
            for (_, column) in entity.table.visible_columns() {
                let name = column.name;
                let value = match column.kind {
                    Kind::Bool => json!(row.try_get::<Option<bool>>("", name).unwrap()),
                    Kind::BigInt => json!(row.try_get::<Option<i64>>("", name).unwrap()),
                    Kind::Int => json!(row.try_get::<Option<i32>>("", name).unwrap()),
                    Kind::Double => json!(row.try_get::<Option<f64>>("", name).unwrap()),
                    Kind::Text => json!(row.try_get::<Option<String>>("", name).unwrap()),
                    Kind::Json => json!(row.try_get::<Option<Value>>("", name).unwrap()),
                    Kind::Time => {
                        let time = row.try_get::<Option<DateTime<Utc>>>("", name).unwrap();
                        json!(time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
                    }
                };
                object.insert(name.to_owned(), value);
            }
            let key = object["id"].as_i64().unwrap();
            rows.insert((entity.table.called.to_owned(), key), Value::Object(object));
        }
    }
    rows
}

/// The contents of all tables, as text.
pub async fn dump(app: &App) -> String {
    let mut text = format!("{:?}", stored(app).await);
    for (table, columns) in [
        ("changes", ["before", "after"]),
        ("idempotency_keys", ["answer", "input_hash"]),
        ("prospects", ["email_key", "linkedin_key"]),
    ] {
        for column in columns {
            let sql = format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\"");
            let backend = app.db.get_database_backend();
            for row in app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
                text.push_str(
                    &row.try_get_by_index::<Option<String>>(0).unwrap().unwrap_or_default(),
                );
            }
        }
    }
    // The parts of the search index that are stored as text.
    let search = match app.engine {
        Engine::Postgres => "SELECT concat(names, words) FROM search_documents",
        Engine::Sqlite => "SELECT name FROM search_names",
    };
    let backend = app.db.get_database_backend();
    for row in app.db.query_all_raw(Statement::from_string(backend, search)).await.unwrap() {
        text.push_str(&row.try_get_by_index::<String>(0).unwrap());
    }
    text
}
