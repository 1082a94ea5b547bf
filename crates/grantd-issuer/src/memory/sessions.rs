//! Sessions in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use grantd_core::{SecretHash, SessionId, Timestamp, UserId};

use super::{Memory, tables::Tables};
use crate::{
    fault::StorageFault,
    session::{Session, Sessions, SignedIn},
    user::UserState,
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

    async fn end_session(&self, user: UserId, id: SessionId) -> Result<bool, StorageFault> {
        let mut tables = self.tables();
        let own = tables.sessions.get(&id).is_some_and(|(session, _)| session.user == user);
        Ok(own && tables.sessions.remove(&id).is_some())
    }

    async fn end_sessions(&self, user: UserId, ended: Ended) -> Result<(), StorageFault> {
        self.tables().end_sessions(user, ended);
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

    pub(super) fn end_sessions(&mut self, user: UserId, ended: Ended) {
        let keep = match ended {
            Ended::None => return,
            Ended::All => None,
            Ended::AllBut(id) => Some(id),
        };
        self.sessions.retain(|id, (session, _)| session.user != user || keep == Some(*id));
    }
}
