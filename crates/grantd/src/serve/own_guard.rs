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
        user_generation: 0,
        grant_id: None,
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
        let (issuer, registrar) = server;
        let new = NewClient {
            name: "Ops".to_owned(),
            format: Some(format),
            permissions: ["manage_system", "b.read"].map(|name| name.parse().unwrap()).to_vec(),
            ..NewClient::default()
        };
        let hasher = secret_key().secret_hasher();
        let created = registrar.create_client(&Admin::program("test"), new, &hasher).await.unwrap();
        let (_, secret) = created.secret.unwrap();
        let (id, secret) = (created.client.id, secret.reveal());
        let form = format!(
            "grant_type=client_credentials&scope={scope}&client_id={id}&client_secret={secret}"
        );
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, content_type);
        let answer = issuer.post_token(&headers, form.as_bytes(), None).await;
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
    async fn an_issuer_that_knows_no_single_tokens_lets_nobody_through() {
        let keys = vec![SigningKey::generate(Algorithm::Es256).unwrap()];
        let issuer = Issuer::builder(ISSUER, KeyRing::new(keys, &[]).unwrap(), secret_key())
            .build(Arc::new(Memory::default()));
        let refusal = own_guard(&Arc::new(issuer)).verify("gat_x").await.unwrap_err();
        assert_eq!(refusal, GuardRefusal::IntrospectionUnavailable);
    }
}
