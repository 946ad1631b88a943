//! Answers as a table: CSV, or a JSON object on each line. A list that says of no page comes whole, page by page as
//! it is read, and as the database was at one moment.

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
    detached::Ended,
    graphql,
    media::Media,
    operation::{self, Operation, Outcome},
    visitor::{RequestId, Visitor},
};
use crate::{
    document::{Refusal, Rows, Table, table},
    graph::paging::Paging,
    text,
};

/// The rows of a page of rows that have no lists inside.
const PLAIN_PAGE: u32 = 500;

/// The rows of a page when each has lists inside: as many as are counted when nothing is said of a page.
const NESTED_PAGE: u32 = 25;

/// How long an export may take: as long, the database keeps what others change meanwhile.
const LONGEST: Duration = Duration::from_mins(10);

/// An export on its way.
struct Export {
    server: Server,
    visitor: Visitor,
    id: RequestId,
    fields: Map<String, Value>,
    media: Media,
    table: Table,
    next: Option<String>,
    rows: u64,
}

/// Answers a request with a table.
pub(super) async fn answer(
    server: &Server,
    visitor: &Visitor,
    id: &RequestId,
    fields: &Map<String, Value>,
    media: Media,
) -> Response {
    match begin(server, visitor, id, fields, media).await {
        Ok((export, first)) => export.send(first),
        Err(refusal) => graphql::refused(Media::Response, &refusal),
    }
}

async fn begin(
    server: &Server,
    visitor: &Visitor,
    id: &RequestId,
    fields: &Map<String, Value>,
    media: Media,
) -> Result<(Export, String), Refusal> {
    let operation = Operation::admit(server, visitor, id, fields).await?;
    let table = table(operation.read(), operation.variables())?;
    if let (Media::Csv, Some(list)) = (media, &table.list) {
        let list = list.join(".");
        let text = format!(
            "a table has no room for the list `{list}`: leave it out, or take application/x-ndjson"
        );
        return Err(
            Refusal::new("BAD_REQUEST", text, None).because(service::Reason::TableNotPossible)
        );
    }
    let mut visitor = visitor.clone();
    if let (true, Some(scope)) = (table.is_whole, &visitor.scope) {
        let scope = scope.at_one_moment().await;
        let told = |error: service::Error| {
            Refusal::new("UNAVAILABLE", error.to_string(), None)
                .because(service::Reason::DatabaseUnavailable)
        };
        visitor.scope = Some(scope.map_err(told)?);
    }
    let mut export = Export {
        server: server.clone(),
        visitor,
        id: id.clone(),
        fields: fields.clone(),
        media,
        table,
        next: None,
        rows: 0,
    };
    // What is wrong is told as an error, and not as a table that breaks off.
    let mut first = export.page().await?;
    if media == Media::Csv {
        first.insert_str(0, &csv::head(&export.table));
    }
    Ok((export, first))
}

impl Export {
    /// The next page as it is sent.
    async fn page(&mut self) -> Result<String, Refusal> {
        let admitted = Operation::admit(&self.server, &self.visitor, &self.id, &self.fields);
        let mut operation = admitted.await?;
        let size = if self.table.list.is_some() { NESTED_PAGE } else { PLAIN_PAGE };
        let paging = Arc::new(Paging::new(self.next.take(), size));
        if self.table.is_whole {
            operation.page(&paging);
        }
        let response = match operation.run(&self.server, &self.visitor).await {
            Outcome::Answer(response) if response.errors.is_empty() => response,
            Outcome::Answer(response) => {
                let code = response.errors.first().and_then(operation::code).unwrap_or_default();
                let code = match code.as_str() {
                    "UNAVAILABLE" | "INTERNAL" => operation::known_code(&code),
                    _ => "BAD_REQUEST",
                };
                return Err(Refusal { code, errors: response.errors });
            }
            Outcome::Refused(refusal) => return Err(refusal),
        };
        let answer = text::response(&response);
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

    /// Sends the first page and those that come after it.
    fn send(self, first: String) -> Response {
        let media = self.media;
        let end = if media == Media::Csv { "csv" } else { "ndjson" };
        let name = format!("attachment; filename=\"{}.{end}\"", self.table.field);
        // A task of its own, which ends in time also when the client reads nothing.
        let (sender, receiver) = mpsc::channel(1);
        #[expect(clippy::disallowed_methods, reason = "it ends with its receiver, below")]
        let task = tokio::spawn(async move {
            let (id, late) = (self.id.clone(), Instant::now() + LONGEST);
            if Box::pin(timeout_at(late.into(), self.follow(&sender))).await.is_err() {
                tracing::warn!(request = &*id.own, "an export took too long");
            }
        });
        let first = stream::once(async { Ok(Bytes::from(first)) });
        // What ends without its last word was broken off: the client sees that its end is missing.
        let rest = stream::unfold(Some((receiver, Ended(task))), |state| async move {
            let (mut receiver, task) = state?;
            match receiver.recv().await {
                Some(Some(page)) => Some((Ok(page), Some((receiver, task)))),
                Some(None) => None,
                None => Some((Err(std::io::Error::other("the table broke off")), None)),
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

    /// Hands the pages over that come after the first, and nothing in the end; leaves that out when it can't go on.
    async fn follow(mut self, sender: &mpsc::Sender<Option<Bytes>>) {
        while self.next.is_some() {
            let page = match self.visitor.again(&self.server).await {
                // Who may something else now asks again.
                Some(now) if now.role() == self.visitor.role() => self.page().await,
                _ => Err(Refusal::new("UNAUTHENTICATED", "the key is not what it was", None)
                    .because(service::Reason::KeyRejected)),
            };
            let page = match page {
                Ok(page) => page,
                Err(refusal) => {
                    let error = refusal.errors.first().map(|error| error.message.clone());
                    tracing::warn!(request = &*self.id.own, error, "an export broke off");
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

/// The rows in an answer, as they are written there.
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
