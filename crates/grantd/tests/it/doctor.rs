//! `grantd doctor`: it finds what is wrong, says what to do, tells no secret and changes nothing.

use std::{fs, os::unix::fs::PermissionsExt};

use grantd_test_postgres::database;
use rusqlite::Connection;
use serde_json::Value;

use super::{moving::point_at, server::Place, upgrades::turn_back};

/// What it says of one thing, and how many errors there are.
fn look(place: &Place, options: &str) -> (Value, bool) {
    let output = place.try_grantd(&format!("doctor --json {options}"));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failed = output.status.code() == Some(1);
    assert_eq!(failed, document["errors"] != 0, "{document}");
    assert_eq!(failed, !output.stderr.is_empty());
    (document, failed)
}

fn grade(place: &Place, options: &str, check: &str) -> (String, String) {
    let (document, _) = look(place, options);
    let checks = document["checks"].as_array().unwrap();
    let found = checks.iter().find(|one| one["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no {check}: {document}"));
    (found["grade"].as_str().unwrap().to_owned(), found["says"].as_str().unwrap().to_owned())
}

fn is(place: &Place, options: &str, (check, expected, says): (&str, &str, &str)) {
    let (grade, said) = grade(place, options, check);
    assert!(grade == expected && said.contains(says), "{check}: {grade}: {said}");
}

#[test]
fn all_is_well_beside_a_running_server_and_no_secret_is_told() {
    let place = Place::new();
    place.grantd("permission create manage_system");
    place.user("ada", "correct horse battery", "--permission manage_system");
    let _running = place.serve("");
    let (document, failed) = look(&place, "");
    assert!(!failed && document["warnings"] == 0, "{document}");
    let checks = [
        "settings",
        "issuer",
        "signing keys",
        "server key",
        "env file",
        "database",
        "database file",
        "schema",
        "audit log",
        "administrator",
        "secrets",
    ];
    let named: Vec<_> = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["check"].as_str().unwrap())
        .collect();
    assert_eq!(named, checks);
    let lines = String::from_utf8(place.try_grantd("doctor").stdout).unwrap();
    assert_eq!(lines.lines().count(), checks.len());
    let env = fs::read_to_string(place.path().join(".env")).unwrap();
    let secrets = env.lines().filter(|line| !line.starts_with("GRANTD_PUBLIC"));
    let values =
        secrets.filter_map(|line| line.split_once('=')).map(|pair| pair.1.trim_matches('"'));
    for value in values {
        assert!(!lines.contains(&value[..20]) && !document.to_string().contains(&value[..20]));
    }
}

#[test]
fn what_is_wrong_is_an_error_that_says_what_to_do() {
    let bare = Place::bare();
    is(&bare, "", ("signing keys", "error", "grantd keys generate"));
    is(&bare, "", ("server key", "error", "grantd keys generate"));
    is(&bare, "", ("database", "warning", "grantd serve"));
    assert_eq!(fs::read_dir(bare.path()).unwrap().count(), 0, "nothing was made");

    let place = Place::new();
    place.grantd("permission create a");
    is(&place, "", ("administrator", "warning", "grantd user create"));
    let soon = place.client("--permission a --secret-ttl 10d");
    is(&place, "", ("secrets", "warning", &soon.id));
    is(&place, "--listen 0.0.0.0:80 --issuer http://a.example", ("issuer", "error", "https://"));
    is(&place, "--issuer https://a.example", ("proxies", "warning", "GRANTD_TRUSTED_PROXIES"));
    for (options, name) in [
        ("--access-token-ttl 0", "GRANTD_ACCESS_TOKEN_TTL"),
        ("--max-staleness 0", "GRANTD_MAX_STALENESS"),
        ("--client-rate often", "GRANTD_CLIENT_RATE"),
        ("--drain-timeout never", "GRANTD_DRAIN_TIMEOUT"),
    ] {
        is(&place, options, ("settings", "error", name));
    }
    is(&place, "--database-url mysql://h/d", ("database", "error", "sqlite://"));
    let open_to = |name: &str, mode| {
        fs::set_permissions(place.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    open_to(".env", 0o640);
    is(&place, "", ("env file", "warning", "chmod 600"));
    open_to(".env", 0o644);
    is(&place, "", ("env file", "error", "chmod 600"));
    open_to("grantd.db", 0o644);
    is(&place, "", ("database file", "error", "chmod 600"));
    let database = Connection::open(place.path().join("grantd.db")).unwrap();
    database.execute_batch("UPDATE audit SET actor = 'nobody' WHERE seq = 1").unwrap();
    drop(database);
    is(&place, "", ("audit log", "error", "row 1"));
    drop(turn_back(&place));
    let before = fs::read(place.path().join("grantd.db")).unwrap();
    is(&place, "", ("schema", "error", "grantd migrate"));
    assert!(fs::read(place.path().join("grantd.db")).unwrap() == before, "nothing was migrated");
    fs::write(
        place.path().join("grantd.db"),
        "no database at all, but longer than a header of one, by far; really so",
    )
    .unwrap();
    is(&place, "", ("database", "error", "grantd restore"));
}

#[test]
fn the_clock_of_postgresql_is_compared_and_a_server_that_is_away_is_an_error() {
    let Some(database) = database() else { return };
    let place = Place::new();
    point_at(&place, &database.url());
    is(&place, "", ("schema", "error", "grantd migrate"));
    assert_eq!(
        database.sql("SELECT to_regclass('clients') IS NULL").trim(),
        "t",
        "nothing was migrated"
    );
    place.grantd("migrate");
    is(&place, "", ("clock", "ok", "ms"));
    is(&place, "", ("schema", "ok", ""));
    point_at(&place, "postgres://u:HUSH@127.0.0.1:1/d?connect_timeout=1");
    let (grade, said) = grade(&place, "", "database");
    assert!(grade == "error" && !said.contains("HUSH"), "{said}");
}
