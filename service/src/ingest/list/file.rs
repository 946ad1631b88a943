//! A file with a list: which format, encoding and delimiter it has, and its rows.

use std::collections::HashSet;

use encoding_rs::Encoding;
use serde_json::Value as Json;

use super::{mapping, workbook};
use crate::error::{Error, Result};

/// The most rows of a file.
pub const MOST_ROWS: usize = 200_000;

/// The largest file, in bytes.
pub const LARGEST: usize = 100 * 1024 * 1024;

/// The most columns.
pub(super) const MOST_COLUMNS: usize = 500;

/// The most cells of a file, empty ones too.
const MOST_CELLS: usize = 20_000_000;

/// The longest name of a column, in characters.
const LONGEST_NAME: usize = 255;

/// The most lines of a cell: with more, a quotation mark is not closed.
const MOST_LINES: usize = 200;

/// How much of a text is looked at to find out what stands between its cells, in bytes.
const SAMPLE: usize = 64 * 1024;

/// Lines that may stand before the head: LinkedIn writes notes there.
pub(super) const NOTES: usize = 10;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with a delimiter between cells (RFC 4180).
    Csv,
    /// A workbook: the first sheet that has rows.
    Xlsx,
    /// A JSON object on each line.
    Ndjson,
}

impl Format {
    /// As users read it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Xlsx => "XLSX",
            Self::Ndjson => "NDJSON",
        }
    }
}

/// What is told of a file; what is not is found out.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Its encoding, by a label of the Encoding Standard: `windows-1252`.
    pub encoding: Option<String>,
    /// What stands between cells.
    pub delimiter: Option<char>,
}

/// The character that is told as `text`: one of ASCII, or `tab`.
///
/// # Errors
/// What it takes.
pub fn delimiter_of(text: &str) -> std::result::Result<char, String> {
    let mut letters = text.chars();
    match (text, letters.next(), letters.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(letter), None) if letter.is_ascii() => Ok(letter),
        _ => Err("it should be `,`, `;`, `|` or `tab`".to_owned()),
    }
}

/// What is in a file.
#[derive(Clone, Debug)]
pub struct List {
    /// How it is written.
    pub format: Format,
    /// Its encoding.
    pub encoding: String,
    /// What stands between cells, in text.
    pub delimiter: Option<char>,
    /// The names of its columns, each once.
    pub head: Vec<String>,
    /// The cells of each row, as many as the head has, without blanks around them.
    pub rows: Vec<Vec<String>>,
    /// Rows, counted from 0, that had more cells than the head.
    pub too_long: Vec<usize>,
}

/// Reads a file.
///
/// # Errors
/// [`Error::Invalid`] with what is wrong and what can be done about it.
pub fn read(bytes: &[u8], told: &Told) -> Result<List> {
    if bytes.len() > LARGEST {
        return Err(refused(format!("it is larger than {} MB", LARGEST / 1024 / 1024)));
    }
    let list = if bytes.starts_with(b"PK\x03\x04") {
        under_head(workbook::rows(bytes)?, Format::Xlsx, "UTF-8")?
    } else {
        let (encoding, text) = decoded(bytes, told)?;
        let first = text.trim_start().chars().next();
        if first == Some('{') { lines(&text, encoding)? } else { cells(&text, encoding, told)? }
    };
    if list.head.is_empty() {
        return Err(refused("it has no rows".to_owned()));
    }
    // Without the head and what stood before it.
    within_limits(list.rows.len() + NOTES + 1, 0)?;
    Ok(list)
}

/// Refuses what has too many rows or cells.
pub(super) fn within_limits(rows: usize, columns: usize) -> Result<()> {
    if rows > MOST_ROWS + NOTES + 1 {
        return Err(refused(format!(
            "it has more than the {MOST_ROWS} rows that are taken at once"
        )));
    }
    if columns > MOST_COLUMNS {
        return Err(refused(format!("it has a row of more than {MOST_COLUMNS} cells")));
    }
    if rows.saturating_mul(columns) > MOST_CELLS {
        return Err(refused(format!("it has more than {MOST_CELLS} cells")));
    }
    Ok(())
}

pub(super) fn refused(message: String) -> Error {
    Error::invalid("file", message)
}

/// The text of a file: by its mark, as UTF-8 when it is that, or as what it looks like.
fn decoded(bytes: &[u8], told: &Told) -> Result<(&'static str, String)> {
    let encoding = if let Some(label) = &told.encoding {
        Encoding::for_label(label.as_bytes())
            .ok_or_else(|| Error::invalid("encoding", format!("there is no encoding `{label}`")))?
    } else if let Some((marked, _)) = Encoding::for_bom(bytes) {
        marked
    } else if std::str::from_utf8(bytes).is_ok() {
        encoding_rs::UTF_8
    } else {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, chardetng::Utf8Detection::Deny)
    };
    let (text, encoding, broken) = encoding.decode(bytes);
    if broken {
        let message = format!("it is not written in {}; tell its encoding", encoding.name());
        return Err(refused(message));
    }
    if text.contains('\0') {
        return Err(refused("it is no text; tell its encoding".to_owned()));
    }
    Ok((encoding.name(), text.into_owned()))
}

/// The delimiter with which the first lines have the most cells, all as many.
fn delimiter(text: &str) -> char {
    let mut end = text.len().min(SAMPLE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let sample: String = text[..end].lines().take(30).collect::<Vec<_>>().join("\n");
    let cells = |delimiter: char| {
        let rows: Vec<_> = records(&sample, delimiter).take(20).flatten().collect();
        let widths: Vec<_> = rows.iter().map(Vec::len).filter(|width| *width > 1).collect();
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

/// The rows of a text that have anything in them.
fn records(text: &str, delimiter: char) -> impl Iterator<Item = Result<Vec<String>>> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let rows = reader.into_records().flatten().map(|record| {
        within_limits(0, record.len())?;
        let row: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        let lines = row.iter().map(|cell| cell.matches('\n').count()).max().unwrap_or_default();
        if lines > MOST_LINES {
            let line = record.position().map_or(0, csv::Position::line);
            let message = format!(
                "the row that begins in line {line} has a cell of {lines} lines: is a quotation mark not closed?"
            );
            return Err(refused(message));
        }
        Ok(row)
    });
    rows.filter(|row| !row.as_ref().is_ok_and(|row| row.iter().all(String::is_empty)))
}

fn cells(text: &str, encoding: &str, told: &Told) -> Result<List> {
    let delimiter = told.delimiter.unwrap_or_else(|| delimiter(text));
    if !delimiter.is_ascii() {
        return Err(Error::invalid("delimiter", "`delimiter` takes one of `,`, `;`, `|`, tab"));
    }
    let mut rows = Vec::new();
    for row in records(text, delimiter) {
        rows.push(row?);
        within_limits(rows.len(), 0)?;
    }
    let list = under_head(rows, Format::Csv, encoding)?;
    Ok(List { delimiter: Some(delimiter), ..list })
}

/// A list out of rows, the first of which that names columns we know is the head.
fn under_head(rows: Vec<Vec<String>>, format: Format, encoding: &str) -> Result<List> {
    let known = |row: &Vec<String>| mapping::known(row).min(2);
    let place =
        (0..rows.len().min(NOTES)).max_by_key(|place| (known(&rows[*place]), NOTES - place));
    let mut rows = rows.into_iter().skip(place.unwrap_or_default());
    let first = rows.next().unwrap_or_default();
    within_limits(rows.len(), first.len())?;
    let mut head: Vec<String> = Vec::new();
    for (number, mut name) in first.into_iter().enumerate() {
        if name.is_empty() {
            name = format!("column {}", number + 1);
        }
        if name.chars().count() > LONGEST_NAME {
            let message = format!(
                "the name of column {} is longer than {LONGEST_NAME} characters",
                number + 1
            );
            return Err(refused(message));
        }
        let same = head.iter().filter(|known| **known == name).count();
        head.push(if same == 0 { name } else { format!("{name} ({})", same + 1) });
    }
    without_null(&mut head);
    let mut too_long = Vec::new();
    let mut kept = Vec::new();
    for mut row in rows {
        if row.iter().skip(head.len()).any(|cell| !cell.is_empty()) {
            too_long.push(kept.len());
        }
        row.resize(head.len(), String::new());
        without_null(&mut row);
        kept.push(row);
    }
    let encoding = encoding.to_owned();
    Ok(List { format, encoding, delimiter: None, head, rows: kept, too_long })
}

/// Postgres takes no such character.
fn without_null(row: &mut [String]) {
    for cell in row.iter_mut().filter(|cell| cell.contains('\0')) {
        *cell = cell.replace('\0', "");
    }
}

fn lines(text: &str, encoding: &str) -> Result<List> {
    let mut head: Vec<String> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut objects = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let object: serde_json::Map<String, Json> = serde_json::from_str(line)
            .map_err(|_| refused(format!("line {} is no JSON object", number + 1)))?;
        within_limits(objects.len(), object.len())?;
        for name in object.keys().filter(|name| !known.contains(*name)).cloned().collect::<Vec<_>>()
        {
            if name.chars().count() > LONGEST_NAME {
                let message = format!(
                    "line {} has a name of more than {LONGEST_NAME} characters",
                    number + 1
                );
                return Err(refused(message));
            }
            known.insert(name.clone());
            head.push(name);
        }
        objects.push(object);
        within_limits(objects.len(), head.len())?;
    }
    let told = |value: Option<&Json>| match value {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
    };
    let mut rows: Vec<Vec<String>> = (objects.iter())
        .map(|object| head.iter().map(|name| told(object.get(name))).collect())
        .collect();
    for row in &mut rows {
        without_null(row);
    }
    let head = head.into_iter().map(|name| name.replace('\0', "")).collect();
    let encoding = encoding.to_owned();
    Ok(List { format: Format::Ndjson, encoding, delimiter: None, head, rows, too_long: Vec::new() })
}
