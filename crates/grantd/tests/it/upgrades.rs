//! Upgrades: this binary on a database of the release before, and a running server under a schema of the next.

use std::{fmt::Write as _, fs, thread};

use aws_lc_rs::digest::{SHA256, digest};
use grantd_test_postgres::{Database, database};
use rusqlite::{Connection, types::ValueRef};
use serde_json::json;

use super::{
    furnished::{Furnished, ISSUER},
    kills::assert_is_sound,
    moving::point_at,
    server::{Client, Place, Running},
    tokens::token,
    wire::{self, request},
};

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../grantd-store/migrations");

/// The migrations of an engine but the last, by name.
fn of_the_release_before(engine: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(format!("{MIGRATIONS}/{engine}"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.pop();
    let name = |file: &std::path::PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|file| (name(file), fs::read_to_string(file).unwrap())).collect()
}

fn checksum(sql: &str) -> Vec<u8> {
    digest(&SHA256, sql.as_bytes()).as_ref().to_vec()
}

/// The tables of a database and their columns.
fn tables(database: &Connection) -> Vec<(String, String)> {
    let all = "SELECT one.name, group_concat(of_it.name, ', ')
               FROM sqlite_schema AS one JOIN pragma_table_info(one.name) AS of_it
               WHERE one.type = 'table' AND one.name NOT LIKE 'sqlite_%' AND one.name <> '_migrations'
               GROUP BY one.name";
    let mut all = database.prepare(all).unwrap();
    all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

/// Makes the folder's database what the release before would have made it: without what it did not know.
pub(crate) fn turn_back(place: &Place) -> Connection {
    let (now, then) = (place.path().join("grantd.db"), place.path().join("then.db"));
    let old = Connection::open(&then).unwrap();
    let list = "CREATE TABLE _migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL,
                                          applied_at INTEGER NOT NULL DEFAULT 0) STRICT;
                PRAGMA foreign_keys = FALSE";
    old.execute_batch(list).unwrap();
    for (at, (name, sql)) in of_the_release_before("sqlite").iter().enumerate() {
        old.execute_batch(sql).unwrap();
        let row = (i64::try_from(at).unwrap() + 1, name, checksum(sql));
        old.execute("INSERT INTO _migrations (number, name, checksum) VALUES (?1, ?2, ?3)", row)
            .unwrap();
    }
    old.execute("ATTACH ?1 AS now", [now.to_str().unwrap()]).unwrap();
    for (table, columns) in tables(&old) {
        let copy = format!(
            "DELETE FROM main.{table}; INSERT INTO main.{table} ({columns}) SELECT {columns} FROM now.{table}"
        );
        old.execute_batch(&copy).unwrap();
    }
    old.execute_batch("DETACH now").unwrap();
    fs::rename(&then, &now).unwrap();
    old
}

/// The same on PostgreSQL.
fn copy_back(old: &Connection, database: &Database) {
    database.sql(
        "CREATE TABLE _migrations (number bigint PRIMARY KEY, name text NOT NULL, checksum bytea NOT NULL,
                                   applied_at bigint NOT NULL DEFAULT 0)",
    );
    for (at, (name, sql)) in of_the_release_before("postgres").iter().enumerate() {
        database.sql(sql);
        let checksum = hexadecimal(&checksum(sql));
        database.sql(&format!(
            "INSERT INTO _migrations VALUES ({}, '{name}', '\\x{checksum}')",
            at + 1
        ));
    }
    for (table, columns) in tables(old) {
        let mut rows = old.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        let width = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        let mut inserts = format!("SET session_replication_role = replica; DELETE FROM {table};");
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..width).map(|at| literal(row.get_ref(at).unwrap())).collect();
            let values = values.join(", ");
            write!(inserts, "INSERT INTO {table} ({columns}) VALUES ({values});").unwrap();
        }
        database.sql(&inserts);
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => format!("'{number}'"),
        ValueRef::Real(_) => unreachable!("no column has such"),
        ValueRef::Text(text) => format!("'{}'", str::from_utf8(text).unwrap().replace('\'', "''")),
        ValueRef::Blob(bytes) => format!("'\\x{}'", hexadecimal(bytes)),
    }
}

/// Two at once.
fn start_two(place: &Place) -> [Running; 2] {
    let serve = || place.serve(&format!("--issuer {ISSUER}"));
    thread::scope(|scope| [scope.spawn(serve), scope.spawn(serve)].map(|one| one.join().unwrap()))
}

#[test]
fn a_database_of_the_release_before_is_brought_up_to_date_by_two_servers_that_start_at_once() {
    let mut world = Furnished::new();
    let old = turn_back(&world.place);
    let elsewhere = database();
    if let Some(database) = &elsewhere {
        copy_back(&old, database);
    }
    drop(old);
    let refresh = world.refresh.clone();
    for url in [Some("sqlite://grantd.db".to_owned()), elsewhere.map(|database| database.url())] {
        let Some(url) = url else { continue };
        point_at(&world.place, &url);
        world.refresh.clone_from(&refresh);
        for running in &start_two(&world.place) {
            world.assert_works_on(running);
            world.assert_role_works_on(running);
            world.assert_goes_on_at(running);
        }
    }
    assert_is_sound(&world.place);
}

/// A migration as it may come: additions alone. What each table gets has the same name and another value,
/// so that nothing may go by names that are the same by chance.
fn of_the_next_release(tables: &[String], text: &str, blob: &str) -> String {
    let column = |table: &String| {
        format!(
            "ALTER TABLE {table} ADD COLUMN invented {text} NOT NULL DEFAULT 'of {table}';
                 CREATE INDEX invented_{table} ON {table} (invented);"
        )
    };
    tables.iter().map(column).collect::<String>()
        + &format!("CREATE TABLE invented (id {text} PRIMARY KEY);
                    INSERT INTO _migrations (number, name, checksum) VALUES (9999, '9999_invented', {blob})")
}

fn assert_serves_and_writes(world: &mut Furnished, running: &Running, admin: &Client) {
    let bearer = format!("Bearer {}", token(running, admin, ""));
    let call = |method: &str, path: &str, body: &serde_json::Value, status: u16| {
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let sent = request(method, &format!("/api/v1{path}"), &headers, body.as_bytes());
        let answer = wire::send(running.address, &sent).unwrap();
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer.json()
    };
    world.assert_role_works_on(running);
    world.assert_passkey_works_on(running);
    world.assert_goes_on_at(running);
    let made = call(
        "POST",
        "/clients",
        &json!({ "name": "New", "permissions": ["schools.read"], "roles": ["clerk"] }),
        201,
    );
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let made = Client { id: text("client_id"), secret: text("client_secret") };
    token(running, &made, "");
    call("POST", &format!("/clients/{}/rotate", made.id), &json!({}), 200);
    call("PATCH", &format!("/clients/{}", made.id), &json!({ "name": "Newer" }), 200);
    let users = call("GET", "/users", &json!(null), 200);
    assert_eq!(users["items"].as_array().unwrap().len(), 2, "{users}");
    assert_eq!(call("GET", "/audit/verification", &json!(null), 200)["intact"], true);
}

#[test]
fn a_running_server_goes_on_under_a_schema_that_the_next_release_has_added_to() {
    let mut world = Furnished::new();
    let admin = world.place.client("--permission manage_system");
    let elsewhere = database();
    if let Some(database) = &elsewhere {
        world.place.grantd(&format!("migrate --from sqlite://grantd.db --to {}", database.url()));
    }
    let here = Connection::open(world.place.path().join("grantd.db")).unwrap();
    let names: Vec<_> = tables(&here).into_iter().map(|(name, _)| name).collect();
    let refresh = world.refresh.clone();
    let mut running = world.place.serve(&format!("--issuer {ISSUER}"));
    token(&running, &admin, "");
    here.execute_batch(&of_the_next_release(&names, "TEXT", "x'00'")).unwrap();
    assert_serves_and_writes(&mut world, &running, &admin);
    let said = world.place.try_grantd("client list").stderr;
    assert!(String::from_utf8(said).unwrap().contains("newer grantd"), "one that starts is told");
    running.terminate();
    let Some(database) = elsewhere else { return };
    world.refresh = refresh;
    point_at(&world.place, &database.url());
    let running = world.place.serve(&format!("--issuer {ISSUER}"));
    token(&running, &admin, "");
    database.sql(&of_the_next_release(&names, "text", "'\\x00'"));
    assert_serves_and_writes(&mut world, &running, &admin);
}
