//! Country, number of employees, phone number and address of the company of an import row.

use engine::{
    normal_form::{company_size, country, phone, placeholder::is_placeholder, text},
    words::words_of,
};
use rlibphonenumber::Region;
use serde::{Deserialize, Serialize};

use super::mapping::Mapping;
use crate::{
    crm::company::{MAX_ADDRESS_LENGTH, MAX_EMPLOYEES},
    ingest::note::{Note, NoteCode},
};

/// The fields of an address, in the order in which it is written.
const ADDRESS: [&str; 4] =
    ["company_address", "company_postal_code", "company_city", "company_region"];

/// Values of a row about its company, in addition to those that identify it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CompanyDetails {
    /// Two-letter code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company_country: Option<String>,
    /// Number of employees, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) employee_count: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company_phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company_address: Option<String>,
}

impl CompanyDetails {
    /// Reads the cells of a row, unchanged.
    pub(super) fn read(mapping: &Mapping, row: &[String]) -> Self {
        let cell = |field: &str| mapping.cell(row, field).map(text::one_line);
        let parts: Vec<String> = ADDRESS.into_iter().filter_map(cell).collect();
        // Many files have the number of employees in a column for the size, and the reverse: another text than a number
        // is the size, if the row has no other.
        let mut counts = ["employee_count", "size"].into_iter().filter_map(cell);
        let unused = || cell("size").and_then(|_| cell("employee_count"));
        Self {
            company_country: cell("company_country"),
            employee_count: counts.find(|cell| company_size::exact(cell).is_some()).or_else(unused),
            company_phone: cell("company_phone"),
            company_address: joined_address(&parts),
        }
    }

    /// Normalizes the values, and omits invalid values with a remark. `country` is the country of phone numbers without a
    /// country code.
    pub(super) fn check(&mut self, country: Option<Region>, remarks: &mut Vec<Note>) {
        if let Some(cell) = self.company_country.take() {
            self.company_country = country::code(&cell).map(str::to_owned);
            if self.company_country.is_none() {
                remarks.push(Note::new(NoteCode::CountryUnknown, [&shown(&cell)]));
            }
        }
        let own = self.company_country.as_deref().and_then(country::of_code);
        if let Some(cell) = self.company_phone.take() {
            self.company_phone = phone::read(&cell, own.or(country)).map(|phone| phone.number);
            if self.company_phone.is_none() {
                remarks.push(Note::new(NoteCode::PhoneUnreadable, [&shown(&cell)]));
            }
        }
        if let Some(cell) = self.employee_count.take() {
            #[expect(clippy::cast_possible_truncation, reason = "the bound is a whole number")]
            let most = MAX_EMPLOYEES as i64;
            self.employee_count = company_size::exact(&cell)
                .filter(|count| *count <= most)
                .map(|count| count.to_string());
            if self.employee_count.is_none() {
                remarks.push(Note::new(NoteCode::NumberUnreadable, [&shown(&cell)]));
            }
        }
        let is_long = |address: &mut String| address.chars().count() > MAX_ADDRESS_LENGTH as usize;
        if self.company_address.take_if(is_long).is_some() {
            let most = MAX_ADDRESS_LENGTH.to_string();
            remarks.push(Note::new(NoteCode::ValueOmitted, ["company_address", &most]));
        }
    }

    /// The value of a field, for a correction.
    pub(super) fn place(&mut self, field: &str) -> Option<&mut Option<String>> {
        match field {
            "company_country" => Some(&mut self.company_country),
            "employee_count" => Some(&mut self.employee_count),
            "company_phone" => Some(&mut self.company_phone),
            "company_address" => Some(&mut self.company_address),
            _ => None,
        }
    }
}

/// The parts of an address, without parts that it has already: a city in a cell with the whole address.
fn joined_address(parts: &[String]) -> Option<String> {
    let mut address = String::new();
    let pieces = parts.iter().filter(|part| !is_placeholder(part));
    let pieces = pieces.flat_map(|part| part.split(',')).map(str::trim);
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        if !has_piece(&address, &words_of(piece)) {
            if !address.is_empty() {
                address.push_str(", ");
            }
            address.push_str(piece);
        }
    }
    (!address.is_empty()).then_some(address)
}

/// Whether an address has these words. Streets are named after cities, so in the first section, only a postal code and the
/// words after a number count.
fn has_piece(address: &str, words: &[String]) -> bool {
    let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
    address.split(',').enumerate().any(|(index, section)| {
        let section = words_of(section);
        let has = |section: &[String]| section.windows(words.len().max(1)).any(|run| run == words);
        if index > 0 || section == words {
            return has(&section);
        }
        let start = section.iter().rposition(is_number).map_or(section.len(), |place| place + 1);
        let is_postal_code = words.len() == 1 && is_number(&words[0]) && words[0].len() > 3;
        has(&section[start..]) || (is_postal_code && has(&section))
    })
}

/// The beginning of a cell, for messages.
pub(super) fn shown(cell: &str) -> String {
    cell.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::joined_address;

    #[test]
    fn addresses_repeat_no_part() {
        let joined = |parts: &[&str]| {
            joined_address(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(
            joined(&["Hafenstr. 1", "20457", "Hamburg"]).unwrap(),
            "Hafenstr. 1, 20457, Hamburg"
        );
        assert_eq!(
            joined(&["Hafenstr. 1, 20457 Hamburg", "hamburg"]).unwrap(),
            "Hafenstr. 1, 20457 Hamburg"
        );
        assert_eq!(
            joined(&["Ring 1, Berlin", "10115", "Berlin"]).unwrap(),
            "Ring 1, Berlin, 10115"
        );
        assert_eq!(
            joined(&["Hafenstr. 1, 20457 Hamburg", "20457", "Hamburg"]).unwrap(),
            "Hafenstr. 1, 20457 Hamburg"
        );
        assert_eq!(
            joined(&["1 Main St, Boston, MA 02110", "02110", "Boston", "MA"]).unwrap(),
            "1 Main St, Boston, MA 02110"
        );
        assert_eq!(
            joined(&["Ring 1 10115 Berlin", "10115", "Berlin"]).unwrap(),
            "Ring 1 10115 Berlin"
        );
        for parts in [
            ["1 Main St", "Boston", "MA"],
            ["100 Sunny Lane", "Albany", "NY"],
            ["Berliner Str. 5", "Berlin", "BE"],
            ["Hamburger Allee 10", "Hamburg", "HH"],
        ] {
            assert_eq!(joined(&parts).unwrap(), parts.join(", "));
        }
        assert_eq!(joined(&["n/a"]), None);
        assert_eq!(joined(&[]), None);
    }
}
