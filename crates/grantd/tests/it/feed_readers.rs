//! Readers of the revocation feed: by secret, by token, and no longer than either holds.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{
    dead_tokens::{Scene, post, scene},
    server::basic,
    tokens::token,
    wire::request,
};

/// An open stream of events.
struct Stream(BufReader<TcpStream>);

impl Stream {
    /// Opens one that is answered with 200 and says that it is alive.
    fn open(scene: &Scene, authorization: &str) -> Self {
        let mut stream = TcpStream::connect(scene.running.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        let headers = [("Authorization", authorization), ("Accept", "text/event-stream")];
        stream.write_all(&request("GET", "/oauth/revocations", &headers, b"")).unwrap();
        let mut stream = Self(BufReader::new(stream));
        assert!(stream.until(": alive").is_some(), "the stream does not begin");
        stream
    }

    /// Reads to a line that begins so, or to the end of the stream: what was read, if it was there.
    fn until(&mut self, beginning: &str) -> Option<String> {
        let mut read = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            read.push_str(&line);
            if line.starts_with(beginning) {
                return Some(read);
            }
        }
    }

    /// How long it takes until the stream ends, without another entry.
    fn ends(&mut self) -> Duration {
        let begun = Instant::now();
        assert_eq!(self.until("data:"), None, "an entry for who may read no more");
        begun.elapsed()
    }
}

fn bearer(scene: &Scene) -> String {
    format!("Bearer {}", token(&scene.running, &scene.server, ""))
}

#[test]
fn a_revoked_resource_server_loses_its_streams_at_once_and_another_keeps_its() {
    for how in ["revoke", "delete", "rotate"] {
        let scene = scene("");
        let other = scene.place.client("--serves default");
        let mut by_secret = Stream::open(&scene, &basic(&scene.server));
        let mut by_token = Stream::open(&scene, &bearer(&scene));
        let mut of_other = Stream::open(&scene, &basic(&other));
        scene.place.grantd(&format!("client {how} {}", scene.server.id));
        for stream in [&mut by_secret, &mut by_token] {
            assert!(stream.ends() < Duration::from_secs(1), "{how}");
        }
        let entry = of_other.until("data:").unwrap();
        let named = if how == "rotate" { "credential" } else { &*scene.server.id };
        assert!(entry.contains(named), "{how}: {entry}");
    }
}

#[test]
fn a_stream_by_token_ends_when_its_token_is_revoked() {
    let scene = scene("");
    let header = bearer(&scene);
    let mut stream = Stream::open(&scene, &header);
    let mut by_secret = Stream::open(&scene, &basic(&scene.server));
    let form = format!("token={}", header.strip_prefix("Bearer ").unwrap());
    assert_eq!(post(&scene.running, "/oauth/revoke", &scene.server, &form).status, 200);
    assert!(stream.ends() < Duration::from_secs(1));
    assert!(by_secret.until("data:").is_some());
}

#[test]
fn a_stream_by_token_ends_with_its_token_by_the_next_heartbeat() {
    let scene = scene("");
    scene.place.grantd(&format!("client update {} --access-token-ttl 2s", scene.server.id));
    let mut stream = loop {
        let token = token(&scene.running, &scene.server, "");
        if super::tokens::lifetime(&token) == 2 {
            break Stream::open(&scene, &format!("Bearer {token}"));
        }
    };
    assert!(stream.ends() < Duration::from_secs(8));
}
