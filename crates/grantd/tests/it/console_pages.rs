//! The console's pages of rights, keys and the audit log: what forms do, refuse and keep.

use std::io::{Read, Write};

use serde_json::Value;
use url::form_urlencoded::Serializer;

use super::{
    server::{Place, Running},
    tokens::{ask, token},
    visitor::Visitor,
    wire::Answer,
};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server with Ada, who manages it and is signed in.
pub(crate) struct Office {
    pub(crate) place: Place,
    pub(crate) running: Running,
    pub(crate) ada: Visitor,
    pub(crate) ada_s_id: String,
}

impl Office {
    pub(crate) fn open() -> Self {
        let place = Place::new();
        place.grantd("permission create manage_system");
        for name in ["a.read", "a.write"] {
            place.grantd(&format!("permission create {name}"));
        }
        let ada_s_id = place.user("Ada", PASSWORD, "--permission manage_system");
        let running = place.serve("");
        let mut ada = Visitor::new(&running);
        assert_eq!(ada.sign_in("Ada", PASSWORD).status, 303);
        Self { place, running, ada, ada_s_id }
    }

    pub(crate) fn see(&mut self, page: &str) -> String {
        let answer = self.ada.get(&format!("/developer/{page}"));
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        answer.text()
    }

    pub(crate) fn send(&mut self, page: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = Serializer::new(String::new());
        form.extend_pairs(fields);
        self.ada.post(&format!("/developer/{page}"), &form.finish())
    }

    /// Sends a form that does what it says; gives the list behind it.
    pub(crate) fn done(&mut self, page: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.send(page, fields);
        assert_eq!(answer.status, 303, "{page}: {}", answer.text());
        let list = answer.header("location").unwrap().to_owned();
        self.ada.get(&list).text()
    }
}

/// What a hidden field of a page holds.
pub(crate) fn hidden(page: &str, name: &str) -> String {
    let start = format!(r#"<input type="hidden" name="{name}" value=""#);
    let rest = page.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn a_role_is_made_read_and_deleted_on_its_pages() {
    let mut office = Office::open();
    let list = office.done(
        "roles/new",
        &[("name", "new"), ("description", "<i>R&D</i>"), ("permission", "a.read")],
    );
    assert!(list.contains("&#60;i&#62;R&#38;D") && list.contains("The role is there"), "{list}");
    // A name that is also a path of the console, or of any sign, is a name.
    for name in ["..", "a/b?c=d&e#f", "new"] {
        let _ = office.send("roles/new", &[("name", name)]);
        let query = Serializer::new(String::new()).append_pair("name", name).finish();
        let asked = office.see(&format!("roles/delete?{query}"));
        let seen = hidden(&asked, "seen");
        let list = office.done(&format!("roles/delete?{query}"), &[("seen", &seen)]);
        assert!(list.contains("The role is deleted"), "{name}");
        // The same form again: it is done.
        office.done(&format!("roles/delete?{query}"), &[("seen", &seen)]);
    }
    assert_eq!(office.place.grantd("role list")["roles"].as_array().unwrap().len(), 0);
}

#[test]
fn a_form_that_is_refused_keeps_what_was_typed_and_one_sent_twice_is_done_once() {
    let mut office = Office::open();
    let answer = office.send("roles/new", &[("name", "two words"), ("description", "kept \"so\"")]);
    assert_eq!(answer.status, 422);
    let text = answer.text();
    assert!(text.contains(r#"value="two words""#) && text.contains("kept &#34;so&#34;"), "{text}");
    assert!(text.contains(r#"aria-invalid="true""#), "{text}");
    let fields = [("name", "reader"), ("description", ""), ("permission", "a.read")];
    for _ in 0..2 {
        office.done("roles/new", &fields);
    }
    let other = office.send("roles/new", &[("name", "reader"), ("permission", "a.write")]);
    assert_eq!(other.status, 422);
    assert!(other.text().contains("There is a role of this name already."));
    let unknown = office.send("roles/new", &[("name", "x"), ("permission", "gone")]);
    assert_eq!(unknown.status, 422);
    assert!(unknown.text().contains("There is no permission `gone`"), "{}", unknown.text());
    for (page, fields) in [
        ("permissions/new", &[("name", "b.read"), ("api", "default"), ("description", "B")][..]),
        ("apis/new", &[("name", "b"), ("audience", "https://b.example")][..]),
    ] {
        for _ in 0..2 {
            office.done(page, fields);
        }
    }
    let made = office.place.grantd("audit list");
    let made = made["events"].as_array().unwrap().iter();
    let made = made.filter(|event| event["actor"].as_str().unwrap().starts_with("user:"));
    let made = made.filter(|event| event["action"] != "user.sign-in");
    assert_eq!(made.count(), 3, "each form once");
}

#[test]
fn narrowing_a_role_is_confirmed_by_name_and_kills_the_tokens_of_who_has_it() {
    let mut office = Office::open();
    office.place.grantd("role create editor --permission a.read --permission a.write");
    let client = office.place.client("--role editor");
    let server = office.place.client("--serves default");
    let alive = token(&office.running, &client, "");
    let page = "roles/edit?name=editor";
    let seen = hidden(&office.see(page), "seen");
    let narrow = [("seen", seen.as_str()), ("description", ""), ("permission", "a.read")];
    let asked = office.send(page, &narrow);
    assert_eq!(asked.status, 422);
    let text = asked.text();
    assert!(text.contains("This takes something away") && text.contains("a.write"), "{text}");
    assert!(is_active(&office, &server, &alive), "nothing is done yet");
    let wrong = [&narrow[..], &[("confirmed", "a.read")]].concat();
    assert_eq!(office.send(page, &wrong).status, 422, "another right was confirmed");
    office.done(page, &[&narrow[..], &[("confirmed", "a.write")]].concat());
    assert!(!is_active(&office, &server, &alive));
    let next = ask(&office.running, &client, "").json();
    assert_eq!(next["scope"], "a.read");
}

fn is_active(office: &Office, server: &super::server::Client, token: &str) -> bool {
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Authorization", &super::server::basic(server)),
    ];
    let body = format!("token={token}");
    let request = super::wire::request("POST", "/oauth/introspect", &headers, body.as_bytes());
    super::wire::send(office.running.address, &request).unwrap().json()["active"] == true
}

#[test]
fn who_lost_a_race_is_told_sees_what_is_now_and_may_send_again() {
    let mut office = Office::open();
    office.place.grantd("role create r --permission a.read");
    for (page, change, again, text) in [
        (
            "roles/edit?name=r",
            "role update r --description theirs",
            &[("description", "mine"), ("permission", "a.read")][..],
            "theirs",
        ),
        (
            "permissions/edit?name=a.read",
            "permission update a.read --description theirs",
            &[("description", "mine")][..],
            "Somebody changed this permission",
        ),
        (
            "apis/edit?name=default",
            "api update default --access-token-ttl 5m",
            &[("format", ""), ("signing_alg", "ES256"), ("access_token_ttl", "10m")][..],
            "Somebody changed this API",
        ),
    ] {
        let seen = hidden(&office.see(page), "seen");
        office.place.grantd(change);
        let lost = office.send(page, &[&[("seen", seen.as_str())], again].concat());
        assert_eq!(lost.status, 409, "{page}");
        let told = lost.text();
        assert!(told.contains(text), "{told}");
        let seen = hidden(&told, "seen");
        let saved = office.done(page, &[&[("seen", seen.as_str())], again].concat());
        assert!(saved.contains("saved"), "{page}");
    }
    assert_eq!(office.place.grantd("role show r")["description"], "mine");
    let api = office.place.grantd("api show default");
    assert_eq!((&api["access_token_ttl"], &api["signing_alg"]), (&600.into(), &"ES256".into()));
}

#[test]
fn what_opens_the_console_is_not_deleted_in_it() {
    let mut office = Office::open();
    let page = "permissions/delete?name=manage_system";
    assert_eq!(office.ada.get(&format!("/developer/{page}")).status, 409);
    assert_eq!(office.send(page, &[]).status, 409);
    assert_eq!(office.ada.get("/developer/roles").status, 200);
    let other = "permissions/delete?name=a.read";
    let stale = office.send(other, &[("seen", "0000000000000000")]);
    assert_eq!(stale.status, 409, "not what was shown");
    let seen = hidden(&stale.text(), "seen");
    office.done(other, &[("seen", &seen)]);
    assert_eq!(office.ada.get(&format!("/developer/{other}")).status, 404);
}

#[test]
fn an_api_has_settings_that_the_server_can_keep() {
    let mut office = Office::open();
    let at = [("name", "b"), ("audience", "https://b.example")];
    for (field, value) in [
        ("audience", "b.example"),
        ("access_token_ttl", "soon"),
        ("format", "xml"),
        ("signing_alg", "none"),
    ] {
        let mut fields = at.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let refused = office.send("apis/new", &fields);
        assert_eq!(refused.status, 422, "{field}");
        assert!(refused.text().contains("aria-invalid"), "{field}");
    }
    let list = office.done("apis/new", &[&at[..], &[("access_token_ttl", "15m")]].concat());
    assert!(list.contains("https://b.example") && list.contains("15m"), "{list}");
}

#[test]
fn the_public_part_of_every_key_is_shown_and_no_private_one() {
    let mut office = Office::open();
    let page = office.see("keys");
    let listed = office.place.grantd("keys list");
    for key in listed["keys"].as_array().unwrap() {
        assert!(page.contains(key["kid"].as_str().unwrap()), "{key}");
        assert!(page.contains(key["role"].as_str().unwrap()), "{key}");
    }
    assert!(page.contains("BEGIN PUBLIC KEY") && !page.contains("PRIVATE KEY-"));
    assert!(!page.contains("&#34;d&#34;"), "a JWK's private member");
}

#[test]
fn the_audit_log_is_filtered_paged_and_told_as_differences() {
    let mut office = Office::open();
    office.place.grantd("role create r --permission a.read --permission a.write");
    let page = "roles/edit?name=r";
    let seen = hidden(&office.see(page), "seen");
    office.done(
        page,
        &[
            ("seen", &seen),
            ("description", "changed"),
            ("permission", "a.read"),
            ("permission", "a.write"),
        ],
    );
    let log = office.see("audit?object=role%3Ar&action=role.update");
    assert!(log.contains("<ins>changed</ins>") && log.contains("<bdi>user Ada</bdi> ·"), "{log}");
    assert!(!log.contains("<ins>a.read</ins>"), "what stayed is not told");
    for at in 0..60 {
        let name = format!("p{at}");
        let fields = [("name", name.as_str()), ("api", "default")];
        assert_eq!(office.send("permissions/new", &fields).status, 303);
    }
    let first = office.see(&format!("audit?actor=user%3A{}", office.ada_s_id));
    assert_eq!(first.matches("<details>").count(), 50);
    let next = first.split("href=\"").find(|rest| rest.contains(">Next page<")).unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let second = office.ada.get(&next).text();
    let told = second.matches("<details>").count();
    assert_eq!(told, 12, "sixty permissions, a role and a sign-in: {second}");
    assert!(second.contains("role.update") && second.contains(">First page<"), "{second}");
    assert!(office.see("audit?actor=user%3Anobody").contains("No change is like that"));
    assert!(office.see("audit/verification").contains("<strong>Yes.</strong>"));
}

#[test]
fn what_is_filtered_is_exported_whole_as_json_and_csv() {
    let mut office = Office::open();
    office.place.grantd("role create =r");
    let all = office.place.grantd("audit list --limit 1000")["events"].clone();
    let answer = office.ada.get("/developer/audit/export?format=json");
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"grantd-audit.json\"")
    );
    let exported = answer.json();
    let mut exported = exported.as_array().unwrap().clone();
    exported.reverse();
    assert_eq!(Value::from(exported), all);
    let answer = office.ada.get("/developer/audit/export?format=csv&object=role%3A%3Dr");
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let csv = answer.text();
    let rows: Vec<_> = csv.split("\r\n").collect();
    assert_eq!(rows.len(), 3, "{csv}");
    assert!(rows[1].contains(",role.create,role:=r,,"), "{csv}");
    assert_eq!(Visitor::new(&office.running).get("/developer/audit/export").status, 303);
}

#[test]
fn an_export_ends_with_the_right_to_read_it() {
    let office = Office::open();
    let database = rusqlite::Connection::open(office.place.path().join("grantd.db")).unwrap();
    // Far more than the buffers of a connection hold, three pages of it.
    let fill = "WITH RECURSIVE n(i) AS (VALUES (1000) UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
        INSERT INTO audit SELECT i, 0, 'cli:x', NULL, 'x.y', 'x:y', NULL, json_quote(hex(zeroblob(10000))),
            zeroblob(32) FROM n";
    database.execute(fill, []).unwrap();
    for cut in [None, Some("user update Ada --remove-permission manage_system")] {
        let mut stream = std::net::TcpStream::connect(office.running.address).unwrap();
        let cookie = office.ada.cookie.clone().unwrap();
        let headers = [("Cookie", cookie.as_str())];
        let page = "/developer/audit/export?format=json";
        stream.write_all(&super::wire::request("GET", page, &headers, b"")).unwrap();
        let mut start = [0; 1000];
        stream.read_exact(&mut start).unwrap();
        assert!(start.starts_with(b"HTTP/1.1 200"));
        if let Some(cut) = cut {
            office.place.grantd(cut);
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        let whole = rest.ends_with(b"\r\n0\r\n\r\n");
        assert_eq!((whole, rest.len() > 25_000_000), (cut.is_none(), cut.is_none()), "{cut:?}");
    }
}

#[test]
fn nobody_takes_their_own_right_to_manage_the_server_away() {
    let mut office = Office::open();
    office.place.grantd("role create boss --permission manage_system");
    let bob = office.place.user("Bob", PASSWORD, "--permission manage_system");
    let own = format!("users/{}/rights", office.ada_s_id);
    let refused = office.send(&own, &[("permission", "a.read")]);
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("your own right to manage"), "{}", refused.text());
    assert_eq!(office.ada.get("/developer/roles").status, 200);
    // Another way to the same right, less of something else, and somebody else's are theirs to change.
    office.done(&own, &[("role", "boss"), ("permission", "a.read")]);
    office.done(&own, &[("role", "boss")]);
    office.done(&format!("users/{bob}/rights"), &[]);
    assert_eq!(office.ada.get("/developer/roles").status, 200);
}
