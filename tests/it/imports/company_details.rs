//! Country, number of employees, phone number and address of companies: in mutations, lists, search and imports.

use serde_json::json;
use tests::{App, behaviours};

use super::{commit, preview, sentences};

behaviours![
    companies_have_a_country_a_number_of_employees_a_phone_number_and_an_address,
    values_of_a_company_are_validated,
    companies_are_sorted_by_number_of_employees,
    companies_are_found_by_phone_number_and_address,
    imports_fill_in_the_details_of_new_companies,
    unreadable_details_of_a_company_are_omitted,
    details_of_a_company_can_be_corrected,
    phone_numbers_of_a_company_are_not_those_of_its_prospects,
];

const DETAILS: &str = "country employeeCount phone address size";

async fn industry(app: &App) -> String {
    let create = "mutation { createIndustry(input: { name: \"Software\" }) { industry { id } userErrors { message } } }";
    app.done(create).await["industry"]["id"].as_str().unwrap().to_owned()
}

async fn create(app: &App, industry: &str, name: &str, values: &str) -> serde_json::Value {
    let create = format!(
        "mutation {{ createCompany(input: {{ name: \"{name}\", industryId: \"{industry}\", size: \"x\"{values} }}) \
         {{ company {{ id {DETAILS} }} userErrors {{ field message reason }} }} }}"
    );
    app.data(&create).await["createCompany"].take()
}

async fn companies_have_a_country_a_number_of_employees_a_phone_number_and_an_address(app: App) {
    let industry = industry(&app).await;
    let values = ", country: \"Österreich\", employeeCount: 1250, phone: \"+43 1 5880 10\", address: \"Ring 1\\n1010 Wien\"";
    let created = create(&app, &industry, "Acme", values).await;
    assert_eq!(created["userErrors"], json!([]));
    let company = &created["company"];
    assert_eq!(company["country"], "AT");
    assert_eq!(company["employeeCount"], 1250);
    assert_eq!(company["phone"], "+431588010");
    assert_eq!(company["address"], "Ring 1\n1010 Wien");
    let id = company["id"].as_str().unwrap();
    let update = format!(
        "mutation {{ updateCompany(input: {{ id: \"{id}\", patch: {{ country: null, employeeCount: null }} }}) \
         {{ company {{ {DETAILS} }} userErrors {{ message }} }} }}"
    );
    let updated = app.done(&update).await["company"].take();
    assert_eq!(
        updated,
        json!({ "country": null, "employeeCount": null, "phone": "+431588010", "address": "Ring 1\n1010 Wien", "size": "x" })
    );
    let query = "{ companies(filter: { country: { isNull: true }, employeeCount: { isNull: true } }) { totalCount } }";
    assert_eq!(app.data(query).await["companies"]["totalCount"], 1);
}

async fn values_of_a_company_are_validated(app: App) {
    let industry = industry(&app).await;
    let address = format!("address: \"{}\"", "a".repeat(1_001));
    for (values, field, reason) in [
        ("country: \"Atlantis\"", "country", "COUNTRY_UNKNOWN"),
        ("employeeCount: -1", "employeeCount", "VALUE_OUT_OF_RANGE"),
        ("employeeCount: 100000001", "employeeCount", "VALUE_OUT_OF_RANGE"),
        ("phone: \"call me\"", "phone", "PHONE_INVALID"),
        (address.as_str(), "address", "TEXT_TOO_LONG"),
    ] {
        let created = create(&app, &industry, "Acme", &format!(", {values}")).await;
        assert_eq!(created["company"], json!(null), "{values}");
        assert_eq!(created["userErrors"][0]["field"], field, "{values}");
        assert_eq!(created["userErrors"][0]["reason"], reason, "{values}");
    }
}

async fn companies_are_sorted_by_number_of_employees(app: App) {
    let industry = industry(&app).await;
    for (name, count) in [("A", "100"), ("B", "null"), ("C", "9"), ("D", "2000")] {
        create(&app, &industry, name, &format!(", employeeCount: {count}")).await;
    }
    for (direction, names) in
        [("ASC", ["C", "A", "D", "B"]), ("DESC_NULLS_LAST", ["D", "A", "C", "B"])]
    {
        let query = format!(
            "{{ companies(orderBy: [{{ employeeCount: {direction} }}]) {{ nodes {{ name }} }} }}"
        );
        let expected: Vec<_> = names.iter().map(|name| json!({ "name": name })).collect();
        assert_eq!(app.data(&query).await["companies"]["nodes"], json!(expected), "{direction}");
    }
}

async fn companies_are_found_by_phone_number_and_address(app: App) {
    let industry = industry(&app).await;
    create(&app, &industry, "Acme", ", phone: \"+49 40 123456-0\", address: \"Hafenstraße 1\"")
        .await;
    create(&app, &industry, "Beta", "").await;
    for words in ["040 1234560", "+49401234560", "hafenstrasse"] {
        let query = format!(
            "{{ search(query: \"{words}\", types: [COMPANY]) {{ nodes {{ ... on Company {{ name }} }} }} }}"
        );
        let found = app.data(&query).await["search"]["nodes"].take();
        assert_eq!(found, json!([{ "name": "Acme" }]), "{words}");
    }
}

async fn imports_fill_in_the_details_of_new_companies(app: App) {
    let list = "Name,Email,Company Name,# Employees,Company Phone,Company Street,Company Postal Code,Company City,Company Country\n\
        Ada,ada@acme.example,Acme,\"1,250\",030 1234567,Ring 1,10115,Berlin,Germany\n\
        Bob,bob@beta.example,Beta,11-50,,,,,\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    let query = format!(
        "{{ companies {{ nodes {{ {DETAILS} }} }} prospects {{ nodes {{ location phone }} }} }}"
    );
    let data = app.data(&query).await;
    assert_eq!(
        data["companies"]["nodes"],
        json!([
            { "country": "DE", "employeeCount": 1250, "phone": "+49301234567", "address": "Ring 1, 10115, Berlin", "size": "1,250" },
            { "country": null, "employeeCount": null, "phone": null, "address": null, "size": "11-50" },
        ])
    );
    assert_eq!(
        data["prospects"]["nodes"],
        json!([{ "location": "Berlin, Germany", "phone": null }, { "location": null, "phone": null }])
    );
}

async fn unreadable_details_of_a_company_are_omitted(app: App) {
    let list = "Name,Email,Company,Employees,Company phone,Company country\n\
        Ada,ada@acme.example,Acme,200000000,call us,Atlantis\n";
    let job = preview(&app, list).await;
    let row = sentences(&app, job).await;
    let text = row.join("; ");
    for part in ["200000000", "call us", "Atlantis"] {
        assert!(text.contains(part), "{text}");
    }
    commit(&app, job, "WAIT").await;
    let query = format!("{{ companies {{ nodes {{ {DETAILS} }} }} }}");
    assert_eq!(
        app.data(&query).await["companies"]["nodes"],
        json!([{ "country": null, "employeeCount": null, "phone": null, "address": null, "size": "200000000" }])
    );
}

async fn details_of_a_company_can_be_corrected(app: App) {
    let job = preview(&app, "Name,Email,Company\nAda,ada@acme.example,Acme\n").await;
    let repair = |patch: &str| {
        format!(
            "mutation {{ repairImportRecord(input: {{ id: 1, patch: {{ {patch} }} }}) {{ importRecord {{ mappedData }} userErrors {{ message reason }} }} }}"
        )
    };
    let patch = "companyCountry: \"Schweiz\", employeeCount: 12, companyPhone: \"+41 44 668 18 00\", companyAddress: \"Bahnhofstrasse 1\"";
    let mapped = app.done(&repair(patch)).await["importRecord"]["mappedData"].take();
    assert_eq!(mapped["company_country"], "CH");
    assert_eq!(mapped["employee_count"], "12");
    assert_eq!(mapped["company_phone"], "+41446681800");
    let refused = app.data(&repair("companyCountry: \"Atlantis\"")).await;
    assert_eq!(refused["repairImportRecord"]["userErrors"][0]["reason"], "RECORD_INVALID");
    commit(&app, job, "WAIT").await;
    let query = format!("{{ companies {{ nodes {{ {DETAILS} }} }} }}");
    assert_eq!(
        app.data(&query).await["companies"]["nodes"],
        json!([{ "country": "CH", "employeeCount": 12, "phone": "+41446681800", "address": "Bahnhofstrasse 1", "size": "unknown" }])
    );
}

async fn phone_numbers_of_a_company_are_not_those_of_its_prospects(app: App) {
    let list = "Name,Email,Phone,Company,Corporate Phone\n\
        Ada,ada@acme.example,+493022222222,Acme,+493011111111\n\
        Bob,bob@acme.example,,Acme,+493011111111\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    let query = "{ prospects { nodes { phone company { phone } } } }";
    assert_eq!(
        app.data(query).await["prospects"]["nodes"],
        json!([
            { "phone": "+493022222222", "company": { "phone": "+493011111111" } },
            { "phone": null, "company": { "phone": "+493011111111" } },
        ])
    );
}
