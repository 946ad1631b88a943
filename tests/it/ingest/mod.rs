//! Databases that are brought over.

pub mod sales_assistant;
