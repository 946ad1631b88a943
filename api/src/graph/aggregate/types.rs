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
    (
        "distinct",
        "Distinct",
        "How many different values there are; text without regard to the case of A–Z.",
    ),
    ("min", "Extremes", "The smallest values; null where there is none."),
    ("max", "Extremes", "The largest values; null where there is none."),
    ("avg", "Numbers", "The means; null where there is no value."),
    ("sum", "Numbers", "The sums; null where there is no value."),
];

/// The field with the aggregate of a list.
#[must_use]
pub(in super::super) fn aggregate(list: &str, entity: &Entity) -> FieldType {
    let about = format!("What `{list}` come to, all together.");
    let name = format!("{list}Aggregate");
    let ty = format!("{}Aggregate!", entity.name);
    with_arguments(field(&name, &ty, &about), vec![filter(entity)])
}

/// The field with the groups of a list.
#[must_use]
pub(in super::super) fn group_by(list: &str, entity: &Entity) -> FieldType {
    let about = format!(
        "What `{list}` come to, group by group. Groups come in the order of their keys when nothing is said."
    );
    let name = entity.name;
    let arguments = vec![
        argument("by", &format!("[{name}GroupBy!]!"), "What makes a group: 1 to 4 of these."),
        filter(entity),
        argument("having", &format!("{name}Having"), "Only groups that pass this."),
        argument(
            "orderBy",
            &format!("[{name}GroupOrder!]"),
            "In which order; those that are the same by it come in the order of their keys. At most 5.",
        ),
        argument("first", "Int", "The first so many groups: 0 to 1,000, 100 when nothing is said."),
        argument_or(
            "timeZone",
            "String",
            "\"UTC\"",
            "By whose clocks time is cut: a name of the IANA database, `Europe/Berlin`. Changes of clocks are \
             known from 1970 to 2060.",
        ),
    ];
    let field = field(&format!("{list}GroupBy"), &format!("{name}Groups!"), &about);
    with_arguments(field, arguments)
}

fn filter(entity: &Entity) -> ArgumentType {
    argument("filter", &format!("{}Filter", entity.name), "Which rows.")
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
            "Distinct" => format!("How many different values a group of {words} has."),
            "Extremes" => format!("The smallest or largest values of a group of {words}."),
            _ => format!("Means or sums of a group of {words}."),
        };
        schema.object(&format!("{name}{part}"), &about, told);
        let about = format!("Tests of groups of {words}. Those that are given must all pass.");
        schema.input(&format!("{name}{part}Having"), &about, false, tests);
        let about = format!("By which of these groups of {words} are sorted: exactly one.");
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
        let count = field("count", "Int!", "How many rows there are.");
        let others = measures()
            .map(|(measure, part, about)| field(measure, &format!("{name}{part}!"), about));
        [count].into_iter().chain(others)
    };
    schema.object(
        &format!("{name}Aggregate"),
        &format!("What many {words} come to."),
        own().collect(),
    );
    let key =
        field("key", &format!("{name}GroupKey!"), "What the rows of the group have in common.");
    let filter = field(
        "filter",
        "JSON!",
        "The filter that gives exactly these rows in the list beside: the variable for its argument `filter`.",
    );
    schema.object(
        &format!("{name}Group"),
        &format!("A group of {words}, and what they come to."),
        [key].into_iter().chain(own()).chain([filter]).collect(),
    );
    schema.object(
        &format!("{name}Groups"),
        &format!("Groups of {words}."),
        vec![
            field("nodes", &format!("[{name}Group!]!"), "The groups."),
            field("totalCount", "Int!", "How many groups there are, with those beyond `first`."),
        ],
    );

    let words_of_keys = offer.keys.iter().map(|key| (key.name.clone(), key.about.as_str()));
    schema.enumeration(
        &format!("{name}GroupBy"),
        &format!("What {words} can be grouped by."),
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
            "What the {words} of a group have in common; null where they have nothing there, and for what they are \
             not grouped by. Time is told like `2026-03-29T02:00+01:00`, `2026-03-29`, `2026-W13`, `2026-03`, \
             `2026-Q1`, `2026`."
        ),
        keys.collect(),
    );

    let count = argument("count", "IntFilter", "The number of rows.");
    let tests = measures()
        .map(|(measure, part, about)| argument(measure, &format!("{name}{part}Having"), about));
    schema.input(
        &format!("{name}Having"),
        &format!("Which groups of {words}. What is given must all pass."),
        false,
        [count].into_iter().chain(tests).collect(),
    );
    let count = argument("count", "OrderDirection", "By the number of rows.");
    let key = argument("key", &format!("{name}GroupKeyOrder"), "By a key that is in `by`.");
    let orders = measures()
        .map(|(measure, part, about)| argument(measure, &format!("{name}{part}Order"), about));
    schema.input(
        &format!("{name}GroupOrder"),
        &format!("By what groups of {words} are sorted: exactly one field."),
        true,
        [count, key].into_iter().chain(orders).collect(),
    );
    let keys = offer.keys.iter().map(|key| argument(&key.field, "OrderDirection", &key.about));
    schema.input(
        &format!("{name}GroupKeyOrder"),
        &format!("By which key groups of {} are sorted: exactly one.", apart(entity.plural, ' ')),
        true,
        keys.collect(),
    );
}
