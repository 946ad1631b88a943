//! Cursor parsing: a cursor is either rejected, or parsed and encoded back to the same text.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| service::read::fuzz_cursor(bytes));
