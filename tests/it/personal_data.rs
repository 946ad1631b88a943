//! Personal data: every reference to a person, company or user states what happens to its rows, and an erased person
//! leaves nothing in the database.

use engine::{Role, value::Kind};
use sea_orm::{ConnectionTrait, Statement};
use service::catalog;
use tests::{App, Engine, behaviours};

use crate::ownership::{member, own};

behaviours![
    every_reference_to_a_person_declares_what_happens_to_its_rows,
    an_erased_person_leaves_nothing_in_the_database,
    deleting_a_draft_keeps_the_error_of_its_call,
];

/// Text that only the data of the erased person contains; short enough for every column.
const MARK: &str = "qzxwv";

/// The columns that keep their values: what a paid call cost and how it was made.
const KEPT: [&str; 17] = [
    "llm_usage_logs.endpoint",
    "llm_usage_logs.finish_reason",
    "llm_usage_logs.model",
    "llm_usage_logs.node_name",
    "llm_usage_logs.prompt_type",
    "llm_usage_logs.provider",
    "llm_usage_logs.request_id",
    "llm_usage_logs.workflow_name",
    "service_usage_logs.bucket",
    "service_usage_logs.charges",
    "service_usage_logs.content_type",
    "service_usage_logs.kind",
    "service_usage_logs.operation",
    "service_usage_logs.provider",
    "service_usage_logs.request_id",
    "service_usage_logs.status",
    "service_usage_logs.unit",
];

async fn rows(app: &App, sql: &str) -> Vec<Vec<String>> {
    let statement = Statement::from_string(app.db.get_database_backend(), sql);
    let rows =
        app.db.query_all_raw(statement).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let cells = |row: &sea_orm::QueryResult| {
        let names = row.column_names();
        (0..names.len()).map(|place| row.try_get_by_index(place).unwrap()).collect()
    };
    rows.iter().map(cells).collect()
}

async fn run(app: &App, sql: &str) {
    app.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
}

/// Table, column and referenced table of each foreign key.
async fn foreign_keys(app: &App) -> Vec<Vec<String>> {
    let sql = match app.engine {
        Engine::Sqlite => {
            "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_schema m \
             JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' ORDER BY 1, 2"
        }
        Engine::Postgres => {
            "SELECT c.conrelid::regclass::text, a.attname::text, c.confrelid::regclass::text \
             FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey) \
             WHERE c.contype = 'f' ORDER BY 1, 2"
        }
    };
    rows(app, sql).await
}

async fn every_reference_to_a_person_declares_what_happens_to_its_rows(app: App) {
    // An organization outlives its owner; it is not a row of an organization, so it is not in the catalog.
    // Sessions, one-time tokens and mails end when their user is erased (`accounts::erasure`).
    let server = [
        "organizations.owner_user_id",
        "user_sessions.user_id",
        "one_time_tokens.user_id",
        "outgoing_mails.user_id",
        "user_preferences.user_id",
    ];
    let mut declared: Vec<_> = server.iter().map(|column| format!("{column}: users")).collect();
    for table in catalog::tables() {
        for one in table.ownerships() {
            declared.push(format!("{}.{}: {}", table.name, one.column, one.owner));
        }
    }
    let keys = foreign_keys(&app).await;
    let keys: Vec<_> =
        keys.iter().map(|key| format!("{}.{}: {}", key[0], key[1], key[2])).collect();
    let people = ["prospects", "companies", "users", "import_records"];
    for key in keys.iter().filter(|key| !key.contains(".organization_id:")) {
        let to = key.split(": ").nth(1).unwrap();
        assert!(
            !people.contains(&to) || declared.contains(key),
            "{key}: declare it with `belongs_to`"
        );
    }
    for one in &declared {
        assert!(keys.contains(one), "{one}: there is no such foreign key");
    }
    assert!(declared.len() > 10);
}

/// Assigns all rows of the tables that belong to `owner` to the row `id`, and writes the mark into their texts and JSON
/// documents.
async fn mark_rows_of(app: &App, owner: &str, id: i64) {
    for table in catalog::tables().iter().filter(|table| table.name != owner) {
        for one in table.ownerships().filter(|one| one.owner == owner) {
            let count = format!("SELECT CAST(count(*) AS text) FROM \"{}\"", table.name);
            assert_ne!(rows(app, &count).await[0][0], "0", "{} has no rows to mark", table.name);
            run(app, &format!("UPDATE \"{}\" SET \"{}\" = {id}", table.name, one.column)).await;
            mark(app, table, "1 = 1").await;
        }
    }
}

async fn mark(app: &App, table: &engine::Table, condition: &str) {
    for column in &table.columns {
        let value = match column.kind {
            // Distinct, because some texts are unique.
            Kind::Text => format!("'{MARK}' || \"id\""),
            Kind::Json => format!("'{{\"{MARK}\": [\"{MARK}\"]}}'"),
            _ => continue,
        };
        let sql = format!(
            "UPDATE \"{}\" SET \"{}\" = {value} WHERE {condition}",
            table.name, column.name
        );
        run(app, &sql).await;
    }
}

/// The columns, of all tables and search indexes, whose values contain the mark.
async fn found(app: &App) -> Vec<String> {
    let mut found = columns_containing(app, MARK).await;
    if app.engine == Engine::Sqlite {
        // The index of names has trigrams only.
        for (table, query) in
            [("search_documents", format!("{MARK}*")), ("search_names", MARK[..3].to_owned())]
        {
            let sql =
                format!("SELECT CAST(count(*) AS text) FROM {table} WHERE {table} MATCH '{query}'");
            if rows(app, &sql).await[0][0] != "0" {
                found.push(table.to_owned());
            }
        }
    }
    found
}

/// The columns, of all tables, whose values contain this text.
pub async fn columns_containing(app: &App, text: &str) -> Vec<String> {
    let sql = match app.engine {
        // The index of words is searched below. Its segments are blobs, and contain deleted words until the next
        // `maintain --vacuum`.
        Engine::Sqlite => {
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'search%' ORDER BY 1, 2"
        }
        Engine::Postgres => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema() ORDER BY 1, 2"
        }
    };
    let mut found = Vec::new();
    for column in rows(app, sql).await {
        let (table, column) = (&column[0], &column[1]);
        let sql = format!(
            "SELECT CAST(count(*) AS text) FROM \"{table}\" WHERE lower(CAST(\"{column}\" AS text)) LIKE '%{text}%'"
        );
        if rows(app, &sql).await[0][0] != "0" {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

async fn an_erased_person_leaves_nothing_in_the_database(app: App) {
    app.world().await;
    // Writes through the service, so that the change log and the idempotency answers contain the person too. The second
    // one is rejected.
    for mutation in [
        format!(
            r#"updateProspect(input: {{ id: 1, idempotencyKey: "a", patch: {{ fullName: "{MARK} Q", email: "{MARK}@acme.example" }} }})"#
        ),
        format!(
            r#"createProspect(input: {{ idempotencyKey: "b", fullName: "{MARK}", email: "{MARK}@acme.example", companyId: 1 }})"#
        ),
        format!(
            r#"logInteraction(input: {{ idempotencyKey: "c", prospectId: 1, interactionType: "call", subject: "{MARK}", content: "{MARK}" }})"#
        ),
        format!(
            r#"saveProspectResearch(input: {{ idempotencyKey: "d", prospectId: 1, researchSummary: "{MARK}" }})"#
        ),
        format!(
            r#"createOutreachDraft(input: {{ idempotencyKey: "e", prospectId: 1, draftType: "x", content: "{MARK}" }})"#
        ),
        format!(
            r#"createLlmUsageLog(input: {{ workflowName: "w", nodeName: "n", model: "m", promptTokens: 1, completionTokens: 1, cost: 0, error: "{MARK}" }})"#
        ),
    ] {
        let answer =
            app.answer(&format!("mutation {{ {mutation} {{ userErrors {{ reason }} }} }}")).await;
        assert!(answer["errors"].is_null(), "{mutation}: {answer}");
    }
    let own = own(&member(&app, "bo", Role::Member).await);
    for mutation in [
        format!("assignProspects(input: {{ prospects: [{{ id: 1 }}], ownerId: {own} }})"),
        format!(
            r#"createProspectNote(input: {{ prospectId: 1, content: "{MARK}", mentionIds: [{own}] }})"#
        ),
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    mark_rows_of(&app, "prospects", 1).await;
    mark_rows_of(&app, "import_records", 1).await;
    // Calls that are linked to a draft or to research only.
    let (of_draft, of_research) = (app.usage("m", 0.1).await, app.usage("m", 0.1).await);
    app.made_draft(1, of_draft).await;
    let research = app.research(1, "Ada", |_| {}).await;
    app.made_research(research, of_research).await;
    let ids = format!("id IN ({of_draft}, {of_research})");
    run(&app, &format!("UPDATE llm_usage_logs SET error = '{MARK}' WHERE {ids}")).await;
    mark(&app, service::crm::prospect::table(), "\"id\" = 1").await;
    let log = format!(
        "UPDATE changes SET before = '{{\"{MARK}\": 1}}', after = '{{\"{MARK}\": 2}}' WHERE prospect_id = 1"
    );
    run(&app, &log).await;
    let before = found(&app).await;
    let mut expected = vec![
        "changes.after",
        "enrichment_cache.cache_key",
        "import_records.original_data",
        "interactions.subject",
        "outreach_drafts.content",
        "prospect_notes.content",
        "prospects.email",
        "service_usage_logs.error",
    ];
    match app.engine {
        Engine::Sqlite => expected.extend(["search_documents", "search_names"]),
        Engine::Postgres => expected.extend(["search_documents.words", "search_documents.names"]),
    }
    for expected in expected {
        assert!(before.iter().any(|one| one == expected), "{expected}: {before:?}");
    }
    app.done(r#"mutation { eraseProspect(input: { id: 1, idempotencyKey: "f" }) { userErrors { message } } }"#)
        .await;
    // A call whose error was cleared keeps the other values of its change log entries.
    app.settled().await;
    let data = app
        .data("{ changes(filter: { entity: { eq: LLM_USAGE_LOG } }) { nodes { kind fields { name after } } } }")
        .await;
    let nodes = data["changes"]["nodes"].as_array().unwrap();
    let created = nodes.iter().find(|node| node["kind"] == "CREATED").unwrap();
    let after = |name: &str| {
        let fields = created["fields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).map(|field| field["after"].clone())
    };
    assert_eq!(after("workflowName"), Some("w".into()));
    assert!(after("error").is_none_or(|value| value.is_null()), "{created}");
    // The entry that records the change contains the kept values, but no cleared one.
    assert!(nodes.iter().any(|node| node["kind"] == "UPDATED"), "{data}");
    let cleared = "DELETE FROM changes WHERE kind = 'updated' AND entity IN ('llm_usage_log', 'service_usage_log') AND \
                   CAST(after AS text) NOT LIKE '%\"error\": \"%' AND CAST(after AS text) NOT LIKE '%\"error\":\"%'";
    run(&app, cleared).await;
    assert_eq!(found(&app).await, KEPT);
}

/// Only an erasure redacts calls: a deleted draft is no reason to lose the diagnosis of a failed call.
async fn deleting_a_draft_keeps_the_error_of_its_call(app: App) {
    app.world().await;
    let call = app.usage("m", 0.1).await;
    app.made_draft(1, call).await;
    run(&app, &format!("UPDATE llm_usage_logs SET error = 'timeout' WHERE id = {call}")).await;
    app.done("mutation { deleteOutreachDraft(input: { id: 1 }) { userErrors { message } } }").await;
    let data = app.data(&format!("{{ llmUsageLog(id: {call}) {{ error }} }}")).await;
    assert_eq!(data["llmUsageLog"]["error"], "timeout");
}
