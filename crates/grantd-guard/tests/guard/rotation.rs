//! Keys come and go: who causes a fetch, how many, and what happens when it fails.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use grantd_guard::GuardRefusal;

use crate::{
    application::{application, ask_with},
    fake_feed::eventually,
    fake_issuer::{FakeIssuer, change},
    forge::Forge,
};

#[tokio::test]
async fn a_new_key_is_picked_up_by_one_fetch_and_a_removed_one_is_refused_from_then_on() {
    let (old, new) = (Forge::new("old"), Forge::new("new"));
    let issuer = FakeIssuer::start("", &[&old]).await;
    let guard = issuer.guard().build().await.unwrap();
    assert!(guard.verify(&issuer.token(&old)).await.is_ok());
    issuer.publish(&[&new]);
    for _ in 0..3 {
        assert!(guard.verify(&issuer.token(&new)).await.is_ok());
    }
    assert_eq!(guard.verify(&issuer.token(&old)).await.unwrap_err(), GuardRefusal::KeyUnknown);
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_hundred_concurrent_tokens_of_a_new_key_cause_one_fetch_and_all_pass() {
    let (old, new) = (Forge::new("old"), Forge::new("new"));
    let issuer = FakeIssuer::start("", &[&old]).await;
    let guard = issuer.guard().build().await.unwrap();
    issuer.publish(&[&old, &new]);
    change(&issuer.keys, |document| document.delay = Duration::from_millis(100));
    let token = issuer.token(&new);
    let verified = join_all((0..100).map(|_| guard.verify(&token))).await;
    assert!(verified.iter().all(Result::is_ok));
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn forged_key_ids_cause_one_fetch_an_interval() {
    let (key, forged) = (Forge::new("k"), Forge::new("forged"));
    let issuer = FakeIssuer::start("", &[&key]).await;
    let guard = issuer.guard().refetch_interval(Duration::from_millis(500)).build().await.unwrap();
    let token = issuer.token(&forged);
    for _ in 0..50 {
        assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::KeyUnknown);
    }
    assert_eq!(issuer.fetches(), 2);
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..50 {
        assert!(guard.verify(&token).await.is_err());
    }
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn a_token_that_could_never_pass_causes_no_fetch() {
    let (key, forged) = (Forge::new("k"), Forge::new("forged"));
    let issuer = FakeIssuer::start("", &[&key]).await;
    let guard = issuer.guard().refetch_interval(Duration::ZERO).build().await.unwrap();
    for (member, value) in [("alg", "none"), ("alg", "HS256"), ("typ", "JWT")] {
        let mut header = forged.header();
        header[member] = value.into();
        assert!(guard.verify(&forged.sign(&header, "{}")).await.is_err());
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn while_the_issuer_fails_the_known_keys_stay_in_use() {
    let (old, new) = (Forge::new("old"), Forge::new("new"));
    let issuer = FakeIssuer::start("", &[&old]).await;
    let guard = issuer.guard().refetch_interval(Duration::ZERO).build().await.unwrap();
    issuer.publish(&[&new]);
    change(&issuer.keys, |document| document.status = StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(guard.verify(&issuer.token(&new)).await.unwrap_err(), GuardRefusal::KeyUnknown);
    assert!(guard.verify(&issuer.token(&old)).await.is_ok());
    change(&issuer.keys, |document| document.status = StatusCode::OK);
    assert!(guard.verify(&issuer.token(&new)).await.is_ok());
    assert!(guard.verify(&issuer.token(&old)).await.is_err());
}

/// So much time goes by at once, for every timer.
async fn pass(time: Duration) {
    // First the tasks that were just spawned set their timers.
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn keys_that_could_not_be_read_for_a_day_are_believed_no_more_until_they_are_read() {
    let key = Forge::new("k");
    let issuer = FakeIssuer::start("", &[&key]).await;
    let guard = issuer.guard().refetch_interval(Duration::ZERO).build().await.unwrap();
    let token = issuer.token(&key);
    change(&issuer.keys, |document| document.status = StatusCode::INTERNAL_SERVER_ERROR);
    pass(Duration::from_hours(24) - Duration::from_mins(1)).await;
    assert!(guard.verify(&token).await.is_ok());
    pass(Duration::from_secs(61)).await;
    let app = application(&guard);
    let answer = ask_with(&app, "/api/v1/schools", &token).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"10".parse().unwrap()));
    assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::KeysStale);
    change(&issuer.keys, |document| document.status = StatusCode::OK);
    assert!(guard.verify(&token).await.is_ok(), "a token is enough to read them again");
    change(&issuer.keys, |document| document.status = StatusCode::INTERNAL_SERVER_ERROR);
    pass(Duration::from_hours(23)).await;
    assert!(guard.verify(&token).await.is_ok(), "the time counts from the last success");
}

#[tokio::test]
async fn tokens_at_stale_keys_cause_one_fetch_an_interval() {
    let key = Forge::new("k");
    let issuer = FakeIssuer::start("", &[&key]).await;
    let guard = issuer.guard().max_key_age(Duration::from_hours(1)).build().await.unwrap();
    let token = issuer.token(&key);
    change(&issuer.keys, |document| document.status = StatusCode::INTERNAL_SERVER_ERROR);
    pass(Duration::from_mins(61)).await;
    for _ in 0..50 {
        assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::KeysStale);
    }
    // One when it was built, one by age, one by a token.
    assert!(issuer.fetches() <= 3, "{}", issuer.fetches());
}

#[tokio::test]
async fn keys_are_read_twice_within_the_age_that_they_may_have() {
    let key = Forge::new("k");
    let issuer = FakeIssuer::start("", &[&key]).await;
    let guard = issuer
        .guard()
        .refresh_interval(Duration::from_hours(10))
        .max_key_age(Duration::from_hours(1))
        .build()
        .await
        .unwrap();
    pass(Duration::from_mins(31)).await;
    eventually("read again", async || issuer.fetches() == 2).await;
    pass(Duration::from_mins(31)).await;
    assert!(guard.verify(&issuer.token(&key)).await.is_ok());
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_end_the_fetch_that_others_wait_for() {
    let (old, new) = (Forge::new("old"), Forge::new("new"));
    let issuer = FakeIssuer::start("", &[&old]).await;
    let guard = issuer.guard().build().await.unwrap();
    issuer.publish(&[&new]);
    change(&issuer.keys, |document| document.delay = Duration::from_millis(200));
    let token = issuer.token(&new);
    let hung_up = tokio::time::timeout(Duration::from_millis(20), guard.verify(&token)).await;
    assert!(hung_up.is_err());
    assert!(guard.verify(&token).await.is_ok());
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn keys_are_read_again_by_age_without_any_token_asking() {
    let (old, new) = (Forge::new("old"), Forge::new("new"));
    let issuer = FakeIssuer::start("", &[&old]).await;
    let guard = issuer.guard().refresh_interval(Duration::from_secs(1)).build().await.unwrap();
    issuer.publish(&[&new]);
    let read_again = async {
        while issuer.fetches() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), read_again).await.unwrap();
    // The answer may still be on its way; the second token then provokes no fetch, it joins this one.
    assert!(guard.verify(&issuer.token(&new)).await.is_ok());
    assert_eq!(guard.verify(&issuer.token(&old)).await.unwrap_err(), GuardRefusal::KeyUnknown);
    drop(guard);
    let fetches = issuer.fetches();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(issuer.fetches() <= fetches + 1, "a dropped guard fetches no more");
}
