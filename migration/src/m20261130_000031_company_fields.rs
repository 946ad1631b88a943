//! Country, number of employees, phone number and address of companies, and the search by phone number and address.

use sea_orm_migration::prelude::*;

use crate::{
    column::{long, number_or_absent, short},
    ddl::{
        Key::{AbsentHigh, AbsentLow},
        add_columns, drop_columns, drop_indexes, sort_index,
    },
    m20261121_000011_search::TABLES,
    search::{
        Searched,
        Words::{Phone, Text},
        replace,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const INDEXES: [&str; 2] = ["ix_companies_employee_count_low", "ix_companies_employee_count_high"];

pub(crate) const COMPANIES: Searched = Searched {
    table: "companies",
    number: 0,
    names: &[Text("name"), Text("domain")],
    title: &[Text("name"), Text("domain")],
    body: &[Text("website"), Phone("phone"), Text("address")],
    deletable: true,
    hidden_with: None,
    parent: None,
};

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = vec![
            short("country", 2),
            number_or_absent("employee_count"),
            short("phone", 50),
            long("address"),
        ];
        add_columns(manager, "companies", columns).await?;
        let (low, high) = (AbsentLow("employee_count"), AbsentHigh("employee_count"));
        sort_index(manager, "companies", "employee_count_low", low).await?;
        sort_index(manager, "companies", "employee_count_high", high).await?;
        replace(manager, &TABLES[0], &COMPANIES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, &COMPANIES, &TABLES[0]).await?;
        drop_indexes(manager, &INDEXES).await?;
        let columns = ["country", "employee_count", "phone", "address"];
        drop_columns(manager, "companies", &columns).await
    }
}
