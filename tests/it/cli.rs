//! The command-line interface.

use api::cli::Program;
use clap::{CommandFactory, Parser};
use engine::Store;
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, Database};
use service::identity::api_key;
use tests::{App, behaviours, database::TestDatabase, plain, sales_assistant::SourceDatabase};

behaviours![
    seed_fills_an_empty_organization_once,
    migrate_down_and_up,
    keys_are_created_listed_and_revoked,
    import_migrates_a_database_or_reports_the_reason,
    maintenance_tasks_run_alone_and_combined,
];

plain![
    every_command_and_option_has_help,
    former_names_of_options_are_accepted,
    mappings_are_parsed,
    unopenable_database_is_reported_with_the_reason,
];

/// The previous name of a renamed option is accepted for one more version, so that scripts keep working.
fn former_names_of_options_are_accepted() {
    for arguments in [
        &["serve", "--keep-changes", "30", "--slow", "5"][..],
        &["serve", "--change-retention", "30", "--slow-threshold", "5"],
        &["keys", "create", "--role", "owner", "--found"],
        &["keys", "create", "--role", "owner", "--create-organization"],
        &["import", "sales-assistant", "--from", "sqlite:x", "--duplicates", "refuse"],
        &["import", "sales-assistant", "--from", "sqlite:x", "--duplicates", "reject"],
    ] {
        let program = ["salesgraph"].iter().chain(arguments);
        assert!(Program::try_parse_from(program).is_ok(), "{arguments:?}");
    }
}

/// Runs the program with command-line arguments.
async fn run(app: &App, arguments: &[&str]) -> engine::Result<()> {
    let program = ["salesgraph", "--database", &app.url];
    Program::try_parse_from(program.iter().chain(arguments)).unwrap().run().await
}

async fn seed_fills_an_empty_organization_once(app: App) {
    run(&app, &["seed", "--organization", "other"]).await.unwrap();
    let other = app.organization("other").await;
    let count = "{ prospects { totalCount } }";
    let answer = app.answer_to(other, count, serde_json::json!({})).await;
    assert_eq!(answer["data"]["prospects"]["totalCount"], 2_000);
    assert_eq!(app.data(count).await["prospects"]["totalCount"], 0);
    let again = run(&app, &["seed", "--organization", "other"]).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    let name = run(&app, &["seed", "--organization", "No Such Name"]).await.unwrap_err();
    assert!(name.to_string().contains("lowercase"), "{name}");
}

async fn migrate_down_and_up(app: App) {
    let refused = run(&app, &["migrate", "down"]).await.unwrap_err();
    assert!(matches!(refused, engine::Error::Conflict(..)), "a server is running: {refused}");
    let database = TestDatabase::new(app.engine).await;
    let run = async |arguments: &[&str]| {
        let program = ["salesgraph", "--database", &database.url];
        Program::try_parse_from(program.iter().chain(arguments)).unwrap().run().await
    };
    let applied = async || {
        let store = Store::connect(&database.url).await.unwrap();
        let applied = store.migrations().await.unwrap().iter().filter(|(_, done)| *done).count();
        store.close().await.unwrap();
        applied
    };
    let all_migrations = Migrator::migrations().len();
    let steps = (all_migrations - 5).to_string();
    run(&["migrate", "down", "--steps", &steps]).await.unwrap();
    run(&["migrate", "status"]).await.unwrap();
    assert_eq!(applied().await, 5);
    let all = run(&["migrate", "down", "--steps", "99"]).await.unwrap_err();
    assert_eq!(all.to_string(), "`steps` must be at most 5, the number of applied migrations");
    run(&["migrate", "up"]).await.unwrap();
    assert_eq!(applied().await, all_migrations);
    // A migration applied by a newer version is not reverted.
    let db = Database::connect(&database.url).await.unwrap();
    let sql = "INSERT INTO seaql_migrations VALUES ('m20991231_000001_later', 0)";
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
    let refused = run(&["migrate", "up"]).await.unwrap_err().to_string();
    assert!(refused.starts_with("this database was migrated by a newer version"), "{refused}");
}

async fn keys_are_created_listed_and_revoked(app: App) {
    let key = ["keys", "create", "--role", "analyst", "--user", "ada@example.com"];
    run(&app, &key).await.unwrap();
    run(&app, &["keys", "create", "--role", "member", "--worker", "--name", "bot"]).await.unwrap();
    let scope = app.scope(app.organization);
    let keys = api_key::list(&scope).await.unwrap();
    let told: Vec<_> = keys.iter().map(|key| (key.role.as_str(), key.kind.as_str())).collect();
    assert_eq!(told, [("analyst", "person"), ("member", "worker")]);
    run(&app, &["keys", "list"]).await.unwrap();
    run(&app, &["keys", "revoke", &format!("sg_{}", keys[0].prefix)]).await.unwrap();
    assert!(api_key::list(&scope).await.unwrap()[0].revoked_at.is_some());
    let unknown = run(&app, &["keys", "create", "--role", "owner", "--organization", "typo"]).await;
    assert_eq!(unknown.unwrap_err().to_string(), "organization `typo` was not found");
    let found =
        ["keys", "create", "--role", "owner", "--organization", "other", "--create-organization"];
    run(&app, &found).await.unwrap();
}

async fn import_migrates_a_database_or_reports_the_reason(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    source.run("UPDATE outreach_drafts SET status = 'archived' WHERE id = 21").await;
    let import = ["import", "sales-assistant", "--from", &source.url];
    let refused = run(&app, &import).await.unwrap_err();
    assert!(refused.to_string().starts_with("nothing was imported"), "{refused}");
    let mapped = [&import[..], &["--map", "outreach_drafts.status:archived=discarded"]].concat();
    run(&app, &mapped).await.unwrap();
    assert_eq!(app.data("{ schemaVersion }").await["schemaVersion"], "1975ea83b712");
}

async fn maintenance_tasks_run_alone_and_combined(app: App) {
    app.world().await;
    for tasks in [
        &["--check"][..],
        &["--duplicates"],
        &["--vacuum"],
        &["--analyze"],
        &["--check", "--duplicates", "--vacuum", "--analyze"],
    ] {
        run(&app, &[&["maintain"], tasks].concat()).await.unwrap();
    }
    let missing = Program::try_parse_from(["salesgraph", "maintain"]).unwrap_err().to_string();
    assert!(missing.contains("--check|--duplicates|--vacuum|--analyze"), "{missing}");
}

/// Every command and option has a description.
fn every_command_and_option_has_help() {
    fn check(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for option in command.get_arguments().filter(|option| !option.is_hide_set()) {
            assert!(option.get_help().is_some(), "{} {}", command.get_name(), option.get_id());
        }
        command.get_subcommands().for_each(check);
    }
    let program = Program::command();
    program.clone().debug_assert();
    check(&program);
}

fn mappings_are_parsed() {
    let parse = |map: &str| {
        let arguments = ["salesgraph", "import", "sales-assistant", "--from", "x", "--map", map];
        Program::try_parse_from(arguments).map(|_| ()).map_err(|error| error.to_string())
    };
    parse("outreach_drafts.status:in review=pending_review").unwrap();
    parse("outreach_drafts.status:a=b=draft").unwrap();
    assert!(parse("status:archived=discarded").unwrap_err().contains("table.column:word"));
    assert!(parse("outreach_drafts.status:archived").is_err());
}

fn unopenable_database_is_reported_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}", folder.path().join("none.db").display());
    for (url, command, expected) in [
        (missing.as_str(), "status", "there is no database at"),
        ("sqlite::memory:", "up", "in-memory databases are not supported"),
        ("mysql://x", "up", "`database` must be"),
        ("postgres://x@127.0.0.1:1/x", "up", "can't open the Postgres database"),
    ] {
        let program = ["salesgraph", "--database", url, "migrate", command];
        let run = Program::try_parse_from(program).unwrap().run();
        let error = tests::database::block_on(run).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(!folder.path().join("none.db").exists());
}
