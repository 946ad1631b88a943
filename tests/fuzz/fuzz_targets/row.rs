//! Data migration: a source row is either accepted as a whole or rejected with reasons.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| service::systems::sales_assistant::fuzz_row(bytes));
