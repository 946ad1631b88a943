//! The types of aggregates.

use super::{
    super::{
        declaration::{Entity, Scalar, apart},
        registry::{ArgumentType, FieldType, Schema, argument, argument_or, field, with_arguments},
        scalar::type_name,
        types::plural_words,
    },
    fields::{self, Measured, Told},
};

/// What the measures of a group are called, with the part of the name of their types.
pub(in super::super) const MEASURES: [(&str, &str, &str); 5] = [
    ("distinct", "Distinct", "Numbers of distinct values; the case of A–Z in text is ignored."),
    ("min", "Extremes", "Minimum values; null where there is none."),
    ("max", "Extremes", "Maximum values; null where there is none."),
    ("avg", "Numbers", "Mean values; null where there is none."),
    ("sum", "Numbers", "Sums; null where there is no value."),
];

/// The field with the aggregate of a list.
#[must_use]
pub(in super::super) fn aggregate(list: &str, entity: &Entity) -> FieldType {
    let about = format!("Aggregates of `{list}`.");
    let name = format!("{list}Aggregate");
    let ty = format!("{}Aggregate!", entity.name);
    with_arguments(field(&name, &ty, &about), vec![filter(entity)])
}

/// The field with the groups of a list.
#[must_use]
pub(in super::super) fn group_by(list: &str, entity: &Entity) -> FieldType {
    let about = format!("Aggregates of `{list}` by group. Default order: by key.");
    let name = entity.name;
    let arguments = vec![
        argument("by", &format!("[{name}GroupBy!]!"), "Group keys: from 1 to 4."),
        filter(entity),
        argument("having", &format!("{name}Having"), "Filter of groups (HAVING)."),
        argument(
            "orderBy",
            &format!("[{name}GroupOrder!]"),
            "Sort keys; groups with equal values are sorted by key. Maximum: 5.",
        ),
        argument("first", "Int", "Maximum number of groups, from 0 to 1,000. Default: 100."),
        argument_or(
            "timeZone",
            "String",
            "\"UTC\"",
            "IANA time zone of time buckets, like `Europe/Berlin`. Transitions are known from 1970 to 2060.",
        ),
    ];
    let field = field(&format!("{list}GroupBy"), &format!("{name}Groups!"), &about);
    with_arguments(field, arguments)
}

fn filter(entity: &Entity) -> ArgumentType {
    argument("filter", &format!("{}Filter", entity.name), "Filter.")
}

/// The measures that an entity has by their part of the name of their types.
#[must_use]
pub(in super::super) fn measured(entity: &Entity, part: &str) -> &'static Measured {
    let offer = fields::of(entity);
    match part {
        "Distinct" => &offer.distinct,
        "Extremes" => &offer.extremes,
        _ => &offer.numbers,
    }
}

/// The GraphQL type of a measure of a column.
#[must_use]
pub(in super::super) fn told_as(part: &str, scalar: Scalar) -> Scalar {
    match part {
        "Distinct" => Scalar::Int,
        "Numbers" => Scalar::Float,
        _ => scalar,
    }
}

/// Puts the types of what is measured in.
fn put_measures(schema: &mut Schema<'_>, entity: &'static Entity, words: &str) {
    let name = entity.name;
    let parts = ["Distinct", "Extremes", "Numbers"];
    let parts = parts.map(|part| (part, measured(entity, part)));
    for (part, measured) in parts.iter().filter(|(_, measured)| !measured.is_empty()) {
        let (mut told, mut tests, mut orders) = (Vec::new(), Vec::new(), Vec::new());
        for (column, _, scalar) in *measured {
            let ty = type_name(told_as(part, *scalar));
            let bang = if *part == "Distinct" { "!" } else { "" };
            told.push(field(&column.name, &format!("{ty}{bang}"), &column.about));
            tests.push(argument(&column.name, &format!("{ty}Filter"), &column.about));
            orders.push(argument(&column.name, "OrderDirection", &column.about));
        }
        let about = match *part {
            "Distinct" => format!("Numbers of distinct values in a group of {words}."),
            "Extremes" => format!("Minimum or maximum values of a group of {words}."),
            _ => format!("Mean values or sums of a group of {words}."),
        };
        schema.object(&format!("{name}{part}"), &about, told);
        let about = format!("Conditions on groups of {words}. All conditions must match.");
        schema.input(&format!("{name}{part}Having"), &about, false, tests);
        let about = format!("Sort key of groups of {words}: exactly one.");
        schema.input(&format!("{name}{part}Order"), &about, true, orders);
    }
}

/// Puts the types of the aggregates of an entity in.
pub(in super::super) fn put(schema: &mut Schema<'_>, entity: &'static Entity) {
    let (name, words, offer) = (entity.name, plural_words(entity), fields::of(entity));
    put_measures(schema, entity, &words);
    let has = |part: &str| !measured(entity, part).is_empty();
    let measures = || MEASURES.iter().filter(|(_, part, _)| has(part));
    let own = || {
        let count = field("count", "Int!", "Number of rows.");
        let others = measures()
            .map(|(measure, part, about)| field(measure, &format!("{name}{part}!"), about));
        [count].into_iter().chain(others)
    };
    schema.object(&format!("{name}Aggregate"), &format!("Aggregates of {words}."), own().collect());
    let key = field(
        "key",
        &format!("{name}GroupKey!"),
        "Group key: the values that the rows of the group share.",
    );
    let filter = field(
        "filter",
        "JSON!",
        "Filter that matches exactly these rows: the value for the argument `filter` of the list.",
    );
    schema.object(
        &format!("{name}Group"),
        &format!("A group of {words} and its aggregates."),
        [key].into_iter().chain(own()).chain([filter]).collect(),
    );
    schema.object(
        &format!("{name}Groups"),
        &format!("Groups of {words}."),
        vec![
            field("nodes", &format!("[{name}Group!]!"), "The groups."),
            field("totalCount", "Int!", "Number of groups, including those beyond `first`."),
        ],
    );

    let words_of_keys = offer.keys.iter().map(|key| (key.name.clone(), key.about.as_str()));
    schema.enumeration(
        &format!("{name}GroupBy"),
        &format!("Group keys of {words}."),
        words_of_keys.collect(),
    );
    let keys = offer.keys.iter().map(|key| {
        let ty = match key.told {
            Told::Id(_) => "ID",
            Told::Value(scalar) => type_name(scalar),
            Told::Bucket(_) => "String",
        };
        field(&key.field, ty, &key.about)
    });
    schema.object(
        &format!("{name}GroupKey"),
        &format!(
            "Group key of {words}; null where the value is null, and for keys that are not in `by`. Times are formatted \
             as `2026-03-29T02:00+01:00`, `2026-03-29`, `2026-W13`, `2026-03`, `2026-Q1` or `2026`."
        ),
        keys.collect(),
    );

    let count = argument("count", "IntFilter", "Number of rows.");
    let tests = measures()
        .map(|(measure, part, about)| argument(measure, &format!("{name}{part}Having"), about));
    schema.input(
        &format!("{name}Having"),
        &format!("Filter of groups of {words}. All conditions must match."),
        false,
        [count].into_iter().chain(tests).collect(),
    );
    let count = argument("count", "OrderDirection", "Sort by the number of rows.");
    let key = argument("key", &format!("{name}GroupKeyOrder"), "Sort by a key that is in `by`.");
    let orders = measures()
        .map(|(measure, part, about)| argument(measure, &format!("{name}{part}Order"), about));
    schema.input(
        &format!("{name}GroupOrder"),
        &format!("Sort key of groups of {words}: exactly one field."),
        true,
        [count, key].into_iter().chain(orders).collect(),
    );
    let keys = offer.keys.iter().map(|key| argument(&key.field, "OrderDirection", &key.about));
    schema.input(
        &format!("{name}GroupKeyOrder"),
        &format!("Key by which groups of {} are sorted: exactly one.", apart(entity.plural, ' ')),
        true,
        keys.collect(),
    );
}
