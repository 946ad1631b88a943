//! Which column of a list is what: guessed from its name, as the exports of usual systems write it.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value as Json};

use crate::{
    error::{Error, Result},
    vocabulary::{Word, word},
};

/// What a column can be.
pub const FIELDS: &[Word] = &[
    word("full_name", "First and last name."),
    word("first_name", "First name."),
    word("last_name", "Last name."),
    word("email", "E-mail address."),
    word("phone", "Phone number."),
    word("job_title", "What the person does."),
    word("linkedin_url", "LinkedIn profile."),
    word("location", "Where the person is."),
    word("city", "City, for the location."),
    word("region", "State or region, for the location."),
    word("country", "Country, for the location."),
    word("company", "Name of the company."),
    word("website", "Website or domain of the company."),
    word("size", "Size class of the company, or how many work there."),
    word("industry", "Industry of the company."),
];

/// The names of columns in exports of HubSpot, Salesforce, Apollo, LinkedIn and Pipedrive, and in lists of one's own in
/// English and German; only letters and numbers, in lower case. Of several columns for one field the first name here
/// counts, so the better ones stand before.
const NAMES: &[(&str, &[&str])] = &[
    (
        "full_name",
        &[
            "fullname",
            "name",
            "contactname",
            "personname",
            "leadname",
            "kontakt",
            "ansprechpartner",
            "vollername",
            "contact",
            "person",
        ],
    ),
    (
        "first_name",
        &["firstname", "givenname", "vorname", "personfirstname", "contactfirstname", "first"],
    ),
    (
        "last_name",
        &[
            "lastname",
            "surname",
            "familyname",
            "nachname",
            "familienname",
            "personlastname",
            "contactlastname",
            "last",
        ],
    ),
    (
        "email",
        &[
            "email",
            "emailaddress",
            "workemail",
            "businessemail",
            "personemailwork",
            "personemail",
            "contactemail",
            "mail",
            "emailadresse",
            "primaryemail",
            "email1",
            "personemailother",
            "secondaryemail",
        ],
    ),
    (
        "phone",
        &[
            "phone",
            "phonenumber",
            "workdirectphone",
            "mobilephone",
            "mobile",
            "mobilephonenumber",
            "personphonework",
            "personphonemobile",
            "personphone",
            "workphone",
            "businessphone",
            "directphone",
            "telefon",
            "telefonnummer",
            "mobil",
            "handy",
            "corporatephone",
            "companyphone",
            "telephone",
            "tel",
        ],
    ),
    (
        "job_title",
        &[
            "jobtitle",
            "title",
            "position",
            "role",
            "personjobtitle",
            "funktion",
            "rolle",
            "berufsbezeichnung",
            "stelle",
        ],
    ),
    (
        "linkedin_url",
        &[
            "linkedinurl",
            "personlinkedinurl",
            "linkedinprofileurl",
            "linkedin",
            "linkedinprofile",
            "linkedinbio",
            "hslinkedinurl",
            "profileurl",
            "url",
            "personlinkedin",
        ],
    ),
    ("location", &["location", "persongeography", "ort", "standort", "address", "mailingaddress"]),
    ("city", &["city", "mailingcity", "stadt", "personcity", "contactcity"]),
    (
        "region",
        &[
            "state",
            "stateregion",
            "mailingstate",
            "mailingstateprovince",
            "region",
            "province",
            "bundesland",
        ],
    ),
    ("country", &["country", "countryregion", "mailingcountry", "land", "personcountry"]),
    (
        "company",
        &[
            "companyname",
            "company",
            "accountname",
            "organizationname",
            "organization",
            "organisation",
            "personorganization",
            "associatedcompany",
            "primaryassociatedcompany",
            "companynameforemails",
            "firma",
            "unternehmen",
            "firmenname",
            "employer",
            "account",
        ],
    ),
    (
        "website",
        &[
            "website",
            "companydomainname",
            "companydomain",
            "domain",
            "websiteurl",
            "companywebsite",
            "organizationwebsite",
            "webseite",
            "homepage",
            "companyurl",
            "accountwebsite",
        ],
    ),
    (
        "size",
        &[
            "employees",
            "numberofemployees",
            "companysize",
            "headcount",
            "size",
            "mitarbeiter",
            "mitarbeiterzahl",
            "employeecount",
        ],
    ),
    ("industry", &["industry", "companyindustry", "branche", "sector", "organizationindustry"]),
];

/// Which columns each field comes from, by their places in the head: the first that is not empty counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(BTreeMap<&'static str, Vec<usize>>);

/// How many fields the names of columns tell.
pub(super) fn known(head: &[String]) -> usize {
    Mapping::guessed(head).0.len()
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Mapping {
    /// What the names of columns say.
    #[must_use]
    pub fn guessed(head: &[String]) -> Self {
        let plain: Vec<String> = head.iter().map(|name| self::plain(name)).collect();
        let mut mapping = BTreeMap::new();
        for (field, names) in NAMES {
            let places =
                names.iter().filter_map(|name| plain.iter().position(|known| known == name));
            let mut places: Vec<usize> = places.collect();
            let mut seen = HashSet::new();
            places.retain(|place| seen.insert(*place));
            if !places.is_empty() {
                mapping.insert(*field, places);
            }
        }
        Self(mapping)
    }

    /// With what a person says: the name of a column, and the field it is; an empty field leaves the column out.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is no such column or field.
    pub fn told(mut self, head: &[String], told: &[(String, String)]) -> Result<Self> {
        for (column, field) in told {
            let place = head
                .iter()
                .position(|name| name == column)
                .or_else(|| head.iter().position(|name| name.eq_ignore_ascii_case(column)));
            let Some(place) = place else {
                let message =
                    format!("there is no column `{column}`; there are {}", head.join(", "));
                return Err(Error::invalid("map", message));
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
                    format!("there is no field `{field}`; there are {}", fields.join(", "));
                return Err(Error::invalid("map", message));
            };
            self.0.insert(field.name, vec![place]);
        }
        Ok(self)
    }

    /// The cell of a row that holds `field`; nothing when it is empty.
    #[must_use]
    pub fn cell<'r>(&self, row: &'r [String], field: &str) -> Option<&'r str> {
        let cells = self.0.get(field)?.iter().filter_map(|place| row.get(*place));
        cells.map(String::as_str).find(|cell| !cell.is_empty())
    }

    /// Fields and the names of their columns, in the order of [`FIELDS`].
    pub fn columns<'h>(&self, head: &'h [String]) -> impl Iterator<Item = (&'static str, &'h str)> {
        FIELDS.iter().flat_map(|field| {
            let places = self.0.get(field.name).map(Vec::as_slice).unwrap_or_default();
            places.iter().filter_map(|place| Some((field.name, head.get(*place)?.as_str())))
        })
    }

    /// Fields and their columns as JSON: the name of a column, or a list where there are several.
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
    fn the_exports_of_usual_systems_are_known() {
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
                "first_name last_name email phone job_title linkedin_url city region country company website size industry",
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
            ("Vorname;Nachname;Firma".replace(';', ",").as_str(), "first_name last_name company"),
            (
                "Name,E-Mail,Telefon,Branche,Land,Webseite",
                "full_name email phone country website industry",
            ),
        ] {
            assert_eq!(guessed(head), fields, "{head}");
        }
    }
}
