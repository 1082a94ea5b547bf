//! What a token says, what the server publishes, and that the two fit.

use std::collections::{BTreeSet, HashSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use grantd_core::jose::{JwkSet, UnverifiedJws};
use serde_json::Value;

use super::{
    server::{Client, FIXTURE, Place, Running},
    wire::{self, Answer},
};

const METADATA: &str = "/.well-known/oauth-authorization-server";
const JWKS: &str = "/.well-known/jwks.json";

pub(crate) fn ask(running: &Running, client: &Client, more: &str) -> Answer {
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}{more}",
        client.id, client.secret
    );
    wire::send(running.address, &wire::form(&body)).unwrap()
}

pub(crate) fn token(running: &Running, client: &Client, more: &str) -> String {
    let answer = ask(running, client, more);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// The claims of a new token.
pub(crate) fn claims(running: &Running, client: &Client) -> Value {
    part(&token(running, client, ""), 1)
}

/// The claims of a JWT.
pub(crate) fn claims_of(token: &str) -> Value {
    part(token, 1)
}

/// How many seconds a JWT lives.
pub(crate) fn lifetime(token: &str) -> i64 {
    let claims = part(token, 1);
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
}

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(
        &BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap(),
    )
    .unwrap()
}

fn document(running: &Running, path: &str, headers: &[(&str, &str)]) -> Value {
    let answer = wire::send(running.address, &wire::request("GET", path, headers, b"")).unwrap();
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    answer.json()
}

/// Whether the token verifies with the key of the published set that its header names.
fn verifies(running: &Running, token: &str) -> bool {
    let set: JwkSet = serde_json::from_value(document(running, JWKS, &[])).unwrap();
    let jws = UnverifiedJws::parse(token).unwrap();
    let key = set.keys.iter().find(|key| key.kid == jws.header().kid).unwrap();
    jws.verify(&key.to_public_key().unwrap()).is_ok()
}

#[test]
fn at_01_to_05_and_cc_17_a_token_has_exactly_the_contract_s_claims() {
    let (running, client) = (&FIXTURE.running, &FIXTURE.clients["cc"]);
    let token = token(running, client, "&scope=schools.read+schools.write");
    let header = part(&token, 0);
    assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some("RS256")));
    let claims = part(&token, 1);
    let names: BTreeSet<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "aud",
        "cid",
        "client_id",
        "exp",
        "gen",
        "gty",
        "iat",
        "iss",
        "jti",
        "roles",
        "scope",
        "sub",
    ];
    assert_eq!(names, expected.into());
    let issuer = document(running, METADATA, &[])["issuer"].clone();
    assert_eq!((&claims["iss"], &claims["aud"]), (&issuer, &issuer));
    assert_eq!(
        (claims["sub"].as_str(), claims["client_id"].as_str()),
        (Some(&*client.id), Some(&*client.id))
    );
    assert_eq!(claims["scope"], "schools.read schools.write");
    assert_eq!(
        (claims["gty"].as_str(), claims["gen"].as_u64()),
        (Some("client_credentials"), Some(1))
    );
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(verifies(running, &token));
}

#[test]
fn every_algorithm_signs_and_verifies_and_names_its_key() {
    for (client, alg) in
        [("cc", "RS256"), ("ps256", "PS256"), ("es256", "ES256"), ("eddsa", "EdDSA")]
    {
        let token = token(&FIXTURE.running, &FIXTURE.clients[client], "");
        assert_eq!(part(&token, 0)["alg"], alg);
        assert!(verifies(&FIXTURE.running, &token), "{alg}");
    }
}

#[test]
fn cc_15_lifetimes_are_the_client_s_and_audiences_the_api_s() {
    let short = part(&token(&FIXTURE.running, &FIXTURE.clients["ttl120"], ""), 1);
    assert_eq!(short["exp"].as_i64().unwrap() - short["iat"].as_i64().unwrap(), 120);
    let billing =
        part(&token(&FIXTURE.running, &FIXTURE.clients["billing"], "&scope=bills.read"), 1);
    assert_eq!(billing["aud"], "https://billing.example");
    let roles = part(&token(&FIXTURE.running, &FIXTURE.clients["nodefaults"], ""), 1);
    assert_eq!(roles["roles"], serde_json::json!(["reader"]));
}

#[test]
fn t9_the_most_specific_time_to_live_counts() {
    let place = Place::new();
    place.grantd("permission create a");
    place.grantd("api create slow --audience https://slow.example --access-token-ttl 30m");
    place.grantd("permission create s --api slow");
    let (plain, own) = (
        place.client("--permission a --permission s"),
        place.client("--permission s --access-token-ttl 365d"),
    );
    let lives =
        |running: &Running, client, more| ask(running, client, more).json()["expires_in"].as_u64();
    let running = place.serve("--access-token-ttl 10m");
    assert_eq!(lives(&running, &plain, ""), Some(600), "the server's");
    assert_eq!(lives(&running, &plain, "&scope=s"), Some(1800), "the API's");
    assert_eq!(lives(&running, &own, "&scope=s"), Some(31_536_000), "the client's");
    drop(running);
    let running = place.serve("--access-token-ttl 10m --client-credentials-ttl 90s");
    assert_eq!(lives(&running, &plain, ""), Some(90), "the grant's");
}

#[test]
fn te_35_many_requests_get_as_many_tokens() {
    let client = &FIXTURE.clients["es256"];
    let mut tokens: Vec<String> = (0..1000).map(|_| token(&FIXTURE.running, client, "")).collect();
    let parallel: Vec<_> =
        (0..200).map(|_| std::thread::spawn(|| token(&FIXTURE.running, client, ""))).collect();
    tokens.extend(parallel.into_iter().map(|thread| thread.join().unwrap()));
    let ids: HashSet<_> =
        tokens.iter().map(|token| part(token, 1)["jti"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1200);
    assert_eq!(tokens.iter().collect::<HashSet<_>>().len(), 1200);
}

#[test]
fn md_05_and_09_metadata_lists_what_answers_and_nothing_empty() {
    let metadata = document(&FIXTURE.running, METADATA, &[]);
    let origin = format!("http://{}", FIXTURE.running.address);
    for (name, value) in metadata.as_object().unwrap() {
        assert!(!value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()), "{name}");
        if let Some(path) =
            value.as_str().filter(|_| name != "issuer").and_then(|url| url.strip_prefix(&origin))
        {
            let answer =
                wire::send(FIXTURE.running.address, &wire::request("GET", path, &[], b"")).unwrap();
            assert_ne!(answer.status, 404, "{name}");
        }
    }
    assert_eq!(
        metadata["grant_types_supported"],
        serde_json::json!(["client_credentials", "authorization_code", "refresh_token"])
    );
}

#[test]
fn md_03_the_listed_authentication_methods_work_and_no_other() {
    let metadata = document(&FIXTURE.running, METADATA, &[]);
    let methods = serde_json::json!(["client_secret_basic", "client_secret_post", "none"]);
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], methods);
    // All work: client_authentication.http, CA-01 and CA-02, code_exchange.http, CX-01. One that is not listed:
    let assertion = "grant_type=client_credentials&client_assertion=x\
                     &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let answer = wire::send(FIXTURE.running.address, &wire::form(assertion)).unwrap();
    assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("invalid_client")));
}

#[test]
fn md_08_no_header_of_a_request_changes_the_metadata() {
    let honest = document(&FIXTURE.running, METADATA, &[]);
    for forged in [
        ("Host", "evil.example"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "host=evil.example;proto=https"),
    ] {
        assert_eq!(document(&FIXTURE.running, METADATA, &[forged]), honest);
    }
}

#[test]
fn md_11_and_12_the_key_set_is_public_distinct_and_long_enough() {
    let set = document(&FIXTURE.running, JWKS, &[]);
    let keys = set["keys"].as_array().unwrap();
    let kids: HashSet<_> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), kids.len()), (4, 4));
    for key in keys {
        let members: BTreeSet<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            members.is_subset(&["kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"].into()),
            "{members:?}"
        );
        assert_eq!(key["use"], "sig");
        if let Some(n) = key["n"].as_str() {
            assert!(BASE64_URL_SAFE_NO_PAD.decode(n).unwrap().len() >= 256);
        }
    }
}

#[test]
fn md_14_after_a_key_change_old_tokens_verify_and_new_ones_name_the_new_key() {
    let place = Place::bare();
    place.grantd("keys generate --alg ES256");
    place.grantd("permission create a");
    let client = place.client("--permission a");
    let running = place.serve("");
    let old = token(&running, &client, "");
    drop(running);
    let before = std::fs::read_to_string(place.path().join(".env")).unwrap();
    place.grantd("keys generate --alg ES256 --force");
    let after = std::fs::read_to_string(place.path().join(".env")).unwrap();
    let value = |text: &str| {
        text.lines()
            .find_map(|line| {
                line.strip_prefix("GRANTD_PUBLIC_KEY=").map(|v| v.trim_matches('"').to_owned())
            })
            .unwrap()
    };
    let both = format!("GRANTD_PUBLIC_KEY=\"{}{}\"", value(&after), value(&before));
    let kept: String = after.lines().map(|line| if line.starts_with("GRANTD_PUBLIC_KEY") { both.clone() } else { line.to_owned() } + "\n").collect();
    std::fs::write(place.path().join(".env"), kept).unwrap();
    let running = place.serve("");
    let new = token(&running, &client, "");
    assert_ne!(part(&old, 0)["kid"], part(&new, 0)["kid"]);
    assert!(verifies(&running, &old) && verifies(&running, &new));
}

#[test]
fn an_issuer_with_a_path_answers_where_rfc_8414_says() {
    let place = Place::new();
    let running = place.serve("--issuer http://127.0.0.1:1/auth");
    let inserted = document(&running, "/.well-known/oauth-authorization-server/auth", &[]);
    assert_eq!(inserted["token_endpoint"], "http://127.0.0.1:1/auth/oauth/token");
    let answer =
        wire::send(running.address, &wire::request("GET", "/auth/.well-known/jwks.json", &[], b""))
            .unwrap();
    assert_eq!(answer.status, 200);
    let answer =
        wire::send(running.address, &wire::request("GET", "/auth/oauth/token", &[], b"")).unwrap();
    assert_eq!(answer.status, 405);
}
