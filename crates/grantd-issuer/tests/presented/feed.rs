//! The door of the revocation feed: who may read it, and when a reader may read no more.

use std::sync::atomic::Ordering;

use base64::{Engine, prelude::BASE64_STANDARD};
use grantd_issuer::{
    Admin, NewClient, Rotation, TokenError,
    client_change::ClientEdit,
    core::{Authorization, ClientState, Raw, Refusal, TokenFormat},
    feed::FeedReader,
};

use super::world::{At, NOW, World, key, serves};

async fn knock(world: &World, header: &str) -> Result<FeedReader, Refusal> {
    let authorization = Authorization::One(header.as_bytes());
    let raw = Raw { authorization, content_type: None, body: b"", from: None };
    world.issuer.admit_to_feed(&raw).await.map_err(|error| match error {
        TokenError::Refused(refused) => refused.refusal,
        TokenError::Faulted(fault) => panic!("{fault}"),
    })
}

async fn refusal(world: &World, header: &str) -> Option<Refusal> {
    knock(world, header).await.err()
}

fn basic(world: &World, client: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{client}:{}", world.secret(client))))
}

async fn bearer(world: &World, client: &str, scope: &str) -> String {
    let form = format!("grant_type=client_credentials&scope={scope}");
    let answer = world.answer(At::Token, client, &form).await;
    format!("Bearer {}", answer["access_token"].as_str().unwrap())
}

/// A world in which `rs` has an opaque cousin, and `double` serves an API that it also uses.
async fn world() -> World {
    let mut world = World::new().await;
    let sealed = NewClient { format: Some(TokenFormat::Opaque), ..serves(&["default"]) };
    world.admit("rs-sealed", sealed, &key(7)).await;
    let permissions = vec!["b.read".parse().unwrap()];
    let double = NewClient { permissions, ..serves(&["default", "b"]) };
    world.admit("double", double, &key(7)).await;
    world
}

#[tokio::test]
async fn a_resource_server_s_secret_and_its_own_token_of_either_format_open_the_feed() {
    let world = Box::pin(world()).await;
    for client in ["rs", "rs2", "rs-sealed", "double"] {
        assert_eq!(refusal(&world, &basic(&world, client)).await, None, "{client}");
        assert_eq!(refusal(&world, &bearer(&world, client, "").await).await, None, "{client}");
    }
}

#[tokio::test]
async fn a_token_for_another_api_does_not_even_where_its_client_serves_it() {
    let world = Box::pin(world()).await;
    let token = bearer(&world, "double", "b.read").await;
    assert_eq!(refusal(&world, &token).await, Some(Refusal::FeedTokenForeign));
}

#[tokio::test]
async fn who_serves_nothing_or_keeps_no_secret_reads_no_feed() {
    let world = Box::pin(world()).await;
    for header in [basic(&world, "cc2"), bearer(&world, "cc2", "").await, basic(&world, "spa")] {
        assert_eq!(refusal(&world, &header).await, Some(Refusal::FeedNotAllowed));
    }
}

#[tokio::test]
async fn what_is_no_living_token_opens_nothing() {
    let world = Box::pin(world()).await;
    let token = bearer(&world, "rs", "").await;
    for header in
        ["Bearer ", "bearer x", "Bearer é", &format!("{token}x"), &token[..token.len() - 3]]
    {
        assert_eq!(refusal(&world, header).await, Some(Refusal::FeedTokenDead), "{header}");
    }
    for header in ["Bearer", "Bearerx y", "Digest x"] {
        assert_eq!(refusal(&world, header).await, Some(Refusal::BasicMalformed), "{header}");
    }
}

/// What ends a reader, by name.
const ENDS: [&str; 4] = ["revoke", "delete", "serve nothing", "rotate"];

async fn end(world: &World, client: &str, how: &str) {
    let (admin, registrar) = (Admin::program("test"), world.registrar());
    match how {
        "revoke" => world.set_state(client, ClientState::Revoked).await,
        "delete" => world.set_state(client, ClientState::Deleted).await,
        "serve nothing" => {
            let edit = ClientEdit { serves: Some(Vec::new()), ..ClientEdit::default() };
            registrar.edit_client(&admin, client, edit, None).await.unwrap();
        }
        _ => {
            let hasher = key(7).secret_hasher();
            registrar.rotate(&admin, client, Rotation::default(), &hasher).await.unwrap();
        }
    }
    world.issuer.refresh().await.unwrap();
}

#[tokio::test]
async fn a_reader_may_read_no_more_when_what_let_it_in_ends_and_others_may() {
    for how in ENDS {
        let world = Box::pin(world()).await;
        let other = knock(&world, &basic(&world, "rs2")).await.unwrap();
        for client in ["rs", "rs-sealed"] {
            let by_secret = knock(&world, &basic(&world, client)).await.unwrap();
            let by_token = knock(&world, &bearer(&world, client, "").await).await.unwrap();
            for reader in [&by_secret, &by_token] {
                assert!(world.issuer.still_admits(reader).await.unwrap());
            }
            end(&world, client, how).await;
            for reader in [&by_secret, &by_token] {
                assert!(!world.issuer.still_admits(reader).await.unwrap(), "{how} {reader:?}");
            }
            assert!(world.issuer.still_admits(&other).await.unwrap(), "{how}");
        }
    }
}

#[tokio::test]
async fn a_reader_by_token_ends_with_the_token_and_one_by_secret_does_not() {
    let world = Box::pin(world()).await;
    let by_secret = knock(&world, &basic(&world, "rs")).await.unwrap();
    let [revoked, expired] = [bearer(&world, "rs", "").await, bearer(&world, "rs", "").await];
    let by_revoked = knock(&world, &revoked).await.unwrap();
    let by_expired = knock(&world, &expired).await.unwrap();
    let form = format!("token={}", revoked.strip_prefix("Bearer ").unwrap());
    world.answer(At::Revoke, "rs", &form).await;
    assert!(!world.issuer.still_admits(&by_revoked).await.unwrap());
    assert!(world.issuer.still_admits(&by_expired).await.unwrap());
    world.clock.0.store(NOW + 300, Ordering::SeqCst);
    assert!(!world.issuer.still_admits(&by_expired).await.unwrap());
    assert_eq!(refusal(&world, &expired).await, Some(Refusal::FeedTokenDead));
    assert!(world.issuer.still_admits(&by_secret).await.unwrap());
}
