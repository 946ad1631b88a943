//! Interactions and drafts of the demo data.

use chrono::{DateTime, Duration, Utc};
use engine::value::Value;
use fastrand::Rng;

use super::{
    rows::{Story, at, optional, text},
    words,
};
use crate::outreach;

/// Number of interactions and drafts per prospect, by the prospect's number.
const INTERACTIONS: [i64; 5] = [0, 2, 5, 8, 10];
const DRAFTS: [i64; 5] = [0, 1, 3, 1, 0];

impl Story {
    /// Timestamps of the interactions of a prospect, oldest first.
    fn dates(&self, prospect: i64) -> Vec<DateTime<Utc>> {
        let mut rng = Rng::with_seed(prospect.cast_unsigned() ^ 0xDA7E);
        let count = at(&INTERACTIONS, prospect / 8);
        let mut dates: Vec<_> = (0..count)
            .map(|_| {
                let days = rng.i64(1..180);
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

    pub(super) fn drafts(&self, first: i64) -> impl Iterator<Item = Vec<Value>> {
        let statuses = outreach::outreach_draft::STATUSES;
        let all = (0..self.scale.prospects())
            .flat_map(|prospect| (0..at(&DRAFTS, prospect / 3)).map(move |_| prospect));
        (0_i64..).zip(all).map(move |(number, prospect)| {
            let mut rng = Rng::with_seed(number.cast_unsigned() ^ 0xD4AF);
            let (kind, content) = words::DRAFTS[rng.usize(..words::DRAFTS.len())];
            let solution = words::SOLUTIONS[rng.usize(..words::SOLUTIONS.len())].0;
            let (person, _) = Self::person(prospect);
            let (company, _) = Self::company_name(self.company_of(prospect));
            let content = content
                .replace("{name}", person)
                .replace("{company}", &company)
                .replace("{solution}", solution);
            let invitation = kind == "event_invitation";
            let event = Value::Int(self.first.events + rng.i64(8..12));
            let made = self.days_ago(rng.i64(1..60), &mut rng);
            // Prospects without interactions have no sent drafts.
            let far = if self.dates(prospect).is_empty() { 4 } else { statuses.len() };
            let status = statuses[rng.usize(..far)].name;
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
            ];
            self.with(outreach::outreach_draft::rules(), first + number, made, cells)
        })
    }
}
