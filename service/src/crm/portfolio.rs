//! Portfolios: the prospects of a member, of their teams, or without an owner, as conditions of the work list.

use std::fmt::Write as _;

use engine::{error::Result, scope::Scope, store::Engine};
use sea_orm::Value as Bind;

/// The largest number of prospects of which all are read for each kind.
const SMALL: i64 = 2_000;

/// Whose prospects a work list contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerFilter {
    /// Those of the member with this membership.
    Member(i64),
    /// Those of the teams of the member with this membership.
    TeamsOf(i64),
    /// Those without an owner.
    Unassigned,
}

/// The owners or teams of the prospects of a work list.
pub(super) enum Portfolio {
    Owner(i64),
    Teams(Vec<i64>),
    Unassigned,
}

impl Portfolio {
    /// Looks up the teams of a member.
    pub(super) async fn of(scope: &Scope, filter: OwnerFilter) -> Result<Self> {
        let member = match filter {
            OwnerFilter::Member(member) => return Ok(Self::Owner(member)),
            OwnerFilter::Unassigned => return Ok(Self::Unassigned),
            OwnerFilter::TeamsOf(member) => member,
        };
        let sql = "SELECT \"team_id\" FROM \"team_members\" WHERE \"membership_id\" = {}";
        let rows = scope.store().query(sql, vec![member.into()]).await?;
        let teams = rows.iter().map(|row| Ok(row.try_get_by_index(0)?));
        Ok(Self::Teams(teams.collect::<Result<_>>()?))
    }

    /// Appends the condition for prospects `p`.
    pub(super) fn condition(&self, engine: Engine, sql: &mut String, binds: &mut Vec<Bind>) {
        match self {
            Self::Unassigned => sql.push_str(" AND p.\"owner_id\" IS NULL"),
            Self::Owner(member) => {
                sql.push_str(" AND p.\"owner_id\" = {}");
                binds.push((*member).into());
            }
            Self::Teams(teams) => {
                let _ = write!(sql, " AND p.\"team_id\" {}", engine.among(teams, binds));
            }
        }
    }

    /// Appends all prospects `p` of the portfolio, after `SELECT`. The statement names the index for SQLite, whose
    /// statistics rate an index with few distinct values as useless.
    pub(super) fn prospects(&self, scope: &Scope, sql: &mut String, binds: &mut Vec<Bind>) {
        let engine = scope.engine();
        let index = match (engine, self) {
            // The table is then an expression, which has no index.
            _ if scope.is_restricted() => "",
            (Engine::Postgres, _) => "",
            (Engine::Sqlite, Self::Owner(_)) => " INDEXED BY \"ix_prospects_owner_id\"",
            (Engine::Sqlite, Self::Teams(_)) => " INDEXED BY \"ix_prospects_team_id\"",
            (Engine::Sqlite, Self::Unassigned) => " INDEXED BY \"ix_prospects_unassigned\"",
        };
        let _ = write!(sql, " FROM \"prospects\" p{index} WHERE p.\"organization_id\" = {{}}");
        binds.push(scope.organization().into());
        self.condition(engine, sql, binds);
    }

    /// Whether there are at most [`SMALL`] prospects. Then it is better to read all of them than to walk the actions of all
    /// owners; a statement with an unknown owner would not tell the engine which is the case.
    pub(super) async fn is_small(&self, scope: &Scope) -> Result<bool> {
        let (mut sql, mut binds) = ("SELECT count(*) FROM (SELECT 1".to_owned(), Vec::new());
        self.prospects(scope, &mut sql, &mut binds);
        let _ = write!(sql, " LIMIT {}) few", SMALL + 1);
        let rows = scope.store().query(&sql, binds).await?;
        let count: Option<i64> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?;
        Ok(count.unwrap_or_default() <= SMALL)
    }
}
