//! Join tables.

use serde_json::json;

use super::Unit;
use crate::{
    change_log::kind,
    error::Result,
    table::Table,
    value::{Kind, Value},
};

/// A join table.
pub struct JoinTable {
    /// The name.
    pub table: &'static str,
    /// The column that references the source row, from which the link is written.
    pub near: &'static str,
    /// The column that references the target row.
    pub far: &'static str,
    /// The table of the source row.
    pub near_table: fn() -> &'static Table,
    /// The table of the target row.
    pub far_table: fn() -> &'static Table,
}

impl Unit {
    /// Inserts a link into a join table; the caller holds locks on both rows. Returns whether the link is new.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn link(&mut self, pairs: &JoinTable, near: i64, far: i64) -> Result<bool> {
        let sql = format!(
            "INSERT INTO \"{}\" (\"{}\", \"{}\", \"created_at\", \"updated_at\") \
             VALUES ({{}}, {{}}, {{}}, {{}}) ON CONFLICT DO NOTHING",
            pairs.table, pairs.near, pairs.far
        );
        let now = Value::Time(self.now()).bind(Kind::Time);
        let binds = vec![near.into(), far.into(), now.clone(), now];
        let added = self.execute(&sql, binds).await? > 0;
        if added {
            self.note_pair(pairs, near, far, kind::LINKED);
        }
        Ok(added)
    }

    /// Removes a link from a join table; returns whether it existed.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn unlink(&mut self, pairs: &JoinTable, near: i64, far: i64) -> Result<bool> {
        let sql = format!(
            "DELETE FROM \"{}\" WHERE \"{}\" = {{}} AND \"{}\" = {{}}",
            pairs.table, pairs.near, pairs.far
        );
        let removed = self.execute(&sql, vec![near.into(), far.into()]).await? > 0;
        if removed {
            self.note_pair(pairs, near, far, kind::UNLINKED);
        }
        Ok(removed)
    }

    /// The linked rows on the other side of a join table: the targets of a source row, or the sources of a target
    /// row.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn partners(&mut self, pairs: &JoinTable, id: i64, near: bool) -> Result<Vec<i64>> {
        let (own, other) = if near { (pairs.near, pairs.far) } else { (pairs.far, pairs.near) };
        let sql = format!(
            "SELECT \"{other}\" FROM \"{}\" WHERE \"{own}\" = {{}} ORDER BY \"{other}\"",
            pairs.table
        );
        let rows = self.query(&sql, vec![id.into()]).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// Removes all links of a source row from a join table before the row is deleted.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn unlink_all(&mut self, pairs: &JoinTable, near: i64) -> Result<()> {
        for far in self.partners(pairs, near, true).await? {
            self.unlink(pairs, near, far).await?;
        }
        Ok(())
    }

    /// Records an added or removed link in the change log for both of its rows.
    fn note_pair(&mut self, pairs: &JoinTable, near: i64, far: i64, what: &'static str) {
        let pair = json!({ pairs.near: near, pairs.far: far });
        let sides = [((pairs.near_table)(), near), ((pairs.far_table)(), far)];
        for (table, id) in sides {
            let (before, after) =
                if what == kind::LINKED { (None, Some(&pair)) } else { (Some(&pair), None) };
            self.note(table, Some(id), what, before.cloned(), after.cloned());
        }
    }
}
