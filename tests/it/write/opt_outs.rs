//! Opt-outs, which apply to an e-mail address rather than to a row.

use sea_orm::{ConnectionTrait, Statement};
use tests::{App, behaviours, stored::dump};

use crate::imports::{commit, preview};

behaviours![
    opt_out_survives_deletion_of_its_row,
    opt_out_covers_all_addresses_of_merged_prospects,
    resubscribing_removes_the_opt_out,
    opt_out_column_is_imported,
    undo_keeps_opt_outs,
    opt_out_is_stored_as_a_hash_per_organization,
    existing_rows_get_comparison_keys_and_opt_outs,
];

async fn done(app: &App, mutation: &str) {
    app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
}

async fn company(app: &App) {
    let industry = app.industry("Logistics").await;
    app.company("Acme", industry).await;
}

async fn prospect(app: &App, name: &str, email: &str) {
    done(
        app,
        &format!(
            r#"createProspect(input: {{ fullName: "{name}", email: "{email}", companyId: 1 }})"#
        ),
    )
    .await;
}

/// The e-mail addresses of unsubscribed prospects.
async fn opted_out(app: &App) -> Vec<String> {
    let query = "{ prospects(first: 50) { nodes { email unsubscribedAt } } }";
    let people = app.data(query).await["prospects"]["nodes"].as_array().unwrap().clone();
    let out = people.iter().filter(|person| person["unsubscribedAt"].is_string());
    out.map(|person| person["email"].as_str().unwrap().to_owned()).collect()
}

async fn opt_out_survives_deletion_of_its_row(app: App) {
    company(&app).await;
    for (number, end) in ["deleteProspect", "eraseProspect"].into_iter().enumerate() {
        let email = format!("opt{number}@er.example");
        prospect(&app, "Opt Outer", &email).await;
        let people = app.data("{ prospects(first: 50) { nodes { id } } }").await;
        let id = people["prospects"]["nodes"].as_array().unwrap().last().unwrap()["id"].clone();
        done(&app, &format!("unsubscribeProspect(input: {{ id: {id} }})")).await;
        done(&app, &format!("{end}(input: {{ id: {id} }})")).await;
        // Adds the address again: by an import, by a create mutation, and by an update of another row.
        let list = format!("Name,Email,Company\nOpt Outer,OPT{number}@er.example,Acme\n");
        let job = preview(&app, &list).await;
        commit(&app, job, "CREATE").await;
        assert!(opted_out(&app).await.contains(&email), "{end}");
    }
    prospect(&app, "New", "new@er.example").await;
    let people = app.data("{ prospects(first: 50, filter: { email: { eq: \"new@er.example\" } }) { nodes { id } } }").await;
    let id = people["prospects"]["nodes"][0]["id"].clone();
    let first = app.data("{ prospects(first: 50) { nodes { id } } }").await["prospects"]["nodes"]
        [0]["id"]
        .clone();
    done(&app, &format!("deleteProspect(input: {{ id: {first} }})")).await;
    done(
        &app,
        &format!(r#"updateProspect(input: {{ id: {id}, patch: {{ email: "Opt0@er.example" }} }})"#),
    )
    .await;
    assert!(opted_out(&app).await.contains(&"Opt0@er.example".to_owned()));
    done(&app, &format!("deleteProspect(input: {{ id: {id} }})")).await;
    let upsert = r#"mutation { upsertProspects(input: { prospects: [{ fullName: "A", email: "opt0@ER.example", companyId: 1 }, { fullName: "B", email: "b@er.example", companyId: 1 }] }) { createdCount userErrors { message } } }"#;
    assert_eq!(app.done(upsert).await["createdCount"], 2);
    assert_eq!(opted_out(&app).await, ["opt1@er.example", "opt0@ER.example"]);
}

async fn opt_out_covers_all_addresses_of_merged_prospects(app: App) {
    company(&app).await;
    for (keep_is_out, out) in [(false, 2), (true, 1)] {
        let tag = if keep_is_out { "k" } else { "d" };
        let (keep, drop) = (format!("keep-{tag}@m.example"), format!("drop-{tag}@m.example"));
        prospect(&app, "Keep Me", &keep).await;
        prospect(&app, "Drop Me", &drop).await;
        let query = "{ prospects(first: 50) { nodes { databaseId: id email } } }";
        let people = app.data(query).await["prospects"]["nodes"].as_array().unwrap().clone();
        let id = |email: &str| {
            people.iter().find(|one| one["email"] == *email).unwrap()["databaseId"].clone()
        };
        let who = if out == 1 { id(&keep) } else { id(&drop) };
        done(&app, &format!("unsubscribeProspect(input: {{ id: {who} }})")).await;
        done(
            &app,
            &format!("mergeProspects(input: {{ keepId: {}, dropId: {} }})", id(&keep), id(&drop)),
        )
        .await;
        assert_eq!(opted_out(&app).await, std::slice::from_ref(&keep));
        done(&app, &format!("deleteProspect(input: {{ id: {} }})", id(&keep))).await;
        let list = format!("Name,Email,Company\nKeep Me,{keep},Acme\nDrop Me,{drop},Acme\n");
        let job = preview(&app, &list).await;
        commit(&app, job, "CREATE").await;
        assert_eq!(opted_out(&app).await, [keep.clone(), drop.clone()], "{tag}");
        for email in [keep, drop] {
            let people = app.data(query).await["prospects"]["nodes"].as_array().unwrap().clone();
            let id =
                people.iter().find(|one| one["email"] == *email).unwrap()["databaseId"].clone();
            done(&app, &format!("deleteProspect(input: {{ id: {id} }})")).await;
        }
    }
}

async fn resubscribing_removes_the_opt_out(app: App) {
    company(&app).await;
    prospect(&app, "Ada", "ada@o.example").await;
    done(&app, "unsubscribeProspect(input: { id: 1 })").await;
    done(&app, "resubscribeProspect(input: { id: 1 })").await;
    done(&app, "deleteProspect(input: { id: 1 })").await;
    prospect(&app, "Ada", "ada@o.example").await;
    assert!(opted_out(&app).await.is_empty());
}

async fn opt_out_column_is_imported(app: App) {
    company(&app).await;
    prospect(&app, "Known One", "known@o.example").await;
    let list = "Name,Email Opt Out,Email,Company\n\
        Op T,true,opt@opt.example,Opt\n\
        No Op,false,no@opt.example,Opt\n\
        No Cell,,cell@opt.example,Opt\n\
        Known One,1,known@o.example,Acme\n";
    let job = preview(&app, list).await;
    let query =
        format!("{{ importJob(id: {job}) {{ importRecords {{ nodes {{ verdict reason }} }} }} }}");
    let rows = app.data(&query).await["importJob"]["importRecords"]["nodes"].clone();
    assert_eq!(
        rows,
        serde_json::json!([
            { "verdict": "CREATE", "reason": "opted out of messages" },
            { "verdict": "CREATE", "reason": null },
            { "verdict": "CREATE", "reason": null },
            { "verdict": "UPDATE", "reason": "fills in opt-out" },
        ])
    );
    commit(&app, job, "CREATE").await;
    assert_eq!(opted_out(&app).await, ["known@o.example", "opt@opt.example"]);
    for header in [
        "Abgemeldet",
        "Do Not Contact",
        "HasOptedOutOfEmail",
        "Unsubscribed from all email",
        "Désinscrit",
    ] {
        let email = format!("x{}@o.example", header.len());
        let list = format!("Name,{header},Email,Company\nX Y,yes,{email},Acme\n");
        let job = preview(&app, &list).await;
        commit(&app, job, "CREATE").await;
        assert!(opted_out(&app).await.contains(&email), "{header}");
    }
}

async fn undo_keeps_opt_outs(app: App) {
    company(&app).await;
    prospect(&app, "Known One", "known@o.example").await;
    let list = "Name,Unsubscribed,Email,Company,Title\nKnown One,yes,known@o.example,Acme,CTO\nNew One,yes,new@o.example,Acme,\n";
    let job = preview(&app, list).await;
    commit(&app, job, "CREATE").await;
    crate::imports::act(&app, "undoImportJob", job).await;
    let people = app.data("{ prospects { nodes { email jobTitle } } }").await;
    assert_eq!(
        people["prospects"]["nodes"],
        serde_json::json!([{ "email": "known@o.example", "jobTitle": null }])
    );
    assert_eq!(opted_out(&app).await, ["known@o.example"]);
    prospect(&app, "New One", "new@o.example").await;
    assert_eq!(opted_out(&app).await, ["known@o.example", "new@o.example"]);
}

async fn opt_out_is_stored_as_a_hash_per_organization(app: App) {
    company(&app).await;
    prospect(&app, "Ada", "secret.address@o.example").await;
    done(&app, "unsubscribeProspect(input: { id: 1 })").await;
    done(&app, "eraseProspect(input: { id: 1 })").await;
    assert!(!dump(&app).await.contains("secret.address"));
    let backend = app.db.get_database_backend();
    let sql = "SELECT organization_id, address_hash FROM opt_outs";
    let rows = app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let hash: String = rows[0].try_get_by_index(1).unwrap();
    assert_eq!((rows.len(), hash.len()), (1, 64));
    // Another organization has a different hash secret and no opt-out.
    let other = app.organization("other").await;
    let industry = app.industry_of(other, "Logistics").await;
    let create = format!(
        r#"mutation {{ createCompany(input: {{ name: "A", size: "1", industryId: {industry} }}) {{ company {{ id }} userErrors {{ message }} }} }}"#
    );
    let company = app.answer_to(other, &create, serde_json::json!({})).await;
    let company = company["data"]["createCompany"]["company"]["id"].clone();
    let create = format!(
        r#"mutation {{ createProspect(input: {{ fullName: "Ada", email: "secret.address@o.example", companyId: {company} }}) {{ prospect {{ unsubscribedAt }} userErrors {{ message }} }} }}"#
    );
    let created = app.answer_to(other, &create, serde_json::json!({})).await;
    assert_eq!(
        created["data"]["createProspect"]["prospect"],
        serde_json::json!({ "unsubscribedAt": null }),
        "{created}"
    );
}

async fn existing_rows_get_comparison_keys_and_opt_outs(app: App) {
    company(&app).await;
    prospect(&app, "Ada", "ada@o.example").await;
    prospect(&app, "Bob", "BOB@o.example").await;
    // Rows as written by an earlier version or another program.
    for sql in [
        "UPDATE prospects SET email_key = NULL, phone = '+49 30 12345678', unsubscribed_at = created_at WHERE id = 2",
        "UPDATE prospects SET email = 'Ada@O.example', email_key = NULL WHERE id = 1",
        "INSERT INTO prospects (organization_id, full_name, email, company_id, is_active, revision, lifecycle_stage, created_at, updated_at) \
         SELECT organization_id, 'Ada Twin', 'ADA@o.example', company_id, is_active, 1, lifecycle_stage, created_at, updated_at FROM prospects WHERE id = 1",
        "DELETE FROM comparison_progress WHERE table_name = 'prospects'",
    ] {
        app.db.execute_unprepared(sql).await.unwrap();
    }
    service::operations::migrate(&app.store).await.unwrap();
    let shown = app.data("{ prospects { nodes { email phone revision duplicateOfId } } }").await;
    assert_eq!(
        shown["prospects"]["nodes"],
        serde_json::json!([
            { "email": "Ada@O.example", "phone": null, "revision": 1, "duplicateOfId": null },
            { "email": "BOB@o.example", "phone": "+49 30 12345678", "revision": 1, "duplicateOfId": null },
            { "email": "ADA@o.example", "phone": null, "revision": 1, "duplicateOfId": "Prospect:1" },
        ])
    );
    let same = service::operations::duplicates::duplicates(&app.store).await.unwrap();
    assert_eq!(same.len(), 1);
    assert_eq!(
        (same[0].table, same[0].column, same[0].rows.as_slice()),
        ("prospects", "email", &[1, 3][..])
    );
    done(&app, "deleteProspect(input: { id: 2 })").await;
    prospect(&app, "Bob", "bob@o.example").await;
    assert_eq!(opted_out(&app).await, ["bob@o.example"]);
}
