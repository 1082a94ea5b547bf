//! Time: who sends slowly is dropped, who waits is kept, who stops finishes first.

use std::{
    io::{BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{
    server::{FIXTURE, Place},
    tokens::ask,
    wire::{self, form},
};

fn dropped_after(drip: impl Fn(&mut TcpStream) + Send + 'static) -> Duration {
    let mut stream = TcpStream::connect(FIXTURE.running.address).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let start = Instant::now();
    thread::spawn(move || drip(&mut writer));
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    // A reset is as good an end as a close.
    let _ = stream.read_to_end(&mut rest);
    start.elapsed()
}

fn assert_about_ten_seconds(took: Duration) {
    assert!((8..13).contains(&took.as_secs()), "{took:?}");
}

#[test]
fn a_header_that_drips_is_dropped_after_ten_seconds() {
    assert_about_ten_seconds(dropped_after(|stream| {
        for byte in
            b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n".iter().chain(std::iter::repeat(&b'a'))
        {
            if stream.write_all(&[*byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(300));
        }
    }));
}

#[test]
fn a_body_that_drips_is_dropped_after_ten_seconds() {
    assert_about_ten_seconds(dropped_after(|stream| {
        let head = "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n\r\n";
        let mut going = stream.write_all(head.as_bytes()).is_ok();
        while going {
            thread::sleep(Duration::from_millis(300));
            going = stream.write_all(b"a").is_ok();
        }
    }));
}

#[test]
fn a_connection_that_waits_between_requests_is_kept() {
    let mut stream = TcpStream::connect(FIXTURE.running.address).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for _ in 0..2 {
        stream.write_all(&form("grant_type=client_credentials")).unwrap();
        assert_eq!(wire::read(&mut reader).unwrap().status, 401);
        thread::sleep(Duration::from_secs(12));
    }
}

#[test]
fn sigterm_finishes_what_is_under_way_and_ends_well() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    let mut running = place.serve("");
    assert_eq!(ask(&running, &client, "").status, 200);
    let mut half_sent = TcpStream::connect(running.address).unwrap();
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        client.id, client.secret
    );
    let request = form(&body);
    half_sent.write_all(&request[..request.len() - 10]).unwrap();
    thread::sleep(Duration::from_millis(200));
    let address = running.address;
    let finisher = thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        assert!(TcpStream::connect(address).is_err(), "no new connection is taken");
        half_sent.write_all(&request[request.len() - 10..]).unwrap();
        wire::read(&mut BufReader::new(half_sent)).unwrap().status
    });
    assert!(running.terminate());
    assert_eq!(finisher.join().unwrap(), 200);
}
