//! Timeline: interactions, drafts, research and other changes of prospects and companies, newest first.

use std::{collections::HashMap, fmt::Write as _};

use chrono::{DateTime, Utc};
use engine::{
    enum_values::{EnumValue, enum_value},
    error::Result,
    read,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
};
use sea_orm::Value as Bind;

/// Entry kinds. Entries with equal timestamps are sorted in this order.
pub const KINDS: &[EnumValue] = &[
    enum_value("interaction", "An interaction."),
    enum_value("draft", "An outreach draft."),
    enum_value("research", "Research."),
    enum_value(
        "change",
        "Any other change of the prospect or of its interactions, drafts and research.",
    ),
];

/// Subject of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineSubject {
    /// Prospects.
    Prospects,
    /// Companies, with the entries of their prospects, except deleted prospects.
    Companies,
}

/// A timeline entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Timestamp.
    pub at: DateTime<Utc>,
    /// Index of the kind of the entry in [`KINDS`].
    pub kind: usize,
    /// Primary key of the underlying row.
    pub id: i64,
    /// Primary key of the prospect.
    pub prospect: i64,
    /// Title.
    pub title: Option<String>,
    /// Content.
    pub text: Option<String>,
    /// Direction of an interaction, status of a draft, or kind of change.
    pub detail: Option<String>,
    /// Kind of the actor.
    pub actor_kind: Option<String>,
    /// Name of the actor.
    pub actor_name: Option<String>,
}

/// A page of the timeline of one row.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Entries, newest first.
    pub entries: Vec<Entry>,
    /// Whether there are older entries.
    pub more: bool,
}

/// A position in a timeline.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: DateTime<Utc>,
    kind: i64,
    id: i64,
}

/// Sources of each kind of entry: table, timestamp column, and columns of the entry.
const SOURCES: [(&str, &str, &str); 4] = [
    (
        "interactions",
        "interaction_date",
        "x.\"subject\", x.\"content\", x.\"direction\", NULL, NULL",
    ),
    (
        "outreach_drafts",
        "created_at",
        "COALESCE(x.\"subject\", x.\"draft_type\"), x.\"content\", x.\"status\", x.\"author_kind\", \
         x.\"author_name\"",
    ),
    ("prospect_research", "created_at", "NULL, x.\"research_summary\", NULL, NULL, NULL"),
    ("changes", "created_at", "x.\"entity\", NULL, x.\"kind\", x.\"actor_kind\", x.\"actor_name\""),
];

/// The newest `first` entries of each of these rows, after the cursor `after`. One statement.
///
/// # Errors
/// [`engine::Error::BadCursor`]; [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn timeline(
    scope: &Scope,
    of: TimelineSubject,
    keys: &[i64],
    first: u32,
    after: Option<&str>,
) -> Result<HashMap<i64, Timeline>> {
    let after = after.map(|after| place(of, after)).transpose()?;
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let engine = scope.store().engine();
    let mut binds: Vec<Bind> = Vec::new();
    let mut parts = Vec::new();
    for (kind, source) in SOURCES.iter().enumerate() {
        parts.push(part(scope, engine, of, kind, source, keys, first, after, &mut binds));
    }
    let rows = scope.store().query(&parts.join(" UNION ALL "), binds).await?;
    let mut found: HashMap<i64, Timeline> = HashMap::new();
    for row in &rows {
        let text = |place: usize| row.try_get_by_index::<Option<String>>(place);
        let Value::Time(at) = Value::read(row, 2, Kind::Time)? else { continue };
        let kind: i64 = row.try_get_by_index(1)?;
        let entry = Entry {
            at,
            kind: kind.try_into().unwrap_or_default(),
            id: row.try_get_by_index(3)?,
            prospect: row.try_get_by_index(4)?,
            title: text(5)?,
            text: text(6)?,
            detail: text(7)?,
            actor_kind: text(8)?,
            actor_name: text(9)?,
        };
        found.entry(row.try_get_by_index(0)?).or_default().entries.push(entry);
    }
    for timeline in found.values_mut() {
        let entries = &mut timeline.entries;
        entries.sort_by(|one, other| {
            other.at.cmp(&one.at).then(one.kind.cmp(&other.kind)).then(other.id.cmp(&one.id))
        });
        timeline.more = entries.len() > first as usize;
        entries.truncate(first as usize);
    }
    Ok(found)
}

/// The statement for one kind of entry: the newest entries of each row, one more than requested. Timestamps are
/// compared as stored, so the index of each table on prospect and timestamp can be used.
#[expect(clippy::too_many_arguments, reason = "one part of a single statement")]
fn part(
    scope: &Scope,
    engine: Engine,
    of: TimelineSubject,
    kind: usize,
    (table, moment, columns): &(&str, &str, &str),
    keys: &[i64],
    first: u32,
    after: Option<Place>,
    binds: &mut Vec<Bind>,
) -> String {
    let whose = match of {
        TimelineSubject::Prospects => "t.\"prospect_id\" = {p}".to_owned(),
        TimelineSubject::Companies => "t.\"prospect_id\" IN (SELECT w.\"id\" FROM \"prospects\" w \
                          WHERE w.\"company_id\" = {p} AND w.\"deleted_at\" IS NULL)"
            .to_owned(),
    };
    let (parents, parent) = match engine {
        Engine::Postgres => {
            let keys = keys.iter().copied().map(Value::Int).collect();
            binds.push(Value::array(keys, Kind::BigInt));
            ("unnest({}::bigint[]) p(id)", "p.id")
        }
        Engine::Sqlite => {
            binds.push(serde_json::Value::from(keys).to_string().into());
            ("json_each({}) p", "p.value")
        }
    };
    binds.push(scope.organization().into());
    let mut conditions = whose.replace("{p}", parent);
    conditions.push_str(" AND ");
    conditions.push_str(engine.not_by());
    conditions.push_str("t.\"organization_id\" = {}");
    if *table == "changes" {
        // The creation of a row of another kind already has its own timeline entry.
        conditions.push_str(
            " AND (t.\"kind\" <> 'created' OR t.\"entity\" NOT IN ('interaction', 'outreach_draft', \
             'prospect_research'))",
        );
    }
    if let Some(after) = after {
        let at = Value::Time(after.at).bind(Kind::Time);
        let own = i64::try_from(kind).unwrap_or_default();
        if own == after.kind {
            let _ = write!(conditions, " AND (t.\"{moment}\", t.\"id\") < ({{}}, {{}})");
            binds.extend([at, after.id.into()]);
        } else {
            let operator = if own > after.kind { "<=" } else { "<" };
            let _ = write!(conditions, " AND t.\"{moment}\" {operator} {{}}");
            binds.push(at);
        }
    }
    let cast = if engine == Engine::Postgres { "::bigint" } else { "" };
    let columns = if engine == Engine::Postgres {
        columns.replace("NULL", "NULL::text")
    } else {
        (*columns).to_owned()
    };
    let newest = |wanted: &str| {
        format!(
            "SELECT {wanted} FROM \"{table}\" t WHERE {conditions} \
             ORDER BY t.\"{moment}\" DESC, t.\"id\" DESC LIMIT {}",
            first + 1
        )
    };
    let joined = match engine {
        Engine::Postgres => format!("LATERAL ({}) x", newest("t.*")),
        Engine::Sqlite => format!("\"{table}\" x ON x.\"id\" IN ({})", newest("t.\"id\"")),
    };
    format!(
        "SELECT {parent}, {kind}{cast}, x.\"{moment}\", x.\"id\", x.\"prospect_id\", {columns} \
         FROM {parents} CROSS JOIN {joined}"
    )
}

/// The cursor of an entry.
#[must_use]
pub fn cursor(of: TimelineSubject, entry: &Entry) -> String {
    let kind = Value::Int(entry.kind.try_into().unwrap_or_default());
    let values = [Value::Time(entry.at), kind, Value::Int(entry.id)];
    read::encode_cursor(binding(of), values.iter())
}

fn binding(of: TimelineSubject) -> u64 {
    xxhash_rust::xxh3::xxh3_64(format!("timeline {of:?}").as_bytes())
}

fn place(of: TimelineSubject, cursor: &str) -> Result<Place> {
    let kinds = [Kind::Time, Kind::BigInt, Kind::BigInt];
    match read::decode_values(cursor, "after", binding(of), &kinds)?.as_slice() {
        [Value::Time(at), Value::Int(kind), Value::Int(id)] => {
            Ok(Place { at: *at, kind: *kind, id: *id })
        }
        _ => Err(engine::Error::BadCursor { field: "after", message: "unknown cursor format" }),
    }
}
