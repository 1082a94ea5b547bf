//! The decisions as a whole: authenticate, authorize, mint, without any server around them.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use std::sync::Arc;

use grantd_core::{
    Algorithm, Api, Ask, Authenticated, Client, ClientApi, ClientKind, ClientState, Credential,
    CredentialId, Credentials, Fact, Grant, GrantType, Issued, Pen, Permission, Policy, Refusal,
    SecretHasher, SecretKey, SigningKey, Timestamp, TokenRequest, Ttl, authenticate, authorize,
    jose::UnverifiedJws, mint,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn hasher() -> SecretHasher {
    SecretKey::from_bytes([9; 32]).secret_hasher()
}

fn credential(secret: &str, expires_at: Option<Timestamp>) -> Credential {
    Credential { id: CredentialId::mint(NOW, [1; 10]), hash: hasher().hash(secret), expires_at }
}

fn client(permissions: &[&str]) -> Client {
    let permissions: Vec<Permission> =
        permissions.iter().map(|name| name.parse().unwrap()).collect();
    Client {
        id: "c1".parse().unwrap(),
        kind: ClientKind::Confidential,
        state: ClientState::Active,
        grants: [GrantType::ClientCredentials].into_iter().collect(),
        credentials: vec![credential("right", None)],
        roles: ["reader".parse().unwrap()].into(),
        apis: [ClientApi { api: Arc::new(Api::default_api()), permissions }].into(),
        serves: vec![],
        default_scope: None,
        generation: 7,
        access_token_ttl: None,
        format: None,
        signing_alg: None,
        code: None,
    }
}

fn policy() -> Policy {
    Policy {
        issuer: "https://auth.example".to_owned(),
        access_token_ttl: Ttl::DEFAULT,
        grants: vec![(GrantType::ClientCredentials, None)],
        refresh_ttl: Ttl::MAX,
        refresh_idle: Ttl::MAX,
    }
}

fn prove(client: &Client, secret: &str) -> Result<Authenticated, Refusal> {
    let credentials = Credentials::Body { id: client.id.as_str().into(), secret: secret.into() };
    authenticate(&credentials, Some(Arc::new(client.clone())), &hasher(), NOW)
}

fn request(scope: &str) -> TokenRequest<'_> {
    TokenRequest {
        credentials: Credentials::IdOnly { id: "c1".into() },
        grant: Grant::ClientCredentials,
        ask: Ask { scope: Some(scope.into()).filter(|_| !scope.is_empty()), resource: None },
    }
}

fn scope(client: &Client, wanted: &str) -> Result<String, Refusal> {
    let proven = prove(client, "right")?;
    authorize(&proven, &request(wanted), Fact::Nothing, &policy(), NOW)
        .map(|authorized| authorized.scope)
}

fn issue(client: &Client, key: &SigningKey) -> Issued {
    let proven = prove(client, "right").unwrap();
    let policy = policy();
    let authorized = authorize(&proven, &request(""), Fact::Nothing, &policy, NOW).unwrap();
    mint(authorized, &policy.issuer, &Pen::Sign(key), NOW, [3; 10]).unwrap()
}

#[test]
fn the_right_secret_proves_and_names_its_credential() {
    let mut client = client(&[]);
    client.credentials.insert(0, credential("other", None));
    client.credentials[0].id = CredentialId::mint(NOW, [2; 10]);
    let proven = prove(&client, "right").unwrap();
    assert_eq!(proven.credential(), Some(CredentialId::mint(NOW, [1; 10])));
}

#[test]
fn while_the_server_s_key_is_changed_secrets_of_both_keys_prove() {
    let mut client = client(&[]);
    let fresh = SecretKey::from_bytes([10; 32]).secret_hasher();
    client.credentials.push(Credential {
        id: CredentialId::mint(NOW, [2; 10]),
        hash: fresh.hash("new"),
        expires_at: None,
    });
    let both = fresh.clone().with_previous(&SecretKey::from_bytes([9; 32]));
    let prove = |secret: &'static str, hasher: &SecretHasher| {
        let credentials = Credentials::Body { id: "c1".into(), secret: secret.into() };
        authenticate(&credentials, Some(Arc::new(client.clone())), hasher, NOW).err()
    };
    assert_eq!((prove("right", &both), prove("new", &both)), (None, None));
    assert_eq!(prove("wrong", &both), Some(Refusal::ClientSecretWrong));
    assert_eq!(prove("right", &fresh), Some(Refusal::ClientSecretWrong));
    assert_eq!(
        both.hash("x").as_bytes(),
        fresh.hash("x").as_bytes(),
        "what is kept is of the new key"
    );
}

#[test]
fn ca_30_a_secret_ends_at_its_end_and_not_before() {
    let mut client = client(&[]);
    client.credentials = vec![credential("right", Some(NOW))];
    assert_eq!(prove(&client, "right").err(), Some(Refusal::ClientSecretExpired));
    client.credentials = vec![credential("right", Some(Timestamp::from_micros(NOW.micros() + 1)))];
    assert!(prove(&client, "right").is_ok());
    assert_eq!(prove(&client, "wrong").err(), Some(Refusal::ClientSecretWrong));
}

#[test]
fn a_state_is_learnt_only_by_who_knows_the_secret() {
    let mut client = client(&[]);
    for (state, refusal) in [
        (ClientState::Revoked, Refusal::ClientRevoked),
        (ClientState::Deleted, Refusal::ClientDeleted),
    ] {
        client.state = state;
        assert_eq!(prove(&client, "right").err(), Some(refusal));
        assert_eq!(prove(&client, "wrong").err(), Some(Refusal::ClientSecretWrong));
    }
}

#[test]
fn a_raw_basic_pair_counts_only_with_the_id_of_the_same_reading() {
    let mut victim = client(&[]);
    victim.id = "a b".parse().unwrap();
    // Decoded, the header names `a b`; raw, it names `a+b` with another secret.
    let credentials = Credentials::Basic {
        decoded: Some(("a b".to_owned(), zeroize::Zeroizing::new("x y".to_owned()))),
        raw: ("a+b".to_owned(), zeroize::Zeroizing::new("x+y".to_owned())),
        body_id: None,
    };
    victim.credentials = vec![credential("x+y", None)];
    let outcome = authenticate(&credentials, Some(Arc::new(victim)), &hasher(), NOW);
    assert_eq!(outcome.err(), Some(Refusal::ClientSecretWrong));
}

#[test]
fn ca_25_the_body_s_client_id_must_be_the_client_that_was_proved() {
    let client = client(&[]);
    let prove = |named: &'static str| {
        let pair = ("c1".to_owned(), zeroize::Zeroizing::new("right".to_owned()));
        let credentials = Credentials::Basic {
            decoded: Some(pair.clone()),
            raw: pair,
            body_id: Some(named.into()),
        };
        authenticate(&credentials, Some(Arc::new(client.clone())), &hasher(), NOW).err()
    };
    assert_eq!(prove("c1"), None);
    assert_eq!(prove("c%31"), Some(Refusal::ClientIdsDiffer));
}

#[test]
fn ca_29_a_public_client_never_speaks_for_itself_whatever_storage_says() {
    let mut public = client(&["a"]);
    public.kind = ClientKind::Public;
    public.credentials.clear();
    let credentials = Credentials::IdOnly { id: "c1".into() };
    let proven = authenticate(&credentials, Some(Arc::new(public)), &hasher(), NOW).unwrap();
    let policy = policy();
    let outcome = authorize(&proven, &request(""), Fact::Nothing, &policy, NOW);
    assert_eq!(outcome.err(), Some(Refusal::GrantTypeNotAllowed));
}

#[test]
fn a_grant_that_is_not_enabled_is_refused() {
    let proven = prove(&client(&["a"]), "right").unwrap();
    let policy = Policy { grants: vec![], ..policy() };
    let outcome = authorize(&proven, &request(""), Fact::Nothing, &policy, NOW);
    assert_eq!(outcome.err(), Some(Refusal::GrantTypeUnsupported));
}

#[test]
fn an_empty_client_gets_an_empty_scope() {
    assert_eq!(scope(&client(&[]), ""), Ok(String::new()));
    assert_eq!(scope(&client(&[]), "a"), Err(Refusal::ScopeNotAllowed));
}

#[test]
fn every_algorithm_mints_what_its_public_half_verifies_and_no_other() {
    let keys: Vec<_> =
        Algorithm::ALL.iter().map(|alg| SigningKey::generate(*alg).unwrap()).collect();
    for key in &keys {
        let issued = issue(&client(&["a"]), key);
        let jws = UnverifiedJws::parse(&issued.access_token).unwrap();
        for other in &keys {
            assert_eq!(
                jws.verify(other.public()).is_ok(),
                std::ptr::eq(key, other),
                "{key:?} {other:?}"
            );
        }
        let again = key.public().jwk().to_public_key().unwrap();
        assert!(jws.verify(&again).is_ok(), "the published key verifies: {key:?}");
        assert_eq!(again.kid(), key.public().kid());
    }
}

#[test]
fn a_changed_token_does_not_verify() {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let token = issue(&client(&["a"]), &key).access_token;
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        let verified = UnverifiedJws::parse(&changed).and_then(|jws| jws.verify(key.public()));
        assert!(verified.is_err(), "{at}");
    }
}

#[test]
fn keys_survive_their_pem() {
    for alg in Algorithm::ALL {
        let key = SigningKey::generate(alg).unwrap();
        let text = key.to_pem().unwrap().reveal().to_owned() + &key.public().to_pem().unwrap();
        let read = grantd_core::jose::read_keys(&text, None).unwrap();
        assert_eq!(
            (read.private[0].algorithm(), read.private[0].public().kid()),
            (alg, key.public().kid())
        );
        assert_eq!((read.public[0].algorithm(), read.public[0].kid()), (alg, key.public().kid()));
        assert!(!format!("{read:?}").contains(&text[60..80]), "nothing prints a key");
    }
}

proptest! {
    #[test]
    fn granted_is_asked_and_never_more_than_owned(
        owned in proptest::collection::btree_set("[a-d]{1,2}", 0..6),
        asked in proptest::collection::vec("[a-d]{1,2}", 0..6),
    ) {
        let owned: Vec<_> = owned.iter().map(String::as_str).collect();
        let outcome = scope(&client(&owned), &asked.join(" "));
        let allowed = asked.iter().all(|name| owned.contains(&name.as_str()));
        prop_assert_eq!(outcome.is_ok(), allowed);
        if let Ok(granted) = outcome {
            let granted: Vec<_> = granted.split(' ').filter(|name| !name.is_empty()).collect();
            let wanted: Vec<_> = if asked.is_empty() { owned.clone() } else { asked.iter().map(String::as_str).collect() };
            prop_assert!(granted.iter().all(|name| wanted.contains(name) && owned.contains(name)));
            prop_assert!(wanted.iter().all(|name| granted.contains(name)));
        }
    }

    #[test]
    fn a_scope_of_any_bytes_is_decided_without_panic(text in ".{0,60}") {
        let _ = scope(&client(&["a", "b"]), &text);
    }

    #[test]
    fn hostile_tokens_are_read_without_panic(text in "[a-zA-Z0-9._=-]{0,80}") {
        let _ = UnverifiedJws::parse(&text).map(|jws| jws.header().clone());
    }

    #[test]
    fn hostile_pem_is_read_without_panic(text in "(-----BEGIN |-----END |PRIVATE KEY-----|PUBLIC KEY-----|[A-Za-z0-9+/= \n]){0,12}") {
        let _ = grantd_core::jose::read_keys(&text, None);
    }
}
