//! `/imports`: uploads of files of people as `multipart/form-data` (RFC 7578). An upload is previewed (dry run) and the
//! response contains the verdicts of its rows; a mutation commits it.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{
        DefaultBodyLimit, FromRequest, Multipart, State,
        multipart::{Field, MultipartError},
    },
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use engine::{Permission, Scope, progress::Unwatched};
use serde_json::{Map, Value, json};
use service::imports::{
    self, InspectedFile, JobAction, Options, ParsedFile, file, mapping::FIELDS,
};
use tokio::time::{Instant, timeout, timeout_at};

use server::{
    document::Refusal,
    http::{AUTHENTICATION_REQUIRED, Server, caller::RequestId, client_address::ClientAddress},
};

/// Timeout of an upload.
const MAX_DURATION: Duration = Duration::from_mins(10);

/// Maximum size of a form, in bytes.
const MAX_FORM: usize = file::MAX_FILE_SIZE + 1024 * 1024;

/// Maximum length of a non-file field, in bytes.
const MAX_FIELD_LENGTH: usize = 4 * 1024;

/// Maximum number of form fields.
const MAX_FIELDS: usize = 1_000;

/// Maximum number of examples of the cells of a column in the response.
const MAX_EXAMPLES: usize = 3;

/// Maximum length of such an example, in characters.
const MAX_EXAMPLE_LENGTH: usize = 60;

/// The contents of a form.
#[derive(Default)]
struct Form {
    file: Option<Vec<u8>>,
    options: Options,
    commit: Option<String>,
    inspects: bool,
}

/// The route `/imports`.
pub(crate) fn routes() -> Router<Server> {
    let imports = post(receive).fallback(other);
    Router::new().route("/imports", imports.layer(DefaultBodyLimit::max(MAX_FORM)))
}

/// Receives an upload.
async fn receive(
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
        Err(Refused::For(refusal)) => server.reject(&refusal),
    }
}

/// Other methods: `OPTIONS` returns the allowed ones, the rest are rejected.
async fn other(State(server): State<Server>, method: Method) -> Response {
    let mut response = if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        let text = "method not allowed; upload a file by POST as multipart/form-data";
        server.refuse(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", text)
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

/// Why an upload was rejected.
enum Refused {
    As(Box<Response>),
    For(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::For(refusal)
    }
}

impl From<engine::Error> for Refused {
    fn from(error: engine::Error) -> Self {
        Self::For(error.into())
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
    // Browsers send forms across origins without a preflight request.
    if request.headers().contains_key(header::ORIGIN) && !server.accepts_origin(request.headers()) {
        let text = "origin not allowed; add it with --allow-origin";
        return Err(refuse(StatusCode::FORBIDDEN, "FORBIDDEN", text));
    }
    let address = ClientAddress::of(request.extensions());
    let Some(scope) = server.admit(request.headers(), address, id).await? else {
        return Err(Refusal::new("UNAUTHENTICATED", AUTHENTICATION_REQUIRED, None).into());
    };
    scope.demand(Permission::WriteAll)?;
    let Some(room) = server.begin_upload() else {
        let text = "too many uploads are in progress; retry later";
        return Err(Refusal::new("UNAVAILABLE", text, None).into());
    };
    let Ok(form) = Multipart::from_request(request, &()).await else {
        let text = "the file must be sent as multipart/form-data in a field named `file`";
        return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", text));
    };
    let form = match timeout(MAX_DURATION, read(form, server.settings().body_timeout)).await {
        Ok(Ok(form)) => form,
        Ok(Err(Unread::Bad(text))) => return Err(bad(text)),
        Ok(Err(Unread::TooLarge)) => {
            let text =
                format!("the file exceeds the limit of {} MB", file::MAX_FILE_SIZE / 1024 / 1024);
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &text));
        }
        Err(_) | Ok(Err(Unread::TooSlow)) => {
            let text = "the upload timed out";
            return Err(refuse(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", text));
        }
    };
    let bytes =
        form.file.ok_or_else(|| bad("the field `file` is required and must contain a file"))?;
    let options = form.options;
    let broken = |error: tokio::task::JoinError| engine::Error::internal(error.to_string());
    // The preview runs even if the client disconnects, because the whole file has been received. Its memory
    // stays in use until the preview ends.
    #[expect(clippy::disallowed_methods, reason = "the task ends with the upload")]
    let looking = tokio::spawn(async move {
        let _room = room;
        if form.inspects {
            let inspected = tokio::task::spawn_blocking(move || imports::inspect(&bytes, &options));
            return Ok(description(&inspected.await.map_err(broken)??));
        }
        let opened = tokio::task::spawn_blocking(move || imports::open(&bytes, options)).await;
        preview(scope, opened.map_err(broken)??, form.commit).await
    });
    Ok(looking.await.map_err(broken)??)
}

/// Previews an upload and commits it if requested.
async fn preview(
    scope: Scope,
    opened: ParsedFile,
    commit: Option<String>,
) -> Result<Value, engine::Error> {
    let looked = opened.preview(&scope, &Unwatched).await?;
    let mut state = "PENDING";
    if let Some(decision) = commit {
        imports::act(&scope, looked.job, JobAction::Commit(decision), None).await?;
        state = "PROCESSING";
    }
    let verdicts: Map<String, Value> = (looked.verdicts.iter())
        .map(|(verdict, rows)| (verdict.to_uppercase(), (*rows).into()))
        .collect();
    let mut told = description(&opened.file);
    told["importJob"] = json!({
        "id": format!("ImportJob:{}", looked.job),
        "status": state,
        "totalRecords": opened.file.list.rows.len(),
    });
    told["verdicts"] = Value::Object(verdicts);
    Ok(told)
}

/// How a file was read: its format, its columns with examples, and their fields.
fn description(file: &InspectedFile) -> Value {
    let InspectedFile { list, mapping } = file;
    let examples = list.head.iter().enumerate().map(|(place, _)| {
        let cells = list.rows.iter().filter_map(|row| row.get(place));
        let cells = cells.map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
        let cells = cells.take(MAX_EXAMPLES);
        let cells = cells.map(|cell| cell.chars().take(MAX_EXAMPLE_LENGTH).collect());
        Value::Array(cells.map(Value::String).collect())
    });
    let fields =
        FIELDS.iter().map(|field| json!({ "name": field.name, "description": field.about }));
    let mut told = json!({
        "file": {
            "format": list.format.name(),
            "encoding": list.encoding,
            "delimiter": list.delimiter,
            "columns": list.head,
            "examples": examples.collect::<Vec<_>>(),
        },
        "fields": fields.collect::<Vec<_>>(),
        "mapping": mapping.json(&list.head),
    });
    if let Some(sheets) = &list.sheets {
        told["file"]["sheet"] = json!(sheets.read);
        told["file"]["otherSheets"] = json!(sheets.others);
    }
    told
}

/// Why a form could not be read.
enum Unread {
    Bad(String),
    TooLarge,
    TooSlow,
}

/// Reads a form, waiting at most `pause` for each chunk.
async fn read(mut form: Multipart, pause: Duration) -> Result<Form, Unread> {
    let mut read = Form::default();
    for _ in 0..MAX_FIELDS {
        let field = timeout(pause, form.next_field()).await.map_err(|_| Unread::TooSlow)?;
        let Some(field) = field.map_err(|error| unread(&error))? else {
            return Ok(read);
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            if read.file.is_some() {
                return Err(Unread::Bad("a form must contain exactly one file".to_owned()));
            }
            read.options.file_name = field.file_name().unwrap_or("list").to_owned();
            read.file = Some(bytes(field, file::MAX_FILE_SIZE, pause).await?);
            continue;
        }
        let text = bytes(field, MAX_FIELD_LENGTH, pause).await;
        let text = text.map_err(|unread| match unread {
            Unread::TooLarge => Unread::Bad(format!("`{name}` exceeds the maximum length")),
            other => other,
        })?;
        let text =
            String::from_utf8(text).map_err(|_| Unread::Bad(format!("`{name}` must be UTF-8")))?;
        read.tell(&name, text).map_err(Unread::Bad)?;
    }
    Err(Unread::Bad(format!("a form must have at most {MAX_FIELDS} fields")))
}

fn unread(error: &MultipartError) -> Unread {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge,
        _ => Unread::Bad(format!("the form is invalid: {}", error.body_text())),
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
    /// Sets a non-file field; an empty value counts as omitted.
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
                    .ok_or("`map` must be COLUMN=FIELD; repeat it for each column")?;
                self.options.map.push((column.to_owned(), field.to_owned()));
            }
            "inspect" => match text.as_str() {
                "true" => self.inspects = true,
                "false" => self.inspects = false,
                _ => return Err("`inspect` must be true or false".to_owned()),
            },
            "commit" => {
                let word = text.to_ascii_lowercase();
                if !service::ingest::import_job::DECISIONS.iter().any(|known| known.name == word) {
                    return Err("`commit` must be wait, create, merge or skip".to_owned());
                }
                self.commit = Some(word);
            }
            other => {
                return Err(format!(
                    "unknown field `{other}`; allowed: file, name, map, country, encoding, delimiter, sheet, inspect, commit"
                ));
            }
        }
        Ok(())
    }
}
