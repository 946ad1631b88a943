//! Rows to test with. Each function puts one in and gives its key; what is not said is plain.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use entity::{
    crm::{company, prospect, prospect_research},
    ingest::{import_job, import_record},
    offer::{event, industry, industry_solution, solution},
    outreach::{interaction, outreach_draft},
    usage::{llm_usage_log, outreach_draft_usage, prospect_research_usage},
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::Kind;

use crate::{App, Engine};

impl App {
    /// An industry.
    pub async fn industry(&self, name: &str) -> i64 {
        self.industry_of(self.organization, name).await
    }

    /// An industry of `organization`.
    pub async fn industry_of(&self, organization: i64, name: &str) -> i64 {
        let row = industry::ActiveModel {
            organization_id: Set(organization),
            name: Set(name.to_owned()),
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

    /// A pair of an industry and a solution.
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

    /// A company, with something special.
    pub async fn company_with(
        &self,
        name: &str,
        industry: i64,
        change: impl FnOnce(&mut company::ActiveModel),
    ) -> i64 {
        let mut row = company::ActiveModel {
            organization_id: Set(self.organization),
            name: Set(name.to_owned()),
            industry_id: Set(industry),
            size: Set("11-50".to_owned()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        change(&mut row);
        row.insert(&self.db).await.unwrap().id
    }

    /// A list that was looked at.
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

    /// A row of a list.
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

    /// A prospect, with something special.
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
        row.insert(&self.db).await.unwrap().id
    }

    /// A piece of research.
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
        row.insert(&self.db).await.unwrap().id
    }

    /// An interaction, so many hours after noon.
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

    /// An interaction at noon, with something special.
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

    /// A draft in this state.
    pub async fn draft(&self, prospect: i64, event: Option<i64>, status: &str) -> i64 {
        self.draft_with(prospect, |row| {
            row.event_id = Set(event);
            row.status = Set(status.to_owned());
        })
        .await
    }

    /// A draft, with something special.
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

    /// That a call made a draft.
    pub async fn made_draft(&self, draft: i64, usage: i64) {
        let row = outreach_draft_usage::ActiveModel {
            outreach_draft_id: Set(draft),
            llm_usage_log_id: Set(usage),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
        };
        row.insert(&self.db).await.unwrap();
    }

    /// That a call made a piece of research.
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
            latency_ms: Set(900),
            cost: Set(cost),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
            ..Default::default()
        };
        row.insert(&self.db).await.unwrap().id
    }

    /// A small world: three industries, solutions that suit them, two companies, and people with
    /// something of everything. Gives the keys of the companies.
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
        [acme, bank]
    }
}

/// Every row of every entity, by entity and key, as the change log would keep it.
pub async fn stored(app: &App) -> BTreeMap<(String, i64), Value> {
    let mut rows = BTreeMap::new();
    for entity in api::catalog::entities().into_iter().filter(|entity| !entity.log) {
        let sql = format!("SELECT * FROM \"{}\"", entity.table.name);
        let backend = app.db.get_database_backend();
        for row in app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
            let mut object = serde_json::Map::new();
            for column in &entity.table.columns {
                let name = column.name;
                let value = match column.kind {
                    Kind::Bool => json!(row.try_get::<Option<bool>>("", name).unwrap()),
                    Kind::BigInt => json!(row.try_get::<Option<i64>>("", name).unwrap()),
                    Kind::Int => json!(row.try_get::<Option<i32>>("", name).unwrap()),
                    Kind::Double => json!(row.try_get::<Option<f64>>("", name).unwrap()),
                    Kind::Text => json!(row.try_get::<Option<String>>("", name).unwrap()),
                    Kind::Json => json!(row.try_get::<Option<Value>>("", name).unwrap()),
                    Kind::Time => {
                        let time = row.try_get::<Option<DateTime<Utc>>>("", name).unwrap();
                        json!(time.map(|time| time.to_rfc3339_opts(SecondsFormat::AutoSi, false)))
                    }
                };
                object.insert(name.to_owned(), value);
            }
            let key = object["id"].as_i64().unwrap();
            rows.insert((entity.table.called.to_owned(), key), Value::Object(object));
        }
    }
    rows
}

/// Everything in every table, as text.
pub async fn dump(app: &App) -> String {
    let mut text = format!("{:?}", stored(app).await);
    for (table, columns) in
        [("changes", ["before", "after"]), ("idempotency_keys", ["answer", "input_hash"])]
    {
        for column in columns {
            let sql = format!("SELECT CAST(\"{column}\" AS TEXT) FROM \"{table}\"");
            let backend = app.db.get_database_backend();
            for row in app.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap() {
                text.push_str(
                    &row.try_get_by_index::<Option<String>>(0).unwrap().unwrap_or_default(),
                );
            }
        }
    }
    // What is searched, as far as it is kept as text.
    let search = match app.engine {
        Engine::Postgres => "SELECT concat(names, words) FROM search_documents",
        Engine::Sqlite => "SELECT name FROM search_names",
    };
    let backend = app.db.get_database_backend();
    for row in app.db.query_all_raw(Statement::from_string(backend, search)).await.unwrap() {
        text.push_str(&row.try_get_by_index::<String>(0).unwrap());
    }
    text
}
