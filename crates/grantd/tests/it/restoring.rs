//! `grantd backup` and `grantd restore`: nothing acknowledged is lost, nothing ended comes back, and what is no
//! backup is refused.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use grantd_test_postgres::database;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{
    furnished::{Furnished, ISSUER},
    kills::assert_is_sound,
    moving::point_at,
    server::Place,
    tokens::token,
    wire::{self, request},
};

/// All files of a folder with their content.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap_or_default())
        })
        .collect();
    files.sort();
    files
}

fn refusal(place: &Place, line: &str) -> String {
    let output = place.try_grantd(line);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{line}: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_backup_under_load_has_everything_acknowledged_before_it_and_is_whole() {
    let place = Place::new();
    place.grantd("permission create manage_system");
    let admin = place.client("--permission manage_system --signing-alg ES256");
    let running = place.serve("");
    let bearer = format!("Bearer {}", token(&running, &admin, ""));
    let (acknowledged, is_over) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let create = |name: String| {
        let body = json!({ "name": name }).to_string();
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let sent = request("POST", "/api/v1/clients", &headers, body.as_bytes());
        let answer = wire::send(running.address, &sent).unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["client_id"].as_str().unwrap().to_owned();
        acknowledged.lock().unwrap().push(id);
    };
    let mut backups = Vec::new();
    thread::scope(|scope| {
        for writer in 0..3 {
            let (create, is_over) = (&create, &is_over);
            scope.spawn(move || {
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    create(format!("{writer}-{number}"));
                }
            });
        }
        for number in 0..3 {
            thread::sleep(Duration::from_millis(300));
            let before = acknowledged.lock().unwrap().clone();
            let made = place.grantd(&format!("backup {number}.backup"));
            backups.push((number, before, made));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(refusal(&place, "backup 0.backup").contains("exists already"));
    for (number, before, made) in &backups {
        let file = place.path().join(format!("{number}.backup"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(made["bytes"], fs::metadata(&file).unwrap().len());
        let empty = Place::bare();
        fs::copy(place.path().join(".env"), empty.path().join(".env")).unwrap();
        let restored = empty.grantd(&format!("restore {}", file.display()));
        assert_eq!((&restored["audit"], &restored["kept"]), (&made["audit"], &json!(null)));
        let listed = empty.grantd("client list").to_string();
        assert!(before.iter().all(|id| listed.contains(id)), "{number}");
        empty.grantd("audit verify");
        assert_is_sound(&empty);
    }
    assert!(backups[2].1.len() > backups[0].1.len(), "nobody wrote meanwhile");
    let left = snapshot(place.path()).into_iter().filter(|file| file.0.starts_with(".grantd"));
    assert_eq!(left.count(), 0, "nothing half is left");
}

#[test]
fn what_ended_since_the_backup_does_not_come_back_and_what_holds_goes_on() {
    let mut world = Furnished::new();
    let at_backup = world.refresh.clone();
    world.place.grantd("backup b.backup");
    let serve = |world: &Furnished| world.place.serve(&format!("--issuer {ISSUER}"));
    let mut running = serve(&world);
    world.assert_goes_on_at(&running);
    let revoked = world.revoke_one();
    assert!(refusal(&world.place, "restore b.backup").contains("--force"));
    let said = refusal(&world.place, "restore b.backup --force");
    assert!(said.contains("stop every grantd"), "{said}");
    running.terminate();

    let restored = world.place.grantd("restore b.backup --force");
    let kept = restored["kept"].as_str().unwrap();
    let behind = restored["audit"]["events"].as_u64().unwrap();
    assert!(restored["undone"].as_u64().unwrap() >= 2, "{restored}");
    let list = format!("audit list --after {behind} --database-url sqlite://{kept}");
    assert!(world.place.grantd(&list).to_string().contains(&revoked), "what to do again");
    for beside in ["-wal", "-shm", "-journal"] {
        assert!(!world.place.path().join(format!("grantd.db{beside}")).exists());
    }
    let mut running = serve(&world);
    world.assert_is_over_at(&running);
    assert_eq!(world.news(&running), None, "a reader of the feed begins anew");
    world.assert_works_on(&running);
    world.assert_passkey_works_on(&running);
    let events = world.place.grantd("audit list --limit 10000").to_string();
    assert!(events.contains("database.restore"), "{events}");
    // A client that the backup does not know is in the feed, should a guard still believe its tokens.
    let whole = world.whole_feed(&running);
    assert!(whole.contains(&revoked) && whole.contains(&world.server.id), "{whole}");
    running.terminate();
    assert_is_sound(&world.place);

    world.place.grantd("restore b.backup --force --keep-tokens");
    world.refresh = at_backup;
    let running = serve(&world);
    world.assert_goes_on_at(&running);
    assert_eq!(world.news(&running), None);
}

/// What a hostile or broken file is made of: the good one, changed.
type Spoil = fn(&Path);

fn altered(file: &Path, statements: &str) {
    Connection::open(file).unwrap().execute_batch(statements).unwrap();
}

/// As whoever writes into a file without SQLite.
fn by_hand(file: &Path, statements: &str) {
    altered(file, &format!("PRAGMA writable_schema = ON; {statements}"));
}

/// Another text in the statements that made the tables.
fn reworded(file: &Path, from: &str, to: &str) {
    let connection = Connection::open(file).unwrap();
    connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
    let replace = "UPDATE sqlite_schema SET sql = replace(sql, ?1, ?2) WHERE instr(sql, ?1)";
    assert!(connection.execute(replace, [from, to]).unwrap() > 0, "{from} is nowhere");
}

const SPOILT: [(&str, Spoil, &str); 18] = [
    ("empty", |file| fs::write(file, b"").unwrap(), "not a database of grantd"),
    (
        "text",
        |file| fs::write(file, "SQLite? No.".repeat(1000)).unwrap(),
        "not a database of grantd",
    ),
    (
        "another program's",
        |file| {
            fs::remove_file(file).unwrap();
            altered(file, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
        },
        "not a database of grantd",
    ),
    (
        "cut",
        |file| {
            let half = fs::metadata(file).unwrap().len() / 2;
            fs::OpenOptions::new().write(true).open(file).unwrap().set_len(half).unwrap();
        },
        "damaged",
    ),
    (
        "overwritten",
        |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 8192].fill(0x5a);
            fs::write(file, bytes).unwrap();
        },
        "damaged",
    ),
    (
        "newer",
        |file| {
            altered(
                file,
                "INSERT INTO _migrations (number, name, checksum) VALUES (99, '0099_new', x'00')",
            );
        },
        "newer grantd",
    ),
    (
        "another build's",
        |file| altered(file, "UPDATE _migrations SET checksum = x'00'"),
        "another build",
    ),
    (
        "with a trigger",
        |file| altered(file, "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM audit; END"),
        "schema was altered",
    ),
    (
        "with a column",
        |file| altered(file, "ALTER TABLE clients ADD COLUMN x TEXT"),
        "schema was altered",
    ),
    (
        "with a trigger named as SQLite's tables",
        |file| {
            altered(
                file,
                "CREATE TRIGGER sqlitex AFTER INSERT ON audit BEGIN DELETE FROM audit; END",
            );
        },
        "schema was altered",
    ),
    (
        "with a trigger written by hand",
        |file| {
            by_hand(
                file,
                "INSERT INTO sqlite_schema VALUES ('trigger', 'sqlite_stat1', 'audit', 0,
                 'CREATE TRIGGER sqlite_stat1 AFTER INSERT ON audit BEGIN DELETE FROM audit; END')",
            );
        },
        "schema was altered",
    ),
    (
        "with a view named as SQLite's tables",
        |file| altered(file, "CREATE VIEW sqlite3 AS SELECT 1"),
        "schema was altered",
    ),
    (
        "with statistics that hold something else",
        |file| {
            by_hand(
                file,
                "ANALYZE; UPDATE sqlite_schema SET sql = 'CREATE TABLE sqlite_stat1(tbl,idx,stat,more)'
                 WHERE name = 'sqlite_stat1'",
            );
        },
        "schema was altered",
    ),
    (
        "with a constraint that swallows rows",
        |file| reworded(file, "UNIQUE (kind, id)", "UNIQUE (kind, id) ON CONFLICT IGNORE"),
        "schema was altered",
    ),
    (
        "without a check",
        |file| reworded(file, " CHECK (length(hash) = 32)", ""),
        "schema was altered",
    ),
    (
        "without a reference",
        |file| reworded(file, " REFERENCES clients (id)", ""),
        "schema was altered",
    ),
    (
        "with an index over less",
        |file| {
            altered(
                file,
                "DROP INDEX clients_state; CREATE INDEX clients_state ON clients (state) WHERE state = ''",
            );
        },
        "schema was altered",
    ),
    (
        "with an altered log",
        |file| altered(file, "UPDATE audit SET actor = 'nobody' WHERE seq = 2"),
        "row 2",
    ),
];

#[test]
fn a_file_that_is_no_sound_backup_is_refused_and_nothing_is_touched() {
    let place = Place::new();
    place.grantd("permission create a");
    place.client("--permission a");
    place.grantd("backup good");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let before = snapshot(place.path());
    let refused = |name: &str, says: &str| {
        let said = refusal(&place, &format!("restore {} --force", file.display()));
        assert!(said.contains(says), "{name}: {said}");
        assert!(snapshot(place.path()) == before, "{name}");
    };
    for (name, spoil, says) in SPOILT {
        fs::copy(place.path().join("good"), &file).unwrap();
        spoil(&file);
        refused(name, says);
    }
    // Statistics are no one's schema: `grantd migrate` leaves some.
    fs::copy(place.path().join("good"), &file).unwrap();
    altered(&file, "ANALYZE");
    let elsewhere = Place::bare();
    fs::copy(place.path().join(".env"), elsewhere.path().join(".env")).unwrap();
    elsewhere.grantd(&format!("restore {}", file.display()));
    fs::copy(place.path().join("good"), &file).unwrap();
    fs::write(folder.path().join("file-wal"), "frames").unwrap();
    refused("one that is worked with", "grantd backup");
    fs::remove_file(folder.path().join("file-wal")).unwrap();
    fs::remove_file(&file).unwrap();
    refused("none", "cannot read");
    fs::create_dir(&file).unwrap();
    refused("a folder", "no file");
}

#[test]
fn a_database_that_is_broken_is_replaced_and_nothing_of_it_is_left_beside_the_new_one() {
    let place = Place::new();
    place.grantd("permission create a");
    place.grantd("backup good");
    let database = place.path().join("grantd.db");
    fs::write(&database, "broken").unwrap();
    fs::write(place.path().join("grantd.db-wal"), "of the broken one").unwrap();
    fs::write(place.path().join("grantd.db-shm"), "of the broken one").unwrap();
    let restored = place.grantd("restore good --force");
    let kept = restored["kept"].as_str().unwrap();
    assert_eq!(fs::read_to_string(place.path().join(kept)).unwrap(), "broken");
    assert_eq!(
        fs::read_to_string(place.path().join(format!("{kept}-wal"))).unwrap(),
        "of the broken one"
    );
    assert_eq!(restored["undone"], Value::Null);
    assert_eq!(fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.grantd("permission list")["permissions"].as_array().unwrap().len(), 1);
    assert_is_sound(&place);
    // A log without a database would be taken for the new one's.
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.path().join(format!("grantd.db{end}")));
    }
    fs::write(place.path().join("grantd.db-wal"), "stray").unwrap();
    assert!(refusal(&place, "restore good").contains("--force"));
    place.grantd("restore good --force");
    assert!(!place.path().join("grantd.db-wal").exists());
}

#[test]
fn postgresql_is_backed_up_by_its_own_programs() {
    let Some(database) = database() else { return };
    let place = Place::new();
    point_at(&place, &database.url());
    assert!(refusal(&place, "backup b").contains("pg_dump"));
    assert!(refusal(&place, "restore b").contains("pg_restore"));
}
