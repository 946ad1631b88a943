//! The business rules, permissions and SQL statements of salesgraph.
//!
//! This crate is independent of GraphQL and HTTP. Every function takes a [`Scope`](engine::Scope) as its first argument:
//! the actor, the organization, the time and the database. The folders are bounded contexts with the same names in
//! every crate: [`crm`], [`offer`], [`outreach`], [`usage`], [`identity`], [`alerts`], [`governance`],
//! [`ingest`]. [`imports`]
//! and [`enrichment`] process import jobs, [`systems`] migrates databases of other systems, [`search`] lists the
//! searchable entities, and [`operations`] maintains the database. The contexts are built on the crate [`engine`].

pub mod alerts;
pub mod catalog;
pub mod crm;
pub mod demo;
pub mod enrichment;
pub mod governance;
pub mod identity;
pub mod imports;
pub mod ingest;
pub mod offer;
pub mod operations;
pub mod outreach;
pub mod search;
pub mod systems;
pub mod usage;
