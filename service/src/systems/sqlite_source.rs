//! The SQLite database file of another system, as the source of an import.

use engine::error::{Error, Result};

/// The URL that opens the file of `sqlite:PATH` read-only, and the name of the source: `sqlite:` and the absolute path.
///
/// # Errors
/// `SOURCE_INVALID` if the file can't be found.
pub(super) fn sqlite_source(path: &str) -> Result<(String, String)> {
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = std::fs::canonicalize(path).map_err(|error| {
        Error::invalid(engine::Reason::SourceInvalid, "from", format!("can't open {path}: {error}"))
    })?;
    let path = path.display().to_string();
    // The driver reads the path as a URL.
    let escaped = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    Ok((format!("sqlite://{escaped}?mode=ro"), format!("sqlite:{path}")))
}
