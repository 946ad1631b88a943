//! Sales teams and their members.

use std::sync::LazyLock;

use engine::{
    error::{Problem, Result},
    policy::Permission,
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    table::Table,
    write::{
        IdempotentRequest, Unit, idempotency,
        join_table::JoinTable,
        rules::{Check, Creating, Delete, Hooks, Rules, field},
    },
};
pub use entity::identity::team::{Column, Entity};
use entity::identity::team_member;
use futures_util::future::BoxFuture;

use super::membership::{self, LEFT};

/// Maximum length of a description, in characters.
const MAX_DESCRIPTION_LENGTH: u32 = 10_000;

/// Maximum length of a project code, in characters.
const MAX_CODE_LENGTH: u32 = 100;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("team").described("A sales team.").scoped(RowScope::Organization)
    });
    &TABLE
}

/// The members of teams.
pub static MEMBERS: JoinTable = JoinTable {
    table: "team_members",
    near: team_member::Column::TeamId.name(),
    far: team_member::Column::MembershipId.name(),
    near_table: table,
    far_table: membership::table,
};

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Hard,
        fields: &[
            field(Column::Name.name()).checked(Check::Filled),
            field(Column::Description.name()).checked(Check::AtMost(MAX_DESCRIPTION_LENGTH)),
            field(Column::AvatarUrl.name()).checked(Check::Url),
            field(Column::ProjectCode.name()).checked(Check::AtMost(MAX_CODE_LENGTH)),
        ],
        links: &[],
        hooks: &Team,
    };
    &RULES
}

struct Team;

impl Hooks for Team {
    fn creating(&self) -> Option<Creating> {
        Some(|unit, _| Box::pin(async move { unit.scope().demand(Permission::ManageMembers) }))
    }

    fn update<'u>(
        &'u self,
        unit: &'u mut Unit,
        before: Record,
        after: Record,
    ) -> BoxFuture<'u, Result<Record>> {
        Box::pin(async move {
            unit.scope().demand(Permission::ManageMembers)?;
            unit.update(&before, after).await
        })
    }

    fn deleting<'u>(&'u self, unit: &'u mut Unit, team: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            unit.scope().demand(Permission::ManageMembers)?;
            unit.unlink_all(&MEMBERS, team.id()).await
        })
    }
}

/// Adds a member to a team, or removes one from it; does nothing if that is already the case. Returns the primary keys of
/// the team and the membership.
///
/// # Errors
/// [`engine::Error::Refused`] if one of them does not exist, or the person to add has left the organization;
/// [`engine::Error::Forbidden`].
pub async fn set_member(
    scope: &Scope,
    team: i64,
    member: i64,
    is_member: bool,
    once: Option<IdempotentRequest>,
) -> Result<(i64, i64)> {
    scope.demand(Permission::ManageMembers)?;
    idempotency::run(scope, once, move |unit| {
        Box::pin(async move {
            let missing = || Problem::not_found("team_id", table().called);
            unit.referred(table(), team).await?.ok_or_else(missing)?;
            let missing = || Problem::not_found("membership_id", membership::table().called);
            let person = unit.referred(membership::table(), member).await?.ok_or_else(missing)?;
            if !is_member {
                unit.unlink(&MEMBERS, team, member).await?;
            } else if person.text(membership::Column::Status) == LEFT {
                let message = "the user has left the organization; invite them again first";
                let reason = Reason::MemberStatusConflict;
                return Err(Problem::conflict(reason, "membership_id", message).into());
            } else {
                unit.link(&MEMBERS, team, member).await?;
            }
            Ok((team, member))
        })
    })
    .await
}

/// Removes a departing member from all teams.
pub(super) async fn leave_all(unit: &mut Unit, member: i64) -> Result<()> {
    for team in unit.partners(&MEMBERS, member, false).await? {
        unit.unlink(&MEMBERS, team, member).await?;
    }
    Ok(())
}
