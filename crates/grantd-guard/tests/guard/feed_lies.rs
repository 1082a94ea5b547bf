//! A feed that lies, babbles or never ends: nothing of it is believed, and the guard lives.

use std::time::Duration;

use grantd_guard::{BuildError, FeedError, GuardRefusal};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    fake_feed::{FakeFeed, eventually},
    fake_issuer::change,
    forge::{claims, now},
};

const SHORT: Duration = Duration::from_millis(800);

fn token(feed: &FakeFeed, id: &str) -> String {
    feed.key.token(&claims(&json!({ "iss": feed.issuer.issuer, "jti": id })))
}

#[tokio::test]
async fn a_page_of_another_issuer_is_refused() {
    let mut feed = FakeFeed::start().await;
    let honest = feed.change(|script| script.issuer.clone());
    let guard = feed.guard().max_feed_age(SHORT).build().await.unwrap();
    feed.down();
    feed.revoke("token", "t1");
    feed.change(|script| script.issuer.push('/'));
    let error = feed.guard().build().await.unwrap_err();
    assert!(matches!(error, BuildError::Feed { cause: FeedError::Fetch(_), .. }), "{error}");
    feed.up().await;
    let error = feed.guard().build().await.unwrap_err();
    let differs = matches!(&error, BuildError::Feed { cause: FeedError::IssuerDiffers { expected, .. }, .. } if *expected == honest);
    assert!(differs, "{error}");
    eventually("cut", async || guard.feed_status().cut).await;
    assert_eq!(guard.verify(&token(&feed, "t1")).await.unwrap_err(), GuardRefusal::FeedCut);
    feed.change(|script| script.issuer = honest);
    eventually("back", async || guard.verify(&token(&feed, "t2")).await.is_ok()).await;
    assert_eq!(guard.verify(&token(&feed, "t1")).await.unwrap_err(), GuardRefusal::Revoked);
}

#[tokio::test]
async fn a_babbling_stream_is_given_up_and_pages_still_bring_what_is_revoked() {
    let endless = vec![b'x'; 16 * 1024];
    for garbage in [
        b"data: {\n\n".to_vec(),
        b"id: c.1\ndata: [1]\n\n".to_vec(),
        b"id: \x01\x02\n\n".to_vec(),
        b"\xff\xfe\n".to_vec(),
        [b"data: ".as_slice(), &endless, b"\n"].concat(),
        endless,
    ] {
        let feed = FakeFeed::start().await;
        let what = String::from_utf8_lossy(&garbage[..garbage.len().min(20)]).into_owned();
        feed.change(|script| script.garbage = Some(garbage));
        let guard = feed.built().await;
        eventually(&what, async || feed.change(|script| script.streams) >= 2).await;
        feed.revoke("token", "t1");
        eventually(&what, async || guard.verify(&token(&feed, "t1")).await.is_err()).await;
        assert!(guard.feed_status().cursor.unwrap().starts_with("c."));
        assert_eq!(guard.feed_status().entries, 1);
    }
}

#[tokio::test]
async fn lines_that_say_nothing_do_no_harm() {
    let feed = FakeFeed::start().await;
    feed.change(|script| {
        script.garbage = Some(b"foo\nretry: 1\n:\nevent: x\ndata: y\n\n\n".to_vec());
    });
    let guard = feed.built().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(feed.change(|script| script.streams), 1);
    assert!(guard.feed_status().connected && guard.verify(&token(&feed, "t1")).await.is_ok());
}

#[tokio::test]
async fn an_entry_that_cannot_be_understood_is_never_passed_over() {
    let feed = FakeFeed::start().await;
    let guard = feed.guard().max_feed_age(SHORT).build().await.unwrap();
    feed.say(json!({ "kind": "client", "id": "c1", "until": now() + 600 }));
    // The stream still has heartbeats and the issuer answers, but what it says is not understood.
    eventually("cut", async || guard.feed_status().cut).await;
    assert_eq!(guard.verify(&token(&feed, "t1")).await.unwrap_err(), GuardRefusal::FeedCut);
    feed.change(|script| script.entries[0] = None);
    eventually("back", async || guard.verify(&token(&feed, "t1")).await.is_ok()).await;
}

#[tokio::test]
async fn an_unknown_kind_is_ignored_and_moves_the_cursor_on() {
    let feed = FakeFeed::start().await;
    for _ in 0..5 {
        feed.say(json!({ "kind": "tenant", "id": ["c1"], "until": null }));
    }
    feed.revoke("token", "t1");
    let guard = feed.built().await;
    assert!(guard.verify(&token(&feed, "t1")).await.is_err());
    feed.say(json!({ "kind": "tenant" }));
    eventually("moved on", async || guard.feed_status().cursor.as_deref() == Some("c.7")).await;
    assert_eq!((guard.feed_status().entries, feed.change(|script| script.streams)), (1, 1));
}

#[tokio::test]
async fn headers_and_pages_without_end_are_given_up() {
    let feed = FakeFeed::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/feed", listener.local_addr().unwrap());
    change(&feed.issuer.metadata, |document| {
        let mut metadata: serde_json::Value = serde_json::from_str(&document.body).unwrap();
        metadata["revocation_feed_endpoint"] = address.into();
        document.body = metadata.to_string();
    });
    let head = "HTTP/1.1 200 OK\r\n";
    for (begun, piece) in [
        (head.to_owned(), format!("x: {}\r\n", "y".repeat(1000))),
        (
            format!("{head}transfer-encoding: chunked\r\n\r\n"),
            format!("400\r\n{}\r\n", " ".repeat(0x400)),
        ),
    ] {
        let babble = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 16]).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            while stream.write_all(piece.as_bytes()).await.is_ok() {}
            std::future::pending::<()>().await;
        };
        let building = feed.guard().fetch_timeout(Duration::from_secs(5)).build();
        let error = tokio::select! {
            built = building => built.unwrap_err(),
            () = babble => unreachable!(),
        };
        let given_up = matches!(
            &error,
            BuildError::Feed {
                cause: FeedError::BrokeOff(_)
                    | FeedError::Fetch(grantd_guard::FetchError::Connection(_)),
                ..
            }
        );
        assert!(given_up, "{error}");
    }
}

#[tokio::test]
async fn a_feed_over_plain_http_on_another_machine_is_refused_before_anything_is_sent() {
    let feed = FakeFeed::start().await;
    change(&feed.issuer.metadata, |document| {
        let mut metadata: serde_json::Value = serde_json::from_str(&document.body).unwrap();
        metadata["revocation_feed_endpoint"] = "http://a.example/feed".into();
        document.body = metadata.to_string();
    });
    assert!(matches!(feed.guard().build().await.unwrap_err(), BuildError::NotHttps(_)));
    assert!(feed.issuer.guard().build().await.is_ok(), "who needs no feed does not care");
}
