//! `/metrics` and `docs/metrics.md` say the same, and what is counted is what happened.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use super::{
    server::{Client, Place, Running, basic},
    tokens::{ask, token},
    wire::{self, request},
};

pub(crate) fn metrics(running: &Running) -> String {
    let answer = wire::send(running.address, &request("GET", "/metrics", &[], b"")).unwrap();
    assert_eq!(answer.status, 200);
    let text = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(text));
    answer.text()
}

/// The value of a series, by its name with its labels.
pub(crate) fn value(metrics: &str, series: &str) -> Option<f64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

fn route(path: &str, outcome: &str) -> String {
    format!("grantd_requests_total{{route=\"{path}\",outcome=\"{outcome}\"}}")
}

/// The metrics once the change log has been looked at: until then the cache may be emptied.
fn followed(running: &Running) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let text = metrics(running);
        if value(&text, "grantd_change_log_position").unwrap() >= 2.0 {
            return text;
        }
        assert!(Instant::now() < deadline, "{text}");
    }
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_served() {
    let place = Place::new();
    let running = place.serve("");
    metrics(&running);
    let text = metrics(&running);
    assert!(text.ends_with("# EOF\n"), "OpenMetrics says where it ends");
    let served: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect();
    let documented: BTreeSet<_> = include_str!("../../../../docs/metrics.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(['`', '{']))
        .map(|(name, _)| name.to_owned())
        .collect();
    assert!(served.len() > 10, "{served:?}");
    assert_eq!(served, documented);
}

#[test]
fn requests_refusals_and_the_cache_are_counted() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a --signing-alg ES256");
    let running = place.serve("");
    let before = followed(&running);
    for refusal in grantd_core::Refusal::ALL {
        let series = format!("grantd_refusals_total{{refusal=\"{}\"}}", refusal.name());
        assert_eq!(value(&before, &series), Some(0.0), "a rate needs a zero to rise from");
    }
    for _ in 0..5 {
        assert_eq!(ask(&running, &client, "").status, 200);
    }
    let wrong = Client { secret: "wrong".to_owned(), ..client.clone() };
    for _ in 0..3 {
        assert_eq!(ask(&running, &wrong, "").status, 401);
    }
    let nobody = Client { id: "nobody".to_owned(), ..client.clone() };
    for _ in 0..2 {
        assert_eq!(ask(&running, &nobody, "").status, 401);
    }
    assert_eq!(ask(&running, &client, "&scope=nope").status, 400);
    let text = metrics(&running);
    for (series, expected) in [
        (&*route("/oauth/token", "ok"), 5.0),
        (&route("/oauth/token", "refused"), 6.0),
        ("grantd_request_duration_seconds_count{route=\"/oauth/token\"}", 11.0),
        ("grantd_request_duration_seconds_bucket{le=\"+Inf\",route=\"/oauth/token\"}", 11.0),
        ("grantd_refusals_total{refusal=\"client-secret-wrong\"}", 3.0),
        ("grantd_refusals_total{refusal=\"client-unknown\"}", 2.0),
        ("grantd_refusals_total{refusal=\"scope-not-allowed\"}", 1.0),
        ("grantd_faults_total{fault=\"storage\"}", 0.0),
        ("grantd_client_cache_requests_total{result=\"hit\"}", 8.0),
        ("grantd_client_cache_requests_total{result=\"miss\"}", 2.0),
        ("grantd_client_cache_requests_total{result=\"absent\"}", 1.0),
        ("grantd_cached_clients", 1.0),
        ("grantd_usage_dropped_total", 0.0),
        ("grantd_feed_streams", 0.0),
    ] {
        assert_eq!(value(&text, series), Some(expected), "{series} in\n{text}");
    }
    assert!(value(&text, &route("/metrics", "ok")).unwrap() >= 1.0);
    assert!(value(&text, "grantd_feed_lag_seconds").unwrap() < 5.0);
}

#[test]
fn nothing_of_a_caller_becomes_a_label() {
    let place = Place::new();
    place.grantd("permission create a");
    let client = place.client("--permission a");
    let running = place.serve("--issuer http://127.0.0.1:1/auth");
    token(&running, &client, "");
    for at in 0..50 {
        for path in [format!("/evil-{at}"), format!("/auth/evil-{at}"), "*".to_owned()] {
            wire::send(running.address, &request("EVIL", &path, &[], b"")).unwrap();
        }
    }
    wire::send(running.address, &request("POST", "/auth/oauth/token", &[], b"")).unwrap();
    let outside = request("GET", "/auth/metrics", &[], b"");
    assert_eq!(wire::send(running.address, &outside).unwrap().status, 404);
    let text = metrics(&running);
    for secret in [&*client.id, &client.secret, "evil", "EVIL", "127.0.0.1", "/auth"] {
        assert!(!text.contains(secret), "{secret} in\n{text}");
    }
    assert_eq!(value(&text, &route("unmatched", "refused")), Some(151.0));
    assert_eq!(value(&text, &route("/oauth/token", "refused")), Some(1.0), "under the path too");
}

#[test]
fn open_streams_of_the_feed_are_counted_until_they_end() {
    let place = Place::new();
    let server = place.client("--serves default");
    let running = place.serve("");
    let headers = [("Authorization", &*basic(&server)), ("Accept", "text/event-stream")];
    let open = || {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.write_all(&request("GET", "/oauth/revocations", &headers, b"")).unwrap();
        let mut reader = BufReader::new(stream);
        reader.read_line(&mut String::new()).unwrap();
        reader
    };
    let streams = [open(), open()];
    assert_eq!(value(&metrics(&running), "grantd_feed_streams"), Some(2.0));
    // The connection of the question before may still be there.
    assert!((3.0..=4.0).contains(&value(&metrics(&running), "grantd_connections").unwrap()));
    drop(streams);
    let deadline = Instant::now() + Duration::from_secs(15);
    while value(&metrics(&running), "grantd_feed_streams") != Some(0.0) {
        assert!(Instant::now() < deadline, "still counted");
        thread::sleep(Duration::from_millis(50));
    }
}

fn until_up(running: &Running) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while value(&metrics(running), "grantd_storage_up") != Some(1.0) {
        assert!(Instant::now() < deadline, "{:?}", running.log());
    }
}

#[test]
fn a_database_that_is_gone_shows_as_lag() {
    let place = Place::new();
    let running = place.serve("--max-staleness 1s");
    until_up(&running);
    std::fs::rename(place.path().join("grantd.db"), place.path().join("elsewhere")).unwrap();
    thread::sleep(Duration::from_millis(1500));
    let text = metrics(&running);
    let lag = value(&text, "grantd_feed_lag_seconds").unwrap();
    assert!((1.0..60.0).contains(&lag), "{lag}");
    assert_eq!(value(&text, "grantd_storage_up"), Some(0.0));
    assert_eq!(value(&text, "grantd_max_staleness_seconds"), Some(1.0));
    let ready = request("GET", "/readyz", &[], b"");
    assert_eq!(wire::send(running.address, &ready).unwrap().status, 503);
    assert_eq!(value(&metrics(&running), &route("/readyz", "failed")), Some(1.0));
}
