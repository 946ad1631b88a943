//! Verdicts on rows.

use engine::{
    error::{Error, Problem},
    record::Record,
    value::Value,
};
use entity::{crm::prospect, ingest::import_record};
use serde_json::Value as Json;

use super::{
    companies::{Companies, named},
    contact::Contact,
    file_duplicates::{DuplicateMatch, PreviousRows},
    lines::place,
    matching::{Candidate, Match, People, additions},
    name_index::best,
};
use crate::ingest::{
    import_record::{
        promotion,
        verdict::{CREATE, ERROR, MERGE_CANDIDATE, SKIP, UPDATE},
    },
    note::{Note, NoteCode},
};

/// The verdict on a row, with its reason.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    /// One of [`crate::ingest::import_record::VERDICTS`].
    pub(super) word: &'static str,
    notes: Vec<Note>,
    matched: Option<(&'static str, i64)>,
    candidates: Option<Json>,
    /// Whether an earlier row of the file is about the same person.
    pub(super) is_duplicate: bool,
}

impl Verdict {
    fn new(word: &'static str, notes: Vec<Note>) -> Self {
        Self { word, notes, matched: None, candidates: None, is_duplicate: false }
    }

    /// The verdict on an invalid row.
    pub(super) fn error(note: &Note) -> Self {
        Self::new(ERROR, vec![note.clone()])
    }

    /// The verdict on a row with match candidates.
    pub(super) fn maybe(candidates: &[Candidate], remarks: &[Note], seen: &PreviousRows) -> Self {
        let mut notes = Vec::new();
        if let Some(best) = candidates.first() {
            let why = best.reasons.join(", ");
            notes.push(match (best.prospect_id, best.record_index) {
                (Some(id), _) => {
                    Note::new(NoteCode::PossibleMatch, [&format!("Prospect:{id}"), &why])
                }
                (None, index) => {
                    let index = index.unwrap_or_default();
                    let row = place(index, seen.line(index));
                    Note::new(NoteCode::PossibleMatchInFile, [&row, &why])
                }
            });
        }
        notes.extend(remarks.iter().cloned());
        let candidates = serde_json::to_value(candidates).ok();
        Self { candidates, ..Self::new(MERGE_CANDIDATE, notes) }
    }

    /// The error for an invalid row.
    pub(super) fn refused(self) -> Error {
        Problem::invalid(engine::Reason::RecordInvalid, "id", Note::joined(&self.notes)).into()
    }

    /// Stores the verdict in a row, with the promotion status of a row that is not written yet.
    pub(super) fn put(self, record: &mut Record) {
        let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
        record.set(import_record::Column::Verdict, Value::Text(self.word.to_owned()));
        record.set(import_record::Column::Reason, text(Note::stored(&self.notes)));
        record.set(
            import_record::Column::Candidates,
            self.candidates.map_or(Value::Null, Value::Json),
        );
        let state = match self.word {
            SKIP if self.matched.is_some() => promotion::MATCHED,
            SKIP => promotion::REJECTED,
            ERROR => promotion::FAILED,
            _ => promotion::NONE,
        };
        record.set(import_record::Column::PromotionStatus, Value::Text(state.to_owned()));
        let (by, prospect) = self.matched.unzip();
        record.set(import_record::Column::MatchReason, text(by.map(str::to_owned)));
        record.set(import_record::Column::ProspectId, prospect.map_or(Value::Null, Value::Int));
    }

    /// Whether the row matches an existing prospect.
    pub(super) fn is_known(&self) -> bool {
        self.matched.is_some()
    }

    /// Whether a commit writes the row.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.word, SKIP | ERROR)
    }
}

/// Determines the verdict on a row. `remarks` lists the values that were omitted; `seen` contains the previous rows.
pub(super) fn judge(
    lead: &Contact,
    remarks: &[Note],
    people: &People,
    companies: &Companies,
    seen: &PreviousRows,
) -> Verdict {
    let with = |notes: Vec<Note>| notes.into_iter().chain(remarks.iter().cloned()).collect();
    let company = companies.of(lead);
    let before = seen.of(lead, company);
    let found = people.of(lead, company);
    if let Match::Known(person, by) = found {
        let is_duplicate = matches!(before, DuplicateMatch::Same(_));
        let added = additions(lead, |column| person.text(column));
        let earlier = match before {
            DuplicateMatch::Same(index) => seen.lead(index),
            _ => None,
        };
        let added: Vec<_> = added
            .into_iter()
            .filter(|(column, _)| earlier.is_none_or(|earlier| earlier.text(*column).is_empty()))
            .collect();
        let opts_out = lead.opted_out && !person.has(prospect::Column::UnsubscribedAt);
        let verdict = filled(&added, opts_out, &with, None);
        return Verdict { matched: Some((by, person.id())), is_duplicate, ..verdict };
    }
    if let DuplicateMatch::Same(index) = before
        && seen.is_undecided(index)
    {
        return Verdict { is_duplicate: true, ..Verdict::maybe(&[same_as(index)], remarks, seen) };
    }
    if let DuplicateMatch::Same(index) = before {
        let added = seen.lead(index).map(|earlier| additions(lead, |column| earlier.text(column)));
        let row = place(index, seen.line(index));
        let verdict = filled(&added.unwrap_or_default(), false, &with, Some(row));
        let candidates = serde_json::to_value([same_as(index)]).ok();
        return Verdict { is_duplicate: true, candidates, ..verdict };
    }
    let mut maybe = match found {
        Match::Maybe(candidates) => candidates,
        _ => Vec::new(),
    };
    if let DuplicateMatch::Maybe(candidates) = before {
        maybe.extend(candidates);
    }
    if !maybe.is_empty() {
        return Verdict::maybe(&best(maybe), remarks, seen);
    }
    if lead.email.is_none() {
        return Verdict::new(ERROR, with(vec![NoteCode::EmailMissing.into()]));
    }
    if company.is_none() && named(lead).is_none() {
        return Verdict::new(ERROR, with(vec![NoteCode::CompanyMissing.into()]));
    }
    if lead.opted_out || people.is_opted_out(lead) {
        return Verdict::new(CREATE, with(vec![NoteCode::OptedOut.into()]));
    }
    Verdict::new(CREATE, remarks.to_vec())
}

/// A match candidate that refers to the person of an earlier row.
fn same_as(row: usize) -> Candidate {
    let reasons = vec!["same e-mail address or profile".to_owned()];
    Candidate { prospect_id: None, record_index: Some(row), score: 1.0, reasons }
}

/// The verdict on a row that adds these values to an existing prospect, or to the person of the earlier row `row`.
fn filled(
    added: &[(prospect::Column, String)],
    opts_out: bool,
    with: &dyn Fn(Vec<Note>) -> Vec<Note>,
    row: Option<String>,
) -> Verdict {
    let mut notes: Vec<Note> =
        row.map(|row| Note::new(NoteCode::SamePerson, [&row])).into_iter().collect();
    let columns = added.iter().map(|(column, _)| column.name());
    let columns: Vec<_> = columns.chain(opts_out.then_some("opt-out")).collect();
    if columns.is_empty() {
        if notes.is_empty() {
            notes.push(NoteCode::NothingNew.into());
        }
        return Verdict::new(SKIP, with(notes));
    }
    notes.push(Note::new(NoteCode::FieldsFilled, [&columns.join(", ")]));
    Verdict::new(UPDATE, with(notes))
}
