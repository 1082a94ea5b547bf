//! Writing approvals: a code is spent once, a refresh token once, and what is ended says so to the feed.

use grantd_core::{Approval, ApprovalId, ClientId, CodeChallenge, Timestamp, UserId};
use grantd_issuer::{
    Consent, MOST_APPROVALS, MOST_CODES, NewApproval, Presented, Redeem, RegistryError, Rotate,
    Stamp, StorageFault, audit::Deed, change_log::Changed,
};

use tokio_postgres::Row;

use super::{
    approvals::consent,
    client_writes::scope_text,
    link::Ask,
    parameters::{Parameter, with},
    record::{log, record},
    rows::{self, parse},
    statements as sql,
    work::Work,
};

/// Keeps an approval and what is remembered of it; `false`: something is not as it was.
pub(super) async fn approve(work: &Work, new: &NewApproval) -> Result<bool, StorageFault> {
    let NewApproval { approval, asked, .. } = new;
    if asked.is_none() {
        let known = consent(work, approval.user, &approval.client).await?;
        if !known.is_some_and(|known| known.covers(&approval.scope)) {
            return Ok(false);
        }
    }
    if !insert(work, new).await? {
        return Ok(false);
    }
    let user = approval.user.to_string();
    let row = with![user, approval.client.as_str(), i64::from(MOST_CODES)];
    work.execute(sql::DISCARD_OLDEST_CODES, row).await?;
    if let Some(stamp) = asked {
        remember(work, approval, stamp).await?;
    }
    Ok(true)
}

async fn insert(work: &Work, new: &NewApproval) -> Result<bool, StorageFault> {
    let (approval, terms) = (&new.approval, &new.approval.code);
    let row = with![
        approval.id.to_string(),
        approval.user.to_string(),
        approval.client.as_str(),
        approval.api,
        approval.scope,
        approval.given_at.micros(),
        &new.code.as_bytes()[..],
        terms.redirect_uri,
        terms.challenge.as_ref().map(|challenge: &CodeChallenge| &challenge.as_bytes()[..]),
        terms.ends_at.micros(),
        approval.ends_at.micros(),
        new.user_generation.cast_signed(),
        new.client_generation.cast_signed(),
    ];
    Ok(work.execute(sql::INSERT_APPROVAL, row).await? > 0)
}

/// A code that was spent just now.
pub(super) struct Spent {
    user: String,
    client: String,
    /// Whether the user and client have as many approvals as they may.
    pub(super) is_one_more: bool,
}

/// Spends a code, if it is not spent yet: of many who try at a time, one does.
pub(super) async fn spend(
    ask: &impl Ask,
    id: ApprovalId,
    redeem: &Redeem,
) -> Result<Option<Spent>, StorageFault> {
    let row = with![
        id.to_string(),
        redeem.family.as_ref().map(|hash| &hash.as_bytes()[..]),
        redeem.family.map(|_| 1_i64),
        redeem.at.micros(),
        redeem.ends_at.micros(),
    ];
    let Some(row) = ask.row(sql::SPEND_CODE, row).await? else { return Ok(None) };
    Ok(Some(Spent {
        user: rows::value(&row, "user_id")?,
        client: rows::value(&row, "client_id")?,
        is_one_more: rows::unsigned(&row, "others")? >= u64::from(MOST_APPROVALS),
    }))
}

/// Ends the oldest approvals over the bound.
pub(super) async fn end_oldest(
    work: &Work,
    spent: &Spent,
    now: Timestamp,
) -> Result<(), StorageFault> {
    let row = with![spent.user, spent.client, i64::from(MOST_APPROVALS)];
    end(work, sql::END_OLDEST_APPROVALS, row, now).await.map(drop)
}

/// A permission that is gone is in no consent and in no approval; one that had nothing else ends.
pub(super) async fn forget_permission(
    work: &Work,
    name: &str,
    now: Timestamp,
) -> Result<(), StorageFault> {
    end(work, sql::END_APPROVALS_FOR_ONE_PERMISSION, with![name], now).await?;
    work.execute(sql::TAKE_FROM_APPROVALS, with![name]).await?;
    work.execute(sql::TAKE_FROM_CONSENTS, with![name]).await.map(drop)
}

/// Goes on to the next refresh token, or ends the approval of one that may not be presented.
pub(super) async fn rotate(
    work: &Work,
    id: ApprovalId,
    rotate: &Rotate,
) -> Result<Presented, StorageFault> {
    match go_on(work, id, rotate).await? {
        Some(good) => Ok(good),
        None => end_reused(work, id, rotate.at).await,
    }
}

/// Goes on to the next refresh token, where the one presented may still be; `None`: it may not.
pub(super) async fn go_on(
    work: &Work,
    id: ApprovalId,
    rotate: &Rotate,
) -> Result<Option<Presented>, StorageFault> {
    let state = work.row(sql::REFRESH_STATE, with![id.to_string()]).await?;
    let Some(state) = state.map_or(Ok(None), |row| rows::refresh_state(&row))? else {
        return Ok(None);
    };
    if !state.accepts(rotate.number, rotate.retry, rotate.at) {
        return Ok(None);
    }
    let kept = with![id.to_string(), rotate.ends_at.micros()];
    work.execute(sql::KEEP_APPROVAL, kept).await?;
    if state.number == rotate.number {
        let (number, family) = (i64::from(rotate.number), &rotate.family.as_bytes()[..]);
        let row = with![id.to_string(), number, rotate.at.micros(), family];
        work.rows(sql::ROTATE_REFRESH, row).await?;
    }
    Ok(Some(Presented::Good(rotate.number.saturating_add(1))))
}

/// Takes a consent back, with all approvals that it stood behind.
pub(super) async fn disconnect(
    work: &Work,
    user: UserId,
    client: &ClientId,
    stamp: &Stamp,
) -> Result<bool, StorageFault> {
    let before = consent(work, user, client).await?;
    let id = user.to_string();
    let between = with![id, client.as_str()];
    let ended = end(work, sql::END_APPROVALS_BETWEEN, between, stamp.at).await?;
    work.execute(sql::DELETE_CONSENT, between).await?;
    if let Some(before) = &before {
        let deed = Deed::on("consent.withdraw", "client", client, (Some(before), None));
        record(work, &deed, &[], stamp).await.map_err(RegistryError::into_fault)?;
    }
    Ok(!ended.is_empty() || before.is_some())
}

/// An approval that is deleted.
pub(super) struct Ended {
    id: ApprovalId,
    /// Whether a token may have come of it.
    spent: bool,
    user: UserId,
    client: ClientId,
}

/// Ends the approvals that the statement deletes, and says so to the feed where tokens came of them.
pub(super) async fn end(
    work: &Work,
    statement: &str,
    meant: &[Parameter<'_>],
    now: Timestamp,
) -> Result<Vec<Ended>, StorageFault> {
    let ended = delete(work, statement, meant).await?;
    let told = ended.iter().filter(|one| one.spent).map(|one| Changed::Approval(one.id));
    log(work, &told.collect::<Vec<_>>(), now).await?;
    Ok(ended)
}

async fn delete(
    work: &Work,
    statement: &str,
    meant: &[Parameter<'_>],
) -> Result<Vec<Ended>, StorageFault> {
    let ended = |row: &Row| {
        Ok(Ended {
            id: parse(row, "id")?,
            spent: rows::value(row, "spent")?,
            user: parse(row, "user_id")?,
            client: parse(row, "client_id")?,
        })
    };
    work.rows(statement, meant).await?.iter().map(ended).collect()
}

/// What was presented before is in two hands: all that came of it dies, and operators are told.
pub(super) async fn end_reused(
    work: &Work,
    id: ApprovalId,
    at: Timestamp,
) -> Result<Presented, StorageFault> {
    let ended = delete(work, sql::END_APPROVAL, with![id.to_string()]).await?;
    let [Ended { user, client, .. }] = ended.as_slice() else { return Ok(Presented::Gone) };
    let stamp = Stamp::of_client(client, at);
    let deed = Deed::reused(id, *user, client);
    record(work, &deed, &[Changed::Approval(id)], &stamp)
        .await
        .map_err(RegistryError::into_fault)?;
    Ok(Presented::Again)
}

async fn remember(work: &Work, approval: &Approval, stamp: &Stamp) -> Result<(), StorageFault> {
    let before = consent(work, approval.user, &approval.client).await?;
    let after = Consent::after(before.as_ref(), approval, stamp.at);
    if before.as_ref() == Some(&after) {
        return Ok(());
    }
    let row = with![
        after.user.to_string(),
        after.client.as_str(),
        scope_text(&after.permissions),
        after.given_at.micros(),
    ];
    work.execute(sql::PUT_CONSENT, row).await?;
    let deed = Deed::on("consent.give", "client", &after.client, (before.as_ref(), Some(&after)));
    record(work, &deed, &[], stamp).await.map_err(RegistryError::into_fault)
}
