//! Countries as lists name them.

use phonenumber::country::Id;

use crate::search;

/// Codes (ISO 3166-1) and names in English and German, folded: without case and accents. What stands here is what is
/// met most; other countries are known by their codes.
const NAMES: &[(&str, &[&str])] = &[
    ("AT", &["austria", "osterreich"]),
    ("AU", &["australia", "australien"]),
    ("BE", &["belgium", "belgien"]),
    ("BR", &["brazil", "brasilien"]),
    ("CA", &["canada", "kanada"]),
    ("CH", &["switzerland", "schweiz", "suisse"]),
    ("CN", &["china"]),
    ("CZ", &["czech republic", "czechia", "tschechien"]),
    ("DE", &["germany", "deutschland"]),
    ("DK", &["denmark", "danemark"]),
    ("ES", &["spain", "spanien", "espana"]),
    ("FI", &["finland", "finnland"]),
    ("FR", &["france", "frankreich"]),
    (
        "GB",
        &[
            "united kingdom",
            "great britain",
            "england",
            "scotland",
            "wales",
            "uk",
            "vereinigtes konigreich",
            "grossbritannien",
        ],
    ),
    ("GR", &["greece", "griechenland"]),
    ("HU", &["hungary", "ungarn"]),
    ("IE", &["ireland", "irland"]),
    ("IL", &["israel"]),
    ("IN", &["india", "indien"]),
    ("IT", &["italy", "italien", "italia"]),
    ("JP", &["japan"]),
    ("KR", &["south korea", "korea", "sudkorea"]),
    ("LI", &["liechtenstein"]),
    ("LU", &["luxembourg", "luxemburg"]),
    ("MX", &["mexico", "mexiko"]),
    ("NL", &["netherlands", "the netherlands", "niederlande", "holland"]),
    ("NO", &["norway", "norwegen"]),
    ("NZ", &["new zealand", "neuseeland"]),
    ("PL", &["poland", "polen", "polska"]),
    ("PT", &["portugal"]),
    ("RO", &["romania", "rumanien"]),
    ("SE", &["sweden", "schweden"]),
    ("SG", &["singapore", "singapur"]),
    ("TR", &["turkey", "turkei", "turkiye"]),
    ("UA", &["ukraine"]),
    (
        "US",
        &["united states", "united states of america", "usa", "u s a", "u s", "vereinigte staaten"],
    ),
    ("ZA", &["south africa", "sudafrika"]),
];

/// The country that a cell names.
pub(super) fn named(cell: &str) -> Option<Id> {
    let folded = search::words_of(cell).join(" ");
    let known = NAMES.iter().find(|(_, names)| names.contains(&folded.as_str()));
    let code = known.map_or_else(|| cell.trim().to_uppercase(), |(code, _)| (*code).to_owned());
    code.parse().ok()
}

/// The English name of the country with this code, or with this ending of hosts.
pub(crate) fn name_of(code: &str) -> Option<String> {
    let code = if code.eq_ignore_ascii_case("uk") { "GB" } else { code };
    let (_, names) = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code))?;
    let capital = |word: &str| match word {
        "of" | "the" => word.to_owned(),
        _ => word[..1].to_uppercase() + &word[1..],
    };
    Some(names.first()?.split(' ').map(capital).collect::<Vec<_>>().join(" "))
}

/// The country of a phone number (E.164), by its English name.
pub(crate) fn of_phone(phone: &str) -> Option<String> {
    let number = phonenumber::parse(None, phone).ok()?;
    name_of(number.country().id()?.as_ref())
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn countries_are_known_by_name_and_code() {
        for (cell, code) in [
            ("United States", Some("US")),
            ("us", Some("US")),
            ("Österreich", Some("AT")),
            ("DE", Some("DE")),
            ("Großbritannien", Some("GB")),
            ("U.S.A.", Some("US")),
            ("Atlantis", None),
            ("", None),
        ] {
            assert_eq!(named(cell).map(|id| id.as_ref().to_owned()).as_deref(), code, "{cell}");
        }
    }
}
