//! Accounts of people, from the command line to the browser and out again.

use super::{
    server::{Place, Running},
    visitor::{AGENT, Visitor},
    wire::Answer,
};

const PASSWORD: &str = "correct horse battery";

/// A server with Ada, who manages it.
fn world() -> (Place, Running) {
    let place = Place::new();
    place.user("Ada", PASSWORD, "--permission manage_system");
    let running = place.serve("");
    (place, running)
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap()
}

#[test]
fn a_person_made_by_the_command_line_signs_in_and_out() {
    let (_place, running) = world();
    let mut ada = Visitor::new(&running);
    let away = ada.get("/developer/apps?search=a%26b");
    assert_eq!(location(&away), "/login?return_to=%2Fdeveloper%2Fapps%3Fsearch%3Da%2526b");
    let form = ada.get(location(&away));
    assert!(form.text().contains(r#"name="return_to" value="/developer/apps?search=a%26b""#));
    assert_eq!(form.header("cache-control"), Some("no-store"));
    let back = ada.sign_in_for("/developer/apps?search=a%26b", "aDA", PASSWORD);
    assert_eq!(location(&back), "/developer/apps?search=a%26b");
    let cookie = back.header("set-cookie").unwrap();
    let (pair, flags) = cookie.split_once("; ").unwrap();
    assert_eq!(flags, "Path=/; HttpOnly; SameSite=Lax");
    let secret = pair.strip_prefix("grantd=").unwrap().to_owned();
    assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let page = ada.get("/developer/apps");
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Ada"));
    let out = ada.post("/logout", "");
    assert_eq!(location(&out), "/login");
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    ada.cookie = Some(format!("grantd={secret}"));
    assert!(!ada.is_in(), "the session is over, not only the cookie gone");
}

#[test]
fn with_https_the_cookie_is_bound_to_its_host() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "");
    let running = place.serve("--issuer https://auth.example");
    let answer = Visitor::new(&running).sign_in("Ada", PASSWORD);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-grantd="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(location(&answer), "/account", "no manager: to their own pages");
}

#[test]
fn under_the_issuer_s_path_everything_leads_there() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "--permission manage_system");
    let running = place.serve("--issuer https://a.example/auth");
    let mut ada = Visitor::new(&running);
    let away = ada.get("/auth/developer/apps");
    assert_eq!(location(&away), "/auth/login?return_to=%2Fauth%2Fdeveloper%2Fapps");
    let form = format!("name=Ada&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(location(&ada.post("/auth/login", &form)), "/auth/developer");
    assert_eq!(ada.get("/auth/account/sessions").status, 200);
    let too_long = "x".repeat(70_000);
    for (status, answer) in [
        (404, ada.get("/auth/developer/apps/nobody")),
        (403, ada.send("POST", "/auth/logout", &[("Sec-Fetch-Site", "cross-site")], "")),
        (400, ada.post("/auth/developer/apps", &too_long)),
    ] {
        assert_eq!(answer.status, status);
        let text = answer.text();
        assert!(text.contains(r#"rel="stylesheet" href="/auth/assets/"#), "{text}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn who_may_not_manage_the_system_is_told_so_and_a_right_lost_counts_at_once() {
    let (place, running) = world();
    place.grantd("role create boss --permission manage_system");
    place.user("Bob", PASSWORD, "--role boss");
    let (mut ada, mut bob) = (Visitor::new(&running), Visitor::new(&running));
    ada.sign_in("Ada", PASSWORD);
    bob.sign_in("Bob", PASSWORD);
    for person in [&mut ada, &mut bob] {
        assert_eq!(person.get("/developer/apps").status, 200);
    }
    place.grantd("user update ada --remove-permission manage_system");
    place.grantd("role update boss --remove-permission manage_system");
    for person in [&mut ada, &mut bob] {
        let refused = person.get("/developer/apps");
        assert_eq!(refused.status, 403);
        assert!(refused.text().contains("manage_system"), "{}", refused.text());
        assert!(person.is_in(), "they are still who they are");
    }
}

#[test]
fn a_disabled_user_is_out_at_once_and_a_new_password_ends_the_sessions() {
    let (place, running) = world();
    let mut ada = Visitor::new(&running);
    ada.sign_in("Ada", PASSWORD);
    assert!(ada.is_in());
    place.grantd("user disable Ada");
    assert!(!ada.is_in());
    assert_eq!(ada.sign_in("Ada", PASSWORD).status, 422);
    place.grantd("user enable Ada");
    assert!(!ada.is_in(), "enabling revives no session");
    assert_eq!(ada.sign_in("Ada", PASSWORD).status, 303);
    assert!(ada.is_in());
    place.tell("user password Ada --password-stdin", "another password");
    assert!(!ada.is_in());
    assert_eq!(ada.sign_in("Ada", PASSWORD).status, 422);
    assert_eq!(ada.sign_in("Ada", "another password").status, 303);
}

#[test]
fn who_changes_their_own_password_stays_and_is_out_everywhere_else() {
    let (_place, running) = world();
    let (mut here, mut there) = (Visitor::new(&running), Visitor::new(&running));
    here.sign_in("Ada", PASSWORD);
    there.sign_in("Ada", PASSWORD);
    let present = PASSWORD.replace(' ', "+");
    let mut change = |present: &str, new: &str, again: &str| {
        let form = format!("present={present}&password={new}&again={again}");
        let answer = here.post("/account/password", &form);
        (answer.status, answer.text())
    };
    for (form, says) in [
        (["wrong+wrong", "another+one", "another+one"], "not your present password"),
        ([&present, "another+one", "another+two"], "not the same"),
        ([&present, "short", "short"], "at least 10 characters"),
    ] {
        let (status, text) = change(form[0], form[1], form[2]);
        assert!(status == 422 && text.contains(says), "{status} {text}");
        assert!(!text.contains("another") && !text.contains("wrong wrong"), "{text}");
    }
    assert!(there.is_in(), "nothing was changed");
    assert_eq!(change(&present, "another+one", "another+one").0, 303);
    assert!(here.is_in() && !there.is_in());
    assert_eq!(there.sign_in("Ada", PASSWORD).status, 422);
    assert_eq!(there.sign_in("Ada", "another one").status, 303);
    let guesses = (0..8).map(|_| here.post("/account/password", "present=guess").status);
    assert_eq!(guesses.last(), Some(429), "an open browser is no licence to guess");
    assert_eq!(Visitor::new(&running).get("/account/password").status, 303);
}

#[test]
fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let (place, running) = world();
    place.user("Bob", PASSWORD, "");
    let mut browsers: Vec<_> = (0..4).map(|_| Visitor::new(&running)).collect();
    for (at, browser) in browsers.iter_mut().enumerate() {
        let agent = format!("<b>Browser</b> {at}");
        let form = format!("name=Ada&password={}", PASSWORD.replace(' ', "+"));
        browser.send("POST", "/login", &[("User-Agent", &agent)], &form);
    }
    let mut bob = Visitor::new(&running);
    bob.sign_in("Bob", PASSWORD);
    let page = browsers[0].get("/account/sessions").text();
    assert!(!page.contains("<b>Browser"), "what a browser says is text: {page}");
    assert!(!page.contains(AGENT), "another's session is not shown");
    let ends: Vec<_> = page
        .split("action=\"")
        .filter_map(|rest| rest.split('"').next())
        .filter(|action| action.ends_with("/revoke"))
        .collect();
    assert_eq!(ends.len(), 3);
    assert_eq!(location(&bob.post(ends[0], "")), "/account/sessions");
    let alive =
        |browsers: &mut [Visitor]| browsers.iter_mut().map(Visitor::is_in).collect::<Vec<_>>();
    assert_eq!(alive(&mut browsers), [true; 4], "another's sessions are not Bob's to end");
    assert_eq!(location(&browsers[0].post(ends[0], "")), "/account/sessions");
    assert_eq!(alive(&mut browsers).iter().filter(|alive| **alive).count(), 3);
    assert!(browsers[0].is_in());
    browsers[0].post("/account/sessions/revoke-others", "");
    assert_eq!(alive(&mut browsers), [true, false, false, false]);
    assert!(bob.is_in());
}

#[test]
fn a_sign_in_makes_a_new_session_and_ends_the_one_before() {
    let (place, running) = world();
    place.user("Eve", PASSWORD, "");
    let planted = format!("grantd={}", "a".repeat(64));
    let mut ada = Visitor::new(&running);
    ada.cookie = Some(planted.clone());
    ada.sign_in("Ada", PASSWORD);
    let first = ada.cookie.clone().unwrap();
    assert_ne!(first, planted);
    ada.sign_in("Ada", PASSWORD);
    let second = ada.cookie.clone().unwrap();
    assert_ne!(first, second);
    ada.cookie = Some(first);
    assert!(!ada.is_in());
    ada.cookie = Some(second);
    assert!(ada.is_in());
}

#[test]
fn forms_of_another_site_change_nothing() {
    let (_place, running) = world();
    let mut ada = Visitor::new(&running);
    ada.sign_in("Ada", PASSWORD);
    let own = format!("http://{}", running.address);
    for headers in [
        &[("Sec-Fetch-Site", "cross-site")][..],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", &own)],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
    ] {
        for path in ["/logout", "/account/sessions/revoke-others", "/login"] {
            let form = format!("name=Ada&password={}", PASSWORD.replace(' ', "+"));
            let refused = ada.send("POST", path, headers, &form);
            assert_eq!(refused.status, 403, "{path} {headers:?}");
            assert_eq!(refused.header("set-cookie"), None);
        }
    }
    assert!(ada.is_in());
    assert_eq!(ada.send("GET", "/logout", &[], "").status, 405, "a link signs nobody out");
    let host = running.address.to_string();
    let ours = [("Host", host.as_str()), ("Origin", own.as_str())];
    assert_eq!(ada.send("POST", "/logout", &ours, "").status, 303);
}

#[test]
fn nobody_is_led_to_another_site() {
    let (_place, running) = world();
    for page in
        ["//evil.example", "https://evil.example/", "/\\evil.example", "/\t/evil.example", "x"]
    {
        let mut ada = Visitor::new(&running);
        assert_eq!(location(&ada.sign_in_for(page, "Ada", PASSWORD)), "/developer", "{page:?}");
        let form = ada.get(&format!("/login?return_to={}", page.replace('\t', "%09")));
        assert!(form.text().contains(r#"name="return_to" value="""#), "{page:?}");
    }
    let mut ada = Visitor::new(&running);
    let away = ada.send(
        "POST",
        "/account/sessions/revoke-others",
        &[("Referer", "https://evil.example//evil.example/x")],
        "",
    );
    assert_eq!(location(&away), "/login");
    let away = ada.send(
        "POST",
        "/account/sessions/revoke-others",
        &[("Referer", "http://localhost/developer/apps/new?x=1")],
        "",
    );
    assert_eq!(
        location(&away),
        "/login?return_to=%2Fdeveloper%2Fapps%2Fnew%3Fx%3D1&form=unsaved",
        "and the login page says that the form was not saved"
    );
}

#[test]
fn passwords_and_session_secrets_are_in_no_file_and_no_line() {
    let (place, running) = world();
    let mut ada = Visitor::new(&running);
    ada.sign_in("Ada", PASSWORD);
    ada.sign_in(PASSWORD, "something else entirely");
    ada.sign_in("Ada", "not the right one");
    let secret = ada.cookie.clone().unwrap().replace("grantd=", "");
    assert!(ada.is_in());
    let shown = [
        place.grantd("user show Ada").to_string(),
        place.grantd("user list").to_string(),
        place.grantd("audit list").to_string(),
        running.log().join("\n"),
    ];
    for (at, text) in shown.iter().enumerate() {
        for secret in [PASSWORD, "not the right one", &secret, "argon2", "something else"] {
            assert!(!text.contains(secret), "{at}: {secret} in {text}");
        }
    }
    let mut files = 0;
    for file in std::fs::read_dir(place.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        for secret in [PASSWORD, "not the right one", &secret] {
            assert!(!has(secret), "{secret} in {}", path.display());
        }
        files += usize::from(has("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
    assert!(files > 0, "the hash is where it belongs");
}

#[test]
fn a_hash_of_weaker_parameters_is_made_anew_at_the_next_sign_in() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "");
    let database = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    let hash = || -> String {
        database.query_row("SELECT password FROM users", [], |row| row.get(0)).unwrap()
    };
    database.execute("UPDATE users SET password = ?1", [WEAK]).unwrap();
    let running = place.serve("");
    let mut ada = Visitor::new(&running);
    assert_eq!(ada.sign_in("Ada", "something else").status, 422);
    assert_eq!(hash(), WEAK);
    assert_eq!(ada.sign_in("Ada", PASSWORD).status, 303);
    assert!(hash().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash());
    assert_eq!(ada.sign_in("Ada", PASSWORD).status, 303);
    assert_eq!(place.grantd("user show Ada")["version"], 1, "nobody else needs to know");
}

/// Argon2id of the same password with little memory and one pass, made by the reference implementation.
const WEAK: &str = "$argon2id$v=19$m=64,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$ViyS/BfMs2xQSMPUX+Z0W0cGQiswmMiAmXGOCUEqE5M";

#[test]
fn the_command_line_says_what_is_wrong_with_a_user() {
    let place = Place::new();
    let complaint = |line: &str, secret: &str| {
        let output = place.try_tell(line, secret);
        assert!(!output.status.success() && output.stdout.is_empty(), "{line}");
        String::from_utf8(output.stderr).unwrap()
    };
    let create = "user create --password-stdin --name";
    assert!(complaint(&format!("{create} Ada"), "short").contains("at least 10 characters"));
    assert!(complaint(&format!("{create} Ada"), &"x".repeat(1001)).contains("at most 1000 bytes"));
    assert!(complaint("user create --name Ada", PASSWORD).contains("--password-stdin"));
    assert!(
        complaint(&format!("{create} Ada --permission a"), PASSWORD)
            .contains("grantd permission create a")
    );
    assert!(
        complaint(&format!("{create} Ada --role a"), PASSWORD).contains("grantd role create a")
    );
    assert_eq!(place.grantd("user list")["users"].as_array().unwrap().len(), 0);
    let id = place.user("Ada", PASSWORD, "");
    assert!(complaint(&format!("{create} ADA"), PASSWORD).contains("exists already"));
    assert!(complaint(&format!("{create} {id}"), PASSWORD).contains("no UUID"));
    assert!(complaint("user show Bob", "").contains("grantd user list"));
    assert!(complaint("user password Bob --password-stdin", PASSWORD).contains("grantd user list"));
    place.grantd("permission create a");
    let updated = place.grantd(&format!("user update {id} --add-permission a --name Eve"));
    assert_eq!((&updated["name"], &updated["permissions"][0]), (&"Eve".into(), &"a".into()));
    assert_eq!(place.grantd("user show eve")["user_id"], id.as_str());
    assert_eq!(place.grantd("user disable eve")["state"], "disabled");
    let listed = place.grantd("user list --state disabled --search EV");
    assert_eq!(listed["users"].as_array().unwrap().len(), 1);
    assert_eq!(place.grantd("user enable eve")["generation"], 3);
}
