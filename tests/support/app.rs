//! A server with its own database and a fixed clock, and helpers that execute operations.

use std::sync::Arc;

use api::product_server;
use async_graphql::Executor;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{Actor, Clock, FixedClock, Role, Scope, Store};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use serde_json::{Value, json};
use server::{document::Limits, execute::SchemaExecutor, http::Server};
use service::{
    enrichment::{Providers, RuleProvider},
    identity::{accounts::Accounts, organization},
};

use crate::database::{Engine, TestDatabase};

/// The server under test.
pub struct App {
    /// The database engine of the server.
    pub engine: Engine,
    /// The clock of the server. Default: 2026-03-01T12:00:00Z.
    pub clock: Arc<FixedClock>,
    /// The store through which the service accesses the database.
    pub store: Store,
    /// A direct connection to the database, used to insert rows.
    pub db: DatabaseConnection,
    /// The primary key of the organization `default`.
    pub organization: i64,
    /// The URL of the database.
    pub url: String,
    /// The enrichment providers. Default: only the rule provider.
    pub providers: Providers,
    /// The accounts of the server.
    pub accounts: Accounts,
    executor: SchemaExecutor,
    _database: TestDatabase,
}

impl App {
    /// A server on a fresh, migrated database.
    pub async fn new(engine: Engine) -> Self {
        let database = TestDatabase::new(engine).await;
        let store = Store::connect(&database.url).await.unwrap();
        let db = Database::connect(&database.url).await.unwrap();
        let noon: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let clock = Arc::new(FixedClock::at(noon));
        let organization =
            organization::ensure(&store, clock.as_ref(), organization::DEFAULT).await.unwrap();
        let url = database.url.clone();
        let executor = product_server::executor();
        let providers = Providers::new(vec![Arc::new(RuleProvider)]);
        let accounts = Accounts::new(
            store.clone(),
            Arc::clone(&clock) as Arc<dyn Clock>,
            service::catalog::tables(),
            None,
        );
        Self {
            engine,
            clock,
            store,
            db,
            organization,
            url,
            providers,
            accounts,
            executor,
            _database: database,
        }
    }

    /// Replaces the request limits of the server.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { executor: self.executor.clone().within(limits), ..self }
    }

    /// The current server time, in the form stored in rows.
    pub fn now(&self) -> DateTime<chrono::FixedOffset> {
        self.clock.now().fixed_offset()
    }

    /// The current server time plus `hours`.
    pub fn hours(&self, hours: i64) -> DateTime<chrono::FixedOffset> {
        self.now() + TimeDelta::hours(hours)
    }

    /// The primary key of another organization, which is created if it does not exist.
    pub async fn organization(&self, slug: &str) -> i64 {
        organization::ensure(&self.store, self.clock.as_ref(), slug).await.unwrap()
    }

    /// The scope of the owner of `organization`.
    pub fn scope(&self, organization: i64) -> Scope {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Scope::new(self.store.clone(), organization, Actor::LocalUser, Role::Owner, clock)
    }

    /// The HTTP server.
    pub fn server(&self) -> Server {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (providers, accounts) = (self.providers.clone(), self.accounts.clone());
        product_server::server(self.store.clone(), self.organization, clock, providers, accounts)
    }

    /// The complete response to `query`.
    pub async fn answer(&self, query: &str) -> Value {
        if query.contains("changes") {
            self.settled().await;
        }
        self.answer_to(self.organization, query, json!({})).await
    }

    /// The complete response to `query` with `variables`, executed in `organization`.
    pub async fn answer_to(&self, organization: i64, query: &str, variables: Value) -> Value {
        let request = async_graphql::Request::new(query)
            .variables(async_graphql::Variables::from_json(variables))
            .data(self.providers.clone())
            .data(self.accounts.clone())
            .data(self.scope(organization));
        let response = self.executor.execute(request).await;
        serde_json::from_str(&graph::json_text::response(&response)).unwrap()
    }

    /// Waits until all entries of the change log are below the watermark. On Postgres this requires that every
    /// earlier transaction of the cluster has ended, including those of other tests.
    pub async fn settled(&self) {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM changes WHERE epoch = (SELECT epoch FROM change_log) \
                   AND transaction_number >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint)";
        if self.engine == Engine::Sqlite {
            return;
        }
        loop {
            let statement = Statement::from_string(self.db.get_database_backend(), sql);
            let row = self.db.query_one_raw(statement).await.unwrap().unwrap();
            if row.try_get_by_index::<bool>(0).unwrap() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// The complete response to `query`, as the text that is sent to clients.
    pub async fn text(&self, query: &str) -> String {
        let request = async_graphql::Request::new(query)
            .data(self.providers.clone())
            .data(self.accounts.clone())
            .data(self.scope(self.organization));
        graph::json_text::response(&self.executor.execute(request).await)
    }

    /// The data that `query` returns; an error fails the test.
    #[track_caller]
    pub fn data(&self, query: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let mut answer = self.answer(query).await;
            assert!(answer.get("errors").is_none(), "{place}: {query}\n{answer:#}");
            answer["data"].take()
        }
    }

    /// The data that `query` returns and the number of SQL statements.
    pub async fn counted(&self, query: &str) -> (Value, u64) {
        let before = self.store.statements();
        let data = self.data(query).await;
        (data, self.store.statements() - before)
    }

    /// The payload of a mutation; an error or user error fails the test. Approvals are executed as a person.
    #[track_caller]
    pub fn done(&self, mutation: &str) -> impl Future<Output = Value> {
        let actor = if mutation.contains("approveOutreachDraft(") {
            Actor::Person("Ada".to_owned())
        } else {
            Actor::LocalUser
        };
        self.done_by(actor, mutation)
    }

    /// Like [`done`](Self::done), executed by `actor`.
    #[track_caller]
    pub fn done_by(&self, actor: Actor, mutation: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let answer = self.answer_by(actor, mutation).await;
            let payload = answer["data"].as_object().and_then(|data| data.values().next()).cloned();
            let payload = payload.unwrap_or_else(|| panic!("{place}: {mutation}\n{answer:#}"));
            let refused = payload["userErrors"].as_array().is_none_or(|errors| !errors.is_empty());
            assert!(!refused && answer.get("errors").is_none(), "{place}: {mutation}\n{answer:#}");
            payload
        }
    }

    /// The user errors of a mutation, each as `CODE field: message`; a batch puts the item index in brackets first.
    pub async fn refused(&self, mutation: &str) -> Vec<String> {
        let answer = self.answer(mutation).await;
        let payload = answer["data"].as_object().and_then(|data| data.values().next()).cloned();
        let payload = payload.unwrap_or_else(|| panic!("{mutation}\n{answer:#}"));
        let errors = payload["userErrors"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
        let told = errors.iter().map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or("-").to_owned();
            let index = error["index"].as_i64().map(|index| format!("[{index}] "));
            let index = index.unwrap_or_default();
            format!("{index}{} {}: {}", text("code"), text("field"), text("message"))
        });
        told.collect()
    }

    /// The complete response to `query`, executed by `actor`.
    pub async fn answer_by(&self, actor: Actor, query: &str) -> Value {
        let scope = self.scope(self.organization).acting(actor).for_request("test", None);
        self.answer_in(scope, query).await
    }

    /// The complete response to `query`, executed in this scope.
    pub async fn answer_in(&self, scope: Scope, query: &str) -> Value {
        let request = async_graphql::Request::new(query)
            .data(self.providers.clone())
            .data(self.accounts.clone())
            .data(scope);
        let response = self.executor.execute(request).await;
        serde_json::from_str(&graph::json_text::response(&response)).unwrap()
    }

    /// The only error of `query`, as `code: message`.
    pub async fn error(&self, query: &str) -> String {
        let answer = self.answer(query).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}\n{answer:#}"));
        assert_eq!(errors.len(), 1, "{answer:#}");
        let code = errors[0]["extensions"]["code"].as_str().unwrap_or("-");
        format!("{code}: {}", errors[0]["message"].as_str().unwrap())
    }
}

/// The values of the field `name` of the objects in a list.
pub fn texts(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("not a list: {list}"));
    items.iter().map(|item| item[name].as_str().unwrap_or("null").to_owned()).collect()
}
