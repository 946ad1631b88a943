//! Migrations: they run up and down, and the resulting schema matches the entities and the service on both engines.

use std::collections::BTreeMap;

use api::catalog;
use engine::{Kind, Store};
use graph::declaration::FieldKind;
use sea_orm::{
    ColumnTrait, ConnectionTrait, Database, EntityTrait, IdenStatic, Iterable, Statement,
};
use tests::{App, Engine, behaviours, committed::assert_committed, database::TestDatabase};

behaviours![
    migrations_can_be_applied_reverted_and_reapplied,
    tables_match_the_declared_columns,
    internal_tables_match_their_entities,
    backup_covers_every_table,
    foreign_keys_have_the_expected_delete_rules,
    references_between_organizations_are_checked,
    every_sort_key_has_an_index,
    every_foreign_key_has_an_index,
    concurrent_migrations_are_safe,
    new_database_file_is_readable_only_by_its_owner,
];

async fn backup_covers_every_table(app: App) {
    let mut known: Vec<&str> = service::operations::table_names();
    known.push("seaql_migrations");
    // Derived from the usage logs by triggers.
    known.push("daily_cost_summaries");
    // Progress of computed columns on existing rows; not part of a backup.
    known.push("comparison_progress");
    known.sort_unstable();
    let there: Vec<String> = tables(&app.url, app.engine).await.into_keys().collect();
    assert_eq!(there, known);
}

async fn migrations_can_be_applied_reverted_and_reapplied(app: App) {
    let database = TestDatabase::empty(app.engine).await;
    let store = Store::connect(&database.url).await.unwrap();
    let all = store.migrations().await.unwrap();
    assert!(all.iter().all(|(_, applied)| !applied));
    service::operations::migrate(&store).await.unwrap();
    store.migrate_down(u32::try_from(all.len()).unwrap()).await.unwrap();
    let left = tables(&database.url, app.engine).await;
    assert!(left.keys().all(|name| name == "seaql_migrations"), "{left:?}");
    service::operations::migrate(&store).await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    assert!(store.migrations().await.unwrap().iter().all(|(_, applied)| *applied));
}

/// Columns of each table with name, declared type and nullability, except for the search tables, which are derived.
async fn tables(url: &str, engine: Engine) -> BTreeMap<String, Vec<(String, String, bool)>> {
    let db = Database::connect(url).await.unwrap();
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT m.name, c.name, lower(c.type), CAST(c.\"notnull\" AS TEXT) FROM sqlite_master m \
             JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
             ORDER BY m.name, c.cid"
        }
        Engine::Postgres => {
            "SELECT table_name::text, column_name::text, \
             data_type::text || COALESCE('(' || character_maximum_length || ')', ''), \
             CASE is_nullable WHEN 'YES' THEN '0' ELSE '1' END FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
        }
    };
    let rows =
        db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let mut tables: BTreeMap<String, Vec<(String, String, bool)>> = BTreeMap::new();
    for row in rows {
        let text = |index| row.try_get_by_index::<String>(index).unwrap();
        if text(0).starts_with("search_") {
            continue;
        }
        tables.entry(text(0)).or_default().push((text(1), text(2), text(3) == "0"));
    }
    tables
}

async fn tables_match_the_declared_columns(app: App) {
    let tables = tables(&app.url, app.engine).await;
    for entity in catalog::entities() {
        let stored = &tables[entity.table.name];
        let mut known: Vec<_> = entity.table.columns.iter().collect();
        let mut stored: Vec<_> = stored.iter().collect();
        if app.engine == Engine::Sqlite {
            // SQLite cannot alter a column, so the migration appends the replacement as the last column.
            known.sort_unstable_by_key(|column| column.name);
            stored.sort_unstable();
        }
        assert_eq!(stored.len(), known.len(), "{}", entity.table.name);
        for (column, (name, ty, nullable)) in known.into_iter().zip(stored) {
            let wanted = match (column.kind, column.length, app.engine) {
                (Kind::Text, Some(length), Engine::Postgres) => {
                    format!("character varying({length})")
                }
                (Kind::Text, Some(length), Engine::Sqlite) => format!("varchar({length})"),
                (Kind::Text, None, _) => "text".to_owned(),
                (Kind::Bool, ..) => "boolean".to_owned(),
                (Kind::BigInt, _, Engine::Postgres) => "bigint".to_owned(),
                (Kind::Int | Kind::BigInt, ..) => "integer".to_owned(),
                (Kind::Double, _, Engine::Postgres) => "double precision".to_owned(),
                (Kind::Double, _, Engine::Sqlite) => "double".to_owned(),
                (Kind::Time, _, Engine::Postgres) => "timestamp with time zone".to_owned(),
                (Kind::Time, _, Engine::Sqlite) => "timestamp_with_timezone_text".to_owned(),
                (Kind::Json, _, Engine::Postgres) => "jsonb".to_owned(),
                (Kind::Json, _, Engine::Sqlite) => "jsonb_text".to_owned(),
            };
            let place = format!("{}.{name}", entity.table.name);
            assert_eq!(
                (column.name, wanted.as_str(), column.nullable),
                (name.as_str(), ty.as_str(), *nullable),
                "{place}"
            );
        }
    }
}

/// Names and nullability of the columns of an entity.
fn columns_of<E: EntityTrait>() -> (String, Vec<(String, bool)>) {
    let columns = E::Column::iter().map(|column| {
        let nullable = column.def().is_null();
        (column.as_str().to_owned(), nullable)
    });
    (E::default().table_name().to_owned(), columns.collect())
}

async fn internal_tables_match_their_entities(app: App) {
    use entity::{
        governance::{alembic_version, change_log, idempotency_key},
        identity::{
            api_key, login_attempt, one_time_token, organization, organization_secret,
            outgoing_mail, user, user_preference, user_session,
        },
        ingest, offer, usage,
    };
    let tables = tables(&app.url, app.engine).await;
    let others = [
        columns_of::<organization::Entity>(),
        columns_of::<user::Entity>(),
        columns_of::<api_key::Entity>(),
        columns_of::<organization_secret::Entity>(),
        columns_of::<user_session::Entity>(),
        columns_of::<user_preference::Entity>(),
        columns_of::<one_time_token::Entity>(),
        columns_of::<outgoing_mail::Entity>(),
        columns_of::<login_attempt::Entity>(),
        columns_of::<entity::crm::opt_out::Entity>(),
        columns_of::<offer::industry_solution::Entity>(),
        columns_of::<entity::identity::team_member::Entity>(),
        columns_of::<entity::crm::prospect_note_mention::Entity>(),
        columns_of::<alembic_version::Entity>(),
        columns_of::<change_log::Entity>(),
        columns_of::<idempotency_key::Entity>(),
        columns_of::<usage::outreach_draft_usage::Entity>(),
        columns_of::<usage::prospect_research_usage::Entity>(),
        columns_of::<ingest::source_import::Entity>(),
        columns_of::<ingest::source_import_table::Entity>(),
        columns_of::<ingest::source_import_key::Entity>(),
    ];
    for (table, columns) in &others {
        let stored: Vec<_> =
            tables[table].iter().map(|(name, _, nullable)| (name.clone(), *nullable)).collect();
        assert_eq!(stored, *columns, "{table}");
    }
    assert_eq!(
        tables.len(),
        catalog::entities().len() + others.len() + 2,
        "expected two more tables: migrations and comparison progress"
    );
}

async fn foreign_keys_have_the_expected_delete_rules(app: App) {
    let sql = match app.engine {
        Engine::Sqlite => {
            "SELECT m.name || '.' || f.\"from\" || ' ' || f.\"table\" || ' ' || f.on_delete FROM sqlite_master m \
             JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
        }
        Engine::Postgres => {
            "SELECT k.table_name || '.' || k.column_name || ' ' || t.table_name || ' ' || r.delete_rule \
             FROM information_schema.referential_constraints r \
             JOIN information_schema.key_column_usage k USING (constraint_schema, constraint_name) \
             JOIN information_schema.table_constraints t ON t.constraint_name = r.unique_constraint_name"
        }
    };
    let backend = app.db.get_database_backend();
    let rows = app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let mut keys: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    keys.retain(|key| !key.contains(".organization_id "));
    keys.sort_unstable();
    keys.push(String::new());
    assert_committed("foreign-keys.txt", &keys.join("\n"));
}

/// Every reference between rows of organizations has a check of the organization: a trigger, or the foreign key itself.
/// Users can belong to several organizations.
async fn references_between_organizations_are_checked(app: App) {
    let sql = match app.engine {
        Engine::Sqlite => {
            "SELECT m.name || '.' || f.\"from\", EXISTS (SELECT 1 FROM sqlite_master t WHERE t.name = \
             'organization_of_' || m.name || '_' || f.\"from\" || '_insert') AND EXISTS (SELECT 1 FROM sqlite_master t \
             WHERE t.name = 'organization_of_' || m.name || '_' || f.\"from\" || '_update') \
             FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND EXISTS \
             (SELECT 1 FROM pragma_table_info(m.name) WHERE name = 'organization_id') AND EXISTS \
             (SELECT 1 FROM pragma_table_info(f.\"table\") WHERE name = 'organization_id')"
        }
        Engine::Postgres => {
            "SELECT t.relname || '.' || a.attname, cardinality(c.conkey) = 2 OR EXISTS (SELECT 1 FROM pg_trigger g \
             JOIN pg_proc f ON f.oid = g.tgfoid WHERE g.tgrelid = t.oid AND g.tgname = 'organization_of_' || t.relname \
             AND position('NEW.\"' || a.attname || '\" IS NOT NULL AND EXISTS' IN f.prosrc) > 0) \
             FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_attribute a ON a.attrelid = t.oid \
             AND a.attnum = c.conkey[cardinality(c.conkey)] WHERE c.contype = 'f' AND EXISTS (SELECT 1 FROM \
             pg_attribute o WHERE o.attrelid = t.oid AND o.attname = 'organization_id') AND EXISTS (SELECT 1 FROM \
             pg_attribute o WHERE o.attrelid = c.confrelid AND o.attname = 'organization_id')"
        }
    };
    let backend = app.db.get_database_backend();
    let rows = app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let reference: String = row.try_get_by_index(0).unwrap();
        if reference.ends_with(".user_id") {
            continue;
        }
        let checked = match app.engine {
            Engine::Sqlite => row.try_get_by_index::<i64>(1).unwrap() == 1,
            Engine::Postgres => row.try_get_by_index::<bool>(1).unwrap(),
        };
        assert!(checked, "{reference}");
    }
}

/// The definitions of all indexes, by table.
async fn indexes(app: &App) -> BTreeMap<String, Vec<String>> {
    let sql = match app.engine {
        Engine::Sqlite => {
            "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        }
        Engine::Postgres => {
            "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        }
    };
    let backend = app.db.get_database_backend();
    let rows = app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let mut indexes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let definition: String = row.try_get_by_index(1).unwrap();
        let (_, keys) = definition.split_once(" (").unwrap();
        indexes.entry(row.try_get_by_index(0).unwrap()).or_default().push(keys.replace('"', ""));
    }
    indexes
}

async fn every_sort_key_has_an_index(app: App) {
    let indexes = indexes(&app).await;
    for entity in catalog::entities() {
        for field in entity.fields.iter().filter(|field| field.sort) {
            let FieldKind::Column { column, .. } = field.gives else { continue };
            let name = entity.table.columns[column].name;
            let found = indexes[entity.table.name].iter().any(|keys| {
                keys.starts_with("organization_id, ")
                    && keys.contains(name)
                    && keys.ends_with("id)")
            });
            assert!(found, "{}.{name}", entity.table.name);
        }
    }
}

async fn every_foreign_key_has_an_index(app: App) {
    let indexes = indexes(&app).await;
    for entity in catalog::entities() {
        for column in &entity.table.columns {
            if column.kind == Kind::BigInt && column.name.ends_with("_id") {
                let lead = format!("{}, ", column.name);
                let found = indexes[entity.table.name].iter().any(|keys| keys.starts_with(&lead));
                assert!(found, "{}.{}", entity.table.name, column.name);
            }
        }
    }
}

async fn concurrent_migrations_are_safe(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    let database = TestDatabase::empty(app.engine).await;
    let starts = (0..4).map(async |_| {
        let store = Store::connect(&database.url).await.unwrap();
        service::operations::migrate(&store).await.unwrap();
    });
    futures_util::future::join_all(starts).await;
}

async fn new_database_file_is_readable_only_by_its_owner(app: App) {
    use std::os::unix::fs::PermissionsExt;
    if app.engine == Engine::Postgres {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/new.db");
    let store = Store::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    store.close().await.unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    Store::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}
