//! `grantd restore` more than once, and of backups in any order: what was ended stays so.

use std::fs;

use serde_json::{Value, json};

use super::{
    dead_tokens::{active, post},
    key_rotation::{kid, listed},
    server::{Client, Place, Running, basic},
    tokens::{claims_of, token},
    wire::{self, request},
};

/// A server that is asked, and one who asks.
struct World {
    place: Place,
    server: Client,
    client: Client,
}

/// What happens to the database before a backup comes in its place.
#[derive(Clone, Copy, Debug)]
enum Loss {
    None,
    Whole,
}

impl World {
    fn new() -> Self {
        let place = Place::new();
        place.grantd("permission create a");
        let (server, client) = (place.client("--serves default"), place.client("--permission a"));
        Self { place, server, client }
    }

    fn serve(&self) -> Running {
        self.place.serve("--issuer https://auth.example")
    }

    fn restore(&self, file: &str, loss: Loss) -> Value {
        if let Loss::Whole = loss {
            for end in ["", "-wal", "-shm"] {
                let _ = fs::remove_file(self.place.path().join(format!("grantd.db{end}")));
            }
        }
        self.place.grantd(&format!("restore {file} --force"))
    }

    /// The entry of an id in the feed.
    fn entry(&self, running: &Running, id: &str) -> Option<Value> {
        let headers = [("Authorization", &*basic(&self.server))];
        let sent = request("GET", "/oauth/revocations", &headers, b"");
        let page = wire::send(running.address, &sent).unwrap().json();
        let entries = page["entries"].as_array().unwrap();
        entries.iter().find(|entry| entry["id"] == id).cloned()
    }
}

fn generation(token: &str) -> u64 {
    claims_of(token)["gen"].as_u64().unwrap()
}

#[test]
fn a_backup_restored_again_brings_back_nothing_that_was_given_out_or_ended_in_between() {
    let world = World::new();
    world.place.grantd("backup b");
    world.restore("b", Loss::None);
    for loss in [Loss::None, Loss::Whole, Loss::Whole] {
        let mut running = world.serve();
        let (kept, revoked) =
            (token(&running, &world.client, ""), token(&running, &world.client, ""));
        post(&running, "/oauth/revoke", &world.client, &format!("token={revoked}"));
        assert!(active(&running, &world.server, &kept));
        assert!(!active(&running, &world.server, &revoked));
        running.terminate();

        world.restore("b", loss);
        let mut running = world.serve();
        assert!(!active(&running, &world.server, &revoked), "{loss:?}: revoked in between");
        assert!(!active(&running, &world.server, &kept), "{loss:?}: given out in between");
        let fresh = token(&running, &world.client, "");
        let told = world.entry(&running, &world.client.id).unwrap()["generation"].as_u64().unwrap();
        assert!(generation(&kept) < told && told <= generation(&fresh), "guards: {loss:?}");
        assert!(told < 1 << 53, "a number that readers of JSON can hold");
        assert!(active(&running, &world.server, &fresh));
        running.terminate();
    }
}

#[test]
fn an_older_backup_after_a_newer_one_brings_back_nothing_either() {
    let world = World::new();
    world.place.grantd("backup older");
    for deed in ["revoke", "restore"] {
        world.place.grantd(&format!("client {deed} {}", world.client.id));
    }
    // Nobody knows of this one in the older backup.
    let later = world.place.client("--permission a");
    world.place.grantd("backup newer");
    world.restore("newer", Loss::None);
    let mut running = world.serve();
    let given = [&world.client, &later].map(|client| token(&running, client, ""));
    running.terminate();

    // The second time, the database that was there does not know of it as well.
    for _ in 0..2 {
        world.restore("older", Loss::None);
        let mut running = world.serve();
        for (client, given) in [&world.client, &later].into_iter().zip(&given) {
            assert!(!active(&running, &world.server, given));
            let entry = world.entry(&running, &client.id).expect("guards are told");
            assert!(generation(given) < entry["generation"].as_u64().unwrap(), "{entry}");
        }
        running.terminate();
    }
    // Nor do they who lost the database, but had a backup made in between.
    world.place.grantd("backup between");
    world.restore("between", Loss::Whole);
    assert!(world.entry(&world.serve(), &later.id).is_some());
}

#[test]
fn a_signing_key_in_wrong_hands_stays_revoked_whatever_is_restored() {
    let world = World::new();
    let mut running = world.serve();
    let stolen = token(&running, &world.client, "");
    running.terminate();
    let old = kid(&stolen);
    let added = world.place.grantd("keys add");
    let other = listed(&added, "RS256", "verifies only");
    world.place.grantd(&format!("keys sign-with {other} --force"));
    world.place.grantd("backup before");
    world.place.grantd(&format!("keys revoke {old}"));
    world.place.grantd("backup after");

    let restored = world.place.grantd("restore before --force --keep-tokens");
    assert_eq!(restored["revoked_keys"], 1);
    let mut running = world.serve();
    assert!(!active(&running, &world.server, &stolen), "it is the key alone that is in the way");
    assert_eq!(world.entry(&running, &old).unwrap()["kind"], "key");
    running.terminate();

    for (file, loss, known) in [
        ("before", Loss::None, json!(1)),
        ("after", Loss::None, json!(1)),
        ("after", Loss::Whole, json!(null)),
    ] {
        assert_eq!(world.restore(file, loss)["revoked_keys"], known, "{file}, {loss:?}");
        let mut running = world.serve();
        let entry = world.entry(&running, &old).expect("guards are told");
        assert_eq!(entry["kind"], "key", "{file}, {loss:?}");
        running.terminate();
    }
    // Where nobody can know, grantd says so.
    fs::write(world.place.path().join("grantd.db"), "broken").unwrap();
    let said = world.place.try_grantd("restore before --force");
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("grantd keys revoke KID"), "{said}");
}

#[test]
fn a_client_that_is_created_again_after_a_restore_gets_tokens_that_guards_accept() {
    let world = World::new();
    world.place.grantd("backup b");
    let create = || world.place.client("--id orders --permission a");
    let first = create();
    let mut running = world.serve();
    let before = token(&running, &first, "");
    running.terminate();
    world.restore("b", Loss::None);

    let again = create();
    let running = world.serve();
    let fresh = token(&running, &again, "");
    let dead_below = |running| {
        let entry = world.entry(running, "orders").expect("guards are told");
        entry["generation"].as_u64().unwrap()
    };
    assert!(generation(&before) < dead_below(&running));
    assert!(dead_below(&running) <= generation(&fresh), "a guard would refuse it");
    assert!(active(&running, &world.server, &fresh));
    assert!(!active(&running, &world.server, &before));
}
