//! Rows that filtered and sorted lists read on Postgres, on data of three distributions: even, skewed, and old.
//!
//! A list walks an index in its order until the page is full, or finds its rows by the filter and sorts them. If many rows
//! match, the walk is short. A list that then reads many times its rows has a plan that is wrong about the data.

use std::collections::BTreeMap;

use api::catalog;
use engine::{progress::Unwatched, record_statements};
use graph::{
    declaration::{Entity, Field, FieldKind, Scalar},
    scalar::enum_value,
};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::Value;
use service::{demo, operations::maintenance};
use tests::{App, Engine, behaviours, plan::rows_read};

behaviours![
    lists_of_even_data_read_few_rows,
    lists_of_skewed_data_read_few_rows,
    lists_of_old_data_read_few_rows,
    filtered_text_has_statistics,
    conditions_on_the_sort_key_bound_the_walk,
    conditions_on_the_sort_key_keep_the_rows,
];

/// Rows of a page, with the row beyond it.
const PAGE: f64 = 21.0;

/// How many times the rows of a walk a list may read. Postgres knows nothing about correlations: drafts in the status DRAFT
/// have no `submittedAt`.
const FACTOR: f64 = 10.0;

/// A condition of a filter.
#[derive(Clone, Debug)]
struct Condition {
    /// The condition in GraphQL.
    filter: String,
    /// Its value in SQL.
    value: String,
}

/// What a list read.
struct Reading {
    query: String,
    read: f64,
    allowed: f64,
}

async fn lists_of_even_data_read_few_rows(app: App) {
    few_rows(app, &[]).await;
}

async fn lists_of_skewed_data_read_few_rows(app: App) {
    let skew = [
        "UPDATE companies SET size = CASE WHEN id % 20 < 17 THEN '11-50' ELSE size END, \
         country = CASE WHEN id % 20 < 18 THEN 'DE' ELSE 'CH' END, \
         industry_id = CASE WHEN id % 20 < 16 THEN 1 ELSE industry_id END",
        "UPDATE prospects SET company_id = CASE WHEN id % 10 < 6 THEN 8 ELSE company_id END, \
         location = CASE WHEN id % 10 < 9 THEN 'Berlin' ELSE location END",
        "UPDATE interactions SET interaction_type = CASE WHEN id % 10 < 9 THEN 'email' ELSE interaction_type END",
        "UPDATE outreach_drafts SET status = CASE WHEN id % 10 < 9 THEN 'sent' ELSE status END",
    ];
    few_rows(app, &skew).await;
}

async fn lists_of_old_data_read_few_rows(app: App) {
    let ago = |table: &str, columns: &[&str]| {
        let set = columns.iter().map(|column| format!("{column} = {column} - interval '3 years'"));
        let set = set.collect::<Vec<_>>().join(", ");
        format!("UPDATE {table} SET {set} WHERE id % 50 <> 0")
    };
    let statements = [
        ago(
            "prospects",
            &["created_at", "updated_at", "last_contacted_at", "last_engagement_date"],
        ),
        ago("interactions", &["created_at", "updated_at", "interaction_date"]),
        ago("outreach_drafts", &["created_at", "updated_at", "submitted_at", "sent_at"]),
        ago("llm_usage_logs", &["created_at", "updated_at"]),
    ];
    few_rows(app, &statements.each_ref().map(String::as_str)).await;
}

async fn few_rows(app: App, changes: &[&str]) {
    if app.engine == Engine::Sqlite {
        // SQLite does not report the rows that it reads.
        return;
    }
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    for change in changes {
        app.db.execute_unprepared(change).await.unwrap();
    }
    maintenance::analyze(&app.store).await.unwrap();
    let mut readings = Vec::new();
    for entity in catalog::entities().iter().filter(|entity| !entity.log) {
        let rows = count(&app, entity.table.name).await;
        if rows < 200.0 {
            continue;
        }
        let own = conditions(&app, entity, "").await;
        let mut all: Vec<Vec<Condition>> = own.iter().map(|one| vec![one.clone()]).collect();
        for (relation, to) in relations(entity) {
            for condition in conditions(&app, to, &relation).await {
                all.push(vec![condition.clone()]);
                all.extend(own.iter().take(1).map(|own| vec![condition.clone(), own.clone()]));
            }
        }
        for conditions in &all {
            for order in orders(entity).into_iter().take(3) {
                readings.push(reading(&app, entity, conditions, &order, rows).await);
            }
        }
    }
    readings.retain(|reading| reading.read > 0.0);
    readings
        .sort_by(|one, other| (other.read / other.allowed).total_cmp(&(one.read / one.allowed)));
    let worst = readings.iter().take(10);
    let worst = worst.map(|one| format!("{:6} of {:6} {}", one.read, one.allowed, one.query));
    let worst = worst.collect::<Vec<_>>().join("\n");
    println!("{} lists; the worst ten (rows read, allowed):\n{worst}", readings.len());
    assert!(readings.len() > 300, "{}", readings.len());
    assert!(readings[0].read <= readings[0].allowed, "\n{worst}");
}

/// The sort orders of an entity: the default, by time of creation, and by the sort keys that may be null.
fn orders(entity: &Entity) -> Vec<String> {
    let is_nullable = |field: &&Field| match &field.gives {
        FieldKind::Column { optional, .. } => *optional || field.name == "createdAt",
        _ => false,
    };
    let fields = entity.fields.iter().filter(|field| field.sort).filter(is_nullable);
    let orders = fields.map(|field| format!(", orderBy: [{{ {}: DESC }}]", field.name));
    [String::new()].into_iter().chain(orders).collect()
}

/// The to-one relations of an entity.
fn relations(entity: &'static Entity) -> Vec<(String, &'static Entity)> {
    let relations = entity.fields.iter().filter_map(|field| match &field.gives {
        FieldKind::One { to, .. } => Some((field.name.clone(), to())),
        _ => None,
    });
    relations.collect()
}

/// Conditions on the columns of an entity: equality with the most and the least frequent value.
async fn conditions(app: &App, entity: &'static Entity, relation: &str) -> Vec<Condition> {
    let mut conditions = Vec::new();
    for field in &entity.fields {
        let FieldKind::Column { column, scalar, .. } = &field.gives else { continue };
        if !matches!(scalar, Scalar::String | Scalar::Enum(_) | Scalar::Boolean) {
            continue;
        }
        let (table, column) = (entity.table.name, entity.table.columns[*column].name);
        let sql = format!(
            "SELECT \"{column}\"::text FROM \"{table}\" WHERE \"{column}\" IS NOT NULL \
             AND length(\"{column}\"::text) < 60 GROUP BY 1 ORDER BY count(*) DESC, 1"
        );
        let values =
            app.db.query_all_raw(Statement::from_string(app.db.get_database_backend(), sql));
        let values = values.await.unwrap();
        let values = values.iter().map(|row| row.try_get_by_index::<String>(0).unwrap());
        let mut values: Vec<String> = values.collect();
        if values.len() > 2 {
            values = vec![values.remove(0), values.pop().unwrap()];
        }
        for value in values {
            let literal = match scalar {
                Scalar::Enum(ty) => enum_value(ty, &value),
                Scalar::String => serde_json::to_string(&value).unwrap(),
                _ => value.clone(),
            };
            let own = format!("{}: {{ eq: {literal} }}", field.name);
            let filter = if relation.is_empty() { own } else { format!("{relation}: {{ {own} }}") };
            let value = value.to_ascii_lowercase().replace('\'', "''");
            conditions.push(Condition { filter, value });
        }
    }
    conditions
}

/// What a list with these conditions reads, in plans for these values and in those that Postgres chooses after
/// several executions.
async fn reading(
    app: &App,
    entity: &'static Entity,
    conditions: &[Condition],
    order: &str,
    rows: f64,
) -> Reading {
    let filter = conditions.iter().map(|one| one.filter.as_str()).collect::<Vec<_>>().join(", ");
    let query = format!(
        "{{ {}(first: 20, filter: {{ {filter} }}{order}) {{ nodes {{ id }} }} }}",
        entity.plural
    );
    let (_, asked) = record_statements(app.data(&query), true).await;
    let sql = &asked.sent[0].text;
    // The organization, then the values; a condition on the sort key has its value once more.
    let places = (1..100).take_while(|place| sql.contains(&format!("${place}"))).count();
    let mut binds = vec![app.organization.to_string()];
    binds.extend(conditions.iter().map(|one| format!("'{}'", one.value)));
    while binds.len() < places {
        binds.push(format!("'{}'", conditions.last().unwrap().value));
    }
    let binds = binds.join(", ");
    let count = format!("{{ {}(filter: {{ {filter} }}) {{ totalCount }} }}", entity.plural);
    let matching = app.data(&count).await[entity.plural]["totalCount"].as_f64().unwrap();
    let mut read: f64 = 0.0;
    for mode in ["force_custom_plan", "auto"] {
        read = read.max(rows_read_in(app, sql, &binds, mode).await);
    }
    // Each row of the list takes a lookup of the relation.
    let tables = if conditions.len() > 1 || conditions[0].filter.matches('{').count() > 1 {
        3.0
    } else {
        1.0
    };
    let walk = if matching < PAGE { rows } else { PAGE * rows / matching };
    Reading { query, read, allowed: FACTOR * tables * walk + 100.0 }
}

async fn rows_read_in(app: &App, sql: &str, binds: &str, mode: &str) -> f64 {
    let transaction = app.db.begin().await.unwrap();
    let run = async |text: &str| transaction.execute_unprepared(text).await.unwrap();
    run(&format!("SET LOCAL plan_cache_mode = {mode}")).await;
    run(&format!("PREPARE page AS {sql}")).await;
    if mode == "auto" {
        for _ in 0..5 {
            run(&format!("EXPLAIN EXECUTE page({binds})")).await;
        }
    }
    let explain = format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE page({binds})");
    let statement = Statement::from_string(transaction.get_database_backend(), explain);
    let row = transaction.query_one_raw(statement).await.unwrap();
    let plan: Value = row.unwrap().try_get_by_index(0).unwrap();
    run("DEALLOCATE page").await;
    rows_read(&plan[0]["Plan"])
}

async fn count(app: &App, table: &str) -> f64 {
    let sql = format!("SELECT count(*) FROM \"{table}\"");
    let statement = Statement::from_string(app.db.get_database_backend(), sql);
    let row = app.db.query_one_raw(statement).await.unwrap().unwrap();
    let rows: i64 = row.try_get_by_index(0).unwrap();
    i32::try_from(rows).unwrap().into()
}

async fn filtered_text_has_statistics(app: App) {
    if app.engine == Engine::Sqlite {
        // SQLite has statistics of indexes only.
        return;
    }
    let sql = "SELECT tablename::text, expr FROM pg_stats_ext_exprs UNION ALL \
               SELECT i.indrelid::regclass::text, pg_get_indexdef(i.indexrelid, k, true) FROM pg_index i, \
               generate_series(1, 20) k WHERE k <= i.indnatts AND i.indpred IS NULL UNION ALL \
               SELECT s.stxrelid::regclass::text, pg_get_statisticsobjdef_expressions(s.oid)::text FROM pg_statistic_ext s";
    let rows = app
        .db
        .query_all_raw(Statement::from_string(app.db.get_database_backend(), sql))
        .await
        .unwrap();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for row in rows {
        let (table, expression): (String, Option<String>) =
            (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
        known.entry(table).or_default().push_str(&expression.unwrap_or_default());
    }
    let mut missing = Vec::new();
    for entity in catalog::entities() {
        for field in &entity.fields {
            let FieldKind::Column { column, scalar, .. } = &field.gives else { continue };
            let column = &entity.table.columns[*column];
            // Equality with long text is rare, and its values have no frequencies.
            let is_short = column.length.is_some_and(|length| length <= 255);
            if !matches!(scalar, Scalar::String | Scalar::Enum(_)) || !is_short {
                continue;
            }
            let known =
                known.get(entity.table.name).map_or("", String::as_str).replace(['(', ')'], "");
            let expression = format!("lower{}::text COLLATE \"C\"", column.name);
            if !known.contains(&expression) {
                missing.push(format!("{}.{}", entity.table.name, column.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

async fn conditions_on_the_sort_key_bound_the_walk(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    maintenance::analyze(&app.store).await.unwrap();
    // 400 prospects have no contact; in descending order, they come first.
    let since = app.hours(-24 * 30).to_rfc3339();
    let query = format!(
        "{{ prospects(first: 20, filter: {{ lastContactedAt: {{ gte: \"{since}\" }} }}, orderBy: [{{ lastContactedAt: DESC }}]) {{ nodes {{ id }} }} }}"
    );
    let (_, asked) = record_statements(app.data(&query), true).await;
    let binds = format!("{}, '{since}', '{since}'", app.organization);
    let read = rows_read_in(&app, &asked.sent[0].text, &binds, "force_custom_plan").await;
    assert!(read <= 3.0 * PAGE, "{read}");
}

async fn conditions_on_the_sort_key_keep_the_rows(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    for hours in [None, Some(-3), Some(-2), None, Some(-1)] {
        let at = hours.map(|hours| app.hours(hours));
        app.prospect_with("P", company, |row| {
            row.last_contacted_at = sea_orm::ActiveValue::Set(at);
        })
        .await;
    }
    for count in ["null", "0", "7", "-0", "100000000"] {
        let create = format!(
            "mutation {{ createCompany(input: {{ name: \"C{count}\", size: \"1\", industryId: 1, employeeCount: {count} }}) {{ userErrors {{ message }} }} }}"
        );
        app.done(&create).await;
    }
    let (first, last) = (app.hours(-3).to_rfc3339(), app.hours(-1).to_rfc3339());
    let conditions = [
        ("prospects", "lastContactedAt", format!("gte: \"{first}\"")),
        ("prospects", "lastContactedAt", format!("gt: \"{first}\", lte: \"{last}\"")),
        ("prospects", "lastContactedAt", format!("eq: \"{last}\"")),
        ("prospects", "lastContactedAt", format!("in: [\"{first}\", \"{last}\"]")),
        ("prospects", "lastContactedAt", "isNull: false".to_owned()),
        ("prospects", "lastContactedAt", "isNull: true".to_owned()),
        ("prospects", "lastContactedAt", format!("ne: \"{first}\"")),
        ("companies", "employeeCount", "gte: 0".to_owned()),
        ("companies", "employeeCount", "lt: 7".to_owned()),
        ("companies", "employeeCount", "eq: 100000000".to_owned()),
        ("companies", "employeeCount", "ne: 7".to_owned()),
        ("companies", "employeeCount", "isNull: false".to_owned()),
    ];
    for (list, field, condition) in conditions {
        let ids = async |filter: &str, order: &str| {
            let query = format!("{{ {list}(filter: {{ {filter} }}{order}) {{ nodes {{ id }} }} }}");
            let nodes = app.data(&query).await[list]["nodes"].take();
            let mut ids: Vec<String> = nodes
                .as_array()
                .unwrap()
                .iter()
                .map(|node| node["id"].as_str().unwrap().to_owned())
                .collect();
            ids.sort_unstable();
            ids
        };
        let own = format!("{field}: {{ {condition} }}");
        for filter in [
            own.clone(),
            format!("not: {{ {own} }}"),
            format!("or: [{{ {own} }}, {{ id: {{ eq: 1 }} }}]"),
        ] {
            let expected = ids(&filter, "").await;
            for direction in ["ASC", "DESC", "ASC_NULLS_FIRST", "DESC_NULLS_LAST"] {
                let order = format!(", orderBy: [{{ {field}: {direction} }}]");
                assert_eq!(ids(&filter, &order).await, expected, "{filter} {direction}");
                let backward = format!("{order}, last: 50");
                assert_eq!(ids(&filter, &backward).await, expected, "{filter} {backward}");
            }
        }
    }
}
