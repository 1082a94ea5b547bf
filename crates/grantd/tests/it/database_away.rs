//! The database goes away: cached clients go on getting tokens for a while, all else is refused at once
//! and says when to come back, and everything recovers by itself.

use std::{
    fs,
    io::Write as _,
    thread,
    time::{Duration, Instant},
};

use grantd_guard::{FeedCredentials, Guard};
use grantd_test_postgres::{Server, Stop, server};

use super::{
    dead_tokens::{active, post},
    metrics::{metrics, value},
    server::{Client, Place, Running},
    tokens::{ask, token},
    wire::{self, Answer, request},
};

/// How long a node that is not in doubt may take for anything here.
const QUICK: Duration = Duration::from_secs(1);

/// A folder whose grantd is on the database at that address.
pub(crate) fn place_at(url: &str) -> Place {
    let place = Place::new();
    let mut file = fs::OpenOptions::new().append(true).open(place.path().join(".env")).unwrap();
    writeln!(file, "GRANTD_DATABASE_URL={url}").unwrap();
    place
}

pub(crate) fn get(node: &Running, path: &str) -> Answer {
    wire::send(node.address, &request("GET", path, &[], b"")).unwrap()
}

/// A change by the admin API: a new client.
pub(crate) fn create_client(node: &Running, bearer: &str, name: &str) -> Answer {
    let bearer = format!("Bearer {bearer}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let body = format!("{{\"name\":\"{name}\"}}");
    let create = request("POST", "/api/v1/clients", &headers, body.as_bytes());
    wire::send(node.address, &create).unwrap()
}

/// Waits until something is so, and says how long that took.
pub(crate) fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < within, "{what}: not within {within:?}");
        thread::sleep(Duration::from_millis(20));
    }
    begun.elapsed()
}

fn is_up(node: &Running) -> bool {
    let up = value(&metrics(node), "grantd_storage_up");
    assert!(up.is_some(), "every node says so");
    up == Some(1.0)
}

/// 503, with a word when to come back.
fn is_unavailable(answer: &Answer) -> bool {
    assert!(answer.status != 503 || answer.header("retry-after").is_some(), "{answer:?}");
    answer.status == 503
}

fn quickly<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let outcome = act();
    assert!(begun.elapsed() < QUICK, "{what}: {:?}", begun.elapsed());
    outcome
}

/// A node, its database, and who speaks with it.
struct Scene {
    database: Server,
    _place: Place,
    node: Running,
    /// One with JWTs and one with opaque tokens, both cached.
    known: [Client; 2],
    unknown: Client,
    resource: Client,
    admin: String,
}

fn scene(options: &str) -> Option<Scene> {
    let database = server()?;
    let place = place_at(&database.url());
    place.grantd("permission create a");
    place.grantd("permission create manage_system");
    let known = [place.client("--permission a"), place.client("--permission a --format opaque")];
    let (unknown, resource) = (place.client("--permission a"), place.client("--serves default"));
    let admin = place.client("--permission manage_system");
    let node = place.serve(options);
    until("it is ready", QUICK, || get(&node, "/readyz").text() == "ready\n");
    let admin = token(&node, &admin, "");
    for client in &known {
        token(&node, client, "");
    }
    Some(Scene { database, _place: place, node, known, unknown, resource, admin })
}

impl Scene {
    fn tokens(&self) -> [Answer; 2] {
        [0, 1].map(|at| ask(&self.node, &self.known[at], ""))
    }

    /// How many tokens of this client are counted.
    fn counted(&self, client: &Client) -> u64 {
        let sum = format!(
            "SELECT coalesce(sum(count), 0) FROM usage WHERE client_id = '{}' AND outcome = 'issued'",
            client.id
        );
        self.database.sql(&sum).trim().parse().unwrap()
    }

    /// All that needs the database is refused, and soon.
    fn refuses_the_rest(&self, bearer: &str) {
        for path in ["/oauth/introspect", "/oauth/revoke"] {
            let body = format!("token={bearer}");
            let answer = quickly(path, || post(&self.node, path, &self.resource, &body));
            assert!(is_unavailable(&answer), "{path}: {answer:?}");
        }
        let answer = quickly("a client", || ask(&self.node, &self.unknown, ""));
        assert!(is_unavailable(&answer), "{answer:?}");
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        let answer = quickly("a change", || create_client(&self.node, bearer, "late"));
        assert!(is_unavailable(&answer), "{answer:?}");
        let page = quickly("a page", || get(&self.node, "/developer/apps"));
        assert!(page.status == 303 || is_unavailable(&page), "{page:?}");
    }
}

#[test]
fn cached_clients_get_tokens_until_the_limit_and_everything_is_back_with_the_database() {
    let Some(scene) = scene("--max-staleness 4s") else { return };
    let node = &scene.node;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let credentials = FeedCredentials::basic(&scene.resource.id, &scene.resource.secret);
    let issuer = format!("http://{}", node.address);
    let guard = runtime.block_on(Guard::discover(issuer).revocations(credentials).build()).unwrap();
    let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
    let bearer = token(node, &scene.known[0], "");
    assert!(active(node, &scene.resource, &bearer) && verify(&bearer));

    scene.database.stop(Stop::Orderly);
    let gone = Instant::now();
    until("it is noticed", QUICK, || !is_up(node));
    let mut issued = 2;
    while gone.elapsed() < Duration::from_secs(2) {
        assert!(quickly("tokens", || scene.tokens()).iter().all(|answer| answer.status == 200));
        issued += 1;
    }
    scene.refuses_the_rest(&scene.admin);
    let ready = quickly("readiness", || get(node, "/readyz"));
    assert_eq!(ready.status, 200);
    assert!(ready.text().starts_with("degraded: "), "{}", ready.text());
    let left = Duration::from_secs(5).saturating_sub(gone.elapsed());
    let stops = |scene: &Scene| scene.tokens().iter().all(is_unavailable);
    until("the limit holds", left, || stops(&scene));
    assert!(gone.elapsed() > Duration::from_millis(3_500), "{:?}", gone.elapsed());
    assert!(is_unavailable(&get(node, "/readyz")) && !is_up(node));
    scene.refuses_the_rest(&scene.admin);
    let told = node.log().iter().filter(|line| line.contains("the database is away")).count();
    assert_eq!(told, 1, "{:?}", node.log());
    assert!(node.log().len() < 60, "a flood: {:?}", node.log());

    scene.database.start();
    let back =
        until("tokens", 2 * QUICK, || scene.tokens().iter().all(|answer| answer.status == 200));
    println!("tokens again {back:?} after the database");
    assert_eq!(ask(node, &scene.unknown, "").status, 200);
    assert_eq!(get(node, "/readyz").text(), "ready\n");
    assert!(is_up(node));
    assert_eq!(create_client(node, &scene.admin, "after").status, 201);
    assert!(node.log().iter().any(|line| line.contains("the database answers again")));
    until("the guard hears of a revocation", 5 * QUICK, || {
        post(node, "/oauth/revoke", &scene.known[0], &format!("token={bearer}"));
        !verify(&bearer)
    });
    let counted = until("usage was kept", 5 * QUICK, || scene.counted(&scene.known[0]) > issued);
    println!("usage was written {counted:?} later");
}

#[test]
fn a_database_that_hangs_keeps_nobody_waiting_who_does_not_need_it() {
    let Some(scene) = scene("") else { return };
    let node = &scene.node;
    scene.database.freeze();
    let frozen = Instant::now();
    while frozen.elapsed() < Duration::from_secs(3) {
        assert!(quickly("tokens", || scene.tokens()).iter().all(|answer| answer.status == 200));
        quickly("readiness", || get(node, "/readyz"));
        thread::sleep(Duration::from_millis(50));
    }
    assert!(get(node, "/readyz").text().starts_with("degraded: ") && !is_up(node));
    // Of many that need it one finds out whether it is there, and none of the others waits.
    let begun = Instant::now();
    let quick = thread::scope(|threads| {
        let asked: Vec<_> = (0..40)
            .map(|_| {
                threads.spawn(|| {
                    let answer = ask(node, &scene.unknown, "");
                    assert!(is_unavailable(&answer), "{answer:?}");
                    begun.elapsed() < QUICK
                })
            })
            .collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).filter(|quick| *quick).count()
    });
    assert!(quick >= 38, "{quick} of 40");
    scene.database.thaw();
    let back = until("it is back", 3 * QUICK, || ask(node, &scene.unknown, "").status == 200);
    println!("everything again {back:?} after the database");
    until("it is ready", QUICK, || get(node, "/readyz").text() == "ready\n");
    assert_eq!(create_client(node, &scene.admin, "after").status, 201);
}

#[test]
fn a_restart_of_the_database_that_nobody_notices_fails_no_request() {
    let Some(scene) = scene("") else { return };
    for round in 0..3 {
        let bearer = token(&scene.node, &scene.known[0], "");
        assert!(active(&scene.node, &scene.resource, &bearer));
        assert_eq!(create_client(&scene.node, &scene.admin, &format!("r{round}")).status, 201);
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = 'grantd' AND pid <> pg_backend_pid()";
        scene.database.sql(cut);
        // At once: whether the ends of its connections have arrived or not.
        assert_eq!(create_client(&scene.node, &scene.admin, &format!("s{round}")).status, 201);
        assert!(active(&scene.node, &scene.resource, &bearer));
    }
}
