//! Many at once: a code works once, a family of refresh tokens never forks, and what is ended stays ended.

use std::{
    net::SocketAddr,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use super::{
    acting::Scene,
    app::{App, Tokens, refreshment},
    dead_tokens::post,
    wire::Answer,
};

/// Sends the same to the token endpoint so often at once.
fn at_once(server: SocketAddr, app: &App, body: &str, times: usize) -> Vec<Answer> {
    let start = Barrier::new(times);
    thread::scope(|scope| {
        let one = || {
            start.wait();
            app.post(server, body)
        };
        let all: Vec<_> = (0..times).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// The tokens of the one answer that is good; all others are `invalid_grant`.
fn the_one_good(answers: &[Answer]) -> Tokens {
    let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(good.len(), 1, "of {}", answers.len());
    for answer in bad {
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_grant")));
    }
    Tokens::of(good[0])
}

#[test]
fn cx_02_of_a_hundred_parallel_redemptions_one_wins_and_the_reuse_kills_its_token() {
    let scene = Scene::open("");
    let mut browser = scene.browser("ada");
    for app in [&scene.web, &scene.spa] {
        let code = app.code(&mut browser, "schools.read");
        let won = the_one_good(&at_once(scene.running.address, app, &app.redemption(&code), 100));
        assert!(!scene.lives(&won.access), "the reuse was noticed");
        assert_eq!(app.refresh(scene.running.address, &won.refresh).status, 400);
    }
    let untouched = scene.tokens(&scene.web, &mut browser, "schools.read");
    assert!(scene.lives(&untouched.access), "other approvals go on");
}

#[test]
fn rf_03_of_twenty_parallel_refreshes_one_wins_and_no_branch_lives_on() {
    let scene = Scene::open("");
    let (server, app) = (scene.running.address, &scene.spa);
    let mut browser = scene.browser("ada");
    for round in 0..50 {
        let first = scene.tokens(app, &mut browser, "schools.read");
        let won = the_one_good(&at_once(server, app, &refreshment(&first.refresh), 20));
        for token in [&first.refresh, &won.refresh] {
            assert_eq!(app.refresh(server, token).status, 400, "a branch lives, round {round}");
        }
        for token in [&first.access, &won.access] {
            assert!(!scene.lives(token), "round {round}");
        }
    }
}

#[test]
fn a_client_that_may_retry_gets_one_and_the_same_token_however_often_it_asks_at_once() {
    let scene = Scene::open("");
    let id = &scene.web.client.id;
    scene.place.grantd(&format!("client update {id} --refresh-retry 30s"));
    thread::sleep(Duration::from_millis(500));
    let (server, app) = (scene.running.address, &scene.web);
    let mut token = scene.tokens(app, &mut scene.browser("ada"), "schools.read").refresh;
    for _ in 0..10 {
        let answers = at_once(server, app, &refreshment(&token), 20);
        let mut next: Vec<_> = answers.iter().map(|answer| Tokens::of(answer).refresh).collect();
        next.dedup();
        assert_eq!(next.len(), 1, "the family forked");
        token = next.remove(0);
    }
    assert_eq!(app.refresh(server, &token).status, 200);
}

/// Refreshes as an app does, until it is refused; every access token that it got, and the newest
/// refresh token.
fn go_on(server: SocketAddr, app: &App, first: Tokens) -> (Vec<String>, String) {
    let (mut access, mut refresh) = (vec![first.access], first.refresh);
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let answer = app.refresh(server, &refresh);
        if answer.status != 200 {
            assert_eq!(answer.json()["error"], "invalid_grant");
            return (access, refresh);
        }
        let next = Tokens::of(&answer);
        access.push(next.access);
        refresh = next.refresh;
    }
    panic!("it goes on");
}

fn assert_nothing_lives(scene: &Scene, app: &App, (access, refresh): &(Vec<String>, String)) {
    for token in access {
        assert!(!scene.lives(token), "one of {} access tokens lives", access.len());
    }
    assert_eq!(app.refresh(scene.running.address, refresh).status, 400);
}

#[test]
fn a_refresh_at_the_moment_of_its_revocation_leaves_nothing_alive() {
    let scene = Scene::open("");
    let (server, mut browser) = (scene.running.address, scene.browser("ada"));
    for round in 0..30 {
        let first = scene.tokens(&scene.web, &mut browser, "schools.read");
        let body = format!("token={}", first.refresh);
        let left = thread::scope(|scope| {
            let app = scope.spawn(|| go_on(server, &scene.web, first.clone()));
            thread::sleep(Duration::from_micros(round * 300));
            let answer = post(&scene.running, "/oauth/revoke", &scene.web.client, &body);
            assert_eq!(answer.status, 200);
            app.join().unwrap()
        });
        assert_nothing_lives(&scene, &scene.web, &left);
    }
}

#[test]
fn rf_13_a_refresh_at_the_moment_the_user_disconnects_the_app_leaves_nothing_alive() {
    let scene = Scene::open("");
    let (server, mut browser) = (scene.running.address, scene.browser("ada"));
    let form = format!("client_id={}", scene.web.client.id);
    for round in 0..20 {
        let first = scene.tokens(&scene.web, &mut browser, "schools.read");
        let left = thread::scope(|scope| {
            let app = scope.spawn(|| go_on(server, &scene.web, first));
            thread::sleep(Duration::from_micros(round * 500));
            assert_eq!(browser.post("/account/apps/disconnect", &form).status, 303);
            app.join().unwrap()
        });
        assert_nothing_lives(&scene, &scene.web, &left);
        let asked = browser.get(&scene.web.address(&[]));
        assert_eq!(asked.status, 200, "what was taken back is asked for again");
    }
}

#[test]
fn a_refresh_at_the_moment_its_user_is_disabled_leaves_nothing_alive() {
    let scene = Scene::open("");
    let server = scene.running.address;
    for _ in 0..5 {
        let mut browser = scene.browser("ada");
        let apps = [&scene.web, &scene.spa, &scene.web, &scene.spa];
        let first = apps.map(|app| (app, scene.tokens(app, &mut browser, "schools.read")));
        let left = thread::scope(|scope| {
            let all =
                first.map(|(app, tokens)| (app, scope.spawn(move || go_on(server, app, tokens))));
            scene.place.grantd("user disable ada");
            all.map(|(app, thread)| (app, thread.join().unwrap()))
        });
        for (app, left) in &left {
            assert_nothing_lives(&scene, app, left);
        }
        scene.place.grantd("user enable ada");
        for (app, left) in &left {
            assert_nothing_lives(&scene, app, left);
        }
    }
}

#[test]
fn a_code_at_the_moment_its_client_is_suspended_brings_nothing_that_lives() {
    let scene = Scene::open("");
    let (server, id) = (scene.running.address, &scene.web.client.id);
    let mut browser = scene.browser("ada");
    for _ in 0..5 {
        let codes: Vec<_> = (0..20).map(|_| scene.web.code(&mut browser, "schools.read")).collect();
        let answers: Vec<_> = thread::scope(|scope| {
            let redeem = || codes.iter().map(|code| scene.web.redeem(server, code)).collect();
            let redeeming = scope.spawn(redeem);
            scene.place.grantd(&format!("client revoke {id}"));
            redeeming.join().unwrap()
        });
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            assert!(!scene.lives(&Tokens::of(answer).access));
        }
        scene.place.grantd(&format!("client restore {id}"));
        let deadline = Instant::now() + Duration::from_secs(5);
        // Suspended at first, and then changed meanwhile, until the server has noticed both changes.
        while scene.web.ask(&mut browser, "schools.read").status != 303 {
            assert!(Instant::now() < deadline, "the client is not back");
            thread::sleep(Duration::from_millis(20));
        }
        for answer in answers.iter().filter(|answer| answer.status == 200) {
            let tokens = Tokens::of(answer);
            assert!(!scene.lives(&tokens.access));
            assert_eq!(scene.web.refresh(server, &tokens.refresh).status, 400);
        }
    }
}
