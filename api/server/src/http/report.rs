//! Cost and performance report of a request, returned in the response extensions on demand.

use std::time::Duration;

use async_graphql::{Name, Value};
use engine::{Permission, Role, StatementStats};
use indexmap::IndexMap;

/// Requested response extensions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tells {
    /// Query cost: the header `Salesgraph-Cost`.
    pub(super) cost: bool,
    /// Performance report: the header `Salesgraph-Report`.
    pub(super) report: bool,
}

/// Header that requests the query cost; its value is ignored.
pub(super) const TELL_COST: &str = "salesgraph-cost";

/// Header that requests the performance report; its value is ignored.
pub(super) const TELL_REPORT: &str = "salesgraph-report";

/// Measurements of one request.
pub(super) struct Taken<'m> {
    /// Query cost and its limit.
    pub(super) cost: (u64, u64),
    /// Elapsed time.
    pub(super) elapsed: Duration,
    /// Database statistics.
    pub(super) stats: &'m StatementStats,
    /// Whether the document came from the cache.
    pub(super) known: bool,
}

impl Tells {
    /// Whether `role` may see the SQL statements.
    pub(super) fn statements(self, role: Option<Role>) -> bool {
        self.report && role.is_some_and(|role| role.may(Permission::ViewStatistics))
    }
}

impl Taken<'_> {
    /// `extensions.cost`.
    pub(super) fn cost(&self) -> Value {
        object([
            ("requested", whole(self.cost.0)),
            ("limit", whole(self.cost.1)),
            ("statements", whole(self.stats.statements)),
        ])
    }

    /// `extensions.report` for a caller with `role`. SQL texts require the permission to view statistics.
    pub(super) fn report(&self, role: Role) -> Value {
        let mut report = IndexMap::from([
            ("wallMilliseconds", milliseconds(self.elapsed)),
            // Each concurrent statement counts in full, so the sum may exceed the elapsed time.
            ("statementMilliseconds", milliseconds(self.stats.time)),
            ("statements", whole(self.stats.statements)),
            ("rows", whole(self.stats.rows)),
            ("cost", object([("requested", whole(self.cost.0)), ("limit", whole(self.cost.1))])),
            ("cache", object([("document", Value::String(self.document().to_owned()))])),
            ("role", Value::Enum(Name::new(role.name().to_ascii_uppercase()))),
        ]);
        if role.may(Permission::ViewStatistics) {
            let sent = self.stats.sent.iter().map(|sent| {
                object([
                    ("text", Value::String(sent.text.clone())),
                    ("rows", whole(sent.rows)),
                    ("milliseconds", milliseconds(sent.time)),
                ])
            });
            report.insert("sql", Value::List(sent.collect()));
        }
        object(report)
    }

    fn document(&self) -> &'static str {
        if self.known { "hit" } else { "miss" }
    }
}

fn whole(number: u64) -> Value {
    Value::Number(number.into())
}

/// Milliseconds, rounded to two decimals.
fn milliseconds(time: Duration) -> Value {
    let rounded = (time.as_secs_f64() * 100_000.0).round() / 100.0;
    serde_json::Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}
