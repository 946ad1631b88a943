//! Full-text search over companies, prospects, industries, solutions, events, interactions, drafts and research.

use sea_orm_migration::prelude::*;

use crate::search::{
    Searched,
    Words::{Json, Text},
    drop, index, not_searched, prepare, searched,
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

pub(crate) const TABLES: &[Searched] = &[
    Searched {
        table: "companies",
        number: 0,
        names: &[Text("name"), Text("domain")],
        title: &[Text("name"), Text("domain")],
        body: &[Text("website")],
        deletable: true,
        hidden_with: None,
        parent: None,
    },
    Searched {
        table: "prospects",
        number: 1,
        names: &[Text("full_name"), Text("email"), Text("location")],
        title: &[Text("full_name"), Text("email")],
        body: &[Text("location"), Text("linkedin_url")],
        deletable: true,
        hidden_with: None,
        parent: None,
    },
    Searched {
        table: "industries",
        number: 2,
        names: &[Text("name")],
        title: &[Text("name")],
        body: &[],
        deletable: false,
        hidden_with: None,
        parent: None,
    },
    Searched {
        table: "solutions",
        number: 3,
        names: &[Text("name"), Text("category")],
        title: &[Text("name"), Text("category")],
        body: &[Text("description"), Json("keywords"), Json("use_cases")],
        deletable: false,
        hidden_with: None,
        parent: None,
    },
    Searched {
        table: "events",
        number: 4,
        names: &[Text("event_type"), Text("location")],
        title: &[Text("event_type"), Text("location")],
        body: &[Text("description")],
        deletable: false,
        hidden_with: None,
        parent: None,
    },
    Searched {
        table: "interactions",
        number: 5,
        names: &[],
        title: &[Text("subject")],
        body: &[Text("content"), Text("outcome")],
        deletable: false,
        hidden_with: Some(("prospect_id", "prospects")),
        parent: None,
    },
    Searched {
        table: "outreach_drafts",
        number: 6,
        names: &[],
        title: &[Text("subject")],
        body: &[Text("content"), Text("review_note")],
        deletable: false,
        hidden_with: Some(("prospect_id", "prospects")),
        parent: None,
    },
    Searched {
        table: "prospect_research",
        number: 7,
        names: &[],
        title: &[],
        body: &[Text("research_summary"), Json("key_insights")],
        deletable: false,
        hidden_with: Some(("prospect_id", "prospects")),
        parent: None,
    },
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        prepare(manager).await?;
        searched(manager, TABLES).await?;
        index(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        not_searched(manager, TABLES).await?;
        drop(manager).await
    }
}
