//! Option names of the previous version: deprecated, accepted in this version with a warning, and removed in the next
//! version.

use clap::Args;

/// Former names of options of `serve`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub(super) struct DeprecatedOptions {
    /// `--change-retention`.
    #[arg(long, env = "SALESGRAPH_KEEP_CHANGES", hide = true, value_name = "DAYS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(super) keep_changes: Option<u32>,
    /// `--slow-threshold`.
    #[arg(long, env = "SALESGRAPH_SLOW", hide = true, value_name = "MILLISECONDS")]
    pub(super) slow: Option<u64>,
}

impl DeprecatedOptions {
    /// Returns these options, with unset options taken from `other`.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            keep_changes: self.keep_changes.or(other.keep_changes),
            slow: self.slow.or(other.slow),
        }
    }

    /// Logs a warning for each option that is set.
    pub(super) fn warn(self) {
        for (is_set, old, new) in [
            (
                self.keep_changes.is_some(),
                "--keep-changes (SALESGRAPH_KEEP_CHANGES)",
                "--change-retention (SALESGRAPH_CHANGE_RETENTION)",
            ),
            (
                self.slow.is_some(),
                "--slow (SALESGRAPH_SLOW)",
                "--slow-threshold (SALESGRAPH_SLOW_THRESHOLD)",
            ),
        ] {
            if is_set {
                warn(old, new);
            }
        }
    }
}

/// Logs a warning for each argument of another command that is passed under a former name.
pub(super) fn warn_about_arguments(arguments: impl Iterator<Item = String>) {
    let mut previous = String::new();
    for argument in arguments {
        match (previous.as_str(), argument.as_str()) {
            (_, "--found") => warn("--found", "--create-organization"),
            ("--duplicates", "refuse") | (_, "--duplicates=refuse") => {
                warn("--duplicates refuse", "--duplicates reject");
            }
            _ => {}
        }
        previous = argument;
    }
}

fn warn(old: &str, new: &str) {
    tracing::warn!("{old} is deprecated and will be removed in the next version; use {new}");
}
