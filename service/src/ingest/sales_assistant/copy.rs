//! Writes the rows of the source, a chunk at a time, and notes how far each table has come.

use std::collections::HashMap;

use entity::{
    governance::alembic_version,
    ingest::{source_import, source_import_table},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    Statement,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{
    Options, convert,
    source::Source,
    spec::{self, TableSpec},
};
use crate::{
    error::{Error, Result},
    offer,
    progress::Progress,
    scope::Scope,
    store::Engine,
    write::bulk,
};

/// What the import is called among others.
const SYSTEM: &str = "sales-assistant";

/// The organization that rows are brought into.
pub(super) struct Target<'a> {
    scope: &'a Scope,
    source: String,
    import: Option<i64>,
    reached: HashMap<String, i64>,
    written: HashMap<String, u64>,
}

#[expect(clippy::disallowed_methods, reason = "tables of the import itself, by its organization")]
impl<'a> Target<'a> {
    /// Opens the organization: its tables must be empty, or hold this same import.
    pub(super) async fn open(scope: &'a Scope, source: &str) -> Result<Self> {
        let known = source_import::Entity::find()
            .filter(source_import::Column::OrganizationId.eq(scope.organization()))
            .filter(source_import::Column::System.eq(SYSTEM))
            .filter(source_import::Column::Source.eq(source))
            .one(scope.store().write())
            .await?;
        let mut target = Self {
            scope,
            source: source.to_owned(),
            import: None,
            reached: HashMap::new(),
            written: HashMap::new(),
        };
        if let Some(import) = known {
            let tables = source_import_table::Entity::find()
                .filter(source_import_table::Column::SourceImportId.eq(import.id))
                .all(scope.store().write())
                .await?;
            target.import = Some(import.id);
            for row in tables {
                target.written.insert(row.table_name.clone(), row.rows_written.unsigned_abs());
                target.reached.insert(row.table_name, row.last_key);
            }
            return Ok(target);
        }
        for spec in spec::tables() {
            if bulk::has_rows(scope.store().write(), scope.organization(), spec.table).await? {
                return Err(Error::Conflict(format!(
                    "the organization has {} already, and not from {source}; bring the source into an \
                     empty organization (--organization), or start with an empty database",
                    spec.name
                )));
            }
        }
        Ok(target)
    }

    pub(super) fn organization(&self) -> i64 {
        self.scope.organization()
    }

    /// The key up to which a table is in.
    pub(super) fn reached(&self, table: &str) -> i64 {
        self.reached.get(table).copied().unwrap_or(i64::MIN)
    }

    /// Which of these keys, ascending, are taken here: keys are unique across organizations.
    pub(super) async fn taken(&self, table: &str, keys: &[i64]) -> Result<Vec<i64>> {
        let [first, .., last] = keys else {
            return match keys {
                [only] => self.taken_between(table, *only, *only).await,
                _ => Ok(Vec::new()),
            };
        };
        let mut taken = self.taken_between(table, *first, *last).await?;
        taken.retain(|key| keys.binary_search(key).is_ok());
        Ok(taken)
    }

    async fn taken_between(&self, table: &str, first: i64, last: i64) -> Result<Vec<i64>> {
        let sql = format!("SELECT id FROM \"{table}\" WHERE id >= {first} AND id <= {last}");
        let rows = self.query(sql).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// How many rows of a table came in with earlier runs.
    pub(super) fn written(&self, table: &str) -> u64 {
        self.written.get(table).copied().unwrap_or_default()
    }

    async fn query(&self, sql: String) -> Result<Vec<sea_orm::QueryResult>> {
        let statement = Statement::from_string(self.engine().backend(), sql);
        Ok(self.scope.store().write().query_all_raw(statement).await?)
    }

    fn engine(&self) -> Engine {
        self.scope.store().engine()
    }

    /// Copies everything that is not in yet; gives the number of rows by table.
    pub(super) async fn copy(
        mut self,
        source: &Source,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Vec<(String, u64)>> {
        let import = self.begin_import().await?;
        let mut written = Vec::new();
        for spec in spec::tables() {
            let count = source.count_after(spec.name, self.reached(spec.name)).await?;
            progress.begin(spec.name, Some(count));
            let rows = self.table(source, &spec, import, options, progress).await?;
            bulk::continue_keys(self.scope.store().write(), self.engine(), spec.name).await?;
            progress.finish();
            written.push((spec.name.to_owned(), rows));
        }
        written.push(("industry_solutions".to_owned(), self.pairs(source).await?));
        written.push(("alembic_version".to_owned(), self.version(source).await?));
        self.end_import(import).await?;
        Ok(written)
    }

    async fn begin_import(&self) -> Result<i64> {
        if let Some(import) = self.import {
            return Ok(import);
        }
        let now = self.scope.now().fixed_offset();
        let row = source_import::ActiveModel {
            organization_id: Set(self.organization()),
            system: Set(SYSTEM.to_owned()),
            source: Set(self.source.clone()),
            created_at: Set(now),
            updated_at: Set(now),
            ..Default::default()
        };
        Ok(row.insert(self.scope.store().write()).await?.id)
    }

    async fn end_import(&self, import: i64) -> Result<()> {
        let now = self.scope.now().fixed_offset();
        let row = source_import::ActiveModel {
            id: Set(import),
            finished_at: Set(Some(now)),
            updated_at: Set(now),
            ..Default::default()
        };
        row.update(self.scope.store().write()).await?;
        Ok(())
    }

    async fn table(
        &mut self,
        source: &Source,
        spec: &TableSpec,
        import: i64,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<u64> {
        let mut written = 0;
        loop {
            let raw = source.rows(spec, self.reached(spec.name)).await?;
            let Some(last) = raw.last() else { return Ok(written) };
            let last = last.id;
            let rows = raw.iter().map(|raw| {
                convert::row(spec, self.organization(), raw, options).map_err(|refusals| {
                    let refusal = &refusals[0];
                    let (table, id) = (spec.name, raw.id);
                    let reason = format!("{table} {id}: {} {}", refusal.column, refusal.reason);
                    Error::invalid("from", reason)
                })
            });
            let rows = rows.collect::<Result<Vec<_>>>()?;
            let count = rows.len() as u64;

            let transaction = self.scope.store().begin().await?;
            bulk::rows(&transaction, self.scope, spec.table, rows).await?;
            self.note(&transaction, import, spec.name, last, count.cast_signed()).await?;
            transaction.commit().await?;

            self.reached.insert(spec.name.to_owned(), last);
            written += count;
            progress.advance(count);
        }
    }

    async fn note(
        &self,
        transaction: &DatabaseTransaction,
        import: i64,
        table: &str,
        last: i64,
        count: i64,
    ) -> Result<()> {
        use source_import_table::Column;
        let row = source_import_table::ActiveModel {
            source_import_id: Set(import),
            table_name: Set(table.to_owned()),
            last_key: Set(last),
            rows_written: Set(count),
            updated_at: Set(self.scope.now().fixed_offset()),
        };
        let conflict = OnConflict::columns([Column::SourceImportId, Column::TableName])
            .update_columns([Column::LastKey, Column::UpdatedAt])
            .value(
                Column::RowsWritten,
                Expr::col((source_import_table::Entity, Column::RowsWritten)).add(count),
            )
            .to_owned();
        source_import_table::Entity::insert(row)
            .on_conflict(conflict)
            .exec_without_returning(transaction)
            .await?;
        Ok(())
    }

    /// The pairs are as few as the catalogue is: those that are missing are written at once.
    async fn pairs(&self, source: &Source) -> Result<u64> {
        let transaction = self.scope.store().begin().await?;
        let mut written = 0;
        for [industry, solution, created, updated] in source.pairs().await? {
            let key = |text: &str| {
                text.parse::<i64>().map_err(|_| Error::internal("a pair without a key"))
            };
            let time = |text: &str| {
                convert::moment(text).ok_or_else(|| Error::internal("a pair without a moment"))
            };
            let sql = match self.engine().backend() {
                DbBackend::Postgres => {
                    "INSERT INTO industry_solutions VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
                }
                _ => {
                    "INSERT INTO industry_solutions VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING"
                }
            };
            let binds = [
                key(&industry)?.into(),
                key(&solution)?.into(),
                time(&created)?.into(),
                time(&updated)?.into(),
            ];
            let statement = Statement::from_sql_and_values(self.engine().backend(), sql, binds);
            written += transaction.execute_raw(statement).await?.rows_affected();
        }
        if written > 0 {
            let rows = usize::try_from(written).unwrap_or(usize::MAX);
            bulk::note(&transaction, self.scope, offer::solution::table(), rows).await?;
        }
        transaction.commit().await?;
        Ok(written)
    }

    async fn version(&self, source: &Source) -> Result<u64> {
        let Some(version) = source.version().await? else { return Ok(0) };
        let transaction = self.scope.store().begin().await?;
        let own = alembic_version::Column::OrganizationId.eq(self.organization());
        let known = alembic_version::Entity::find().filter(own.clone()).one(&transaction).await?;
        if known.is_some_and(|known| known.version_num == version) {
            return Ok(0);
        }
        alembic_version::Entity::delete_many().filter(own).exec(&transaction).await?;
        let row = alembic_version::ActiveModel {
            organization_id: Set(self.organization()),
            version_num: Set(version),
        };
        alembic_version::Entity::insert(row).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        Ok(1)
    }
}
