//! A row to be brought over is taken whole, or refused with its reasons.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| service::ingest::sales_assistant::fuzz_row(bytes));
