//! Rows become the port's types; a row that cannot is a fault, never a guess.

use std::{fmt::Display, str::FromStr, sync::Arc};

use grantd_core::{
    Api, Approval, Approved, ClientApi, ClientKind, ClientState, CodeChallenge, CodeTerms,
    Credential, Permission, Pkce, RefreshState, ResourceOwner, SecretHash, Timestamp, Ttl,
    UserState,
};
use grantd_issuer::{
    Consent, CredentialSummary, LastUse, Owner, Passkey, PasskeyRecord, Registration, Session,
    StorageFault, User, UserRecord, audit::AuditEvent, change_log::ChangeEntry,
};
use tokio_postgres::{Row, types::FromSql};

type Read<T> = Result<T, StorageFault>;

/// A client as an operator sees it, with what its secrets are compared with.
pub(super) fn registration(row: &Row) -> Read<(Registration, Vec<Credential>)> {
    let owner = value::<Option<String>>(row, "owner_type")?.zip(value(row, "owner_id")?);
    let lines = |name| -> Read<Vec<String>> {
        Ok(value::<&str>(row, name)?.lines().map(ToOwned::to_owned).collect())
    };
    let (credentials, summaries) = secrets(row)?.into_iter().unzip();
    let kinds = [ClientKind::Confidential, ClientKind::Public];
    let registration = Registration {
        id: parse(row, "id")?,
        name: value(row, "name")?,
        description: value(row, "description")?,
        kind: named(row, "kind", &kinds, ClientKind::as_str)?,
        state: named(row, "state", &ClientState::ALL, ClientState::as_str)?,
        grants: words(value(row, "grants")?)?.into_iter().collect(),
        redirect_uris: lines("redirect_uris")?,
        owner: owner.map(|(kind, id)| Owner { kind, id }),
        permissions: parse_all(row, "permissions")?,
        roles: parse_all(row, "roles")?,
        default_scope: value::<Option<&str>>(row, "default_scope")?.map(words).transpose()?,
        access_token_ttl: ttl(row, "access_token_ttl")?,
        signing_alg: optional(row, "signing_alg")?,
        generation: unsigned(row, "generation")?,
        version: unsigned(row, "version")?,
        created_at: moment(row, "created_at")?,
        updated_at: moment(row, "updated_at")?,
        format: optional(row, "token_format")?,
        serves: lines("serves")?,
        pkce: named(row, "pkce", &Pkce::ALL, Pkce::as_str)?,
        refresh_retry: ttl(row, "refresh_retry")?,
        credentials: summaries,
    };
    Ok((registration, credentials))
}

/// The secrets of a client, from arrays of the same order.
fn secrets(row: &Row) -> Read<Vec<(Credential, CredentialSummary)>> {
    let ids: Vec<&str> = value(row, "secret_ids")?;
    let hashes: Vec<Vec<u8>> = value(row, "secret_hashes")?;
    let made: Vec<i64> = value(row, "secrets_made")?;
    let ends: Vec<Option<i64>> = value(row, "secrets_end")?;
    let used: Vec<Option<i64>> = value(row, "secrets_used")?;
    let from: Vec<Option<String>> = value(row, "secrets_from")?;
    let uses = used.into_iter().zip(from);
    let all = ids.into_iter().zip(hashes).zip(made.into_iter().zip(ends)).zip(uses);
    all.map(|(((id, hash), (made, ends)), (used, from))| {
        let (id, hash) = (parsed(id)?, SecretHash::from_bytes(fixed(&hash)?));
        let expires_at = ends.map(Timestamp::from_micros);
        let created_at = Timestamp::from_micros(made);
        let last_used = last_use(used, from);
        let summary = CredentialSummary { id, created_at, expires_at, last_used };
        Ok((Credential { id, hash, expires_at }, summary))
    })
    .collect()
}

/// When and from where a secret was last used.
pub(super) fn last_use(at: Option<i64>, from: Option<String>) -> Option<LastUse> {
    let at = at.map(Timestamp::from_micros)?;
    Some(LastUse { at, address: from.unwrap_or_default() })
}

/// A user, with what their password is compared with.
pub(super) fn user(row: &Row) -> Read<UserRecord> {
    let user = User {
        id: parse(row, "id")?,
        name: parse(row, "name")?,
        state: user_state(row, "state")?,
        permissions: parse_all(row, "permissions")?,
        roles: parse_all(row, "roles")?,
        generation: unsigned(row, "generation")?,
        version: unsigned(row, "version")?,
        created_at: moment(row, "created_at")?,
        updated_at: moment(row, "updated_at")?,
        last_login_at: perhaps(row, "last_login_at")?,
    };
    Ok(UserRecord { user, password: optional(row, "password")? })
}

/// A session.
pub(super) fn session(row: &Row) -> Read<Session> {
    Ok(Session {
        id: parse(row, "session_id")?,
        user: parse(row, "user_id")?,
        created_at: moment(row, "began_at")?,
        seen_at: moment(row, "seen_at")?,
        ends_at: moment(row, "ends_at")?,
        address: value(row, "address")?,
        agent: value(row, "agent")?,
    })
}

/// An approval with its user and the user's rights.
pub(super) fn approved(row: &Row) -> Read<Approved> {
    let challenge = value::<Option<&[u8]>>(row, "challenge")?.map(fixed).transpose()?;
    let approval = Approval {
        id: parse(row, "id")?,
        user: parse(row, "user_id")?,
        client: parse(row, "client_id")?,
        api: value(row, "api")?,
        scope: value(row, "scope")?,
        given_at: moment(row, "given_at")?,
        code: CodeTerms {
            redirect_uri: value(row, "redirect_uri")?,
            challenge: challenge.map(CodeChallenge::from_bytes),
            ends_at: moment(row, "code_ends_at")?,
            spent: value(row, "spent")?,
        },
        refresh: refresh_state(row)?,
        ends_at: moment(row, "ends_at")?,
    };
    let owner = ResourceOwner {
        id: approval.user,
        state: user_state(row, "state")?,
        generation: unsigned(row, "generation")?,
        permissions: parse_all(row, "rights")?,
    };
    Ok(Approved { approval, owner })
}

/// Where a family of refresh tokens stands.
pub(super) fn refresh_state(row: &Row) -> Read<Option<RefreshState>> {
    let Some(number) = value::<Option<i64>>(row, "refresh_number")? else { return Ok(None) };
    let number = u32::try_from(number).map_err(|error| broken(&error))?;
    Ok(Some(RefreshState { number, rotated_at: moment(row, "rotated_at")? }))
}

/// A consent.
pub(super) fn consent(row: &Row) -> Read<Consent> {
    Ok(Consent {
        user: parse(row, "user_id")?,
        client: parse(row, "client_id")?,
        permissions: words(value(row, "permissions")?)?,
        given_at: moment(row, "given_at")?,
        used_at: perhaps(row, "used_at")?,
    })
}

/// A passkey.
pub(super) fn passkey(row: &Row) -> Read<PasskeyRecord> {
    let passkey = Passkey {
        id: parse(row, "id")?,
        user: parse(row, "user_id")?,
        name: parse(row, "name")?,
        created_at: moment(row, "created_at")?,
        last_used_at: perhaps(row, "last_used_at")?,
    };
    Ok(PasskeyRecord { passkey, credential: value(row, "credential")?, key: value(row, "key")? })
}

/// An entry of the change log.
pub(super) fn change(row: &Row) -> Read<ChangeEntry> {
    let generation: Option<i64> = value(row, "generation")?;
    Ok(ChangeEntry {
        seq: unsigned(row, "seq")?,
        kind: value(row, "kind")?,
        id: value(row, "id")?,
        generation: generation.map(i64::unsigned_abs),
        until: perhaps(row, "until")?,
    })
}

/// An audit event.
pub(super) fn audit(row: &Row) -> Read<AuditEvent> {
    Ok(AuditEvent {
        seq: unsigned(row, "seq")?,
        at: moment(row, "at")?,
        actor: value(row, "actor")?,
        address: value(row, "address")?,
        action: value(row, "action")?,
        object: value(row, "object")?,
        before: value(row, "before")?,
        after: value(row, "after")?,
        hash: fixed(value(row, "hash")?)?,
    })
}

/// An API.
pub(super) fn api(row: &Row) -> Read<Api> {
    Ok(Api {
        name: value(row, "name")?,
        audience: value(row, "audience")?,
        signing_alg: optional(row, "signing_alg")?,
        access_token_ttl: ttl(row, "access_token_ttl")?,
        format: optional(row, "token_format")?,
    })
}

/// Rows of API and permission, sorted by API, as one entry an API.
pub(super) fn client_apis(rows: &[Row]) -> Read<Vec<ClientApi>> {
    let mut apis: Vec<ClientApi> = Vec::new();
    for row in rows {
        let name: &str = value(row, "name")?;
        if apis.last().is_none_or(|last| last.api.name != name) {
            apis.push(ClientApi { api: Arc::new(api(row)?), permissions: Vec::new() });
        }
        if let (Some(last), Some(one)) =
            (apis.last_mut(), optional::<Permission>(row, "permission")?)
        {
            last.permissions.push(one);
        }
    }
    Ok(apis)
}

/// A user's state by its name.
pub(super) fn user_state(row: &Row, name: &str) -> Read<UserState> {
    named(row, name, &UserState::ALL, UserState::as_str)
}

/// A state, or whatever else is one of a few, by its name.
pub(super) fn named<T: Copy>(
    row: &Row,
    name: &str,
    all: &[T],
    as_str: fn(T) -> &'static str,
) -> Read<T> {
    let text: &str = value(row, name)?;
    let known = all.iter().copied().find(|one| as_str(*one) == text);
    known.ok_or_else(|| broken(&format!("the column {name} has an unknown word")))
}

/// A column as it is.
pub(super) fn value<'a, T: FromSql<'a>>(row: &'a Row, name: &str) -> Read<T> {
    row.try_get(name).map_err(|error| broken(&format!("the column {name}: {error}")))
}

/// A text column that parses.
pub(super) fn parse<T: FromStr<Err: Display>>(row: &Row, name: &str) -> Read<T> {
    parsed(value(row, name)?)
}

/// An array of texts that parse.
pub(super) fn parse_all<T: FromStr<Err: Display>>(row: &Row, name: &str) -> Read<Vec<T>> {
    value::<Vec<&str>>(row, name)?.into_iter().map(parsed).collect()
}

/// A column with a moment.
pub(super) fn moment(row: &Row, name: &str) -> Read<Timestamp> {
    value(row, name).map(Timestamp::from_micros)
}

/// A column with a number that is never negative.
pub(super) fn unsigned(row: &Row, name: &str) -> Read<u64> {
    u64::try_from(value::<i64>(row, name)?).map_err(|error| broken(&error))
}

/// A column with a moment, or without one.
pub(super) fn perhaps(row: &Row, name: &str) -> Read<Option<Timestamp>> {
    Ok(value::<Option<i64>>(row, name)?.map(Timestamp::from_micros))
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Read<T> {
    text.parse().map_err(|error: T::Err| broken(&error))
}

fn optional<T: FromStr<Err: Display>>(row: &Row, name: &str) -> Read<Option<T>> {
    value::<Option<&str>>(row, name)?.map(parsed).transpose()
}

fn words<T: FromStr<Err: Display>>(text: &str) -> Read<Vec<T>> {
    text.split_ascii_whitespace().map(parsed).collect()
}

fn ttl(row: &Row, name: &str) -> Read<Option<Ttl>> {
    let seconds: Option<i64> = value(row, name)?;
    let ttl = |seconds| Ttl::from_seconds(seconds).ok_or_else(|| broken(&"not a duration"));
    seconds.map(ttl).transpose()
}

/// The 32 bytes of a hash.
pub(super) fn fixed(bytes: &[u8]) -> Read<[u8; 32]> {
    bytes.try_into().map_err(|error| broken(&error))
}

fn broken(why: &dyn Display) -> StorageFault {
    StorageFault::plain(format!("PostgreSQL: a row cannot be read: {why}"))
}
