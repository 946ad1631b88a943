//! Schema size: the size per entity is bounded, so the schema grows linearly with the number of entities.

use std::collections::BTreeMap;

use tests::plain;

plain![
    every_entity_has_seven_aggregate_types,
    schema_size_is_bounded_per_entity,
    every_type_is_reachable,
];

/// The name suffixes of the aggregate types of an entity.
const AGGREGATES: [&str; 7] =
    ["Aggregate", "Dimension", "Group", "GroupKey", "GroupOrder", "Groups", "Having"];

/// Maximum size of the aggregate types in bytes, on average per entity.
const MAX_AGGREGATE_BYTES: usize = 5_000;

/// Maximum number of types and bytes, on average per entity, including shared types but not the reason codes.
const MAX_TYPES_PER_ENTITY: usize = 28;
const MAX_BYTES_PER_ENTITY: usize = 19_000;

/// The SDL text of each type definition, including its description, by type name.
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

fn every_entity_has_seven_aggregate_types() {
    let definitions = definitions();
    let entities = api::catalog::entities();
    let mut all = 0;
    for entity in entities {
        let types: Vec<_> = AGGREGATES
            .iter()
            .filter_map(|suffix| definitions.get(&format!("{}{suffix}", entity.name)))
            .collect();
        let bytes: usize = types.iter().map(|definition| definition.len()).sum();
        println!("{}: {} aggregate types, {bytes} bytes", entity.name, types.len());
        assert_eq!(types.len(), 7, "{}", entity.name);
        all += bytes;
    }
    let average = all / entities.len();
    println!(
        "aggregate types: {average} bytes per entity on average (maximum: {MAX_AGGREGATE_BYTES})"
    );
    assert!(average <= MAX_AGGREGATE_BYTES, "{average} bytes of aggregate types per entity");
}

fn schema_size_is_bounded_per_entity() {
    let mut definitions = definitions();
    definitions.remove("ErrorReason");
    let entities = api::catalog::entities().len();
    let types = definitions.len() / entities;
    let bytes: usize = definitions.values().map(String::len).sum();
    let bytes = bytes / entities;
    println!("{} types in total; per entity: {types} types, {bytes} bytes", definitions.len());
    assert!(types <= MAX_TYPES_PER_ENTITY, "{types} types per entity");
    assert!(bytes <= MAX_BYTES_PER_ENTITY, "{bytes} bytes per entity");
}

/// An unreferenced type enlarges the schema without any benefit.
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
    // References of a type to itself do not count, because a used type is also referenced by another type.
    let unused: Vec<_> = definitions.keys().filter(|name| !used.contains(*name)).collect();
    assert_eq!(unused, Vec::<&String>::new());
}
