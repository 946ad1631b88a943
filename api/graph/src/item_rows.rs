//! Rows of a declared entity in the items of a custom connection: one row for each item, read in one statement.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use async_graphql::{
    Context, ContextSelectionSet, Name, OutputType, Pos, Positioned, ServerResult, Value,
    parser::types::Field,
};

use crate::{
    collect::collect, connection_selection::path, declaration::Declared, registration::Registry,
    row,
};

/// The rows of a field in the items of a connection, for each place in the document that selects the field.
#[derive(Debug)]
pub struct ItemRows<E> {
    read: Vec<(Pos, Vec<Value>)>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Declared> ItemRows<E> {
    /// Reads the rows of the field `name` in the items of the type `item`, which the fields in `nodes` return. The item
    /// at an index has the row with the primary key in `keys` at this index.
    ///
    /// # Errors
    /// As [`row::by_keys`].
    pub async fn read(
        context: &Context<'_>,
        nodes: &[&Positioned<Field>],
        (item, name): (&str, &str),
        keys: &[i64],
    ) -> ServerResult<Arc<Self>> {
        let keys: Vec<_> = keys.iter().copied().map(Some).collect();
        let mut read = Vec::new();
        for node in nodes {
            let above = path(context.item, node);
            let is_edge = node.node.name.node == "node";
            for fields in collect(item, vec![&node.node.selection_set.node]).into_values() {
                for field in fields.into_iter().filter(|field| field.node.name.node == name) {
                    let key = Name::new(field.node.response_key().node.as_str());
                    let below = is_edge.then(|| node.node.response_key().node.clone());
                    let below: Vec<Name> = below.into_iter().chain([key]).collect();
                    let rows = row::by_keys_in_items(
                        context,
                        E::entity(),
                        field,
                        &keys,
                        (above.clone(), &below),
                    );
                    read.push((field.pos, rows.await?));
                }
            }
        }
        Ok(Arc::new(Self { read, entity: PhantomData }))
    }

    /// Whether the row at `place` exists, or was not selected.
    #[must_use]
    pub fn has(&self, place: usize) -> bool {
        self.read.iter().all(|(_, rows)| rows[place] != Value::Null)
    }
}

/// The row of an item.
#[derive(Debug)]
pub struct ItemRow<E> {
    place: usize,
    rows: Arc<ItemRows<E>>,
}

impl<E> Clone for ItemRow<E> {
    fn clone(&self) -> Self {
        Self { place: self.place, rows: Arc::clone(&self.rows) }
    }
}

impl<E> ItemRow<E> {
    /// The row of the item at `place`.
    #[must_use]
    pub fn at(place: usize, rows: &Arc<ItemRows<E>>) -> Self {
        Self { place, rows: Arc::clone(rows) }
    }
}

impl<E: Declared + Send + Sync> OutputType for ItemRow<E> {
    fn type_name() -> Cow<'static, str> {
        E::entity().name.into()
    }

    fn create_type_info(_: &mut Registry) -> String {
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let read = self.rows.read.iter().find(|(position, _)| *position == field.pos);
        Ok(read.map(|(_, rows)| rows[self.place].clone()).unwrap_or_default())
    }
}
