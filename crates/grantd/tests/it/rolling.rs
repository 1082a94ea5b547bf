//! Three nodes on one PostgreSQL, restarted one after the other under load: nobody notices.

use std::{
    thread,
    time::{Duration, Instant},
};

use grantd_guard::{FeedCredentials, Guard};
use grantd_test_postgres::database;

use super::{
    balancer::{Balancer, Health},
    load::{Ask, Load, Use},
    server::{Client, Place, Running},
    tokens::token,
    two_nodes::place_on,
    wire::{Answer, form, request},
};

/// Longer than the balancer's checks take, by far.
const DELAY: Duration = Duration::from_secs(1);

/// Nodes behind a balancer, whose address is the issuer's.
pub(crate) struct Cluster {
    pub(crate) place: Place,
    pub(crate) nodes: Vec<Running>,
    pub(crate) balancer: Balancer,
    options: String,
}

impl Cluster {
    /// Three nodes; `None` where there is no PostgreSQL.
    pub(crate) fn start(health: Health, delay: Duration) -> Option<Self> {
        let place = place_on(&database()?);
        place.grantd("permission create a");
        let balancer = Balancer::new();
        let options =
            format!("--issuer http://{} --drain-delay {}s", balancer.address, delay.as_secs());
        let nodes: Vec<_> = (0..3).map(|_| place.serve(&options)).collect();
        for node in &nodes {
            balancer.add(node.address, health);
        }
        Some(Self { place, nodes, balancer, options })
    }

    /// Restarts a node, and does something while it goes.
    pub(crate) fn restart(&mut self, at: usize, mut meanwhile: impl FnMut(&Self)) -> Duration {
        let begun = Instant::now();
        self.nodes[at].signal("TERM");
        meanwhile(self);
        assert!(self.nodes[at].wait());
        let took = begun.elapsed();
        let address = self.nodes[at].address;
        self.nodes[at] = self.place.serve(&format!("{} --listen {address}", self.options));
        self.balancer.finds(address);
        took
    }

    /// Restarts all, one after the other.
    pub(crate) fn roll(&mut self) {
        for at in 0..self.nodes.len() {
            self.restart(at, |_| {});
        }
    }

    /// The three things that clients ask for.
    fn asks(&self, client: &Client, server: &Client) -> Vec<Ask> {
        let known = token(&self.nodes[0], client, "");
        let content = ("Content-Type", "application/x-www-form-urlencoded");
        let asked =
            format!("token={known}&client_id={}&client_secret={}", server.id, server.secret);
        let is_active = |answer: &Answer| {
            let active = answer.json()["active"] == true;
            (!active).then(|| "a living token is said to be dead".to_owned())
        };
        vec![
            (token_request(client), Box::new(|_| None)),
            (
                request("POST", "/oauth/introspect", &[content], asked.as_bytes()),
                Box::new(is_active),
            ),
            (request("GET", "/.well-known/jwks.json", &[], b""), Box::new(|_| None)),
        ]
    }

    /// Clients of all habits: in a hurry, at leisure, and with a connection for each request.
    fn load(&self) -> Load {
        let server = self.place.client("--serves default");
        let mut load = Load::new();
        for pause in [1, 1, 5, 5, 50, 900] {
            let client = self.place.client("--permission a");
            let how = Use::Kept(Duration::from_millis(pause));
            load.add(self.balancer.address, how, self.asks(&client, &server));
        }
        for _ in 0..2 {
            let client = self.place.client("--permission a");
            load.add(self.balancer.address, Use::Once, self.asks(&client, &server));
        }
        load
    }
}

pub(crate) fn token_request(client: &Client) -> Vec<u8> {
    form(&format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client.id, client.secret
    ))
}

#[test]
fn three_nodes_are_restarted_twice_each_and_no_request_is_lost_nor_an_event_of_the_feed() {
    let Some(mut cluster) = Cluster::start(Health::Asked, DELAY) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let reader = cluster.place.client("--serves default");
    let guard = Guard::discover(format!("http://{}", cluster.balancer.address))
        .revocations(FeedCredentials::basic(&reader.id, &reader.secret));
    let guard = runtime.block_on(guard.build()).unwrap();
    let verify = |token: &str| runtime.block_on(guard.verify(token)).is_ok();
    let load = cluster.load();
    let (begun, mut longest, mut restarts) = (Instant::now(), Duration::ZERO, Vec::new());
    for at in [0, 1, 2, 0, 1, 2] {
        let asked = load.asked();
        let took = cluster.restart(at, |cluster| {
            let doomed = cluster.place.client("--permission a");
            let dead = token(&cluster.nodes[(at + 1) % 3], &doomed, "");
            assert!(verify(&dead));
            // About when streams end.
            thread::sleep(DELAY.saturating_sub(Duration::from_millis(100 * at as u64)));
            cluster.place.grantd(&format!("client revoke {}", doomed.id));
            let answered = Instant::now();
            while verify(&dead) {
                assert!(answered.elapsed() < Duration::from_secs(2), "still accepted");
                thread::sleep(Duration::from_millis(5));
            }
            longest = longest.max(answered.elapsed());
        });
        assert!(load.asked() > asked + 100, "the load stands still");
        restarts.push(took.as_millis());
    }
    let (asked, lost) = load.end();
    println!(
        "{asked} requests in {:?}, lost {}; stops took {restarts:?} ms; the slowest revocation {longest:?}",
        begun.elapsed(),
        lost.len()
    );
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn behind_a_balancer_that_knows_only_refusals_no_request_is_lost_either() {
    let Some(mut cluster) = Cluster::start(Health::Refused, DELAY) else { return };
    let load = cluster.load();
    cluster.roll();
    let (asked, lost) = load.end();
    println!("{asked} requests, lost {}", lost.len());
    assert!(lost.is_empty(), "{lost:?}");
}
