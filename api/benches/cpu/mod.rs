//! CPU time as reported by Linux.

use std::{collections::HashMap, fs};

/// User and system time of a process as reported by Linux; 0 on other systems.
pub(crate) fn seconds(process: &str) -> f64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat")) else { return 0.0 };
    let Some((_, fields)) = text.rsplit_once(") ") else { return 0.0 };
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// The CPU time of each process named `postgres`, listed separately because such processes start and exit during a
/// run.
pub(crate) struct Postgres(HashMap<String, f64>);

impl Postgres {
    pub(crate) fn now() -> Self {
        let Ok(processes) = fs::read_dir("/proc") else { return Self(HashMap::new()) };
        let names =
            processes.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let postgres = names.filter(|name| {
            fs::read_to_string(format!("/proc/{name}/comm"))
                .is_ok_and(|comm| comm.trim() == "postgres")
        });
        Self(postgres.map(|name| (name.clone(), seconds(&name))).collect())
    }

    /// The seconds since `before`, for processes that still exist.
    pub(crate) fn since(&self, before: &Self) -> f64 {
        let spent = self.0.iter().map(|(name, time)| time - before.0.get(name).unwrap_or(&0.0));
        spent.sum()
    }
}
