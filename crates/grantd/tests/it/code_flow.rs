//! The user's way through the authorization endpoint and back to the app, step by step.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use super::{
    acting::Scene,
    app::{App, Tokens, decide, parameter},
    server::{FIXTURE, PASSWORD, Place},
    tokens::claims_of,
    visitor::Visitor,
    wire::{self, Answer, request},
};

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

/// A page that no other site frames and no cache keeps.
fn assert_is_guarded(page: &Answer) {
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"));
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(matches!(page.header("referrer-policy"), Some("no-referrer" | "same-origin")));
}

#[test]
fn az_28_and_22_who_signs_in_goes_on_with_the_very_request_once() {
    let app = FIXTURE.app("web");
    for prompt in ["", "login", "login consent", "select_account"] {
        let mut browser = Visitor::new(&FIXTURE.running);
        let asked = app.address(&[("prompt", prompt), ("max_age", "0"), ("state", "a b+c%é&")]);
        let login = location(&browser.get(&asked));
        assert!(login.starts_with("/login?return_to="), "{login}");
        let back = parameter(&format!("http://x{login}"), "return_to").unwrap();
        let page = browser.get(&login);
        assert_is_guarded(&page);
        let signed_in = browser.sign_in_for(&back, "ada", PASSWORD);
        assert_eq!(location(&signed_in), back, "never 307 or 308");
        let next = browser.get(&back);
        let answer = if next.status == 200 {
            assert_is_guarded(&next);
            decide(&mut browser, &next, "allow")
        } else {
            next
        };
        let location = location(&answer);
        assert_eq!(parameter(&location, "state").as_deref(), Some("a b+c%é&"), "{prompt}");
        assert!(parameter(&location, "code").is_some(), "signing in once was enough: {location}");
    }
}

#[test]
fn who_is_signed_in_signs_in_anew_where_the_app_wants_it() {
    let app = FIXTURE.app("web");
    let mut browser = FIXTURE.browser("ada");
    for (name, value) in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "0")] {
        let led = location(&browser.get(&app.address(&[(name, value)])));
        assert!(led.starts_with("/login?"), "{name}={value}: {led}");
    }
}

#[test]
fn az_18_the_state_comes_back_byte_by_byte() {
    let app = FIXTURE.app("web");
    let mut browser = FIXTURE.browser("ada");
    app.code(&mut browser, "schools.read");
    let long = "x".repeat(500);
    for state in [
        "a b+c%26=é",
        "%",
        "%2",
        "+",
        "&iss=https://evil.example&code=1",
        "\"><script>",
        "#",
        &long,
    ] {
        let led = location(&browser.get(&app.address(&[("state", state)])));
        assert_eq!(parameter(&led, "state").as_deref(), Some(state));
        assert!(led.bytes().all(|byte| byte.is_ascii_graphic()), "{led}");
        let names: Vec<_> =
            Url::parse(&led).unwrap().query_pairs().map(|pair| pair.0.into_owned()).collect();
        assert_eq!(names, ["code", "state", "iss"]);
        // An error brings it back as well.
        let led = location(&browser.get(&app.address(&[("state", state), ("scope", "nope")])));
        assert_eq!(parameter(&led, "state").as_deref(), Some(state));
    }
}

#[test]
fn az_24_a_public_client_is_asked_for_each_time_and_a_confidential_one_once() {
    let scene = Scene::open("");
    let mut browser = scene.browser("ada");
    for (app, again) in [(&scene.web, 303), (&scene.spa, 200)] {
        let page = browser.get(&app.address(&[]));
        assert_eq!(page.status, 200);
        assert_eq!(
            location(&decide(&mut browser, &page, "allow")).split('?').next(),
            Some(app.redirect_uri)
        );
        assert_eq!(browser.get(&app.address(&[])).status, again);
        assert_eq!(browser.get(&app.address(&[("prompt", "consent")])).status, 200);
        let more = app.address(&[("scope", "schools.read schools.write")]);
        assert_eq!(browser.get(&more).status, 200, "what was not allowed is asked");
        assert_eq!(scene.browser("bob").get(&app.address(&[])).status, 200, "another user, too");
    }
}

#[test]
fn a_cancel_allows_nothing_and_the_next_time_the_user_is_asked_again() {
    let scene = Scene::open("");
    let mut browser = scene.browser("ada");
    for decision in ["deny", "", "ALLOW"] {
        let page = browser.get(&scene.web.address(&[]));
        assert_eq!(page.status, 200, "asked again");
        let led = location(&decide(&mut browser, &page, decision));
        assert_eq!(parameter(&led, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&led, "code"), None);
    }
}

#[test]
fn az_26_only_addresses_that_lead_to_the_app_alone_are_registered() {
    let place = Place::new();
    place.grantd("permission create manage_system");
    let admin = place.client("--permission manage_system");
    let running = place.serve("");
    let bearer = format!("Bearer {}", super::tokens::token(&running, &admin, ""));
    let create = |uri: &str| {
        let body = json!({ "name": "X", "public": true, "redirect_uris": [uri] });
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let sent = request("POST", "/api/v1/clients", &headers, body.to_string().as_bytes());
        wire::send(running.address, &sent).unwrap()
    };
    for uri in [
        "https://app.example/cb?a=1",
        "http://127.0.0.1/cb",
        "http://[::1]:7/cb",
        "com.example.app:/cb",
    ] {
        assert_eq!(create(uri).status, 201, "{uri}");
    }
    for uri in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://app.example/x",
        "file:///etc/passwd",
        "about:blank",
        "http://public.example/cb",
        "http://localhost/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "https://app.example/cb#frag",
        "https://app.example/cb#",
        "https://*.example/cb",
        "https://app.example/*",
        "/cb",
        "cb",
        "//app.example/cb",
        "app.example/cb",
        "https:app.example/cb",
        "https:/app.example/cb",
        "https://",
        "https://user@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://app.example/\r\nX: y",
        "https://app.example/ cb",
        "https://äpp.example/cb",
        "",
    ] {
        let answer = create(uri);
        assert!(matches!(answer.status, 400 | 422), "{uri}: {} {}", answer.status, answer.text());
        let output = place
            .command()
            .args(["client", "create", "--name", "X", "--public", "--redirect-uri", uri])
            .output();
        assert!(!output.unwrap().status.success(), "{uri} on the command line");
    }
}

#[test]
fn az_27_the_query_of_a_registered_address_stays_and_the_answer_is_behind_it() {
    let scene = Scene::open("");
    let line = "--permission schools.read --grant authorization_code --redirect-uri https://app.example/cb?a=1";
    let app = App::new(&scene.place.client(line), "https://app.example/cb?a=1");
    let mut browser = scene.browser("ada");
    let page = browser.get(&app.address(&[]));
    let led = location(&decide(&mut browser, &page, "allow"));
    assert!(led.starts_with("https://app.example/cb?a=1&code=gac_"), "{led}");
    let led = location(&browser.get(&app.address(&[("scope", "nope")])));
    assert!(led.starts_with("https://app.example/cb?a=1&error=invalid_scope&"), "{led}");
    let code = parameter(&location(&browser.get(&app.address(&[]))), "code").unwrap();
    assert_eq!(app.redeem(scene.running.address, &code).status, 200);
}

#[test]
fn az_01_codes_have_256_random_bits_and_none_comes_twice() {
    let app = FIXTURE.app("web");
    let mut browser = FIXTURE.browser("ada");
    let codes: std::collections::HashSet<_> =
        (0..50).map(|_| app.code(&mut browser, "schools.read")).collect();
    assert_eq!(codes.len(), 50);
    for code in &codes {
        // 43 characters of base 62 and a check of 6.
        assert!(code.starts_with("gac_") && code.len() >= 4 + 43, "{code}");
    }
}

#[test]
fn at_07_a_token_of_the_code_grant_names_user_client_and_granted_scope() {
    let scene = Scene::open("");
    let mut browser = scene.browser("ada");
    let user = scene.place.grantd("user show ada")["user_id"].clone();
    let tokens = scene.tokens(&scene.web, &mut browser, "schools.read invoices.read");
    let claims = claims_of(&tokens.access);
    assert_eq!(
        (&claims["sub"], claims["client_id"].as_str()),
        (&user, Some(&*scene.web.client.id))
    );
    assert_eq!(claims["scope"], "schools.read invoices.read");
    assert_eq!(
        (claims["gty"].as_str(), &claims["roles"]),
        (Some("authorization_code"), &json!([]))
    );
    assert!(claims["ugen"].is_u64() && claims["grant"].is_string() && claims["gen"].is_u64());
    let again = Tokens::of(&scene.web.refresh(scene.running.address, &tokens.refresh));
    let refreshed = claims_of(&again.access);
    for name in ["sub", "client_id", "scope", "gty", "grant", "aud", "iss"] {
        assert_eq!(claims[name], refreshed[name], "{name}");
    }
    assert_ne!(claims["jti"], refreshed["jti"]);
}

#[test]
fn what_the_user_does_not_have_they_do_not_give() {
    let scene = Scene::open("");
    scene.place.grantd("user update bob --remove-permission schools.write");
    let mut bob = scene.browser("bob");
    let page = bob.get(&scene.web.address(&[("scope", "schools.read schools.write")]));
    assert!(page.text().contains("which your account does not have"), "{}", page.text());
    let led = location(&decide(&mut bob, &page, "allow"));
    let answer = scene.web.redeem(scene.running.address, &parameter(&led, "code").unwrap());
    assert_eq!(answer.json()["scope"], "schools.read");
}

#[test]
fn md_06_the_metadata_announce_the_endpoint_pkce_and_iss() {
    let path = "/.well-known/oauth-authorization-server";
    let answer = wire::send(FIXTURE.running.address, &request("GET", path, &[], b"")).unwrap();
    let metadata = answer.json();
    let issuer = metadata["issuer"].as_str().unwrap();
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["authorization_endpoint"], format!("{issuer}/oauth/authorize"));
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
}

#[test]
fn a_user_who_manages_the_system_does_so_through_an_app_and_the_log_names_them() {
    let scene = Scene::open("");
    scene.place.grantd("permission create manage_system");
    let line = "--permission manage_system --grant authorization_code --redirect-uri https://ops.example/cb";
    let app = App::new(&scene.place.client(line), "https://ops.example/cb");
    scene.place.user("root", PASSWORD, "--permission manage_system");
    let call = |token: &str, method: &str, path: &str, body: &Value| {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let sent = request(method, &format!("/api/v1{path}"), &headers, body.as_bytes());
        wire::send(scene.running.address, &sent).unwrap()
    };
    let token = scene.tokens(&app, &mut scene.browser("root"), "manage_system").access;
    let made = call(&token, "POST", "/permissions", &json!({ "name": "new.one" }));
    assert_eq!(made.status, 201, "{}", made.text());
    let user = scene.place.grantd("user show root")["user_id"].as_str().unwrap().to_owned();
    let log = call(&token, "GET", "/audit?object=permission:new.one", &Value::Null).json();
    assert_eq!(log["items"][0]["actor"], format!("user:{user}"), "{log}");
    // Neither the app's right nor the user's is enough alone.
    let led = location(&scene.browser("ada").get(&app.address(&[("scope", "manage_system")])));
    assert_eq!(parameter(&led, "error").as_deref(), Some("access_denied"));
    scene.place.grantd("user update root --remove-permission manage_system");
    assert_eq!(call(&token, "GET", "/audit", &Value::Null).status, 401, "dead at once");
}

/// What stands in a JWT, to read it here as a client would.
#[test]
fn an_app_s_token_is_a_jwt_of_the_type_that_guards_believe() {
    let scene = Scene::open("");
    let tokens = scene.tokens(&scene.spa, &mut scene.browser("ada"), "schools.read");
    let header = tokens.access.split('.').next().unwrap();
    let header: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!((&header["typ"], &header["alg"]), (&json!("at+jwt"), &json!("ES256")));
    assert_eq!(claims_of(&tokens.access)["cid"], Value::Null, "no credential proved the app");
}
