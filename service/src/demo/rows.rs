//! Rows of the demo data. All data of a prospect is derived from a random generator seeded with its number, so the
//! tables are consistent without being held in memory.

use chrono::{DateTime, Duration, DurationRound, Utc};
use engine::{table::Table, value::Value, write::Rules};
use fastrand::Rng;
use serde_json::json;

use super::{First, Scale, imports, words};
use crate::{crm, offer, usage};

/// Number of research records per prospect, by the prospect's number.
const RESEARCH: [i64; 5] = [0, 1, 1, 2, 1];

/// A version of the demo data. Earlier versions can still be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edition {
    /// Half a year of dates, without imports and templates.
    HalfYear,
    /// A year of dates, with imports and templates.
    Year,
}

/// Parameters of the demo data.
pub(super) struct Story {
    organization: i64,
    pub(super) now: DateTime<Utc>,
    pub(super) scale: Scale,
    pub(super) edition: Edition,
    pub(super) first: First,
}

/// Builds a row from cells by column name; the other columns get their default values.
fn row<const N: usize>(rules: &Rules, cells: [(&str, Value); N]) -> Vec<Value> {
    let table = (rules.table)();
    let mut row: Vec<_> = table.columns.iter().map(|column| rules.first(column)).collect();
    for (name, value) in cells {
        row[table.column_named(name)] = value;
    }
    row
}

pub(super) fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

pub(super) fn optional(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

pub(super) fn at<T: Copy>(words: &[T], number: i64) -> T {
    words[usize::try_from(number).unwrap_or_default() % words.len()]
}

/// A name as part of a hostname or an e-mail address: lowercase ASCII words joined by `-`.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for character in name.to_lowercase().chars() {
        match character {
            'ä' | 'æ' => slug.push_str("ae"),
            'ö' | 'ø' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            'é' | 'è' | 'ë' => slug.push('e'),
            'á' | 'à' | 'š' | 'í' | 'ó' | 'ı' | 'ž' => slug.push(match character {
                'á' | 'à' => 'a',
                'š' => 's',
                'ó' => 'o',
                'ž' => 'z',
                _ => 'i',
            }),
            'a'..='z' | '0'..='9' => slug.push(character),
            ' ' | '&' if !slug.ends_with('-') => {
                slug.push('-');
            }
            _ => {}
        }
    }
    slug
}

impl Story {
    pub(super) fn new(
        organization: i64,
        now: DateTime<Utc>,
        scale: Scale,
        edition: Edition,
        first: First,
    ) -> Self {
        let now = now.duration_trunc(Duration::days(1)).unwrap_or(now);
        Self { organization, now, scale, edition, first }
    }

    pub(super) fn is_year(&self) -> bool {
        self.edition == Edition::Year
    }

    pub(super) fn days_ago(&self, days: i64, rng: &mut Rng) -> DateTime<Utc> {
        self.now - Duration::days(days) + Duration::minutes(rng.i64(7 * 60..18 * 60))
    }

    /// The cells that every row has.
    pub(super) fn with<const N: usize>(
        &self,
        rules: &Rules,
        id: i64,
        made: DateTime<Utc>,
        cells: [(&str, Value); N],
    ) -> Vec<Value> {
        self.stamped((rules.table)(), row(rules, cells), id, made)
    }

    /// A row with its primary key, its organization and its times.
    pub(super) fn stamped(
        &self,
        table: &Table,
        mut row: Vec<Value>,
        id: i64,
        made: DateTime<Utc>,
    ) -> Vec<Value> {
        for (name, value) in [
            ("id", Value::Int(id)),
            ("organization_id", Value::Int(self.organization)),
            ("created_at", Value::Time(made)),
            ("updated_at", Value::Time(made)),
            ("revision", Value::Int(1)),
        ] {
            if let Some(column) = table.find(name) {
                row[column] = value;
            }
        }
        row
    }

    /// Creation time of the base data.
    pub(super) fn long_ago(&self) -> DateTime<Utc> {
        self.now - Duration::days(400)
    }

    pub(super) fn industries(&self) -> impl Iterator<Item = Vec<Value>> {
        (0..).zip(words::INDUSTRIES).map(|(index, name)| {
            let id = self.first.industries + index;
            self.with(offer::industry::rules(), id, self.long_ago(), [("name", text(name))])
        })
    }

    pub(super) fn solutions(&self) -> impl Iterator<Item = Vec<Value>> {
        (0..).zip(words::SOLUTIONS).map(
            |(index, (name, category, pricing, about, uses, keys, _))| {
                let cells = [
                    ("name", text(name)),
                    ("category", text(category)),
                    ("pricing_model", text(pricing)),
                    ("description", text(about)),
                    ("use_cases", Value::Json(json!(uses))),
                    ("keywords", Value::Json(json!(keys))),
                ];
                let id = self.first.solutions + index;
                self.with(offer::solution::rules(), id, self.long_ago(), cells)
            },
        )
    }

    pub(super) fn pairs(&self) -> Vec<Vec<Value>> {
        let mut pairs = Vec::new();
        for (solution, (.., industries)) in (0..).zip(words::SOLUTIONS) {
            for industry in industries {
                let industry = i64::try_from(*industry).unwrap_or_default();
                pairs.push(vec![
                    Value::Int(self.first.industries + industry),
                    Value::Int(self.first.solutions + solution),
                    Value::Time(self.long_ago()),
                    Value::Time(self.long_ago()),
                ]);
            }
        }
        pairs
    }

    /// Events every 40 days: eight in the past, four in the future.
    pub(super) fn events(&self) -> impl Iterator<Item = Vec<Value>> {
        (0..).zip(words::EVENTS).map(|(index, (kind, about, city, role, industries, solutions))| {
            let date = self.now + Duration::days((index - 8) * 40 + 20) + Duration::hours(9);
            let status = match index {
                3 => "cancelled",
                0..=7 => "completed",
                8 | 9 => "open",
                _ => "planned",
            };
            let cells = [
                ("event_type", text(kind)),
                ("event_date", Value::Time(date)),
                ("description", text(about)),
                ("location", text(words::CITIES[city])),
                ("target_industries", Value::Json(json!(industries.map(|i| words::INDUSTRIES[i])))),
                ("target_roles", Value::Json(json!([role]))),
                (
                    "solutions_featured",
                    Value::Json(json!(solutions.map(|s| words::SOLUTIONS[s].0))),
                ),
                ("status", text(status)),
            ];
            let id = self.first.events + index;
            self.with(offer::event::rules(), id, self.long_ago(), cells)
        })
    }

    /// The number of days since a prospect was created; older prospects have more interactions.
    pub(super) fn age(prospect: i64) -> i64 {
        if imports::is_of_file(prospect) {
            return imports::AGE;
        }
        let mut rng = Rng::with_seed(prospect.cast_unsigned() ^ 0xA6E);
        rng.i64(3 + 9 * Self::interaction_count(prospect)..366)
    }

    pub(super) fn person(prospect: i64) -> (&'static str, &'static str) {
        let mut rng = Rng::with_seed(prospect.cast_unsigned() ^ 0xFACE);
        let first = words::FIRST_NAMES[rng.usize(..words::FIRST_NAMES.len())];
        (first, words::LAST_NAMES[rng.usize(..words::LAST_NAMES.len())])
    }

    /// The e-mail address of a prospect.
    pub(super) fn email(&self, prospect: i64) -> String {
        let (first, last) = Self::person(prospect);
        let domain = Self::company_domain(self.company_of(prospect));
        format!("{}.{}.{prospect}@{domain}", slug(first), slug(last))
    }

    pub(super) fn prospects(&self) -> impl Iterator<Item = Vec<Value>> {
        (0..self.scale.prospects()).map(|number| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0x9E0);
            let (first, last) = Self::person(number);
            let company = self.company_of(number);
            let handle = format!("{}.{}", slug(first), slug(last));
            let [contacted, engaged] = self.newest(number);
            let days = if self.is_year() { Self::age(number) } else { rng.i64(181..200) };
            let made = self.days_ago(days, &mut rng);
            let source = if self.is_year() && number % 4 == 3 { "import" } else { "manual" };
            let profile = format!("https://www.linkedin.example/in/{handle}-{number}");
            let cells = [
                ("full_name", text(format!("{first} {last}"))),
                ("email", text(self.email(number))),
                ("linkedin_url", if rng.u8(..4) == 0 { Value::Null } else { text(profile) }),
                ("location", text(words::CITIES[rng.usize(..words::CITIES.len())])),
                ("company_id", Value::Int(self.first.companies + company)),
                ("source", text(source)),
                ("last_contacted_at", contacted.map_or(Value::Null, Value::Time)),
                ("is_active", Value::Bool(rng.u8(..10) != 0)),
                ("last_engagement_date", engaged.map_or(Value::Null, Value::Time)),
                (
                    "lifecycle_stage",
                    text(Self::stage(number, contacted.is_some(), engaged.is_some())),
                ),
            ];
            self.with(crm::prospect::rules(), self.first.prospects + number, made, cells)
        })
    }

    /// The lifecycle stage of a prospect: later stages only after a reply.
    fn stage(prospect: i64, contacted: bool, engaged: bool) -> &'static str {
        const AFTER_REPLY: [&str; 10] = [
            "engaged",
            "engaged",
            "engaged",
            "engaged",
            "qualified",
            "qualified",
            "qualified",
            "opportunity",
            "customer",
            "disqualified",
        ];
        let mut rng = Rng::with_seed(prospect.cast_unsigned() ^ 0x57A6E);
        match (contacted, engaged) {
            (_, true) => AFTER_REPLY[rng.usize(..AFTER_REPLY.len())],
            (true, false) if rng.u8(..20) == 0 => "disqualified",
            (true, false) => "contacted",
            (false, false) if at(&RESEARCH, prospect / 2) > 0 => "researched",
            (false, false) => "new",
        }
    }

    pub(super) fn research(&self, first: i64) -> impl Iterator<Item = Vec<Value>> {
        let all = (0..self.scale.prospects())
            .flat_map(|prospect| (0..at(&RESEARCH, prospect / 2)).map(move |_| prospect));
        (0_i64..).zip(all).map(move |(number, prospect)| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0x4E5E);
            let (first_name, last_name) = Self::person(prospect);
            let (company, _) = Self::company_name(self.company_of(prospect));
            let solution = words::SOLUTIONS[rng.usize(..words::SOLUTIONS.len())];
            let days = if self.is_year() { 1..Self::age(prospect) } else { 1..170 };
            let made = self.days_ago(rng.i64(days), &mut rng);
            let confidence = f64::from(rng.u32(40..100)) / 100.0;
            let cells = [
                ("prospect_id", Value::Int(self.first.prospects + prospect)),
                (
                    "research_summary",
                    text(format!(
                        "{first_name} {last_name} decides on {} at {company}. {} would fit: {}",
                        solution.4[0], solution.0, solution.3
                    )),
                ),
                ("key_insights", Value::Json(json!({"need": solution.4[0], "words": solution.5}))),
                ("recommended_solutions", Value::Json(json!([solution.0]))),
                (
                    "confidence_score",
                    if rng.u8(..9) == 0 { Value::Null } else { Value::Double(confidence) },
                ),
            ];
            self.with(crm::prospect_research::rules(), first + number, made, cells)
        })
    }

    pub(super) fn usage(&self, first: i64) -> impl Iterator<Item = Vec<Value>> {
        (0..self.scale.prospects() / 2).map(move |number| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0x70CE);
            let (workflow, node) = words::WORKFLOWS[rng.usize(..words::WORKFLOWS.len())];
            let (model, input, output) = words::MODELS[rng.usize(..words::MODELS.len())];
            let (prompt, completion) = (rng.i32(200..6_000), rng.i32(50..1_500));
            let cost = (f64::from(prompt) * input + f64::from(completion) * output) / 1e6;
            let days = if self.is_year() { 1..365 } else { 1..180 };
            let made = self.days_ago(rng.i64(days), &mut rng);
            let cells = [
                ("workflow_name", text(workflow)),
                ("node_name", text(node)),
                ("model", text(model)),
                ("prompt_tokens", Value::Int(prompt.into())),
                ("completion_tokens", Value::Int(completion.into())),
                ("total_tokens", Value::Int((prompt + completion).into())),
                ("latency_ms", Value::Int(rng.i64(300..20_000))),
                ("cost", Value::Double(cost)),
            ];
            self.with(usage::llm_usage_log::rules(), first + number, made, cells)
        })
    }
}
