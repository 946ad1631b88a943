//! Internal notes about prospects, which can mention members.

use std::{collections::BTreeSet, sync::LazyLock};

use engine::{
    error::{Problem, Result},
    policy::Permission,
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        IdempotentRequest, Input, Unit, idempotency,
        join_table::JoinTable,
        ownership::Ownership,
        row::{alive, current, patched, plain},
        rules::{Check, Delete, Hooks, Rules, field},
    },
};
pub use entity::crm::prospect_note::{Column, Entity};
use entity::crm::prospect_note_mention;
use futures_util::future::BoxFuture;

use super::prospect;
use crate::{alerts::notification, identity::membership};

/// Maximum length of a note, in characters.
pub const MAX_LENGTH: u32 = 10_000;

/// Maximum number of members whom a note mentions.
pub const MAX_MENTIONS: usize = 50;

/// Notes belong to their prospect.
static PROSPECT_OWNERSHIP: Ownership = Ownership::complete(Column::ProspectId.name(), "prospects");

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("prospect_note")
            .described("A note about a prospect.")
            .scoped(RowScope::Through(Column::ProspectId.name(), "prospects"))
            .hidden_with(Column::ProspectId, prospect::table)
            .belongs_to(&PROSPECT_OWNERSHIP)
    });
    &TABLE
}

/// The members whom notes mention.
pub static MENTIONS: JoinTable = JoinTable {
    table: "prospect_note_mentions",
    near: prospect_note_mention::Column::ProspectNoteId.name(),
    far: prospect_note_mention::Column::MembershipId.name(),
    near_table: table,
    far_table: membership::table,
};

/// Write rules: actions of this module create and edit notes.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: None,
        update: false,
        delete: Delete::Hard,
        fields: &[field(Column::Content.name()).checked(Check::AtMost(MAX_LENGTH))],
        links: &[],
        hooks: &Note,
    };
    &RULES
}

struct Note;

impl Hooks for Note {
    fn deleting<'u>(&'u self, unit: &'u mut Unit, note: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            if !unit.scope().role().may(Permission::ManageMembers) {
                check_author(unit.scope(), note, "delete it, and owners and admins")?;
            }
            unit.unlink_all(&MENTIONS, note.id()).await
        })
    }
}

/// Input for a new note.
#[derive(Clone, Debug)]
pub struct NewNote {
    /// The primary key of the prospect.
    pub prospect: i64,
    /// The text.
    pub content: String,
    /// The primary keys of the memberships of the mentioned members.
    pub mentions: Vec<i64>,
}

/// Changes of a note.
#[derive(Clone, Debug)]
pub struct NotePatch {
    /// The text; `None` to keep it.
    pub content: Option<String>,
    /// The mentioned members; `None` to keep them.
    pub mentions: Option<Vec<i64>>,
    /// The revision that the note must have.
    pub expected_revision: Option<i64>,
}

/// Adds a note to a prospect, and notifies the mentioned members except the author. Returns its primary key.
///
/// # Errors
/// [`engine::Error::Refused`] if the text is blank or too long, the prospect is missing or deleted, or a mentioned person is
/// not an active member.
pub async fn create(scope: &Scope, new: NewNote, once: Option<IdempotentRequest>) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let mut row = plain(unit, rules(), content(new.content))?;
            let mentions = mentioned(unit, new.mentions).await?;
            let missing = || Problem::not_found("prospect_id", prospect::table().called);
            let prospect = unit.referred(prospect::table(), new.prospect).await?;
            alive(&prospect.ok_or_else(missing)?, "prospect_id")?;
            row.set(Column::ProspectId, Value::Int(new.prospect));
            let author = unit.scope().membership().map_or(Value::Null, Value::Int);
            row.set(Column::AuthorId, author);
            let note = unit.insert(row).await?.id();
            for member in mentions {
                mention(unit, note, member).await?;
            }
            Ok(note)
        })
    })
    .await
}

/// Changes a note of the caller, and notifies members whom it did not mention before. Returns its primary key.
///
/// # Errors
/// As [`create`]; also if the caller is not the author.
pub async fn edit(
    scope: &Scope,
    note: i64,
    patch: NotePatch,
    once: Option<IdempotentRequest>,
) -> Result<i64> {
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let mentions = match patch.mentions {
                Some(mentions) => Some(mentioned(unit, mentions).await?),
                None => None,
            };
            let before = current(unit, rules(), note, patch.expected_revision).await?;
            check_author(unit.scope(), &before, "change it")?;
            if let Some(text) = patch.content {
                patched(unit, rules(), before, content(text), None).await?;
            }
            if let Some(mentions) = mentions {
                let known: BTreeSet<i64> =
                    unit.partners(&MENTIONS, note, true).await?.into_iter().collect();
                for member in known.difference(&mentions) {
                    unit.unlink(&MENTIONS, note, *member).await?;
                }
                for member in mentions.difference(&known) {
                    mention(unit, note, *member).await?;
                }
            }
            Ok(note)
        })
    })
    .await
}

/// Mentions a member in a note, and notifies them.
async fn mention(unit: &mut Unit, note: i64, member: i64) -> Result<()> {
    unit.link(&MENTIONS, note, member).await?;
    if unit.scope().membership() != Some(member) {
        notification::mention(unit, member, note).await?;
    }
    Ok(())
}

/// The input with a text, which the rules check.
fn content(text: String) -> Input {
    let column = table().column(Column::Content);
    Input { values: vec![(column, Value::Text(text))], ..Input::default() }
}

/// The mentioned members, who must be active. Their memberships are locked.
async fn mentioned(unit: &mut Unit, members: Vec<i64>) -> Result<BTreeSet<i64>> {
    if members.len() > MAX_MENTIONS {
        let message = format!("a note can mention at most {MAX_MENTIONS} members");
        return Err(Problem::invalid(Reason::TooManyItems, "mention_ids", message).into());
    }
    let members: BTreeSet<i64> = members.into_iter().collect();
    for member in &members {
        if membership::available(unit, *member, "mention_ids").await?.is_none() {
            let message = "a note can only mention active members";
            let reason = Reason::MemberStatusConflict;
            return Err(Problem::conflict(reason, "mention_ids", message).into());
        }
    }
    Ok(members)
}

/// Rejects a caller who is not the author. A note of the local user or the command line has no author.
fn check_author(scope: &Scope, note: &Record, action: &str) -> Result<()> {
    if note.number(Column::AuthorId) == scope.membership() {
        return Ok(());
    }
    let message = format!("only the author of a note can {action}");
    Err(Problem::conflict(Reason::AuthorOnly, "id", message).into())
}
