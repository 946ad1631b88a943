//! Companies: the accounts of the sales team.

use std::sync::LazyLock;

use engine::{
    error::{Problem, Result},
    normal_form::{self, company_size, domain},
    reason::Reason,
    record::Record,
    row_scope::RowScope,
    search::Searched,
    table::{Table, UniqueField},
    write::{
        Unit,
        ownership::{InExport, OnErase, OnMerge, Ownership},
        reference::{OnDelete, Reference},
        rules::{Check, DefaultValue, Delete, Hooks, Rules, field, server_managed},
    },
};
pub use entity::crm::company::{Column, Entity};
use futures_util::future::BoxFuture;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::offer::industry;

/// Companies are identified by the domain of their website.
static UNIQUE: UniqueField = UniqueField {
    column: Column::Domain.name(),
    written_as: Column::Website.name(),
    upsert: true,
    reason: Reason::CompanyDomainTaken,
};

/// The maximum number of employees of a company.
pub const MAX_EMPLOYEES: f64 = 100_000_000.0;

/// The maximum length of an address, in characters.
pub const MAX_ADDRESS_LENGTH: u32 = 1_000;

/// An industry with companies can't be deleted, only merged into another one.
static INDUSTRY: Reference = Reference {
    column: Column::IndustryId.name(),
    to: "industries",
    on_delete: OnDelete::Reject {
        reason: Reason::IndustryHasCompanies,
        with_deleted: true,
        message: |companies| {
            format!(
                "the industry has {companies} companies (including deleted); merge it into another (mergeIndustries)"
            )
        },
    },
    moves_on_merge: true,
};

/// The engine assigns the duplicates of a deleted company to the oldest of them.
static DUPLICATE_OWNERSHIP: Ownership = Ownership {
    column: Column::DuplicateOf.name(),
    owner: "companies",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// Companies that were merged into another one are kept.
static MERGED_INTO_OWNERSHIP: Ownership = Ownership {
    column: Column::MergedIntoId.name(),
    owner: "companies",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 0,
    about: "Companies, searched by name and domain first, then by website, phone number and address.",
    called: &[Column::Name.name()],
    columns: &[
        Column::Name.name(),
        Column::Domain.name(),
        Column::Website.name(),
        Column::Phone.name(),
        Column::Address.name(),
    ],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<Entity>("company")
            .scoped(RowScope::ReferencedBy("prospects", "company_id"))
            .hiding([(Column::MergedIntoId, "companies"), (Column::DuplicateOf, "companies")])
            .searched(&SEARCH)
            .computing([(Column::Domain, |text| {
                domain::own(text.text(Column::Website), text.text(Column::Name))
            })])
            .comparing([(Column::NameKey, |text| {
                normal_form::company::name_key(text.text(Column::Name))
            })])
            .ranking([(Column::SizeLowerBound, |text| {
                company_size::lower_bound(text.text(Column::Size))
            })])
            .counting([Column::ProspectCount])
            .unique(&UNIQUE)
            .refers(&INDUSTRY)
            .belongs_to(&DUPLICATE_OWNERSHIP)
            .belongs_to(&MERGED_INTO_OWNERSHIP)
    });
    &TABLE
}

/// Validation rules.
pub fn rules() -> &'static Rules {
    static RULES: Rules = Rules {
        table,
        create: Some("create"),
        update: true,
        delete: Delete::Soft,
        fields: &[
            field(Column::Name.name()).checked(Check::Filled),
            field(Column::IndustryId.name())
                .to(industry::table)
                .or_nested("industry", industry::rules),
            field(Column::Size.name()).checked(Check::Filled),
            field(Column::Website.name()).checked(Check::Url),
            field(Column::Country.name()).checked(Check::Country),
            field(Column::EmployeeCount.name()).checked(Check::Between(0.0, MAX_EMPLOYEES)),
            field(Column::Phone.name()).checked(Check::Phone),
            field(Column::Address.name()).checked(Check::AtMost(MAX_ADDRESS_LENGTH)),
            server_managed(Column::Domain.name(), DefaultValue::Follows),
        ],
        links: &[],
        hooks: &Company,
    };
    &RULES
}

struct Company;

impl Hooks for Company {
    fn restoring<'u>(&'u self, _: &'u mut Unit, company: &'u Record) -> BoxFuture<'u, Result<()>> {
        Box::pin(async move {
            let Some(other) = company.number(Column::MergedIntoId) else { return Ok(()) };
            let message =
                format!("the company was merged into Company:{other} and can't be restored");
            Err(Problem::conflict(Reason::RowMerged, "id", message).into())
        })
    }

    fn lock_name(&self, company: &Record) -> Option<String> {
        let name = company.text(Column::NameKey);
        (!name.is_empty()).then(|| format!("name {name}"))
    }

    /// Names must be unique among companies without a domain.
    fn same<'u>(
        &'u self,
        unit: &'u mut Unit,
        company: &'u Record,
    ) -> BoxFuture<'u, Result<Option<i64>>> {
        Box::pin(async move {
            let Some(lock) = self.lock_name(company) else { return Ok(None) };
            let name = company.text(Column::NameKey);
            unit.advisory_lock(table(), &lock).await?;
            let same = unit
                .scope()
                .select::<Entity>()
                .filter(Column::NameKey.eq(name))
                .filter(Column::Domain.is_null());
            let keys = same.order_by_asc(Column::Id).limit(2);
            match unit.tuples(&keys.select_only().column(Column::Id)).await?.as_slice() {
                [only] => Ok(Some(*only)),
                _ => Ok(None),
            }
        })
    }
}
