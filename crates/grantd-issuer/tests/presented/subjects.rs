//! Whom a token speaks of: a client's own speaks of the client, whatever its id looks like.

use grantd_issuer::{
    Admin, NewClient,
    core::{GrantType, TokenFormat},
};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::world::{At, World, key};

/// Creates a client of this id, and gives its token: as text, and as the resource server is told.
async fn issued(world: &World, id: &str, format: TokenFormat) -> (String, Value) {
    let new = NewClient {
        id: Some(id.parse().unwrap()),
        name: "Test".to_owned(),
        format: Some(format),
        ..NewClient::default()
    };
    let hasher = key(7).secret_hasher();
    let created = world.registrar().create_client(&Admin::program("test"), new, &hasher).await;
    let (_, secret) = created.unwrap().secret.unwrap();
    // As JSON, for an id may have any printable character.
    let body = json!({
        "grant_type": "client_credentials", "client_id": id, "client_secret": secret.reveal(),
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let answer = world.send(At::Token, headers, &body.to_string()).await;
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let told = world.introspect("rs", &token).await;
    (token, told)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_client_s_token_never_yields_a_user_whatever_its_id(
        id in "[ -~]{1,40}|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}|[0-9]{1,3}",
        opaque: bool,
    ) {
        let format = if opaque { TokenFormat::Opaque } else { TokenFormat::Jwt };
        Runtime::new().unwrap().block_on(async {
            let world = World::new().await;
            let (token, told) = issued(&world, &id, format).await;
            assert_eq!(token.starts_with("gat_"), opaque);
            assert_eq!((&told["sub"], &told["client_id"]), (&json!(id), &json!(id)));
            assert_eq!(told["gty"], "client_credentials");
            for of_users in ["ugen", "grant", "username", "user_id"] {
                assert_eq!(told.get(of_users), None);
            }
            let token = world.issuer.live_token(&token).await.unwrap().unwrap();
            assert_eq!((&token.subject, token.grant), (&id, GrantType::ClientCredentials));
            assert_eq!(token.client, id);
        });
    }
}
