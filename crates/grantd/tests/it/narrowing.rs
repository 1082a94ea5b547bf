//! What is taken away is gone: from living tokens at once, and from those that come after.

use std::{
    thread,
    time::{Duration, Instant},
};

use grantd_guard::{FeedCredentials, Guard};

use super::{
    acting::Scene,
    app::{App, Tokens},
    dead_tokens::post,
};

/// What happens after tokens were issued, and what a refresh gets then: a scope, or an error.
type Deed = (&'static str, fn(&Scene, &Tokens), Result<&'static str, &'static str>);

fn grantd(scene: &Scene, line: &str) {
    scene.place.grantd(&line.replace("APP", &scene.web.client.id));
}

const DEEDS: [Deed; 10] = [
    (
        "the user loses a permission",
        |scene, _| grantd(scene, "user update ada --remove-permission schools.write"),
        Ok("invoices.read schools.read"),
    ),
    (
        "the user's role loses one",
        |scene, _| grantd(scene, "role update clerk --remove-permission invoices.read"),
        Ok("schools.read schools.write"),
    ),
    (
        "the user loses a role",
        |scene, _| grantd(scene, "user update ada --remove-role clerk"),
        Ok("schools.read schools.write"),
    ),
    (
        "the client loses a permission",
        |scene, _| grantd(scene, "client update APP --remove-permission schools.write"),
        Ok("invoices.read schools.read"),
    ),
    (
        "a permission is deleted",
        |scene, _| grantd(scene, "permission delete schools.write"),
        Ok("invoices.read schools.read"),
    ),
    (
        "the client loses the grant",
        |scene, _| grantd(scene, "client update APP --grant client_credentials"),
        Err("unauthorized_client"),
    ),
    (
        "the client is suspended",
        |scene, _| grantd(scene, "client revoke APP"),
        Err("invalid_client"),
    ),
    ("the user is disabled", |scene, _| grantd(scene, "user disable ada"), Err("invalid_grant")),
    (
        "the user disconnects the app",
        |scene, _| {
            let form = format!("client_id={}", scene.web.client.id);
            let answer = scene.browser("ada").post("/account/apps/disconnect", &form);
            assert_eq!(answer.status, 303);
        },
        Err("invalid_grant"),
    ),
    (
        "the app ends its refresh token",
        |scene, tokens| {
            let body = format!("token={}", tokens.refresh);
            assert_eq!(post(&scene.running, "/oauth/revoke", &scene.web.client, &body).status, 200);
        },
        Err("invalid_grant"),
    ),
];

const ALL: &str = "invoices.read schools.read schools.write";

#[test]
fn cx_17_18_rf_12_to_14_what_is_taken_away_is_dead_within_a_second_and_does_not_come_back() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (name, deed, after) in DEEDS {
        let scene = Scene::open("");
        let credentials = FeedCredentials::basic(&scene.server.id, &scene.server.secret);
        let issuer = format!("http://{}", scene.running.address);
        let guard =
            runtime.block_on(Guard::discover(issuer).revocations(credentials).build()).unwrap();
        let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
        let mut browser = scene.browser("ada");
        let tokens = scene.tokens(&scene.web, &mut browser, ALL);
        // Somebody whom none of it concerns: another user, at another app, both with less.
        scene.place.user("eve", super::server::PASSWORD, "--permission schools.read");
        let line = "--permission schools.read --grant authorization_code --redirect-uri https://c.example/cb";
        let calm = App::new(&scene.place.client(line), "https://c.example/cb");
        let other = scene.tokens(&calm, &mut scene.browser("eve"), "schools.read");
        for token in [&tokens, &other] {
            assert!(verify(&token.access) && scene.lives(&token.access), "{name}");
        }
        deed(&scene, &tokens);
        let answered = Instant::now();
        assert!(!scene.lives(&tokens.access), "{name}: introspection must know");
        while verify(&tokens.access) {
            assert!(answered.elapsed() < Duration::from_secs(1), "{name}: accepted after a second");
            thread::sleep(Duration::from_millis(5));
        }
        // What a running server has cached of the client is gone within a moment, too.
        thread::sleep(Duration::from_millis(500));
        let answer = scene.web.refresh(scene.running.address, &tokens.refresh);
        let got = answer.json();
        match after {
            Ok(scope) => {
                assert_eq!(got["scope"], scope, "{name}: {got}");
                let next = Tokens::of(&answer);
                assert!(
                    verify(&next.access) && scene.lives(&next.access),
                    "{name}: the new one works"
                );
            }
            Err(error) => assert_eq!(got["error"], error, "{name}"),
        }
        assert!(verify(&other.access) && scene.lives(&other.access), "{name}: another's lives on");
    }
}

#[test]
fn rights_that_come_back_revive_no_token_and_are_in_the_next() {
    let scene = Scene::open("");
    let tokens = scene.tokens(&scene.web, &mut scene.browser("ada"), ALL);
    scene.place.grantd("user update ada --remove-permission schools.write");
    scene.place.grantd("user update ada --add-permission schools.write");
    assert!(!scene.lives(&tokens.access));
    let next = scene.web.refresh(scene.running.address, &tokens.refresh);
    assert_eq!(next.json()["scope"], ALL, "the user allowed it, and has it");
}

#[test]
fn a_right_that_is_given_to_the_user_later_is_in_no_token_that_they_did_not_allow() {
    let scene = Scene::open("");
    let tokens = scene.tokens(&scene.web, &mut scene.browser("ada"), "schools.read");
    scene.place.grantd("permission create later");
    scene.place.grantd("user update ada --add-permission later");
    scene.place.grantd(&format!("client update {} --add-permission later", scene.web.client.id));
    thread::sleep(Duration::from_millis(500));
    assert!(scene.lives(&tokens.access), "who is given something loses nothing");
    let next = Tokens::of(&scene.web.refresh(scene.running.address, &tokens.refresh));
    assert_eq!(super::tokens::claims_of(&next.access)["scope"], "schools.read");
    let body = format!("grant_type=refresh_token&refresh_token={}&scope=later", next.refresh);
    let answer = scene.web.post(scene.running.address, &body);
    assert_eq!(answer.json()["error"], "invalid_scope");
}

#[test]
fn rf_09_refresh_tokens_end_for_good_however_often_they_are_used() {
    // Access tokens that live for longer keep the approval, and must not carry it on.
    let scene = Scene::open("--refresh-token-ttl 3s --access-token-ttl 60s");
    let begun = Instant::now();
    let mut tokens = scene.tokens(&scene.web, &mut scene.browser("ada"), "schools.read");
    let refused = loop {
        let answer = scene.web.refresh(scene.running.address, &tokens.refresh);
        if answer.status != 200 {
            break answer;
        }
        tokens = Tokens::of(&answer);
        assert!(begun.elapsed() < Duration::from_secs(15), "it goes on and on");
        thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(refused.json()["error"], "invalid_grant");
    assert!(begun.elapsed() > Duration::from_secs(2), "not before its time");
    assert!(scene.lives(&tokens.access), "the token that it brought has its own time");
}
