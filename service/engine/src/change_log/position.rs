//! Positions of change log entries.

use crate::{
    error::{Error, Result},
    read::{encode_cursor, log_binding},
    scope::Scope,
    store::Store,
    value::Value,
};

/// The position of an entry. Positions are ordered like the change log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Epoch: the series of transaction numbers.
    pub epoch: i64,
    /// Transaction number; 0 on SQLite.
    pub transaction: i64,
    /// Primary key of the entry.
    pub id: i64,
}

/// The cursor of a position, identical for every list, filter and subscription of the change log.
#[must_use]
pub fn cursor(position: Position) -> String {
    let values = [position.epoch, position.transaction, position.id].map(Value::Int);
    encode_cursor(log_binding(), values.iter())
}

impl Position {
    /// Decodes the position of a cursor.
    ///
    /// # Errors
    /// [`Error::BadCursor`] if `cursor` is not a cursor of the change log.
    pub fn of(cursor: &str) -> Result<Self> {
        let list = super::list(String::new());
        let values = crate::read::decode_cursor(cursor, "after", log_binding(), &list)?;
        let number = |index: usize| values.get(index).and_then(Value::key).unwrap_or_default();
        Ok(Self { epoch: number(0), transaction: number(1), id: number(2) })
    }

    /// Rejects an expired position and a position ahead of the change log.
    ///
    /// # Errors
    /// [`Error::CursorExpired`], [`Error::BadCursor`].
    pub async fn check(self, scope: &Scope) -> Result<()> {
        let state = State::read(&scope.store().unrestricted()).await?;
        if self < state.expired {
            return Err(Error::CursorExpired);
        }
        if self > state.head.max(state.expired) {
            let message =
                "position is ahead of the change log; the cursor was issued by another database";
            return Err(Error::BadCursor { field: "after", message });
        }
        Ok(())
    }
}

/// The two ends of the change log.
pub(super) struct State {
    /// Position of the newest committed entry, including entries that can't be read yet.
    pub(super) head: Position,
    /// Position up to which entries have expired.
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
