//! Reading the audit log.

use grantd_issuer::audit::{AuditEvent, AuditQuery, Order};
use rusqlite::{Connection, params};

use super::{rows, statements as sql};

/// The events that are asked for.
pub(super) fn page(
    connection: &Connection,
    query: &AuditQuery,
) -> rusqlite::Result<Vec<AuditEvent>> {
    // The events of one object are found by its index.
    let statement = match (query.order, &query.object) {
        (Order::OldestFirst, None) => sql::AUDIT,
        (Order::OldestFirst, Some(_)) => sql::AUDIT_OF,
        (Order::NewestFirst, None) => sql::AUDIT_BACKWARDS,
        (Order::NewestFirst, Some(_)) => sql::AUDIT_OF_BACKWARDS,
    };
    let start = match query.order {
        Order::OldestFirst => 0,
        Order::NewestFirst => i64::MAX,
    };
    let after = query.after.map_or(start, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let parameters = params![after, query.limit, query.actor, query.action, query.object];
    connection.prepare_cached(statement)?.query_map(parameters, rows::audit)?.collect()
}
