//! A survey of the database: a few index reads, however many clients there are.

use std::{cmp::Reverse, collections::BTreeSet};

use async_trait::async_trait;
use grantd_core::Timestamp;
use grantd_issuer::{
    Hour, LastUse, Outcome, RefusedClient, StorageFault, Survey, Surveys, WatchedSecret,
};
use rusqlite::{Connection, Row, params};

use super::{Sqlite, rows, statements as sql};

/// How many candidates of each hour there are for one line of the most refused.
const CANDIDATES: u32 = 4;

#[async_trait]
impl Surveys for Sqlite {
    async fn survey(&self, now: Timestamp, limit: u32) -> Result<Survey, StorageFault> {
        self.reader().read(move |open| survey(open, now, limit)).await
    }
}

fn survey(open: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<Survey> {
    let snapshot = open.unchecked_transaction()?;
    let mut clients = snapshot.prepare_cached(sql::CLIENTS_BY_STATE)?;
    let clients = clients.query_map([], |row| {
        let count: i64 = row.get(1)?;
        Ok((rows::state(row, 0)?, count.unsigned_abs()))
    })?;
    let clients = clients.collect::<Result<_, _>>()?;
    let mut ending = snapshot.prepare_cached(sql::SECRETS_ENDING)?;
    let soon = params![now.micros(), Survey::soon(now).micros(), limit];
    let ending = ending.query_map(soon, watched)?.collect::<Result<_, _>>()?;
    let idle = idle(&snapshot, now, limit)?;
    let refused = most_refused(&snapshot, now, limit)?;
    Ok(Survey { clients, ending, idle, refused })
}

/// Living secrets that nobody uses: those that never end, and those that will.
fn idle(open: &Connection, now: Timestamp, limit: u32) -> rusqlite::Result<Vec<WatchedSecret>> {
    let mut idle: Vec<WatchedSecret> = Vec::new();
    for statement in [sql::SECRETS_IDLE, sql::SECRETS_IDLE_ENDING] {
        let long_ago = params![now.micros(), Survey::long_ago(now).micros(), limit];
        for known in open.prepare_cached(statement)?.query_map(long_ago, watched)? {
            idle.push(known?);
        }
    }
    idle.sort_by_key(|known| {
        let used = known.last_used.as_ref().map_or(known.created_at, |last| last.at);
        (used, known.credential)
    });
    idle.truncate(limit as usize);
    Ok(idle)
}

/// What was refused most often, of what was refused most often in any one hour: a sum over all clients
/// of a day would be a sort of as many rows as anybody likes to cause.
fn most_refused(
    open: &Connection,
    now: Timestamp,
    limit: u32,
) -> rusqlite::Result<Vec<RefusedClient>> {
    let since = Hour::of(Survey::yesterday(now));
    let mut often = open.prepare_cached(sql::OFTEN_REFUSED)?;
    let mut candidates = BTreeSet::new();
    let hours = (0..).map(|hours| since.plus(hours)).take_while(|hour| *hour <= Hour::of(now));
    for hour in hours {
        let row = params![hour.start().micros(), limit.saturating_mul(CANDIDATES)];
        let found = often.query_map(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
        for candidate in found {
            let candidate: (String, String) = candidate?;
            candidates.insert(candidate);
        }
    }
    let mut sums = open.prepare_cached(sql::REFUSED_SINCE)?;
    let mut refused = Vec::with_capacity(candidates.len());
    for (client, outcome) in candidates {
        let sum = sums.query_map(params![client, since.start().micros(), outcome], |row| {
            let count: i64 = row.get(1)?;
            Ok((row.get(0)?, count.unsigned_abs()))
        })?;
        for sum in sum {
            let (name, count) = sum?;
            let client = rows::parsed(&client, 0)?;
            refused.push(RefusedClient {
                client,
                name,
                outcome: Outcome::stored(outcome.clone()),
                count,
            });
        }
    }
    refused.sort_by_key(|refused| Reverse(refused.count));
    refused.truncate(limit as usize);
    Ok(refused)
}

fn watched(row: &Row<'_>) -> rusqlite::Result<WatchedSecret> {
    let moment = |at: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(at)?.map(Timestamp::from_micros))
    };
    let address: Option<String> = row.get(6)?;
    let last_used = moment(5)?;
    Ok(WatchedSecret {
        client: rows::parse(row, 0)?,
        name: row.get(1)?,
        credential: rows::parse(row, 2)?,
        created_at: moment(3)?.unwrap_or_default(),
        expires_at: moment(4)?,
        last_used: last_used.map(|at| LastUse { at, address: address.unwrap_or_default() }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_worth_a_look_are_read_from_the_end_of_an_index_and_not_client_by_client() {
        let mut open = Connection::open_in_memory().unwrap();
        super::super::migrations::run(&mut open).unwrap();
        for (statement, index) in [
            (sql::SECRETS_ENDING, "credentials_end"),
            (sql::SECRETS_IDLE, "credentials_use"),
            (sql::SECRETS_IDLE_ENDING, "credentials_end"),
        ] {
            let mut explain = open.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let mut steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
            let first = steps.next().unwrap().unwrap();
            assert!(first.contains(&format!("SEARCH credentials USING INDEX {index}")), "{first}");
        }
    }
}
