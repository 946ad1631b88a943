//! `/imports`: a list of people comes in as a file, by a form (`multipart/form-data`, RFC 7578), and is looked at. What
//! would become of its rows is the answer; it is let be written by a mutation.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{
        FromRequest, Multipart, State,
        multipart::{Field, MultipartError},
    },
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use service::{
    Permission, Scope,
    ingest::list::{self, Act, Opened, Options, file},
    progress::Unwatched,
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Server, graphql,
    media::Media,
    visitor::{self, Claims, RequestId},
};
use crate::{document::Refusal, error::Error};

/// How long a file may take to come in.
const LONGEST: Duration = Duration::from_mins(10);

/// The largest form, in bytes.
pub(super) const LARGEST_FORM: usize = file::LARGEST + 1024 * 1024;

/// The longest text of a field that is no file, in bytes.
const LONGEST_FIELD: usize = 4 * 1024;

/// The most fields of a form.
const MOST_FIELDS: usize = 1_000;

/// What came in a form.
#[derive(Default)]
struct Form {
    file: Option<Vec<u8>>,
    options: Options,
    commit: Option<String>,
}

/// A list comes in.
pub(super) async fn post(
    State(server): State<Server>,
    id: RequestId,
    request: axum::extract::Request,
) -> Response {
    match take(&server, &id, request).await {
        Ok(told) => {
            let kind = HeaderValue::from_static("application/json");
            let body = Body::from(told.to_string());
            (StatusCode::CREATED, [(header::CONTENT_TYPE, kind)], body).into_response()
        }
        Err(Refused::As(response)) => *response,
        Err(Refused::For(refusal)) => {
            server.metrics.refused(refusal.code);
            graphql::refused(Media::Lines, &refusal)
        }
    }
}

/// Other methods: `OPTIONS` is told which there are, the rest is refused.
pub(super) async fn other(State(server): State<Server>, method: Method) -> Response {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let text = "send a file by POST, as multipart/form-data";
        server.refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

/// Why a list was not taken.
enum Refused {
    As(Box<Response>),
    For(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::For(refusal)
    }
}

impl From<service::Error> for Refused {
    fn from(error: service::Error) -> Self {
        let error = Error::from(error);
        let code = error.code();
        let mut error = error.into_server_error(async_graphql::Pos::default(), Vec::new());
        error.locations.clear();
        Self::For(Refusal { code, errors: vec![error] })
    }
}

fn bad(text: impl Into<String>) -> Refused {
    Refusal::new("BAD_REQUEST", text, None).into()
}

async fn take(
    server: &Server,
    id: &RequestId,
    request: axum::extract::Request,
) -> Result<Value, Refused> {
    let refuse =
        |status, code, text: &str| Refused::As(Box::new(server.refuse(status, code, text)));
    // Any page can let a browser send a form, without asking first.
    if request.headers().contains_key(header::ORIGIN) && !server.accepts_origin(request.headers()) {
        let text = "pages of this origin may not ask: start the server with --allow-origin";
        return Err(refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text));
    }
    let visitor = visitor::meet(server, Claims::of(request.headers()), id).await?;
    let Some(scope) = visitor.scope else {
        return Err(Refusal::new("UNAUTHENTICATED", "show a key", None).into());
    };
    scope.demand(Permission::Write)?;
    let Ok(room) = Arc::clone(&server.uploads).try_acquire_owned() else {
        let text = "other files are coming in; try again";
        return Err(Refusal::new("UNAVAILABLE", text, None).into());
    };
    let Ok(form) = Multipart::from_request(request, &()).await else {
        let text = "send the file as multipart/form-data, in a field called `file`";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", text));
    };
    let form = match timeout(LONGEST, read(form, server.settings.body_timeout)).await {
        Ok(Ok(form)) => form,
        Ok(Err(Unread::Bad(text))) => return Err(bad(text)),
        Ok(Err(Unread::TooLarge)) => {
            let text = format!("the file is larger than {} MB", file::LARGEST / 1024 / 1024);
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &text));
        }
        Err(_) | Ok(Err(Unread::TooSlow)) => {
            let text = "the file did not come in time";
            return Err(refuse(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", text));
        }
    };
    let bytes = form.file.ok_or_else(|| bad("there is no field `file` with a file"))?;
    let options = form.options;
    let broken = |error: tokio::task::JoinError| service::Error::internal(error.to_string());
    // Whoever goes away has sent the list all the same, and it takes its room until it is looked at.
    #[expect(clippy::disallowed_methods, reason = "it ends with the list")]
    let looking = tokio::spawn(async move {
        let _room = room;
        let opened = tokio::task::spawn_blocking(move || list::open(&bytes, options)).await;
        look(scope, opened.map_err(broken)??, form.commit).await
    });
    Ok(looking.await.map_err(broken)??)
}

/// Looks at a list, and lets it be written when that is said.
async fn look(
    scope: Scope,
    opened: Opened,
    commit: Option<String>,
) -> Result<Value, service::Error> {
    let looked = opened.look(&scope, &Unwatched).await?;
    let mut state = "PENDING";
    if let Some(decision) = commit {
        list::act(&scope, looked.job, Act::Commit(decision), None).await?;
        state = "PROCESSING";
    }
    let list = &opened.list;
    let mapping = opened.mapping.json(&list.head);
    let verdicts: Map<String, Value> = (looked.verdicts.iter())
        .map(|(verdict, rows)| (verdict.to_uppercase(), (*rows).into()))
        .collect();
    let mut told = json!({
        "importJob": {
            "id": format!("ImportJob:{}", looked.job),
            "status": state,
            "totalRecords": list.rows.len(),
        },
        "file": {
            "format": list.format.name(),
            "encoding": list.encoding,
            "delimiter": list.delimiter,
            "columns": list.head,
        },
        "mapping": mapping,
        "verdicts": verdicts,
    });
    if let Some(sheets) = &list.sheets {
        told["file"]["sheet"] = json!(sheets.read);
        told["file"]["otherSheets"] = json!(sheets.others);
    }
    Ok(told)
}

/// Why a form was not read.
enum Unread {
    Bad(String),
    TooLarge,
    TooSlow,
}

/// Reads a form, each piece of which may take `pause`.
async fn read(mut form: Multipart, pause: Duration) -> Result<Form, Unread> {
    let mut read = Form::default();
    for _ in 0..MOST_FIELDS {
        let field = timeout(pause, form.next_field()).await.map_err(|_| Unread::TooSlow)?;
        let Some(field) = field.map_err(|error| unread(&error))? else {
            return Ok(read);
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if read.file.is_some() {
                return Err(Unread::Bad("send one file at a time".to_owned()));
            }
            read.options.file_name = field.file_name().unwrap_or("list").to_owned();
            read.file = Some(bytes(field, file::LARGEST, pause).await?);
            continue;
        }
        let text = bytes(field, LONGEST_FIELD, pause).await;
        let text = text.map_err(|unread| match unread {
            Unread::TooLarge => Unread::Bad(format!("`{name}` is too long")),
            other => other,
        })?;
        let text =
            String::from_utf8(text).map_err(|_| Unread::Bad(format!("`{name}` is no UTF-8")))?;
        read.tell(&name, text).map_err(Unread::Bad)?;
    }
    Err(Unread::Bad(format!("a form has at most {MOST_FIELDS} fields")))
}

fn unread(error: &MultipartError) -> Unread {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge,
        _ => Unread::Bad(format!("the form can't be read: {}", error.body_text())),
    }
}

async fn bytes(mut field: Field<'_>, most: usize, pause: Duration) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    loop {
        let by = Instant::now() + pause;
        let chunk = timeout_at(by, field.chunk()).await.map_err(|_| Unread::TooSlow)?;
        let chunk = chunk.map_err(|error| unread(&error))?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        if bytes.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
}

impl Form {
    /// A field that is no file; what is empty is as if it were not there.
    fn tell(&mut self, name: &str, text: String) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        match name {
            "name" => self.options.name = Some(text),
            "country" => self.options.country = Some(text),
            "encoding" => self.options.file.encoding = Some(text),
            "delimiter" => {
                let delimiter =
                    file::delimiter_of(&text).map_err(|why| format!("`delimiter`: {why}"))?;
                self.options.file.delimiter = Some(delimiter);
            }
            "sheet" => self.options.file.sheet = Some(text),
            "map" => {
                let (column, field) = text
                    .rsplit_once('=')
                    .ok_or("`map` should be COLUMN=FIELD, once for each column")?;
                self.options.map.push((column.to_owned(), field.to_owned()));
            }
            "commit" => {
                let word = text.to_ascii_lowercase();
                if !service::ingest::import_job::DECISIONS.iter().any(|known| known.name == word) {
                    return Err("`commit` takes wait, create, merge or skip".to_owned());
                }
                self.commit = Some(word);
            }
            other => {
                return Err(format!(
                    "there is no field `{other}`; there are file, name, map, country, encoding, delimiter, sheet, commit"
                ));
            }
        }
        Ok(())
    }
}
