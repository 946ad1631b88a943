//! Tables of pairs: which rows are linked to which.

use serde_json::json;

use super::Unit;
use crate::{
    error::Result,
    governance::change_log::kind,
    table::{Kind, Table},
    value::Value,
};

/// A table of pairs.
pub struct Pairs {
    /// Its name.
    pub table: &'static str,
    /// The column that points to the row that the pair is written from.
    pub near: &'static str,
    /// The column that points to the other.
    pub far: &'static str,
    /// The table of the row that the pair is written from.
    pub near_table: fn() -> &'static Table,
    /// The table of the other.
    pub far_table: fn() -> &'static Table,
}

impl Unit {
    /// Puts a pair into a table of pairs, both of whose rows the caller holds; gives whether it was not
    /// there yet.
    pub(crate) async fn link(&mut self, pairs: &Pairs, near: i64, far: i64) -> Result<bool> {
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

    /// Takes a pair out of a table of pairs; gives whether it was there.
    pub(crate) async fn unlink(&mut self, pairs: &Pairs, near: i64, far: i64) -> Result<bool> {
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

    /// The rows at the other side of a table of pairs: far ones of a near row, or near ones of a far row.
    pub(crate) async fn partners(
        &mut self,
        pairs: &Pairs,
        id: i64,
        near: bool,
    ) -> Result<Vec<i64>> {
        let (own, other) = if near { (pairs.near, pairs.far) } else { (pairs.far, pairs.near) };
        let sql = format!(
            "SELECT \"{other}\" FROM \"{}\" WHERE \"{own}\" = {{}} ORDER BY \"{other}\"",
            pairs.table
        );
        let rows = self.query(&sql, vec![id.into()]).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// Takes every pair of a near row out of a table of pairs, before the row itself is deleted.
    pub(crate) async fn unlink_all(&mut self, pairs: &Pairs, near: i64) -> Result<()> {
        for far in self.partners(pairs, near, true).await? {
            self.unlink(pairs, near, far).await?;
        }
        Ok(())
    }

    /// A pair is part of the history of both its ends.
    fn note_pair(&mut self, pairs: &Pairs, near: i64, far: i64, what: &'static str) {
        let pair = json!({ pairs.near: near, pairs.far: far });
        let sides = [((pairs.near_table)(), near), ((pairs.far_table)(), far)];
        for (table, id) in sides {
            let (before, after) =
                if what == kind::LINKED { (None, Some(&pair)) } else { (Some(&pair), None) };
            self.note(table, Some(id), what, before.cloned(), after.cloned());
        }
    }
}
