//! Users of the product.

use std::sync::LazyLock;

use engine::policy::Role;
use engine::{
    error::{Problem, Result},
    record::Record,
    table::Table,
    value::Value,
    write::Unit,
};
pub use entity::identity::user::{Column, Entity};

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
    let sql = "SELECT \"id\", \"organization_id\" FROM \"users\" WHERE \"email\" = {}";
    let rows = unit.query(sql, vec![email.clone().into()]).await?;
    if let Some(row) = rows.first() {
        if row.try_get_by_index::<i64>(1)? != unit.scope().organization() {
            let message = "the e-mail address belongs to a user of another organization";
            return Err(Problem::conflict(engine::Reason::UserNotAllowed, "user", message).into());
        }
        return unit.get(table(), row.try_get_by_index(0)?, "user").await;
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
