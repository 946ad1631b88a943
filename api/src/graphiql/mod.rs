//! The page at `/`: GraphiQL, with all files served by this server.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use server::http::Server;

/// A file of the page; embedded, or loaded from a CDN and checked by hash.
struct Asset {
    name: &'static str,
    url: &'static str,
    integrity: &'static str,
    bytes: Option<&'static [u8]>,
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/graphiql_assets.rs"));

/// The scripts of the page by name, in the order in which they are loaded.
const SCRIPTS: [(&str, &str); 6] = [
    ("tables.js", include_str!("tables.js")),
    ("import_mapping.js", include_str!("import_mapping.js")),
    ("import_rows.js", include_str!("import_rows.js")),
    ("import_duplicates.js", include_str!("import_duplicates.js")),
    ("imports.js", include_str!("imports.js")),
    ("page.js", include_str!("page.js")),
];

/// The style sheet of the page.
const STYLE: &str = include_str!("page.css");

/// Example operations with their titles. A test runs every one of them.
pub const EXAMPLES: [(&str, &str); 23] = [
    ("Companies with prospects and conversations", include_str!("examples/companies.graphql")),
    ("Reply rate by industry", include_str!("examples/industries_that_answer.graphql")),
    ("LLM cost per reply", include_str!("examples/cost_of_a_reply.graphql")),
    (
        "Berlin fair: prospects never contacted",
        include_str!("examples/fair_never_contacted.graphql"),
    ),
    ("Interactions by month", include_str!("examples/month_by_month.graphql")),
    ("Draft funnel", include_str!("examples/draft_funnel.graphql")),
    ("Recommended next actions", include_str!("examples/what_next.graphql")),
    ("Companies by engagement", include_str!("examples/closest_companies.graphql")),
    ("Companies with uncontacted prospects", include_str!("examples/untouched_people.graphql")),
    ("Invitation candidates by event", include_str!("examples/whom_to_invite.graphql")),
    ("Upcoming events and invitations", include_str!("examples/event.graphql")),
    ("Recommended solutions by prospect", include_str!("examples/what_to_offer.graphql")),
    ("Solution fit by industry", include_str!("examples/industries.graphql")),
    ("Call list: logistics", include_str!("examples/prospects_to_call.graphql")),
    ("Search", include_str!("examples/words.graphql")),
    ("Lifecycle stages by industry", include_str!("examples/stages.graphql")),
    ("Sentiment by industry", include_str!("examples/how_they_feel.graphql")),
    ("Activity by company", include_str!("examples/busiest_companies.graphql")),
    ("Drafts awaiting review", include_str!("examples/drafts_to_review.graphql")),
    ("Drafts by week", include_str!("examples/weeks_of_drafts.graphql")),
    ("LLM cost by model and month", include_str!("examples/models_by_month.graphql")),
    ("Change history", include_str!("examples/who_did_what.graphql")),
    ("Subscription: new drafts", include_str!("examples/new_drafts.graphql")),
];

/// Whether the page is embedded and needs no other host.
#[must_use]
pub fn is_embedded() -> bool {
    ASSETS.iter().all(|asset| asset.bytes.is_some())
}

/// The routes of the page.
pub(crate) fn routes() -> Router<Server> {
    Router::new().route("/", get(page)).route("/graphiql/{name}", get(asset))
}

/// Serves the page.
async fn page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(html);
    static POLICY: LazyLock<String> = LazyLock::new(policy);
    ([(header::CONTENT_SECURITY_POLICY, POLICY.as_str())], Html(PAGE.as_str())).into_response()
}

/// Serves a file of the page.
async fn asset(Path(name): Path<String>) -> Response {
    let script = "text/javascript; charset=utf-8";
    if let Some((_, text)) = SCRIPTS.iter().find(|(known, _)| *known == name) {
        return ([(header::CONTENT_TYPE, script)], *text).into_response();
    }
    if name == "page.css" {
        return ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response();
    }
    if name == "examples.json" {
        let examples = EXAMPLES
            .iter()
            .map(|(title, query)| serde_json::json!({ "title": title, "query": query }));
        let examples: Vec<_> = examples.collect();
        return axum::Json(examples).into_response();
    }
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let Some(bytes) = asset.and_then(|asset| asset.bytes) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = if is_style(&name) { "text/css; charset=utf-8" } else { script };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, bytes).into_response()
}

fn is_style(name: &str) -> bool {
    name.split('.').next_back() == Some("css")
}

fn html() -> String {
    let mut head = String::new();
    let mut body = String::new();
    for asset in ASSETS {
        let (url, checked) = match asset.bytes {
            Some(_) => (format!("graphiql/{}", asset.name), String::new()),
            None => (
                asset.url.to_owned(),
                format!(" integrity=\"{}\" crossorigin=\"anonymous\"", asset.integrity),
            ),
        };
        let _ = if is_style(asset.name) {
            write!(head, "<link rel=\"stylesheet\" href=\"{url}\"{checked}>")
        } else {
            write!(body, "<script src=\"{url}\"{checked}></script>")
        };
    }
    for (name, _) in SCRIPTS {
        let _ = write!(body, "<script src=\"graphiql/{name}\"></script>");
    }
    let note = if is_embedded() {
        ""
    } else {
        "<p>This build could not embed GraphiQL; the page loads it from a CDN, checked by hash.</p>"
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>salesgraph</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">{head}\
         <link rel=\"stylesheet\" href=\"graphiql/page.css\"></head>\
         <body>{note}<header id=\"banner\"></header><div id=\"graphiql\"></div>{body}</body></html>"
    )
}

/// The content security policy: connections to this server only, scripts only from files. GraphiQL sets styles from
/// its script.
fn policy() -> String {
    let cdn = if is_embedded() { "" } else { " https://cdn.jsdelivr.net" };
    format!(
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:{cdn}; \
         script-src 'self'{cdn}; style-src 'self' 'unsafe-inline'{cdn}; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}
