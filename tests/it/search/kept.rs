//! Consistency of the search index with the stored rows after writes, rollbacks and migrations.

use sea_orm::{ActiveValue::Set, ConnectionTrait, Statement, TransactionTrait};
use serde_json::json;
use tests::{App, Engine, behaviours};

use super::{found, search, world};

behaviours![
    search_index_follows_every_write,
    rows_of_deleted_prospects_are_not_found,
    rows_written_during_a_prospect_deletion_are_hidden,
    custom_search_path_does_not_break_writes,
    vacuum_removes_erased_words_from_the_index,
    rolled_back_rows_are_not_found,
    bulk_loaded_rows_are_found,
    rows_of_other_organizations_are_not_found,
    very_long_texts_are_accepted,
    migrating_down_and_up_rebuilds_the_index,
];

async fn search_index_follows_every_write(app: App) {
    app.industry("Logistics").await;
    let done = async |mutation: &str| {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await
    };
    done(r#"createCompany(input: { name: "Firstname", industryId: 1, size: "10" })"#).await;
    assert_eq!(found(&app, "firstname").await, ["Company:1"]);
    done(r#"updateCompany(input: { id: 1, patch: { name: "Secondname" } })"#).await;
    assert!(found(&app, "firstname").await.is_empty());
    assert_eq!(found(&app, "secondname").await, ["Company:1"]);
    done("deleteCompany(input: { id: 1 })").await;
    assert!(found(&app, "secondname").await.is_empty());
    done("restoreCompany(input: { id: 1 })").await;
    assert_eq!(found(&app, "secondname").await, ["Company:1"]);
    // The index contains rows written by a plain insert, but no rows permanently deleted together with a prospect.
    for name in ["kept", "dropped"] {
        done(&format!(
            r#"createProspect(input: {{ fullName: "Per {name}", email: "{name}@x.example", companyId: 1 }})"#
        ))
        .await;
    }
    done(r#"createOutreachDraft(input: { prospectId: 2, draftType: "initial", content: "Dear unicorn" })"#)
        .await;
    assert_eq!(found(&app, "unicorn").await, ["OutreachDraft:1"]);
    done("mergeProspects(input: { keepId: 1, dropId: 2 })").await;
    assert_eq!(found(&app, "unicorn").await, ["OutreachDraft:1"]);
    assert!(found(&app, "dropped").await.is_empty(), "the merged prospect should not be found");
    done("eraseProspect(input: { id: 1 })").await;
    assert!(found(&app, "unicorn").await.is_empty());
    assert!(found(&app, "kept").await.is_empty());
    // The name index no longer contains personal data.
    let (sql, all) = match app.engine {
        Engine::Postgres => ("SELECT count(*) FROM search_documents", 2),
        Engine::Sqlite => ("SELECT count(*) FROM search_names", 2),
    };
    let backend = app.db.get_database_backend();
    let row = app.db.query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap();
    let left: i64 = row.try_get_by_index(0).unwrap();
    // Only the industry and the company remain. On Postgres, the merged prospect is removed with its merge target.
    assert_eq!(left, all);
}

async fn rolled_back_rows_are_not_found(app: App) {
    app.industry("Logistics").await;
    let mutation = r#"mutation { createCompanies(input: { onError: REJECT_ALL, companies: [
        { name: "Unicornia", industryId: 1, size: "10" }, { name: "", industryId: 1, size: "10" }] }) {
        userErrors { message } } }"#;
    app.answer(mutation).await;
    assert!(found(&app, "unicornia").await.is_empty());
    let mutation = mutation.replace("REJECT_ALL", "SKIP_FAILED");
    app.answer(&mutation).await;
    assert_eq!(found(&app, "unicornia").await.len(), 1);
}

async fn bulk_loaded_rows_are_found(app: App) {
    service::demo::seed(
        &app.scope(app.organization),
        service::demo::Scale::Small,
        &engine::progress::Unwatched,
    )
    .await
    .unwrap();
    let data = app.data("{ prospects(first: 1) { totalCount nodes { email } } }").await;
    let email = data["prospects"]["nodes"][0]["email"].as_str().unwrap();
    assert_eq!(search(&app, email).await["totalCount"], 1);
    let all = search(&app, "example").await;
    let prospects = all["counts"].as_array().unwrap().iter().find(|one| one["type"] == "PROSPECT");
    let deleted = app.data("{ prospects { totalCount } }").await;
    assert_eq!(prospects.unwrap()["count"], deleted["prospects"]["totalCount"]);
}

async fn rows_of_other_organizations_are_not_found(app: App) {
    world(&app).await;
    let stranger = app.organization("stranger").await;
    let industry = app.industry_of(stranger, "Logistics").await;
    app.company_with("Acme Strangers", industry, |row| row.organization_id = Set(stranger)).await;
    let ask = async |organization: i64, text: &str| {
        let query =
            "query ($text: String!) { search(query: $text) { totalCount similar edges { title
                     highlights { text } node { id } } } }";
        let answer = app.answer_to(organization, query, json!({ "text": text })).await;
        answer["data"]["search"].clone()
    };
    let own = ask(stranger, "acme").await;
    assert_eq!(own["totalCount"], 1);
    assert_eq!(own["edges"][0]["title"], "Acme Strangers");
    assert_eq!(ask(app.organization, "acme").await["totalCount"], 3);
    // Fuzzy matches do not reveal names from other organizations either.
    assert_eq!(ask(stranger, "shmidt").await["similar"], json!([]));
    assert_eq!(ask(stranger, "schmidt").await["totalCount"], 0);
}

async fn very_long_texts_are_accepted(app: App) {
    world(&app).await;
    let words: String = (0..200_000)
        .flat_map(|number| ["w".to_owned(), number.to_string(), " ".to_owned()])
        .collect();
    app.interaction_with(1, |row| {
        row.content = Set(format!("{}{words}", "x".repeat(5_000)));
        row.subject = Set("Endless".to_owned());
    })
    .await;
    assert_eq!(found(&app, "endless").await, ["Interaction:4"]);
    assert_eq!(found(&app, "w100").await.len(), 1);
    // A text is searchable only up to the documented length.
    assert!(found(&app, "w199999").await.is_empty());
}

async fn migrating_down_and_up_rebuilds_the_index(app: App) {
    world(&app).await;
    let before = search(&app, "müller").await;
    // Migrates down to the version before full-text search.
    let applied = app.store.migrations().await.unwrap().len();
    app.store.migrate_down(u32::try_from(applied - 10).unwrap()).await.unwrap();
    let time = match app.engine {
        Engine::Sqlite => "'2026-03-01T12:00:00+00:00'",
        Engine::Postgres => "'2026-03-01T12:00:00+00:00'::timestamptz",
    };
    let sql = format!(
        "INSERT INTO companies (organization_id, name, industry_id, size, revision, created_at, updated_at) \
         VALUES (1, 'Quiet Weiser', 1, '1', 1, {time}, {time})"
    );
    app.db.execute_unprepared(&sql).await.unwrap();
    service::operations::maintenance::vacuum(&app.store).await.unwrap();
    service::operations::migrate(&app.store).await.unwrap();
    assert_eq!(search(&app, "müller").await, before);
    assert_eq!(found(&app, "quiet").await, ["Company:5"]);
    app.company("Loud Weiser", 1).await;
    assert_eq!(found(&app, "weiser").await, ["Company:6", "Company:5"]);
}

async fn rows_of_deleted_prospects_are_not_found(app: App) {
    world(&app).await;
    let all = found(&app, "pilot").await;
    assert_eq!(all, ["Interaction:2", "Interaction:1"]);
    let done = async |mutation: &str| {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await
    };
    done("deleteProspect(input: { id: 2 })").await;
    assert!(found(&app, "pilot").await.is_empty());
    // Rows that reference the prospect and are created after its deletion are hidden too.
    app.interaction_with(2, |row| row.subject = Set("Pilot again".to_owned())).await;
    assert!(found(&app, "pilot").await.is_empty());
    let listed = app.data("{ interactions { nodes { id } } }").await;
    assert_eq!(listed["interactions"]["nodes"], json!([{ "id": "Interaction:3" }]));
    done("restoreProspect(input: { id: 2 })").await;
    assert_eq!(found(&app, "pilot").await, ["Interaction:4", "Interaction:2", "Interaction:1"]);
    // Rows moved to another prospect by a merge can be found.
    done("mergeProspects(input: { keepId: 3, dropId: 2 })").await;
    assert_eq!(found(&app, "pilot").await, ["Interaction:4", "Interaction:2", "Interaction:1"]);
}

/// A row is updated directly in the database, by a transaction that is still open when the prospect is deleted.
async fn rows_written_during_a_prospect_deletion_are_hidden(app: App) {
    world(&app).await;
    // SQLite does not support concurrent write transactions.
    if app.engine == Engine::Sqlite {
        return;
    }
    let open = app.db.begin().await.unwrap();
    open.execute_unprepared("UPDATE interactions SET subject = 'Unicorn' WHERE id = 1")
        .await
        .unwrap();
    let delete = r"mutation { deleteProspect(input: { id: 2 }) { userErrors { message } } }";
    let commit = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        open.commit().await.unwrap();
    };
    futures_util::join!(app.done(delete), commit);
    assert!(found(&app, "unicorn").await.is_empty());
    assert!(found(&app, "pilot").await.is_empty());
    app.done("mutation { restoreProspect(input: { id: 2 }) { userErrors { message } } }").await;
    assert_eq!(found(&app, "unicorn").await, ["Interaction:1"]);
}

async fn custom_search_path_does_not_break_writes(app: App) {
    world(&app).await;
    if app.engine == Engine::Sqlite {
        return;
    }
    let other = app.db.begin().await.unwrap();
    for sql in [
        "SET LOCAL search_path = ''",
        "UPDATE public.prospects SET full_name = 'Renamed Person' WHERE id = 1",
        "UPDATE public.interactions SET content = 'Unicorns' WHERE id = 1",
        "DELETE FROM public.interactions WHERE id = 3",
    ] {
        other.execute_unprepared(sql).await.unwrap();
    }
    other.commit().await.unwrap();
    assert_eq!(found(&app, "renamed").await, ["Prospect:1"]);
    assert_eq!(found(&app, "unicorns").await, ["Interaction:1"]);
}

/// On SQLite, deleted words stay in the index until its segments are merged.
async fn vacuum_removes_erased_words_from_the_index(app: App) {
    world(&app).await;
    if app.engine == Engine::Postgres {
        return;
    }
    app.interaction_with(2, |row| row.content = Set("A unicorn".to_owned())).await;
    let kept = async || {
        let open = app.db.begin().await.unwrap();
        let table =
            "CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'search_documents', 'row')";
        open.execute_unprepared(table).await.unwrap();
        let sql = "SELECT count(*) FROM words WHERE term = 'unicorn'";
        let backend = app.db.get_database_backend();
        let row = open.query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap();
        let count: i64 = row.try_get_by_index(0).unwrap();
        open.rollback().await.unwrap();
        count
    };
    assert_eq!(kept().await, 1);
    app.done("mutation { eraseProspect(input: { id: 2 }) { userErrors { message } } }").await;
    assert!(found(&app, "unicorn").await.is_empty());
    service::operations::maintenance::vacuum(&app.store).await.unwrap();
    assert_eq!(kept().await, 0);
    assert_eq!(found(&app, "acme").await, ["Company:2", "Prospect:3"]);
}
