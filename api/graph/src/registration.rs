//! Registration of async-graphql types in the schema.

use async_graphql::OutputType;

pub use async_graphql::registry::Registry;

/// Adds a type of async-graphql to the schema and returns its qualified name.
pub type Register = fn(&mut Registry) -> String;

/// Implements [`Register`] for `T`.
pub fn register<T: OutputType>(registry: &mut Registry) -> String {
    T::create_type_info(registry)
}
