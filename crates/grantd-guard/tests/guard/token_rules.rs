//! What makes a token good here (RFC 9068 section 4, RFC 8725), rule by rule.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use grantd_core::{Algorithm, SigningKey};
use grantd_guard::{Guard, GuardRefusal, JwkSet};
use serde_json::{Value, json};

use crate::{
    application::{application, ask_with, assert_invalid},
    forge::{AUDIENCE, Forge, ISSUER, claims, compact, now},
};

/// The token as `changes` make it is answered 401, and refused for this reason.
async fn assert_refused(changes: Value, refusal: GuardRefusal) {
    let forge = Forge::new("k");
    let (guard, token) = (forge.guard(), forge.token(&claims(&changes)));
    assert_eq!(guard.verify(&token).await.unwrap_err(), refusal, "{changes}");
    assert_invalid(&application(&guard), &token, &changes.to_string()).await;
}

#[tokio::test]
async fn tokens_of_all_four_algorithms_verify() {
    let keys = Algorithm::ALL.map(|algorithm| SigningKey::generate(algorithm).unwrap());
    let set = JwkSet { keys: keys.iter().map(|key| key.public().jwk().clone()).collect() };
    let guard = Guard::with_keys(ISSUER, set).audience(AUDIENCE).build().await.unwrap();
    for key in &keys {
        let token = key.sign_access_token(claims(&json!({})).to_string().as_bytes()).unwrap();
        assert_eq!(guard.verify(&token).await.unwrap().client_id(), "c1", "{}", key.algorithm());
    }
}

#[tokio::test]
async fn rs_06_an_expired_token_is_refused_and_exp_is_exclusive() {
    for exp in [now() - 3600, now() - 1, now(), 0, -1] {
        assert_refused(json!({ "exp": exp }), GuardRefusal::Expired).await;
    }
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    assert_refused(json!({ "nbf": now() + 60 }), GuardRefusal::NotYetValid).await;
    assert_refused(json!({ "iat": now() + 60 }), GuardRefusal::IssuedInFuture).await;
}

#[tokio::test]
async fn rs_12_a_token_for_another_audience_is_refused() {
    for aud in [
        json!("https://other.example"),
        json!("https://api.example/"),
        json!(["x", "y"]),
        json!([]),
    ] {
        assert_refused(json!({ "aud": aud }), GuardRefusal::AudienceWrong).await;
    }
    let forge = Forge::new("k");
    let token = forge.token(&claims(&json!({ "aud": ["https://other.example", AUDIENCE] })));
    assert_eq!(ask_with(&application(&forge.guard()), "/api/v1/schools", &token).await.status, 200);
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused_a_slash_at_the_end_included() {
    for iss in ["https://evil.example", "https://auth.example/", "HTTPS://auth.example", ""] {
        assert_refused(json!({ "iss": iss }), GuardRefusal::IssuerWrong).await;
    }
}

#[tokio::test]
async fn rs_14_a_token_of_another_type_is_refused() {
    let forge = Forge::new("k");
    let (guard, app) = (forge.guard(), application(&forge.guard()));
    for typ in
        [json!("JWT"), json!(null), json!("secevent+jwt"), json!("at+jwt "), json!("at"), json!("")]
    {
        let mut header = forge.header();
        header["typ"] = typ.clone();
        let token = forge.sign(&header, claims(&json!({})).to_string());
        assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::TypeWrong, "{typ}");
        assert_invalid(&app, &token, &typ.to_string()).await;
    }
    let untyped =
        forge.sign(&json!({ "alg": "EdDSA", "kid": "k" }), claims(&json!({})).to_string());
    assert_invalid(&app, &untyped, "typ absent").await;
}

#[tokio::test]
async fn rs_15_the_type_may_be_spelled_in_full_and_in_any_case() {
    let forge = Forge::new("k");
    let app = application(&forge.guard());
    for typ in ["application/at+jwt", "AT+JWT", "Application/At+Jwt"] {
        let token = forge.sign(
            &json!({ "typ": typ, "alg": "EdDSA", "kid": "k" }),
            claims(&json!({})).to_string(),
        );
        assert_eq!(ask_with(&app, "/api/v1/schools", &token).await.status, 200, "{typ}");
    }
}

/// The forged token is answered 401, and refused for this reason.
async fn assert_forged(forge: &Forge, token: &str, refusal: GuardRefusal) {
    assert_eq!(forge.guard().verify(token).await.unwrap_err(), refusal, "{token}");
    assert_invalid(&application(&forge.guard()), token, refusal.name()).await;
}

/// The header of a good token with these members changed.
fn header_with(forge: &Forge, changes: &Value) -> Value {
    let mut header = forge.header();
    header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    header
}

#[tokio::test]
async fn rs_16_a_token_of_another_algorithm_is_refused() {
    let forge = Forge::new("k");
    let payload = claims(&json!({})).to_string();
    for alg in
        ["none", "None", "NONE", "nOnE", "", "HS256", "RS256", "PS256", "ES256", "eddsa", "Ed25519"]
    {
        let header = header_with(&forge, &json!({ "alg": alg }));
        assert_forged(
            &forge,
            &compact(&header, &payload, |_| Vec::new()),
            GuardRefusal::AlgorithmWrong,
        )
        .await;
        assert_forged(&forge, &forge.sign(&header, &payload), GuardRefusal::AlgorithmWrong).await;
    }
    let x = BASE64_URL_SAFE_NO_PAD.encode(forge.public_key());
    for secret in [forge.public_key(), x.as_bytes(), json!(forge.jwk()).to_string().as_bytes()] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let header = header_with(&forge, &json!({ "alg": "HS256" }));
        let token = compact(&header, &payload, |input| hmac::sign(&key, input).as_ref().into());
        assert_forged(&forge, &token, GuardRefusal::AlgorithmWrong).await;
    }
}

#[tokio::test]
async fn rs_16_a_key_that_the_token_brings_along_is_not_believed() {
    let (forge, thief) = (Forge::new("k"), Forge::new("k"));
    let payload = claims(&json!({})).to_string();
    for (changes, refusal) in [
        (json!({}), GuardRefusal::SignatureWrong),
        (json!({ "jwk": thief.jwk() }), GuardRefusal::SignatureWrong),
        (json!({ "jku": "https://evil.example/jwks.json" }), GuardRefusal::SignatureWrong),
        (json!({ "kid": "other", "jwk": thief.jwk() }), GuardRefusal::KeyUnknown),
        (json!({ "kid": null, "jwk": thief.jwk() }), GuardRefusal::KeyNotNamed),
    ] {
        let token = thief.sign(&header_with(&forge, &changes), &payload);
        assert_forged(&forge, &token, refusal).await;
    }
}

#[tokio::test]
async fn rs_16_a_critical_extension_is_refused_although_the_signature_is_good() {
    let forge = Forge::new("k");
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!(null)] {
        let token = forge
            .sign(&header_with(&forge, &json!({ "crit": crit })), claims(&json!({})).to_string());
        assert_forged(&forge, &token, GuardRefusal::ExtensionCritical).await;
    }
}

#[tokio::test]
async fn a_token_changed_in_any_part_is_refused() {
    let forge = Forge::new("k");
    let token = forge.token(&claims(&json!({})));
    let richer = forge.token(&claims(&json!({ "scope": "schools.read invoices.read" })));
    let parts: Vec<_> = token.split('.').collect();
    let other = richer.split('.').nth(1).unwrap();
    for (wrong, refusal) in [
        (format!("{}.{other}.{}", parts[0], parts[2]), GuardRefusal::SignatureWrong),
        (format!("{}.{}.", parts[0], parts[1]), GuardRefusal::SignatureWrong),
        (format!("{}.{}", parts[0], parts[1]), GuardRefusal::TokenMalformed),
        (format!("{token}."), GuardRefusal::TokenMalformed),
        (format!("{token}="), GuardRefusal::TokenMalformed),
        (format!("{token}A"), GuardRefusal::SignatureWrong),
        (token[1..].to_owned(), GuardRefusal::TokenMalformed),
        (token[..token.len() - 1].to_owned(), GuardRefusal::TokenMalformed),
        ("gat_0123456789".to_owned(), GuardRefusal::OpaqueTokenUnsupported),
        ("a".repeat(16 * 1024 + 1), GuardRefusal::TokenTooLong),
    ] {
        assert_forged(&forge, &wrong, refusal).await;
    }
}

#[tokio::test]
async fn rs_17_malformed_claims_are_refused() {
    let malformed = GuardRefusal::ClaimsMalformed;
    for name in ["exp", "iss", "aud", "sub", "client_id", "jti"] {
        assert_refused(json!({ name: null }), malformed).await;
    }
    for exp in
        [json!("9999999999"), json!(1e300), json!(9_999_999_999.5), json!(true), json!(u64::MAX)]
    {
        assert_refused(json!({ "exp": exp }), malformed).await;
    }
    for (name, value) in [
        ("iss", json!([ISSUER])),
        ("aud", json!({ "a": AUDIENCE })),
        ("aud", json!([AUDIENCE, 1])),
        ("sub", json!(1)),
        ("sub", json!("")),
        ("client_id", json!("")),
        ("jti", json!(7)),
        ("nbf", json!("0")),
        ("iat", json!(1.5)),
        ("scope", json!(["schools.read"])),
        ("roles", json!("reader")),
        ("gty", json!(["client_credentials"])),
        ("gen", json!(-1)),
        ("cid", json!(1)),
    ] {
        assert_refused(json!({ name: value }), malformed).await;
    }
}

#[tokio::test]
async fn rs_17_a_payload_that_is_no_object_or_has_a_claim_twice_is_refused() {
    let forge = Forge::new("k");
    let (guard, app) = (forge.guard(), application(&forge.guard()));
    let good = claims(&json!({})).to_string();
    let twice = |member: &str| format!("{},{member}}}", good.strip_suffix('}').unwrap());
    let exp = now() + 600;
    for payload in [
        // The members in the order in which the guard declares them.
        format!(
            r#"["{ISSUER}","{AUDIENCE}","c1","c1","t1",{exp},0,0,"schools.read",[],"client_credentials",3,"k1"]"#
        ),
        format!("[{good}]"),
        format!("{good}{good}"),
        good.replace('}', ""),
        "null".to_owned(),
        String::new(),
        twice(&format!(r#""exp":{exp}"#)),
        twice(r#""sub":"c1""#),
        twice(r#""s\u0075b":"u1""#),
        twice(r#""scope":"invoices.read""#),
        twice(&format!(r#""aud":"{AUDIENCE}""#)),
        twice(r#""gty":"authorization_code""#),
        twice(r#""nbf":null"#),
    ] {
        let token = forge.sign(&forge.header(), &payload);
        assert_eq!(
            guard.verify(&token).await.unwrap_err(),
            GuardRefusal::ClaimsMalformed,
            "{payload}"
        );
        assert_invalid(&app, &token, &payload).await;
    }
    let not_utf8 = forge.sign(&forge.header(), [good.as_bytes(), b"\xff"].concat());
    assert_invalid(&app, &not_utf8, "not UTF-8").await;
    assert!(
        guard.verify(&forge.sign(&forge.header(), twice(r#""other":{"a":[null]}"#))).await.is_ok()
    );
}

#[tokio::test]
async fn a_grant_type_that_says_nothing_of_the_subject_is_refused() {
    for gty in [
        json!(null),
        json!(""),
        json!("refresh_token"),
        json!("password"),
        json!("Client_Credentials"),
    ] {
        assert_refused(json!({ "gty": gty }), GuardRefusal::GrantTypeUnknown).await;
    }
}
