//! Databases that are brought over, and lists that come in.

pub mod lists;
pub mod sales_assistant;
