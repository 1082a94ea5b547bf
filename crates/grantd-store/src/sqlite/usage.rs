//! Counts of token requests, written a batch at a time.

use std::collections::BTreeMap;

use async_trait::async_trait;
use grantd_issuer::{
    Hour, Outcome, StorageFault, Usage, UsageCount, UsageKey, UsageQuery, UsageTotal,
};
use rusqlite::{Connection, Row, params};

use super::{Sqlite, record::execute, rows, statements as sql};

#[async_trait]
impl Usage for Sqlite {
    async fn record_usage(&self, counts: &[UsageCount]) -> Result<(), StorageFault> {
        let counts = counts.to_vec();
        self.write_plain(move |open| record(open, &counts)).await
    }

    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageCount>, StorageFault> {
        let query = query.clone();
        self.reader().read(move |open| page(open, &query)).await
    }

    async fn usage_totals(&self, from: Hour, until: Hour) -> Result<Vec<UsageTotal>, StorageFault> {
        let sums = move |open: &Connection| {
            let hours = [from.start().micros(), until.start().micros()];
            open.prepare_cached(sql::USAGE_TOTALS)?.query_map(hours, total)?.collect()
        };
        self.reader().read(sums).await
    }

    async fn forget_usage(&self, before: Hour) -> Result<(), StorageFault> {
        let before = before.start().micros();
        let forget = move |open: &Connection| {
            execute(open, sql::FORGET_USAGE, [before])?;
            execute(open, sql::FORGET_USAGE_TOTALS, [before]).map(drop)
        };
        self.write_plain(forget).await
    }
}

fn record(open: &Connection, counts: &[UsageCount]) -> Result<(), StorageFault> {
    let mut totals = BTreeMap::<_, u64>::new();
    for UsageCount { key, count, last_at, last_from } in counts {
        let UsageKey { hour, client, outcome } = key;
        let (hour, outcome) = (hour.start().micros(), outcome.name());
        let signed = count.cast_signed();
        let row = params![client.as_str(), hour, outcome, signed, last_at.micros(), last_from];
        execute(open, sql::ADD_USAGE, row)?;
        *totals.entry((hour, outcome)).or_default() += count;
    }
    for ((hour, outcome), count) in totals {
        execute(open, sql::ADD_USAGE_TOTAL, params![hour, outcome, count.cast_signed()])?;
    }
    Ok(())
}

fn page(open: &Connection, query: &UsageQuery) -> rusqlite::Result<Vec<UsageCount>> {
    let (from, until) = (query.from.start().micros(), query.until.start().micros());
    // What is behind nothing is everything: no client's id and no outcome is empty.
    let after =
        query.after.as_ref().map_or((from, "", ""), |UsageKey { hour, client, outcome }| {
            (hour.start().micros(), client.as_str(), outcome.name())
        });
    if let Some(client) = &query.client {
        let row = params![client.as_str(), from, until, query.limit, after.0, after.1, after.2];
        open.prepare_cached(sql::USAGE_OF_CLIENT)?.query_map(row, count)?.collect()
    } else {
        let row = params![from, until, query.limit, after.0, after.1, after.2];
        open.prepare_cached(sql::USAGE)?.query_map(row, count)?.collect()
    }
}

fn count(row: &Row<'_>) -> rusqlite::Result<UsageCount> {
    Ok(UsageCount {
        key: UsageKey {
            hour: hour(row, 1)?,
            client: rows::parse(row, 0)?,
            outcome: Outcome::stored(row.get(2)?),
        },
        count: rows::unsigned(row, 3)?,
        last_at: rows::timestamp(row, 4)?,
        last_from: row.get(5)?,
    })
}

fn total(row: &Row<'_>) -> rusqlite::Result<UsageTotal> {
    Ok(UsageTotal {
        hour: hour(row, 0)?,
        outcome: Outcome::stored(row.get(1)?),
        count: rows::unsigned(row, 2)?,
    })
}

fn hour(row: &Row<'_>, at: usize) -> rusqlite::Result<Hour> {
    rows::timestamp(row, at).map(Hour::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_question_about_usage_reads_more_than_it_answers() {
        let mut open = Connection::open_in_memory().unwrap();
        super::super::migrations::run(&mut open).unwrap();
        for statement in [sql::USAGE, sql::USAGE_OF_CLIENT, sql::USAGE_TOTALS, sql::FORGET_USAGE] {
            let mut explain = open.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
            let plan: Vec<_> = steps.map(Result::unwrap).collect();
            assert_eq!(plan.len(), 1, "no sorting: {plan:?}");
            assert!(plan[0].starts_with("SEARCH"), "{plan:?}");
        }
    }
}
