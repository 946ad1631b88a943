//! Statements on one table, built with `SeaORM` from its generated entity. [`Scope`] and [`Unit`] restrict them to the
//! organization, and reads to rows that are not deleted, so that no caller has to remember either.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, DeleteMany, EntityTrait, ExprTrait, IdenStatic,
    InsertMany, Iterable, QueryFilter, QueryResult, QuerySelect, QueryTrait, Select,
    TryGetableMany, UpdateMany,
    sea_query::{Expr, SimpleExpr},
};

use crate::{error::Result, record::Record, scope::Scope, store::Store, table::Table, write::Unit};

/// The column of an entity with this name.
fn column<E: EntityTrait>(name: &str) -> Option<E::Column> {
    E::Column::iter().find(|column| IdenStatic::as_str(column) == name)
}

/// The column with the organization of a row.
fn organization_column<E: EntityTrait>() -> E::Column {
    column::<E>("organization_id").unwrap_or_else(|| {
        panic!("table `{}` has no `organization_id` column", E::default().table_name())
    })
}

/// The condition for rows of the organization.
fn of_organization<E: EntityTrait>(organization: i64) -> SimpleExpr {
    Expr::col((E::default(), organization_column::<E>())).eq(organization)
}

fn tuple<T: TryGetableMany>(row: &QueryResult) -> Result<T> {
    Ok(T::try_get_many_by_index(row).map_err(DbErr::from)?)
}

/// A literal in the text of a statement, for a condition that must match the one of a partial index. Bind parameters
/// don't, because the plan of a prepared statement has to be valid for all of their values.
#[must_use]
pub fn literal(text: &str) -> SimpleExpr {
    Expr::Constant(text.into())
}

impl Scope {
    /// Selects rows of the organization that are not deleted.
    ///
    /// # Panics
    /// Panics if the rows of the table belong to no organization.
    #[must_use]
    pub fn select<E: EntityTrait>(&self) -> Select<E> {
        let select = self.select_with_deleted::<E>();
        match column::<E>("deleted_at") {
            Some(deleted) => select.filter(Expr::col((E::default(), deleted)).is_null()),
            None => select,
        }
    }

    /// Selects rows of the organization, including deleted ones.
    ///
    /// # Panics
    /// As [`select`](Self::select).
    #[expect(clippy::disallowed_methods, reason = "reads of the organization start here")]
    #[must_use]
    pub fn select_with_deleted<E: EntityTrait>(&self) -> Select<E> {
        E::find().filter(of_organization::<E>(self.organization()))
    }

    /// Updates rows of the organization, including deleted ones, without entries in the change log.
    ///
    /// # Panics
    /// As [`select`](Self::select).
    #[expect(clippy::disallowed_methods, reason = "writes outside of the change log start here")]
    #[must_use]
    pub fn update<E: EntityTrait>(&self) -> UpdateMany<E> {
        E::update_many().filter(of_organization::<E>(self.organization()))
    }

    /// Permanently deletes rows of the organization, without entries in the change log.
    ///
    /// # Panics
    /// As [`select`](Self::select).
    #[expect(clippy::disallowed_methods, reason = "writes outside of the change log start here")]
    #[must_use]
    pub fn delete<E: EntityTrait>(&self) -> DeleteMany<E> {
        E::delete_many().filter(of_organization::<E>(self.organization()))
    }

    /// Inserts rows into the organization, without entries in the change log.
    ///
    /// # Panics
    /// As [`select`](Self::select).
    #[must_use]
    pub fn insert<A: ActiveModelTrait>(&self, rows: impl IntoIterator<Item = A>) -> InsertMany<A> {
        let rows = rows.into_iter().map(|mut row| {
            row.set(organization_column::<A::Entity>(), self.organization().into());
            row
        });
        A::Entity::insert_many(rows)
    }
}

impl Store {
    /// The rows of a selection as tuples of the selected columns.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn tuples<T: TryGetableMany>(&self, select: &impl QueryTrait) -> Result<Vec<T>> {
        let rows = self.read(select.build(self.engine().backend())).await?;
        rows.iter().map(tuple).collect()
    }

    /// Runs an update or a deletion outside of a unit of work; returns the number of affected rows.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn run(&self, statement: &impl QueryTrait) -> Result<u64> {
        let statement = statement.build(self.engine().backend());
        Ok(self.write().execute_raw(statement).await?.rows_affected())
    }
}

impl Unit {
    /// The rows of a selection. A restricted caller gets those that it sees.
    async fn select(&self, select: &impl QueryTrait) -> Result<Vec<QueryResult>> {
        let engine = self.scope().engine();
        let mut statement = select.build(engine.backend());
        if let Some(restriction) = self.scope().restriction() {
            statement = restriction.apply(engine, statement, &[])?;
        }
        Ok(self.transaction.query_all_raw(statement).await?)
    }

    /// The rows of a selection as tuples of the selected columns.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn tuples<T: TryGetableMany>(&self, select: &impl QueryTrait) -> Result<Vec<T>> {
        self.select(select).await?.iter().map(tuple).collect()
    }

    /// The first row of a selection as a tuple of the selected columns.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn tuple<T: TryGetableMany, E: EntityTrait>(
        &self,
        select: Select<E>,
    ) -> Result<Option<T>> {
        Ok(self.tuples(&select.limit(1)).await?.into_iter().next())
    }

    /// The rows of a selection of all columns of `table`.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn records<E: EntityTrait>(
        &self,
        table: &'static Table,
        select: &Select<E>,
    ) -> Result<Vec<Record>> {
        self.select(select).await?.iter().map(|row| Record::read(table, row, 0)).collect()
    }

    /// The number of rows of a selection.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn count_of<E: EntityTrait>(&self, select: Select<E>) -> Result<i64> {
        let count = select.select_only().expr(Expr::cust("COUNT(*)"));
        Ok(self.tuples(&count).await?.into_iter().next().unwrap_or_default())
    }

    /// Runs an insertion, an update or a deletion; returns the number of affected rows.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] if the database does not respond.
    pub async fn run(&self, statement: &impl QueryTrait) -> Result<u64> {
        let statement = statement.build(self.scope().engine().backend());
        Ok(self.transaction.execute_raw(statement).await?.rows_affected())
    }
}
