//! The columns that have aggregates, and which ones each has.

use service::read::Measure;

use super::super::declaration::{Entity, Field, Gives, Scalar};

/// A kind of columns: all columns of a kind have the same aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// Text of limited length, enums, Boolean values, and references to rows.
    Value,
    /// Times.
    Time,
    /// Integers and floating-point numbers.
    Number,
}

/// A measure of a column, as the schema names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MeasureKind {
    /// The number of rows with a value.
    Count,
    /// The number of distinct values.
    Distinct,
    /// The minimum.
    Min,
    /// The maximum.
    Max,
    /// The mean.
    Avg,
    /// The sum.
    Sum,
    /// A percentile.
    Percentile,
}

/// A column with aggregates.
#[derive(Clone, Copy)]
pub(super) struct AggregateColumn {
    /// Its field.
    pub field: &'static Field,
    /// Its position in the table.
    pub column: usize,
    /// Its GraphQL type.
    pub scalar: Scalar,
    /// Its kind.
    pub kind: ColumnKind,
}

impl ColumnKind {
    /// All kinds.
    pub(super) const ALL: [Self; 3] = [Self::Value, Self::Time, Self::Number];

    /// The type of its aggregates.
    pub(super) fn aggregate_type(self) -> &'static str {
        match self {
            Self::Value => "ValueAggregate",
            Self::Time => "TimeAggregate",
            Self::Number => "NumberAggregate",
        }
    }

    /// The part of the names of its inputs.
    pub(super) fn input_prefix(self) -> &'static str {
        match self {
            Self::Value => "Value",
            Self::Time => "Time",
            Self::Number => "Number",
        }
    }

    /// The measures of its columns.
    pub(super) fn measures(self) -> &'static [MeasureKind] {
        use MeasureKind::{Avg, Count, Distinct, Max, Min, Percentile, Sum};
        match self {
            Self::Value => &[Count, Distinct],
            Self::Time => &[Count, Distinct, Min, Max],
            Self::Number => &[Count, Distinct, Min, Max, Avg, Sum, Percentile],
        }
    }

    /// The measure of this name.
    pub(super) fn measure(self, name: &str) -> Option<MeasureKind> {
        self.measures().iter().copied().find(|measure| measure.name() == name)
    }
}

impl MeasureKind {
    /// Its field.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Distinct => "distinct",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::Sum => "sum",
            Self::Percentile => "percentile",
        }
    }

    /// Its description.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Count => "Number of rows with a value.",
            Self::Distinct => "Number of distinct values; the case of A–Z in text is ignored.",
            Self::Min => "Minimum; null without a value.",
            Self::Max => "Maximum; null without a value.",
            Self::Avg => "Mean; null without a value.",
            Self::Sum => "Sum; null without a value.",
            Self::Percentile => {
                "Percentile, interpolated between the nearest two values; null without a value. The median is \
                 `percentile(p: 0.5)`."
            }
        }
    }

    /// Whether it is 0, and not null, where there are no rows.
    pub(super) fn counts(self) -> bool {
        matches!(self, Self::Count | Self::Distinct)
    }

    /// Whether groups can be filtered and sorted by it.
    pub(super) fn is_comparable(self) -> bool {
        self != Self::Percentile
    }

    /// The GraphQL type of its value, of a column with this type.
    pub(super) fn scalar(self, column: Scalar) -> Scalar {
        match self {
            Self::Count | Self::Distinct => Scalar::Int,
            Self::Min | Self::Max => column,
            Self::Avg | Self::Sum | Self::Percentile => Scalar::Float,
        }
    }

    /// The measure of `column`; of a percentile, the one of `share`.
    pub(super) fn of(self, column: usize, share: f64) -> Measure {
        match self {
            Self::Count => Measure::Present(column),
            Self::Distinct => Measure::Distinct(column),
            Self::Min => Measure::Min(column),
            Self::Max => Measure::Max(column),
            Self::Avg => Measure::Avg(column),
            Self::Sum => Measure::Sum(column),
            Self::Percentile => Measure::Percentile(column, share),
        }
    }
}

/// The columns of an entity that have aggregates.
pub(super) fn columns(entity: &'static Entity) -> impl Iterator<Item = AggregateColumn> {
    entity.fields.iter().filter_map(move |field| aggregated(entity, field))
}

/// The column of this name, if it has aggregates.
pub(super) fn column(entity: &'static Entity, name: &str) -> Option<AggregateColumn> {
    entity.field(name).and_then(|field| aggregated(entity, field))
}

fn aggregated(entity: &'static Entity, field: &'static Field) -> Option<AggregateColumn> {
    let (column, scalar, kind) = match field.gives {
        Gives::Reference { column, .. } => (column, Scalar::Int, ColumnKind::Value),
        Gives::Column { column, scalar, .. } if field.name != "revision" => {
            let kind = match scalar {
                // Long text is for people: counting its distinct values would be slow and say little.
                Scalar::String if entity.table.columns[column].length.is_none() => return None,
                Scalar::String | Scalar::Enum(_) | Scalar::Boolean => ColumnKind::Value,
                Scalar::Int | Scalar::Float => ColumnKind::Number,
                Scalar::DateTime => ColumnKind::Time,
                Scalar::Json => return None,
            };
            (column, scalar, kind)
        }
        _ => return None,
    };
    Some(AggregateColumn { field, column, scalar, kind })
}
