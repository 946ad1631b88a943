//! The declared graph: derives the complete GraphQL API of an entity from one documented struct.
//!
//! An entity is declared by `#[derive(Entity)]` ([`declaration`]). The declarations determine the types of the
//! schema ([`registry`]), the root fields, the CRUD mutations ([`mod@write`]) and their execution: the selection of
//! a root field is planned once for all levels ([`plan`], with [`filter`] and [`order`] from its arguments), the
//! service loads each list of a level with one statement, and the response is written from the rows without a
//! future per field ([`answer`]). Entity-specific behavior is plain Rust: a [`computed`] field, or an async-graphql
//! resolver next to the declared root fields.

pub mod action;
pub mod aggregate;
pub mod answer;
pub mod catalog;
mod collect;
pub mod computed;
pub mod computed_field;
pub mod connection_selection;
mod cyclic;
pub mod declaration;
pub mod error;
pub mod filter;
pub mod id;
pub mod input;
mod item_rows;
pub mod json_text;
pub mod mutations;
mod nested_rows;
pub mod order;
pub mod paging;
pub mod payload;
pub mod placeholder;
pub mod plan;
pub mod registration;
pub mod registry;
pub mod root;
pub mod roots;
pub mod row;
mod row_batch;
mod row_input;
pub mod rows_by_key;
pub mod scalar;
pub mod shape;
mod types;
pub mod write;
mod write_fields;
pub mod write_types;

pub use computed_field::RowView;
pub use declaration::{
    Declared, Entity, EntityDescription, EnumType,
    field_type::{
        Computed, DateTime, EnumColumn, FieldSpec, FieldType, Json, Many, Newest, One, Vocabulary,
    },
};
pub use item_rows::{ItemRow, ItemRows};
pub use roots::{Mutation, Query};
pub use row::{FilterOf, NodeRow, Row, Rows};
pub use row_batch::RowBatch;
pub use rows_by_key::RowsByKey;
