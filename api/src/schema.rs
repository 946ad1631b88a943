//! The schema: the declared roots and the hand-written fields.

use async_graphql::{Context, MergedObject, Object, SDLExportOptions, ValidationMode};
use engine::{Permission, Scope};
use salesgraph_macros::permissions;
use service::{governance::schema_version, operations::statistics};

use crate::{
    alerts, catalog, crm, governance,
    identity::{self, viewer::Viewer},
    ingest::{self, report::EnrichmentReports},
    offer,
    operations::statistics::DatabaseStatistics,
    outreach,
    search::Searches,
    subscription::Subscription,
    usage::report::Reports,
};
use graph::{
    Mutation, Query,
    catalog::Catalog,
    error::{Error, Result},
    roots::Product,
};

/// The schema of the server.
pub type Schema = async_graphql::Schema<Query<Salesgraph>, Mutation<Salesgraph>, Subscription>;

/// The product, for the roots of the schema.
#[derive(Debug)]
pub struct Salesgraph;

impl Product for Salesgraph {
    type CustomQueries = CustomQueries;
    type CustomMutations = CustomMutations;

    fn catalog() -> &'static Catalog {
        catalog::catalog()
    }
}

/// Query fields that are not generated from declarations.
#[derive(Debug, Clone, Copy, Default, MergedObject)]
pub struct CustomQueries(
    ServerQueries,
    Reports,
    EnrichmentReports,
    Searches,
    identity::api_keys::ApiKeyQueries,
    crm::work_list::WorkLists,
);

/// The permissions of [`CustomQueries`].
pub(crate) const CUSTOM_QUERIES: &[&[(&str, Option<Permission>)]] = &[
    ServerQueries::PERMISSIONS,
    Reports::PERMISSIONS,
    EnrichmentReports::PERMISSIONS,
    Searches::PERMISSIONS,
    identity::api_keys::ApiKeyQueries::PERMISSIONS,
    crm::work_list::WorkLists::PERMISSIONS,
];

/// Fields about the server and the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerQueries;

#[permissions]
#[Object]
impl ServerQueries {
    /// The authenticated actor and its permissions; null if the server requires an API key or a session and none was sent.
    #[permission(Public)]
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        ctx.data_opt::<Scope>().and_then(Viewer::of)
    }

    /// Statistics of the database, for owners and admins.
    #[permission(ViewStatistics)]
    async fn database_statistics(&self, ctx: &Context<'_>) -> Result<DatabaseStatistics> {
        let scope = ctx.data_unchecked::<Scope>();
        let tables: Vec<_> = catalog::entities().iter().map(|entity| entity.table).collect();
        let statistics = statistics::statistics(scope, &tables).await.map_err(Error::from)?;
        Ok(statistics.into())
    }

    /// Schema version (`alembic_version`) of the imported sales-assistant database; null if none was imported.
    #[permission(Read)]
    async fn schema_version(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let scope = ctx.data_unchecked::<Scope>();
        schema_version::get(scope).await.map_err(Error::from)
    }
}

/// The business actions.
#[derive(Debug, Default, MergedObject)]
pub struct CustomMutations(
    alerts::notification::NotificationActions,
    crm::actions::ProspectActions,
    crm::assignments::Assignments,
    crm::merges::Merges,
    crm::prospect_moves::ProspectMoves,
    crm::prospect_note::ProspectNoteActions,
    governance::reverts::Reverts,
    identity::api_keys::ApiKeyActions,
    identity::members::MemberActions,
    identity::profile::ProfileActions,
    identity::sessions::SessionActions,
    identity::team::TeamActions,
    ingest::actions::ImportActions,
    ingest::decisions::ImportDecisions,
    ingest::enrich::EnrichmentActions,
    offer::actions::OfferActions,
    outreach::actions::OutreachDraftActions,
    outreach::draft_batches::OutreachDraftBatches,
    outreach::templates::TemplateActions,
);

/// The permissions of [`CustomMutations`].
pub(crate) const CUSTOM_MUTATIONS: &[&[(&str, Option<Permission>)]] = &[
    alerts::notification::NotificationActions::PERMISSIONS,
    crm::actions::ProspectActions::PERMISSIONS,
    crm::assignments::Assignments::PERMISSIONS,
    crm::merges::Merges::PERMISSIONS,
    crm::prospect_moves::ProspectMoves::PERMISSIONS,
    crm::prospect_note::ProspectNoteActions::PERMISSIONS,
    governance::reverts::Reverts::PERMISSIONS,
    identity::api_keys::ApiKeyActions::PERMISSIONS,
    identity::members::MemberActions::PERMISSIONS,
    identity::profile::ProfileActions::PERMISSIONS,
    identity::sessions::SessionActions::PERMISSIONS,
    identity::team::TeamActions::PERMISSIONS,
    ingest::actions::ImportActions::PERMISSIONS,
    ingest::decisions::ImportDecisions::PERMISSIONS,
    ingest::enrich::EnrichmentActions::PERMISSIONS,
    offer::actions::OfferActions::PERMISSIONS,
    outreach::actions::OutreachDraftActions::PERMISSIONS,
    outreach::draft_batches::OutreachDraftBatches::PERMISSIONS,
    outreach::templates::TemplateActions::PERMISSIONS,
];

/// Recursion limit of the library, where fragments count as levels. The limits for clients are in
/// [`server::document::Limits`] and are lower.
const MAX_DEPTH: usize = 256;

/// Builds the schema. Every request provides its own [`Scope`], and a subscription also the
/// [`ChangeStream`](engine::change_log::ChangeStream) of its server. Requests are validated beforehand
/// ([`server::document`]); the library's validation rules are disabled.
#[must_use]
pub fn build() -> Schema {
    let schema = Schema::build(Query::default(), Mutation::default(), Subscription);
    let schema = schema.data(catalog::catalog()).limit_recursive_depth(MAX_DEPTH);
    schema.validation_mode(ValidationMode::Fast).finish()
}

/// The SDL of the schema, as in `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    build().sdl_with_options(
        SDLExportOptions::new().prefer_single_line_descriptions().include_specified_by(),
    )
}
