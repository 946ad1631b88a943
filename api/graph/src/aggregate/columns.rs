//! The columns that have aggregates, and the aggregates of each column.

use engine::read::Measure;

use super::super::declaration::{Entity, Field, FieldKind, Scalar};

/// A kind of column. All columns of a kind have the same aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// Text with a maximum length, enums, Boolean values and references to rows.
    Value,
    /// Timestamps.
    Time,
    /// Integers and floating-point numbers.
    Number,
}

/// A measure of a column, as named in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeasureKind {
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
pub(crate) struct AggregateColumn {
    /// The field of the column.
    pub field: &'static Field,
    /// The position of the column in the table.
    pub column: usize,
    /// The GraphQL type.
    pub scalar: Scalar,
    /// The kind of the column.
    pub kind: ColumnKind,
}

impl ColumnKind {
    /// All kinds.
    pub(crate) const ALL: [Self; 3] = [Self::Value, Self::Time, Self::Number];

    /// The GraphQL type of the aggregates of this kind.
    pub(crate) fn aggregate_type(self) -> &'static str {
        match self {
            Self::Value => "ValueAggregate",
            Self::Time => "TimeAggregate",
            Self::Number => "NumberAggregate",
        }
    }

    /// The prefix of the names of the input types.
    pub(crate) fn input_prefix(self) -> &'static str {
        match self {
            Self::Value => "Value",
            Self::Time => "Time",
            Self::Number => "Number",
        }
    }

    /// The measures of columns of this kind.
    pub(crate) fn measures(self) -> &'static [MeasureKind] {
        use MeasureKind::{Avg, Count, Distinct, Max, Min, Percentile, Sum};
        match self {
            Self::Value => &[Count, Distinct],
            Self::Time => &[Count, Distinct, Min, Max],
            Self::Number => &[Count, Distinct, Min, Max, Avg, Sum, Percentile],
        }
    }

    /// The measure with this name.
    pub(crate) fn measure(self, name: &str) -> Option<MeasureKind> {
        self.measures().iter().copied().find(|measure| measure.name() == name)
    }
}

impl MeasureKind {
    /// The field name.
    pub(crate) fn name(self) -> &'static str {
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

    /// The schema description.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Count => "Number of rows with a value.",
            Self::Distinct => "Number of distinct values; the case of A–Z in text is ignored.",
            Self::Min => "Minimum; null if there are no values.",
            Self::Max => "Maximum; null if there are no values.",
            Self::Avg => "Mean; null if there are no values.",
            Self::Sum => "Sum; null if there are no values.",
            Self::Percentile => {
                "Percentile, interpolated between the nearest two values; null if there are no values. The median \
                 is `percentile(p: 0.5)`."
            }
        }
    }

    /// Whether the measure is 0 instead of null if there are no rows.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Count | Self::Distinct)
    }

    /// Whether groups can be filtered and sorted by this measure.
    pub(crate) fn is_comparable(self) -> bool {
        self != Self::Percentile
    }

    /// The GraphQL type of the measure for a column of this type.
    pub(crate) fn scalar(self, column: Scalar) -> Scalar {
        match self {
            Self::Count | Self::Distinct => Scalar::Int,
            Self::Min | Self::Max => column,
            Self::Avg | Self::Sum | Self::Percentile => Scalar::Float,
        }
    }

    /// The measure of `column`; `share` is the fraction of a percentile.
    pub(crate) fn of(self, column: usize, share: f64) -> Measure {
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
pub(crate) fn columns(entity: &'static Entity) -> impl Iterator<Item = AggregateColumn> {
    entity.fields.iter().filter_map(move |field| aggregated(entity, field))
}

/// The column with this name, if it has aggregates.
pub(crate) fn column(entity: &'static Entity, name: &str) -> Option<AggregateColumn> {
    entity.field(name).and_then(|field| aggregated(entity, field))
}

fn aggregated(entity: &'static Entity, field: &'static Field) -> Option<AggregateColumn> {
    let (column, scalar, kind) = match field.gives {
        FieldKind::Reference { column, .. } => (column, Scalar::Int, ColumnKind::Value),
        FieldKind::Column { column, scalar, .. } if field.name != "revision" => {
            let kind = match scalar {
                // Text without a maximum length: counting distinct values would be slow and of little use.
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
