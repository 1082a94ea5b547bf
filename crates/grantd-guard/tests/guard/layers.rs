//! The layers put together in ways they should survive.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body as AxumBody, Bytes},
    http::{Request, Response},
    routing::get,
};
use grantd_guard::{Guard, JwkSet, Principal};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    application::{ask, ask_with, send},
    forge::{Forge, ISSUER, claims},
};

#[tokio::test]
async fn a_required_permission_without_protect_still_verifies_the_token() {
    let forge = Forge::new("k");
    let handler = async |principal: Principal| principal.client_id().to_owned();
    let app = Router::new().route("/", get(handler).layer(forge.guard().require("schools.read")));
    assert_eq!(ask(&app, "/", &[]).await.challenge(), "Bearer");
    assert_eq!(ask_with(&app, "/", &Forge::new("k").token(&claims(&json!({})))).await.status, 401);
    assert_eq!(
        ask_with(&app, "/", &forge.token(&claims(&json!({ "scope": null })))).await.status,
        403
    );
    assert_eq!(ask_with(&app, "/", &forge.token(&claims(&json!({})))).await.body, "c1");
}

#[tokio::test]
async fn a_principal_of_another_audience_does_not_satisfy_a_demand() {
    let forge = Forge::new("k");
    let keys = JwkSet { keys: vec![forge.jwk()] };
    let other =
        Guard::with_keys(ISSUER, keys).audience("https://other.example").build_now().unwrap();
    let app = Router::new()
        .route("/", get(async || "open").layer(forge.guard().require("schools.read")))
        .layer(other.protect());
    let token = forge.token(&claims(&json!({ "aud": "https://other.example" })));
    assert_eq!(ask_with(&app, "/", &token).await.status, 401);
}

#[tokio::test]
async fn a_handler_on_an_unprotected_route_gets_no_principal() {
    let forge = Forge::new("k");
    let app: Router = Router::new()
        .route("/", get(async |principal: Principal| principal.client_id().to_owned()));
    let answer = ask_with(&app, "/", &forge.token(&claims(&json!({})))).await;
    assert_eq!((answer.status, answer.challenge()), (401, "Bearer"));
}

#[tokio::test]
async fn a_principal_that_was_there_before_is_overwritten() {
    let forge = Forge::new("k");
    let guard = forge.guard();
    let earlier = guard
        .verify(&forge.token(&claims(&json!({ "sub": "c9", "client_id": "c9" }))))
        .await
        .unwrap();
    let app = Router::new()
        .route("/", get(async |principal: Principal| principal.client_id().to_owned()))
        .layer(guard.protect());
    let request = Request::get("/").extension(earlier);
    let bearer = format!("Bearer {}", forge.token(&claims(&json!({}))));
    let answer =
        send(&app, request.header("authorization", bearer).body(AxumBody::empty()).unwrap()).await;
    assert_eq!(answer.body, "c1");
}

#[tokio::test]
async fn without_an_audience_the_issuer_is_the_audience() {
    let forge = Forge::new("k");
    let guard = Guard::with_keys(ISSUER, JwkSet { keys: vec![forge.jwk()] }).build_now().unwrap();
    assert!(guard.verify(&forge.token(&claims(&json!({ "aud": ISSUER })))).await.is_ok());
    assert!(guard.verify(&forge.token(&claims(&json!({})))).await.is_err());
}

#[tokio::test]
async fn the_layers_fit_a_tower_service_that_is_not_axum_s() {
    let forge = Forge::new("k");
    let inner = service_fn(async |_: Request<Full<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("in")))
    });
    let service = forge.guard().protect().layer(forge.guard().require("schools.read").layer(inner));
    let knock = async |request: Request<Full<Bytes>>| {
        service.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(knock(Request::new(Full::default())).await, 401);
    let bearer = format!("Bearer {}", forge.token(&claims(&json!({}))));
    assert_eq!(
        knock(Request::get("/").header("authorization", bearer).body(Full::default()).unwrap())
            .await,
        200
    );
}

/// A form that breaks off before its end.
struct BrokenOff;

impl From<Bytes> for BrokenOff {
    fn from(_: Bytes) -> Self {
        Self
    }
}

impl Body for BrokenOff {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(9)
    }
}

#[tokio::test]
async fn a_form_that_breaks_off_is_a_malformed_request() {
    let forge = Forge::new("k");
    let inner = service_fn(async |_: Request<BrokenOff>| {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("in")))
    });
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    let bearer = format!("Bearer {}", forge.token(&claims(&json!({}))));
    let request = request.header("authorization", bearer).body(BrokenOff).unwrap();
    let answer = forge.guard().protect().layer(inner).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 400);
}
