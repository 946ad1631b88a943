//! The schema: the declared roots, and the fields written by hand beside them.

use async_graphql::{Context, MergedObject, Object, SDLExportOptions};
use service::{Scope, governance::schema_version};

use crate::{
    crm,
    error::Error,
    graph::{Mutation, Query},
    offer, outreach,
    subscription::Subscription,
};

/// The schema of the server.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// How deep a document may nest, fragments counted as levels.
const DEEPEST: usize = 32;

/// Fields of the query root that follow from no declaration.
#[derive(Debug, Clone, Copy, Default)]
pub struct WrittenQueries;

#[Object]
impl WrittenQueries {
    /// The schema version (`alembic_version`) of the sales-assistant database that was brought over;
    /// null when none was.
    async fn schema_version(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.data_unchecked::<Scope>();
        Ok(schema_version::get(scope).await.map_err(Error::from)?)
    }
}

/// The acts of business.
#[derive(Debug, Default, MergedObject)]
pub struct WrittenMutations(
    crm::acts::ProspectActs,
    offer::acts::OfferActs,
    outreach::acts::OutreachDraftActs,
);

/// Builds the schema. Every request brings its own [`Scope`], and one that subscribes the
/// [`Feed`](service::governance::change_log::Feed) of its server.
#[must_use]
pub fn build() -> Schema {
    Schema::build(Query, Mutation, Subscription).limit_recursive_depth(DEEPEST).finish()
}

/// The schema as text: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    build().sdl_with_options(SDLExportOptions::new().prefer_single_line_descriptions())
}
