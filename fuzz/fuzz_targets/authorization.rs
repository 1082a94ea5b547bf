//! Any text as the query of an authorization request: an answer goes nowhere but where it was registered.
#![no_main]

use std::sync::{Arc, LazyLock};

use grantd_core::{
    Api, AuthorizationQuery, Client, ClientApi, ClientKind, ClientState, CodeRules, GrantType, Pkce, Policy, Refusal, Ttl,
};
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = "https://auth.example";
const REGISTERED: [&str; 3] = ["https://app.example/cb", "https://app.example/cb?a=1", "http://127.0.0.1/cb"];

static KNOWN: LazyLock<(Arc<Client>, Policy)> = LazyLock::new(|| {
    let permissions = ["a", "b.read"].map(|name| name.parse().expect("a name"));
    let redirect_uris = REGISTERED.map(str::to_owned).into();
    let client = Client {
        id: "c1".parse().expect("an id"),
        kind: ClientKind::Confidential,
        state: ClientState::Active,
        grants: [GrantType::AuthorizationCode].into_iter().collect(),
        credentials: vec![],
        roles: [].into(),
        apis: [ClientApi { api: Arc::new(Api::default_api()), permissions: permissions.into() }].into(),
        serves: vec![],
        default_scope: None,
        generation: 1,
        access_token_ttl: None,
        format: None,
        signing_alg: None,
        code: Some(Box::new(CodeRules { redirect_uris, pkce: Pkce::Optional, refresh_retry: None })),
    };
    let policy = Policy {
        issuer: ISSUER.to_owned(),
        access_token_ttl: Ttl::DEFAULT,
        grants: vec![(GrantType::AuthorizationCode, None)],
        refresh_ttl: Ttl::MAX,
        refresh_idle: Ttl::MAX,
    };
    (Arc::new(client), policy)
});

fuzz_target!(|query: &str| {
    let Ok(mut query) = AuthorizationQuery::parse(query) else { return };
    let Ok(addressed) = query.address(Some(Arc::clone(&KNOWN.0))) else { return };
    for location in [addressed.refusal(Refusal::ConsentDenied, ISSUER), addressed.answer(&[("code", "x")], ISSUER)] {
        assert!(location.bytes().all(|byte| (b'!'..=b'~').contains(&byte)), "{location}");
        let own = location.starts_with("https://app.example/cb?")
            || ["http://127.0.0.1/cb?", "http://127.0.0.1:"].iter().any(|known| location.starts_with(known));
        assert!(own, "{location}");
        assert!(location.ends_with("&iss=https%3A%2F%2Fauth.example"), "{location}");
    }
    if let Ok(request) = query.request(addressed, &KNOWN.1) {
        assert!(request.asked.names().all(|name| ["a", "b.read"].contains(&name)));
    }
});
