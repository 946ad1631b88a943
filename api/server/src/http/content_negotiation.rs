//! Content negotiation for responses: GraphQL over HTTP, section "Media Types".

use axum::http::{HeaderMap, StatusCode, header};

/// A media type of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/graphql-response+json`: the status code shows whether the request was accepted.
    Response,
    /// `application/json`: the status code is 200 whenever there is a response.
    Json,
    /// `text/event-stream`.
    Events,
    /// `text/csv`.
    Csv,
    /// `application/x-ndjson`: one JSON object per line.
    Lines,
}

/// The media types a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The preferred supported type; `None` if the client accepts no supported type.
    pub(super) best: Option<Media>,
    /// Whether the client accepts server-sent events.
    pub(super) events: bool,
    /// The preferred type among those that are not tabular, for operations that can't be exported as a table.
    pub(super) without_table: Option<Media>,
}

impl Media {
    /// Whether the response is tabular.
    pub(super) fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Lines)
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Response => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
            Self::Events => "text/event-stream",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Lines => "application/x-ndjson; charset=utf-8",
        }
    }

    /// The status of a request that was not executed and whose first error has this code.
    pub(super) fn refused(self, code: &str) -> StatusCode {
        match (self, code) {
            (_, "UNAUTHENTICATED") => StatusCode::UNAUTHORIZED,
            (_, "UNAVAILABLE") => StatusCode::SERVICE_UNAVAILABLE,
            (_, "RATE_LIMITED") => StatusCode::TOO_MANY_REQUESTS,
            (Self::Csv | Self::Lines, "INTERNAL") => StatusCode::INTERNAL_SERVER_ERROR,
            (_, "METHOD_NOT_ALLOWED") => StatusCode::METHOD_NOT_ALLOWED,
            (_, "NOT_ACCEPTABLE") => StatusCode::NOT_ACCEPTABLE,
            (Self::Response | Self::Csv | Self::Lines, "FORBIDDEN") => StatusCode::FORBIDDEN,
            (Self::Response | Self::Csv | Self::Lines, _) | (_, "BAD_REQUEST") => {
                StatusCode::BAD_REQUEST
            }
            (Self::Json | Self::Events, _) => StatusCode::OK,
        }
    }
}

/// Parses `Accept`. A missing header or `*/*` means `application/json`.
pub(super) fn accepted(headers: &HeaderMap) -> Accepted {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    if ranges.iter().all(|range| range.trim().is_empty()) {
        let json = Some(Media::Json);
        return Accepted { best: json, events: false, without_table: json };
    }
    let mut best: Option<(f32, bool, Media)> = None;
    let mut without_table = None;
    let mut events = false;
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        let Some(quality) = quality.filter(|quality: &f32| *quality > 0.0) else { continue };
        let (media, exact) = match name.as_str() {
            "application/graphql-response+json" => (Media::Response, true),
            "application/json" => (Media::Json, true),
            "text/event-stream" => (Media::Events, true),
            "text/csv" => (Media::Csv, true),
            "application/x-ndjson" | "application/jsonl" => (Media::Lines, true),
            "*/*" | "application/*" => (Media::Json, false),
            _ => continue,
        };
        events |= media == Media::Events;
        // At equal quality, an exact type wins over a wildcard, and otherwise the type listed first wins.
        let is_better = |best: Option<(f32, bool, Media)>| {
            best.is_none_or(|(known, named, _)| (quality, exact) > (known, named))
        };
        if is_better(best) {
            best = Some((quality, exact, media));
        }
        if matches!(media, Media::Response | Media::Json) && is_better(without_table) {
            without_table = Some((quality, exact, media));
        }
    }
    let media = |best: Option<(f32, bool, Media)>| best.map(|(_, _, media)| media);
    Accepted { best: media(best), events, without_table: media(without_table) }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};

    use super::{Media, accepted};

    #[test]
    fn json_is_the_alternative_to_a_table() {
        for (accept, alternative) in [
            ("text/csv", None),
            ("text/csv, text/event-stream", None),
            ("text/csv, application/json;q=0.5", Some(Media::Json)),
            ("text/csv, */*;q=0.1, application/graphql-response+json;q=0.2", Some(Media::Response)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(accepted(&headers).without_table, alternative, "{accept}");
        }
    }

    #[test]
    fn the_best_of_what_is_accepted_is_taken() {
        for (accept, best) in [
            ("", Some(Media::Json)),
            ("*/*", Some(Media::Json)),
            ("application/*;q=0.5", Some(Media::Json)),
            ("application/graphql-response+json", Some(Media::Response)),
            (
                "application/graphql-response+json; charset=utf-8, application/json",
                Some(Media::Response),
            ),
            ("application/json, application/graphql-response+json", Some(Media::Json)),
            (
                "application/json;q=0.8, application/graphql-response+json;q=0.9",
                Some(Media::Response),
            ),
            ("*/*, application/graphql-response+json", Some(Media::Response)),
            ("text/event-stream", Some(Media::Events)),
            ("APPLICATION/JSON", Some(Media::Json)),
            ("application/json;q=0", None),
            ("text/html", None),
            ("text/csv", Some(Media::Csv)),
            ("application/json;q=0.5, application/x-ndjson", Some(Media::Lines)),
            ("image/png, */*;q=0.1", Some(Media::Json)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(accepted(&headers).best, best, "{accept}");
        }
    }
}
