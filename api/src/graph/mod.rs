//! The declared graph: from one documented struct per entity to its whole GraphQL face.
//!
//! An entity is declared by `#[derive(Entity)]` ([`declaration`]). From the declarations follow the
//! types of the schema ([`registry`]), the roots and the plain mutations ([`mod@write`]), and how they are answered: the selection of a root
//! field is planned once for every level ([`plan`], with [`filter`] and [`order`] from its
//! arguments), the service loads each list of a level with one statement, and the answer is built
//! from the rows without a future for each field ([`answer`]). What is special about an entity is
//! ordinary Rust: a [`computed`] field, or a resolver of async-graphql beside the declared roots.

pub mod act;
pub mod aggregate;
pub mod answer;
pub mod asked;
mod collect;
pub mod computed;
mod cyclic;
pub mod declaration;
pub mod field_type;
pub mod filter;
pub mod id;
pub mod input;
pub mod order;
pub mod paging;
pub mod payload;
pub mod plan;
pub mod registry;
pub mod root;
pub mod row;
mod row_batch;
pub mod scalar;
pub mod shape;
mod types;
pub mod write;
mod write_fields;
mod write_types;

pub use computed::{Picked, RowView};
pub use declaration::{Declared, Entity, EnumType, Head};
pub use field_type::{
    Computed, DateTime, FieldType, Json, Many, Newest, Of, One, Spec, Vocabulary,
};
pub use registry::{Mutation, Query};
pub use row::{FilterOf, Row, Rows};
pub use row_batch::RowBatch;
