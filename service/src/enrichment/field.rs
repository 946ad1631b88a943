//! Fields that can be enriched.

use engine::record::Record;
use entity::{crm::company, crm::prospect};
use serde::{Deserialize, Serialize};

use super::provider::Known;

/// A field of a person or a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Phone number of a person.
    Phone,
    /// Job title of a person.
    JobTitle,
    /// LinkedIn profile of a person.
    LinkedinUrl,
    /// Location of a person.
    Location,
    /// Website of a company.
    Website,
    /// Size class of a company.
    Size,
    /// Industry of a company, by its name.
    Industry,
}

/// All fields.
pub const FIELDS: [Field; 7] = [
    Field::Phone,
    Field::JobTitle,
    Field::LinkedinUrl,
    Field::Location,
    Field::Website,
    Field::Size,
    Field::Industry,
];

/// Placeholder for an unknown size.
const NO_SIZE: &str = "unknown";

/// Placeholders for an unknown industry: one used by imports, one used by the source documents.
const NO_INDUSTRY: [&str; 2] = ["Unknown", "Unclassified"];

impl Field {
    /// Name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::JobTitle => "job_title",
            Self::LinkedinUrl => "linkedin_url",
            Self::Location => "location",
            Self::Website => "website",
            Self::Size => "size",
            Self::Industry => "industry",
        }
    }

    /// Returns the field with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.name() == name)
    }

    /// Whether the field belongs to a company rather than a person.
    #[must_use]
    pub fn is_of_company(self) -> bool {
        matches!(self, Self::Website | Self::Size | Self::Industry)
    }

    /// The database column of the field.
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Industry => "industry_id",
            other => other.name(),
        }
    }

    /// The text of the field in a row of its table; empty if it is null. The industry is a reference and has no text.
    pub(super) fn text_in(self, row: &Record) -> &str {
        match self {
            Self::Phone => row.text(prospect::Column::Phone),
            Self::JobTitle => row.text(prospect::Column::JobTitle),
            Self::LinkedinUrl => row.text(prospect::Column::LinkedinUrl),
            Self::Location => row.text(prospect::Column::Location),
            Self::Website => row.text(company::Column::Website),
            Self::Size => row.text(company::Column::Size),
            Self::Industry => "",
        }
    }

    /// The known value of the field; empty if unknown.
    pub(super) fn current(self, known: &Known) -> &str {
        match self {
            Self::Phone => &known.phone,
            Self::JobTitle => &known.job_title,
            Self::LinkedinUrl => &known.linkedin_url,
            Self::Location => &known.location,
            Self::Website => &known.website,
            Self::Size => &known.size,
            Self::Industry => &known.industry,
        }
    }
}

/// The known values of a person and their company; placeholders count as unknown.
pub(super) fn known_values(person: &Record, company: &Record, industry: &str) -> Known {
    let unless = |text: &str, nothing: &[&str]| {
        let is_nothing = nothing.iter().any(|nothing| text.eq_ignore_ascii_case(nothing));
        if is_nothing { String::new() } else { text.to_owned() }
    };
    Known {
        full_name: person.text(prospect::Column::FullName).to_owned(),
        email: person.text(prospect::Column::Email).to_owned(),
        phone: person.text(prospect::Column::Phone).to_owned(),
        job_title: person.text(prospect::Column::JobTitle).to_owned(),
        linkedin_url: person.text(prospect::Column::LinkedinUrl).to_owned(),
        location: person.text(prospect::Column::Location).to_owned(),
        company_name: company.text(company::Column::Name).to_owned(),
        website: company.text(company::Column::Website).to_owned(),
        size: unless(company.text(company::Column::Size), &[NO_SIZE]),
        industry: unless(industry, &NO_INDUSTRY),
    }
}

/// Data completeness, from 0 to 1. Name, e-mail address and company are always known.
pub(super) fn completeness(known: &Known) -> f64 {
    let filled = FIELDS.iter().filter(|field| !field.current(known).is_empty()).count();
    #[expect(clippy::cast_precision_loss, reason = "there are only a few fields")]
    let part = (filled + 3) as f64 / (FIELDS.len() + 3) as f64;
    (part * 10_000.0).round() / 10_000.0
}
