//! Letters that SQLite replaces in searched text.

/// Letters that the FTS5 tokenizers keep and `unaccent` of Postgres replaces: letters without a removable accent,
/// letter-like signs, and accented letters outside the Latin alphabet.
const LETTERS: [(&str, &str); 50] = [
    ("ß", "ss"),
    ("ẞ", "ss"),
    ("æ", "ae"),
    ("Æ", "ae"),
    ("œ", "oe"),
    ("Œ", "oe"),
    ("ø", "o"),
    ("Ø", "o"),
    ("ł", "l"),
    ("Ł", "l"),
    ("đ", "d"),
    ("Đ", "d"),
    ("ð", "d"),
    ("Ð", "d"),
    ("þ", "th"),
    ("Þ", "th"),
    ("ħ", "h"),
    ("Ħ", "h"),
    ("ŧ", "t"),
    ("Ŧ", "t"),
    ("ŋ", "n"),
    ("Ŋ", "n"),
    ("ı", "i"),
    ("ς", "σ"),
    ("ʼ", " "),
    ("ʻ", " "),
    ("ʽ", " "),
    ("ʹ", " "),
    ("ё", "е"),
    ("Ё", "Е"),
    ("ά", "α"),
    ("έ", "ε"),
    ("ή", "η"),
    ("ί", "ι"),
    ("ό", "ο"),
    ("ύ", "υ"),
    ("ώ", "ω"),
    ("ϊ", "ι"),
    ("ϋ", "υ"),
    ("ΐ", "ι"),
    ("ΰ", "υ"),
    ("Ά", "Α"),
    ("Έ", "Ε"),
    ("Ή", "Η"),
    ("Ί", "Ι"),
    ("Ό", "Ο"),
    ("Ύ", "Υ"),
    ("Ώ", "Ω"),
    ("Ϊ", "Ι"),
    ("Ϋ", "Υ"),
];

/// Maximum number of nested replacements in one SELECT. The parser of SQLite before 3.46 accepts 28 nested calls in
/// a trigger; with more, every statement on the database fails with a malformed schema error.
const NESTED: usize = 13;

/// The rows of `source`, a SELECT in parentheses, with all [`LETTERS`] replaced in their columns `texts`; their columns
/// `kept` are unchanged. For SQLite. Rows with ASCII text only, which have no such letter, are not searched for each of
/// them.
pub(super) fn without_accents(source: &str, kept: &[&str], texts: &[&str]) -> String {
    let columns: Vec<_> = kept.iter().chain(texts).copied().collect();
    let columns = columns.join(", ");
    let has_others = format!("({}) GLOB '*[^' || char(1) || '-~]*'", texts.join(" || "));
    let rows = format!("(SELECT {columns} FROM {source} WHERE {has_others})");
    let replaced = LETTERS.chunks(NESTED).fold(rows, |source, letters| {
        let replaced = texts.iter().map(|text| {
            let replaced = letters.iter().fold((*text).to_owned(), |inner, (from, to)| {
                format!("replace({inner}, '{from}', '{to}')")
            });
            format!("{replaced} AS {text}")
        });
        let columns: Vec<_> = kept.iter().map(|name| (*name).to_owned()).chain(replaced).collect();
        format!("(SELECT {} FROM {source})", columns.join(", "))
    });
    format!(
        "SELECT {columns} FROM {source} WHERE NOT {has_others} UNION ALL SELECT {columns} FROM {replaced}"
    )
}
