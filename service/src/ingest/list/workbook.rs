//! Workbooks (XLSX): their rows, without what a hostile one could do.

use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xlsx};
use zip::ZipArchive;

use super::file::{refused, within_limits};
use crate::error::Result;

/// The most bytes of a workbook when it is unpacked.
const LARGEST_UNPACKED: u64 = 400 * 1024 * 1024;

/// How much of a part is looked at to find how many texts it promises.
const PROMISE: usize = 64 * 1024;

/// The rows that have anything in them, of the first sheet that has any.
pub(super) fn rows(bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    let broken = |error: &dyn std::fmt::Display| {
        refused(format!("it is a workbook that can't be read: {error}"))
    };
    unpacked(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| broken(&error))?;
    for name in book.sheet_names() {
        // What is no sheet of cells is a chart.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut current = None;
        while let Some(found) = cells.next_cell().map_err(|error| broken(&error))? {
            let (row, column) = found.get_position();
            let column = usize::try_from(column).unwrap_or(usize::MAX);
            let text = cell(&Data::from(found.get_value().clone()));
            if text.is_empty() {
                continue;
            }
            if current != Some(row) {
                current = Some(row);
                rows.push(Vec::new());
            }
            within_limits(rows.len(), column.saturating_add(1))?;
            if let Some(cells) = rows.last_mut() {
                if cells.len() <= column {
                    cells.resize(column + 1, String::new());
                }
                cells[column] = text;
            }
        }
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
    Err(refused("it has no rows".to_owned()))
}

/// Refuses a workbook that is much larger than it looks, or that promises more texts than it has bytes: room would be
/// made for them.
fn unpacked(bytes: &[u8]) -> Result<()> {
    let broken = || refused("it is a workbook that can't be read: it is damaged".to_owned());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| broken())?;
    let (mut size, mut promised) = (0, 0);
    for number in 0..archive.len() {
        let mut part = archive.by_index(number).map_err(|_| broken())?;
        let mut head = Vec::new();
        let begun = part.by_ref().take(PROMISE as u64).read_to_end(&mut head);
        size += begun.map_err(|_| broken())? as u64;
        promised = promised.max(promise(&String::from_utf8_lossy(&head)));
        let left = (LARGEST_UNPACKED + 1).saturating_sub(size);
        size += std::io::copy(&mut part.take(left), &mut std::io::sink()).map_err(|_| broken())?;
        if size > LARGEST_UNPACKED {
            let megabytes = LARGEST_UNPACKED / 1024 / 1024;
            return Err(refused(format!("it is larger than {megabytes} MB when it is unpacked")));
        }
    }
    if promised > size { Err(broken()) } else { Ok(()) }
}

/// How many texts a part says that it has.
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

/// A cell as a person reads it: a whole number without a point, a day without a time.
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
    fn what_is_promised_is_read() {
        assert_eq!(promise("<sst count=\"9\" uniqueCount=\"1000000000000\">"), 1_000_000_000_000);
        assert_eq!(promise("<sst uniqueCount = '12'>"), 12);
        assert_eq!(promise("<sst uniqueCount=\"99999999999999999999999\">"), u64::MAX);
        assert_eq!(promise("<worksheet>"), 0);
    }
}
