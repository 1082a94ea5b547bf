//! Usage: how many token requests of each client ended how, hour by hour.

use std::{borrow::Cow, fmt};

use async_trait::async_trait;
use grantd_core::{ClientId, Refusal, Timestamp};

use crate::fault::StorageFault;

const HOUR_MICROS: i64 = 3_600_000_000;

/// An hour of the clock in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// Before all hours: for a query from the beginning.
    pub const FIRST: Self = Self(i64::MIN / HOUR_MICROS);
    /// Behind all hours: for a query to the end.
    pub const LAST: Self = Self(i64::MAX / HOUR_MICROS);

    /// The hour that a moment lies in.
    pub const fn of(at: Timestamp) -> Self {
        Self(at.micros().div_euclid(HOUR_MICROS))
    }

    /// When it begins.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(HOUR_MICROS))
    }

    /// So many hours later, or earlier.
    #[must_use]
    pub const fn plus(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours))
    }
}

/// How a token request ended: `issued`, or the name of the refusal ([`Refusal::name`]).
///
/// A name and no enum: what a newer grantd has counted must stay readable after a step back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome(Cow<'static, str>);

impl Outcome {
    /// A token was issued.
    pub const ISSUED: Self = Self(Cow::Borrowed("issued"));

    /// The request was refused.
    pub const fn refused(why: Refusal) -> Self {
        Self(Cow::Borrowed(why.name()))
    }

    /// As storage has it.
    pub const fn stored(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The name in rows and in JSON.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a count is of, in the order in which storage gives them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsageKey {
    /// In which hour.
    pub hour: Hour,
    /// By which client.
    pub client: ClientId,
    /// With which outcome.
    pub outcome: Outcome,
}

/// Token requests of one client that ended alike in the same hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageCount {
    /// What is counted.
    pub key: UsageKey,
    /// How many there were; to be added, where it is recorded.
    pub count: u64,
    /// When the last one was.
    pub last_at: Timestamp,
    /// From where the last one came, as the connection's address; empty where that is unknown.
    pub last_from: String,
}

/// All clients' token requests that ended alike in the same hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageTotal {
    /// In which hour.
    pub hour: Hour,
    /// With which outcome.
    pub outcome: Outcome,
    /// How many there were.
    pub count: u64,
}

/// Which counts to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// Of this client; `None`: of all.
    pub client: Option<ClientId>,
    /// From this hour on.
    pub from: Hour,
    /// Up to the beginning of this hour.
    pub until: Hour,
    /// Only what comes behind this one: the last of the page before.
    pub after: Option<UsageKey>,
    /// At most so many.
    pub limit: u32,
}

/// What the counting of token requests asks of storage.
#[async_trait]
pub trait Usage: Send + Sync {
    /// Adds these counts to those that are there, all or none of them; of the last times and
    /// addresses the newest stays.
    async fn record_usage(&self, counts: &[UsageCount]) -> Result<(), StorageFault>;

    /// Counts in the order of their keys: by hour, then client, then outcome.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageCount>, StorageFault>;

    /// The sums over all clients, by hour and outcome: cheap, however many clients there are.
    async fn usage_totals(&self, from: Hour, until: Hour) -> Result<Vec<UsageTotal>, StorageFault>;

    /// Forgets the hours before this one, totals included.
    async fn forget_usage(&self, before: Hour) -> Result<(), StorageFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_at_the_full_hour_on_both_sides_of_the_epoch() {
        let hour = |seconds| Hour::of(Timestamp::from_seconds(seconds));
        assert_eq!(hour(7_199), hour(3_600));
        assert_ne!(hour(7_200), hour(7_199));
        assert_eq!(hour(7_200), hour(3_600).plus(1));
        assert_eq!(hour(-1).start(), Timestamp::from_seconds(-3_600));
        assert!(Hour::FIRST < hour(-1) && hour(0) < Hour::LAST);
        assert!(Hour::FIRST.start() < Timestamp::default());
        assert!(Hour::LAST.start() > Timestamp::default());
    }
}
