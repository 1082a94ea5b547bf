//! `/api/v1/users` from outside.

use serde_json::{Value, json};

use super::{
    server::{Place, Running},
    tokens::token,
    visitor::Visitor,
    wire::{self, Answer, request},
};

const PASSWORD: &str = "correct horse battery";

/// A server and a token that may manage it.
struct Office {
    place: Place,
    running: Running,
    bearer: String,
}

impl Office {
    fn open() -> Self {
        let place = Place::new();
        for name in ["manage_system", "a", "b"] {
            place.grantd(&format!("permission create {name}"));
        }
        let admin = place.client("--permission manage_system");
        let running = place.serve("");
        let bearer = token(&running, &admin, "");
        Self { place, running, bearer }
    }

    fn send(&self, method: &str, path: &str, tag: Option<&str>, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.bearer);
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.push(("Content-Type", "application/json"));
        headers.extend(tag.map(|tag| ("If-Match", tag)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let path = format!("/api/v1/users{path}");
        wire::send(self.running.address, &request(method, &path, &headers, body.as_bytes()))
            .unwrap()
    }

    fn status(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.send(method, path, None, body);
        (answer.status, answer.text())
    }
}

#[test]
fn a_user_of_the_admin_api_signs_in_changes_and_is_shut_out() {
    let office = Office::open();
    let new = json!({ "name": "Ada", "password": PASSWORD, "permissions": ["manage_system", "a"] });
    let created = office.send("POST", "", None, &new);
    assert_eq!(created.status, 201, "{}", created.text());
    let user = created.json();
    let id = user["user_id"].as_str().unwrap();
    assert_eq!(created.header("location"), Some(&*format!("/api/v1/users/{id}")));
    assert!(!created.text().contains("password") && !created.text().contains("argon2"));
    let mut ada = Visitor::new(&office.running);
    assert_eq!(ada.sign_in("ada", PASSWORD).status, 303);
    assert_eq!(ada.get("/developer/apps").status, 200);
    let one = format!("/{id}");
    let tag = created.header("etag").unwrap();
    let patch = json!({ "permissions": ["b"], "name": "Ada L." });
    let patched = office.send("PATCH", &one, Some(tag), &patch);
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(patched.json()["generation"], 2);
    assert_eq!(office.send("PATCH", &one, Some(tag), &patch).status, 412);
    assert_eq!(ada.get("/developer/apps").status, 403, "a right that is taken is gone at once");
    let password = format!("{one}/password");
    let changed = office.status("POST", &password, &json!({ "password": "another password" }));
    assert_eq!(changed, (204, String::new()));
    assert!(!ada.is_in());
    assert_eq!(ada.sign_in("Ada L.", "another password").status, 303);
    assert_eq!(office.status("POST", &format!("{one}/disable"), &Value::Null).0, 200);
    assert!(!ada.is_in());
    assert_eq!(ada.sign_in("Ada L.", "another password").status, 422);
    let enabled = office.send("POST", &format!("{one}/enable"), None, &Value::Null).json();
    assert_eq!((&enabled["state"], &enabled["generation"]), (&"active".into(), &4.into()));
    assert_eq!(ada.sign_in("Ada L.", "another password").status, 303);
    let shown = office.send("GET", &one, None, &Value::Null).json();
    assert!(shown["last_login_at"].is_string(), "{shown}");
    let actors = office.place.grantd("audit list").to_string();
    assert!(actors.contains("user.password") && !actors.contains("argon2"));
}

#[test]
fn users_are_listed_page_by_page() {
    let office = Office::open();
    for name in ["Ada", "Bob", "Carol"] {
        office.place.user(name, PASSWORD, "");
    }
    office.place.grantd("user disable Bob");
    let names = |query: &str| {
        let page = office.send("GET", query, None, &Value::Null).json();
        let items = page["items"].as_array().unwrap();
        let names: Vec<_> =
            items.iter().map(|user| user["name"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), page["next"].as_str().map(str::to_owned))
    };
    let (first, next) = names("?limit=2");
    assert_eq!(first, "Ada Bob");
    assert_eq!(names(&format!("?after={}", next.unwrap())), ("Carol".to_owned(), None));
    assert_eq!(names("?state=disabled").0, "Bob");
    assert_eq!(names("?search=AR").0, "Carol");
    for query in ["?state=deleted", "?limit=0", "?after=x", "?nonsense=1"] {
        assert_eq!(office.status("GET", query, &Value::Null).0, 400, "{query}");
    }
}

#[test]
fn what_cannot_be_a_user_is_refused_with_a_reason() {
    let office = Office::open();
    let id = office.place.user("Ada", PASSWORD, "");
    for (body, status, says) in [
        (json!({ "name": "Bob", "password": "short" }), 400, "10 to 250 characters"),
        (json!({ "name": "Bob", "password": "é".repeat(251) }), 400, "10 to 250 characters"),
        (json!({ "name": "Bob" }), 400, "password"),
        (json!({ "name": " Bob", "password": PASSWORD }), 400, "one line"),
        (json!({ "name": id, "password": PASSWORD }), 400, "no UUID"),
        (json!({ "name": "ADA", "password": PASSWORD }), 409, "exists already"),
        (json!({ "name": "Bob", "password": PASSWORD, "roles": ["x"] }), 409, "role create x"),
        (json!({ "name": "Bob", "password": PASSWORD, "state": "active" }), 400, "unknown field"),
    ] {
        let refused = office.status("POST", "", &body);
        assert_eq!(refused.0, status, "{body}: {}", refused.1);
        assert!(refused.1.contains(says), "{body}: {}", refused.1);
        assert!(!refused.1.contains(PASSWORD) && !refused.1.contains("short\""), "{}", refused.1);
    }
    for unknown in ["/Ada", "/x", "/01a1fcf7-d764-7ded-b1a0-5a67527ad053"] {
        assert_eq!(office.status("GET", unknown, &Value::Null).0, 404);
        assert_eq!(office.status("POST", &format!("{unknown}/disable"), &Value::Null).0, 404);
    }
}
