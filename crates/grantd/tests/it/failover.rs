//! The primary dies and its standby takes over: nothing that was acknowledged is lost, and nobody restarts
//! a node.

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use grantd_guard::{FeedCredentials, Guard};
use grantd_test_postgres::{Server, Stop, server};

use super::{
    database_away::{create_client, get, place_at, until},
    dead_tokens::{active, post},
    server::{Client, Place, Running},
    tokens::{ask, token},
};

/// How long nodes may need from the promotion on.
const RECOVERY: Duration = Duration::from_secs(10);

/// Two nodes on a primary with a standby.
struct Pair {
    primary: Server,
    standby: Server,
    place: Place,
    nodes: [Running; 2],
    resource: Client,
    client: Client,
    admin: String,
}

fn pair() -> Option<Pair> {
    let primary = server()?;
    let standby = primary.standby();
    let place = place_at(&format!(
        "postgres://grantd@127.0.0.1:{},127.0.0.1:{}/grantd?target_session_attrs=read-write&connect_timeout=2",
        primary.port(),
        standby.port()
    ));
    place.grantd("permission create a");
    place.grantd("permission create manage_system");
    let (client, resource) = (place.client("--permission a"), place.client("--serves default"));
    let admin = place.client("--permission manage_system");
    let a = place.serve("");
    let b = place.serve(&format!("--issuer http://{}", a.address));
    let admin = token(&a, &admin, "");
    Some(Pair { primary, standby, place, nodes: [a, b], resource, client, admin })
}

/// What was acknowledged, by whoever wrote it.
#[derive(Default)]
struct Acknowledged {
    clients: Mutex<Vec<String>>,
    revoked: Mutex<Vec<String>>,
    /// The longest time without any.
    gap: Mutex<(Option<Instant>, Duration)>,
}

impl Acknowledged {
    fn client(&self, id: String) {
        let mut gap = self.gap.lock().unwrap();
        let since = gap.0.replace(Instant::now()).map_or(Duration::ZERO, |last| last.elapsed());
        gap.1 = gap.1.max(since);
        self.clients.lock().unwrap().push(id);
    }

    fn summary(&self, promotion: Duration, recovered: Duration) -> String {
        format!(
            "{} clients, {} revocations; promotion {promotion:?}, 20 changes {recovered:?} later; \
             longest gap {:?}",
            self.count(),
            self.revoked.lock().unwrap().len(),
            self.gap.lock().unwrap().1
        )
    }

    fn count(&self) -> usize {
        self.clients.lock().unwrap().len()
    }
}

/// Ends the writers, whatever becomes of the test.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Makes clients over one node, one after the other, and notes each that is acknowledged.
fn make_clients(node: &Running, bearer: &str, done: (&Acknowledged, &AtomicBool)) {
    let (acknowledged, stop) = done;
    while !stop.load(Ordering::Relaxed) {
        let answer = create_client(node, bearer, "Test");
        match answer.status {
            201 => acknowledged.client(answer.json()["client_id"].as_str().unwrap().to_owned()),
            503 => {
                assert!(answer.header("retry-after").is_some());
                thread::sleep(Duration::from_millis(20));
            }
            _ => panic!("{}", answer.text()),
        }
    }
}

/// Ends tokens over the other node.
fn end_tokens(pair: &Pair, acknowledged: &Acknowledged, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let dead = token(&pair.nodes[1], &pair.client, "");
        let answer = post(&pair.nodes[1], "/oauth/revoke", &pair.client, &format!("token={dead}"));
        match answer.status {
            200 => acknowledged.revoked.lock().unwrap().push(dead),
            503 => assert!(answer.header("retry-after").is_some()),
            _ => panic!("{}", answer.text()),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_standby_that_takes_over_has_all_that_was_acknowledged_and_the_nodes_find_it() {
    let Some(pair) = pair() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let credentials = FeedCredentials::basic(&pair.resource.id, &pair.resource.secret);
    let issuer = format!("http://{}", pair.nodes[0].address);
    let guard = runtime.block_on(Guard::discover(issuer).revocations(credentials).build()).unwrap();
    let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
    let dead_before = token(&pair.nodes[1], &pair.client, "");
    post(&pair.nodes[1], "/oauth/revoke", &pair.client, &format!("token={dead_before}"));
    let alive = token(&pair.nodes[0], &pair.client, "");
    assert_eq!(ask(&pair.nodes[1], &pair.client, "").status, 200);

    let (acknowledged, stop) = (Acknowledged::default(), AtomicBool::new(false));
    let (promoted, recovered) = thread::scope(|threads| {
        let ends = Ends(&stop);
        for node in &pair.nodes {
            let (admin, done) = (&pair.admin, (&acknowledged, &stop));
            threads.spawn(move || make_clients(node, admin, done));
        }
        threads.spawn(|| end_tokens(&pair, &acknowledged, &stop));
        until("changes", RECOVERY, || acknowledged.count() > 50);
        // By now each node has noticed that the client was made, and forgets it no more.
        for node in &pair.nodes {
            assert_eq!(ask(node, &pair.client, "").status, 200);
        }
        pair.primary.stop(Stop::PowerCut);
        let at_the_end = acknowledged.count();
        thread::sleep(Duration::from_millis(500));
        // Cached clients notice nothing.
        for node in &pair.nodes {
            assert_eq!(ask(node, &pair.client, "").status, 200);
        }
        assert!(!verify(&dead_before));
        let promoted = Instant::now();
        pair.standby.promote();
        let promotion = promoted.elapsed();
        let recovered = until("changes again", RECOVERY, || acknowledged.count() > at_the_end + 20);
        drop(ends);
        (promotion, recovered)
    });
    println!("{}", acknowledged.summary(promoted, recovered));
    let there = pair.standby.sql("SELECT id FROM clients");
    let there: HashSet<_> = there.lines().collect();
    for client in acknowledged.clients.lock().unwrap().iter() {
        assert!(there.contains(&**client), "{client} was acknowledged and is lost");
    }
    pair.place.grantd("audit verify");
    until("the feed goes on", RECOVERY, || {
        acknowledged.revoked.lock().unwrap().iter().all(|dead| !verify(dead))
    });
    assert!(verify(&alive) && !verify(&dead_before));
    for dead in acknowledged.revoked.lock().unwrap().iter() {
        assert!(!active(&pair.nodes[0], &pair.resource, dead));
    }
    // What is revoked from now on is known everywhere as fast as before.
    until("it is the feed again", RECOVERY, || {
        let dead = token(&pair.nodes[1], &pair.client, "");
        post(&pair.nodes[1], "/oauth/revoke", &pair.client, &format!("token={dead}"));
        thread::sleep(Duration::from_millis(500));
        !verify(&dead) && verify(&alive)
    });
    for node in &pair.nodes {
        assert_eq!(get(node, "/readyz").text(), "ready\n");
    }
}

#[test]
fn a_primary_that_hangs_is_left_for_its_standby_and_not_taken_back() {
    let Some(pair) = pair() else { return };
    let node = &pair.nodes[0];
    assert_eq!(create_client(node, &pair.admin, "before").status, 201);
    pair.primary.freeze();
    thread::sleep(Duration::from_millis(500));
    pair.standby.promote();
    let promoted = Instant::now();
    let mut tries = 0;
    until("changes over the new primary", 2 * RECOVERY, || {
        tries += 1;
        create_client(node, &pair.admin, &format!("try-{tries}")).status == 201
    });
    println!("changes {:?} after the promotion, the former primary hanging", promoted.elapsed());
    until("it is ready", RECOVERY, || get(node, "/readyz").text() == "ready\n");
    // It wakes up, takes itself for the primary, and nobody has fenced it.
    pair.primary.thaw();
    assert_eq!(create_client(node, &pair.admin, "after").status, 201);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(create_client(node, &pair.admin, "later").status, 201);
    let count = "SELECT count(*) FROM clients WHERE name IN ('before', 'after', 'later')";
    assert_eq!(pair.standby.sql(count).trim(), "3");
}
