//! Normal forms: the single definition of when two spellings of an address, a phone number, a profile, a domain or a
//! name are equal. The API, imports, enrichment and matching all use these forms for comparisons.
//!
//! A displayed value keeps its spelling. The comparison value is stored in a separate computed column: see
//! [`Table::comparing`](crate::table::Table).

pub mod company;
pub mod company_size;
pub mod country;
pub mod domain;
pub mod email;
pub mod person;
pub mod phone;
pub mod placeholder;
pub mod profile;
pub mod text;
