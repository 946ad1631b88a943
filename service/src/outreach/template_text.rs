//! Template texts: variables and rendering.

use std::collections::BTreeMap;

use engine::{normal_form::person, record::Record};
use entity::{crm::company, crm::prospect, offer::industry};

/// Variables that are derived from a prospect.
pub(super) const PROSPECT_VARIABLES: [&str; 12] = [
    "full_name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "job_title",
    "location",
    "linkedin_url",
    "company_name",
    "company_website",
    "company_size",
    "industry",
];

/// Minimum similarity for suggesting a known variable in place of an unknown one.
const MISSPELT: f64 = 0.85;

/// Error message for a variable that is neither derived from prospects nor declared.
pub(super) fn unknown(name: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(known, &name.to_lowercase());
    let nearest = PROSPECT_VARIABLES
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .filter(|known| likeness(known) >= MISSPELT);
    let meant = nearest.map_or_else(String::new, |known| format!(" (did you mean `{known}`?)"));
    format!(
        "unknown variable `{{{{{name}}}}}`{meant}; variables that are only passed when the template is rendered must \
         be declared in `variables`"
    )
}

/// The distinct variables of a text, in order.
///
/// # Errors
/// A description of the syntax error.
pub fn variables(text: &str) -> std::result::Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    for piece in pieces(text)? {
        if let Piece::Variable(name) = piece
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

enum Piece<'t> {
    Text(&'t str),
    Variable(&'t str),
}

fn pieces(text: &str) -> std::result::Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("unclosed `{{`: add `}}`")?;
        let name = name.trim();
        let proper = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(proper) {
            return Err(format!(
                "`{{{{{name}}}}}` is not a valid variable; use only letters, digits and `_`"
            ));
        }
        pieces.extend([Piece::Text(before), Piece::Variable(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// Renders a text with variable values.
///
/// # Errors
/// The names of variables without a value.
pub fn filled(
    text: &str,
    values: &BTreeMap<String, String>,
) -> std::result::Result<String, Vec<String>> {
    let pieces = pieces(text).map_err(|wrong| vec![wrong])?;
    let (mut full, mut missing) = (String::new(), Vec::new());
    for piece in pieces {
        match piece {
            Piece::Text(text) => full.push_str(text),
            Piece::Variable(name) => match values.get(name) {
                Some(value) => full.push_str(value),
                None => missing.push(name.to_owned()),
            },
        }
    }
    if missing.is_empty() { Ok(full) } else { Err(missing) }
}

/// Template variables of a prospect.
pub(crate) fn said_of(
    prospect: &Record,
    company: Option<&Record>,
    industry: Option<&Record>,
) -> BTreeMap<String, String> {
    let full_name = prospect.text(prospect::Column::FullName);
    let mut values = BTreeMap::new();
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            values.insert(name.to_owned(), value.to_owned());
        }
    };
    say("full_name", full_name);
    // The first and last names as provided by the source of the prospect, or else derived from the full name.
    if prospect.has(prospect::Column::FirstName) || prospect.has(prospect::Column::LastName) {
        say("first_name", &person::without_titles(prospect.text(prospect::Column::FirstName)));
        say("last_name", prospect.text(prospect::Column::LastName));
    } else {
        let (first, last) = person::parts(full_name);
        say("first_name", &first);
        say("last_name", last.as_deref().unwrap_or_default());
    }
    for column in [
        prospect::Column::Email,
        prospect::Column::JobTitle,
        prospect::Column::Location,
        prospect::Column::Phone,
        prospect::Column::LinkedinUrl,
    ] {
        say(column.name(), prospect.text(column));
    }
    say("company_name", company.map_or("", |company| company.text(company::Column::Name)));
    say("company_website", company.map_or("", |company| company.text(company::Column::Website)));
    say("company_size", company.map_or("", |company| company.text(company::Column::Size)));
    say("industry", industry.map_or("", |industry| industry.text(industry::Column::Name)));
    values
}
