//! The organization that receives an import, and what earlier runs have imported.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use engine::{
    error::{Error, Result},
    scope::Scope,
    store::Engine,
    write::bulk_load,
};
use entity::ingest::{source_import, source_import_key, source_import_table};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    Statement,
};

use super::{
    Stale,
    key_ranges::KeySet,
    source::Source,
    spec::{self, TableSpec},
};

/// The name of this kind of import.
pub(super) const SYSTEM_NAME: &str = "sales-assistant";

/// The number of primary keys read per query.
const KEYS: usize = 10_000;

/// The organization that receives the rows.
pub(super) struct Target<'a> {
    pub(super) scope: &'a Scope,
    pub(super) source: String,
    pub(super) import: Option<i64>,
    pub(super) reached: HashMap<String, i64>,
    /// The primary keys that earlier runs have imported.
    pub(super) imported: HashMap<String, KeySet>,
    /// Primary keys of earlier runs that are not recorded yet.
    pub(super) unnoted: Vec<(&'static str, KeySet)>,
    /// When the last run finished.
    pub(super) finished_at: Option<DateTime<Utc>>,
    /// Rows added to the source since an earlier run, with a primary key below the last imported one of their table.
    pub(super) late: HashMap<String, Vec<i64>>,
}

#[expect(clippy::disallowed_methods, reason = "tables of the import itself, by its organization")]
impl<'a> Target<'a> {
    /// Opens the organization: its tables must be empty or contain only rows of this import.
    pub(super) async fn open(scope: &'a Scope, source: &str, same_source: bool) -> Result<Self> {
        let all = source_import::Entity::find()
            .filter(source_import::Column::OrganizationId.eq(scope.organization()))
            .filter(source_import::Column::System.eq(SYSTEM_NAME))
            .all(scope.store().write())
            .await?;
        let mut known = all.iter().find(|known| known.source == source).cloned();
        if known.is_none() && same_source {
            known = Some(moved(scope, &all, source).await?);
        }
        let mut target = Self {
            scope,
            source: source.to_owned(),
            import: None,
            reached: HashMap::new(),
            imported: HashMap::new(),
            unnoted: Vec::new(),
            late: HashMap::new(),
            finished_at: known.as_ref().and_then(|known| known.finished_at).map(Into::into),
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
            if bulk_load::has_rows(scope.store().write(), scope.organization(), spec.table).await? {
                return Err(Error::Conflict(
                    engine::Reason::SourceInvalid,
                    format!(
                        "the organization already has {} that are not from {source}; {}",
                        spec.name,
                        if all.is_empty() {
                            "import the source into an empty database".to_owned()
                        } else {
                            format!(
                                "if this is {} at another address, use --same-source; otherwise use another \
                             database",
                                all[0].source
                            )
                        }
                    ),
                ));
            }
        }
        Ok(target)
    }

    pub(super) fn organization(&self) -> i64 {
        self.scope.organization()
    }

    /// The primary key up to which a table has been imported.
    pub(super) fn reached(&self, table: &str) -> i64 {
        self.reached.get(table).copied().unwrap_or(i64::MIN)
    }

    /// Returns which of these keys are already in use here, in ascending order. Primary keys are unique across
    /// organizations.
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

    /// The primary keys of a table that earlier runs have imported. If an earlier version did not
    /// record them: the existing rows, and rows that were deleted here according to the change log.
    async fn imported(&mut self, import: i64, spec: &TableSpec) -> Result<KeySet> {
        let noted = source_import_key::Entity::find()
            .filter(source_import_key::Column::SourceImportId.eq(import))
            .filter(source_import_key::Column::TableName.eq(spec.name))
            .all(self.scope.store().write())
            .await?;
        if !noted.is_empty() || !self.reached.contains_key(spec.name) {
            let ranges = noted.iter().map(|range| (range.first_key, range.last_key));
            return Ok(KeySet::new(ranges.collect()));
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
        let ranges = KeySet::of_keys(&keys);
        self.unnoted.push((spec.name, ranges.clone()));
        Ok(ranges)
    }

    /// Finds late rows in every table of the source. Rows can be late because transactions do not commit in the order
    /// in which they get their primary keys. Also returns which of the other rows have been changed or deleted in
    /// the source since.
    pub(super) async fn find_late(&mut self, source: &Source) -> Result<Vec<Stale>> {
        let mut stale = Vec::new();
        for spec in spec::tables() {
            let Some(reached) = self.reached.get(spec.name).copied() else { continue };
            if source.odd_keys(spec.name).await? > 0 {
                continue;
            }
            let imported = self.imported.remove(spec.name).unwrap_or_default();
            let (mut after, mut late, mut there) = (i64::MIN, Vec::new(), 0);
            loop {
                let keys = source.keys(spec.name, after, reached, KEYS).await?;
                let Some(last) = keys.last() else { break };
                after = *last;
                let before = late.len();
                late.extend(keys.iter().copied().filter(|key| !imported.has(*key)));
                there += (keys.len() - (late.len() - before)) as u64;
            }
            let changed = match self.finished_at {
                Some(since) => source.written_since(spec.name, reached, since).await?,
                None => 0,
            };
            // Late rows are also counted as changed.
            let changed = changed.saturating_sub(late.len() as u64);
            let deleted = imported.count().saturating_sub(there);
            if changed + deleted > 0 {
                stale.push(Stale { table: spec.name.to_owned(), changed, deleted });
            }
            self.late.insert(spec.name.to_owned(), late);
        }
        Ok(stale)
    }

    /// The primary keys of late rows.
    pub(super) fn late(&self, table: &str) -> &[i64] {
        self.late.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) async fn query(&self, sql: String) -> Result<Vec<sea_orm::QueryResult>> {
        let statement = Statement::from_string(self.engine().backend(), sql);
        Ok(self.scope.store().write().query_all_raw(statement).await?)
    }

    pub(super) fn engine(&self) -> Engine {
        self.scope.store().engine()
    }

    /// Returns which of these primary keys exist in the organization.
    pub(super) async fn there(
        &self,
        table: &str,
        keys: impl Iterator<Item = i64>,
    ) -> Result<HashSet<i64>> {
        let keys: BTreeSet<i64> = keys.collect();
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let sql = format!(
            "SELECT id FROM \"{table}\" WHERE organization_id = {} AND id IN ({})",
            self.organization(),
            keys.join(", ")
        );
        let rows = self.query(sql).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }
}

/// Returns the only import of an organization, whose source has moved to another address.
async fn moved(
    scope: &Scope,
    all: &[source_import::Model],
    source: &str,
) -> Result<source_import::Model> {
    let [known] = all else {
        let message = format!(
            "--same-source needs an organization with exactly one imported source; this one has {}",
            all.len()
        );
        return Err(Error::invalid(engine::Reason::SourceInvalid, "same_source", message));
    };
    let row = source_import::ActiveModel {
        id: Set(known.id),
        source: Set(source.to_owned()),
        updated_at: Set(scope.now().fixed_offset()),
        ..Default::default()
    };
    Ok(row.update(scope.store().write()).await?)
}
