//! ID parsing: an ID is either rejected, or parsed and encoded back to the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for entity in api::catalog::entities() {
        if let Some(key) = graph::id::key(entity, text) {
            assert!(key > 0, "{text}");
            let global = format!("{}:{key}", entity.name);
            assert!(text == global || text == key.to_string(), "{text}");
        }
    }
});
