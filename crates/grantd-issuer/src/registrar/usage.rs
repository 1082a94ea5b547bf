//! The questions about usage, for every face that shows it.

use super::{CommandError, Registrar};
use crate::{
    survey::Survey,
    usage::{Hour, UsageCount, UsageQuery, UsageTotal},
};

impl Registrar {
    /// A page of counts by hour, client and outcome; [`UsageQuery::after`] leads to the next.
    pub async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageCount>, CommandError> {
        Ok(self.registry.usage(query).await?)
    }

    /// What is worth a look now, of each list so many.
    pub async fn survey(&self, limit: u32) -> Result<Survey, CommandError> {
        Ok(self.registry.survey(self.clock.now(), limit).await?)
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
