//! Users of the product.

use std::sync::LazyLock;

use engine::{
    error::{Problem, Result},
    policy::Role,
    record::Record,
    table::Table,
    value::Value,
    write::Unit,
};
pub use entity::identity::user::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("user")
            .described("A user.")
            .keeping_secret([Column::PasswordHash])
            .confidential()
    });
    &TABLE
}

/// The user with this e-mail address, created with `role` if missing.
pub(super) async fn ensure(unit: &mut Unit, email: &str, role: Role) -> Result<Record> {
    let email = email.trim().to_lowercase();
    let proper = email_address::EmailAddress::is_valid(&email) && email.chars().count() <= 320;
    if !proper {
        return Err(Problem::invalid(
            engine::Reason::EmailInvalid,
            "user",
            "`user` must be an e-mail address",
        )
        .into());
    }
    unit.advisory_lock(table(), &email).await?;
    let known = find_by_email(&email).select_only().columns([Column::Id, Column::OrganizationId]);
    if let Some((id, organization)) = unit.tuple::<(i64, i64), _>(known).await? {
        if organization != unit.scope().organization() {
            let message = "the e-mail address belongs to a user of another organization";
            return Err(Problem::conflict(engine::Reason::UserNotAllowed, "user", message).into());
        }
        return unit.get(table(), id, "user").await;
    }
    let mut person = Record::new(table());
    person.set(Column::Email, Value::Text(email));
    person.set(Column::Role, Value::Text(role.name().to_owned()));
    person.set(Column::Timezone, Value::Text("UTC".to_owned()));
    person.set(Column::LoginMethod, Value::Text("email".to_owned()));
    person.set(Column::OnboardingCompleted, Value::Bool(false));
    person.set(Column::LastSignedIn, Value::Time(unit.now()));
    unit.insert(person).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "e-mail addresses are unique among all organizations"
)]
fn find_by_email(email: &str) -> Select<Entity> {
    Entity::find().filter(Column::Email.eq(email))
}
