//! Sessions: who a cookie is, read anew each time.

use async_trait::async_trait;
use grantd_core::{SecretHash, SessionId, Timestamp, UserId};
use grantd_issuer::{
    Session, Sessions, SignedIn, Stamp, StorageFault, audit::Deed, user_change::Ended,
};

use super::{
    Postgres,
    link::Ask,
    parameters::with,
    record::record_routine,
    rows::{self, parse, parse_all},
    statements as sql,
    work::Work,
};

#[async_trait]
impl Sessions for Postgres {
    async fn open_session(
        &self,
        session: &Session,
        proof: &SecretHash,
        version: u64,
    ) -> Result<bool, StorageFault> {
        let work = self.link.alone().await?;
        let done = begin(&work, session, proof, version).await;
        work.end(done).await
    }

    async fn signed_in(
        &self,
        proof: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, StorageFault> {
        let idle = Session::idle_since(now).micros();
        let row = with![&proof.as_bytes()[..], now.micros(), idle];
        let Some(row) = self.link.row(sql::SESSION, row).await? else { return Ok(None) };
        let (session, user) = (rows::session(&row)?, rows::user(&row)?.user);
        Ok(Some(SignedIn { session, user, permissions: parse_all(&row, "rights")? }))
    }

    async fn session_seen(&self, id: SessionId, now: Timestamp) -> Result<(), StorageFault> {
        let row = with![id.to_string(), now.micros()];
        self.link.execute(sql::SESSION_SEEN, row).await.map(drop)
    }

    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageFault> {
        let idle = Session::idle_since(now).micros();
        let row = with![user.to_string(), now.micros(), idle];
        self.link.rows(sql::SESSIONS, row).await?.iter().map(rows::session).collect()
    }

    async fn end_session(
        &self,
        user: UserId,
        id: SessionId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault> {
        let work = self.link.alone().await?;
        let done = end_one(&work, user, id, stamp).await;
        work.end(done).await
    }

    async fn end_sessions(
        &self,
        user: UserId,
        ended: Ended,
        stamp: &Stamp,
    ) -> Result<(), StorageFault> {
        let work = self.link.alone().await?;
        let done = end_many(&work, user, ended, stamp).await;
        work.end(done).await
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<(), StorageFault> {
        let work = self.link.alone().await?;
        let row = with![now.micros(), Session::idle_since(now).micros()];
        let done = work.execute(sql::FORGET_SESSIONS, row).await.map(drop);
        work.end(done).await
    }
}

/// Ends sessions of a user's, in the transaction of a change perhaps; gives them in their order.
pub(super) async fn end(
    work: &Work,
    user: UserId,
    ended: Ended,
) -> Result<Vec<SessionId>, StorageFault> {
    let keep = match ended {
        Ended::None => return Ok(Vec::new()),
        Ended::All => None,
        Ended::AllBut(id) => Some(id.to_string()),
    };
    let over = work.rows(sql::END_SESSIONS, with![user.to_string(), keep]).await?;
    let mut over = over.iter().map(|row| parse(row, "id")).collect::<Result<Vec<_>, _>>()?;
    over.sort_unstable();
    Ok(over)
}

async fn end_one(
    work: &Work,
    user: UserId,
    id: SessionId,
    stamp: &Stamp,
) -> Result<bool, StorageFault> {
    let own = work.execute(sql::END_SESSION, with![user.to_string(), id.to_string()]).await? > 0;
    if own {
        record_routine(work, &Deed::signed_out(user, &[id]), stamp).await?;
    }
    Ok(own)
}

async fn end_many(
    work: &Work,
    user: UserId,
    ended: Ended,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    let over = end(work, user, ended).await?;
    if over.is_empty() {
        return Ok(());
    }
    record_routine(work, &Deed::signed_out(user, &over), stamp).await
}

/// Begins a session, in the transaction of a passkey's use perhaps.
pub(super) async fn begin(
    work: &Work,
    session: &Session,
    proof: &SecretHash,
    version: u64,
) -> Result<bool, StorageFault> {
    let user = session.user.to_string();
    let began = session.created_at.micros();
    if work.execute(sql::SIGNED_IN, with![user, began, version.cast_signed()]).await? == 0 {
        return Ok(false);
    }
    let row = with![
        session.id.to_string(),
        user,
        &proof.as_bytes()[..],
        began,
        session.seen_at.micros(),
        session.ends_at.micros(),
        session.address,
        session.agent,
    ];
    work.execute(sql::INSERT_SESSION, row).await?;
    work.execute(sql::END_OLDEST_SESSIONS, with![user, i64::from(Session::MOST)]).await?;
    record_routine(work, &Deed::signed_in(session), &session.stamp()).await?;
    Ok(true)
}
