//! Finds or creates the companies of imported rows.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use engine::{
    error::{Problem, Result},
    normal_form::{self, domain, text},
    record::Record,
    value::Value,
    write::{Input, Unit, row},
};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use super::contact::Contact;
use crate::{crm::company, offer::industry};

/// The maximum time between the timestamp of a row and its commit.
const BEHIND: TimeDelta = TimeDelta::minutes(10);

/// Lookup of the companies of an organization by domain, and by name without its legal form. If two companies have the
/// same name, the older one is used.
#[derive(Debug, Default)]
pub(super) struct Companies {
    by_domain: HashMap<String, i64>,
    /// Companies by registrable domain.
    by_registered: HashMap<String, HashSet<i64>>,
    by_name: HashMap<String, i64>,
    /// Industries of the current chunk, by lowercase name.
    industries: HashMap<String, i64>,
    read_at: Option<DateTime<Utc>>,
}

/// The company of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Employer {
    pub(super) id: i64,
    /// Whether the company was created for this row.
    pub(super) is_new: bool,
    /// The industry, if it was created for this company.
    pub(super) new_industry: Option<i64>,
}

impl Companies {
    /// Reads the companies that were written since the last refresh.
    pub(super) async fn refresh(&mut self, unit: &Unit) -> Result<()> {
        // An industry may have been deleted since, or the chunk that created it may have been rolled back.
        self.industries.clear();
        let since = self.read_at.map_or(DateTime::UNIX_EPOCH, |moment| moment - BEHIND);
        self.read_at = Some(unit.now());
        let changed = unit
            .scope()
            .select_with_deleted::<company::Entity>()
            .filter(company::Column::UpdatedAt.gte(since))
            .order_by_desc(company::Column::Id)
            .select_only()
            .columns([company::Column::Id, company::Column::Name, company::Column::Domain])
            .expr(company::Column::DeletedAt.is_null());
        let mut gone = HashSet::new();
        for (id, name, domain, is_there) in
            unit.tuples::<(i64, String, Option<String>, bool)>(&changed).await?
        {
            if is_there {
                self.add(id, &name, domain.as_deref());
            } else {
                gone.insert(id);
            }
        }
        if !gone.is_empty() {
            self.remove(&gone);
        }
        Ok(())
    }

    fn remove(&mut self, gone: &HashSet<i64>) {
        self.by_domain.retain(|_, known| !gone.contains(known));
        self.by_name.retain(|_, known| !gone.contains(known));
        for known in self.by_registered.values_mut() {
            known.retain(|known| !gone.contains(known));
        }
    }

    fn add(&mut self, id: i64, name: &str, domain: Option<&str>) {
        if let Some(domain) = domain {
            let domain = domain.to_lowercase();
            if let Some(registered) = domain::registrable(&domain) {
                self.by_registered.entry(registered.to_owned()).or_default().insert(id);
            }
            self.by_domain.insert(domain, id);
        }
        self.by_name.insert(normal_form::company::key(name), id);
    }

    /// Finds the existing company of a row.
    pub(super) fn of(&self, lead: &Contact) -> Option<i64> {
        let domain = lead.domain();
        let at = domain.as_deref().and_then(|domain| self.by_domain.get(domain));
        // The registrable domain identifies a company only if exactly one company uses it.
        let below = || {
            let registered = domain::registrable(domain.as_deref()?)?;
            let known = self.by_registered.get(registered).filter(|known| known.len() == 1)?;
            known.iter().next()
        };
        let name = || self.by_name.get(&normal_form::company::key(lead.company.as_deref()?));
        at.or_else(below).or_else(name).copied()
    }

    /// Builds the record of a new company for a row.
    ///
    /// # Errors
    /// [`engine::Error::Refused`] if the row has no valid company.
    pub(super) fn record(unit: &Unit, lead: &Contact) -> Result<Record> {
        let (name, domain) = named(lead).ok_or_else(|| {
            Problem::invalid(engine::Reason::ValueRequired, "company_id", "the row has no company")
        })?;
        let table = company::table();
        let size = lead.size.clone().unwrap_or_else(|| "unknown".to_owned());
        let mut values = vec![
            (table.column(company::Column::Name), Value::Text(name)),
            // The industry is set before the insert.
            (table.column(company::Column::IndustryId), Value::Int(0)),
            (table.column(company::Column::Size), Value::Text(size)),
        ];
        if let Some(website) = lead.website.clone().or(domain) {
            values.push((table.column(company::Column::Website), Value::Text(website)));
        }
        let details = &lead.company_details;
        for (column, value) in [
            (company::Column::Country, &details.company_country),
            (company::Column::Phone, &details.company_phone),
            (company::Column::Address, &details.company_address),
        ] {
            if let Some(value) = value {
                values.push((table.column(column), Value::Text(value.clone())));
            }
        }
        if let Some(count) = details.employee_count.as_deref().and_then(|count| count.parse().ok())
        {
            values.push((table.column(company::Column::EmployeeCount), Value::Int(count)));
        }
        row::plain(unit, company::rules(), Input { values, ..Input::default() })
    }

    /// Finds or creates the companies of these rows. Each result states whether the company and its industry were
    /// created for the row. The caller makes sure that only one import per organization runs this at a time.
    pub(super) async fn of_all(
        &mut self,
        unit: &mut Unit,
        leads: &[&Contact],
    ) -> Result<Vec<Employer>> {
        // A concurrent API request may create one of these companies.
        let unknown = leads.iter().filter(|lead| self.of(lead).is_none());
        let domains: Vec<String> = unknown.filter_map(|lead| lead.domain()).collect();
        if !domains.is_empty() {
            unit.advisory_locks(company::table(), domains).await?;
            self.refresh(unit).await?;
        }
        let mut known: Vec<i64> = leads.iter().filter_map(|lead| self.of(lead)).collect();
        known.sort_unstable();
        known.dedup();
        let gone = deleted_companies(unit, &known).await?;
        self.remove(&gone);
        let (mut new, mut industries) = (Vec::new(), Vec::new());
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut named_here = Vec::with_capacity(leads.len());
        for lead in leads {
            if let Some(known) = self.of(lead) {
                named_here.push(Ok(known));
                continue;
            }
            let keys = [lead.domain().map(|domain| format!("@{domain}")), name_of(lead)];
            let keys: Vec<String> = keys.into_iter().flatten().collect();
            let place = keys.iter().find_map(|key| places.get(key).copied());
            let is_new = place.is_none();
            let place = place.unwrap_or(new.len());
            if is_new {
                let mut company = Self::record(unit, lead)?;
                let industry = lead.industry.as_deref().unwrap_or(industry::UNKNOWN);
                let (industry, is_made) = self.industry(unit, industry).await?;
                company.set(company::Column::IndustryId, Value::Int(industry));
                industries.push(is_made.then_some(industry));
                for key in keys {
                    places.entry(key).or_insert(place);
                }
                new.push(company);
            }
            named_here.push(Err((place, is_new)));
        }
        let new = unit.insert_all_by(new, "name").await?;
        for company in &new {
            let domain =
                Some(company.text(company::Column::Domain)).filter(|domain| !domain.is_empty());
            self.add(company.id(), company.text(company::Column::Name), domain);
        }
        let of = |named: Result<i64, (usize, bool)>| match named {
            Ok(id) => Employer { id, is_new: false, new_industry: None },
            Err((place, is_new)) => {
                let new_industry = industries[place].filter(|_| is_new);
                Employer { id: new[place].id(), is_new, new_industry }
            }
        };
        Ok(named_here.into_iter().map(of).collect())
    }

    /// Finds or creates the industry with this name; the flag is true if the industry was created.
    async fn industry(&mut self, unit: &mut Unit, name: &str) -> Result<(i64, bool)> {
        let folded = text::name_key(name).unwrap_or_default();
        if let Some(known) = self.industries.get(&folded) {
            return Ok((*known, false));
        }
        let table = industry::table();
        let values = vec![(table.column(industry::Column::Name), Value::Text(name.to_owned()))];
        let input = Input { values, ..Input::default() };
        let (id, is_made) = row::find_or_create(unit, industry::rules(), input).await?;
        self.industries.insert(folded, id);
        Ok((id, is_made))
    }
}

/// Returns which of these companies are deleted. They are not locked, because they count their prospects: if one is deleted
/// meanwhile, the unit of work is rejected.
async fn deleted_companies(unit: &Unit, keys: &[i64]) -> Result<HashSet<i64>> {
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let engine = unit.scope().store().engine();
    let mut binds = Vec::new();
    let among = engine.among(keys, &mut binds);
    binds.push(unit.scope().organization().into());
    let sql = format!(
        "SELECT \"id\" FROM \"companies\" WHERE \"id\" {among} AND {}\"organization_id\" = {{}} \
         AND \"deleted_at\" IS NULL",
        engine.not_by()
    );
    let mut gone: HashSet<i64> = keys.iter().copied().collect();
    for row in &unit.query(&sql, binds).await? {
        gone.remove(&row.try_get_by_index::<i64>(0)?);
    }
    Ok(gone)
}

/// The normalized name of the company, used for comparison.
fn name_of(lead: &Contact) -> Option<String> {
    named(lead).map(|(name, _)| normal_form::company::key(&name))
}

/// Name and domain of the company that would be created for a row.
pub(super) fn named(lead: &Contact) -> Option<(String, Option<String>)> {
    let domain = lead.domain();
    let name = lead.company.clone().or_else(|| domain.clone())?;
    Some((name, domain))
}
