//! Filter parsing: any JSON value is parsed as a filter or rejected with a reason.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((entity, json)) = bytes.split_first() else { return };
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(json) else { return };
    let Ok(value) = async_graphql::Value::from_json(json) else { return };
    let entities = api::catalog::entities();
    let entity = entities[usize::from(*entity) % entities.len()];
    let _ = graph::filter::read(entity, &value);
});
