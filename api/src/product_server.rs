//! The server of the product: its schema, permissions, API keys, enrichment providers and routes.

use std::sync::{Arc, LazyLock};

use engine::{Clock, Store, authentication::Authenticator};
use server::{
    document::PublishedSchema,
    execute::SchemaExecutor,
    http::{ServedProduct, Server},
};
use service::{
    enrichment::{Providers, RuleProvider},
    identity::{accounts::Accounts, authenticator::CredentialCache},
};

use crate::{
    graphiql,
    identity::sign_in_routes,
    ingest::{failed_rows_route, upload},
    permissions::permissions,
    schema, schema_route,
};

/// The schema in the forms that the checks of documents need, built once per process.
#[must_use]
pub fn published_schema() -> Arc<PublishedSchema> {
    static SCHEMA: LazyLock<Arc<PublishedSchema>> =
        LazyLock::new(|| Arc::new(PublishedSchema::new(&schema::sdl())));
    Arc::clone(&SCHEMA)
}

/// An executor of the schema with the default limits.
#[must_use]
pub fn executor() -> SchemaExecutor {
    SchemaExecutor::new(Arc::new(schema::build()), published_schema())
}

/// The enrichment providers without configuration: rules that need no network.
#[must_use]
pub fn default_providers() -> Providers {
    Providers::new(vec![Arc::new(RuleProvider)])
}

/// A server with the default settings. Must be called inside a runtime, which runs its tasks. The local user is the owner
/// of `organization`.
#[must_use]
pub fn server(
    store: Store,
    organization: i64,
    clock: Arc<dyn Clock>,
    providers: Providers,
    accounts: Accounts,
) -> Server {
    let sessions = accounts.sessions().clone();
    let credentials: Arc<dyn Authenticator> =
        Arc::new(CredentialCache::new(store.clone(), Arc::clone(&clock), sessions));
    let of_requests = accounts.clone();
    let product = ServedProduct {
        executor: executor(),
        permissions: permissions(),
        row_scopes: service::catalog::row_scopes(),
        request_data: Arc::new(move |request| {
            request.data(providers.clone()).data(of_requests.clone())
        }),
        routes: Arc::new(move || {
            let pages = graphiql::routes().merge(schema_route::routes());
            let pages = pages.merge(sign_in_routes::routes(accounts.clone()));
            upload::routes().merge(failed_rows_route::routes()).merge(pages)
        }),
    };
    Server::new(product, credentials, store, organization, clock)
}
