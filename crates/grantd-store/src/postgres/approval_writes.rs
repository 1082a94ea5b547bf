//! Writing approvals: a code is spent once, a refresh token once, and what is ended says so to the feed.

use grantd_core::{Approval, ApprovalId, ClientId, CodeChallenge, SecretHash, Timestamp, UserId};
use grantd_issuer::{
    Consent, MOST_APPROVALS, Presented, Redeem, Rotate, Stamp, StorageFault, audit::Deed,
    change_log::Changed,
};

use super::{
    approvals::consent,
    client_writes::scope_text,
    link::Ask,
    parameters::{Parameter, with},
    record::{log, record},
    rows::{self, parse},
    statements as sql,
    work::{Work, plain},
};

/// Keeps an approval, and that the user was asked.
pub(super) async fn approve(
    work: &Work,
    approval: &Approval,
    code: &SecretHash,
    asked: Option<&Stamp>,
) -> Result<(), StorageFault> {
    let (user, client) = (approval.user.to_string(), approval.client.as_str());
    let terms = &approval.code;
    let row = with![
        approval.id.to_string(),
        user,
        client,
        approval.api,
        approval.scope,
        approval.given_at.micros(),
        &code.as_bytes()[..],
        terms.redirect_uri,
        terms.challenge.as_ref().map(|challenge: &CodeChallenge| &challenge.as_bytes()[..]),
        terms.ends_at.micros(),
        approval.ends_at.micros(),
    ];
    work.execute(sql::INSERT_APPROVAL, row).await?;
    let row = with![user, client, i64::from(MOST_APPROVALS)];
    end(work, sql::END_OLDEST_APPROVALS, row, approval.given_at).await?;
    match asked {
        Some(stamp) => remember(work, approval, stamp).await,
        None => Ok(()),
    }
}

/// Spends a code, if it is not spent yet: of many who try at a time, one does.
pub(super) async fn spend(
    ask: &impl Ask,
    id: ApprovalId,
    redeem: &Redeem,
) -> Result<Option<Presented>, StorageFault> {
    let row = with![
        id.to_string(),
        redeem.family.as_ref().map(|hash| &hash.as_bytes()[..]),
        redeem.family.map(|_| 1_i64),
        redeem.at.micros(),
        redeem.ends_at.micros(),
    ];
    let spent = ask.row(sql::SPEND_CODE, row).await?;
    Ok(spent.map(|_| Presented::Good(u32::from(redeem.family.is_some()))))
}

/// Goes on to the next refresh token, or ends the approval of one that may not be presented.
pub(super) async fn rotate(
    work: &Work,
    id: ApprovalId,
    rotate: &Rotate,
) -> Result<Presented, StorageFault> {
    match go_on(work, id, rotate).await? {
        Some(good) => Ok(good),
        None => end_again(work, id, rotate.at).await,
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
    if state.number == rotate.number {
        let number = i64::from(rotate.number);
        let row = with![id.to_string(), number, rotate.at.micros(), rotate.ends_at.micros()];
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
    let Some(before) = consent(work, user, client).await? else { return Ok(false) };
    let id = user.to_string();
    let between = with![id, client.as_str()];
    end(work, sql::END_APPROVALS_BETWEEN, between, stamp.at).await?;
    work.execute(sql::DELETE_CONSENT, between).await?;
    let deed = Deed::on("consent.withdraw", "client", client, (Some(&before), None));
    record(work, &deed, &[], stamp).await.map_err(plain)?;
    Ok(true)
}

/// Ends the approvals that the statement deletes; their tokens are dead.
pub(super) async fn end(
    work: &Work,
    statement: &str,
    meant: &[Parameter<'_>],
    now: Timestamp,
) -> Result<(), StorageFault> {
    let ended = work.rows(statement, meant).await?;
    let ended = ended.iter().map(|row| Ok(Changed::Approval(parse(row, "id")?)));
    log(work, &ended.collect::<Result<Vec<_>, StorageFault>>()?, now).await
}

/// Ends the approval of what was presented before.
pub(super) async fn end_again(
    work: &Work,
    id: ApprovalId,
    now: Timestamp,
) -> Result<Presented, StorageFault> {
    let known = work.row(sql::HAS_APPROVAL, with![id.to_string()]).await?;
    end(work, sql::END_APPROVAL, with![id.to_string()], now).await?;
    Ok(if known.is_some() { Presented::Again } else { Presented::Gone })
}

async fn remember(work: &Work, approval: &Approval, stamp: &Stamp) -> Result<(), StorageFault> {
    let before = consent(work, approval.user, &approval.client).await?;
    let after = Consent::after(before.as_ref(), approval, stamp.at);
    let row = with![
        after.user.to_string(),
        after.client.as_str(),
        scope_text(&after.permissions),
        after.given_at.micros(),
    ];
    work.execute(sql::PUT_CONSENT, row).await?;
    let deed = Deed::on("consent.give", "client", &after.client, (before.as_ref(), Some(&after)));
    record(work, &deed, &[], stamp).await.map_err(plain)
}
