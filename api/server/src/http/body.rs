//! Request bodies, limited in size and time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::{Server, settings::MAX_DISCARDED};

/// Reason why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The body exceeds the limit.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The client disconnected.
    Broken,
}

/// Reads a body of at most `largest` bytes.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    largest: usize,
    limit: Duration,
) -> Result<Vec<u8>, Unread> {
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(largest));
    let mut chunks = body.into_data_stream();
    let reading = async {
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Unread::Broken)?;
            if bytes.len() + chunk.len() > largest {
                return Err(Unread::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    };
    timeout(limit, reading).await.map_err(|_| Unread::TooSlow)??;
    Ok(bytes)
}

/// Discards the unread body of a rejected request, up to [`MAX_DISCARDED`] bytes, and closes the connection. Otherwise,
/// a client that is still sending would lose the response (RFC 9112, section 9.6).
pub(super) async fn discard_unread(
    State(server): State<Server>,
    request: Request,
    next: Next,
) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let unread = Arc::new(Mutex::new(None));
    let (parts, body) = request.into_parts();
    let chunks = Chunks { chunks: Some(body.into_data_stream()), unread: Arc::clone(&unread) };
    let request = Request::from_parts(parts, Body::from_stream(chunks));
    let mut response = next.run(request).await;
    let unread = unread.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut unread) = unread.filter(|_| response.status().is_client_error()) else {
        return response;
    };
    // A body that timed out is not awaited again.
    if response.status() != StatusCode::REQUEST_TIMEOUT {
        let mut received = 0;
        let reading = async {
            while let Some(Ok(chunk)) = unread.next().await
                && received <= MAX_DISCARDED
            {
                received += chunk.len();
            }
        };
        // The response is the same whether or not the rest arrived in time.
        let _ = timeout(server.settings.body_timeout, reading).await;
    }
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The chunks of a body. On drop, a body with unread chunks is moved to `unread`.
struct Chunks {
    /// `None` once the body has ended.
    chunks: Option<BodyDataStream>,
    unread: Arc<Mutex<Option<BodyDataStream>>>,
}

impl Stream for Chunks {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(chunks) = &mut self.chunks else { return Poll::Ready(None) };
        let chunk = chunks.poll_next_unpin(context);
        if matches!(chunk, Poll::Ready(None | Some(Err(_)))) {
            self.chunks = None;
        }
        chunk
    }
}

impl Drop for Chunks {
    fn drop(&mut self) {
        let chunks = self.chunks.take().filter(|chunks| !chunks.is_end_stream());
        *self.unread.lock().unwrap_or_else(PoisonError::into_inner) = chunks;
    }
}
