//! Passkeys, with a device in software against the real binary: what opens an account, and what does not.

use serde_json::{Value, json};

use super::{
    authenticator::Authenticator,
    server::{Place, Running},
    visitor::Visitor,
    wire::Answer,
};

const PASSWORD: &str = "correct horse battery";
const HERE: &str = "https://auth.example";

/// A server with a name, and Ada and Bob, who manage it.
fn world() -> (Place, Running) {
    let place = Place::new();
    for name in ["Ada", "Bob"] {
        place.user(name, PASSWORD, "--permission manage_system");
    }
    let running = place.serve(&format!("--issuer {HERE}"));
    (place, running)
}

fn device(number: u8) -> Authenticator {
    Authenticator::at(HERE, number)
}

impl Visitor {
    fn say(&mut self, path: &str, words: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin")];
        self.send("POST", path, &headers, &words.to_string())
    }

    fn asked(&mut self, path: &str, words: &Value) -> (Value, Value) {
        let answer = self.say(path, words);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let said: Value = serde_json::from_str(&answer.text()).unwrap();
        (said["options"].clone(), said["question"].clone())
    }

    /// The options and the question for a new passkey.
    fn asked_to_add(&mut self) -> (Value, Value) {
        let wish = json!({ "name": "Phone", "password": PASSWORD });
        self.asked("/account/passkeys/question", &wish)
    }

    fn answer_to_add(&mut self, question: &Value, credential: &Value) -> Answer {
        let words = json!({ "name": "Phone", "question": question, "credential": credential });
        self.say("/account/passkeys", &words)
    }

    /// Adds the device's passkey.
    fn add(&mut self, device: &mut Authenticator) -> Answer {
        let (options, question) = self.asked_to_add();
        self.answer_to_add(&question, &device.create(&options))
    }

    fn asked_to_sign_in(&mut self) -> (Value, Value) {
        self.asked("/login/passkey/question", &json!({}))
    }

    fn answer_to_sign_in(&mut self, question: &Value, credential: &Value) -> Answer {
        let words = json!({ "question": question, "credential": credential, "return_to": "" });
        self.say("/login/passkey", &words)
    }

    pub(crate) fn enter(&mut self, device: &mut Authenticator) -> Answer {
        let (options, question) = self.asked_to_sign_in();
        self.answer_to_sign_in(&question, &device.get(&options))
    }
}

/// Ada, signed in by her password, with the passkey of a device.
pub(crate) fn ada_with(running: &Running, device: &mut Authenticator) -> Visitor {
    let mut ada = Visitor::new(running);
    assert_eq!(ada.sign_in("Ada", PASSWORD).status, 303);
    let added = ada.add(device);
    assert_eq!(added.status, 200, "{}", added.text());
    ada
}

fn is_refused(answer: &Answer, says: &str) {
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.text().contains(says), "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.header("set-cookie").is_none());
}

const WRONG: &str = "opens no account here";
const STALE: &str = "took too long, or it counted already";
const NONE: &str = "no passkey that can be added";

#[test]
fn a_passkey_signs_in_like_a_password_and_leads_where_one_was_going() {
    let (place, running) = world();
    let mut phone = device(1);
    let mut ada = ada_with(&running, &mut phone);
    assert!(ada.get("/account/passkeys").text().contains("never used"));
    let mut there = Visitor::new(&running);
    let (options, question) = there.asked_to_sign_in();
    let words = json!({
        "question": question, "credential": phone.get(&options), "return_to": "/developer/apps?search=x",
    });
    let entered = there.say("/login/passkey", &words);
    assert_eq!(entered.status, 200, "{}", entered.text());
    assert!(entered.text().contains(r#""location":"/developer/apps?search=x""#));
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-grantd=") && cookie.ends_with("SameSite=Lax; Secure"));
    assert_eq!(entered.header("cache-control"), Some("no-store"));
    assert!(there.is_in());
    assert!(ada.get("/account/passkeys").text().contains("last used"));
    let mut third = Visitor::new(&running);
    assert!(third.enter(&mut phone).text().contains(r#""location":"/developer""#));
    let (options, question) = third.asked_to_sign_in();
    let words = json!({
        "question": question, "credential": phone.get(&options), "return_to": "//evil.example",
    });
    assert!(third.say("/login/passkey", &words).text().contains(r#""location":"/developer""#));
    let events = place.grantd("audit list").to_string();
    assert!(
        events.contains("user.passkey_add")
            && events.contains("Phone")
            && events.contains("\"address\":\"127.0.0.1\""),
        "{events}"
    );
}

#[test]
fn a_passkey_outlives_a_password_and_ends_with_its_removal_or_its_user() {
    let (place, running) = world();
    let (mut phone, mut key) = (device(1), device(2));
    let mut ada = ada_with(&running, &mut phone);
    assert_eq!(ada.add(&mut key).status, 200);
    place.tell("user password Ada --password-stdin", "another password");
    assert!(!ada.is_in());
    assert_eq!(ada.enter(&mut phone).status, 200, "another password is no other passkey");
    place.grantd("user disable Ada");
    is_refused(&Visitor::new(&running).enter(&mut phone), WRONG);
    place.grantd("user enable Ada");
    assert_eq!(ada.enter(&mut phone).status, 200);
    let page = ada.get("/account/passkeys").text();
    let (_, rest) = page.split_once("/account/passkeys/").unwrap();
    let path = format!("/account/passkeys/{}", rest.split('"').next().unwrap());
    let mut bob = Visitor::new(&running);
    bob.sign_in("Bob", PASSWORD);
    assert_eq!(bob.post(&path, "").status, 303);
    assert_eq!(Visitor::new(&running).enter(&mut phone).status, 200, "nobody removes another's");
    assert_eq!(ada.post(&path, "").status, 303);
    is_refused(&Visitor::new(&running).enter(&mut phone), WRONG);
    assert_eq!(Visitor::new(&running).enter(&mut key).status, 200, "the other one is there");
    let id = place.grantd("user show Ada")["user_id"].as_str().unwrap().to_owned();
    let user = format!("/developer/users/{id}");
    assert!(bob.get(&user).text().contains("1: Phone"));
    assert_eq!(bob.post(&format!("{user}/passkeys/remove"), "").status, 303);
    assert!(bob.get(&user).text().contains("They have none."));
    is_refused(&Visitor::new(&running).enter(&mut key), WRONG);
    let removed = place.grantd("audit list");
    assert_eq!(removed.to_string().matches("user.passkey_remove").count(), 2, "{removed}");
}

#[test]
fn an_answer_counts_once_and_only_to_its_own_question() {
    let (_place, running) = world();
    let mut phone = device(1);
    let mut ada = ada_with(&running, &mut phone);
    let mut there = Visitor::new(&running);
    let (options, question) = there.asked_to_sign_in();
    let answer = phone.get(&options);
    assert_eq!(there.answer_to_sign_in(&question, &answer).status, 200);
    let replayed = Visitor::new(&running).answer_to_sign_in(&question, &answer);
    assert_eq!(replayed.status, 422, "the counter, or the answer, was there before");
    let again = phone.get(&options);
    is_refused(&Visitor::new(&running).answer_to_sign_in(&question, &again), STALE);
    let (_, other) = there.asked_to_sign_in();
    is_refused(&Visitor::new(&running).answer_to_sign_in(&other, &phone.get(&options)), WRONG);

    let (adding, question_to_add) = ada.asked_to_add();
    let (entering, question_to_enter) = ada.asked_to_sign_in();
    let mut key = device(2);
    is_refused(&ada.answer_to_add(&question_to_enter, &key.create(&adding)), STALE);
    let answer = phone.get(&entering);
    is_refused(&ada.answer_to_sign_in(&question_to_add, &answer), STALE);
    let mut elsewhere = Visitor::new(&running);
    elsewhere.sign_in("Ada", PASSWORD);
    let made = key.create(&adding);
    is_refused(&elsewhere.answer_to_add(&question_to_add, &made), STALE);
    assert_eq!(ada.answer_to_add(&question_to_add, &made).status, 200, "her session's own");
    let same = ada.answer_to_add(&question_to_add, &made);
    assert_eq!(same.status, 409, "{}", same.text());
    let twice = ada.answer_to_add(&question_to_add, &device(3).create(&adding));
    assert_eq!(twice.status, 409, "{}", twice.text());
    assert!(twice.text().contains("answered already"));
}

#[test]
fn another_origin_another_host_or_nobody_verified_is_refused() {
    let (_place, running) = world();
    let mut phone = device(1);
    let mut ada = ada_with(&running, &mut phone);
    let bent: [fn(&mut Authenticator); 5] = [
        |device| "https://evil.example".clone_into(&mut device.origin),
        |device| "https://auth.example.evil.example".clone_into(&mut device.origin),
        |device| "https://sub.auth.example".clone_into(&mut device.origin),
        |device| "evil.example".clone_into(&mut device.host),
        |device| device.verified = false,
    ];
    for (number, bend) in bent.into_iter().enumerate() {
        let mut new = device(u8::try_from(number).unwrap() + 10);
        bend(&mut new);
        is_refused(&ada.add(&mut new), NONE);
        let (origin, host) = (phone.origin.clone(), phone.host.clone());
        bend(&mut phone);
        is_refused(&Visitor::new(&running).enter(&mut phone), WRONG);
        (phone.origin, phone.host, phone.verified) = (origin, host, true);
        assert_eq!(Visitor::new(&running).enter(&mut phone).status, 200);
    }
}

#[test]
fn a_strangers_passkey_a_copy_and_another_s_name_are_refused() {
    let (_place, running) = world();
    let (mut phone, mut bobs) = (device(1), device(2));
    ada_with(&running, &mut phone);
    let mut bob = Visitor::new(&running);
    bob.sign_in("Bob", PASSWORD);
    assert_eq!(bob.add(&mut bobs).status, 200);
    let mut stranger = device(3);
    stranger.user.clone_from(&phone.user);
    is_refused(&Visitor::new(&running).enter(&mut stranger), WRONG);
    // Ada's credential, signed by another key.
    let mut forged = device(1);
    forged.user.clone_from(&phone.user);
    forged.counter = 100;
    is_refused(&Visitor::new(&running).enter(&mut forged), WRONG);
    // Bob's passkey, which says that it is Ada's, or nobody's.
    for user in [phone.user.clone(), None, Some(b"Ada".to_vec())] {
        let own = std::mem::replace(&mut bobs.user, user);
        is_refused(&Visitor::new(&running).enter(&mut bobs), WRONG);
        bobs.user = own;
    }
    assert_eq!(Visitor::new(&running).enter(&mut bobs).status, 200);
    bobs.counter = 1;
    is_refused(&Visitor::new(&running).enter(&mut bobs), WRONG);
    let taken = bob.add(&mut device(1));
    assert_eq!(taken.status, 409, "{}", taken.text());
    assert_eq!(Visitor::new(&running).enter(&mut phone).status, 200);
}

#[test]
fn guesses_are_throttled_with_all_others_of_their_address() {
    let (_place, running) = world();
    let mut phone = device(1);
    ada_with(&running, &mut phone);
    let mut guesser = Visitor::new(&running);
    for _ in 0..5 {
        is_refused(&guesser.enter(&mut device(9)), WRONG);
    }
    let waits = guesser.enter(&mut device(9));
    assert_eq!(waits.status, 429, "{}", waits.text());
    assert!(waits.header("retry-after").is_some());
    assert_eq!(guesser.enter(&mut phone).status, 200, "who is known waits for nobody");
}

#[test]
fn the_password_is_asked_before_a_passkey_is_added() {
    let (_place, running) = world();
    let mut ada = Visitor::new(&running);
    ada.sign_in("Ada", PASSWORD);
    let path = "/account/passkeys/question";
    let wrong = ada.say(path, &json!({ "name": "Phone", "password": "wrong" }));
    is_refused(&wrong, "not your present password");
    for name in ["", " ", "a\nb", &"a".repeat(65)] {
        is_refused(&ada.say(path, &json!({ "name": name, "password": PASSWORD })), "Name it");
    }
    let stranger = Visitor::new(&running).say(path, &json!({ "name": "x", "password": PASSWORD }));
    assert_eq!(stranger.status, 303, "to the login page");
    let (options, _) = ada.asked_to_add();
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(options["excludeCredentials"], json!([]));
    assert_eq!(ada.add(&mut device(1)).status, 200);
    let (options, _) = ada.asked_to_add();
    assert_eq!(options["excludeCredentials"].as_array().map(Vec::len), Some(1));
    for number in 2..=20 {
        assert_eq!(ada.add(&mut device(number)).status, 200);
    }
    let full = ada.add(&mut device(21));
    assert_eq!(full.status, 409, "{}", full.text());
    assert!(ada.get("/account/passkeys").text().contains("as many passkeys as one may have"));
}

#[test]
fn hostile_words_are_refused_clearly() {
    let (_place, running) = world();
    let mut phone = device(1);
    let mut ada = ada_with(&running, &mut phone);
    let ours = ("Sec-Fetch-Site", "same-origin");
    let json_type = ("Content-Type", "application/json");
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let large = json!({ "question": "x".repeat(70_000) }).to_string();
    let (options, question) = ada.asked_to_sign_in();
    let good = phone.get(&options);
    let with = |name: &str, value: Value| {
        let mut credential = good.clone();
        credential["response"][name] = value;
        json!({ "question": question, "credential": credential, "return_to": "" }).to_string()
    };
    for (body, status) in [
        (String::new(), 400),
        ("null".to_owned(), 400),
        ("{".to_owned(), 400),
        (deep, 400),
        (large, 413),
        (json!({ "question": 1, "credential": good, "return_to": "" }).to_string(), 400),
        (json!({ "question": question, "return_to": "" }).to_string(), 400),
        (json!({ "question": "", "credential": good, "return_to": "" }).to_string(), 422),
        (with("signature", json!("+++")), 400),
        (with("signature", json!("")), 422),
        (with("authenticatorData", json!("")), 422),
        (with("authenticatorData", json!("AAAA")), 422),
        (with("clientDataJSON", json!("e30")), 422),
        (with("clientDataJSON", json!("bm90IGpzb24")), 422),
        (with("userHandle", json!(7)), 400),
    ] {
        let mut stranger = Visitor::new(&running);
        let answer = stranger.send("POST", "/login/passkey", &[json_type, ours], &body);
        let begin: String = body.chars().take(80).collect();
        assert_eq!(answer.status, status, "{begin}: {}", answer.text());
        assert!(answer.text().contains("\"detail\""), "{begin}");
        // Failures with Ada's passkey count against it: a success starts anew.
        assert_eq!(stranger.enter(&mut phone).status, 200);
    }
    for path in ["/login/passkey", "/account/passkeys", "/account/passkeys/question"] {
        let form = ada.post(path, "a=b");
        assert_eq!(form.status, 415, "{path}: {}", form.text());
        let foreign = ada.send("POST", path, &[json_type, ("Sec-Fetch-Site", "cross-site")], "{}");
        assert_eq!(foreign.status, 403, "{path}");
        assert_eq!(ada.send("POST", path, &[json_type, ours], "{}").status, 400, "{path}");
    }
    let foreign = [json_type, ("Sec-Fetch-Site", "cross-site")];
    assert_eq!(ada.send("POST", "/login/passkey/question", &foreign, "{}").status, 403);
    let (options, question) = ada.asked_to_add();
    for (name, value) in [
        ("attestationObject", json!("")),
        ("attestationObject", json!("oA")),
        ("attestationObject", json!("v9_f39_f39_f")),
        ("clientDataJSON", json!("e30")),
    ] {
        let mut made = device(5).create(&options);
        made["response"][name] = value;
        is_refused(&ada.answer_to_add(&question, &made), NONE);
    }
    assert_eq!(ada.answer_to_add(&question, &device(5).create(&options)).status, 200);
}

#[test]
fn a_server_without_a_name_offers_no_passkeys_and_says_why() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "");
    let running = place.serve("");
    let mut ada = Visitor::new(&running);
    assert!(!ada.get("/login").text().contains("passkey"));
    ada.sign_in("Ada", PASSWORD);
    let page = ada.get("/account/passkeys").text();
    assert!(page.contains("GRANTD_ISSUER") && !page.contains("<script src=\"/assets/passkey"));
    let wish = json!({ "name": "Phone", "password": PASSWORD });
    for (path, words) in
        [("/login/passkey/question", json!({})), ("/account/passkeys/question", wish)]
    {
        let answer = ada.say(path, &words);
        assert_eq!(answer.status, 404, "{}", answer.text());
    }
}
