//! The command line: keys, clients, and what survives.

use std::{
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use grantd_core::ClientSecret;
use grantd_store::Sqlite;

use super::{server::Place, tokens::ask, wire};

fn complaint(place: &Place, line: &str) -> String {
    let output = place.try_grantd(line);
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(output.stdout.is_empty(), "{line}: nothing on stdout but answers");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "one sentence: {text}");
    text
}

#[test]
fn k4_without_keys_the_server_says_what_to_run() {
    let place = Place::bare();
    assert!(complaint(&place, "serve").contains("grantd keys generate"));
    assert!(complaint(&place, "client create --name x").contains("grantd keys generate"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "and leaves nothing behind");
}

#[test]
fn md_21_keys_are_made_once_and_replaced_only_by_force() {
    let place = Place::bare();
    let env = place.path().join(".env");
    std::fs::write(&env, "# ours\nOTHER=1\n").unwrap();
    let first = place.grantd("keys generate");
    assert_eq!(first["keys"][0]["alg"], "RS256");
    assert_eq!(first["keys"][0]["role"], "signs by default");
    assert_eq!(first["keys"][1]["alg"], "ES256");
    let written = std::fs::read_to_string(&env).unwrap();
    assert!(written.starts_with("# ours\nOTHER=1\nGRANTD_PRIVATE_KEY="), "other lines stay");
    assert_eq!(std::fs::metadata(&env).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(complaint(&place, "keys generate").contains("--force"));
    assert_eq!(std::fs::read_to_string(&env).unwrap(), written);
    let second = place.grantd("keys generate --force --alg EdDSA");
    assert_eq!(
        (second["keys"][0]["alg"].as_str(), second["secret_key"].as_str()),
        (Some("EdDSA"), Some("kept"))
    );
    let server_key = |text: &str| {
        text.lines().find(|line| line.starts_with("GRANTD_SECRET_KEY")).map(ToOwned::to_owned)
    };
    assert_eq!(server_key(&std::fs::read_to_string(&env).unwrap()), server_key(&written));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "no key file is left");
}

#[test]
fn k3_keys_come_from_the_environment_a_file_or_behind_a_passphrase() {
    let place = Place::bare();
    let shell = |line: &str| {
        let output =
            Command::new("sh").current_dir(place.path()).args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    };
    shell("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out plain.pem");
    shell("openssl pkcs8 -topk8 -in plain.pem -passout pass:open-sesame -out locked.pem");
    shell("openssl rsa -in plain.pem -traditional -out pkcs1.pem");
    shell("openssl ecparam -name prime256v1 -genkey -out sec1.pem");
    shell("openssl genpkey -algorithm ed25519 -out ed.pem");
    shell("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem");
    shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out p384.pem");
    shell(
        "openssl rsa -in plain.pem -aes128 -passout pass:open-sesame -traditional -out legacy.pem",
    );
    let list = |file: &str, passphrase: &str| {
        let mut command = place.command();
        command.args(["keys", "list", "--json", "--private-key-file", file]);
        command.env("GRANTD_PRIVATE_KEY_PASSPHRASE", passphrase);
        let output = command.output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    for (file, alg) in
        [("plain.pem", "RS256"), ("pkcs1.pem", "RS256"), ("sec1.pem", "ES256"), ("ed.pem", "EdDSA")]
    {
        let (ok, said) = list(file, "");
        assert!(ok && said.contains(alg), "{file}: {said}");
    }
    assert!(list("locked.pem", "open-sesame").0);
    for (file, passphrase, says) in [
        ("locked.pem", "", "GRANTD_PRIVATE_KEY_PASSPHRASE"),
        ("locked.pem", "wrong", "passphrase does not open"),
        ("legacy.pem", "open-sesame", "openssl pkcs8 -topk8"),
        ("small.pem", "", "2048"),
        ("p384.pem", "", "P-256"),
        ("nowhere.pem", "", "nowhere.pem"),
    ] {
        let (ok, said) = list(file, passphrase);
        assert!(!ok && said.contains(says), "{file}: {said}");
        assert!(!said.contains("BEGIN") && !said.contains("MII"), "MD-20: no key in a complaint");
    }
    let both = std::fs::read_to_string(place.path().join("plain.pem")).unwrap()
        + &std::fs::read_to_string(place.path().join("ed.pem")).unwrap();
    for spelling in [both.clone(), both.replace('\n', "\\n")] {
        let output = place
            .command()
            .args(["keys", "list"])
            .env("GRANTD_PRIVATE_KEY", spelling)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    }
}

#[test]
fn op_01_a_secret_is_shown_at_creation_and_never_again() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    assert!(ClientSecret::looks_genuine(&client.secret), "{}", client.secret);
    for line in [format!("client show {}", client.id), "client list".to_owned()] {
        let said = place.grantd(&line).to_string();
        assert!(
            said.contains(&client.id) && !said.contains(&client.secret) && !said.contains("hash"),
            "{said}"
        );
    }
}

#[test]
fn what_does_not_exist_names_the_command_that_makes_it() {
    let place = Place::new();
    assert!(
        complaint(&place, "client create --name x --permission p")
            .contains("grantd permission create p")
    );
    assert!(complaint(&place, "client create --name x --role r").contains("grantd role create r"));
    assert!(complaint(&place, "permission create p --api b").contains("grantd api create b"));
    assert!(complaint(&place, "client show nobody").contains("grantd client list"));
    assert!(
        complaint(&place, "client create --name x --public --grant client_credentials")
            .contains("--public")
    );
    assert!(
        complaint(&place, "client create --name x --grant authorization_code")
            .contains("--redirect-uri")
    );
    for uri in [
        "http://app.example/cb",
        "https://app.example/cb#x",
        "javascript:alert(1)",
        "/cb",
        "https://u:p@app.example/",
    ] {
        assert!(
            complaint(&place, &format!("client create --name x --redirect-uri {uri}"))
                .contains("no redirect URI")
        );
    }
    assert_eq!(place.try_grantd("client create").status.code(), Some(2), "wrong usage is 2");
}

#[test]
fn ca_34_changes_reach_a_running_server_and_a_restored_client_works_again() {
    let place = Place::new();
    place.grantd("permission create a");
    let running = place.serve("");
    let client = place.client("--permission a");
    let becomes = |status: u16| {
        let deadline = Instant::now() + Duration::from_secs(3);
        while ask(&running, &client, "").status != status {
            assert!(Instant::now() < deadline, "still not {status}");
            thread::sleep(Duration::from_millis(20));
        }
    };
    becomes(200);
    place.grantd(&format!("client delete {}", client.id));
    becomes(401);
    assert!(place.grantd("client list")["clients"].as_array().unwrap().is_empty());
    place.grantd(&format!("client restore {}", client.id));
    becomes(200);
    assert_eq!(place.grantd(&format!("client show {}", client.id))["generation"], 3);
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    place.grantd("permission create a");
    let mut running = place.serve("");
    let mut acknowledged = Vec::new();
    for round in 0..20 {
        let mut child = place
            .command()
            .args(["client", "create", "--name", "Doomed", "--permission", "a", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(round * 2));
        child.kill().unwrap();
        let said = child.wait_with_output().unwrap().stdout;
        if let Ok(created) = serde_json::from_slice::<serde_json::Value>(&said) {
            acknowledged.push(created["client_id"].as_str().unwrap().to_owned());
        }
    }
    acknowledged.push(place.client("--permission a").id);
    running.kill();
    let listed = place.grantd("client list").to_string();
    for id in &acknowledged {
        assert!(listed.contains(id), "{id} was acknowledged and is gone");
    }
    // Nothing is half there: every client that is listed has its secret and its permission.
    for client in place.grantd("client list")["clients"].as_array().unwrap() {
        assert_eq!(client["credentials"].as_array().unwrap().len(), 1);
        assert_eq!(client["permissions"], serde_json::json!(["a"]));
    }
    Sqlite::open(&place.path().join("grantd.db")).unwrap();
}

#[test]
fn a_list_longer_than_a_page_is_one_document_and_a_line_for_each_client() {
    let place = Place::new();
    let empty = place.grantd("client list");
    assert_eq!(empty, serde_json::json!({ "clients": [] }));
    place.client("--id c");
    let database = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    let copies = "CREATE TEMP TABLE one AS SELECT * FROM clients; BEGIN;".to_owned()
        + &(0..1200)
            .map(|n| format!("UPDATE one SET id = 'c{n}'; INSERT INTO clients SELECT * FROM one;"))
            .collect::<String>()
        + "COMMIT";
    database.execute_batch(&copies).unwrap();
    let listed = place.grantd("client list")["clients"].as_array().unwrap().clone();
    let ids: Vec<_> = listed.iter().map(|client| client["client_id"].as_str().unwrap()).collect();
    assert!(ids.len() == 1201 && ids.is_sorted(), "{}", ids.len());
    let lines = String::from_utf8(place.try_grantd("client list").stdout).unwrap();
    assert_eq!(lines.lines().count(), 1201);
    assert!(lines.lines().all(|line| line.starts_with('c') && line.ends_with("  Test")), "{lines}");
}

#[test]
fn a_variable_that_is_not_text_is_named_and_not_shown() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let odd = std::ffi::OsStr::from_bytes(b"s\xe9cret-pass");
    let output =
        |name: &str| place.command().args(["client", "list"]).env(name, odd).output().unwrap();
    let said = String::from_utf8(output("GRANTD_PRIVATE_KEY_PASSPHRASE").stderr).unwrap();
    assert!(
        said.contains("GRANTD_PRIVATE_KEY_PASSPHRASE") && !said.contains("cret-pass"),
        "{said}"
    );
    assert!(output("SOMETHING_ELSE").status.success(), "what is not ours does not concern us");
}

#[test]
fn keys_are_not_written_through_a_planted_link_and_two_writers_do_not_lose_one_s_keys() {
    let place = Place::bare();
    let victim = place.path().join("victim");
    std::fs::write(&victim, "mine").unwrap();
    std::os::unix::fs::symlink(&victim, place.path().join("..env.new")).unwrap();
    let racers: Vec<_> = (0..4)
        .map(|_| {
            let mut command = place.command();
            command.args(["keys", "generate", "--alg", "ES256", "--json"]).stdout(Stdio::piped());
            command.stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let outcomes: Vec<_> =
        racers.into_iter().map(|racer| racer.wait_with_output().unwrap()).collect();
    let winners: Vec<_> = outcomes.iter().filter(|outcome| outcome.status.success()).collect();
    assert_eq!(winners.len(), 1);
    let printed: serde_json::Value = serde_json::from_slice(&winners[0].stdout).unwrap();
    assert_eq!(place.grantd("keys list")["keys"][0]["kid"], printed["keys"][0]["kid"]);
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn a_replaced_database_makes_the_server_unready_and_a_locked_one_can_still_be_read() {
    let place = Place::new();
    place.grantd("permission create a");
    let running = place.serve("--max-staleness 1s");
    let ready =
        || wire::send(running.address, &wire::request("GET", "/readyz", &[], b"")).unwrap().status;
    assert_eq!(ready(), 200);
    let lock = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(place.grantd("permission list")["permissions"].as_array().unwrap().len(), 1);
    drop(lock);
    std::fs::rename(place.path().join("grantd.db"), place.path().join("old.db")).unwrap();
    std::fs::copy(place.path().join("old.db"), place.path().join("grantd.db")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while ready() != 503 {
        assert!(Instant::now() < deadline, "still ready");
    }
}

#[test]
fn text_that_would_break_a_terminal_or_mislead_a_browser_is_refused() {
    let place = Place::new();
    let refused = |arguments: &[&str]| {
        let output = place.command().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    };
    refused(&["permission", "create", "a", "--description", "\u{1b}[2J"]);
    refused(&["role", "create", "a", "--description", "two\nlines"]);
    refused(&["client", "create", "--name", "x", "--owner", "tenant:4\n2"]);
    for audience in [" https://x.example/a b", "https://x.example/\nz", "x"] {
        refused(&["api", "create", "a", "--audience", audience]);
    }
    for uri in [
        "https:\\\\evil.example",
        "https:evil.example/x",
        "http://2130706433/",
        "https://\u{e9}.example/",
    ] {
        refused(&["client", "create", "--name", "x", "--redirect-uri", uri]);
    }
}

#[test]
fn tokens_do_not_cross_a_network_in_clear() {
    let place = Place::new();
    let said = complaint(&place, "serve --listen 0.0.0.0:0");
    assert!(said.contains("--insecure-http") && said.contains("https://"), "{said}");
}

#[test]
fn op_03_generated_secrets_and_ids_are_distinct() {
    use std::collections::HashSet;
    let place = Place::new();
    let store = std::sync::Arc::new(Sqlite::open(&place.path().join("many.db")).unwrap());
    let registrar = grantd_issuer::Registrar::new(store);
    let admin = grantd_issuer::Admin::program("test");
    let hasher = grantd_core::SecretKey::from_bytes([1; 32]).secret_hasher();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut ids, mut secrets) = (HashSet::new(), HashSet::new());
    for _ in 0..1000 {
        let new = grantd_issuer::NewClient { name: "Many".to_owned(), ..Default::default() };
        let created = runtime.block_on(registrar.create_client(&admin, new, &hasher)).unwrap();
        assert_eq!(created.client.id.as_str().len(), 36);
        ids.insert(created.client.id);
        secrets.insert(created.secret.unwrap().1.reveal().to_owned());
    }
    assert_eq!((ids.len(), secrets.len()), (1000, 1000));
}

#[test]
fn an_id_that_no_address_can_name_and_a_name_that_poses_as_another_are_refused() {
    let place = Place::new();
    for id in [".", "..", "new"] {
        let refused = complaint(&place, &format!("client create --name x --id {id}"));
        assert!(refused.contains("cannot be a client's id"), "{refused}");
        let file = place.path().join("grantd.toml");
        std::fs::write(&file, format!("[[client]]\nclient_id = \"{id}\"\nname = \"x\"\n")).unwrap();
        let refused = complaint(&place, &format!("apply -f {}", file.display()));
        assert!(refused.contains("cannot be a client's id"), "{refused}");
    }
    let refused = place.try_tell("user create --name cli:root --password-stdin", "long enough");
    let refused = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.contains("cannot be a user's name"), "{refused}");
}

#[test]
fn a_secret_that_could_be_guessed_is_not_brought_in_unless_somebody_says_so() {
    let place = Place::new();
    let line = "client create --name x --id old --secret-stdin";
    let refused = place.try_tell(line, "twenty-one-characters");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("22 characters"), "{said}");
    assert!(said.contains("--weak-secret") && !said.contains("twenty-one"), "{said}");
    let taken = place.try_tell(&format!("{line} --weak-secret"), "twenty-one-characters");
    let said = String::from_utf8(taken.stderr).unwrap();
    assert!(taken.status.success() && said.contains("replace it"), "{said}");
    place.tell("client create --name x --id long --secret-stdin", "twenty-two-characters!");
    assert!(!place.try_grantd("client create --name x --weak-secret").status.success());
}

#[test]
fn no_api_has_the_issuer_as_its_audience_however_it_is_made() {
    let place = Place::new();
    let env = place.path().join(".env");
    let kept = std::fs::read_to_string(&env).unwrap();
    std::fs::write(&env, format!("{kept}GRANTD_ISSUER=https://auth.example\n")).unwrap();
    for audience in ["https://auth.example", "https://auth.example/"] {
        let refused = complaint(&place, &format!("api create x --audience {audience}"));
        assert!(refused.contains("is the issuer itself"), "{refused}");
        let file = place.path().join("grantd.toml");
        let other = "[[permission]]\nname = \"p\"\n";
        let text = format!("{other}[[api]]\nname = \"x\"\naudience = \"{audience}\"\n");
        std::fs::write(&file, text).unwrap();
        for dry in ["", "--dry-run"] {
            let refused = complaint(&place, &format!("apply -f {} {dry}", file.display()));
            assert!(refused.contains("is the issuer itself"), "{refused}");
        }
    }
    place.grantd("api create x --audience https://auth.example/x");
    assert_eq!(place.grantd("permission list")["permissions"].as_array().unwrap().len(), 0);
}
