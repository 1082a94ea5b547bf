//! Rows become the port's types; a row that cannot is a fault, never a guess.

use std::{fmt::Display, str::FromStr, sync::Arc};

use grantd_core::{
    Api, Approval, ClientApi, ClientKind, ClientState, CodeChallenge, CodeTerms, Credential,
    Permission, Pkce, RefreshState, SecretHash, Timestamp, Ttl, UserState,
};
use grantd_issuer::{
    Consent, CredentialSummary, LastUse, Owner, Passkey, PasskeyRecord, Registration, Session,
    User, UserRecord, audit::AuditEvent, change_log::ChangeEntry,
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
        pkce: named(row, 18, &Pkce::ALL, Pkce::as_str)?,
        refresh_retry: ttl(row, 19)?,
        credentials: Vec::new(),
    })
}

/// A user, with what their password is compared with; permissions and roles are still missing.
pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    let user = User {
        id: parse(row, 0)?,
        name: parse(row, 1)?,
        state: user_state(row, 2)?,
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

/// An approval.
pub(super) fn approval(row: &Row<'_>) -> rusqlite::Result<Approval> {
    Ok(Approval {
        id: parse(row, 0)?,
        user: parse(row, 1)?,
        client: parse(row, 2)?,
        api: row.get(3)?,
        scope: row.get(4)?,
        given_at: timestamp(row, 5)?,
        code: CodeTerms {
            redirect_uri: row.get(6)?,
            challenge: row.get::<_, Option<[u8; 32]>>(7)?.map(CodeChallenge::from_bytes),
            ends_at: timestamp(row, 8)?,
            spent: row.get(9)?,
        },
        refresh: refresh_state(row, 10)?,
        ends_at: timestamp(row, 12)?,
    })
}

/// Where a family of refresh tokens stands, from two columns.
pub(super) fn refresh_state(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<RefreshState>> {
    let Some(number) = row.get(at)? else { return Ok(None) };
    Ok(Some(RefreshState { number, rotated_at: timestamp(row, at + 1)? }))
}

/// A consent.
pub(super) fn consent(row: &Row<'_>) -> rusqlite::Result<Consent> {
    Ok(Consent {
        user: parse(row, 0)?,
        client: parse(row, 1)?,
        permissions: words(row.get_ref(2)?.as_str()?, 2)?,
        given_at: timestamp(row, 3)?,
        used_at: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros),
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

/// A user's state by its name.
pub(super) fn user_state(row: &Row<'_>, at: usize) -> rusqlite::Result<UserState> {
    named(row, at, &UserState::ALL, UserState::as_str)
}

/// A text column that parses.
pub(super) fn parse<T: FromStr<Err: Display>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    parsed(row.get_ref(at)?.as_str()?, at)
}

/// A text that parses, as a column has it.
pub(super) fn parsed<T: FromStr<Err: Display>>(text: &str, at: usize) -> rusqlite::Result<T> {
    text.parse().map_err(|error: T::Err| broken(at, &error))
}

fn optional<T: FromStr<Err: Display>>(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<T>> {
    row.get_ref(at)?.as_str_or_null()?.map(|text| parsed(text, at)).transpose()
}

fn words<T: FromStr<Err: Display>>(text: &str, at: usize) -> rusqlite::Result<Vec<T>> {
    text.split_ascii_whitespace().map(|word| parsed(word, at)).collect()
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
