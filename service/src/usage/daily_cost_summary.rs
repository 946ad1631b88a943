//! What each day cost. Triggers keep it in step with the ledgers, whoever writes them.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveTime, Utc};
use entity::usage::daily_cost_summary;

use crate::{
    table::Table,
    vocabulary::{Word, word},
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<daily_cost_summary::Entity>("daily_cost_summary")
            .holding([("category", 20), ("provider", 50)])
    });
    &TABLE
}

/// What was paid for (`daily_cost_summaries.category`).
pub const CATEGORIES: &[Word] = &[
    word("llm", "Calls to language models."),
    word("api", "Calls to services on the web."),
    word("browser", "Sessions of remote browsers."),
    word("storage", "Operations of object stores."),
];

/// The beginning of a day, by the clocks of UTC.
#[must_use]
pub fn day_of(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.date_naive().and_time(NaiveTime::MIN).and_utc()
}
