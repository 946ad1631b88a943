//! Search of prospects by phone number, job title and name of the company.

use sea_orm_migration::prelude::*;

use crate::{
    m20261121_000011_search::TABLES,
    search::{
        Parent, Searched,
        Words::{self, Phone, Text},
        replace,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

static COMPANY: Parent = Parent { via: "company_id", table: "companies", column: "name" };

pub(crate) const PROSPECTS: Searched = Searched {
    table: "prospects",
    number: 1,
    names: &[Text("full_name"), Text("email"), Text("location")],
    title: &[Text("full_name"), Text("email")],
    body: &[
        Text("location"),
        Text("linkedin_url"),
        Phone("phone"),
        Text("job_title"),
        Words::Parent(&COMPANY),
    ],
    deletable: true,
    hidden_with: None,
    parent: Some(&COMPANY),
};

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, &TABLES[1], &PROSPECTS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, &PROSPECTS, &TABLES[1]).await
    }
}
