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

/// The parts of an address, without parts whose words the address has already: a city in a cell with the whole address.
fn joined_address(parts: &[String]) -> Option<String> {
    let mut address = String::new();
    for part in parts.iter().filter(|part| !is_placeholder(part)) {
        let words = words_of(part);
        // Streets are named after cities, so only the words after a comma or a number are compared.
        let is_known = address.split(',').any(|section| {
            let section = words_of(section);
            let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
            let start = section.iter().rposition(is_number).map_or(0, |place| place + 1);
            let is_whole = section == words;
            is_whole || (start > 0 && !words.is_empty() && section[start..] == words[..])
        });
        if is_known {
            continue;
        }
        if !address.is_empty() {
            address.push_str(", ");
        }
        address.push_str(part);
    }
    (!address.is_empty()).then_some(address)
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
