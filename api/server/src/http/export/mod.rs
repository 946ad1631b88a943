//! Exports: CSV or NDJSON. A list without a page argument is exported in full, page by page from one snapshot of the
//! database.

mod csv;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, value::RawValue};
use tokio::{sync::mpsc, time::timeout_at};

use super::{
    Server,
    caller::{Caller, RequestId},
    content_negotiation::Media,
    graphql,
    operation::{self, Operation, Outcome},
    stream_task::Ended,
};
use crate::document::{Refusal, Rows, Table, table};
use graph::{json_text, paging::Paging};

/// Page size for rows without nested lists.
const PLAIN_PAGE: u32 = 500;

/// Page size for rows with nested lists: the default page size that the query cost assumes.
const NESTED_PAGE: u32 = 25;

/// Maximum duration of an export: its snapshot keeps old row versions in the database.
const MAX_DURATION: Duration = Duration::from_mins(10);

/// An export in progress.
struct Export {
    server: Server,
    caller: Caller,
    id: RequestId,
    fields: Map<String, Value>,
    media: Media,
    table: Table,
    next: Option<String>,
    rows: u64,
}

/// Responds to a request with a table. If the operation can't be exported as a table and the table `is_optional`, the
/// response is `None`.
pub(super) async fn answer(
    server: &Server,
    caller: &Caller,
    id: &RequestId,
    fields: &Map<String, Value>,
    media: Media,
    is_optional: bool,
) -> Option<Response> {
    match begin(server, caller, id, fields, media).await {
        Ok((export, first)) => Some(export.send(first)),
        Err(refusal) if is_optional && refusal.is_because(engine::Reason::TableNotPossible) => None,
        Err(refusal) => Some(graphql::refused(Media::Response, &refusal)),
    }
}

async fn begin(
    server: &Server,
    caller: &Caller,
    id: &RequestId,
    fields: &Map<String, Value>,
    media: Media,
) -> Result<(Export, String), Refusal> {
    let operation = Operation::admit(server, caller, id, fields).await?;
    let table = table(operation.read(), operation.variables())?;
    if let (Media::Csv, Some(list)) = (media, &table.list) {
        let list = list.join(".");
        let text = format!(
            "the nested list `{list}` can't be exported as CSV; omit it or accept application/x-ndjson"
        );
        return Err(
            Refusal::new("BAD_REQUEST", text, None).because(engine::Reason::TableNotPossible)
        );
    }
    let mut caller = caller.clone();
    if let (true, Some(scope)) = (table.is_whole, &caller.scope) {
        let scope = scope.at_one_moment().await;
        let told = |error: engine::Error| {
            Refusal::new("UNAVAILABLE", error.to_string(), None)
                .because(engine::Reason::DatabaseUnavailable)
        };
        caller.scope = Some(scope.map_err(told)?);
    }
    let mut export = Export {
        server: server.clone(),
        caller,
        id: id.clone(),
        fields: fields.clone(),
        media,
        table,
        next: None,
        rows: 0,
    };
    // Errors on the first page are returned as an error response instead of a truncated table.
    let mut first = export.page().await?;
    if media == Media::Csv {
        first.insert_str(0, &csv::head(&export.table));
    }
    Ok((export, first))
}

impl Export {
    /// The next page, encoded.
    async fn page(&mut self) -> Result<String, Refusal> {
        let admitted = Operation::admit(&self.server, &self.caller, &self.id, &self.fields);
        let mut operation = admitted.await?;
        let size = if self.table.list.is_some() { NESTED_PAGE } else { PLAIN_PAGE };
        let paging = Arc::new(Paging::new(self.next.take(), size));
        if self.table.is_whole {
            operation.page(&paging);
        }
        let response = match operation.run(&self.server, &self.caller).await {
            Outcome::Answer(response) if response.errors.is_empty() => response,
            Outcome::Answer(response) => {
                let code = response.errors.first().and_then(operation::code).unwrap_or_default();
                let code = match code.as_str() {
                    "UNAVAILABLE" | "INTERNAL" => operation::known_code(&code),
                    _ => "BAD_REQUEST",
                };
                return Err(Refusal { code, errors: response.errors, headers: None });
            }
            Outcome::Refused(refusal) => return Err(refusal),
        };
        let answer = json_text::response(&response);
        let mut out = String::new();
        for row in rows(&answer, &self.table) {
            self.rows += 1;
            if self.media == Media::Csv {
                let row = serde_json::from_str(row.get()).unwrap_or_default();
                csv::row(&mut out, &self.table, &row);
            } else {
                out.push_str(row.get());
                out.push('\n');
            }
        }
        self.next = paging.next();
        Ok(out)
    }

    /// Sends the first page and all following pages.
    fn send(self, first: String) -> Response {
        let media = self.media;
        let end = if media == Media::Csv { "csv" } else { "ndjson" };
        let name = format!("attachment; filename=\"{}.{end}\"", self.table.field);
        // The task ends at its time limit even if the client reads nothing.
        let (sender, receiver) = mpsc::channel(1);
        #[expect(clippy::disallowed_methods, reason = "the task ends with its receiver, below")]
        let task = tokio::spawn(async move {
            let (id, late) = (self.id.clone(), Instant::now() + MAX_DURATION);
            if Box::pin(timeout_at(late.into(), self.follow(&sender))).await.is_err() {
                tracing::warn!(request = &*id.own, "export timed out");
            }
        });
        let first = stream::once(async { Ok(Bytes::from(first)) });
        // A stream without its final item was interrupted; the client sees a truncated response.
        let rest = stream::unfold(Some((receiver, Ended(task))), |state| async move {
            let (mut receiver, task) = state?;
            match receiver.recv().await {
                Some(Some(page)) => Some((Ok(page), Some((receiver, task)))),
                Some(None) => None,
                None => Some((Err(std::io::Error::other("the export was interrupted")), None)),
            }
        });
        let mut response =
            (StatusCode::OK, Body::from_stream(first.chain(rest.fuse()))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
        if let Ok(name) = HeaderValue::from_str(&name) {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        response
    }

    /// Sends the pages after the first and a final `None`, which is omitted if the export fails.
    async fn follow(mut self, sender: &mpsc::Sender<Option<Bytes>>) {
        while self.next.is_some() {
            let page = match self.caller.again(&self.server).await {
                // A caller whose role has changed must send the request again.
                Some(now) if now.has_access_of(&self.caller) => self.page().await,
                _ => Err(Refusal::new(
                    "UNAUTHENTICATED",
                    "the API key was revoked or its role has changed",
                    None,
                )
                .because(engine::Reason::KeyRejected)),
            };
            let page = match page {
                Ok(page) => page,
                Err(refusal) => {
                    let error = refusal.errors.first().map(|error| error.message.clone());
                    tracing::warn!(request = &*self.id.own, error, "export interrupted");
                    return;
                }
            };
            if sender.send(Some(Bytes::from(page))).await.is_err() {
                return;
            }
        }
        tracing::info!(request = &*self.id.own, rows = self.rows, "exported");
        let _ = sender.send(None).await;
    }
}

/// The rows of a response as raw JSON.
fn rows<'a>(answer: &'a str, table: &Table) -> Vec<&'a RawValue> {
    type Object<'a> = HashMap<&'a str, &'a RawValue>;
    let below = |json: &'a str, name: &str| {
        let object: Option<Object<'a>> = serde_json::from_str(json).ok();
        object.and_then(|object| object.get(name).copied())
    };
    let root = below(answer, "data").and_then(|data| below(data.get(), &table.root));
    let rows = match &table.rows {
        Rows::Below(path) => {
            path.iter().fold(root, |value, name| value.and_then(|value| below(value.get(), name)))
        }
        Rows::List => root,
        Rows::One => return root.filter(|root| root.get() != "null").into_iter().collect(),
    };
    rows.and_then(|rows| serde_json::from_str(rows.get()).ok()).unwrap_or_default()
}
