//! What every change writes beside itself: its audit event and its entries in the change log.

use std::collections::BTreeSet;

use grantd_core::{Timestamp, Ttl};
use grantd_issuer::{
    RegistryError, Stamp, StorageFault,
    audit::{AuditEvent, Deed, ROUTINE, routine_since},
    change_log::Changed,
};

use super::{
    link::Ask,
    parameters::{seconds, with},
    rows::{fixed, unsigned, value},
    statements as sql,
    work::Work,
};

/// Writes both, in the transaction of the change.
pub(super) async fn record(
    work: &Work,
    deed: &Deed,
    changes: &[Changed],
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    event(work, deed, stamp).await?;
    log(work, changes, stamp.at).await?;
    Ok(())
}

/// Writes the audit event of what needs no right, unless the actor has done it too often.
pub(super) async fn record_routine(
    work: &Work,
    deed: &Deed,
    stamp: &Stamp,
) -> Result<(), StorageFault> {
    let since = routine_since(stamp.at).micros();
    let row = with![stamp.actor, deed.action, since, i64::from(ROUTINE)];
    let done = work.row(sql::ROUTINE_DEEDS, row).await?;
    let done = done.map_or(Ok(0), |row| unsigned(&row, "count"))?;
    if done < u64::from(ROUTINE) { event(work, deed, stamp).await } else { Ok(()) }
}

async fn event(work: &Work, deed: &Deed, stamp: &Stamp) -> Result<(), StorageFault> {
    let seq = work.row(sql::NEXT, with!["audit_seq"]).await?;
    let seq = seq.ok_or_else(|| StorageFault::plain("PostgreSQL: a counter is missing"))?;
    let last = work.row(sql::LAST_HASH, with![]).await?;
    let last = last.map_or(Ok([0; 32]), |row| fixed(value(&row, "hash")?))?;
    let event = AuditEvent::next(unsigned(&seq, "value")?, &last, deed, stamp);
    let row = with![
        event.seq.cast_signed(),
        event.at.micros(),
        event.actor,
        event.address,
        event.action,
        event.object,
        event.before,
        event.after,
        &event.hash[..],
    ];
    work.execute(sql::INSERT_AUDIT, row).await.map(drop)
}

/// Writes the entries of the change log alone, and wakes who follows it once they are committed.
pub(super) async fn log(
    work: &Work,
    changes: &[Changed],
    now: Timestamp,
) -> Result<(), StorageFault> {
    if changes.is_empty() {
        return Ok(());
    }
    let end = end_of_tokens(work, now).await?;
    let mut rest = changes;
    while !rest.is_empty() {
        // One statement writes an entry once.
        let mut seen = BTreeSet::new();
        let once = rest.iter().take_while(|one| seen.insert((one.kind(), one.id()))).count();
        let (these, others) = rest.split_at(once);
        let kinds: Vec<_> = these.iter().map(Changed::kind).collect();
        let ids: Vec<_> = these.iter().map(Changed::id).collect();
        let killed = |one: &Changed| one.killed_below().map(u64::cast_signed);
        let generations: Vec<_> = these.iter().map(killed).collect();
        let until = |one: &Changed| one.until(end).map(Timestamp::micros);
        let ends: Vec<_> = these.iter().map(until).collect();
        work.execute(sql::PUT_CHANGES, with![kinds, ids, generations, ends]).await?;
        rest = others;
    }
    work.execute(sql::NOTIFY, with![]).await.map(drop)
}

/// When the last token issued until now will have expired.
async fn end_of_tokens(work: &Work, now: Timestamp) -> Result<Timestamp, StorageFault> {
    let longest = work.row(sql::COUNTER, with!["longest_ttl"]).await?;
    let longest = longest.map_or(Ok(0), |row| value(&row, "value"))?;
    Ok(now.after(Ttl::from_seconds(longest).unwrap_or(Ttl::MAX)))
}

/// Remembers that tokens may live so long.
pub(super) async fn allow_ttl(work: &Work, ttl: Option<Ttl>) -> Result<(), StorageFault> {
    if let Some(ttl) = ttl {
        work.execute(sql::RAISE_COUNTER, with!["longest_ttl", seconds(ttl)]).await?;
    }
    Ok(())
}
