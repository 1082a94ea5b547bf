//! Introspection (RFC 7662) by the cases' ids, for JWT and opaque tokens alike.

use std::sync::atomic::Ordering;

use grantd_core::{Algorithm, ClientState, SigningKey};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use crate::world::{At, ISSUER, NOW, World, json, ring};

const BOTH: [&str; 2] = ["cc", "opaque"];

#[tokio::test]
async fn in_01_the_resource_server_learns_all_of_a_living_token() {
    let world = World::new().await;
    for client in BOTH {
        let told = world.introspect("rs", &world.issue(client).await).await;
        let expected = json!({
            "active": true, "scope": "a.read", "client_id": client, "token_type": "Bearer",
            "exp": NOW + 300, "iat": NOW, "sub": client, "aud": ISSUER, "iss": ISSUER,
            "jti": told["jti"], "roles": [], "gty": "client_credentials", "gen": 1,
            "cid": told["cid"],
        });
        assert_eq!(told, expected);
        assert!(told["jti"].is_string() && told["cid"].is_string());
    }
}

#[tokio::test]
async fn in_02_and_03_a_caller_that_proves_nothing_learns_nothing() {
    let world = World::new().await;
    let token = world.issue("cc").await;
    for (form, challenge) in [
        (format!("token={token}"), true),
        (format!("token={token}&client_id=rs"), false),
        (format!("token={token}&client_id=rs&client_secret=wrong"), false),
        (format!("token={token}&client_id=nobody&client_secret=wrong"), false),
    ] {
        let answer = world.post(At::Introspect, &form).await;
        assert_eq!(
            (answer.status().as_u16(), &json(&answer)["error"]),
            (401, &json!("invalid_client"))
        );
        assert_eq!(answer.headers().contains_key("www-authenticate"), challenge, "{form}");
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert("authorization", HeaderValue::from_static("Basic cnM6d3Jvbmc="));
    let answer = world.send(At::Introspect, headers, &format!("token={token}")).await;
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
}

#[tokio::test]
async fn in_07_a_revoked_token_is_inactive_at_once_each_of_100_times() {
    let world = World::new().await;
    for round in 0..100 {
        let client = BOTH[round % 2];
        let (token, other) = (world.issue(client).await, world.issue(client).await);
        assert!(world.is_active(&token).await);
        world.answer(At::Revoke, client, &format!("token={token}")).await;
        assert!(!world.is_active(&token).await);
        assert!(world.is_active(&other).await, "only the one is dead");
    }
}

#[tokio::test]
async fn in_08_and_17_who_is_not_the_audience_is_told_inactive() {
    let world = World::new().await;
    for client in BOTH {
        let of_default = world.issue(client).await;
        let answer =
            world.answer(At::Token, client, "grant_type=client_credentials&scope=b.read").await;
        let of_b = answer["access_token"].as_str().unwrap();
        for (caller, token, active) in [
            ("rs", of_default.as_str(), true),
            ("rs", of_b, false),
            ("rs2", of_b, true),
            ("rs2", &of_default, false),
            ("cc2", &of_default, false),
            (client, &of_default, false),
        ] {
            let told = world.introspect(caller, token).await;
            assert_eq!(told["active"], active, "{caller}");
            assert_eq!(told == json!({ "active": false }), !active);
        }
    }
}

#[tokio::test]
async fn in_10_a_hint_changes_nothing() {
    let world = World::new().await;
    for client in BOTH {
        let token = world.issue(client).await;
        for hint in ["access_token", "refresh_token", "foobar", ""] {
            let more = format!("token={token}&token_type_hint={hint}");
            assert_eq!(world.answer(At::Introspect, "rs", &more).await["active"], true, "{hint}");
        }
    }
}

#[tokio::test]
async fn in_13_what_is_no_access_token_is_inactive() {
    let world = World::new().await;
    let long = format!("gat_{}", "A".repeat(20_000));
    for token in [
        "gac_4fHh2kQ1",
        "gcs_0000000000000000000000000000000000000000000000000",
        "urn:ietf:params:oauth:request_uri:abc",
        "a.b.c",
        "..",
        "gat_",
        "gat_000000",
        "%00",
        "%F0%9F%94%91",
        &long,
    ] {
        assert!(!world.is_active(token).await, "{token}");
    }
}

#[tokio::test]
async fn in_14_a_changed_a_foreign_and_an_unsigned_token_are_inactive() {
    let world = World::new().await;
    let token = world.issue("cc").await;
    let [header, payload, signature]: [&str; 3] =
        token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut changed = payload.to_owned();
    let at = changed.len() / 2;
    let other = if changed.as_bytes()[at] == b'A' { "B" } else { "A" };
    changed.replace_range(at..=at, other);
    // {"alg":"none","typ":"at+jwt"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let claims = base64(payload);
    let foreign =
        SigningKey::generate(Algorithm::Es256).unwrap().sign_access_token(&claims).unwrap();
    let stolen_kid = format!("{header}.{payload}.{}", foreign.rsplit_once('.').unwrap().1);
    for token in [
        format!("{header}.{changed}.{signature}"),
        foreign,
        stolen_kid,
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{header}.{payload}."),
        format!("{token}."),
        format!("{token}A"),
    ] {
        assert!(!world.is_active(&token).await, "{token}");
    }
    assert!(world.is_active(&token).await);
}

#[tokio::test]
async fn in_15_a_suspended_and_a_deleted_client_s_tokens_are_dead_and_stay_so_after_restore() {
    for state in [ClientState::Revoked, ClientState::Deleted] {
        let world = World::new().await;
        for client in BOTH {
            let (token, other) = (world.issue(client).await, world.issue("cc2").await);
            world.set_state(client, state).await;
            assert!(!world.is_active(&token).await);
            assert!(world.is_active(&other).await, "another client's lives on");
            world.set_state(client, ClientState::Active).await;
            assert!(!world.is_active(&token).await);
            assert!(world.is_active(&world.issue(client).await).await, "RV-14: in the same second");
        }
    }
}

#[tokio::test]
async fn in_16_a_public_client_may_not_ask() {
    let world = World::new().await;
    let token = world.issue("cc").await;
    let answer = world.post(At::Introspect, &world.form("spa", &format!("token={token}"))).await;
    assert_eq!(
        (answer.status().as_u16(), &json(&answer)["error"]),
        (401, &json!("invalid_client"))
    );
    let refused = answer.extensions().get::<grantd_core::Refused>().unwrap();
    assert_eq!(refused.refusal.name(), "introspection-needs-secret");
}

#[tokio::test]
async fn in_18_a_token_comes_once_and_not_at_all_is_refused() {
    let world = World::new().await;
    let token = world.issue("cc").await;
    for more in [format!("token={token}&token={token}"), String::new(), "token=".to_owned()] {
        for at in [At::Introspect, At::Revoke] {
            let answer = world.post(at, &world.form("rs", &more)).await;
            assert_eq!(
                (answer.status().as_u16(), &json(&answer)["error"]),
                (400, &json!("invalid_request"))
            );
        }
    }
    assert!(world.is_active(&token).await);
}

#[tokio::test]
async fn in_19_no_other_text_is_an_opaque_token() {
    let world = World::new().await;
    let token = world.issue("opaque").await;
    let cut = (1..=16).map(|cut| token[..token.len() - cut].to_owned());
    let suffixed = ["0", "AAAAAA", "_", "%20", "."].map(|suffix| format!("{token}{suffix}"));
    let cased = [token.to_lowercase(), token.to_uppercase(), token.replacen("gat_", "GAT_", 1)];
    for other in cut.chain(suffixed).chain(cased) {
        assert!(!world.is_active(&other).await, "{other}");
    }
    assert!(world.is_active(&token).await);
}

#[tokio::test]
async fn a_token_ends_at_its_end_and_one_of_a_retired_key_lives_until_then() {
    let mut world = World::new().await;
    let tokens = [world.issue("cc").await, world.issue("opaque").await];
    let fresh = SigningKey::generate(Algorithm::Es256).unwrap();
    let retired = ring(&world.pem).signing()[0].public().clone();
    let keys = grantd_issuer::KeyRing::new(vec![fresh], &[retired]).unwrap();
    world.restart(keys, crate::world::key(7), None);
    for (second, active) in [(0, true), (299, true), (300, false), (301, false)] {
        world.clock.0.store(NOW + second, Ordering::SeqCst);
        for token in &tokens {
            assert_eq!(world.is_active(token).await, active, "{second}");
        }
    }
}

/// Base64url by hand, so that the crate needs no dependency for one test.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: String = text.chars().map(|c| format!("{:06b}", ALPHABET.find(c).unwrap())).collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes.map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap()).collect()
}
