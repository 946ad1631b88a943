//! A row of a list as we would keep it.

use serde::{Deserialize, Serialize};

use super::{country, mapping::Mapping, normal};
use crate::{
    error::{Error, Problem},
    value::Value,
    web,
    write::Record,
};

/// The longest value, in characters.
const LONGEST: usize = 255;

/// What a row says of a person and their company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Lead {
    pub(super) full_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) job_title: Option<String>,
    pub(super) linkedin_url: Option<String>,
    pub(super) location: Option<String>,
    pub(super) company: Option<String>,
    pub(super) website: Option<String>,
    pub(super) size: Option<String>,
    pub(super) industry: Option<String>,
}

/// What is said of columns that can't be kept.
pub(super) type Remarks = Vec<String>;

/// A row that was read, with what had to be left out of it, or why nothing can be made of it.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) lead: Lead,
    pub(super) outcome: Result<Remarks, String>,
}

impl Lead {
    /// Reads a row; gives what had to be left out of it too.
    ///
    /// # Errors
    /// Why nothing can be made of it.
    pub(super) fn read(
        mapping: &Mapping,
        row: &[String],
        country: Option<phonenumber::country::Id>,
    ) -> Read {
        let cell = |field: &str| mapping.cell(row, field);
        let text = |field: &str| cell(field).map(normal::name);
        let parts: Vec<_> = ["first_name", "last_name"].into_iter().filter_map(text).collect();
        let full_name = if parts.is_empty() { text("full_name") } else { Some(parts.join(" ")) };
        let location = text("location").or_else(|| {
            let parts: Vec<_> =
                ["city", "region", "country"].into_iter().filter_map(text).collect();
            (!parts.is_empty()).then(|| parts.join(", "))
        });
        let own = |name| cell(name).map(str::to_owned);
        // Of several columns the first that can be read; what stands in the first is told of when none can.
        let best = |name, read: &dyn Fn(&str) -> bool| {
            let found = mapping.cells(row, name).find(|cell| read(cell));
            found.or_else(|| cell(name)).map(str::to_owned)
        };
        // A row says better where its numbers are from than the list does.
        let country = cell("country").and_then(country::named).or(country);
        let lead = Self {
            full_name,
            email: best("email", &|cell| normal::email(cell).is_some()),
            phone: best("phone", &|cell| normal::phone(cell, country).is_some()),
            job_title: text("job_title"),
            linkedin_url: best("linkedin_url", &|cell| normal::linkedin(cell).is_some()),
            location,
            company: text("company"),
            website: own("website"),
            size: text("size"),
            industry: text("industry"),
        };
        lead.checked(country)
    }

    /// As it is kept: addresses and numbers in one form, and without what can't be read.
    fn checked(mut self, country: Option<phonenumber::country::Id>) -> Read {
        let mut remarks = Remarks::new();
        let told = self.email.take();
        self.email = told.as_deref().and_then(normal::email);
        let wrong = told.filter(|_| self.email.is_none());
        if let Some(told) = self.phone.take() {
            self.phone = normal::phone(&told, country);
            if self.phone.is_none() {
                remarks.push(format!("the phone number `{}` can't be read", shown(&told)));
            }
        }
        if let Some(told) = self.linkedin_url.take() {
            self.linkedin_url = normal::linkedin(&told).map(|(url, _)| url);
            if self.linkedin_url.is_none() {
                remarks.push(format!("`{}` is no profile at LinkedIn", shown(&told)));
            }
        }
        if self.website.as_deref().is_some_and(|told| normal::own_domain(told).is_none()) {
            let told = self.website.take().unwrap_or_default();
            remarks.push(format!("`{}` is no website of a company", shown(&told)));
        }
        for (name, value) in [
            ("job_title", &mut self.job_title),
            ("linkedin_url", &mut self.linkedin_url),
            ("location", &mut self.location),
            ("website", &mut self.website),
            ("size", &mut self.size),
            ("industry", &mut self.industry),
        ] {
            if value.take_if(|value| value.chars().count() > LONGEST).is_some() {
                remarks
                    .push(format!("`{name}` is left out: it has more than {LONGEST} characters"));
            }
        }
        let long = |value: &Option<String>| {
            value.as_ref().is_some_and(|value| value.chars().count() > LONGEST)
        };
        let too_long = [("full_name", &self.full_name), ("company", &self.company)];
        let too_long = too_long.into_iter().find(|(_, value)| long(value)).map(|(name, _)| name);
        if let Some(name) = too_long {
            return Read {
                lead: self,
                outcome: Err(format!("`{name}` has more than {LONGEST} characters")),
            };
        }
        if let Some(told) = wrong {
            let reason = format!("`{}` is no e-mail address", shown(&told));
            return Read { lead: self, outcome: Err(reason) };
        }
        if self.full_name.is_none() {
            return Read { lead: self, outcome: Err("there is no name".to_owned()) };
        }
        Read { lead: self, outcome: Ok(remarks) }
    }

    /// With what a person says of it; an absent value is taken out.
    ///
    /// # Errors
    /// [`Error::Refused`] with what can't be read.
    pub(super) fn repaired(
        mut self,
        values: Vec<(&'static str, Option<String>)>,
        country: Option<phonenumber::country::Id>,
    ) -> crate::error::Result<Self> {
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
                _ => continue,
            };
            *place = value.map(|value| value.trim().replace('\0', "")).filter(|v| !v.is_empty());
        }
        let Read { lead, outcome } = self.checked(country);
        match outcome {
            Ok(remarks) if remarks.is_empty() => Ok(lead),
            Ok(remarks) => Err(Problem::invalid("patch", remarks.join("; ")).into()),
            Err(reason) => Err(Problem::invalid("patch", reason).into()),
        }
    }

    /// What was read of a row.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was not read.
    pub(super) fn of(record: &Record) -> crate::error::Result<Self> {
        let Value::Json(mapped) = record.value("mapped_data") else {
            return Err(Error::internal("a row that was not read"));
        };
        Self::deserialize(mapped).map_err(|error| Error::internal(error.to_string()))
    }

    /// Puts it into a row.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is no JSON.
    pub(super) fn put(&self, record: &mut Record) -> crate::error::Result<()> {
        let mapped =
            serde_json::to_value(self).map_err(|error| Error::internal(error.to_string()))?;
        record.set("mapped_data", Value::Json(mapped));
        record.set("email", self.email.clone().map_or(Value::Null, Value::Text));
        Ok(())
    }

    /// What the person is called.
    pub(super) fn name(&self) -> &str {
        self.full_name.as_deref().unwrap_or_default()
    }

    /// What it says of the person, by the name of a column; empty when it says nothing.
    pub(super) fn text(&self, column: &str) -> &str {
        let value = match column {
            "phone" => &self.phone,
            "job_title" => &self.job_title,
            "linkedin_url" => &self.linkedin_url,
            "location" => &self.location,
            _ => &None,
        };
        value.as_deref().unwrap_or_default()
    }

    /// What tells the company from others: the host of its website, or of a business address, where that may be the
    /// named company's.
    pub(super) fn domain(&self) -> Option<String> {
        if let Some(website) = self.website.as_deref().and_then(web::domain) {
            return Some(website);
        }
        let domain = normal::business_domain(self.email.as_deref()?)?;
        let name = self.company.as_deref();
        name.is_none_or(|name| normal::names_company(&domain, name)).then_some(domain)
    }

    /// The slug of the profile.
    pub(super) fn slug(&self) -> Option<String> {
        Some(normal::linkedin(self.linkedin_url.as_deref()?)?.1)
    }
}

/// As much of a cell as is shown.
fn shown(cell: &str) -> String {
    cell.chars().take(100).collect()
}
