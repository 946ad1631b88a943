//! The aggregate types: seven for each entity. Their size depends only on the number of the entity's own columns.

use super::{
    super::{
        declaration::Entity,
        registry::{FieldType, Schema, argument, argument_or, field, with_arguments},
        scalar::type_name,
    },
    columns::columns,
    key::{Dimension, KeyFormat, dimension},
};

/// Names that a column with aggregates can't have, because the aggregate types have other fields with these names.
const RESERVED: [&str; 2] = ["count", "groupKey"];

/// The aggregate fields of the connection of an entity.
#[must_use]
pub(crate) fn fields(entity: &Entity) -> [FieldType; 2] {
    let name = entity.name;
    let aggregate = field(
        "aggregate",
        &format!("{name}Aggregate!"),
        "Aggregates of all rows that match the filter.",
    );
    let groups = field(
        "groups",
        &format!("{name}Groups!"),
        "Groups of all rows that match the filter. Default order: by key.",
    );
    let arguments = vec![
        argument("by", &format!("[{name}Dimension!]!"), "Group keys: from 1 to 4."),
        argument("having", &format!("{name}Having"), "Filter of groups (HAVING)."),
        argument(
            "orderBy",
            &format!("[{name}GroupOrder!]"),
            "Sort keys; ties are sorted by group key. Maximum: 5.",
        ),
        argument("first", "Int", "Page size, from 0 to 1,000. Default: 100."),
        argument_or(
            "timeZone",
            "String",
            "\"UTC\"",
            "IANA time zone of time buckets, e.g. `Europe/Berlin`.",
        ),
        argument("since", "DateTime", "Inclusive start of the range for the timestamp in `by`."),
        argument("until", "DateTime", "Exclusive end of the range for the timestamp in `by`."),
        argument_or(
            "fill",
            "Boolean",
            "false",
            "Whether to add a group for each time bucket without rows. Requires `since` and `until`, except for `WEEKDAY` and `HOUR_OF_DAY`.",
        ),
    ];
    [filtered(entity, aggregate), with_arguments(groups, arguments)]
}

/// Adds the `filter` argument to an aggregate field.
fn filtered(entity: &Entity, field: FieldType) -> FieldType {
    let filter = format!("{}Filter", entity.name);
    with_arguments(field, vec![argument("filter", &filter, "Filter of the aggregated rows.")])
}

/// Adds the aggregate types of an entity to the schema.
///
/// # Panics
/// If a column has a reserved name: a mistake in the declarations, which any test detects.
pub(crate) fn put(schema: &mut Schema<'_>, entity: &'static Entity) {
    let (name, words) = (entity.name, entity.plural_words());
    let is_free = |column: &str| !RESERVED.contains(&column);
    assert!(
        columns(entity).all(|column| is_free(&column.field.name)),
        "{name} has a column with a reserved aggregate field name"
    );
    let aggregate = [field("count", "Int!", "Number of rows.")].into_iter().chain(
        columns(entity).map(|column| {
            let ty = format!("{}!", column.kind.aggregate_type());
            field(&column.field.name, &ty, &format!("Aggregates of `{}`.", column.field.name))
        }),
    );
    schema.object(
        &format!("{name}Aggregate"),
        &format!("Aggregates of {words}."),
        aggregate.collect(),
    );
    put_groups(schema, entity, &words);
    put_keys(schema, entity, &words);

    let count = [argument("count", "IntFilter", "Number of rows.")];
    let conditions = columns(entity).map(|column| {
        let ty = format!("{}Having", column.kind.input_prefix());
        argument(&column.field.name, &ty, &format!("Conditions on `{}`.", column.field.name))
    });
    schema.input(
        &format!("{name}Having"),
        &format!("Filter of groups of {words}. All conditions must match."),
        false,
        count.into_iter().chain(conditions).collect(),
    );
    let own = [
        argument("groupKey", "GroupKeyOrder", "Sort by a group key."),
        argument("count", "OrderDirection", "Sort by the number of rows."),
    ];
    let orders = columns(entity).map(|column| {
        let ty = format!("{}AggregateOrder", column.kind.input_prefix());
        argument(&column.field.name, &ty, &format!("Sort by `{}`.", column.field.name))
    });
    schema.input(
        &format!("{name}GroupOrder"),
        &format!("Sort key of groups of {words}: exactly one field."),
        true,
        own.into_iter().chain(orders).collect(),
    );
}

fn put_groups(schema: &mut Schema<'_>, entity: &'static Entity, words: &str) {
    let name = entity.name;
    let aggregate = field("aggregate", &format!("{name}Aggregate!"), "Aggregates of the group.");
    schema.object(
        &format!("{name}Group"),
        &format!("A group of {words} and its aggregates."),
        vec![
            field("key", &format!("{name}GroupKey!"), "Values that the rows of the group share."),
            filtered(entity, aggregate),
            field(
                "filter",
                "JSON!",
                "Filter of the list that matches exactly the rows of the group.",
            ),
        ],
    );
    schema.object(
        &format!("{name}Groups"),
        &format!("Groups of {words}."),
        vec![
            field("nodes", &format!("[{name}Group!]!"), "The groups."),
            field("totalCount", "Int!", "Number of groups, including those beyond `first`."),
        ],
    );
}

fn put_keys(schema: &mut Schema<'_>, entity: &'static Entity, words: &str) {
    let name = entity.name;
    let (mut dimensions, mut keys) = (Vec::new(), Vec::new());
    for declared in &entity.fields {
        let Some(dimension) = dimension(entity, declared) else { continue };
        let field_name = &declared.name;
        let by = format!("Group by `{field_name}`.");
        let about = format!("Value of `{field_name}`.");
        match dimension {
            Dimension::Value { format, .. } => {
                let ty = match format {
                    KeyFormat::Value(scalar) => type_name(scalar),
                    KeyFormat::Id(_) | KeyFormat::Bucket(_) => "ID",
                };
                dimensions.push(argument(field_name, "GroupValue", &by));
                keys.push(field(field_name, ty, &about));
            }
            Dimension::Time { .. } => {
                dimensions.push(argument(field_name, "TimeBucket", &by));
                let bucket = argument("bucket", "TimeBucket!", "The time bucket in `by`.");
                keys.push(with_arguments(field(field_name, "String", &about), vec![bucket]));
            }
            Dimension::Relation(hop) => {
                let to = hop.to.name;
                dimensions.push(argument(field_name, &format!("{to}Dimension"), &by));
                keys.push(field(
                    field_name,
                    &format!("{to}GroupKey!"),
                    &format!("Group keys of `{field_name}`."),
                ));
            }
        }
    }
    schema.input(
        &format!("{name}Dimension"),
        &format!("Group key of {words}: exactly one field."),
        true,
        dimensions,
    );
    schema.object(
        &format!("{name}GroupKey"),
        &format!(
            "Group key of {words}. Only keys in `by` can be selected. A key is null if the rows have no value."
        ),
        keys,
    );
}
