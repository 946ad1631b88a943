//! Full-text search: the same query returns the same rows in the same order on both engines.

use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};
use tests::App;

pub mod answers;
pub mod kept;
pub mod words;

/// Prospects and companies with names in several languages, with interactions, drafts and research.
async fn world(app: &App) {
    let industry = app.industry("Logistics").await;
    for (name, domain) in [
        ("Müller Spedition GmbH", "mueller-spedition.example"),
        ("Acme Logistik AG", "acme.example"),
        ("Café Öre Łódź", "cafe-ore.example"),
        ("Straßenbau Weiß", "strassenbau.example"),
    ] {
        app.company_with(name, industry, |row| {
            row.domain = Set(Some(domain.to_owned()));
            row.website = Set(Some(domain.to_owned()));
        })
        .await;
    }
    for (name, email, company, location) in [
        ("Jörg Müller", "joerg.mueller@mueller-spedition.example", 1, "Köln"),
        ("Anna Schmidt", "anna.schmidt@acme.example", 2, "Berlin"),
        ("Ann Berlin", "ann@acme.example", 2, "Hamburg"),
        ("Zoë O'Brien", "zoe@cafe-ore.example", 3, "Łódź"),
        ("Søren Weiss", "soren@strassenbau.example", 4, "Århus"),
    ] {
        app.prospect_with(name, company, |row| {
            row.email = Set(email.to_owned());
            row.location = Set(Some(location.to_owned()));
        })
        .await;
    }
    let solution = "Route Planner";
    app.solution(solution).await;
    app.event("Berlin", |row| row.description = Set("The logistics fair.".to_owned())).await;
    for (prospect, subject, content) in [
        (2, "Next step", "Anna asks for an offer: 3 routes, pilot in May."),
        (2, "Offer sent", "The next small step is a call about the pilot."),
        (3, "Call", "Talked about Berlin, and the offer."),
    ] {
        app.interaction_with(prospect, |row| {
            row.subject = Set(subject.to_owned());
            row.content = Set(content.to_owned());
        })
        .await;
    }
    app.draft_with(1, |row| {
        row.subject = Set(Some("Routen für Köln".to_owned()));
        row.content = Set("Guten Tag Herr Müller, …".to_owned());
    })
    .await;
    app.research(1, "Müller plans routes by hand; needs a planner.", |row| {
        row.key_insights = Set(Some(json!({ "need": ["Touren\nplanung"], "fleet": 12 })));
    })
    .await;
}

/// The global IDs of the results, such as `Prospect:1`, best match first.
async fn found(app: &App, query: &str) -> Vec<String> {
    search(app, query).await["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| edge["node"]["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn search(app: &App, text: &str) -> Value {
    let query = "query ($text: String!) { search(query: $text, first: 100) { totalCount similar \
                 counts { type count } edges { score type title highlights { field text } node { id } } } }";
    let answer = app.answer_to(app.organization, query, json!({ "text": text })).await;
    assert!(answer.get("errors").is_none(), "{text}: {answer:#}");
    answer["data"]["search"].clone()
}
