//! Reading: lists, relations, filters, order, pages.

pub mod budget;
pub mod cursors;
pub mod deleted;
pub mod filters;
pub mod lists;
pub mod order;
pub mod selections;
