//! Imports of the demo data: a completed import, and a preview that waits for decisions.

use engine::value::Value;
use serde_json::{Value as Json, json};

use super::rows::{Story, optional, text};
use crate::ingest::{
    import_job,
    import_record::{self, promotion, verdict},
    note::{Note, NoteCode},
};

/// The age of the completed import, in days.
pub(super) const AGE: i64 = 120;

/// The age of the preview, in days.
const PREVIEW_AGE: i64 = 2;

/// The number of prospects that the completed import created.
const CREATED: i64 = 40;

/// The columns of both files, and their fields.
const COLUMNS: [(&str, &str); 6] = [
    ("Name", "full_name"),
    ("E-mail", "email"),
    ("Phone", "phone"),
    ("Title", "job_title"),
    ("City", "city"),
    ("Company", "company"),
];

/// Whether a prospect was created by the completed import.
pub(super) fn is_of_file(prospect: i64) -> bool {
    prospect % 4 == 3 && prospect / 4 < CREATED
}

/// A row of a file: name, e-mail address, phone number, job title, city, company.
type Cells = [String; 6];

/// A row with its outcome.
struct FileRow {
    cells: Cells,
    verdict: &'static str,
    status: &'static str,
    reason: Option<Note>,
    match_reason: Option<&'static str>,
    /// The number of the prospect that the row created, or matches.
    prospect: Option<i64>,
    /// The numbers of the candidates.
    candidates: Vec<i64>,
}

impl FileRow {
    fn new(cells: Cells, verdict: &'static str, status: &'static str) -> Self {
        Self {
            cells,
            verdict,
            status,
            reason: None,
            match_reason: None,
            prospect: None,
            candidates: Vec::new(),
        }
    }

    /// A row that can't be read.
    fn invalid(cells: Cells, reason: Note) -> Self {
        Self { reason: Some(reason), ..Self::new(cells, verdict::ERROR, promotion::FAILED) }
    }
}

fn cells(cells: [&str; 6]) -> Cells {
    cells.map(str::to_owned)
}

impl Story {
    /// The rows of the completed import.
    fn imported_rows(&self) -> Vec<FileRow> {
        let mut rows: Vec<FileRow> = (0..CREATED)
            .map(|place| {
                let prospect = place * 4 + 3;
                let row =
                    FileRow::new(self.cells_of(prospect), verdict::CREATE, promotion::CREATED);
                FileRow { prospect: Some(prospect), ..row }
            })
            .collect();
        rows.push(FileRow {
            reason: Some(Note::new(NoteCode::SamePerson, ["row 1 (line 2)"])),
            match_reason: Some("email"),
            prospect: Some(3),
            ..FileRow::new(self.cells_of(3), verdict::SKIP, promotion::MATCHED)
        });
        rows.push(FileRow::invalid(
            cells(["Visitor at the stand", "card unreadable", "", "", "Hamburg", ""]),
            Note::new(NoteCode::EmailUnreadable, ["card unreadable"]),
        ));
        rows.push(FileRow::invalid(
            cells(["", "booth@fair-visitors.example", "", "", "", "Fair Visitors"]),
            NoteCode::NameMissing.into(),
        ));
        rows
    }

    /// The rows of the preview.
    fn previewed_rows(&self) -> Vec<FileRow> {
        let new = [
            [
                "Greta Sommer",
                "greta.sommer@seehafen-trading.example",
                "+493023125910",
                "Head of Sales",
                "Kiel",
                "Seehafen Trading",
            ],
            [
                "Tom Winter",
                "tom.winter@seehafen-trading.example",
                "",
                "Buyer",
                "Kiel",
                "Seehafen Trading",
            ],
            [
                "Ines Ruiz",
                "ines@solara-energie.example",
                "+493023125911",
                "CEO",
                "Madrid",
                "Solara Energie",
            ],
            [
                "Pavel Novak",
                "pavel.novak@moravia-werke.example",
                "",
                "Plant manager",
                "Brno",
                "Moravia Werke",
            ],
        ];
        let new = new.map(|row| FileRow::new(cells(row), verdict::CREATE, promotion::NONE));
        let mut rows = Vec::from(new);
        // The same names at the same companies, with other addresses.
        for prospect in [10, 12] {
            let mut row = self.cells_of(prospect);
            row[1] = format!("office.{}", row[1]);
            row[2] = format!("+493023125{}", 920 + prospect);
            let why = "same name at the same company, different e-mail address";
            let id = format!("Prospect:{}", self.first.prospects + prospect);
            rows.push(FileRow {
                reason: Some(Note::new(NoteCode::PossibleMatch, [&id, why])),
                candidates: vec![prospect],
                ..FileRow::new(row, verdict::MERGE_CANDIDATE, promotion::NONE)
            });
        }
        let mut known = self.cells_of(14);
        "Chief Executive".clone_into(&mut known[3]);
        rows.push(FileRow {
            reason: Some(Note::new(NoteCode::FieldsFilled, ["job_title"])),
            match_reason: Some("email"),
            prospect: Some(14),
            ..FileRow::new(known, verdict::UPDATE, promotion::NONE)
        });
        rows.push(FileRow::invalid(
            cells(["Nina Berg", "nina.berg(at)nordlicht.example", "", "", "Oslo", "Nordlicht"]),
            Note::new(NoteCode::EmailUnreadable, ["nina.berg(at)nordlicht.example"]),
        ));
        rows
    }

    /// The cells of a row about a prospect of the demo data.
    fn cells_of(&self, prospect: i64) -> Cells {
        let (first, last) = Self::person(prospect);
        let company = Self::company_name(self.company_of(prospect)).0;
        let email = self.email(prospect);
        [format!("{first} {last}"), email, String::new(), String::new(), String::new(), company]
    }

    /// The two import jobs, if this edition has them.
    fn jobs(&self) -> Vec<(&'static str, i64, Vec<FileRow>)> {
        if !self.is_year() {
            return Vec::new();
        }
        vec![
            ("Fair visitors.csv", AGE, self.imported_rows()),
            ("Web sign-ups.csv", PREVIEW_AGE, self.previewed_rows()),
        ]
    }

    pub(super) fn import_jobs(&self, first: i64) -> impl Iterator<Item = Vec<Value>> {
        (first..).zip(self.jobs()).map(|(id, (name, age, rows))| {
            let made = self.now - chrono::Duration::days(age) + chrono::Duration::hours(18);
            let count = |status: &str| rows.iter().filter(|row| row.status == status).count();
            let number = |count: usize| Value::Int(i64::try_from(count).unwrap_or_default());
            let is_committed = count(promotion::CREATED) > 0;
            let columns: Vec<&str> = COLUMNS.iter().map(|(column, _)| *column).collect();
            let mapping: serde_json::Map<String, Json> = COLUMNS
                .iter()
                .map(|(column, field)| ((*field).to_owned(), json!(column)))
                .collect();
            let options = json!({
                "format": "CSV", "encoding": "UTF-8", "delimiter": ",", "country": "DE",
                "columns": columns, "mapping": mapping
            });
            let status = if is_committed {
                import_job::status::COMPLETED
            } else {
                import_job::status::PENDING
            };
            let done = rows.len() - count(promotion::NONE);
            let duplicates = rows.iter().filter(|row| row.verdict == verdict::SKIP).count();
            let moment = || if is_committed { Value::Time(made) } else { Value::Null };
            let cells = [
                ("name", text(name)),
                ("status", text(status)),
                ("kind", text(import_job::kind::LIST)),
                ("candidate_decision", text("wait")),
                ("committed_by", optional(is_committed.then_some("person/Demo"))),
                ("total_records", number(rows.len())),
                ("processed_records", number(done)),
                ("created_records", number(count(promotion::CREATED))),
                ("updated_records", Value::Int(0)),
                ("duplicate_records", number(duplicates)),
                ("skipped_records", number(count(promotion::MATCHED))),
                ("failed_records", number(count(promotion::FAILED))),
                ("undone_records", Value::Int(0)),
                ("kept_records", Value::Int(0)),
                ("enriched_records", Value::Int(0)),
                ("estimated_cost", Value::Double(0.0)),
                ("actual_cost", Value::Double(0.0)),
                ("file_name", text(name)),
                ("options", Value::Json(options)),
                ("started_at", moment()),
                ("completed_at", moment()),
            ];
            self.with(import_job::rules(), id, made, cells)
        })
    }

    pub(super) fn import_records(&self, job: i64, first: i64) -> impl Iterator<Item = Vec<Value>> {
        let rows = (job..).zip(self.jobs()).flat_map(|(job, (_, age, rows))| {
            (0_i64..).zip(rows).map(move |(index, row)| (job, age, index, row))
        });
        (first..)
            .zip(rows)
            .map(move |(id, (job, age, index, row))| self.import_record(id, job, age, index, &row))
    }

    fn import_record(&self, id: i64, job: i64, age: i64, index: i64, row: &FileRow) -> Vec<Value> {
        let table = import_record::table();
        let made = self.now - chrono::Duration::days(age) + chrono::Duration::hours(18);
        let original: serde_json::Map<String, Json> = COLUMNS
            .iter()
            .zip(&row.cells)
            .filter(|(_, cell)| !cell.is_empty())
            .map(|((column, _), cell)| ((*column).to_owned(), json!(cell)))
            .collect();
        let cell = |place: usize| Some(&row.cells[place]).filter(|cell| !cell.is_empty());
        let email = cell(1).filter(|email| email.contains('@'));
        let mapped = json!({
            "full_name": cell(0), "email": email, "phone": cell(2), "job_title": cell(3),
            "location": cell(4), "company": cell(5),
        });
        let candidates = row.candidates.iter().map(|prospect| {
            let reasons = ["same name at the same company", "different e-mail address"];
            json!({ "prospectId": self.first.prospects + prospect, "score": 0.8, "reasons": reasons })
        });
        let candidates: Vec<Json> = candidates.collect();
        let is_created = row.status == promotion::CREATED;
        let key = |number: i64| Value::Int(self.first.prospects + number);
        let company = |number: i64| Value::Int(self.first.companies + self.company_of(number));
        let mut values = vec![Value::Null; table.columns.len()];
        for (name, value) in [
            ("import_job_id", Value::Int(job)),
            ("record_index", Value::Int(index)),
            ("line_number", Value::Int(index + 2)),
            ("promotion_status", text(row.status)),
            ("verdict", text(row.verdict)),
            ("reason", optional(Note::stored(row.reason.as_slice()).as_deref())),
            ("match_reason", optional(row.match_reason)),
            ("email", optional(email.map(String::as_str))),
            ("original_data", Value::Json(Json::Object(original))),
            ("mapped_data", Value::Json(mapped)),
            (
                "candidates",
                if candidates.is_empty() { Value::Null } else { Value::Json(candidates.into()) },
            ),
            ("prospect_id", row.prospect.map_or(Value::Null, key)),
            ("company_id", row.prospect.map_or(Value::Null, company)),
            ("written_revision", if is_created { Value::Int(1) } else { Value::Null }),
            ("processed_at", if is_created { Value::Time(made) } else { Value::Null }),
            ("processing_attempts", Value::Int(0)),
            ("cost", Value::Double(0.0)),
            ("reserved_cost", Value::Double(0.0)),
        ] {
            values[table.column_named(name)] = value;
        }
        self.stamped(table, values, id, made)
    }
}
