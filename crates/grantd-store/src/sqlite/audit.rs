//! Reading the audit log.

use grantd_issuer::audit::{AuditEvent, AuditQuery, Order};
use rusqlite::{Connection, params};

use super::{questions, rows};

/// The events that are asked for.
pub(super) fn page(
    connection: &Connection,
    query: &AuditQuery,
) -> rusqlite::Result<Vec<AuditEvent>> {
    let start = match query.order {
        Order::OldestFirst => 0,
        Order::NewestFirst => i64::MAX,
    };
    let after = query.after.map_or(start, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let parameters = params![after, query.limit, query.actor, query.action, query.object];
    connection
        .prepare_cached(&questions::audit(query))?
        .query_map(parameters, rows::audit)?
        .collect()
}
