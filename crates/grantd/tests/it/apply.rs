//! `grantd apply`: what a file says is made so, once, and nothing else is touched.

use std::{
    fs,
    io::Write,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use super::{
    server::{Client, Place, contents},
    tokens::{ask, claims},
};

const EXAMPLE: &str = include_str!("../../../../docs/grantd.toml");

fn write(place: &Place, text: &str) {
    fs::write(place.path().join("grantd.toml"), text).unwrap();
}

fn apply(place: &Place, text: &str) -> Value {
    write(place, text);
    place.grantd("apply -f grantd.toml")
}

fn refused(place: &Place, text: &str) -> String {
    write(place, text);
    complaint(&place.try_grantd("apply -f grantd.toml --json"))
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "nothing on stdout but answers");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// All that a run could have written: the audit log's length and the number of the last change.
fn written(place: &Place) -> (i64, i64) {
    let open = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    let counter = |name: &str| {
        open.query_row("SELECT value FROM counters WHERE name = ?1", [name], |row| row.get(0))
            .unwrap()
    };
    (counter("audit_seq"), counter("change_seq"))
}

fn sql(place: &Place, statement: &str) {
    let open = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    open.execute_batch(statement).unwrap();
}

fn lines(answer: &Value) -> Vec<String> {
    let changes = answer["changes"].as_array().unwrap().iter();
    changes
        .map(|change| {
            format!("{} {} {}", word(change, "action"), word(change, "kind"), word(change, "name"))
        })
        .collect()
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn the_example_sets_up_a_server_that_works_and_a_second_run_changes_nothing() {
    let place = Place::new();
    let running = place.serve("");
    let answer = apply(&place, EXAMPLE);
    assert_eq!(answer["applied"], true);
    assert_eq!(
        lines(&answer),
        [
            "create api billing",
            "create permission schools.read",
            "create permission invoices.read",
            "create permission invoices.write",
            "create role auditor",
            "create client nightly-export",
            "create client invoicing",
            "create client billing-api",
        ]
    );
    let secrets = answer["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 3);
    let client = |at: usize| Client {
        id: word(&secrets[at], "client_id").to_owned(),
        secret: word(&secrets[at], "client_secret").to_owned(),
    };
    let resource = "&resource=https://billing.example";
    let answered = ask(&running, &client(1), resource).json();
    assert_eq!(
        (&answered["scope"], &answered["expires_in"]),
        (&json!("invoices.read"), &json!(300))
    );
    assert_eq!(claims(&running, &client(0))["roles"], json!(["auditor"]));

    let before = written(&place);
    let again = apply(&place, EXAMPLE);
    assert_eq!(again, json!({ "changes": [], "applied": true, "secrets": [], "warnings": [] }));
    let said = text(&place.try_grantd("apply -f grantd.toml"));
    assert_eq!(said, "nothing to change\n");
    assert_eq!(written(&place), before);
    assert_eq!(ask(&running, &client(1), resource).status, 200, "the secret still works");
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing_not_even_a_database() {
    let place = Place::bare();
    write(&place, EXAMPLE);
    let shown = place.grantd("apply -f grantd.toml --dry-run");
    assert_eq!(
        (shown["applied"].as_bool(), shown["changes"].as_array().unwrap().len()),
        (Some(false), 8)
    );
    assert!(shown["changes"].as_array().unwrap().iter().all(|change| change["done"] == false));
    assert_eq!(shown["secrets"], json!([]));
    assert_eq!(
        fs::read_dir(place.path()).unwrap().count(),
        1,
        "no keys are needed, no file is made"
    );

    fs::write(place.path().join("grantd.db"), "").unwrap();
    let said = complaint(&place.try_grantd("apply -f grantd.toml --dry-run"));
    assert!(said.contains("grantd migrate"), "{said}");
    assert_eq!(fs::metadata(place.path().join("grantd.db")).unwrap().len(), 0);
    fs::remove_file(place.path().join("grantd.db")).unwrap();

    place.grantd("keys generate --alg ES256");
    apply(&place, EXAMPLE);
    let before = written(&place);
    let changed = EXAMPLE
        .replace(
            "permissions = [\"schools.read\", \"invoices.read\"]",
            "permissions = [\"invoices.read\", \"invoices.write\"]",
        )
        .replace("\"15m\"", "\"10m\"");
    write(&place, &changed);
    let said = text(&place.try_grantd("apply -f grantd.toml --dry-run"));
    assert_eq!(
        said,
        "~ api billing: access_token_ttl 900 -> 600\n\
         ~ role auditor: permissions +invoices.write\n\
         ~ role auditor: permissions -schools.read\n\
         3 changes; nothing was written (dry run)\n"
    );
    assert_eq!(written(&place), before);
    assert_eq!(place.grantd("api show billing")["access_token_ttl"], 900);
    assert_eq!(
        text(&place.try_grantd("apply -f grantd.toml")),
        said.replace("; nothing was written (dry run)", " made")
    );
    let role = place.grantd("role show auditor");
    assert_eq!(role["permissions"], json!(["invoices.read", "invoices.write"]));
    assert_eq!(place.grantd("api show billing")["access_token_ttl"], 600);
}

#[test]
fn a_secret_is_shown_once_as_text_too_and_a_public_client_has_none() {
    let place = Place::new();
    let file = "[[client]]\nid = \"one\"\nname = \"One\"\n[[client]]\nid = \"spa\"\nname = \"Spa\"\n\
                kind = \"public\"\nredirect_uris = [\"https://spa.example/cb\"]\n";
    write(&place, file);
    let said = text(&place.try_grantd("apply -f grantd.toml"));
    let secret = said.lines().find_map(|line| line.trim().strip_prefix("client_secret ")).unwrap();
    assert!(grantd_core::ClientSecret::looks_genuine(secret), "{said}");
    assert_eq!(said.matches(secret).count(), 1);
    assert!(
        said.contains("+ client one\n  client_secret ") && said.contains("+ client spa\nStore"),
        "{said}"
    );
    assert!(said.contains("not shown again.\n2 changes made\n"), "{said}");
    let disk = contents(place.path());
    assert!(!disk.windows(secret.len()).any(|window| window == secret.as_bytes()));
    let running = place.serve("");
    let client = Client { id: "one".to_owned(), secret: secret.to_owned() };
    assert_eq!(ask(&running, &client, "").status, 200);
}

#[test]
fn what_the_file_takes_away_dies_in_tokens_and_what_it_gives_does_not() {
    let place = Place::new();
    let file = |permissions: &str, more: &str| {
        format!(
            "[[permission]]\nname = \"a\"\n[[permission]]\nname = \"b\"\n\
             [[client]]\nid = \"x\"\nname = \"X\"\npermissions = {permissions}\n{more}"
        )
    };
    apply(
        &place,
        &file("[\"a\"]", "owner = \"tenant:1\"\naccess_token_ttl = 60\nformat = \"opaque\"\n"),
    );
    let generation = || place.grantd("client show x")["generation"].clone();
    apply(&place, &file("[\"a\", \"b\"]", ""));
    let shown = place.grantd("client show x");
    for cleared in ["owner", "access_token_ttl", "format", "signing_alg", "default_scope"] {
        assert_eq!(shown[cleared], Value::Null, "{cleared} goes back to its default");
    }
    assert_eq!((&shown["permissions"], generation()), (&json!(["a", "b"]), json!(1)));
    let answer = apply(&place, &file("[\"b\"]", ""));
    assert_eq!(
        answer["changes"][0]["members"],
        json!({ "permissions": { "from": ["a", "b"], "to": ["b"] } })
    );
    assert_eq!(generation(), 2);
    let events = place.grantd("audit list")["events"].clone();
    assert_eq!(events.as_array().unwrap().last().unwrap()["action"], "client.update");
    place.grantd("audit verify");
}

#[test]
fn what_the_file_does_not_name_is_left_alone() {
    let place = Place::new();
    place.grantd("permission create other --description Others");
    place.grantd("role create others --permission other");
    let other = place.client("--role others");
    let before = (place.grantd("client list"), place.grantd("role list"));
    let answer = apply(&place, "[[permission]]\nname = \"a\"\ndescription = \"A\"\n");
    assert_eq!(lines(&answer), ["create permission a"]);
    assert_eq!((place.grantd("client list"), place.grantd("role list")), before);
    assert_eq!(place.grantd(&format!("client show {}", other.id))["generation"], 1);
    // And the file may build on it.
    let more =
        "[[role]]\nname = \"mine\"\npermissions = [\"other\"]\n[[permission]]\nname = \"a\"\n";
    assert_eq!(lines(&apply(&place, more)), ["update permission a", "create role mine"]);
    let permissions = place.grantd("permission list")["permissions"].clone();
    assert_eq!(permissions[0], json!({ "name": "a", "api": "default", "description": "" }));
}

#[test]
fn everything_that_is_wrong_is_said_at_once_with_its_line_and_nothing_is_changed() {
    let place = Place::new();
    let said = refused(
        &place,
        "[[permission]]\nname = \"a\"\n[[role]]\nname = \"r\"\npermissions = [\"nope\"]\n\
         [[client]]\nid = \"c\"\nname = \"C\"\nroles = [\"nobody\"]\n",
    );
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(said.contains("grantd: grantd.toml:3: role `r`: permission `nope`"), "{said}");
    assert!(said.contains("grantd: grantd.toml:6: client `c`: role `nobody`"), "{said}");
    assert!(said.ends_with("; nothing was changed\n"), "{said}");
    assert_eq!(written(&place), (0, 0));
    let said =
        refused(&place, "[[client]]\nid = \"c\"\nname = \"C\"\nclient_secret = \"tops3cret\"\n");
    assert!(said.contains("grantd.toml:4: secrets never belong in this file"), "{said}");
    assert!(!said.contains("tops3cret"));
    assert_eq!(written(&place), (0, 0));
}

#[test]
fn a_deleted_client_is_not_brought_back_and_a_revoked_one_stays_revoked() {
    let place = Place::new();
    let file = "[[client]]\nid = \"c\"\nname = \"C\"\n";
    apply(&place, file);
    place.grantd("client revoke c");
    write(&place, &file.replace("\"C\"", "\"D\""));
    let output = place.try_grantd("apply -f grantd.toml --json");
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(warned.contains("grantd client restore c"), "{warned}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1);
    let shown = place.grantd("client show c");
    assert_eq!((&shown["state"], &shown["name"]), (&json!("revoked"), &json!("D")));
    place.grantd("client delete c");
    assert!(refused(&place, file).contains("grantd client restore c"));
    place.grantd("client restore c");
    assert_eq!(apply(&place, file)["applied"], true);
}

#[test]
fn a_file_comes_through_standard_input_and_is_bounded() {
    let place = Place::new();
    let through = |bytes: &[u8]| {
        let mut command = place.command();
        command.args(["apply", "-f", "-", "--json"]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may stop reading before the end.
        let _ = child.stdin.take().unwrap().write_all(bytes);
        child.wait_with_output().unwrap()
    };
    let answer: Value =
        serde_json::from_slice(&through(b"[[permission]]\nname = \"a\"\n").stdout).unwrap();
    assert_eq!(lines(&answer), ["create permission a"]);
    let comment = [b"#", vec![b'x'; 1024 * 1024].as_slice()].concat();
    assert!(complaint(&through(&comment)).contains("larger than 1 MiB"));
    assert!(through(&comment[..1024 * 1024]).status.success());
    assert!(complaint(&through(b"# \xe9")).contains("UTF-8"));
    assert!(complaint(&through(b"a =")).contains("standard input:1: "));
    let said = complaint(&place.try_grantd("apply -f nowhere.toml"));
    assert!(said.contains("cannot read nowhere.toml"), "{said}");
    assert_eq!(place.try_grantd("apply").status.code(), Some(2), "wrong usage is 2");
}

#[test]
fn where_a_step_fails_the_rest_is_told_and_done_by_the_next_run() {
    let place = Place::new();
    place.grantd("migrate");
    // An index whose entry for that client cannot be computed; grantd runs no triggers.
    sql(
        &place,
        "CREATE INDEX stop ON clients \
         (CASE id WHEN 'invoicing' THEN abs(-9223372036854775807 - 1) END)",
    );
    write(&place, EXAMPLE);
    let output = place.try_grantd("apply -f grantd.toml --json");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("+ client invoicing: not done, 6 changes before it stay"), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["applied"], false);
    let done: Vec<_> =
        answer["changes"].as_array().unwrap().iter().map(|change| change["done"] == true).collect();
    assert_eq!(done, [true, true, true, true, true, true, false, false]);
    assert_eq!(answer["secrets"][0]["client_id"], "nightly-export", "the secret is not lost");
    assert!(answer["secrets"][0]["client_secret"].is_string());
    sql(&place, "DROP INDEX stop");
    let rest = apply(&place, EXAMPLE);
    assert_eq!(lines(&rest), ["create client invoicing", "create client billing-api"]);
    assert_eq!(apply(&place, EXAMPLE)["changes"], json!([]));
}

#[test]
fn killed_between_steps_the_next_run_does_the_rest() {
    let place = Place::new();
    let three = |at: usize| {
        format!(
            "[[permission]]\nname = \"p{at}\"\n[[role]]\nname = \"r{at}\"\npermissions = [\"p{at}\"]\n\
             [[client]]\nid = \"c{at}\"\nname = \"C\"\nroles = [\"r{at}\"]\n"
        )
    };
    let file: String = (0..60).map(three).collect();
    write(&place, &file);
    place.grantd("migrate");
    let mut cut = 0;
    for _ in 0..5 {
        let before = written(&place);
        let mut command = place.command();
        command.args(["apply", "-f", "grantd.toml"]).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        while written(&place) == before && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        cut += usize::from(!child.wait().unwrap().success() && written(&place).0 < 180);
    }
    assert!(cut > 0, "no run was cut off between two steps");
    let rest = apply(&place, &file)["changes"].as_array().unwrap().len();
    assert!(rest < 180, "{rest}");
    assert_eq!(written(&place).0, 180, "each step was done once");
    assert_eq!(apply(&place, &file)["changes"], json!([]));
    for client in place.grantd("client list")["clients"].as_array().unwrap() {
        assert_eq!(client["credentials"].as_array().unwrap().len(), 1);
        assert_eq!(client["version"], 1);
    }
    place.grantd("audit verify");
}

#[test]
fn two_who_apply_at_once_end_with_what_the_file_says() {
    let place = Place::new();
    place.grantd("migrate");
    write(&place, EXAMPLE);
    let racers: Vec<_> = (0..4)
        .map(|_| {
            let mut command = place.command();
            command.args(["apply", "-f", "grantd.toml", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for racer in racers {
        racer.wait_with_output().unwrap();
    }
    apply(&place, EXAMPLE);
    assert_eq!(written(&place).0, 8, "each step was done once");
    assert_eq!(apply(&place, EXAMPLE)["changes"], json!([]));
}

#[test]
fn a_client_s_and_an_api_s_own_settings_are_cleared_by_the_command_line_too() {
    let place = Place::new();
    let client =
        place.client("--access-token-ttl 5m --format opaque --signing-alg ES256 --owner tenant:4");
    let update = |options: &str| place.grantd(&format!("client update {} {options}", client.id));
    let updated =
        update("--access-token-ttl default --format default --signing-alg default --owner none");
    for member in ["access_token_ttl", "format", "signing_alg", "owner"] {
        assert_eq!(updated[member], Value::Null, "{member}");
    }
    assert_eq!(update("--owner tenant:5")["owner"], "tenant:5");
    place.grantd("api create b --audience https://b.example --access-token-ttl 5m --format opaque");
    let api = place.grantd("api update b --access-token-ttl default --format default");
    assert_eq!((&api["access_token_ttl"], &api["format"]), (&Value::Null, &Value::Null));
    assert_eq!(place.try_grantd("api update b --format odd").status.code(), Some(2));
    place.grantd("permission create a --description A");
    let permission = place.grantd("permission update a --description B");
    assert_eq!(permission, json!({ "name": "a", "api": "default", "description": "B" }));
}
