//! Texts that are used again, with variables: `Dear {{first_name}}`. Every version is a row.

use std::{collections::BTreeMap, sync::LazyLock};

use entity::outreach::message_template;
use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

use crate::{
    crm::{company, prospect},
    error::{Problem, Result},
    normal_form::person,
    offer::industry,
    scope::Scope,
    table::Table,
    value::Value,
    vocabulary::{Word, word},
    write::{
        Once, Record, Unit, once,
        row::alive,
        rules::{Check, Creating, Delete, Hooks, Rules, Usual, field, kept},
    },
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<message_template::Entity>("message_template")
            .holding([("template_type", 20), ("locale", 10)])
    });
    &TABLE
}

/// What a template is for (`message_templates.template_type`).
pub const TYPES: &[Word] = &[
    word("subject", "The subject of a message."),
    word("body", "The text of a message."),
    word("icebreaker", "How a message begins."),
    word("hot_button", "What matters most to whom it is for."),
];

/// What may be written.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        identity: None,
        fields: &[
            field("name").on_create().checked(Check::Filled),
            field("template_type").on_create().checked(Check::OneOf(TYPES)),
            field("template_text").checked(Check::Filled),
            field("variables").checked(Check::List).usually(Usual::Follows),
            field("locale"),
            field("is_active").usually(Usual::Bool(true)),
            kept("usage_count", Usual::Int(0)),
            kept("success_rate", Usual::Nothing),
            kept("version", Usual::Int(1)),
        ],
        links: &[],
        hooks: &Template,
    };
    &RULES
}

struct Template;

impl Hooks for Template {
    fn complete(
        &self,
        _: &Scope,
        before: Option<&Record>,
        template: &mut Record,
        problems: &mut Vec<Problem>,
    ) {
        let said = ["template_text", "variables"];
        let is_new = |before: &Record| {
            said.iter().any(|column| before.value(column) != template.value(column))
        };
        if before.is_some_and(|before| !is_new(before)) {
            return;
        }
        let used = match variables(template.text("template_text")) {
            Ok(used) => used,
            Err(message) => {
                problems.push(Problem::invalid("template_text", message));
                return;
            }
        };
        let same =
            before.is_some_and(|before| before.value("variables") == template.value("variables"));
        match template.value("variables") {
            Value::Json(Json::Array(told)) if !same => {
                let told: Vec<&str> = told.iter().filter_map(Json::as_str).collect();
                if let Some(missing) = used.iter().find(|name| !told.contains(&name.as_str())) {
                    let message = format!("`{missing}` stands in the text and is not among them");
                    problems.push(Problem::invalid("variables", message));
                }
            }
            Value::Null | Value::Json(_) => {
                let declared = match before.map(|before| before.value("variables")) {
                    Some(Value::Json(Json::Array(declared))) => declared.as_slice(),
                    _ => &[],
                };
                for name in used.iter().filter(|name| !PROSPECT_VARIABLES.contains(&name.as_str()))
                {
                    if declared.iter().all(|declared| declared.as_str() != Some(name)) {
                        problems.push(Problem::invalid("template_text", unknown(name)));
                    }
                }
                template.set("variables", Value::Json(json!(used)));
            }
            _ => {}
        }
    }

    fn creating(&self) -> Option<Creating> {
        Some(|unit, template| Box::pin(become_newest(unit, template)))
    }

    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        mut after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(async move {
            let text = ["template_text", "variables", "locale"];
            if text.iter().any(|column| before.value(column) != after.value(column)) {
                let mut next = Record::new(table());
                for rule in rules().fields {
                    next.set(rule.column, after.value(rule.column).clone());
                }
                next.set("usage_count", Value::Int(0));
                next.set("success_rate", Value::Null);
                become_newest(unit, &mut next).await?;
                return unit.insert(next).await;
            }
            if *after.value("is_active") == Value::Bool(true) {
                unit.hold_name(table(), &slot(&after)).await?;
                retire(unit, &after).await?;
                // It may have been retired a moment ago by another.
                after.set("is_active", Value::Bool(true));
            }
            unit.update(&before, after).await
        })
    }
}

/// What is known of a prospect by itself.
const PROSPECT_VARIABLES: [&str; 12] = [
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

/// From this likeness on an unknown variable may be a known one, misspelt.
const MISSPELT: f64 = 0.85;

/// The message about a variable that is neither known of prospects nor declared.
fn unknown(name: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(known, &name.to_lowercase());
    let nearest = PROSPECT_VARIABLES
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
        .filter(|known| likeness(known) >= MISSPELT);
    let meant = nearest.map_or_else(String::new, |known| format!(" (did you mean `{known}`?)"));
    format!(
        "`{{{{{name}}}}}` is not known of prospects{meant}; what is said only when the template is rendered must be \
         declared in `variables`"
    )
}

/// What there is one active version of.
fn slot(template: &Record) -> String {
    format!("{}\0{}", template.text("name"), template.text("template_type"))
}

/// Gives a new row the next version of its name and type, and retires the one that is in use.
async fn become_newest(unit: &mut Unit, template: &mut Record) -> Result<()> {
    unit.hold_name(table(), &slot(template)).await?;
    let sql = "SELECT COALESCE(MAX(\"version\"), 0) FROM \"message_templates\" \
               WHERE \"organization_id\" = {} AND \"name\" = {} AND \"template_type\" = {}";
    let binds = vec![
        unit.scope().organization().into(),
        template.text("name").into(),
        template.text("template_type").into(),
    ];
    let rows = unit.query(sql, binds).await?;
    let newest: i32 =
        rows.first().map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    template.set("version", Value::Int(i64::from(newest) + 1));
    if *template.value("is_active") == Value::Bool(true) {
        retire(unit, template).await?;
    }
    Ok(())
}

/// Retires every version of a name and type but this one.
async fn retire(unit: &mut Unit, template: &Record) -> Result<()> {
    let sql = "SELECT \"id\" FROM \"message_templates\" WHERE \"organization_id\" = {} AND \"name\" = {} \
               AND \"template_type\" = {} AND \"is_active\" AND \"id\" <> {} ORDER BY \"id\"";
    let binds = vec![
        unit.scope().organization().into(),
        template.text("name").into(),
        template.text("template_type").into(),
        template.id().into(),
    ];
    for row in unit.query(sql, binds).await? {
        let Some(before) = unit.find(table(), row.try_get_by_index(0)?).await? else { continue };
        let mut after = before.clone();
        after.set("is_active", Value::Bool(false));
        unit.update(&before, after).await?;
    }
    Ok(())
}

/// The variables that a text uses, each once, in their order.
///
/// # Errors
/// What is wrong with the text.
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
        let (name, after) = after.split_once("}}").ok_or("a `{{` has no `}}`")?;
        let name = name.trim();
        let proper = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(proper) {
            return Err(format!(
                "`{{{{{name}}}}}` is no variable: letters, digits and `_` name one"
            ));
        }
        pieces.extend([Piece::Text(before), Piece::Variable(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

/// A text with its variables filled in.
///
/// # Errors
/// The names of variables that nothing is said of.
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

/// What templates can say of a prospect.
pub(crate) fn said_of(
    prospect: &Record,
    company: Option<&Record>,
    industry: Option<&Record>,
) -> BTreeMap<String, String> {
    let full_name = prospect.text("full_name");
    let mut values = BTreeMap::new();
    let mut say = |name: &str, value: &str| {
        if !value.is_empty() {
            values.insert(name.to_owned(), value.to_owned());
        }
    };
    say("full_name", full_name);
    // As the source of the prospect has them, or read from the full name.
    if prospect.has("first_name") || prospect.has("last_name") {
        say("first_name", &person::without_titles(prospect.text("first_name")));
        say("last_name", prospect.text("last_name"));
    } else {
        let (first, last) = person::parts(full_name);
        say("first_name", &first);
        say("last_name", last.as_deref().unwrap_or_default());
    }
    for column in ["email", "job_title", "location", "phone", "linkedin_url"] {
        say(column, prospect.text(column));
    }
    say("company_name", company.map_or("", |company| company.text("name")));
    say("company_website", company.map_or("", |company| company.text("website")));
    say("company_size", company.map_or("", |company| company.text("size")));
    say("industry", industry.map_or("", |industry| industry.text("name")));
    values
}

/// A template that was filled in.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Rendered {
    /// The key of the template.
    pub template: i64,
    /// The text.
    pub text: String,
}

/// Fills in a template with what is known of a prospect, and what is told beside that; counts that it was used.
///
/// # Errors
/// [`crate::Error::Refused`] when there is no such template or prospect, or a variable has no value.
pub async fn render(
    scope: &Scope,
    template: i64,
    prospect: Option<i64>,
    told: BTreeMap<String, String>,
    once: Option<Once>,
) -> Result<Rendered> {
    once::run(scope, once, move |unit| {
        Box::pin(async move {
            let mut values = match prospect {
                Some(id) => {
                    let person = unit.referred(prospect::table(), id).await?;
                    let person =
                        person.ok_or_else(|| Problem::not_found("prospect_id", "prospect"))?;
                    alive(&person, "prospect_id")?;
                    of_prospect(unit, &person).await?
                }
                None => BTreeMap::new(),
            };
            values.extend(told);
            let before = unit.get(table(), template, "id").await?;
            let text = filled(before.text("template_text"), &values).map_err(|missing| {
                let message = format!("nothing is said of {}", missing.join(", "));
                Problem::invalid("variables", message)
            })?;
            used(unit, &before).await?;
            Ok(Rendered { template, text })
        })
    })
    .await
}

/// Counts that a template was used.
async fn used(unit: &mut Unit, before: &Record) -> Result<()> {
    let mut after = before.clone();
    let count = before.number("usage_count").unwrap_or_default() + 1;
    after.set("usage_count", Value::Int(count));
    unit.update(before, after).await?;
    Ok(())
}

/// What templates can say of a prospect of whom only the row is there.
async fn of_prospect(unit: &mut Unit, person: &Record) -> Result<BTreeMap<String, String>> {
    let company = person.number("company_id").unwrap_or_default();
    let company = unit.peek(company::table(), company).await?;
    let industry = company.as_ref().and_then(|company| company.number("industry_id"));
    let industry = match industry {
        Some(id) => unit.peek(industry::table(), id).await?,
        None => None,
    };
    Ok(said_of(person, company.as_ref(), industry.as_ref()))
}

/// How often messages from templates were answered: of each, told by its key, how many drafts made of it were sent, and
/// how many of these were answered.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database does not answer.
pub async fn answered(
    scope: &Scope,
    templates: &[i64],
) -> Result<std::collections::HashMap<i64, (i64, i64)>> {
    let mut binds = vec![scope.organization().into()];
    let among = scope.engine().among(templates, &mut binds);
    let sql = format!(
        "SELECT \"message_template_id\", count(*), count(CASE WHEN \"status\" = 'replied' THEN 1 END) \
         FROM \"outreach_drafts\" WHERE {}\"organization_id\" = {{}} AND \"message_template_id\" {among} \
         AND \"sent_at\" IS NOT NULL GROUP BY \"message_template_id\"",
        scope.engine().not_by()
    );
    let mut found = std::collections::HashMap::new();
    for row in &scope.store().query(&sql, binds).await? {
        let counts = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        found.insert(row.try_get_by_index(0)?, counts);
    }
    Ok(found)
}
