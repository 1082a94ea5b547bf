//! What people and clients leave behind who change nothing: in the audit log what somebody proved, in
//! the log the rest, and neither without bound.

use std::{thread, time::Duration};

use serde_json::Value;

use super::{
    server::{Client, Place, Running, basic},
    tokens::token,
    visitor::Visitor,
    wire::{self, request},
};

const PASSWORD: &str = "correct horse battery";

fn events(place: &Place) -> Vec<(String, Value)> {
    let listed = place.grantd("audit list --limit 1000")["events"].clone();
    let events = listed.as_array().unwrap().iter();
    events.map(|event| (event["action"].as_str().unwrap().to_owned(), event.clone())).collect()
}

/// Lines of the log with this message, once there are so many.
fn lines(running: &Running, message: &str, expected: usize) -> Vec<Value> {
    for _ in 0..100 {
        let log = running.log();
        let found = log.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let found: Vec<_> = found.filter(|line| line["message"] == message).collect();
        if found.len() >= expected {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("no {expected} lines of `{message}`: {:?}", running.log());
}

#[test]
fn who_came_and_went_is_in_the_audit_log_and_who_did_not_get_in_is_in_the_log() {
    let place = Place::new();
    let id = place.user("Ada", PASSWORD, "");
    let running = place.serve("");
    let (mut here, mut there) = (Visitor::new(&running), Visitor::new(&running));
    assert_eq!(here.sign_in("Ada", "wrong wrong").status, 422);
    assert_eq!(here.sign_in("my secret, typed here", "wrong wrong").status, 422);
    here.sign_in("Ada", PASSWORD);
    there.sign_in("Ada", PASSWORD);
    here.post("/account/sessions/revoke-others", "");
    here.post("/account/sessions/revoke-others", "");
    here.post("/logout", "");
    let all = events(&place);
    let actions: Vec<_> = all.iter().map(|(action, _)| action.as_str()).collect();
    let came_and_went = ["user.sign-in", "user.sign-in", "user.sign-out", "user.sign-out"];
    assert_eq!(actions[1..], came_and_went, "and nothing of who failed");
    for (_, event) in &all[1..] {
        let whose = Value::from(format!("user:{id}"));
        assert_eq!((&event["actor"], &event["object"]), (&whose, &whose));
        assert_eq!(event["address"], "127.0.0.1");
    }
    assert_eq!(all[2].1["after"]["session_id"], all[3].1["before"]["session_ids"][0]);
    let refused = lines(&running, "a sign-in was refused", 2);
    assert_eq!((&refused[0]["user"], &refused[1]["user"]), (&Value::from(id), &Value::Null));
    assert_eq!(refused[0]["refusal"], "password-wrong");
    assert!(!running.log().iter().any(|line| line.contains("my secret")));
}

#[test]
fn guesses_without_end_fill_no_log() {
    let place = Place::new();
    let running = place.serve("");
    for _ in 0..100 {
        Visitor::new(&running).sign_in("nobody", "wrong wrong");
    }
    let refused = lines(&running, "a sign-in was refused", 5);
    assert!(refused.len() < 100, "{} lines", refused.len());
    assert_eq!(events(&place).len(), 0);
}

#[test]
fn a_token_that_a_client_revokes_leaves_a_line_and_a_dead_one_none() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    let running = place.serve("");
    let before = events(&place).len();
    let revoked = token(&running, &client, "");
    for _ in 0..2 {
        revoke(&running, &client, &revoked);
    }
    revoke(&running, &client, "no token at all");
    let other = token(&running, &client, "");
    revoke(&running, &client, &other);
    let told = lines(&running, "a client revoked its own", 2);
    assert_eq!(told.len(), 2, "{told:?}");
    let id = place.grantd(&format!("token inspect {revoked}"))["claims"]["jti"].clone();
    assert_eq!(told[0]["what"], format!("token:{}", id.as_str().unwrap()));
    assert_eq!(told[0]["client"], client.id.as_str());
    assert_eq!(
        events(&place).len(),
        before,
        "tokens are without number, and the audit log keeps all"
    );
}

fn revoke(running: &Running, client: &Client, token: &str) {
    let authorization = basic(client);
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Authorization", authorization.as_str()),
    ];
    let body = format!("token={}", token.replace(' ', "+"));
    let answer =
        wire::send(running.address, &request("POST", "/oauth/revoke", &headers, body.as_bytes()));
    assert_eq!(answer.unwrap().status, 200);
}
