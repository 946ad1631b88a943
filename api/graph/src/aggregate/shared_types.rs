//! The aggregate types that all entities share: one for each kind of column.

use engine::read::Bucket;

use super::{
    super::{
        cyclic::WEEKDAYS,
        declaration::Scalar,
        registry::{Schema, argument, argument_or, field, with_arguments},
        scalar::type_name,
    },
    columns::{ColumnKind, MeasureKind},
    key::enum_name,
};

/// The time buckets with the format of their group keys.
const BUCKETS: [(Bucket, &str); 8] = [
    (Bucket::Hour, "Hour with its UTC offset: `2026-03-29T02:00+01:00`."),
    (Bucket::Day, "Day: `2026-03-29`."),
    (Bucket::Week, "ISO 8601 week, starting on Monday: `2026-W13`."),
    (Bucket::Month, "Month: `2026-03`."),
    (Bucket::Quarter, "Quarter: `2026-Q1`."),
    (Bucket::Year, "Year: `2026`."),
    (Bucket::Weekday, "Day of the week: `MONDAY`."),
    (Bucket::HourOfDay, "Hour of the day, from `00` to `23`."),
];

/// Adds the shared types to the schema.
pub(crate) fn put(schema: &mut Schema<'_>) {
    schema.enumeration(
        "GroupValue",
        "Grouping by a column that is not a timestamp.",
        vec![("VALUE".to_owned(), "Group by value; the case of A–Z in text is ignored.")],
    );
    let buckets = BUCKETS.iter().map(|(bucket, about)| (enum_name(*bucket), *about));
    schema.enumeration(
        "TimeBucket",
        "Time bucket for grouping by a timestamp, with the format of the group key. Offset changes of time zones are supported from 1970 to 2060.",
        buckets.collect(),
    );
    schema.input(
        "GroupKeyOrder",
        "Sort key of groups: a group key.",
        false,
        vec![
            argument("position", "Int!", "Position of the group key in `by`, from 0."),
            argument_or("direction", "OrderDirection!", "ASC", "Sort direction."),
        ],
    );
    let weekdays = WEEKDAYS.iter().map(|name| ((*name).to_owned(), "Day of the week."));
    schema.enumeration("Weekday", "Day of the week.", weekdays.collect());
    schema.input(
        "CyclicTimeFilter",
        "Conditions on the day of the week and the hour of the day. All conditions must match.",
        false,
        vec![
            argument("weekday", "Weekday", "Day of the week."),
            argument("hourOfDay", "Int", "Hour of the day, from 0 to 23."),
            argument_or("timeZone", "String", "\"UTC\"", "IANA time zone."),
        ],
    );
    for kind in ColumnKind::ALL {
        put_aggregate(schema, kind);
        put_inputs(schema, kind);
    }
}

fn put_aggregate(schema: &mut Schema<'_>, kind: ColumnKind) {
    let what = match kind {
        ColumnKind::Value => "a text, enum, Boolean or reference column",
        ColumnKind::Time => "a timestamp column",
        ColumnKind::Number => "a numeric column",
    };
    let fields = kind.measures().iter().map(|measure| {
        let ty = type_of(kind, *measure);
        let bang = if measure.counts() { "!" } else { "" };
        let field = field(measure.name(), &format!("{ty}{bang}"), measure.description());
        if *measure == MeasureKind::Percentile {
            let p = argument("p", "Float!", "Percentile as a fraction from 0 to 1.");
            with_arguments(field, vec![p])
        } else {
            field
        }
    });
    let about = format!("Aggregates of {what}.");
    schema.object(kind.aggregate_type(), &about, fields.collect());
}

fn put_inputs(schema: &mut Schema<'_>, kind: ColumnKind) {
    let prefix = kind.input_prefix();
    let comparable = || kind.measures().iter().filter(|measure| measure.is_comparable());
    let conditions = comparable().map(|measure| {
        let ty = format!("{}Filter", type_of(kind, *measure));
        argument(measure.name(), &ty, measure.description())
    });
    schema.input(
        &format!("{prefix}Having"),
        "Conditions on aggregates of a column. All conditions must match.",
        false,
        conditions.collect(),
    );
    let orders = comparable()
        .map(|measure| argument(measure.name(), "OrderDirection", measure.description()));
    schema.input(
        &format!("{prefix}AggregateOrder"),
        "Sort key of groups by an aggregate of a column: exactly one field.",
        true,
        orders.collect(),
    );
}

/// The GraphQL type of a measure for a kind of column. Integers and floating-point numbers share one
/// type.
fn type_of(kind: ColumnKind, measure: MeasureKind) -> &'static str {
    let column = match kind {
        ColumnKind::Number => Scalar::Float,
        ColumnKind::Time => Scalar::DateTime,
        ColumnKind::Value => Scalar::Int,
    };
    type_name(measure.scalar(column))
}
