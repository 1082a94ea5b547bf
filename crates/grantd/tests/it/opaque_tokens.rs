//! The promise for opaque tokens: a guard that asks refuses a dead one within its documented bound.

use std::time::{Duration, Instant};

use grantd_guard::{Discovery, FeedCredentials, Guard, GuardBuilder, GuardRefusal};
use tokio::runtime::Runtime;

use super::{
    dead_tokens::{DEEDS, Scene, scene},
    tokens::token,
};

fn asking(scene: &Scene) -> GuardBuilder<Discovery> {
    let issuer = format!("http://{}", scene.running.address);
    Guard::discover(issuer).introspection(credentials(scene))
}

fn credentials(scene: &Scene) -> FeedCredentials {
    FeedCredentials::basic(&scene.server.id, &scene.server.secret)
}

/// The refusal, which must come within the bound; the other client's token lives on.
fn refused_within(
    bound: Duration,
    scene: &Scene,
    guard: &Guard,
    act: impl Fn(&str),
) -> GuardRefusal {
    let runtime = Runtime::new().unwrap();
    let verify = |token: &str| runtime.block_on(guard.verify(token)).map(|_| ());
    let dead = token(&scene.running, &scene.client, "");
    let alive = token(&scene.running, &scene.other, "");
    assert!(dead.starts_with("gat_") && !alive.starts_with("gat_"));
    assert_eq!((verify(&dead), verify(&alive)), (Ok(()), Ok(())));
    act(&dead);
    let answered = Instant::now();
    loop {
        match verify(&dead) {
            Err(refusal) => {
                assert_eq!(verify(&alive), Ok(()));
                return refusal;
            }
            Ok(()) => assert!(answered.elapsed() < bound, "still accepted"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn rs_34_an_opaque_token_is_refused_within_the_time_that_answers_are_believed() {
    let runtime = Runtime::new().unwrap();
    for (name, deed) in DEEDS {
        let scene = scene("--format opaque");
        let guard = asking(&scene).introspection_ttl(Duration::from_millis(500)).build();
        let guard = runtime.block_on(guard).unwrap();
        let bound = Duration::from_millis(700);
        let refusal = refused_within(bound, &scene, &guard, |token| deed(&scene, token));
        assert_eq!(refusal, GuardRefusal::TokenInactive, "{name}");
    }
}

#[test]
fn rs_34_with_the_feed_it_is_refused_within_a_second_however_long_answers_are_believed() {
    let runtime = Runtime::new().unwrap();
    for (name, deed) in DEEDS {
        let scene = scene("--format opaque");
        let guard = asking(&scene)
            .introspection_ttl(Duration::from_hours(1))
            .revocations(credentials(&scene));
        let guard = runtime.block_on(guard.build()).unwrap();
        let bound = Duration::from_secs(1);
        let refusal = refused_within(bound, &scene, &guard, |token| deed(&scene, token));
        assert_eq!(refusal, GuardRefusal::Revoked, "{name}");
    }
}

#[test]
fn in_08_a_resource_server_of_another_api_does_not_get_an_opaque_token_accepted() {
    let scene = scene("--format opaque");
    scene.place.grantd("api create billing --audience https://billing.example");
    let stranger = scene.place.client("--serves billing");
    let runtime = Runtime::new().unwrap();
    let guard = Guard::discover(format!("http://{}", scene.running.address))
        .introspection(FeedCredentials::basic(&stranger.id, &stranger.secret));
    let guard = runtime.block_on(guard.build()).unwrap();
    let token = token(&scene.running, &scene.client, "");
    let refusal = runtime.block_on(guard.verify(&token)).unwrap_err();
    assert_eq!(refusal, GuardRefusal::TokenInactive);
}

#[test]
fn while_the_server_is_down_an_unknown_opaque_token_is_refused_with_503() {
    let mut scene = scene("--format opaque");
    let runtime = Runtime::new().unwrap();
    let guard = runtime.block_on(asking(&scene).build()).unwrap();
    let token = token(&scene.running, &scene.client, "");
    scene.running.kill();
    let refusal = runtime.block_on(guard.verify(&token)).unwrap_err();
    assert_eq!((refusal, refusal.status().as_u16()), (GuardRefusal::IntrospectionUnavailable, 503));
}
