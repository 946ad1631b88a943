//! Memberships: the roles of users in organizations.

use std::sync::LazyLock;

use engine::{
    enum_values::{EnumValue, enum_value},
    error::{Error, Problem, Result},
    policy::Role,
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    scope::Scope,
    table::Table,
    value::Value,
    write::{
        Unit,
        ownership::{InExport, OnErase, OnMerge, Ownership},
    },
};
pub use entity::identity::membership::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, Select};

use super::user;

/// The user was invited and has not accepted yet.
pub const INVITED: &str = "invited";
/// The user can sign in to the organization.
pub const ACTIVE: &str = "active";
/// An administrator has suspended the membership.
pub const SUSPENDED: &str = "suspended";
/// The user is no longer a member.
pub const LEFT: &str = "left";

/// Roles (`memberships.role`).
pub const ROLES: &[EnumValue] = &[
    enum_value("owner", "Every permission in the organization."),
    enum_value("admin", "Reads, writes, exports and erases personal data, and manages members."),
    enum_value("member", "Reads and writes."),
    enum_value("analyst", "Reads only."),
    enum_value(
        "restricted",
        "Reads and writes only the prospects that the member owns or that are assigned to a team of the member, and what belongs to them.",
    ),
];

/// Statuses (`memberships.status`).
pub const STATUSES: &[EnumValue] = &[
    enum_value(INVITED, "The user was invited and has not accepted yet."),
    enum_value(ACTIVE, "The user can sign in to the organization."),
    enum_value(SUSPENDED, "An administrator has suspended the membership."),
    enum_value(LEFT, "The user is no longer a member."),
];

/// Memberships of an erased user are kept without personal data, because the change log refers to them.
static USER_OWNERSHIP: Ownership = Ownership {
    column: Column::UserId.name(),
    owner: "users",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("membership")
            .described("A membership of a user in the organization.")
            .scoped(RowScope::Organization)
            .belongs_to(&USER_OWNERSHIP)
    });
    &TABLE
}

/// The role of a membership.
pub(super) fn role_of(membership: &Record) -> Role {
    Role::of(membership.text(Column::Role)).unwrap_or(Role::Analyst)
}

/// The membership of a user in the organization of the unit, locked.
pub(super) async fn of_user(unit: &mut Unit, user: i64) -> Result<Option<Record>> {
    let own = unit.scope().select::<Entity>().filter(Column::UserId.eq(user));
    let key = unit.tuple::<i64, _>(own.select_only().column(Column::Id)).await?;
    match key {
        Some(key) => unit.find(table(), key).await,
        None => Ok(None),
    }
}

/// The memberships of the organization with their users.
pub(super) fn with_users(scope: &Scope) -> Select<Entity> {
    let users = Entity::belongs_to(user::Entity).from(Column::UserId).to(user::Column::Id);
    scope.select::<Entity>().join(JoinType::InnerJoin, users.into())
}

/// The membership of a member to whom work can be given, locked against changes: it is active, and the account of the user
/// is neither suspended nor erased. `None` if it is not; `field` is the input with the membership.
///
/// # Errors
/// [`Error::Refused`] if there is no such membership.
pub(crate) async fn available(unit: &mut Unit, id: i64, field: &str) -> Result<Option<Record>> {
    let missing = || Problem::not_found(field, table().called);
    let row = unit.referred(table(), id).await?.ok_or_else(missing)?;
    if row.text(Column::Status) != ACTIVE {
        return Ok(None);
    }
    let users = with_users(unit.scope())
        .filter(Column::Id.eq(id))
        .filter(user::Column::SuspendedAt.is_null())
        .filter(user::Column::DeletedAt.is_null());
    let found = unit.tuple::<i64, _>(users.select_only().column(Column::Id)).await?;
    Ok(found.map(|_| row))
}

/// Inserts a membership of a user in the organization of the unit.
pub(super) async fn insert(
    unit: &mut Unit,
    user: i64,
    role: Role,
    status: &'static str,
) -> Result<Record> {
    let mut row = Record::new(table());
    row.set(Column::UserId, Value::Int(user));
    row.set(Column::Role, Value::Text(role.name().to_owned()));
    row.set(Column::Status, Value::Text(status.to_owned()));
    unit.insert(row).await
}

/// The primary key and the role of an active member.
///
/// # Errors
/// [`Error::Refused`] if the user is not an active member.
pub(super) async fn active(unit: &mut Unit, user: i64) -> Result<(i64, Role)> {
    let membership = of_user(unit, user).await?;
    if let Some(membership) = membership.filter(|row| row.text(Column::Status) == ACTIVE) {
        Ok((user, role_of(&membership)))
    } else {
        let message = "the user is not an active member of the organization";
        Err(Problem::conflict(Reason::UserNotAllowed, "user", message).into())
    }
}

/// The primary key and the role of the active member with this e-mail address; a user and a membership with `role` are
/// created if the address is unknown.
///
/// # Errors
/// [`Error::Refused`] if the address is invalid, or belongs to a user who is not an active member.
pub(super) async fn ensure(unit: &mut Unit, email: &str, role: Role) -> Result<(i64, Role)> {
    let email = user::address(email, "user")?;
    let refused = |message: &str| -> Error {
        Problem::conflict(Reason::UserNotAllowed, "user", message).into()
    };
    unit.advisory_lock(user::table(), &email).await?;
    let Some(known) = user::by_email(unit, &email).await? else {
        let user = user::insert(unit, &email, None).await?.id();
        insert(unit, user, role, ACTIVE).await?;
        return Ok((user, role));
    };
    let Some(membership) = of_user(unit, known.id).await? else {
        return Err(refused("the e-mail address belongs to a user of another organization"));
    };
    if known.is_blocked || membership.text(Column::Status) != ACTIVE {
        return Err(refused(
            "the user is suspended, deleted or not an active member, so their API keys are rejected",
        ));
    }
    Ok((known.id, role_of(&membership)))
}
