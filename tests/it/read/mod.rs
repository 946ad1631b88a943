//! Queries: lists, relations, filters, sorting and pagination.

pub mod aggregates;
pub mod budget;
pub mod cursors;
pub mod deleted;
pub mod distributions;
pub mod filled_groups;
pub mod filters;
pub mod groups;
pub mod known;
pub mod lists;
pub mod order;
pub mod plans;
pub mod ranks;
pub mod selections;
pub mod specification;
pub mod time_zones;
