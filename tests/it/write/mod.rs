//! Mutations: writes, rejected input and change log entries.

pub mod acts;
pub mod approvals;
pub mod batches;
pub mod claims;
pub mod cost;
pub mod draft_batches;
pub mod drafts;
pub mod duplicates;
pub mod log;
pub mod merges;
pub mod moves;
pub mod names;
pub mod nested_rows;
pub mod once;
pub mod opt_outs;
pub mod plain;
pub mod refusals;
pub mod replay;
pub mod reverts;
pub mod single;
