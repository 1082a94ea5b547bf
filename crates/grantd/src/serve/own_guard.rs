//! The server's guard of its own API: it asks the issuer in this process, so that it is never late.

use std::sync::Arc;

use async_trait::async_trait;
use grantd_core::PresentedToken;
use grantd_guard::{ActiveToken, Guard, Introspector, IntrospectorError};
use grantd_issuer::Issuer;

/// A guard that takes living tokens of this issuer for the API `default`, whose audience is the
/// issuer itself.
pub(crate) fn own_guard(issuer: &Arc<Issuer>) -> Guard {
    let asked = Arc::new(Asked(Arc::clone(issuer)));
    Guard::with_introspector(issuer.identifier(), asked).build_now()
}

struct Asked(Arc<Issuer>);

#[async_trait]
impl Introspector for Asked {
    async fn introspect(&self, token: &str) -> Result<Option<ActiveToken>, IntrospectorError> {
        Ok(self.0.live_token(token).await?.map(active))
    }
}

fn active(token: PresentedToken) -> ActiveToken {
    ActiveToken {
        issuer: token.issuer,
        audience: token.audience,
        subject: token.subject,
        client_id: token.client,
        token_id: token.id.to_string(),
        expires_at: token.expires_at,
        grant_type: token.grant,
        scope: token.scope,
        roles: token.roles,
        generation: token.generation,
        credential_id: token.credential.map(|id| id.to_string()),
        user_generation: token.on_behalf.map(|owner| owner.generation),
        grant_id: token.on_behalf.map(|owner| owner.approval.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use grantd_core::{Algorithm, Api, ClientState, GrantType, SecretKey, SigningKey, TokenFormat};
    use grantd_guard::GuardRefusal;
    use grantd_issuer::{Admin, KeyRing, Memory, NewClient, PermissionEntry, Registrar};
    use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};

    use super::*;

    const ISSUER: &str = "https://auth.example";

    fn secret_key() -> SecretKey {
        SecretKey::from_bytes([7; 32])
    }

    /// A server with the permissions `manage_system` in the API `default` and `b.read` in `b`.
    async fn server() -> (Arc<Issuer>, Registrar) {
        let memory = Arc::new(Memory::default());
        let (registrar, admin) = (Registrar::new(memory.clone()), Admin::program("test"));
        let audience = Some("https://b.example".to_owned());
        let api = Api { name: "b".to_owned(), audience, ..Api::default_api() };
        registrar.create_api(&admin, &api).await.unwrap();
        for (name, api) in [("manage_system", "default"), ("b.read", "b")] {
            let (name, api) = (name.parse().unwrap(), api.to_owned());
            let entry = PermissionEntry { name, api, description: String::new() };
            registrar.create_permission(&admin, &entry).await.unwrap();
        }
        let keys = vec![SigningKey::generate(Algorithm::Es256).unwrap()];
        let issuer = Issuer::builder(ISSUER, KeyRing::new(keys, &[]).unwrap(), secret_key())
            .enable(GrantType::ClientCredentials, None)
            .tokens(memory.clone())
            .build(memory);
        (Arc::new(issuer), registrar)
    }

    async fn token(
        server: &(Arc<Issuer>, Registrar),
        format: TokenFormat,
        scope: &str,
    ) -> (String, String) {
        let new = NewClient { format: Some(format), ..NewClient::default() };
        token_of(server, new, scope).await
    }

    /// A client made like this, and a token of it.
    async fn token_of(
        server: &(Arc<Issuer>, Registrar),
        new: NewClient,
        scope: &str,
    ) -> (String, String) {
        let (issuer, registrar) = server;
        let new = NewClient {
            name: "Ops".to_owned(),
            permissions: ["manage_system", "b.read"].map(|name| name.parse().unwrap()).to_vec(),
            ..new
        };
        let hasher = secret_key().secret_hasher();
        let created = registrar.create_client(&Admin::program("test"), new, &hasher).await.unwrap();
        let (_, secret) = created.secret.unwrap();
        let (id, secret) = (created.client.id, secret.reveal());
        // As JSON, for an id may have any printable character.
        let body = serde_json::json!({
            "grant_type": "client_credentials", "scope": scope, "client_id": id.as_str(), "client_secret": secret,
        });
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = issuer.post_token(&headers, body.to_string().as_bytes(), None).await;
        let answer: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        (id.to_string(), answer["access_token"].as_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn both_formats_pass_and_neither_does_once_its_client_is_revoked() {
        let server = server().await;
        let guard = own_guard(&server.0);
        for format in [TokenFormat::Jwt, TokenFormat::Opaque] {
            let (id, token) = token(&server, format, "manage_system").await;
            let principal = guard.verify(&token).await.unwrap();
            assert_eq!((principal.client_id(), principal.user_id()), (&*id, None));
            assert!(principal.can("manage_system") && !principal.can("b.read"));
            assert!(principal.credential_id().is_some() && principal.generation() == 1);
            let admin = Admin::program("test");
            server.1.set_client_state(&admin, &id, ClientState::Revoked).await.unwrap();
            assert_eq!(guard.verify(&token).await.unwrap_err(), GuardRefusal::TokenInactive);
        }
    }

    #[tokio::test]
    async fn a_token_for_another_api_of_this_issuer_does_not_pass() {
        let server = server().await;
        for format in [TokenFormat::Jwt, TokenFormat::Opaque] {
            let (_, token) = token(&server, format, "b.read").await;
            let refusal = own_guard(&server.0).verify(&token).await.unwrap_err();
            assert_eq!(refusal, GuardRefusal::AudienceWrong);
        }
    }

    #[tokio::test]
    async fn a_client_s_token_never_yields_a_user_whatever_its_id() {
        let server = server().await;
        let guard = own_guard(&server.0);
        let uuid = "0190c0de-0000-7000-8000-000000000001";
        for (id, other) in [(uuid, "0190C0DE"), ("1", "0"), ("user:1", "grant"), ("a b\"\\", "~")] {
            for (id, format) in [(id, TokenFormat::Jwt), (other, TokenFormat::Opaque)] {
                let id = Some(id.parse().unwrap());
                let new = NewClient { id, format: Some(format), ..NewClient::default() };
                let (id, token) = token_of(&server, new, "manage_system").await;
                let principal = guard.verify(&token).await.unwrap();
                assert_eq!((principal.client_id(), principal.user_id()), (&*id, None));
                assert_eq!((principal.user_generation(), principal.grant_id()), (None, None));
                assert_eq!(principal.grant_type(), GrantType::ClientCredentials);
            }
        }
    }

    #[tokio::test]
    async fn an_issuer_that_knows_no_single_tokens_lets_nobody_through() {
        let keys = vec![SigningKey::generate(Algorithm::Es256).unwrap()];
        let issuer = Issuer::builder(ISSUER, KeyRing::new(keys, &[]).unwrap(), secret_key())
            .build(Arc::new(Memory::default()));
        let refusal = own_guard(&Arc::new(issuer)).verify("gat_x").await.unwrap_err();
        assert_eq!(refusal, GuardRefusal::IntrospectionUnavailable);
    }
}
