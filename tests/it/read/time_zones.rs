//! Time buckets in time zones.

use sea_orm::ActiveValue::Set;
use serde_json::json;
use tests::{App, behaviours};

behaviours![
    days_are_local_to_the_time_zone,
    weeks_follow_iso_8601_and_quarters_and_years_the_calendar,
    repeated_hour_forms_two_groups,
    setting_clocks_back_near_midnight_loses_no_rows,
    offset_change_within_an_hour_keeps_hours_intact,
    day_skipped_by_a_time_zone_forms_no_group,
    fractional_seconds_are_respected,
    time_zone_data_is_current,
    leap_second_is_stored_as_the_following_second,
    weekdays_and_hours_of_day_group_across_weeks,
];

/// Creates prospects last contacted at `moments`; returns the group key and count of the groups by `key` in `zone`.
async fn groups(app: &App, moments: &[&str], key: &str, zone: &str) -> Vec<(String, i64)> {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    for (index, moment) in moments.iter().enumerate() {
        let moment = chrono::DateTime::parse_from_rfc3339(moment).unwrap();
        app.prospect_with(&format!("P{index}"), company, |row| {
            row.last_contacted_at = Set(Some(moment));
        })
        .await;
    }
    let bucket = key.to_uppercase();
    let query = format!(
        r#"{{ prospects(filter: {{ companyId: {{ eq: "{company}" }} }}) {{ groups(by: {{ lastContactedAt: {bucket} }}, timeZone: "{zone}") {{
             nodes {{ key {{ lastContactedAt(bucket: {bucket}) }} aggregate {{ count }} filter }} }} }} }}"#,
    );
    let data = app.data(&query).await;
    let mut found = Vec::new();
    for group in data["prospects"]["groups"]["nodes"].as_array().unwrap() {
        // The filter of a group matches exactly the rows of that group.
        let count = "query ($filter: ProspectFilter) { prospects(filter: $filter) { totalCount } }";
        let answer =
            app.answer_to(app.organization, count, json!({ "filter": group["filter"] })).await;
        assert_eq!(
            answer["data"]["prospects"]["totalCount"], group["aggregate"]["count"],
            "{zone}: {group}"
        );
        found.push((
            group["key"]["lastContactedAt"].as_str().unwrap().to_owned(),
            group["aggregate"]["count"].as_i64().unwrap(),
        ));
    }
    found
}

fn named(groups: &[(&str, i64)]) -> Vec<(String, i64)> {
    groups.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

async fn days_are_local_to_the_time_zone(app: App) {
    let moments = [
        "2026-03-28T22:59:59Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T21:59:59Z",
        "2026-03-29T22:00:00Z",
    ];
    assert_eq!(
        groups(&app, &moments, "Day", "Europe/Berlin").await,
        named(&[("2026-03-28", 1), ("2026-03-29", 2), ("2026-03-30", 1)])
    );
    assert_eq!(
        groups(&app, &moments, "Day", "UTC").await,
        named(&[("2026-03-28", 2), ("2026-03-29", 2)])
    );
    assert_eq!(
        groups(&app, &["2026-06-01T18:29:59Z", "2026-06-01T18:30:00Z"], "Day", "Asia/Kolkata")
            .await,
        named(&[("2026-06-01", 1), ("2026-06-02", 1)])
    );
    assert_eq!(
        groups(
            &app,
            &["2026-01-01T04:59:59Z", "2026-01-01T05:00:00Z"],
            "Month",
            "America/New_York"
        )
        .await,
        named(&[("2025-12", 1), ("2026-01", 1)])
    );
}

async fn weeks_follow_iso_8601_and_quarters_and_years_the_calendar(app: App) {
    // The first week of a year is the week that contains the first Thursday of the year (ISO 8601).
    let moments = [
        "2024-12-29T12:00:00Z",
        "2024-12-30T12:00:00Z",
        "2026-12-31T12:00:00Z",
        "2027-01-03T23:59:59Z",
        "2027-01-04T00:00:00Z",
    ];
    assert_eq!(
        groups(&app, &moments, "Week", "UTC").await,
        named(&[("2024-W52", 1), ("2025-W01", 1), ("2026-W53", 2), ("2027-W01", 1)])
    );
    assert_eq!(
        groups(&app, &moments, "Quarter", "UTC").await,
        named(&[("2024-Q4", 2), ("2026-Q4", 1), ("2027-Q1", 2)])
    );
    assert_eq!(
        groups(&app, &moments, "Year", "UTC").await,
        named(&[("2024", 2), ("2026", 1), ("2027", 2)])
    );
    assert_eq!(
        groups(
            &app,
            &[
                "2026-03-31T21:59:59Z",
                "2026-03-31T22:00:00Z",
                "2026-06-30T22:00:00Z",
                "2026-09-30T22:00:00Z"
            ],
            "Quarter",
            "Europe/Berlin"
        )
        .await,
        named(&[("2026-Q1", 1), ("2026-Q2", 1), ("2026-Q3", 1), ("2026-Q4", 1)])
    );
}

async fn repeated_hour_forms_two_groups(app: App) {
    // On 25 October 2026, clocks in Berlin were set back from 3:00 to 2:00, at 01:00 UTC.
    let moments = [
        "2026-10-24T23:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T00:59:59Z",
        "2026-10-25T01:00:00Z",
        "2026-10-25T02:00:00Z",
    ];
    assert_eq!(
        groups(&app, &moments, "Hour", "Europe/Berlin").await,
        named(&[
            ("2026-10-25T01:00+02:00", 1),
            ("2026-10-25T02:00+02:00", 2),
            ("2026-10-25T02:00+01:00", 1),
            ("2026-10-25T03:00+01:00", 1),
        ])
    );
    // The day has 25 hours.
    assert_eq!(
        groups(
            &app,
            &["2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"],
            "Day",
            "Europe/Berlin"
        )
        .await,
        named(&[("2026-10-25", 2), ("2026-10-26", 1)])
    );
    // On 29 March 2026, clocks were set forward from 2:00 to 3:00, so hour 2 does not exist.
    assert_eq!(
        groups(&app, &["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"], "Hour", "Europe/Berlin")
            .await,
        named(&[("2026-03-29T01:00+01:00", 1), ("2026-03-29T03:00+02:00", 1)])
    );
    assert_eq!(
        groups(&app, &["2026-06-01T18:29:00Z", "2026-06-01T18:30:00Z"], "Hour", "Asia/Kolkata")
            .await,
        named(&[("2026-06-01T23:00+05:30", 1), ("2026-06-02T00:00+05:30", 1)])
    );
}

async fn setting_clocks_back_near_midnight_loses_no_rows(app: App) {
    // St. John's, 29 October 2006: at 00:01, clocks were set back to 23:01 of the previous day, so that day has two
    // separate spans.
    let moments = [
        "2006-10-29T02:30:00Z",
        "2006-10-29T02:30:59Z",
        "2006-10-29T02:31:00Z",
        "2006-10-29T03:29:59Z",
        "2006-10-29T03:30:00Z",
    ];
    assert_eq!(
        groups(&app, &moments, "Day", "America/St_Johns").await,
        named(&[("2006-10-28", 2), ("2006-10-29", 3)])
    );
    // Lord Howe Island shifts its clocks by half an hour: on 5 April 2026 (local date), at 15:00 UTC of the day before.
    let moments = [
        "2026-04-04T14:30:00Z",
        "2026-04-04T14:59:59Z",
        "2026-04-04T15:00:00Z",
        "2026-04-04T15:29:59Z",
        "2026-04-04T15:30:00Z",
    ];
    assert_eq!(
        groups(&app, &moments, "Hour", "Australia/Lord_Howe").await,
        named(&[
            ("2026-04-05T01:00+11:00", 2),
            ("2026-04-05T01:00+10:30", 2),
            ("2026-04-05T02:00+10:30", 1),
        ])
    );
}

async fn offset_change_within_an_hour_keeps_hours_intact(app: App) {
    // Chatham Islands, 4 April 2026 (UTC): at 03:45 local time, clocks were set back by one hour.
    let moments = [
        "2026-04-04T13:15:00Z",
        "2026-04-04T13:59:59Z",
        "2026-04-04T14:00:00Z",
        "2026-04-04T14:14:59Z",
        "2026-04-04T14:15:00Z",
        "2026-04-04T15:00:00Z",
    ];
    // At 14:00 UTC, 03:45+13:45 becomes 02:45+12:45. The groups are hour 3 before the change, the rest of hour 2
    // after the change, and the repeated hour 3.
    assert_eq!(
        groups(&app, &moments, "Hour", "Pacific/Chatham").await,
        named(&[
            ("2026-04-05T03:00+13:45", 2),
            ("2026-04-05T02:00+12:45", 2),
            ("2026-04-05T03:00+12:45", 2),
        ])
    );
    // In spring, only a quarter of hour 3 remains.
    let moments = ["2026-09-26T13:59:59Z", "2026-09-26T14:00:00Z", "2026-09-26T14:15:00Z"];
    assert_eq!(
        groups(&app, &moments, "Hour", "Pacific/Chatham").await,
        named(&[
            ("2026-09-27T02:00+12:45", 1),
            ("2026-09-27T03:00+13:45", 1),
            ("2026-09-27T04:00+13:45", 1),
        ])
    );
}

/// Since 2026, clocks in British Columbia and Alberta are no longer set back.
async fn time_zone_data_is_current(app: App) {
    for (zone, moment, day, hour) in [
        ("America/Vancouver", "2026-11-10T07:30:00Z", "2026-11-10", "2026-11-10T00:00-07:00"),
        ("America/Edmonton", "2026-11-10T06:30:00Z", "2026-11-10", "2026-11-10T00:00-06:00"),
        ("Europe/Berlin", "2026-11-10T23:30:00Z", "2026-11-11", "2026-11-11T00:00+01:00"),
        ("US/Pacific", "2026-11-10T08:30:00Z", "2026-11-10", "2026-11-10T00:00-08:00"),
    ] {
        assert_eq!(groups(&app, &[moment], "Day", zone).await, named(&[(day, 1)]), "{zone}");
        assert_eq!(groups(&app, &[moment], "Hour", zone).await, named(&[(hour, 1)]), "{zone}");
    }
    let version = app.data("{ databaseStatistics { timeZoneData } }").await;
    let version = version["databaseStatistics"]["timeZoneData"].as_str().unwrap().to_owned();
    assert!(version.as_str() >= "2026f", "{version}");
}

async fn day_skipped_by_a_time_zone_forms_no_group(app: App) {
    // Samoa moved across the International Date Line: 29 December 2011 was followed by 31 December.
    assert_eq!(
        groups(&app, &["2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"], "Day", "Pacific/Apia")
            .await,
        named(&[("2011-12-29", 1), ("2011-12-31", 1)])
    );
}

async fn fractional_seconds_are_respected(app: App) {
    assert_eq!(
        groups(
            &app,
            &["2026-03-31T23:59:59.999999Z", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00.000001Z"],
            "Month",
            "UTC"
        )
        .await,
        named(&[("2026-03", 1), ("2026-04", 2)])
    );
}

async fn leap_second_is_stored_as_the_following_second(app: App) {
    let industry = app.industry("Logistics").await;
    let company = app.company("Acme", industry).await;
    app.prospect("Ada", company).await;
    app.done(r#"mutation { logInteraction(input: { prospectId: 1, interactionType: "call", subject: "s", content: "c", interactionDate: "2016-12-31T23:59:60.25Z" }) { userErrors { message } } }"#).await;
    let data = app.data(r#"{ interactions(filter: { interactionDate: { eq: "2016-12-31T23:59:60.25Z" } }) { nodes { interactionDate } }
        all: interactions { groups(by: { interactionDate: DAY }) { nodes { key { interactionDate(bucket: DAY) } aggregate { count } } } } }"#).await;
    assert_eq!(
        data,
        json!({ "interactions": { "nodes": [{ "interactionDate": "2017-01-01T00:00:00.250Z" }] },
            "all": { "groups": { "nodes": [{ "key": { "interactionDate": "2017-01-01" }, "aggregate": { "count": 1 } }] } } })
    );
}

async fn weekdays_and_hours_of_day_group_across_weeks(app: App) {
    // 1 March 2026 was a Sunday. Clocks in Berlin were set forward on 29 March.
    let moments = [
        "2026-03-01T12:00:00Z",
        "2026-03-01T23:30:00Z",
        "2026-03-09T12:00:00Z",
        "2026-03-30T12:00:00Z",
        "2026-03-30T22:30:00.5Z",
    ];
    assert_eq!(
        groups(&app, &moments, "Weekday", "Europe/Berlin").await,
        named(&[("MONDAY", 3), ("TUESDAY", 1), ("SUNDAY", 1)])
    );
    assert_eq!(
        groups(&app, &moments, "Weekday", "UTC").await,
        named(&[("MONDAY", 3), ("SUNDAY", 2)])
    );
    assert_eq!(
        groups(&app, &moments, "Hour_of_day", "Europe/Berlin").await,
        named(&[("00", 2), ("13", 2), ("14", 1)])
    );
}
