//! Notifications of members. Each is visible to its member only.

use std::{collections::HashSet, sync::LazyLock};

use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Problem, Result},
    policy::Role,
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    table::Table,
    value::Value,
    write::{IdempotentRequest, Unit, idempotency, tally::TallyWork, transfer::Transfer},
};
pub use entity::alerts::notification::{Column, Entity};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

/// Maximum number of notifications that are marked at once.
pub const MAX_MARKED: usize = 100;

/// A note mentions the member.
const MENTION: &str = "mention";

/// Prospects were assigned to the member.
const ASSIGNMENT: &str = "assignment";

/// Kinds (`notifications.kind`).
pub const KINDS: &[EnumValue] = &[
    enum_value(MENTION, "A note mentions the member."),
    enum_value(ASSIGNMENT, "Another actor assigned prospects to the member."),
];

/// The table. Notifications about a note are deleted with the note.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("notification")
            .described("A notification of a member.")
            .scoped(RowScope::ThroughAny(Column::ProspectNoteId.name(), "prospect_notes"))
            .private_to(Column::MembershipId)
            .transferred(&TRANSFER)
    });
    &TABLE
}

/// What happens to notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The member has read them.
    Read,
    /// The member no longer wants to see them. They also count as read.
    Dismissed,
}

/// Notifies a member that a note mentions them. The notification has no copy of the note, so that it contains nothing
/// after the note was edited or erased.
pub(crate) async fn mention(unit: &mut Unit, member: i64, note: i64) -> Result<()> {
    let message = "A note about a prospect mentions you.".to_owned();
    let mut row = new(member, MENTION, "Mention in a note", message);
    row.set(Column::ProspectNoteId, Value::Int(note));
    unit.insert(row).await?;
    Ok(())
}

/// Notifies a member, once for each unit of work, of the prospects that were assigned to them.
pub(crate) static ASSIGNMENTS: TallyWork = TallyWork {
    name: "notifications of assignments",
    complete: |unit, member, prospects| {
        Box::pin(async move {
            let (title, message) = match prospects {
                1 => ("Prospect assigned", "1 prospect was assigned to you.".to_owned()),
                many => ("Prospects assigned", format!("{many} prospects were assigned to you.")),
            };
            unit.insert(new(member, ASSIGNMENT, title, message)).await?;
            Ok(())
        })
    },
};

/// The notifications of a departing member are deleted.
static TRANSFER: Transfer = Transfer(|unit, member, _| {
    Box::pin(async move {
        for row in unit.below(table(), Column::MembershipId, member).await? {
            unit.delete(&row).await?;
        }
        Ok(())
    })
});

fn new(member: i64, kind: &str, title: &str, message: String) -> Record {
    let mut row = Record::new(table());
    row.set(Column::MembershipId, Value::Int(member));
    row.set(Column::Kind, Value::Text(kind.to_owned()));
    row.set(Column::Title, Value::Text(title.to_owned()));
    row.set(Column::Message, Value::Text(message));
    row
}

/// Marks notifications of the caller: these, or with `None` all that have not been read. Returns the number of
/// notifications that had no such mark.
///
/// # Errors
/// [`engine::Error::Refused`] if the caller is not a member, or if one of them is not a notification of the caller; then
/// none is marked.
pub async fn mark(
    scope: &Scope,
    keys: Option<Vec<i64>>,
    mark: Mark,
    once: Option<IdempotentRequest>,
) -> Result<usize> {
    let Some(member) = scope.membership() else {
        let message = "only members have notifications; sign in or use an API key";
        return Err(Problem::conflict(Reason::MemberRequired, "", message).into());
    };
    if keys.as_ref().is_some_and(|keys| keys.len() > MAX_MARKED) {
        let message = format!("at most {MAX_MARKED} notifications can be marked at once");
        return Err(Problem::invalid(Reason::TooManyItems, "ids", message).into());
    }
    // Members of every role mark their own notifications.
    let scope = scope.in_role(Role::Member);
    idempotency::run(&scope, once, move |unit| {
        Box::pin(async move {
            let own = unit.scope().select::<Entity>().filter(Column::MembershipId.eq(member));
            let own = match &keys {
                Some(keys) => own.filter(Column::Id.is_in(keys.iter().copied())),
                None => own.filter(Column::ReadAt.is_null()),
            };
            let rows = unit.records(table(), &own).await?;
            if let Some(keys) = keys {
                let distinct: HashSet<i64> = keys.into_iter().collect();
                if rows.len() != distinct.len() {
                    return Err(Problem::not_found("ids", table().called).into());
                }
            }
            let mut marked = 0;
            unit.begin_batch();
            for before in rows {
                let mut after = before.clone();
                for column in mark.columns() {
                    if !after.has(*column) {
                        after.set(*column, Value::Time(unit.now()));
                    }
                }
                marked += usize::from(after.values() != before.values());
                unit.update(&before, after).await?;
            }
            Ok(marked)
        })
    })
    .await
}

impl Mark {
    fn columns(self) -> &'static [Column] {
        match self {
            Self::Read => &[Column::ReadAt],
            Self::Dismissed => &[Column::ReadAt, Column::DismissedAt],
        }
    }
}

/// Which of these notifications are visible to the caller.
///
/// # Errors
/// [`engine::Error::Unavailable`] if the database doesn't respond.
pub async fn visible(scope: &Scope, keys: &[i64]) -> Result<HashSet<i64>> {
    let Some(member) = scope.membership() else { return Ok(HashSet::new()) };
    let own = scope.select::<Entity>().filter(Column::MembershipId.eq(member));
    let own = own.filter(Column::Id.is_in(keys.iter().copied())).select_only().column(Column::Id);
    Ok(scope.store().tuples(&own).await?.into_iter().collect())
}
