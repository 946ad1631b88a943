//! Rate limits of requests, per API key or session, per user and per address, each in several windows.
//!
//! A limit is a quota that is replenished evenly over its window (generic cell rate algorithm): after a burst of the whole
//! quota, requests are accepted at the average rate. Every response has the headers of the IETF draft
//! `draft-ietf-httpapi-ratelimit-headers-10`.

use std::{
    fmt,
    net::IpAddr,
    num::NonZeroU32,
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use engine::{Clock, Scope, authentication::Credential};
use governor::{
    Quota, RateLimiter,
    middleware::{NoOpMiddleware, StateInformationMiddleware},
    nanos::Nanos,
    state::keyed::DashMapStateStore,
};
use ipnet::{IpNet, Ipv6Net};

use crate::document::Refusal;

/// Header with the limits that apply to the caller.
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Header with the state of the limit that is closest to its end.
pub(super) const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// How often callers are forgotten whose quotas are full, in seconds.
const FORGOTTEN_EVERY: i64 = 60;

/// Length of the network of an IPv6 client: a site can choose among all addresses of a /64.
const IPV6_PREFIX: u8 = 64;

/// Whom a rate limit concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitedBy {
    /// An API key or a session.
    Credential,
    /// A user, with all their API keys and sessions.
    User,
    /// An IPv4 address, or a /64 of IPv6.
    Address,
}

impl LimitedBy {
    fn name(self) -> &'static str {
        match self {
            Self::Credential => "key",
            Self::User => "user",
            Self::Address => "address",
        }
    }
}

/// A rate limit: `key=3000/1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Whom it concerns.
    pub by: LimitedBy,
    /// Number of requests per window.
    pub quota: NonZeroU32,
    /// Length of the window in seconds.
    pub window: NonZeroU32,
}

impl RateLimit {
    /// The default limits.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        const MINUTE: u32 = 60;
        const HOUR: u32 = 60 * MINUTE;
        [
            (LimitedBy::Credential, 3_000, MINUTE),
            (LimitedBy::Credential, 60_000, HOUR),
            (LimitedBy::User, 6_000, MINUTE),
            (LimitedBy::User, 120_000, HOUR),
            (LimitedBy::Address, 12_000, MINUTE),
            (LimitedBy::Address, 240_000, HOUR),
        ]
        .into_iter()
        .filter_map(|(by, quota, window)| {
            Some(Self { by, quota: NonZeroU32::new(quota)?, window: NonZeroU32::new(window)? })
        })
        .collect()
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}/{}s", self.by.name(), self.quota, self.window)
    }
}

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "must be key, user or address with a number of requests and a window, such as key=3000/1m or user=100000/1h"
                .to_owned()
        };
        let (by, limit) = text.split_once('=').ok_or_else(wrong)?;
        let by = [LimitedBy::Credential, LimitedBy::User, LimitedBy::Address]
            .into_iter()
            .find(|known| known.name() == by)
            .ok_or_else(wrong)?;
        let (quota, window) = limit.split_once('/').ok_or_else(wrong)?;
        let seconds = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
            .into_iter()
            .find_map(|(unit, seconds)| Some((window.strip_suffix(unit)?, seconds)));
        let (number, seconds) = seconds.ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let window = number.checked_mul(seconds).and_then(NonZeroU32::new).ok_or_else(wrong)?;
        let quota = quota.parse().map_err(|_| wrong())?;
        Ok(Self { by, quota, window })
    }
}

/// A caller whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Counted {
    ApiKey(i64),
    Session(i64),
    User(i64),
    Network(IpNet),
}

impl Counted {
    /// The caller that a limit concerns, if there is one. The local user has no limits.
    fn of(by: LimitedBy, scope: Option<&Scope>, address: Option<IpAddr>) -> Option<Self> {
        if scope.is_some_and(|scope| scope.credential().is_none()) {
            return None;
        }
        match by {
            LimitedBy::Credential => match scope?.credential()? {
                Credential::ApiKey(key) => Some(Self::ApiKey(key)),
                Credential::Session(session) => Some(Self::Session(session)),
            },
            LimitedBy::User => scope?.user().map(Self::User),
            LimitedBy::Address => Some(Self::Network(network(address?))),
        }
    }
}

fn network(address: IpAddr) -> IpNet {
    match address {
        IpAddr::V4(_) => address.into(),
        IpAddr::V6(v6) => {
            Ipv6Net::new(v6, IPV6_PREFIX).map_or(address.into(), |net| net.trunc().into())
        }
    }
}

/// The clock of the server, for the limiters. It does not go back when the clock of the system does: callers would be
/// rejected until it has caught up.
#[derive(Clone)]
struct LimiterClock {
    clock: Arc<dyn Clock>,
    latest: Arc<Mutex<Reading>>,
}

/// The latest reading of the clock of the system, and by how much it has gone back, in nanoseconds.
#[derive(Default)]
struct Reading {
    at: i64,
    lost: i64,
}

impl governor::clock::Clock for LimiterClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let now = self.clock.now().timestamp_nanos_opt().unwrap_or_default();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.lost += (latest.at - now).max(0);
        latest.at = now;
        u64::try_from(now + latest.lost).unwrap_or_default().into()
    }
}

type Limiter<M> = RateLimiter<Counted, DashMapStateStore<Counted>, LimiterClock, M>;

struct Policy {
    limit: RateLimit,
    limiter: Limiter<StateInformationMiddleware>,
}

/// The limits of a server, and what each caller has used of them.
pub(super) struct RateLimits {
    policies: Vec<Policy>,
    clock: LimiterClock,
    swept_at: AtomicI64,
}

/// The state of the limits of a caller after a request.
#[derive(Clone, Debug, Default)]
pub(super) struct QuotaState {
    /// The limits, with the remaining requests and the seconds until the quota is full again.
    limits: Vec<(RateLimit, u32, u64)>,
}

impl RateLimits {
    pub(super) fn new(limits: &[RateLimit], clock: Arc<dyn Clock>) -> Self {
        let clock = LimiterClock { clock, latest: Arc::default() };
        let policy = |limit: &RateLimit| {
            let window = Duration::from_secs(limit.window.get().into());
            let quota = Quota::with_period(window / limit.quota.get())?.allow_burst(limit.quota);
            let store = DashMapStateStore::default();
            let limiter: Limiter<NoOpMiddleware<Nanos>> =
                RateLimiter::new(quota, store, clock.clone());
            Some(Policy { limit: *limit, limiter: limiter.with_middleware() })
        };
        Self {
            policies: limits.iter().filter_map(policy).collect(),
            swept_at: AtomicI64::new(0),
            clock,
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// `RATE_LIMITED` if a quota is used up.
    pub(super) fn count(
        &self,
        scope: Option<&Scope>,
        address: Option<IpAddr>,
    ) -> Result<QuotaState, Refusal> {
        self.forget_idle_callers();
        let mut state = QuotaState::default();
        for Policy { limit, limiter } in &self.policies {
            let Some(counted) = Counted::of(limit.by, scope, address) else { continue };
            match limiter.check_key(&counted) {
                Ok(snapshot) => {
                    let remaining = snapshot.remaining_burst_capacity();
                    state.limits.push((*limit, remaining, until_full(*limit, remaining)));
                }
                Err(until) => {
                    use governor::clock::Clock as _;
                    let wait = until.wait_time_from(self.clock.now());
                    return Err(exceeded(*limit, wait.as_secs() + 1));
                }
            }
        }
        Ok(state)
    }

    /// Forgets callers whose quotas are full, from time to time, so that memory is bounded by the recent callers.
    fn forget_idle_callers(&self) {
        let now = self.clock.clock.now().timestamp();
        let swept_at = self.swept_at.load(Ordering::Relaxed);
        // Also if the clock has gone back.
        if (now - swept_at).abs() < FORGOTTEN_EVERY {
            return;
        }
        let turn =
            self.swept_at.compare_exchange(swept_at, now, Ordering::Relaxed, Ordering::Relaxed);
        if turn.is_ok() {
            for Policy { limiter, .. } in &self.policies {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
    }

    /// The number of quotas that are not full, or were not when idle callers were last forgotten.
    pub(super) fn remembered(&self) -> usize {
        self.policies.iter().map(|policy| policy.limiter.len()).sum()
    }
}

/// Seconds until a quota is full again.
fn until_full(limit: RateLimit, remaining: u32) -> u64 {
    let used = u64::from(limit.quota.get().saturating_sub(remaining));
    (used * u64::from(limit.window.get())).div_ceil(limit.quota.get().into())
}

fn exceeded(limit: RateLimit, retry_after: u64) -> Refusal {
    let whose = match limit.by {
        LimitedBy::Credential => "this API key or session",
        LimitedBy::User => "this user",
        LimitedBy::Address => "this address",
    };
    let text = format!(
        "too many requests: {whose} may send {} requests per {} seconds; retry in {retry_after} seconds",
        limit.quota, limit.window
    );
    let mut refusal = Refusal::new("RATE_LIMITED", text, None);
    for extensions in refusal.errors.iter_mut().filter_map(|error| error.extensions.as_mut()) {
        extensions.set("retryAfter", retry_after);
    }
    let mut headers = QuotaState { limits: vec![(limit, 0, retry_after)] }.headers();
    headers.insert(header::RETRY_AFTER, retry_after.into());
    refusal.headers = Some(Box::new(headers));
    refusal.because(engine::Reason::RateLimitExceeded)
}

impl QuotaState {
    /// The headers with the limits of the caller, and the state of the one that is closest to its end.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let share = |(limit, remaining, _): &&(RateLimit, u32, u64)| {
            u64::from(*remaining) * 1_000_000 / u64::from(limit.quota.get())
        };
        let Some((limit, remaining, reset)) = self.limits.iter().min_by_key(share) else {
            return headers;
        };
        let policies = self.limits.iter().map(|(limit, ..)| {
            format!("\"{}\";q={};w={}", policy_name(*limit), limit.quota, limit.window)
        });
        let policies: Vec<_> = policies.collect();
        let state = format!("\"{}\";r={remaining};t={reset}", policy_name(*limit));
        let values = [(POLICY, policies.join(", ")), (STATE, state)];
        headers.extend(
            values
                .into_iter()
                .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))),
        );
        headers
    }
}

/// The name of a limit in headers: `key-60s`.
fn policy_name(limit: RateLimit) -> String {
    format!("{}-{}s", limit.by.name(), limit.window)
}
