//! Bytes from outside that mean harm: each gets a defined answer, none a panic, a 500 or an echo.

use std::collections::HashSet;

use super::{
    server::{FIXTURE, Place, contents},
    tokens::ask,
    wire::{self, form, request},
};

/// Repeatable noise (xorshift), so that a failure can be run again.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, limit: u64) -> Vec<u8> {
        let length = self.next() % limit;
        (0..length).map(|_| self.next().to_le_bytes()[3]).collect()
    }
}

#[test]
fn te_03_other_methods_than_post_are_405() {
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"] {
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Connection", "close")];
        let answer = wire::send(
            FIXTURE.running.address,
            &request(method, "/oauth/token", &headers, b"grant_type=client_credentials"),
        )
        .unwrap();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
    }
}

#[test]
fn te_23_and_ca_38_a_body_over_64_kib_is_413() {
    let (running, client) = (&FIXTURE.running, &FIXTURE.clients["cc"]);
    for size in [64 * 1024 + 1, 2 * 1024 * 1024] {
        let answer = wire::send(running.address, &form(&"a".repeat(size))).unwrap();
        assert_eq!(answer.status, 413);
    }
    let filler = format!("&filler={}", "a".repeat(60 * 1024));
    assert_eq!(ask(running, client, &filler).status, 200, "64 KiB are enough for anything");
    let id = format!(
        "grant_type=client_credentials&client_secret=x&client_id={}",
        "a".repeat(64 * 1024)
    );
    assert_eq!(wire::send(running.address, &form(&id)).unwrap().status, 413);
}

#[test]
fn te_23_a_body_over_the_limit_in_chunks_is_413_too() {
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Transfer-Encoding", "chunked")];
    let chunk = format!("8000\r\n{}\r\n", "a".repeat(0x8000));
    let answer = wire::send(
        FIXTURE.running.address,
        &request("POST", "/oauth/token", &headers, chunk.repeat(4).as_bytes()),
    )
    .unwrap();
    assert_eq!(answer.status, 413);
}

#[test]
fn te_25_chunks_may_cut_a_parameter_in_two() {
    let client = &FIXTURE.clients["cc"];
    let body = format!(
        "grant_type=client_cred|entials&client_id={}&client|_secret={}",
        client.id, client.secret
    );
    let chunks: String =
        body.split('|').map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
    let headers =
        [("Content-Type", "application/x-www-form-urlencoded"), ("Transfer-Encoding", "chunked")];
    let answer = wire::send(
        FIXTURE.running.address,
        &request("POST", "/oauth/token", &headers, format!("{chunks}0\r\n\r\n").as_bytes()),
    )
    .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn te_33_random_bodies_get_a_defined_refusal() {
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for round in 0..500 {
        let content_type =
            ["application/x-www-form-urlencoded", "application/json", "text/plain"][round % 3];
        let body = noise.bytes(4096);
        let answer = wire::send(
            FIXTURE.running.address,
            &request("POST", "/oauth/token", &[("Content-Type", content_type)], &body),
        )
        .unwrap();
        assert!(matches!(answer.status, 400 | 401), "{} for {body:?}", answer.status);
        assert!(answer.json()["error"].is_string());
    }
}

#[test]
fn random_bytes_on_any_route_never_make_a_5xx() {
    let mut noise = Noise(7);
    let paths =
        ["/oauth/token", "/.well-known/jwks.json", "/healthz", "/readyz", "/", "/nowhere", "*"];
    for round in 0..700 {
        let path = paths[round % paths.len()];
        let mut bytes = match round % 3 {
            0 => noise.bytes(200),
            1 => request("POST", path, &[("Authorization", "Basic")], &noise.bytes(300)),
            _ => format!("POST {path}?{round} HTTP/1.1\r\nHost: x\r\n").into_bytes(),
        };
        if round % 3 != 1 {
            bytes.extend(noise.bytes(100));
            bytes.extend(b"\r\n\r\n");
        }
        if let Some(answer) = wire::send(FIXTURE.running.address, &bytes) {
            assert!(answer.status < 500, "{} on {path}: {bytes:?}", answer.status);
        }
    }
    assert_eq!(ask(&FIXTURE.running, &FIXTURE.clients["cc"], "").status, 200, "and it goes on");
}

#[test]
fn every_failed_authentication_has_the_same_bytes() {
    let mut bodies = HashSet::new();
    for name in ["revoked", "deleted", "expired"] {
        bodies.insert(ask(&FIXTURE.running, &FIXTURE.clients[name], "").text());
    }
    for body in [
        "client_id=nobody&client_secret=x",
        "client_id=spa",
        "client_secret=x",
        "client_id=%00&client_secret=y",
    ] {
        let answer = wire::send(
            FIXTURE.running.address,
            &form(&format!("grant_type=client_credentials&{body}")),
        )
        .unwrap();
        assert_eq!(answer.status, 401, "{body}");
        bodies.insert(answer.text());
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[test]
fn te_29_and_30_errors_are_not_stored_and_say_nothing_of_the_inside() {
    let client = &FIXTURE.clients["cc"];
    for body in ["grant_type=foo", "grant_type=client_credentials", "", "scope=%FF"] {
        let body = format!("{body}&client_id={}&client_secret={}x", client.id, client.secret);
        let answer = wire::send(FIXTURE.running.address, &form(&body)).unwrap();
        assert!(matches!(answer.status, 400 | 401));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        for inside in [client.secret.as_str(), "panicked", "backtrace", "sqlite", "SELECT "] {
            assert!(!answer.text().contains(inside), "{inside} in {}", answer.text());
        }
    }
}

#[test]
fn op_02_no_secret_stands_in_logs_or_files() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    let running = place.serve("--log debug");
    let token = ask(&running, &client, "").json()["access_token"].as_str().unwrap().to_owned();
    // The mistakes people make: secret as id, secret misspelt, secret twice, secret in the query.
    let spoilt = format!("{}x", client.secret);
    let id = &client.id;
    for body in [
        format!("grant_type=client_credentials&client_id={}&client_secret={id}", client.secret),
        format!("grant_type=client_credentials&client_id={id}&client_secret={spoilt}"),
        format!(
            "grant_type=client_credentials&client_id={id}&client_secret={0}&client_secret={0}",
            client.secret
        ),
        format!("grant_type={}&client_id={id}", client.secret),
        format!(
            "grant_type=client_credentials&scope={}&client_id={id}&client_secret={}",
            client.secret, client.secret
        ),
    ] {
        assert!(matches!(wire::send(running.address, &form(&body)).unwrap().status, 400 | 401));
    }
    let query = format!("/oauth/token?client_secret={}", client.secret);
    wire::send(
        running.address,
        &request("POST", &query, &[("Authorization", &format!("Bearer {token}"))], b""),
    )
    .unwrap();
    assert!(running.refusal_since(0).is_some(), "refusals are logged");
    std::fs::remove_file(place.path().join(".env")).unwrap();
    let log = running.log().join("\n");
    let files = contents(place.path());
    for secret in [&client.secret, &token] {
        assert!(!log.contains(secret.as_str()), "a secret is in the log");
        assert!(
            !files.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "a secret is on disk"
        );
    }
}
