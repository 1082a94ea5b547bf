//! Passkeys in memory.

use async_trait::async_trait;
use grantd_core::{PasskeyId, SecretHash, Timestamp, UserId, UserState};

use super::{Memory, tables::Tables};
use crate::{
    admin::Stamp,
    fault::StorageFault,
    passkey::{Answered, Passkey, PasskeyRecord, PasskeyUse, Passkeys},
    session::Session,
    storage::{Conflict, RegistryError},
    user::User,
};

#[async_trait]
impl Passkeys for Memory {
    async fn add_passkey(
        &self,
        record: &PasskeyRecord,
        answered: &Answered,
        stamp: &Stamp,
    ) -> Result<bool, RegistryError> {
        let mut tables = self.tables();
        let passkey = &record.passkey;
        if tables.passkeys.values().any(|known| known.credential == record.credential) {
            return Err(Conflict::PasskeyExists.into());
        }
        if tables.passkeys_of(passkey.user).len() >= Passkey::MOST as usize {
            return Err(Conflict::PasskeysFull.into());
        }
        if tables.has_answered(answered) {
            return Err(Conflict::PasskeyAnswered.into());
        }
        let user = tables.users.get(&passkey.user);
        if user.is_none_or(|record| record.user.state != UserState::Active) {
            return Ok(false);
        }
        tables.answered.push(*answered);
        tables.passkeys.insert(passkey.id, record.clone());
        tables.record(&passkey.added(), &[], stamp);
        Ok(true)
    }

    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>, StorageFault> {
        Ok(self.tables().passkeys_of(user))
    }

    async fn passkey_named(
        &self,
        credential: &[u8],
    ) -> Result<Option<(PasskeyRecord, User)>, StorageFault> {
        let tables = self.tables();
        let found = tables.passkeys.values().find(|known| known.credential == credential);
        Ok(found.and_then(|found| {
            let user = tables.users.get(&found.passkey.user)?;
            Some((found.clone(), user.user.clone()))
        }))
    }

    async fn remove_passkeys(
        &self,
        user: UserId,
        which: Option<PasskeyId>,
        stamp: &Stamp,
    ) -> Result<usize, RegistryError> {
        let mut tables = self.tables();
        let mut meant = tables.passkeys_of(user);
        meant.retain(|record| which.is_none_or(|id| id == record.passkey.id));
        for PasskeyRecord { passkey, .. } in &meant {
            tables.passkeys.remove(&passkey.id);
            tables.record(&passkey.removed(), &[], stamp);
        }
        Ok(meant.len())
    }

    async fn enter_by_passkey(
        &self,
        session: &Session,
        proof: &SecretHash,
        used: &PasskeyUse,
    ) -> Result<bool, StorageFault> {
        let mut tables = self.tables();
        let (checked_by, next) = &used.key;
        let known = tables.passkeys.get(&used.passkey);
        let same = known
            .is_some_and(|known| known.passkey.user == session.user && known.key == *checked_by);
        if tables.has_answered(&used.answered) {
            return Ok(false);
        }
        tables.answered.push(used.answered);
        if !same || !tables.begin_session(session, proof, used.version) {
            return Ok(false);
        }
        if let Some(record) = tables.passkeys.get_mut(&used.passkey) {
            record.key.clone_from(next);
            record.passkey.last_used_at = Some(session.created_at);
        }
        Ok(true)
    }

    async fn forget_answered(&self, now: Timestamp) -> Result<(), StorageFault> {
        self.tables().answered.retain(|answered| answered.until > now);
        Ok(())
    }
}

impl Tables {
    fn passkeys_of(&self, user: UserId) -> Vec<PasskeyRecord> {
        let all = self.passkeys.values();
        all.filter(|record| record.passkey.user == user).cloned().collect()
    }

    fn has_answered(&self, answered: &Answered) -> bool {
        self.answered.iter().any(|known| known.question.matches(&answered.question))
    }
}
