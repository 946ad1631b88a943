//! Companies: the accounts of the sales team.

use std::sync::LazyLock;

use engine::{
    error::Result,
    normal_form::{self, domain},
    reason::Reason,
    record::Record,
    search::Searched,
    table::{Table, UniqueField},
    write::{
        Unit,
        ownership::{InExport, OnErase, OnMerge, Ownership},
        reference::{OnDelete, Reference},
        rules::{Check, DefaultValue, Delete, Hooks, Rules, field, server_managed},
    },
};
use entity::crm::company;
use futures_util::future::BoxFuture;

use crate::offer::industry;

/// Companies are identified by the domain of their website.
static UNIQUE: UniqueField = UniqueField {
    column: "domain",
    written_as: "website",
    upsert: true,
    reason: Reason::CompanyDomainTaken,
};

/// An industry with companies can't be deleted, only merged into another one.
static INDUSTRY: Reference = Reference {
    column: "industry_id",
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
    column: "duplicate_of",
    owner: "companies",
    on_erase: OnErase::Keep,
    on_merge: OnMerge::Keep,
    in_export: InExport::No,
};

/// The search of this table (`migration/src/search/mod.rs`).
static SEARCH: Searched = Searched {
    number: 0,
    about: "Companies, searched by name and domain first, then by website.",
    called: &["name"],
    columns: &["name", "domain", "website"],
};

/// The table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        Table::of::<company::Entity>("company")
            .searched(&SEARCH)
            .computing([("domain", |text| domain::own(&text("website"), &text("name")))])
            .comparing([("name_key", |text| normal_form::company::name_key(&text("name")))])
            .unique(&UNIQUE)
            .refers(&INDUSTRY)
            .belongs_to(&DUPLICATE_OWNERSHIP)
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
            field("name").checked(Check::Filled),
            field("industry_id").to(industry::table),
            field("size").checked(Check::Filled),
            field("website").checked(Check::Url),
            server_managed("domain", DefaultValue::Follows),
        ],
        links: &[],
        hooks: &Company,
    };
    &RULES
}

struct Company;

impl Hooks for Company {
    /// Names must be unique among companies without a domain.
    fn same<'u>(
        &'u self,
        unit: &'u mut Unit,
        company: &'u Record,
    ) -> BoxFuture<'u, Result<Option<i64>>> {
        Box::pin(async move {
            let name = company.text("name_key");
            if name.is_empty() {
                return Ok(None);
            }
            unit.advisory_lock(table(), &format!("name {name}")).await?;
            let sql = "SELECT \"id\" FROM \"companies\" WHERE \"organization_id\" = {} AND \"name_key\" = {} \
                       AND \"domain\" IS NULL AND \"deleted_at\" IS NULL ORDER BY \"id\" LIMIT 2";
            let binds = vec![unit.scope().organization().into(), name.into()];
            let rows = unit.query(sql, binds).await?;
            match rows.as_slice() {
                [only] => Ok(Some(only.try_get_by_index(0)?)),
                _ => Ok(None),
            }
        })
    }
}
