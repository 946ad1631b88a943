//! Row scopes in units of work: a restricted caller writes only rows that it sees.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, Value as Bind};
use serde_json::{Map, Value as Json};

use super::Unit;
use crate::{
    error::{Error, Problem, ProblemCode, Result},
    policy::Permission,
    reason::Reason,
    row_scope::RowScope,
    table::Table,
};

/// The conflict with a row that the caller does not see. It names neither the row nor the value.
pub(super) fn hidden_conflict() -> Problem {
    Problem {
        code: ProblemCode::Conflict,
        reason: Reason::ValueNotAvailable,
        field: None,
        message:
            "a value that must be unique is not available; ask a member who can see all prospects"
                .to_owned(),
        index: None,
        current: None,
    }
}

impl Unit {
    /// Which of these rows the caller sees; `None` means all.
    async fn seen(&self, table: &Table, keys: &[i64]) -> Result<Option<HashSet<i64>>> {
        let Some(restriction) = self.scope().restriction() else { return Ok(None) };
        match table.row_scope() {
            Some(RowScope::Organization) => return Ok(None),
            None => return Ok(Some(HashSet::new())),
            _ => {}
        }
        // A row that this unit has created becomes visible with the unit.
        let is_created = |key: &i64| self.created.contains(&(table.name, *key));
        let (created, others): (Vec<i64>, Vec<i64>) = keys.iter().partition(|key| is_created(key));
        let mut seen: HashSet<i64> = created.into_iter().collect();
        if !others.is_empty() {
            let engine = self.engine();
            let mut binds: Vec<Bind> = Vec::new();
            let among = engine.among(&others, &mut binds);
            let sql = format!("SELECT \"id\" FROM \"{}\" WHERE \"id\" {among}", table.name);
            let statement = restriction.apply(engine, engine.statement(&sql, binds), &[])?;
            for row in &self.transaction.query_all_raw(statement).await? {
                seen.insert(row.try_get_by_index(0)?);
            }
        }
        Ok(Some(seen))
    }

    /// Whether the caller sees a row.
    pub(super) async fn sees(&self, table: &Table, key: i64) -> Result<bool> {
        Ok(self.seen(table, &[key]).await?.is_none_or(|seen| seen.contains(&key)))
    }

    /// Removes the rows that the caller does not see.
    pub(super) async fn retain_seen(&self, table: &Table, keys: &mut Vec<i64>) -> Result<()> {
        if let Some(seen) = self.seen(table, keys).await? {
            keys.retain(|key| seen.contains(key));
        }
        Ok(())
    }

    /// Remembers a row that a restricted caller has created.
    pub(super) fn remember_created(&mut self, table: &Table, key: i64) {
        if self.scope().is_restricted() {
            self.created.insert((table.name, key));
        }
    }

    /// Rejects a row with a unique value that the caller does not see, and a restricted caller who has met too many of them.
    pub(super) async fn check_seen(&self, table: &Table, known: Option<i64>) -> Result<()> {
        let Some(restriction) = self.scope().restriction() else { return Ok(()) };
        let (limit, member) = (&self.scope().store().conflicts, restriction.membership());
        // Checked first, so that an exceeded limit looks the same whether or not there is a row.
        limit.check(member, self.now())?;
        match known {
            Some(key) if !self.sees(table, key).await? => {
                limit.count(member, self.now());
                Err(hidden_conflict().into())
            }
            _ => Ok(()),
        }
    }

    /// Rejects a new row of a table in which the caller can't create rows.
    pub(super) fn check_creation(&self, table: &Table) -> Result<()> {
        let is_denied = self.scope().is_restricted() && !table.admits_restricted_rows();
        if is_denied { Err(self.denied()) } else { Ok(()) }
    }

    /// Rejects a change of a row of a table in which the caller can't change rows. The change is given by the columns that
    /// differ.
    pub(super) fn check_change(&self, table: &Table, change: &Map<String, Json>) -> Result<()> {
        let is_denied = self.scope().is_restricted() && !table.admits_restricted_change(change);
        if is_denied { Err(self.denied()) } else { Ok(()) }
    }

    /// Rejects the deletion of a row of a table in which the caller can't create rows.
    pub(super) fn check_deletion(&self, table: &Table) -> Result<()> {
        self.check_creation(table)
    }

    fn denied(&self) -> Error {
        let (role, permission) = (self.scope().role().name(), Permission::WriteAll.name());
        let message = Error::Forbidden { role, permission }.to_string();
        Problem::conflict(Reason::PermissionMissing, "", message).into()
    }
}
