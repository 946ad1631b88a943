//! The business rules, permissions and SQL statements of salesgraph.
//!
//! This crate is independent of GraphQL and HTTP. Every function takes a [`Scope`] as its first argument: the actor,
//! the organization, the time and the database. The folders are bounded contexts with the same names in every crate:
//! [`crm`], [`offer`], [`outreach`], [`usage`], [`identity`], [`governance`], [`ingest`]. These modules support the
//! contexts: [`operations`] maintains the database, [`table`] describes tables, [`read`] reads nested lists level by
//! level, [`search`] implements full-text search, and [`mod@write`] writes rows and the change log.

pub mod clock;
pub mod crm;
pub mod demo;

pub mod error;
pub mod governance;
pub mod identity;
pub mod ingest;
pub mod normal_form;

pub mod offer;
pub mod operations;
pub mod outreach;
pub mod progress;
pub mod read;
pub mod reason;
pub mod scope;
pub mod search;
pub mod store;
pub mod table;
pub mod usage;
pub mod value;
pub mod vocabulary;
pub mod write;

pub use clock::{Clock, FixedClock, SystemClock};
pub use error::{Error, Problem, ProblemCode, Result};
pub use identity::policy::{Permission, Role};
pub use reason::Reason;
pub use scope::{Actor, Scope};
pub use store::{Engine, MIN_CONNECTIONS, Metered, Sent, Store, metered, patient};
pub use table::{Kind, Table};
pub use value::Value;
