//! What may happen: every rule, every permission, every SQL statement.
//!
//! This crate knows no GraphQL and no HTTP. Every function takes a [`Scope`] first: who acts, for
//! which organization, at what time, on which database. The folders are contexts, with the same
//! name in every crate: [`crm`], [`offer`], [`outreach`], [`usage`], [`identity`], [`governance`],
//! [`ingest`]. The machinery beside them: [`operations`] keeps the database itself, [`table`] tells what a table is, [`read`] reads nested
//! lists level by level, [`search`] finds rows by words, [`mod@write`] writes rows and the change log.

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
