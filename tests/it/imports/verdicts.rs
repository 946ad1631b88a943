//! Verdicts of a preview. A preview writes only the import job and its records.

use sea_orm::ConnectionTrait as _;
use serde_json::json;
use service::imports::Options;
use tests::{App, behaviours};

use super::{commit, counts, look_as, people, preview, sentences};

behaviours![
    reasons_have_codes_with_arguments,
    preview_stores_a_verdict_per_row,
    duplicates_within_a_file_are_detected,
    public_email_domains_do_not_identify_a_company,
    first_nonempty_column_of_a_field_is_used,
    invalid_rows_have_a_reason,
    phone_numbers_are_parsed_by_country,
    import_and_its_options_are_stored,
    preview_takes_few_statements,
    other_organizations_are_not_matched,
];

/// Three prospects at two companies.
async fn world(app: &App) {
    let industry = app.industry("Logistics").await;
    let acme = format!(
        r#"createCompany(input: {{ name: "Acme GmbH", size: "1", industryId: {industry}, website: "https://www.acme.example" }})"#
    );
    let beta =
        format!(r#"createCompany(input: {{ name: "Beta", size: "1", industryId: {industry} }})"#);
    for create in [
        acme,
        beta,
        r#"createProspect(input: { fullName: "Anna Schmidt", email: "anna@acme.example", phone: "+493012345678", jobTitle: "CEO", companyId: 1 })"#.to_owned(),
        r#"createProspect(input: { fullName: "Ben Meyer", email: "ben@acme.example", linkedinUrl: "http://linkedin.com/in/Ben-Meyer/", companyId: 1 })"#.to_owned(),
        r#"createProspect(input: { fullName: "Cleo Sánchez", email: "cleo@beta.example", phone: "+493087654321", companyId: 2 })"#.to_owned(),
    ] {
        app.done(&format!("mutation {{ {create} {{ userErrors {{ message }} }} }}")).await;
    }
}

async fn preview_stores_a_verdict_per_row(app: App) {
    world(&app).await;
    let before = people(&app).await;
    let list = "Name,Email,Phone,Title,LinkedIn,Company,Website\n\
        Dan New,dan@new.example,,,,New Ltd,new.example\n\
        Anna S.,ANNA@acme.example,,CEO,,,\n\
        A. Schmidt,Anna <anna@acme.example>,,,https://www.linkedin.com/in/anna-s,,\n\
        Ben M,b.meyer@private.example,,Buyer,https://de.linkedin.com/in/ben-meyer?x=1,,\n\
        Sánchez Cleo,,+49 30 87654321,CFO,,,\n\
        Clio Sanchez,,030 87654321,,,,\n\
        Zoe Other,zoe@beta.example,+49 30 87654321,,,Beta,\n\
        Ana Schmidt,ana@acme.example,,,,,\n\
        Schmidt Anna,as@gmail.com,,,,ACME,\n\
        Ben Meyer,ben2@gmail.com,,,,Gamma,\n";
    let options = Options { country: Some("de".to_owned()), ..Options::default() };
    let job = look_as(&app, list, options).await;
    assert_eq!(
        sentences(&app, job).await,
        [
            "CREATE NONE",
            "SKIP MATCHED by email: no new values",
            "UPDATE NONE by email: fills in linkedin_url",
            "UPDATE NONE by linkedin_url: fills in job_title",
            "UPDATE NONE by phone: fills in job_title",
            "MERGE_CANDIDATE NONE: may be Prospect:3: same phone number, similar name",
            "CREATE NONE",
            "MERGE_CANDIDATE NONE: may be Prospect:1: similar name at the same company, different e-mail address",
            "MERGE_CANDIDATE NONE: may be Prospect:1: same name at the same company, different e-mail address",
            "CREATE NONE",
        ]
    );
    assert_eq!(counts(&app, job).await, (vec![0, 0, 1, 0, 9], "PENDING".to_owned()));
    assert_eq!(people(&app).await, before);
    let query = "{ importRecords(filter: { verdict: { eq: MERGE_CANDIDATE } }) { totalCount nodes { recordIndex candidates candidateProspects { fullName } } } }";
    let rows = app.data(query).await["importRecords"].clone();
    assert_eq!(rows["totalCount"], 3);
    assert_eq!(
        rows["nodes"][1],
        json!({ "recordIndex": 7, "candidates": [{ "prospectId": 1, "score": 0.77,
            "reasons": ["similar name at the same company", "different e-mail address"] }],
            "candidateProspects": [{ "fullName": "Anna Schmidt" }] })
    );
}

async fn duplicates_within_a_file_are_detected(app: App) {
    world(&app).await;
    let list = "Name,Email,Phone,Company\n\
        Eve Adams,eve@delta.example,,Delta\n\
        Eve A.,EVE@delta.example,,Delta\n\
        Eve,eve@delta.example,+493011111111,Delta\n\
        Adams Eve,eve.adams@gmail.com,,Delta\n\
        Eve Adam,eva@delta.example,,Delta\n\
        Eve A.,eva@delta.example,+493022222222,\n\
        Frank Eve,frank@delta.example,,Delta\n\
        Anna Schmidt,anna@acme.example,,\n\
        Anna Schmidt,anna@acme.example,,\n";
    let job = preview(&app, list).await;
    assert_eq!(
        sentences(&app, job).await,
        [
            "CREATE NONE",
            "SKIP REJECTED: the same person as in row 1 (line 2)",
            "UPDATE NONE: the same person as in row 1 (line 2); fills in phone",
            "MERGE_CANDIDATE NONE: may be the person in row 1 (line 2): same name at the same company, different e-mail address",
            "MERGE_CANDIDATE NONE: may be the person in row 1 (line 2): similar name at the same company, different e-mail address",
            "MERGE_CANDIDATE NONE: may be the person in row 5 (line 6): same e-mail address or profile",
            "CREATE NONE",
            "SKIP MATCHED by email: no new values",
            "SKIP MATCHED by email: no new values",
        ]
    );
    let query = format!("{{ importJob(id: {job}) {{ duplicateRecords }} }}");
    assert_eq!(app.data(&query).await["importJob"]["duplicateRecords"], 4);
    commit(&app, job, "WAIT").await;
    let query = "{ importRecords(filter: { recordIndex: { eq: 3 } }) { nodes { candidateProspects { fullName } } } }";
    let candidates =
        app.data(query).await["importRecords"]["nodes"][0]["candidateProspects"].clone();
    assert_eq!(candidates, json!([{ "fullName": "Eve Adams" }]));
    // Rows with an undecided match candidate stay pending, as do other rows for the same person.
    assert_eq!(counts(&app, job).await, (vec![2, 1, 3, 0, 3], "COMPLETED".to_owned()));
    commit(&app, job, "MERGE").await;
    assert_eq!(counts(&app, job).await, (vec![2, 1, 6, 0, 0], "COMPLETED".to_owned()));
    let eve = "Eve Adams | eve@delta.example | +493011111111 | - | Delta";
    assert!(people(&app).await.contains(&eve.to_owned()), "{:#?}", people(&app).await);
}

async fn public_email_domains_do_not_identify_a_company(app: App) {
    let list = "Name,Email,Company,Website\n\
        Hans,hans@hotmail.de,Müller GmbH,\n\
        Eva,eva@hotmail.de,Schmidt AG,\n\
        Ina,ina@agency.example,Schmidt,\n\
        Uwe,uwe@mueller-bau.example,Müller Bau,\n\
        Ole,ole@x.example,Page,https://www.linkedin.com/company/page\n\
        Pia,pia@y.example,Side,linkedin.com/company/side\n";
    let job = preview(&app, list).await;
    commit(&app, job, "CREATE").await;
    let query = "{ prospects { nodes { fullName company { name domain } } } }";
    let data = app.data(query).await;
    let told: Vec<_> = data["prospects"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| {
            format!(
                "{} {} {}",
                person["fullName"], person["company"]["name"], person["company"]["domain"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        told,
        [
            "Hans Müller GmbH null",
            "Eva Schmidt AG null",
            "Ina Schmidt AG null",
            "Uwe Müller Bau mueller-bau.example",
            "Ole Page null",
            "Pia Side null"
        ]
    );
}

async fn first_nonempty_column_of_a_field_is_used(app: App) {
    let list = "First Name,Last Name,Name,Email,Phone,Mobile Phone\n\
        Ada,Lovelace,A. L.,\"ada@acme.example, ada@home.example\",,+493012345678\n\
        ,,Bob Byte,bob@acme.example,+493087654321,+493012345678\n";
    let job = preview(&app, list).await;
    commit(&app, job, "CREATE").await;
    assert_eq!(
        people(&app).await,
        [
            "Ada Lovelace | ada@acme.example | +493012345678 | - | acme.example",
            "Bob Byte | bob@acme.example | +493087654321 | - | acme.example"
        ]
    );
    let options = app.data("{ importJob(id: 1) { options } }").await;
    assert_eq!(
        options["importJob"]["options"]["mapping"]["phone"],
        json!(["Phone", "Mobile Phone"])
    );
}

async fn invalid_rows_have_a_reason(app: App) {
    let long = "x".repeat(256);
    let list = format!(
        "Name,Email,Phone,LinkedIn,Website,Title\n\
        ,ada@acme.example,,,,\n\
        Ada,not an address,,,,\n\
        Ada,,,,,\n\
        Ada,ada@gmail.com,,,,\n\
        {long},ada@acme.example,,,,\n\
        Ada,ada@acme.example,call me,https://www.linkedin.com/company/acme,none,{long}\n\
        Bob,bob@acme.example,,,,,more\n"
    );
    let job = preview(&app, &list).await;
    assert_eq!(
        sentences(&app, job).await,
        [
            "ERROR FAILED: the row has no name",
            "ERROR FAILED: `not an address` is not an e-mail address",
            "ERROR FAILED: the row has no e-mail address",
            "ERROR FAILED: the row has no company",
            "ERROR FAILED: `full_name` has more than 255 characters",
            "CREATE NONE: `call me` can't be read as a phone number; `https://www.linkedin.com/company/acme` is not a LinkedIn profile; `job_title` was omitted: it has more than 255 characters",
            "ERROR FAILED: the row has more cells than the header row (6)",
        ]
    );
    commit(&app, job, "WAIT").await;
    assert_eq!(counts(&app, job).await, (vec![1, 0, 0, 6, 0], "COMPLETED".to_owned()));
    assert_eq!(people(&app).await, ["Ada | ada@acme.example | - | - | acme.example"]);
}

async fn phone_numbers_are_parsed_by_country(app: App) {
    let list = "Name,Email,Phone\nAda,ada@acme.example,(030) 1234-5678\nBob,bob@acme.example,00 44 20 7946 0000\nCleo,cleo@acme.example,+49 (0)30 12345678\n";
    let by_row = "Name,Email,Phone,Mobile,Country\nAda,ada@acme.example,n/a,(617) 555-1234,United States\nBob,bob@acme.example,044 668 18 00,,Schweiz\n";
    let options = Options { country: Some("DE".to_owned()), ..Options::default() };
    let job = look_as(&app, by_row, options).await;
    let query = format!(
        "{{ importJob(id: {job}) {{ importRecords {{ nodes {{ mappedData reason }} }} }} }}"
    );
    let rows = app.data(&query).await["importJob"]["importRecords"]["nodes"].clone();
    for (row, phone) in [(0, "+16175551234"), (1, "+41446681800")] {
        assert_eq!(rows[row]["mappedData"]["phone"], phone);
        assert_eq!(rows[row]["reason"], json!(null));
    }
    let phones = async |country: Option<&str>| {
        let country = country.map(str::to_owned);
        let job = look_as(&app, list, Options { country, ..Options::default() }).await;
        let query =
            format!("{{ importJob(id: {job}) {{ importRecords {{ nodes {{ mappedData }} }} }} }}");
        let rows = app.data(&query).await["importJob"]["importRecords"]["nodes"].clone();
        let phones = rows.as_array().unwrap().iter();
        phones.map(|row| row["mappedData"]["phone"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(phones(Some("DE")).await, ["+493012345678", "+442079460000", "+493012345678"]);
    assert_eq!(phones(None).await, [json!(null), json!("+442079460000"), json!("+493012345678")]);
}

async fn import_and_its_options_are_stored(app: App) {
    let file =
        "Vorname;Nachname;E-Mail;Firma;Bemerkung\nJörg;Weiß;joerg@weiss.example;Weiß KG;alt\n";
    let options = Options {
        name: Some("Fair in May".to_owned()),
        file_name: "leads.csv".to_owned(),
        country: Some("DE".to_owned()),
        ..Options::default()
    };
    let job = look_as(&app, file, options).await;
    let query = format!(
        "{{ importJob(id: {job}) {{ name status fileName fileSize totalRecords processedRecords progressPercentage options committedBy \
         importRecords {{ nodes {{ recordIndex lineNumber originalData mappedData email }} }} }} }}"
    );
    assert_eq!(
        app.data(&query).await["importJob"],
        json!({ "name": "Fair in May", "status": "PENDING", "fileName": "leads.csv", "fileSize": file.len(),
            "totalRecords": 1, "processedRecords": 0, "progressPercentage": 0.0, "committedBy": null,
            "options": { "format": "CSV", "encoding": "UTF-8", "delimiter": ";", "country": "DE",
                "columns": ["Vorname", "Nachname", "E-Mail", "Firma", "Bemerkung"],
                "mapping": { "first_name": "Vorname", "last_name": "Nachname", "email": "E-Mail", "company": "Firma" } },
            "importRecords": { "nodes": [{ "recordIndex": 0, "lineNumber": 2, "email": "joerg@weiss.example",
                "originalData": { "Vorname": "Jörg", "Nachname": "Weiß", "E-Mail": "joerg@weiss.example", "Firma": "Weiß KG", "Bemerkung": "alt" },
                "mappedData": { "full_name": "Jörg Weiß", "first_name": "Jörg", "last_name": "Weiß", "email": "joerg@weiss.example", "phone": null, "job_title": null,
                    "linkedin_url": null, "location": null, "company": "Weiß KG", "website": null, "size": null, "industry": null } }] } })
    );
}

async fn preview_takes_few_statements(app: App) {
    world(&app).await;
    let row = |n: i32| format!("Person {n},p{n}@acme.example,+49 30 {:07},Acme\n", 1_000_000 + n);
    let list =
        |rows: i32| format!("Name,Email,Phone,Company\n{}", (0..rows).map(row).collect::<String>());
    let mut statements = Vec::new();
    for rows in [10, 500, 1_000] {
        let before = app.store.statements();
        preview(&app, &list(rows)).await;
        statements.push(app.store.statements() - before);
    }
    assert_eq!(
        statements[0], statements[1],
        "10 rows and 500 rows must take the same number of statements"
    );
    assert!(statements[2] <= statements[1] + 8, "{statements:?}");
}

async fn other_organizations_are_not_matched(app: App) {
    world(&app).await;
    let stranger = app.organization("stranger").await;
    let opened = service::imports::open(
        b"Name,Email,Company\nAnna Schmidt,anna@acme.example,Acme\n",
        Options::default(),
    );
    let looked = opened.unwrap().preview(&app.scope(stranger), &engine::progress::Unwatched).await;
    let verdicts = looked.unwrap().verdicts;
    assert_eq!(verdicts[0], ("create", 1));
    let own = app.data("{ importJobs { totalCount } importRecords { totalCount } }").await;
    assert_eq!(
        own,
        json!({ "importJobs": { "totalCount": 0 }, "importRecords": { "totalCount": 0 } })
    );
}

async fn reasons_have_codes_with_arguments(app: App) {
    let list = "Name,Email,Company\nAda,not an address,Acme\nBob,bob@acme.example,\n";
    let job = preview(&app, list).await;
    let query = format!(
        "{{ importJob(id: {job}) {{ error errors {{ code }} importRecords {{ nodes {{ reason reasons {{ code arguments message }} \
         lastError errors {{ code }} }} }} }} }}"
    );
    let data = app.data(&query).await;
    let rows = &data["importJob"]["importRecords"]["nodes"];
    let message = "`not an address` is not an e-mail address";
    assert_eq!(
        rows[0],
        json!({ "reason": message, "lastError": null, "errors": [], "reasons": [
            { "code": "EMAIL_UNREADABLE", "arguments": ["not an address"], "message": message }] })
    );
    assert_eq!(data["importJob"]["errors"], json!([]));
    // Messages stored by earlier versions: known messages are returned with their reason code, others as stored.
    app.db
        .execute_unprepared(
            "UPDATE import_records SET reason = 'there is no company', last_error = 'an old; sentence'",
        )
        .await
        .unwrap();
    app.db.execute_unprepared("UPDATE import_jobs SET error = 'of another system'").await.unwrap();
    let data = app.data(&query).await;
    let row = &data["importJob"]["importRecords"]["nodes"][0];
    assert_eq!(row["reasons"][0]["code"], "COMPANY_MISSING");
    assert_eq!(row["reason"], "the row has no company");
    assert_eq!(row["errors"], json!([{ "code": "LEGACY_TEXT" }]));
    assert_eq!(row["lastError"], "an old; sentence");
    assert_eq!(data["importJob"]["error"], "of another system");
}
