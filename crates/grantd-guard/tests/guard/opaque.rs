//! Opaque tokens: asked about, remembered for a moment, and never believed for lack of an answer.

use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::join_all;
use grantd_guard::{BuildError, Guard, GuardRefusal};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    application::{application, ask_with, assert_invalid},
    fake_introspection::{FakeIntrospection, asking, seal},
    fake_issuer::FakeIssuer,
    forge::{Forge, claims, now},
};

struct Scene {
    key: Forge,
    issuer: FakeIssuer,
    introspection: FakeIntrospection,
}

async fn scene() -> Scene {
    let key = Forge::new("k");
    let issuer = FakeIssuer::start("", &[&key]).await;
    let introspection = FakeIntrospection::start(&issuer).await;
    Scene { key, issuer, introspection }
}

impl Scene {
    async fn guard(&self, ttl: Duration) -> Guard {
        asking(self.issuer.guard()).introspection_ttl(ttl).build().await.unwrap()
    }
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_opaque_token_is_asked_about_once_and_a_jwt_never() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    let app = application(&guard);
    let token = scene.introspection.token(&json!({}));
    for _ in 0..3 {
        assert_eq!(ask_with(&app, "/api/v1/schools", &token).await.status, 200);
    }
    let principal = guard.verify(&token).await.unwrap();
    assert_eq!((principal.client_id(), principal.user_id()), ("c1", None));
    assert_eq!((principal.token_id(), principal.credential_id()), ("t1", Some("k1")));
    assert_eq!((principal.generation(), principal.roles()), (3, &["reader".to_owned()][..]));
    assert_eq!(scene.introspection.questions(), 1);
    assert!(guard.verify(&scene.issuer.token(&scene.key)).await.is_ok());
    assert_eq!(scene.introspection.questions(), 1);
}

#[tokio::test]
async fn a_guard_without_introspection_refuses_an_opaque_token_by_its_name() {
    let scene = scene().await;
    let token = scene.introspection.token(&json!({}));
    let offline = scene.issuer.guard().build().await.unwrap();
    for guard in [offline, scene.key.guard()] {
        let refusal = guard.verify(&token).await.unwrap_err();
        assert_eq!(refusal, GuardRefusal::OpaqueTokenUnsupported);
        assert_eq!(refusal.name(), "opaque-token-unsupported");
        assert_invalid(&application(&guard), &token, "opaque").await;
    }
    assert_eq!(scene.introspection.questions(), 0);
}

#[tokio::test]
async fn rs_34_a_revoked_token_is_refused_when_the_answer_is_old() {
    let scene = scene().await;
    let ttl = Duration::from_millis(300);
    let guard = scene.guard(ttl).await;
    let token = scene.introspection.token(&json!({}));
    assert!(guard.verify(&token).await.is_ok());
    scene.introspection.change(|manners| manners.dead.push("t1".to_owned()));
    let revoked = Instant::now();
    while guard.verify(&token).await.is_ok() {
        assert!(revoked.elapsed() < ttl + Duration::from_millis(200), "beyond the bound");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::TokenInactive);
}

#[tokio::test]
async fn rs_34_an_answer_never_outlives_exp() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    let token = scene.introspection.token(&json!({ "exp": now() + 2 }));
    assert!(guard.verify(&token).await.is_ok());
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::Expired);
    assert_eq!(scene.introspection.questions(), 1);
}

#[tokio::test]
async fn a_no_is_remembered_for_a_fifth_of_the_time() {
    let scene = scene().await;
    let guard = scene.guard(Duration::from_secs(1)).await;
    let token = scene.introspection.token(&json!({}));
    scene.introspection.change(|manners| manners.dead.push("t1".to_owned()));
    for _ in 0..5 {
        assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::TokenInactive);
    }
    assert_eq!(scene.introspection.questions(), 1);
    scene.introspection.change(|manners| manners.dead.clear());
    tokio::time::sleep(Duration::from_millis(210)).await;
    assert!(guard.verify(&token).await.is_ok());
}

#[tokio::test]
async fn without_a_time_to_live_the_issuer_is_asked_each_time() {
    let scene = scene().await;
    let guard = scene.guard(Duration::ZERO).await;
    let token = scene.introspection.token(&json!({}));
    assert!(join_all((0..3).map(|_| guard.verify(&token))).await.iter().all(Result::is_ok));
    assert_eq!(scene.introspection.questions(), 3);
}

#[tokio::test]
async fn a_hundred_at_once_with_the_same_token_ask_once() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    scene.introspection.change(|manners| manners.delay = Duration::from_millis(100));
    let token = scene.introspection.token(&json!({}));
    let verified = join_all((0..100).map(|_| guard.verify(&token))).await;
    assert!(verified.iter().all(Result::is_ok));
    assert_eq!(scene.introspection.questions(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_the_question_to_the_next() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    scene.introspection.change(|manners| manners.delay = Duration::from_millis(200));
    let token = scene.introspection.token(&json!({}));
    let first = tokio::time::timeout(Duration::from_millis(50), guard.verify(&token));
    let (hung_up, verified) = tokio::join!(first, guard.verify(&token));
    assert!(hung_up.is_err() && verified.is_ok());
}

#[tokio::test]
async fn no_more_than_64_questions_are_open_at_a_time() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    scene.introspection.change(|manners| manners.delay = Duration::from_millis(300));
    let tokens: Vec<_> =
        (0..100).map(|n| scene.introspection.token(&json!({ "jti": format!("t{n}") }))).collect();
    let all = join_all(tokens.iter().map(|token| guard.verify(token)));
    let counted = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        scene.introspection.questions()
    };
    let (verified, questions) = tokio::join!(all, counted);
    assert!(verified.iter().all(Result::is_ok));
    assert_eq!((questions, scene.introspection.questions()), (64, 100));
}

#[tokio::test]
async fn what_the_issuer_says_is_measured_as_a_jwt_s_claims_are() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    for (changes, refusal) in [
        (json!({ "iss": "https://other.example" }), GuardRefusal::IssuerWrong),
        (json!({ "aud": "https://other.example" }), GuardRefusal::AudienceWrong),
        (json!({ "exp": now() }), GuardRefusal::Expired),
        (json!({ "nbf": now() + 60 }), GuardRefusal::NotYetValid),
        (json!({ "sub": "u1" }), GuardRefusal::SubjectWrong),
        (json!({ "gty": "authorization_code" }), GuardRefusal::SubjectWrong),
        (json!({ "gty": "password" }), GuardRefusal::GrantTypeUnknown),
        (json!({ "ugen": 1 }), GuardRefusal::UserClaimsWrong),
        (json!({ "grant": "g1" }), GuardRefusal::UserClaimsWrong),
        (json!({ "exp": "tomorrow" }), GuardRefusal::ClaimsMalformed),
        (json!({ "client_id": "" }), GuardRefusal::ClaimsMalformed),
    ] {
        let token = scene.introspection.token(&changes);
        assert_eq!(guard.verify(&token).await.unwrap_err(), refusal, "{changes}");
    }
}

#[tokio::test]
async fn at_08_a_client_s_opaque_token_never_yields_a_user_whatever_its_id() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    let mut good = Vec::new();
    for sub in ["u1", "u2", ""] {
        for client_id in ["u1", "u2", ""] {
            for gty in ["client_credentials", "authorization_code", "refresh_token", ""] {
                let mut names = json!({ "sub": sub, "client_id": client_id, "gty": gty });
                if gty == "authorization_code" {
                    names["ugen"] = 1.into();
                    names["grant"] = "g1".into();
                }
                let mut claims = names.clone();
                claims["user_id"] = "u1".into();
                if let Ok(principal) = guard.verify(&scene.introspection.token(&claims)).await {
                    assert_eq!(principal.client_id(), client_id);
                    let user = (gty == "authorization_code").then_some(sub);
                    assert_eq!(principal.user_id(), user, "{names}");
                    assert_eq!(sub == client_id, user.is_none(), "{names}");
                    good.push(names);
                }
            }
        }
    }
    assert_eq!(good.len(), 4, "two clients, and each user through the other: {good:?}");
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused_without_a_question() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    let token = scene.introspection.token(&json!({}));
    let long = format!("gat_{}", "x".repeat(16 * 1024));
    for text in ["gat_", "gat_x", &token[..token.len() - 1], &format!("{token}0"), &long] {
        let expected =
            if text == long { GuardRefusal::TokenTooLong } else { GuardRefusal::TokenMalformed };
        assert_eq!(guard.verify(text).await.unwrap_err(), expected);
    }
    assert_eq!(scene.introspection.questions(), 0);
}

#[tokio::test]
async fn an_issuer_that_gives_no_answer_lets_nobody_through_and_is_left_alone_for_a_second() {
    for status in [StatusCode::UNAUTHORIZED, StatusCode::INTERNAL_SERVER_ERROR] {
        let scene = scene().await;
        let guard = scene.guard(LONG).await;
        let known = scene.introspection.token(&json!({ "jti": "known" }));
        assert!(guard.verify(&known).await.is_ok());
        scene.introspection.change(|manners| manners.status = Some(status));
        let tokens: Vec<_> =
            (0..9).map(|n| scene.introspection.token(&json!({ "jti": format!("t{n}") }))).collect();
        for token in &tokens {
            let answer = ask_with(&application(&guard), "/api/v1/schools", token).await;
            assert_eq!(
                (answer.status, &answer.headers["retry-after"]),
                (503, &"2".parse().unwrap())
            );
        }
        assert_eq!(scene.introspection.questions(), 2, "{status}");
        assert!(guard.verify(&known).await.is_ok(), "what is known holds for its time");
        scene.introspection.change(|manners| manners.status = None);
        tokio::time::sleep(Duration::from_millis(1050)).await;
        assert!(guard.verify(&tokens[0]).await.is_ok());
    }
}

#[tokio::test]
async fn a_token_that_the_issuer_dislikes_cuts_nobody_else_off() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    let (bad, good) = (seal(&json!({})), scene.introspection.token(&json!({})));
    for manner in [Err(StatusCode::BAD_REQUEST), Ok("no json"), Ok(r#"{"active":"true"}"#)] {
        scene.introspection.change(|manners| {
            manners.status = manner.err();
            manners.says = manner.ok().map(str::to_owned);
        });
        let refusal = guard.verify(&bad).await.unwrap_err();
        assert_eq!(refusal, GuardRefusal::IntrospectionUnavailable);
        scene.introspection.change(|manners| (manners.status, manners.says) = (None, None));
        assert!(guard.verify(&good).await.is_ok());
    }
}

#[tokio::test]
async fn a_silent_issuer_costs_one_timeout_and_not_one_a_caller() {
    let scene = scene().await;
    let guard = asking(scene.issuer.guard()).fetch_timeout(Duration::from_millis(300));
    let guard = guard.build().await.unwrap();
    scene.introspection.change(|manners| manners.delay = LONG);
    let token = scene.introspection.token(&json!({}));
    let begun = Instant::now();
    let verified = join_all((0..50).map(|_| guard.verify(&token))).await;
    let unavailable = Err(GuardRefusal::IntrospectionUnavailable);
    assert!(verified.into_iter().all(|verified| verified.map(|_| ()) == unavailable));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(scene.introspection.questions(), 1);
}

#[tokio::test]
async fn an_issuer_without_the_endpoint_is_an_error_when_the_guard_is_built() {
    let issuer = FakeIssuer::start("", &[&Forge::new("k")]).await;
    let error = asking(issuer.guard()).build().await.unwrap_err();
    assert!(matches!(error, BuildError::IntrospectionMissing(_)), "{error}");
}

#[tokio::test]
async fn no_log_line_and_no_debug_text_has_the_token() {
    let scene = scene().await;
    let guard = scene.guard(LONG).await;
    let token = seal(&claims(&json!({ "iss": scene.issuer.issuer })));
    let principal = guard.verify(&token).await.unwrap();
    assert!(!format!("{guard:?} {principal:?}").contains(&token[4..]));
}
