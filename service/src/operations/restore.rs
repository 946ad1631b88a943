//! Restores backups.

use std::{
    fs,
    path::{Path, PathBuf},
};

use engine::{
    clock::Clock,
    error::{Error, Result},
    progress::Progress,
    store::{self, Engine, Store},
    write::bulk_load,
};
use sea_orm::{ConnectionTrait, Statement};

use super::{
    backup::{Partial, with_ending, with_side},
    copy, maintenance,
    postponed::PostponedSchema,
    stored_table::{insertion_order, tables_with_sequence},
};

/// Cancels waiting mails, and invalidates links, which may have been used or withdrawn since the backup.
const STALE_LINKS: &str = "UPDATE \"outgoing_mails\" SET \"status\" = 'cancelled' WHERE \"status\" IN ('queued', 'sending'); \
    UPDATE \"one_time_tokens\" SET \"used_at\" = \"expires_at\" WHERE \"used_at\" IS NULL";

/// Replaces the database at `url` with the backup in `file`. The file is verified and migrated to the current version
/// first. The previous embedded database is retained next to the new database, under the returned name. A Postgres
/// database must be empty.
///
/// # Errors
/// [`Error::Invalid`] if the file is not a valid backup; [`Error::Conflict`] if a server is running on the database,
/// or if a Postgres database is not empty.
pub async fn restore(
    url: &str,
    file: &Path,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<Option<PathBuf>> {
    if !file.is_file() {
        return Err(Error::invalid(
            engine::Reason::FileInvalid,
            "file",
            format!("file not found: {}", file.display()),
        ));
    }
    match store::file_of(url) {
        Some(target) => in_file(&target, file, clock).await,
        None => in_server(url, file, progress).await.map(|()| None),
    }
}

/// Rejects the operation while a server or another command has the database open.
///
/// # Errors
/// [`Error::Conflict`].
pub async fn refuse_while_served(url: &str) -> Result<()> {
    match store::file_of(url) {
        // The lock is released immediately, because the next step acquires it again.
        Some(file) if file.exists() => store::hold_alone(&file).map(drop),
        Some(_) => Ok(()),
        None => alone_in_server(url).await,
    }
}

async fn alone_in_server(url: &str) -> Result<()> {
    let others = store::others(url).await?;
    if others > 0 {
        let message = format!(
            "the database has {others} open connections from a running server; stop the server first"
        );
        return Err(Error::Conflict(engine::Reason::DatabaseConflict, message));
    }
    Ok(())
}

async fn in_file(target: &Path, file: &Path, clock: &dyn Clock) -> Result<Option<PathBuf>> {
    let report = |error: std::io::Error| {
        Error::invalid(
            engine::Reason::ConfigurationInvalid,
            "database",
            format!("can't restore {}: {error}", target.display()),
        )
    };
    if let Some(folder) = target.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(report)?;
    }
    // The lock is held to the end, so that no other process opens the database in the meantime.
    let _alone = store::hold_alone(target)?;
    let copy = prepared(file, &with_ending(target, "restoring")).await?;
    let kept = target
        .exists()
        .then(|| with_ending(target, &format!("before-{}", clock.now().format("%Y%m%dT%H%M%S"))));
    if let Some(kept) = &kept {
        if kept.exists() {
            return Err(Error::Conflict(
                engine::Reason::DatabaseConflict,
                format!("{} already exists", kept.display()),
            ));
        }
        // These files are moved before the database: a database without its write-ahead log is only out of date, but a
        // log without its database is useless.
        for side in ["-shm", "-wal", ""] {
            let (from, to) = (with_side(target, side), with_side(kept, side));
            if from.exists() {
                fs::rename(from, to).map_err(report)?;
            }
        }
    }
    fs::File::open(&copy.0).and_then(|copied| copied.sync_all()).map_err(report)?;
    fs::rename(&copy.0, target).map_err(report)?;
    Ok(kept)
}

/// A verified copy of a backup, migrated to the current version.
async fn prepared(file: &Path, place: &Path) -> Result<Partial> {
    let copy = Partial(place.to_owned());
    // Removes leftovers of an interrupted restore, whose write-ahead log would be applied to this copy.
    copy.remove();
    let log = with_side(file, "-wal");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        let message = format!(
            "{} exists: the file is an open database with recent writes in that log; make a backup of it first",
            log.display()
        );
        return Err(Error::invalid(engine::Reason::FileInvalid, "file", message));
    }
    fs::copy(file, place).map_err(|error| {
        Error::invalid(
            engine::Reason::FileInvalid,
            "file",
            format!("can't read {}: {error}", file.display()),
        )
    })?;
    let refuse = |reason: String| {
        Error::invalid(
            engine::Reason::FileInvalid,
            "file",
            format!("{} is not a valid backup: {reason}", file.display()),
        )
    };
    let opened = Store::connect_existing(&format!("sqlite:{}", place.display())).await;
    let opened = opened.map_err(|error| refuse(error.to_string()))?;
    let problems = maintenance::check(&opened).await.map_err(|error| refuse(error.to_string()))?;
    if let Some(problem) = problems.first() {
        return Err(refuse(problem.clone()));
    }
    let versions = opened.migrations().await.map_err(|error| refuse(error.to_string()))?;
    if !versions.iter().any(|(_, applied)| *applied) {
        return Err(refuse("the file was not created by this program".to_owned()));
    }
    super::migrate(&opened).await?;
    // Subscribers of the previous change log may have seen entries that this change log lacks.
    let next = "UPDATE \"change_log\" SET \"epoch\" = \"epoch\" + 1";
    opened.write().execute_unprepared(next).await?;
    opened.write().execute_unprepared(STALE_LINKS).await?;
    maintenance::settle(&opened).await?;
    opened.close().await?;
    let lock = with_ending(place, "lock");
    // The file may not exist.
    let _ = fs::remove_file(lock);
    Ok(copy)
}

async fn in_server(url: &str, file: &Path, progress: &dyn Progress) -> Result<()> {
    alone_in_server(url).await?;
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(|error| Error::internal(error.to_string()))?;
    let place = std::env::temp_dir().join(format!("salesgraph-{:016x}", u64::from_le_bytes(name)));
    let copied = prepared(file, &place).await?;
    let source = Store::connect_existing(&format!("sqlite:{}", copied.0.display())).await?;
    let target = Store::connect(url).await?;
    super::migrate(&target).await?;
    // Connections cache prepared statements, and the migration may have prepared the same SQL text with other types.
    target.close().await?;
    let target = Store::connect(url).await?;
    let (from, to) = (source.begin().await?, target.begin().await?);
    let sql = "SELECT 1 FROM \"organizations\" LIMIT 1";
    let statement = Statement::from_string(Engine::Postgres.backend(), sql);
    if to.query_one_raw(statement).await?.is_some() {
        let message =
            "the Postgres database is not empty; restore into a new database and serve that one";
        return Err(Error::Conflict(engine::Reason::DatabaseConflict, message.to_owned()));
    }
    to.execute_unprepared("DELETE FROM \"change_log\"").await?;
    let (tables, postponed) = insertion_order(&to).await?;
    // References to rows copied later are added afterwards, because Postgres checks them immediately.
    for key in &postponed {
        let sql = format!("ALTER TABLE \"{}\" DROP CONSTRAINT \"{}\"", key.table, key.name);
        to.execute_unprepared(&sql).await?;
    }
    let indexes = PostponedSchema::in_postgres(&to).await?;
    let with_sequence = tables_with_sequence(&to).await?;
    for table in tables {
        copy(table, &from, &to, Engine::Postgres, progress).await?;
        if with_sequence.iter().any(|name| name == table.name) {
            bulk_load::continue_keys(&to, Engine::Postgres, table.name).await?;
        }
    }
    progress.begin("indexes", None);
    indexes.create(&to).await?;
    progress.finish();
    for key in &postponed {
        let sql = format!(
            "ALTER TABLE \"{}\" ADD CONSTRAINT \"{}\" {}",
            key.table, key.name, key.definition
        );
        to.execute_unprepared(&sql).await?;
    }
    to.commit().await?;
    from.rollback().await?;
    source.close().await?;
    // The migration analyzed empty tables.
    maintenance::analyze(&target).await?;
    target.close().await
}
