//! Countries by code and name (ISO 3166-1, Unicode CLDR).

use std::{collections::HashMap, sync::LazyLock};

use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::phone;
use crate::search;

/// Codes and names, with the English name first; see `service/data/generate.sh`.
const COUNTRIES: &str = include_str!("../../data/countries.tsv");

/// Two-letter country codes by code and folded name.
static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (code, rest) in rows() {
        for name in rest.split('\t').chain([code]) {
            known.entry(folded(name)).or_insert(code);
        }
    }
    known
});

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    COUNTRIES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

fn folded(name: &str) -> String {
    search::words_of(name).join(" ")
}

/// The country in a cell: a two-letter or three-letter code, a name in one of many languages, or a calling code
/// (`+385`).
pub(crate) fn named(cell: &str) -> Option<Region> {
    let cell = cell.trim();
    if let Some(code) = cell.strip_prefix('+') {
        return PHONE_NUMBER_UTIL.get_region_for_country_code(code.trim().parse().ok()?);
    }
    let folded = folded(cell);
    let name = folded.strip_prefix("the ").unwrap_or(&folded);
    BY_NAME.get(name).or_else(|| BY_NAME.get(&name.replace(' ', "")))?.parse().ok()
}

/// The country with this two-letter code, if it has phone numbers.
pub(crate) fn of_code(code: &str) -> Option<Region> {
    let region: Region = code.to_uppercase().parse().ok()?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| region)
}

/// The English name of the country with this code or top-level domain.
pub(crate) fn name_of(code: &str) -> Option<String> {
    let code = if code.eq_ignore_ascii_case("uk") { "GB" } else { code };
    let (_, rest) = rows().find(|(known, _)| known.eq_ignore_ascii_case(code))?;
    rest.split('\t').nth(1).map(str::to_owned)
}

/// The English name of the country of a phone number (E.164).
pub(crate) fn of_phone(number: &str) -> Option<String> {
    name_of(&phone::region(number)?.as_region_str())
}

#[cfg(test)]
mod tests {
    use super::{name_of, named};

    #[test]
    fn countries_are_found_by_name_and_code() {
        for (cell, code) in [
            ("United States", Some("US")),
            ("us", Some("US")),
            ("Österreich", Some("AT")),
            ("DE", Some("DE")),
            ("DEU", Some("DE")),
            ("Großbritannien", Some("GB")),
            ("U.S.A.", Some("US")),
            ("Slovakia", Some("SK")),
            ("Slovensko", Some("SK")),
            ("Russia", Some("RU")),
            ("Россия", Some("RU")),
            ("Thailand", Some("TH")),
            ("ไทย", Some("TH")),
            ("Hrvatska", Some("HR")),
            ("HRV", Some("HR")),
            ("+385", Some("HR")),
            ("+49", Some("DE")),
            ("日本", Some("JP")),
            ("Côte d'Ivoire", Some("CI")),
            ("The Netherlands", Some("NL")),
            ("Korea, Republic of", Some("KR")),
            ("Czech Republic", Some("CZ")),
            ("Georgia", Some("GE")),
            ("Atlantis", None),
            ("Bavaria", None),
            ("", None),
        ] {
            let found = named(cell).map(|region| region.as_region_str().to_string());
            assert_eq!(found.as_deref(), code, "{cell}");
        }
        assert_eq!(name_of("hr").as_deref(), Some("Croatia"));
        assert_eq!(name_of("uk").as_deref(), Some("United Kingdom"));
        assert_eq!(name_of("zz"), None);
    }
}
