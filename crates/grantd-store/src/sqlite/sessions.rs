//! Sessions: who a cookie is, read anew each time.

use async_trait::async_trait;
use grantd_core::{SecretHash, SessionId, Timestamp, UserId};
use grantd_issuer::{
    Session, Sessions, SignedIn, Stamp, StorageFault, UserState, audit::Deed, user_change::Ended,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Sqlite,
    clients::names,
    lane::fault,
    record::{execute, record_routine},
    rows, statements as sql, users,
};

#[async_trait]
impl Sessions for Sqlite {
    async fn open_session(
        &self,
        session: &Session,
        proof: &SecretHash,
        version: u64,
    ) -> Result<bool, StorageFault> {
        let (session, proof) = (session.clone(), *proof);
        self.write_plain(move |open| begin(open, &session, &proof, version)).await
    }

    async fn signed_in(
        &self,
        proof: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, StorageFault> {
        let proof = *proof;
        self.reader().read(move |open| signed_in(open, &proof, now)).await
    }

    async fn session_seen(&self, id: SessionId, now: Timestamp) -> Result<(), StorageFault> {
        let seen = move |open: &Connection| {
            execute(open, sql::SESSION_SEEN, params![id.to_string(), now.micros()]).map(drop)
        };
        self.write_plain(seen).await
    }

    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageFault> {
        let own = move |open: &Connection| {
            let idle = Session::idle_since(now).micros();
            let row = params![user.to_string(), now.micros(), idle];
            open.prepare_cached(sql::SESSIONS)?.query_map(row, rows::session)?.collect()
        };
        self.reader().read(own).await
    }

    async fn end_session(
        &self,
        user: UserId,
        id: SessionId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault> {
        let (row, stamp) = ([user.to_string(), id.to_string()], stamp.clone());
        let change = move |open: &Connection| {
            let own = execute(open, sql::END_SESSION, row)? > 0;
            if own {
                record_routine(open, &Deed::signed_out(user, &[id]), &stamp)?;
            }
            Ok(own)
        };
        self.write_plain(change).await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        ended: Ended,
        stamp: &Stamp,
    ) -> Result<(), StorageFault> {
        let stamp = stamp.clone();
        let change = move |open: &Connection| {
            let over = end(open, user, ended)?;
            if over.is_empty() {
                return Ok(());
            }
            record_routine(open, &Deed::signed_out(user, &over), &stamp)
        };
        self.write_plain(change).await
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<(), StorageFault> {
        let row = [now.micros(), Session::idle_since(now).micros()];
        self.write_plain(move |open| execute(open, sql::FORGET_SESSIONS, row).map(drop)).await
    }
}

/// Ends sessions of a user's, in the transaction of a change perhaps; gives them in their order.
pub(super) fn end(
    connection: &Connection,
    user: UserId,
    ended: Ended,
) -> Result<Vec<SessionId>, StorageFault> {
    let keep = match ended {
        Ended::None => return Ok(Vec::new()),
        Ended::All => None,
        Ended::AllBut(id) => Some(id.to_string()),
    };
    let mut statement =
        connection.prepare_cached(sql::END_SESSIONS).map_err(|error| fault(&error))?;
    let over = statement
        .query_map(params![user.to_string(), keep], |row| rows::parse(row, 0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>);
    let mut over = over.map_err(|error| fault(&error))?;
    over.sort_unstable();
    Ok(over)
}

/// Begins a session, in the transaction of a passkey's use perhaps.
pub(super) fn begin(
    connection: &Connection,
    session: &Session,
    proof: &SecretHash,
    version: u64,
) -> Result<bool, StorageFault> {
    let user = session.user.to_string();
    let began = session.created_at.micros();
    let row = params![user, began, version.cast_signed()];
    if execute(connection, sql::SIGNED_IN, row)? == 0 {
        return Ok(false);
    }
    let row = params![
        session.id.to_string(),
        user,
        proof.as_bytes(),
        began,
        session.seen_at.micros(),
        session.ends_at.micros(),
        session.address,
        session.agent,
    ];
    execute(connection, sql::INSERT_SESSION, row)?;
    execute(connection, sql::END_OLDEST_SESSIONS, params![user, Session::MOST])?;
    record_routine(connection, &Deed::signed_in(session), &session.stamp())?;
    Ok(true)
}

/// Session, user and rights of one moment.
fn signed_in(
    connection: &Connection,
    proof: &SecretHash,
    now: Timestamp,
) -> rusqlite::Result<Option<SignedIn>> {
    let snapshot = connection.unchecked_transaction()?;
    let row = params![proof.as_bytes(), now.micros(), Session::idle_since(now).micros()];
    let session =
        snapshot.prepare_cached(sql::SESSION)?.query_row(row, rows::session).optional()?;
    let Some(session) = session else { return Ok(None) };
    let id = session.user.to_string();
    let found = users::load(&snapshot, sql::USER, [&id])?;
    let Some(user) = found.map(|record| record.user) else { return Ok(None) };
    if user.state != UserState::Active {
        return Ok(None);
    }
    let permissions = names(&snapshot, sql::USER_RIGHTS, &id)?;
    Ok(Some(SignedIn { session, user, permissions }))
}
