//! More than a node can do: it answers what it can, turns the rest away, and is well when it is over.
//! `cargo xtask bench overload` measures how fast.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
};

use super::{
    metrics::{metrics, value},
    server::Place,
    tokens::ask,
    wire::{self, form, request},
};

/// With one thread, more than it can sign for in the time that it lets a request wait.
const CONNECTIONS: usize = 700;
const STORM: Duration = Duration::from_secs(4);

/// What one connection got while it asked without a pause.
#[derive(Default)]
struct Got {
    tokens: usize,
    shed: usize,
    others: Vec<String>,
}

async fn storm(to: SocketAddr, request: Vec<u8>) -> Got {
    let (mut got, start) = (Got::default(), Instant::now());
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut buffer = vec![0; 8192];
    while start.elapsed() < STORM {
        stream.write_all(&request).await.unwrap();
        // Answers are small, and come in one piece.
        let length = stream.read(&mut buffer).await.unwrap();
        let answer = String::from_utf8_lossy(&buffer[..length]);
        let has_wait = answer.contains("\r\nretry-after: ");
        match answer.get(9..12) {
            Some("200") => got.tokens += 1,
            Some("503") if has_wait && answer.contains("temporarily_unavailable") => got.shed += 1,
            _ => got.others.push(answer.into_owned()),
        }
    }
    got
}

#[test]
fn more_than_it_can_do_is_turned_away_and_a_second_later_all_is_well() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a --signing-alg RS256");
    let mut command = place.command();
    command.env("TOKIO_WORKER_THREADS", "1");
    let running = Place::serve_by(command, "");
    assert_eq!(ask(&running, &client, "").status, 200);

    let (id, secret) = (&client.id, &client.secret);
    let asking =
        form(&format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"));
    let address = running.address;
    let blowing = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut all = JoinSet::new();
            for _ in 0..CONNECTIONS {
                all.spawn(storm(address, asking.clone()));
            }
            all.join_all().await
        })
    });
    thread::sleep(STORM / 2);
    for path in ["/healthz", "/readyz", "/metrics", "/.well-known/jwks.json"] {
        let answer = wire::send(address, &request("GET", path, &[], b"")).unwrap();
        assert_eq!(answer.status, 200, "{path} is never shed");
    }
    let got = blowing.join().unwrap();
    let sum = |count: fn(&Got) -> usize| got.iter().map(count).sum::<usize>();
    let (tokens, shed) = (sum(|got| got.tokens), sum(|got| got.shed));
    let others: Vec<_> = got.iter().flat_map(|got| &got.others).take(3).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(tokens > 100 && shed > 100, "{tokens} tokens, {shed} shed");

    thread::sleep(Duration::from_secs(1));
    for _ in 0..20 {
        assert_eq!(ask(&running, &client, "").status, 200);
    }
    let counted = value(&metrics(&running), "grantd_shed_total");
    assert_eq!(counted, Some(f64::from(u32::try_from(shed).unwrap())));
    let warned = running.log().iter().any(|line| line.contains("overloaded"));
    assert!(warned, "the log says so");
}

#[test]
fn a_connection_for_which_there_is_no_room_is_told_so_at_once() {
    let place = Place::new();
    let mut command = std::process::Command::new("sh");
    let script = format!("ulimit -n 160; exec {} \"$@\"", env!("CARGO_BIN_EXE_grantd"));
    command.args(["-c", &script, "grantd"]).current_dir(place.path()).env_clear();
    let running = Place::serve_by(command, "");
    let healthz = request("GET", "/healthz", &[], b"");
    let idle: Vec<_> =
        (0..32).map(|_| std::net::TcpStream::connect(running.address).unwrap()).collect();
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    for _ in 0..100 {
        let answer = wire::send(running.address, &healthz).unwrap();
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
    }
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    drop(idle);
    thread::sleep(Duration::from_millis(300));
    assert_eq!(wire::send(running.address, &healthz).unwrap().status, 200);
}
