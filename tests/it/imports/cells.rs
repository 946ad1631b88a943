//! Parsing of cells as found in real files: one test for each class of parsing error reported by users of comparable
//! products.

use service::imports::Options;
use tests::{App, behaviours};

use super::{commit, look_as, people, preview, sentences};

behaviours![
    salutations_are_not_job_titles,
    street_addresses_are_not_locations,
    first_of_several_values_in_a_cell_is_used,
    address_book_exports_are_parsed,
    placeholders_are_treated_as_empty_cells,
    phone_numbers_of_unknown_countries_are_dropped,
    email_addresses_with_inner_spaces_are_rejected,
];

async fn done(app: &App, mutation: &str) -> serde_json::Value {
    app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await
}

async fn salutations_are_not_job_titles(app: App) {
    for (list, jobs) in [
        (
            "Title,First Name,Last Name,Email,Company,Job Title\nDr.,Ada,One,a1@x.example,X,\nMs.,Ada,Two,a2@x.example,X,CTO\n",
            ["-", "CTO"],
        ),
        (
            "Title,First Name,Last Name,Email,Company\nMr.,Ada,Three,a3@x.example,X\nCEO,Ada,Four,a4@x.example,X\n",
            ["-", "CEO"],
        ),
        (
            "Titel,Vorname,Nachname,E-Mail,Firma,Position\nProf. Dr.,Ada,Five,a5@x.example,X,Leitung\n,Ada,Six,a6@x.example,X,\n",
            ["Leitung", "-"],
        ),
    ] {
        let before = people(&app).await.len();
        let job = preview(&app, list).await;
        commit(&app, job, "CREATE").await;
        for (person, job) in people(&app).await[before..].iter().zip(jobs) {
            assert_eq!(person.split(" | ").nth(3), Some(job), "{person}");
        }
    }
}

async fn street_addresses_are_not_locations(app: App) {
    for list in [
        "Name,Email,Company,Address,City,Country\nAd R,adr@adr.example,Adr,Hauptstr. 1,Bonn,Germany\n",
        "Name,Email,Company,Location\nAd S,ads@adr.example,Adr,Bonn\n",
        "Name,Email Address,Company,REGION,CC,GMTOFF\nAd T,adt@adr.example,Adr,NW,DE,1\n",
    ] {
        let job = preview(&app, list).await;
        commit(&app, job, "CREATE").await;
    }
    assert_eq!(locations(&app).await, ["Bonn, Germany", "Bonn", "-"]);
}

async fn first_of_several_values_in_a_cell_is_used(app: App) {
    let list = "Name,Email,Company,Phone\n\
        A A,a@x.example ::: b@x.example,Probe GmbH;Zweite AG,+49 30 12345608 ::: +49 171 1234568\n\
        B B,c@x.example,Probe,+49 30 123456 DW 12\n";
    let job = preview(&app, list).await;
    assert_eq!(
        sentences(&app, job).await,
        [
            "CREATE NONE: further companies were omitted: 1; further e-mail addresses were omitted: 1; further phone numbers were omitted: 1",
            "CREATE NONE: the extension 12 of the phone number was omitted",
        ]
    );
    commit(&app, job, "CREATE").await;
    assert_eq!(
        people(&app).await,
        [
            "A A | a@x.example | +493012345608 | - | Probe GmbH",
            "B B | c@x.example | +4930123456 | - | Probe GmbH",
        ]
    );
}

async fn address_book_exports_are_parsed(app: App) {
    for list in [
        "First Name,Last Name,E-mail 1 - Value,Phone 1 - Value,Organization Name,Organization Title\nG,One,g1@x.example,+49 30 12345611,X,CTO\n",
        "Given Name,Family Name,E-mail 1 - Value,Phone 1 - Value,Organization 1 - Name,Organization 1 - Title\nG,Two,g2@x.example,+49 30 12345612,X,CTO\n",
        "Title,First Name,Last Name,Company,Job Title,E-mail Address,E-mail 2 Address,Primary Phone,Business City,Business Country/Region,Web Page\n,O,Three,X,CTO,,g3@x.example,+49 30 12345613,,,\n",
        "Person - Name,Person - E-mail - Work,Person - Phone - Other,Organization - Name,Person - Title,Person - LinkedIn Page\nP Four,g4@x.example,+49 30 12345614,X,CTO,\n",
        "Vorname,Name,E-Mail geschäftlich,Telefon geschäftlich,Firma,Funktion\nO,Five,g5@x.example,+49 30 12345615,X,CTO\n",
        "Prénom,Nom,Adresse e-mail,Téléphone,Société,Fonction\nF,Six,g6@x.example,+49 30 12345616,X,CTO\n",
        "Nombre,Apellidos,Correo electrónico,Teléfono móvil,Empresa,Cargo\nS,Seven,g7@x.example,+49 30 12345617,X,CTO\n",
        "Nome,Cognome,Indirizzo e-mail,Cellulare,Azienda,Qualifica\nI,Eight,g8@x.example,+49 30 12345618,X,CTO\n",
        "Voornaam,Achternaam,E-mailadres,Telefoonnummer,Bedrijfsnaam,Functie\nN,Nine,g9@x.example,+49 30 12345619,X,CTO\n",
    ] {
        let before = people(&app).await.len();
        let job = preview(&app, list).await;
        commit(&app, job, "CREATE").await;
        let people = people(&app).await;
        assert_eq!(people.len(), before + 1, "{list}");
        let person = &people[before];
        let parts: Vec<_> = person.split(" | ").collect();
        assert!(parts[0].contains(' ') && parts[1].starts_with('g'), "{person}");
        assert!(parts[2].starts_with("+493012345"), "{person}");
        assert_eq!(parts[3..], ["CTO", "X"], "{list}");
    }
}

async fn placeholders_are_treated_as_empty_cells(app: App) {
    let industry = app.industry("Logistics").await;
    done(&app, &format!(r#"createCompany(input: {{ name: "Real Firm", size: "1", industryId: {industry}, website: "https://realfirm-na.example" }})"#)).await;
    let list = "Name,Email,Company,Title,City,Industry,LinkedIn\n\
        Na Real,na@realfirm-na.example,N/A,N/A,null,-,-\n\
        Na Other,na@otherfirm-na.example,#N/A,,,,\n\
        Max Null,max@realfirm-na.example,–,,,,\n";
    let job = preview(&app, list).await;
    commit(&app, job, "SKIP").await;
    assert_eq!(
        people(&app).await,
        [
            "Na Real | na@realfirm-na.example | - | - | Real Firm",
            "Na Other | na@otherfirm-na.example | - | - | otherfirm-na.example",
            "Max Null | max@realfirm-na.example | - | - | Real Firm",
        ]
    );
    let known = "Name,Email,Company,LinkedIn,Title\nNa Real,,Real Firm,https://www.linkedin.com/in/na-real,CTO\n";
    done(
        &app,
        r#"updateProspect(input: { id: 1, patch: { linkedinUrl: "linkedin.com/in/na-real" } })"#,
    )
    .await;
    for email in ["", "n/a", "-"] {
        let list = known.replace(",,", &format!(",{email},"));
        let job = preview(&app, &list).await;
        assert_eq!(sentences(&app, job).await, ["UPDATE NONE by linkedin_url: fills in job_title"]);
    }
}

async fn phone_numbers_of_unknown_countries_are_dropped(app: App) {
    let list = "Name,Email,Company,Phone,Country\n\
        A B,a@x.example,X,02/59 35 11 11,Slovakia\n\
        B C,b@x.example,X,(495) 123-45-67,Russia\n\
        C D,c@x.example,X,02 123 4567,ไทย\n\
        D E,d@x.example,X,091 123 4567,HRV\n\
        E F,e@x.example,X,091 123 4567,+385\n\
        F G,f@x.example,X,030 12345678,Atlantis\n\
        G H,g@x.example,X,+49 30 12345678,Atlantis\n\
        H I,h@x.example,X,030 12345678,\n";
    let options = Options { country: Some("DE".to_owned()), ..Options::default() };
    let job = look_as(&app, list, options).await;
    let told = sentences(&app, job).await;
    assert_eq!(
        told[5],
        "CREATE NONE: the country `Atlantis` is unknown; `030 12345678` can't be read as a phone number"
    );
    commit(&app, job, "SKIP").await;
    let phones: Vec<String> = people(&app)
        .await
        .iter()
        .map(|person| person.split(" | ").nth(2).unwrap().to_owned())
        .collect();
    assert_eq!(
        phones,
        [
            "+421259351111",
            "+74951234567",
            "+6621234567",
            "+385911234567",
            "+385911234567",
            "-",
            "+493012345678",
            "+493012345678",
        ]
    );
}

async fn email_addresses_with_inner_spaces_are_rejected(app: App) {
    let list = "Name,Email,Company\n\
        Max Muster,max muster@firma-sp.example,Firma Sp\n\
        Ida Muster,\"ida,muster@firma-sp.example\",Firma Sp\n\
        Ole Muster,ole;muster@firma-sp.example,Firma Sp\n\
        Eva Muster,eva .muster@firma-sp.example,Firma Sp\n\
        Jan Muster,Jan Muster jan@firma-sp.example,Firma Sp\n\
        Ann Muster,ann@firma-sp.example\u{200b},Firma Sp\n\
        Tom Muster,mailto:tom@firma-sp.example?subject=hi,Firma Sp\n";
    let job = preview(&app, list).await;
    let told = sentences(&app, job).await;
    for row in &told[..4] {
        assert!(row.starts_with("ERROR") && row.ends_with("is not an e-mail address"), "{row}");
    }
    assert_eq!(told[4..], ["CREATE NONE"; 3]);
    commit(&app, job, "SKIP").await;
    let people = people(&app).await;
    assert_eq!(people.len(), 3);
    for (person, email) in people.iter().zip(["jan@", "ann@", "tom@"]) {
        assert!(person.contains(&format!("{email}firma-sp.example |")), "{person}");
    }
}

async fn locations(app: &App) -> Vec<String> {
    let people = app.data("{ prospects(first: 100) { nodes { location } } }").await;
    let people = people["prospects"]["nodes"].as_array().unwrap().clone();
    people.iter().map(|one| one["location"].as_str().unwrap_or("-").to_owned()).collect()
}
