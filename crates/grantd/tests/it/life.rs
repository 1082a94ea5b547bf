//! What happens to a client after its creation, by the command line under a running server.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    server::{Client, Place, Running},
    tokens::{ask, claims},
};

/// Waits until the server answers this client with this status.
fn becomes(running: &Running, client: &Client, status: u16) {
    let deadline = Instant::now() + Duration::from_secs(3);
    while ask(running, client, "").status != status {
        assert!(Instant::now() < deadline, "still not {status}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn with_secret(client: &Client, answer: &serde_json::Value) -> Client {
    Client { id: client.id.clone(), secret: answer["client_secret"].as_str().unwrap().to_owned() }
}

fn place() -> Place {
    let place = Place::new();
    place.grantd("permission create a");
    place.grantd("permission create b");
    place
}

#[test]
fn ca_31_both_secrets_work_during_the_overlap_and_only_the_new_one_after() {
    let place = place();
    let running = place.serve("");
    let old = place.client("--permission a");
    becomes(&running, &old, 200);
    let new = with_secret(&old, &place.grantd(&format!("client rotate {} --overlap 2s", old.id)));
    becomes(&running, &new, 200);
    assert_eq!(ask(&running, &old, "").status, 200);
    thread::sleep(Duration::from_millis(2100));
    assert_eq!(ask(&running, &old, "").status, 401);
    assert_eq!(ask(&running, &new, "").status, 200);
}

#[test]
fn ca_32_without_an_overlap_the_old_secret_is_dead_at_once() {
    let place = place();
    let running = place.serve("");
    let old = place.client("--permission a");
    becomes(&running, &old, 200);
    let new = with_secret(&old, &place.grantd(&format!("client rotate {}", old.id)));
    becomes(&running, &new, 200);
    let mark = running.log().len();
    assert_eq!(ask(&running, &old, "").status, 401);
    assert_eq!(running.refusal_since(mark).as_deref(), Some("client-secret-expired"));
}

#[test]
fn a_rotation_is_not_finished_while_the_old_secret_is_in_use() {
    let place = place();
    let running = place.serve("");
    let old = place.client("--permission a");
    becomes(&running, &old, 200);
    let new = with_secret(&old, &place.grantd(&format!("client rotate {} --overlap 1h", old.id)));
    becomes(&running, &new, 200);
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(ask(&running, &old, "").status, 200);
    thread::sleep(Duration::from_millis(2500));
    let refused = place.try_grantd(&format!("client finish-rotation {}", old.id));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("127.0.0.1") && said.contains("--force"), "{said}");
    place.grantd(&format!("client finish-rotation {} --force", old.id));
    becomes(&running, &old, 401);
    assert_eq!(ask(&running, &new, "").status, 200);
}

#[test]
fn a_wider_right_shows_in_the_next_token_and_a_narrower_one_raises_the_generation() {
    let place = place();
    let running = place.serve("");
    let client = place.client("--permission a");
    becomes(&running, &client, 200);
    let shows = |scope: &str, generation: u64| {
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let claims = claims(&running, &client);
            if claims["scope"] == scope && claims["gen"] == generation {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{claims} is not {scope} of generation {generation}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    };
    shows("a", 1);
    place.grantd(&format!("client update {} --add-permission b", client.id));
    shows("a b", 1);
    place.grantd(&format!("client update {} --remove-permission a", client.id));
    shows("b", 2);
    place.grantd("role create r --permission a --permission b");
    place.grantd(&format!("client update {} --add-role r", client.id));
    shows("a b", 2);
    place.grantd("role update r --remove-permission a");
    shows("b", 3);
    place.grantd("permission delete b");
    shows("", 4);
}

#[test]
fn c10_every_change_is_in_an_audit_log_that_shows_tampering() {
    let place = place();
    let client = place.client("--permission a");
    place.grantd(&format!("client rotate {}", client.id));
    place.grantd(&format!("client delete {}", client.id));
    let events = place.grantd("audit list")["events"].as_array().unwrap().clone();
    let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    let expected = [
        "permission.create",
        "permission.create",
        "client.create",
        "client.rotate",
        "client.delete",
    ];
    assert_eq!(actions, expected);
    assert!(events[4]["actor"].as_str().unwrap().starts_with("cli:"));
    assert_eq!(
        (&events[4]["before"]["state"], &events[4]["after"]["state"]),
        (&"active".into(), &"deleted".into())
    );
    assert_eq!(place.grantd("audit verify")["events"], 5);
    let database = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    let tampering = [
        ("UPDATE audit SET actor = 'somebody' WHERE seq = 3", "row 3"),
        (
            "UPDATE audit SET actor = (SELECT actor FROM audit WHERE seq = 1) WHERE seq = 3; DELETE FROM audit WHERE seq = 5",
            "row 4",
        ),
        ("DELETE FROM audit WHERE seq = 2", "row 2"),
    ];
    for (statement, says) in tampering {
        database.execute_batch(statement).unwrap();
        let refused = place.try_grantd("audit verify");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains(says), "{statement}: {said}");
    }
}

#[test]
fn while_the_server_key_is_changed_old_secrets_work_and_opaque_tokens_live() {
    let place = place();
    let old = place.client("--permission a --format opaque");
    let server = place.client("--serves default");
    let env = place.path().join(".env");
    let text = std::fs::read_to_string(&env).unwrap();
    let running = place.serve("");
    let same = format!("--listen {}", running.address);
    let sealed = super::tokens::token(&running, &old, "");
    drop(running);
    let changed = text.replace("GRANTD_SECRET_KEY=", "GRANTD_SECRET_KEY_PREVIOUS=");
    let fresh = "A".repeat(43);
    std::fs::write(&env, format!("{changed}GRANTD_SECRET_KEY={fresh}\n")).unwrap();
    let new = place.client("--permission a");
    let running = place.serve(&same);
    assert_eq!((ask(&running, &old, "").status, ask(&running, &new, "").status), (200, 200));
    assert!(super::dead_tokens::active(&running, &server, &sealed));
    drop(running);
    let only: String = changed
        .lines()
        .filter(|line| !line.contains("PREVIOUS"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&env, format!("{only}GRANTD_SECRET_KEY={fresh}\n")).unwrap();
    let running = place.serve("");
    assert_eq!((ask(&running, &old, "").status, ask(&running, &new, "").status), (401, 200));
}
