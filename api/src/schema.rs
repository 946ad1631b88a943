//! The schema: the declared roots, and the fields written by hand beside them.

use async_graphql::{Context, MergedObject, Object, SDLExportOptions, ValidationMode};
use service::{Scope, governance::schema_version, operations::statistics};

use crate::{
    catalog, crm,
    error::Error,
    graph::{Mutation, Query},
    identity::viewer::Viewer,
    ingest::{self, report::EnrichmentReports},
    offer,
    operations::statistics::DatabaseStatistics,
    outreach,
    search::Searches,
    subscription::Subscription,
    usage::report::Reports,
};

/// The schema of the server.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Fields of the query root that follow from no declaration.
#[derive(Debug, Clone, Copy, Default, MergedObject)]
pub struct WrittenQueries(Server, Reports, EnrichmentReports, Searches);

/// What the server tells of itself and of who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Server;

#[Object]
impl Server {
    /// The authenticated actor and its permissions; null if the server requires an API key and none was sent.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        ctx.data_opt::<Scope>().map(Viewer::of)
    }

    /// Statistics of the database, for owners and admins.
    async fn database_statistics(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<DatabaseStatistics> {
        let scope = ctx.data_unchecked::<Scope>();
        let tables: Vec<_> = catalog::entities().iter().map(|entity| entity.table).collect();
        let statistics = statistics::statistics(scope, &tables).await.map_err(Error::from)?;
        Ok(statistics.into())
    }

    /// Schema version (`alembic_version`) of the imported sales-assistant database; null if none was imported.
    async fn schema_version(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let scope = ctx.data_unchecked::<Scope>();
        Ok(schema_version::get(scope).await.map_err(Error::from)?)
    }
}

/// The acts of business.
#[derive(Debug, Default, MergedObject)]
pub struct WrittenMutations(
    crm::acts::ProspectActs,
    ingest::acts::ImportActs,
    ingest::enrich::EnrichmentActs,
    offer::acts::OfferActs,
    outreach::acts::OutreachDraftActs,
    outreach::templates::TemplateActs,
);

/// How deep the library may go down in a document, fragments counted as levels. What clients may do is
/// told by [`crate::document::Limits`], which are narrower.
const DEEPEST: usize = 256;

/// Builds the schema. Every request brings its own [`Scope`], and one that subscribes the
/// [`Feed`](service::governance::change_log::Feed) of its server. Requests are validated before
/// ([`crate::document`]): the library applies none of its rules.
#[must_use]
pub fn build() -> Schema {
    let schema = Schema::build(Query, Mutation, Subscription).limit_recursive_depth(DEEPEST);
    schema.validation_mode(ValidationMode::Fast).finish()
}

/// The schema as text: what `schema.graphql` holds.
#[must_use]
pub fn sdl() -> String {
    build().sdl_with_options(
        SDLExportOptions::new().prefer_single_line_descriptions().include_specified_by(),
    )
}
