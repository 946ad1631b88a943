//! Tenant isolation: no access to the rows of another organization.

use api::catalog;
use engine::Role;
use graph::declaration::FieldKind;
use sea_orm::{ActiveValue::Set, ConnectionTrait};
use serde_json::json;
use tests::{App, behaviours};

use crate::ownership::{member, member_of, own};

behaviours![
    root_fields_hide_rows_of_other_organizations,
    filters_ignore_rows_of_other_organizations,
    cross_tenant_reference_reveals_nothing,
    cross_tenant_links_are_hidden,
    database_rejects_cross_tenant_references,
    schema_version_is_scoped_to_the_organization,
];

async fn ask(app: &App, organization: i64, query: &str) -> serde_json::Value {
    let answer = app.answer_to(organization, query, json!({})).await;
    assert!(answer.get("errors").is_none(), "{query}\n{answer:#}");
    answer["data"].clone()
}

async fn root_fields_hide_rows_of_other_organizations(app: App) {
    app.world().await;
    app.data(r#"mutation { createIndustry(input: { name: "Logged" }) { industry { id } } }"#).await;
    let ann = member(&app, "ann", Role::Owner).await;
    for mutation in [
        format!(
            "createProspectNote(input: {{ prospectId: 1, content: \"x\", mentionIds: [{}] }})",
            own(&ann)
        ),
        format!("assignProspects(input: {{ prospects: [{{ id: 1 }}], ownerId: {} }})", own(&ann)),
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    let stranger = app.organization("stranger").await;
    // Deletes the default settings of the new organization, because it must have no rows at all.
    let sql = format!("DELETE FROM settings WHERE organization_id = {stranger}");
    app.db.execute_unprepared(&sql).await.unwrap();
    for entity in catalog::entities() {
        let (name, one, many) = (entity.name, &entity.single, entity.plural);
        let query = format!(
            "{{ one: {one}(id: 1) {{ id }} node(id: \"{name}:1\") {{ id }} nodes(ids: [\"{name}:1\"]) {{ id }} \
             {many} {{ totalCount nodes {{ id }} edges {{ cursor }} }} \
             by: {many}(filter: {{ id: {{ in: [1, 2, 3] }} }}) {{ totalCount nodes {{ id }} }} }}"
        );
        let expected = json!({ "one": null, "node": null, "nodes": [null],
            many: { "totalCount": 0, "nodes": [], "edges": [] },
            "by": { "totalCount": 0, "nodes": [] } });
        assert_eq!(ask(&app, stranger, &query).await, expected, "{name}");
        // Notifications are visible to their member only.
        let own = format!("{{ one: {one}(id: 1) {{ id }} }}");
        let answer = app.answer_in(ann.clone(), &own).await;
        assert_eq!(answer["data"]["one"]["id"], format!("{name}:1"));
    }
}

async fn filters_ignore_rows_of_other_organizations(app: App) {
    app.world().await;
    app.drop_organization_checks().await;
    let stranger = app.organization("stranger").await;
    let industry = app.industry_of(stranger, "Logistics").await;
    let own = app.company_with("Mine", industry, |row| row.organization_id = Set(stranger)).await;
    // A prospect of the first organization that references the company of the other one, which the API would reject.
    app.prospect("Planted", own).await;
    let query = "{ companies(filter: { prospects: { some: {} } }) { totalCount } \
                 all: companies { nodes { name prospects { totalCount nodes { id } } } } }";
    let expected = json!({ "companies": { "totalCount": 0 },
        "all": { "nodes": [{ "name": "Mine", "prospects": { "totalCount": 0, "nodes": [] } }] } });
    assert_eq!(ask(&app, stranger, query).await, expected);
}

/// Rows that another program writes.
async fn database_rejects_cross_tenant_references(app: App) {
    app.world().await;
    let draft = app.draft(1, None, "draft").await;
    let stranger = app.organization("stranger").await;
    let industry = app.industry_of(stranger, "Logistics").await;
    let own = app.company_with("Mine", industry, |row| row.organization_id = Set(stranger)).await;
    for sql in [
        format!("UPDATE prospects SET company_id = {own} WHERE id = 1"),
        format!("UPDATE prospects SET organization_id = {stranger} WHERE id = 1"),
        format!("UPDATE companies SET industry_id = {industry} WHERE id = 1"),
        format!("UPDATE outreach_drafts SET organization_id = {stranger} WHERE id = {draft}"),
        format!(
            "INSERT INTO prospects (organization_id, full_name, email, company_id, is_active, lifecycle_stage, revision, \
             created_at, updated_at) SELECT {stranger}, full_name, email, company_id, is_active, lifecycle_stage, 1, \
             created_at, updated_at FROM prospects WHERE id = 1"
        ),
        format!(
            "INSERT INTO prospects (organization_id, full_name, email, company_id, merged_into_id, is_active, \
             lifecycle_stage, revision, created_at, updated_at) SELECT {stranger}, full_name, 'x@x.example', {own}, id, \
             is_active, lifecycle_stage, 1, created_at, updated_at FROM prospects WHERE id = 1"
        ),
    ] {
        let error = app.db.execute_unprepared(&sql).await.expect_err(&sql).to_string();
        assert!(
            error.contains("references a row of another organization")
                || error.contains("foreign key constraint"),
            "{sql}: {error}"
        );
    }
    let sql = format!("UPDATE companies SET name = 'Mine too' WHERE id = {own}");
    app.db.execute_unprepared(&sql).await.unwrap();
}

async fn cross_tenant_reference_reveals_nothing(app: App) {
    app.world().await;
    app.drop_organization_checks().await;
    let stranger = app.organization("stranger").await;
    // A company that references an industry of another organization, which the API would reject.
    app.company_with("Mine", 1, |row| row.organization_id = Set(stranger)).await;
    let query = "{ companies { nodes { name industry { name } } } }";
    let answer = app.answer_to(stranger, query, json!({})).await;
    assert_eq!(answer["data"], json!(null));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL");
    assert!(!answer.to_string().contains("Logistics"), "{answer}");
    let filtered =
        r#"{ companies(filter: { industry: { name: { eq: "Logistics" } } }) { totalCount } }"#;
    assert_eq!(ask(&app, stranger, filtered).await["companies"]["totalCount"], 0);
    let sorted = "{ companies(orderBy: [{ industry: { name: ASC } }]) { nodes { name } } }";
    assert_eq!(
        ask(&app, stranger, sorted).await["companies"]["nodes"],
        json!([{ "name": "Mine" }])
    );
}

async fn cross_tenant_links_are_hidden(app: App) {
    let stranger = app.organization("stranger").await;
    let theirs = app.solution_of(stranger, "Theirs").await;
    let ours = app.industry("Ours").await;
    app.suits(ours, theirs).await;
    let query = "{ industries { nodes { solutions { totalCount nodes { id } } } } \
                 some: industries(filter: { solutions: { some: {} } }) { totalCount } }";
    let expected = json!({ "some": { "totalCount": 0 },
        "industries": { "nodes": [{ "solutions": { "totalCount": 0, "nodes": [] } }] } });
    assert_eq!(ask(&app, app.organization, query).await, expected);
    let back = "{ solutions { nodes { industries { totalCount nodes { id } } } } }";
    let expected =
        json!({ "solutions": { "nodes": [{ "industries": { "totalCount": 0, "nodes": [] } }] } });
    assert_eq!(ask(&app, stranger, back).await, expected);
    let company = app.company("Acme", ours).await;
    let person = app.prospect("Ada", company).await;
    let draft = app.draft(person, None, "draft").await;
    let research = app.research(person, "Decides.", |_| {}).await;
    let usage = app.usage_of(stranger, "small", 1.0).await;
    app.made_draft(draft, usage).await;
    app.made_research(research, usage).await;
    let calls = "{ outreachDrafts { nodes { llmUsageLogs { totalCount nodes { id } } } } \
                 prospectResearches { nodes { llmUsageLogs { totalCount nodes { id } } } } }";
    let none = json!({ "nodes": [{ "llmUsageLogs": { "totalCount": 0, "nodes": [] } }] });
    let expected = json!({ "outreachDrafts": none, "prospectResearches": none });
    assert_eq!(ask(&app, app.organization, calls).await, expected);
    let made = "{ llmUsageLogs { nodes { outreachDrafts { totalCount nodes { id } } \
                prospectResearches { totalCount nodes { id } } } } }";
    let none = json!({ "totalCount": 0, "nodes": [] });
    let expected = json!({ "llmUsageLogs":
        { "nodes": [{ "outreachDrafts": none, "prospectResearches": none }] } });
    assert_eq!(ask(&app, stranger, made).await, expected);
    let eve = own(&member_of(&app, stranger, "eve", Role::Owner).await);
    for mutation in [
        r#"createTeam(input: { name: "North" })"#.to_owned(),
        format!("createProspectNote(input: {{ prospectId: {person}, content: \"x\" }})"),
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    for (table, column) in
        [("team_members", "team_id"), ("prospect_note_mentions", "prospect_note_id")]
    {
        let plant = format!(
            "INSERT INTO {table} ({column}, membership_id, created_at, updated_at) \
             VALUES (1, {eve}, '2026-03-01T12:00:00+00:00', '2026-03-01T12:00:00+00:00')"
        );
        app.db.execute_unprepared(&plant).await.unwrap();
    }
    let members = "{ teams { nodes { members { totalCount nodes { id } } } } \
                   prospectNotes { nodes { mentions { totalCount nodes { id } } } } }";
    let none = json!({ "totalCount": 0, "nodes": [] });
    let expected = json!({ "teams": { "nodes": [{ "members": none }] },
        "prospectNotes": { "nodes": [{ "mentions": none }] } });
    assert_eq!(ask(&app, app.organization, members).await, expected);
    let teams = "{ memberships { nodes { teams { totalCount nodes { id } } } } }";
    let expected = json!({ "memberships": { "nodes": [{ "teams": none }] } });
    assert_eq!(ask(&app, stranger, teams).await, expected);
    // Every relation over a join table is covered above.
    let pairs = catalog::entities()
        .iter()
        .flat_map(|entity| &entity.fields)
        .filter(|field| {
            matches!(
                field.gives,
                FieldKind::Many { link: graph::declaration::LinkName::JoinTable(..), .. }
            )
        })
        .count();
    assert_eq!(pairs, 9);
}

async fn schema_version_is_scoped_to_the_organization(app: App) {
    use sea_orm::ConnectionTrait;
    let stranger = app.organization("stranger").await;
    let sql = format!("INSERT INTO alembic_version VALUES ({stranger}, 'abc123')");
    app.db.execute_unprepared(&sql).await.unwrap();
    assert_eq!(app.data("{ schemaVersion }").await["schemaVersion"], json!(null));
    assert_eq!(ask(&app, stranger, "{ schemaVersion }").await["schemaVersion"], "abc123");
}
