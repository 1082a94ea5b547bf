//! How a token may be sent, and how not (RFC 6750 section 2).

use axum::{
    body::Body,
    http::{Request, header::CACHE_CONTROL},
};
use serde_json::json;

use crate::{
    application::{Answer, application, ask, ask_with, send},
    forge::{Forge, claims},
};

const FORM: &str = "application/x-www-form-urlencoded";

fn assert_invalid_request(answer: &Answer) {
    assert_eq!((answer.status, answer.challenge()), (400, r#"Bearer error="invalid_request""#));
    assert_eq!(answer.json()["error"], "invalid_request");
}

#[tokio::test]
async fn rs_01_a_request_without_a_token_gets_a_bare_challenge() {
    let app = application(&Forge::new("k").guard());
    let other_schemes: [&[&str]; 5] = [&[], &["Basic YTpi"], &["Bearerer x"], &["DPoP x"], &[""]];
    for headers in other_schemes {
        let answer = ask(&app, "/api/v1/schools", headers).await;
        assert_eq!((answer.status, answer.challenge()), (401, "Bearer"), "{headers:?}");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
        assert!(answer.json()["message"].is_string());
        assert!(answer.json().get("error").is_none());
    }
}

#[tokio::test]
async fn rs_02_a_token_with_the_permission_gets_through() {
    let forge = Forge::new("k");
    let answer = ask_with(
        &application(&forge.guard()),
        "/api/v1/schools",
        &forge.token(&claims(&json!({}))),
    )
    .await;
    assert_eq!((answer.status, &*answer.body), (200, "schools"));
}

#[tokio::test]
async fn rs_03_the_scheme_may_be_spelled_in_any_case() {
    let forge = Forge::new("k");
    let (app, token) = (application(&forge.guard()), forge.token(&claims(&json!({}))));
    for scheme in ["bearer", "BEARER", "bEaReR", "Bearer  "] {
        assert_eq!(
            ask(&app, "/api/v1/schools", &[&format!("{scheme} {token}")]).await.status,
            200,
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn a_bearer_scheme_without_exactly_one_token_is_a_malformed_request() {
    let forge = Forge::new("k");
    let (app, token) = (application(&forge.guard()), forge.token(&claims(&json!({}))));
    let joined = format!("Bearer {token}, Bearer {token}");
    for header in
        ["Bearer", "Bearer ", "bearer   ", "Bearer a b", "Bearer \"a\"", "Bearer =", &joined]
    {
        assert_invalid_request(&ask(&app, "/api/v1/schools", &[header]).await);
    }
}

#[tokio::test]
async fn rs_10_a_token_in_the_query_is_never_accepted() {
    let forge = Forge::new("k");
    let (app, token) = (application(&forge.guard()), forge.token(&claims(&json!({}))));
    let path = format!("/api/v1/schools?page=1&access_token={token}");
    assert_invalid_request(&ask(&app, &path, &[]).await);
    assert_invalid_request(&ask_with(&app, &path, &token).await);
    assert_invalid_request(&ask_with(&app, "/api/v1/schools?access%5Ftoken=x", &token).await);
    assert_eq!(ask_with(&app, "/api/v1/schools?page=access_token", &token).await.status, 200);
}

#[tokio::test]
async fn rs_28_two_authorization_headers_are_a_malformed_request() {
    let forge = Forge::new("k");
    let (app, token) = (application(&forge.guard()), forge.token(&claims(&json!({}))));
    let bearer = format!("Bearer {token}");
    let pairs: [[&str; 2]; 3] =
        [[&bearer, &bearer], [&bearer, "Basic YTpi"], ["Basic YTpi", &bearer]];
    for pair in pairs {
        assert_invalid_request(&ask(&app, "/api/v1/schools", &pair).await);
    }
}

#[tokio::test]
async fn rs_11_a_token_in_the_header_and_in_the_form_is_a_malformed_request() {
    let forge = Forge::new("k");
    let (app, token) = (application(&forge.guard()), forge.token(&claims(&json!({}))));
    let post = |content_type: &str, body: String| {
        let request = Request::post("/api/v1/schools").header("content-type", content_type);
        request.header("authorization", format!("Bearer {token}")).body(Body::from(body)).unwrap()
    };
    for content_type in [FORM, "Application/X-WWW-Form-URLEncoded ; charset=utf-8"] {
        assert_invalid_request(
            &send(&app, post(content_type, format!("a=1&access_token={token}"))).await,
        );
    }
    // Every other body reaches the handler as it was sent.
    let long = format!("a={}&access_token=x", "b".repeat(64 * 1024));
    for (content_type, body) in
        [(FORM, "a=1&b=%20x"), (FORM, ""), (FORM, &long), ("text/plain", "access_token=x")]
    {
        let answer = send(&app, post(content_type, body.to_owned())).await;
        assert_eq!((answer.status, answer.body.len()), (200, body.len()));
        assert!(answer.body == body);
    }
}

#[tokio::test]
async fn a_form_is_not_read_for_a_caller_without_a_good_token() {
    let app = application(&Forge::new("k").guard());
    let request = Request::post("/api/v1/schools").header("content-type", FORM);
    let answer = send(&app, request.body(Body::from("access_token=x")).unwrap()).await;
    assert_eq!((answer.status, answer.challenge()), (401, "Bearer"));
}
