//! What attackers try with authorization requests, codes and consent, and that it is refused.

use rusqlite::Connection;
use url::{Url, form_urlencoded::byte_serialize};

use super::{
    acting::Scene,
    app::{CHALLENGE, Tokens, VERIFIER, decide, parameter, question},
    hostile::Noise,
    server::{PASSWORD, Place, contents},
    visitor::Visitor,
    wire::{self, Answer, request},
};

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// Where a browser is led, if anywhere.
fn led(answer: &Answer) -> Option<String> {
    answer.header("location").map(ToOwned::to_owned)
}

fn approvals(place: &Place) -> i64 {
    let database = Connection::open(place.path().join("grantd.db")).unwrap();
    database.query_row("SELECT count(*) FROM approvals", [], |row| row.get(0)).unwrap()
}

#[test]
fn the_login_page_leads_to_no_other_site() {
    let scene = Scene::open("");
    let evil = scene.web.address(&[("redirect_uri", "https://evil.example/cb")]);
    let far = format!("http://{}{}", scene.running.address, scene.web.address(&[]));
    for target in [
        "https://evil.example/",
        "//evil.example/oauth/authorize?x",
        "/\\evil.example/oauth/authorize",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "/oauth/authorize\r\nLocation: https://evil.example",
        &far,
    ] {
        let mut browser = Visitor::new(&scene.running);
        let page = browser.get(&format!("/login?return_to={}", encoded(target)));
        assert!(!page.text().contains("evil.example"), "{}", page.text());
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self';"), "{policy}");
        let answer = browser.sign_in_for(target, "ada", PASSWORD);
        assert_eq!(led(&answer).as_deref(), Some("/account"), "{target}");
    }
    // A request of our own that leads elsewhere is refused where it arrives, and the login form's
    // policy lets nothing through to there.
    let mut browser = Visitor::new(&scene.running);
    let page = browser.get(&format!("/login?return_to={}", encoded(&evil)));
    assert!(page.header("content-security-policy").unwrap().contains("form-action 'self';"));
    let back = led(&browser.sign_in_for(&evil, "ada", PASSWORD)).unwrap();
    let refused = browser.get(&back);
    assert_eq!((refused.status, led(&refused)), (400, None));
    assert!(!refused.text().contains("evil.example"), "{}", refused.text());
}

#[test]
fn every_answer_says_which_server_gave_it() {
    for issuer in ["", "https://a.example/auth"] {
        let scene = Scene::open(&if issuer.is_empty() {
            String::new()
        } else {
            format!("--issuer {issuer}")
        });
        let (base, own) = match issuer {
            "" => ("", format!("http://{}", scene.running.address)),
            other => ("/auth", other.to_owned()),
        };
        let mut browser = Visitor::new(&scene.running);
        let form = format!("name=ada&password={}", PASSWORD.replace(' ', "+"));
        assert_eq!(browser.post(&format!("{base}/login"), &form).status, 303);
        let app = &scene.web;
        let at = |changes: &[(&str, &str)]| format!("{base}{}", app.address(changes));
        let page = browser.get(&at(&[]));
        let consent = format!("{base}/oauth/consent");
        let denied = browser.post(&consent, &format!("{}&decision=deny", question(&page)));
        let allowed = browser.post(&consent, &format!("{}&decision=allow", question(&page)));
        let answers = [
            denied,
            allowed,
            browser.get(&at(&[])),
            browser.get(&at(&[("response_type", "token")])),
            browser.get(&at(&[("response_type", "")])),
            browser.get(&at(&[("scope", "nope")])),
            browser.get(&at(&[("resource", "https://other.example")])),
            browser.get(&at(&[("code_challenge", "")])),
            browser.get(&at(&[("prompt", "none"), ("max_age", "0")])),
            browser.get(&at(&[
                ("iss", "https://evil.example"),
                ("state", "&iss=https://evil.example"),
            ])),
        ];
        for answer in &answers {
            let location = led(answer).unwrap();
            assert!(location.starts_with("https://app.example/cb?"), "{location}");
            let url = Url::parse(&location).unwrap();
            let said: Vec<_> = url.query_pairs().filter(|(name, _)| name == "iss").collect();
            assert_eq!(said.len(), 1, "{location}");
            assert_eq!(said[0].1, own, "{location}");
        }
    }
}

#[test]
fn a_code_that_is_injected_is_refused_and_spent() {
    let scene = Scene::open("");
    let (server, mut ada) = (scene.running.address, scene.browser("ada"));
    let line = "--permission schools.read --grant authorization_code --redirect-uri https://app.example/cb";
    let other = super::app::App::new(&scene.place.client(line), "https://app.example/cb");
    let own = "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww";
    let web = &scene.web;
    for (what, app, honest, forged) in [
        ("CX-06 a verifier of the attacker's", web, VERIFIER, own),
        ("CX-07 none", web, VERIFIER, ""),
        ("the challenge itself", web, VERIFIER, CHALLENGE),
        ("CX-05 another client", &other, "", ""),
        ("CX-11 another address", web, "app.example", "evil.example"),
    ] {
        let code = web.code(&mut ada, "schools.read");
        let refused = |answer: Answer, when: &str| {
            let told = (answer.status, answer.json()["error"].clone());
            assert_eq!(told, (400, "invalid_grant".into()), "{what}: {when}");
        };
        refused(app.post(server, &app.redemption(&code).replace(honest, forged)), "at once");
        refused(web.redeem(server, &code), "it is spent");
    }
    // Who fails to prove that they are the client spends nobody's code.
    let code = web.code(&mut ada, "schools.read");
    let body = format!("client_id={}&client_secret=guess&{}", web.client.id, web.redemption(&code));
    assert_eq!(wire::send(server, &wire::form(&body)).unwrap().status, 401);
    assert_eq!(web.redeem(server, &code).status, 200);
}

#[test]
fn az_23_consent_is_given_by_this_session_to_this_question_alone() {
    let scene = Scene::open("");
    let (mut ada, mut again, mut bob) =
        (scene.browser("ada"), scene.browser("ada"), scene.browser("bob"));
    let page = ada.get(&scene.web.address(&[]));
    let good = question(&page);
    let part = |name: &str| {
        let all = url::form_urlencoded::parse(good.as_bytes());
        all.into_owned().find(|(known, _)| known == name).unwrap().1
    };
    let form = |query: &str, scope: &str, seal: &str| {
        format!("query={}&scope={}&seal={seal}&decision=allow", encoded(query), encoded(scope))
    };
    let (query, seal) = (part("query"), part("seal"));
    let wider = scene.web.query(&[("scope", "schools.read schools.write")]);
    let other = scene.spa.query(&[]);
    let forged = [
        ("no seal", form(&query, "schools.read", "")),
        ("a seal of letters", form(&query, "schools.read", &"0".repeat(seal.len()))),
        ("a seal cut off", form(&query, "schools.read", &seal[1..])),
        ("another scope", form(&query, "schools.read schools.write", &seal)),
        ("no scope", form(&query, "", &seal)),
        ("another query", form(&wider, "schools.read", &seal)),
        ("another app", form(&other, "schools.read", &seal)),
        ("the border between the two moved", form(&format!("{query} schools.read"), "", &seal)),
        ("nothing", "decision=allow".to_owned()),
    ];
    for (what, form) in &forged {
        let answer = ada.post("/oauth/consent", form);
        assert!(matches!(answer.status, 400 | 403 | 422), "{what}: {}", answer.status);
        assert_eq!(led(&answer), None, "{what}");
    }
    let form = format!("{good}&decision=allow");
    for (what, browser) in [("another session of hers", &mut again), ("another user", &mut bob)] {
        let answer = browser.post("/oauth/consent", &form);
        assert_eq!((answer.status, led(&answer)), (403, None), "{what}");
    }
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ] {
        let answer = ada.send("POST", "/oauth/consent", headers, &form);
        assert_eq!((answer.status, led(&answer)), (403, None), "{headers:?}");
    }
    for method in ["GET", "PUT", "HEAD"] {
        let answer = ada.send(method, &format!("/oauth/consent?{form}"), &[], "");
        assert_eq!((answer.status, led(&answer)), (405, None), "{method}");
    }
    let nobody = Visitor::new(&scene.running).post("/oauth/consent", &form);
    assert!(led(&nobody).is_some_and(|led| led.starts_with("/login")), "nobody's");
    assert_eq!(approvals(&scene.place), 0, "no code was issued by any of it");
    assert!(led(&decide(&mut ada, &page, "allow")).unwrap().contains("code="));
    // Signing out ends the question, too.
    ada.post("/logout", "");
    assert!(ada.sign_in("ada", PASSWORD).status == 303);
    assert_eq!(ada.post("/oauth/consent", &form).status, 403);
}

#[test]
fn nobody_gets_a_code_for_an_image_or_for_looking_ahead() {
    let scene = Scene::open("");
    let mut ada = scene.browser("ada");
    scene.web.code(&mut ada, "schools.read");
    let address = scene.web.address(&[]);
    for (method, header) in [
        ("HEAD", ("Accept", "*/*")),
        ("GET", ("Sec-Fetch-Dest", "image")),
        ("GET", ("Sec-Fetch-Dest", "empty")),
        ("GET", ("Sec-Purpose", "prefetch")),
    ] {
        let answer = ada.send(method, &address, &[header], "");
        assert_eq!((answer.status, led(&answer)), (405, None), "{header:?}");
    }
    // What is no browser says little: Node says its mode alone.
    for header in [("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "cors")] {
        let answer = ada.send("GET", &address, &[header], "");
        assert!(led(&answer).is_some_and(|led| led.contains("code=")), "{header:?}");
    }
}

#[test]
fn a_question_is_looked_at_anew_when_it_is_answered() {
    let scene = Scene::open("");
    let mut ada = scene.browser("ada");
    let id = scene.web.client.id.clone();
    let page = ada.get(&scene.web.address(&[("scope", "schools.read schools.write")]));
    scene.place.grantd("user update ada --remove-permission schools.write");
    let code = parameter(&led(&decide(&mut ada, &page, "allow")).unwrap(), "code").unwrap();
    let answer = scene.web.redeem(scene.running.address, &code);
    assert_eq!(answer.json()["scope"], "schools.read", "of what was shown, what they still have");
    scene.place.grantd(&format!("client update {id} --redirect-uri https://new.example/cb"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let answer = decide(&mut ada, &page, "allow");
    assert_eq!(
        (answer.status, led(&answer)),
        (400, None),
        "the address is not registered any more"
    );
    scene.place.grantd(&format!("client revoke {id}"));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let answer = decide(&mut ada, &page, "deny");
    assert_eq!((answer.status, led(&answer)), (400, None));
}

#[test]
fn a_state_with_line_ends_writes_no_header() {
    let scene = Scene::open("");
    let mut ada = scene.browser("ada");
    scene.web.code(&mut ada, "schools.read");
    let state = "x\r\nSet-Cookie: a=b\r\n\r\n<script>\0";
    for changes in [&[("state", state)][..], &[("state", state), ("scope", "nope")]] {
        let answer = ada.get(&scene.web.address(changes));
        let location = led(&answer).unwrap();
        assert_eq!(parameter(&location, "state").as_deref(), Some(state));
        assert_eq!((answer.header("set-cookie"), answer.text().as_str()), (None, ""));
    }
    let page = ada.get(&scene.web.address(&[("state", state), ("prompt", "consent")]));
    assert!(page.status == 200 && page.header("set-cookie").is_none());
    assert!(!page.text().contains("<script>"), "{}", page.text());
    let location = led(&decide(&mut ada, &page, "allow")).unwrap();
    assert_eq!(parameter(&location, "state").as_deref(), Some(state));
    let login = led(&Visitor::new(&scene.running).get(&scene.web.address(&[("state", state)])));
    assert!(login.unwrap().bytes().all(|byte| byte.is_ascii_graphic()));
}

/// What stands in hostile queries, beside noise.
const NAMES: [&str; 18] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "resource",
    "request",
    "request_uri",
    "response_mode",
    "nonce",
    "",
    "iss",
    "%00",
    "a b",
];
const VALUES: [&str; 26] = [
    "code",
    "token",
    "https%3A%2F%2Fapp.example%2Fcb",
    "https://evil.example/cb",
    "//evil.example",
    "schools.read",
    "%FF",
    "%",
    "%00",
    "%0d%0aLocation:%20https://evil.example",
    "\\evil.example",
    "S256",
    CHALLENGE,
    "",
    "%F0%9F%98%80",
    "none",
    "login",
    "9999999999999999999999",
    "'%20OR%201=1--",
    "../..",
    "{{x}}",
    "%252e%252e",
    "urn:x",
    "http://127.0.0.1:1/cb",
    "xyz;abc",
    "javascript:alert(1)",
];

/// A query of good and hostile parts, some of it noise.
fn hostile_query(noise: &mut Noise, web: &str) -> String {
    let mut pick = |length: usize| usize::try_from(noise.next() % length as u64).unwrap();
    let mut parts = Vec::new();
    if pick(2) == 0 {
        parts.push(format!(
            "client_id={web}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code"
        ));
    }
    for _ in 0..pick(8) {
        let long = if pick(10) == 0 { "x".repeat(pick(3000)) } else { String::new() };
        parts.push(format!(
            "{}={}{long}",
            NAMES[pick(NAMES.len())].replace(' ', "+"),
            VALUES[pick(VALUES.len())]
        ));
    }
    for _ in 0..pick(3) {
        parts.push((0..pick(30)).map(|_| format!("%{:02X}", pick(256))).collect());
    }
    parts.join(["&", "&&", "&=&"][pick(3)])
}

#[test]
fn a_thousand_hostile_queries_are_refused_in_order_and_lead_nowhere_else() {
    let scene = Scene::open("");
    let (mut ada, mut nobody) = (scene.browser("ada"), Visitor::new(&scene.running));
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    for round in 0..1000 {
        let query = hostile_query(&mut noise, &scene.web.client.id);
        let browser = if round % 2 == 0 { &mut ada } else { &mut nobody };
        let answer = browser.get(&format!("/oauth/authorize?{query}"));
        assert!(matches!(answer.status, 200 | 303 | 400), "{}: {query}", answer.status);
        if let Some(location) = led(&answer) {
            let own = location.starts_with("/login?return_to=%2Foauth%2Fauthorize%3F");
            assert!(own || location.starts_with("https://app.example/cb?"), "{query}\n{location}");
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
        }
        // The same behind the login page.
        let login = format!("/login?return_to={}", encoded(&format!("/oauth/authorize?{query}")));
        let page = nobody.get(&login);
        assert_eq!(page.status, 200, "{query}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(!policy.contains("evil"), "{policy}");
    }
    for huge in ["x".repeat(20_000), "x".repeat(200_000), "&".repeat(60_000), "a=b&".repeat(500)] {
        let sent =
            request("GET", &format!("/oauth/authorize?{huge}"), &[("Connection", "close")], b"");
        if let Some(answer) = wire::send(scene.running.address, &sent) {
            assert!(
                (400..500).contains(&answer.status) && led(&answer).is_none(),
                "{}",
                answer.status
            );
        }
    }
    // Bytes that are no text at all.
    for raw in [&b"\xff\xfe"[..], b"client_id=\x80", b"a\0b", b"state=\x7f"] {
        let bytes =
            [b"GET /oauth/authorize?", raw, b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"]
                .concat();
        if let Some(answer) = wire::send(scene.running.address, &bytes) {
            assert!((400..500).contains(&answer.status) && led(&answer).is_none(), "{raw:?}");
        }
    }
    assert_eq!(ada.get(&scene.web.address(&[])).status, 200, "and it goes on");
}

#[test]
fn no_code_token_verifier_or_session_stands_in_logs_or_files() {
    let scene = Scene::open("--log debug");
    let (server, mut ada) = (scene.running.address, scene.browser("ada"));
    let mut secrets = vec![VERIFIER.to_owned(), PASSWORD.to_owned(), "topsecretstate".to_owned()];
    secrets.push(ada.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned());
    for app in [&scene.web, &scene.spa] {
        // Used, unused, used twice, with a wrong verifier, by another client, in the wrong place.
        let codes: Vec<_> = (0..3).map(|_| app.code(&mut ada, "schools.read")).collect();
        let first = Tokens::of(&app.redeem(server, &codes[0]));
        let second = Tokens::of(&app.refresh(server, &first.refresh));
        assert_eq!(app.refresh(server, &first.refresh).status, 400);
        assert_eq!(app.redeem(server, &codes[0]).status, 400);
        let wrong = app.redemption(&codes[1]).replace(VERIFIER, &"w".repeat(43));
        assert_eq!(app.post(server, &wrong).status, 400);
        for text in [&codes[2], &second.refresh, &second.access] {
            ada.get(&app.address(&[("state", "topsecretstate"), ("client_id", text)]));
            ada.get(&app.address(&[("state", "topsecretstate"), ("redirect_uri", text)]));
            ada.get(&format!("/oauth/authorize/{text}?code={text}"));
            app.post(server, &format!("grant_type={text}&scope={text}"));
            app.redeem(server, text);
            app.refresh(server, text);
            let body = format!("token={text}");
            super::dead_tokens::post(&scene.running, "/oauth/introspect", &scene.server, &body);
            super::dead_tokens::post(&scene.running, "/oauth/revoke", &scene.web.client, &body);
        }
        secrets.extend(codes);
        secrets.extend([first.access, first.refresh, second.access, second.refresh]);
    }
    let refusals = scene.running.log().iter().filter(|line| line.contains("\"refusal\"")).count();
    assert!(refusals > 10, "refusals are logged");
    let log = scene.running.log().join("\n");
    let files = contents(scene.place.path());
    for secret in &secrets {
        assert!(secret.len() > 10);
        assert!(!log.contains(secret.as_str()), "in the log: {secret}");
        let stands = files.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!stands, "on disk: {secret}");
    }
}
