//! Daily cost summaries, maintained by triggers on the usage logs, so that they stay consistent regardless of the
//! writer.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DatabaseBackend, Statement},
};

/// A usage log, and the SQL of its category, provider, model, prompt tokens, completion tokens and quantity.
struct Ledger {
    table: &'static str,
    parts: [&'static str; 6],
}

const LEDGERS: [Ledger; 2] = [
    Ledger {
        table: "llm_usage_logs",
        parts: [
            "'llm'",
            "COALESCE(r.\"provider\", '')",
            "r.\"model\"",
            "r.\"prompt_tokens\"",
            "r.\"completion_tokens\"",
            "0",
        ],
    },
    Ledger {
        table: "service_usage_logs",
        parts: [
            "CASE r.\"kind\" WHEN 'api_call' THEN 'api' WHEN 'browser_session' THEN 'browser' \
             ELSE r.\"kind\" END",
            "r.\"provider\"",
            "r.\"operation\"",
            "COALESCE(r.\"tokens\", 0)",
            "0",
            "COALESCE(r.\"quantity\", 0)",
        ],
    },
];

/// Transactions that write several rows in separate statements may update the days in different orders and cause a
/// deadlock. An advisory lock therefore serializes writes to the usage logs of an organization.
const ONE_BY_ONE: &str = "PERFORM pg_advisory_xact_lock(hashtextextended('ledger/' || o.\"organization_id\", 0)) \
                          FROM (SELECT DISTINCT \"organization_id\" FROM fresh ORDER BY 1) o";

const KEY: &str = "\"organization_id\", \"date\", \"category\", \"provider\", \"model\"";

/// The measures that are summed per day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measures {
    /// The measures of the first summary migration.
    First,
    /// Also the number of calls of known duration and the cost paid by the server; amounts are rounded to ten decimal
    /// places.
    All,
}

/// The columns of the first summary migration with their aggregate expressions.
fn first(ledger: &Ledger) -> Vec<(&'static str, String)> {
    let [_, _, _, input, output, quantity] = ledger.parts;
    vec![
        ("calls", "count(*)".to_owned()),
        ("input_tokens", format!("sum({input})")),
        ("output_tokens", format!("sum({output})")),
        ("quantity", format!("sum({quantity})")),
        ("latency_ms_total", "sum(COALESCE(r.\"latency_ms\", 0))".to_owned()),
        ("cost_usd", "sum(r.\"cost\")".to_owned()),
    ]
}

/// The columns of later migrations.
fn later() -> Vec<(&'static str, String)> {
    vec![
        ("timed_calls", "count(r.\"latency_ms\")".to_owned()),
        (
            "server_cost_usd",
            "sum(CASE WHEN r.\"is_paid_by_server\" THEN r.\"cost\" ELSE 0 END)".to_owned(),
        ),
    ]
}

/// Rounds an amount of money to ten decimal places, because a sum of binary fractions is inexact in the last of
/// seventeen digits.
fn rounded(money: &str, backend: DatabaseBackend) -> String {
    match backend {
        DatabaseBackend::Postgres => format!("round(({money})::numeric, 10)::float8"),
        _ => format!("round({money}, 10)"),
    }
}

/// Adds rows of a usage log to the summaries of their days; `from` is a table or an equivalent row source.
fn add(
    ledger: &Ledger,
    from: &str,
    columns: &[(&'static str, String)],
    measures: Measures,
    backend: DatabaseBackend,
) -> String {
    let day = match backend {
        DatabaseBackend::Postgres => {
            "date_trunc('day', r.\"created_at\" AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'".to_owned()
        }
        // The stored timestamp format of SQLite.
        _ => "substr(r.\"created_at\", 1, 10) || 'T00:00:00+00:00'".to_owned(),
    };
    let [category, provider, model, ..] = ledger.parts;
    let is_money =
        |name: &str| measures == Measures::All && matches!(name, "cost_usd" | "server_cost_usd");
    let names: Vec<_> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let sums: Vec<_> = columns
        .iter()
        .map(|(name, sum)| if is_money(name) { rounded(sum, backend) } else { sum.clone() })
        .collect();
    let more: Vec<_> = columns
        .iter()
        .map(|(name, _)| {
            let more = format!("\"daily_cost_summaries\".\"{name}\" + excluded.\"{name}\"");
            let more = if is_money(name) { rounded(&more, backend) } else { more };
            format!("\"{name}\" = {more}")
        })
        .collect();
    let (names, sums, more) = (names.join(", "), sums.join(", "), more.join(", "));
    format!(
        "INSERT INTO \"daily_cost_summaries\" ({KEY}, {names}, \"created_at\", \"updated_at\") \
         SELECT r.\"organization_id\", {day}, {category}, {provider}, {model}, {sums}, \
         max(r.\"created_at\"), max(r.\"created_at\") FROM {from} r WHERE true \
         GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 \
         ON CONFLICT ({KEY}) DO UPDATE SET {more}, \"updated_at\" = excluded.\"updated_at\""
    )
}

/// Adds existing usage log rows that are missing from the summaries, and creates the triggers.
pub(crate) async fn create(manager: &SchemaManager<'_>, measures: Measures) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let is_empty = "SELECT 1 FROM \"daily_cost_summaries\" LIMIT 1";
    let is_empty =
        manager.get_connection().query_one_raw(Statement::from_string(backend, is_empty));
    let is_empty = is_empty.await?.is_none();
    for ledger in &LEDGERS {
        let table = ledger.table;
        let mut columns = first(ledger);
        if measures == Measures::All {
            columns.extend(later());
        }
        // An existing summary lacks only the later columns.
        let missing = match (is_empty, measures) {
            (true, _) => columns.clone(),
            (false, Measures::All) => later(),
            (false, Measures::First) => Vec::new(),
        };
        let mut statements = Vec::new();
        if !missing.is_empty() {
            statements.push(add(ledger, &format!("\"{table}\""), &missing, measures, backend));
        }
        if backend == DatabaseBackend::Postgres {
            statements.push(format!(
                "CREATE FUNCTION \"roll_up_{table}\"() RETURNS trigger LANGUAGE plpgsql \
                 SET search_path FROM CURRENT AS $$ BEGIN {ONE_BY_ONE}; {}; RETURN NULL; END $$",
                add(ledger, "fresh", &columns, measures, backend)
            ));
            // A statement-level trigger, because many rows may be inserted at once.
            statements.push(format!(
                "CREATE TRIGGER \"roll_up_{table}\" AFTER INSERT ON \"{table}\" \
                 REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT \
                 EXECUTE FUNCTION \"roll_up_{table}\"()"
            ));
        } else {
            let fresh = format!("(SELECT * FROM \"{table}\" WHERE \"id\" = NEW.\"id\")");
            statements.push(format!(
                "CREATE TRIGGER \"roll_up_{table}\" AFTER INSERT ON \"{table}\" BEGIN {}; END",
                add(ledger, &fresh, &columns, measures, backend)
            ));
        }
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

/// Drops the triggers.
pub(crate) async fn drop(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    for Ledger { table, .. } in &LEDGERS {
        let statements = match manager.get_database_backend() {
            DatabaseBackend::Postgres => vec![
                format!("DROP TRIGGER \"roll_up_{table}\" ON \"{table}\""),
                format!("DROP FUNCTION \"roll_up_{table}\"()"),
            ],
            _ => vec![format!("DROP TRIGGER \"roll_up_{table}\"")],
        };
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}
