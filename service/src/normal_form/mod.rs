//! Normal forms: the one place that decides when two spellings of an address, a number, a profile, a domain or a name are
//! the same. API, imports, enrichment and matching all compare by these.
//!
//! A displayed value keeps its spelling. What is compared is stored beside it, in columns that follow from it: see
//! [`Table::comparing`](crate::table::Table).

pub(crate) mod company;
pub(crate) mod country;
pub mod domain;
pub(crate) mod email;
pub(crate) mod person;
pub(crate) mod phone;
pub(crate) mod placeholder;
pub(crate) mod profile;
pub(crate) mod text;
