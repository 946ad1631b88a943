//! The schema of the server in the forms that the checks of documents need, built from its SDL.

use apollo_compiler::{
    Name, Schema, collections::HashMap, schema::Implementers, validation::Valid,
};
use async_graphql::parser::types::OperationType;

use super::{Refusal, schema_index::SchemaIndex};

/// A schema, for the checks of documents.
#[derive(Debug)]
pub struct PublishedSchema {
    pub(super) index: SchemaIndex,
    /// The schema in the validator's form.
    valid: Option<Valid<Schema>>,
    /// The implementing types of each interface.
    pub(super) implementers: HashMap<Name, Implementers>,
}

impl PublishedSchema {
    /// The schema with this SDL.
    #[must_use]
    pub fn new(sdl: &str) -> Self {
        // A failure is ignored here, because every request reports it.
        let valid = Schema::parse_and_validate(sdl, "schema.graphql").ok();
        let implementers = valid.as_ref().map(|schema| schema.implementers_map());
        Self {
            index: SchemaIndex::read(sdl),
            implementers: implementers.unwrap_or_default(),
            valid,
        }
    }

    /// The schema in the validator's form.
    ///
    /// # Errors
    /// `INTERNAL` if the server prints a schema that the validator rejects. Tests validate documents, so they
    /// would detect this error.
    pub(super) fn valid(&self) -> Result<&Valid<Schema>, Refusal> {
        let valid = self.valid.as_ref();
        valid.ok_or_else(|| Refusal::new("INTERNAL", "the schema could not be loaded", None))
    }

    /// Whether the schema has this root field; true if the schema could not be loaded. Validation rejects a document
    /// with another field.
    #[must_use]
    pub fn is_root_field(&self, kind: OperationType, field: &str) -> bool {
        let root = match kind {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        self.valid.as_ref().is_none_or(|schema| {
            schema.get_object(root).is_some_and(|object| object.fields.contains_key(field))
        })
    }
}
