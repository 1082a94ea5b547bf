//! Passkeys: whom one belongs to, and the session that its signature opens.

use async_trait::async_trait;
use grantd_core::{PasskeyId, SecretHash, Timestamp, UserId};
use grantd_issuer::{
    Conflict, Passkey, PasskeyRecord, Passkeys, RegistryError, Session, Stamp, StorageFault, User,
    passkey::{Answered, PasskeyUse},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    Sqlite,
    lane::fault,
    record::{execute, question, record},
    rows, sessions, statements as sql, users,
};

#[async_trait]
impl Passkeys for Sqlite {
    async fn add_passkey(
        &self,
        record: &PasskeyRecord,
        answered: &Answered,
        stamp: &Stamp,
    ) -> Result<bool, RegistryError> {
        let (record, answered, stamp) = (record.clone(), *answered, stamp.clone());
        self.writer.write(move |open| add(open, &record, &answered, &stamp)).await
    }

    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRecord>, StorageFault> {
        self.reader().read(move |open| of_user(open, user)).await
    }

    async fn passkey_named(
        &self,
        credential: &[u8],
    ) -> Result<Option<(PasskeyRecord, User)>, StorageFault> {
        let credential = credential.to_vec();
        self.reader().read(move |open| named(open, &credential)).await
    }

    async fn remove_passkeys(
        &self,
        user: UserId,
        which: Option<PasskeyId>,
        stamp: &Stamp,
    ) -> Result<usize, RegistryError> {
        let stamp = stamp.clone();
        self.writer.write(move |open| remove(open, user, which, &stamp)).await
    }

    async fn enter_by_passkey(
        &self,
        session: &Session,
        proof: &SecretHash,
        used: &PasskeyUse,
    ) -> Result<bool, StorageFault> {
        let (session, proof, used) = (session.clone(), *proof, used.clone());
        self.write_plain(move |open| enter(open, &session, &proof, &used)).await
    }

    async fn forget_answered(&self, now: Timestamp) -> Result<(), StorageFault> {
        let row = [now.micros()];
        self.write_plain(move |open| execute(open, sql::FORGET_ANSWERED, row).map(drop)).await
    }
}

fn add(
    connection: &Connection,
    new: &PasskeyRecord,
    answered: &Answered,
    stamp: &Stamp,
) -> Result<bool, RegistryError> {
    let (passkey, user) = (&new.passkey, new.passkey.user.to_string());
    if question::<i64>(connection, sql::PASSKEY_EXISTS, [&new.credential])?.is_some() {
        return Err(Conflict::PasskeyExists.into());
    }
    let present: Option<u32> = question(connection, sql::COUNT_PASSKEYS, [&user])?;
    if present.unwrap_or_default() >= Passkey::MOST {
        return Err(Conflict::PasskeysFull.into());
    }
    let row = params![
        passkey.id.to_string(),
        user,
        passkey.name.as_str(),
        new.credential,
        new.key,
        passkey.created_at.micros(),
    ];
    if execute(connection, sql::INSERT_PASSKEY, row)? == 0 {
        return Ok(false);
    }
    if !answer(connection, answered)? {
        return Err(Conflict::PasskeyAnswered.into());
    }
    record(connection, &passkey.added(), &[], stamp)?;
    Ok(true)
}

/// Remembers an answer; `false`: it counted already.
fn answer(connection: &Connection, answered: &Answered) -> Result<bool, StorageFault> {
    let row = params![answered.question.as_bytes(), answered.until.micros()];
    Ok(execute(connection, sql::ANSWER, row)? > 0)
}

fn of_user(connection: &Connection, user: UserId) -> rusqlite::Result<Vec<PasskeyRecord>> {
    let mut statement = connection.prepare_cached(sql::PASSKEYS)?;
    statement.query_map([user.to_string()], rows::passkey)?.collect()
}

/// Passkey and user of one moment.
fn named(
    connection: &Connection,
    credential: &[u8],
) -> rusqlite::Result<Option<(PasskeyRecord, User)>> {
    let snapshot = connection.unchecked_transaction()?;
    let mut statement = snapshot.prepare_cached(sql::PASSKEY_NAMED)?;
    let Some(found) = statement.query_row([credential], rows::passkey).optional()? else {
        return Ok(None);
    };
    let user = users::load(&snapshot, sql::USER, [found.passkey.user.to_string()])?;
    Ok(user.map(|record| (found, record.user)))
}

fn remove(
    connection: &Connection,
    user: UserId,
    which: Option<PasskeyId>,
    stamp: &Stamp,
) -> Result<usize, RegistryError> {
    let mut meant = of_user(connection, user).map_err(|error| fault(&error))?;
    meant.retain(|known| which.is_none_or(|id| id == known.passkey.id));
    for PasskeyRecord { passkey, .. } in &meant {
        execute(connection, sql::DELETE_PASSKEY, [passkey.id.to_string()])?;
        record(connection, &passkey.removed(), &[], stamp)?;
    }
    Ok(meant.len())
}

fn enter(
    connection: &Connection,
    session: &Session,
    proof: &SecretHash,
    used: &PasskeyUse,
) -> Result<bool, StorageFault> {
    let row = params![
        used.passkey.to_string(),
        session.user.to_string(),
        used.key.0,
        used.key.1,
        session.created_at.micros(),
        used.version.cast_signed(),
    ];
    // The answer first, and last the session: whatever does not hold leaves no use behind.
    Ok(answer(connection, &used.answered)?
        && execute(connection, sql::USE_PASSKEY, row)? > 0
        && sessions::begin(connection, session, proof, used.version)?)
}
