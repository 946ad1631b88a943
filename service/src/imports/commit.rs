//! Writes rows of a previewed import.

use std::collections::{HashMap, HashSet};

use engine::{
    error::{Error, Problem, Result},
    record::Record,
    value::Value,
    write::{Input, Unit, row},
};
use serde_json::json;

use super::{
    companies::Companies,
    contact::Contact,
    file_duplicates::PreviousRows,
    matching::{Candidate, Line, Match, People, additions, on_one_line},
    rows::{self, Done},
    verdict::Verdict,
};
use crate::{
    crm::prospect,
    ingest::{
        import_job,
        import_record::{self, promotion, verdict},
        note::{Note, NoteCode},
    },
};

/// Counters of written rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) skipped: i64,
    pub(super) failed: i64,
}

/// The next rows of a job to write. Rows that need a decision are included if they have one, or if `decision` applies
/// to all of them.
pub(super) async fn next(unit: &Unit, job: i64, decision: &str) -> Result<Vec<Record>> {
    let open = format!("\"promotion_status\" = '{}'", promotion::NONE);
    let condition = match decision {
        "wait" => format!(
            "{open} AND (\"verdict\" <> '{}' OR \"decision\" IS NOT NULL)",
            verdict::MERGE_CANDIDATE
        ),
        _ => open,
    };
    rows::next(unit, job, &condition, "ASC").await
}

/// Writes the given rows of a job and records the results. Each row is matched again, because prospects may have
/// changed since the preview.
pub(super) async fn write(
    unit: &mut Unit,
    records: &[Record],
    decision: &str,
    companies: &mut Companies,
) -> Result<Written> {
    let mut written = Written::default();
    if records.is_empty() {
        return Ok(written);
    }
    // Without this lock, two concurrent imports could create the same company twice.
    unit.advisory_lock(import_job::table(), "companies").await?;
    companies.refresh(unit).await?;
    let leads: Vec<Contact> = records.iter().map(Contact::of).collect::<Result<_>>()?;
    let all: Vec<(&Record, &Contact)> = records.iter().zip(&leads).collect();
    let mut left = all;
    while !left.is_empty() {
        let mut chunk =
            Chunk { decision, companies: &mut *companies, done: Vec::new(), made: Vec::new() };
        left = chunk.write(unit, &left).await?;
        rows::keep(unit, &chunk.done).await?;
        for done in &chunk.done {
            match done.status {
                promotion::CREATED => written.created += 1,
                promotion::MATCHED if done.revision.is_some() => written.updated += 1,
                promotion::FAILED => written.failed += 1,
                promotion::NONE => {}
                _ => written.skipped += 1,
            }
        }
    }
    Ok(written)
}

/// The state of a pass, which writes several rows together.
struct Chunk<'c, 'r> {
    decision: &'c str,
    companies: &'c mut Companies,
    done: Vec<Done>,
    /// Prospects to insert, with the index of their row in `done`.
    made: Vec<(usize, Record, &'r Contact)>,
}

impl<'r> Chunk<'_, 'r> {
    /// Writes rows. Returns the rows about people created in this pass; these rows must wait for the next pass.
    async fn write(
        &mut self,
        unit: &mut Unit,
        all: &[(&'r Record, &'r Contact)],
    ) -> Result<Vec<(&'r Record, &'r Contact)>> {
        let emails = all.iter().filter_map(|(_, lead)| lead.email_key()).collect();
        unit.advisory_locks(prospect::table(), emails).await?;
        let people = {
            let companies = &*self.companies;
            let with_company = all.iter().map(|(_, lead)| (*lead, companies.of(lead)));
            People::load(unit, with_company).await?
        };
        let matches: Vec<Match> =
            all.iter().map(|(_, lead)| people.of(lead, self.companies.of(lead))).collect();
        let mut known: Vec<i64> = Vec::new();
        for ((record, _), found) in all.iter().zip(&matches) {
            match found {
                Match::Known(person, _) => known.push(person.id()),
                Match::Maybe(candidates) if self.decision_on(record) == "merge" => {
                    known.extend(candidates.iter().filter_map(|candidate| candidate.prospect_id));
                }
                _ => {}
            }
            if self.decision_on(record) == "merge" {
                known.extend(record.number(import_record::Column::ProspectId));
                let stored = candidates(record).into_iter();
                known.extend(stored.filter_map(|candidate| candidate.prospect_id));
            }
        }
        unit.preload(prospect::table(), &known).await?;
        unit.begin_batch();
        let mut here = ImportTransaction::default();
        let mut later = Vec::new();
        for ((record, lead), found) in all.iter().zip(matches) {
            let of_here = !matches!(found, Match::Known(..)) && here.has(lead);
            let done = if of_here || self.waits_for(record, &here) {
                None
            } else {
                self.one(unit, record, lead, found).await?
            };
            here.rows.insert(record.number(import_record::Column::RecordIndex).unwrap_or_default());
            match done {
                Some(done) => {
                    if matches!(done.status, promotion::CREATED | promotion::MATCHED) {
                        here.add(lead);
                    }
                    self.done.push(done);
                }
                None => later.push((*record, *lead)),
            }
        }
        unit.write_batch().await?;
        self.put(unit).await?;
        Ok(later)
    }

    /// Whether a row is merged into the prospect of another row in this pass.
    fn waits_for(&self, record: &Record, here: &ImportTransaction) -> bool {
        let rows = candidates(record).into_iter().filter_map(|candidate| candidate.record_index);
        let mut rows = rows.filter_map(|index| i64::try_from(index).ok());
        self.decision_on(record) == "merge" && rows.any(|index| here.rows.contains(&index))
    }

    /// The decision on a row, or else the decision that applies to all rows of the import.
    fn decision_on<'d>(&'d self, record: &'d Record) -> &'d str {
        let own = record.text(import_record::Column::Decision);
        if own.is_empty() { self.decision } else { own }
    }

    /// Writes a row. Returns `None` if the row has to be matched again.
    async fn one(
        &mut self,
        unit: &mut Unit,
        record: &Record,
        lead: &'r Contact,
        found: Match,
    ) -> Result<Option<Done>> {
        let undecided = record.text(import_record::Column::Verdict) == verdict::MERGE_CANDIDATE;
        // A decision on the row itself takes precedence over the match.
        match (
            record.text(import_record::Column::Decision),
            record.number(import_record::Column::ProspectId),
        ) {
            ("skip", _) => return Ok(Some(left_out(record))),
            ("merge", Some(person)) => {
                let done = fill(unit, record, lead, person, "decision").await?;
                return Ok(Some(done.unwrap_or_else(|| nobody(record))));
            }
            _ => {}
        }
        match found {
            Match::Known(person, by) => fill(unit, record, lead, person.id(), by).await,
            Match::Maybe(maybe) if self.decision_on(record) == "wait" => {
                // A matching prospect was created after the preview.
                let mut after = record.clone();
                Verdict::maybe(&maybe, &[], &PreviousRows::default()).put(&mut after);
                Ok(Some(Done::of(&after, promotion::NONE)))
            }
            found if undecided || matches!(found, Match::Maybe(_)) => {
                match self.decision_on(record) {
                    "skip" => Ok(Some(left_out(record))),
                    "merge" => match target(unit, record, &found).await? {
                        Some(person) => fill(unit, record, lead, person, "decision").await,
                        None => Ok(Some(nobody(record))),
                    },
                    _ => Ok(Some(self.make(unit, record, lead)?)),
                }
            }
            _ => Ok(Some(self.make(unit, record, lead)?)),
        }
    }

    /// Builds a prospect from a row; all prospects of a pass are inserted together.
    fn make(&mut self, unit: &Unit, record: &Record, lead: &'r Contact) -> Result<Done> {
        match self.prospect(unit, lead) {
            Ok(prospect) => {
                self.made.push((self.done.len(), prospect, lead));
                Ok(Done::of(record, promotion::CREATED))
            }
            Err(Error::Refused(problems)) => {
                let told: Vec<_> = problems.into_iter().map(|problem| problem.message).collect();
                let note = Note::new(NoteCode::RowRejected, [&told.join("; ")]);
                let error = Note::stored(&[note]);
                Ok(Done { error, ..Done::of(record, promotion::FAILED) })
            }
            Err(error) => Err(error),
        }
    }

    /// Builds the record of a prospect. The company is only validated here and created later.
    fn prospect(&self, unit: &Unit, lead: &Contact) -> Result<Record> {
        let email = lead.email.clone();
        let email = email.ok_or_else(|| {
            Problem::invalid(
                engine::Reason::ValueRequired,
                "email",
                "the row has no e-mail address",
            )
        })?;
        if self.companies.of(lead).is_none() {
            Companies::record(unit, lead)?;
        }
        let table = prospect::table();
        let mut values = vec![
            (table.column(prospect::Column::CompanyId), Value::Int(0)),
            (table.column(prospect::Column::Email), Value::Text(email)),
        ];
        for (column, value) in [
            (prospect::Column::FullName, &lead.full_name),
            (prospect::Column::FirstName, &lead.first_name),
            (prospect::Column::LastName, &lead.last_name),
            (prospect::Column::Phone, &lead.phone),
            (prospect::Column::JobTitle, &lead.job_title),
            (prospect::Column::LinkedinUrl, &lead.linkedin_url),
            (prospect::Column::Location, &lead.location),
        ] {
            if let Some(value) = value {
                values.push((table.column(column), Value::Text(value.clone())));
            }
        }
        let input = Input { values, ..Input::default() };
        let mut prospect = row::plain(unit, prospect::rules(), input)?;
        prospect.set(prospect::Column::Source, Value::Text("import".to_owned()));
        if lead.opted_out {
            prospect.set(prospect::Column::UnsubscribedAt, Value::Time(unit.now()));
        }
        Ok(prospect)
    }

    /// Inserts the new prospects with their companies.
    async fn put(&mut self, unit: &mut Unit) -> Result<()> {
        let made = std::mem::take(&mut self.made);
        let leads: Vec<&Contact> = made.iter().map(|(_, _, lead)| *lead).collect();
        let companies = self.companies.of_all(unit, &leads).await?;
        let (mut places, mut new) = (Vec::new(), Vec::new());
        for ((place, mut prospect, _), company) in made.into_iter().zip(companies) {
            prospect.set(prospect::Column::CompanyId, Value::Int(company.id));
            if company.is_new {
                let industry = company.new_industry;
                let replaced = json!({ "company_id": company.id, "industry_id": industry });
                self.done[place].replaced = Some(replaced);
            }
            places.push(place);
            new.push(prospect);
        }
        for (place, prospect) in places.into_iter().zip(unit.insert_all_by(new, "email").await?) {
            let done = &mut self.done[place];
            done.prospect = Some(prospect.id());
            done.company = prospect.number(prospect::Column::CompanyId);
            done.revision = prospect.number(prospect::Column::Revision);
        }
        Ok(())
    }
}

/// People written in this pass, who can't be found by a query yet.
#[derive(Default)]
struct ImportTransaction {
    keys: HashSet<String>,
    names_by_phone: HashMap<String, Vec<String>>,
    rows: HashSet<i64>,
}

impl ImportTransaction {
    fn keys(lead: &Contact) -> impl Iterator<Item = String> {
        let slug = lead.slug().map(|slug| format!("in/{slug}"));
        [lead.email_key(), slug].into_iter().flatten()
    }

    fn add(&mut self, lead: &Contact) {
        self.keys.extend(Self::keys(lead));
        if let Some(phone) = &lead.phone {
            let names = self.names_by_phone.entry(phone.clone()).or_default();
            names.push(lead.name().to_owned());
        }
    }

    fn has(&self, lead: &Contact) -> bool {
        let names = lead.phone.as_ref().and_then(|phone| self.names_by_phone.get(phone));
        let on_line = |name: &String| !matches!(on_one_line(lead, name), Line::Other);
        Self::keys(lead).any(|key| self.keys.contains(&key))
            || names.into_iter().flatten().any(on_line)
    }
}

fn left_out(record: &Record) -> Done {
    let reason = Note::stored(&[NoteCode::SkippedByDecision.into()]);
    Done { reason, ..Done::of(record, promotion::REJECTED) }
}

/// The result of a row whose prospect no longer exists.
fn nobody(record: &Record) -> Done {
    let error = Note::stored(&[NoteCode::ProspectMissing.into()]);
    Done { error, ..Done::of(record, promotion::FAILED) }
}

fn candidates(record: &Record) -> Vec<Candidate> {
    match record.value(import_record::Column::Candidates) {
        Value::Json(json) => serde_json::from_value(json.clone()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The prospect that a row is merged into: the best candidate that still exists.
async fn target(unit: &mut Unit, record: &Record, found: &Match) -> Result<Option<i64>> {
    let mut candidates = candidates(record);
    if let Match::Maybe(now) = found {
        candidates.extend(now.iter().cloned());
    }
    for candidate in candidates {
        let key = match (candidate.prospect_id, candidate.record_index) {
            (Some(key), _) => Some(key),
            (None, Some(index)) => rows::prospect_of_row(unit, record, index).await?,
            (None, None) => None,
        };
        let Some(key) = key else { continue };
        let person = unit.find(prospect::table(), key).await?;
        if person.is_some_and(|person| !person.is_deleted()) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// Fills in the empty fields of an existing prospect. Returns `None` if the prospect no longer exists.
async fn fill(
    unit: &mut Unit,
    record: &Record,
    lead: &Contact,
    person: i64,
    by: &'static str,
) -> Result<Option<Done>> {
    let person = unit.find(prospect::table(), person).await?;
    let Some(person) = person.filter(|person| !person.is_deleted()) else { return Ok(None) };
    let added = additions(lead, |column| person.text(column));
    let done = Done {
        match_reason: Some(by.to_owned()),
        prospect: Some(person.id()),
        company: person.number(prospect::Column::CompanyId),
        ..Done::of(record, promotion::MATCHED)
    };
    let opts_out = lead.opted_out && !person.has(prospect::Column::UnsubscribedAt);
    if added.is_empty() && !opts_out {
        return Ok(Some(Done { reason: Note::stored(&[NoteCode::NothingNew.into()]), ..done }));
    }
    let mut after = person.clone();
    // Undoing an import does not revert an opt-out, so that a person never receives messages again because of an undo.
    if opts_out {
        after.set(prospect::Column::UnsubscribedAt, Value::Time(unit.now()));
    }
    let mut replaced = serde_json::Map::new();
    for (column, value) in added {
        replaced.insert(column.name().to_owned(), person.value(column).json());
        after.set(column, Value::Text(value));
    }
    let after = unit.update(&person, after).await?;
    let (found, revision) =
        (person.number(prospect::Column::Revision), after.number(prospect::Column::Revision));
    Ok(Some(Done { replaced: Some(replaced.into()), found, revision, ..done }))
}
