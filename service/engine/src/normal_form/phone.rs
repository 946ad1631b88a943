//! Phone numbers (E.164), parsed by a port of Google's libphonenumber.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::text::trimmed;

/// A parsed phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// The number with its country code: `+493012345678`.
    pub number: String,
    /// The extension.
    pub extension: Option<String>,
    /// The number of additional phone numbers in the cell.
    pub others: usize,
}

/// Separators between the numbers in a cell, in order of increasing ambiguity.
const BETWEEN: &[&str] =
    &[":::", ";", "|", "\n", " / ", ", ", " oder ", " or ", " und ", " and ", "/", ","];

/// Labels of an extension, in addition to those that libphonenumber recognizes.
const EXTENSIONS: &[&str] =
    &["durchwahl", "dw.", "dw", "nst.", "nst", "app.", "klappe", "kl.", "poste"];

/// Parses a cell that contains either one number with an optional extension or several numbers; the first valid number
/// is used. A number without a country code is assumed to be in `country`.
pub fn read(cell: &str, country: Option<Region>) -> Option<Phone> {
    let cell = trimmed(cell).trim_start_matches('\'');
    if let Some(found) = one(cell, country) {
        return Some(found);
    }
    for between in BETWEEN {
        let parts: Vec<&str> =
            cell.split(between).map(trimmed).filter(|part| !part.is_empty()).collect();
        if parts.len() < 2 {
            continue;
        }
        // If a part is not a number by itself, the cell is not a list.
        let mut found: Vec<Phone> = parts.iter().filter_map(|part| one(part, country)).collect();
        if found.is_empty() {
            continue;
        }
        let first = found.remove(0);
        found.retain(|other| other.number != first.number);
        return Some(Phone { others: found.len(), ..first });
    }
    None
}

fn one(text: &str, country: Option<Region>) -> Option<Phone> {
    // A number that a spreadsheet has stored as a decimal.
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(",0"));
    let whole = whole.filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
    let text = whole.unwrap_or(text);
    let (text, extension) = without_extension(text);
    let parsed = PHONE_NUMBER_UTIL.parse(text, country).ok().filter(PhoneNumber::is_valid);
    // Spreadsheets remove a leading `+` in the same way as a leading zero. If the digits are a mobile number with a
    // country code, they are parsed as such.
    let with_plus =
        whole.and_then(|digits| PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok());
    let with_plus = with_plus
        .filter(|number| number.is_valid() && matches!(number.get_type(), PhoneNumberType::Mobile));
    let parsed = with_plus.or(parsed);
    // Numbers with the international prefix `00` of most countries, if the row has no country, and numbers whose `+`
    // was removed by a program.
    let digits = || {
        let rest = text.strip_prefix("00").map(str::trim_start);
        rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let international = |rest: &str| PHONE_NUMBER_UTIL.parse(format!("+{rest}"), None).ok();
    let parsed =
        parsed.or_else(|| digits().and_then(international).filter(PhoneNumber::is_valid))?;
    let extension = extension.or_else(|| parsed.extension.clone().filter(|told| !told.is_empty()));
    let number = PhoneNumber { extension: None, ..parsed };
    let number = number.format_as(PhoneNumberFormat::E164).into_owned();
    Some(Phone { number, extension, others: 0 })
}

/// Splits off an extension that is marked by a label.
fn without_extension(text: &str) -> (&str, Option<String>) {
    let lower = text.to_ascii_lowercase();
    for word in EXTENSIONS {
        let Some(place) = lower.rfind(word) else { continue };
        let rest = lower[place + word.len()..].trim_matches([' ', '.', ':', '-', ')']);
        let before = lower[..place].ends_with([' ', '(', ',', '-']);
        let digits =
            !rest.is_empty() && rest.len() <= 7 && rest.bytes().all(|c| c.is_ascii_digit());
        if before && digits {
            let number = text[..place].trim_end_matches([' ', '(', ',', '-']);
            return (number, Some(rest.to_owned()));
        }
    }
    (text, None)
}

/// The stored form of a number: with the country code if the country is known, otherwise as typed. `None` if the text
/// is not a phone number.
pub(crate) fn written(text: &str) -> Option<String> {
    let text = trimmed(text);
    if let Some(Phone { number, extension, others: 0 }) = read(text, None) {
        return Some(match extension {
            Some(extension) => format!("{number} ext. {extension}"),
            None => number,
        });
    }
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    (digits >= 3 && letters <= digits).then(|| text.to_owned())
}

/// The comparison value of a stored number; `None` if its country is unknown.
pub fn key(text: &str) -> Option<String> {
    read(text, None).map(|phone| phone.number)
}

/// The region of a number with a country code.
pub(crate) fn region(number: &str) -> Option<Region> {
    PHONE_NUMBER_UTIL.parse(number, None).ok()?.get_region_code()
}

#[cfg(test)]
mod tests {
    use super::{Phone, key, read, written};

    fn number(cell: &str, country: &str) -> Option<String> {
        read(cell, country.parse().ok()).map(|phone| phone.number)
    }

    /// Phone numbers of all regions and types in 21 notations, with the results of libphonenumber.
    const ORACLE: &str = include_str!("../../../../tests/it/data/phone-numbers.tsv");

    #[test]
    fn phone_numbers_parse_like_libphonenumber() {
        let (mut compared, mut wrong) = (0, Vec::new());
        for line in ORACLE.lines().filter(|line| !line.starts_with('#')) {
            let [region, _, notation, text, expected, extension] =
                line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("{line}")
            };
            let phone = read(text, region.parse().ok());
            let read = phone.as_ref().map_or("", |phone| &phone.number);
            let told =
                phone.as_ref().and_then(|phone| phone.extension.as_deref()).unwrap_or_default();
            compared += 1;
            // This parser may accept numbers that libphonenumber rejects, such as numbers with the international prefix
            // `00`.
            if !expected.is_empty() && (read, told) != (expected, extension) {
                wrong.push(format!(
                    "{region} {notation} {text}: {read} {told}, expected {expected}"
                ));
            }
        }
        assert!(compared > 28_000, "{compared}");
        assert!(
            wrong.is_empty(),
            "{} of {compared}: {:#?}",
            wrong.len(),
            &wrong[..wrong.len().min(20)]
        );
    }

    #[test]
    fn common_phone_notations_are_parsed() {
        for (country, cell, expected) in [
            ("DE", "030 12345678", "+493012345678"),
            ("DE", "+49 (0)30 12345678", "+493012345678"),
            ("DE", "0049 30 123 456 78", "+493012345678"),
            ("DE", "'+493012345678", "+493012345678"),
            ("DE", "4961 123456", "+494961123456"),
            ("DE", "491711234567.0", "+491711234567"),
            ("DE", "4961123456.0", "+494961123456"),
            ("DK", "45 93 12 34", "+4545931234"),
            ("NO", "471 23 456", "+4747123456"),
            ("IT", "392 123 4567", "+393921234567"),
            ("IN", "9123456789", "+919123456789"),
            ("HR", "091 123 4567", "+385911234567"),
            ("AU", "0011 49 30 12345678", "+493012345678"),
            ("", "+7 800 555-35-35", "+78005553535"),
            ("", "+370 800 12345", "+37080012345"),
            ("", "+49\u{a0}30-12345678", "+493012345678"),
            ("", "+49 30\u{2013}12345678", "+493012345678"),
            ("", "\u{ff0b}４９ ３０ １２３４５６７８", "+493012345678"),
            ("", "0049 30 12345678", "+493012345678"),
            ("", "00 49 30 12345678", "+493012345678"),
        ] {
            assert_eq!(number(cell, country).as_deref(), Some(expected), "{country} {cell}");
        }
        assert_eq!(number("030 12345678", ""), None);
        assert_eq!(number("abc", "DE"), None);
        assert_eq!(number("", "DE"), None);
    }

    #[test]
    fn first_of_several_phone_numbers_is_used() {
        for cell in [
            "+49 30 12345608 ::: +49 171 1234568",
            "+49 30 12345608 / +49 171 1234568",
            "+49 30 12345608; +49 171 1234568",
            "+49 30 12345608, +49 171 1234568",
            "+49 30 12345608 oder +49 171 1234568",
            "+49 30 12345608\n+49 171 1234568",
            "+49 30 12345608/+49 171 1234568",
        ] {
            let first = Phone { number: "+493012345608".to_owned(), extension: None, others: 1 };
            assert_eq!(read(cell, None), Some(first), "{cell:?}");
        }
        assert_eq!(number("030/12345678", "DE").as_deref(), Some("+493012345678"));
    }

    #[test]
    fn phone_extension_is_parsed() {
        for cell in [
            "+49 30 123456 DW 12",
            "+49 30 123456 ext. 12",
            "+49 30 123456 Durchwahl 12",
            "+49 30 123456 (DW 12)",
            "+49 30 123456 x12",
        ] {
            let phone = read(cell, None).unwrap();
            assert_eq!(
                (phone.number.as_str(), phone.extension.as_deref()),
                ("+4930123456", Some("12")),
                "{cell}"
            );
        }
    }

    #[test]
    fn stored_number_has_country_code_if_known() {
        assert_eq!(written(" +49 30 98765432 ").as_deref(), Some("+493098765432"));
        assert_eq!(written("+49 30 123456 DW 12").as_deref(), Some("+4930123456 ext. 12"));
        assert_eq!(written("030 98765432").as_deref(), Some("030 98765432"));
        assert_eq!(written("abc"), None);
        assert_eq!(key("+4930123456 ext. 12").as_deref(), Some("+4930123456"));
        assert_eq!(key("030 98765432"), None);
    }
}
