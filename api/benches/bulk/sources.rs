//! Generated sources of bulk work: a file of people, and databases of the other systems. The numbers of people per
//! company follow a power law: a few companies have thousands, most have one or two.

use std::{fmt::Write as _, path::Path};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

/// A pseudorandom number generator, so that every run has the same rows.
struct Dice(u64);

impl Dice {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }

    /// A rank below `end`, each with about half the probability of the rank at half its place.
    fn rank(&mut self, end: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "ranks are small"
        )]
        let rank = (end as f64).powf(self.below(1 << 20) as f64 / f64::from(1 << 20)) as u64;
        rank.min(end) - 1
    }

    fn one<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let place = self.below(words.len() as u64);
        words[usize::try_from(place).unwrap()]
    }

    fn words(&mut self, number: u64) -> String {
        (0..number).map(|_| self.one(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    /// A timestamp: most rows are old, few are recent.
    fn moment(&mut self) -> String {
        let day = self.rank(28) + 1;
        let (year, month) = (2025 - self.below(4), 12 - self.rank(12));
        format!("{year}-{month:02}-{day:02} {:02}:{:02}:07", self.below(24), self.below(60))
    }
}

const WORDS: [&str; 24] = [
    "growth",
    "logistics",
    "budget",
    "meeting",
    "rollout",
    "migration",
    "contract",
    "security",
    "retail",
    "factory",
    "quality",
    "sensor",
    "cloud",
    "partner",
    "region",
    "supply",
    "invoice",
    "energy",
    "machine",
    "audit",
    "vendor",
    "pipeline",
    "delivery",
    "analytics",
];
const FIRST: [&str; 12] = [
    "Ada", "Ben", "Cleo", "Dora", "Emil", "Fritz", "Gerda", "Hanna", "Ivo", "Jana", "Karl", "Lena",
];
const LAST: [&str; 12] = [
    "Berg", "Stein", "Weber", "Kolb", "Ritter", "Vogt", "Lang", "Hahn", "Beck", "Frank", "Simon",
    "Busch",
];

/// A last name that few people share.
fn last_name(dice: &mut Dice) -> String {
    let parts =
        [dice.one(&LAST).to_owned(), dice.one(&LAST).to_lowercase(), dice.one(&WORDS).to_owned()];
    parts.concat()
}

/// A file with this number of people, a tenth as many companies, and no duplicates.
pub(crate) fn file(rows: u64) -> String {
    let mut dice = Dice(7);
    let mut file =
        String::from("First Name,Last Name,Email,Phone,Title,LinkedIn,Company,Website\n");
    for row in 0..rows {
        let company = dice.rank(rows / 10 + 1);
        let (first, last) = (dice.one(&FIRST), last_name(&mut dice));
        let name = format!("{first}.{last}.{row}").to_lowercase();
        let _ = writeln!(
            file,
            "{first},{last},{name}@employer{company}.example,+49 30 {},{},https://www.linkedin.com/in/{name},\
             Employer {company},employer{company}.example",
            1_000_000 + row,
            dice.one(&WORDS)
        );
    }
    file
}

async fn create(file: &Path) -> SqliteConnection {
    let _ = std::fs::remove_file(file);
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Inserts rows, each a list of SQL literals, in one transaction.
async fn insert(
    source: &mut SqliteConnection,
    table: &str,
    rows: u64,
    mut row: impl FnMut(u64) -> String,
) {
    sqlx::query("BEGIN").execute(&mut *source).await.unwrap();
    for first in (1..=rows).step_by(500) {
        let values: Vec<_> =
            (first..=rows.min(first + 499)).map(|id| format!("({})", row(id))).collect();
        let sql = format!("INSERT INTO {table} VALUES {}", values.join(","));
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *source).await.unwrap();
    }
    sqlx::query("COMMIT").execute(source).await.unwrap();
}

/// The tables of the sales-assistant document, as in its section on the database.
const SALES_ASSISTANT: &str = "
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE events (id INTEGER PRIMARY KEY, event_type TEXT NOT NULL, event_date TIMESTAMP NOT NULL, description TEXT NOT NULL, location TEXT NOT NULL, target_industries JSONB, target_roles JSONB, solutions_featured JSONB, status TEXT NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE industries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE llm_usage_logs (id INTEGER PRIMARY KEY, worfklow_name TEXT NOT NULL, node_name TEXT NOT NULL, model TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, latency_ms INTEGER NOT NULL, cost DOUBLE PRECISION NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE solutions (id INTEGER PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL, description TEXT NOT NULL, use_cases JSONB, keywords JSONB, pricing_model TEXT NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE companies (id INTEGER PRIMARY KEY, name TEXT NOT NULL, industry_id INTEGER NOT NULL, size TEXT NOT NULL, website TEXT, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE industry_solutions (industry_id INTEGER NOT NULL, solution_id INTEGER NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, PRIMARY KEY (industry_id, solution_id));
CREATE TABLE prospects (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT NOT NULL, linkedin_url TEXT, location TEXT, company_id INTEGER NOT NULL, last_contacted_at TIMESTAMP, is_active BOOLEAN NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE interactions (id INTEGER PRIMARY KEY, prospect_id INTEGER NOT NULL, event_id INTEGER, interaction_type TEXT NOT NULL, interaction_date TIMESTAMP NOT NULL, subject TEXT NOT NULL, content TEXT NOT NULL, sentiment TEXT, outcome TEXT, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE outreach_drafts (id INTEGER PRIMARY KEY, prospect_id INTEGER NOT NULL, event_id INTEGER, draft_type TEXT NOT NULL, content TEXT NOT NULL, status TEXT NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
CREATE TABLE prospect_research (id INTEGER PRIMARY KEY, prospect_id INTEGER NOT NULL, research_summary TEXT NOT NULL, key_insights JSONB, recommended_solutions JSONB, confidence_score DOUBLE PRECISION, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL);
";

/// Creates a sales-assistant database with this number of prospects, five interactions for each, one draft, and one
/// piece of research for every second one. Returns the number of its rows.
pub(crate) async fn sales_assistant(file: &Path, prospects: u64) -> u64 {
    let mut source = create(file).await;
    sqlx::raw_sql(SALES_ASSISTANT).execute(&mut source).await.unwrap();
    let mut dice = Dice(11);
    let companies = prospects / 10 + 1;
    let times = |dice: &mut Dice| format!("'{}', '{}'", dice.moment(), dice.moment());
    insert(&mut source, "industries", 40, |id| {
        format!("{id}, 'Industry {id}', {}", times(&mut dice))
    })
    .await;
    insert(&mut source, "companies", companies, |id| {
        let (name, size) = (
            dice.one(&LAST),
            ["1-10", "11-50", "51-200", "1000+"][usize::try_from(dice.rank(4)).unwrap()],
        );
        let industry = dice.rank(40) + 1;
        format!(
            "{id}, '{name} {id}', {industry}, '{size}', 'https://www.c{id}.example', {}",
            times(&mut dice)
        )
    })
    .await;
    insert(&mut source, "prospects", prospects, |id| {
        let (first, last) = (dice.one(&FIRST), last_name(&mut dice));
        let company = dice.rank(companies) + 1;
        let email = format!("{first}.{last}.{id}@c{company}.example").to_lowercase();
        format!(
            "{id}, '{first} {last}', '{email}', NULL, 'Berlin', {company}, '{}', TRUE, {}",
            dice.moment(),
            times(&mut dice)
        )
    })
    .await;
    insert(&mut source, "interactions", prospects * 5, |id| {
        let prospect = dice.rank(prospects) + 1;
        let (kind, moment) = (dice.one(&["email", "call", "meeting"]), dice.moment());
        let (subject, content) = (dice.words(4), dice.words(25));
        format!("{id}, {prospect}, NULL, '{kind}', '{moment}', '{subject}', '{content}', 'positive', NULL, {}", times(&mut dice))
    })
    .await;
    insert(&mut source, "outreach_drafts", prospects, |id| {
        let prospect = dice.below(prospects) + 1;
        format!(
            "{id}, {prospect}, NULL, 'initial', '{}', 'sent', {}",
            dice.words(40),
            times(&mut dice)
        )
    })
    .await;
    insert(&mut source, "prospect_research", prospects / 2, |id| {
        let prospect = dice.below(prospects) + 1;
        format!(
            "{id}, {prospect}, '{}', '{{\"need\": \"budget\"}}', NULL, 0.5, {}",
            dice.words(30),
            times(&mut dice)
        )
    })
    .await;
    source.close().await.unwrap();
    40 + companies + prospects * 7 + prospects / 2
}

/// The required tables of the enrichment document.
const ENRICHMENT: &str = "
CREATE TABLE jobs (id TEXT PRIMARY KEY, status TEXT NOT NULL, total_records INTEGER NOT NULL, processed_records INTEGER NOT NULL, failed_records INTEGER NOT NULL, input_file_path TEXT NOT NULL, output_file_path TEXT, options TEXT, estimated_cost REAL, actual_cost REAL, created_at TIMESTAMP, started_at TIMESTAMP, completed_at TIMESTAMP, user_id TEXT, error_message TEXT, processing_time_seconds REAL);
CREATE TABLE records (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, record_index INTEGER NOT NULL, status TEXT NOT NULL, original_data TEXT NOT NULL, enriched_data TEXT, generated_content TEXT, processing_attempts INTEGER, last_error TEXT, processing_time_ms INTEGER, llm_tokens_used INTEGER, cost REAL, enrichment_confidence REAL, data_completeness REAL, created_at TIMESTAMP, processed_at TIMESTAMP);
";

/// The number of records in a job of the enrichment source.
const RECORDS: u64 = 5_000;

/// Creates an enrichment database with this number of records. Returns the number of its rows.
pub(crate) async fn enrichment(file: &Path, records: u64) -> u64 {
    let mut source = create(file).await;
    sqlx::raw_sql(ENRICHMENT).execute(&mut source).await.unwrap();
    let mut dice = Dice(13);
    let jobs = records.div_ceil(RECORDS);
    insert(&mut source, "jobs", jobs, |id| {
        let rows = RECORDS.min(records - (id - 1) * RECORDS);
        let moment = dice.moment();
        format!("'job{id}', 'completed', {rows}, {rows}, 0, '/in/{id}.csv', NULL, '{{}}', 0.0, 0.0, '{moment}', '{moment}', '{moment}', 'ada', NULL, 60.5")
    })
    .await;
    insert(&mut source, "records", records, |id| {
        let (job, index) = ((id - 1) / RECORDS + 1, (id - 1) % RECORDS);
        let (first, last, company) = (dice.one(&FIRST), last_name(&mut dice), dice.rank(records / 10 + 1));
        let moment = dice.moment();
        format!(
            "{id}, 'job{job}', {index}, 'enriched', '{{\"Name\": \"{first} {last}\", \"Email\": \"p{id}@c{company}.example\", \"Company\": \"Company {company}\"}}', \
             '{{\"job_title\": \"{}\"}}', NULL, 1, NULL, 40, 20, 0.01, 0.9, 0.8, '{moment}', '{moment}'",
            dice.one(&WORDS)
        )
    })
    .await;
    source.close().await.unwrap();
    jobs + records
}
