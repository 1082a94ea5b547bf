//! Attempts to sign in: alike whoever is meant, slower and slower, and never over for good.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{server::Place, visitor::Visitor};

const PASSWORD: &str = "correct horse battery";

#[test]
fn a_wrong_name_a_wrong_password_and_a_disabled_user_are_answered_alike() {
    let place = Place::new();
    for name in ["user0", "user1", "user2"] {
        place.user(name, PASSWORD, "");
    }
    place.grantd("user disable user2");
    let running = place.serve("");
    let mut answers = Vec::new();
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        for (name, password) in [
            ("user0", "not the right one"),
            ("none0", "not the right one"),
            ("user1", ""),
            ("none1", PASSWORD),
            ("user2", PASSWORD),
        ] {
            let start = Instant::now();
            let answer = Visitor::new(&running).sign_in(name, password);
            let took = start.elapsed();
            let times = if name.starts_with("user") { &mut known } else { &mut unknown };
            times.push(took);
            assert_eq!(answer.status, 422);
            let mut headers = answer.headers.clone();
            headers.retain(|(name, _)| name != "date");
            assert!(answer.text().contains(&format!(r#"value="{name}""#)), "what was typed stays");
            answers.push((headers, answer.text().replace(name, "NAME")));
        }
    }
    for answer in &answers {
        assert_eq!(*answer, answers[0]);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (known, unknown) = (median(&mut known), median(&mut unknown));
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    // Without a hash for nobody, it would be twenty.
    assert!((0.5..2.0).contains(&ratio), "{known:?} for who is there, {unknown:?} for who is not");
}

#[test]
fn guessing_is_slowed_down_and_the_owner_gets_in_when_the_wait_is_over() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "");
    place.user("Bob", PASSWORD, "");
    let running = place.serve("");
    let mut guesser = Visitor::new(&running);
    for guess in 0..5 {
        assert_eq!(guesser.sign_in("Ada", &format!("guess number {guess}")).status, 422);
    }
    let slowed = guesser.sign_in("aDa", PASSWORD);
    assert_eq!(slowed.status, 429, "the right password does not pass either");
    assert_eq!(slowed.header("retry-after"), Some("1"));
    assert!(slowed.text().contains("Try again in 1 second."), "{}", slowed.text());
    assert!(slowed.text().contains(r#"value="aDa""#), "what was typed stays");
    assert_eq!(guesser.sign_in("Bob", PASSWORD).status, 303, "another account is not slowed");
    thread::sleep(Duration::from_millis(1100));
    assert_eq!(guesser.sign_in("Ada", PASSWORD).status, 303);
    assert_eq!(guesser.sign_in("Ada", "one typo").status, 422, "and all starts anew");
}

#[test]
fn a_flood_of_guesses_at_once_is_counted_whole_and_the_server_goes_on() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "");
    let running = place.serve("");
    let statuses: Vec<u16> = thread::scope(|scope| {
        let guess = |at: usize| {
            let running = &running;
            scope.spawn(move || {
                Visitor::new(running).sign_in("Ada", &format!("guess {at:06}")).status
            })
        };
        let all: Vec<_> = (0..60).map(guess).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |status: u16| statuses.iter().filter(|known| **known == status).count();
    assert_eq!((count(422), count(429)), (5, 55), "{statuses:?}");
    let storm: Vec<u16> = thread::scope(|scope| {
        let guess = |at: usize| {
            let running = &running;
            scope.spawn(move || Visitor::new(running).sign_in(&format!("n{at}"), "guess").status)
        };
        let all: Vec<_> = (0..60).map(guess).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(storm.iter().all(|status| matches!(status, 422 | 429 | 503)), "{storm:?}");
    assert_eq!(Visitor::new(&running).get("/healthz").status, 200);
}

#[test]
fn while_storage_fails_no_attempt_is_used_up() {
    let place = Place::new();
    place.user("Ada", PASSWORD, "");
    let running = place.serve("");
    let database = rusqlite::Connection::open(place.path().join("grantd.db")).unwrap();
    database.execute_batch("ALTER TABLE users RENAME TO away").unwrap();
    for _ in 0..8 {
        assert_eq!(Visitor::new(&running).sign_in("Ada", PASSWORD).status, 503);
    }
    database.execute_batch("ALTER TABLE away RENAME TO users").unwrap();
    assert_eq!(Visitor::new(&running).sign_in("Ada", "wrong wrong").status, 422);
    assert_eq!(Visitor::new(&running).sign_in("Ada", PASSWORD).status, 303);
}
