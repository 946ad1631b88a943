//! Notes on import jobs and records, in GraphQL.

use async_graphql::SimpleObject;
use engine::{Scope, Value};
use service::ingest::note::{Note, NoteCode};

use graph::{EnumType, RowView, Vocabulary, error::Result, scalar::EnumValueOf};

/// Codes of notes.
pub enum ImportNoteCode {}

impl Vocabulary for ImportNoteCode {
    fn enum_type() -> &'static EnumType {
        &EnumType {
            name: "ImportNoteCode",
            about: "Reason code of a note on an import job or record.",
            words: NoteCode::WORDS,
        }
    }
}

/// A note on an import job or record.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImportNote {
    /// Reason code, for programs.
    pub code: EnumValueOf<ImportNoteCode>,
    /// Arguments, in the order in which the description of the code names them.
    pub arguments: Vec<String>,
    /// Sentence, for people.
    pub message: String,
}

/// The notes in a column.
///
/// # Errors
/// None.
pub(super) async fn notes(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Vec<ImportNote>>> {
    let read = |row: RowView<'_>| match row.cell(0) {
        Value::Text(stored) => Note::read(stored).into_iter().filter_map(note).collect(),
        _ => Vec::new(),
    };
    Ok(rows.into_iter().map(read).collect())
}

fn note(note: Note) -> Option<ImportNote> {
    let message = note.message();
    let code = EnumValueOf::stored(note.code.name())?;
    Some(ImportNote { code, arguments: note.arguments, message })
}

/// The notes in a column as one text; null if there are none.
///
/// # Errors
/// None.
pub(super) async fn sentences(_: &Scope, rows: Vec<RowView<'_>>) -> Result<Vec<Option<String>>> {
    let read = |row: RowView<'_>| match row.cell(0) {
        Value::Text(stored) => Some(Note::sentences(stored)),
        _ => None,
    };
    Ok(rows.into_iter().map(read).collect())
}
