//! Time zones: local time and UTC offset changes.
//!
//! The offset changes of a zone are part of the statement text. Both engines therefore bucket timestamps in the same
//! way, regardless of their own time zone support, and the bounds of a bucket match the grouping.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use chrono::{DateTime, Datelike, Days, Months, NaiveDateTime, TimeDelta, Utc};
use jiff::{Timestamp, tz::TimeZone};

use super::zone_data;
use crate::store::Engine;

/// Years for which offset changes are known. Outside of this range, the nearest known offset applies.
const YEARS: (i32, i32) = (1970, 2060);

/// A half-open time span.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// A time zone of the IANA database.
#[derive(Debug)]
pub struct Zone {
    /// Name in the IANA database.
    name: String,
    /// Offset changes: when each one takes effect, and the UTC offset from then on, both in seconds. The first offset
    /// has no lower bound.
    changes: Vec<(i64, i32)>,
}

/// A time bucket, in the local time of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// An hour. The repeated hour at the end of daylight saving time forms two buckets.
    Hour,
    /// A day.
    Day,
    /// An ISO 8601 week, which starts on Monday.
    Week,
    /// A month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// A year.
    Year,
    /// A day of the week, numbered from 1 (Monday) to 7, as in ISO 8601.
    Weekday,
    /// An hour of the day, from 0 to 23.
    HourOfDay,
}

impl Zone {
    /// Looks up the zone with this name, e.g. `Europe/Berlin`.
    #[must_use]
    pub fn named(name: &str) -> Option<Arc<Self>> {
        static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Zone>>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = known.get(name) {
            return Some(Arc::clone(zone));
        }
        let zone = Arc::new(Self::of(name, &zone_data::named(name)?));
        known.insert(name.to_owned(), Arc::clone(&zone));
        Some(zone)
    }

    fn of(name: &str, zone: &TimeZone) -> Self {
        let begin = |year: i32| {
            let first = chrono::NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
            first.and_time(chrono::NaiveTime::MIN).and_utc().timestamp()
        };
        let (first, end) = (begin(YEARS.0), begin(YEARS.1 + 1));
        let start = Timestamp::from_second(first).unwrap_or_default();
        let mut changes = vec![(i64::MIN, zone.to_offset(start).seconds())];
        let later = zone
            .following(start)
            .map(|change| (change.timestamp().as_second(), change.offset().seconds()));
        for (second, ahead) in later.take_while(|(second, _)| *second < end) {
            // Some transitions change only the abbreviation.
            if changes.last().is_none_or(|(_, before)| *before != ahead) {
                changes.push((second, ahead));
            }
        }
        Self { name: name.to_owned(), changes }
    }

    /// Name in the IANA database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an offset changed in the middle of a local hour. Two hour buckets may then have the same start.
    fn splits_hours(&self) -> bool {
        self.changes[1..].iter().any(|(second, ahead)| (second + i64::from(*ahead)) % 3_600 != 0)
    }

    /// The offset from UTC in seconds at a timestamp.
    #[must_use]
    pub fn ahead(&self, second: i64) -> i32 {
        let next = self.changes.partition_point(|(from, _)| *from <= second);
        self.changes[next.saturating_sub(1)].1
    }

    /// The UTC spans in which the local time is at or after `from` and before `to`. Usually there is one span, but
    /// clocks may be set back into the range. If `only` is given, the spans are restricted to that offset.
    fn spans(&self, from: NaiveDateTime, to: NaiveDateTime, only: Option<i32>) -> Vec<(i64, i64)> {
        let (from, to) = (from.and_utc().timestamp(), to.and_utc().timestamp());
        let mut spans: Vec<(i64, i64)> = Vec::new();
        // No UTC offset exceeds one day.
        let near = |(from_change, _): &(i64, i32)| *from_change < to + 86_400;
        for (place, (begin, ahead)) in
            self.changes.iter().enumerate().take_while(|(_, one)| near(one))
        {
            let end = self.changes.get(place + 1).map_or(i64::MAX, |(next, _)| *next);
            let ahead = i64::from(*ahead);
            let (start, stop) = ((from - ahead).max(*begin), (to - ahead).min(end));
            match spans.last_mut() {
                _ if start >= stop || only.is_some_and(|only| i64::from(only) != ahead) => {}
                Some(last) if last.1 == start => last.1 = stop,
                _ => spans.push((start, stop)),
            }
        }
        spans
    }

    /// A SQL expression for the offset at the timestamp in `column`. `write` formats the value that applies from a
    /// given timestamp on; its arguments are that timestamp and the offset, both in seconds.
    fn expression(
        &self,
        column: &str,
        write: &impl Fn(i64, i32) -> String,
        moment: &impl Fn(i64) -> String,
    ) -> String {
        fn among(
            changes: &[(i64, i32)],
            column: &str,
            write: &impl Fn(i64, i32) -> String,
            moment: &impl Fn(i64) -> String,
            out: &mut String,
        ) {
            if let [(from, ahead)] = changes {
                return out.push_str(&write(*from, *ahead));
            }
            // Binary search: a few comparisons per row, regardless of the number of changes.
            let (before, after) = changes.split_at(changes.len() / 2);
            let _ = write!(out, "CASE WHEN {column} < {} THEN ", moment(after[0].0));
            among(before, column, write, moment, out);
            out.push_str(" ELSE ");
            among(after, column, write, moment, out);
            out.push_str(" END");
        }
        let mut out = String::new();
        among(&self.changes, column, write, moment, &mut out);
        out
    }

    /// A SQL expression for the bucket of the timestamp in `column`: its start in local time, formatted as if it were
    /// UTC. For hours, the UTC time at which the hour starts; for cyclic buckets, their number.
    pub(super) fn bucket(&self, engine: Engine, column: &str, bucket: Bucket) -> String {
        let text = |second: i64| {
            let moment = DateTime::from_timestamp(second, 0).unwrap_or_default();
            moment.format("%Y-%m-%dT%H:%M:%S").to_string()
        };
        match engine {
            Engine::Postgres => {
                let moment = |second| format!("'{}+00'::timestamptz", text(second));
                let ahead = self.expression(column, &|_, ahead| ahead.to_string(), &moment);
                let ahead = format!("({ahead}) * interval '1 second'");
                let shown = format!("({column} AT TIME ZONE 'UTC' + {ahead})");
                let unit = bucket.unit();
                let clock = format!("date_trunc('{unit}', {shown})");
                let hour = format!("(({clock} - {ahead}) AT TIME ZONE 'UTC')");
                match bucket {
                    Bucket::Hour if self.splits_hours() => {
                        let since = |from, _| match from {
                            i64::MIN => "'-infinity'::timestamptz".to_owned(),
                            from => moment(from),
                        };
                        format!("GREATEST({hour}, {})", self.expression(column, &since, &moment))
                    }
                    Bucket::Hour => hour,
                    Bucket::Weekday => format!("extract(isodow FROM {shown})::bigint"),
                    Bucket::HourOfDay => format!("extract(hour FROM {shown})::bigint"),
                    _ => format!("({clock} AT TIME ZONE 'UTC')"),
                }
            }
            Engine::Sqlite => {
                let moment = |second| format!("'{}'", text(second));
                let by = |sign: i32| {
                    let write = move |_, ahead: i32| format!("'{:+} seconds'", sign * ahead);
                    self.expression(column, &write, &moment)
                };
                // The format omits fractional seconds, which would be rounded.
                let (whole, by) = (format!("substr({column}, 1, 19)"), by);
                let clock = |form: &str| format!("strftime('{form}', {whole}, {})", by(1));
                match bucket {
                    Bucket::Hour => {
                        let hour = clock("%Y-%m-%dT%H:00:00");
                        let hour =
                            format!("strftime('%Y-%m-%dT%H:%M:%S+00:00', {hour}, {})", by(-1));
                        let since = |from, _| match from {
                            i64::MIN => "''".to_owned(),
                            from => format!("'{}+00:00'", text(from)),
                        };
                        if self.splits_hours() {
                            format!("max({hour}, {})", self.expression(column, &since, &moment))
                        } else {
                            hour
                        }
                    }
                    Bucket::Day => clock("%Y-%m-%dT00:00:00+00:00"),
                    Bucket::Week => format!(
                        "strftime('%Y-%m-%dT00:00:00+00:00', {whole}, {}, 'weekday 0', '-6 days')",
                        by(1)
                    ),
                    Bucket::Month => clock("%Y-%m-01T00:00:00+00:00"),
                    Bucket::Quarter => format!(
                        "({} || substr('-01-01-01-04-04-04-07-07-07-10-10-10', \
                         CAST({} AS INTEGER) * 3 - 2, 3) || '-01T00:00:00+00:00')",
                        clock("%Y"),
                        clock("%m")
                    ),
                    Bucket::Year => clock("%Y-01-01T00:00:00+00:00"),
                    Bucket::Weekday => {
                        format!("((CAST({} AS INTEGER) + 6) % 7 + 1)", clock("%w"))
                    }
                    Bucket::HourOfDay => format!("CAST({} AS INTEGER)", clock("%H")),
                }
            }
        }
    }

    /// The start of the bucket of a timestamp, as [`bucket`](Self::bucket) returns it.
    fn begin(&self, time: DateTime<Utc>, bucket: Bucket) -> DateTime<Utc> {
        let second = time.timestamp();
        let next = self.changes.partition_point(|(from, _)| *from <= second);
        let (since, ahead) = self.changes[next.saturating_sub(1)];
        let shown = second + i64::from(ahead);
        if bucket == Bucket::Hour {
            let hour = shown - shown.rem_euclid(3_600) - i64::from(ahead);
            let hour = if self.splits_hours() { hour.max(since) } else { hour };
            return DateTime::from_timestamp(hour, 0).unwrap_or_default();
        }
        let date = DateTime::from_timestamp(shown, 0).unwrap_or_default().date_naive();
        let begin = match bucket {
            Bucket::Week => {
                let days = Days::new(date.weekday().num_days_from_monday().into());
                date.checked_sub_days(days)
            }
            Bucket::Month => date.with_day(1),
            Bucket::Quarter => {
                date.with_day(1).and_then(|date| date.with_month(date.month0() / 3 * 3 + 1))
            }
            Bucket::Year => date.with_day(1).and_then(|date| date.with_month(1)),
            _ => Some(date),
        };
        begin.unwrap_or(date).and_time(chrono::NaiveTime::MIN).and_utc()
    }

    /// The starts of the buckets in a half-open range, in order, as [`bucket`](Self::bucket) returns them; at most
    /// `limit`.
    pub(super) fn begins(
        &self,
        (from, to): Span,
        bucket: Bucket,
        limit: usize,
    ) -> Vec<DateTime<Utc>> {
        let mut begins: Vec<DateTime<Utc>> = Vec::new();
        let mut time = from;
        while time < to && begins.len() < limit {
            let begin = self.begin(time, bucket);
            // If clocks were set back into a bucket, the bucket has two spans.
            if !begins.iter().rev().take(2).any(|known| *known == begin) {
                begins.push(begin);
            }
            let (_, spans) = self.key_and_spans(begin, bucket);
            let Some((_, end)) = spans.into_iter().find(|(_, end)| *end > time) else { break };
            time = end;
        }
        begins.sort_unstable();
        begins
    }

    /// The label of the bucket that starts at `begin`, as the database returns it, and the half-open spans that the
    /// bucket covers.
    #[must_use]
    pub fn key_and_spans(&self, begin: DateTime<Utc>, bucket: Bucket) -> (String, Vec<Span>) {
        let moment = |second| DateTime::from_timestamp(second, 0).unwrap_or_default();
        if bucket == Bucket::Hour {
            // The bucket starts at its first timestamp after the offset change.
            let start = begin.timestamp();
            let ahead = self.ahead(start);
            let shown = start + i64::from(ahead);
            let clock = moment(shown - shown.rem_euclid(3_600)).naive_utc();
            let spans = self.spans(clock, clock + TimeDelta::hours(1), Some(ahead));
            let spans = spans.into_iter().map(|(from, to)| (moment(from), moment(to)));
            let (sign, off) = (if ahead < 0 { '-' } else { '+' }, ahead.abs());
            let zone = format!("{sign}{:02}:{:02}", off / 3_600, off / 60 % 60);
            return (format!("{}{zone}", clock.format("%Y-%m-%dT%H:00")), spans.collect());
        }
        let clock = begin.naive_utc();
        let spans = self.spans(clock, bucket.end(clock), None).into_iter();
        let form = match bucket {
            Bucket::Hour | Bucket::Day | Bucket::Weekday | Bucket::HourOfDay => "%Y-%m-%d",
            Bucket::Week => "%G-W%V",
            Bucket::Month => "%Y-%m",
            Bucket::Quarter => {
                return (
                    format!("{:04}-Q{}", clock.year(), clock.month0() / 3 + 1),
                    spans.map(|(from, to)| (moment(from), moment(to))).collect(),
                );
            }
            Bucket::Year => "%Y",
        };
        (
            clock.format(form).to_string(),
            spans.map(|(from, to)| (moment(from), moment(to))).collect(),
        )
    }
}

impl Bucket {
    /// All buckets: the non-cyclic buckets, shortest first, then the cyclic buckets.
    pub const ALL: [Self; 8] = [
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::Weekday,
        Self::HourOfDay,
    ];

    /// Whether the bucket is cyclic: a weekday, or an hour of the day.
    #[must_use]
    pub fn is_cyclic(self) -> bool {
        matches!(self, Self::Weekday | Self::HourOfDay)
    }

    /// Name of the unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
            Self::Weekday => "weekday",
            Self::HourOfDay => "hour_of_day",
        }
    }

    /// The end of the bucket that starts at `begin`.
    fn end(self, begin: NaiveDateTime) -> NaiveDateTime {
        let end = match self {
            Self::Hour => begin.checked_add_signed(TimeDelta::hours(1)),
            Self::Day | Self::Weekday | Self::HourOfDay => begin.checked_add_days(Days::new(1)),
            Self::Week => begin.checked_add_days(Days::new(7)),
            Self::Month => begin.checked_add_months(Months::new(1)),
            Self::Quarter => begin.checked_add_months(Months::new(3)),
            Self::Year => begin.checked_add_months(Months::new(12)),
        };
        end.unwrap_or(begin)
    }
}
