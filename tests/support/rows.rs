//! Test rows. Each function inserts a row with default values and returns its primary key.

use chrono::{DateTime, FixedOffset};
use entity::{
    crm::{company, prospect, prospect_research},
    ingest::{import_job, import_record},
    offer::{event, industry, industry_solution, solution},
    outreach::{interaction, outreach_draft},
    usage::{llm_usage_log, outreach_draft_usage, prospect_research_usage},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, Statement};
use serde_json::json;

use crate::{App, Engine};

/// The row with this value in the unique column, which a new row with the same value is marked as a duplicate of.
async fn duplicate_of(
    app: &App,
    table: &str,
    column: &str,
    organization: i64,
    value: Option<&str>,
) -> Option<i64> {
    let alive = if table == "industries" { "" } else { " AND deleted_at IS NULL" };
    let value = value?.replace('\'', "''");
    let sql = format!(
        "SELECT min(id) FROM {table} WHERE organization_id = {organization} AND {column} = '{value}' \
         AND duplicate_of IS NULL{alive}"
    );
    let statement = Statement::from_string(app.db.get_database_backend(), sql);
    app.db.query_one_raw(statement).await.unwrap()?.try_get_by_index(0).unwrap()
}

/// Sets the comparison columns as the server does, but only for simple values.
fn compare(row: &mut prospect::ActiveModel) {
    row.email_key = Set(row.email.try_as_ref().map(|email| email.to_lowercase()));
    let text = |value: &sea_orm::ActiveValue<Option<String>>| value.try_as_ref().cloned().flatten();
    row.phone_key = Set(text(&row.phone));
    row.linkedin_key = Set(text(&row.linkedin_url).and_then(|url| {
        let (_, slug) = url.split_once("linkedin.com/in/")?;
        Some(slug.trim_end_matches('/').to_lowercase())
    }));
}

impl App {
    /// Drops the database's checks of references between organizations, for tests of what the server does without them.
    pub async fn drop_organization_checks(&self) {
        let list = match self.engine {
            Engine::Sqlite => {
                "SELECT 'DROP TRIGGER \"' || name || '\"' FROM sqlite_master WHERE type = 'trigger' \
                 AND name LIKE 'organization\\_of\\_%' ESCAPE '\\'"
            }
            Engine::Postgres => {
                "SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger \
                 WHERE tgname LIKE 'organization\\_of\\_%' UNION ALL \
                 SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint \
                 WHERE contype = 'f' AND cardinality(conkey) = 2"
            }
        };
        let backend = self.db.get_database_backend();
        for row in self.db.query_all_raw(Statement::from_string(backend, list)).await.unwrap() {
            let sql: String = row.try_get_by_index(0).unwrap();
            self.db.execute_unprepared(&sql).await.unwrap();
        }
    }

    /// An industry.
    pub async fn industry(&self, name: &str) -> i64 {
        self.industry_of(self.organization, name).await
    }

    /// An industry of `organization`.
    pub async fn industry_of(&self, organization: i64, name: &str) -> i64 {
        let key = name.to_ascii_lowercase();
        let duplicate = duplicate_of(self, "industries", "name_key", organization, Some(&key));
        let row = industry::ActiveModel {
            organization_id: Set(organization),
            name: Set(name.to_owned()),
            duplicate_of: Set(duplicate.await),
            name_key: Set(Some(key)),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        row.insert(&self.db).await.unwrap().id
    }

    /// A solution.
    pub async fn solution(&self, name: &str) -> i64 {
        self.solution_of(self.organization, name).await
    }

    /// A solution of `organization`.
    pub async fn solution_of(&self, organization: i64, name: &str) -> i64 {
        let row = solution::ActiveModel {
            organization_id: Set(organization),
            name: Set(name.to_owned()),
            category: Set("Platform".to_owned()),
            description: Set("Does what it says.".to_owned()),
            pricing_model: Set("per seat".to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        row.insert(&self.db).await.unwrap().id
    }

    /// A link between an industry and a solution.
    pub async fn suits(&self, industry: i64, solution: i64) {
        let row = industry_solution::ActiveModel {
            industry_id: Set(industry),
            solution_id: Set(solution),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
        };
        row.insert(&self.db).await.unwrap();
    }

    /// An event.
    pub async fn event(&self, location: &str, change: impl FnOnce(&mut event::ActiveModel)) -> i64 {
        let mut row = event::ActiveModel {
            organization_id: Set(self.organization),
            event_type: Set("conference".to_owned()),
            event_date: Set(self.now()),
            description: Set("A gathering.".to_owned()),
            location: Set(location.to_owned()),
            status: Set("open".to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        row.insert(&self.db).await.unwrap().id
    }

    /// A company.
    pub async fn company(&self, name: &str, industry: i64) -> i64 {
        self.company_with(name, industry, |_| {}).await
    }

    /// A company, modified by `change`.
    pub async fn company_with(
        &self,
        name: &str,
        industry: i64,
        change: impl FnOnce(&mut company::ActiveModel),
    ) -> i64 {
        let mut row = company::ActiveModel {
            organization_id: Set(self.organization),
            name: Set(name.to_owned()),
            name_key: Set(Some(name.to_lowercase())),
            industry_id: Set(industry),
            size: Set("11-50".to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        row.insert(&self.db).await.unwrap().id
    }

    /// A previewed import.
    pub async fn import_job(&self, name: &str) -> i64 {
        let row = import_job::ActiveModel {
            organization_id: Set(self.organization),
            name: Set(name.to_owned()),
            status: Set("pending".to_owned()),
            candidate_decision: Set("wait".to_owned()),
            total_records: Set(3),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        row.insert(&self.db).await.unwrap().id
    }

    /// An import record.
    pub async fn import_record(&self, job: i64, index: i32) -> i64 {
        let row = import_record::ActiveModel {
            organization_id: Set(self.organization),
            import_job_id: Set(job),
            record_index: Set(index),
            promotion_status: Set("none".to_owned()),
            verdict: Set("create".to_owned()),
            original_data: Set(json!({ "Name": format!("Person {index}") })),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        row.insert(&self.db).await.unwrap().id
    }

    /// A prospect.
    pub async fn prospect(&self, name: &str, company: i64) -> i64 {
        self.prospect_with(name, company, |_| {}).await
    }

    /// A prospect, modified by `change`.
    pub async fn prospect_with(
        &self,
        name: &str,
        company: i64,
        change: impl FnOnce(&mut prospect::ActiveModel),
    ) -> i64 {
        let mut row = prospect::ActiveModel {
            organization_id: Set(self.organization),
            full_name: Set(name.to_owned()),
            email: Set(format!("{}@acme.example", name.to_lowercase().replace(' ', "."))),
            company_id: Set(company),
            is_active: Set(true),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        compare(&mut row);
        let is_deleted = row.deleted_at.try_as_ref().is_some_and(Option::is_some);
        let key = row.email_key.try_as_ref().cloned().flatten().filter(|_| !is_deleted);
        let organization = *row.organization_id.as_ref();
        let duplicate =
            duplicate_of(self, "prospects", "email_key", organization, key.as_deref()).await;
        row.duplicate_of = Set(duplicate);
        row.insert(&self.db).await.unwrap().id
    }

    /// A research row.
    pub async fn research(
        &self,
        prospect: i64,
        summary: &str,
        change: impl FnOnce(&mut prospect_research::ActiveModel),
    ) -> i64 {
        let mut row = prospect_research::ActiveModel {
            organization_id: Set(self.organization),
            prospect_id: Set(prospect),
            research_summary: Set(summary.to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        let id = row.insert(&self.db).await.unwrap().id;
        let count = "UPDATE prospects SET research_count = research_count + 1 WHERE id =";
        self.db.execute_unprepared(&format!("{count} {prospect}")).await.unwrap();
        id
    }

    /// An interaction `hours` hours after noon.
    pub async fn interaction(
        &self,
        prospect: i64,
        event: Option<i64>,
        subject: &str,
        hours: i64,
    ) -> i64 {
        self.interaction_with(prospect, |row| {
            row.event_id = Set(event);
            row.interaction_date = Set(self.hours(hours));
            row.subject = Set(subject.to_owned());
        })
        .await
    }

    /// An interaction at noon, modified by `change`.
    pub async fn interaction_with(
        &self,
        prospect: i64,
        change: impl FnOnce(&mut interaction::ActiveModel),
    ) -> i64 {
        let mut row = interaction::ActiveModel {
            organization_id: Set(self.organization),
            prospect_id: Set(prospect),
            interaction_type: Set("email".to_owned()),
            interaction_date: Set(self.now()),
            subject: Set("Said".to_owned()),
            content: Set("Said something.".to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        row.insert(&self.db).await.unwrap().id
    }

    /// A draft in this status.
    pub async fn draft(&self, prospect: i64, event: Option<i64>, status: &str) -> i64 {
        self.draft_with(prospect, |row| {
            row.event_id = Set(event);
            row.status = Set(status.to_owned());
        })
        .await
    }

    /// A draft, modified by `change`.
    pub async fn draft_with(
        &self,
        prospect: i64,
        change: impl FnOnce(&mut outreach_draft::ActiveModel),
    ) -> i64 {
        let mut row = outreach_draft::ActiveModel {
            organization_id: Set(self.organization),
            prospect_id: Set(prospect),
            draft_type: Set("initial".to_owned()),
            content: Set("Dear you,".to_owned()),
            status: Set("draft".to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        row.insert(&self.db).await.unwrap().id
    }

    /// A call to a language model.
    pub async fn usage(&self, model: &str, cost: f64) -> i64 {
        self.usage_of(self.organization, model, cost).await
    }

    /// A link between a draft and the call that generated it.
    pub async fn made_draft(&self, draft: i64, usage: i64) {
        let row = outreach_draft_usage::ActiveModel {
            outreach_draft_id: Set(draft),
            llm_usage_log_id: Set(usage),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
        };
        row.insert(&self.db).await.unwrap();
    }

    /// A link between a research row and the call that generated it.
    pub async fn made_research(&self, research: i64, usage: i64) {
        let row = prospect_research_usage::ActiveModel {
            prospect_research_id: Set(research),
            llm_usage_log_id: Set(usage),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
        };
        row.insert(&self.db).await.unwrap();
    }

    /// A call to a language model in `organization`.
    pub async fn usage_of(&self, organization: i64, model: &str, cost: f64) -> i64 {
        let row = llm_usage_log::ActiveModel {
            organization_id: Set(organization),
            workflow_name: Set("outreach".to_owned()),
            node_name: Set("draft".to_owned()),
            model: Set(model.to_owned()),
            prompt_tokens: Set(100),
            completion_tokens: Set(20),
            total_tokens: Set(120),
            latency_ms: Set(Some(900)),
            cost: Set(cost),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        row.insert(&self.db).await.unwrap().id
    }

    /// A small data set: three industries with linked solutions, two companies, and prospects with related rows of
    /// every kind. Returns the primary keys of the companies.
    pub async fn world(&self) -> [i64; 2] {
        let logistics = self.industry("Logistics").await;
        let banking = self.industry("banking").await;
        self.industry("Zoos").await;
        let (radar, planner) = (self.solution("Radar").await, self.solution("Planner").await);
        self.suits(logistics, planner).await;
        self.suits(logistics, radar).await;
        self.suits(banking, radar).await;
        let fair = self.event("Berlin", |_| {}).await;
        let acme = self.company("Acme", logistics).await;
        let bank = self.company("bank & Sons", banking).await;
        for (index, name) in (0_i64..).zip(["Ada", "bob", "Cleo", "Dan"]) {
            let company = if index < 3 { acme } else { bank };
            let contacted: Option<DateTime<FixedOffset>> = (index != 1).then(|| self.hours(-index));
            let prospect = self
                .prospect_with(name, company, |row| row.last_contacted_at = Set(contacted))
                .await;
            for number in 0..index + 2 {
                let subject = format!("{name} {number}");
                self.interaction(prospect, (number == 0).then_some(fair), &subject, number).await;
            }
            self.draft(prospect, None, "draft").await;
            self.draft(prospect, Some(fair), "sent").await;
            for number in 0..index {
                let summary = format!("{name} {number}");
                let made = self.hours(-number);
                self.research(prospect, &summary, |row| row.created_at = Set(made)).await;
            }
        }
        self.usage("small", 0.01).await;
        let list = self.import_job("Fair").await;
        for index in 0..3 {
            self.import_record(list, index).await;
        }
        self.found().await;
        self.rows_of_other_entities().await;
        [acme, bank]
    }
}
