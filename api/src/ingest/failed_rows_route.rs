//! `/imports/ID/failed.csv`: the failed rows of an import with their reasons, to be corrected and imported again.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::get,
};
use engine::{Permission, Problem, Scope};
use futures_util::stream;
use graph::{Declared, id};
use server::{
    csv,
    document::Refusal,
    http::{AUTHENTICATION_REQUIRED, Server, caller::RequestId, client_address::ClientAddress},
};
use service::imports::{FailedRow, columns_of_file, failed_rows};

use super::import_job::ImportJob;

/// The columns before those of the file.
const OWN_COLUMNS: [&str; 2] = ["Failed line", "Failure reason"];

/// The route of the file.
pub(crate) fn routes() -> Router<Server> {
    Router::new().route("/imports/{id}/failed.csv", get(file))
}

/// The state of a response in progress.
struct Rows {
    scope: Scope,
    job: i64,
    columns: Vec<String>,
    after: Option<i32>,
    is_done: bool,
}

async fn file(
    State(server): State<Server>,
    id: RequestId,
    address: ClientAddress,
    headers: HeaderMap,
    Path(job): Path<String>,
) -> Response {
    let scope = match server.admit(&headers, address, &id).await {
        Ok(Some(scope)) => scope,
        Ok(None) => {
            let text = AUTHENTICATION_REQUIRED;
            return server.reject(&Refusal::new("UNAUTHENTICATED", text, None));
        }
        Err(refusal) => return server.reject(&refusal),
    };
    match begin(scope, &job).await {
        Ok((text, rows)) => {
            let number = rows.job;
            let rest = stream::try_unfold(rows, next);
            let first = stream::iter([Ok(Bytes::from(text))]);
            let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
            let disposition = format!("attachment; filename=\"import-{number}-failed.csv\"");
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present".to_owned()),
                (header::CONTENT_DISPOSITION, disposition),
            ];
            (headers, body).into_response()
        }
        Err(error) => server.reject(&error.into()),
    }
}

/// The beginning of the file, with its first rows. An error here is a response of its own.
async fn begin(scope: Scope, job: &str) -> engine::Result<(String, Rows)> {
    scope.demand(Permission::Read)?;
    let missing = || Problem::not_found("id", "import_job");
    let job = id::key(ImportJob::entity(), job).ok_or_else(missing)?;
    let columns = columns_of_file(&scope, job).await?;
    let mut text = String::new();
    let names = OWN_COLUMNS.into_iter().chain(columns.iter().map(String::as_str));
    line(&mut text, names);
    let mut rows = Rows { scope, job, columns, after: None, is_done: false };
    text.push_str(&chunk(&mut rows).await?);
    Ok((text, rows))
}

async fn next(mut rows: Rows) -> Result<Option<(Bytes, Rows)>, engine::Error> {
    if rows.is_done {
        return Ok(None);
    }
    let text = chunk(&mut rows).await?;
    Ok(Some((Bytes::from(text), rows)))
}

/// The lines of the next rows.
async fn chunk(rows: &mut Rows) -> engine::Result<String> {
    let found = failed_rows(&rows.scope, rows.job, &rows.columns, rows.after).await?;
    rows.is_done = found.is_empty();
    rows.after = found.last().map(|row| row.index).or(rows.after);
    let mut text = String::new();
    for FailedRow { line: number, cells, reason, .. } in &found {
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        let own = [number.as_str(), reason.as_str()];
        line(&mut text, own.into_iter().chain(cells.iter().map(String::as_str)));
    }
    Ok(text)
}

fn line<'c>(text: &mut String, cells: impl Iterator<Item = &'c str>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            text.push(',');
        }
        csv::field(text, cell);
    }
    text.push_str("\r\n");
}
