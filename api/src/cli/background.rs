//! Background tasks of a server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use engine::{Store, change_log};
use service::{
    enrichment::{self, Providers},
    identity::{accounts::Accounts, mail_delivery::MailTransport},
    imports::Worker,
    operations::maintenance,
    outreach::claim,
};

use super::clock;

/// Interval of the removal of expired data.
const HOUR: Duration = Duration::from_hours(1);

/// Interval of checks for expired claims.
const CLAIMS: Duration = Duration::from_secs(5);

/// Interval of checks for queued mails.
const MAILS: Duration = Duration::from_secs(1);

/// Interval of checks for transactions that block subscribers.
const STALLS: Duration = Duration::from_mins(1);

/// Interval of checks for import jobs.
const LOOK: Duration = Duration::from_secs(1);

/// Removes expired data every hour.
pub(super) async fn keep(store: Store, days: Option<u32>) -> std::convert::Infallible {
    let mut hours = tokio::time::interval(HOUR);
    loop {
        hours.tick().await;
        let days = days.unwrap_or(change_log::RETENTION_DAYS);
        if let Err(error) = maintenance::remove_expired(&store, clock().now(), days).await {
            tracing::warn!(%error, "failed to remove expired data");
        }
    }
}

/// Handles drafts whose claim expired while they were being sent.
pub(super) async fn claims(store: Store) -> std::convert::Infallible {
    let mut rounds = tokio::time::interval(CLAIMS);
    loop {
        rounds.tick().await;
        if let Err(error) = claim::expire(&store, clock()).await {
            tracing::warn!(%error, "failed to check for expired claims");
        }
    }
}

/// Sends queued mails until `stopping` is set. An attempt that has begun is completed, so that the mail is not sent again.
pub(super) async fn mails(
    accounts: Accounts,
    transport: Arc<dyn MailTransport>,
    stopping: Arc<AtomicBool>,
) {
    let mut rounds = tokio::time::interval(MAILS);
    while !stopping.load(Ordering::Relaxed) {
        rounds.tick().await;
        let round = async {
            accounts.queue_password_resets().await?;
            while !stopping.load(Ordering::Relaxed) && accounts.send_next_mail(&transport).await? {}
            Ok::<_, engine::Error>(())
        };
        if let Err(error) = round.await {
            tracing::warn!(%error, "failed to send queued mails");
        }
    }
}

/// Warns while an open transaction keeps subscribers from receiving committed changes.
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
                    "subscribers are blocked by an open transaction; end it, or the oldest prepared transaction \
                     (ROLLBACK PREPARED)"
                );
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, "failed to check for blocked subscribers");
            }
        }
    }
}

/// Processes import jobs.
pub(super) async fn lists(store: Store) -> std::convert::Infallible {
    Worker::new(store, clock()).work(LOOK).await
}

/// Processes enrichment jobs.
pub(super) async fn enrichments(store: Store, providers: Providers, stopping: Arc<AtomicBool>) {
    let worker = enrichment::Worker::new(store, clock(), providers);
    worker.work(LOOK, || stopping.load(Ordering::Relaxed)).await;
}
