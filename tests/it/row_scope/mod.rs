//! The role `restricted`: rows outside of the scope of a member behave as if they did not exist.

pub mod delivery;
pub mod reads;
pub mod rules;
pub mod writes;

use engine::{Role, Scope};
use sea_orm::ConnectionTrait;
use tests::{App, Behaviour};

use crate::ownership::{done, member, own};

pub fn behaviours() -> Vec<Behaviour> {
    [delivery::behaviours(), reads::behaviours(), rules::behaviours(), writes::behaviours()]
        .into_iter()
        .flatten()
        .collect()
}

/// A text in the rows that a restricted member must not see.
pub const MARK: &str = "Hiddenmark";

/// The members of an organization with visible and hidden rows.
pub struct Staff {
    pub admin: Scope,
    /// A restricted member who owns prospect 4, of company 2.
    pub dora: Scope,
    /// A restricted member of a team to which prospect 2, of company 1, is assigned.
    pub tom: Scope,
}

/// Prospects 1 and 3 are hidden from both restricted members, and carry [`MARK`], as do their rows.
pub async fn staff(app: &App) -> Staff {
    app.world().await;
    let admin = member(app, "admin", Role::Admin).await;
    let dora = member(app, "dora", Role::Restricted).await;
    let tom = member(app, "tom", Role::Restricted).await;
    let errors = "userErrors { message }";
    for mutation in [
        format!("createTeam(input: {{ name: \"North\" }}) {{ {errors} }}"),
        format!(
            "addTeamMember(input: {{ teamId: 1, membershipId: {} }}) {{ {errors} }}",
            own(&tom)
        ),
        format!(
            "assignProspects(input: {{ prospects: [{{ id: 4 }}], ownerId: {} }}) {{ {errors} }}",
            own(&dora)
        ),
        format!(
            "assignProspects(input: {{ prospects: [{{ id: 1 }}, {{ id: 3 }}], ownerId: {} }}) {{ {errors} }}",
            own(&admin)
        ),
        format!(
            "assignProspectsToTeam(input: {{ prospects: [{{ id: 2 }}], teamId: 1 }}) {{ {errors} }}"
        ),
        format!(
            "createProspectNote(input: {{ prospectId: 1, content: \"{MARK}\" }}) {{ {errors} }}"
        ),
        format!(
            "createProspectNote(input: {{ prospectId: 4, content: \"Calls back\" }}) {{ {errors} }}"
        ),
    ] {
        done(app, &admin, &mutation).await;
    }
    for (table, columns) in [
        ("prospects", "full_name, job_title, location"),
        ("interactions", "subject, content"),
        ("outreach_drafts", "subject, content"),
        ("prospect_research", "research_summary"),
    ] {
        let sets = columns.split(", ").map(|column| format!("{column} = '{MARK}'"));
        let sets = sets.collect::<Vec<_>>().join(", ");
        let key = if table == "prospects" { "id" } else { "prospect_id" };
        let sql = format!("UPDATE {table} SET {sets} WHERE {key} IN (1, 3)");
        app.db.execute_unprepared(&sql).await.unwrap();
    }
    Staff { admin, dora, tom }
}
