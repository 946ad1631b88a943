//! An id is read or refused, and what is read is written the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for entity in api::catalog::entities() {
        if let Some(key) = api::graph::id::key(entity, text) {
            assert!(key > 0, "{text}");
            let global = format!("{}:{key}", entity.name);
            assert!(text == global || text == key.to_string(), "{text}");
        }
    }
});
