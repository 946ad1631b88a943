//! Empty groups for time buckets without rows.

use sea_orm::ActiveValue::Set;
use serde_json::json;
use tests::{App, behaviours};

behaviours![
    empty_time_buckets_are_filled,
    filled_range_respects_time_zone_transitions,
    combinations_of_other_keys_are_filled,
];

fn named(groups: &[(&str, i64)]) -> Vec<(String, i64)> {
    groups.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// The groups of prospects by time of last contact, each with its group key and number of rows.
async fn filled(app: &App, arguments: &str, key: &str) -> Vec<(String, i64)> {
    let query = format!(
        "{{ prospects {{ groups({arguments}, fill: true, first: 1000) {{ totalCount nodes {{ \
           key {{ {key} }} aggregate {{ count lastContactedAt {{ min }} }} filter }} }} }} }}"
    );
    let data = app.data(&query).await;
    let groups = &data["prospects"]["groups"];
    let nodes = groups["nodes"].as_array().unwrap();
    assert_eq!(groups["totalCount"], nodes.len());
    let mut found = Vec::new();
    for node in nodes {
        let count = node["aggregate"]["count"].as_i64().unwrap();
        let is_null = node["aggregate"]["lastContactedAt"]["min"].is_null();
        assert_eq!(is_null, count == 0 || node["key"].to_string().contains("null"), "{node}");
        let rows = "query ($filter: ProspectFilter) { prospects(filter: $filter) { totalCount } }";
        let rows = app.answer_to(app.organization, rows, json!({ "filter": node["filter"] })).await;
        assert_eq!(rows["data"]["prospects"]["totalCount"], count, "{node}");
        let key = node["key"].as_object().unwrap().values();
        let key = key.map(|value| value.as_str().unwrap_or("null")).collect::<Vec<_>>();
        found.push((key.join(" "), count));
    }
    found
}

async fn contacted(app: &App, moments: &[(&str, &str)]) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    for (place, moment) in moments {
        let moment = chrono::DateTime::parse_from_rfc3339(moment).unwrap();
        app.prospect_with("P", company, |row| {
            row.location = Set(Some((*place).to_owned()));
            row.last_contacted_at = Set(Some(moment));
        })
        .await;
    }
    app.prospect("never", company).await;
}

async fn empty_time_buckets_are_filled(app: App) {
    contacted(&app, &[("Rome", "2026-02-10T12:00:00Z"), ("Rome", "2026-05-02T12:00:00Z")]).await;
    let month = "lastContactedAt(bucket: MONTH)";
    let by = r#"by: { lastContactedAt: MONTH }, since: "2026-01-15T00:00:00Z""#;
    // Only rows within the range are counted, so the first and the last month are counted in part.
    assert_eq!(
        filled(&app, &format!(r#"{by}, until: "2026-05-02T12:00:00Z""#), month).await,
        named(&[("2026-01", 0), ("2026-02", 1), ("2026-03", 0), ("2026-04", 0), ("2026-05", 0)])
    );
    let downwards = format!(
        r#"{by}, until: "2026-03-01T00:00:00Z", orderBy: {{ groupKey: {{ position: 0, direction: DESC }} }}"#
    );
    assert_eq!(filled(&app, &downwards, month).await, named(&[("2026-02", 1), ("2026-01", 0)]));
    // Empty groups are also added for a list without rows, including nested lists.
    let data = app
        .data(
            r#"{ industries { nodes { companies { nodes { name prospects(filter: { location: { eq: "Oslo" } }) {
                 groups(by: { lastContactedAt: YEAR }, since: "2024-01-01T00:00:00Z", until: "2026-01-01T00:00:00Z",
                   fill: true, first: 1) { totalCount nodes { key { lastContactedAt(bucket: YEAR) } aggregate { count } } } } } } } } }"#,
        )
        .await;
    assert_eq!(
        data["industries"]["nodes"][0]["companies"]["nodes"][0]["prospects"]["groups"],
        json!({ "totalCount": 2, "nodes": [{ "key": { "lastContactedAt": "2024" }, "aggregate": { "count": 0 } }] })
    );
    // The prospect that was never contacted forms its own group.
    let weekdays =
        filled(&app, "by: { lastContactedAt: WEEKDAY }", "lastContactedAt(bucket: WEEKDAY)").await;
    assert_eq!(
        weekdays,
        named(&[
            ("MONDAY", 0),
            ("TUESDAY", 1),
            ("WEDNESDAY", 0),
            ("THURSDAY", 0),
            ("FRIDAY", 0),
            ("SATURDAY", 1),
            ("SUNDAY", 0),
            ("null", 1),
        ])
    );
}

async fn filled_range_respects_time_zone_transitions(app: App) {
    contacted(&app, &[("Rome", "2026-10-25T00:30:00Z")]).await;
    let hour = "lastContactedAt(bucket: HOUR)";
    let by = r#"by: { lastContactedAt: HOUR }, timeZone: "Europe/Berlin""#;
    assert_eq!(
        filled(
            &app,
            &format!(r#"{by}, since: "2026-10-24T23:00:00Z", until: "2026-10-25T02:30:00Z""#),
            hour
        )
        .await,
        named(&[
            ("2026-10-25T01:00+02:00", 0),
            ("2026-10-25T02:00+02:00", 1),
            ("2026-10-25T02:00+01:00", 0),
            ("2026-10-25T03:00+01:00", 0),
        ])
    );
    // Samoa skipped 30 December 2011. The UTC offset of the Chatham Islands is a multiple of a quarter hour.
    let by = r#"by: { lastContactedAt: DAY }, timeZone: "Pacific/Apia""#;
    assert_eq!(
        filled(
            &app,
            &format!(r#"{by}, since: "2011-12-29T10:00:00Z", until: "2012-01-01T10:00:00Z""#),
            "lastContactedAt(bucket: DAY)"
        )
        .await,
        named(&[("2011-12-29", 0), ("2011-12-31", 0), ("2012-01-01", 0)])
    );
    let by = r#"by: { lastContactedAt: HOUR }, timeZone: "Pacific/Chatham""#;
    assert_eq!(
        filled(
            &app,
            &format!(r#"{by}, since: "2026-04-04T13:15:00Z", until: "2026-04-04T15:00:00Z""#),
            hour
        )
        .await,
        named(&[
            ("2026-04-05T03:00+13:45", 0),
            ("2026-04-05T02:00+12:45", 0),
            ("2026-04-05T03:00+12:45", 0),
        ])
    );
    // The day on which clocks were set back consists of two separate spans but forms one group.
    let by = r#"by: { lastContactedAt: DAY }, timeZone: "America/St_Johns""#;
    assert_eq!(
        filled(
            &app,
            &format!(r#"{by}, since: "2006-10-28T12:00:00Z", until: "2006-10-29T12:00:00Z""#),
            "lastContactedAt(bucket: DAY)"
        )
        .await,
        named(&[("2006-10-28", 0), ("2006-10-29", 0)])
    );
}

async fn combinations_of_other_keys_are_filled(app: App) {
    contacted(
        &app,
        &[
            ("Rome", "2026-02-10T12:00:00Z"),
            ("ROME", "2026-03-10T12:00:00Z"),
            ("Oslo", "2026-03-02T12:00:00Z"),
        ],
    )
    .await;
    let by = r#"by: [{ location: VALUE }, { lastContactedAt: MONTH }], since: "2026-02-01T00:00:00Z", until: "2026-04-01T00:00:00Z""#;
    let found = filled(&app, by, "location lastContactedAt(bucket: MONTH)").await;
    let found: Vec<_> = found.iter().map(|(key, count)| (key.to_lowercase(), *count)).collect();
    assert_eq!(
        found,
        named(&[
            ("2026-02 oslo", 0),
            ("2026-03 oslo", 1),
            ("2026-02 rome", 1),
            ("2026-03 rome", 1)
        ])
    );
    let by = "by: [{ lastContactedAt: WEEKDAY }, { lastContactedAt: HOUR_OF_DAY }]";
    let key = "day: lastContactedAt(bucket: WEEKDAY) hour: lastContactedAt(bucket: HOUR_OF_DAY)";
    let heat = filled(&app, by, key).await;
    assert_eq!(heat.len(), 7 * 24 + 1);
    assert_eq!(heat[12], ("MONDAY 12".to_owned(), 1));
    assert_eq!(heat[24 + 12], ("TUESDAY 12".to_owned(), 2));
}
