//! The searchable entities.

use engine::{
    enum_values::{EnumValue, enum_value},
    search::Searched,
};

use crate::{
    crm::{company, prospect, prospect_research},
    offer::{event, industry, solution},
    outreach::{interaction, outreach_draft},
};

/// Searchable entities. The index of an entity in this list is the number stored in the database.
pub const KINDS: &[EnumValue] = &[
    enum_value("company", "Companies, searched by name and domain first, then by website."),
    enum_value(
        "prospect",
        "Prospects, searched by name and e-mail address first, then by location and LinkedIn profile.",
    ),
    enum_value("industry", "Industries, searched by name."),
    enum_value(
        "solution",
        "Solutions, searched by name and category first, then by description, keywords and use cases.",
    ),
    enum_value("event", "Events, searched by type and location first, then by description."),
    enum_value(
        "interaction",
        "Interactions, searched by subject first, then by content and outcome.",
    ),
    enum_value(
        "outreach_draft",
        "Outreach drafts, searched by subject first, then by content and review notes.",
    ),
    enum_value("prospect_research", "Research, searched by summary and insights."),
];

/// Searched columns of each entity, in the order of [`KINDS`].
pub const SEARCHED: &[Searched] = &[
    Searched { table: company::table, called: &["name"], columns: &["name", "domain", "website"] },
    Searched {
        table: prospect::table,
        called: &["full_name"],
        columns: &["full_name", "email", "location", "linkedin_url"],
    },
    Searched { table: industry::table, called: &["name"], columns: &["name"] },
    Searched {
        table: solution::table,
        called: &["name"],
        columns: &["name", "category", "description", "keywords", "use_cases"],
    },
    Searched {
        table: event::table,
        called: &["event_type", "location"],
        columns: &["event_type", "location", "description"],
    },
    Searched {
        table: interaction::table,
        called: &["subject"],
        columns: &["subject", "content", "outcome"],
    },
    Searched {
        table: outreach_draft::table,
        called: &["subject"],
        columns: &["subject", "content", "review_note"],
    },
    Searched {
        table: prospect_research::table,
        called: &[],
        columns: &["research_summary", "key_insights"],
    },
];
