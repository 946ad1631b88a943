//! Benchmarks of the individual stages of a request: `cargo bench`.
//!
//! The benchmarks run in this process on a SQLite file in the build directory, with the small demo data set.
#![expect(clippy::unwrap_used, reason = "run manually: an error ends the run")]

use std::{hint::black_box, sync::Arc};

use api::product_server::{executor, published_schema};
use async_graphql::{Executor, Request};
use criterion::{Criterion, criterion_group, criterion_main};
use engine::{
    Actor, Clock, Role, Scope, Store, SystemClock, Value, change_log, progress::Unwatched, read,
};
use graph::json_text;
use server::document::{self, DocumentCache, Limits, Unvalidated};
use service::{demo, identity::organization};
use tokio::runtime::Runtime;

const NESTED: &str = "query Nested { companies(first: 20) { nodes { id name industry { name } \
    prospects(first: 5) { nodes { id fullName email \
    interactions(last: 3, orderBy: [{ interactionDate: ASC }]) { nodes { id subject outcome } } \
    outreachDrafts(last: 2) { nodes { id draftType status } } \
    latestResearch { id researchSummary } } } } } }";

const LIST: &str = "query List { prospects(first: 50) { nodes { id fullName email \
    company { name industry { name } } } } }";

const CREATE: &str = "mutation { createOutreachDraft(input: { prospectId: 7, draftType: \"initial\", \
    content: \"Dear you,\" }) { outreachDraft { id status } userErrors { message } } }";

/// A store with the demo data in its organization `default` and an empty organization `empty`.
async fn store() -> (Store, [Scope; 2]) {
    let path = format!("{}/pieces.db", env!("CARGO_TARGET_TMPDIR"));
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{path}{ending}")).ok();
    }
    let store = Store::connect(&format!("sqlite:{path}")).await.unwrap();
    service::operations::migrate(&store).await.unwrap();
    change_log::open(&store).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    demo::found(&store, &clock, demo::Scale::Small, &Unwatched).await.unwrap();
    let mut scopes = Vec::new();
    for slug in [organization::DEFAULT, "empty"] {
        let key = organization::ensure(&store, clock.as_ref(), slug).await.unwrap();
        let actor = Actor::CommandLine;
        scopes.push(Scope::new(store.clone(), key, actor, Role::Owner, Arc::clone(&clock)));
    }
    (store, scopes.try_into().unwrap())
}

fn documents(criterion: &mut Criterion) {
    let schema = published_schema();
    let limits = Limits::default();
    criterion.bench_function("document: parse and validate", |bench| {
        bench.iter(|| {
            let prepared = document::prepare(&schema, Request::new(NESTED), &limits, None)
                .and_then(Unvalidated::validate);
            black_box(prepared.map_err(|refusal| refusal.code).unwrap().cost)
        });
    });
    // Validation time grows linearly with the number of tokens.
    for parts in [250, 500, 1_000] {
        let fields = "id fullName email company { id name } ".repeat(parts);
        let filters =
            "{ fullName: { startsWith: \"a\" }, revision: { in: [1, 2] } } ".repeat(parts / 4);
        let text = format!(
            "{{ prospects(first: 1, filter: {{ or: [{filters}] }}) {{ nodes {{ {fields} }} }} }}"
        );
        let name = format!("document: parse and validate, {parts} times 9 fields, filters");
        criterion.bench_function(&name, |bench| {
            bench.iter(|| {
                let prepared = document::prepare(&schema, Request::new(&text), &limits, None)
                    .and_then(Unvalidated::validate);
                black_box(prepared.map_err(|refusal| refusal.errors).unwrap().cost)
            });
        });
    }
    let known = DocumentCache::default();
    let prepared = document::prepare(&schema, Request::new(NESTED), &limits, None)
        .and_then(Unvalidated::validate);
    let prepared = prepared.map_err(|refusal| refusal.code).unwrap();
    known.allow(Some(1), &prepared.read, prepared.variant.unwrap());
    criterion.bench_function("document: cached", |bench| {
        bench.iter(|| {
            let prepared = document::prepare(
                &schema,
                Request::new(NESTED),
                &limits,
                known.find(Some(1), NESTED, None),
            )
            .and_then(Unvalidated::validate);
            black_box(prepared.map_err(|refusal| refusal.code).unwrap().cost)
        });
    });
}

fn requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let (store, [full, empty]) = runtime.block_on(store());
    let executor = executor();
    let answer = |query: &str, scope: &Scope| {
        let request = Request::new(query).data(scope.clone());
        let response = runtime.block_on(executor.execute(request));
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        json_text::response(&response)
    };
    for (name, query, scope) in [
        ("request: plan and one statement without rows", NESTED, &empty),
        ("request: 50 rows", LIST, &full),
        ("request: 5 statements, 3 levels", NESTED, &full),
        ("request: create a draft with its change log entry", CREATE, &full),
    ] {
        criterion.bench_function(name, |bench| bench.iter(|| black_box(answer(query, scope))));
    }
    runtime.block_on(store.close()).unwrap();
}

fn cursors(criterion: &mut Criterion) {
    let cells = [Value::Text("Ada Lovelace".to_owned()), Value::Int(4_711)];
    criterion.bench_function("cursor: written", |bench| {
        bench.iter(|| read::encode_cursor(black_box(7), black_box(&cells).iter()));
    });
}

criterion_group!(pieces, documents, requests, cursors);
criterion_main!(pieces);
