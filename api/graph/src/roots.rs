//! The roots of the schema: the fields of the declared entities and the custom fields of the product.

use std::{borrow::Cow, fmt, marker::PhantomData};

use async_graphql::{
    ContainerType, Context, ContextSelectionSet, ObjectType, OutputType, Positioned, ServerResult,
    Value, parser::types::Field as AskedField, registry::MetaTypeId,
    resolver_utils::resolve_container,
};

use super::{
    registration::Registry,
    registry::{Schema, object},
    root, types, write, write_types,
};
use crate::catalog::Catalog;

/// The parts of a schema that a product provides.
pub trait Product: Send + Sync + 'static {
    /// The query fields that are not derived from declarations.
    type CustomQueries: ObjectType + Default;
    /// The business actions.
    type CustomMutations: ObjectType + Default;

    /// The declared entities. The schema has the same value as its data, see [`Catalog::of`].
    fn catalog() -> &'static Catalog;
}

/// The query root: the declared entities and the custom fields.
pub struct Query<P>(PhantomData<P>);

/// The mutation root: the CRUD mutations of the declared entities and the business actions.
pub struct Mutation<P>(PhantomData<P>);

impl<P> Default for Query<P> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<P> Default for Mutation<P> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<P> fmt::Debug for Query<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Query")
    }
}

impl<P> fmt::Debug for Mutation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutation")
    }
}

impl<P: Product> OutputType for Query<P> {
    fn type_name() -> Cow<'static, str> {
        "Query".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let mut schema = Schema { registry, catalog: P::catalog() };
            schema.shared();
            let mut fields = types::roots(&mut schema);
            fields.extend(schema.fields_of::<P::CustomQueries>());
            let about = "The query root. Each entity has two fields: one returns a row by ID, the other a list with filtering, sorting and pagination.";
            object("Query", about, fields)
        })
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        _field: &Positioned<AskedField>,
    ) -> ServerResult<Value> {
        resolve_container(context, self).await
    }
}

impl<P: Product> ContainerType for Query<P> {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        let resolved = match root::resolve(context).await {
            Ok(None) => P::CustomQueries::default().resolve_field(context).await,
            resolved => resolved,
        };
        match resolved {
            Err(error) if may_be_null(context) => {
                context.add_error(error);
                Ok(Some(Value::Null))
            }
            resolved => resolved,
        }
    }
}

impl<P: Product> ObjectType for Query<P> {}

impl<P: Product> OutputType for Mutation<P> {
    fn type_name() -> Cow<'static, str> {
        "Mutation".into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_output_type::<Self, _>(MetaTypeId::Object, |registry| {
            let mut schema = Schema { registry, catalog: P::catalog() };
            let mut fields = write_types::roots(&mut schema);
            fields.extend(schema.fields_of::<P::CustomMutations>());
            let about = "The mutation root. Each field runs in one transaction and is acknowledged after the commit; \
                         rejected input is reported in `userErrors`.";
            object("Mutation", about, fields)
        })
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        _field: &Positioned<AskedField>,
    ) -> ServerResult<Value> {
        resolve_container(context, self).await
    }
}

impl<P: Product> ContainerType for Mutation<P> {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        match write::resolve(context).await {
            Ok(None) => P::CustomMutations::default().resolve_field(context).await,
            resolved => resolved,
        }
    }
}

impl<P: Product> ObjectType for Mutation<P> {}

/// Whether the root field being resolved is nullable.
fn may_be_null(context: &Context<'_>) -> bool {
    let query = context.schema_env.registry.types.get("Query");
    let field = query.and_then(|query| query.field_by_name(&context.item.node.name.node));
    field.is_some_and(|field| !field.ty.ends_with('!'))
}
