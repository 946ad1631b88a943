//! Writes the answer of an aggregate, as text.

use async_graphql::Name;
use service::{Value as Cell, read::Aggregated};

use super::{
    super::{id, scalar},
    drill,
    fields::Told,
    plan::{Part, Plan},
};
use crate::{error::Result, text};

/// An aggregate that has been worked out.
pub struct Worked<'a> {
    /// What was asked of it.
    pub plan: &'a Plan,
    /// The result.
    pub found: &'a Aggregated,
}

impl Worked<'_> {
    /// Writes what belongs to the row with the key `parent` (0 at the root).
    ///
    /// # Errors
    /// An internal one, when a word is stored that its vocabulary doesn't have.
    pub fn write(&self, out: &mut Vec<u8>, parent: i64) -> Result<()> {
        let groups = self.found.groups(parent);
        let cells = groups.first().map_or(&[][..], |group| group);
        self.object(out, &self.plan.parts, cells, parent)
    }

    /// How many groups are told below the row with this key.
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
            text::plain(out, name.as_str());
            out.push(b':');
            self.part(out, part, group, parent)?;
        }
        text::close(out, next, b"{}");
        Ok(())
    }

    fn part(&self, out: &mut Vec<u8>, part: &Part, group: &[Cell], parent: i64) -> Result<()> {
        match part {
            Part::TypeName(name) => text::plain(out, name),
            Part::Measure { place, scalar, counted } => {
                match group.get(self.plan.keys.len() + place) {
                    Some(cell) => scalar::write(out, cell, *scalar)?,
                    // A parent without a single row below it.
                    None if *counted => out.push(b'0'),
                    None => out.extend_from_slice(b"null"),
                }
            }
            Part::Key(place) => self.key(out, *place, group)?,
            Part::Object(parts) => self.object(out, parts, group, parent)?,
            Part::Nodes(parts) => {
                let mut next = b'[';
                for group in self.found.groups(parent).iter().take(self.plan.most) {
                    out.push(next);
                    next = b',';
                    self.object(out, parts, group, parent)?;
                }
                text::close(out, next, b"[]");
            }
            Part::TotalCount => text::plain(out, &self.found.total(parent)),
            Part::Filter => text::plain(out, &drill::filter(self.plan, group)),
        }
        Ok(())
    }

    fn key(&self, out: &mut Vec<u8>, place: Option<usize>, group: &[Cell]) -> Result<()> {
        let known = place.and_then(|place| Some((self.plan.keys[place], group.get(place)?)));
        match known {
            None | Some((_, Cell::Null)) => out.extend_from_slice(b"null"),
            Some((key, cell)) => match (key.told, cell) {
                (Told::Id(entity), Cell::Int(key)) => id::write(out, entity, *key),
                (Told::Bucket(bucket), Cell::Time(begin)) => {
                    text::plain(out, &self.plan.zone.told(*begin, bucket).0);
                }
                (Told::Value(scalar), cell) => scalar::write(out, cell, scalar)?,
                _ => out.extend_from_slice(b"null"),
            },
        }
        Ok(())
    }
}
