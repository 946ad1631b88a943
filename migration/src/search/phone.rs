//! Searchable words of phone numbers.

use sea_orm_migration::sea_orm::DatabaseBackend;

/// The SQL expression for the words of a phone number: null if it is null.
pub(super) fn words(backend: DatabaseBackend, number: &str) -> String {
    let digits = if backend == DatabaseBackend::Postgres {
        format!("regexp_replace(split_part({number}, ' ext', 1), '[^0-9]', '', 'g')")
    } else {
        let main = format!("substr({number}, 1, instr({number} || ' ext', ' ext') - 1)");
        // SQLite has no regular expressions.
        [" ", "-", "/", "(", ")", ".", "+"]
            .iter()
            .fold(main, |text, sign| format!("replace({text}, '{sign}', '')"))
    };
    let last = (7..=11).map(|length| match backend {
        DatabaseBackend::Postgres => format!("right({digits}, {length})"),
        _ => format!("substr({digits}, -{length})"),
    });
    let all: Vec<_> =
        [number.to_owned(), format!("ltrim({digits}, '0')")].into_iter().chain(last).collect();
    format!("({})", all.join(" || ' ' || "))
}
