//! Matches rows to existing prospects: a known prospect, match candidates that need a decision, or a new person.

use std::collections::{HashMap, HashSet};

use engine::{
    error::Result,
    normal_form::{email, person},
    record::Record,
    write::Unit,
};
use sea_orm::Value as Bind;
use serde::{Deserialize, Serialize};

use super::{
    contact::Contact,
    name_index::{IndexedPerson, NameIndex, best},
};
use crate::crm::{opt_out, prospect};

/// Minimum similarity at which two names may belong to the same person.
pub(super) const NEARLY: f64 = 0.9;

/// A match candidate of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Primary key of the prospect; omitted for a person of an earlier row of the same file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prospect_id: Option<i64>,
    /// The 0-based index of the earlier row of the same file that creates the prospect.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record_index: Option<usize>,
    /// Likelihood of the match, from 0 to 1.
    pub score: f64,
    /// Reasons for the match.
    pub reasons: Vec<String>,
}

/// Match result of a row.
#[derive(Clone, Debug)]
pub(super) enum Match {
    /// An existing prospect, and the column that matched.
    Known(Box<Record>, &'static str),
    /// One of these candidates, or a new person.
    Maybe(Vec<Candidate>),
    /// A new person.
    Nobody,
}

/// Existing prospects that some rows may match.
#[derive(Debug, Default)]
pub(super) struct People {
    by_email: HashMap<String, Record>,
    by_slug: HashMap<String, Record>,
    by_phone: HashMap<String, Record>,
    at_company: HashMap<i64, NameIndex<i64>>,
    /// E-mail addresses of the rows that have been opted out, regardless of which prospect has them.
    opted_out: HashSet<String>,
}

impl People {
    /// Reads the prospects that these rows, at these companies, may match, and the opted-out addresses. This requires
    /// five statements, and another statement for each level of merged prospects.
    pub(super) async fn load<'l>(
        unit: &Unit,
        leads: impl Iterator<Item = (&'l Contact, Option<i64>)> + Clone,
    ) -> Result<Self> {
        let mut people = Self::default();
        let emails: Vec<String> = leads.clone().filter_map(|(lead, _)| lead.email_key()).collect();
        people.by_email = found(unit, prospect::Column::EmailKey, emails.clone()).await?;
        people.opted_out = opt_out::of_addresses(unit, &emails).await?.into_keys().collect();
        let slugs = leads.clone().filter_map(|(lead, _)| lead.slug()).collect();
        people.by_slug = found(unit, prospect::Column::LinkedinKey, slugs).await?;
        let phones = leads.clone().filter_map(|(lead, _)| lead.phone.clone()).collect();
        people.by_phone = found(unit, prospect::Column::PhoneKey, phones).await?;
        let mut companies: Vec<i64> = leads.filter_map(|(_, company)| company).collect();
        companies.sort_unstable();
        companies.dedup();
        people.colleagues(unit, &companies).await?;
        Ok(people)
    }

    /// Reads the prospects of these companies.
    async fn colleagues(&mut self, unit: &Unit, companies: &[i64]) -> Result<()> {
        if companies.is_empty() {
            return Ok(());
        }
        let mut binds: Vec<Bind> = Vec::new();
        let engine = unit.scope().store().engine();
        let among = engine.among(companies, &mut binds);
        binds.push(unit.scope().organization().into());
        let sql = format!(
            "SELECT \"company_id\", \"id\", \"full_name\", \"email\" FROM \"prospects\" \
             WHERE \"company_id\" {among} AND {}\"organization_id\" = {{}} \
             AND \"deleted_at\" IS NULL ORDER BY \"id\"",
            engine.not_by()
        );
        for row in &unit.query(&sql, binds).await? {
            let (name, email): (String, _) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            let person = IndexedPerson::new(row.try_get_by_index(1)?, &name, email);
            self.at_company.entry(row.try_get_by_index(0)?).or_default().add(person);
        }
        Ok(())
    }

    /// Whether the address of a row is opted out.
    pub(super) fn is_opted_out(&self, lead: &Contact) -> bool {
        lead.email_key().is_some_and(|email| self.opted_out.contains(&email))
    }

    /// Matches a row of a person who works at `company`.
    pub(super) fn of(&self, lead: &Contact, company: Option<i64>) -> Match {
        let known = |person: &Record, by| Match::Known(Box::new(person.clone()), by);
        let key = lead.email_key();
        if let Some(person) = key.and_then(|email| self.by_email.get(&email)) {
            return match other_at_mailbox(lead, person.text(prospect::Column::FullName)) {
                Some(other) => {
                    Match::Maybe(vec![Candidate { prospect_id: Some(person.id()), ..other }])
                }
                None => known(person, "email"),
            };
        }
        if let Some(person) = lead.slug().and_then(|slug| self.by_slug.get(&slug)) {
            return known(person, "linkedin_url");
        }
        let mut maybe: Vec<Candidate> = Vec::new();
        if let Some(person) = lead.phone.as_ref().and_then(|phone| self.by_phone.get(phone)) {
            let other = person.text(prospect::Column::FullName);
            match on_one_line(lead, other) {
                Line::Same => return known(person, "phone"),
                Line::Maybe(candidate) => {
                    maybe.push(Candidate { prospect_id: Some(person.id()), ..candidate });
                }
                Line::Other => {}
            }
        }
        let pool = company.and_then(|key| self.at_company.get(&key));
        for (person, like) in pool.into_iter().flat_map(|pool| pool.like(lead.name())) {
            if maybe.iter().all(|one| one.prospect_id != Some(person.key)) {
                let id = Some(person.key);
                maybe.push(Candidate { prospect_id: id, ..colleague(lead, person, like) });
            }
        }
        if maybe.is_empty() { Match::Nobody } else { Match::Maybe(best(maybe)) }
    }
}

/// A candidate for a row that shares a role mailbox with a person named `other`, if the two names have no word in
/// common. Returns `None` if it is the same person.
pub(super) fn other_at_mailbox(lead: &Contact, other: &str) -> Option<Candidate> {
    let [own, other] = [lead.name(), other].map(person::folded);
    let is_other = email::is_role(lead.email.as_deref()?)
        && !own.is_empty()
        && !other.is_empty()
        && !person::share_a_word(&own, &other);
    is_other.then(|| Candidate {
        prospect_id: None,
        record_index: None,
        score: 0.5,
        reasons: vec!["same role mailbox, different name".to_owned()],
    })
}

/// Comparison of two rows with the same phone number.
pub(super) enum Line {
    /// The same person.
    Same,
    /// Possibly the same person.
    Maybe(Candidate),
    /// Two people who share a phone number, because many companies have only one number.
    Other,
}

/// Compares a row with a person named `other` who has the same phone number.
pub(super) fn on_one_line(lead: &Contact, other: &str) -> Line {
    let like = person::likeness(&person::folded(lead.name()), &person::folded(other));
    if like >= 1.0 {
        return Line::Same;
    }
    if like < NEARLY {
        return Line::Other;
    }
    Line::Maybe(Candidate {
        prospect_id: None,
        record_index: None,
        score: rounded(like * 0.9),
        reasons: vec!["same phone number, similar name".to_owned()],
    })
}

/// A candidate at the same company with a similar name.
pub(super) fn colleague<K>(lead: &Contact, person: &IndexedPerson<K>, like: f64) -> Candidate {
    let what = if like >= 1.0 { "same name" } else { "similar name" };
    let mut reasons = vec![format!("{what} at the same company")];
    let mut score = like * 0.9;
    if let (Some(own), Some(other)) = (&lead.email, &person.email)
        && !own.eq_ignore_ascii_case(other)
    {
        reasons.push("different e-mail address".to_owned());
        score -= 0.1;
    }
    let score = rounded(score);
    Candidate { prospect_id: None, record_index: None, score, reasons }
}

pub(super) fn rounded(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

/// Looks up prospects by the values of a key column. If several prospects have the same value, the oldest prospect that
/// is neither deleted nor marked as a duplicate is returned. A merged prospect is replaced by the prospect into which it was merged.
async fn found(
    unit: &Unit,
    column: prospect::Column,
    values: Vec<String>,
) -> Result<HashMap<String, Record>> {
    let mut found = HashMap::new();
    let mut merged: Vec<(String, i64)> = Vec::new();
    for person in rows(unit, column, Wanted::Texts(values)).await? {
        let key = person.text(column).to_owned();
        match person.number(prospect::Column::MergedIntoId) {
            Some(survivor) => merged.push((key, survivor)),
            None => {
                found.entry(key).or_insert(person);
            }
        }
    }
    merged.retain(|(key, _)| !found.contains_key(key));
    // The surviving prospect may have been merged again.
    while !merged.is_empty() {
        let keys = merged.iter().map(|(_, survivor)| *survivor).collect();
        let survivors = rows(unit, prospect::Column::Id, Wanted::Keys(keys)).await?;
        let mut next = Vec::new();
        for (key, survivor) in merged {
            let Some(person) = survivors.iter().find(|person| person.id() == survivor) else {
                continue;
            };
            match person.number(prospect::Column::MergedIntoId) {
                Some(survivor) => next.push((key, survivor)),
                None => {
                    found.entry(key).or_insert_with(|| person.clone());
                }
            }
        }
        merged = next;
    }
    Ok(found)
}

/// The values to look up.
enum Wanted {
    Texts(Vec<String>),
    Keys(Vec<i64>),
}

/// The prospects whose `column` has one of these values, oldest first, marked duplicates last. Merged prospects are included; other deleted
/// prospects are not.
async fn rows(unit: &Unit, column: prospect::Column, wanted: Wanted) -> Result<Vec<Record>> {
    let (table, column) = (prospect::table(), column.name());
    let mut binds: Vec<Bind> = vec![unit.scope().organization().into()];
    let among = match (unit.scope().engine(), wanted) {
        (_, Wanted::Texts(values)) if values.is_empty() => return Ok(Vec::new()),
        (engine, Wanted::Texts(values)) => engine.among_texts(values, &mut binds),
        (engine, Wanted::Keys(keys)) => engine.among(&keys, &mut binds),
    };
    let sql = format!(
        "SELECT {} FROM \"prospects\" WHERE \"organization_id\" = {{}} AND \"{column}\" {among} \
         AND (\"deleted_at\" IS NULL OR \"merged_into_id\" IS NOT NULL) \
         ORDER BY \"duplicate_of\" IS NOT NULL, \"id\"",
        table.column_list()
    );
    let rows = unit.query(&sql, binds).await?;
    rows.iter().map(|row| Record::read(table, row, 0)).collect()
}

/// The values that a row adds to a person: the values of the row for columns that are empty. `known` returns the
/// current value of a column.
pub(super) fn additions<'k>(
    lead: &Contact,
    known: impl Fn(prospect::Column) -> &'k str,
) -> Vec<(prospect::Column, String)> {
    let told = [
        (prospect::Column::Phone, &lead.phone),
        (prospect::Column::JobTitle, &lead.job_title),
        (prospect::Column::LinkedinUrl, &lead.linkedin_url),
        (prospect::Column::Location, &lead.location),
    ];
    told.into_iter()
        .filter_map(|(column, value)| {
            Some((column, value.clone().filter(|_| known(column).is_empty())?))
        })
        .collect()
}
