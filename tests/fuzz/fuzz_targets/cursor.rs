//! Cursor parsing: a cursor is either rejected, or parsed and encoded back to the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    engine::read::fuzz_cursor(service::crm::prospect::table(), bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = engine::change_log::Position::of(text);
    }
});
