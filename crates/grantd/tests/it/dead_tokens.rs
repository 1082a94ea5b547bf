//! The promise: a token that is verified offline is refused within a second of its revocation.

use std::time::{Duration, Instant};

use grantd_guard::{FeedCredentials, Guard};

use super::{
    server::{Client, Place, Running},
    tokens::{ask, token},
    wire::{self, request},
};

pub(crate) fn post(running: &Running, path: &str, caller: &Client, body: &str) -> wire::Answer {
    let body = format!("{body}&client_id={}&client_secret={}", caller.id, caller.secret);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    wire::send(running.address, &request("POST", path, &headers, body.as_bytes())).unwrap()
}

pub(crate) fn active(running: &Running, caller: &Client, token: &str) -> bool {
    let answer = post(running, "/oauth/introspect", caller, &format!("token={token}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let told = answer.json();
    assert!(told["active"] == true || told == serde_json::json!({ "active": false }), "{told}");
    told["active"] == true
}

pub(crate) struct Scene {
    pub(crate) place: Place,
    pub(crate) running: Running,
    pub(crate) server: Client,
    pub(crate) client: Client,
    pub(crate) other: Client,
}

pub(crate) fn scene(options: &str) -> Scene {
    let place = Place::new();
    place.grantd("permission create a");
    place.grantd("permission create b");
    let server = place.client("--serves default");
    let client = place.client(&format!("--permission a --permission b {options}"));
    let other = place.client("--permission a");
    let running = place.serve("");
    Scene { place, running, server, client, other }
}

/// What kills, by name: each takes the scene and the token.
pub(crate) type Deed = fn(&Scene, &str);

pub(crate) const DEEDS: [(&str, Deed); 6] = [
    ("revoke", |scene, _| drop(scene.place.grantd(&format!("client revoke {}", scene.client.id)))),
    ("delete", |scene, _| drop(scene.place.grantd(&format!("client delete {}", scene.client.id)))),
    ("narrow", |scene, _| {
        drop(
            scene.place.grantd(&format!("client update {} --remove-permission b", scene.client.id)),
        );
    }),
    ("rotate", |scene, _| drop(scene.place.grantd(&format!("client rotate {}", scene.client.id)))),
    ("permission", |scene, _| drop(scene.place.grantd("permission delete b"))),
    ("single", |scene, token| {
        let answer =
            post(&scene.running, "/oauth/revoke", &scene.client, &format!("token={token}"));
        assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    }),
];

#[test]
fn in_07_in_15_introspection_knows_at_once_of_jwt_and_opaque_tokens_alike() {
    for options in ["", "--format opaque"] {
        for (name, deed) in DEEDS {
            let scene = scene(options);
            let (dead, alive) =
                (token(&scene.running, &scene.client, ""), token(&scene.running, &scene.other, ""));
            assert_eq!(dead.starts_with("gat_"), !options.is_empty(), "CC-20");
            assert!(active(&scene.running, &scene.server, &dead), "{name}");
            deed(&scene, &dead);
            assert!(
                !active(&scene.running, &scene.server, &dead),
                "{name}: introspection must know"
            );
            assert!(
                active(&scene.running, &scene.server, &alive),
                "{name}: another's token lives on"
            );
        }
    }
}

#[test]
fn a_guard_refuses_within_a_second_and_others_tokens_live_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, deed) in DEEDS {
        let scene = scene("");
        let credentials = FeedCredentials::basic(&scene.server.id, &scene.server.secret);
        let issuer = format!("http://{}", scene.running.address);
        let guard =
            runtime.block_on(Guard::discover(issuer).revocations(credentials).build()).unwrap();
        let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
        let (dead, alive) =
            (token(&scene.running, &scene.client, ""), token(&scene.running, &scene.other, ""));
        assert!(verify(&dead) && verify(&alive), "{name}");
        deed(&scene, &dead);
        let answered = Instant::now();
        while verify(&dead) {
            assert!(
                answered.elapsed() < Duration::from_secs(1),
                "{name}: still accepted after a second"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(verify(&alive), "{name}: another's token lives on");
    }
}

#[test]
fn ca_34_after_a_restore_old_tokens_stay_dead_and_rv_14_new_ones_live() {
    let scene = scene("");
    let old = token(&scene.running, &scene.client, "");
    scene.place.grantd(&format!("client revoke {}", scene.client.id));
    scene.place.grantd(&format!("client restore {}", scene.client.id));
    let deadline = Instant::now() + Duration::from_secs(2);
    let fresh = loop {
        let answer = ask(&scene.running, &scene.client, "");
        let token = answer.json()["access_token"].as_str().map(ToOwned::to_owned);
        match token.filter(|token| active(&scene.running, &scene.server, token)) {
            Some(token) => break token,
            None => assert!(Instant::now() < deadline, "no living token"),
        }
    };
    assert!(!active(&scene.running, &scene.server, &old));
    assert!(active(&scene.running, &scene.server, &fresh));
}

#[test]
fn rv_18_a_guard_that_was_cut_off_catches_up_when_the_server_is_back() {
    let mut scene = scene("");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = scene.running.address;
    let credentials = FeedCredentials::basic(&scene.server.id, &scene.server.secret);
    let guard = runtime
        .block_on(Guard::discover(format!("http://{address}")).revocations(credentials).build())
        .unwrap();
    let old = token(&scene.running, &scene.client, "");
    let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
    assert!(verify(&old));
    assert!(scene.running.terminate(), "streams do not hold the server up");
    scene.place.grantd(&format!("client revoke {}", scene.client.id));
    assert!(verify(&old), "within its time the guard trusts what it knows");
    let _back = scene.place.serve(&format!("--listen {address}"));
    let back = Instant::now();
    while verify(&old) {
        assert!(back.elapsed() < Duration::from_secs(10), "the revocation was missed");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_feed_has_pages_events_and_an_answer_for_foreign_cursors() {
    let scene = scene("");
    let page = |query: &str| {
        let basic = super::server::basic(&scene.server);
        let headers = [("Authorization", basic.as_str())];
        wire::send(
            scene.running.address,
            &request("GET", &format!("/oauth/revocations{query}"), &headers, b""),
        )
        .unwrap()
    };
    let first = page("").json();
    assert_eq!(first["issuer"], format!("http://{}", scene.running.address));
    assert_eq!(first["entries"], serde_json::json!([]), "creations kill nothing");
    scene.place.grantd(&format!("client revoke {}", scene.client.id));
    let second = page(&format!("?after={}", first["cursor"].as_str().unwrap())).json();
    let entry = &second["entries"][0];
    assert_eq!(
        (&entry["kind"], &entry["id"]),
        (&"client".into(), &scene.client.id.as_str().into())
    );
    assert_eq!(entry["generation"], 2);
    assert!(entry["until"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(
        page(&format!("?after={}", second["cursor"].as_str().unwrap())).json()["entries"],
        serde_json::json!([])
    );
    for foreign in
        ["?after=1.0", "?after=x", "?after=99999999999999999999.1", "?after='%20OR%201%3D1"]
    {
        assert_eq!(page(foreign).status, 410, "{foreign}");
    }
}
