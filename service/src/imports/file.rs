//! Reads an import file: detects its format, encoding and delimiter, and returns its rows.

use std::{borrow::Cow, collections::BTreeMap};

use encoding_rs::Encoding;
use engine::error::{Error, Result};

use super::{lines::Lines, mapping, objects, quotes, workbook};
use crate::ingest::note::{Note, NoteCode};

/// Maximum number of rows in a file.
pub const MAX_ROWS: usize = 200_000;

/// Maximum size of a file, in bytes.
pub const MAX_FILE_SIZE: usize = 100 * 1024 * 1024;

/// Maximum number of columns.
pub(super) const MAX_COLUMNS: usize = 500;

/// Maximum number of cells in a file, including empty cells.
const MAX_CELLS: usize = 20_000_000;

/// Maximum length of a column name, in characters.
pub(super) const MAX_NAME_LENGTH: usize = 255;

/// Maximum number of lines in a cell. A larger number indicates an unclosed quotation mark.
const MAX_LINES: usize = 200;

/// Size of the sample that is used to detect the delimiter, in bytes.
const SAMPLE: usize = 64 * 1024;

/// Maximum number of lines before the header row. Files may start with notes, as LinkedIn exports do.
pub(super) const NOTES: usize = 10;

/// Format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Delimited text (RFC 4180).
    Csv,
    /// One sheet of a workbook.
    Xlsx,
    /// A JSON object on each line.
    Ndjson,
}

impl Format {
    /// The display name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::Ndjson => "NDJSON",
        }
    }
}

/// Options for reading a file; omitted options are detected.
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    /// Encoding, as a label of the Encoding Standard, e.g. `windows-1252`.
    pub encoding: Option<String>,
    /// Delimiter between cells.
    pub delimiter: Option<char>,
    /// Name of the sheet of a workbook.
    pub sheet: Option<String>,
}

/// Parses a delimiter: an ASCII character, or `tab`.
///
/// # Errors
/// A message with the allowed values.
pub fn delimiter_of(text: &str) -> std::result::Result<char, String> {
    let mut letters = text.chars();
    match (text, letters.next(), letters.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(letter), None) if letter.is_ascii() => Ok(letter),
        _ => Err("the delimiter must be an ASCII character or `tab`".to_owned()),
    }
}

/// A parsed file.
#[derive(Clone, Debug)]
pub struct List {
    /// Format.
    pub format: Format,
    /// Encoding.
    pub encoding: String,
    /// Delimiter between cells, for CSV.
    pub delimiter: Option<char>,
    /// Unique column names.
    pub head: Vec<String>,
    /// The trimmed cells of each row, one per column.
    pub rows: Vec<Vec<String>>,
    /// The line of the file, or the row of the sheet, in which each row begins, 1-based; 0 if unknown.
    pub lines: Vec<u64>,
    /// The sheets of a workbook.
    pub sheets: Option<Sheets>,
    /// Errors of invalid rows, by 0-based row index.
    pub faults: BTreeMap<usize, Note>,
}

/// The sheets of a workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheets {
    /// The sheet that was read.
    pub read: String,
    /// The other sheets, including hidden sheets.
    pub others: Vec<String>,
}

/// Reads a file.
///
/// # Errors
/// [`Error::Invalid`] with the reason and, where possible, a remedy.
pub fn read(bytes: &[u8], told: &FileOptions) -> Result<List> {
    if bytes.len() > MAX_FILE_SIZE {
        return Err(refused(format!("the file is larger than {} MB", MAX_FILE_SIZE / 1024 / 1024)));
    }
    if let Some(what) = other_format(bytes) {
        return Err(refused(format!(
            "the file is {what}; save it as CSV or XLSX and import that file"
        )));
    }
    let list = if bytes.starts_with(b"PK\x03\x04") {
        let (rows, sheets) = workbook::rows(bytes, told.sheet.as_deref())?;
        List { sheets: Some(sheets), ..under_head(rows, Format::Xlsx, "UTF-8")? }
    } else {
        if told.sheet.is_some() {
            return Err(Error::invalid(
                engine::Reason::SheetUnknown,
                "sheet",
                "`sheet` is allowed only for workbooks (XLSX)",
            ));
        }
        let (encoding, text) = decoded(bytes, told)?;
        match text.trim_start().chars().next() {
            Some('{') => objects::of_lines(&text, encoding)?,
            Some('[') => objects::of_array(&text, encoding)?,
            _ => cells(&text, encoding, told)?,
        }
    };
    if list.head.is_empty() {
        return Err(refused("the file has no rows".to_owned()));
    }
    // The header row and the lines before it do not count toward the maximum.
    within_limits(list.rows.len() + NOTES + 1, 0)?;
    Ok(list)
}

/// Detects unsupported formats by their first bytes.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let begins =
        |mark: &[u8]| start.get(..mark.len()).is_some_and(|own| own.eq_ignore_ascii_case(mark));
    if begins(&[0xd0, 0xcf, 0x11, 0xe0]) {
        Some("a workbook in the format used before 2007 (XLS)")
    } else if begins(b"PK\x03\x04") && bytes.get(30..38) == Some(b"mimetype") {
        Some("an OpenDocument file (ODS)")
    } else if begins(b"BEGIN:VCARD") {
        Some("a vCard file")
    } else if begins(b"%PDF") {
        Some("a PDF")
    } else if begins(b"<!DOCTYPE") || begins(b"<html") || begins(b"<?xml") {
        Some("HTML or XML")
    } else if begins(&[0x1f, 0x8b]) {
        Some("a compressed file")
    } else {
        None
    }
}

/// Rejects files with too many rows or cells.
pub(super) fn within_limits(rows: usize, columns: usize) -> Result<()> {
    if rows > MAX_ROWS + NOTES + 1 {
        return Err(refused(format!(
            "the file has more than the maximum of {MAX_ROWS} rows; split it into several files"
        )));
    }
    if columns > MAX_COLUMNS {
        return Err(refused(format!("the file has a row with more than {MAX_COLUMNS} cells")));
    }
    if rows.saturating_mul(columns) > MAX_CELLS {
        return Err(refused(format!("the file has more than {MAX_CELLS} cells")));
    }
    Ok(())
}

pub(super) fn refused(message: String) -> Error {
    Error::invalid(engine::Reason::FileInvalid, "file", message)
}

/// Decodes the text of a file: by the `encoding` option, by its byte order mark, as valid UTF-8, or by detection.
fn decoded(bytes: &[u8], told: &FileOptions) -> Result<(&'static str, String)> {
    let encoding = if let Some(label) = &told.encoding {
        Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            Error::invalid(
                engine::Reason::ValueUnknown,
                "encoding",
                format!("unknown encoding `{label}`"),
            )
        })?
    } else if let Some((marked, _)) = Encoding::for_bom(bytes) {
        marked
    } else if std::str::from_utf8(bytes).is_ok() {
        encoding_rs::UTF_8
    } else {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
        // The detector does not support Mac OS Roman.
        if guess == encoding_rs::WINDOWS_1252 && is_macintosh(bytes) {
            encoding_rs::MACINTOSH
        } else {
            guess
        }
    };
    let (text, encoding, broken) = encoding.decode(bytes);
    if broken {
        let message = format!("the file is not valid {}; specify its `encoding`", encoding.name());
        return Err(refused(message));
    }
    if text.contains('\0') {
        return Err(refused("the file is not text; specify its `encoding`".to_owned()));
    }
    Ok((encoding.name(), text.into_owned()))
}

/// Whether a text detected as windows-1252 is Mac OS Roman. The two encode accented letters differently: bytes that are
/// letters in one are symbols in the other, and symbols do not occur inside words.
fn is_macintosh(bytes: &[u8]) -> bool {
    let is_letter = |place: Option<usize>| {
        place.and_then(|place| bytes.get(place)).is_some_and(u8::is_ascii_alphabetic)
    };
    let (mut mac, mut windows) = (0_usize, 0_usize);
    for (place, byte) in bytes.iter().enumerate().filter(|(_, byte)| !byte.is_ascii()) {
        if !is_letter(place.checked_sub(1)) && !is_letter(Some(place + 1)) {
            continue;
        }
        match byte {
            // Ä Å Ç É Ñ Ö Ü á … ü and ß in Mac OS Roman.
            0x80..=0x9f | 0xa7 => mac += 1,
            0xc0..=0xff => windows += 1,
            _ => {}
        }
    }
    mac > 0 && windows == 0
}

/// Detects the delimiter: the candidate that splits the first lines into the most cells, consistently.
fn delimiter(text: &str) -> char {
    let mut end = text.len().min(SAMPLE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sample: String = text[..end].lines().take(30).collect::<Vec<_>>().join("\n");
    let cells = |delimiter: char| {
        let rows: Vec<_> = records(&sample, delimiter).take(20).flatten().collect();
        let widths: Vec<_> =
            rows.iter().map(|(_, row)| row.len()).filter(|width| *width > 1).collect();
        let most = widths.iter().copied().max().unwrap_or_default();
        let same = widths.iter().filter(|width| **width == most).count();
        (same.saturating_mul(2) > rows.len(), same * most)
    };
    let mut best = (',', (false, 0));
    for candidate in [',', ';', '\t', '|'] {
        let found = cells(candidate);
        if found > best.1 {
            best = (candidate, found);
        }
    }
    best.0
}

/// The non-empty rows of a text, with the lines in which they begin.
fn records(text: &str, delimiter: char) -> impl Iterator<Item = Result<(u64, Vec<String>)>> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut line_counter = Lines::new(text);
    let rows = reader.into_records().flatten().map(move |record| {
        within_limits(0, record.len())?;
        let row: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        let lines = row.iter().map(|cell| cell.matches('\n').count()).max().unwrap_or_default();
        let line = record.position().map_or(0, |position| line_counter.of(position.byte()));
        if lines > MAX_LINES {
            let message = format!(
                "the row that begins in line {line} has a cell with {lines} line breaks; check for an unclosed \
                 quotation mark"
            );
            return Err(refused(message));
        }
        Ok((line, row))
    });
    rows.filter(|row| !row.as_ref().is_ok_and(|(_, row)| row.iter().all(String::is_empty)))
}

fn cells(text: &str, encoding: &str, told: &FileOptions) -> Result<List> {
    // Classic Mac OS ends lines with a carriage return only.
    let text: Cow<'_, str> =
        if text.contains('\n') { text.into() } else { text.replace('\r', "\n").into() };
    let text = text.as_ref();
    let delimiter = told.delimiter.unwrap_or_else(|| delimiter(text));
    if !delimiter.is_ascii() {
        return Err(Error::invalid(
            engine::Reason::ValueInvalid,
            "delimiter",
            "`delimiter` must be an ASCII character or `tab`",
        ));
    }
    let mut rows = Vec::new();
    for row in records(text, delimiter) {
        rows.push(row?);
        within_limits(rows.len(), 0)?;
    }
    let mut list = under_head(rows, Format::Csv, encoding)?;
    let delimiters = list.head.len().saturating_sub(1);
    // A quoting error replaces an error about too many cells, because it is more specific. The order is reversed so
    // that the first quoting error of a row is kept.
    for fault in quotes::faults(text, delimiter, delimiters)?.into_iter().rev() {
        let row = list.lines.partition_point(|line| *line <= fault.line).checked_sub(1);
        if let Some(row) = row {
            list.faults.insert(row, fault.note);
        }
    }
    Ok(List { delimiter: Some(delimiter), ..list })
}

/// Builds the parsed file from rows. The first row with known column names is the header row.
fn under_head(rows: Vec<(u64, Vec<String>)>, format: Format, encoding: &str) -> Result<List> {
    let place = (0..rows.len().min(NOTES))
        .max_by_key(|place| (mapping::known_columns(&rows[*place].1).min(2), NOTES - place));
    let mut rows = rows.into_iter().skip(place.unwrap_or_default());
    let (_, first) = rows.next().unwrap_or_default();
    within_limits(rows.len(), first.len())?;
    let mut head: Vec<String> = Vec::new();
    for (number, mut name) in first.into_iter().enumerate() {
        if name.is_empty() {
            name = format!("column {}", number + 1);
        }
        if name.chars().count() > MAX_NAME_LENGTH {
            let message = format!(
                "the name of column {} has more than {MAX_NAME_LENGTH} characters",
                number + 1
            );
            return Err(refused(message));
        }
        let same = head.iter().filter(|known| **known == name).count();
        head.push(if same == 0 { name } else { format!("{name} ({})", same + 1) });
    }
    without_null(&mut head);
    let mut faults = BTreeMap::new();
    let (mut kept, mut lines) = (Vec::new(), Vec::new());
    for (line, mut row) in rows {
        if row.iter().skip(head.len()).any(|cell| !cell.is_empty()) {
            let cells = head.len();
            faults.insert(kept.len(), Note::new(NoteCode::TooManyCells, [&cells.to_string()]));
        }
        row.resize(head.len(), String::new());
        without_null(&mut row);
        kept.push(row);
        lines.push(line);
    }
    let encoding = encoding.to_owned();
    Ok(List { format, encoding, delimiter: None, head, rows: kept, lines, sheets: None, faults })
}

/// Removes NUL characters, which Postgres rejects.
pub(super) fn without_null(row: &mut [String]) {
    for cell in row.iter_mut().filter(|cell| cell.contains('\0')) {
        *cell = cell.replace('\0', "");
    }
}
