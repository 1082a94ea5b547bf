//! Passkeys: whom one belongs to, and the session that its signature opens.

use async_trait::async_trait;
use grantd_core::{PasskeyId, SecretHash, Timestamp, UserId};
use grantd_issuer::{
    Conflict, Passkey, PasskeyRecord, Passkeys, RegistryError, Session, Stamp, StorageFault, User,
    passkey::{Answered, PasskeyUse},
};

use super::{
    Postgres,
    link::Ask,
    parameters::with,
    record::record,
    rows, sessions, statements as sql,
    users::{Who, one},
    work::Work,
};

#[async_trait]
impl Passkeys for Postgres {
    async fn add_passkey(
        &self,
        record: &PasskeyRecord,
        answered: &Answered,
        stamp: &Stamp,
    ) -> Result<bool, RegistryError> {
        let work = self.link.alone().await?;
        let done = add(&work, record, answered, stamp).await;
        work.end(done).await
    }

    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>, StorageFault> {
        of_user(&self.link, user).await
    }

    async fn passkey_named(
        &self,
        credential: &[u8],
    ) -> Result<Option<(PasskeyRecord, User)>, StorageFault> {
        let Some(found) = named(&self.link, credential).await? else { return Ok(None) };
        // Whoever changed meanwhile is noticed when the passkey is used: it names the user's version.
        let user = one(&self.link, Who::Id(found.passkey.user)).await?;
        Ok(user.map(|record| (found, record.user)))
    }

    async fn remove_passkeys(
        &self,
        user: UserId,
        which: Option<PasskeyId>,
        stamp: &Stamp,
    ) -> Result<usize, RegistryError> {
        let work = self.link.alone().await?;
        let done = remove(&work, user, which, stamp).await;
        work.end(done).await
    }

    async fn enter_by_passkey(
        &self,
        session: &Session,
        proof: &SecretHash,
        used: &PasskeyUse,
    ) -> Result<bool, StorageFault> {
        let work = self.link.alone().await?;
        let done = enter(&work, session, proof, used).await;
        work.end(done).await
    }

    async fn forget_answered(&self, now: Timestamp) -> Result<(), StorageFault> {
        self.link.execute(sql::FORGET_ANSWERED, with![now.micros()]).await.map(drop)
    }
}

async fn add(
    work: &Work,
    new: &PasskeyRecord,
    answered: &Answered,
    stamp: &Stamp,
) -> Result<bool, RegistryError> {
    let passkey = &new.passkey;
    if named(work, &new.credential).await?.is_some() {
        return Err(Conflict::PasskeyExists.into());
    }
    if of_user(work, passkey.user).await?.len() >= Passkey::MOST as usize {
        return Err(Conflict::PasskeysFull.into());
    }
    let row = with![
        passkey.id.to_string(),
        passkey.user.to_string(),
        passkey.name.as_str(),
        &new.credential[..],
        new.key,
        passkey.created_at.micros(),
    ];
    if work.execute(sql::INSERT_PASSKEY, row).await? == 0 {
        return Ok(false);
    }
    if !answer(work, answered).await? {
        return Err(Conflict::PasskeyAnswered.into());
    }
    record(work, &passkey.added(), &[], stamp).await?;
    Ok(true)
}

/// Remembers an answer; `false`: it counted already.
async fn answer(work: &Work, answered: &Answered) -> Result<bool, StorageFault> {
    let row = with![&answered.question.as_bytes()[..], answered.until.micros()];
    Ok(work.execute(sql::ANSWER, row).await? > 0)
}

async fn of_user(ask: &impl Ask, user: UserId) -> Result<Vec<PasskeyRecord>, StorageFault> {
    let row = with![Some(user.to_string()), None::<&[u8]>];
    ask.rows(sql::PASSKEYS, row).await?.iter().map(rows::passkey).collect()
}

async fn named(ask: &impl Ask, credential: &[u8]) -> Result<Option<PasskeyRecord>, StorageFault> {
    let row = with![None::<&str>, Some(credential)];
    ask.row(sql::PASSKEYS, row).await?.as_ref().map(rows::passkey).transpose()
}

async fn remove(
    work: &Work,
    user: UserId,
    which: Option<PasskeyId>,
    stamp: &Stamp,
) -> Result<usize, RegistryError> {
    let mut meant = of_user(work, user).await?;
    meant.retain(|known| which.is_none_or(|id| id == known.passkey.id));
    for PasskeyRecord { passkey, .. } in &meant {
        work.execute(sql::DELETE_PASSKEY, with![passkey.id.to_string()]).await?;
        record(work, &passkey.removed(), &[], stamp).await?;
    }
    Ok(meant.len())
}

/// What does not hold leaves nothing behind, its answer excepted: that is used up.
async fn enter(
    work: &Work,
    session: &Session,
    proof: &SecretHash,
    used: &PasskeyUse,
) -> Result<bool, StorageFault> {
    let row = with![
        used.passkey.to_string(),
        session.user.to_string(),
        used.key.0,
        used.key.1,
        session.created_at.micros(),
        used.version.cast_signed(),
    ];
    Ok(answer(work, &used.answered).await?
        && work.execute(sql::USE_PASSKEY, row).await? > 0
        && sessions::begin(work, session, proof, used.version).await?)
}
