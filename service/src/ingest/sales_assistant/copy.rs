//! Writes the rows of the source, a chunk at a time, and notes how far each table has come.

use std::collections::HashMap;

use entity::{
    governance::alembic_version,
    ingest::{source_import, source_import_key, source_import_table},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter,
    Statement,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{
    CHUNK, Options, convert,
    key_ranges::KeyRanges,
    source::{Source, Which},
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

/// Keys that are read at a time.
const KEYS: usize = 10_000;

/// The organization that rows are brought into.
pub(super) struct Target<'a> {
    scope: &'a Scope,
    source: String,
    import: Option<i64>,
    reached: HashMap<String, i64>,
    /// The keys that came in with earlier runs.
    imported: HashMap<String, KeyRanges>,
    /// Keys of earlier runs that are not noted yet.
    unnoted: Vec<(&'static str, KeyRanges)>,
    /// Rows that the source has got since below the key up to which a table is in.
    late: HashMap<String, Vec<i64>>,
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
            imported: HashMap::new(),
            unnoted: Vec::new(),
            late: HashMap::new(),
        };
        if let Some(import) = known {
            let tables = source_import_table::Entity::find()
                .filter(source_import_table::Column::SourceImportId.eq(import.id))
                .all(scope.store().write())
                .await?;
            target.import = Some(import.id);
            for row in tables {
                target.reached.insert(row.table_name, row.last_key);
            }
            for spec in spec::tables() {
                let imported = target.imported(import.id, &spec).await?;
                target.imported.insert(spec.name.to_owned(), imported);
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

    /// The keys of a table that came in with earlier runs. Runs of a version that did not note them: those that are here,
    /// and those of which the change log says that they were deleted here.
    async fn imported(&mut self, import: i64, spec: &TableSpec) -> Result<KeyRanges> {
        let noted = source_import_key::Entity::find()
            .filter(source_import_key::Column::SourceImportId.eq(import))
            .filter(source_import_key::Column::TableName.eq(spec.name))
            .all(self.scope.store().write())
            .await?;
        if !noted.is_empty() || !self.reached.contains_key(spec.name) {
            let ranges = noted.iter().map(|range| (range.first_key, range.last_key));
            return Ok(KeyRanges::new(ranges.collect()));
        }
        let organization = self.organization();
        let sql = format!(
            "SELECT \"id\" FROM \"{}\" WHERE \"organization_id\" = {organization} UNION SELECT \"record_id\" \
             FROM \"changes\" WHERE \"organization_id\" = {organization} AND \"entity\" = '{}' \
             AND \"record_id\" IS NOT NULL ORDER BY 1",
            spec.name, spec.table.called
        );
        let rows = self.query(sql).await?;
        let keys: Vec<i64> =
            rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        let ranges = KeyRanges::of_keys(&keys);
        self.unnoted.push((spec.name, ranges.clone()));
        Ok(ranges)
    }

    /// Finds the rows of the source that came late, for every table: transactions commit in another order than that in which they
    /// took their keys.
    pub(super) async fn find_late(&mut self, source: &Source) -> Result<()> {
        for spec in spec::tables() {
            let Some(reached) = self.reached.get(spec.name).copied() else { continue };
            if source.odd_keys(spec.name).await? > 0 {
                continue;
            }
            let imported = self.imported.remove(spec.name).unwrap_or_default();
            let (mut after, mut late) = (i64::MIN, Vec::new());
            loop {
                let keys = source.keys(spec.name, after, reached, KEYS).await?;
                let Some(last) = keys.last() else { break };
                after = *last;
                late.extend(keys.iter().copied().filter(|key| !imported.has(*key)));
            }
            self.late.insert(spec.name.to_owned(), late);
        }
        Ok(())
    }

    /// The keys of rows that came late.
    pub(super) fn late(&self, table: &str) -> &[i64] {
        self.late.get(table).map(Vec::as_slice).unwrap_or_default()
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
        let transaction = self.scope.store().begin().await?;
        for (table, ranges) in std::mem::take(&mut self.unnoted) {
            note_keys(&transaction, import, table, &ranges).await?;
        }
        transaction.commit().await?;
        let mut written = Vec::new();
        for spec in spec::tables() {
            let late = self.late(spec.name).len() as u64;
            let count = late + source.count_after(spec.name, self.reached(spec.name)).await?;
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
        let late = self.late.remove(spec.name).unwrap_or_default();
        let mut late = late.chunks(usize::try_from(CHUNK).unwrap_or(usize::MAX));
        loop {
            let reached = self.reached(spec.name);
            let which = late.next().map_or(Which::After(reached), Which::Keys);
            let raw = source.rows(spec, which).await?;
            let Some(last) = raw.last() else { return Ok(written) };
            let last = std::cmp::max(last.id, reached);
            let keys: Vec<i64> = raw.iter().map(|raw| raw.id).collect();
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
            note_keys(&transaction, import, spec.name, &KeyRanges::of_keys(&keys)).await?;
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

/// Notes the keys of a chunk.
async fn note_keys(
    transaction: &DatabaseTransaction,
    import: i64,
    table: &str,
    keys: &KeyRanges,
) -> Result<()> {
    for ranges in keys.ranges().chunks(1_000) {
        let rows = ranges.iter().map(|(first, last)| source_import_key::ActiveModel {
            source_import_id: Set(import),
            table_name: Set(table.to_owned()),
            first_key: Set(*first),
            last_key: Set(*last),
        });
        let rows: Vec<_> = rows.collect();
        source_import_key::Entity::insert_many(rows).exec_without_returning(transaction).await?;
    }
    Ok(())
}
