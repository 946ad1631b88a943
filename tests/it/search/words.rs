//! Search queries and their results, identical on both engines.

use sea_orm::{ActiveValue::Set, ConnectionTrait, Statement};
use serde_json::json;
use tests::{App, Engine, behaviours};

use super::{found, search, world};

behaviours![
    queries_return_the_same_rows_in_the_same_order,
    tokenizer_differences_are_documented,
    every_documented_field_is_searched,
    fuzzy_matches_are_used_without_exact_matches,
    query_syntax_of_the_engines_is_escaped,
    non_latin_scripts_are_searchable,
    spelling_variants_do_not_count_as_exact_matches,
    words_in_json_strings_are_searchable,
    people_are_found_by_phone_job_title_and_company,
];

/// Queries and their expected results on both engines.
const TABLE: &[(&str, &str)] = &[
    // Names match by whole words and by prefix. Companies rank before their prospects, whole words before prefixes.
    ("acme", "Company:2 Prospect:3 Prospect:2"),
    ("schm", "Prospect:2"),
    ("ann", "Prospect:3 Prospect:2 Interaction:1"),
    ("an", "Interaction:1"),
    ("an*", "Prospect:3 Prospect:2 Interaction:1 Interaction:3"),
    // All words must match, in any order, in the title or the text. Results with adjacent words rank first.
    ("berlin anna", "Prospect:2"),
    ("anna schmidt", "Prospect:2"),
    ("schmidt an", "Prospect:2"),
    ("\"schmidt anna\"", ""),
    ("step next", "Interaction:1 Interaction:2"),
    ("next step", "Interaction:1 Interaction:2"),
    ("\"next step\"", "Interaction:1"),
    ("\"step next\"", ""),
    ("offer pilot", "Interaction:2 Interaction:1"),
    // Title matches rank first. Results of different types with equal rank alternate.
    ("berlin", "Prospect:3 Event:1 Prospect:2 Interaction:3"),
    ("-berlin acme", "Company:2"),
    ("acme -\"anna schmidt\"", "Company:2 Prospect:3"),
    ("offer -pilot", "Interaction:3"),
    // Email addresses and domains.
    ("anna.schmidt@acme.example", "Prospect:2"),
    ("anna.schmidt@ac", "Prospect:2"),
    ("mueller-spedition.example", "Company:1 Prospect:1"),
    // Case, accents, umlauts and other special letters.
    ("MÜLLER", "Company:1 Prospect:1 OutreachDraft:1 ProspectResearch:1"),
    ("mueller", "Company:1 Prospect:1 OutreachDraft:1 ProspectResearch:1"),
    ("muller", "Company:1 Prospect:1 OutreachDraft:1 ProspectResearch:1"),
    ("koln", "OutreachDraft:1 Prospect:1"),
    ("Koeln", "OutreachDraft:1 Prospect:1"),
    ("Ko\u{308}ln", "OutreachDraft:1 Prospect:1"),
    ("lodz", "Company:3 Prospect:4"),
    ("strasse", "Company:4 Prospect:5"),
    ("weiß", "Company:4 Prospect:5"),
    ("soren", "Prospect:5"),
    ("søren", "Prospect:5"),
    ("aarhus", "Prospect:5"),
    ("arhus", "Prospect:5"),
    ("o'brien", "Prospect:4"),
    ("brien zoe", "Prospect:4"),
    // Numbers, JSON and other types.
    ("3", "Interaction:1"),
    ("planung", "ProspectResearch:1"),
    ("planner", "Solution:1 ProspectResearch:1"),
    ("logistics", "Industry:1 Event:1"),
    ("logisti", "Company:2 Industry:1 Prospect:3 Event:1 Prospect:2"),
    ("nowhere", ""),
];

async fn queries_return_the_same_rows_in_the_same_order(app: App) {
    world(&app).await;
    let mut wrong = Vec::new();
    for (query, expected) in TABLE {
        let answer = search(&app, query).await;
        let found: Vec<_> = (answer["edges"].as_array().unwrap().iter())
            .map(|edge| edge["node"]["id"].as_str().unwrap())
            .collect();
        if found.join(" ") != *expected {
            wrong.push(format!("{query}: {} instead of {expected}", found.join(" ")));
        }
        assert_eq!(answer["totalCount"], found.len(), "{query}");
        let counts = answer["counts"].as_array().unwrap().iter();
        assert_eq!(
            counts.map(|one| one["count"].as_u64().unwrap()).sum::<u64>(),
            found.len() as u64
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Documented behavior of the tokenizers: ligatures, which they handle differently, and Chinese or Japanese text.
async fn tokenizer_differences_are_documented(app: App) {
    let industry = app.industry("Other").await;
    app.company("Of\u{fb01}ce Fin\u{131}k", industry).await;
    app.company("東京物流", industry).await;
    // Postgres expands the ligature, FTS5 does not.
    let ligature = if app.engine == Engine::Postgres { vec!["Company:1"] } else { vec![] };
    assert_eq!(found(&app, "office").await, ligature);
    assert_eq!(found(&app, "finik").await, ["Company:1"]);
    // Both engines treat text without spaces as one word, which is found by its prefix but not by other parts.
    assert_eq!(found(&app, "東京物").await, ["Company:2"]);
    assert!(found(&app, "物流").await.is_empty());
}

async fn every_documented_field_is_searched(app: App) {
    app.world().await;
    let mut word = 100;
    let tables = [
        ("companies", "Company", vec!["name", "domain", "website"]),
        (
            "prospects",
            "Prospect",
            vec!["full_name", "email", "location", "linkedin_url", "phone", "job_title"],
        ),
        ("industries", "Industry", vec!["name"]),
        ("solutions", "Solution", vec!["name", "category", "description", "keywords", "use_cases"]),
        ("events", "Event", vec!["event_type", "location", "description"]),
        ("interactions", "Interaction", vec!["subject", "content", "outcome"]),
        ("outreach_drafts", "OutreachDraft", vec!["subject", "content", "review_note"]),
        ("prospect_research", "ProspectResearch", vec!["research_summary", "key_insights"]),
    ];
    for (table, ty, columns) in tables {
        for column in columns {
            word += 1;
            let is_json = matches!(column, "keywords" | "use_cases" | "key_insights");
            let value = if is_json { format!("[\"zz{word}\"]") } else { format!("zz{word}") };
            let cast = if is_json && app.engine == Engine::Postgres { "::jsonb" } else { "" };
            let sql = format!("UPDATE \"{table}\" SET \"{column}\" = '{value}'{cast} WHERE id = 1");
            let backend = app.db.get_database_backend();
            app.db.execute_raw(Statement::from_string(backend, sql)).await.unwrap();
            let answer = search(&app, &format!("zz{word}")).await;
            let edge = &answer["edges"][0];
            assert_eq!(edge["node"]["id"], format!("{ty}:1"), "{table}.{column}");
            let highlight = &edge["highlights"][0];
            let field = highlight["field"].as_str().unwrap();
            assert_eq!(field.to_lowercase(), column.replace('_', ""), "{table}");
            assert_eq!(highlight["text"], format!("«zz{word}»"));
        }
    }
}

async fn fuzzy_matches_are_used_without_exact_matches(app: App) {
    world(&app).await;
    for (typed, similar, first) in [
        ("shmidt", json!(["schmidt"]), "Prospect:2"),
        ("Schmitt", json!(["schmidt"]), "Prospect:2"),
        ("behrlin", json!(["berlin"]), "Prospect:3"),
        // Only words without a match are replaced.
        ("anna schmdit", json!(["schmidt"]), "Prospect:2"),
        ("belrin", json!(["berlin"]), "Prospect:3"),
        ("spediton", json!(["spedition"]), "Company:1"),
        ("acme logistk", json!(["logistics", "logistik"]), "Company:2"),
        ("rout planer", json!(["planner"]), "Solution:1"),
    ] {
        let answer = search(&app, typed).await;
        let mut found: Vec<_> = answer["similar"].as_array().unwrap().clone();
        found.sort_by_key(ToString::to_string);
        assert_eq!(json!(found), similar, "{typed}");
        let edge = &answer["edges"][0];
        assert_eq!(edge["node"]["id"], first, "{typed}: {answer:#}");
        assert!(edge["score"].as_f64().unwrap() <= 0.5, "{answer:#}");
        assert!(edge["highlights"][0]["text"].as_str().unwrap().contains('«'), "{answer:#}");
    }
    // A query with exact matches returns no fuzzy matches.
    assert_eq!(search(&app, "ann").await["similar"], json!([]));
    for nothing in ["soren berlin", "qqqqqq", "\"shmidt anna\"", "xyz"] {
        let answer = search(&app, nothing).await;
        assert_eq!(
            (&answer["totalCount"], &answer["similar"]),
            (&json!(0), &json!([])),
            "{nothing}"
        );
    }
}

async fn query_syntax_of_the_engines_is_escaped(app: App) {
    world(&app).await;
    for query in [
        "acme' | 'x",
        "acme\" OR \"x",
        "acme:*",
        "NEAR(acme ag)",
        "col:acme",
        "acme & !ag",
        "(acme",
        "acme)",
        "\"acme",
        "acme \\",
        "ac%me",
        "acme;--",
        "^acme",
        "{scope}:o1t1",
        "acme\0",
        "'acme'",
        "--acme",
        "*",
        "*acme",
        "ʼacme",
        "aʼ bʼ",
        "ʻOkina",
        "ŉ",
        "aː b",
        "⑴ ʺ",
        "½ x",
        "ﬁn",
    ] {
        let text = json!({ "text": query });
        let asked = "query ($text: String!) { search(query: $text) { totalCount nodes { id } } }";
        let answer = app.answer_to(app.organization, asked, text).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert!(answer.get("errors").is_none() || *code == "INVALID", "{query}: {answer:#}");
        // Queries that contain no words or only excluded words are rejected.
        let is_word = query.chars().any(char::is_alphanumeric) && !query.starts_with('-');
        assert_eq!(answer.get("errors").is_none(), is_word, "{query}: {answer:#}");
    }
    assert_eq!(found(&app, "acme:*").await.len(), 3);
    assert_eq!(found(&app, "\"acme logistik").await, ["Company:2", "Prospect:3", "Prospect:2"]);
}

async fn non_latin_scripts_are_searchable(app: App) {
    let industry = app.industry("Other").await;
    let names = [
        "Николай Чайка",
        "Київ Логістика",
        "Ёлка Москва",
        "Ελληνικά Δίκτυα",
        "ΟΔΟΣ Υγεία",
        "한국물류",
        "東京ビルサービス",
        "हिन्दी कंपनी",
        "שָׁלוֹם",
        "OʼBrien Ltd",
        "ʻOkina Shipping",
        "Nguyễn Đình",
        "Ħal Qormi",
        "İstanbul Işık",
        "Дмитрий Королёв",
        "Ωμέγα Πλοία",
    ];
    for name in names {
        app.company(name, industry).await;
    }
    for (number, name) in names.iter().enumerate() {
        let id = format!("Company:{}", number + 1);
        for query in
            [(*name).to_owned(), name.to_lowercase(), name.split(' ').next().unwrap().to_owned()]
        {
            // Locale-independent lowercasing does not handle the dotted and the dotless i of Turkish.
            if query.contains("i\u{307}") {
                continue;
            }
            assert_eq!(found(&app, &query).await, std::slice::from_ref(&id), "{query}");
        }
    }
    for (query, id) in [
        ("МОСКВА", 3),
        ("логіст", 2),
        ("οδος", 5),
        ("ελληνικά", 4),
        ("o'brien", 10),
        ("東京ビ", 7),
        ("nguyen dinh", 12),
        ("hal", 13),
        ("istanbul", 14),
        ("елка", 3),
        ("КОРОЛЕВ", 15),
        ("ωμεγα", 16),
        ("ΩΜΕΓΑ", 16),
        ("ελληνικα", 4),
    ] {
        assert_eq!(found(&app, query).await, [format!("Company:{id}")], "{query}");
    }
}

async fn spelling_variants_do_not_count_as_exact_matches(app: App) {
    let industry = app.industry("Other").await;
    for name in [
        "Michal Kowal",
        "Michael Kowal",
        "Jonas Richter",
        "Joe Doe",
        "Müller-Schaefer KG",
        "Mueller-Schäfer KG",
    ] {
        app.company(name, industry).await;
    }
    assert_eq!(found(&app, "michael kowal").await, ["Company:2", "Company:1"]);
    assert_eq!(found(&app, "kowal -michael").await, ["Company:1"]);
    assert_eq!(found(&app, "\"michael\"").await, ["Company:2"]);
    assert_eq!(found(&app, "joe").await, ["Company:4"]);
    for query in ["Müller-Schäfer", "müller schäfer", "\"Müller Schäfer\""] {
        assert_eq!(found(&app, query).await, ["Company:6", "Company:5"], "{query}");
    }
    // A prefix needs at least two letters.
    for query in ["C++", "m*", "(m)", "R&D"] {
        assert!(found(&app, query).await.is_empty(), "{query}");
    }
}

async fn words_in_json_strings_are_searchable(app: App) {
    let prospect = app.world().await[0];
    app.research(prospect, "Told", |row| {
        row.key_insights = Set(Some(
            json!({ "a": ["Alpha\tBudgetix", "C:\\newix\\tarix", "one\r\nnextix \"quotix\""] }),
        ));
    })
    .await;
    for word in ["budgetix", "newix", "tarix", "nextix", "quotix", "alpha"] {
        let answer = search(&app, word).await;
        assert_eq!(answer["totalCount"], 1, "{word}");
        assert!(
            answer["edges"][0]["highlights"][0]["text"].as_str().unwrap().contains('«'),
            "{word}"
        );
    }
}

async fn people_are_found_by_phone_job_title_and_company(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Nordwind", industry).await;
    let other = app.company("Other", industry).await;
    app.prospect_with("Ada", company, |row| {
        row.phone = Set(Some("+493012345678".to_owned()));
        row.job_title = Set(Some("Head of Procurement".to_owned()));
    })
    .await;
    app.prospect_with("Bob", other, |row| row.phone = Set(Some("0171 234567".to_owned()))).await;
    for number in [
        "+49 30 12345678",
        "0049 (0)30 12345678",
        "030/12345678",
        "(030) 1234-5678",
        "3012345678",
        "030 1234",
        "12345678",
        "+493012345678",
    ] {
        assert_eq!(found(&app, number).await, ["Prospect:1"], "{number}");
    }
    app.prospect_with("Cleo", other, |row| {
        row.phone = Set(Some("+4989123456789 ext. 5".to_owned()));
    })
    .await;
    assert_eq!(found(&app, "089 123456789").await, ["Prospect:3"]);
    assert_eq!(found(&app, "0171/234567").await, ["Prospect:2"]);
    assert_eq!(
        found(&app, "+49 171 234567").await,
        [""; 0],
        "the country of the number is unknown"
    );
    assert_eq!(found(&app, "procurement").await, ["Prospect:1"]);
    assert_eq!(found(&app, "procurement nordwind").await, ["Prospect:1"]);
    assert_eq!(found(&app, "nordwind").await, ["Company:1", "Prospect:1"]);
    // A company is renamed, and a person moves.
    for mutation in [
        "updateCompany(input: { id: \"Company:1\", patch: { name: \"Suedwind\" } })",
        "moveProspect(input: { id: \"Prospect:2\", companyId: \"Company:1\" })",
    ] {
        app.done(&format!("mutation {{ {mutation} {{ userErrors {{ message }} }} }}")).await;
    }
    assert_eq!(found(&app, "nordwind").await, [""; 0]);
    assert_eq!(found(&app, "suedwind").await, ["Company:1", "Prospect:2", "Prospect:1"]);
    assert_eq!(found(&app, "other").await, ["Company:2", "Prospect:3"]);
}
