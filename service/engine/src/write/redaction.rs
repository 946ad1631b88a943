//! Redaction: personal data is removed from rows that are kept, and from their change log entries.

use sea_orm::Value as Bind;
use serde_json::json;

use super::{Record, Unit};
use crate::{
    change_log::kind,
    error::Result,
    store::Engine,
    table::Table,
    value::{Kind, Value},
};

impl Unit {
    /// Clears `columns` of all rows of `table` whose `column` is `value`. Their values also become null in the change log
    /// entries of these rows, and a new entry without previous values records the change.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn redact_below(
        &mut self,
        table: &'static Table,
        column: &str,
        value: i64,
        columns: &[&str],
    ) -> Result<()> {
        let cleared: Vec<_> = columns.iter().map(|name| format!("\"{name}\" = NULL")).collect();
        let present: Vec<_> =
            columns.iter().map(|name| format!("\"{name}\" IS NOT NULL")).collect();
        let sql = format!(
            "UPDATE \"{}\" SET {}, \"updated_at\" = {{}} WHERE {} AND ({}) RETURNING {}",
            table.name,
            cleared.join(", "),
            self.engine().referencing(column),
            present.join(" OR "),
            table.column_list()
        );
        let organization = self.scope().organization();
        let now = Value::Time(self.now()).bind(Kind::Time);
        let rows = self.query(&sql, vec![now, value.into(), organization.into()]).await?;
        let rows: Vec<Record> =
            rows.iter().map(|row| Record::read(table, row, 0)).collect::<Result<_>>()?;
        if rows.is_empty() {
            return Ok(());
        }
        let keys: Vec<i64> = rows.iter().map(Record::id).collect();
        let mut binds: Vec<Bind> = vec![organization.into(), table.called.into()];
        let sql = format!(
            "UPDATE \"changes\" SET \"before\" = {}, \"after\" = {} WHERE \"organization_id\" = {{}} \
             AND \"entity\" = {{}} AND \"record_id\" {}",
            self.without("before", columns),
            self.without("after", columns),
            self.engine().among(&keys, &mut binds)
        );
        self.execute(&sql, binds).await?;
        for row in rows {
            let snapshot = Some(row.snapshot());
            self.note(table, Some(row.id()), kind::UPDATED, Some(json!({})), snapshot);
        }
        Ok(())
    }

    /// Replaces the text `from` in the column `column` by `to`, in all change log entries of an entity in `organization`.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn replace_in_log(
        &self,
        organization: i64,
        (entity, column): (&str, &str),
        from: &str,
        to: &str,
    ) -> Result<()> {
        let text = |document: &str| match self.engine() {
            Engine::Postgres => format!("\"{document}\" ->> '{column}' = {{}}"),
            Engine::Sqlite => format!("json_extract(\"{document}\", '$.{column}') = {{}}"),
        };
        let replaced = |document: &str| {
            let replaced = match self.engine() {
                Engine::Postgres => {
                    format!("jsonb_set(\"{document}\", ARRAY['{column}'], to_jsonb({{}}::text))")
                }
                Engine::Sqlite => format!("json_replace(\"{document}\", '$.{column}', {{}})"),
            };
            let condition = text(document);
            format!("CASE WHEN {condition} THEN {replaced} ELSE \"{document}\" END")
        };
        let sql = format!(
            "UPDATE \"changes\" SET \"before\" = {}, \"after\" = {} WHERE \"organization_id\" = {{}} \
             AND \"entity\" = {{}} AND ({} OR {})",
            replaced("before"),
            replaced("after"),
            text("before"),
            text("after")
        );
        let mut binds: Vec<Bind> = [from, to, from, to].map(Bind::from).into();
        binds.extend([organization.into(), entity.into(), from.into(), from.into()]);
        self.execute(&sql, binds).await?;
        Ok(())
    }

    /// The expression for a JSON document in which the existing values of `keys` are null.
    fn without(&self, document: &str, keys: &[&str]) -> String {
        keys.iter().fold(format!("\"{document}\""), |json, key| match self.engine() {
            Engine::Postgres => format!("jsonb_set({json}, ARRAY['{key}'], 'null', FALSE)"),
            Engine::Sqlite => format!("json_replace({json}, '$.{key}', NULL)"),
        })
    }
}
