//! The questions about usage, for every face that shows it.

use super::{CommandError, Registrar};
use crate::usage::{Hour, UsageCount, UsageQuery, UsageTotal};

impl Registrar {
    /// A page of counts by hour, client and outcome; [`UsageQuery::after`] leads to the next.
    pub async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageCount>, CommandError> {
        Ok(self.registry.usage(query).await?)
    }

    /// The sums over all clients by hour and outcome, from one hour to the beginning of another.
    pub async fn usage_totals(
        &self,
        from: Hour,
        until: Hour,
    ) -> Result<Vec<UsageTotal>, CommandError> {
        Ok(self.registry.usage_totals(from, until).await?)
    }
}
