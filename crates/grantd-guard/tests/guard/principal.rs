//! Who a handler is told is calling, and what follows from it.

use futures_util::FutureExt;
use grantd_guard::{GrantType, GuardRefusal};
use proptest::prelude::*;
use serde_json::json;

use crate::{
    application::{application, ask_with},
    forge::{Forge, claims, now, user_claims},
};

#[tokio::test]
async fn a_principal_tells_what_the_token_says() {
    let forge = Forge::new("k");
    let exp = now() + 60;
    let token =
        forge.token(&claims(&json!({ "exp": exp, "scope": " schools.read  reports.read " })));
    let principal = forge.guard().verify(&token).await.unwrap();
    assert_eq!(principal.client_id(), "c1");
    assert_eq!(principal.user_id(), None);
    assert_eq!(principal.grant_type(), GrantType::ClientCredentials);
    assert_eq!(principal.scopes().collect::<Vec<_>>(), ["schools.read", "reports.read"]);
    assert_eq!(principal.roles(), ["reader"]);
    assert_eq!((principal.token_id(), principal.credential_id()), ("t1", Some("k1")));
    assert_eq!((principal.expires_at().seconds(), principal.generation()), (exp, 3));
    assert!(principal.can("schools.read"));
    for other in ["", " ", "schools", "Schools.read", "schools.read reports.read", "invoices.read"]
    {
        assert!(!principal.can(other), "{other}");
    }
}

#[tokio::test]
async fn rs_21_a_user_s_token_names_the_user_and_the_client() {
    let forge = Forge::new("k");
    let app = application(&forge.guard());
    let token = forge.token(&user_claims(&json!({})));
    let answer = ask_with(&app, "/whoami", &token).await.json();
    assert_eq!(
        (&answer["grantType"], &answer["userId"]),
        (&json!("authorization_code"), &json!("u1"))
    );
    assert_eq!(answer["clientId"], "c1");
    assert_eq!(ask_with(&app, "/me", &token).await.body, "u1");
}

#[tokio::test]
async fn at_08_a_client_whose_id_is_a_user_s_is_still_no_user() {
    let forge = Forge::new("k");
    let app = application(&forge.guard());
    let token = forge.token(&claims(&json!({ "sub": "u1", "client_id": "u1", "user_id": "u1" })));
    let answer = ask_with(&app, "/whoami", &token).await.json();
    assert_eq!((&answer["clientId"], &answer["userId"]), (&json!("u1"), &json!(null)));
    assert_eq!(ask_with(&app, "/me", &token).await.status, 403);
}

#[tokio::test]
async fn at_08_a_token_whose_subject_contradicts_its_grant_type_is_refused() {
    let forge = Forge::new("k");
    let client_as_user = forge.token(&claims(&json!({ "sub": "u1" })));
    let user_as_client = forge.token(&user_claims(&json!({ "sub": "c1" })));
    for token in [client_as_user, user_as_client] {
        assert_eq!(forge.guard().verify(&token).await.unwrap_err(), GuardRefusal::SubjectWrong);
    }
}

#[tokio::test]
async fn at_08_a_user_s_token_has_what_it_dies_with_and_a_machine_s_has_not() {
    let forge = Forge::new("k");
    let guard = forge.guard();
    let verify = async |claims| guard.verify(&forge.token(&claims)).await;
    let wrong = GuardRefusal::UserClaimsWrong;
    for missing in [json!({ "ugen": null }), json!({ "grant": null }), json!({ "grant": "" })] {
        assert_eq!(verify(user_claims(&missing)).await.unwrap_err(), wrong, "{missing}");
    }
    for added in [json!({ "ugen": 0 }), json!({ "ugen": 2 }), json!({ "grant": "g1" })] {
        assert_eq!(verify(claims(&added)).await.unwrap_err(), wrong, "{added}");
    }
    for malformed in [json!({ "ugen": "2" }), json!({ "ugen": -1 }), json!({ "grant": 1 })] {
        let refusal = verify(user_claims(&malformed)).await.unwrap_err();
        assert_eq!(refusal, GuardRefusal::ClaimsMalformed, "{malformed}");
    }
    let principal = verify(user_claims(&json!({ "ugen": 0 }))).await.unwrap();
    assert_eq!((principal.user_generation(), principal.grant_id()), (Some(0), Some("g1")));
}

#[tokio::test]
async fn one_route_takes_machines_and_users_and_permissions_are_the_token_s() {
    let forge = Forge::new("k");
    let app = application(&forge.guard());
    for token in [claims(&json!({})), user_claims(&json!({}))] {
        let token = forge.token(&token);
        assert_eq!(ask_with(&app, "/api/v1/schools", &token).await.status, 200);
        assert_eq!(ask_with(&app, "/api/v1/invoices", &token).await.status, 403);
    }
    let nothing = forge.token(&user_claims(&json!({ "scope": "", "roles": ["reader"] })));
    assert_eq!(ask_with(&app, "/api/v1/schools", &nothing).await.status, 403);
}

#[tokio::test]
async fn rs_09_a_token_without_the_route_s_permission_is_told_which_one() {
    let forge = Forge::new("k");
    let answer = ask_with(
        &application(&forge.guard()),
        "/api/v1/invoices",
        &forge.token(&claims(&json!({}))),
    )
    .await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.challenge(), r#"Bearer error="insufficient_scope", scope="invoices.read""#);
    assert_eq!(answer.json()["error"], "insufficient_scope");
    assert!(answer.json()["message"].as_str().unwrap().contains("`invoices.read`"));
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn rs_23_a_missing_claim_never_means_unrestricted() {
    let forge = Forge::new("k");
    let app = application(&forge.guard());
    for (missing, status) in
        [("scope", 403), ("client_id", 401), ("sub", 401), ("aud", 401), ("gty", 401)]
    {
        let token = forge.token(&claims(&json!({ missing: null })));
        assert_eq!(ask_with(&app, "/api/v1/schools", &token).await.status, status, "{missing}");
    }
    let oldest = forge.token(&claims(&json!({ "gen": null, "cid": null, "roles": null })));
    assert_eq!(forge.guard().verify(&oldest).await.unwrap().generation(), 0);
}

#[tokio::test]
async fn rs_35_a_tenant_s_token_does_not_open_another_tenant_s_school() {
    let forge = Forge::new("k");
    let app = application(&forge.guard());
    for (tenant, own, foreign) in [("c1", "a-school", "b-school"), ("c2", "b-school", "a-school")] {
        let token = forge.token(&claims(&json!({ "sub": tenant, "client_id": tenant })));
        assert_eq!(ask_with(&app, &format!("/api/v1/schools/{own}"), &token).await.status, 200);
        assert_eq!(ask_with(&app, &format!("/api/v1/schools/{foreign}"), &token).await.status, 404);
    }
}

proptest! {
    #[test]
    fn a_client_s_token_never_yields_a_user(
        sub in "[a-c]?", client_id in "[a-c]?",
        gty in prop_oneof![
            Just(json!("client_credentials")), Just(json!("authorization_code")), Just(json!(null)),
            Just(json!("refresh_token")), any::<String>().prop_map(|text| json!(text)),
        ],
        extra in "(user|user_id|username|uid|email|act|on_behalf_of|subject|ugen|grant)", value in "[a-c]",
    ) {
        let forge = Forge::new("k");
        let mut changes = json!({ "sub": sub, "client_id": client_id, "gty": gty, extra: value });
        if gty == "authorization_code" {
            changes["ugen"] = 1.into();
            changes["grant"] = "g1".into();
        }
        let guard = forge.guard();
        let verified = guard.verify(&forge.token(&claims(&changes))).now_or_never().unwrap();
        if let Ok(principal) = verified {
            prop_assert_eq!(principal.client_id(), client_id);
            if gty == "authorization_code" {
                prop_assert_eq!(principal.user_id(), Some(&*sub));
                prop_assert_ne!(principal.user_id(), Some(principal.client_id()));
            } else {
                prop_assert_eq!(gty, "client_credentials");
                prop_assert_eq!(principal.user_id(), None);
                prop_assert_eq!(principal.client_id(), sub);
            }
        }
    }

    #[test]
    fn no_text_makes_the_guard_panic(token in "[A-Za-z0-9_.=~ -]{0,200}", payload in any::<Vec<u8>>()) {
        let forge = Forge::new("k");
        let guard = forge.guard();
        prop_assert!(guard.verify(&token).now_or_never().unwrap().is_err());
        prop_assert!(guard.verify(&forge.sign(&forge.header(), payload)).now_or_never().unwrap().is_err());
    }
}
