//! Sessions in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use grantd_core::{SecretHash, SessionId, Timestamp, UserId, UserState};

use super::{Memory, tables::Tables};
use crate::{
    admin::Stamp,
    audit::Deed,
    fault::StorageFault,
    session::{Session, Sessions, SignedIn},
    user_change::Ended,
};

#[async_trait]
impl Sessions for Memory {
    async fn open_session(
        &self,
        session: &Session,
        proof: &SecretHash,
        version: u64,
    ) -> Result<bool, StorageFault> {
        Ok(self.tables().begin_session(session, proof, version))
    }

    async fn signed_in(
        &self,
        proof: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SignedIn>, StorageFault> {
        let tables = self.tables();
        let mut all = tables.sessions.values();
        let Some((session, _)) = all.find(|(_, known)| known.matches(proof)) else {
            return Ok(None);
        };
        let user = tables.users.get(&session.user).map(|record| &record.user);
        let user = user.filter(|user| user.state == UserState::Active && session.is_live(now));
        Ok(user.map(|user| {
            let catalog = tables.catalog();
            let rights = catalog.rights(&user.permissions, &user.roles);
            let permissions = rights.into_iter().cloned().collect();
            SignedIn { session: session.clone(), user: user.clone(), permissions }
        }))
    }

    async fn session_seen(&self, id: SessionId, now: Timestamp) -> Result<(), StorageFault> {
        if let Some((session, _)) = self.tables().sessions.get_mut(&id) {
            session.seen_at = session.seen_at.max(now);
        }
        Ok(())
    }

    async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageFault> {
        let mut own = self.tables().of_user(user);
        own.retain(|session| session.is_live(now));
        own.sort_by_key(|session| Reverse((session.seen_at, session.id)));
        Ok(own)
    }

    async fn end_session(
        &self,
        user: UserId,
        id: SessionId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault> {
        let mut tables = self.tables();
        let own = tables.sessions.get(&id).is_some_and(|(session, _)| session.user == user);
        if own {
            tables.sessions.remove(&id);
            tables.record_routine(&Deed::signed_out(user, &[id]), stamp);
        }
        Ok(own)
    }

    async fn end_sessions(
        &self,
        user: UserId,
        ended: Ended,
        stamp: &Stamp,
    ) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        let over = tables.end_sessions(user, ended);
        if !over.is_empty() {
            tables.record_routine(&Deed::signed_out(user, &over), stamp);
        }
        Ok(())
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<(), StorageFault> {
        self.tables().sessions.retain(|_, (session, _)| session.is_live(now));
        Ok(())
    }
}

impl Tables {
    pub(super) fn begin_session(
        &mut self,
        session: &Session,
        proof: &SecretHash,
        version: u64,
    ) -> bool {
        let Some(record) = self.users.get_mut(&session.user) else { return false };
        let user = &mut record.user;
        if user.state != UserState::Active || user.version != version {
            return false;
        }
        user.last_login_at = Some(session.created_at);
        self.sessions.insert(session.id, (session.clone(), *proof));
        self.record_routine(&Deed::signed_in(session), &session.stamp());
        let own = self.of_user(session.user);
        for oldest in own.iter().rev().skip(Session::MOST as usize) {
            self.sessions.remove(&oldest.id);
        }
        true
    }

    /// A user's sessions, as they began.
    fn of_user(&self, user: UserId) -> Vec<Session> {
        let all = self.sessions.values().map(|(session, _)| session);
        all.filter(|session| session.user == user).cloned().collect()
    }

    /// Those that end, in the order of their ids.
    pub(super) fn end_sessions(&mut self, user: UserId, ended: Ended) -> Vec<SessionId> {
        let keep = match ended {
            Ended::None => return Vec::new(),
            Ended::All => None,
            Ended::AllBut(id) => Some(id),
        };
        let over = |id: &SessionId, session: &Session| session.user == user && keep != Some(*id);
        let ended = self.sessions.extract_if(.., |id, (session, _)| over(id, session));
        ended.map(|(id, _)| id).collect()
    }
}
