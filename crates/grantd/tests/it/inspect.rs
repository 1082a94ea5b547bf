//! `grantd token inspect`: what a token says, and whether it is to be believed.

use std::{io::Write, process::Stdio};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    server::{Client, Place, Running},
    tokens::token,
};

struct Scene {
    place: Place,
    running: Running,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        place.grantd("permission create a");
        place.grantd("permission create b");
        let running = place.serve("");
        Self { place, running }
    }

    fn client(&self, options: &str) -> Client {
        self.place.client(&format!("--permission a --permission b {options}"))
    }

    fn arguments(&self, more: &[&str]) -> (bool, String) {
        let mut command = self.place.command();
        command.env("GRANTD_LISTEN", self.running.address.to_string());
        let output = command.args(["token", "inspect"]).args(more).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn inspect(&self, token: &str) -> Value {
        let (ok, said) = self.arguments(&["--json", "--", token]);
        assert!(ok, "{said}");
        assert!(token.len() < 30 || !said.contains(token), "the token itself is not repeated");
        serde_json::from_str(&said).unwrap()
    }

    /// Whether it is active, and the name of what stands against it.
    fn verdict(&self, token: &str) -> (bool, Option<String>) {
        let told = self.inspect(token);
        (told["active"].as_bool().unwrap(), told["reason"].as_str().map(ToOwned::to_owned))
    }
}

fn dead(reason: &str) -> (bool, Option<String>) {
    (false, Some(reason.to_owned()))
}

#[test]
fn a_living_token_of_either_format_shows_what_it_says() {
    let scene = Scene::new();
    for (format, alg) in [("jwt", "ES256"), ("opaque", "")] {
        let client = scene.client(&format!("--format {format} --signing-alg ES256"));
        let token = token(&scene.running, &client, "");
        let told = scene.inspect(&token);
        assert_eq!(
            (&told["active"], &told["reason"], &told["against"]),
            (&json!(true), &Value::Null, &json!([]))
        );
        assert_eq!((&told["verified"], &told["format"]), (&json!(true), &json!(format)));
        assert_eq!(told["claims"]["client_id"], client.id);
        assert_eq!(told["claims"]["scope"], "a b");
        assert_eq!(told["header"]["alg"].as_str().unwrap_or_default(), alg);
        let (ok, said) = scene.arguments(&[&token]);
        assert!(ok && said.starts_with("active    yes\nverified  yes"), "{said}");
        assert!(said.contains("\nexpires   20") && said.contains("\"scope\": \"a b\""), "{said}");
        assert!(!said.contains(&token));
    }
}

#[test]
fn what_stands_against_a_token_is_named_at_once() {
    let scene = Scene::new();
    let place = &scene.place;
    let fresh = |options: &str| {
        let client = scene.client(options);
        let token = token(&scene.running, &client, "");
        (client.id, token)
    };
    for (line, reason) in [
        ("client revoke", "client-revoked"),
        ("client delete", "client-deleted"),
        ("client rotate", "credential-ended"),
        ("client update --remove-permission b", "generation-old"),
    ] {
        let (id, token) = fresh("--format opaque");
        assert_eq!(scene.verdict(&token), (true, None));
        place.grantd(&format!("{line} {id}"));
        assert_eq!(scene.verdict(&token), dead(reason), "{line}");
    }
    let (id, token) = fresh("");
    place.grantd(&format!("client revoke {id}"));
    place.grantd(&format!("client restore {id}"));
    let told = scene.inspect(&token);
    let says = told["against"][0]["says"].as_str().unwrap();
    assert!(says.contains("generation is 1, and the client's is 3"), "{says}");
    let (_, token) = fresh("--access-token-ttl 1s");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(scene.verdict(&token), dead("token-expired"));
}

#[test]
fn a_token_revoked_by_itself_is_told_from_its_sisters() {
    let scene = Scene::new();
    let client = scene.client("");
    let [one, other] = [(); 2].map(|()| token(&scene.running, &client, ""));
    let body = format!("token={one}&client_id={}&client_secret={}", client.id, client.secret);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let request = super::wire::request("POST", "/oauth/revoke", &headers, body.as_bytes());
    assert_eq!(super::wire::send(scene.running.address, &request).unwrap().status, 200);
    assert_eq!(scene.verdict(&one), dead("token-revoked"));
    assert_eq!(scene.verdict(&other), (true, None));
}

#[test]
fn a_tampered_or_foreign_token_is_shown_as_unverified_with_the_reason() {
    let scene = Scene::new();
    let client = scene.client("--signing-alg ES256");
    let good = token(&scene.running, &client, "");
    let parts: Vec<_> = good.split('.').collect();
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["scope"] = json!("everything \u{9b}2J");
    let forged = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let forged = format!("{}.{forged}.{}", parts[0], parts[2]);
    let told = scene.inspect(&forged);
    assert_eq!((&told["active"], &told["verified"]), (&json!(false), &json!(false)));
    assert_eq!(told["reason"], "signature-wrong");
    assert_eq!(told["claims"]["scope"], "everything \u{9b}2J", "what it says, unverified");
    let (_, said) = scene.arguments(&[&forged]);
    assert!(said.contains("verified  no: what follows is only what the token says"), "{said}");
    assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");

    let elsewhere = Scene::new();
    let foreign = token(&elsewhere.running, &elsewhere.client(""), "");
    assert_eq!(scene.verdict(&foreign), dead("key-unknown"));
    assert_eq!(scene.inspect(&foreign)["claims"]["scope"], "a b");
    let sealed = token(&elsewhere.running, &elsewhere.client("--format opaque"), "");
    assert_eq!(scene.verdict(&sealed), dead("seal-wrong"));
    assert_eq!(scene.inspect(&sealed)["claims"], Value::Null);
    assert_eq!(scene.verdict(&sealed[..sealed.len() - 1]), dead("check-sum-wrong"));
    for nonsense in ["x", "", "a.b.c", "--json"] {
        assert_eq!(scene.verdict(nonsense), dead("not-a-token"));
    }
    assert_eq!(scene.verdict(&"x".repeat(17 * 1024)), dead("token-too-long"));
}

#[test]
fn a_token_comes_through_standard_input_and_nothing_is_written_to_look_at_it() {
    let scene = Scene::new();
    let token = token(&scene.running, &scene.client(""), "");
    let through = |place: &Place, issuer: &str, bytes: &[u8]| {
        let mut command = place.command();
        command.args(["token", "inspect", "-", "--json"]).env("GRANTD_ISSUER", issuer);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child.wait_with_output().unwrap()
    };
    let issuer = format!("http://{}", scene.running.address);
    let told = |issuer: &str, bytes: &[u8]| -> Value {
        serde_json::from_slice(&through(&scene.place, issuer, bytes).stdout).unwrap()
    };
    assert_eq!(told(&issuer, format!("{token}\n").as_bytes())["active"], true);
    assert_eq!(told(&issuer, &vec![b'x'; 200_000])["reason"], "token-too-long");
    let odd = told("https://other.example", token.as_bytes());
    assert_eq!(odd["reason"], "issuer-differs");
    assert!(odd["against"][0]["says"].as_str().unwrap().contains(&issuer), "{odd}");
    assert_eq!(through(&scene.place, &issuer, b"\xff").status.code(), Some(1));

    let bare = Place::bare();
    std::fs::copy(scene.place.path().join(".env"), bare.path().join(".env")).unwrap();
    let output = through(&bare, &issuer, token.as_bytes());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("GRANTD_DATABASE_URL"), "{said}");
    assert!(!bare.path().join("grantd.db").exists());
}
