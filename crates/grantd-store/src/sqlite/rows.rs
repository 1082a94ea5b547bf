//! Rows become the port's types; a row that cannot is a fault, never a guess.

use std::{fmt::Display, str::FromStr, sync::Arc};

use grantd_core::{
    Api, ClientApi, ClientKind, ClientState, Credential, Permission, SecretHash, Timestamp, Ttl,
};
use grantd_issuer::{
    CredentialSummary, LastUse, Owner, Passkey, PasskeyRecord, Registration, Session, User,
    UserRecord, UserState, audit::AuditEvent, change_log::ChangeEntry,
};
use rusqlite::{Row, types::Type};

pub(super) fn registration(row: &Row<'_>) -> rusqlite::Result<Registration> {
    let owner = row.get::<_, Option<String>>(7)?.zip(row.get::<_, Option<String>>(8)?);
    Ok(Registration {
        id: parse(row, 0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        kind: named(row, 3, &[ClientKind::Confidential, ClientKind::Public], ClientKind::as_str)?,
        state: state(row, 4)?,
        grants: words(row.get_ref(5)?.as_str()?, 5)?.into_iter().collect(),
        redirect_uris: row.get_ref(6)?.as_str()?.lines().map(ToOwned::to_owned).collect(),
        owner: owner.map(|(kind, id)| Owner { kind, id }),
        permissions: Vec::new(),
        roles: Vec::new(),
        default_scope: row
            .get_ref(9)?
            .as_str_or_null()?
            .map(|names| words(names, 9))
            .transpose()?,
        access_token_ttl: ttl(row, 10)?,
        signing_alg: optional(row, 11)?,
        generation: unsigned(row, 12)?,
        version: unsigned(row, 13)?,
        created_at: timestamp(row, 14)?,
        updated_at: timestamp(row, 15)?,
        format: optional(row, 16)?,
        serves: row.get_ref(17)?.as_str()?.lines().map(ToOwned::to_owned).collect(),
        credentials: Vec::new(),
    })
}

/// A user, with what their password is compared with; permissions and roles are still missing.
pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    let user = User {
        id: parse(row, 0)?,
        name: parse(row, 1)?,
        state: named(row, 2, &UserState::ALL, UserState::as_str)?,
        permissions: Vec::new(),
        roles: Vec::new(),
        generation: unsigned(row, 4)?,
        version: unsigned(row, 5)?,
        created_at: timestamp(row, 6)?,
        updated_at: timestamp(row, 7)?,
        last_login_at: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_micros),
    };
    Ok(UserRecord { user, password: optional(row, 3)? })
}

/// A session.
pub(super) fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: parse(row, 0)?,
        user: parse(row, 1)?,
        created_at: timestamp(row, 2)?,
        seen_at: timestamp(row, 3)?,
        ends_at: timestamp(row, 4)?,
        address: row.get(5)?,
        agent: row.get(6)?,
    })
}

/// A credential, with what it is compared with and with what may be seen of it.
pub(super) fn credential(row: &Row<'_>) -> rusqlite::Result<(Credential, CredentialSummary)> {
    let id = parse(row, 0)?;
    let expires_at = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_micros);
    let hash = SecretHash::from_bytes(row.get(1)?);
    let at = row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros);
    let address = row.get::<_, Option<String>>(5)?.unwrap_or_default();
    let summary = CredentialSummary {
        id,
        created_at: timestamp(row, 2)?,
        expires_at,
        last_used: at.map(|at| LastUse { at, address }),
    };
    Ok((Credential { id, hash, expires_at }, summary))
}

/// An entry of the change log.
pub(super) fn change(row: &Row<'_>) -> rusqlite::Result<ChangeEntry> {
    let generation: Option<i64> = row.get(3)?;
    Ok(ChangeEntry {
        seq: unsigned(row, 0)?,
        kind: row.get(1)?,
        id: row.get(2)?,
        generation: generation.map(i64::unsigned_abs),
        until: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros),
    })
}

/// A passkey from seven columns.
pub(super) fn passkey(row: &Row<'_>) -> rusqlite::Result<PasskeyRecord> {
    let passkey = Passkey {
        id: parse(row, 0)?,
        user: parse(row, 1)?,
        name: parse(row, 2)?,
        created_at: timestamp(row, 5)?,
        last_used_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_micros),
    };
    Ok(PasskeyRecord { passkey, credential: row.get(3)?, key: row.get(4)? })
}

/// An audit event.
pub(super) fn audit(row: &Row<'_>) -> rusqlite::Result<AuditEvent> {
    Ok(AuditEvent {
        seq: unsigned(row, 0)?,
        at: timestamp(row, 1)?,
        actor: row.get(2)?,
        address: row.get(3)?,
        action: row.get(4)?,
        object: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
        hash: row.get(8)?,
    })
}

/// An API from five columns: name, audience, algorithm, time to live, format.
pub(super) fn api(row: &Row<'_>) -> rusqlite::Result<Api> {
    Ok(Api {
        name: row.get(0)?,
        audience: row.get(1)?,
        signing_alg: optional(row, 2)?,
        access_token_ttl: ttl(row, 3)?,
        format: optional(row, 4)?,
    })
}

/// Folds rows of API and permission, sorted by API, into one entry an API.
pub(super) fn push_client_api(apis: &mut Vec<ClientApi>, row: &Row<'_>) -> rusqlite::Result<()> {
    let name = row.get_ref(0)?.as_str()?;
    if apis.last().is_none_or(|last| last.api.name != name) {
        apis.push(ClientApi { api: Arc::new(api(row)?), permissions: Vec::new() });
    }
    if let (Some(last), Some(permission)) = (apis.last_mut(), optional::<Permission>(row, 5)?) {
        last.permissions.push(permission);
    }
    Ok(())
}

/// A client's state by its name.
pub(super) fn state(row: &Row<'_>, at: usize) -> rusqlite::Result<ClientState> {
    named(row, at, &ClientState::ALL, ClientState::as_str)
}

/// A text column that parses.
pub(super) fn parse<T: FromStr<Err: Display>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    parse_text(row.get_ref(at)?.as_str()?, at)
}

fn parse_text<T: FromStr<Err: Display>>(text: &str, at: usize) -> rusqlite::Result<T> {
    text.parse().map_err(|error: T::Err| broken(at, &error))
}

fn optional<T: FromStr<Err: Display>>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    row.get_ref(at)?.as_str_or_null()?.map(|text| parse_text(text, at)).transpose()
}

fn words<T: FromStr<Err: Display>>(text: &str, at: usize) -> rusqlite::Result<Vec<T>> {
    text.split_ascii_whitespace().map(|word| parse_text(word, at)).collect()
}

fn named<T: Copy>(
    row: &Row<'_>,
    at: usize,
    all: &[T],
    name: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let text = row.get_ref(at)?.as_str()?;
    all.iter().copied().find(|one| name(*one) == text).ok_or_else(|| broken(at, &"unknown name"))
}

fn ttl(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Ttl>> {
    let seconds: Option<i64> = row.get(at)?;
    seconds
        .map(|seconds| Ttl::from_seconds(seconds).ok_or_else(|| broken(at, &"not a duration")))
        .transpose()
}

/// Microseconds as a moment.
pub(super) fn timestamp(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp::from_micros)
}

/// A number that is never negative.
pub(super) fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(at)?).map_err(|error| broken(at, &error))
}

fn broken(at: usize, why: &dyn Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, why.to_string().into())
}
