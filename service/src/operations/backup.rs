//! Online backups to a single SQLite database file, regardless of the engine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use engine::{
    error::{Error, Result},
    progress::Progress,
    store::{Engine, Store},
};
use sea_orm::{AccessMode, ConnectionTrait, IsolationLevel, TransactionTrait};

use super::{copy, maintenance, postponed::PostponedSchema, stored_table::insertion_order};

/// Backs up the database to `file`, which must not exist yet, and verifies the copy. The backup is a consistent
/// snapshot; concurrent writes are included entirely or not at all. Returns its size in bytes.
///
/// # Errors
/// [`Error::Invalid`] if the file exists or can't be written; [`Error::Internal`] if the copy is corrupt.
pub async fn backup(store: &Store, file: &Path, progress: &dyn Progress) -> Result<u64> {
    let report = |error: std::io::Error| {
        Error::invalid(
            engine::Reason::FileInvalid,
            "file",
            format!("can't write {}: {error}", file.display()),
        )
    };
    if file.exists() {
        return Err(Error::invalid(
            engine::Reason::FileInvalid,
            "file",
            format!("{} already exists", file.display()),
        ));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Error::invalid(
            engine::Reason::FileInvalid,
            "file",
            format!("directory not found: {}", folder.display()),
        ));
    }
    // The copy has a temporary name until it is verified, so an incomplete file is never mistaken for a backup.
    let partial = Partial(with_ending(file, "partial"));
    partial.remove();
    match store.engine() {
        Engine::Sqlite => {
            // SQLite would create a world-readable file, but it accepts an existing empty one.
            make_private(&partial.0).map_err(report)?;
            let statement = "VACUUM INTO {}";
            let path = partial.0.to_string_lossy().into_owned();
            let statement = store.engine().statement(statement, vec![path.into()]);
            store.write().execute_raw(statement).await?;
        }
        Engine::Postgres => copy_out(store, &partial.0, progress).await?,
    }
    let copied = Store::connect_existing(&format!("sqlite:{}", partial.0.display())).await?;
    let problems = match store.engine() {
        Engine::Sqlite => maintenance::check(&copied).await?,
        Engine::Postgres => maintenance::check_new_file(&copied).await?,
    };
    // Moves the write-ahead log of the copy into the database file.
    maintenance::settle(&copied).await?;
    copied.close().await?;
    if !problems.is_empty() {
        return Err(Error::internal(format!("the backup is corrupt: {}", problems.join("; "))));
    }
    fs::File::open(&partial.0).and_then(|written| written.sync_all()).map_err(report)?;
    fs::rename(&partial.0, file).map_err(report)?;
    Ok(fs::metadata(file).map_err(report)?.len())
}

fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

/// Copies a Postgres database to a new file.
async fn copy_out(store: &Store, file: &Path, progress: &dyn Progress) -> Result<()> {
    let target = Store::connect(&format!("sqlite:{}", file.display())).await?;
    super::migrate(&target).await?;
    let moment = store
        .write()
        .begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly))
        .await?;
    // The file is verified afterwards, including its references, and not used if this process ends before.
    let settings =
        "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536";
    target.write().execute_unprepared(settings).await?;
    let copies = target.begin().await?;
    let postponed = PostponedSchema::in_sqlite(&copies).await?;
    copies.execute_unprepared("DELETE FROM \"change_log\"").await?;
    let (tables, _) = insertion_order(&moment).await?;
    for table in tables {
        copy(table, &moment, &copies, Engine::Sqlite, progress).await?;
    }
    progress.begin("indexes", None);
    postponed.create(&copies).await?;
    progress.finish();
    copies.commit().await?;
    moment.commit().await?;
    target.close().await
}

/// The path with a suffix.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// An incomplete file, which is removed on drop.
pub(super) struct Partial(pub(super) PathBuf);

impl Partial {
    pub(super) fn remove(&self) {
        for path in [
            self.0.clone(),
            with_side(&self.0, "-wal"),
            with_side(&self.0, "-shm"),
            with_ending(&self.0, "lock"),
        ] {
            // The file may not exist.
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.remove();
    }
}

/// A file that SQLite creates next to a database.
pub(super) fn with_side(path: &Path, side: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(side);
    name.into()
}
