//! The promise: `kill -9` at any moment of a redemption or rotation lets no code and no refresh token work twice.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use super::{
    acting::Scene,
    app::{App, Tokens, refreshment},
    dead_tokens::active,
    kills::{Dice, assert_is_sound},
    server::{Client, Running},
    visitor::Visitor,
};

/// How many acknowledged redemptions and rotations must have gone through the kills.
const EXCHANGES: usize = 1000;
const HOLDERS: usize = 4;
/// The server is killed after fewer exchanges than this.
const LIFE: usize = 150;

/// What was sent last, without an answer yet.
#[derive(Clone)]
enum Sent {
    Nothing,
    Code(String),
    Refresh(String),
    Revocation(String),
}

/// An app with one approval at a time, which remembers all that it was told.
struct Holder {
    app: App,
    browser: Visitor,
    dice: Dice,
    /// The newest tokens of the present approval.
    present: Option<Tokens>,
    /// Codes and refresh tokens of it that were used.
    used: Vec<String>,
    sent: Sent,
    /// Access tokens whose end was acknowledged.
    dead: Vec<String>,
    acknowledged: usize,
    /// How often the kill came between the write and its answer.
    survived: usize,
}

impl Holder {
    fn new(app: &App, browser: Visitor, dice: Dice) -> Self {
        Self {
            app: app.clone(),
            browser,
            dice,
            present: None,
            used: Vec::new(),
            sent: Sent::Nothing,
            dead: Vec::new(),
            acknowledged: 0,
            survived: 0,
        }
    }

    /// One exchange after the other, until there is no answer.
    fn exchange_until_the_end(&mut self, server: SocketAddr, all: &AtomicUsize) {
        loop {
            let Some(kept) = self.exchange(server) else { return };
            if kept {
                self.acknowledged += 1;
                all.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// One exchange; `None`: the server is dead, and `sent` says what it was asked.
    fn exchange(&mut self, server: SocketAddr) -> Option<bool> {
        let Some(present) = self.present.clone() else {
            let code = self.code(server)?;
            self.sent = Sent::Code(code.clone());
            let tokens = self.ask(server, &self.app.redemption(&code))?;
            self.took(code, tokens);
            return Some(true);
        };
        if self.dice.below(12) == 0 {
            self.sent = Sent::Revocation(present.refresh.clone());
            self.revoke(server, &present.refresh)?;
            self.ended();
            return Some(false);
        }
        self.sent = Sent::Refresh(present.refresh.clone());
        let tokens = self.ask(server, &refreshment(&present.refresh))?;
        self.took(present.refresh, tokens);
        Some(true)
    }

    /// What became of the last thing that was sent, once the server is back: it may have been done, but
    /// then it is not done again.
    fn settle(&mut self, server: SocketAddr) {
        let (text, body) = match std::mem::replace(&mut self.sent, Sent::Nothing) {
            Sent::Nothing => return,
            Sent::Revocation(token) => {
                self.revoke(server, &token).unwrap();
                return self.ended();
            }
            Sent::Code(code) => (code.clone(), self.app.redemption(&code)),
            Sent::Refresh(token) => (token.clone(), refreshment(&token)),
        };
        let answer = self.app.post(server, &body);
        if answer.status == 200 {
            return self.took(text, Tokens::of(&answer));
        }
        // It had been used; so this was a second use, and all of it has ended.
        assert_eq!(answer.json()["error"], "invalid_grant", "{}", answer.text());
        self.survived += 1;
        self.used.push(text);
        self.ended();
    }

    /// Nothing that was used works again; the present tokens do, until then.
    fn assert_nothing_works_twice(&mut self, running: &Running, server: &Client) {
        let address = running.address;
        for token in &self.dead {
            assert!(!active(running, server, token), "an ended token lives");
        }
        let Some(present) = self.present.take() else { return };
        assert!(active(running, server, &present.access), "an acknowledged token is dead");
        let next = Tokens::of(&self.app.refresh(address, &present.refresh));
        self.used.push(present.refresh);
        for used in self.used.drain(..) {
            let body = if used.starts_with("gac_") {
                self.app.redemption(&used)
            } else {
                refreshment(&used)
            };
            let answer = self.app.post(address, &body);
            assert_eq!(answer.status, 400, "{} works twice", &used[..4]);
            assert_eq!(answer.json()["error"], "invalid_grant");
        }
        assert_eq!(self.app.refresh(address, &next.refresh).status, 400, "the family forked");
        for token in [present.access, next.access] {
            assert!(!active(running, server, &token), "a token of an ended approval lives");
        }
    }

    fn code(&mut self, server: SocketAddr) -> Option<String> {
        self.sent = Sent::Nothing;
        self.browser.address = server;
        let answer = self.browser.try_get(&self.app.address(&[("scope", "schools.read")]))?;
        assert_eq!(answer.status, 303, "consented before: {}", answer.text());
        super::app::parameter(answer.header("location")?, "code")
    }

    fn ask(&self, server: SocketAddr, body: &str) -> Option<Tokens> {
        let answer = self.app.try_post(server, body)?;
        // Cut off in the middle of the answer.
        serde_json::from_slice::<serde_json::Value>(&answer.body).ok()?;
        Some(Tokens::of(&answer))
    }

    fn took(&mut self, used: String, tokens: Tokens) {
        self.sent = Sent::Nothing;
        self.used.push(used);
        self.present = Some(tokens);
    }

    fn revoke(&self, server: SocketAddr, token: &str) -> Option<()> {
        let Client { id, secret } = &self.app.client;
        let body = format!("token={token}&client_id={id}&client_secret={secret}");
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let sent = super::wire::request("POST", "/oauth/revoke", &headers, body.as_bytes());
        let answer = super::wire::try_send(server, &sent)?;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Some(())
    }

    /// The present approval has ended.
    fn ended(&mut self) {
        self.sent = Sent::Nothing;
        self.used.clear();
        self.dead.extend(self.present.take().map(|tokens| tokens.access));
    }
}

/// Lets everybody exchange until the server is killed under them.
fn play(mut running: Running, holders: &mut [Holder], dice: &mut Dice) {
    let address = running.address;
    let (acknowledged, enough) = (AtomicUsize::new(0), dice.below(LIFE));
    thread::scope(|scope| {
        for holder in holders {
            scope.spawn(|| holder.exchange_until_the_end(address, &acknowledged));
        }
        let deadline = Instant::now() + Duration::from_secs(20);
        while acknowledged.load(Ordering::Relaxed) < enough && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(dice.below(5_000) as u64));
        running.kill();
    });
}

#[test]
fn op_09_kill_9_during_a_thousand_redemptions_and_rotations_lets_nothing_work_twice() {
    // Every start has another port, and tokens outlive them.
    let Scene { place, running, web, server, .. } = Scene::open("--issuer http://127.0.0.1:1");
    let seed = SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos() | 1;
    println!("seed {seed}");
    let mut dice = Dice(u64::from(seed));
    let mut holders: Vec<_> = (0..HOLDERS as u64)
        .map(|number| {
            let mut browser = Visitor::new(&running);
            let name = if number % 2 == 0 { "ada" } else { "bob" };
            assert_eq!(browser.sign_in(name, super::server::PASSWORD).status, 303);
            // Asked once; from then on a code is one request.
            web.code(&mut browser, "schools.read");
            Holder::new(&web, browser, Dice(u64::from(seed) * (number * 2 + 3)))
        })
        .collect();
    let (mut kills, mut running) = (0, Some(running));
    while holders.iter().map(|holder| holder.acknowledged).sum::<usize>() < EXCHANGES {
        play(running.take().unwrap(), &mut holders, &mut dice);
        kills += 1;
        let again = running.insert(place.serve("--issuer http://127.0.0.1:1"));
        for holder in &mut holders {
            holder.settle(again.address);
            if dice.below(3) == 0 {
                holder.assert_nothing_works_twice(again, &server);
            }
        }
    }
    let running = running.unwrap();
    for holder in &mut holders {
        holder.assert_nothing_works_twice(&running, &server);
    }
    let survived: usize = holders.iter().map(|holder| holder.survived).sum();
    println!("{kills} kills; {survived} exchanges were made and not acknowledged");
    assert!(kills >= 10, "only {kills} kills");
    drop(running);
    assert_is_sound(&place);
}
