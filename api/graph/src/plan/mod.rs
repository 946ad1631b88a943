//! Converts a selection to a plan: what the service reads and how the response is built.

mod aggregate;

use std::{cell::Cell, sync::Arc};

use async_graphql::{Context, Name, Positioned, parser::types::Field};
use engine::{
    change_log,
    read::{Direction, Filter, Link, List, Measure, Nulls, Page, Sort, Test},
};

use super::{
    collect::{Sets, collect},
    declaration::{Entity, FieldKind},
    filter, input, order,
    paging::Paging,
    shape::{ComputedField, Connection, ConnectionOut, EdgeOut, Out, PageInfoOut, Shape},
};
use crate::{
    catalog::Catalog,
    error::{Error, Result},
};

/// Maximum number of to-one relations of one list, nested ones included. SQLite joins at most 64 tables
/// (<https://www.sqlite.org/limits.html>).
const MAX_TO_ONE: usize = 60;

/// Maximum number of columns of one list, with its to-one relations. A Postgres statement returns at most 1,664 columns
/// (<https://www.postgresql.org/docs/current/limits.html>), and a SQLite statement 2,000.
const MAX_CELLS: usize = 1_600;

/// The error for a list that selects more than `most`, found at the field `name` of `entity`.
fn selects_too_much(most: &str, entity: &Entity, name: &str) -> Error {
    Error::too_complex(format!(
        "a list selects more than {most} (at `{}.{name}`); select fewer, or split the query",
        entity.name
    ))
}

/// A planner of selections, which uses the arguments and fragments of the request.
pub struct Planner<'a> {
    pub(super) context: &'a Context<'a>,
    /// The number of computed fields that have been planned so far.
    computed: Cell<usize>,
}

impl<'a> Planner<'a> {
    /// Creates a planner for the request of `context`.
    #[must_use]
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, computed: Cell::new(0) }
    }

    /// Plans the object that `field` returns: a row of `entity`, read by primary key.
    ///
    /// # Errors
    /// `INVALID` if an argument below the field is invalid.
    pub fn single(
        &self,
        entity: &'static Entity,
        fields: &[&'a Positioned<Field>],
    ) -> Result<(List, Shape<'a>)> {
        let mut list = List::new(entity.table, format!("Query.{}", entity.single));
        list.cell(0, entity.table.id());
        let sets = fields.iter().map(|field| &field.node.selection_set.node).collect();
        let shape = self.object(&mut list, 0, entity, sets)?;
        Ok((list, shape))
    }

    /// Plans the connection of the change log that `field` returns, in the order of the log.
    ///
    /// # Errors
    /// Same as [`connection`](Self::connection).
    pub fn log(
        &self,
        entity: &'static Entity,
        field: &'a Positioned<Field>,
    ) -> Result<(List, Connection<'a>)> {
        let place = format!("Query.{}", entity.plural);
        self.list(entity, change_log::list(place), &[field])
    }

    /// Plans the connection that `field` returns.
    ///
    /// # Errors
    /// `INVALID` or `BAD_CURSOR` if an argument of the field or below it is invalid.
    pub fn connection(
        &self,
        entity: &'static Entity,
        place: String,
        fields: &[&'a Positioned<Field>],
    ) -> Result<(List, Connection<'a>)> {
        self.list(entity, List::new(entity.table, place), fields)
    }

    fn list(
        &self,
        entity: &'static Entity,
        mut list: List,
        fields: &[&'a Positioned<Field>],
    ) -> Result<(List, Connection<'a>)> {
        let first = fields.first().ok_or_else(|| Error::internal("empty field selection"))?;
        let arguments = input::arguments(self.context, &first.node);
        list.page = Page::new(
            input::whole(&arguments, "first")?,
            input::text(&arguments, "after")?,
            input::whole(&arguments, "last")?,
            input::text(&arguments, "before")?,
        )?;
        let paging = self.paging(&list.place);
        if let Some(paging) = paging {
            list.page.size = paging.size;
            list.page.after = paging.after.clone().or(list.page.after);
        }
        if let Some(value) = arguments.get("filter") {
            list.filter = filter::read(entity, value)?;
        }
        if let Some(value) = arguments.get("entities") {
            let also = filter::entities(entity, value)?;
            list.filter = Filter::All(vec![list.filter, also]);
        }
        if let Some(value) = arguments.get("orderBy") {
            order::read(entity, value, &mut list)?;
        }

        let sets = fields.iter().map(|field| &field.node.selection_set.node).collect();
        let name = format!("{}Connection", entity.name);
        let mut connection = Connection { entity, cursor: Vec::new(), fields: Vec::new() };
        let mut cursors = paging.is_some();
        let mut beyond = paging.is_some();
        // All `aggregate` fields of a connection are read by one statement.
        let mut all_rows: Option<usize> = None;
        for (key, asked) in collect(&name, sets) {
            let inner = || asked.iter().map(|field| &field.node.selection_set.node).collect();
            let out = match asked[0].node.name.node.as_str() {
                "aggregate" => {
                    let number = match all_rows {
                        Some(number) => number,
                        None => list.aggregate(aggregate::new_aggregate()?),
                    };
                    all_rows = Some(number);
                    let plan = self.aggregate(entity, &asked, &mut list.aggregates[number])?;
                    ConnectionOut::Aggregate { number, plan }
                }
                "groups" => {
                    let filter = aggregate::json_filter(&arguments)?;
                    let (aggregate, plan) = self.groups(entity, &asked, &mut list, filter)?;
                    ConnectionOut::Aggregate { number: list.aggregate(aggregate), plan }
                }
                "nodes" => {
                    list.rows = true;
                    ConnectionOut::Nodes(self.object(&mut list, 0, entity, inner())?)
                }
                "edges" => {
                    list.rows = true;
                    ConnectionOut::Edges(self.edges(&mut list, entity, inner(), &mut cursors)?)
                }
                "pageInfo" => {
                    list.rows = true;
                    let fields = Self::page_info(inner(), &mut cursors);
                    beyond |= fields.iter().any(|(_, out)| out.tells_of_others());
                    ConnectionOut::PageInfo(fields)
                }
                "totalCount" => {
                    list.count = true;
                    ConnectionOut::TotalCount
                }
                _ => ConnectionOut::TypeName,
            };
            connection.fields.push((Name::new(key), out));
        }
        list.cursors = cursors;
        list.beyond = beyond;
        if let Some(number) = all_rows
            && list.aggregates[number].measures.is_empty()
        {
            list.aggregates[number].measure(Measure::Count);
        }
        if cursors {
            let order: Vec<(usize, usize)> =
                list.order.iter().map(|sort| (sort.of, sort.column)).collect();
            connection.cursor =
                order.into_iter().map(|(of, column)| list.cell(of, column)).collect();
            let id = entity.table.id();
            connection.cursor.push(list.cell(0, id));
        }
        Ok((list, connection))
    }

    /// The pagination of the list at this path, if the list is exported page by page.
    fn paging(&self, place: &str) -> Option<&'a Paging> {
        let paging = self.context.data_opt::<Arc<Paging>>();
        paging.filter(|_| place.starts_with("Query.")).map(AsRef::as_ref)
    }

    fn edges(
        &self,
        list: &mut List,
        entity: &'static Entity,
        sets: Sets<'a>,
        cursors: &mut bool,
    ) -> Result<Vec<(Name, EdgeOut<'a>)>> {
        let name = format!("{}Edge", entity.name);
        let fields = collect(&name, sets).into_iter().map(|(key, asked)| {
            let out = match asked[0].node.name.node.as_str() {
                "cursor" => {
                    *cursors = true;
                    EdgeOut::Cursor
                }
                "node" => {
                    let sets = asked.iter().map(|field| &field.node.selection_set.node).collect();
                    EdgeOut::Node(self.object(list, 0, entity, sets)?)
                }
                _ => EdgeOut::TypeName,
            };
            Ok((Name::new(key), out))
        });
        fields.collect()
    }

    fn page_info(sets: Sets<'a>, cursors: &mut bool) -> Vec<(Name, PageInfoOut)> {
        let fields = collect("PageInfo", sets).into_iter().map(|(key, asked)| {
            let out = match asked[0].node.name.node.as_str() {
                "hasPreviousPage" => PageInfoOut::HasPreviousPage,
                "hasNextPage" => PageInfoOut::HasNextPage,
                "startCursor" => PageInfoOut::StartCursor,
                "endCursor" => PageInfoOut::EndCursor,
                _ => PageInfoOut::TypeName,
            };
            *cursors |= matches!(out, PageInfoOut::StartCursor | PageInfoOut::EndCursor);
            (Name::new(key), out)
        });
        fields.collect()
    }

    /// Plans an object of `entity`: the row `of` of `list`.
    fn object(
        &self,
        list: &mut List,
        of: usize,
        entity: &'static Entity,
        sets: Sets<'a>,
    ) -> Result<Shape<'a>> {
        let mut fields = Vec::new();
        for (key, asked) in collect(entity.name, sets) {
            let name = asked[0].node.name.node.as_str();
            let out = if name == "__typename" {
                Out::TypeName(entity.name)
            } else {
                self.field(list, of, entity, name, &asked)?
            };
            if list.cells.len() > MAX_CELLS {
                return Err(selects_too_much(&format!("{MAX_CELLS} columns"), entity, name));
            }
            fields.push((Name::new(key), out));
        }
        Ok(Shape { fields })
    }

    fn field(
        &self,
        list: &mut List,
        of: usize,
        entity: &'static Entity,
        name: &str,
        asked: &[&'a Positioned<Field>],
    ) -> Result<Out<'a>> {
        let field = entity
            .field(name)
            .ok_or_else(|| Error::internal(format!("{} has no field {name}", entity.name)))?;
        let sets = || asked.iter().map(|field| &field.node.selection_set.node).collect();
        Ok(match &field.gives {
            FieldKind::Id => Out::Id(list.cell(of, entity.table.id()), entity),
            FieldKind::Column { column, scalar, .. } => Out::Cell(list.cell(of, *column), *scalar),
            FieldKind::Reference { column, to, .. } => Out::Id(list.cell(of, *column), to()),
            FieldKind::One { via, to, optional } => {
                let to = to();
                let joined = list.join(of, *via, to.table);
                if list.joins.len() > MAX_TO_ONE {
                    let most = format!("{MAX_TO_ONE} to-one relations");
                    return Err(selects_too_much(&most, entity, name));
                }
                let key = list.cell(joined, to.table.id());
                let shape = self.object(list, joined, to, sets())?;
                Out::One { key, shape, optional: *optional }
            }
            FieldKind::Many { link, to } => {
                let to = to();
                let place = format!("{}.{name}", entity.name);
                let (below, connection) = self.connection(to, place, asked)?;
                let (relation, parent) = relate(list, of, link.link(to.table), below);
                Out::Many { relation, parent, connection }
            }
            FieldKind::History => {
                let to = Catalog::of(self.context).log();
                let place = format!("{}.{name}", entity.name);
                let (mut below, connection) = self.connection(to, place, asked)?;
                let called = Test::Exactly(entity.table.called);
                let own = Filter::Column(to.table.column_named("entity"), called);
                below.filter = Filter::All(vec![own, below.filter]);
                let link = Link::Children { via: to.table.column_named("record_id") };
                let (relation, parent) = relate(list, of, link, below);
                Out::Many { relation, parent, connection }
            }
            FieldKind::Newest { link, to } => {
                let to = to();
                let mut below = List::new(to.table, format!("{}.{name}", entity.name));
                below.rows = true;
                below.page = Page::first(1);
                let (direction, nulls) = (Direction::Descending, Nulls::First);
                let column = to.table.column_named("created_at");
                below.order.push(Sort { of: 0, column, direction, nulls });
                let shape = self.object(&mut below, 0, to, sets())?;
                let (relation, parent) = relate(list, of, link.link(to.table), below);
                Out::First { relation, parent, shape }
            }
            FieldKind::Computed { needs, resolve, optional, .. } => Out::Computed(ComputedField {
                number: self.computed.replace(self.computed.get() + 1),
                field: asked[0],
                resolve: *resolve,
                cells: needs.iter().map(|column| list.cell(of, *column)).collect(),
                optional: *optional,
            }),
        })
    }
}

/// Adds a relation to a list; returns its number and the cell with the primary key of the parent row.
fn relate(list: &mut List, of: usize, link: Link, below: List) -> (usize, usize) {
    let relation = list.relation(of, link, below);
    (relation, list.relations[relation].parent)
}
