//! Writes the result of an aggregate as JSON text.

use async_graphql::Name;
use engine::{
    Value as Cell,
    read::{Aggregated, Bucket},
};

use super::{
    super::{cyclic::WEEKDAYS, id, scalar},
    group_filter,
    key::KeyFormat,
    plan::{Part, Plan},
};
use crate::{error::Result, json_text};

/// The result of an aggregate.
pub struct AggregateResult<'a> {
    /// The response plan.
    pub plan: &'a Plan,
    /// The result.
    pub found: &'a Aggregated,
}

impl AggregateResult<'_> {
    /// Writes the result below the row with the primary key `parent` (0 at the root).
    ///
    /// # Errors
    /// `INTERNAL` if a stored value is not a value of its enum.
    pub fn write(&self, out: &mut Vec<u8>, parent: i64) -> Result<()> {
        let groups = self.found.groups(parent);
        let cells = groups.first().map_or(&[][..], |group| group);
        self.object(out, &self.plan.parts, cells, parent)
    }

    /// The number of groups below the row with this primary key.
    #[must_use]
    pub fn groups(&self, parent: i64) -> usize {
        self.found.groups(parent).len()
    }

    fn object(
        &self,
        out: &mut Vec<u8>,
        parts: &[(Name, Part)],
        group: &[Cell],
        parent: i64,
    ) -> Result<()> {
        let mut next = b'{';
        for (name, part) in parts {
            out.push(next);
            next = b',';
            json_text::plain(out, name.as_str());
            out.push(b':');
            self.part(out, part, group, parent)?;
        }
        json_text::close(out, next, b"{}");
        Ok(())
    }

    fn part(&self, out: &mut Vec<u8>, part: &Part, group: &[Cell], parent: i64) -> Result<()> {
        match part {
            Part::TypeName(name) => json_text::plain(out, name),
            Part::Measure { place, scalar, counts } => {
                match group.get(self.plan.keys.len() + place) {
                    Some(cell) => scalar::write(out, cell, *scalar)?,
                    // There are no rows below the parent.
                    None if *counts => out.push(b'0'),
                    None => out.extend_from_slice(b"null"),
                }
            }
            Part::Key(position) => self.key(out, *position, group)?,
            Part::Object(parts) => self.object(out, parts, group, parent)?,
            Part::Nodes(parts) => {
                let mut next = b'[';
                for group in self.found.groups(parent).iter().take(self.plan.limit) {
                    out.push(next);
                    next = b',';
                    self.object(out, parts, group, parent)?;
                }
                json_text::close(out, next, b"[]");
            }
            Part::TotalCount => json_text::plain(out, &self.found.total(parent)),
            Part::Filter => json_text::plain(out, &group_filter::filter(self.plan, group)),
        }
        Ok(())
    }

    fn key(&self, out: &mut Vec<u8>, position: usize, group: &[Cell]) -> Result<()> {
        match (self.plan.keys[position].format, group.get(position)) {
            (KeyFormat::Id(entity), Some(Cell::Int(key))) => id::write(out, entity, *key),
            (KeyFormat::Bucket(bucket), Some(Cell::Time(begin))) => {
                json_text::plain(out, &self.plan.zone.key_and_spans(*begin, bucket).0);
            }
            (KeyFormat::Bucket(Bucket::Weekday), Some(Cell::Int(number))) => {
                json_text::plain(out, weekday(*number));
            }
            (KeyFormat::Bucket(_), Some(Cell::Int(number))) => {
                json_text::plain(out, &format!("{number:02}"));
            }
            (KeyFormat::Value(scalar), Some(cell)) => scalar::write(out, cell, scalar)?,
            _ => out.extend_from_slice(b"null"),
        }
        Ok(())
    }
}

/// The enum value of a day of the week, given its ISO 8601 number.
pub(crate) fn weekday(number: i64) -> &'static str {
    let position = usize::try_from(number - 1).unwrap_or_default();
    WEEKDAYS.get(position).copied().unwrap_or_default()
}
