//! Whom a row of a list is about: somebody we know, somebody new, or one that a person has to decide on.

use std::collections::{HashMap, HashSet};

use sea_orm::Value as Bind;
use serde::{Deserialize, Serialize};

use super::{
    lead::Lead,
    pool::{Person, Pool, best},
};
use crate::{
    crm::{opt_out, prospect},
    error::Result,
    normal_form::{email, person},
    store::Engine,
    table::Kind,
    value::Value,
    write::{Record, Unit},
};

/// From this likeness on two names may be of one person.
pub(super) const NEARLY: f64 = 0.9;

/// Somebody a row may be about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The key of the prospect; absent for one who stands in the same list before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prospect_id: Option<i64>,
    /// The row of the same list, from 0, that the prospect would be made of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record_index: Option<usize>,
    /// How likely it is, from 0 to 1.
    pub score: f64,
    /// Why.
    pub reasons: Vec<String>,
}

/// Whom a row is about.
#[derive(Clone, Debug)]
pub(super) enum Match {
    /// Somebody we know, and by what.
    Known(Box<Record>, &'static str),
    /// One of these, or somebody new.
    Maybe(Vec<Candidate>),
    /// Somebody new.
    Nobody,
}

/// Whom we know among the people of some rows.
#[derive(Debug, Default)]
pub(super) struct People {
    by_email: HashMap<String, Record>,
    by_slug: HashMap<String, Record>,
    by_phone: HashMap<String, Record>,
    at_company: HashMap<i64, Pool<i64>>,
    /// Unsubscribed addresses among the rows, whichever prospect has them.
    opted_out: HashSet<String>,
}

impl People {
    /// Reads whom these rows, at these companies, may be about, and which of their addresses are opted out. Five
    /// statements, and one more for rows that were merged into others.
    pub(super) async fn load<'l>(
        unit: &Unit,
        leads: impl Iterator<Item = (&'l Lead, Option<i64>)> + Clone,
    ) -> Result<Self> {
        let mut people = Self::default();
        let emails: Vec<String> = leads.clone().filter_map(|(lead, _)| lead.email_key()).collect();
        people.by_email = found(unit, "email_key", emails.clone()).await?;
        people.opted_out = opt_out::of_addresses(unit, &emails).await?.into_keys().collect();
        let slugs = leads.clone().filter_map(|(lead, _)| lead.slug()).collect();
        people.by_slug = found(unit, "linkedin_key", slugs).await?;
        let phones = leads.clone().filter_map(|(lead, _)| lead.phone.clone()).collect();
        people.by_phone = found(unit, "phone_key", phones).await?;
        let mut companies: Vec<i64> = leads.filter_map(|(_, company)| company).collect();
        companies.sort_unstable();
        companies.dedup();
        people.colleagues(unit, &companies).await?;
        Ok(people)
    }

    /// Reads who is at these companies.
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
            let person = Person::new(row.try_get_by_index(1)?, &name, email);
            self.at_company.entry(row.try_get_by_index(0)?).or_default().add(person);
        }
        Ok(())
    }

    /// Whether the address of a row is opted out.
    pub(super) fn is_opted_out(&self, lead: &Lead) -> bool {
        lead.email_key().is_some_and(|email| self.opted_out.contains(&email))
    }

    /// Whom a row is about, who works at `company`.
    pub(super) fn of(&self, lead: &Lead, company: Option<i64>) -> Match {
        let known = |person: &Record, by| Match::Known(Box::new(person.clone()), by);
        let key = lead.email_key();
        if let Some(person) = key.and_then(|email| self.by_email.get(&email)) {
            return match other_at_mailbox(lead, person.text("full_name")) {
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
            let other = person.text("full_name");
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

/// Who a row with the address of somebody called `other` may be, where the mailbox is that of a role and their names have
/// no word in common; nothing where it is the same person.
pub(super) fn other_at_mailbox(lead: &Lead, other: &str) -> Option<Candidate> {
    let [own, other] = [lead.name(), other].map(person::folded);
    let is_other = email::is_role(lead.email.as_deref()?)
        && !own.is_empty()
        && !other.is_empty()
        && !person::share_a_word(&own, &other);
    is_other.then(|| Candidate {
        prospect_id: None,
        record_index: None,
        score: 0.5,
        reasons: vec!["the same mailbox of a role, another name".to_owned()],
    })
}

/// Whom two people on one phone number are.
pub(super) enum Line {
    /// One person.
    Same,
    /// Maybe one.
    Maybe(Candidate),
    /// Two, who share a number: many companies have one only.
    Other,
}

/// What it means that a row has the phone number of somebody who is called `other`.
pub(super) fn on_one_line(lead: &Lead, other: &str) -> Line {
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
        reasons: vec!["the same phone number, a similar name".to_owned()],
    })
}

/// Somebody at the same company with nearly the same name.
pub(super) fn colleague<K>(lead: &Lead, person: &Person<K>, like: f64) -> Candidate {
    let what = if like >= 1.0 { "the same name" } else { "nearly the same name" };
    let mut reasons = vec![format!("{what} at the same company")];
    let mut score = like * 0.9;
    if let (Some(own), Some(other)) = (&lead.email, &person.email)
        && !own.eq_ignore_ascii_case(other)
    {
        reasons.push("another e-mail address".to_owned());
        score -= 0.1;
    }
    let score = rounded(score);
    Candidate { prospect_id: None, record_index: None, score, reasons }
}

pub(super) fn rounded(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

/// The prospects whose comparison column is one of `values`, by these: the oldest that is not deleted; for one that was
/// merged into another, that other.
async fn found(unit: &Unit, column: &str, values: Vec<String>) -> Result<HashMap<String, Record>> {
    let mut found = HashMap::new();
    let mut merged: Vec<(String, i64)> = Vec::new();
    for person in rows(unit, column, Wanted::Texts(values)).await? {
        let key = person.text(column).to_owned();
        match person.number("merged_into_id") {
            Some(survivor) => merged.push((key, survivor)),
            None => {
                found.entry(key).or_insert(person);
            }
        }
    }
    merged.retain(|(key, _)| !found.contains_key(key));
    // Who was merged may have been merged again.
    while !merged.is_empty() {
        let keys = merged.iter().map(|(_, survivor)| *survivor).collect();
        let survivors = rows(unit, "id", Wanted::Keys(keys)).await?;
        let mut next = Vec::new();
        for (key, survivor) in merged {
            let Some(person) = survivors.iter().find(|person| person.id() == survivor) else {
                continue;
            };
            match person.number("merged_into_id") {
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

/// What a column is to be.
enum Wanted {
    Texts(Vec<String>),
    Keys(Vec<i64>),
}

/// The prospects, not deleted or merged into others, whose `column` is one of these: the oldest first.
async fn rows(unit: &Unit, column: &str, wanted: Wanted) -> Result<Vec<Record>> {
    let table = prospect::table();
    let mut binds: Vec<Bind> = vec![unit.scope().organization().into()];
    let among = match (unit.scope().engine(), wanted) {
        (_, Wanted::Texts(values)) if values.is_empty() => return Ok(Vec::new()),
        (Engine::Postgres, Wanted::Texts(values)) => {
            binds.push(Value::array(values.into_iter().map(Value::Text).collect(), Kind::Text));
            "= ANY({})"
        }
        (Engine::Sqlite, Wanted::Texts(values)) => {
            binds.push(serde_json::Value::from(values).to_string().into());
            "IN (SELECT value FROM json_each({}))"
        }
        (engine, Wanted::Keys(keys)) => engine.among(&keys, &mut binds),
    };
    let sql = format!(
        "SELECT {} FROM \"prospects\" WHERE \"organization_id\" = {{}} AND \"{column}\" {among} \
         AND (\"deleted_at\" IS NULL OR \"merged_into_id\" IS NOT NULL) ORDER BY \"id\"",
        table.column_list()
    );
    let rows = unit.query(&sql, binds).await?;
    rows.iter().map(|row| Record::read(table, row, 0)).collect()
}

/// What a row adds to somebody of whom `known` tells the columns: those that are empty, with their new values.
pub(super) fn additions<'k>(
    lead: &Lead,
    known: impl Fn(&'static str) -> &'k str,
) -> Vec<(&'static str, String)> {
    let told = [
        ("phone", &lead.phone),
        ("job_title", &lead.job_title),
        ("linkedin_url", &lead.linkedin_url),
        ("location", &lead.location),
    ];
    told.into_iter()
        .filter_map(|(column, value)| {
            Some((column, value.clone().filter(|_| known(column).is_empty())?))
        })
        .collect()
}
