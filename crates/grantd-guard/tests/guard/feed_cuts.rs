//! The feed is lost and found again: what holds meanwhile, and that nothing is missed.

use std::time::Duration;

use axum::http::StatusCode;
use grantd_guard::GuardRefusal;
use serde_json::json;

use crate::{
    application::{application, ask_with},
    fake_feed::{FakeFeed, eventually},
    forge::claims,
};

const SHORT: Duration = Duration::from_millis(800);

fn token(feed: &FakeFeed, id: &str) -> String {
    feed.key.token(&claims(&json!({ "iss": feed.issuer.issuer, "jti": id })))
}

#[tokio::test]
async fn after_a_restart_the_guard_resumes_where_it_was_and_misses_nothing() {
    let mut feed = FakeFeed::start().await;
    feed.revoke("token", "before");
    let guard = feed.built().await;
    eventually("a stream", async || feed.change(|script| script.streams) == 1).await;
    feed.revoke("token", "live");
    eventually("live", async || guard.feed_status().entries == 2).await;
    for round in 0..3 {
        feed.down();
        eventually("cut off", async || !guard.feed_status().connected).await;
        let missed = format!("missed{round}");
        feed.revoke("token", &missed);
        assert!(guard.verify(&token(&feed, &missed)).await.is_ok(), "within the time allowed");
        feed.up().await;
        eventually("caught up", async || guard.verify(&token(&feed, &missed)).await.is_err()).await;
        let streams = round + 2;
        eventually("a stream", async || feed.change(|script| script.streams) == streams).await;
    }
    for id in ["before", "live", "missed0", "missed1", "missed2"] {
        assert_eq!(
            guard.verify(&token(&feed, id)).await.unwrap_err(),
            GuardRefusal::Revoked,
            "{id}"
        );
    }
    assert_eq!(feed.change(|script| script.whole_lists), 1);
    assert_eq!(feed.change(|script| script.resumed_from.clone()), ["c.1", "c.3", "c.4", "c.5"]);
}

#[tokio::test]
async fn a_cursor_too_old_makes_the_guard_read_the_whole_list_in_the_place_of_what_it_knew() {
    let mut feed = FakeFeed::start().await;
    feed.revoke("token", "old");
    feed.revoke("token", "kept");
    let guard = feed.built().await;
    eventually("a stream", async || feed.change(|script| script.streams) == 1).await;
    feed.down();
    feed.revoke("token", "new");
    feed.change(|script| {
        script.entries[0] = None;
        script.floor = 3;
    });
    feed.up().await;
    eventually("caught up", async || guard.verify(&token(&feed, "new")).await.is_err()).await;
    assert!(guard.verify(&token(&feed, "kept")).await.is_err());
    assert!(guard.verify(&token(&feed, "old")).await.is_ok());
    assert_eq!(guard.feed_status().entries, 2);
    assert_eq!(feed.change(|script| script.whole_lists), 2);
}

#[tokio::test]
async fn cut_for_too_long_every_token_is_refused_with_503_until_the_feed_is_back() {
    let mut feed = FakeFeed::start().await;
    feed.revoke("token", "dead");
    let guard = feed.guard().max_feed_age(SHORT).build().await.unwrap();
    let app = application(&guard);
    let good = token(&feed, "t1");
    assert_eq!(ask_with(&app, "/api/v1/schools", &good).await.status, 200);
    feed.down();
    assert_eq!(ask_with(&app, "/api/v1/schools", &good).await.status, 200, "not yet");
    eventually("cut", async || guard.feed_status().cut).await;
    let answer = ask_with(&app, "/api/v1/schools", &good).await;
    assert_eq!((answer.status, answer.challenge()), (503, ""));
    assert_eq!(answer.headers["retry-after"], "5");
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    assert_eq!(guard.verify(&good).await.unwrap_err(), GuardRefusal::FeedCut);
    assert_eq!(guard.verify(&token(&feed, "dead")).await.unwrap_err(), GuardRefusal::Revoked);
    feed.up().await;
    eventually("back", async || guard.verify(&good).await.is_ok()).await;
    assert!(!guard.feed_status().cut);
}

#[tokio::test]
async fn failing_open_a_cut_feed_lets_tokens_pass_and_says_so() {
    let mut feed = FakeFeed::start().await;
    feed.revoke("token", "dead");
    let guard = feed.guard().max_feed_age(SHORT).fail_open().build().await.unwrap();
    feed.down();
    eventually("cut", async || guard.feed_status().cut).await;
    let status = guard.feed_status();
    assert!(!status.connected && status.last_contact.unwrap() > SHORT);
    assert!(guard.verify(&token(&feed, "t1")).await.is_ok());
    assert_eq!(guard.verify(&token(&feed, "dead")).await.unwrap_err(), GuardRefusal::Revoked);
}

#[tokio::test]
async fn failing_open_a_guard_starts_without_the_feed_and_finds_it_later() {
    let mut feed = FakeFeed::start().await;
    feed.revoke("token", "dead");
    feed.down();
    assert!(feed.guard().build().await.is_err(), "failing closed it does not start");
    let guard = feed.guard().fail_open().build().await.unwrap();
    let status = guard.feed_status();
    assert_eq!((status.cut, status.connected, status.last_contact), (true, false, None));
    assert!(guard.verify(&token(&feed, "dead")).await.is_ok());
    feed.up().await;
    eventually("found", async || guard.verify(&token(&feed, "dead")).await.is_err()).await;
    assert!(!guard.feed_status().cut);
}

#[tokio::test]
async fn heartbeats_alone_keep_the_feed_fresh() {
    let feed = FakeFeed::start().await;
    let guard = feed.guard().max_feed_age(SHORT).build().await.unwrap();
    eventually("a stream", async || feed.change(|script| script.streams) == 1).await;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(guard.verify(&token(&feed, "t1")).await.is_ok());
    }
    assert_eq!(feed.change(|script| (script.streams, script.whole_lists)), (1, 1));
}

#[tokio::test]
async fn a_stream_without_heartbeats_is_given_up_and_opened_again() {
    let feed = FakeFeed::start().await;
    feed.change(|script| script.heartbeat = Duration::from_hours(1));
    let guard = feed.guard().max_feed_age(SHORT).build().await.unwrap();
    eventually("a second stream", async || feed.change(|script| script.streams) == 2).await;
    assert!(guard.verify(&token(&feed, "t1")).await.is_ok());
}

#[tokio::test]
async fn a_client_that_may_no_longer_read_the_feed_is_cut_and_does_not_hammer() {
    let mut feed = FakeFeed::start().await;
    let guard = feed.guard().max_feed_age(SHORT).build().await.unwrap();
    feed.change(|script| script.status = StatusCode::FORBIDDEN);
    feed.down();
    feed.up().await;
    let before = feed.change(|script| script.requests);
    eventually("cut", async || guard.feed_status().cut).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(guard.verify(&token(&feed, "t1")).await.unwrap_err(), GuardRefusal::FeedCut);
    assert!(feed.change(|script| script.requests) <= before + 1);
}

#[tokio::test]
async fn a_dropped_guard_reads_no_more() {
    let feed = FakeFeed::start().await;
    feed.change(|script| script.has_stream = false);
    let guard = feed.built().await;
    let clone = guard.clone();
    drop(guard);
    feed.revoke("token", "t1");
    eventually("the clone", async || clone.verify(&token(&feed, "t1")).await.is_err()).await;
    drop(clone);
    let pages = feed.change(|script| script.pages);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(feed.change(|script| script.pages) <= pages + 1);
}
