//! The context of the records that a unit of work enriches: the industries of the organization, and the values that
//! providers have written before.

use std::collections::HashMap;

use engine::{error::Result, normal_form::person::folded, record::Record, write::Unit};
use sea_orm::{ColumnTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    field::{Field, known_values},
    plan::{Plan, policy},
    provider::Known,
};
use crate::{
    crm::{company, prospect},
    ingest::{
        field_provenance::{self, outcome},
        import_record,
    },
    offer::industry,
};

/// The maximum number of industries in a provider request.
const MAX_INDUSTRIES: usize = 200;

/// A value that a provider has written: primary key, person, company, field, value.
type FoundValue = (i64, Option<i64>, Option<i64>, String, String);

/// The industries of an organization, the values that providers have written to some people and companies, and changes of
/// revisions to write.
#[derive(Debug, Default)]
pub(super) struct EnrichmentContext {
    /// Primary keys and names of the industries, oldest first.
    industries: Vec<(i64, String)>,
    /// The places of the industries by folded name. If two have the same, the older one is used.
    by_name: HashMap<String, usize>,
    /// The values that providers have written, newest first, by the primary keys of people and of companies.
    found: HashMap<FieldOwner, Vec<(i64, Field, String)>>,
    /// Prospects with a revision that an import wrote, and the revision that an enrichment wrote after it.
    revisions: Vec<(i64, i64, i64)>,
}

/// The row that a value belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum FieldOwner {
    Person(i64),
    Company(i64),
}

impl EnrichmentContext {
    /// Reads the industries. One statement.
    pub(super) async fn read(unit: &Unit) -> Result<Self> {
        let industries = industry::names(unit).await?;
        let mut by_name = HashMap::new();
        for (place, (_, name)) in industries.iter().enumerate() {
            by_name.entry(folded(name)).or_insert(place);
        }
        Ok(Self { industries, by_name, ..Self::default() })
    }

    /// Reads the values that providers have written to these people and companies, if the policy of the plan needs them.
    /// One statement.
    pub(super) async fn read_found(
        &mut self,
        unit: &Unit,
        plan: &Plan,
        people: &[i64],
        companies: &[i64],
    ) -> Result<()> {
        use field_provenance::Column;
        if plan.policy != policy::REPLACE_FOUND {
            return Ok(());
        }
        let owner = Column::ProspectId
            .is_in(people.iter().copied())
            .or(Column::CompanyId.is_in(companies.iter().copied()));
        let applied = unit
            .scope()
            .select::<field_provenance::Entity>()
            .filter(owner)
            .filter(Column::Outcome.eq(outcome::APPLIED))
            .order_by_desc(Column::Id)
            .select_only()
            .columns([Column::Id, Column::ProspectId, Column::CompanyId])
            .columns([Column::Field, Column::Value]);
        for (id, person, company, field, value) in unit.tuples::<FoundValue>(&applied).await? {
            let Some(field) = Field::of(&field) else { continue };
            let owners = [person.map(FieldOwner::Person), company.map(FieldOwner::Company)];
            for owner in owners.into_iter().flatten() {
                self.found.entry(owner).or_default().push((id, field, value.clone()));
            }
        }
        Ok(())
    }

    /// Notes a value that is about to be written to a field of a person or their company.
    pub(super) fn note_found(&mut self, person: i64, company: i64, field: Field, value: &str) {
        let owner = if field.is_of_company() {
            FieldOwner::Company(company)
        } else {
            FieldOwner::Person(person)
        };
        self.found.entry(owner).or_default().insert(0, (i64::MAX, field, value.to_owned()));
    }

    /// The newest value that a provider has written to a field of a person or their company.
    pub(super) fn found_before(&self, person: i64, company: i64, field: Field) -> Option<&str> {
        let owners = [FieldOwner::Person(person), FieldOwner::Company(company)];
        let newest = owners
            .iter()
            .filter_map(|owner| self.found.get(owner))
            .filter_map(|found| found.iter().find(|(_, known, _)| *known == field));
        newest.max_by_key(|(id, ..)| *id).map(|(_, _, value)| value.as_str())
    }

    /// The name of an industry; empty if there is no such industry.
    pub(super) fn industry_name(&self, id: i64) -> &str {
        let found = self.industries.iter().find(|(known, _)| *known == id);
        found.map_or("", |(_, name)| name)
    }

    /// The primary key of the industry with this name.
    pub(super) fn industry(&self, name: &str) -> Option<i64> {
        self.by_name.get(&folded(name)).map(|place| self.industries[*place].0)
    }

    /// The names of industries for a provider request.
    pub(super) fn industry_names(&self) -> Vec<String> {
        let names = self.industries.iter().take(MAX_INDUSTRIES);
        names.map(|(_, name)| name.clone()).collect()
    }

    /// The known values of a person and their company; placeholders count as unknown.
    pub(super) fn known_values(&self, person: &Record, company: &Record) -> Result<Known> {
        let industry = company.key(company::Column::IndustryId)?;
        Ok(known_values(person, company, self.industry_name(industry)))
    }

    /// Notes that a value that a provider filled in has changed the revision of a prospect. It does not count as a
    /// modification that blocks the undo of an import.
    pub(super) fn follow_revision(&mut self, before: &Record, after: &Record) {
        let revision = |row: &Record| row.number(prospect::Column::Revision).unwrap_or_default();
        let (from, to) = (revision(before), revision(after));
        let known = self
            .revisions
            .iter_mut()
            .rev()
            .find(|(id, _, last)| *id == after.id() && *last == from);
        match known {
            Some((_, _, last)) => *last = to,
            None => self.revisions.push((after.id(), from, to)),
        }
    }

    /// Writes the collected writes of the unit of work, and the revisions of prospects to the rows of imports.
    pub(super) async fn write(self, unit: &mut Unit) -> Result<()> {
        unit.write_batch().await?;
        import_record::assign_written_revisions(unit, &self.revisions).await
    }
}
