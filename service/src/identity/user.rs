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
use entity::identity::user;

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<user::Entity>("user")
            .described("A user.")
            .keeping_secret(["password_hash"])
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
    person.set("email", Value::Text(email));
    person.set("role", Value::Text(role.name().to_owned()));
    person.set("timezone", Value::Text("UTC".to_owned()));
    person.set("login_method", Value::Text("email".to_owned()));
    person.set("onboarding_completed", Value::Bool(false));
    person.set("last_signed_in", Value::Time(unit.now()));
    unit.insert(person).await
}
