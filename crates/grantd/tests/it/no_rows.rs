//! The promise: issued tokens leave no rows; only usage is counted, a row for a client and hour.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{server::Place, usage::flood, wire::form};

/// A client's share of ten thousand. `cargo xtask soak tokens` issues a million.
const TOKENS: usize = 2_500;
const COUNTED: [&str; 2] = ["usage", "usage_totals"];

fn database(place: &Place) -> Connection {
    Connection::open(place.path().join("grantd.db")).unwrap()
}

fn texts(database: &Connection, question: &str) -> Vec<String> {
    let mut found = database.prepare(question).unwrap();
    found.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// Everything in every table, but for when and from where a secret was last used.
fn contents(place: &Place) -> BTreeMap<String, Vec<String>> {
    let database = database(place);
    let tables = texts(&database, "SELECT name FROM sqlite_master WHERE type = 'table'");
    let rows = |table: String| {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<_> = texts(&database, &columns)
            .iter()
            .filter(|name| !name.starts_with("last_used"))
            .map(|name| format!("quote({name})"))
            .collect();
        let rows = format!("SELECT {} FROM {table}", columns.join(" || ' ' || "));
        (table, texts(&database, &rows))
    };
    tables.into_iter().map(rows).collect()
}

#[test]
fn ten_thousand_tokens_leave_the_database_as_it_was_but_for_the_counts_of_usage() {
    let place = Place::new();
    place.grantd("permission create a");
    let kinds = [
        "--signing-alg ES256",
        "--signing-alg EdDSA",
        "--format opaque",
        "--signing-alg ES256 --access-token-ttl 30m",
    ];
    let clients = kinds.map(|kind| place.client(&format!("--permission a {kind}")));
    let running = place.serve("");
    let before = contents(&place);
    for client in &clients {
        let ask = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            client.id, client.secret
        );
        flood(&running, &form(&ask), TOKENS, 200);
    }
    let issued = "SELECT CAST(coalesce(sum(count), 0) AS TEXT) FROM usage WHERE outcome = 'issued'";
    let deadline = Instant::now() + Duration::from_secs(10);
    while texts(&database(&place), issued) != [(TOKENS * clients.len()).to_string()] {
        assert!(Instant::now() < deadline, "{:?}", texts(&database(&place), issued));
        thread::sleep(Duration::from_millis(50));
    }
    let mut after = contents(&place);
    for (table, most) in COUNTED.into_iter().zip([clients.len(), 1]) {
        let rows = after.insert(table.to_owned(), Vec::new()).unwrap();
        // An hour may have ended meanwhile.
        assert!((most..=2 * most).contains(&rows.len()), "{table}: {rows:?}");
    }
    assert_eq!(after, before);
}
