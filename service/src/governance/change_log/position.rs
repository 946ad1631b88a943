//! Where an entry stands in the log.

use crate::{
    error::{Error, Result},
    read::{encode_cursor, log_binding},
    scope::Scope,
    store::Store,
    value::Value,
};

/// Where an entry stands in the log: positions compare in the order of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The run of transaction numbers.
    pub epoch: i64,
    /// The number of the transaction; 0 on SQLite.
    pub transaction: i64,
    /// The key of the entry.
    pub id: i64,
}

/// The cursor of a position: the same for every list, filter and subscription of the log.
#[must_use]
pub fn cursor(position: Position) -> String {
    let values = [position.epoch, position.transaction, position.id].map(Value::Int);
    encode_cursor(log_binding(), values.iter())
}

impl Position {
    /// The position that a cursor names.
    ///
    /// # Errors
    /// [`Error::BadCursor`] when it is no cursor of the log.
    pub fn of(cursor: &str) -> Result<Self> {
        let list = super::list(String::new());
        let values = crate::read::decode_cursor(cursor, "after", log_binding(), &list)?;
        let number = |index: usize| values.get(index).and_then(Value::key).unwrap_or_default();
        Ok(Self { epoch: number(0), transaction: number(1), id: number(2) })
    }

    /// Refuses a position that the log doesn't reach back to, or hasn't come to.
    ///
    /// # Errors
    /// [`Error::CursorExpired`], [`Error::BadCursor`].
    pub async fn check(self, scope: &Scope) -> Result<()> {
        let state = State::read(scope.store()).await?;
        if self < state.expired {
            return Err(Error::CursorExpired);
        }
        if self > state.head.max(state.expired) {
            let message = "it stands beyond the end of this log: it is of another database";
            return Err(Error::BadCursor { field: "after", message });
        }
        Ok(())
    }
}

/// The ends of the log.
pub(super) struct State {
    /// Where the newest entry stands that is committed, also when it is not read yet.
    pub(super) head: Position,
    /// Up to where entries have been thrown away.
    pub(super) expired: Position,
}

impl State {
    pub(super) async fn read(store: &Store) -> Result<Self> {
        let sql = "SELECT l.\"expired_epoch\", l.\"expired_transaction_number\", l.\"expired_id\", \
                   c.\"epoch\", c.\"transaction_number\", c.\"id\" FROM \"change_log\" l \
                   LEFT JOIN (SELECT \"epoch\", \"transaction_number\", \"id\" FROM \"changes\" \
                   ORDER BY \"epoch\" DESC, \"transaction_number\" DESC, \"id\" DESC LIMIT 1) c ON TRUE";
        let rows = store.query(sql, Vec::new()).await?;
        let row = rows.first().ok_or_else(|| Error::internal("the change log has no state"))?;
        let expired = Self::position(row, 0)?.unwrap_or_default();
        let head = Self::position(row, 3)?.unwrap_or(expired);
        Ok(Self { head, expired })
    }

    pub(super) fn position(row: &sea_orm::QueryResult, at: usize) -> Result<Option<Position>> {
        let Some(epoch) = row.try_get_by_index::<Option<i32>>(at)? else { return Ok(None) };
        Ok(Some(Position {
            epoch: epoch.into(),
            transaction: row.try_get_by_index(at + 1)?,
            id: row.try_get_by_index(at + 2)?,
        }))
    }
}
