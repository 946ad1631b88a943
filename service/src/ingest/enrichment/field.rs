//! The fields that can be found out.

use serde::{Deserialize, Serialize};

use super::provider::Known;
use crate::{
    error::Result,
    offer::industry,
    write::{Record, Unit},
};

/// A field of a person or a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Phone number of a person.
    Phone,
    /// What a person does.
    JobTitle,
    /// Profile of a person.
    LinkedinUrl,
    /// Where a person is.
    Location,
    /// Website of a company.
    Website,
    /// Size class of a company.
    Size,
    /// Industry of a company, by its name.
    Industry,
}

/// All of them.
pub const FIELDS: [Field; 7] = [
    Field::Phone,
    Field::JobTitle,
    Field::LinkedinUrl,
    Field::Location,
    Field::Website,
    Field::Size,
    Field::Industry,
];

/// What stands for a size that nobody knows.
const NO_SIZE: &str = "unknown";

/// What stands for an industry that nobody knows: as lists write it, and as the documents do.
const NO_INDUSTRY: [&str; 2] = ["Unknown", "Unclassified"];

impl Field {
    /// Its name.
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

    /// The one with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        FIELDS.into_iter().find(|field| field.name() == name)
    }

    /// Whether it is a company's, and not a person's.
    #[must_use]
    pub fn is_of_company(self) -> bool {
        matches!(self, Self::Website | Self::Size | Self::Industry)
    }

    /// The column that holds it.
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Industry => "industry_id",
            other => other.name(),
        }
    }

    /// What is known of it; empty where nothing is.
    pub(super) fn known(self, known: &Known) -> &str {
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

/// What is known of a person and their company, what stands for nothing left out.
pub(super) async fn known(unit: &mut Unit, person: &Record, company: &Record) -> Result<Known> {
    let id = company.number("industry_id").unwrap_or_default();
    let industry = unit.peek(industry::table(), id).await?;
    let industry = industry.as_ref().map_or("", |industry| industry.text("name"));
    Ok(told(person, company, industry))
}

pub(super) fn told(person: &Record, company: &Record, industry: &str) -> Known {
    let unless = |text: &str, nothing: &[&str]| {
        let is_nothing = nothing.iter().any(|nothing| text.eq_ignore_ascii_case(nothing));
        if is_nothing { String::new() } else { text.to_owned() }
    };
    Known {
        full_name: person.text("full_name").to_owned(),
        email: person.text("email").to_owned(),
        phone: person.text("phone").to_owned(),
        job_title: person.text("job_title").to_owned(),
        linkedin_url: person.text("linkedin_url").to_owned(),
        location: person.text("location").to_owned(),
        company_name: company.text("name").to_owned(),
        website: company.text("website").to_owned(),
        size: unless(company.text("size"), &[NO_SIZE]),
        industry: unless(industry, &NO_INDUSTRY),
    }
}

/// Which part of what can be known is known, from 0 to 1: name, address and company are always.
pub(super) fn completeness(known: &Known) -> f64 {
    let filled = FIELDS.iter().filter(|field| !field.known(known).is_empty()).count();
    #[expect(clippy::cast_precision_loss, reason = "a handful of fields")]
    let part = (filled + 3) as f64 / (FIELDS.len() + 3) as f64;
    (part * 10_000.0).round() / 10_000.0
}
