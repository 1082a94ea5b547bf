//! Finding the issuer's keys, and whom not to believe on the way (RFC 8414 section 3).

use std::time::Duration;

use axum::http::StatusCode;
use grantd_guard::{BuildError, FetchError, Guard};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    application::{application, ask_with},
    fake_issuer::{FakeIssuer, change},
    forge::Forge,
};

#[tokio::test]
async fn a_guard_finds_the_keys_by_the_issuer_s_name_alone() {
    for path in ["", "/", "/tenant/1"] {
        let key = Forge::new("k");
        let issuer = FakeIssuer::start(path, &[&key]).await;
        let guard = issuer.guard().build().await.unwrap();
        assert!(guard.verify(&issuer.token(&key)).await.is_ok(), "{path}");
        assert_eq!(issuer.fetches(), 1);
    }
}

#[tokio::test]
async fn metadata_that_names_another_issuer_is_refused() {
    let issuer = FakeIssuer::start("", &[&Forge::new("k")]).await;
    let jwks_uri = format!("{}/jwks.json", issuer.issuer);
    for found in [
        format!("{}/", issuer.issuer),
        "https://evil.example".to_owned(),
        issuer.issuer.to_uppercase(),
    ] {
        change(&issuer.metadata, |document| {
            document.body = json!({ "issuer": found, "jwks_uri": jwks_uri }).to_string();
        });
        let error = issuer.guard().build().await.unwrap_err();
        assert!(
            matches!(&error, BuildError::IssuerDiffers { found: named, .. } if *named == found),
            "{error}"
        );
    }
}

#[tokio::test]
async fn metadata_without_a_safe_place_for_keys_is_refused() {
    let issuer = FakeIssuer::start("", &[&Forge::new("k")]).await;
    for (jwks_uri, insecure) in
        [(json!(null), false), (json!("/jwks.json"), false), (json!("http://a.example/"), true)]
    {
        change(&issuer.metadata, |document| {
            document.body = json!({ "issuer": issuer.issuer, "jwks_uri": jwks_uri }).to_string();
        });
        match issuer.guard().build().await.unwrap_err() {
            BuildError::MetadataMalformed(_) => assert!(!insecure),
            BuildError::NotHttps(_) => assert!(insecure),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn an_issuer_without_https_on_another_machine_is_refused_before_anything_is_sent() {
    let error = Guard::discover("http://auth.example").build().await.unwrap_err();
    assert!(matches!(error, BuildError::NotHttps(_)), "{error}");
    let error = Guard::discover("auth.example").build().await.unwrap_err();
    assert!(matches!(error, BuildError::IssuerMalformed(_)), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let issuer = FakeIssuer::start("", &[&Forge::new("k")]).await;
    for document in [&issuer.metadata, &issuer.keys] {
        for status in [StatusCode::FOUND, StatusCode::PERMANENT_REDIRECT] {
            change(document, |document| document.status = status);
            match issuer.guard().build().await.unwrap_err() {
                BuildError::Fetch { cause: FetchError::Status(found), .. } => {
                    assert_eq!(found, status);
                }
                other => panic!("{other}"),
            }
            change(document, |document| document.status = StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn an_answer_longer_than_256_kib_is_refused() {
    let issuer = FakeIssuer::start("", &[&Forge::new("k")]).await;
    for document in [&issuer.metadata, &issuer.keys] {
        change(document, |document| document.body.push_str(&" ".repeat(256 * 1024)));
        let error = issuer.guard().build().await.unwrap_err();
        assert!(matches!(error, BuildError::Fetch { cause: FetchError::Body(_), .. }), "{error}");
        change(document, |document| document.body.truncate(document.body.trim_end().len()));
    }
    assert!(issuer.guard().build().await.is_ok());
}

#[tokio::test]
async fn a_slow_answer_is_given_up_in_its_header_and_in_its_body() {
    for begun in ["", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 16]).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            // Reads until the guard hangs up, and answers nothing more.
            stream.read_to_end(&mut Vec::new()).await.unwrap();
        });
        let building = Guard::discover(issuer).fetch_timeout(Duration::from_millis(100)).build();
        let error =
            tokio::time::timeout(Duration::from_secs(5), building).await.unwrap().unwrap_err();
        assert!(
            matches!(error, BuildError::Fetch { cause: FetchError::TimedOut(_), .. }),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_issuer_that_is_down_is_named_in_the_error_with_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Guard::discover(&issuer).build().await.unwrap_err().to_string();
    assert!(error.contains(&issuer) && error.contains("refused"), "{error}");
}

#[tokio::test]
async fn without_any_usable_key_the_answer_is_503_until_the_issuer_has_one() {
    let key = Forge::new("k");
    let issuer = FakeIssuer::start("", &[]).await;
    let guard = issuer.guard().refetch_interval(Duration::ZERO).build().await.unwrap();
    let app = application(&guard);
    let answer = ask_with(&app, "/api/v1/schools", &issuer.token(&key)).await;
    assert_eq!((answer.status, answer.challenge()), (503, ""));
    assert_eq!(answer.headers["retry-after"], "10");
    issuer.publish(&[&key]);
    assert_eq!(ask_with(&app, "/api/v1/schools", &issuer.token(&key)).await.status, 200);
}
