//! A revoked token is refused within a second, and nothing but what was revoked.

use std::time::Duration;

use axum::http::StatusCode;
use grantd_guard::{BuildError, FeedCredentials, FeedError, Guard, GuardRefusal};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    application::{application, ask_with, assert_invalid},
    fake_feed::{FakeFeed, eventually},
    fake_issuer::FakeIssuer,
    forge::{Forge, claims, now, user_claims},
};

/// A token of the feed's issuer with these claims changed.
fn machine(feed: &FakeFeed, changes: Value) -> String {
    feed.key.token(&claims(&with_issuer(feed, changes)))
}

fn user(feed: &FakeFeed, changes: Value) -> String {
    feed.key.token(&user_claims(&with_issuer(feed, changes)))
}

fn with_issuer(feed: &FakeFeed, mut changes: Value) -> Value {
    changes["iss"] = feed.issuer.issuer.clone().into();
    changes
}

async fn is_revoked(guard: &Guard, token: &str) -> bool {
    match guard.verify(token).await {
        Ok(_) => false,
        Err(GuardRefusal::Revoked) => true,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_was_revoked_before_the_guard_was_built_is_refused_from_its_first_token_on() {
    let feed = FakeFeed::start().await;
    for n in 0..5 {
        feed.revoke("token", &format!("dead{n}"));
    }
    let guard = feed.built().await;
    for n in 0..5 {
        assert!(is_revoked(&guard, &machine(&feed, json!({ "jti": format!("dead{n}") }))).await);
    }
    let app = application(&guard);
    assert_invalid(&app, &machine(&feed, json!({ "jti": "dead0" })), "revoked").await;
    let alive = machine(&feed, json!({}));
    assert_eq!(ask_with(&app, "/api/v1/schools", &alive).await.status, 200);
    let status = guard.feed_status();
    assert_eq!((status.entries, status.cursor.as_deref()), (5, Some("c.5")));
    assert!(status.connected && !status.cut && status.last_contact.is_some());
}

#[tokio::test]
async fn a_revocation_is_in_force_within_a_second() {
    let feed = FakeFeed::start().await;
    let guard = feed.built().await;
    eventually("a stream", async || feed.change(|script| script.streams) == 1).await;
    let mut delays = Vec::new();
    for n in 0..100 {
        let id = format!("t{n}");
        let token = machine(&feed, json!({ "jti": id }));
        assert!(!is_revoked(&guard, &token).await);
        feed.revoke("token", &id);
        let revoked = Instant::now();
        while !is_revoked(&guard, &token).await {
            assert!(revoked.elapsed() < Duration::from_secs(1), "a second after its revocation");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        delays.push(revoked.elapsed());
    }
    delays.sort_unstable();
    println!(
        "revocation to refusal: p50 {:?}, p99 {:?}, max {:?}",
        delays[49], delays[98], delays[99]
    );
    assert_eq!(feed.change(|script| script.streams), 1, "all by one stream");
}

#[tokio::test]
async fn each_kind_kills_the_tokens_that_name_its_id_and_no_others() {
    for (kind, id, of_machine, of_user) in [
        ("client", "c1", true, true),
        ("client", "u1", false, false),
        ("user", "u1", false, true),
        ("user", "c1", false, false),
        ("credential", "k1", true, true),
        ("token", "t1", true, true),
        ("grant", "g1", false, true),
        ("key", "k", true, true),
        ("key", "k1", false, false),
        ("token", "k1", false, false),
        ("credential", "t1", false, false),
        ("grant", "c1", false, false),
        ("anything", "c1", false, false),
    ] {
        let feed = FakeFeed::start().await;
        feed.raise(kind, id, 9);
        let guard = feed.built().await;
        let machine = machine(&feed, json!({}));
        assert_eq!(is_revoked(&guard, &machine).await, of_machine, "{kind} {id}, machine");
        let user = user(&feed, json!({}));
        assert_eq!(is_revoked(&guard, &user).await, of_user, "{kind} {id}, user");
        let others = json!({ "sub": "c2", "client_id": "c2", "jti": "t2", "cid": "k2" });
        let other = self::machine(&feed, others);
        assert_eq!(is_revoked(&guard, &other).await, kind == "key" && id == "k", "{kind} {id}");
    }
}

#[tokio::test]
async fn a_generation_below_dies_and_an_equal_one_lives() {
    let feed = FakeFeed::start().await;
    feed.raise("client", "c1", 3);
    feed.raise("user", "u1", 7);
    let guard = feed.built().await;
    for (generation, dead) in
        [(json!(2), true), (json!(3), false), (json!(4), false), (json!(null), true)]
    {
        let token = machine(&feed, json!({ "gen": generation }));
        assert_eq!(is_revoked(&guard, &token).await, dead, "gen {generation}");
        let token = user(&feed, json!({ "gen": generation, "ugen": 7 }));
        assert_eq!(is_revoked(&guard, &token).await, dead, "a user's, gen {generation}");
    }
    for (generation, dead) in [(0, true), (6, true), (7, false), (8, false)] {
        let token = user(&feed, json!({ "ugen": generation }));
        assert_eq!(is_revoked(&guard, &token).await, dead, "ugen {generation}");
    }
    // A machine that has a user's id is still no user.
    let machine = machine(&feed, json!({ "sub": "u1", "client_id": "u1" }));
    assert!(!is_revoked(&guard, &machine).await);
}

#[tokio::test]
async fn a_principal_tells_the_user_s_generation_and_the_approval() {
    let feed = FakeFeed::start().await;
    let guard = feed.built().await;
    let claims = json!({ "ugen": 7, "grant": "g1" });
    let principal = guard.verify(&user(&feed, claims.clone())).await.unwrap();
    assert_eq!((principal.user_generation(), principal.grant_id()), (Some(7), Some("g1")));
    let principal = guard.verify(&machine(&feed, json!({}))).await.unwrap();
    assert_eq!((principal.user_generation(), principal.grant_id()), (None, None));
}

#[tokio::test]
async fn an_entry_past_its_end_is_forgotten() {
    let feed = FakeFeed::start().await;
    feed.say(json!({ "kind": "token", "id": "long-ago", "until": now() - 1 }));
    feed.say(json!({ "kind": "token", "id": "soon", "until": now() + 2 }));
    feed.revoke("token", "later");
    let guard = feed.built().await;
    assert_eq!(guard.feed_status().entries, 2);
    eventually("it is forgotten", async || guard.feed_status().entries == 1).await;
    assert!(is_revoked(&guard, &machine(&feed, json!({ "jti": "later" }))).await);
}

#[tokio::test]
async fn where_there_is_no_stream_pages_are_asked_for_each_second() {
    let feed = FakeFeed::start().await;
    feed.change(|script| script.has_stream = false);
    let guard = feed.built().await;
    let token = machine(&feed, json!({}));
    assert!(!is_revoked(&guard, &token).await);
    feed.revoke("token", "t1");
    eventually("it is revoked", async || is_revoked(&guard, &token).await).await;
    assert!(guard.feed_status().connected);
    assert!(feed.change(|script| script.pages) < 10);
}

#[tokio::test]
async fn a_feed_that_cannot_be_read_at_first_is_an_error_that_says_what_to_do() {
    let feed = FakeFeed::start().await;
    for (status, advice) in [
        (StatusCode::UNAUTHORIZED, "grantd client create --serves API"),
        (StatusCode::FORBIDDEN, "must be a resource server"),
        (StatusCode::BAD_GATEWAY, "502"),
    ] {
        feed.change(|script| script.status = status);
        let error = feed.guard().build().await.unwrap_err();
        assert!(
            matches!(error, BuildError::Feed { .. }) && error.to_string().contains(advice),
            "{error}"
        );
    }
}

#[tokio::test]
async fn without_a_word_in_the_metadata_the_feed_is_at_its_usual_place() {
    for path in ["", "/", "/tenant/1"] {
        let issuer = FakeIssuer::start(path, &[&Forge::new("k")]).await;
        let building = issuer.guard().revocations(FeedCredentials::basic("a", "b")).build();
        let place = format!("{}/oauth/revocations", issuer.issuer.trim_end_matches('/'));
        match building.await.unwrap_err() {
            BuildError::Feed { url, cause: FeedError::Fetch(_) } => assert_eq!(url, place),
            other => panic!("{other}"),
        }
    }
}
