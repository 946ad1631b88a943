//! Declarations of row scopes: which rows of a table a restricted caller sees.

/// Which rows of a table a restricted caller sees.
#[derive(Clone, Copy, Debug)]
pub enum RowScope {
    /// All rows of the organization.
    Organization,
    /// Rows that are assigned to the caller or to a team of the caller.
    Assigned(&'static AssignedRows),
    /// Rows whose reference in this column leads to a visible row of this table.
    Through(&'static str, &'static str),
    /// As [`Through`](Self::Through), and rows without a reference.
    ThroughAny(&'static str, &'static str),
    /// Rows that a visible row of this table references in this column.
    ReferencedBy(&'static str, &'static str),
}

/// The columns that assign rows to members and to teams.
#[derive(Debug)]
pub struct AssignedRows {
    /// The column with the membership of the owner.
    pub owner: &'static str,
    /// The column with the team.
    pub team: &'static str,
    /// The join table of teams and memberships, with its columns for them.
    pub members: (&'static str, &'static str, &'static str),
}
