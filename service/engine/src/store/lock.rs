//! File locks: all processes that use a database file hold a shared lock, and a process that replaces the file holds an
//! exclusive lock. SQLite's own locks are in the file and thus can't prevent its replacement.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use crate::error::{Error, Result};

/// Takes a shared lock on a database, held until the returned file is dropped.
pub(super) fn hold(path: &Path) -> Result<File> {
    let file = open(path)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Conflict(
            crate::Reason::DatabaseConflict,
            format!("{} is being restored", path.display()),
        )),
        Err(TryLockError::Error(error)) => Err(failed(path, &error)),
    }
}

/// Takes an exclusive lock on a database.
///
/// # Errors
/// [`Error::Conflict`] if the database is open in any process, including this one.
pub fn hold_alone(path: &Path) -> Result<File> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!("{} is in use; stop the server first", path.display());
            Err(Error::Conflict(crate::Reason::DatabaseConflict, message))
        }
        Err(TryLockError::Error(error)) => Err(failed(path, &error)),
    }
}

/// Takes an exclusive lock for `name` next to the database file; returns `None` if the lock is already held by any
/// process, including this one.
pub(super) fn try_hold(path: &Path, name: &str) -> Result<Option<File>> {
    let file = open_as(path, &format!(".{name}.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(path, &error)),
    }
}

fn open(path: &Path) -> Result<File> {
    open_as(path, ".lock")
}

fn open_as(path: &Path, ending: &str) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(name).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(
        crate::Reason::ConfigurationInvalid,
        "database",
        format!("can't lock {}: {error}", path.display()),
    )
}
