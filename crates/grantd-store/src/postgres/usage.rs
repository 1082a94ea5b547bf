//! Counts of token requests, written a batch at a time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use grantd_issuer::{
    Hour, Outcome, StorageFault, Usage, UsageCount, UsageKey, UsageQuery, UsageTotal,
};
use tokio_postgres::Row;

use super::{
    Postgres,
    link::Ask,
    parameters::with,
    rows::{moment, parse, unsigned, value},
    statements as sql,
    work::Work,
};

#[async_trait]
impl Usage for Postgres {
    async fn record_usage(&self, counts: &[UsageCount]) -> Result<(), StorageFault> {
        let work = self.link.beside_others().await?;
        let done = record(&work, counts).await;
        work.end(done).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageCount>, StorageFault> {
        let (from, until) = (query.from.start().micros(), query.until.start().micros());
        // What is behind nothing is everything: no client's id and no outcome is empty.
        let (hour, after, outcome) =
            query.after.as_ref().map_or((from, "", ""), |UsageKey { hour, client, outcome }| {
                (hour.start().micros(), client.as_str(), outcome.name())
            });
        let limit = i64::from(query.limit);
        let found = if let Some(client) = &query.client {
            let row = with![client.as_str(), from, until, limit, hour, after, outcome];
            self.link.rows(sql::USAGE_OF_CLIENT, row).await?
        } else {
            let row = with![from, until, limit, hour, after, outcome];
            self.link.rows(sql::USAGE, row).await?
        };
        found.iter().map(count).collect()
    }

    async fn usage_totals(&self, from: Hour, until: Hour) -> Result<Vec<UsageTotal>, StorageFault> {
        let row = with![from.start().micros(), until.start().micros()];
        self.link.rows(sql::USAGE_TOTALS, row).await?.iter().map(total).collect()
    }

    async fn forget_usage(&self, before: Hour) -> Result<(), StorageFault> {
        let before = before.start().micros();
        let work = self.link.beside_others().await?;
        let done = forget(&work, before).await;
        work.end(done).await
    }
}

async fn forget(work: &Work, before: i64) -> Result<(), StorageFault> {
    work.execute(sql::FORGET_USAGE, with![before]).await?;
    work.execute(sql::FORGET_USAGE_TOTALS, with![before]).await.map(drop)
}

/// One statement adds to a row once, and in the order of keys, so that two nodes never wait for each
/// other.
async fn record(work: &Work, counts: &[UsageCount]) -> Result<(), StorageFault> {
    let mut rows = BTreeMap::<&UsageKey, UsageCount>::new();
    let mut totals = BTreeMap::<_, i64>::new();
    for one in counts {
        *totals.entry((one.key.hour, one.key.outcome.name())).or_default() +=
            one.count.cast_signed();
        rows.entry(&one.key)
            .and_modify(|known| {
                known.count += one.count;
                if one.last_at >= known.last_at {
                    (known.last_at, known.last_from) = (one.last_at, one.last_from.clone());
                }
            })
            .or_insert_with(|| one.clone());
    }
    let clients: Vec<_> = rows.keys().map(|key| key.client.as_str()).collect();
    let hours: Vec<_> = rows.keys().map(|key| key.hour.start().micros()).collect();
    let outcomes: Vec<_> = rows.keys().map(|key| key.outcome.name()).collect();
    let sums: Vec<_> = rows.values().map(|one| one.count.cast_signed()).collect();
    let last: Vec<_> = rows.values().map(|one| one.last_at.micros()).collect();
    let from: Vec<_> = rows.values().map(|one| one.last_from.as_str()).collect();
    work.execute(sql::ADD_USAGE, with![clients, hours, outcomes, sums, last, from]).await?;
    let hours: Vec<_> = totals.keys().map(|(hour, _)| hour.start().micros()).collect();
    let outcomes: Vec<_> = totals.keys().map(|(_, outcome)| *outcome).collect();
    let sums: Vec<_> = totals.into_values().collect();
    work.execute(sql::ADD_USAGE_TOTALS, with![hours, outcomes, sums]).await.map(drop)
}

fn count(row: &Row) -> Result<UsageCount, StorageFault> {
    Ok(UsageCount {
        key: UsageKey {
            hour: Hour::of(moment(row, "hour")?),
            client: parse(row, "client_id")?,
            outcome: Outcome::stored(value(row, "outcome")?),
        },
        count: unsigned(row, "count")?,
        last_at: moment(row, "last_at")?,
        last_from: value(row, "last_from")?,
    })
}

fn total(row: &Row) -> Result<UsageTotal, StorageFault> {
    Ok(UsageTotal {
        hour: Hour::of(moment(row, "hour")?),
        outcome: Outcome::stored(value(row, "outcome")?),
        count: unsigned(row, "count")?,
    })
}
