//! Reads the rows of XLSX workbooks, with limits against hostile files.

use std::io::{Cursor, Read};

use calamine::{Data, Reader, SheetVisible, Xlsx};
use engine::error::{Error, Result};
use zip::ZipArchive;

use super::{
    file::{NOTES, Sheets, refused, within_limits},
    mapping,
};

/// Maximum size of an unpacked workbook, in bytes.
const MAX_UNPACKED: u64 = 400 * 1024 * 1024;

/// Number of bytes at the beginning of a part that are searched for the declared number of strings.
const PROMISE: usize = 64 * 1024;

/// Maximum number of characters in a cell, which is also Excel's own limit.
const MAX_CELL_LENGTH: usize = 32_767;

/// Maximum size of all cell texts together, in bytes: many cells may share one string.
const MAX_TEXT: usize = 200 * 1024 * 1024;

/// Rows with their 1-based numbers in the sheet.
type Rows = Vec<(u64, Vec<String>)>;

/// The non-empty rows of the sheet named `wanted`. Default: the first visible sheet with known columns, or else the
/// first visible sheet with rows. Hidden sheets are ignored by default because they often hold dropdown values.
pub(super) fn rows(bytes: &[u8], wanted: Option<&str>) -> Result<(Rows, Sheets)> {
    let broken =
        |error: &dyn std::fmt::Display| refused(format!("the workbook can't be read: {error}"));
    unpacked(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    let all: Vec<(String, bool)> = (book.sheets_metadata().iter())
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .collect();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(wanted) = wanted
        && !names.contains(&wanted)
    {
        let message =
            format!("the workbook has no sheet `{wanted}`; its sheets are {}", names.join(", "));
        return Err(Error::invalid(engine::Reason::SheetUnknown, "sheet", message));
    }
    let is_wanted = |(name, visible): &&(String, bool)| match wanted {
        Some(wanted) => name == wanted,
        None => *visible,
    };
    let mut text_left = MAX_TEXT;
    let mut first: Option<(Rows, &str)> = None;
    for (name, _) in all.iter().filter(is_wanted) {
        // Chart sheets have no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(name) else { continue };
        let mut rows = Rows::new();
        let mut current = None;
        while let Some(found) = cells.next_cell().map_err(|error| broken(&error))? {
            let (row, column) = found.get_position();
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            let text = cell(&Data::from(found.get_value().clone()));
            if text.is_empty() {
                continue;
            }
            if text.chars().count() > MAX_CELL_LENGTH {
                let message = format!(
                    "row {} of the sheet `{name}` has a cell with more than {MAX_CELL_LENGTH} characters",
                    row.saturating_add(1)
                );
                return Err(refused(message));
            }
            text_left = text_left.checked_sub(text.len()).ok_or_else(|| {
                let megabytes = MAX_TEXT / 1024 / 1024;
                refused(format!("the texts of the workbook exceed {megabytes} MB in total"))
            })?;
            if current != Some(row) {
                current = Some(row);
                rows.push((u64::from(row).saturating_add(1), Vec::new()));
            }
            within_limits(rows.len(), column.saturating_add(1))?;
            if let Some((_, cells)) = rows.last_mut() {
                if cells.len() <= column {
                    cells.resize(column + 1, String::new());
                }
                cells[column] = text;
            }
        }
        if rows.is_empty() {
            continue;
        }
        let is_known = rows.iter().take(NOTES).any(|(_, row)| mapping::known_columns(row) >= 2);
        if is_known || wanted.is_some() {
            return Ok((rows, sheets(name, &names)));
        }
        first.get_or_insert((rows, name));
    }
    let (rows, name) =
        first.ok_or_else(|| refused("the workbook has no visible rows".to_owned()))?;
    Ok((rows, sheets(name, &names)))
}

fn sheets(read: &str, all: &[&str]) -> Sheets {
    let others = all.iter().filter(|name| **name != read).map(|name| (*name).to_owned());
    Sheets { read: read.to_owned(), others: others.collect() }
}

/// Rejects a workbook whose unpacked size is much larger than its file size, or that declares more strings than it has
/// bytes, because the reader would allocate memory for them.
fn unpacked(bytes: &[u8]) -> Result<()> {
    let broken = || refused("the workbook can't be read because it is damaged".to_owned());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    let (mut size, mut promised) = (0, 0);
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).map_err(|_| broken())?;
        let mut head = Vec::new();
        let begun = part.by_ref().take(PROMISE as u64).read_to_end(&mut head);
        size += begun.map_err(|_| broken())? as u64;
        promised = promised.max(promise(&String::from_utf8_lossy(&head)));
        let left = (MAX_UNPACKED + 1).saturating_sub(size);
        size += std::io::copy(&mut part.take(left), &mut std::io::sink()).map_err(|_| broken())?;
        if size > MAX_UNPACKED {
            let megabytes = MAX_UNPACKED / 1024 / 1024;
            return Err(refused(format!("the unpacked workbook is larger than {megabytes} MB")));
        }
    }
    if promised > size { Err(broken()) } else { Ok(()) }
}

/// The number of strings that a part declares.
fn promise(head: &str) -> u64 {
    let after = head.split("uniqueCount").skip(1);
    let numbers = after.map(|text| {
        let text =
            text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\''));
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) }
    });
    numbers.max().unwrap_or_default()
}

/// The displayed text of a cell: integers have no decimal point, and dates have no time.
fn cell(cell: &Data) -> String {
    match cell {
        Data::DateTime(moment) => moment.as_datetime().map_or_else(String::new, |moment| {
            moment.format("%Y-%m-%dT%H:%M:%S").to_string().replace("T00:00:00", "")
        }),
        Data::Empty | Data::Error(_) => String::new(),
        other => other.to_string().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::promise;

    #[test]
    fn promise_reads_declared_string_count() {
        assert_eq!(promise("<sst count=\"9\" uniqueCount=\"1000000000000\">"), 1_000_000_000_000);
        assert_eq!(promise("<sst uniqueCount = '12'>"), 12);
        assert_eq!(promise("<sst uniqueCount=\"99999999999999999999999\">"), u64::MAX);
        assert_eq!(promise("<worksheet>"), 0);
    }
}
