//! Two nodes on one PostgreSQL: what one is told, the other knows.

use std::{
    fs,
    io::Write as _,
    time::{Duration, Instant},
};

use grantd_guard::{FeedCredentials, Guard};
use grantd_test_postgres::{Database, database};

use super::{
    dead_tokens::{active, post},
    server::{Client, Place, Running},
    tokens::{ask, token},
};

/// What the mission allows a guard, from the answer to the revocation on.
const PROMISE: Duration = Duration::from_millis(500);

/// A folder whose grantd is on that database.
pub(crate) fn place_on(database: &Database) -> Place {
    let place = Place::new();
    let mut file = fs::OpenOptions::new().append(true).open(place.path().join(".env")).unwrap();
    writeln!(file, "GRANTD_DATABASE_URL={}", database.url()).unwrap();
    place
}

struct Pair {
    place: Place,
    /// It has another address, but speaks as the same issuer.
    a: Running,
    b: Running,
    server: Client,
    database: Database,
}

/// Two nodes and a resource server; `None` where there is no PostgreSQL.
fn pair() -> Option<Pair> {
    let database = database()?;
    let place = place_on(&database);
    place.grantd("permission create a");
    let server = place.client("--serves default");
    let b = place.serve("");
    let a = place.serve(&format!("--issuer http://{}", b.address));
    Some(Pair { place, a, b, server, database })
}

#[test]
fn a_client_made_on_the_command_line_works_on_both_nodes_and_so_do_its_tokens() {
    let Some(pair) = pair() else { return };
    let client = pair.place.client("--permission a");
    for (issuing, asked) in [(&pair.a, &pair.b), (&pair.b, &pair.a)] {
        let token = token(issuing, &client, "");
        assert!(active(asked, &pair.server, &token));
    }
}

#[test]
fn a_revocation_over_one_node_is_known_on_the_other_at_once_and_to_its_guards_within_half_a_second()
{
    let Some(pair) = pair() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let credentials = FeedCredentials::basic(&pair.server.id, &pair.server.secret);
    let issuer = format!("http://{}", pair.b.address);
    let guard = runtime.block_on(Guard::discover(issuer).revocations(credentials).build()).unwrap();
    let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
    let other = token(&pair.b, &pair.place.client("--permission a"), "");
    let mut longest = Duration::ZERO;
    for how in ["token", "client revoke", "client rotate", "token", "token", "client delete"] {
        let client = pair.place.client("--permission a");
        let dead = token(&pair.a, &client, "");
        assert!(verify(&dead) && active(&pair.b, &pair.server, &dead), "{how}");
        if how == "token" {
            let answer = post(&pair.a, "/oauth/revoke", &client, &format!("token={dead}"));
            assert_eq!(answer.status, 200, "{how}");
        } else {
            pair.place.grantd(&format!("{how} {}", client.id));
        }
        let answered = Instant::now();
        assert!(!active(&pair.b, &pair.server, &dead), "{how}: introspection must know");
        while verify(&dead) {
            assert!(answered.elapsed() < PROMISE, "{how}: still accepted");
            std::thread::sleep(Duration::from_millis(1));
        }
        longest = longest.max(answered.elapsed());
        assert!(verify(&other), "{how}: another's token lives on");
        if how == "client revoke" || how == "client delete" {
            assert_eq!(ask(&pair.b, &client, "").status, 401, "{how}: B has it in its cache");
        }
    }
    println!("the longest of six revocations: {} ms", longest.as_millis());
}

#[test]
fn nodes_that_start_at_once_on_an_empty_database_both_serve() {
    let Some(database) = database() else { return };
    let place = place_on(&database);
    let nodes: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| place.serve(""))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    place.grantd("permission create a");
    let client = place.client("--permission a");
    for node in &nodes {
        assert_eq!(ask(node, &client, "").status, 200);
    }
}

#[test]
fn nodes_outlive_a_cut_of_all_connections_and_cached_clients_notice_nothing() {
    let Some(pair) = pair() else { return };
    let client = pair.place.client("--permission a");
    // Once its creation is noticed it is not forgotten again.
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(ask(&pair.a, &client, "").status, 200);
    pair.database.cut_connections();
    assert_eq!(ask(&pair.a, &client, "").status, 200, "it is cached");
    let deadline = Instant::now() + Duration::from_secs(5);
    let fresh = pair.place.client("--permission a");
    while ask(&pair.b, &fresh, "").status != 200 {
        assert!(Instant::now() < deadline, "{:?}", pair.b.log());
    }
    pair.place.grantd(&format!("client revoke {}", client.id));
    while ask(&pair.a, &client, "").status != 401 {
        assert!(Instant::now() < deadline, "{:?}", pair.a.log());
    }
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let place = Place::new();
    for url in [
        "postgres://u:TOPSECRET@127.0.0.1:1/grantd",
        "postgres://u:TOPSECRET@127.0.0.1/grantd?sslmode=perhaps",
        "postgres://u:TOPSECRET@",
    ] {
        let output = place.try_grantd(&format!("migrate --database-url {url}"));
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("PostgreSQL") || said.contains("sslmode"), "{said}");
        assert!(!said.contains("TOPSECRET"), "{said}");
    }
}
