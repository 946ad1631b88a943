//! A cursor is read or refused, and what is read is written the same again.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| service::read::fuzz_cursor(bytes));
