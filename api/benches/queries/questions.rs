//! The benchmark queries, as GraphQL and as hand-written SQL for the same rows.

use serde_json::{Value, json};

use crate::{bare::Bind, work_list};

/// One benchmark query.
pub(crate) struct Question {
    /// The name in the table of results.
    pub(crate) name: &'static str,
    /// The description.
    pub(crate) about: &'static str,
    /// The GraphQL document.
    pub(crate) document: &'static str,
    /// The variables for the request with this number.
    pub(crate) variables: fn(&Place, u64) -> Value,
    /// The hand-written equivalent: each statement returns the rows of one level.
    pub(crate) levels: &'static [Level],
}

/// One statement, and the part of the response with the same rows.
pub(crate) struct Level {
    /// The statement for Postgres and for SQLite.
    pub(crate) sql: [&'static str; 2],
    /// The bind parameters for the request with this number, before the keys of the parent level.
    pub(crate) binds: fn(&Place, u64) -> Vec<Bind>,
    /// The level whose primary keys (its first column) are the last bind parameter.
    pub(crate) below: Option<usize>,
    /// The path of the rows in the response; lists are flattened.
    pub(crate) path: &'static str,
    /// The response field of each column, in column order.
    pub(crate) fields: &'static [&'static str],
}

/// The rows that the queries use; they are determined before the run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) prospects: u64,
    /// The companies with thousands of prospects.
    pub(crate) large: Vec<i64>,
    /// The industry of Q5.
    pub(crate) industry: i64,
    /// The last row of page 99 of Q5: its timestamp, primary key and cursor.
    pub(crate) page: (String, i64, String),
    pub(crate) postgres: bool,
}

/// The start date of Q5.
pub(crate) const SINCE: &str = "2025-01-01T00:00:00Z";

impl Place {
    fn any_prospect(&self, number: u64) -> i64 {
        // A step that is coprime to the number of prospects visits all of them.
        (number * 7_919 % self.prospects + 1).cast_signed()
    }

    fn since(&self) -> Bind {
        self.moment("2025-01-01T00:00:00+00:00")
    }

    pub(crate) fn moment(&self, text: &str) -> Bind {
        if self.postgres { Bind::Moment(text.to_owned()) } else { Bind::Text(text.to_owned()) }
    }
}

pub(crate) fn nothing(_: &Place, _: u64) -> Vec<Bind> {
    Vec::new()
}

pub(crate) fn no_variables(_: &Place, _: u64) -> Value {
    json!({})
}

/// A statement that is identical for both engines.
pub(crate) const fn both(sql: &'static str) -> [&'static str; 2] {
    [sql, sql]
}

/// The queries, in table order.
pub(crate) const QUESTIONS: [Question; 9] = [
    Question {
        name: "Q1",
        about: "one prospect with company and industry",
        document: "query Q1($id: ID!) { prospect(id: $id) { id fullName email location company { \
                   name domain industry { name } } } }",
        variables: |place, number| json!({ "id": place.any_prospect(number).to_string() }),
        levels: &[Level {
            sql: both(
                "SELECT p.id, p.full_name, p.email, p.location, c.name, c.domain, i.name \
                 FROM prospects p LEFT JOIN companies c ON c.id = p.company_id \
                 LEFT JOIN industries i ON i.id = c.industry_id WHERE p.id = $1",
            ),
            binds: |place, number| vec![Bind::Int(place.any_prospect(number))],
            below: None,
            path: "prospect",
            fields: &[
                "id",
                "fullName",
                "email",
                "location",
                "company.name",
                "company.domain",
                "company.industry.name",
            ],
        }],
    },
    Question {
        name: "Q2",
        about: "50 prospects with company and industry",
        document: "query Q2 { prospects(first: 50) { nodes { id fullName email location company { \
                   name domain industry { name } } } } }",
        variables: no_variables,
        levels: &[Level {
            sql: both(
                "SELECT p.id, p.full_name, p.email, p.location, c.name, c.domain, i.name \
                 FROM (SELECT * FROM prospects WHERE deleted_at IS NULL ORDER BY id LIMIT 50) p \
                 LEFT JOIN companies c ON c.id = p.company_id \
                 LEFT JOIN industries i ON i.id = c.industry_id ORDER BY p.id",
            ),
            binds: nothing,
            below: None,
            path: "prospects.nodes",
            fields: &[
                "id",
                "fullName",
                "email",
                "location",
                "company.name",
                "company.domain",
                "company.industry.name",
            ],
        }],
    },
    Question {
        name: "Q3",
        about: "20 companies → first 5 prospects → last 3 interactions by date + last 2 drafts + latest research",
        document: "query Q3 { companies(first: 20) { nodes { id name industry { name } \
                   prospects(first: 5) { nodes { id fullName email \
                   interactions(last: 3, orderBy: [{ interactionDate: ASC }]) { nodes { id interactionType subject outcome } } \
                   outreachDrafts(last: 2) { nodes { id draftType status } } \
                   latestResearch { id researchSummary } } } } } }",
        variables: no_variables,
        levels: &[
            Level {
                sql: both(
                    "SELECT c.id, c.name, i.name FROM companies c \
                     LEFT JOIN industries i ON i.id = c.industry_id \
                     WHERE c.deleted_at IS NULL ORDER BY c.id LIMIT 20",
                ),
                binds: nothing,
                below: None,
                path: "companies.nodes",
                fields: &["id", "name", "industry.name"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.full_name, t.email, p.id FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) \
                     CROSS JOIN LATERAL (SELECT id, full_name, email FROM prospects WHERE company_id = p.id \
                     AND deleted_at IS NULL ORDER BY id LIMIT 5) t ORDER BY p.place, t.id",
                    "SELECT t.id, t.full_name, t.email, p.value FROM json_each($1) p CROSS JOIN prospects t \
                     ON t.id IN (SELECT id FROM prospects WHERE company_id = p.value AND deleted_at IS NULL \
                     ORDER BY id LIMIT 5) ORDER BY p.key, t.id",
                ],
                binds: nothing,
                below: Some(0),
                path: "companies.nodes.prospects.nodes",
                fields: &["id", "fullName", "email"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.interaction_type, t.subject, t.outcome, p.id \
                     FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) CROSS JOIN LATERAL \
                     (SELECT id, interaction_type, subject, outcome, interaction_date FROM interactions \
                     WHERE prospect_id = p.id ORDER BY interaction_date DESC, id DESC LIMIT 3) t \
                     ORDER BY p.place, t.interaction_date, t.id",
                    "SELECT t.id, t.interaction_type, t.subject, t.outcome, p.value FROM json_each($1) p \
                     CROSS JOIN interactions t ON t.id IN (SELECT id FROM interactions WHERE prospect_id = p.value \
                     ORDER BY interaction_date DESC, id DESC LIMIT 3) ORDER BY p.key, t.interaction_date, t.id",
                ],
                binds: nothing,
                below: Some(1),
                path: "companies.nodes.prospects.nodes.interactions.nodes",
                fields: &["id", "interactionType", "subject", "outcome"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.draft_type, t.status, p.id FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) \
                     CROSS JOIN LATERAL (SELECT id, draft_type, status FROM outreach_drafts \
                     WHERE prospect_id = p.id ORDER BY id DESC LIMIT 2) t ORDER BY p.place, t.id",
                    "SELECT t.id, t.draft_type, t.status, p.value FROM json_each($1) p CROSS JOIN outreach_drafts t \
                     ON t.id IN (SELECT id FROM outreach_drafts WHERE prospect_id = p.value \
                     ORDER BY id DESC LIMIT 2) ORDER BY p.key, t.id",
                ],
                binds: nothing,
                below: Some(1),
                path: "companies.nodes.prospects.nodes.outreachDrafts.nodes",
                fields: &["id", "draftType", "status"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.research_summary, p.id FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) \
                     CROSS JOIN LATERAL (SELECT id, research_summary FROM prospect_research \
                     WHERE prospect_id = p.id ORDER BY created_at DESC, id DESC LIMIT 1) t ORDER BY p.place",
                    "SELECT t.id, t.research_summary, p.value FROM json_each($1) p CROSS JOIN prospect_research t \
                     ON t.id IN (SELECT id FROM prospect_research WHERE prospect_id = p.value \
                     ORDER BY created_at DESC, id DESC LIMIT 1) ORDER BY p.key",
                ],
                binds: nothing,
                below: Some(1),
                path: "companies.nodes.prospects.nodes.latestResearch",
                fields: &["id", "researchSummary"],
            },
        ],
    },
    Question {
        name: "Q4",
        about: "10 industries → all their solutions + first 5 companies → first 3 prospects",
        document: "query Q4 { industries(first: 10) { nodes { id name \
                   solutions(first: 100) { nodes { id name category pricingModel } } \
                   companies(first: 5) { nodes { id name domain prospects(first: 3) { nodes { id fullName email } } } } } } }",
        variables: no_variables,
        levels: &[
            Level {
                sql: both("SELECT id, name FROM industries ORDER BY id LIMIT 10"),
                binds: nothing,
                below: None,
                path: "industries.nodes",
                fields: &["id", "name"],
            },
            Level {
                sql: [
                    "SELECT s.id, s.name, s.category, s.pricing_model, l.industry_id FROM industry_solutions l \
                     JOIN solutions s ON s.id = l.solution_id WHERE l.industry_id = ANY($1) \
                     ORDER BY l.industry_id, s.id",
                    "SELECT s.id, s.name, s.category, s.pricing_model, l.industry_id FROM json_each($1) p \
                     JOIN industry_solutions l ON l.industry_id = p.value JOIN solutions s ON s.id = l.solution_id \
                     ORDER BY l.industry_id, s.id",
                ],
                binds: nothing,
                below: Some(0),
                path: "industries.nodes.solutions.nodes",
                fields: &["id", "name", "category", "pricingModel"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.name, t.domain, p.id FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) \
                     CROSS JOIN LATERAL (SELECT id, name, domain FROM companies WHERE industry_id = p.id \
                     AND deleted_at IS NULL ORDER BY id LIMIT 5) t ORDER BY p.place, t.id",
                    "SELECT t.id, t.name, t.domain, p.value FROM json_each($1) p CROSS JOIN companies t \
                     ON t.id IN (SELECT id FROM companies WHERE industry_id = p.value AND deleted_at IS NULL \
                     ORDER BY id LIMIT 5) ORDER BY p.key, t.id",
                ],
                binds: nothing,
                below: Some(0),
                path: "industries.nodes.companies.nodes",
                fields: &["id", "name", "domain"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.full_name, t.email, p.id FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) \
                     CROSS JOIN LATERAL (SELECT id, full_name, email FROM prospects WHERE company_id = p.id \
                     AND deleted_at IS NULL ORDER BY id LIMIT 3) t ORDER BY p.place, t.id",
                    "SELECT t.id, t.full_name, t.email, p.value FROM json_each($1) p CROSS JOIN prospects t \
                     ON t.id IN (SELECT id FROM prospects WHERE company_id = p.value AND deleted_at IS NULL \
                     ORDER BY id LIMIT 3) ORDER BY p.key, t.id",
                ],
                binds: nothing,
                below: Some(2),
                path: "industries.nodes.companies.nodes.prospects.nodes",
                fields: &["id", "fullName", "email"],
            },
        ],
    },
    Question {
        name: "Q5",
        about: "active prospects contacted since a date whose company has a given industry and size, by last contact \
                descending, page 100 with 20 rows per page, with totalCount",
        document: "query Q5($since: DateTime!, $industry: ID!, $after: String) { prospects(first: 20, after: $after, \
                   filter: { isActive: { eq: true }, lastContactedAt: { gte: $since }, \
                   company: { industryId: { eq: $industry }, size: { eq: \"51-250\" } } }, \
                   orderBy: [{ lastContactedAt: DESC_NULLS_LAST }]) { totalCount nodes { id fullName email } } }",
        variables: |place, _| json!({ "since": SINCE, "industry": place.industry.to_string(), "after": place.page.2 }),
        levels: &[
            Level {
                sql: both(
                    "SELECT count(*) FROM prospects p JOIN companies c ON c.id = p.company_id \
                     WHERE p.deleted_at IS NULL AND p.is_active AND p.last_contacted_at >= $1 \
                     AND c.industry_id = $2 AND c.size = '51-250'",
                ),
                binds: |place, _| vec![place.since(), Bind::Int(place.industry)],
                below: None,
                path: "prospects",
                fields: &["totalCount"],
            },
            Level {
                sql: both(
                    "SELECT p.id, p.full_name, p.email FROM prospects p JOIN companies c ON c.id = p.company_id \
                     WHERE p.deleted_at IS NULL AND p.is_active AND p.last_contacted_at >= $1 \
                     AND c.industry_id = $2 AND c.size = '51-250' AND (p.last_contacted_at, p.id) < ($3, $4) \
                     ORDER BY p.last_contacted_at DESC, p.id DESC LIMIT 20",
                ),
                binds: |place, _| {
                    vec![
                        place.since(),
                        Bind::Int(place.industry),
                        place.moment(&place.page.0),
                        Bind::Int(place.page.1),
                    ]
                },
                below: None,
                path: "prospects.nodes",
                fields: &["id", "fullName", "email"],
            },
        ],
    },
    Question {
        name: "Q6",
        about: "create one draft (hand-written SQL: one insert, without the change log)",
        document: "mutation Q6($input: CreateOutreachDraftInput!) { createOutreachDraft(input: $input) { \
                   outreachDraft { id status } userErrors { message } } }",
        variables: |place, number| {
            json!({ "input": { "prospectId": place.any_prospect(number).to_string(), "draftType": "initial",
                "subject": "Hello", "content": format!("Dear you, number {number}") } })
        },
        levels: &[Level {
            sql: both(
                "INSERT INTO outreach_drafts (organization_id, prospect_id, draft_type, subject, content, status, \
                 channel, content_type, version, revision, created_at, updated_at) \
                 VALUES (1, $1, 'initial', 'Hello', $2, 'draft', 'email', 'text', 1, 1, $3, $3) RETURNING id",
            ),
            binds: |place, number| {
                vec![
                    Bind::Int(place.any_prospect(number)),
                    Bind::Text(format!("Dear you, number {number}")),
                    place.moment("2026-11-21T12:00:00+00:00"),
                ]
            },
            below: None,
            path: "",
            fields: &[],
        }],
    },
    Question {
        name: "Q7",
        about: "the 20 companies with thousands of prospects, first 5 prospects each",
        document: "query Q7($ids: [ID!]!) { companies(first: 20, filter: { id: { in: $ids } }) { nodes { id name \
                   prospects(first: 5) { nodes { id fullName email } } } } }",
        variables: |place, _| json!({ "ids": place.large.iter().map(ToString::to_string).collect::<Vec<_>>() }),
        levels: &[
            Level {
                sql: [
                    "SELECT id, name FROM companies WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id",
                    "SELECT id, name FROM companies WHERE id IN (SELECT value FROM json_each($1)) \
                     AND deleted_at IS NULL ORDER BY id",
                ],
                binds: |place, _| vec![Bind::Keys(place.large.clone())],
                below: None,
                path: "companies.nodes",
                fields: &["id", "name"],
            },
            Level {
                sql: [
                    "SELECT t.id, t.full_name, t.email, p.id FROM unnest($1::bigint[]) WITH ORDINALITY p(id, place) \
                     CROSS JOIN LATERAL (SELECT id, full_name, email FROM prospects WHERE company_id = p.id \
                     AND deleted_at IS NULL ORDER BY id LIMIT 5) t ORDER BY p.place, t.id",
                    "SELECT t.id, t.full_name, t.email, p.value FROM json_each($1) p CROSS JOIN prospects t \
                     ON t.id IN (SELECT id FROM prospects WHERE company_id = p.value AND deleted_at IS NULL \
                     ORDER BY id LIMIT 5) ORDER BY p.key, t.id",
                ],
                binds: nothing,
                below: Some(0),
                path: "companies.nodes.prospects.nodes",
                fields: &["id", "fullName", "email"],
            },
        ],
    },
    work_list::ALL,
    work_list::FOLLOW_UPS,
];

impl Question {
    /// Whether the query writes.
    pub(crate) fn writes(&self) -> bool {
        self.document.starts_with("mutation")
    }
}
