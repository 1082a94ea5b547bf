//! How a server stops: it says so first, and cuts nobody.

use std::{
    io::{BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{
    dead_tokens::scene,
    server::{Client, Place, Running},
    wire::{self, Answer, form, request},
};

/// A connection that is kept for further requests.
struct Kept(BufReader<TcpStream>);

impl Kept {
    fn open(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    fn hear(&mut self) -> Option<Answer> {
        wire::read(&mut self.0)
    }

    fn ask(&mut self, bytes: &[u8]) -> Answer {
        self.say(bytes);
        self.hear().unwrap()
    }

    /// Whether the server ends the connection in a proper way, and how long that takes.
    fn ends(&mut self) -> Duration {
        let begun = Instant::now();
        assert_eq!(self.0.read(&mut [0; 1]).unwrap(), 0, "neither an answer nor a reset");
        begun.elapsed()
    }
}

fn place() -> (Place, Client) {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    (place, client)
}

fn token_request(client: &Client) -> Vec<u8> {
    form(&format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client.id, client.secret
    ))
}

fn get(path: &str) -> Vec<u8> {
    request("GET", path, &[], b"")
}

fn closes(answer: &Answer) -> bool {
    answer.header("connection") == Some("close")
}

/// Waits until nobody listens there any more.
fn is_closed(running: &Running) {
    let deadline = Instant::now() + Duration::from_secs(3);
    while TcpStream::connect(running.address).is_ok() {
        assert!(Instant::now() < deadline, "still open");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn readyz_goes_first_and_whoever_comes_is_served_and_told_to_go() {
    let (place, client) = place();
    let mut running = place.serve("--drain-delay 2s");
    let (mut kept, mut idle) = (Kept::open(running.address), Kept::open(running.address));
    for answer in [kept.ask(&token_request(&client)), idle.ask(&get("/readyz"))] {
        assert!(answer.status == 200 && !closes(&answer));
    }
    let begun = Instant::now();
    running.signal("TERM");
    let not_ready = loop {
        let answer = wire::send(running.address, &get("/readyz")).unwrap();
        if answer.status == 503 {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "still ready");
    };
    assert!(not_ready.text().contains("stopping"), "{}", not_ready.text());
    assert_eq!(wire::send(running.address, &get("/healthz")).unwrap().status, 200, "it lives");
    let answer = kept.ask(&token_request(&client));
    assert!(answer.status == 200 && closes(&answer), "{answer:?}");
    kept.ends();
    while begun.elapsed() < Duration::from_millis(1700) {
        let answer = wire::send(running.address, &token_request(&client)).unwrap();
        assert!(answer.status == 200 && closes(&answer), "{answer:?}");
        thread::sleep(Duration::from_millis(20));
    }
    idle.ends();
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(running.wait());
    assert!(begun.elapsed() < Duration::from_millis(3500), "{:?}", begun.elapsed());
}

#[test]
fn what_is_under_way_is_finished_and_nobody_new_let_in() {
    let (place, client) = place();
    let mut running = place.serve("");
    let (mut half, mut fresh) = (Kept::open(running.address), Kept::open(running.address));
    let bytes = token_request(&client);
    half.say(&bytes[..bytes.len() / 2]);
    thread::sleep(Duration::from_millis(100));
    running.signal("TERM");
    is_closed(&running);
    // Connected before, but without a word yet.
    fresh.say(&bytes);
    assert_eq!(fresh.hear().unwrap().status, 200);
    thread::sleep(Duration::from_millis(1500));
    half.say(&bytes[bytes.len() / 2..]);
    let answer = half.hear().unwrap();
    assert!(answer.status == 200 && closes(&answer), "{answer:?}");
    half.ends();
    drop((half, fresh));
    assert!(running.wait());
}

#[test]
fn what_the_kernel_took_before_the_end_is_answered() {
    let (place, client) = place();
    let mut running = place.serve("");
    let mut kept: Vec<_> = (0..20).map(|_| Kept::open(running.address)).collect();
    for kept in &mut kept {
        assert_eq!(kept.ask(&token_request(&client)).status, 200);
    }
    // While it stands still, the signal comes first, then requests: on connections that it knows,
    // and on those that it does not.
    running.signal("STOP");
    running.signal("TERM");
    kept.extend((0..20).map(|_| Kept::open(running.address)));
    for kept in &mut kept {
        kept.say(&token_request(&client));
    }
    running.signal("CONT");
    for kept in &mut kept {
        assert_eq!(kept.hear().expect("an answer").status, 200);
        kept.ends();
    }
    drop(kept);
    assert!(running.wait());
}

#[test]
fn an_idle_connection_ends_without_a_reset_and_a_client_that_keeps_its_side_is_not_waited_for() {
    let (place, client) = place();
    let mut running = place.serve("");
    let mut idle = Kept::open(running.address);
    assert_eq!(idle.ask(&token_request(&client)).status, 200);
    let begun = Instant::now();
    running.signal("TERM");
    idle.ends();
    // Too late: it is lost, but the log knows, and there is no reset.
    idle.say(&token_request(&client));
    assert!(idle.hear().is_none());
    assert!(running.wait());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let said = running.log().into_iter().find(|line| line.contains("\"stopped\"")).unwrap();
    assert!(said.contains("\"late\":1"), "{said}");
}

#[test]
fn ctrl_c_does_not_wait_for_balancers_and_a_second_signal_for_nobody() {
    let (place, client) = place();
    let bytes = token_request(&client);
    for (first, delay, is_held) in
        [("INT", "30s", false), ("TERM", "30s", false), ("TERM", "0s", true)]
    {
        let mut running = place.serve(&format!("--drain-delay {delay} --drain-timeout 30s"));
        let mut held = Kept::open(running.address);
        assert_eq!(held.ask(&get("/healthz")).status, 200);
        if is_held {
            held.say(&bytes[..9]);
            thread::sleep(Duration::from_millis(100));
        }
        let begun = Instant::now();
        running.signal(first);
        if first == "TERM" {
            thread::sleep(Duration::from_millis(300));
            running.signal("TERM");
        }
        assert!(running.wait(), "{first}");
        assert!(begun.elapsed() < Duration::from_millis(2500), "{first} {:?}", begun.elapsed());
    }
}

#[test]
fn a_second_signal_is_heard_while_the_kernel_still_has_connections_for_which_there_is_no_room() {
    let (place, client) = place();
    let mut command = std::process::Command::new("sh");
    // 32 places, and 64 at the door.
    let script = format!("ulimit -n 160; exec {} \"$@\"", env!("CARGO_BIN_EXE_grantd"));
    command.args(["-c", &script, "grantd"]).current_dir(place.path()).env_clear();
    let mut running = Place::serve_by(command, "--drain-delay 0s --drain-timeout 30s");
    let bytes = token_request(&client);
    let mut held: Vec<_> = (0..32).map(|_| Kept::open(running.address)).collect();
    for held in &mut held {
        held.say(&bytes[..9]);
    }
    thread::sleep(Duration::from_millis(300));
    running.signal("STOP");
    running.signal("TERM");
    held.extend((0..80).map(|_| Kept::open(running.address)));
    let begun = Instant::now();
    running.signal("CONT");
    thread::sleep(Duration::from_millis(300));
    running.signal("TERM");
    assert!(running.wait());
    assert!(begun.elapsed() < Duration::from_millis(2500), "{:?}", begun.elapsed());
}

#[test]
fn who_takes_longer_than_the_timeout_is_cut_with_a_warning() {
    let (place, client) = place();
    let mut running = place.serve("--drain-timeout 1s");
    let mut half = Kept::open(running.address);
    half.say(&token_request(&client)[..9]);
    thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    running.signal("TERM");
    assert!(running.wait());
    assert!((1000..3000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert!(running.log().iter().any(|line| line.contains("took longer")), "{:?}", running.log());
}

#[test]
fn a_stream_of_the_feed_goes_on_while_balancers_notice_and_then_ends_whole() {
    let mut scene = scene("");
    let mut running = scene.place.serve("--drain-delay 2s");
    let authorization = super::server::basic(&scene.server);
    let headers = [("Authorization", &*authorization), ("Accept", "text/event-stream")];
    let mut stream = Kept::open(running.address);
    stream.say(&request("GET", "/oauth/revocations", &headers, b""));
    thread::sleep(Duration::from_millis(200));
    running.signal("TERM");
    thread::sleep(Duration::from_millis(200));
    scene.place.grantd(&format!("client revoke {}", scene.client.id));
    let answer = stream.hear().unwrap_or_else(|| panic!("no end: {:?}", running.log()));
    assert!(answer.text().contains(&scene.client.id), "{}", answer.text());
    drop(stream);
    assert!(running.wait() && scene.running.terminate());
}
