//! Introspection, executed by the validating library on the SDL of the server, because the introspection types of that
//! library conform to the specification
//! (<https://spec.graphql.org/September2025/#sec-Schema-Introspection>). The executing library
//! declares `__Schema.description` as `String!`, and returns null for the interfaces of an interface.

use std::sync::Arc;

use apollo_compiler::{
    ExecutableDocument,
    introspection::partial_execute,
    response::{JsonMap, JsonValue},
    validation::Valid,
};
use async_graphql::{Name, Value, Variables, indexmap::IndexMap};

use super::{Refusal, published_schema::PublishedSchema};
use graph::json_text;

/// Whether a root field is an introspection field.
#[must_use]
pub fn is_introspection(field: &str) -> bool {
    matches!(field, "__schema" | "__type")
}

/// The introspection fields of an operation.
#[derive(Clone, Debug)]
pub struct Introspection {
    schema: Arc<PublishedSchema>,
    document: Arc<Valid<ExecutableDocument>>,
    operation: Option<String>,
}

impl Introspection {
    pub(super) fn new(
        schema: Arc<PublishedSchema>,
        document: Arc<Valid<ExecutableDocument>>,
        operation: Option<String>,
    ) -> Self {
        Self { schema, document, operation }
    }

    /// The values of the introspection fields at the root, by response name, as JSON text.
    ///
    /// # Errors
    /// `INTERNAL` if a validated operation cannot be executed.
    pub fn execute(&self, variables: &Variables) -> Result<IndexMap<Name, Value>, Refusal> {
        let internal = || Refusal::new("INTERNAL", "the schema could not be loaded", None);
        let schema = self.schema.valid()?;
        let operation = self.document.operations.get(self.operation.as_deref());
        let operation = operation.map_err(|_| internal())?;
        let variables = variables.iter().map(|(name, value)| {
            let value = value.clone().into_json().unwrap_or_default();
            (name.as_str().into(), JsonValue::from(value))
        });
        // The variables have already been coerced.
        let variables = Valid::assume_valid(variables.collect::<JsonMap>());
        let answer = partial_execute(
            schema,
            &self.schema.implementers,
            &self.document,
            operation,
            &variables,
        );
        let data = answer.ok().and_then(|answer| answer.data).ok_or_else(internal)?;
        let fields = data.into_iter().map(|(name, value)| {
            let mut json = Vec::new();
            json_text::plain(&mut json, &value);
            (Name::new(name.as_str()), Value::Binary(json.into()))
        });
        Ok(fields.collect())
    }
}
