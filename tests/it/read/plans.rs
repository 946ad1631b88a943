//! Query plans of list statements: both engines scan an index, and neither reads a whole table or sorts a whole
//! relation to return one page.

use std::collections::BTreeSet;

use api::catalog;
use engine::{progress::Unwatched, record_statements};
use graph::declaration::{Entity, FieldKind};
use sea_orm::{ConnectionTrait, Statement, TransactionTrait};
use serde_json::Value;
use service::{demo, operations::maintenance};
use tests::{
    App, Engine, behaviours,
    committed::{assert_committed, path},
};

behaviours![
    root_lists_use_an_index,
    nested_lists_use_an_index,
    counts_do_not_scan_whole_tables,
    lookup_by_primary_key_uses_an_index,
    rows_by_key_are_found_by_the_primary_key,
    rows_by_reference_are_found_by_it,
    scans_and_sorts_are_detected,
];

/// The sort orders that use only columns of `entity` itself.
fn orders(entity: &Entity) -> Vec<String> {
    let mut orders = vec![String::new()];
    if entity.log {
        // The change log has a fixed order.
        return orders;
    }
    for field in entity.fields.iter().filter(|field| field.sort) {
        for direction in ["ASC", "DESC"] {
            orders.push(format!("orderBy: [{{ {}: {direction} }}]", field.name));
        }
    }
    orders
}

async fn root_lists_use_an_index(app: App) {
    app.world().await;
    for entity in catalog::entities() {
        for order in orders(entity) {
            let list = format!("{}(first: 5 {order})", entity.plural);
            walks(&app, &format!("{{ {list} {{ nodes {{ id }} }} }}")).await;
            let answer = app.data(&format!("{{ {list} {{ pageInfo {{ endCursor }} }} }}")).await;
            let Some(cursor) = answer[entity.plural]["pageInfo"]["endCursor"].as_str() else {
                continue;
            };
            let list = format!("{}(first: 5 {order} after: \"{cursor}\")", entity.plural);
            walks(&app, &format!("{{ {list} {{ nodes {{ id }} }} }}")).await;
        }
    }
}

async fn nested_lists_use_an_index(app: App) {
    // Inserts enough rows to make scanning the rows of other parents expensive.
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    maintenance::analyze(&app.store).await.unwrap();
    let mut sorted = BTreeSet::new();
    for entity in catalog::entities() {
        for field in &entity.fields {
            let below = match field.gives {
                FieldKind::Many { link: graph::declaration::LinkName::Column(_), to } => to(),
                FieldKind::History => catalog::catalog().log(),
                FieldKind::Newest { .. } => {
                    let list =
                        format!("{} {{ nodes {{ {} {{ id }} }} }}", entity.plural, field.name);
                    walks(&app, &format!("{{ {list} }}")).await;
                    continue;
                }
                _ => continue,
            };
            for order in orders(below) {
                let inner = format!("{}(first: 5 {order}) {{ nodes {{ id }} }}", field.name);
                let query = format!("{{ {} {{ nodes {{ {inner} }} }} }}", entity.plural);
                let faults = faults_of(&app, &query).await;
                if !faults.is_empty() {
                    let order =
                        order.split_whitespace().nth(2).unwrap_or("default").trim_end_matches(':');
                    sorted.insert(format!("{}.{} by {order}", entity.name, field.name));
                }
            }
        }
    }
    // These lists sort the rows of one parent only. An index for each of their sort orders would slow down every write.
    if app.engine == Engine::Sqlite {
        let lists: String = sorted.iter().flat_map(|list| [list, "\n"]).collect();
        assert_committed("sorted-lists.txt", &lists);
    } else {
        // Postgres may find a scan of another index cheaper than a sort.
        let known = std::fs::read_to_string(path("sorted-lists.txt")).unwrap();
        assert!(sorted.iter().all(|list| known.lines().any(|one| one == list)), "{sorted:?}");
    }
}

async fn counts_do_not_scan_whole_tables(app: App) {
    app.world().await;
    for entity in catalog::entities() {
        walks(&app, &format!("{{ {} {{ totalCount }} }}", entity.plural)).await;
        for field in &entity.fields {
            if let FieldKind::Many { .. } = field.gives {
                let inner = format!("{} {{ totalCount }}", field.name);
                walks(&app, &format!("{{ {} {{ nodes {{ {inner} }} }} }}", entity.plural)).await;
            }
        }
    }
}

async fn lookup_by_primary_key_uses_an_index(app: App) {
    app.world().await;
    for entity in catalog::entities() {
        walks(&app, &format!("{{ {}(id: 1) {{ id }} }}", entity.single)).await;
    }
    let deep = "{ prospects { nodes { company { industry { name } } latestResearch { id } } } }";
    walks(&app, deep).await;
}

async fn rows_by_key_are_found_by_the_primary_key(app: App) {
    if app.engine == Engine::Postgres {
        // Postgres has statistics.
        return;
    }
    // Without statistics, a covering index of the organization looks as selective as several keys.
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    let query = "{ workList(first: 20) { nodes { prospect { fullName } } } }";
    let (_, asked) = record_statements(app.data(query), true).await;
    let sql = &asked.sent.last().unwrap().text;
    let statement =
        Statement::from_string(app.db.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = app.db.query_all_raw(statement).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.try_get_by_index(3).unwrap()).collect();
    assert!(
        plan.iter().any(|line| line == "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
        "{sql}: {plan:#?}"
    );
}

async fn rows_by_reference_are_found_by_it(app: App) {
    if app.engine == Engine::Postgres {
        // Postgres has statistics.
        return;
    }
    for table in service::catalog::tables() {
        for ownership in table.ownerships() {
            let (name, column) = (table.name, ownership.column);
            let condition = app.store.engine().referencing(column).replace("{}", "?");
            for statement in [
                format!("UPDATE \"{name}\" SET \"{column}\" = 1"),
                format!("DELETE FROM \"{name}\""),
                format!("SELECT * FROM \"{name}\""),
            ] {
                let sql = format!("EXPLAIN QUERY PLAN {statement} WHERE {condition}");
                let explain = Statement::from_string(app.db.get_database_backend(), sql);
                let rows = app.db.query_all_raw(explain).await.unwrap();
                let line: String = rows[0].try_get_by_index(3).unwrap();
                assert!(line.contains(&format!("({column}=?")), "{statement}: {line}");
            }
        }
    }
}

async fn scans_and_sorts_are_detected(app: App) {
    app.world().await;
    let scan = "SELECT \"id\" FROM \"prospects\" WHERE length(\"location\") = 1";
    assert_eq!(faults(&app, scan).await.len(), 1, "{:?}", faults(&app, scan).await);
    let sort = "SELECT s.id FROM (SELECT t.\"id\" FROM \"prospects\" t WHERE t.\"organization_id\" = 1 \
                ORDER BY length(t.\"full_name\") LIMIT 5) s ORDER BY s.id";
    assert_eq!(faults(&app, sort).await.len(), 1, "{:?}", faults(&app, sort).await);
}

/// Asserts that every statement of `query` uses an index.
async fn walks(app: &App, query: &str) {
    assert_eq!(faults_of(app, query).await, Vec::<String>::new(), "{query}");
}

/// The problems in the query plans of all statements of `query`.
async fn faults_of(app: &App, query: &str) -> Vec<String> {
    let (_, asked) = record_statements(app.data(query), true).await;
    assert!(!asked.sent.is_empty(), "{query}");
    let mut all = Vec::new();
    for sql in asked.sent.into_iter().map(|sent| sent.text) {
        all.extend(faults(app, &sql).await.into_iter().map(|fault| format!("{fault}: {sql}")));
    }
    all
}

/// The unwanted steps in the query plan of a statement.
async fn faults(app: &App, sql: &str) -> Vec<String> {
    match app.engine {
        Engine::Postgres => postgres(app, sql).await,
        Engine::Sqlite => sqlite(app, sql).await,
    }
}

async fn postgres(app: &App, sql: &str) -> Vec<String> {
    let transaction = app.db.begin().await.unwrap();
    let run = async |text: &str| transaction.execute_unprepared(text).await.unwrap();
    // Test tables are so small that a full scan is fastest. With these settings, the plan contains a full scan only
    // where no index can be used.
    for setting in
        ["enable_seqscan = off", "enable_sort = off", "plan_cache_mode = force_generic_plan"]
    {
        run(&format!("SET LOCAL {setting}")).await;
    }
    run(&format!("PREPARE looked_at AS {sql}")).await;
    let places = (1..100).take_while(|place| sql.contains(&format!("${place}"))).count();
    let nulls = vec!["NULL"; places].join(", ");
    let binds = if places > 0 { format!("({nulls})") } else { String::new() };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE looked_at{binds}");
    let backend = transaction.get_database_backend();
    let row = transaction.query_one_raw(Statement::from_string(backend, explain)).await.unwrap();
    let plan: Value = row.unwrap().try_get_by_index(0).unwrap();
    run("DEALLOCATE looked_at").await;
    let mut faults = Vec::new();
    preview(&plan[0]["Plan"], false, &mut faults);
    faults
}

/// Inspects a Postgres plan. Nodes below a `Limit` read the relation from which the page is returned.
fn preview(node: &Value, cut: bool, faults: &mut Vec<String>) {
    let kind = node["Node Type"].as_str().unwrap();
    match kind {
        // `change_log` has a single row.
        "Seq Scan" if node["Relation Name"] == "change_log" => {}
        "Seq Scan" => faults.push(format!("{kind} on {}", node["Relation Name"])),
        "Index Scan" | "Index Only Scan" => {
            let by = node["Index Cond"].as_str().unwrap_or_default();
            // An unordered scan of a whole index is as expensive as a scan of the table.
            if !cut && by.is_empty() {
                faults.push(format!("{kind} by {by}"));
            }
        }
        "Sort" | "Incremental Sort" if cut => {
            faults.push(format!("{kind} by {}", node["Sort Key"]));
        }
        _ => {}
    }
    for below in node["Plans"].as_array().into_iter().flatten() {
        preview(below, cut || kind == "Limit", faults);
    }
}

/// Reads a SQLite plan, which is a list of lines with subqueries below their parent line.
async fn sqlite(app: &App, sql: &str) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {sql}");
    let statement = Statement::from_string(app.db.get_database_backend(), explain);
    let rows = app.db.query_all_raw(statement).await.unwrap();
    let lines = rows.iter().map(|row| {
        (row.try_get_by_index::<i64>(1).unwrap(), row.try_get_by_index::<String>(3).unwrap())
    });
    let wrong = lines.filter(|(above, line)| {
        let scan = line.starts_with("SCAN ")
            && !line.contains("INDEX")
            && !["SCAN s", "SCAN p"].contains(&line.as_str());
        scan || (*above > 0 && line.starts_with("USE TEMP B-TREE"))
    });
    wrong.map(|(_, line)| line).collect()
}
