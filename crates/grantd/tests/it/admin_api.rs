//! The admin API from outside: who gets in, what it does, what it answers when it does not.

use serde_json::{Value, json};

use super::{
    server::{Client, Place, Running},
    tokens::{ask, token},
    wire::{self, Answer, request},
};

/// A server and somebody who may manage it.
struct Office {
    place: Place,
    running: Running,
    admin: Client,
    bearer: String,
}

impl Office {
    fn open() -> Self {
        let place = Place::new();
        place.grantd("permission create manage_system");
        for name in ["a", "b"] {
            place.grantd(&format!("permission create {name}"));
        }
        let admin = place.client("--permission manage_system --id ops");
        let running = place.serve("");
        let bearer = token(&running, &admin, "");
        Self { place, running, admin, bearer }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.bearer);
        let json = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let headers = [&json[..], headers].concat();
        let path = format!("/api/v1{path}");
        wire::send(self.running.address, &request(method, &path, &headers, body.as_bytes()))
            .unwrap()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.send(method, path, &[], &text);
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.send(method, path, &[], &body.to_string());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status);
        (answer.status, problem["detail"].as_str().unwrap().to_owned())
    }

    fn create(&self, body: &Value) -> (Client, Value) {
        let created = self.call("POST", "/clients", body);
        let text = |name: &str| created[name].as_str().unwrap().to_owned();
        (Client { id: text("client_id"), secret: text("client_secret") }, created)
    }
}

fn get(running: &Running, bearer: Option<&str>) -> Answer {
    let header = bearer.map(|bearer| format!("Bearer {bearer}"));
    let headers: Vec<_> = header.iter().map(|value| ("Authorization", value.as_str())).collect();
    wire::send(running.address, &request("GET", "/api/v1/clients", &headers, b"")).unwrap()
}

#[test]
fn only_a_living_token_with_manage_system_opens_it() {
    let office = Office::open();
    let (place, running) = (&office.place, &office.running);
    place.grantd("api create other --audience https://other.example");
    place.grantd("permission create other.read --api other");
    let plain = place.client("--permission a");
    let opaque = place.client("--permission manage_system --format opaque");
    let role = place.grantd("role create boss --permission manage_system");
    assert_eq!(role["name"], "boss");
    let boss = place.client("--role boss --permission other.read");

    let nobody = get(running, None);
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(nobody.header("content-type"), Some("application/problem+json"));
    for bad in ["x", "gat_x", &format!("{}x", office.bearer)] {
        let answer = get(running, Some(bad));
        assert_eq!(answer.status, 401, "{bad}");
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    }
    let narrow = get(running, Some(&token(running, &plain, "")));
    assert_eq!(narrow.status, 403);
    let challenge = narrow.header("www-authenticate").unwrap();
    assert!(challenge.contains(r#"scope="manage_system""#), "{challenge}");
    let elsewhere = ask(running, &boss, "&resource=https://other.example").json();
    let elsewhere = elsewhere["access_token"].as_str().unwrap();
    assert_eq!(get(running, Some(elsewhere)).status, 401, "a token for another API");
    for client in [&opaque, &boss, &office.admin] {
        assert_eq!(get(running, Some(&token(running, client, ""))).status, 200);
    }
    let dying = token(running, &opaque, "");
    office.call("POST", &format!("/clients/{}/revoke", opaque.id), &Value::Null);
    assert_eq!(get(running, Some(&dying)).status, 401, "at once, without a feed");
    place.grantd("client update ops --remove-permission manage_system");
    assert_eq!(get(running, Some(&office.bearer)).status, 401, "narrowed by the command line");
}

#[test]
fn op_01_a_secret_is_in_the_answer_that_made_it_and_nowhere_else() {
    let office = Office::open();
    let answer = office.send("POST", "/clients", &[], r#"{"name":"Job","permissions":["a"]}"#);
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let made = answer.json();
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].clone());
    assert_eq!(answer.header("location").unwrap(), format!("/api/v1/clients/{id}"));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let client = Client { id: id.to_owned(), secret: secret.as_str().unwrap().to_owned() };
    assert_eq!(ask(&office.running, &client, "").status, 200, "it works at once");
    let path = format!("/clients/{id}/rotate");
    let twice = ["\"7\"", "\"1\"", "\"1\""].map(|seen| {
        let answer = office.send("POST", &path, &[("If-Match", seen)], r#"{"overlap":60}"#);
        (answer.status, answer.json())
    });
    assert_eq!([twice[0].0, twice[1].0, twice[2].0], [412, 200, 412], "as it was seen, and once");
    let rotated = &twice[1].1;
    let shown = office.call("GET", &format!("/clients/{id}"), &Value::Null);
    assert_eq!(shown["credentials"].as_array().unwrap().len(), 2, "{shown}");
    let everywhere = [
        office.call("GET", &format!("/clients/{id}"), &Value::Null),
        office.call("GET", "/clients", &Value::Null),
        office.call("GET", "/audit", &Value::Null),
        office.place.grantd(&format!("client show {id}")),
    ];
    for shown in everywhere {
        for secret in [&secret, &rotated["client_secret"]] {
            assert!(!shown.to_string().contains(secret.as_str().unwrap()), "{shown}");
        }
        assert!(!shown.to_string().contains("hash\":\"\\\\x"), "nor what it is compared with");
    }
}

#[test]
fn a_client_lives_its_whole_life() {
    let office = Office::open();
    office.call("POST", "/roles", &json!({"name": "reader", "permissions": ["a"]}));
    let new = json!({"name": "Job", "description": "Nightly", "permissions": ["b"], "roles": ["reader"],
        "owner": "tenant:42", "access_token_ttl": 600, "format": "opaque"});
    let (client, made) = office.create(&new);
    let path = format!("/clients/{}", client.id);
    assert_eq!((&made["owner"], &made["format"]), (&json!("tenant:42"), &json!("opaque")));
    let old = token(&office.running, &client, "");

    let patch = json!({"owner": null, "format": null, "permissions": [], "name": "Night job"});
    let patched = office.call("PATCH", &path, &patch);
    assert_eq!((&patched["owner"], &patched["permissions"]), (&Value::Null, &json!([])));
    assert_eq!((&patched["name"], &patched["roles"]), (&json!("Night job"), &json!(["reader"])));
    assert_eq!(patched["access_token_ttl"], 600, "what is not said stays");
    assert_eq!(patched["generation"], 2, "narrowing kills");
    let active = |of: &str| {
        let inspected = office.place.grantd(&format!("token inspect {of}"));
        inspected["active"] == true
    };
    assert!(!active(&old));

    let rotated = office.call("POST", &format!("{path}/rotate"), &json!({"overlap": 3600}));
    let renewed =
        Client { id: client.id.clone(), secret: rotated["client_secret"].as_str().unwrap().into() };
    assert_eq!(ask(&office.running, &client, "").status, 200, "the old one still works");
    assert_eq!(ask(&office.running, &renewed, "").status, 200);
    std::thread::sleep(std::time::Duration::from_millis(2500)); // until the use is written
    let (status, detail) = office.refused("POST", &format!("{path}/finish-rotation"), &json!({}));
    assert_eq!(status, 409, "{detail}");
    assert!(detail.contains("still in use") && detail.contains("127.0.0.1"), "{detail}");
    office.call("POST", &format!("{path}/finish-rotation"), &json!({"force": true}));
    assert_eq!(ask(&office.running, &client, "").status, 401);

    let living = token(&office.running, &renewed, "");
    let credential = rotated["credential_id"].as_str().unwrap();
    office.call("DELETE", &format!("{path}/credentials/{credential}"), &Value::Null);
    assert!(!active(&living));
    office.call("DELETE", &path, &Value::Null);
    assert_eq!(office.refused("GET", &path, &Value::Null).0, 404, "hidden");
    assert_eq!(office.call("GET", "/clients", &Value::Null)["items"].as_array().unwrap().len(), 1);
    let deleted = office.call("GET", "/clients?state=deleted", &Value::Null);
    assert_eq!(deleted["items"][0]["client_id"], client.id);
    let restored = office.call("POST", &format!("{path}/restore"), &Value::Null);
    assert_eq!(restored["state"], "active");
    assert!(!active(&old) && !active(&living), "tokens from before stay dead");

    let audit = office.call("GET", &format!("/audit?object=client:{}", client.id), &Value::Null);
    let events = audit["items"].as_array().unwrap();
    assert_eq!(events.len(), 7);
    assert!(events.iter().all(|event| event["actor"] == "client:ops"));
    assert!(events.iter().all(|event| event["address"] == "127.0.0.1"));
    assert_eq!(office.call("GET", "/audit/verification", &Value::Null)["intact"], true);
}

#[test]
fn a_lost_race_is_412_for_who_says_what_they_saw_and_changes_nothing() {
    let office = Office::open();
    let (client, _) = office.create(&json!({"name": "Job"}));
    office.call("POST", "/roles", &json!({"name": "reader", "permissions": ["a"]}));
    office.call("POST", "/apis", &json!({"name": "x", "audience": "https://x.example"}));
    let things = [
        (format!("/clients/{}", client.id), json!({"name": "One"}), json!({"name": "Two"})),
        ("/roles/reader".into(), json!({"permissions": []}), json!({"permissions": ["b"]})),
        ("/apis/x".into(), json!({"format": "opaque"}), json!({"format": "jwt"})),
        ("/permissions/a".into(), json!({"description": "A"}), json!({"description": "B"})),
    ];
    for (path, first, second) in things {
        let seen = office.send("GET", &path, &[], "");
        let tag = seen.header("etag").unwrap();
        let first = office.send("PATCH", &path, &[("If-Match", tag)], &first.to_string());
        assert_eq!(first.status, 200, "{}", first.text());
        let late = office.send("PATCH", &path, &[("If-Match", tag)], &second.to_string());
        assert_eq!(
            (late.status, late.header("content-type")),
            (412, Some("application/problem+json"))
        );
        assert_eq!(office.send("GET", &path, &[], "").json(), first.json(), "nothing was changed");
        let weak = format!("W/{}", first.header("etag").unwrap());
        assert_eq!(office.send("PATCH", &path, &[("If-Match", &weak)], "{}").status, 412);
        let tags = format!("\"no\", {}", first.header("etag").unwrap());
        assert_eq!(office.send("PATCH", &path, &[("If-Match", &tags)], "{}").status, 200);
        assert_eq!(office.send("PATCH", &path, &[("If-Match", "*")], "{}").status, 200);
    }
}

#[test]
fn what_is_wrong_is_said_as_a_problem_and_changes_nothing() {
    let office = Office::open();
    let before = office.place.grantd("audit verify")["events"].clone();
    for (method, path, body, status) in [
        ("POST", "/clients", json!({}), 400),
        ("POST", "/clients", json!({"name": ""}), 400),
        ("POST", "/clients", json!({"name": "A", "surprise": 1}), 400),
        ("POST", "/clients", json!(["A"]), 400),
        ("POST", "/clients", json!({"name": "A", "redirect_uris": ["http://a.example"]}), 400),
        ("POST", "/clients", json!({"name": "A", "access_token_ttl": 0}), 400),
        ("POST", "/clients", json!({"name": "A", "client_secret": "short"}), 400),
        ("POST", "/clients", json!({"name": "A", "permissions": ["unknown"]}), 409),
        ("POST", "/clients", json!({"name": "A", "client_id": "ops"}), 409),
        ("POST", "/clients", json!({"name": "A", "grants": ["authorization_code"]}), 409),
        ("POST", "/clients", json!({"name": "A", "default_scope": ["a"]}), 409),
        ("PATCH", "/clients/ops", json!({"name": null}), 400),
        ("PATCH", "/clients/ops", json!({"grants": []}), 400),
        ("PATCH", "/clients/nobody", json!({"name": "B"}), 404),
        ("POST", "/clients/nobody/rotate", json!({}), 404),
        ("POST", "/clients/ops/rotate", json!({"overlap": -1}), 400),
        ("DELETE", "/clients/ops", Value::Null, 409),
        ("POST", "/clients/ops/revoke", Value::Null, 409),
        ("DELETE", "/clients/ops/credentials/nothing", Value::Null, 404),
        ("DELETE", "/permissions/manage_system", Value::Null, 409),
        ("DELETE", "/roles/nobody", Value::Null, 404),
        ("POST", "/apis", json!({"name": "x", "audience": "no uri"}), 400),
        ("POST", "/apis", json!({"name": "default", "audience": "https://d.example"}), 409),
        ("GET", "/clients?limit=0", Value::Null, 400),
        ("GET", "/clients?limit=5&limit=6", Value::Null, 400),
        ("GET", "/clients?sort=name", Value::Null, 400),
        ("GET", "/audit?after=-1", Value::Null, 400),
        ("GET", "/nothing", Value::Null, 404),
        ("PUT", "/clients", json!({}), 405),
    ] {
        let (given, detail) = office.refused(method, path, &body);
        assert_eq!(given, status, "{method} {path} {body}: {detail}");
        assert!(detail.len() > 10, "{method} {path}: {detail}");
    }
    let allow = office.send("DELETE", "/clients", &[], "");
    assert_eq!(allow.header("allow"), Some("GET,HEAD,POST"));
    let huge = format!(r#"{{"name":"{}"}}"#, "x".repeat(65 * 1024));
    assert_eq!(office.send("POST", "/clients", &[], &huge).status, 413);
    let bearer = format!("Bearer {}", office.bearer);
    let form = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    let form = request("POST", "/api/v1/clients", &form, br#"{"name":"A"}"#);
    assert_eq!(wire::send(office.running.address, &form).unwrap().status, 415);
    assert_eq!(office.place.grantd("audit verify")["events"], before, "nothing was changed");
}

#[test]
fn op_06_forged_cursors_and_filters_are_data_and_nothing_else() {
    let office = Office::open();
    for at in 0..5 {
        office.create(&json!({"name": format!("Job {at}"), "client_id": format!("job-{at}")}));
    }
    let mut seen = Vec::new();
    let mut path = "/clients?limit=2".to_owned();
    loop {
        let page = office.call("GET", &path, &Value::Null);
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["client_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/clients?limit=2&after={next}");
    }
    assert_eq!(seen, ["job-0", "job-1", "job-2", "job-3", "job-4", "ops"]);
    for sql in ["'%20OR%20'1'='1", "x'%3B%20DROP%20TABLE%20clients--", "%25", "%5C", "_"] {
        for member in ["search", "owner", "after"] {
            let found = office.call("GET", &format!("/clients?{member}=zz{sql}"), &Value::Null);
            assert_eq!(found["items"], json!([]), "{member}={sql}");
        }
        let audit = office.call("GET", &format!("/audit?object={sql}"), &Value::Null);
        assert_eq!(audit["items"], json!([]));
        let usage = office.send("GET", &format!("/usage?after=1.{sql}.x"), &[], "");
        assert_eq!(usage.status, 400);
    }
    assert_eq!(office.call("GET", "/clients", &Value::Null)["items"].as_array().unwrap().len(), 6);
}

#[test]
fn usage_is_shown_by_client_and_in_sum() {
    let office = Office::open();
    let (client, _) = office.create(&json!({"name": "Job", "permissions": ["a"]}));
    for _ in 0..3 {
        token(&office.running, &client, "");
    }
    assert_eq!(ask(&office.running, &client, "&scope=b").status, 400);
    std::thread::sleep(std::time::Duration::from_millis(2500)); // until it is written
    let usage = office.call("GET", &format!("/usage?client={}", client.id), &Value::Null);
    let sum = |outcome: &str| -> u64 {
        let items = usage["items"].as_array().unwrap().iter();
        items
            .filter(|item| item["outcome"] == outcome)
            .filter_map(|item| item["count"].as_u64())
            .sum()
    };
    assert_eq!((sum("issued"), sum("scope-not-allowed")), (3, 1), "{usage}");
    assert_eq!(usage["items"][0]["last_from"], "127.0.0.1");
    let totals = office.call("GET", "/usage/totals", &Value::Null);
    let issued =
        totals["items"].as_array().unwrap().iter().filter(|item| item["outcome"] == "issued");
    assert_eq!(
        issued.filter_map(|item| item["count"].as_u64()).sum::<u64>(),
        4,
        "and our own token"
    );
    let later = office.call("GET", "/usage?from=2100-01-01T00:00:00Z", &Value::Null);
    assert_eq!(later["items"], json!([]));
}

#[test]
fn the_openapi_document_names_every_operation_once() {
    let office = Office::open();
    let answer = wire::send(office.running.address, &request("GET", "/openapi.json", &[], b""));
    let document = answer.unwrap().json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            ids.push(operation["operationId"].as_str().unwrap().to_owned());
            for (status, response) in operation["responses"].as_object().unwrap() {
                let said = response["description"].as_str().unwrap_or_default();
                assert!(!said.is_empty(), "{method} {path} {status} has no description");
            }
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
    let below = ["clients", "roles", "permissions", "apis", "audit", "usage"];
    for path in below.map(|name| format!("/api/v1/{name}")) {
        assert!(document["paths"].get(&path).is_some(), "{path}");
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/revocations"] {
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
}

#[test]
fn behind_a_trusted_proxy_the_audit_log_names_who_asked() {
    for (trusted, expected) in
        [("", "127.0.0.1"), ("--trusted-proxies 127.0.0.0/8", "198.51.100.7")]
    {
        let place = Place::new();
        place.grantd("permission create manage_system");
        let admin = place.client("--permission manage_system --id ops");
        let running = place.serve(trusted);
        let bearer = token(&running, &admin, "");
        let office = Office { place, running, admin, bearer };
        let made_up = ("X-Forwarded-For", "203.0.113.9, 198.51.100.7");
        let answer = office.send("POST", "/clients", &[made_up], r#"{"name":"Job"}"#);
        assert_eq!(answer.status, 201);
        let audit = office.call("GET", "/audit?order=newest&limit=1", &Value::Null);
        assert_eq!(audit["items"][0]["address"], expected, "{trusted}");
    }
}
