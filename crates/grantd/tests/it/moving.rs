//! `grantd migrate --from … --to …`: everything arrives, works, and nothing is half there.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use grantd_test_postgres::{Database, database};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    furnished::{Furnished, ISSUER},
    kills::assert_is_sound,
    server::Place,
};

/// Makes this the folder's database.
pub(crate) fn point_at(place: &Place, url: &str) {
    let env = place.path().join(".env");
    let kept = std::fs::read_to_string(&env).unwrap();
    let kept: String = kept
        .lines()
        .filter(|line| !line.starts_with("GRANTD_DATABASE_URL"))
        .fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(&env, format!("{kept}GRANTD_DATABASE_URL={url}\n")).unwrap();
}

/// Every table of the file and its rows, as the file itself says.
fn counts(place: &Place) -> Value {
    let database = Connection::open(place.path().join("grantd.db")).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> '_migrations'";
    let mut names = database.prepare(names).unwrap();
    let names = names.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap);
    let count = |name: String| {
        let rows = format!("SELECT count(*) FROM {name}");
        let rows: i64 = database.query_row(&rows, [], |row| row.get(0)).unwrap();
        (name, json!(rows))
    };
    Value::Object(names.map(count).collect())
}

fn is_empty(database: &Database) -> bool {
    let rows = "SELECT (SELECT count(*) FROM clients) + (SELECT count(*) FROM audit)
                     + (SELECT count(*) FROM usage) + (SELECT count(*) FROM permissions)";
    let is_there = database.sql("SELECT to_regclass('clients') IS NOT NULL");
    is_there.trim() == "f" || database.sql(rows).trim() == "0"
}

#[test]
fn everything_moves_to_postgresql_and_goes_on_there_and_back_again() {
    let Some(database) = database() else { return };
    let mut old = Furnished::new();
    let before = counts(&old.place);
    for (table, rows) in before.as_object().unwrap() {
        assert!(*rows != json!(0), "{table} has no rows, so that this shows nothing of it");
    }
    let moved =
        old.place.grantd(&format!("migrate --from sqlite://grantd.db --to {}", database.url()));
    assert_eq!(moved["tables"], before);
    assert_eq!(moved["audit"]["events"], before["audit"]);
    assert_eq!(counts(&old.place), before, "the old one is as it was");
    assert_eq!(moved["audit"], old.place.grantd("audit verify"), "the same chain");

    point_at(&old.place, &database.url());
    let mut running = old.place.serve(&format!("--issuer {ISSUER}"));
    old.assert_works_on(&running);
    old.assert_passkey_works_on(&running);
    old.assert_goes_on_at(&running);
    let news = old.revoke_one();
    let wanted = ("client".to_owned(), news);
    assert!(old.news(&running).unwrap().contains(&wanted), "a reader of the feed goes on");
    running.terminate();

    std::fs::remove_file(old.place.path().join("grantd.db")).unwrap();
    // What is set needs no password on the command line.
    old.place.grantd("migrate --to sqlite://grantd.db");
    point_at(&old.place, "sqlite://grantd.db");
    assert_is_sound(&old.place);
    let running = old.place.serve(&format!("--issuer {ISSUER}"));
    old.assert_works_on(&running);
    old.assert_passkey_works_on(&running);
    old.assert_goes_on_at(&running);
}

#[test]
fn a_database_in_use_one_that_is_not_empty_and_one_that_is_not_there_are_refused() {
    let Some(database) = database() else { return };
    let place = Place::new();
    place.grantd("permission create a");
    let refused = |line: &str| {
        let output = place.try_grantd(line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        String::from_utf8(output.stderr).unwrap()
    };
    let line = format!("migrate --from sqlite://grantd.db --to {}", database.url());
    let running = place.serve("");
    assert!(refused(&line).contains("stop every grantd"), "{}", refused(&line));
    drop(running);
    assert!(is_empty(&database));
    assert!(
        refused("migrate --from sqlite://none.db --to sqlite://new.db").contains("no database at")
    );
    assert!(
        refused("migrate --from sqlite://grantd.db --to sqlite://grantd.db").contains("the same")
    );
    assert!(refused("migrate --from sqlite://grantd.db --to mysql://h/d").contains("--to"));
    place.grantd(&line);
    assert!(refused(&line).contains("not empty"), "{}", refused(&line));
    let there = place
        .command()
        .args(["serve", "--json", "--listen", "127.0.0.1:0", "--database-url", &database.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut there = there.unwrap();
    let mut ready = String::new();
    BufReader::new(there.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let back = format!("migrate --from {} --to sqlite://back.db", database.url());
    let said = refused(&back);
    there.kill().unwrap();
    there.wait().unwrap();
    assert!(said.contains("stop every grantd"), "{said}");
}

#[test]
fn kill_9_while_moving_leaves_the_new_database_empty_and_the_old_one_untouched() {
    let Some(database) = database() else { return };
    let old = Furnished::new();
    let before = counts(&old.place);
    for at in ["apis", "clients", "audit", "counters"] {
        let mut moving = old.place.command();
        moving.args(["migrate", "--from", "sqlite://grantd.db", "--to", &database.url()]);
        let mut moving = moving.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(moving.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with(at)), "{at}");
        moving.kill().unwrap();
        assert!(!moving.wait().unwrap().success(), "it was over before it was killed");
        assert!(is_empty(&database), "{at}");
        assert_eq!(counts(&old.place), before, "{at}");
    }
    assert_is_sound(&old.place);
    let moved =
        old.place.grantd(&format!("migrate --from sqlite://grantd.db --to {}", database.url()));
    assert_eq!(moved["tables"], before);
}
