//! Matching of rows as found in real files: one test for each class of matching error reported by users of comparable
//! products.

use tests::{App, behaviours};

use super::{commit, people, preview, sentences};

behaviours![
    merged_prospect_matches_its_merge_target,
    imports_match_values_written_by_the_api,
    ordinary_words_are_not_legal_forms,
    role_mailbox_does_not_identify_a_person,
    people_with_one_role_mailbox_can_be_created,
    social_network_pages_do_not_identify_a_company,
    subdomains_match_their_company,
    international_addresses_are_compared_in_normalized_form,
];

async fn done(app: &App, mutation: &str) -> serde_json::Value {
    app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await
}

async fn acme(app: &App) {
    let industry = app.industry("Logistics").await;
    done(app, &format!(r#"createCompany(input: {{ name: "Acme", size: "1", industryId: {industry}, website: "https://acme.example" }})"#)).await;
}

async fn prospect(app: &App, name: &str, email: &str, more: &str) {
    done(app, &format!(r#"createProspect(input: {{ fullName: "{name}", email: "{email}", companyId: 1 {more} }})"#)).await;
}

async fn merged_prospect_matches_its_merge_target(app: App) {
    acme(&app).await;
    prospect(&app, "Keep Two", "keep2@mg.example", "").await;
    prospect(
        &app,
        "Drop Two",
        "drop2@mg.example",
        r#", phone: "+493012345678", linkedinUrl: "https://www.linkedin.com/in/drop-two""#,
    )
    .await;
    prospect(&app, "Other", "other@mg.example", "").await;
    done(&app, "mergeProspects(input: { keepId: 1, dropId: 2 })").await;
    // A second merge forms a chain of two merges.
    done(&app, "mergeProspects(input: { keepId: 3, dropId: 1 })").await;
    let list = "Name,Email,LinkedIn,Phone,Title,Company\n\
        Drop Two,DROP2@mg.example,,,CTO,Mg\n\
        Somebody Else,new@mg.example,linkedin.com/in/drop-two,,,Mg\n\
        Keep Two,,,+49 30 12345678,,Mg\n";
    let job = preview(&app, list).await;
    let told = sentences(&app, job).await;
    assert_eq!(told[0], "UPDATE NONE by email: fills in job_title");
    assert!(told[1].contains("by linkedin_url"), "{told:?}");
    assert!(!told[2].starts_with("CREATE"), "{told:?}");
    commit(&app, job, "SKIP").await;
    assert_eq!(people(&app).await.len(), 1);
    let upsert = r#"mutation { upsertProspects(input: { prospects: [{ fullName: "Drop Two", email: "Drop2@MG.example", companyId: 1 }] }) {
        createdCount updatedCount userErrors { message } } }"#;
    let upserted = app.done(upsert).await;
    assert_eq!((&upserted["createdCount"], &upserted["updatedCount"]), (&0.into(), &1.into()));
    let create = r#"mutation { createProspect(input: { fullName: "Drop", email: "drop2@mg.example", companyId: 1 }) {
        prospect { id } userErrors { code field message } } }"#;
    assert_eq!(
        app.refused(create).await,
        ["CONFLICT email: there is already a prospect with this email: Prospect:1"]
    );
    // The email of a deleted prospect can be reused.
    done(&app, "deleteProspect(input: { id: 1 })").await;
    app.done(create).await;
}

async fn imports_match_values_written_by_the_api(app: App) {
    acme(&app).await;
    prospect(
        &app,
        "Li One",
        "li1@acme.example",
        r#", linkedinUrl: "http://de.linkedin.com/in/li-one?trk=x""#,
    )
    .await;
    prospect(&app, "Ph Two", "ph2@acme.example", r#", phone: " +49 30 98765432 ""#).await;
    prospect(&app, "Nn Three", "nn3@acme.example", r#", phone: "030 4444444", jobTitle: " ""#)
        .await;
    let written = app.data("{ prospects { nodes { phone linkedinUrl jobTitle } } }").await;
    assert_eq!(
        written["prospects"]["nodes"],
        serde_json::json!([
            { "phone": null, "linkedinUrl": "https://www.linkedin.com/in/li-one", "jobTitle": null },
            { "phone": "+493098765432", "linkedinUrl": null, "jobTitle": null },
            { "phone": "030 4444444", "linkedinUrl": null, "jobTitle": null },
        ])
    );
    let list = "Name,Email,LinkedIn,Phone,Company\n\
        Li One,other@li.example,https://www.linkedin.com/in/li-one,,Li\n\
        Ph Two,other@ph.example,,+49 30 98765432,Ph\n";
    let job = preview(&app, list).await;
    let told = sentences(&app, job).await;
    assert!(told[0].starts_with("SKIP MATCHED by linkedin_url"), "{told:?}");
    assert!(told[1].starts_with("SKIP MATCHED by phone"), "{told:?}");
    for (field, value, message) in [
        (
            "phone",
            "abc",
            "must be a phone number, preferably with a country code, such as +493012345678",
        ),
        (
            "linkedinUrl",
            "https://acme.example",
            "must be a LinkedIn profile, such as https://www.linkedin.com/in/ada",
        ),
        (
            "linkedinUrl",
            "https://www.linkedin.com/company/acme",
            "must be a LinkedIn profile, such as https://www.linkedin.com/in/ada",
        ),
        ("jobTitle", "C\\nTO", "must be a single line without control characters"),
        ("fullName", "\u{a0}\u{200b} ", "must not be empty"),
        ("email", "\\\"a b\\\"@x.example", "must be an e-mail address, such as ada@acme.example"),
    ] {
        let update = format!(
            r#"mutation {{ updateProspect(input: {{ id: 1, patch: {{ {field}: "{value}" }} }}) {{ userErrors {{ code field message }} }} }}"#
        );
        assert_eq!(app.refused(&update).await, [format!("INVALID patch.{field}: {message}")]);
    }
    // The empty string is stored as null.
    let nobody =
        app.data("{ prospects(filter: { phone: { isNull: true } }) { totalCount } }").await;
    done(&app, r#"updateProspect(input: { id: 3, patch: { phone: "" } })"#).await;
    let empty = app.data("{ prospects(filter: { phone: { isNull: true } }) { totalCount } }").await;
    assert_eq!(
        (&nobody["prospects"]["totalCount"], &empty["prospects"]["totalCount"]),
        (&1.into(), &2.into())
    );
}

async fn ordinary_words_are_not_legal_forms(app: App) {
    let list = "Name,Email,Company\n\
        A A,a1@gmail.com,Day Spa\nB B,a2@gmail.com,Day\nC C,a3@gmail.com,Hot Co\nD D,a4@gmail.com,Hot\n\
        E E,a5@gmail.com,Green Spa\nF F,a6@gmail.com,Green AG\nG G,a7@gmail.com,Foo S.p.A.\nH H,a8@gmail.com,Foo\n\
        I I,a9@gmail.com,Müller Bau\nJ J,a0@gmail.com,Mueller Bau GmbH\n";
    let job = preview(&app, list).await;
    commit(&app, job, "SKIP").await;
    let companies = app.data("{ companies(first: 50) { nodes { name } } }").await;
    let names: Vec<_> = companies["companies"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|company| company["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["Day Spa", "Day", "Hot Co", "Hot", "Green Spa", "Green AG", "Foo S.p.A.", "Müller Bau"]
    );
}

async fn role_mailbox_does_not_identify_a_person(app: App) {
    acme(&app).await;
    prospect(&app, "Anna Berg", "info@shared-mb.example", "").await;
    prospect(&app, "Cleo Tal", "cleo@shared-mb.example", "").await;
    let list = "Name,Email,Company,Phone,Title\n\
        Bob Tal,info@shared-mb.example,Shared Mb,+49 30 77700001,CTO\n\
        A. Berg,info@shared-mb.example,Shared Mb,,CEO\n\
        Somebody New,cleo@shared-mb.example,Shared Mb,,CFO\n\
        Eve Ott,sales@shared-mb.example,Other Mb,,\n\
        Jon Orr,sales@shared-mb.example,Other Mb,,\n";
    let job = preview(&app, list).await;
    let told = sentences(&app, job).await;
    assert_eq!(
        told[0],
        "MERGE_CANDIDATE NONE: may be Prospect:1: same role mailbox, different name"
    );
    assert_eq!(told[1], "UPDATE NONE by email: fills in job_title");
    assert!(told[2].starts_with("UPDATE NONE by email"), "{told:?}");
    assert_eq!(told[3], "CREATE NONE");
    assert!(
        told[4].starts_with("MERGE_CANDIDATE NONE: may be the person in row 4 (line 5)"),
        "{told:?}"
    );
    commit(&app, job, "WAIT").await;
    assert_eq!(people(&app).await[0], "Anna Berg | info@shared-mb.example | - | CEO | Acme");
}

/// The second person with an address is marked as a duplicate, because addresses are unique.
async fn people_with_one_role_mailbox_can_be_created(app: App) {
    acme(&app).await;
    prospect(&app, "Anna Berg", "info@shared-mb.example", "").await;
    let list = "Name,Email,Company\n\
        Bob Tal,Info@shared-mb.example,Shared Mb\n\
        Eve Ott,sales@shared-mb.example,Other Mb\n\
        Jon Orr,SALES@shared-mb.example,Other Mb\n";
    let job = preview(&app, list).await;
    commit(&app, job, "CREATE").await;
    let query = "{ prospects(first: 9) { nodes { fullName duplicateOf { fullName } } } }";
    let data = app.data(query).await;
    let told: Vec<_> = data["prospects"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["fullName"].clone(), row["duplicateOf"]["fullName"].clone()))
        .collect();
    let none = serde_json::Value::Null;
    assert_eq!(
        told,
        [
            ("Anna Berg".into(), none.clone()),
            ("Bob Tal".into(), "Anna Berg".into()),
            ("Eve Ott".into(), none),
            ("Jon Orr".into(), "Eve Ott".into()),
        ]
    );
    let job = app.data("{ importJobs { nodes { status failedRecords } } }").await;
    assert_eq!(
        job["importJobs"]["nodes"][0],
        serde_json::json!({ "status": "COMPLETED", "failedRecords": 0 })
    );
}

async fn social_network_pages_do_not_identify_a_company(app: App) {
    let industry = app.industry("Food").await;
    let upsert = |companies: &[(&str, &str)]| {
        let companies: Vec<_> = companies
            .iter()
            .map(|(name, website)| format!(r#"{{ name: "{name}", size: "1", industryId: {industry}, website: "{website}" }}"#))
            .collect();
        format!(
            "mutation {{ upsertCompanies(input: {{ companies: [{}] }}) {{ createdCount updatedCount userErrors {{ message }} }} }}",
            companies.join(", ")
        )
    };
    let two = [
        ("Pizza Roma", "https://www.instagram.com/pizzaroma"),
        ("Barber Jim", "https://www.instagram.com/barberjim"),
    ];
    for (created, updated) in [(2, 0), (0, 2)] {
        let done = app.done(&upsert(&two)).await;
        assert_eq!(
            (&done["createdCount"], &done["updatedCount"]),
            (&created.into(), &updated.into())
        );
    }
    for (name, website) in [
        ("Cafe Uno", "https://facebook.com/cafeuno"),
        ("Cafe Due", "https://www.facebook.com/cafedue"),
        ("Firm A", "https://www.linkedin.com/company/a"),
        ("Firm B", "https://www.linkedin.com/company/b"),
    ] {
        done(&app, &format!(r#"createCompany(input: {{ name: "{name}", size: "1", industryId: {industry}, website: "{website}" }})"#)).await;
    }
    let list = "Name,Email,Company,Website\n\
        Ye A,ya@yelpa.example,Pizza Napoli,https://www.yelp.com/biz/pizza-napoli\n\
        Ye B,yb@yelpb.example,Barber Joe,https://www.yelp.com/biz/barber-joe\n";
    let job = preview(&app, list).await;
    commit(&app, job, "CREATE").await;
    let companies = app.data("{ companies(first: 50) { nodes { name domain website } } }").await;
    let companies = companies["companies"]["nodes"].as_array().unwrap().clone();
    assert_eq!(companies.len(), 8);
    assert!(
        companies
            .iter()
            .all(|company| company["domain"].is_null() && company["website"].is_string()),
        "{companies:?}"
    );
    let people = people(&app).await;
    assert!(
        people[0].ends_with("| Pizza Napoli") && people[1].ends_with("| Barber Joe"),
        "{people:?}"
    );
}

async fn subdomains_match_their_company(app: App) {
    acme(&app).await;
    let list = "Name,Email,Company\n\
        A A,a@mail.acme.example,\nB B,b@foxmail.com,\nC C,c@orange.com,\nD D,d@mail.orange.com,\n";
    let job = preview(&app, list).await;
    let told = sentences(&app, job).await;
    assert!(
        told[1].starts_with("ERROR") && told[1].ends_with("the row has no company"),
        "{told:?}"
    );
    commit(&app, job, "CREATE").await;
    assert_eq!(
        people(&app).await,
        [
            "A A | a@mail.acme.example | - | - | Acme",
            "C C | c@orange.com | - | - | orange.com",
            "D D | d@mail.orange.com | - | - | orange.com",
        ]
    );
}

async fn international_addresses_are_compared_in_normalized_form(app: App) {
    acme(&app).await;
    prospect(&app, "Änne Ol", "ÄNNE@ol.example", "").await;
    prospect(&app, "User Ex", "user@exämple.de", "").await;
    let list = "Name,Email,Company\n\
        Änne Ol,änne@ol.example,Ol\n\
        Änne Ol,a\u{308}nne@ol.example,Ol\n\
        User Ex,user@xn--exmple-cua.de,Ex\n";
    let job = preview(&app, list).await;
    for row in sentences(&app, job).await {
        assert!(row.starts_with("SKIP MATCHED by email"), "{row}");
    }
    let taken = app
        .refused(r#"mutation { createProspect(input: { fullName: "A", email: "änne@OL.example", companyId: 1 }) { prospect { id } userErrors { code field message } } }"#)
        .await;
    assert_eq!(taken, ["CONFLICT email: there is already a prospect with this email: Prospect:1"]);
    done(
        &app,
        r#"createProspect(input: { fullName: "Zoë", email: "zoe\u0308@u.example", companyId: 1 })"#,
    )
    .await;
    for name in ["Trim Ind", "Trim\u{a0} Ind "] {
        let create = format!(
            r#"mutation {{ createIndustry(input: {{ name: "{name}" }}) {{ industry {{ id }} userErrors {{ code field message }} }} }}"#
        );
        if name == "Trim Ind" {
            app.done(&create).await;
        } else {
            let taken = app.refused(&create).await;
            assert_eq!(
                taken,
                ["CONFLICT name: there is already an industry with this name: Industry:2"]
            );
        }
    }
}
