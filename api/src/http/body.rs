//! Bodies: not too large, not too slow.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::settings::MOST_DISCARDED;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is larger than is allowed.
    TooLarge,
    /// It did not come in time.
    TooSlow,
    /// The client left.
    Broken,
}

/// Reads a body. What is too large is told as soon as that is known, and read on for a while: a client
/// that still sends would else lose the answer.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    largest: usize,
    limit: Duration,
) -> Result<Vec<u8>, Unread> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(largest));
    let mut received = 0;
    let mut chunks = body.into_data_stream();
    let reading = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Unread::Broken)?;
            received += chunk.len();
            if received > largest + MOST_DISCARDED {
                return Err(Unread::TooLarge);
            }
            if received <= largest {
                bytes.extend_from_slice(&chunk);
            } else {
                bytes = Vec::new();
            }
        }
        Ok(())
    };
    timeout(limit, reading).await.map_err(|_| Unread::TooSlow)??;
    if received > largest { Err(Unread::TooLarge) } else { Ok(bytes) }
}
