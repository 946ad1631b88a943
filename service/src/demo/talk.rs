//! Interactions and drafts of the demo data.

use chrono::{DateTime, Duration, Utc};
use engine::value::Value;
use fastrand::Rng;
use serde_json::json;

use super::{
    rows::{Story, at, optional, text},
    words,
};
use crate::outreach;

/// Number of interactions and drafts per prospect, by the prospect's number.
const INTERACTIONS: [i64; 5] = [0, 2, 5, 8, 10];
const DRAFTS: [i64; 5] = [0, 1, 3, 1, 0];

impl Story {
    pub(super) fn interaction_count(prospect: i64) -> i64 {
        at(&INTERACTIONS, prospect / 8)
    }

    /// Timestamps of the interactions of a prospect, oldest first.
    fn dates(&self, prospect: i64) -> Vec<DateTime<Utc>> {
        let mut rng = Rng::with_seed(prospect.cast_unsigned() ^ 0xDA7E);
        let range = if self.is_year() { 1..Self::age(prospect) } else { 1..180 };
        let mut dates: Vec<_> = (0..Self::interaction_count(prospect))
            .map(|_| {
                let days = rng.i64(range.clone());
                self.days_ago(days, &mut rng)
            })
            .collect();
        dates.sort_unstable();
        dates
    }

    /// Whether an interaction is inbound. The first interaction is never inbound; in some industries, inbound
    /// interactions are more frequent.
    fn came_from_them(&self, prospect: i64, place: usize) -> bool {
        let (_, industry) = Self::company_name(self.company_of(prospect));
        let seed = prospect.cast_unsigned().wrapping_mul(31).wrapping_add(place as u64);
        let mut rng = Rng::with_seed(seed ^ 0x1B0D);
        place > 0 && rng.usize(..30) < 1 + industry % 5
    }

    /// Timestamps of the newest outbound and the newest inbound interaction of a prospect.
    pub(super) fn newest(&self, prospect: i64) -> [Option<DateTime<Utc>>; 2] {
        let dates: Vec<_> = self.dates(prospect).into_iter().enumerate().collect();
        [false, true].map(|inbound| {
            let mut theirs = dates.iter().rev();
            let found = theirs.find(|(place, _)| self.came_from_them(prospect, *place) == inbound);
            found.map(|(_, date)| *date)
        })
    }

    pub(super) fn interactions(&self, first: i64) -> impl Iterator<Item = Vec<Value>> {
        let all = (0..self.scale.prospects()).flat_map(|prospect| {
            let dates = self.dates(prospect).into_iter().enumerate();
            dates.map(move |(place, date)| (prospect, place, date))
        });
        (0_i64..).zip(all).map(move |(number, (prospect, place, date))| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0x1A7);
            let (kind, subject, content) =
                words::INTERACTIONS[rng.usize(..words::INTERACTIONS.len())];
            let event = self.first.events + rng.i64(0..7);
            let at_event = subject == "Met at the stand";
            let direction =
                if self.came_from_them(prospect, place) { "inbound" } else { "outbound" };
            let cells = [
                ("prospect_id", Value::Int(self.first.prospects + prospect)),
                ("event_id", if at_event { Value::Int(event) } else { Value::Null }),
                ("direction", text(direction)),
                ("channel", text(kind)),
                ("interaction_type", text(kind)),
                ("interaction_date", Value::Time(date)),
                ("subject", text(subject)),
                ("content", text(content)),
                ("sentiment", optional(words::SENTIMENTS[rng.usize(..5)])),
                ("outcome", optional(words::OUTCOMES[rng.usize(..6)])),
            ];
            self.with(outreach::interaction::rules(), first + number, date, cells)
        })
    }

    /// The templates of the drafts.
    pub(super) fn templates(&self) -> impl Iterator<Item = Vec<Value>> {
        let all = words::DRAFTS.iter().take(if self.is_year() { words::DRAFTS.len() } else { 0 });
        (0_i64..).zip(all).map(|(index, (kind, content))| {
            let body = content
                .replace("{name}", "{{first_name}}")
                .replace("{company}", "{{company_name}}")
                .replace("{solution}", "{{solution}}");
            let cells = [
                ("name", text(kind.replace('_', " "))),
                ("template_type", text("body")),
                ("template_text", text(body)),
                ("variables", Value::Json(json!(["solution"]))),
                ("locale", text("en")),
            ];
            let rules = outreach::message_template::rules();
            self.with(rules, self.first.templates + index, self.long_ago(), cells)
        })
    }

    pub(super) fn drafts(&self, first: i64) -> impl Iterator<Item = Vec<Value>> {
        let statuses = outreach::outreach_draft::STATUSES;
        let all = (0..self.scale.prospects())
            .flat_map(|prospect| (0..at(&DRAFTS, prospect / 3)).map(move |_| prospect));
        (0_i64..).zip(all).map(move |(number, prospect)| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0xD4AF);
            let place = rng.usize(..words::DRAFTS.len());
            let (kind, content) = words::DRAFTS[place];
            let place = i64::try_from(place).unwrap_or_default();
            let solution = words::SOLUTIONS[rng.usize(..words::SOLUTIONS.len())].0;
            let (person, _) = Self::person(prospect);
            let (company, _) = Self::company_name(self.company_of(prospect));
            let content = content
                .replace("{name}", person)
                .replace("{company}", &company)
                .replace("{solution}", solution);
            let invitation = kind == "event_invitation";
            let event = Value::Int(self.first.events + rng.i64(8..12));
            let mut made = self.days_ago(rng.i64(1..60), &mut rng);
            // Prospects without interactions have no sent drafts.
            let far = if self.dates(prospect).is_empty() { 4 } else { statuses.len() };
            let status = statuses[rng.usize(..far)].name;
            if self.is_year() {
                let age = Self::age(prospect);
                let is_open = !matches!(status, "sent" | "replied" | "bounced" | "rejected");
                made = self.days_ago(rng.i64(1..if is_open { age.min(45) } else { age }), &mut rng);
            }
            let template = self.is_year() && rng.u8(..3) != 0;
            let scheduled = self.is_year() && status == "scheduled";
            let days = rng.i64(1..7);
            let sent = matches!(status, "sent" | "replied" | "bounced");
            let approved =
                sent || matches!(status, "approved" | "scheduled" | "sending" | "failed");
            let after = |hours: i64, came: bool| {
                if came { Value::Time(made + Duration::hours(hours)) } else { Value::Null }
            };
            let cells = [
                ("prospect_id", Value::Int(self.first.prospects + prospect)),
                ("event_id", if invitation { event } else { Value::Null }),
                ("draft_type", text(kind)),
                ("content", text(content)),
                ("status", text(status)),
                ("author_kind", text("worker")),
                ("author_name", text("drafts")),
                ("model", text(at(&words::MODELS, number).0)),
                ("submitted_at", after(1, status != "draft")),
                ("approved_at", after(4, approved)),
                ("sent_at", after(6, sent)),
                (
                    "scheduled_for",
                    if scheduled {
                        Value::Time(self.now + Duration::days(days) + Duration::hours(9))
                    } else {
                        Value::Null
                    },
                ),
                (
                    "message_template_id",
                    if template { Value::Int(self.first.templates + place) } else { Value::Null },
                ),
            ];
            self.with(outreach::outreach_draft::rules(), first + number, made, cells)
        })
    }
}
