//! A guard that asks about opaque tokens and follows the feed: the feed ends what is remembered.

use std::time::Duration;

use grantd_guard::GuardRefusal;
use serde_json::{Value, json};

use crate::{
    fake_feed::{FakeFeed, eventually},
    fake_introspection::{FakeIntrospection, asking},
};

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn rs_34_an_entry_of_the_feed_ends_a_remembered_token_at_once() {
    let feed = FakeFeed::start().await;
    let introspection = FakeIntrospection::start(&feed.issuer).await;
    let guard = asking(feed.guard()).introspection_ttl(LONG).build().await.unwrap();
    for (kind, id) in [("token", "t1"), ("client", "c1"), ("credential", "k1")] {
        // Another token, client and credential each time, so that one entry kills one of them.
        let names = ["jti", "client_id", "cid"];
        let mut claims = json!({ "sub": "other", "jti": kind, "client_id": "other", "cid": kind });
        let at = ["token", "client", "credential"].iter().position(|known| *known == kind).unwrap();
        claims[names[at]] = id.into();
        claims["sub"] = claims["client_id"].clone();
        let token = introspection.token(&claims);
        assert!(guard.verify(&token).await.is_ok(), "{kind}");
        if kind == "client" {
            feed.raise(kind, id, 4);
        } else {
            feed.revoke(kind, id);
        }
        eventually(kind, async || guard.verify(&token).await.is_err()).await;
        assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::Revoked, "{kind}");
    }
    assert_eq!(introspection.questions(), 3);
    let next = introspection.token(&json!({ "jti": "t2", "cid": "k2", "gen": 4 }));
    assert!(guard.verify(&next).await.is_ok(), "the next generation lives");
}

#[tokio::test]
async fn while_the_feed_is_cut_nothing_remembered_counts_and_the_issuer_is_asked() {
    let mut feed = FakeFeed::start().await;
    let introspection = FakeIntrospection::start(&feed.issuer).await;
    let guard = asking(feed.guard().max_feed_age(Duration::from_millis(500)))
        .introspection_ttl(LONG)
        .build()
        .await
        .unwrap();
    let token = introspection.token(&json!({}));
    assert!(guard.verify(&token).await.is_ok());
    feed.down();
    eventually("cut", async || guard.feed_status().cut).await;
    let jwt = feed.issuer.token(&feed.key);
    assert_eq!(guard.verify(&jwt).await.unwrap_err(), GuardRefusal::FeedCut);
    let before = introspection.questions();
    assert!(guard.verify(&token).await.is_ok(), "the issuer itself says that it lives");
    assert_eq!(introspection.questions(), before + 1);
    introspection.change(|manners| manners.dead.push("t1".to_owned()));
    assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::TokenInactive);
}

#[tokio::test]
async fn rs_34_a_user_s_entry_ends_their_remembered_token_and_no_machine_s() {
    for (kind, id) in [("user", "u1"), ("grant", "g1")] {
        let feed = FakeFeed::start().await;
        let introspection = FakeIntrospection::start(&feed.issuer).await;
        let guard = asking(feed.guard()).introspection_ttl(LONG).build().await.unwrap();
        let user = |changes: Value| {
            let mut claims =
                json!({ "sub": "u1", "gty": "authorization_code", "ugen": 2, "grant": "g1" });
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            introspection.token(&claims)
        };
        let dead = user(json!({}));
        let others = [
            introspection.token(&json!({})),
            introspection.token(&json!({ "sub": "u1", "client_id": "u1" })),
            user(json!({ "sub": "u2", "grant": "g2" })),
            user(json!({ "ugen": 3, "grant": "g3" })),
        ];
        for token in others.iter().chain([&dead]) {
            assert!(guard.verify(token).await.is_ok(), "{kind}");
        }
        feed.raise(kind, id, 3);
        eventually(kind, async || guard.verify(&dead).await.is_err()).await;
        assert_eq!(guard.verify(&dead).await.unwrap_err(), GuardRefusal::Revoked, "{kind}");
        for token in &others {
            assert!(guard.verify(token).await.is_ok(), "{kind}");
        }
        assert_eq!(introspection.questions(), 5, "all of it remembered");
    }
}
