//! A source database with the schema from the enrichment document, filled with generated rows.

use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};

/// The statements of the document, corrected where `SQLite` rejects them: the indexes of the cache table are created by
/// separate statements.
const DDL: &str = "
CREATE TABLE jobs (
    id TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    total_records INTEGER NOT NULL DEFAULT 0,
    processed_records INTEGER NOT NULL DEFAULT 0,
    failed_records INTEGER NOT NULL DEFAULT 0,
    input_file_path TEXT NOT NULL,
    output_file_path TEXT,
    options TEXT DEFAULT '{}',
    estimated_cost REAL DEFAULT 0.0,
    actual_cost REAL DEFAULT 0.0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    started_at TIMESTAMP,
    completed_at TIMESTAMP,
    user_id TEXT DEFAULT 'default',
    error_message TEXT,
    processing_time_seconds REAL
);
CREATE INDEX idx_jobs_status ON jobs(status);
CREATE INDEX idx_jobs_user_id ON jobs(user_id);
CREATE INDEX idx_jobs_created_at ON jobs(created_at DESC);
CREATE TABLE records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL,
    record_index INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'processing', 'enriched', 'failed', 'skipped')),
    original_data TEXT NOT NULL,
    enriched_data TEXT,
    generated_content TEXT,
    processing_attempts INTEGER DEFAULT 0,
    last_error TEXT,
    processing_time_ms INTEGER,
    llm_tokens_used INTEGER,
    cost REAL DEFAULT 0.0,
    enrichment_confidence REAL,
    data_completeness REAL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    processed_at TIMESTAMP,
    FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE
);
CREATE INDEX idx_records_job_id ON records(job_id);
CREATE INDEX idx_records_status ON records(status);
CREATE INDEX idx_records_job_status ON records(job_id, status);
CREATE TABLE enrichment_cache (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cache_key TEXT NOT NULL UNIQUE,
    lookup_type TEXT NOT NULL,
    result_data TEXT,
    hit_count INTEGER DEFAULT 0,
    confidence_score REAL,
    source TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMP DEFAULT (datetime('now', '+7 days'))
);
CREATE INDEX idx_cache_key ON enrichment_cache(cache_key);
CREATE INDEX idx_cache_expires ON enrichment_cache(expires_at);
CREATE TABLE email_templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    template_type TEXT NOT NULL CHECK (template_type IN ('subject', 'body', 'icebreaker', 'hot_button')),
    template_text TEXT NOT NULL,
    variables TEXT,
    usage_count INTEGER DEFAULT 0,
    success_rate REAL,
    version INTEGER DEFAULT 1,
    is_active BOOLEAN DEFAULT 1,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE template_performance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    template_id INTEGER NOT NULL,
    job_id TEXT NOT NULL,
    open_rate REAL,
    response_rate REAL,
    conversion_rate REAL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (template_id) REFERENCES email_templates(id),
    FOREIGN KEY (job_id) REFERENCES jobs(id)
);
CREATE TABLE api_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    job_id TEXT,
    record_id INTEGER,
    tokens_used INTEGER,
    cost REAL NOT NULL,
    response_time_ms INTEGER,
    status_code INTEGER,
    request_size_bytes INTEGER,
    response_size_bytes INTEGER,
    error_message TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (job_id) REFERENCES jobs(id) ON DELETE CASCADE,
    FOREIGN KEY (record_id) REFERENCES records(id) ON DELETE CASCADE
);
CREATE INDEX idx_api_usage_provider ON api_usage(provider);
CREATE INDEX idx_api_usage_created ON api_usage(created_at);
CREATE INDEX idx_api_usage_job ON api_usage(job_id);
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    value_type TEXT CHECK (value_type IN ('string', 'integer', 'float', 'boolean', 'json')),
    description TEXT,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO settings (key, value, value_type, description, updated_at) VALUES
    ('llm_provider', 'openai', 'string', 'LLM provider to use', '2026-01-01 00:00:00'),
    ('llm_model', 'gpt-4o', 'string', 'Model name', '2026-01-01 00:00:00'),
    ('max_concurrent_enrichments', '5', 'integer', 'Max parallel enrichments', '2026-01-01 00:00:00'),
    ('cache_ttl_days', '14', 'integer', 'Cache expiry in days', '2026-01-01 00:00:00'),
    ('daily_spend_limit', '12.5', 'float', 'Maximum daily API spend', '2026-01-01 00:00:00'),
    ('enable_deep_search', 'false', 'boolean', 'Enable deep web search', '2026-01-01 00:00:00'),
    ('theme', '{\"dark\": true}', 'json', NULL, '2026-01-01 00:00:00');
CREATE VIEW job_summary AS
SELECT j.id, j.status, j.total_records, j.processed_records, j.failed_records,
    ROUND(CAST(j.processed_records AS FLOAT) / j.total_records * 100, 2) as progress_percentage,
    j.actual_cost, j.created_at, j.completed_at,
    ROUND((julianday(j.completed_at) - julianday(j.started_at)) * 86400, 2) as processing_time_seconds
FROM jobs j;
CREATE VIEW daily_usage AS
SELECT DATE(created_at) as date, provider, COUNT(*) as api_calls, SUM(tokens_used) as total_tokens,
    SUM(cost) as total_cost, AVG(response_time_ms) as avg_response_time
FROM api_usage GROUP BY DATE(created_at), provider;
CREATE VIEW enrichment_success_rate AS
SELECT DATE(created_at) as date, COUNT(*) as total_records,
    SUM(CASE WHEN status = 'enriched' THEN 1 ELSE 0 END) as successful,
    SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) as failed,
    ROUND(CAST(SUM(CASE WHEN status = 'enriched' THEN 1 ELSE 0 END) AS FLOAT) / COUNT(*) * 100, 2) as success_rate
FROM records WHERE status IN ('enriched', 'failed') GROUP BY DATE(created_at);
";

/// Creates a database with the schema of the document, in a file in `folder`, with no rows except the settings.
pub async fn empty(folder: &Path) -> (String, DatabaseConnection) {
    let path = folder.join("app.db");
    let db = Database::connect(format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    db.execute_unprepared(DDL).await.unwrap();
    (format!("sqlite:{}", path.display()), db)
}

/// Creates a database like [`empty`] and adds generated rows: `jobs` jobs with an increasing number of records.
pub async fn filled(folder: &Path, jobs: usize) -> (String, DatabaseConnection) {
    let (url, db) = empty(folder).await;
    let mut sql = String::from(
        "INSERT INTO email_templates (name, template_type, template_text, variables, usage_count, success_rate, version, is_active, created_at, updated_at) VALUES \
         ('Intro', 'subject', 'Hi {{company_name}}', '[\"company_name\"]', 12, 0.25, 1, 1, '2026-01-02 08:00:00', '2026-01-03 08:00:00'), \
         ('Intro', 'body', 'Old', NULL, 3, NULL, 1, 0, '2026-01-02 08:00:00', '2026-01-02 08:00:00'), \
         ('Intro', 'body', 'Dear {{owner_name}}', 'no JSON', 9, 0.5, 2, 1, '2026-01-02 09:00:00', '2026-01-02 09:00:00');\n",
    );
    let of_jobs = ["completed", "completed", "failed", "cancelled", "pending", "processing"];
    let of_records = ["enriched", "enriched", "failed", "skipped", "enriched", "pending"];
    let (mut record, mut call) = (0, 0);
    for job in 0..jobs {
        let (status, rows) = (of_jobs[job % of_jobs.len()], job % 5 + 2 * job / 3);
        let day = job % 25 + 1;
        let quarters = |number: usize| f64::from(u32::try_from(number).unwrap()) * 0.25;
        let ended = matches!(status, "completed" | "failed");
        let moment = |hour: usize| format!("'2026-02-{day:02} {hour:02}:30:15'");
        sql.extend([format!(
            "INSERT INTO jobs VALUES ('job{job:04}', '{status}', {rows}, {}, {}, '/data/in/list {job}.csv', {}, \
             '{{\"generate_variants\": {job}}}', {}, {}, {}, {}, {}, {}, {}, {});\n",
            rows * 2 / 3,
            rows / 5,
            if ended { format!("'/data/out/{job}.csv'") } else { "NULL".to_owned() },
            quarters(rows * 2),
            quarters(rows),
            moment(8),
            moment(9),
            if ended { moment(10) } else { "NULL".to_owned() },
            if job % 2 == 0 { "'default'" } else { "'ada'" },
            if status == "failed" { "'no network'" } else { "NULL" },
            if ended { "3600.5" } else { "NULL" },
        )]);
        for index in 0..rows {
            record += 1;
            let state = of_records[record % of_records.len()];
            sql.extend([format!(
                "INSERT INTO records VALUES ({record}, 'job{job:04}', {index}, '{state}', \
                 '{{\"Name\": \"Person {record}\", \"Company\": \"Company {}\", \"City\": \"Köln\"}}', {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});\n",
                record % 7,
                if state == "enriched" {
                    format!(
                        "'{{\"email\": \"person{record}@company{}.example\", \"insights\": [1, 2]}}'",
                        record % 7
                    )
                } else {
                    "NULL".to_owned()
                },
                if state == "enriched" {
                    format!(
                        "'{{\"variants\": [{{\"subject\": \"S{record}\", \"body\": \"B{record}\"}}, {{\"subject\": \"T\", \"body\": \"C\"}}]}}'"
                    )
                } else {
                    "NULL".to_owned()
                },
                record % 4,
                if state == "failed" { "'timeout'" } else { "NULL" },
                100 + record,
                record * 10,
                quarters(record % 9),
                if state == "enriched" { "0.75" } else { "NULL" },
                if state == "enriched" { "0.5" } else { "NULL" },
                moment(8),
                if state == "enriched" { moment(9) } else { "NULL".to_owned() },
            )]);
            for (number, provider) in ["openai", "duckduckgo", "anthropic"].iter().enumerate() {
                call += 1;
                sql.extend([format!(
                    "INSERT INTO api_usage VALUES ({call}, '{provider}', '/v1/{number}', 'job{job:04}', {}, {}, {}, {}, 200, 512, 2048, NULL, {});\n",
                    if number == 1 { "NULL".to_owned() } else { record.to_string() },
                    if number == 1 { "NULL".to_owned() } else { (call * 3).to_string() },
                    quarters(call % 5),
                    50 + call,
                    moment(8 + number),
                )]);
            }
        }
        if ended {
            sql.extend([format!(
                "INSERT INTO template_performance (template_id, job_id, open_rate, response_rate, conversion_rate, created_at) \
                 VALUES ({}, 'job{job:04}', 0.5, 0.25, NULL, {});\n",
                job % 3 + 1,
                moment(11),
            )]);
        }
    }
    for number in 0..20 {
        sql.extend([format!(
            "INSERT INTO enrichment_cache (cache_key, lookup_type, result_data, hit_count, confidence_score, source, created_at, expires_at) VALUES \
             ('key{number}', '{}', '{{\"website\": \"w{number}.example\"}}', {number}, 0.{number:02}, 'web_search', '2026-02-20 10:00:00', '2026-03-{:02} 10:00:00');\n",
            if number % 2 == 0 { "website" } else { "contact" },
            number % 4 + 1,
        )]);
    }
    db.execute_unprepared(&sql).await.unwrap();
    (url, db)
}
