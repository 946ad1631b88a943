//! Writes the pages of a response.

use async_graphql::Name;
use engine::read::{Aggregated, Group, Loaded, encode_cursor};

use super::{
    super::{
        aggregate::answer::AggregateResult,
        shape::{Connection, ConnectionOut, EdgeOut, PageInfoOut},
    },
    Answer, Step, Written,
};
use crate::json_text;

impl Answer<'_> {
    pub(super) fn connection(
        &mut self,
        connection: &Connection<'_>,
        loaded: &Loaded,
        group: &Group,
        parent: i64,
    ) -> Written {
        let mut next = b'{';
        for (name, out) in &connection.fields {
            self.key(name, &mut next);
            self.at(Step::Field(name.clone()));
            match out {
                ConnectionOut::TypeName => {
                    self.string(&format!("{}Connection", connection.entity.name));
                }
                ConnectionOut::TotalCount => json_text::plain(&mut self.out, &group.total),
                ConnectionOut::Nodes(shape) => {
                    self.list(group, |answer, index| answer.object(shape, loaded, index))?;
                }
                ConnectionOut::Edges(fields) => self.list(group, |answer, index| {
                    answer.edge(connection, fields, loaded, group, index)
                })?,
                ConnectionOut::Aggregate { number, plan } => {
                    // If there are no parent rows, no aggregates were read.
                    let none = Aggregated::default();
                    let found = loaded.aggregates.get(*number).unwrap_or(&none);
                    self.aggregate(&AggregateResult { plan, found }, parent)?;
                }
                ConnectionOut::PageInfo(fields) => {
                    self.page_info(connection, fields, loaded, group);
                }
            }
            self.back();
        }
        json_text::close(&mut self.out, next, b"{}");
        Ok(())
    }

    fn list(
        &mut self,
        group: &Group,
        mut item: impl FnMut(&mut Self, usize) -> Written,
    ) -> Written {
        let mut next = b'[';
        for index in group.rows.clone() {
            self.out.push(next);
            next = b',';
            self.at(Step::Index(index - group.rows.start));
            item(self, index)?;
            self.back();
        }
        json_text::close(&mut self.out, next, b"[]");
        Ok(())
    }

    fn edge(
        &mut self,
        connection: &Connection<'_>,
        fields: &[(Name, EdgeOut<'_>)],
        loaded: &Loaded,
        group: &Group,
        index: usize,
    ) -> Written {
        let mut next = b'{';
        for (name, out) in fields {
            self.key(name, &mut next);
            match out {
                EdgeOut::TypeName => self.string(&format!("{}Edge", connection.entity.name)),
                EdgeOut::Cursor => self.string(&cursor(connection, loaded, group, index)),
                EdgeOut::Node(shape) => {
                    self.at(Step::Field(name.clone()));
                    self.object(shape, loaded, index)?;
                    self.back();
                }
            }
        }
        json_text::close(&mut self.out, next, b"{}");
        Ok(())
    }

    fn page_info(
        &mut self,
        connection: &Connection<'_>,
        fields: &[(Name, PageInfoOut)],
        loaded: &Loaded,
        group: &Group,
    ) {
        let some = !group.rows.is_empty();
        let at = |index: usize| some.then(|| cursor(connection, loaded, group, index));
        let mut next = b'{';
        for (name, out) in fields {
            self.key(name, &mut next);
            match out {
                PageInfoOut::TypeName => self.string("PageInfo"),
                PageInfoOut::HasPreviousPage => {
                    json_text::plain(&mut self.out, &group.has_previous);
                }
                PageInfoOut::HasNextPage => json_text::plain(&mut self.out, &group.has_next),
                PageInfoOut::StartCursor => json_text::plain(&mut self.out, &at(group.rows.start)),
                PageInfoOut::EndCursor => {
                    json_text::plain(&mut self.out, &at(group.rows.end.saturating_sub(1)));
                }
            }
        }
        json_text::close(&mut self.out, next, b"{}");
    }
}

fn cursor(connection: &Connection<'_>, loaded: &Loaded, group: &Group, index: usize) -> String {
    let row = &loaded.rows[index];
    encode_cursor(group.binding, connection.cursor.iter().map(|cell| &row[*cell]))
}
