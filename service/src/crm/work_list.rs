//! Work list: the next actions of all prospects, most urgent first.
//!
//! The order of urgency is the order of [`KINDS`]. Within a kind, the action that has waited longest comes first: the
//! oldest draft, interaction or prospect. The rules are those of [`next_action`](super::next_action).
//!
//! Each kind has a statement that walks an index in this order (migration `work_list`). The statements run one after
//! another until the page is full, so that a page usually takes one or two. The conditions on drafts are
//! inequalities of scalar subqueries: Postgres would turn `NOT EXISTS` into a join of the whole tables, and would expect
//! so few matches of `IS NULL` that it would read and sort all rows of a kind; of an inequality, it expects a third.

use std::{collections::HashSet, fmt::Write as _};

use chrono::{DateTime, Utc};
use engine::{
    enum_values::EnumValue,
    error::{Error, Result},
    read,
    scope::Scope,
    store::Engine,
    value::{Kind, Value},
};
use sea_orm::{QueryResult, Value as Bind};

use super::next_action::{FOLLOW_UP_AFTER, KINDS, NextAction, REPLY_WITHIN, WAITING};
pub use super::portfolio::OwnerFilter;
use super::portfolio::Portfolio;

/// Which actions a work list contains.
#[derive(Clone, Debug, Default)]
pub struct WorkFilter {
    /// Only these kinds, by their name in [`KINDS`]; `None` means all.
    pub kinds: Option<Vec<String>>,
    /// Only actions that are due before this time; actions without a due time are omitted.
    pub due_before: Option<DateTime<Utc>>,
    /// Only prospects with these owners; `None` means all.
    pub owner: Option<OwnerFilter>,
}

/// An item of a work list.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkItem {
    /// Primary key of the prospect.
    pub prospect: i64,
    /// The next action.
    pub action: NextAction,
    /// Opaque position of the item in its list.
    pub cursor: String,
}

/// A page of a work list.
#[derive(Clone, Debug)]
pub struct WorkPage {
    /// The items, most urgent first.
    pub items: Vec<WorkItem>,
    /// Whether there are items after this page.
    pub more: bool,
}

/// A position: the index of the kind in [`KINDS`], the sort time, and the primary key of the draft or prospect.
#[derive(Clone, Copy, Debug)]
struct Position {
    kind: usize,
    at: Option<DateTime<Utc>>,
    id: i64,
}

/// Condition for prospects with a next action. Also in the conditions of the indexes.
const ELIGIBLE: &str = "p.\"deleted_at\" IS NULL AND p.\"is_active\" AND p.\"unsubscribed_at\" IS NULL AND \
                        p.\"lifecycle_stage\" <> 'disqualified'";

/// Condition for prospects whose newest inbound interaction has no reply. Also in the condition of an index.
const WITHOUT_REPLY: &str = "p.\"last_engagement_date\" IS NOT NULL AND (p.\"last_contacted_at\" IS NULL OR \
                             p.\"last_contacted_at\" < p.\"last_engagement_date\")";

/// Condition for prospects that have not replied to the last contact. Also in the condition of an index.
const WITHOUT_ENGAGEMENT: &str = "p.\"last_contacted_at\" IS NOT NULL AND (p.\"last_engagement_date\" IS NULL OR \
                                  p.\"last_engagement_date\" <= p.\"last_contacted_at\")";

/// Condition for prospects without any contact. Also in the conditions of two indexes, with the number of research
/// results.
const UNTOUCHED: &str = "p.\"last_contacted_at\" IS NULL AND p.\"last_engagement_date\" IS NULL";

/// Draft statuses that precede a reply.
const BEFORE_REPLY: &str = "'pending_review', 'approved', 'draft'";

/// Draft statuses that precede a revision.
const BEFORE_REVISION: &str = "'pending_review', 'approved', 'draft', 'scheduled', 'sending'";

/// Draft statuses that precede all actions without a draft except for a reply.
const ANY_PENDING: &str =
    "'pending_review', 'approved', 'draft', 'rejected', 'scheduled', 'sending'";

/// The first `first` items after the cursor `after`. One statement for each kind, until the page is full.
///
/// # Errors
/// [`Error::BadCursor`]; [`Error::Unavailable`] if the database doesn't respond.
pub async fn work_list(
    scope: &Scope,
    filter: &WorkFilter,
    first: u32,
    after: Option<&str>,
) -> Result<WorkPage> {
    let binding = binding(filter);
    let after = after.map(|after| position(binding, after)).transpose()?;
    let portfolio = match filter.owner {
        Some(owner) => Some(Portfolio::of(scope, owner).await?),
        None => None,
    };
    let is_small = match &portfolio {
        Some(Portfolio::Teams(teams)) if teams.is_empty() => {
            return Ok(WorkPage { items: Vec::new(), more: false });
        }
        Some(portfolio) => portfolio.is_small(scope).await?,
        None => false,
    };
    let rows = first as usize + 1;
    let mut items: Vec<WorkItem> = Vec::new();
    let (mut listed, mut is_full) = (HashSet::new(), false);
    for (kind, EnumValue { name, .. }) in KINDS.iter().enumerate() {
        let is_wanted = |kinds: &Vec<String>| kinds.iter().any(|one| one == name);
        if is_full
            || !filter.kinds.as_ref().is_none_or(is_wanted)
            || after.is_some_and(|after| kind < after.kind)
            || (filter.due_before.is_some() && !matches!(*name, "reply" | "follow_up"))
        {
            continue;
        }
        let limit = rows - items.len();
        let mut statement = Statement {
            portfolio: portfolio.as_ref(),
            is_small,
            ..Statement::new(scope, filter, after, limit)
        };
        statement.branch(kind);
        let found = scope.store().query(&statement.sql, statement.binds).await?;
        is_full = found.len() >= limit;
        for row in &found {
            let item = item(kind, row, binding)?;
            // The action of a prospect may have changed between two statements.
            if listed.insert(item.prospect) {
                items.push(item);
            }
        }
    }
    items.truncate(first as usize);
    Ok(WorkPage { items, more: is_full })
}

/// The statement for at most `rows` items of one kind.
struct Statement<'a> {
    scope: &'a Scope,
    filter: &'a WorkFilter,
    after: Option<Position>,
    rows: usize,
    /// Whose prospects; `None` means all.
    portfolio: Option<&'a Portfolio>,
    /// Whether the portfolio has at most [`SMALL`] prospects.
    is_small: bool,
    sql: String,
    binds: Vec<Bind>,
}

impl<'a> Statement<'a> {
    fn new(scope: &'a Scope, filter: &'a WorkFilter, after: Option<Position>, rows: usize) -> Self {
        let (sql, binds) = (String::new(), Vec::new());
        Self { scope, filter, after, rows, portfolio: None, is_small: false, sql, binds }
    }

    /// The rows of one kind: sort time, position, prospect, revision of the draft, inbound interaction.
    fn branch(&mut self, kind: usize) {
        match KINDS[kind].name {
            "review_draft" => self.drafts(kind, 0, "", ""),
            "send_draft" => self.drafts(kind, 1, "'pending_review'", ""),
            "finish_draft" => {
                self.drafts(kind, 2, "'pending_review', 'approved'", "");
            }
            "revise_draft" => {
                let replied = format!(" AND NOT ({WITHOUT_REPLY})");
                self.drafts(kind, 3, BEFORE_REVISION, &replied);
            }
            "reply" => {
                let due = self.filter.due_before.map(|due| due - REPLY_WITHIN);
                let column = Some("last_engagement_date");
                self.prospects(kind, WITHOUT_REPLY, BEFORE_REPLY, (column, due));
            }
            "follow_up" => {
                let latest = self.filter.due_before.unwrap_or(DateTime::<Utc>::MAX_UTC);
                let due = Some(latest.min(self.scope.now()) - FOLLOW_UP_AFTER);
                let order = (Some("last_contacted_at"), due);
                self.prospects(kind, WITHOUT_ENGAGEMENT, ANY_PENDING, order);
            }
            contact => {
                let number = if contact == "research" { "= 0" } else { "> 0" };
                let condition = format!("{UNTOUCHED} AND p.\"research_count\" {number}");
                self.prospects(kind, &condition, ANY_PENDING, (None, None));
            }
        }
    }

    /// The newest draft in a status of [`WAITING`] of each eligible prospect that has no draft in a `preceding` status.
    fn drafts(&mut self, kind: usize, waiting: usize, preceding: &str, condition: &str) {
        let status = WAITING[waiting];
        let preceding = if preceding.is_empty() {
            String::new()
        } else {
            format!(" OR e.\"status\" IN ({preceding})")
        };
        let (none, no_key) = self.constants();
        let tables = match self.source() {
            // In this order, which SQLite keeps.
            "own" => "own p CROSS JOIN \"outreach_drafts\" d",
            _ => "\"outreach_drafts\" d CROSS JOIN \"prospects\" p",
        };
        let _ = write!(
            self.sql,
            "SELECT {none}, d.\"id\", d.\"prospect_id\", \
             CAST(d.\"revision\" AS bigint), {no_key} FROM {tables} WHERE d.\"organization_id\" = {{}} \
             AND d.\"status\" = '{status}' \
             AND p.\"id\" = d.\"prospect_id\" AND {ELIGIBLE}{condition} \
             AND COALESCE((SELECT 1 FROM \"outreach_drafts\" e WHERE e.\"prospect_id\" = d.\"prospect_id\" \
             AND ((e.\"status\" = '{status}' AND e.\"id\" > d.\"id\"){preceding}) LIMIT 1), 0) < 1"
        );
        self.binds.push(self.scope.organization().into());
        self.owner();
        if let Some(after) = self.after.filter(|after| after.kind == kind) {
            self.sql.push_str(" AND d.\"id\" > {}");
            self.binds.push(after.id.into());
        }
        let _ = write!(self.sql, " ORDER BY d.\"id\" LIMIT {}", self.rows);
    }

    /// The eligible prospects with this condition that have no draft in a `pending` status, by the column of the order
    /// and only before the time of the order.
    fn prospects(
        &mut self,
        kind: usize,
        condition: &str,
        pending: &str,
        (column, before): (Option<&str>, Option<DateTime<Utc>>),
    ) {
        let (none, no_key) = self.constants();
        let at = column.map_or_else(|| none.to_owned(), |column| format!("p.\"{column}\""));
        let answer = if KINDS[kind].name == "reply" {
            "(SELECT i.\"id\" FROM \"interactions\" i WHERE i.\"prospect_id\" = p.\"id\" \
             AND i.\"direction\" = 'inbound' ORDER BY i.\"interaction_date\" DESC, i.\"id\" DESC LIMIT 1)"
        } else {
            no_key
        };
        let source = self.source();
        let _ = write!(
            self.sql,
            "SELECT {at}, p.\"id\", p.\"id\", {no_key}, {answer} FROM {source} p \
             WHERE p.\"organization_id\" = {{}} AND {ELIGIBLE} AND {condition} \
             AND COALESCE((SELECT 1 FROM \"outreach_drafts\" e WHERE e.\"prospect_id\" = p.\"id\" \
             AND e.\"status\" IN ({pending}) LIMIT 1), 0) < 1"
        );
        self.binds.push(self.scope.organization().into());
        self.owner();
        let time = |time| Value::Time(time).bind(Kind::Time);
        if let Some(before) = before {
            let _ = write!(self.sql, " AND {at} < {{}}");
            self.binds.push(time(before));
        }
        if let Some(after) = self.after.filter(|after| after.kind == kind) {
            if let (Some(_), Some(moment)) = (column, after.at) {
                let _ = write!(self.sql, " AND ({at}, p.\"id\") > ({{}}, {{}})");
                self.binds.extend([time(moment), after.id.into()]);
            } else {
                self.sql.push_str(" AND p.\"id\" > {}");
                self.binds.push(after.id.into());
            }
        }
        let order = column.map_or_else(String::new, |_| format!("{at}, "));
        let _ = write!(self.sql, " ORDER BY {order}p.\"id\" LIMIT {}", self.rows);
    }

    /// The table of prospects in this statement: all of them, or those of a small portfolio, which are then read first.
    fn source(&mut self) -> &'static str {
        let Some(portfolio) = self.portfolio.filter(|_| self.is_small) else {
            return "\"prospects\"";
        };
        self.sql.push_str("WITH own AS MATERIALIZED (SELECT *");
        portfolio.prospects(self.scope, &mut self.sql, &mut self.binds);
        self.sql.push_str(") ");
        "own"
    }

    /// The condition for the owners of the prospects, unless the source has it.
    fn owner(&mut self) {
        if let Some(portfolio) = self.portfolio.filter(|_| !self.is_small) {
            portfolio.condition(self.scope.engine(), &mut self.sql, &mut self.binds);
        }
    }

    /// Typed constants: no time, and no key.
    fn constants(&self) -> (&'static str, &'static str) {
        match self.scope.store().engine() {
            Engine::Postgres => ("NULL::timestamptz", "NULL::bigint"),
            Engine::Sqlite => ("NULL", "NULL"),
        }
    }
}

fn item(kind: usize, row: &QueryResult, binding: u64) -> Result<WorkItem> {
    let at = Value::read(row, 0, Kind::Time)?.time();
    let id: i64 = row.try_get_by_index(1)?;
    let (revision, answer): (Option<i64>, Option<i64>) =
        (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
    let action = match (KINDS[kind].name, at, revision) {
        ("reply", Some(engaged), _) => NextAction::reply(engaged, answer),
        ("follow_up", Some(contacted), _) => NextAction::follow_up(contacted),
        ("review_draft", _, Some(revision)) => NextAction::for_draft(0, (id, revision)),
        ("send_draft", _, Some(revision)) => NextAction::for_draft(1, (id, revision)),
        ("finish_draft", _, Some(revision)) => NextAction::for_draft(2, (id, revision)),
        ("revise_draft", _, Some(revision)) => NextAction::for_draft(3, (id, revision)),
        (contact, ..) => NextAction::first(contact == "first_contact"),
    };
    let place = Value::Int(kind.try_into().unwrap_or_default());
    let values = [place, at.map_or(Value::Null, Value::Time), Value::Int(id)];
    let cursor = read::encode_cursor(binding, values.iter());
    Ok(WorkItem { prospect: row.try_get_by_index(2)?, action, cursor })
}

fn binding(filter: &WorkFilter) -> u64 {
    xxhash_rust::xxh3::xxh3_64(format!("work list {filter:?}").as_bytes())
}

fn position(binding: u64, cursor: &str) -> Result<Position> {
    let kinds = [Kind::BigInt, Kind::Time, Kind::BigInt];
    match read::decode_values(cursor, "after", binding, &kinds)?.as_slice() {
        [Value::Int(kind), at, Value::Int(id)] => {
            let kind = usize::try_from(*kind).unwrap_or_default();
            Ok(Position { kind, at: at.time(), id: *id })
        }
        _ => Err(Error::BadCursor { field: "after", message: "unknown cursor format" }),
    }
}
