//! Previous rows of a file, for detecting duplicates within the file.

use std::collections::{HashMap, HashSet};

use engine::normal_form::company;

use super::{
    contact::Contact,
    matching::{Candidate, Line, colleague, on_one_line, other_at_mailbox},
    name_index::{IndexedPerson, NameIndex, best},
    verdict::Verdict,
};
use crate::ingest::import_record::verdict;

/// Match of a row against the previous rows.
#[derive(Debug)]
pub(super) enum DuplicateMatch {
    /// The same person as in the row with this index.
    Same(usize),
    /// Possibly one of these candidates.
    Maybe(Vec<Candidate>),
    /// No match.
    Nobody,
}

/// Index of the previous rows.
#[derive(Debug, Default)]
pub(super) struct PreviousRows {
    leads: HashMap<usize, Contact>,
    lines: HashMap<usize, u64>,
    undecided: HashSet<usize>,
    by_email: HashMap<String, usize>,
    by_slug: HashMap<String, usize>,
    by_phone: HashMap<String, usize>,
    at_company: HashMap<String, NameIndex<usize>>,
}

/// The lookup keys of the company of a row.
fn companies(lead: &Contact, known: Option<i64>) -> Vec<String> {
    let mut names = Vec::new();
    names.extend(known.map(|key| format!("#{key}")));
    names.extend(lead.domain().map(|domain| format!("@{domain}")));
    names.extend(lead.company.as_deref().map(company::key));
    names
}

impl PreviousRows {
    /// Adds a row with its index, line and verdict. `known` is the existing company of the row, if any.
    pub(super) fn note(
        &mut self,
        (index, line): (usize, u64),
        lead: &Contact,
        known: Option<i64>,
        verdict: &Verdict,
    ) {
        self.lines.insert(index, line);
        if verdict.word == verdict::ERROR {
            return;
        }
        if verdict.word == verdict::MERGE_CANDIDATE {
            self.undecided.insert(index);
        }
        if let DuplicateMatch::Same(first) = self.of(lead, known) {
            self.fill(first, lead);
        }
        for (names, name) in [
            (&mut self.by_email, lead.email_key()),
            (&mut self.by_slug, lead.slug()),
            (&mut self.by_phone, lead.phone.clone()),
        ] {
            if let Some(name) = name {
                names.entry(name).or_insert(index);
            }
        }
        // Existing prospects are matched by the database.
        let names = if verdict.is_known() { Vec::new() } else { companies(lead, known) };
        for name in names {
            let person = IndexedPerson::new(index, lead.name(), lead.email.clone());
            self.at_company.entry(name).or_default().add(person);
        }
        self.leads.insert(index, lead.clone());
    }

    /// The line in which a row begins; 0 if unknown.
    pub(super) fn line(&self, index: usize) -> u64 {
        self.lines.get(&index).copied().unwrap_or_default()
    }

    /// Whether a row needs a decision.
    pub(super) fn is_undecided(&self, index: usize) -> bool {
        self.undecided.contains(&index)
    }

    /// The values of a row, including the values that later duplicates have added.
    pub(super) fn lead(&self, index: usize) -> Option<&Contact> {
        self.leads.get(&index)
    }

    /// Adds the values of a duplicate to the row `index`.
    fn fill(&mut self, index: usize, more: &Contact) {
        let Some(lead) = self.leads.get_mut(&index) else { return };
        for (own, more) in [
            (&mut lead.phone, &more.phone),
            (&mut lead.job_title, &more.job_title),
            (&mut lead.linkedin_url, &more.linkedin_url),
            (&mut lead.location, &more.location),
        ] {
            if own.is_none() {
                own.clone_from(more);
            }
        }
    }

    /// Matches a row against the previous rows.
    pub(super) fn of(&self, lead: &Contact, known: Option<i64>) -> DuplicateMatch {
        let same = lead.email_key().and_then(|email| self.by_email.get(&email));
        let other = same.and_then(|index| {
            let other = other_at_mailbox(lead, self.lead(*index)?.name())?;
            Some(Candidate { record_index: Some(*index), ..other })
        });
        let same = same.filter(|_| other.is_none());
        if let Some(index) = same.or_else(|| self.by_slug.get(&lead.slug()?)) {
            return DuplicateMatch::Same(*index);
        }
        let mut maybe: Vec<Candidate> = other.into_iter().collect();
        let phone = lead.phone.as_ref().and_then(|phone| self.by_phone.get(phone));
        if let Some((index, other)) = phone.and_then(|index| Some((*index, self.lead(*index)?))) {
            match on_one_line(lead, other.name()) {
                Line::Same => return DuplicateMatch::Same(index),
                Line::Maybe(candidate) => {
                    maybe.push(Candidate { record_index: Some(index), ..candidate });
                }
                Line::Other => {}
            }
        }
        for name in companies(lead, known) {
            let pool = self.at_company.get(&name);
            for (person, like) in pool.into_iter().flat_map(|pool| pool.like(lead.name())) {
                if maybe.iter().all(|one| one.record_index != Some(person.key)) {
                    let index = Some(person.key);
                    maybe.push(Candidate { record_index: index, ..colleague(lead, person, like) });
                }
            }
        }
        if maybe.is_empty() { DuplicateMatch::Nobody } else { DuplicateMatch::Maybe(best(maybe)) }
    }
}
