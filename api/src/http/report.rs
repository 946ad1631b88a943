//! What a request took, told in the extensions of its answer when it is asked for.

use std::time::Duration;

use async_graphql::{Name, Value};
use indexmap::IndexMap;
use service::{Metered, Permission, Role};

/// What is to be told beside the answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tells {
    /// What the operation costs: the header `Salesgraph-Cost`.
    pub(super) cost: bool,
    /// What the request took: the header `Salesgraph-Report`.
    pub(super) report: bool,
}

/// The header that asks to be told what an operation costs: any value.
pub(super) const TELL_COST: &str = "salesgraph-cost";

/// The header that asks to be told what a request took: any value.
pub(super) const TELL_REPORT: &str = "salesgraph-report";

/// What a request took.
pub(super) struct Taken<'m> {
    /// What it may cost, and what it may cost at most.
    pub(super) cost: (u64, u64),
    /// How long it took.
    pub(super) elapsed: Duration,
    /// What it asked of the database.
    pub(super) metered: &'m Metered,
    /// Whether its document had been read and checked before.
    pub(super) known: bool,
}

impl Tells {
    /// Whether the text of statements may be told to `role`.
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
            ("statements", whole(self.metered.statements)),
        ])
    }

    /// `extensions.report`, for one who acts as `role`. The text of statements is for those who may see how the
    /// database is doing.
    pub(super) fn report(&self, role: Role) -> Value {
        let mut report = IndexMap::from([
            ("wallMilliseconds", milliseconds(self.elapsed)),
            // Statements that run side by side count each: the sum may be more than the wall time.
            ("statementMilliseconds", milliseconds(self.metered.time)),
            ("statements", whole(self.metered.statements)),
            ("rows", whole(self.metered.rows)),
            ("cost", object([("requested", whole(self.cost.0)), ("limit", whole(self.cost.1))])),
            ("cache", object([("document", Value::String(self.document().to_owned()))])),
            ("role", Value::Enum(Name::new(role.name().to_ascii_uppercase()))),
        ]);
        if role.may(Permission::ViewStatistics) {
            let sent = self.metered.sent.iter().map(|sent| {
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

/// To the hundredth.
fn milliseconds(time: Duration) -> Value {
    let rounded = (time.as_secs_f64() * 100_000.0).round() / 100.0;
    serde_json::Number::from_f64(rounded).map_or(Value::Null, Value::Number)
}

fn object(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
}
