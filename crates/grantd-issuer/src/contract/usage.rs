//! The clauses about usage: counts by client, hour and outcome.

use std::sync::Arc;

use grantd_core::{Refusal, Timestamp};

use super::name;
use crate::{Hour, Outcome, Registry, UsageCount, UsageKey, UsageQuery, UsageTotal};

const START: i64 = 1_800_000_000;

fn hour(n: i64) -> Hour {
    Hour::of(Timestamp::from_seconds(START)).plus(n)
}

fn wrong() -> Outcome {
    Outcome::refused(Refusal::ClientSecretWrong)
}

/// So many, the last one so many seconds into the hour, from an address that says so too.
fn counted(client: &str, at: i64, outcome: Outcome, (count, second): (u64, i64)) -> UsageCount {
    let hour = hour(at);
    UsageCount {
        key: UsageKey { hour, client: name(client), outcome },
        count,
        last_at: Timestamp::from_micros(hour.start().micros() + second * 1_000_000),
        last_from: format!("192.0.2.{second}"),
    }
}

fn all() -> UsageQuery {
    UsageQuery { client: None, from: Hour::FIRST, until: Hour::LAST, after: None, limit: 1000 }
}

async fn read(registry: &Arc<dyn Registry>, query: &UsageQuery) -> Vec<UsageCount> {
    registry.usage(query).await.expect("counts")
}

/// Two clients in three hours, two outcomes each: twelve counts, in their order.
async fn furnish(registry: &Arc<dyn Registry>) -> Vec<UsageCount> {
    let mut counts = Vec::new();
    for at in 0..3 {
        for client in ["a", "b"] {
            for (outcome, count) in [(wrong(), 1), (Outcome::ISSUED, 10)] {
                counts.push(counted(client, at, outcome, (count, 5)));
            }
        }
    }
    let mut shuffled = counts.clone();
    shuffled.reverse();
    registry.record_usage(&shuffled).await.expect("recorded");
    counts
}

/// Batch by batch, and within a batch; an older time does not hide a newer one.
pub async fn counts_of_usage_add_up_and_the_newest_last_time_stays(registry: Arc<dyn Registry>) {
    let batches = [
        vec![counted("a", 0, Outcome::ISSUED, (3, 7)), counted("a", 0, wrong(), (1, 1))],
        vec![counted("a", 0, Outcome::ISSUED, (4, 5)), counted("a", 1, Outcome::ISSUED, (1, 2))],
        vec![counted("a", 0, wrong(), (2, 9)), counted("a", 0, wrong(), (1, 8))],
        vec![],
    ];
    for batch in batches {
        registry.record_usage(&batch).await.expect("recorded");
    }
    let expected = [
        counted("a", 0, wrong(), (4, 9)),
        counted("a", 0, Outcome::ISSUED, (7, 7)),
        counted("a", 1, Outcome::ISSUED, (1, 2)),
    ];
    assert_eq!(read(&registry, &all()).await, expected);
}

/// By hour, client and outcome; pages join without gap or repetition.
pub async fn usage_is_read_page_by_page_of_one_client_or_of_all(registry: Arc<dyn Registry>) {
    let counts = furnish(&registry).await;
    for client in [None, Some("a"), Some("nobody")] {
        let of_client =
            |count: &&UsageCount| client.is_none_or(|id| count.key.client.as_str() == id);
        let expected: Vec<_> = counts.iter().filter(of_client).cloned().collect();
        for limit in [1, 2, 5, 100] {
            let mut query = UsageQuery { client: client.map(name), limit, ..all() };
            let mut seen = Vec::new();
            loop {
                let page = read(&registry, &query).await;
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                query.after = Some(last.key.clone());
                seen.extend(page);
            }
            assert_eq!(seen, expected, "{client:?} by {limit}");
        }
        let middle =
            UsageQuery { client: client.map(name), from: hour(1), until: hour(2), ..all() };
        let of_hour = |count: &UsageCount| count.key.hour == hour(1);
        let expected: Vec<_> = expected.into_iter().filter(of_hour).collect();
        assert_eq!(read(&registry, &middle).await, expected, "{client:?}");
    }
}

/// Hour by hour, each outcome apart.
pub async fn totals_of_usage_are_the_sums_over_all_clients(registry: Arc<dyn Registry>) {
    furnish(&registry).await;
    let totals = registry.usage_totals(hour(1), hour(3)).await.expect("totals");
    let total = |at, outcome, count| UsageTotal { hour: hour(at), outcome, count };
    let expected = [
        total(1, wrong(), 2),
        total(1, Outcome::ISSUED, 20),
        total(2, wrong(), 2),
        total(2, Outcome::ISSUED, 20),
    ];
    assert_eq!(totals, expected);
    assert!(registry.usage_totals(hour(3), Hour::LAST).await.expect("totals").is_empty());
}

/// Clients' counts and totals alike.
pub async fn old_usage_is_forgotten_and_no_other(registry: Arc<dyn Registry>) {
    let counts = furnish(&registry).await;
    registry.forget_usage(hour(1)).await.expect("forgotten");
    assert_eq!(read(&registry, &all()).await, counts[4..]);
    let totals = registry.usage_totals(Hour::FIRST, Hour::LAST).await.expect("totals");
    assert_eq!(totals.first().map(|total| total.hour), Some(hour(1)));
}
