//! Writes the rows of the source in chunks and records the progress of each table.

use std::collections::HashSet;

use engine::{
    error::{Error, Result},
    progress::Progress,
    value::{Kind, Value},
    write::{GrowthStatistics, bulk_load},
};
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
    CHUNK, Options, Report, convert,
    findings::Findings,
    inspect,
    key_ranges::KeySet,
    source::{Raw, RawRow, Source, Which},
    spec::{self, TableSpec},
    target::{SYSTEM_NAME, Target},
};
use crate::{offer, systems::json_text};

#[expect(clippy::disallowed_methods, reason = "tables of the import itself, by its organization")]
impl Target<'_> {
    /// Imports everything that has not been imported yet.
    pub(super) async fn copy(
        mut self,
        source: &Source,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let import = self.begin_import().await?;
        let transaction = self.scope.store().begin().await?;
        for (table, ranges) in std::mem::take(&mut self.unnoted) {
            note_keys(&transaction, import, table, &ranges).await?;
        }
        transaction.commit().await?;
        let mut written = Vec::new();
        let (mut skipped, mut inexact) = (Findings::default(), Findings::default());
        for spec in spec::tables() {
            let late = self.late(spec.name).len() as u64;
            let count = late + source.count_after(spec.name, self.reached(spec.name)).await?;
            progress.begin(spec.name, Some(count));
            let rows = self
                .table(source, &spec, import, options, (&mut skipped, &mut inexact), progress)
                .await?;
            bulk_load::continue_keys(self.scope.store().write(), self.engine(), spec.name).await?;
            progress.finish();
            written.push((spec.name.to_owned(), rows));
        }
        let pairs = self.pairs(source, options, &mut skipped).await?;
        written.push(("industry_solutions".to_owned(), pairs));
        written.push(("alembic_version".to_owned(), self.version(source).await?));
        self.end_import(import).await?;
        let (skipped, inexact) = (skipped.list(), inexact.list());
        Ok(Report { tables: written, skipped, inexact, stale: Vec::new() })
    }

    async fn begin_import(&self) -> Result<i64> {
        if let Some(import) = self.import {
            return Ok(import);
        }
        let now = self.scope.now().fixed_offset();
        let row = source_import::ActiveModel {
            organization_id: Set(self.organization()),
            system: Set(SYSTEM_NAME.to_owned()),
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
        (skipped, inexact): (&mut Findings, &mut Findings),
        progress: &dyn Progress,
    ) -> Result<u64> {
        let mut written = 0;
        let mut statistics = GrowthStatistics::default();
        let late = self.late.remove(spec.name).unwrap_or_default();
        let mut late = late.chunks(usize::try_from(CHUNK).unwrap_or(usize::MAX));
        loop {
            let reached = self.reached(spec.name);
            let which = late.next().map_or(Which::After(reached), Which::Keys);
            let raw = source.rows(spec, which).await?;
            let Some(last) = raw.last() else { return Ok(written) };
            let last = std::cmp::max(last.id, reached);
            let rows = self.converted(spec, &raw, options, skipped).await?;
            let id = spec.table.id();
            let keys: Vec<i64> = rows.iter().filter_map(|row| row[id].key()).collect();
            note_inexact(spec, &raw, &keys, inexact);
            let count = rows.len() as u64;

            let transaction = self.scope.store().begin().await?;
            bulk_load::rows(&transaction, self.scope, spec.table, rows).await?;
            self.note(&transaction, import, spec.name, last, count.cast_signed()).await?;
            note_keys(&transaction, import, spec.name, &KeySet::of_keys(&keys)).await?;
            transaction.commit().await?;
            statistics.chunk_committed(self.scope.store(), &[spec.table]).await;

            self.reached.insert(spec.name.to_owned(), last);
            written += count;
            progress.advance(count);
        }
    }

    /// Converts the rows of a chunk. With `skip_rejected`, invalid rows are skipped.
    async fn converted(
        &self,
        spec: &TableSpec,
        raw: &[RawRow],
        options: &Options,
        skipped: &mut Findings,
    ) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::with_capacity(raw.len());
        for raw in raw {
            match convert::row(spec, self.organization(), raw, options) {
                Ok(row) => rows.push(row),
                Err(refusals) if options.skip_rejected => {
                    for refusal in refusals {
                        skipped.note(
                            spec.name,
                            refusal.column,
                            &refusal.reason,
                            &raw.id.to_string(),
                        );
                    }
                }
                Err(refusals) => {
                    let refusal = &refusals[0];
                    let (table, id) = (spec.name, raw.id);
                    let reason = format!("{table} {id}: {} {}", refusal.column, refusal.reason);
                    return Err(Error::invalid(engine::Reason::SourceInvalid, "from", reason));
                }
            }
        }
        if !options.skip_rejected {
            return Ok(rows);
        }
        let id = spec.table.id();
        let keys: Vec<i64> = rows.iter().filter_map(|row| row[id].key()).collect();
        let taken = self.taken(spec.name, &keys).await?;
        rows.retain(|row| {
            let key = row[id].key().unwrap_or_default();
            let is_taken = taken.binary_search(&key).is_ok();
            if is_taken {
                skipped.note(spec.name, "id", inspect::TAKEN, &key.to_string());
            }
            !is_taken
        });
        for (column, to) in spec.references {
            let place = spec.table.column_named(column);
            let is_needed = !spec.table.columns[place].nullable;
            let there = self.there(to, rows.iter().filter_map(|row| row[place].key())).await?;
            rows.retain_mut(|row| {
                let Some(key) = row[place].key().filter(|key| !there.contains(key)) else {
                    return true;
                };
                let what =
                    if is_needed { "the row is skipped" } else { "the reference is set to null" };
                let reason = format!("references a row of {to} that was not imported: {what}");
                let example = row[id].key().unwrap_or_default().to_string();
                skipped.note(spec.name, column, &reason, &example);
                let _ = key;
                row[place] = Value::Null;
                !is_needed
            });
        }
        Ok(rows)
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

    /// Imports the links of the join table. There are only a few links, so all missing links are written at once.
    async fn pairs(
        &self,
        source: &Source,
        options: &Options,
        skipped: &mut Findings,
    ) -> Result<u64> {
        let pairs = source.pairs().await?;
        let keys = |place: usize| pairs.iter().filter_map(move |pair| pair[place].parse().ok());
        let industries = self.there("industries", keys(0)).await?;
        let solutions = self.there("solutions", keys(1)).await?;
        let transaction = self.scope.store().begin().await?;
        let mut written = 0;
        for [industry, solution, created, updated] in pairs {
            let is_in = |text: &str, there: &HashSet<i64>| {
                text.parse().is_ok_and(|key: i64| there.contains(&key))
            };
            let is_whole = is_in(&industry, &industries)
                && is_in(&solution, &solutions)
                && convert::moment(&created).is_some()
                && convert::moment(&updated).is_some();
            if options.skip_rejected && !is_whole {
                let reason = "links rows that were not both imported, or has an invalid timestamp";
                let example = format!("{industry}/{solution}");
                skipped.note("industry_solutions", "*", reason, &example);
                continue;
            }
            let key = |text: &str| {
                text.parse::<i64>().map_err(|_| Error::internal("join table row has no valid key"))
            };
            let time = |text: &str| {
                convert::moment(text)
                    .ok_or_else(|| Error::internal("join table row has no valid timestamp"))
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
            bulk_load::note(&transaction, self.scope, offer::solution::table(), rows).await?;
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

/// Records JSON cells of imported rows whose value differs from the source.
fn note_inexact(spec: &TableSpec, raw: &[RawRow], keys: &[i64], inexact: &mut Findings) {
    let columns = spec.table.columns.iter().enumerate();
    let columns = columns.filter(|(_, column)| column.kind == Kind::Json);
    for (place, column) in columns {
        for raw in raw.iter().filter(|raw| keys.contains(&raw.id)) {
            let Raw::Text(text) = &raw.cells[place] else { continue };
            if let Some(remark) = json_text::inexact(text) {
                inexact.note(spec.name, column.name, remark.message(), &raw.id.to_string());
            }
        }
    }
}

/// Records the primary keys of a chunk.
async fn note_keys(
    transaction: &DatabaseTransaction,
    import: i64,
    table: &str,
    keys: &KeySet,
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
