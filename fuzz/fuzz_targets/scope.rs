//! Any bytes as `scope` and `resource`: what is granted is always within what the client has.
#![no_main]

use std::sync::{Arc, LazyLock};

use grantd_core::{
    Api, Ask, Authenticated, Client, ClientApi, ClientKind, ClientState, Credential, CredentialId, Credentials, Fact,
    Grant, GrantType, Policy, SecretKey, Timestamp, TokenRequest, Ttl, authenticate, authorize,
};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

static PROVEN: LazyLock<(Authenticated, Policy)> = LazyLock::new(|| {
    let hasher = SecretKey::from_bytes([1; 32]).secret_hasher();
    let permissions = ["a", "b.read", "c"].map(|name| name.parse().expect("a name"));
    let client = Client {
        id: "c1".parse().expect("an id"),
        kind: ClientKind::Confidential,
        state: ClientState::Active,
        grants: [GrantType::ClientCredentials].into_iter().collect(),
        credentials: vec![Credential { id: CredentialId::mint(NOW, [1; 10]), hash: hasher.hash("s"), expires_at: None }],
        roles: [].into(),
        apis: [ClientApi { api: Arc::new(Api::default_api()), permissions: permissions.into() }].into(),
        serves: vec![],
        default_scope: None,
        generation: 1,
        access_token_ttl: None,
        format: None,
        signing_alg: None,
        code: None,
    };
    let credentials = Credentials::Body { id: "c1".into(), secret: "s".into() };
    let proven = authenticate(&credentials, Some(Arc::new(client)), &hasher, NOW).expect("the right secret");
    let grants = vec![(GrantType::ClientCredentials, None)];
    let issuer = "https://auth.example".to_owned();
    let policy =
        Policy { issuer, access_token_ttl: Ttl::DEFAULT, grants, refresh_ttl: Ttl::MAX, refresh_idle: Ttl::MAX };
    (proven, policy)
});

fuzz_target!(|text: (Option<&str>, Option<&str>)| {
    let (proven, policy) = &*PROVEN;
    let ask = Ask { scope: text.0.map(Into::into), resource: text.1.map(Into::into) };
    let credentials = Credentials::IdOnly { id: "c1".into() };
    let request = TokenRequest { credentials, grant: Grant::ClientCredentials, ask };
    if let Ok(granted) = authorize(proven, &request, Fact::Nothing, policy, NOW) {
        assert!(granted.scope.split(' ').filter(|name| !name.is_empty()).all(|name| ["a", "b.read", "c"].contains(&name)));
        assert_eq!(granted.audience, "https://auth.example");
    }
});
