//! The promise: `kill -9` at any moment loses nothing that was acknowledged and leaves nothing half done.

mod world;
mod writer;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rusqlite::Connection;
use serde_json::Value;

use super::{
    dead_tokens::active,
    server::{Client, Place, Running},
    tokens::{ask, token},
};
use writer::Writer;

/// How many acknowledged changes must have gone through the kills.
const CHANGES: usize = 1000;
const WRITERS: usize = 6;
/// The server is killed after fewer changes than this, so that it dies often however slow it is.
const LIFE: usize = 80;

/// Numbers without order. Every run plays another game, and a failure names its seed.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }
}

/// Lets everybody write until the server is killed under them: after so many changes, and a moment.
fn play(mut running: Running, writers: &mut [Writer], dice: &mut Dice) {
    let address = running.address;
    let (acknowledged, enough) = (AtomicUsize::new(0), dice.below(LIFE));
    thread::scope(|scope| {
        for writer in writers {
            scope.spawn(|| writer.write_until_the_end(address, &acknowledged));
        }
        // A writer that failed writes no more; what it says is heard at the end.
        let deadline = Instant::now() + Duration::from_secs(20);
        while acknowledged.load(Ordering::Relaxed) < enough && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(dice.below(5_000) as u64));
        running.kill();
    });
}

/// How often each object was changed, by the audit log.
fn audited(place: &Place) -> BTreeMap<String, usize> {
    let database = database(place);
    let mut counts =
        database.prepare("SELECT object, count(*) FROM audit GROUP BY object").unwrap();
    let counts = counts
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, isize>(1)?.unsigned_abs())))
        .unwrap();
    counts.map(Result::unwrap).collect()
}

fn database(place: &Place) -> Connection {
    Connection::open(place.path().join("grantd.db")).unwrap()
}

/// The database as its engine sees it.
pub(crate) fn assert_is_sound(place: &Place) {
    let database = database(place);
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    assert_has_no_row(&database, "pragma_foreign_key_check");
}

fn assert_has_no_row(database: &Connection, rows: &str) {
    let count = format!("SELECT count(*) FROM {rows}");
    let count: i64 = database.query_row(&count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0, "{rows}");
}

/// What no log and no model says: that the rows themselves belong together.
fn assert_rows_belong_together(place: &Place) {
    assert_is_sound(place);
    let never = [
        "clients WHERE id NOT IN (SELECT client_id FROM credentials)",
        "clients WHERE 'client:' || id NOT IN (SELECT object FROM audit WHERE action = 'client.create')",
        "clients WHERE generation > 1 AND NOT EXISTS (SELECT 1 FROM change_log WHERE kind = 'client'
             AND change_log.id = clients.id AND change_log.generation = clients.generation)",
    ];
    let database = database(place);
    for rows in never {
        assert_has_no_row(&database, rows);
    }
}

#[test]
fn kill_9_at_any_moment_of_a_thousand_changes_loses_nothing_and_leaves_nothing_half_done() {
    let place = Place::new();
    for name in ["manage_system", "a", "b"] {
        place.grantd(&format!("permission create {name}"));
    }
    for number in 0..WRITERS {
        place.grantd(&format!("role create role-{number} --permission a --permission b"));
    }
    let admin = place.client("--permission manage_system --id ops --signing-alg ES256");
    let server = place.client("--serves default");
    let before = audited(&place);
    // Every start has another port, and tokens outlive them.
    let serve = || place.serve("--issuer http://127.0.0.1:1");

    let seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() | 1;
    println!("seed {seed}");
    let mut dice = Dice(u64::from(seed));
    let running = serve();
    let bearer = token(&running, &admin, "");
    let mut writers: Vec<_> = (0..WRITERS)
        .map(|number| Writer::new(number, &bearer, Dice(u64::from(seed) * (number as u64 * 2 + 3))))
        .collect();
    let mut kills = 0;
    let mut running = Some(running);
    while writers.iter().map(|writer| writer.acknowledged).sum::<usize>() < CHANGES {
        play(running.take().unwrap(), &mut writers, &mut dice);
        kills += 1;
        let again = running.insert(serve());
        for writer in &mut writers {
            writer.read_back(again.address);
        }
        assert_eq!(writers[0].call("GET", "/audit/verification", &Value::Null)["intact"], true);
    }
    let undecided: usize = writers.iter().map(|writer| writer.survived).sum();
    println!("{kills} kills; {undecided} changes were made and not acknowledged");
    assert!(kills >= 10, "only {kills} kills");

    let running = running.unwrap();
    for writer in &writers {
        assert_secrets_and_tokens_are_as_told(writer, &running, &server);
    }
    let mut expected = before;
    for (object, count) in writers.iter().flat_map(|writer| &writer.deeds) {
        *expected.entry(object.clone()).or_default() += count;
    }
    assert_eq!(audited(&place), expected, "one event for each change, and no other");
    place.grantd("audit verify");
    drop(running);
    assert_rows_belong_together(&place);
}

fn assert_secrets_and_tokens_are_as_told(writer: &Writer, running: &Running, server: &Client) {
    for (id, state) in &writer.world.clients {
        let Some(secret) = writer.secrets.get(id) else { continue };
        let client = Client { id: id.clone(), secret: secret.clone() };
        if state.standing == "active" {
            assert!(active(running, server, &token(running, &client, "")), "{id}");
        } else {
            assert_eq!(ask(running, &client, "").status, 401, "{id} is revoked");
        }
    }
    for client in &writer.old_secrets {
        assert_eq!(ask(running, client, "").status, 401, "an old secret of {}", client.id);
    }
    for token in &writer.dead {
        assert!(!active(running, server, token), "a token from before its end lives");
    }
    assert!(!writer.old_secrets.is_empty() && !writer.dead.is_empty(), "nothing was killed");
}
