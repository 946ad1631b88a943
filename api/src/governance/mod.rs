//! The change log.

pub mod change;
