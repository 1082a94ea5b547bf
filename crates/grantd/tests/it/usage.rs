//! Usage: what each client asked for is counted, hour by hour, and the counts outlive what happens.

use std::{
    collections::BTreeMap,
    io::{BufReader, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use super::{
    server::{Client, Place, Running, basic},
    tokens::ask,
    wire::{self, form, request},
};

/// What the database says of each client and outcome, whatever the hour.
fn recorded(place: &Place) -> BTreeMap<(String, String), u64> {
    let sums = "SELECT client_id, outcome, sum(count) FROM usage GROUP BY client_id, outcome";
    let database = database(place);
    let mut statement = database.prepare(sums).unwrap();
    let rows = statement
        .query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get::<_, i64>(2)?.unsigned_abs())))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

fn database(place: &Place) -> Connection {
    Connection::open(place.path().join("grantd.db")).unwrap()
}

fn expect(client: &Client, counts: &[(&str, u64)]) -> BTreeMap<(String, String), u64> {
    let key = |outcome: &str| (client.id.clone(), outcome.to_owned());
    counts.iter().map(|(outcome, count)| (key(outcome), *count)).collect()
}

/// Waits, at most so long, until the database says this.
fn becomes(place: &Place, expected: &BTreeMap<(String, String), u64>, within: u64) {
    let deadline = Instant::now() + Duration::from_secs(within);
    while recorded(place) != *expected {
        assert!(Instant::now() < deadline, "{:?} is not {expected:?}", recorded(place));
        thread::sleep(Duration::from_millis(50));
    }
}

fn wrong(client: &Client) -> Client {
    Client { id: client.id.clone(), secret: "wrong".to_owned() }
}

fn place() -> (Place, Client) {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a --signing-alg ES256");
    (place, client)
}

/// So many requests on one connection, none waiting for the answer to the one before.
pub(crate) fn flood(running: &Running, request: &[u8], times: usize, status: u16) {
    let mut stream = TcpStream::connect(running.address).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for _ in 0..times / 100 {
        stream.write_all(&request.repeat(100)).unwrap();
        for _ in 0..100 {
            assert_eq!(wire::read(&mut answers).unwrap().status, status);
        }
    }
}

#[test]
fn tokens_and_refusals_are_in_the_database_within_ten_seconds_and_when_the_server_ends() {
    let (place, client) = place();
    let mut running = place.serve("");
    for _ in 0..30 {
        assert_eq!(ask(&running, &client, "").status, 200);
    }
    for _ in 0..7 {
        assert_eq!(ask(&running, &wrong(&client), "").status, 401);
    }
    for _ in 0..3 {
        assert_eq!(ask(&running, &client, "&scope=nope").status, 400);
    }
    let named = form(&format!("grant_type=password&client_id={}", client.id));
    assert_eq!(wire::send(running.address, &named).unwrap().status, 400);
    let mut counts = [
        ("issued", 30),
        ("client-secret-wrong", 7),
        ("scope-not-allowed", 3),
        ("grant-type-unsupported", 1),
    ];
    becomes(&place, &expect(&client, &counts), 10);
    for _ in 0..5 {
        assert_eq!(ask(&running, &client, "").status, 200);
    }
    assert!(running.terminate());
    counts[0].1 += 5;
    assert_eq!(recorded(&place), expect(&client, &counts));
    let from = "SELECT DISTINCT last_from FROM usage";
    let from: String = database(&place).query_row(from, [], |row| row.get(0)).unwrap();
    assert_eq!(from, "127.0.0.1");
}

#[test]
fn a_flood_of_refused_requests_leaves_a_handful_of_rows_and_every_one_is_counted() {
    let (place, client) = place();
    let mut running = place.serve("");
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Authorization", &*basic(&client)),
    ];
    let body = b"grant_type=client_credentials&scope=nothing";
    flood(&running, &request("POST", "/oauth/token", &headers, body), 20_000, 400);
    assert!(running.terminate());
    assert_eq!(recorded(&place), expect(&client, &[("scope-not-allowed", 20_000)]));
    for table in ["usage", "usage_totals"] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = database(&place).query_row(&count, [], |row| row.get(0)).unwrap();
        assert!(rows <= 2, "{rows} rows in {table}: one for each hour");
    }
}

#[test]
fn ids_that_nobody_has_leave_no_row() {
    let (place, client) = place();
    let mut running = place.serve("");
    for at in 0..300 {
        let nobody = Client { id: format!("{at}-{}", client.secret), secret: String::new() };
        assert_eq!(ask(&running, &nobody, "").status, 401);
        let unread = form(&format!("grant_type=password&client_id={}", nobody.id));
        assert_eq!(wire::send(running.address, &unread).unwrap().status, 400);
    }
    assert_eq!(ask(&running, &client, "").status, 200);
    assert!(running.terminate());
    assert_eq!(recorded(&place), expect(&client, &[("issued", 1)]));
}

/// When the one client's secret was last used, as the database has it.
fn last_use(place: &Place) -> i64 {
    let last = "SELECT last_used_at FROM credentials WHERE last_used_at IS NOT NULL";
    database(place).query_row(last, [], |row| row.get(0)).unwrap()
}

#[test]
fn while_the_database_is_locked_tokens_are_issued_and_no_count_is_lost() {
    let (place, client) = place();
    let mut running = place.serve("");
    assert_eq!(ask(&running, &client, "").status, 200);
    becomes(&place, &expect(&client, &[("issued", 1)]), 10);
    let lock = database(&place);
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let deadline = Instant::now() + Duration::from_secs(15);
    let failed = |line: &String| line.contains("usage and last uses are not recorded");
    let mut refused = 0;
    while !running.log().iter().any(failed) {
        assert!(Instant::now() < deadline, "no batch failed");
        assert_eq!(ask(&running, &client, "&scope=nothing").status, 400);
        refused += 1;
        thread::sleep(Duration::from_millis(20));
    }
    lock.execute_batch("COMMIT").unwrap();
    let refused = ("scope-not-allowed", refused);
    becomes(&place, &expect(&client, &[("issued", 1), refused]), 10);

    let before = last_use(&place);
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..10 {
        assert_eq!(ask(&running, &client, "").status, 200);
    }
    let release = thread::spawn(move || {
        thread::sleep(Duration::from_secs(7));
        lock.execute_batch("COMMIT").unwrap();
    });
    assert!(running.terminate(), "the lock outlasts the first attempt, not the last");
    release.join().unwrap();
    assert_eq!(recorded(&place), expect(&client, &[("issued", 11), refused]));
    assert!(last_use(&place) > before, "last uses come again as well");
}
