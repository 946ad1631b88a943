//! Processor time, as Linux tells it.

use std::fs;

/// User and system time of a process, as Linux tells it; 0 elsewhere.
pub(crate) fn seconds(process: &str) -> f64 {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat")) else { return 0.0 };
    let Some((_, fields)) = text.rsplit_once(") ") else { return 0.0 };
    let ticks = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// As [`seconds`], of all processes called `postgres` together.
pub(crate) fn postgres_seconds() -> f64 {
    let Ok(processes) = fs::read_dir("/proc") else { return 0.0 };
    let names = processes.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let postgres = names.filter(|name| {
        fs::read_to_string(format!("/proc/{name}/comm")).is_ok_and(|comm| comm.trim() == "postgres")
    });
    postgres.map(|name| seconds(&name)).sum()
}
