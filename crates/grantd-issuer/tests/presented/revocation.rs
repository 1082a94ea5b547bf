//! Revocation (RFC 7009) by the cases' ids, for JWT and opaque tokens alike.

use std::sync::Arc;

use async_trait::async_trait;
use grantd_core::{
    Algorithm, ClientState, GrantType, SigningKey, Standing, Timestamp, TokenId, TokenNames,
    TokenSealer,
};
use grantd_issuer::{Issuer, Memory, StorageFault, Tokens};
use serde_json::json;

use crate::world::{At, ISSUER, NOW, World, json, key, ring};

const BOTH: [&str; 2] = ["cc", "opaque"];

/// An access token of this client, sealed as the server with key 7 would have.
fn sealed(client: &str, jti: u8) -> String {
    let claims = json!({
        "iss": ISSUER, "sub": client, "aud": ISSUER, "client_id": client, "iat": NOW, "exp": NOW + 60,
        "jti": format!("01890000-0000-7000-8000-0000000000{jti:02x}"), "scope": "a.read",
        "roles": [], "gty": "client_credentials", "gen": 1,
    });
    TokenSealer::new(&key(7), &[]).seal(claims.to_string().as_bytes(), [jti; 12]).unwrap()
}

#[tokio::test]
async fn rv_03_what_never_was_a_token_is_a_success_with_an_empty_object() {
    let world = World::new().await;
    for token in ["dsahjdasdsa", "a.b.c", "gat_000000"] {
        assert_eq!(world.answer(At::Revoke, "cc", &format!("token={token}")).await, json!({}));
    }
}

#[tokio::test]
async fn a_dead_token_is_a_success_even_for_a_stranger() {
    let world = World::new().await;
    for client in BOTH {
        let token = format!("token={}", world.issue(client).await);
        for caller in [client, client, "cc2"] {
            assert_eq!(world.answer(At::Revoke, caller, &token).await, json!({}));
        }
        let token = format!("token={}", world.issue(client).await);
        world.clock.0.fetch_add(300, std::sync::atomic::Ordering::SeqCst);
        for caller in [client, "cc2"] {
            assert_eq!(world.answer(At::Revoke, caller, &token).await, json!({}));
        }
    }
}

#[tokio::test]
async fn rv_06_a_confidential_client_proves_itself() {
    let world = World::new().await;
    let token = world.issue("cc").await;
    for (form, challenge) in
        [(format!("token={token}&client_id=cc"), false), (format!("token={token}"), true)]
    {
        let answer = world.post(At::Revoke, &form).await;
        assert_eq!(
            (answer.status().as_u16(), &json(&answer)["error"]),
            (401, &json!("invalid_client"))
        );
        assert_eq!(answer.headers().contains_key("www-authenticate"), challenge);
        assert_eq!(answer.headers()["cache-control"], "no-store");
    }
    assert!(world.is_active(&token).await);
}

#[tokio::test]
async fn rv_07_a_public_client_ends_its_own_token_by_its_id_alone_and_no_other() {
    let world = World::new().await;
    let (own, foreign) = (sealed("spa", 1), sealed("cc", 2));
    assert!(world.is_active(&own).await && world.is_active(&foreign).await);
    world.answer(At::Revoke, "spa", &format!("token={own}")).await;
    let answer = world.post(At::Revoke, &world.form("spa", &format!("token={foreign}"))).await;
    assert_eq!(answer.status(), 400);
    assert!(!world.is_active(&own).await && world.is_active(&foreign).await);
}

#[tokio::test]
async fn rv_05_a_living_token_of_another_client_is_refused_and_lives_on() {
    let world = World::new().await;
    for client in BOTH {
        let token = world.issue(client).await;
        for caller in ["cc2", "rs"] {
            let answer =
                world.post(At::Revoke, &world.form(caller, &format!("token={token}"))).await;
            assert_eq!(
                (answer.status().as_u16(), &json(&answer)["error"]),
                (400, &json!("invalid_request"))
            );
            let refused = answer.extensions().get::<grantd_core::Refused>().unwrap();
            assert_eq!(refused.refusal.name(), "token-foreign");
        }
        assert!(world.is_active(&token).await);
    }
}

#[tokio::test]
async fn rv_09_a_hint_never_hides_the_token() {
    let world = World::new().await;
    for client in BOTH {
        for hint in ["refresh_token", "foobar"] {
            let token = world.issue(client).await;
            world
                .answer(At::Revoke, client, &format!("token={token}&token_type_hint={hint}"))
                .await;
            assert!(!world.is_active(&token).await, "{hint}");
        }
    }
}

#[tokio::test]
async fn rv_12_a_forged_token_with_the_victim_s_id_kills_nothing() {
    let world = World::new().await;
    for client in BOTH {
        let token = world.issue(client).await;
        let told = world.introspect("rs", &token).await;
        let mut claims = told.clone();
        for thief in [client, "cc2"] {
            claims["client_id"] = json!(thief);
            let json = claims.to_string();
            let foreign = SigningKey::generate(Algorithm::Es256).unwrap();
            let forged = [
                foreign.sign_access_token(json.as_bytes()).unwrap(),
                TokenSealer::new(&key(8), &[]).seal(json.as_bytes(), [0; 12]).unwrap(),
            ];
            for forged in forged {
                world.answer(At::Revoke, "cc2", &format!("token={forged}")).await;
                world.answer(At::Revoke, client, &format!("token={forged}")).await;
            }
        }
        assert_eq!(world.introspect("rs", &token).await, told);
    }
}

#[tokio::test]
async fn rv_13_the_next_token_is_another_and_alive() {
    let world = World::new().await;
    for client in BOTH {
        let token = world.issue(client).await;
        world.answer(At::Revoke, client, &format!("token={token}")).await;
        let next = world.issue(client).await;
        assert_ne!(next, token);
        assert!(world.is_active(&next).await && !world.is_active(&token).await);
    }
}

#[tokio::test]
async fn a_token_of_another_client_generation_or_issuer_is_dead() {
    let world = World::new().await;
    let claims = world.introspect("rs", &world.issue("cc").await).await;
    let seal = |claims: &serde_json::Value| {
        TokenSealer::new(&key(7), &[]).seal(claims.to_string().as_bytes(), [1; 12]).unwrap()
    };
    assert!(world.is_active(&seal(&claims)).await);
    for (member, value) in
        [("client_id", json!("nobody")), ("gen", json!(0)), ("iss", json!("https://b"))]
    {
        let mut changed = claims.clone();
        changed[member] = value;
        assert!(!world.is_active(&seal(&changed)).await, "{member}");
    }
}

/// A storage that cannot say anything about a token.
struct Broken;

#[async_trait]
impl Tokens for Broken {
    async fn standing(&self, _token: &TokenNames) -> Result<Standing, StorageFault> {
        Ok(Standing {
            client: Some((ClientState::Active, 1)),
            credential_dead: false,
            token_dead: false,
            key_dead: false,
            user: None,
            approval_dead: false,
        })
    }

    async fn revoke_token(
        &self,
        _id: TokenId,
        _until: Timestamp,
        _now: Timestamp,
    ) -> Result<(), StorageFault> {
        Err(StorageFault::plain("the disk is full"))
    }
}

fn server(world: &World) -> grantd_issuer::Builder {
    Issuer::builder(ISSUER, ring(&world.pem), key(7))
        .enable(GrantType::ClientCredentials, None)
        .clock(world.clock.clone())
}

#[tokio::test]
async fn rv_15_a_storage_that_fails_is_never_a_false_success() {
    let mut world = World::new().await;
    let token = world.issue("cc").await;
    world.issuer = server(&world).tokens(Arc::new(Broken)).build(world.memory.clone());
    let answer = world.post(At::Revoke, &world.form("cc", &format!("token={token}"))).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "2");
}

#[tokio::test]
async fn md_07_the_metadata_names_both_endpoints_only_where_they_are() {
    let mut world = World::new().await;
    let document = json(&world.issuer.metadata());
    assert_eq!(document["introspection_endpoint"], "https://auth.example/oauth/introspect");
    assert_eq!(document["revocation_endpoint"], "https://auth.example/oauth/revoke");
    let secret = ["client_secret_basic", "client_secret_post"];
    assert_eq!(document["introspection_endpoint_auth_methods_supported"], json!(secret));
    assert_eq!(
        document["revocation_endpoint_auth_methods_supported"],
        json!([secret[0], secret[1], "none"])
    );
    world.issuer = server(&world)
        .tokens(Arc::new(Memory::default()))
        .introspection_path("/i")
        .revocation_path("/r")
        .build(world.memory.clone());
    let document = json(&world.issuer.metadata());
    assert_eq!(document["introspection_endpoint"], "https://auth.example/i");
    assert_eq!(document["revocation_endpoint"], "https://auth.example/r");
    world.issuer = server(&world).build(world.memory.clone());
    assert!(!json(&world.issuer.metadata()).to_string().contains("oauth/revoke"));
    for at in [At::Introspect, At::Revoke] {
        assert_eq!(world.post(at, &world.form("cc", "token=x")).await.status(), 404);
    }
}
