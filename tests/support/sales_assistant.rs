//! A source database, created exactly as the sales-assistant document specifies.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

use crate::{Engine, database::TestDatabase};

/// A source database for a data migration.
pub struct SourceDatabase {
    /// The URL of the database.
    pub url: String,
    /// A connection to the database.
    pub db: DatabaseConnection,
    _database: TestDatabase,
}

const TABLES: [&str; 11] = [
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "CREATE TABLE events (id SERIAL PRIMARY KEY, event_type VARCHAR(255) NOT NULL, event_date TIMESTAMP NOT NULL, description TEXT NOT NULL, location VARCHAR(255) NOT NULL, target_industries JSONB, target_roles JSONB, solutions_featured JSONB, status VARCHAR(255) NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE industries (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE llm_usage_logs (id SERIAL PRIMARY KEY, worfklow_name VARCHAR(255) NOT NULL, node_name VARCHAR(255) NOT NULL, model VARCHAR(255) NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, latency_ms INTEGER NOT NULL, cost DOUBLE PRECISION NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE solutions (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, category VARCHAR(255) NOT NULL, description TEXT NOT NULL, use_cases JSONB, keywords JSONB, pricing_model VARCHAR(255) NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE companies (id SERIAL PRIMARY KEY, name VARCHAR(255) NOT NULL, industry_id INTEGER NOT NULL REFERENCES industries (id), size VARCHAR(255) NOT NULL, website VARCHAR(255), created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE industry_solutions (industry_id INTEGER NOT NULL REFERENCES industries (id), solution_id INTEGER NOT NULL REFERENCES solutions (id), created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, PRIMARY KEY (industry_id, solution_id))",
    "CREATE TABLE prospects (id SERIAL PRIMARY KEY, full_name VARCHAR(255) NOT NULL, email VARCHAR(255) NOT NULL, linkedin_url VARCHAR(255), location VARCHAR(255), company_id INTEGER NOT NULL REFERENCES companies (id), last_contacted_at TIMESTAMP, is_active BOOLEAN NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE interactions (id SERIAL PRIMARY KEY, prospect_id INTEGER NOT NULL REFERENCES prospects (id), event_id INTEGER REFERENCES events (id), interaction_type VARCHAR(255) NOT NULL, interaction_date TIMESTAMP NOT NULL, subject VARCHAR(255) NOT NULL, content TEXT NOT NULL, sentiment VARCHAR(255), outcome TEXT, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE outreach_drafts (id SERIAL PRIMARY KEY, prospect_id INTEGER NOT NULL REFERENCES prospects (id), event_id INTEGER REFERENCES events (id), draft_type VARCHAR(255) NOT NULL, content TEXT NOT NULL, status VARCHAR(255) NOT NULL, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
    "CREATE TABLE prospect_research (id SERIAL PRIMARY KEY, prospect_id INTEGER NOT NULL REFERENCES prospects (id), research_summary TEXT NOT NULL, key_insights JSONB, recommended_solutions JSONB, confidence_score DOUBLE PRECISION, created_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL)",
];

const ROWS: [&str; 11] = [
    "INSERT INTO alembic_version VALUES ('1975ea83b712')",
    "INSERT INTO industries VALUES (3, 'Logistics', '2025-01-02 03:04:05', '2025-01-02 03:04:05.000001'), (7, 'Bänking', '2025-01-02 03:04:05.5', '2025-01-02 03:04:05')",
    "INSERT INTO solutions VALUES (5, 'Radar', 'Platform', 'Finds.', '[\"a\", 1]', NULL, 'per seat', '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO industry_solutions VALUES (3, 5, '2025-02-02 03:04:05', '2025-02-02 03:04:05')",
    "INSERT INTO events VALUES (2, 'fair', '2025-06-01 09:00:00', 'A fair.', 'Berlin', '[\"Logistics\"]', '{\"CTO\": true}', NULL, 'planned', '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO companies VALUES (11, 'Acme', 3, '11-50', 'https://www.Acme.example/x', '2025-01-02 03:04:05', '2025-01-02 03:04:05'), (12, 'Bank', 7, '1000+', NULL, '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO prospects VALUES (101, 'Ada Lovelace', 'Ada@acme.example', NULL, 'London', 11, '2025-03-04 05:06:07.123456', TRUE, '2025-01-02 03:04:05', '2025-01-02 03:04:05'), (102, 'Zoë', 'zoe@bank.example', 'https://l.example/zoe', NULL, 12, NULL, FALSE, '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO interactions VALUES (1001, 101, 2, 'meeting', '2025-03-04 05:06:07', 'Met', 'At the fair.', 'positive', NULL, '2025-01-02 03:04:05', '2025-01-02 03:04:05'), (1002, 101, NULL, 'email', '2025-03-03 05:06:07', 'Hello', '', NULL, 'answered', '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO outreach_drafts VALUES (21, 101, 2, 'initial', 'Dear Ada', 'sent', '2025-01-02 03:04:05', '2025-01-02 03:04:05'), (22, 102, NULL, 'reply', 'Dear Zoë', 'Pending Review', '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO prospect_research VALUES (31, 101, 'Decides.', '{\"need\": [1, 2.5, null]}', '[5]', 0.30000000000000004, '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
    "INSERT INTO llm_usage_logs VALUES (41, 'outreach', 'draft', 'large', 100, 20, 120, 900, 0.1234567890123456, '2025-01-02 03:04:05', '2025-01-02 03:04:05')",
];

impl SourceDatabase {
    /// Creates the tables of the document with one or two rows in each table.
    pub async fn new(engine: Engine) -> Self {
        let database = TestDatabase::empty(engine).await;
        let url = match engine {
            Engine::Sqlite => {
                format!("{}?mode=rwc", database.url.replacen("sqlite:", "sqlite://", 1))
            }
            Engine::Postgres => database.url.clone(),
        };
        let db = Database::connect(url).await.unwrap();
        let source = Self { url: database.url.clone(), db, _database: database };
        for sql in TABLES {
            let sql = match engine {
                Engine::Sqlite => sql.replace("SERIAL PRIMARY KEY", "INTEGER PRIMARY KEY"),
                Engine::Postgres => sql.to_owned(),
            };
            source.run(&sql).await;
        }
        if engine == Engine::Sqlite {
            source.run("PRAGMA foreign_keys = OFF").await;
        }
        for sql in ROWS {
            source.run(sql).await;
        }
        source
    }

    /// Executes a statement on the source database.
    pub async fn run(&self, sql: &str) {
        self.db.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}
