//! Companies: the accounts we sell to.

use std::sync::LazyLock;

use entity::crm::company;
use futures_util::future::BoxFuture;

use crate::{
    error::{Problem, Result},
    offer::industry,
    scope::Scope,
    table::Table,
    value::Value,
    web,
    write::{
        Record, Unit,
        rules::{Check, Delete, Hooks, Identity, Rules, Usual, field, kept},
    },
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of::<company::Entity>("company"));
    &TABLE
}

/// What may be written.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Soft,
        identity: Some(Identity { column: "domain", written_as: "website", upsert: true }),
        fields: &[
            field("name").checked(Check::Filled),
            field("industry_id").to(industry::table),
            field("size").checked(Check::Filled),
            field("website").checked(Check::Url),
            kept("domain", Usual::Follows),
        ],
        links: &[],
        hooks: &Company,
    };
    &RULES
}

struct Company;

impl Hooks for Company {
    fn complete(
        &self,
        _: &Scope,
        before: Option<&Record>,
        company: &mut Record,
        _: &mut Vec<Problem>,
    ) {
        if before.is_some_and(|before| before.value("website") == company.value("website")) {
            return;
        }
        let domain = web::domain(company.text("website"));
        company.set("domain", domain.map_or(Value::Null, Value::Text));
    }

    fn deleting<'u>(
        &'u self,
        unit: &'u mut Unit,
        company: &'u Record,
    ) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            let sql = "SELECT count(*) FROM \"prospects\" WHERE \"company_id\" = {} \
                       AND \"deleted_at\" IS NULL";
            let live = unit.count(sql, vec![company.id().into()]).await?;
            if live > 0 {
                let message =
                    format!("{live} of its prospects are not deleted; delete or move them first");
                return Err(Problem::conflict("id", message).into());
            }
            Ok(())
        })
    }
}
