//! Column mapping: detects the field of each column by the column name; the names that common systems use in their
//! exports are known.

use std::collections::{BTreeMap, HashSet};

use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Error, Result},
    normal_form::placeholder::{is_placeholder, is_placeholder_name},
    words,
};
use serde_json::{Map, Value as Json};

use super::column_names::NAMES;

/// Fields that a column can be mapped to.
pub const FIELDS: &[EnumValue] = &[
    enum_value("full_name", "First and last name."),
    enum_value("first_name", "First name."),
    enum_value("last_name", "Last name."),
    enum_value("email", "E-mail address."),
    enum_value("phone", "Phone number."),
    enum_value("job_title", "Job title."),
    enum_value("linkedin_url", "LinkedIn profile."),
    enum_value("location", "Location of the person."),
    enum_value("city", "City, as a part of the location."),
    enum_value("region", "State or region, as a part of the location."),
    enum_value("country", "Country, as a part of the location."),
    enum_value("company", "Name of the company."),
    enum_value("website", "Website or domain of the company."),
    enum_value("size", "Size class of the company."),
    enum_value("industry", "Industry of the company."),
    enum_value("employee_count", "Number of employees of the company."),
    enum_value("company_phone", "Phone number of the company."),
    enum_value("company_address", "Address of the company, or its street."),
    enum_value("company_postal_code", "Postal code of the company, as a part of its address."),
    enum_value("company_city", "City of the company, as a part of its address."),
    enum_value("company_region", "State or region of the company, as a part of its address."),
    enum_value("company_country", "Country of the company."),
    enum_value(
        "opt_out",
        "Whether the person has opted out of messages: `true`, `yes`, `1`, `unsubscribed`.",
    ),
];

/// The columns of each field, as indexes into the header row. The first non-empty cell is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<&'static str, Vec<usize>>);

/// Number of fields to which the column names are mapped.
pub(super) fn known_columns(head: &[String]) -> usize {
    Mapping::guessed(head).0.len()
}

/// Normalizes a column name for comparison: only letters and digits, ignoring case and accents.
fn plain(name: &str) -> String {
    words::words_of(name).concat()
}

/// Removes columns whose meaning depends on the presence of other columns.
fn without_lookalikes(mapping: &mut BTreeMap<&'static str, Vec<usize>>, plain: &[String]) {
    let named = |place: usize, names: &[&str]| names.contains(&plain[place].as_str());
    let has = |names: &[&str]| plain.iter().any(|name| names.contains(&name.as_str()));
    // If there is another job title column, `title` is a form of address.
    if let Some(places) = mapping.get_mut("job_title") {
        let titles = &["title", "titel", "titre", "titolo", "titulo", "persontitle"][..];
        if places.iter().any(|place| !named(*place, titles)) {
            places.retain(|place| !named(*place, titles));
        }
    }
    // A street is not used as the location if there is a city column.
    let streets = &["address", "mailingaddress", "adresse", "anschrift", "street", "strasse"][..];
    let maps = |fields: &[&str]| fields.iter().any(|field| mapping.contains_key(field));
    let has_city = maps(&["city", "region", "country"]);
    let is_of_company =
        !has_city && maps(&["company_city", "company_region"]) && !maps(&["company_address"]);
    if (has_city || is_of_company)
        && let Some(places) = mapping.get_mut("location")
    {
        let (street, rest) = places.iter().partition(|place| named(**place, streets));
        *places = rest;
        if is_of_company {
            let known = mapping.entry("company_address").or_default();
            known.extend::<Vec<usize>>(street);
        }
    }
    // Mailchimp derives these columns from an IP address.
    if has(&["gmtoff", "dstoff", "leid", "euid"]) {
        for field in ["region", "country"] {
            if let Some(places) = mapping.get_mut(field) {
                places.retain(|place| !named(*place, &["region", "cc"]));
            }
        }
    }
    mapping.retain(|_, places| !places.is_empty());
}

impl Mapping {
    /// Detects the mapping from the column names.
    #[must_use]
    pub fn guessed(head: &[String]) -> Self {
        let plain: Vec<String> = head.iter().map(|name| self::plain(name)).collect();
        let mut mapping = BTreeMap::new();
        for (field, names) in NAMES.iter() {
            let places =
                names.iter().filter_map(|name| plain.iter().position(|known| known == name));
            let mut places: Vec<usize> = places.collect();
            let mut seen = HashSet::new();
            places.retain(|place| seen.insert(*place));
            if !places.is_empty() {
                mapping.insert(*field, places);
            }
        }
        without_lookalikes(&mut mapping, &plain);
        Self(mapping)
    }

    /// Applies explicit mappings, as pairs of column name and field. An empty field ignores the column.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such column or field.
    pub fn with_explicit(mut self, head: &[String], told: &[(String, String)]) -> Result<Self> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (column, field) in told {
            let place = head
                .iter()
                .position(|name| name == column)
                .or_else(|| head.iter().position(|name| name.eq_ignore_ascii_case(column)));
            let Some(place) = place else {
                let message =
                    format!("unknown column `{column}`; the columns are {}", head.join(", "));
                return Err(Error::invalid(engine::Reason::MappingInvalid, "map", message));
            };
            for places in self.0.values_mut() {
                places.retain(|known| *known != place);
            }
            self.0.retain(|_, places| !places.is_empty());
            if field.is_empty() {
                continue;
            }
            let Some(field) = FIELDS.iter().find(|known| known.name == field) else {
                let fields: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
                let message =
                    format!("unknown field `{field}`; the fields are {}", fields.join(", "));
                return Err(Error::invalid(engine::Reason::MappingInvalid, "map", message));
            };
            // Explicit mappings take precedence over detected ones, in the given order.
            let count = counts.entry(field.name).or_insert(0_usize);
            self.0.entry(field.name).or_default().insert(*count, place);
            *count += 1;
        }
        Ok(self)
    }

    /// The first non-empty cell of a row for `field`.
    #[must_use]
    pub fn cell<'r>(&self, row: &'r [String], field: &str) -> Option<&'r str> {
        self.cells(row, field).next()
    }

    /// The non-empty cells of a row for `field`.
    pub fn cells<'r>(&self, row: &'r [String], field: &str) -> impl Iterator<Item = &'r str> {
        let places = self.0.get(field).map(Vec::as_slice).unwrap_or_default();
        let cells = places.iter().filter_map(|place| row.get(*place)).map(String::as_str);
        let is_name = matches!(field, "full_name" | "first_name" | "last_name");
        // The CSV export of this server prefixes cells that a spreadsheet would treat as a formula with an apostrophe.
        let cells = cells.map(|cell| match cell.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
            _ => cell,
        });
        cells.filter(
            move |cell| {
                !if is_name { is_placeholder_name(cell) } else { is_placeholder(cell) }
            },
        )
    }

    /// Fields and their column names, in the order of [`FIELDS`].
    pub fn columns<'h>(&self, head: &'h [String]) -> impl Iterator<Item = (&'static str, &'h str)> {
        FIELDS.iter().flat_map(|field| {
            let places = self.0.get(field.name).map(Vec::as_slice).unwrap_or_default();
            places.iter().filter_map(|place| Some((field.name, head.get(*place)?.as_str())))
        })
    }

    /// Fields and their columns as JSON: a column name, or an array if a field has several columns.
    #[must_use]
    pub fn json(&self, head: &[String]) -> Map<String, Json> {
        let mut told: Map<String, Json> = Map::new();
        for (field, column) in self.columns(head) {
            let column = Json::String(column.to_owned());
            match told.get_mut(field) {
                None => drop(told.insert(field.to_owned(), column)),
                Some(Json::Array(columns)) => columns.push(column),
                Some(one) => *one = Json::Array(vec![one.take(), column]),
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::Mapping;

    fn guessed(head: &str) -> String {
        let head: Vec<String> = head.split(',').map(|name| name.trim().to_owned()).collect();
        let mapping = Mapping::guessed(&head);
        let mut fields: Vec<_> = mapping.columns(&head).map(|(field, _)| field).collect();
        fields.dedup();
        fields.join(" ")
    }

    #[test]
    fn recognizes_exports_of_common_systems() {
        for (head, fields) in [
            // HubSpot
            (
                "Record ID, First Name, Last Name, Email, Phone Number, Job Title, City, State/Region, Country/Region, Associated Company, LinkedIn URL, Lead Status",
                "first_name last_name email phone job_title linkedin_url city region country company",
            ),
            // Salesforce
            (
                "Salutation,First Name,Last Name,Title,Account Name,Mailing City,Mailing State/Province,Mailing Country,Phone,Mobile,Email,Account Owner",
                "first_name last_name email phone job_title city region country company",
            ),
            // Apollo
            (
                "First Name,Last Name,Title,Company Name,Company Name for Emails,Email,Email Status,Work Direct Phone,# Employees,Industry,Person Linkedin Url,Website,Company Linkedin Url,City,State,Country",
                "first_name last_name email phone job_title linkedin_url city region country company website industry employee_count",
            ),
            // LinkedIn
            (
                "First Name,Last Name,URL,Email Address,Company,Position,Connected On",
                "first_name last_name email job_title linkedin_url company",
            ),
            // Pipedrive
            (
                "Person - Name,Person - Email - Work,Person - Phone - Work,Person - Job title,Organization - Name,Person - ID",
                "full_name email phone job_title company",
            ),
            ("Name, Organization, Email - Work, Phone - Work", "full_name email phone company"),
            (
                "Person - Name,Person - E-Mail - Arbeit,Person - Telefon - Arbeit,Organisation - Name",
                "full_name email phone company",
            ),
            (
                "Vorname,Nachname,E-Mail,Mobiltelefonnummer,Jobtitel,Name des Unternehmens,Land/Region",
                "first_name last_name email phone job_title country company",
            ),
            (
                "First Name,Last Name,Title,Company / Account,Email,State/Province",
                "first_name last_name email job_title region company",
            ),
            ("Vorname;Nachname;Firma".replace(';', ",").as_str(), "first_name last_name company"),
            (
                "Name,Email,Address,Company Address,Company City",
                "full_name email location company_address company_city",
            ),
            ("Name,Email,Address,Company City", "full_name email company_address company_city"),
            (
                "Name,E-Mail,Telefon,Branche,Land,Webseite",
                "full_name email phone country website industry",
            ),
        ] {
            assert_eq!(guessed(head), fields, "{head}");
        }
    }
}
