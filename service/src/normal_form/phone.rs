//! Phone numbers (E.164), as Google's library reads them.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::text::trimmed;

/// A phone number that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phone {
    /// With its country: `+493012345678`.
    pub(crate) number: String,
    /// What is to be dialed afterwards.
    pub(crate) extension: Option<String>,
    /// How many more numbers the cell has.
    pub(crate) others: usize,
}

/// What stands between two numbers in a cell, the surest first.
const BETWEEN: &[&str] =
    &[":::", ";", "|", "\n", " / ", ", ", " oder ", " or ", " und ", " and ", "/", ","];

/// What stands before an extension, besides what Google's library knows.
const EXTENSIONS: &[&str] =
    &["durchwahl", "dw.", "dw", "nst.", "nst", "app.", "klappe", "kl.", "poste"];

/// Reads a cell: a number, with its extension, or several, of which the first that can be read counts. One without a
/// country is taken to be of `country`.
pub(crate) fn read(cell: &str, country: Option<Region>) -> Option<Phone> {
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
        // A part that is no number of its own shows that this is no list.
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
    // A number that a spreadsheet has written as one.
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(",0"));
    let whole = whole.filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()));
    let text = whole.unwrap_or(text);
    let (text, extension) = without_extension(text);
    let parsed = PHONE_NUMBER_UTIL.parse(text, country).ok().filter(PhoneNumber::is_valid);
    // A spreadsheet drops a `+` as it drops a zero: what is a mobile number with its country is that.
    let with_plus =
        whole.and_then(|digits| PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok());
    let with_plus = with_plus
        .filter(|number| number.is_valid() && matches!(number.get_type(), PhoneNumberType::Mobile));
    let parsed = with_plus.or(parsed);
    // The `00` of most countries, where a row says no country; and one whose `+` a program has dropped.
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

/// A text, and the extension that is written behind it in words.
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

/// A number as it is stored: with its country where that is known, as it was typed otherwise. `None` when it is no phone
/// number.
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

/// A stored number as it is compared; `None` where its country is not known.
pub(crate) fn key(text: &str) -> Option<String> {
    read(text, None).map(|phone| phone.number)
}

/// The region of a number with its country.
pub(crate) fn region(number: &str) -> Option<Region> {
    PHONE_NUMBER_UTIL.parse(number, None).ok()?.get_region_code()
}

#[cfg(test)]
mod tests {
    use super::{Phone, key, read, written};

    fn number(cell: &str, country: &str) -> Option<String> {
        read(cell, country.parse().ok()).map(|phone| phone.number)
    }

    /// Phone numbers of all regions and types in 21 notations, as Google's library reads them.
    const ORACLE: &str = include_str!("../../../tests/it/data/phone-numbers.tsv");

    #[test]
    fn every_number_is_read_as_by_googles_library() {
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
            // What that library does not read, ours may: the `00` of most countries.
            if !expected.is_empty() && (read, told) != (expected, extension) {
                wrong.push(format!("{region} {notation} {text}: {read} {told}, not {expected}"));
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
    fn a_number_is_read_in_its_usual_notations() {
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
    fn of_several_numbers_the_first_counts() {
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
    fn an_extension_is_told_apart() {
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
    fn what_is_stored_has_its_country_where_that_is_known() {
        assert_eq!(written(" +49 30 98765432 ").as_deref(), Some("+493098765432"));
        assert_eq!(written("+49 30 123456 DW 12").as_deref(), Some("+4930123456 ext. 12"));
        assert_eq!(written("030 98765432").as_deref(), Some("030 98765432"));
        assert_eq!(written("abc"), None);
        assert_eq!(key("+4930123456 ext. 12").as_deref(), Some("+4930123456"));
        assert_eq!(key("030 98765432"), None);
    }
}
