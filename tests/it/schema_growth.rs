//! The size of the schema: bounded for each entity, so that the hundredth costs as much as the tenth.

use std::collections::BTreeMap;

use tests::plain;

plain![
    an_entity_has_at_most_seven_types_of_aggregates,
    the_schema_grows_with_its_entities_only,
    every_type_is_reachable,
];

/// The types of the aggregates of an entity, by what follows its name.
const AGGREGATES: [&str; 7] =
    ["Aggregate", "Dimension", "Group", "GroupKey", "GroupOrder", "Groups", "Having"];

/// Maximum bytes of the aggregates of an entity, on average.
const MAX_AGGREGATE_BYTES: usize = 5_000;

/// Maximum types and bytes for each entity, on average, with the types that entities share. Reason codes count apart.
const MAX_TYPES_PER_ENTITY: usize = 28;
const MAX_BYTES_PER_ENTITY: usize = 19_000;

/// The definitions of the schema: name and text with its description.
fn definitions() -> BTreeMap<String, String> {
    let sdl = api::schema::sdl();
    let mut definitions = BTreeMap::new();
    for definition in sdl.split("\n\n") {
        let head = definition.lines().find(|line| {
            ["type ", "input ", "enum ", "scalar ", "interface ", "union "]
                .iter()
                .any(|keyword| line.starts_with(keyword))
        });
        if let Some(name) = head.and_then(|head| head.split_whitespace().nth(1)) {
            definitions.insert(name.to_owned(), definition.to_owned());
        }
    }
    assert!(definitions.len() > 300, "{}", definitions.len());
    definitions
}

fn an_entity_has_at_most_seven_types_of_aggregates() {
    let definitions = definitions();
    let entities = api::catalog::entities();
    let mut all = 0;
    for entity in &entities {
        let types: Vec<_> = AGGREGATES
            .iter()
            .filter_map(|suffix| definitions.get(&format!("{}{suffix}", entity.name)))
            .collect();
        let bytes: usize = types.iter().map(|definition| definition.len()).sum();
        println!("{}: {} types, {bytes} bytes of aggregates", entity.name, types.len());
        assert_eq!(types.len(), 7, "{}", entity.name);
        all += bytes;
    }
    let average = all / entities.len();
    println!("on average {average} bytes of aggregates, at most {MAX_AGGREGATE_BYTES}");
    assert!(average <= MAX_AGGREGATE_BYTES, "{average} bytes of aggregates for each entity");
}

fn the_schema_grows_with_its_entities_only() {
    let mut definitions = definitions();
    definitions.remove("ErrorReason");
    let entities = api::catalog::entities().len();
    let types = definitions.len() / entities;
    let bytes: usize = definitions.values().map(String::len).sum();
    let bytes = bytes / entities;
    println!("{} types, {types} types and {bytes} bytes for each entity", definitions.len());
    assert!(types <= MAX_TYPES_PER_ENTITY, "{types} types for each entity");
    assert!(bytes <= MAX_BYTES_PER_ENTITY, "{bytes} bytes for each entity");
}

/// A type that nothing refers to is weight without use.
fn every_type_is_reachable() {
    let definitions = definitions();
    let roots = ["Query", "Mutation", "Subscription"];
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|character: char| !character.is_ascii_alphanumeric());
        words.map(str::to_owned).collect()
    };
    let mut used: std::collections::BTreeSet<String> = roots.map(str::to_owned).into();
    for (name, text) in &definitions {
        used.extend(words(text).into_iter().filter(|word| word != name));
    }
    // A recursive type names itself; its connection or argument names it too.
    let unused: Vec<_> = definitions.keys().filter(|name| !used.contains(*name)).collect();
    assert_eq!(unused, Vec::<&String>::new());
}
