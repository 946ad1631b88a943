//! The page at `/`: GraphiQL, with every file from this server.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};

/// A file of the page; embedded, or to be loaded from a CDN by its hash.
struct Asset {
    name: &'static str,
    url: &'static str,
    integrity: &'static str,
    bytes: Option<&'static [u8]>,
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/graphiql_assets.rs"));

/// What the page does: our own script.
const SCRIPT: &str = include_str!("page.js");

/// What shows its panel for lists.
const LISTS: &str = include_str!("lists.js");

/// How the page stands in the window.
const STYLE: &str = include_str!("page.css");

/// Example operations: a question of whoever asks, and what answers it. A test runs every one of them.
pub const EXAMPLES: [(&str, &str); 23] = [
    ("Companies: who is there, what did we say?", include_str!("examples/companies.graphql")),
    ("Which industries answer us best?", include_str!("examples/industries_that_answer.graphql")),
    ("What does a reply cost us in model calls?", include_str!("examples/cost_of_a_reply.graphql")),
    (
        "Which prospects of the Berlin fair were never contacted?",
        include_str!("examples/fair_never_contacted.graphql"),
    ),
    ("How did one month compare with another?", include_str!("examples/month_by_month.graphql")),
    ("How far do our drafts come?", include_str!("examples/draft_funnel.graphql")),
    ("What should be done next?", include_str!("examples/what_next.graphql")),
    ("Which companies are close to us?", include_str!("examples/closest_companies.graphql")),
    (
        "Where are people whom we never contacted?",
        include_str!("examples/untouched_people.graphql"),
    ),
    ("Whom should we invite to our events?", include_str!("examples/whom_to_invite.graphql")),
    ("Whom have we invited?", include_str!("examples/event.graphql")),
    ("What should we offer to whom?", include_str!("examples/what_to_offer.graphql")),
    ("What suits which industry?", include_str!("examples/industries.graphql")),
    ("Whom should we call in logistics?", include_str!("examples/prospects_to_call.graphql")),
    ("Where do these words stand?", include_str!("examples/words.graphql")),
    ("How far have prospects come, by industry?", include_str!("examples/stages.graphql")),
    ("How did they feel about it, by industry?", include_str!("examples/how_they_feel.graphql")),
    ("What happens at each company?", include_str!("examples/busiest_companies.graphql")),
    ("Which drafts wait to be read?", include_str!("examples/drafts_to_review.graphql")),
    ("How many drafts are written each week?", include_str!("examples/weeks_of_drafts.graphql")),
    ("What does each model cost each month?", include_str!("examples/models_by_month.graphql")),
    ("Who wrote what into the database?", include_str!("examples/who_did_what.graphql")),
    ("Tell me of new drafts as they are written", include_str!("examples/new_drafts.graphql")),
];

/// Whether the page needs no other host.
#[must_use]
pub fn is_embedded() -> bool {
    ASSETS.iter().all(|asset| asset.bytes.is_some())
}

/// The page.
pub async fn page() -> Response {
    static PAGE: LazyLock<String> = LazyLock::new(html);
    static POLICY: LazyLock<String> = LazyLock::new(policy);
    ([(header::CONTENT_SECURITY_POLICY, POLICY.as_str())], Html(PAGE.as_str())).into_response()
}

/// A file of the page.
pub async fn asset(Path(name): Path<String>) -> Response {
    let script = "text/javascript; charset=utf-8";
    if name == "page.js" {
        return ([(header::CONTENT_TYPE, script)], SCRIPT).into_response();
    }
    if name == "lists.js" {
        return ([(header::CONTENT_TYPE, script)], LISTS).into_response();
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
    let note = if is_embedded() {
        ""
    } else {
        "<p>This build could not embed GraphiQL; the page loads it from a CDN, checked by hash.</p>"
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>salesgraph</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">{head}\
         <link rel=\"stylesheet\" href=\"graphiql/page.css\"></head>\
         <body>{note}<header id=\"banner\"></header><div id=\"graphiql\"></div>{body}\
         <script src=\"graphiql/lists.js\"></script><script src=\"graphiql/page.js\"></script></body></html>"
    )
}

/// Only this server may be asked; scripts only from files. GraphiQL sets styles from its script.
fn policy() -> String {
    let cdn = if is_embedded() { "" } else { " https://cdn.jsdelivr.net" };
    format!(
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:{cdn}; \
         script-src 'self'{cdn}; style-src 'self' 'unsafe-inline'{cdn}; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}
