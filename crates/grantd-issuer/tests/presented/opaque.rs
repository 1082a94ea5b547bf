//! Opaque tokens as a client gets them.

use std::sync::atomic::Ordering;

use serde_json::json;

use crate::world::{At, ISSUER, NOW, World, json, key, ring, serves};

fn looks_opaque(token: &str) -> bool {
    token
        .strip_prefix("gat_")
        .is_some_and(|body| !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[tokio::test]
async fn cc_20_a_token_is_opaque_where_the_client_or_else_its_api_says_so() {
    let world = World::new().await;
    for (client, scope, opaque) in [
        ("opaque", "a.read", true),
        ("opaque", "b.read", true),
        ("cc", "a.read", false),
        ("cc", "s.read", true),
        ("stays-jwt", "s.read", false),
    ] {
        let more = format!("grant_type=client_credentials&scope={scope}");
        let answer = world.answer(At::Token, client, &more).await;
        let token = answer["access_token"].as_str().unwrap();
        assert_eq!(looks_opaque(token), opaque, "{client} {scope} {token}");
        assert_eq!(answer["scope"], scope);
    }
    assert_ne!(world.issue("opaque").await, world.issue("opaque").await);
}

#[tokio::test]
async fn the_expires_in_of_an_opaque_token_is_true_even_after_a_change_of_keys() {
    let mut world = World::new().await;
    let answer = world.answer(At::Token, "opaque", "grant_type=client_credentials").await;
    let token = answer["access_token"].as_str().unwrap();
    let lives = answer["expires_in"].as_i64().unwrap();
    let told = world.introspect("rs", token).await;
    assert_eq!(told["exp"], NOW + lives);
    // The server key is another one, and so is the signing key; clients' hashes stay as they were.
    let pem = world.pem.clone();
    world.restart(ring(&pem), key(8), Some(key(7)));
    world.admit("rs3", serves(&["default"]), &key(8)).await;
    let asker = world.form("rs3", &format!("token={token}"));
    for (second, expected) in
        [(0, told.clone()), (lives - 1, told), (lives, json!({"active": false}))]
    {
        world.clock.0.store(NOW + second, Ordering::SeqCst);
        assert_eq!(json(&world.post(At::Introspect, &asker).await), expected, "{second}");
    }
    world.clock.0.store(NOW, Ordering::SeqCst);
    world.restart(ring(&pem), key(8), Some(key(6)));
    assert_eq!(json(&world.post(At::Introspect, &asker).await), json!({"active": false}));
}

#[tokio::test]
async fn ri_03_a_resource_is_an_absolute_uri_without_fragment_and_an_empty_one_is_none() {
    let world = World::new().await;
    for client in ["cc", "opaque"] {
        for resource in ["api%23x", "/api", "b.example", "https://b.example%23x"] {
            let more = format!("grant_type=client_credentials&resource={resource}");
            let answer = world.post(At::Token, &world.form(client, &more)).await;
            assert_eq!(answer.status(), 400);
            assert_eq!(json(&answer)["error"], "invalid_target", "{resource}");
        }
        let more = "grant_type=client_credentials&resource=";
        let answer = world.answer(At::Token, client, more).await;
        let token = answer["access_token"].as_str().unwrap();
        assert_eq!(world.introspect("rs", token).await["aud"], ISSUER);
    }
}
