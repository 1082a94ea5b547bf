//! Sessions: who a cookie is, read anew each time.

use async_trait::async_trait;
use grantd_core::{SecretHash, SessionId, Timestamp, UserId};
use grantd_issuer::{Session, Sessions, SignedIn, StorageFault, UserState, user_change::Ended};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Sqlite, clients::names, record::execute, rows, statements as sql, users};

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

    async fn end_session(&self, user: UserId, id: SessionId) -> Result<bool, StorageFault> {
        let row = [user.to_string(), id.to_string()];
        self.write_plain(move |open| Ok(execute(open, sql::END_SESSION, row)? > 0)).await
    }

    async fn end_sessions(&self, user: UserId, ended: Ended) -> Result<(), StorageFault> {
        self.write_plain(move |open| end(open, user, ended)).await
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<(), StorageFault> {
        let row = [now.micros(), Session::idle_since(now).micros()];
        self.write_plain(move |open| execute(open, sql::FORGET_SESSIONS, row).map(drop)).await
    }
}

/// Ends sessions of a user's, in the transaction of a change perhaps.
pub(super) fn end(connection: &Connection, user: UserId, ended: Ended) -> Result<(), StorageFault> {
    let keep = match ended {
        Ended::None => return Ok(()),
        Ended::All => None,
        Ended::AllBut(id) => Some(id.to_string()),
    };
    execute(connection, sql::END_SESSIONS, params![user.to_string(), keep]).map(drop)
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
