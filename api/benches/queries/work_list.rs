//! The benchmark queries of the work list. The hand-written SQL knows which kind of action fills the page.

use crate::questions::{Level, Question, both, no_variables, nothing};

/// The first page of all kinds: drafts to review.
pub(crate) const ALL: Question = Question {
    name: "Q8",
    about: "the first 20 actions of the work list (hand-written SQL: only drafts to review, which fill the page)",
    document: "query Q8 { workList(first: 20) { nodes { prospect { id fullName } action { kind evidence } } } }",
    variables: no_variables,
    levels: &[Level {
        sql: both(
            "SELECT p.id, p.full_name, 'review_draft', d.id FROM outreach_drafts d \
             CROSS JOIN prospects p WHERE d.organization_id = 1 \
             AND d.status = 'pending_review' \
             AND p.id = d.prospect_id AND p.deleted_at IS NULL AND p.is_active AND p.unsubscribed_at IS NULL \
             AND p.lifecycle_stage <> 'disqualified' AND NOT EXISTS (SELECT 1 FROM outreach_drafts e \
             WHERE e.prospect_id = d.prospect_id AND e.status = 'pending_review' AND e.id > d.id) \
             ORDER BY d.id LIMIT 20",
        ),
        binds: nothing,
        below: None,
        path: "workList.nodes",
        fields: &["prospect.id", "prospect.fullName", "action.kind", "action.evidence"],
    }],
};

/// The first page of follow-ups.
pub(crate) const FOLLOW_UPS: Question = Question {
    name: "Q9",
    about: "the first 20 follow-ups of the work list",
    document: "query Q9 { workList(kinds: [FOLLOW_UP], first: 20) { nodes { prospect { id fullName } action { kind } } } }",
    variables: no_variables,
    levels: &[Level {
        sql: both(
            "SELECT p.id, p.full_name, 'follow_up' FROM prospects p WHERE p.organization_id = 1 \
             AND p.deleted_at IS NULL AND p.is_active AND p.unsubscribed_at IS NULL \
             AND p.lifecycle_stage <> 'disqualified' AND p.last_contacted_at IS NOT NULL \
             AND (p.last_engagement_date IS NULL OR p.last_engagement_date <= p.last_contacted_at) \
             AND p.last_contacted_at < $1 AND NOT EXISTS (SELECT 1 FROM outreach_drafts e \
             WHERE e.prospect_id = p.id AND e.status IN ('pending_review', 'approved', 'draft', 'rejected', \
             'scheduled', 'sending')) ORDER BY p.last_contacted_at, p.id LIMIT 20",
        ),
        binds: |place, _| vec![place.moment("2026-11-01T00:00:00+00:00")],
        below: None,
        path: "workList.nodes",
        fields: &["prospect.id", "prospect.fullName", "action.kind"],
    }],
};
