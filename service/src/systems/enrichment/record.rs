//! Conversion of the rows of each table (`model.md`, part 5.4).

use std::collections::HashMap;

use engine::{record::Record, table::Table, value::Value};
use sea_orm::{ColumnTrait, IdenStatic};

use super::{cell::Cell, source::SourceRow, tables::SourceTable};
use crate::{
    governance::setting,
    ingest::template_performance,
    ingest::{
        enrichment_cache_entry,
        import_job::{self, kind},
        import_record::{self, promotion, verdict},
    },
    outreach::message_template,
    usage::{llm_usage_log, service_usage_log},
};

/// Providers of language models, which charge by token.
const LLM_PROVIDERS: [&str; 2] = ["openai", "anthropic"];

/// Primary keys of referenced rows, by source table and source key.
pub(super) type Keys = HashMap<(&'static str, String), i64>;

/// The target table of a row.
pub(super) fn target(table: &SourceTable, row: &SourceRow) -> &'static Table {
    match table.name {
        "settings" => setting::table(),
        "email_templates" => message_template::table(),
        "jobs" => import_job::table(),
        "records" => import_record::table(),
        "enrichment_cache" => enrichment_cache_entry::table(),
        "template_performance" => template_performance::table(),
        _ if is_llm(row) => llm_usage_log::table(),
        _ => service_usage_log::table(),
    }
}

/// All possible target tables of a source table.
pub(super) fn targets(table: &SourceTable) -> Vec<&'static Table> {
    match table.name {
        "settings" => vec![setting::table()],
        "email_templates" => vec![message_template::table()],
        "jobs" => vec![import_job::table()],
        "records" => vec![import_record::table()],
        "enrichment_cache" => vec![enrichment_cache_entry::table()],
        "template_performance" => vec![template_performance::table()],
        _ => vec![llm_usage_log::table(), service_usage_log::table()],
    }
}

/// The default TTL in days of a cache entry without an expiry, if the source has no setting for it.
pub(super) const DEFAULT_CACHE_DAYS: i64 = 7;

/// Converts a row; `now` is used as the creation time if the row has none.
pub(super) fn record(table: &SourceTable, row: &SourceRow, keys: &Keys, now: Value) -> Record {
    let mut record = Record::new(target(table, row));
    let context = RowContext { table, row, keys };
    let made = context.or("created_at", now.clone());
    record.set_at(record.table().column_named("created_at"), made.clone());
    record.set_at(record.table().column_named("updated_at"), made.clone());
    match table.name {
        "settings" => context.setting(&mut record, now),
        "email_templates" => context.template(&mut record, made),
        "jobs" => context.job(&mut record),
        "records" => context.record(&mut record),
        "enrichment_cache" => context.cache_entry(&mut record),
        "template_performance" => context.performance(&mut record),
        _ => context.usage(&mut record),
    }
    record.set_revision(1);
    record
}

/// A validated row with the data that its conversion requires.
struct RowContext<'t> {
    table: &'t SourceTable,
    row: &'t SourceRow,
    keys: &'t Keys,
}

impl RowContext<'_> {
    fn value(&self, column: &str) -> Value {
        let columns = self.table.columns.iter();
        let kind = columns.clone().find(|(known, _)| *known == column).map(|(_, kind)| *kind);
        let cell = self.row.cells.get(column).unwrap_or(&Cell::Null);
        kind.and_then(|kind| cell.value(kind).ok()).unwrap_or(Value::Null)
    }

    fn or(&self, column: &str, usual: Value) -> Value {
        match self.value(column) {
            Value::Null => usual,
            told => told,
        }
    }

    /// A reference to the imported row that corresponds to the value of a column.
    fn points(&self, column: &str) -> Value {
        let to = self.table.references.iter().find(|(known, ..)| *known == column);
        let key = self.row.cells.get(column).map(Cell::key).unwrap_or_default();
        let found = to.and_then(|(_, table, _)| self.keys.get(&(*table, key)));
        found.map_or(Value::Null, |key| Value::Int(*key))
    }

    fn same<C: ColumnTrait>(&self, record: &mut Record, columns: &[C]) {
        for column in columns {
            record.set(*column, self.value(IdenStatic::as_str(column)));
        }
    }

    fn setting(&self, record: &mut Record, now: Value) {
        let changed = self.or("updated_at", now);
        record.set(setting::Column::CreatedAt, changed.clone());
        record.set(setting::Column::UpdatedAt, changed);
        self.same(record, &[setting::Column::Key, setting::Column::Description]);
        let key = record.text(setting::Column::Key).to_owned();
        let scope = if setting::is_known(&key) { "system" } else { "organization" };
        record.set(setting::Column::Scope, Value::Text(scope.to_owned()));
        let of_type = self.or("value_type", Value::Text("string".to_owned()));
        record.set(setting::Column::Value, typed(&self.value("value"), &of_type));
        record.set(setting::Column::ValueType, of_type);
    }

    fn template(&self, record: &mut Record, made: Value) {
        self.same(
            record,
            &[
                message_template::Column::Name,
                message_template::Column::TemplateType,
                message_template::Column::TemplateText,
                message_template::Column::Variables,
                message_template::Column::SuccessRate,
            ],
        );
        record.set(message_template::Column::UsageCount, self.or("usage_count", Value::Int(0)));
        record.set(message_template::Column::Version, self.or("version", Value::Int(1)));
        record.set(message_template::Column::IsActive, self.or("is_active", Value::Bool(true)));
        record.set(message_template::Column::UpdatedAt, self.or("updated_at", made));
    }

    fn job(&self, record: &mut Record) {
        import_job::nothing_counted(record);
        for column in [
            import_job::Column::TotalRecords,
            import_job::Column::ProcessedRecords,
            import_job::Column::FailedRecords,
        ] {
            record.set(column, self.or(column.name(), Value::Int(0)));
        }
        for column in [import_job::Column::EstimatedCost, import_job::Column::ActualCost] {
            record.set(column, self.or(column.name(), Value::Double(0.0)));
        }
        let same = [
            import_job::Column::Status,
            import_job::Column::InputFilePath,
            import_job::Column::OutputFilePath,
            import_job::Column::Options,
        ];
        self.same(record, &same);
        self.same(record, &[import_job::Column::StartedAt, import_job::Column::CompletedAt]);
        record.set(import_job::Column::Error, self.value("error_message"));
        record.set(import_job::Column::Kind, Value::Text(kind::ENRICHMENT.to_owned()));
        record.set(import_job::Column::CandidateDecision, Value::Text("wait".to_owned()));
        let path = self.value("input_file_path");
        let path = if let Value::Text(path) = &path { path.as_str() } else { "" };
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let name: String = name.chars().take(500).collect();
        let name = if name.is_empty() { "Enrichment".to_owned() } else { name };
        record.set(import_job::Column::Name, Value::Text(name));
        // The user who ran the job, in the format of native jobs.
        let user = match self.value("user_id") {
            Value::Text(user) if !user.trim().is_empty() => user,
            _ => "default".to_owned(),
        };
        record.set(import_job::Column::CommittedBy, Value::Text(format!("person/{user}")));
        // Values that the document stores redundantly are computed from the timestamps here, and the originals are
        // kept in the metadata. The user is also kept, because another user may create prospects from the records.
        let kept = ["processing_time_seconds", "user_id"]
            .map(|column| (column.to_owned(), self.value(column).json()));
        let kept = kept.into_iter().filter(|(_, told)| !told.is_null()).collect();
        record.set(import_job::Column::Metadata, Value::Json(serde_json::Value::Object(kept)));
    }

    fn record(&self, record: &mut Record) {
        import_record::nothing_asked(record);
        record.set(import_record::Column::ImportJobId, self.points("job_id"));
        let state = [
            import_record::Column::RecordIndex,
            import_record::Column::Status,
            import_record::Column::LastError,
            import_record::Column::ProcessedAt,
        ];
        self.same(record, &state);
        self.same(
            record,
            &[import_record::Column::EnrichedData, import_record::Column::GeneratedContent],
        );
        record.set(
            import_record::Column::OriginalData,
            self.or("original_data", Value::Json(serde_json::json!({}))),
        );
        self.same(
            record,
            &[import_record::Column::ProcessingTimeMs, import_record::Column::LlmTokensUsed],
        );
        self.same(
            record,
            &[import_record::Column::EnrichmentConfidence, import_record::Column::DataCompleteness],
        );
        // Attempts in the source do not count here: pending records start with zero attempts.
        let attempts = match record.text(import_record::Column::Status) {
            "pending" => Value::Int(0),
            _ => self.or("processing_attempts", Value::Int(0)),
        };
        record.set(import_record::Column::ProcessingAttempts, attempts);
        record.set(import_record::Column::Cost, self.or("cost", Value::Double(0.0)));
        record.set(import_record::Column::PromotionStatus, Value::Text(promotion::NONE.to_owned()));
        record.set(import_record::Column::Verdict, Value::Text(verdict::ERROR.to_owned()));
    }

    fn cache_entry(&self, record: &mut Record) {
        let same = [
            enrichment_cache_entry::Column::CacheKey,
            enrichment_cache_entry::Column::LookupType,
            enrichment_cache_entry::Column::ResultData,
            enrichment_cache_entry::Column::ConfidenceScore,
            enrichment_cache_entry::Column::Source,
        ];
        self.same(record, &same);
        record.set(enrichment_cache_entry::Column::HitCount, self.or("hit_count", Value::Int(0)));
        record.set(enrichment_cache_entry::Column::ExpiresAt, self.value("expires_at"));
    }

    fn performance(&self, record: &mut Record) {
        record.set(template_performance::Column::MessageTemplateId, self.points("template_id"));
        record.set(template_performance::Column::ImportJobId, self.points("job_id"));
        self.same(
            record,
            &[
                template_performance::Column::OpenRate,
                template_performance::Column::ResponseRate,
                template_performance::Column::ConversionRate,
            ],
        );
    }

    fn usage(&self, record: &mut Record) {
        // Both usage logs have these columns.
        macro_rules! call {
            ($table:ident) => {{
                use $table::Column;
                record.set(Column::IsPaidByServer, Value::Bool(false));
                let measures = [Column::RequestSizeBytes, Column::ResponseSizeBytes];
                self.same(record, &[Column::Provider, Column::Cost, Column::StatusCode]);
                self.same(record, &measures);
                record.set(Column::LatencyMs, self.value("response_time_ms"));
                record.set(Column::ImportJobId, self.points("job_id"));
                record.set(Column::ImportRecordId, self.points("record_id"));
                record.set(Column::Error, self.value("error_message"));
            }};
        }
        if is_llm(self.row) {
            use llm_usage_log::Column;
            call!(llm_usage_log);
            let tokens = self.or("tokens_used", Value::Int(0));
            record.set(Column::WorkflowName, Value::Text("enrichment".to_owned()));
            record.set(Column::NodeName, self.value("endpoint"));
            record.set(Column::Endpoint, self.value("endpoint"));
            record.set(Column::Model, Value::Text("unknown".to_owned()));
            record.set(Column::PromptTokens, tokens.clone());
            record.set(Column::CompletionTokens, Value::Int(0));
            record.set(Column::TotalTokens, tokens);
        } else {
            use service_usage_log::Column;
            call!(service_usage_log);
            record.set(Column::Kind, Value::Text("api_call".to_owned()));
            record.set(Column::Operation, self.value("endpoint"));
            record.set(Column::Tokens, self.value("tokens_used"));
        }
    }
}

fn is_llm(row: &SourceRow) -> bool {
    let provider = row.cells.get("provider").map(Cell::key).unwrap_or_default();
    LLM_PROVIDERS.contains(&provider.to_lowercase().as_str())
}

/// Converts the value of a setting, which the document stores as text.
fn typed(value: &Value, of_type: &Value) -> Value {
    let (Value::Text(text), Value::Text(of_type)) = (value, of_type) else { return Value::Null };
    let json = match of_type.as_str() {
        "string" => serde_json::Value::String(text.clone()),
        "boolean" => match text.to_lowercase().as_str() {
            "true" | "1" => serde_json::Value::Bool(true),
            "false" | "0" => serde_json::Value::Bool(false),
            _ => serde_json::Value::String(text.clone()),
        },
        _ => serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.clone())),
    };
    // A setting requires a value, so null becomes an empty object.
    Value::Json(if json.is_null() { serde_json::json!({}) } else { json })
}
