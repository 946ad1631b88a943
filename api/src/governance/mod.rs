//! The change log.

pub mod change;
pub mod setting;
