//! Reading the audit log.

use grantd_issuer::audit::{AuditEvent, AuditQuery, Order};
use rusqlite::{Connection, params};

use super::{rows, statements as sql};

/// The events that are asked for.
pub(super) fn page(
    connection: &Connection,
    query: &AuditQuery,
) -> rusqlite::Result<Vec<AuditEvent>> {
    // By the index of what was asked for; by the object's first, which has the fewest events.
    let by = (query.object.is_some(), query.actor.is_some(), query.action.is_some());
    let statement = match (query.order, by) {
        (Order::OldestFirst, (true, _, _)) => sql::AUDIT_OF,
        (Order::OldestFirst, (_, true, _)) => sql::AUDIT_BY,
        (Order::OldestFirst, (_, _, true)) => sql::AUDIT_DID,
        (Order::OldestFirst, _) => sql::AUDIT,
        (Order::NewestFirst, (true, _, _)) => sql::AUDIT_OF_BACKWARDS,
        (Order::NewestFirst, (_, true, _)) => sql::AUDIT_BY_BACKWARDS,
        (Order::NewestFirst, (_, _, true)) => sql::AUDIT_DID_BACKWARDS,
        (Order::NewestFirst, _) => sql::AUDIT_BACKWARDS,
    };
    let start = match query.order {
        Order::OldestFirst => 0,
        Order::NewestFirst => i64::MAX,
    };
    let after = query.after.map_or(start, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let parameters = params![after, query.limit, query.actor, query.action, query.object];
    connection.prepare_cached(statement)?.query_map(parameters, rows::audit)?.collect()
}
