//! Usage as operators see it, in JSON.

use serde::Serialize;
use serde_json::Value;

use crate::{
    registration_json::{ToJson, moment},
    usage::{UsageCount, UsageTotal},
};

/// Token requests of one client that ended alike in the same hour.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Usage))]
pub struct UsageView {
    /// Whose they were.
    pub client_id: String,
    /// When the hour began, RFC 3339, UTC.
    pub hour: String,
    /// `issued`, or the name of the refusal (docs/refusals.md).
    pub outcome: String,
    /// How many there were.
    pub count: u64,
    /// When the last one was, RFC 3339, UTC.
    pub last_at: String,
    /// From which address the last one came; empty where that is unknown.
    pub last_from: String,
}

/// All clients' token requests that ended alike in the same hour.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = UsageTotal))]
pub struct UsageTotalView {
    /// When the hour began, RFC 3339, UTC.
    pub hour: String,
    /// `issued`, or the name of the refusal (docs/refusals.md).
    pub outcome: String,
    /// How many there were.
    pub count: u64,
}

impl From<&UsageCount> for UsageView {
    fn from(usage: &UsageCount) -> Self {
        Self {
            client_id: usage.key.client.to_string(),
            hour: moment(usage.key.hour.start()),
            outcome: usage.key.outcome.to_string(),
            count: usage.count,
            last_at: moment(usage.last_at),
            last_from: usage.last_from.clone(),
        }
    }
}

impl From<&UsageTotal> for UsageTotalView {
    fn from(total: &UsageTotal) -> Self {
        Self {
            hour: moment(total.hour.start()),
            outcome: total.outcome.to_string(),
            count: total.count,
        }
    }
}

impl ToJson for UsageCount {
    fn to_json(&self) -> Value {
        serde_json::to_value(UsageView::from(self)).unwrap_or_default()
    }
}

impl ToJson for UsageTotal {
    fn to_json(&self) -> Value {
        serde_json::to_value(UsageTotalView::from(self)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use grantd_core::{Refusal, Timestamp};

    use super::*;
    use crate::usage::{Hour, Outcome, UsageKey};

    #[test]
    fn a_count_is_told_with_times_as_rfc_3339() {
        let at = Timestamp::from_seconds(1_800_000_123);
        let (hour, outcome) = (Hour::of(at), Outcome::refused(Refusal::ClientSecretWrong));
        let count = UsageCount {
            key: UsageKey { hour, client: "a".parse().unwrap(), outcome: outcome.clone() },
            count: 3,
            last_at: at,
            last_from: "192.0.2.1".to_owned(),
        };
        let told = serde_json::json!({
            "client_id": "a", "hour": "2027-01-15T08:00:00Z", "outcome": "client-secret-wrong",
            "count": 3, "last_at": "2027-01-15T08:02:03Z", "last_from": "192.0.2.1",
        });
        assert_eq!(count.to_json(), told);
        let told = serde_json::json!({
            "hour": "2027-01-15T08:00:00Z", "outcome": "client-secret-wrong", "count": 7,
        });
        assert_eq!(UsageTotal { hour, outcome, count: 7 }.to_json(), told);
    }
}
