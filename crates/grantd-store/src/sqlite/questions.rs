//! Statements of lists: what is not asked for is not looked at, so that each question finds its index.

use grantd_issuer::{
    ClientFilter,
    audit::{AuditQuery, Order},
};

/// Where a search looks. Two questions, each with an index of its own: of one that asks for this or that,
/// every row would be asked twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In names, like `?6`; everywhere, if nothing is searched for.
    Names,
    /// At the beginning of ids: from `?6`, which is behind `?1` too, up to `?7`.
    Ids,
}

/// The ids of clients: those behind `?1`, at most `?2`, of an owner `?3` `?4`, in a state `?5`, found by `?6`
/// and `?7`.
///
/// A plus keeps an index away that would make the page be sorted.
pub(super) fn clients(filter: &ClientFilter, place: Place) -> String {
    let conditions = [
        match (&filter.search, place) {
            (None, _) => "id > ?1 AND ?6 IS NULL AND ?7 IS NULL",
            (Some(_), Place::Names) => r"id > ?1 AND name LIKE ?6 ESCAPE '\' AND ?7 IS NULL",
            (Some(_), Place::Ids) => "?1 IS NOT NULL AND id >= ?6 AND id < ?7",
        },
        match (&filter.owner_kind, &filter.owner_id) {
            (Some(_), Some(_)) => "owner_type = ?3 AND owner_id = ?4",
            (Some(_), None) => "+owner_type = ?3 AND ?4 IS NULL",
            (None, Some(_)) => "?3 IS NULL AND +owner_id = ?4",
            (None, None) => "?3 IS NULL AND ?4 IS NULL",
        },
        match filter.state {
            Some(_) => "+state = ?5",
            None => "?5 IS NULL AND +state <> 'deleted'",
        },
    ];
    format!("SELECT id FROM clients WHERE {} ORDER BY id LIMIT ?2", conditions.join(" AND "))
}

/// Events of the audit log: those behind `?1`, at most `?2`, by an actor `?3`, an action `?4`, an object `?5`.
pub(super) fn audit(query: &AuditQuery) -> String {
    let (behind, order) = match query.order {
        Order::OldestFirst => ("seq > ?1", "seq"),
        Order::NewestFirst => ("seq < ?1", "seq DESC"),
    };
    // One object has few events: what else is asked of them needs no index.
    let conditions = match (&query.object, &query.actor, &query.action) {
        (Some(_), _, _) => {
            "object = ?5 AND +actor = coalesce(?3, actor) AND +action = coalesce(?4, action)"
        }
        (None, Some(_), Some(_)) => "actor = ?3 AND action = ?4 AND ?5 IS NULL",
        (None, Some(_), None) => "actor = ?3 AND ?4 IS NULL AND ?5 IS NULL",
        (None, None, Some(_)) => "?3 IS NULL AND action = ?4 AND ?5 IS NULL",
        (None, None, None) => "?3 IS NULL AND ?4 IS NULL AND ?5 IS NULL",
    };
    format!(
        "SELECT seq, at, actor, address, action, object, before, after, hash FROM audit
         WHERE {behind} AND {conditions} ORDER BY {order} LIMIT ?2"
    )
}

#[cfg(test)]
mod tests {
    use grantd_core::ClientState;
    use rusqlite::Connection;

    use super::*;

    /// The plan of a statement, which must be one step.
    fn plan(statement: &str) -> String {
        let mut open = Connection::open_in_memory().unwrap();
        super::super::migrations::run(&mut open).unwrap();
        let mut explain = open.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let steps = explain.raw_query().mapped(|row| row.get::<_, String>(3));
        let mut plan: Vec<_> = steps.map(Result::unwrap).collect();
        assert_eq!(plan.len(), 1, "{plan:?}");
        plan.remove(0)
    }

    fn some(text: &str) -> [Option<String>; 2] {
        [None, Some(text.to_owned())]
    }

    #[test]
    fn no_page_of_clients_is_sorted_and_a_search_reads_an_index_instead_of_whole_clients() {
        let asked = |kind: Option<&str>, id: Option<&str>, search: Option<&str>, state| {
            let said = |text: Option<&str>| text.map(str::to_owned);
            ClientFilter { owner_kind: said(kind), owner_id: said(id), search: said(search), state }
        };
        for state in [None, Some(ClientState::Revoked)] {
            for kind in [None, Some("team")] {
                let all = "COVERING INDEX clients_shown (id>?)";
                assert!(
                    plan(&clients(&asked(kind, None, None, state), Place::Names)).contains(all)
                );
                let search = asked(kind, None, Some("text"), state);
                assert!(plan(&clients(&search, Place::Names)).contains(all));
                let ids = plan(&clients(&search, Place::Ids));
                assert!(ids.contains("(id>? AND id<?)"), "{ids}");
            }
            let own = "INDEX clients_owner (owner_type=? AND owner_id=? AND id>";
            let search = asked(Some("team"), Some("1"), Some("text"), state);
            assert!(plan(&clients(&search, Place::Names)).contains(own));
            assert!(plan(&clients(&search, Place::Ids)).contains(own));
            let list = asked(Some("team"), Some("1"), None, state);
            assert!(plan(&clients(&list, Place::Names)).contains(own));
        }
    }

    #[test]
    fn every_question_to_the_audit_log_finds_an_index_and_nothing_is_sorted() {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for object in some("client:a") {
                for actor in some("cli:root") {
                    for action in some("client.create") {
                        let index = match (&object, &actor, &action) {
                            (Some(_), _, _) => "INDEX audit_object (object=? AND ",
                            (_, Some(_), Some(_)) => {
                                "INDEX audit_actor_action (actor=? AND action=? AND "
                            }
                            (_, Some(_), None) => "INDEX audit_actor (actor=? AND ",
                            (_, None, Some(_)) => "INDEX audit_action (action=? AND ",
                            (None, None, None) => "INTEGER PRIMARY KEY",
                        };
                        let (object, actor, action) =
                            (object.clone(), actor.clone(), action.clone());
                        let query =
                            AuditQuery { object, actor, action, order, ..AuditQuery::default() };
                        let plan = plan(&audit(&query));
                        assert!(plan.contains(index), "{query:?}: {plan}");
                    }
                }
            }
        }
    }
}
