//! First and last names, which are copied from the source or derived from the full name.

use serde_json::json;
use tests::{App, behaviours};

use crate::imports::{commit, preview};

behaviours![
    imported_first_and_last_names_are_kept,
    new_full_name_resets_first_and_last_name,
    merge_keeps_first_and_last_name,
];

async fn greeting(app: &App, prospect: i64) -> String {
    let render = format!(
        "mutation {{ renderMessageTemplate(input: {{ id: 1, prospectId: {prospect} }}) {{ text userErrors {{ message }} }} }}"
    );
    app.done(&render).await["text"].as_str().unwrap().to_owned()
}

async fn template(app: &App) {
    let create = r#"mutation { createMessageTemplate(input: { name: "Hi", templateType: BODY, templateText: "{{first_name}}|{{last_name}}" }) { userErrors { message } } }"#;
    app.done(create).await;
}

async fn imported_first_and_last_names_are_kept(app: App) {
    app.industry("Unclassified").await;
    let list = "Vorname,Nachname,E-Mail,Firma\n\
                Dr. Ada Maria,King Lovelace,ada@acme.example,Acme\n\
                Anna-Lena,de la Cruz,lena@acme.example,Acme\n";
    let job = preview(&app, list).await;
    commit(&app, job, "WAIT").await;
    template(&app).await;
    let names = app.data("{ prospects { nodes { fullName firstName lastName } } }").await;
    assert_eq!(
        names["prospects"]["nodes"],
        json!([
            { "fullName": "Dr. Ada Maria King Lovelace", "firstName": "Dr. Ada Maria", "lastName": "King Lovelace" },
            { "fullName": "Anna-Lena de la Cruz", "firstName": "Anna-Lena", "lastName": "de la Cruz" },
        ])
    );
    assert_eq!(greeting(&app, 1).await, "Ada Maria|King Lovelace");
    assert_eq!(greeting(&app, 2).await, "Anna-Lena|de la Cruz");
}

async fn new_full_name_resets_first_and_last_name(app: App) {
    let industry = app.industry("Unclassified").await;
    let company = app.company("Acme", industry).await;
    app.prospect("Ada Lovelace", company).await;
    template(&app).await;
    let update = async |patch: &str| {
        app.done(&format!(
            "mutation {{ updateProspect(input: {{ id: 1, patch: {{ {patch} }} }}) {{ userErrors {{ message }} }} }}"
        ))
        .await;
        app.data("{ prospect(id: 1) { firstName lastName } }").await["prospect"].clone()
    };
    let known = json!({ "firstName": "Ada", "lastName": "King Lovelace" });
    assert_eq!(update(r#"firstName: "Ada", lastName: "King Lovelace""#).await, known);
    assert_eq!(greeting(&app, 1).await, "Ada|King Lovelace");
    assert_eq!(update(r#"jobTitle: "Countess""#).await, known);
    let none = json!({ "firstName": null, "lastName": null });
    assert_eq!(update(r#"fullName: "Grace Hopper""#).await, none);
    assert_eq!(greeting(&app, 1).await, "Grace|Hopper");
    let both = r#"fullName: "Grace B. Hopper", firstName: "Grace B.", lastName: "Hopper""#;
    assert_eq!(update(both).await, json!({ "firstName": "Grace B.", "lastName": "Hopper" }));
}

async fn merge_keeps_first_and_last_name(app: App) {
    let industry = app.industry("Unclassified").await;
    let company = app.company("Acme", industry).await;
    let (ada, grace) =
        (app.prospect("Ada Lovelace", company).await, app.prospect("Grace Hopper", company).await);
    for (id, first, last) in [(ada, "Ada", "Lovelace"), (grace, "Grace", "Hopper")] {
        app.done(&format!(
            "mutation {{ updateProspect(input: {{ id: {id}, patch: {{ firstName: \"{first}\", lastName: \"{last}\" }} }}) \
             {{ userErrors {{ message }} }} }}"
        ))
        .await;
    }
    app.done(
        "mutation { mergeProspects(input: { keepId: 2, dropId: 1 }) { userErrors { message } } }",
    )
    .await;
    let left = app.data("{ prospects { nodes { id fullName firstName lastName } } }").await;
    assert_eq!(
        left["prospects"]["nodes"],
        json!([{ "id": "Prospect:1", "fullName": "Grace Hopper", "firstName": "Grace", "lastName": "Hopper" }])
    );
}
