//! Counts of token requests in memory.

use std::collections::{BTreeMap, btree_map::Entry};

use async_trait::async_trait;

use super::Memory;
use crate::{
    fault::StorageFault,
    usage::{Hour, Usage, UsageCount, UsageQuery, UsageTotal},
};

#[async_trait]
impl Usage for Memory {
    async fn record_usage(&self, counts: &[UsageCount]) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        for new in counts {
            match tables.usage.entry(new.key.clone()) {
                Entry::Vacant(place) => drop(place.insert(new.clone())),
                Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.count += new.count;
                    if new.last_at >= known.last_at {
                        known.last_at = new.last_at;
                        known.last_from.clone_from(&new.last_from);
                    }
                }
            }
        }
        Ok(())
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageCount>, StorageFault> {
        let tables = self.tables();
        let asked = tables.usage.values().filter(|UsageCount { key, .. }| {
            (query.from..query.until).contains(&key.hour)
                && query.client.as_ref().is_none_or(|client| *client == key.client)
                && query.after.as_ref().is_none_or(|after| after < key)
        });
        Ok(asked.take(query.limit as usize).cloned().collect())
    }

    async fn usage_totals(&self, from: Hour, until: Hour) -> Result<Vec<UsageTotal>, StorageFault> {
        let tables = self.tables();
        let mut totals = BTreeMap::new();
        for UsageCount { key, count, .. } in tables.usage.values() {
            if (from..until).contains(&key.hour) {
                *totals.entry((key.hour, key.outcome.clone())).or_default() += count;
            }
        }
        let total = |((hour, outcome), count)| UsageTotal { hour, outcome, count };
        Ok(totals.into_iter().map(total).collect())
    }

    async fn forget_usage(&self, before: Hour) -> Result<(), StorageFault> {
        self.tables().usage.retain(|key, _| key.hour >= before);
        Ok(())
    }
}
