//! Skipped rows, changes in the source after the first migration, and a source that moved to another address.

use engine::{Error, progress::Unwatched};
use serde_json::json;
use service::systems::sales_assistant::{Options, Outcome, Report, Stale};
use tests::{App, Engine, behaviours, sales_assistant::SourceDatabase};

use super::{bring, import, line, rows};

behaviours![
    invalid_rows_are_skipped_on_request,
    skipped_rows_are_migrated_once_fixed,
    changes_of_the_source_are_reported,
    rounded_numbers_are_reported,
    moved_source_is_recognized_with_same_source_option,
    concurrent_migrations_are_rejected,
];

fn skip() -> Options {
    Options { skip_rejected: true, ..Options::default() }
}

async fn report(app: &App, source: &SourceDatabase, options: &Options) -> Report {
    match bring(app, source, options).await {
        Outcome::Imported(report) => report,
        Outcome::Refused(findings) => panic!("{findings:?}"),
    }
}

fn written(report: &Report, table: &str) -> u64 {
    report.tables.iter().find(|(name, _)| name == table).unwrap().1
}

async fn odd(source: &SourceDatabase) {
    let long = "x".repeat(256);
    source.run(&format!("UPDATE companies SET name = '{long}' WHERE id = 12")).await;
    source.run("UPDATE events SET event_date = 'infinity'").await;
    source.run("UPDATE prospect_research SET key_insights = '{'").await;
    source.run("UPDATE industry_solutions SET solution_id = 77").await;
}

async fn invalid_rows_are_skipped_on_request(app: App) {
    // Only SQLite accepts such rows.
    let source = SourceDatabase::new(Engine::Sqlite).await;
    odd(&source).await;
    let report = report(&app, &source, &skip()).await;
    let told: Vec<String> = report.skipped.iter().map(line).collect();
    assert_eq!(
        told,
        [
            "companies.name is longer than 255 characters [1: 12]",
            "events.event_date is not a timestamp [1: 2]",
            "industry_solutions.* links rows that were not both imported, or has an invalid timestamp [1: 3/77]",
            "interactions.event_id references a row of events that was not imported: the reference is set to null [1: 1001]",
            "outreach_drafts.event_id references a row of events that was not imported: the reference is set to null [1: 21]",
            "outreach_drafts.prospect_id references a row of prospects that was not imported: the row is skipped [1: 22]",
            "prospect_research.key_insights is not JSON [1: 31]",
            "prospects.company_id references a row of companies that was not imported: the row is skipped [1: 102]",
        ]
    );
    let data = app
        .data("{ companies { nodes { id } } prospects { nodes { id } } interactions { nodes { id eventId } } outreachDrafts { nodes { id } } events { totalCount } }")
        .await;
    assert_eq!(
        data,
        json!({ "companies": { "nodes": [{ "id": "Company:11" }] }, "prospects": { "nodes": [{ "id": "Prospect:101" }] },
            "interactions": { "nodes": [{ "id": "Interaction:1001", "eventId": null }, { "id": "Interaction:1002", "eventId": null }] },
            "outreachDrafts": { "nodes": [{ "id": "OutreachDraft:21" }] }, "events": { "totalCount": 0 } })
    );
}

async fn skipped_rows_are_migrated_once_fixed(app: App) {
    let source = SourceDatabase::new(Engine::Sqlite).await;
    odd(&source).await;
    report(&app, &source, &skip()).await;
    // Rows that are still invalid are skipped and reported again. Without the option, the migration is rejected.
    source.run("UPDATE companies SET name = 'Bank' WHERE id = 12").await;
    let again = report(&app, &source, &skip()).await;
    assert_eq!((written(&again, "companies"), written(&again, "prospects")), (1, 1));
    assert_eq!(written(&again, "outreach_drafts"), 1);
    let refused = bring(&app, &source, &Options::default()).await;
    assert!(matches!(refused, Outcome::Refused(_)), "{refused:?}");
    source.run("UPDATE events SET event_date = '2025-06-01 09:00:00'").await;
    source.run("UPDATE prospect_research SET key_insights = '{}'").await;
    source.run("UPDATE industry_solutions SET solution_id = 5").await;
    let last = report(&app, &source, &Options::default()).await;
    assert_eq!(rows(&Outcome::Imported(last)), 3);
    assert_eq!(rows(&bring(&app, &source, &Options::default()).await), 0);
}

async fn changes_of_the_source_are_reported(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    let first = report(&app, &source, &Options::default()).await;
    assert!(first.stale.is_empty(), "{first:?}");
    app.clock.advance(chrono::TimeDelta::days(60));
    source
        .run("UPDATE prospects SET full_name = 'Changed', updated_at = '2026-04-01 00:00:00' WHERE id = 101")
        .await;
    source.run("DELETE FROM interactions WHERE id = 1002").await;
    // A row added to the source later counts as new, not as changed.
    source
        .run(
            "INSERT INTO companies VALUES (5, 'Late', 3, '1', NULL, '2026-04-01 00:00:00', '2026-04-01 00:00:00')",
        )
        .await;
    let second = report(&app, &source, &Options::default()).await;
    let stale = |table: &str, changed, deleted| Stale { table: table.to_owned(), changed, deleted };
    assert_eq!(second.stale, [stale("prospects", 1, 0), stale("interactions", 0, 1)]);
    assert_eq!(written(&second, "companies"), 1);
    let name = app.data("{ prospect(id: 101) { fullName } }").await;
    assert_eq!(name["prospect"]["fullName"], "Ada Lovelace");
}

async fn rounded_numbers_are_reported(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    source
        .run("UPDATE prospect_research SET key_insights = '{\"a\": 18446744073709551617, \"b\": 1.5}'")
        .await;
    let report = report(&app, &source, &Options::default()).await;
    let told: Vec<String> = report.inexact.iter().map(line).collect();
    assert_eq!(
        told,
        [
            "prospect_research.key_insights has numbers beyond 64 bits or with more than 17 digits, which are rounded [1: 31]"
        ]
    );
    let deep = SourceDatabase::new(Engine::Sqlite).await;
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    deep.run(&format!("UPDATE prospect_research SET key_insights = '{nested}'")).await;
    let other = app.organization("other").await;
    let outcome =
        import(&app.scope(other), &deep.url, &Options::default(), &Unwatched).await.unwrap();
    let Outcome::Refused(findings) = outcome else { panic!("{outcome:?}") };
    let told: Vec<String> = findings.iter().map(line).collect();
    let nested = "prospect_research.key_insights is JSON that is nested deeper than 127 levels, or has a number beyond 1e308 [1: 31]";
    assert!(told.iter().any(|told| told == nested), "{told:?}");
}

async fn moved_source_is_recognized_with_same_source_option(app: App) {
    let source = SourceDatabase::new(Engine::Sqlite).await;
    bring(&app, &source, &Options::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let moved = folder.path().join("moved?#%.db");
    source.run(&format!("VACUUM INTO '{}'", moved.display())).await;
    let from = format!("sqlite:{}", moved.display());
    let scope = app.scope(app.organization);
    let refused = import(&scope, &from, &Options::default(), &Unwatched).await.unwrap_err();
    assert!(refused.to_string().contains("--same-source"), "{refused}");
    let same = Options { same_source: true, ..Options::default() };
    for options in [&same, &Options::default(), &same] {
        let outcome = import(&scope, &from, options, &Unwatched).await.unwrap();
        assert_eq!(rows(&outcome), 0);
    }
}

async fn concurrent_migrations_are_rejected(app: App) {
    let source = SourceDatabase::new(app.engine).await;
    let scope = app.scope(app.organization);
    let url = source.url.as_str();
    let run = async || import(&scope, url, &Options::default(), &Unwatched).await;
    let (one, other) = futures_util::join!(run(), run());
    let mut outcomes = [one, other];
    outcomes.sort_by_key(Result::is_err);
    let [done, refused] = outcomes;
    assert_eq!(rows(&done.unwrap()), 16);
    let Err(Error::Conflict(_, message)) = refused else { panic!("{refused:?}") };
    assert!(
        message.starts_with("another import into this organization is in progress"),
        "{message}"
    );
    // The lock is released at the end of the run.
    assert_eq!(rows(&run().await.unwrap()), 0);
}
