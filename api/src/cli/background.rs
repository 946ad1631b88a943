//! What a server does besides answering.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use service::{
    Store,
    governance::change_log,
    ingest::{
        enrichment::{self, Providers},
        list::Worker,
    },
    outreach::claim,
};

use super::clock;

/// How often old entries of the change log are looked for.
const HOUR: Duration = Duration::from_hours(1);

/// How often claims that ended are looked for.
const CLAIMS: Duration = Duration::from_secs(5);

/// How often it is looked whether subscribers wait for a transaction.
const STALLS: Duration = Duration::from_mins(1);

/// How often it is looked whether there is a list to be written.
const LOOK: Duration = Duration::from_secs(1);

/// Throws away each hour what is not kept any longer.
pub(super) async fn keep(store: Store, days: Option<u32>) -> std::convert::Infallible {
    let mut hours = tokio::time::interval(HOUR);
    loop {
        hours.tick().await;
        let days = days.unwrap_or(change_log::KEPT_DAYS);
        if let Err(error) = change_log::expire(&store, clock().now(), days).await {
            tracing::warn!(%error, "old entries of the change log could not be thrown away");
        }
        if let Err(error) = enrichment::expire(&store, clock().now()).await {
            tracing::warn!(%error, "answers of providers that expired could not be thrown away");
        }
    }
}

/// Looks for drafts whose claim ended while they were being sent.
pub(super) async fn claims(store: Store) -> std::convert::Infallible {
    let mut rounds = tokio::time::interval(CLAIMS);
    loop {
        rounds.tick().await;
        if let Err(error) = claim::expire(&store, clock()).await {
            tracing::warn!(%error, "claims that ended could not be looked for");
        }
    }
}

/// Warns while a transaction keeps subscribers from what is committed.
pub(super) async fn stalls(store: Store) -> std::convert::Infallible {
    let mut rounds = tokio::time::interval(STALLS);
    loop {
        rounds.tick().await;
        match change_log::stalled(&store, clock().now()).await {
            Ok(Some(stalled)) => {
                let seconds = stalled.waits.num_seconds();
                let holders = stalled.holders.join("; ");
                tracing::warn!(
                    seconds,
                    holders,
                    "subscribers wait for a transaction that has not ended: end it, or the oldest prepared one \
                     (ROLLBACK PREPARED)"
                );
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "it could not be looked whether subscribers wait");
            }
        }
    }
}

/// Works on lists that come in.
pub(super) async fn lists(store: Store) -> std::convert::Infallible {
    Worker::new(store, clock()).work(LOOK).await
}

/// Works on enrichments.
pub(super) async fn enrichments(store: Store, providers: Providers, stopping: Arc<AtomicBool>) {
    let worker = enrichment::Worker::new(store, clock(), providers);
    worker.work(LOOK, || stopping.load(Ordering::Relaxed)).await;
}
