//! Names of people: comparison values and forms of address in letters.

use super::text::one_line;
use crate::words;

/// The comparison value of a name: its words without case and accents.
pub fn folded(text: &str) -> String {
    words::words_of(text).join(" ")
}

/// Titles and salutations before a name, folded.
const TITLES: &[&str] = &[
    "dr",
    "drs",
    "prof",
    "professor",
    "med",
    "phil",
    "jur",
    "rer",
    "nat",
    "pol",
    "oec",
    "hc",
    "habil",
    "dipl",
    "ing",
    "inf",
    "kfm",
    "kffr",
    "betriebswirt",
    "mag",
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "sir",
    "dame",
    "herr",
    "herrn",
    "frau",
    "fraulein",
    "hr",
    "fr",
    "sr",
    "sra",
    "srta",
    "don",
    "dona",
    "m",
    "mme",
    "mlle",
    "monsieur",
    "madame",
    "mademoiselle",
    "sig",
    "sigra",
    "dott",
    "dottssa",
    "avv",
    "arq",
    "lic",
    "dhr",
    "mevr",
    "mw",
    "pan",
    "pani",
    "pan\u{ed}",
    "rev",
    "hon",
    "capt",
    "col",
    "gen",
    "lt",
    "sgt",
];

/// Suffixes after a name, folded.
const SUFFIXES: &[&str] = &[
    "jr", "jun", "junior", "sr", "sen", "senior", "ii", "iii", "iv", "phd", "md", "mba", "msc",
    "bsc", "ma", "ba", "llm", "llb", "jd", "esq", "cpa", "cfa", "pmp", "meng", "beng", "bed",
    "med", "rn", "dds", "fh", "univ",
];

/// Particles of a family name, before its last word.
const PARTICLES: &[&str] = &[
    "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "do", "du", "la",
    "le", "les", "ten", "ter", "zu", "zum", "zur", "vom", "am", "af", "av", "bin", "ibn", "al",
    "el", "ben", "st", "y", "e", "o", "op", "t",
];

/// Whether a text consists only of salutations or titles, and is therefore not a job title.
pub fn is_only_salutations(text: &str) -> bool {
    let words = words::words_of(text);
    !words.is_empty() && words.iter().all(|word| TITLES.contains(&word.as_str()) || word == "und")
}

/// The first and last name of a person. `Lovelace, Ada` is parsed as `Ada Lovelace`; titles and salutations are
/// omitted; a single word is a first name.
pub fn parts(full_name: &str) -> (String, Option<String>) {
    let name = one_line(full_name);
    let name = match name.split_once(',') {
        Some((last, first)) if !is_suffix(first) && !first.trim().is_empty() => {
            let first = first.split(',').next().unwrap_or_default();
            return turned(&words(last), &words(first), &name);
        }
        Some((name, _)) => name.to_owned(),
        None => name,
    };
    let words = words(&name);
    let Some((first, rest)) = words.split_first() else { return (name, None) };
    let last = rest.iter().rposition(|word| !is_particle(word)).map(|end| {
        let start =
            rest[..end].iter().rposition(|word| !is_particle(word)).map_or(0, |place| place + 1);
        rest[start..=end].join(" ")
    });
    (first.clone(), last)
}

/// A first name without preceding titles and salutations.
pub fn without_titles(first_name: &str) -> String {
    words(&one_line(first_name)).join(" ")
}

/// The parts of a name that is written with the last name first.
fn turned(last: &[String], first: &[String], whole: &str) -> (String, Option<String>) {
    match (first.first(), last.is_empty()) {
        (Some(first), false) => (first.clone(), Some(last.join(" "))),
        (Some(first), true) => (first.clone(), None),
        (None, false) => (last[0].clone(), None),
        (None, true) => (whole.to_owned(), None),
    }
}

fn is_suffix(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().map(plain).collect();
    !words.is_empty() && words.iter().all(|word| SUFFIXES.contains(&word.as_str()))
}

/// Whether the word is a particle. Particles are in lower case; in `Van Morrison`, `Van` is a first name.
fn is_particle(word: &str) -> bool {
    word.starts_with(char::is_lowercase) && PARTICLES.contains(&plain(word).as_str())
}

/// The words of a name without titles and suffixes.
fn words(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split(' ').filter(|word| !plain(word).is_empty()).collect();
    let title = |word: &str| word.split('-').all(|part| TITLES.contains(&plain(part).as_str()));
    let mut start = 0;
    // A letter without a period is an initial; `M` and `Fr.` are titles only if a name follows.
    while start + 1 < words.len() && title(words[start]) && (words[start].chars().count() > 1) {
        start += 1;
    }
    let mut end = words.len();
    while end > start + 1 && SUFFIXES.contains(&plain(words[end - 1]).as_str()) {
        end -= 1;
    }
    words[start..end].iter().map(|word| (*word).to_owned()).collect()
}

fn plain(word: &str) -> String {
    words::words_of(word).concat()
}

/// The minimum similarity at which two words may be spellings of the same word.
const SAME_WORD: f64 = 0.85;

/// The similarity of an initial to the name that it stands for.
const INITIAL: f64 = 0.9;

/// The maximum number of words of a name that are compared.
const MAX_WORDS: usize = 6;

/// The penalty for each word that occurs in only one of the names.
const EXTRA_WORD: f64 = 0.05;

/// The similarity of two folded names, from 0 to 1, independent of word order: the average similarity of their
/// words (Jaro–Winkler). Each word of the shorter name must match a word of the longer one, with typos allowed, or
/// its initial. A common prefix alone is not a match.
pub fn likeness(one: &str, other: &str) -> f64 {
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let mut short: Vec<&str> = one.split(' ').take(MAX_WORDS).collect();
    let mut long: Vec<&str> = other.split(' ').take(MAX_WORDS).collect();
    if short.len() > long.len() {
        std::mem::swap(&mut short, &mut long);
    }
    let (words, extra) = (short.len(), long.len() - short.len());
    if extra > 0 && words < 2 {
        return 0.0;
    }
    let mut sum = 0.0;
    for word in short {
        let likest = (long.iter().enumerate())
            .map(|(place, other)| (place, word_likeness(word, other)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((place, like)) = likest.filter(|(_, like)| *like >= SAME_WORD) else { return 0.0 };
        long.swap_remove(place);
        sum += like;
    }
    let count = |words: usize| u32::try_from(words).map_or(f64::MAX, f64::from);
    (sum / count(words) - count(extra) * EXTRA_WORD).max(0.0)
}

/// Whether two folded names have a word in common, allowing for typos.
pub fn share_a_word(one: &str, other: &str) -> bool {
    let words = |name: &str| name.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let other = words(other);
    words(one).iter().any(|word| other.iter().any(|known| word_likeness(word, known) >= SAME_WORD))
}

fn word_likeness(one: &str, other: &str) -> f64 {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if short.chars().count() == 1 && long.chars().count() > 1 {
        return if long.starts_with(short) { INITIAL } else { 0.0 };
    }
    strsim::jaro_winkler(one, other)
}

#[cfg(test)]
mod tests {
    use super::{is_only_salutations, likeness, parts, share_a_word};

    #[test]
    fn titles_are_removed_from_names() {
        for (name, first, last) in [
            ("Ada Lovelace", "Ada", Some("Lovelace")),
            ("Dr. Ada Lovelace", "Ada", Some("Lovelace")),
            ("Prof. Dr. Ada Lovelace", "Ada", Some("Lovelace")),
            ("Prof. Dr.-Ing. Ada Lovelace", "Ada", Some("Lovelace")),
            ("Frau Dr. Ada Lovelace", "Ada", Some("Lovelace")),
            ("Mrs Ada Lovelace", "Ada", Some("Lovelace")),
            ("Lovelace, Ada", "Ada", Some("Lovelace")),
            ("Lovelace, Dr. Ada", "Ada", Some("Lovelace")),
            ("Ada Lovelace, PhD", "Ada", Some("Lovelace")),
            ("Ada Lovelace Jr.", "Ada", Some("Lovelace")),
            ("Cher", "Cher", None),
            ("Dr. Cher", "Cher", None),
            ("Ludwig van Beethoven", "Ludwig", Some("van Beethoven")),
            ("van Beethoven, Ludwig", "Ludwig", Some("van Beethoven")),
            ("Anna Maria Schmidt", "Anna", Some("Schmidt")),
            ("Charles de la Cruz", "Charles", Some("de la Cruz")),
            ("Van Morrison", "Van", Some("Morrison")),
            ("  Ada \u{a0} Lovelace ", "Ada", Some("Lovelace")),
            ("A. Lovelace", "A.", Some("Lovelace")),
            ("M Night", "M", Some("Night")),
            ("田中 太郎", "田中", Some("太郎")),
        ] {
            assert_eq!(parts(name), (first.to_owned(), last.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn salutations_are_detected() {
        for text in ["Dr.", "Ms.", "Mr", "Frau", "Herr", "Prof. Dr.", "Herr Dr.", "Mme"] {
            assert!(is_only_salutations(text), "{text}");
        }
        for text in ["CTO", "Dr. med. Oberarzt", "Managing Director", "", "Dame of the house"] {
            assert!(!is_only_salutations(text), "{text}");
        }
    }

    #[test]
    fn name_similarity_compares_word_by_word() {
        for (one, other, nearly) in [
            ("anna schmidt", "schmidt anna", true),
            ("anna schmidt", "ana schmidt", true),
            ("anna schmidt", "a schmidt", true),
            ("anna schmidt", "anna maria schmidt", true),
            ("jon smith", "john smyth", true),
            ("anna schmidt", "anna schulz", false),
            ("alexander schmidt", "alexander schwarz", false),
            ("anna schmidt", "b schmidt", false),
            ("anna schmidt", "anna", false),
            ("ben meyer", "bob meyer", false),
        ] {
            assert_eq!(likeness(one, other) >= 0.9, nearly, "{one} {other}");
        }
        assert!((likeness("anna schmidt", "schmidt anna") - 1.0).abs() < f64::EPSILON);
        assert!(share_a_word("anna berg", "a berg"));
        assert!(!share_a_word("anna berg", "bob tal"));
    }
}
