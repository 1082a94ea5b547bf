//! A survey of the database: a few index reads, however many clients there are.

use async_trait::async_trait;
use grantd_core::{ClientState, Timestamp};
use grantd_issuer::{Hour, Outcome, RefusedClient, StorageFault, Survey, Surveys, WatchedSecret};
use tokio_postgres::Row;

use super::{
    Postgres,
    parameters::with,
    rows::{last_use, moment, named, parse, perhaps, unsigned, value},
    statements as sql,
};

/// How many candidates of each hour there are for one line of the most refused: a sum over all clients
/// of a day would be a sort of as many rows as anybody likes to cause.
const CANDIDATES: i64 = 4;

#[async_trait]
impl Surveys for Postgres {
    async fn survey(&self, now: Timestamp, limit: u32) -> Result<Survey, StorageFault> {
        let most = i64::from(limit);
        let (at, long_ago) = (now.micros(), Survey::long_ago(now).micros());
        let since = Hour::of(Survey::yesterday(now)).start().micros();
        let answers = self
            .link
            .together(&[
                (sql::CLIENTS_BY_STATE, with![]),
                (sql::SECRETS_ENDING, with![at, Survey::soon(now).micros(), most]),
                (sql::SECRETS_IDLE, with![long_ago, most]),
                (sql::SECRETS_IDLE_ENDING, with![long_ago, at, most]),
                (sql::REFUSED_SINCE, with![since, at, most, most.saturating_mul(CANDIDATES)]),
            ])
            .await?;
        let [clients, ending, idle, idle_ending, refused] = &answers[..] else {
            return Ok(Survey::default());
        };
        let clients = clients.iter().map(|row| {
            let state = named(row, "state", &ClientState::ALL, ClientState::as_str)?;
            Ok((state, unsigned(row, "count")?))
        });
        // Living secrets that nobody uses: those that never end, and those that will.
        let idle = idle.iter().chain(idle_ending).map(watched);
        let mut idle = idle.collect::<Result<Vec<_>, StorageFault>>()?;
        idle.sort_by_key(|known| {
            let used = known.last_used.as_ref().map_or(known.created_at, |last| last.at);
            (used, known.credential)
        });
        idle.truncate(limit as usize);
        Ok(Survey {
            clients: clients.collect::<Result<_, StorageFault>>()?,
            ending: ending.iter().map(watched).collect::<Result<_, _>>()?,
            idle,
            refused: refused.iter().map(most_refused).collect::<Result<_, _>>()?,
        })
    }
}

fn most_refused(row: &Row) -> Result<RefusedClient, StorageFault> {
    Ok(RefusedClient {
        client: parse(row, "client_id")?,
        name: value(row, "name")?,
        outcome: Outcome::stored(value(row, "outcome")?),
        count: unsigned(row, "count")?,
    })
}

fn watched(row: &Row) -> Result<WatchedSecret, StorageFault> {
    Ok(WatchedSecret {
        client: parse(row, "client")?,
        name: value(row, "name")?,
        credential: parse(row, "id")?,
        created_at: moment(row, "created_at")?,
        expires_at: perhaps(row, "expires_at")?,
        last_used: last_use(value(row, "last_used_at")?, value(row, "last_used_from")?),
    })
}
