//! Teams, owners of prospects with their history, notes about prospects, and notifications of members.
//!
//! All of them reference memberships instead of users, because a user can belong to several organizations, and the database
//! checks that both rows belong to the same one.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

use crate::{
    column::{long, pointer, word},
    ddl::{
        Key::{Folded, Plain},
        add_reference, big, child_indexes, drop_columns, drop_indexes, drop_tables, index,
        list_indexes, owned_table, reference, revision, sort_index, stamp, stamp_or_absent,
        stamped, text, varchar,
    },
    m20261130_000033_text_statistics::has_expression_statistics,
    organization_references::{
        OnDelete::{Cascade, NoAction, SetNull},
        Reference, check_organizations, ignore_organizations,
    },
};

/// See the module.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const REFERENCES: &[Reference] = &[
    ("prospect_assignments", "prospect_id", "prospects", Cascade),
    ("prospect_assignments", "assignee_id", "memberships", NoAction),
    ("prospect_assignments", "assigned_by_id", "memberships", SetNull),
    ("prospect_notes", "prospect_id", "prospects", Cascade),
    ("prospect_notes", "author_id", "memberships", SetNull),
    ("notifications", "membership_id", "memberships", Cascade),
    ("notifications", "prospect_note_id", "prospect_notes", Cascade),
];

/// The references of prospects that a trigger checks on Postgres, before and after this migration.
const MERGED: Reference = ("prospects", "merged_into_id", "prospects", SetNull);
const OWNED: [Reference; 3] = [
    MERGED,
    ("prospects", "owner_id", "memberships", SetNull),
    ("prospects", "team_id", "teams", SetNull),
];

/// Tables that a foreign key with the organization references on Postgres.
const REFERENCED: [&str; 2] = ["memberships", "prospect_notes"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        teams(manager).await?;
        for (_, column, table, _) in &OWNED[1..] {
            add_reference(manager, "prospects", column, table).await?;
            let name = format!("ix_prospects_{column}");
            index(manager, &name, "prospects", &[Plain(column), Plain("id")]).await?;
        }
        // The work list of prospects without an owner.
        let unassigned = "CREATE INDEX \"ix_prospects_unassigned\" ON \"prospects\" \
                          (\"organization_id\", \"id\") WHERE \"owner_id\" IS NULL";
        manager.get_connection().execute_unprepared(unassigned).await?;
        assignments(manager).await?;
        notes(manager).await?;
        notifications(manager).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            for table in REFERENCED {
                let sql = format!(
                    "ALTER TABLE \"{table}\" ADD CONSTRAINT \"ux_{table}_id\" UNIQUE (\"organization_id\", \"id\"); \
                     DROP INDEX \"ix_{table}_id\""
                );
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        check_organizations(manager, REFERENCES).await?;
        ignore_organizations(manager, &[MERGED]).await?;
        check_organizations(manager, &OWNED).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ignore_organizations(manager, &OWNED).await?;
        check_organizations(manager, &[MERGED]).await?;
        ignore_organizations(manager, REFERENCES).await?;
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            let keys = [Plain("organization_id"), Plain("id")];
            index(manager, "ix_memberships_id", "memberships", &keys).await?;
            let sql = "ALTER TABLE \"memberships\" DROP CONSTRAINT \"ux_memberships_id\"";
            manager.get_connection().execute_unprepared(sql).await?;
        }
        let tables =
            ["notifications", "prospect_note_mentions", "prospect_notes", "prospect_assignments"];
        drop_tables(manager, &tables).await?;
        drop_indexes(manager, &["ix_prospects_unassigned"]).await?;
        for column in ["owner_id", "team_id"] {
            drop_indexes(manager, &[&format!("ix_prospects_{column}")]).await?;
        }
        drop_columns(manager, "prospects", &["team_id", "owner_id"]).await?;
        drop_tables(manager, &["team_members", "teams"]).await
    }
}

async fn teams(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let cascade = ForeignKeyAction::Cascade;
    let teams = stamped(
        owned_table("teams")
            .col(varchar("name"))
            .col(long("description"))
            .col(long("avatar_url"))
            .col(long("project_code"))
            .col(revision()),
    );
    manager.create_table(teams).await?;
    list_indexes(manager, "teams").await?;
    sort_index(manager, "teams", "name", Folded("name")).await?;

    let members = stamped(
        Table::create()
            .table("team_members")
            .col(big("team_id"))
            .col(big("membership_id"))
            .primary_key(Index::create().col("team_id").col("membership_id"))
            .foreign_key(&mut reference("team_members", "team_id", "teams", cascade))
            .foreign_key(&mut reference("team_members", "membership_id", "memberships", cascade)),
    );
    manager.create_table(members).await?;
    let keys = [Plain("membership_id"), Plain("team_id")];
    index(manager, "ix_team_members_membership_id", "team_members", &keys).await
}

async fn assignments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let [keep, cascade, set_null] =
        [ForeignKeyAction::NoAction, ForeignKeyAction::Cascade, ForeignKeyAction::SetNull];
    let table = "prospect_assignments";
    let assignments = stamped(
        owned_table(table)
            .col(big("prospect_id"))
            .col(big("assignee_id"))
            .col(pointer("assigned_by_id"))
            .col(stamp("assigned_at"))
            .col(stamp_or_absent("unassigned_at"))
            .col(revision())
            .foreign_key(&mut reference(table, "prospect_id", "prospects", cascade))
            .foreign_key(&mut reference(table, "assignee_id", "memberships", keep))
            .foreign_key(&mut reference(table, "assigned_by_id", "memberships", set_null)),
    );
    manager.create_table(assignments).await?;
    list_indexes(manager, table).await?;
    sort_index(manager, table, "assigned_at", Plain("assigned_at")).await?;
    let keys = [("assigned_at", Plain("assigned_at"))];
    child_indexes(manager, table, "prospect_id", &keys).await?;
    // The newest assignment of each member, for the round robin.
    let keys = [Plain("assignee_id"), Plain("id")];
    index(manager, "ix_prospect_assignments_assignee_id", table, &keys).await?;
    let by = [Plain("assigned_by_id"), Plain("id")];
    index(manager, "ix_prospect_assignments_assigned_by_id", table, &by).await?;
    let open = "CREATE UNIQUE INDEX \"ux_prospect_assignments_open\" ON \"prospect_assignments\" \
                (\"prospect_id\") WHERE \"unassigned_at\" IS NULL";
    manager.get_connection().execute_unprepared(open).await?;
    Ok(())
}

async fn notes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let [cascade, set_null] = [ForeignKeyAction::Cascade, ForeignKeyAction::SetNull];
    let notes = stamped(
        owned_table("prospect_notes")
            .col(big("prospect_id"))
            .col(pointer("author_id"))
            .col(text("content"))
            .col(revision())
            .foreign_key(&mut reference("prospect_notes", "prospect_id", "prospects", cascade))
            .foreign_key(&mut reference("prospect_notes", "author_id", "memberships", set_null)),
    );
    manager.create_table(notes).await?;
    list_indexes(manager, "prospect_notes").await?;
    let keys = [("created_at", Plain("created_at"))];
    child_indexes(manager, "prospect_notes", "prospect_id", &keys).await?;
    let author = [Plain("author_id"), Plain("id")];
    index(manager, "ix_prospect_notes_author_id", "prospect_notes", &author).await?;

    let table = "prospect_note_mentions";
    let mentions = stamped(
        Table::create()
            .table(table)
            .col(big("prospect_note_id"))
            .col(big("membership_id"))
            .primary_key(Index::create().col("prospect_note_id").col("membership_id"))
            .foreign_key(&mut reference(table, "prospect_note_id", "prospect_notes", cascade))
            .foreign_key(&mut reference(table, "membership_id", "memberships", cascade)),
    );
    manager.create_table(mentions).await?;
    let keys = [Plain("membership_id"), Plain("prospect_note_id")];
    index(manager, "ix_prospect_note_mentions_membership_id", table, &keys).await
}

async fn notifications(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let cascade = ForeignKeyAction::Cascade;
    let table = "notifications";
    let notifications = stamped(
        owned_table(table)
            .col(big("membership_id"))
            .col(word("kind"))
            .col(varchar("title"))
            .col(text("message"))
            .col(pointer("prospect_note_id"))
            .col(stamp_or_absent("read_at"))
            .col(stamp_or_absent("dismissed_at"))
            .foreign_key(&mut reference(table, "membership_id", "memberships", cascade))
            .foreign_key(&mut reference(table, "prospect_note_id", "prospect_notes", cascade)),
    );
    manager.create_table(notifications).await?;
    list_indexes(manager, table).await?;
    let keys = [Plain("membership_id"), Plain("id")];
    index(manager, "ix_notifications_membership_id", table, &keys).await?;
    let note = [Plain("prospect_note_id"), Plain("id")];
    index(manager, "ix_notifications_prospect_note_id", table, &note).await?;
    if has_expression_statistics(manager).await? {
        for column in ["kind", "title"] {
            let sql = format!(
                "CREATE STATISTICS \"st_notifications_{column}\" ON (lower(\"{column}\" COLLATE \"C\")) \
                 FROM \"notifications\""
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}
