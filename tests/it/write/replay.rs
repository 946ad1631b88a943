//! Completeness of the change log: all rows can be rebuilt from the change log alone.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Role, progress::Unwatched};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::{
    identity::{login_attempt::Client, members::NewMember},
    imports::{self, JobAction, Options},
    operations::maintenance,
};
use tests::{App, behaviours, plain_mutations::plain_mutations, stored::stored};

behaviours![every_write_of_every_mutation_is_logged];

/// Mutations that cover every root field at least once, ordered so that all of them succeed.
const EVERYTHING: &[&str] = &[
    r#"createIndustry(input: { name: "Logistics" })"#,
    r#"createIndustries(input: { industries: [{ name: "Zoos" }, { name: "Banks" }, { name: "Parks" }] })"#,
    r#"updateIndustry(input: { id: 1, patch: { name: "Transport" } })"#,
    r"revertChange(input: { changeId: 5 })",
    r#"createSolution(input: { name: "Radar", category: "c", description: "d", pricingModel: "p", useCases: ["a"], industryIds: [1, 2] })"#,
    r#"createSolutions(input: { solutions: [{ name: "Plan", category: "c", description: "d", pricingModel: "p" }] })"#,
    r#"updateSolution(input: { id: 2, patch: { keywords: ["k", 1], useCases: null } })"#,
    r"linkIndustrySolution(input: { industryId: 3, solutionId: 2 })",
    r"linkIndustrySolution(input: { industryId: 4, solutionId: 2 })",
    r"unlinkIndustrySolution(input: { industryId: 3, solutionId: 2 })",
    r#"createEvent(input: { eventType: "fair", eventDate: "2026-06-01T09:00:00Z", description: "d", location: "Berlin" })"#,
    r#"createEvents(input: { events: [{ eventType: "fair", eventDate: "2026-07-01T09:00:00.123456Z", description: "d", location: "Rome" },
        { eventType: "fair", eventDate: "2026-08-01T09:00:00Z", description: "d", location: "Oslo" }] })"#,
    r#"updateEvent(input: { id: 1, patch: { targetRoles: ["CTO"] } })"#,
    r"openEvent(input: { id: 1 })",
    r"completeEvent(input: { id: 1 })",
    r"cancelEvent(input: { id: 2 })",
    r#"createCompany(input: { name: "Acme", size: "1", industryId: 1, website: "acme.example" })"#,
    r#"createCompanies(input: { companies: [{ name: "B", size: "1", industryId: 2 }, { name: "C", size: "1", industryId: 3 }] })"#,
    r#"upsertCompanies(input: { companies: [{ name: "Acme 2", size: "2", industryId: 1, website: "https://acme.example" }] })"#,
    r#"updateCompany(input: { id: 2, patch: { website: "https://b.example" } })"#,
    r"deleteCompany(input: { id: 3 })",
    r"restoreCompany(input: { id: 3 })",
    r#"createProspect(input: { fullName: "Ada", email: "ada@acme.example", companyId: 1 })"#,
    r#"createProspects(input: { prospects: [{ fullName: "Bob", email: "bob@acme.example", companyId: 1 }, { fullName: "Cleo", email: "cleo@b.example", companyId: 2 },
        { fullName: "Dan", email: "dan@b.example", companyId: 2 }] })"#,
    r#"upsertProspects(input: { prospects: [{ fullName: "Ada L", email: "ADA@acme.example", companyId: 1 }] })"#,
    r#"updateProspect(input: { id: 1, patch: { location: "London" } })"#,
    r"deleteProspect(input: { id: 2 })",
    r"restoreProspect(input: { id: 2 })",
    r"moveProspect(input: { id: 2, companyId: 2 })",
    r"moveProspects(input: { prospects: [{ id: 2, companyId: 1 }, { id: 3, companyId: 2 }] })",
    r"advanceProspect(input: { id: 2, lifecycleStage: DISQUALIFIED })",
    r"unsubscribeProspect(input: { id: 2 })",
    r"resubscribeProspect(input: { id: 2 })",
    r#"createLlmUsageLog(input: { workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 1, cost: 0.1 })"#,
    r#"createLlmUsageLogs(input: { llmUsageLogs: [{ workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 1, cost: 0.1 }] })"#,
    r#"saveProspectResearch(input: { prospectId: 1, researchSummary: "x", keyInsights: { a: [1.5, null] }, confidenceScore: 0.1, llmUsageLogIds: [1],
        llmUsageLogs: [{ workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, latencyMs: 1, cost: 0.1 }] })"#,
    r#"saveProspectResearches(input: { prospectResearches: [{ prospectId: 3, researchSummary: "y" }, { prospectId: 1, researchSummary: "z" }] })"#,
    r"updateProspectResearch(input: { id: 1, patch: { confidenceScore: 0.9 } })",
    r"deleteProspectResearch(input: { id: 3 })",
    r#"logInteraction(input: { prospectId: 1, eventId: 1, interactionType: "mail", subject: "s", content: "c" })"#,
    r#"logInteractions(input: { interactions: [{ prospectId: 1, interactionType: "mail", subject: "s", content: "c", direction: INBOUND, metadata: { a: 1 } },
        { prospectId: 3, eventId: 3, interactionType: "mail", subject: "s", content: "c" }] })"#,
    r#"updateInteraction(input: { id: 1, patch: { sentiment: "good" } })"#,
    r"deleteInteraction(input: { id: 2 })",
    r#"createOutreachDraft(input: { prospectId: 1, eventId: 1, draftType: "x", content: "one", llmUsageLogIds: [1, 2] })"#,
    r#"createOutreachDrafts(input: { outreachDrafts: [{ prospectId: 1, draftType: "x", content: "two" }, { prospectId: 3, draftType: "x", content: "three" },
        { prospectId: 1, draftType: "x", content: "four" }, { prospectId: 1, eventId: 3, draftType: "x", content: "five" }] })"#,
    r#"updateOutreachDraft(input: { id: 1, patch: { content: "uno" } })"#,
    r"submitOutreachDraft(input: { id: 1 })",
    r"approveOutreachDraft(input: { id: 1, expectedRevision: 3 })",
    r#"updateOutreachDraft(input: { id: 1, patch: { content: "eins" } })"#,
    r"submitOutreachDraft(input: { id: 2 })",
    r#"rejectOutreachDraft(input: { id: 2, note: "no" })"#,
    r"reopenOutreachDraft(input: { id: 2 })",
    r"discardOutreachDraft(input: { id: 2 })",
    r"submitOutreachDrafts(input: { drafts: [{ id: 5 }] })",
    r#"rejectOutreachDrafts(input: { drafts: [{ id: 5, note: "no" }] })"#,
    r"reopenOutreachDraft(input: { id: 5 })",
    r"submitOutreachDrafts(input: { drafts: [{ id: 5, expectedRevision: 4 }] })",
    r"approveOutreachDrafts(input: { drafts: [{ id: 5, expectedRevision: 5 }] })",
    r"discardOutreachDrafts(input: { drafts: [{ id: 5 }] })",
    r"submitOutreachDraft(input: { id: 3 })",
    r"approveOutreachDraft(input: { id: 3, expectedRevision: 2 })",
    r#"scheduleOutreachDraft(input: { id: 3, scheduledFor: "2027-01-01T00:00:00Z" })"#,
    r"unscheduleOutreachDraft(input: { id: 3 })",
    r#"markOutreachDraftFailed(input: { id: 3, error: "x" })"#,
    r"retryOutreachDraft(input: { id: 3 })",
    r"markOutreachDraftSent(input: { id: 3 })",
    r#"markOutreachDraftReplied(input: { id: 3, content: "yes" })"#,
    r"submitOutreachDraft(input: { id: 4 })",
    r"approveOutreachDraft(input: { id: 4, expectedRevision: 2 })",
    r"claimOutreachDrafts(input: { limit: 1 })",
    r"releaseOutreachDraft(input: { id: 4 })",
    r"claimOutreachDrafts(input: { limit: 1 })",
    r"beginSendingOutreachDraft(input: { id: 4 })",
    r"markOutreachDraftSent(input: { id: 4 })",
    r"markOutreachDraftBounced(input: { id: 4 })",
    r"deleteOutreachDraft(input: { id: 2 })",
    r"exportProspect(input: { id: 1 })",
    r"deleteEvent(input: { id: 3 })",
    r"mergeIndustries(input: { keepId: 1, dropId: 2 })",
    r"deleteIndustry(input: { id: 4 })",
    r"deleteSolution(input: { id: 2 })",
    r#"updateImportJob(input: { id: 1, patch: { name: "Fair" } })"#,
    r"decideImportRecords(input: { importRecords: [{ id: 1, decision: MERGE }] })",
    r"decideImportRecord(input: { id: 1, decision: SKIP })",
    r#"repairImportRecord(input: { id: 2, patch: { email: "eve@b.example" } })"#,
    r"commitImportJob(input: { id: 1, candidates: SKIP })",
    r"pauseImportJob(input: { id: 1 })",
    r"resumeImportJob(input: { id: 1 })",
    r"cancelImportJob(input: { id: 1 })",
    r"retryImportJob(input: { id: 1 })",
    r"enrichImportJob(input: { id: 1 })",
    r"undoImportJob(input: { id: 1 })",
    r"deleteImportJob(input: { id: 2 })",
    r#"createMessageTemplate(input: { name: "Intro", templateType: BODY, templateText: "Dear {{first_name}}" })"#,
    r#"createMessageTemplates(input: { messageTemplates: [{ name: "Intro", templateType: SUBJECT, templateText: "Hi" }] })"#,
    r#"updateMessageTemplate(input: { id: 1, patch: { templateText: "Hello {{first_name}}" } })"#,
    r"updateMessageTemplate(input: { id: 1, patch: { isActive: true } })",
    r"renderMessageTemplate(input: { id: 1, prospectId: 1 })",
    r"createTemplatePerformance(input: { messageTemplateId: 1, importJobId: 1, openRate: 0.5 })",
    r"createTemplatePerformances(input: { templatePerformances: [{ messageTemplateId: 2, responseRate: 0.1 }] })",
    r"updateTemplatePerformance(input: { id: 1, patch: { responseRate: 0.25 } })",
    r"deleteTemplatePerformance(input: { id: 2 })",
    r"deleteMessageTemplate(input: { id: 2 })",
    r#"createServiceUsageLog(input: { provider: "acme", operation: "look_up", cost: 0.5 })"#,
    r#"createServiceUsageLogs(input: { serviceUsageLogs: [{ provider: "acme", operation: "look_up", quantity: 2, unitCost: 0.25 }] })"#,
    r#"createSetting(input: { key: "own", value: 1 })"#,
    r#"createSettings(input: { settings: [{ key: "other", value: "x" }] })"#,
    r#"upsertSettings(input: { settings: [{ key: "OWN", value: 2 }] })"#,
    r#"updateSetting(input: { id: 1, patch: { value: "other" } })"#,
    r"deleteSetting(input: { id: 7 })",
    r#"inviteMember(input: { email: "ann@acme.example", role: MEMBER })"#,
    r"createMemberLink(input: { id: 1 })",
    r"changeMemberRole(input: { id: 1, role: ANALYST })",
    r#"suspendMember(input: { id: 2, reason: "on leave" })"#,
    r"reinstateMember(input: { id: 2 })",
    r#"createTeam(input: { name: "North" })"#,
    r#"createTeams(input: { teams: [{ name: "South", avatarUrl: "https://a.example/s.png" }] })"#,
    r#"updateTeam(input: { id: 1, patch: { projectCode: "N1", description: "d" } })"#,
    r"addTeamMember(input: { teamId: 1, membershipId: 2 })",
    r"addTeamMember(input: { teamId: 2, membershipId: 2 })",
    r"removeTeamMember(input: { teamId: 1, membershipId: 2 })",
    r"assignProspects(input: { prospects: [{ id: 1 }, { id: 3 }], ownerId: 2 })",
    r"assignProspects(input: { prospects: [{ id: 1 }, { id: 2 }], roundRobin: {} })",
    r"assignProspectsToTeam(input: { prospects: [{ id: 1 }, { id: 4 }], teamId: 2 })",
    r#"createProspectNote(input: { prospectId: 1, content: "Call back", mentionIds: [2] })"#,
    r#"createProspectNote(input: { prospectId: 1, content: "Wrong person", mentionIds: [2] })"#,
    r#"updateProspectNote(input: { id: 1, content: "Call back in May", mentionIds: [] })"#,
    r"deleteProspectNote(input: { id: 2 })",
    r"transferProspects(input: { fromId: 2, toId: null })",
    r"assignProspects(input: { prospects: [{ id: 1 }, { id: 3 }], ownerId: 2 })",
    r"deleteTeam(input: { id: 2 })",
    r"removeMember(input: { id: 2 })",
    r#"createApiKey(input: { name: "bot", role: MEMBER })"#,
    r"revokeApiKey(input: { keyId: 1 })",
    r"enrichProspects(input: { ids: [1, 3] })",
    r"deleteEnrichmentCacheEntry(input: { id: 1 })",
    r"deleteExternalId(input: { id: 1 })",
    r"mergeProspects(input: { keepId: 3, dropId: 1 })",
    r"mergeCompanies(input: { keepId: 2, dropId: 1 })",
    r"eraseProspect(input: { id: 4 })",
];

/// Reads all entries in change log order.
pub async fn entries(
    app: &App,
) -> Vec<(String, Option<i64>, String, Option<Value>, Option<Value>)> {
    let sql = "SELECT entity, record_id, kind, before, after FROM changes ORDER BY epoch, transaction_number, id";
    let backend = app.db.get_database_backend();
    let rows = app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter()
        .map(|row| {
            let json = |index| row.try_get_by_index::<Option<Value>>(index).unwrap();
            let text = |index| row.try_get_by_index::<String>(index).unwrap();
            (text(0), row.try_get_by_index(1).unwrap(), text(2), json(3), json(4))
        })
        .collect()
}

async fn pairs(app: &App) -> BTreeSet<String> {
    let mut pairs = BTreeSet::new();
    for (table, near, far) in [
        ("industry_solutions", "solution_id", "industry_id"),
        ("outreach_draft_usages", "outreach_draft_id", "llm_usage_log_id"),
        ("prospect_research_usages", "prospect_research_id", "llm_usage_log_id"),
        ("team_members", "team_id", "membership_id"),
        ("prospect_note_mentions", "prospect_note_id", "membership_id"),
    ] {
        let sql = format!("SELECT \"{near}\", \"{far}\" FROM \"{table}\"");
        let backend = app.db.get_database_backend();
        for row in app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
            let key = |index| row.try_get_by_index::<i64>(index).unwrap();
            pairs.insert(json!({ near: key(0), far: key(1) }).to_string());
        }
    }
    pairs
}

/// Entities whose values are not in the change log. Import records are counted in their job, daily cost summaries are
/// derived from the usage logs, cache entries are temporary, and users, API keys and notifications are confidential.
const UNTOLD: &[&str] = &[
    "import_record",
    "daily_cost_summary",
    "enrichment_cache_entry",
    "user",
    "api_key",
    "notification",
];

/// Mutations that need a signed-in user or a member (`tests/it/accounts`, `tests/it/ownership`). Sessions are not rows of an
/// organization.
const OF_MEMBERS: [&str; 4] =
    ["dismissNotifications", "markNotificationsRead", "revokeSessions", "updateViewer"];

/// Every row of the other entities.
async fn stored_rows(app: &App) -> BTreeMap<(String, i64), Value> {
    let mut rows = stored(app).await;
    rows.retain(|(entity, _), _| !UNTOLD.contains(&entity.as_str()));
    rows
}

/// Previews two imports, which contain a match candidate, a row without an e-mail address, and new prospects.
async fn upload(app: &App) {
    for file in [
        "Name,Email,Company\nCleo,cleo@other.example,B\nEve,,B\nGil,gil@b.example,B\n",
        "Name,Email\nHal,hal@b.example\n",
    ] {
        let opened = imports::open(file.as_bytes(), Options::default()).unwrap();
        opened.preview(&app.scope(app.organization), &Unwatched).await.unwrap();
    }
}

/// Adds an active member.
async fn join(app: &App) {
    let scope = app.scope(app.organization);
    let new = NewMember { email: "bo@acme.example".to_owned(), name: None, role: Role::Member };
    let link = app.accounts.invite(&scope, new, None).await.unwrap().link.unwrap();
    let token = link.split_once("invitation=").unwrap().1;
    let client = Client { address: [127, 0, 0, 1].into(), user_agent: None };
    let password = "a long password".to_owned();
    app.accounts.accept_invitation(token, Some("Bo"), password, &client).await.unwrap();
}

/// Commits the first import.
async fn write(app: &App) {
    let scope = app.scope(app.organization);
    imports::act(&scope, 1, JobAction::Commit("skip".to_owned()), None).await.unwrap();
    imports::run(&scope, 1, &Unwatched).await.unwrap();
}

/// Writes the rows that a mutation needs and that no other mutation creates.
async fn prepare(app: &App, mutation: &str) {
    match mutation.split('(').next().unwrap() {
        "updateImportJob" => upload(app).await,
        "retryImportJob" => write(app).await,
        "deleteEnrichmentCacheEntry" => app.answered().await,
        "suspendMember" => join(app).await,
        "deleteExternalId" => app.known_elsewhere().await,
        _ => {}
    }
}

/// Rebuilds the rows from the change log alone; an unlogged write would cause a difference.
async fn every_write_of_every_mutation_is_logged(app: App) {
    // The rows of the test data were inserted by statements that don't count them.
    maintenance::recount(&app.store).await.unwrap();
    let begun = stored_rows(&app).await;
    let mut left = mutation_roots();
    for (number, mutation) in all_mutations().iter().enumerate() {
        app.clock.advance(chrono::TimeDelta::microseconds(1));
        prepare(&app, mutation).await;
        let before = stored_rows(&app).await;
        let known = entries(&app).await.len();
        let document =
            format!("mutation {{ {mutation} {{ userErrors {{ code field message }} }} }}");
        let done = app.done_by(engine::Actor::Person("Ada".to_owned()), &document).await;
        assert_eq!(done["userErrors"], json!([]), "{number}: {mutation}");
        left.remove(mutation.split('(').next().unwrap());
        let after = stored_rows(&app).await;
        let log = entries(&app).await;
        let mut written: BTreeSet<(String, i64)> = BTreeSet::new();
        let mut linked = false;
        for (entity, record, kind, old, _) in &log[known..] {
            if UNTOLD.contains(&entity.as_str()) {
                continue;
            }
            let place = (entity.clone(), record.unwrap());
            if matches!(kind.as_str(), "linked" | "unlinked") {
                linked = true;
                continue;
            }
            if kind != "exported" {
                written.insert(place.clone());
            }
            // The `before` values of the entry match the previous state of the row.
            if let (Some(Value::Object(old)), "updated" | "deleted", Some(row)) =
                (old, kind.as_str(), before.get(&place))
            {
                let first =
                    log[known..].iter().find(|entry| entry.0 == *entity && entry.1 == *record);
                if first.is_some_and(|first| first.3.as_ref() == Some(&Value::Object(old.clone())))
                {
                    for (name, value) in old {
                        assert_eq!(value, &row[name], "{mutation} {place:?} {name}");
                    }
                }
            }
        }
        let changed: BTreeSet<_> = before
            .iter()
            .filter(|(key, row)| after.get(key) != Some(row))
            .map(|(key, _)| key.clone())
            .chain(after.keys().filter(|key| !before.contains_key(key)).cloned())
            .collect();
        assert_eq!(written, changed, "{mutation}");
        let silent = mutation.starts_with("export")
            || mutation.contains("ImportRecord")
            || mutation.starts_with("deleteEnrichmentCacheEntry")
            || mutation.starts_with("createMemberLink")
            || mutation.starts_with("revokeApiKey");
        assert!(!changed.is_empty() || linked || silent, "{mutation}");
        let corrected = maintenance::recount(&app.store).await.unwrap();
        assert_eq!(corrected, 0, "counters after {mutation}");
    }
    assert_eq!(left.into_iter().collect::<Vec<_>>(), OF_MEMBERS, "mutations not covered");

    // Rows that existed before the first mutation have no change log entries.
    let mut rows = begun;
    let mut linked = BTreeSet::new();
    for (entity, record, kind, before, after) in entries(&app).await {
        if UNTOLD.contains(&entity.as_str()) {
            continue;
        }
        let place = (entity, record.unwrap());
        match kind.as_str() {
            "linked" => {
                linked.insert(after.unwrap().to_string());
            }
            "unlinked" => {
                linked.remove(&before.unwrap().to_string());
            }
            "exported" => {}
            "erased" => {
                rows.remove(&place);
            }
            _ => match after {
                Some(after) => {
                    rows.insert(place, after);
                }
                None => {
                    rows.remove(&place);
                }
            },
        }
    }
    assert_eq!(rows, stored_rows(&app).await);
    assert_eq!(linked, pairs(&app).await);
}

/// The mutations above, and generated CRUD mutations of the other entities.
pub fn all_mutations() -> Vec<String> {
    let is_covered =
        |field: &str| EVERYTHING.iter().any(|mutation| mutation.split('(').next() == Some(field));
    let mut all: Vec<String> = EVERYTHING.iter().map(|mutation| (*mutation).to_owned()).collect();
    let end = all.iter().position(|mutation| mutation.starts_with("mergeProspects"));
    let generated = api::catalog::entities().iter().flat_map(|entity| {
        let plain = plain_mutations(entity, 0);
        let is_new = !plain.iter().any(|(field, _)| is_covered(field));
        plain.into_iter().filter(move |_| is_new).map(|(_, mutation)| mutation)
    });
    // A prospect is merged and erased last.
    all.splice(end.unwrap_or_default()..end.unwrap_or_default(), generated);
    all
}

fn mutation_roots() -> BTreeSet<String> {
    let sdl = api::schema::sdl();
    let (_, mutation) = sdl.split_once("type Mutation {").unwrap();
    let (mutation, _) = mutation.split_once("\n}").unwrap();
    let fields = mutation.lines().filter_map(|line| {
        let name = line.strip_prefix('\t')?.strip_suffix('(')?;
        name.chars().all(char::is_alphanumeric).then(|| name.to_owned())
    });
    let fields: BTreeSet<_> = fields.collect();
    assert!(fields.len() > 50, "{fields:?}");
    fields
}
