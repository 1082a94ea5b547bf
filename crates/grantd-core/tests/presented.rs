//! A token that comes back is believed only where this server made it; then whether it holds.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the verdict of a test")]

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::*};
use grantd_core::{
    Algorithm, ClientState, GrantType, Objection, PresentedToken, SecretKey, SigningKey, Standing,
    Timestamp, TokenSealer, TokenWords, jose::read_keys,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ISSUER: &str = "https://auth.example";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn sealer() -> TokenSealer {
    TokenSealer::new(&SecretKey::from_bytes([7; 32]), &[])
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "c1", "aud": ISSUER, "client_id": "c1", "iat": 1_800_000_000,
        "exp": 1_800_000_060, "jti": "01890000-0000-7000-8000-000000000001", "scope": "a b",
        "roles": ["r"], "gty": "client_credentials", "gen": 3,
        "cid": "01890000-0000-7000-8000-000000000002",
    })
}

fn read(token: &str, keys: &[&SigningKey]) -> Option<PresentedToken> {
    let keys: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
    PresentedToken::read(token, ISSUER, &keys, &sealer())
}

fn token() -> PresentedToken {
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let text = key.sign_access_token(claims().to_string().as_bytes()).unwrap();
    read(&text, &[&key]).unwrap()
}

fn standing() -> Standing {
    Standing {
        client: Some((ClientState::Active, 3)),
        credential_dead: false,
        token_dead: false,
        key_dead: false,
        user: None,
        approval_dead: false,
    }
}

/// A key pair in both hands: to sign what grantd would not, and as the ring knows it.
fn open_key() -> (EcdsaKeyPair, SigningKey) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = BASE64_STANDARD.encode(pair.to_pkcs8v1().unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    (pair, read_keys(&pem, None).unwrap().private.remove(0))
}

fn sign(pair: &EcdsaKeyPair, header: &Value, payload: &[u8]) -> String {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(header.to_string().as_bytes()), encode(payload));
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    format!("{input}.{}", encode(signature.as_ref()))
}

#[test]
fn both_formats_say_the_same() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    let json = claims().to_string();
    let jwt = key.sign_access_token(json.as_bytes()).unwrap();
    let opaque = sealer().seal(json.as_bytes(), [1; 12]).unwrap();
    let token = read(&jwt, &[&key]).unwrap();
    assert_eq!(token.key.as_deref(), Some(key.public().kid()));
    let unsigned = PresentedToken { key: None, ..token.clone() };
    assert_eq!(read(&opaque, &[]), Some(unsigned), "but for the key");
    assert_eq!((token.client.as_str(), token.generation, token.roles.len()), ("c1", 3, 1));
    assert_eq!(read(&jwt, &[]), None, "its key is not published any more");
}

#[test]
fn in_14_only_an_access_token_of_a_published_key_is_read() {
    let (pair, key) = open_key();
    let kid = key.public().kid();
    let payload = claims().to_string();
    let header = |typ: Value| json!({ "alg": "ES256", "kid": kid, "typ": typ });
    let read = |header: &Value| read(&sign(&pair, header, payload.as_bytes()), &[&key]);
    assert!(read(&header(json!("at+jwt"))).is_some());
    for typ in ["JWT", "at+JWT", "application/at+jwt", "logout+jwt", "token-introspection+jwt", ""]
    {
        assert_eq!(read(&header(json!(typ))), None, "{typ}");
    }
    for odd in [
        json!({ "alg": "ES256", "kid": kid }),
        json!({ "alg": "ES256", "typ": "at+jwt" }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": "other" }),
        json!({ "alg": "RS256", "typ": "at+jwt", "kid": kid }),
        json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid }),
        json!({ "alg": "none", "typ": "at+jwt", "kid": kid }),
        json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid, "crit": [] }),
        json!({ "alg": "ES256", "typ": "at+jwt", "jwk": key.public().jwk() }),
    ] {
        assert_eq!(read(&odd), None, "{odd}");
    }
}

#[test]
fn what_our_own_key_says_is_still_read_strictly() {
    for (member, value) in [
        ("iss", json!("https://other.example")),
        ("aud", json!([ISSUER])),
        ("exp", json!("1800000060")),
        ("exp", json!(1_800_000_060.5)),
        ("gen", json!(-1)),
        ("jti", json!("1")),
        ("cid", json!("1")),
        ("gty", json!("password")),
        ("roles", json!("r")),
        ("scope", Value::Null),
    ] {
        let mut odd = claims();
        odd[member] = value;
        let text = sealer().seal(odd.to_string().as_bytes(), [1; 12]).unwrap();
        assert_eq!(read(&text, &[]), None, "{odd}");
    }
    let mut newer = claims();
    newer["amr"] = json!(["x"]);
    let text = sealer().seal(newer.to_string().as_bytes(), [1; 12]).unwrap();
    assert!(read(&text, &[]).is_some(), "a later version's claim is passed over");
}

#[test]
fn a_token_over_16_kib_is_not_read_in_either_format() {
    let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
    for (length, is_read) in [(100, true), (13_000, false)] {
        let mut claims = claims();
        claims["scope"] = json!("a".repeat(length));
        let json = claims.to_string();
        let jwt = key.sign_access_token(json.as_bytes()).unwrap();
        let opaque = sealer().seal(json.as_bytes(), [1; 12]).unwrap();
        for text in [jwt, opaque] {
            assert_eq!(read(&text, &[&key]).is_some(), is_read, "{}", text.len());
        }
    }
}

#[test]
fn an_operator_is_told_what_is_wrong_with_a_text() {
    let (pair, key) = open_key();
    let kid = key.public().kid();
    let flaw = |text: &str| {
        let keys = [key.public().clone()];
        PresentedToken::examine(text, ISSUER, &keys, &sealer()).unwrap_err().name()
    };
    let payload = claims().to_string();
    let signed = |header: Value| sign(&pair, &header, payload.as_bytes());
    let good = signed(json!({ "alg": "ES256", "typ": "at+jwt", "kid": kid }));
    let opaque = sealer().seal(payload.as_bytes(), [1; 12]).unwrap();
    let mut altered = good.clone();
    altered.replace_range(altered.len() - 8.., "AAAAAAAA");
    let other_key = TokenSealer::new(&SecretKey::from_bytes([8; 32]), &[]);
    let mut elsewhere = claims();
    elsewhere["iss"] = json!("https://other.example");
    for (text, name) in [
        ("", "not-a-token"),
        ("a.b", "not-a-token"),
        (&"a".repeat(16 * 1024 + 1), "token-too-long"),
        (&format!("gat_{}", "a".repeat(16 * 1024)), "token-too-long"),
        (&altered, "signature-wrong"),
        (&signed(json!({ "alg": "ES256", "typ": "at+jwt", "kid": "x" })), "key-unknown"),
        (&signed(json!({ "alg": "ES256", "typ": "JWT", "kid": kid })), "not-an-access-token"),
        (&signed(json!({ "alg": "ES256", "typ": "at+jwt", "crit": [] })), "critical-extension"),
        (&opaque[..opaque.len() - 1], "check-sum-wrong"),
        (&other_key.seal(payload.as_bytes(), [1; 12]).unwrap(), "seal-wrong"),
        (&sealer().seal(b"{}", [1; 12]).unwrap(), "claims-unreadable"),
        (&sealer().seal(elsewhere.to_string().as_bytes(), [1; 12]).unwrap(), "issuer-differs"),
    ] {
        assert_eq!(flaw(text), name, "{text}");
    }
}

#[test]
fn what_a_token_says_of_itself_can_be_seen_without_believing_it() {
    let (pair, _) = open_key();
    let header = json!({ "alg": "none", "kid": "x" });
    let text = sign(&pair, &header, claims().to_string().as_bytes());
    let words = TokenWords::unverified(&text, &sealer());
    assert_eq!((words.header, words.claims), (Some(header), Some(claims())));
    let opaque = sealer().seal(claims().to_string().as_bytes(), [1; 12]).unwrap();
    let words = TokenWords::unverified(&opaque, &sealer());
    assert_eq!((words.header, words.claims), (None, Some(claims())));
    let closed = TokenSealer::new(&SecretKey::from_bytes([8; 32]), &[]);
    assert_eq!(TokenWords::unverified(&opaque, &closed), TokenWords::default());
    let long = sign(&pair, &json!({ "alg": "a".repeat(16 * 1024) }), b"{}");
    for odd in ["", ".", "..", "a.b.c", "e30.e30.e30.e30", "é.é.é", &long] {
        let words = TokenWords::unverified(odd, &sealer());
        assert_eq!(words, TokenWords::default(), "{odd}");
    }
}

#[test]
fn all_that_stands_against_a_token_is_named_the_weightiest_first() {
    let token = token();
    let names = |standing: Standing, now: Timestamp| {
        standing.objections(&token, now).map(Objection::name).collect::<Vec<_>>()
    };
    assert!(names(standing(), NOW).is_empty());
    assert_eq!(names(Standing { client: None, ..standing() }, NOW), ["client-unknown"]);
    let client = Some((ClientState::Deleted, 4));
    let worst = Standing { client, credential_dead: true, token_dead: true, ..standing() };
    assert_eq!(
        names(worst, token.expires_at),
        ["client-deleted", "token-revoked", "credential-ended", "generation-old", "token-expired"]
    );
    let revoked = Standing { client: Some((ClientState::Revoked, 3)), ..standing() };
    assert_eq!(names(revoked, NOW), ["client-revoked"]);
}

#[test]
fn each_thing_that_stands_against_a_token_kills_it() {
    let token = token();
    assert!(standing().holds(&token, NOW));
    for (dead, why) in [
        (Standing { client: None, ..standing() }, "no client"),
        (Standing { client: Some((ClientState::Revoked, 3)), ..standing() }, "suspended"),
        (Standing { client: Some((ClientState::Deleted, 3)), ..standing() }, "deleted"),
        (Standing { client: Some((ClientState::Active, 4)), ..standing() }, "generation"),
        (Standing { credential_dead: true, ..standing() }, "credential"),
        (Standing { token_dead: true, ..standing() }, "token"),
        (Standing { key_dead: true, ..standing() }, "key"),
    ] {
        assert!(!dead.holds(&token, NOW), "{why}");
    }
    let end = token.expires_at.micros();
    assert!(standing().holds(&token, Timestamp::from_micros(end - 1)));
    assert!(!standing().holds(&token, Timestamp::from_micros(end)), "RFC 7519 4.1.4: exclusive");
}

const USER: &str = "01890000-0000-7000-8000-000000000003";
const APPROVAL: &str = "01890000-0000-7000-8000-000000000004";

/// A value of a claim, right for some and wrong for others.
fn value() -> impl Strategy<Value = Value> {
    let id = USER.to_owned();
    let approval = APPROVAL.to_owned();
    let texts = ["c1", "client_credentials", "authorization_code", "refresh_token", "password", ""];
    let texts = texts.map(str::to_owned).into_iter().chain([id, approval]).collect::<Vec<_>>();
    prop_oneof![
        6 => proptest::sample::select(texts).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(["c1"])),
        1 => "\\PC{0,12}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn a_generation_decides_and_no_clock(issued in 0_u64..5, current in 0_u64..5) {
        let token = PresentedToken { generation: issued, ..token() };
        let standing = Standing { client: Some((ClientState::Active, current)), ..standing() };
        prop_assert_eq!(standing.holds(&token, NOW), issued >= current);
    }

    #[test]
    fn any_text_is_nothing(text in "(gat_)?[A-Za-z0-9_.-]{0,80}|.{0,60}") {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        prop_assert_eq!(read(&text, &[&key]), None);
    }

    #[test]
    fn a_clients_token_never_yields_a_user_and_a_users_token_never_a_machine(
        changes in proptest::collection::vec(
            (proptest::sample::select(vec!["sub", "gty", "ugen", "grant", "client_id", "gen", "cid"]), proptest::option::of(value())),
            0..6
        ),
        for_user: bool,
    ) {
        let mut claims = claims();
        if for_user {
            claims["sub"] = USER.into();
            claims["gty"] = "authorization_code".into();
            claims["ugen"] = 1.into();
            claims["grant"] = APPROVAL.into();
        }
        let whole: &mut Map<String, Value> = claims.as_object_mut().unwrap();
        for (name, value) in changes {
            match value {
                Some(value) => drop(whole.insert(name.to_owned(), value)),
                None => drop(whole.remove(name)),
            }
        }
        let text = sealer().seal(claims.to_string().as_bytes(), [1; 12]).unwrap();
        let Some(token) = read(&text, &[]) else { return Ok(()) };
        match token.on_behalf {
            None => {
                prop_assert_eq!(token.grant, GrantType::ClientCredentials);
                prop_assert_eq!(&token.subject, &token.client);
                prop_assert!(claims.get("ugen").is_none_or(Value::is_null));
                prop_assert!(claims.get("grant").is_none_or(Value::is_null));
            }
            Some(behalf) => {
                prop_assert_eq!(token.grant, GrantType::AuthorizationCode);
                prop_assert_eq!(token.subject, behalf.user.to_string());
                prop_assert_eq!(claims["ugen"].as_u64(), Some(behalf.generation));
                prop_assert_eq!(claims["grant"].as_str(), Some(&*behalf.approval.to_string()));
            }
        }
    }
}
