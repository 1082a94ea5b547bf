//! How often a client may ask, and how often anybody may fail: who is over is told when to come again, and
//! nobody can be kept out by others.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    metrics::{metrics, value},
    server::{Client, Place, Running, basic},
    wire::{self, Answer, request},
};

/// The refusals that only many requests provoke.
pub(crate) const PROVOKED: [&str; 2] = ["authentication-throttled", "client-too-often"];

const TOKEN: &str = "/oauth/token";

/// A request in this client's name that a trusted proxy says came from this address.
fn from(running: &Running, path: &str, client: &Client, address: &str) -> Answer {
    let headers = [
        ("Authorization", &*basic(client)),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("X-Forwarded-For", address),
    ];
    let body = if path == TOKEN { "grant_type=client_credentials" } else { "token=x" };
    wire::send(running.address, &request("POST", path, &headers, body.as_bytes())).unwrap()
}

fn wrong(client: &Client) -> Client {
    Client { id: client.id.clone(), secret: "wrong".to_owned() }
}

/// Everything that a caller sees, but for the time.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date" && name != "retry-after");
    (answer.status, headers, answer.text())
}

/// Guesses until it is slowed down; gives how many guesses were answered, and the answer that was none.
fn guess(running: &Running, client: &Client, address: &str) -> (usize, Answer) {
    for guesses in 0..1000 {
        let answer = from(running, TOKEN, &wrong(client), address);
        if answer.status == 429 {
            return (guesses, answer);
        }
        assert_eq!(answer.status, 401);
    }
    panic!("nothing slows guesses down");
}

#[test]
fn ca_39_guessing_a_secret_is_slowed_down_and_shuts_nobody_out() {
    let place = Place::new();
    place.grantd("permission create a");
    let [cc, cc2, quiet] = [(); 3].map(|()| place.client("--permission a --signing-alg EdDSA"));
    let running = place.serve("--trusted-proxies 127.0.0.0/8");
    assert_eq!(from(&running, TOKEN, &cc, "192.0.2.1").status, 200);

    let (guesses, slowed) = guess(&running, &cc, "192.0.2.1");
    assert!(guesses >= 100, "{guesses} are free");
    let wait: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(slowed.json()["error"], "temporarily_unavailable");
    assert_eq!(slowed.header("cache-control"), Some("no-store"));

    assert_eq!(from(&running, TOKEN, &cc2, "192.0.2.1").status, 200, "another client from there");
    assert_eq!(from(&running, TOKEN, &cc, "192.0.2.2").status, 200, "the client from elsewhere");
    for _ in 0..150 {
        from(&running, TOKEN, &wrong(&cc), "192.0.2.1");
        assert_eq!(
            from(&running, TOKEN, &cc, "192.0.2.1").status,
            200,
            "who proved itself goes on"
        );
    }
    let asked: Vec<u16> = (0..10)
        .map(|_| from(&running, "/oauth/introspect", &wrong(&cc), "192.0.2.1").status)
        .collect();
    assert!(asked.contains(&429), "guesses count wherever they are made: {asked:?}");

    // An id that nobody has is slowed down alike, so that the wait tells nothing of who is there.
    let nobody = Client { id: "nobody".to_owned(), secret: "wrong".to_owned() };
    let (_, of_nobody) = guess(&running, &nobody, "192.0.2.3");
    let (_, of_quiet) = guess(&running, &quiet, "192.0.2.3");
    assert_eq!(seen(&of_nobody), seen(&slowed));
    assert_eq!(seen(&of_quiet), seen(&slowed));
    let series = "grantd_refusals_total{refusal=\"authentication-throttled\"}";
    let count = value(&metrics(&running), series).unwrap();
    assert!(count > 100.0, "{count}");
}

#[test]
fn the_wait_does_not_tell_a_guesser_elsewhere_which_secret_is_right() {
    let place = Place::new();
    place.grantd("permission create a");
    let cc = place.client("--permission a --signing-alg EdDSA");
    let running = place.serve("--trusted-proxies 127.0.0.0/8");
    assert_eq!(from(&running, TOKEN, &cc, "192.0.2.1").status, 200);
    // Three, since one attempt a second is let through there, which it may be now and then.
    let right: Vec<u16> = ["192.0.2.7", "192.0.2.8", "192.0.2.9"]
        .map(|guesser| {
            guess(&running, &cc, guesser);
            from(&running, TOKEN, &cc, guesser).status
        })
        .to_vec();
    assert!(right.contains(&429), "a guess, and not the client: {right:?}");
    assert_eq!(from(&running, TOKEN, &cc, "192.0.2.1").status, 200);
}

#[test]
fn behind_one_address_a_guesser_shuts_out_neither_who_comes_first_nor_who_was_there_before() {
    let place = Place::new();
    place.grantd("permission create a");
    let [cc, fresh] = [(); 2].map(|()| place.client("--permission a --signing-alg EdDSA"));
    let running = place.serve("");
    let ask = |client: &Client| from(&running, TOKEN, client, "").status;
    assert_eq!(ask(&cc), 200);
    let nobody = |number: u32| Client { id: format!("n{number}"), secret: "wrong".to_owned() };
    for number in 0..1200 {
        assert_eq!(ask(&nobody(number)), 401, "the first of a name, whether there is one or not");
    }
    assert_eq!(ask(&nobody(0)), 429, "the address has used up what it has");
    assert_eq!(ask(&fresh), 200, "who comes for the first time has a first attempt");
    assert_eq!(ask(&wrong(&fresh)), 401);
    assert_eq!(ask(&wrong(&fresh)), 429);
    assert_eq!(ask(&fresh), 200);

    place.grantd("permission create b");
    place.grantd(&format!("client update {} --add-permission b", cc.id));
    thread::sleep(Duration::from_secs(1)); // until the node has forgotten all clients
    assert_eq!((ask(&wrong(&cc)), ask(&wrong(&cc))), (401, 429));
    assert_eq!(
        ask(&cc),
        200,
        "a change of the catalog, or of the client, takes its mark from nobody"
    );
}

#[test]
fn a_client_asks_as_often_as_its_rate_and_nobody_uses_it_up_for_it() {
    let place = Place::new();
    place.grantd("permission create a");
    let [busy, other] = [(); 2].map(|()| place.client("--permission a --signing-alg EdDSA"));
    let running = place.serve("--client-rate 5/s");
    let ask = |client: &Client| from(&running, TOKEN, client, "192.0.2.1");
    for _ in 0..50 {
        assert_eq!(ask(&wrong(&busy)).status, 401, "a guess is not the client's");
    }
    let start = Instant::now();
    let answers: Vec<Answer> = (0..60).map(|_| ask(&busy)).collect();
    let most = 5 + 5 * (start.elapsed().as_secs() + 1);
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(answers[..5].iter().all(|answer| answer.status == 200), "five at once");
    assert!(served as u64 <= most, "{served} of at most {most}");
    if let Some(over) = answers.iter().find(|answer| answer.status != 200) {
        assert_eq!(over.status, 429);
        assert_eq!(over.header("retry-after"), Some("1"));
        assert_eq!(over.header("www-authenticate"), None);
        assert_eq!(over.json()["error"], "temporarily_unavailable");
    }
    assert_eq!(ask(&other).status, 200, "others have their own");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(ask(&busy).status, 200, "and a second later there is room");
}

#[test]
fn a_rate_that_is_none_is_said_at_once_and_without_one_guesses_are_slowed_down_all_the_same() {
    let place = Place::new();
    for rate in ["0", "1000/m", "many"] {
        let output = place.try_grantd(&format!("serve --listen 127.0.0.1:0 --client-rate {rate}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("GRANTD_CLIENT_RATE"), "{said}");
    }
    let running = place.serve("--client-rate off");
    let nobody = Client { id: "nobody".to_owned(), secret: "wrong".to_owned() };
    let mut made_up = (0..200).map(|last| format!("203.0.113.{last}"));
    let slowed = made_up.any(|made_up| from(&running, TOKEN, &nobody, &made_up).status == 429);
    assert!(slowed, "whoever is no trusted proxy makes up no address");
}
