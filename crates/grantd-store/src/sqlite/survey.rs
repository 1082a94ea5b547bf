//! A survey of the database: a few index reads, however many clients there are.

use async_trait::async_trait;
use grantd_core::Timestamp;
use grantd_issuer::{
    Hour, LastUse, Outcome, RefusedClient, StorageFault, Survey, Surveys, WatchedSecret,
};
use rusqlite::{Connection, Row, params};

use super::{Sqlite, rows, statements as sql};

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
    let mut idle = snapshot.prepare_cached(sql::SECRETS_IDLE)?;
    let long_ago = params![now.micros(), Survey::long_ago(now).micros(), limit];
    let idle = idle.query_map(long_ago, watched)?.collect::<Result<_, _>>()?;
    let mut refused = snapshot.prepare_cached(sql::MOST_REFUSED)?;
    let since = params![Hour::of(Survey::yesterday(now)).start().micros(), limit];
    let refused = refused.query_map(since, |row| {
        let count: i64 = row.get(3)?;
        Ok(RefusedClient {
            client: rows::parse(row, 0)?,
            name: row.get(1)?,
            outcome: Outcome::stored(row.get(2)?),
            count: count.unsigned_abs(),
        })
    })?;
    Ok(Survey { clients, ending, idle, refused: refused.collect::<Result<_, _>>()? })
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
