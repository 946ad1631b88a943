//! What each day cost: kept by triggers on the ledgers, so that it is in step with whoever writes them.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

/// A ledger, and how its rows are counted: category, provider, model, tokens of prompts, tokens of answers, quantity.
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

/// Who writes several rows, one statement after the other, meets days in another order than somebody else does: they
/// would wait for each other in a circle. So the ledgers of an organization are written by one at a time.
const ONE_BY_ONE: &str = "PERFORM pg_advisory_xact_lock(hashtextextended('ledger/' || o.\"organization_id\", 0)) \
                          FROM (SELECT DISTINCT \"organization_id\" FROM fresh ORDER BY 1) o";

const KEY: &str = "\"organization_id\", \"date\", \"category\", \"provider\", \"model\"";

const SUMS: [&str; 6] =
    ["calls", "input_tokens", "output_tokens", "quantity", "latency_ms_total", "cost_usd"];

/// Adds rows of a ledger, `from` a table or what stands for one, to their days.
fn add(ledger: &Ledger, from: &str, backend: DatabaseBackend) -> String {
    let day = match backend {
        DatabaseBackend::Postgres => {
            "date_trunc('day', r.\"created_at\" AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'".to_owned()
        }
        // As moments are stored there.
        _ => "substr(r.\"created_at\", 1, 10) || 'T00:00:00+00:00'".to_owned(),
    };
    let [category, provider, model, input, output, quantity] = ledger.parts;
    let sums = SUMS.map(|sum| format!("\"{sum}\"")).join(", ");
    let more = SUMS
        .map(|sum| format!("\"{sum}\" = \"daily_cost_summaries\".\"{sum}\" + excluded.\"{sum}\""))
        .join(", ");
    format!(
        "INSERT INTO \"daily_cost_summaries\" ({KEY}, {sums}, \"created_at\", \"updated_at\") \
         SELECT r.\"organization_id\", {day}, {category}, {provider}, {model}, count(*), sum({input}), \
         sum({output}), sum({quantity}), sum(COALESCE(r.\"latency_ms\", 0)), sum(r.\"cost\"), \
         max(r.\"created_at\"), max(r.\"created_at\") FROM {from} r WHERE true \
         GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 \
         ON CONFLICT ({KEY}) DO UPDATE SET {more}, \"updated_at\" = excluded.\"updated_at\""
    )
}

/// Adds what the ledgers hold already, and makes the triggers.
pub(crate) async fn create(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    for ledger in &LEDGERS {
        let table = ledger.table;
        let mut statements = vec![add(ledger, &format!("\"{table}\""), backend)];
        if backend == DatabaseBackend::Postgres {
            statements.push(format!(
                "CREATE FUNCTION \"roll_up_{table}\"() RETURNS trigger LANGUAGE plpgsql \
                 SET search_path FROM CURRENT AS $$ BEGIN {ONE_BY_ONE}; {}; RETURN NULL; END $$",
                add(ledger, "fresh", backend)
            ));
            // Once for each statement, because many rows may come in at once.
            statements.push(format!(
                "CREATE TRIGGER \"roll_up_{table}\" AFTER INSERT ON \"{table}\" \
                 REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT \
                 EXECUTE FUNCTION \"roll_up_{table}\"()"
            ));
        } else {
            statements.push(format!(
                "CREATE TRIGGER \"roll_up_{table}\" AFTER INSERT ON \"{table}\" BEGIN {}; END",
                add(
                    ledger,
                    &format!("(SELECT * FROM \"{table}\" WHERE \"id\" = NEW.\"id\")"),
                    backend
                )
            ));
        }
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

/// Takes the triggers away.
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
