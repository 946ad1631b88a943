//! Work list: each next best action once, most urgent first, in few statements that read few rows.

use std::collections::{BTreeMap, BTreeSet};

use engine::{progress::Unwatched, record_statements};
use sea_orm::{ActiveValue::Set, ConnectionTrait, Statement, TransactionTrait};
use serde_json::{Value, json};
use service::{demo, operations::maintenance};
use tests::{App, Engine, behaviours, plan::rows_read};

behaviours![
    each_next_best_action_is_listed_once,
    kinds_and_due_dates_filter_the_list,
    invalid_arguments_are_rejected,
    a_page_takes_few_statements,
    statements_walk_the_indexes_of_the_list,
    a_page_reads_few_rows,
    a_page_of_an_owner_reads_few_rows,
    lists_of_few_and_many_prospects_agree,
];

/// The kinds, in order of urgency.
const KINDS: [&str; 8] = [
    "REVIEW_DRAFT",
    "SEND_DRAFT",
    "FINISH_DRAFT",
    "REPLY",
    "REVISE_DRAFT",
    "RESEARCH",
    "FIRST_CONTACT",
    "FOLLOW_UP",
];

/// Prospects with every combination of contacts, research and up to two drafts, and some without any action.
async fn histories(app: &App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    let statuses = [
        "pending_review",
        "approved",
        "draft",
        "rejected",
        "scheduled",
        "sending",
        "sent",
        "discarded",
    ];
    let mut drafts: Vec<Vec<&str>> = vec![Vec::new()];
    drafts.extend(statuses.iter().map(|status| vec![*status]));
    drafts.extend([
        vec!["draft", "draft"],
        vec!["draft", "pending_review"],
        vec!["pending_review", "approved", "pending_review"],
        vec!["approved", "draft"],
        vec!["rejected", "sent"],
        vec!["rejected", "scheduled"],
        vec!["sending", "rejected"],
        vec!["rejected", "draft"],
    ]);
    let mut number = 0;
    for contacted in [None, Some(2), Some(9 * 24)] {
        for engaged in [None, Some(1), Some(5), Some(10 * 24)] {
            for drafts in &drafts {
                number += 1;
                // Earlier prospects are not contacted earlier.
                let hours =
                    |hours: Option<i64>| hours.map(|hours| app.hours(-hours - number * 7 % 5));
                let name = format!("prospect {number}");
                let prospect = app.prospect_with(&name, company, |row| {
                    row.last_contacted_at = Set(hours(contacted));
                    row.last_engagement_date = Set(hours(engaged));
                });
                let prospect = prospect.await;
                if number % 2 == 0 {
                    app.research(prospect, "Found out", |_| {}).await;
                }
                if number % 3 == 0 && engaged.is_some() {
                    app.interaction_with(prospect, |row| {
                        row.direction = Set(Some("inbound".to_owned()));
                    })
                    .await;
                }
                for status in drafts {
                    app.draft(prospect, None, status).await;
                }
            }
        }
    }
    let now = app.now();
    app.prospect_with("left", company, |row| row.unsubscribed_at = Set(Some(now))).await;
    app.prospect_with("deleted", company, |row| row.deleted_at = Set(Some(now))).await;
    let inactive = app.prospect_with("inactive", company, |row| row.is_active = Set(false)).await;
    let out = app.prospect_with("out", company, |row| {
        row.lifecycle_stage = Set("disqualified".to_owned());
        row.last_engagement_date = Set(Some(now));
    });
    app.draft(out.await, None, "pending_review").await;
    app.draft(inactive, None, "draft").await;
    // A prospect of another organization.
    let other = app.organization("other").await;
    let industry = app.industry_of(other, "Logistics").await;
    let company = app.company_with("Other", industry, |row| row.organization_id = Set(other)).await;
    app.prospect_with("foreign", company, |row| row.organization_id = Set(other)).await;
}

const ACTION: &str = "kind reason evidence dueAt mutation variables";

/// The next best action of each prospect that has one, by global ID.
async fn expected(app: &App) -> BTreeMap<String, Value> {
    let (mut all, mut after) = (BTreeMap::new(), Value::Null);
    loop {
        let query = format!(
            "{{ prospects(first: 100, after: {after}) {{ nodes {{ id nextBestAction {{ {ACTION} }} }} \
             pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        let page = app.data(&query).await["prospects"].clone();
        for node in page["nodes"].as_array().unwrap() {
            if !node["nextBestAction"].is_null() {
                all.insert(text(&node["id"]), node["nextBestAction"].clone());
            }
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
    }
}

/// The complete work list with these arguments, page by page: prospects with their actions.
async fn listed(app: &App, arguments: &str) -> Vec<(String, Value)> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!(
            "{{ workList(first: 7, after: {after} {arguments}) {{ edges {{ cursor node {{ prospect {{ id }} \
             action {{ {ACTION} }} }} }} nodes {{ prospect {{ id }} }} \
             pageInfo {{ endCursor hasNextPage hasPreviousPage }} }} }}"
        );
        let page = app.data(&query).await["workList"].clone();
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        let edges = page["edges"].as_array().unwrap();
        for (edge, node) in edges.iter().zip(page["nodes"].as_array().unwrap()) {
            assert_eq!(edge["node"]["prospect"], node["prospect"]);
            all.push((text(&node["prospect"]["id"]), edge["node"]["action"].clone()));
        }
        let last = edges.last().map_or(Value::Null, |edge| edge["cursor"].clone());
        assert_eq!(page["pageInfo"]["endCursor"], last);
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        assert_eq!(edges.len(), 7);
        after = last;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What sorts an action: its kind, its due time and its draft.
fn urgency(prospect: &str, action: &Value) -> (usize, String, i64) {
    let kind = KINDS.iter().position(|kind| action["kind"] == *kind).unwrap();
    let number = |id: &str| id.rsplit(':').next().unwrap().parse().unwrap();
    let id = match action["evidence"].as_str() {
        Some(draft) if draft.starts_with("OutreachDraft:") => number(draft),
        _ => number(prospect),
    };
    (kind, action["dueAt"].as_str().unwrap_or_default().to_owned(), id)
}

async fn each_next_best_action_is_listed_once(app: App) {
    histories(&app).await;
    let (expected, listed) = (expected(&app).await, listed(&app, "").await);
    let kinds: BTreeSet<String> = expected.values().map(|action| text(&action["kind"])).collect();
    assert_eq!(kinds.len(), KINDS.len(), "{kinds:?}");
    assert_eq!(listed.len(), expected.len());
    assert_eq!(listed.iter().cloned().collect::<BTreeMap<_, _>>(), expected);
    let order: Vec<_> = listed.iter().map(|(prospect, action)| urgency(prospect, action)).collect();
    assert!(order.is_sorted(), "{order:?}");
}

async fn kinds_and_due_dates_filter_the_list(app: App) {
    histories(&app).await;
    let all = listed(&app, "").await;
    let only = |is_wanted: &dyn Fn(&Value) -> bool| -> Vec<(String, Value)> {
        all.iter().filter(|(_, action)| is_wanted(action)).cloned().collect()
    };
    for kind in KINDS {
        let expected = only(&|action| action["kind"] == kind);
        assert_eq!(listed(&app, &format!("kinds: [{kind}]")).await, expected, "{kind}");
    }
    let expected = only(&|action| action["kind"] == "RESEARCH" || action["kind"] == "REPLY");
    assert_eq!(listed(&app, "kinds: [RESEARCH, REPLY]").await, expected);
    let due: Vec<String> =
        all.iter().filter_map(|(_, action)| action["dueAt"].as_str().map(str::to_owned)).collect();
    let due = &due[due.len() / 2];
    let expected = only(&|action| action["dueAt"].as_str().is_some_and(|at| at < due.as_str()));
    assert!(!expected.is_empty());
    assert_eq!(listed(&app, &format!("dueBefore: \"{due}\"")).await, expected);
    let expected: Vec<_> =
        expected.into_iter().filter(|(_, action)| action["kind"] == "REPLY").collect();
    let arguments = format!("dueBefore: \"{due}\" kinds: [REPLY, RESEARCH]");
    assert_eq!(listed(&app, &arguments).await, expected);
    assert_eq!(listed(&app, &format!("dueBefore: \"{due}\" kinds: [RESEARCH]")).await, []);
}

async fn invalid_arguments_are_rejected(app: App) {
    histories(&app).await;
    let error = |arguments: &str| {
        let query = format!("{{ workList({arguments}) {{ nodes {{ prospect {{ id }} }} }} }}");
        let app = &app;
        async move { app.error(&query).await }
    };
    assert!(error("kinds: []").await.contains("`kinds` must contain at least one kind"));
    assert!(error("first: 101").await.contains("`first` must be from 0 to 100"));
    let page = app.data("{ workList(first: 1) { pageInfo { endCursor } } }").await;
    let cursor = &page["workList"]["pageInfo"]["endCursor"];
    let other = error(&format!("kinds: [REPLY], after: {cursor}")).await;
    assert!(other.contains("the cursor was issued for another"), "{other}");
    assert!(error("after: \"x\"").await.contains("cursor"));
    let empty =
        app.data("{ workList(first: 0) { nodes { prospect { id } } pageInfo { hasNextPage } } }");
    assert_eq!(
        empty.await["workList"],
        json!({ "nodes": [], "pageInfo": { "hasNextPage": true } })
    );
}

async fn a_page_takes_few_statements(app: App) {
    histories(&app).await;
    for (selection, statements) in [
        ("nodes { action { kind } }", 1),
        ("nodes { prospect { fullName company { name industry { name } } } action { kind } }", 2),
        ("nodes { prospect { fullName } } edges { node { prospect { email } } }", 3),
        ("nodes { prospect { interactions(first: 2) { nodes { id } } } }", 3),
    ] {
        let query = format!("{{ workList(first: 20) {{ {selection} }} }}");
        assert_eq!(app.counted(&query).await.1, statements, "{query}");
    }
    // 36 drafts to review don't fill the page.
    let query = "{ workList(first: 40) { nodes { action { kind } } } }";
    assert_eq!(app.counted(query).await.1, 2, "{query}");
    // The number of prospects without an owner is asked first.
    let query = "{ workList(first: 20, owner: UNASSIGNED) { nodes { action { kind } } } }";
    assert_eq!(app.counted(query).await.1, 2, "{query}");
}

/// The statement of the work list with these arguments, on demo data.
async fn statement(app: &App, arguments: &str) -> String {
    let query =
        format!("{{ workList(first: 20 {arguments}) {{ nodes {{ action {{ kind }} }} }} }}");
    let (_, asked) = record_statements(app.data(&query), true).await;
    assert_eq!(asked.sent.len(), 1 + usize::from(arguments.contains("ownerId")));
    asked.sent.last().unwrap().text.clone()
}

async fn seeded(app: &App) {
    demo::seed(&app.scope(app.organization), demo::Scale::Small, &Unwatched).await.unwrap();
    maintenance::analyze(&app.store).await.unwrap();
}

async fn statements_walk_the_indexes_of_the_list(app: App) {
    if app.engine == Engine::Postgres {
        // On Postgres, `a_page_reads_few_rows` measures the rows.
        return;
    }
    seeded(&app).await;
    for (kind, index) in KINDS.iter().zip([
        "ix_outreach_drafts_status",
        "ix_outreach_drafts_status",
        "ix_outreach_drafts_status",
        "ix_prospects_to_reply",
        "ix_outreach_drafts_status",
        "ix_prospects_to_research",
        "ix_prospects_to_contact_first",
        "ix_prospects_to_follow_up",
    ]) {
        let sql = statement(&app, &format!("kinds: [{kind}]")).await;
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let explain = Statement::from_string(app.db.get_database_backend(), explain);
        let rows = app.db.query_all_raw(explain).await.unwrap();
        let lines: Vec<(i64, String)> = rows
            .iter()
            .map(|row| (row.try_get_by_index(1).unwrap(), row.try_get_by_index(3).unwrap()))
            .collect();
        assert!(
            lines.iter().any(|(_, line)| line.contains(&format!(" INDEX {index} "))),
            "{kind}: {lines:#?}"
        );
        let sorted = lines.iter().any(|(_, line)| line.starts_with("USE TEMP B-TREE"));
        assert!(!sorted, "{kind}: {lines:#?}");
    }
}

async fn a_page_reads_few_rows(app: App) {
    if app.engine == Engine::Sqlite {
        // SQLite does not report the rows it reads.
        return;
    }
    seeded(&app).await;
    let all = [String::new()];
    for arguments in KINDS.iter().map(|kind| format!("kinds: [{kind}]")).chain(all) {
        let sql = statement(&app, &arguments).await;
        // The only parameters are the organization and, last, the time before which a follow-up is due.
        let places = (1..100).take_while(|place| sql.contains(&format!("${place}"))).count();
        let mut binds = vec![app.organization.to_string(); places];
        if arguments.contains("FOLLOW_UP") {
            *binds.last_mut().unwrap() = format!("'{}'", app.hours(-7 * 24).to_rfc3339());
        }
        let (returned, read) = executed(&app, &sql, &binds).await;
        assert!(returned > 0.0, "{arguments}");
        assert!(read <= 20.0 * returned, "{arguments}: {read} rows read for {returned}");
    }
}

/// The numbers of rows that a statement returns and reads with a generic plan.
async fn executed(app: &App, sql: &str, binds: &[String]) -> (f64, f64) {
    let transaction = app.db.begin().await.unwrap();
    transaction.execute_unprepared(&format!("PREPARE page AS {sql}")).await.unwrap();
    transaction.execute_unprepared("SET LOCAL plan_cache_mode = force_generic_plan").await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page({})", binds.join(", "));
    let statement = Statement::from_string(app.db.get_database_backend(), explain);
    let row = transaction.query_one_raw(statement).await.unwrap();
    let plan: Value = row.unwrap().try_get_by_index(0).unwrap();
    transaction.execute_unprepared("DEALLOCATE page").await.unwrap();
    (plan[0]["Plan"]["Actual Rows"].as_f64().unwrap(), rows_read(&plan[0]["Plan"]))
}

/// The rows are bounded by those of all prospects of the owner, who may have many or few.
async fn a_page_of_an_owner_reads_few_rows(app: App) {
    if app.engine == Engine::Sqlite {
        return;
    }
    seeded(&app).await;
    // The owners 1 to 3 have 10, 100 and 1,000 prospects; 60 others share the rest.
    for member in 1..=63 {
        app.member(&format!("{member}@example.com")).await;
    }
    for (owner, owned) in [
        ("1", "id % 200 = 1"),
        ("2", "id % 20 = 3"),
        ("3", "id % 2 = 0"),
        ("4 + id % 60", "owner_id IS NULL"),
    ] {
        let owned = format!("UPDATE prospects SET owner_id = {owner} WHERE {owned}");
        app.db.execute_unprepared(&owned).await.unwrap();
    }
    maintenance::analyze(&app.store).await.unwrap();
    for member in 1..=3 {
        let count = format!("SELECT count(*) FROM prospects WHERE owner_id = {member}");
        let count = Statement::from_string(app.db.get_database_backend(), count);
        let row = app.db.query_one_raw(count).await.unwrap().unwrap();
        let owned: i32 = row.try_get_by_index::<i64>(0).unwrap().try_into().unwrap();
        let owned = f64::from(owned);
        for kind in KINDS {
            let arguments = format!("kinds: [{kind}], ownerId: {member}");
            let sql = statement(&app, &arguments).await;
            let places = (1..100).take_while(|place| sql.contains(&format!("${place}"))).count();
            let mut binds = vec![app.organization.to_string(), member.to_string()];
            if sql.starts_with("WITH") {
                binds.push(app.organization.to_string());
            }
            binds.resize(places, format!("'{}'", app.hours(-7 * 24).to_rfc3339()));
            let (returned, read) = executed(&app, &sql, &binds).await;
            let (few, drafts) = (20.0 * returned, 4.0 * owned);
            assert!(
                read <= few + drafts,
                "{arguments}: {read} rows read for {returned} of {owned}"
            );
        }
    }
}

/// All prospects of few owners are read, and the actions of many are walked.
async fn lists_of_few_and_many_prospects_agree(app: App) {
    seeded(&app).await;
    let list = async |arguments: String| {
        let query = format!(
            "{{ workList(first: 30 {arguments}) {{ nodes {{ prospect {{ id }} action {{ kind dueAt }} }} }} }}"
        );
        app.data(&query).await["workList"]["nodes"].clone()
    };
    for added in [false, true] {
        if added {
            // One more than the number of which all are read.
            app.prospect("Zoe", 1).await;
        }
        for kind in KINDS {
            let all = list(format!("kinds: [{kind}]")).await;
            assert_eq!(list(format!("kinds: [{kind}], owner: UNASSIGNED")).await, all, "{kind}");
            assert!(!all.as_array().unwrap().is_empty(), "{kind}");
        }
    }
}
