//! A normalized import row.

use engine::{
    error::{Error, Problem},
    normal_form::{
        country, domain, email, person, phone,
        placeholder::{is_placeholder, is_placeholder_name},
        profile, text,
    },
    record::Record,
    value::Value,
};
use entity::{crm::prospect, ingest::import_record};
use rlibphonenumber::Region;
use serde::{Deserialize, Serialize};

use super::{
    company_details::{CompanyDetails, shown},
    mapping::Mapping,
};
use crate::ingest::note::{Note, NoteCode};

/// Maximum length of a value, in characters.
const MAX_VALUE_LENGTH: usize = 255;

/// The values of a row about a person and their company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Contact {
    pub(super) full_name: Option<String>,
    /// Set only if the file has separate name columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    /// Set only if the file has separate name columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) job_title: Option<String>,
    pub(super) linkedin_url: Option<String>,
    pub(super) location: Option<String>,
    pub(super) company: Option<String>,
    pub(super) website: Option<String>,
    pub(super) size: Option<String>,
    pub(super) industry: Option<String>,
    #[serde(flatten)]
    pub(super) company_details: CompanyDetails,
    /// Whether the person has opted out of messages.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) opted_out: bool,
}

/// Messages about values that were omitted.
pub(super) type Remarks = Vec<Note>;

/// A parsed row with remarks about values that were omitted, or the reason why the row is invalid.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) lead: Contact,
    pub(super) outcome: Result<Remarks, Note>,
}

impl Contact {
    /// Parses and normalizes a row. The result contains the remarks, or the reason why the row is invalid.
    pub(super) fn read(mapping: &Mapping, row: &[String], country: Option<Region>) -> Read {
        let cell = |field: &str| mapping.cell(row, field);
        let text = |field: &str| cell(field).map(text::one_line);
        let name = |field| mapping.cells(row, field).find(|cell| !is_placeholder_name(cell));
        let name = |field| name(field).map(text::one_line);
        let mut remarks = Remarks::new();
        let (first_name, last_name, full_name) =
            match (name("first_name"), name("last_name"), name("full_name")) {
                (Some(first), Some(last), _) => {
                    let full_name = format!("{first} {last}");
                    (Some(first), Some(last), Some(full_name))
                }
                // A German file may have the columns `Vorname` (first name) and `Name` (last name).
                (Some(first), None, Some(name)) if !name.contains(&first) => {
                    let full_name = format!("{first} {name}");
                    (Some(first), Some(name), Some(full_name))
                }
                (first, last, name) => (None, None, name.or(first).or(last)),
            };
        let location = text("location").or_else(|| {
            // A person without a location is at the location of the company.
            let joined = |fields: [&str; 3]| {
                let parts: Vec<_> = fields.into_iter().filter_map(text).collect();
                (!parts.is_empty()).then(|| parts.join(", "))
            };
            joined(["city", "region", "country"])
                .or_else(|| joined(["company_city", "company_region", "company_country"]))
        });
        let own = |name| cell(name).map(str::to_owned);
        // The first valid value of several columns is used. If no value is valid, the first one is kept for the remark.
        let best = |name, read: &dyn Fn(&str) -> bool| {
            let found = mapping.cells(row, name).find(|cell| read(cell));
            found.or_else(|| cell(name)).map(str::to_owned)
        };
        // The country of the row takes precedence over the country of the import. A row with an unrecognized
        // country gets none, because its phone numbers don't belong to the country of the import.
        let country = match cell("country").or_else(|| cell("company_country")) {
            Some(named) => {
                let known = country::named(named);
                if known.is_none() && cell("phone").is_some() && cell("country").is_some() {
                    remarks.push(Note::new(NoteCode::CountryUnknown, [&shown(named)]));
                }
                known
            }
            None => country,
        };
        let job_title =
            mapping.cells(row, "job_title").find(|cell| !person::is_only_salutations(cell));
        let opted_out = mapping.cells(row, "opt_out").any(is_opt_out);
        let lead = Self {
            full_name,
            first_name,
            last_name,
            email: best("email", &|cell| email::read(cell).is_some()),
            phone: best("phone", &|cell| phone::read(cell, country).is_some()),
            job_title: job_title.map(text::one_line),
            linkedin_url: best("linkedin_url", &|cell| profile::read(cell).is_some()),
            location,
            company: own("company").map(|cell| first_company(&cell, &mut remarks)),
            website: own("website"),
            size: text("size").or_else(|| text("employee_count")),
            industry: text("industry"),
            company_details: CompanyDetails::read(mapping, row),
            opted_out,
        };
        lead.checked(country, remarks)
    }

    /// Normalizes addresses and phone numbers, and omits invalid values.
    fn checked(mut self, country: Option<Region>, mut remarks: Remarks) -> Read {
        let told = self.email.take();
        let read = told.as_deref().and_then(email::read);
        if let Some(others) = read.as_ref().map(|read| read.others).filter(|others| *others > 0) {
            remarks.push(Note::new(NoteCode::EmailsOmitted, [&others.to_string()]));
        }
        self.email = read.map(|read| read.address);
        let wrong = told.filter(|_| self.email.is_none());
        if let Some(told) = self.phone.take() {
            match phone::read(&told, country) {
                Some(read) => {
                    if let Some(extension) = &read.extension {
                        remarks.push(Note::new(NoteCode::ExtensionOmitted, [extension]));
                    }
                    if read.others > 0 {
                        let others = read.others.to_string();
                        remarks.push(Note::new(NoteCode::PhonesOmitted, [&others]));
                    }
                    self.phone = Some(read.number);
                }
                None => {
                    remarks.push(Note::new(NoteCode::PhoneUnreadable, [&shown(&told)]));
                }
            }
        }
        if let Some(told) = self.linkedin_url.take() {
            self.linkedin_url = profile::read(&told).map(|(url, _)| url);
            if self.linkedin_url.is_none() {
                remarks.push(Note::new(NoteCode::ProfileUnreadable, [&shown(&told)]));
            }
        }
        self.company_details.check(country, &mut remarks);
        if self.website.as_deref().is_some_and(|told| domain::host(told).is_none()) {
            let told = self.website.take().unwrap_or_default();
            remarks.push(Note::new(NoteCode::WebsiteUnreadable, [&shown(&told)]));
        }
        for (name, value) in [
            ("job_title", &mut self.job_title),
            ("linkedin_url", &mut self.linkedin_url),
            ("location", &mut self.location),
            ("website", &mut self.website),
            ("size", &mut self.size),
            ("industry", &mut self.industry),
        ] {
            if value.take_if(|value| value.chars().count() > MAX_VALUE_LENGTH).is_some() {
                remarks
                    .push(Note::new(NoteCode::ValueOmitted, [name, &MAX_VALUE_LENGTH.to_string()]));
            }
        }
        let long = |value: &Option<String>| {
            value.as_ref().is_some_and(|value| value.chars().count() > MAX_VALUE_LENGTH)
        };
        let too_long = [("full_name", &self.full_name), ("company", &self.company)];
        let too_long = too_long.into_iter().find(|(_, value)| long(value)).map(|(name, _)| name);
        if let Some(name) = too_long {
            return Read {
                lead: self,
                outcome: Err(Note::new(
                    NoteCode::ValueTooLong,
                    [name, &MAX_VALUE_LENGTH.to_string()],
                )),
            };
        }
        if let Some(told) = wrong {
            let note = Note::new(NoteCode::EmailUnreadable, [&shown(&told)]);
            return Read { lead: self, outcome: Err(note) };
        }
        if self.full_name.is_none() {
            return Read { lead: self, outcome: Err(NoteCode::NameMissing.into()) };
        }
        Read { lead: self, outcome: Ok(remarks) }
    }

    /// Applies corrections by a user; `None` clears a value.
    ///
    /// # Errors
    /// [`Error::Refused`] with the invalid values.
    pub(super) fn repaired(
        mut self,
        values: Vec<(&'static str, Option<String>)>,
        country: Option<Region>,
    ) -> engine::error::Result<Self> {
        for (name, value) in values {
            let place = match name {
                "full_name" => &mut self.full_name,
                "email" => &mut self.email,
                "phone" => &mut self.phone,
                "job_title" => &mut self.job_title,
                "linkedin_url" => &mut self.linkedin_url,
                "location" => &mut self.location,
                "company" => &mut self.company,
                "website" => &mut self.website,
                "size" => &mut self.size,
                "industry" => &mut self.industry,
                _ => match self.company_details.place(name) {
                    Some(place) => place,
                    None => continue,
                },
            };
            *place = value.map(|value| text::one_line(&value.replace('\0', "")));
            place.take_if(|value| is_placeholder(value));
            if name == "full_name" {
                (self.first_name, self.last_name) = (None, None);
            }
        }
        let Read { lead, outcome } = self.checked(country, Remarks::new());
        match outcome {
            Ok(remarks) if remarks.is_empty() => Ok(lead),
            Ok(remarks) => Err(Problem::invalid(
                engine::Reason::RecordInvalid,
                "patch",
                Note::joined(&remarks),
            )
            .into()),
            Err(note) => {
                Err(Problem::invalid(engine::Reason::RecordInvalid, "patch", note.message()).into())
            }
        }
    }

    /// Deserializes the mapped data of a row.
    ///
    /// # Errors
    /// [`Error::Internal`] if the row has no mapped data.
    pub(super) fn of(record: &Record) -> engine::error::Result<Self> {
        let Value::Json(mapped) = record.value(import_record::Column::MappedData) else {
            return Err(Error::internal("the row has no mapped data"));
        };
        Self::deserialize(mapped).map_err(|error| Error::internal(error.to_string()))
    }

    /// Stores the values in a row.
    ///
    /// # Errors
    /// [`Error::Internal`] if the values can't be serialized.
    pub(super) fn put(&self, record: &mut Record) -> engine::error::Result<()> {
        let mapped =
            serde_json::to_value(self).map_err(|error| Error::internal(error.to_string()))?;
        record.set(import_record::Column::MappedData, Value::Json(mapped));
        record
            .set(import_record::Column::Email, self.email.clone().map_or(Value::Null, Value::Text));
        Ok(())
    }

    /// Full name of the person.
    pub(super) fn name(&self) -> &str {
        self.full_name.as_deref().unwrap_or_default()
    }

    /// The value for a column of the prospect; empty if the row has none.
    pub(super) fn text(&self, column: prospect::Column) -> &str {
        let value = match column {
            prospect::Column::Phone => &self.phone,
            prospect::Column::JobTitle => &self.job_title,
            prospect::Column::LinkedinUrl => &self.linkedin_url,
            prospect::Column::Location => &self.location,
            _ => &None,
        };
        value.as_deref().unwrap_or_default()
    }

    /// The domain that identifies the company: the host of its website, or of a business e-mail address if it matches
    /// the company name.
    pub(super) fn domain(&self) -> Option<String> {
        let name = self.company.as_deref();
        let website = self.website.as_deref();
        if let Some(website) = website.and_then(|told| domain::own(told, name.unwrap_or_default()))
        {
            return Some(website);
        }
        let domain = domain::business(self.email.as_deref()?)?;
        name.is_none_or(|name| domain::names_company(&domain, name)).then_some(domain)
    }

    /// The slug of the LinkedIn profile.
    pub(super) fn slug(&self) -> Option<String> {
        profile::key(self.linkedin_url.as_deref()?)
    }

    /// The normalized e-mail address, used for comparison.
    pub(super) fn email_key(&self) -> Option<String> {
        email::key(self.email.as_deref()?)
    }
}

/// Returns the first of several companies in a cell, because HubSpot exports all companies of a contact.
fn first_company(cell: &str, remarks: &mut Remarks) -> String {
    let parts = cell.split([';', '\n']).flat_map(|part| part.split(":::"));
    let parts: Vec<String> =
        parts.map(text::one_line).filter(|part| !is_placeholder(part)).collect();
    let Some((first, others)) = parts.split_first() else { return text::one_line(cell) };
    if !others.is_empty() {
        remarks.push(Note::new(NoteCode::CompaniesOmitted, [&others.len().to_string()]));
    }
    first.clone()
}

/// Whether a cell of an opt-out column means that the person has opted out.
fn is_opt_out(cell: &str) -> bool {
    let word = person::folded(cell);
    matches!(
        word.as_str(),
        "1" | "true"
            | "yes"
            | "y"
            | "x"
            | "ja"
            | "j"
            | "wahr"
            | "oui"
            | "vrai"
            | "si"
            | "verdadero"
            | "vero"
            | "sim"
            | "tak"
            | "on"
            | "checked"
            | "unsubscribed"
            | "unsubscribe"
            | "opted out"
            | "opt out"
            | "optout"
            | "abgemeldet"
            | "do not contact"
            | "do not email"
            | "dnc"
            | "cleaned"
    )
}
