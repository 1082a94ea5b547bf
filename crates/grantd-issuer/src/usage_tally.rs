//! Counts of token requests by client, hour and outcome, kept until somebody writes them down:
//! never a row a request.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use grantd_core::{ClientId, CredentialId, Issued, Raw, Refusal, Refused, Timestamp, TokenRequest};

use crate::{
    issuer::Issuer,
    registration::LastUse,
    usage::{Hour, Outcome, UsageCount, UsageKey},
};

/// Parts with a lock of their own, so that requests beside each other seldom meet.
const PARTS: usize = 16;
/// How many counts a part holds: 131,072 in all, about 20 MB while the database is out of reach.
const PART: usize = 8_192;

/// The counts since the last drain.
#[derive(Debug, Default)]
pub(crate) struct UsageTally {
    parts: [Mutex<Part>; PARTS],
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Part {
    /// A client has a line or two: found by its id alone, without an allocation.
    clients: HashMap<ClientId, Vec<Line>>,
    lines: usize,
}

#[derive(Debug)]
struct Line {
    hour: Hour,
    outcome: Outcome,
    count: u64,
    last_at: Timestamp,
    last_from: Option<IpAddr>,
}

impl UsageTally {
    /// Counts one request.
    fn count(&self, client: &ClientId, outcome: Outcome, (at, from): (Timestamp, Option<IpAddr>)) {
        self.add(
            client,
            Line { hour: Hour::of(at), outcome, count: 1, last_at: at, last_from: from },
        );
    }

    fn add(&self, client: &ClientId, line: Line) {
        let mut guard = self.part(client);
        let part = &mut *guard;
        let room = part.lines < PART;
        let lines = match part.clients.get_mut(client) {
            Some(lines) => lines,
            None if room => {
                part.clients.entry(client.clone()).or_insert_with(|| Vec::with_capacity(1))
            }
            None => return self.drop(&line),
        };
        let same = |known: &&mut Line| known.hour == line.hour && known.outcome == line.outcome;
        match lines.iter_mut().find(same) {
            Some(known) => known.merge(&line),
            None if room => {
                lines.push(line);
                part.lines += 1;
            }
            None => self.drop(&line),
        }
    }

    /// A part that is full forgets what it has no line for.
    fn drop(&self, line: &Line) {
        self.dropped.fetch_add(line.count, Ordering::Relaxed);
    }

    fn part(&self, client: &ClientId) -> MutexGuard<'_, Part> {
        // The end of an id is what differs most: of a UUID it is random.
        let bytes = client.as_str().bytes().rev().take(8);
        let part = bytes.fold(0_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(byte));
        self.parts[part % PARTS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self) -> Vec<UsageCount> {
        let mut counts = Vec::new();
        for part in &self.parts {
            let part = std::mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner));
            for (client, lines) in part.clients {
                counts.extend(lines.into_iter().map(|line| line.of(&client)));
            }
        }
        // As they lie in the table: a batch then touches few of its pages, which is most of its cost.
        counts.sort_unstable_by(|a, b| a.key.client.cmp(&b.key.client));
        counts
    }

    fn put_back(&self, counts: Vec<UsageCount>) {
        for UsageCount { key, count, last_at, last_from } in counts {
            let UsageKey { hour, client, outcome } = key;
            let last_from = last_from.parse().ok();
            self.add(&client, Line { hour, outcome, count, last_at, last_from });
        }
    }
}

impl Line {
    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        if other.last_at >= self.last_at {
            (self.last_at, self.last_from) = (other.last_at, other.last_from);
        }
    }

    fn of(self, client: &ClientId) -> UsageCount {
        UsageCount {
            key: UsageKey { hour: self.hour, client: client.clone(), outcome: self.outcome },
            count: self.count,
            last_at: self.last_at,
            last_from: self.last_from.map_or_else(String::new, |from| from.to_string()),
        }
    }
}

/// What a host writes down every few seconds, and when it stops.
impl Issuer {
    /// How often each client's token requests ended how since the last call, for
    /// [`crate::Usage::record_usage`]. Ids that nobody has are not among them. A host that never
    /// asks loses nothing but the counts: memory is bounded.
    pub fn drain_usage(&self) -> Vec<UsageCount> {
        self.usage.drain()
    }

    /// Takes back counts that could not be written, so that a later [`Issuer::drain_usage`] gives
    /// them again together with what came meanwhile.
    pub fn put_back_usage(&self, counts: Vec<UsageCount>) {
        self.usage.put_back(counts);
    }

    /// How many token requests were not counted because too many counts wait to be written.
    pub fn dropped_usage(&self) -> u64 {
        self.usage.dropped.load(Ordering::Relaxed)
    }

    /// What is to be remembered of the use of credentials since the last call, for
    /// [`crate::Registry::record_use`].
    pub fn drain_uses(&self) -> Vec<(CredentialId, LastUse)> {
        self.uses.drain()
    }

    /// Takes back uses that could not be written.
    pub fn put_back_uses(&self, uses: Vec<(CredentialId, LastUse)>) {
        self.uses.put_back(uses);
    }

    pub(crate) fn note_issued(&self, issued: &Issued, from: Option<IpAddr>) {
        if let Some(credential) = issued.credential {
            self.uses.note(credential, issued.issued_at, from);
        }
        self.usage.count(&issued.client, Outcome::ISSUED, (issued.issued_at, from));
    }

    /// Counts a refusal for the client that it concerns, and gives it back.
    pub(crate) async fn note_refused(
        &self,
        mut refused: Refused,
        raw: &Raw<'_>,
        from: Option<IpAddr>,
    ) -> Refused {
        let why = refused.refusal;
        // Found wrong before anybody looked for the client, though it is named well enough.
        if matches!(why, Refusal::GrantTypeMissing | Refusal::GrantTypeUnsupported)
            && let Some(credentials) = TokenRequest::credentials(raw)
            && let Ok(Some(known)) = self.clients.find(&credentials).await
        {
            refused.client = Some(known.client.id.clone());
        }
        if let Some(client) = &refused.client {
            self.usage.count(client, Outcome::refused(why), (self.clock().now(), from));
        }
        refused
    }

    /// Counts what a client was refused at the authorization endpoint.
    pub fn note_refused_authorization(&self, refused: &Refused, from: Option<IpAddr>) {
        if let Some(client) = &refused.client {
            let outcome = Outcome::refused(refused.refusal);
            self.usage.count(client, outcome, (self.clock().now(), from));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ClientId {
        text.parse().unwrap()
    }

    fn at(seconds: i64) -> (Timestamp, Option<IpAddr>) {
        (Timestamp::from_seconds(seconds), format!("192.0.2.{}", seconds % 200).parse().ok())
    }

    fn told(tally: &UsageTally) -> Vec<(String, i64, String, u64, String)> {
        let mut counts = tally.drain();
        counts.sort_by(|a, b| a.key.cmp(&b.key));
        let line = |count: UsageCount| {
            let UsageKey { hour, client, outcome } = count.key;
            let hour = hour.start().seconds() / 3600;
            (client.to_string(), hour, outcome.to_string(), count.count, count.last_from)
        };
        counts.into_iter().map(line).collect()
    }

    fn row(
        client: &str,
        hour: i64,
        outcome: &str,
        (count, from): (u64, &str),
    ) -> (String, i64, String, u64, String) {
        (client.to_owned(), hour, outcome.to_owned(), count, from.to_owned())
    }

    #[test]
    fn requests_are_counted_by_client_hour_and_outcome_and_drained_once() {
        let tally = UsageTally::default();
        let wrong = Outcome::refused(Refusal::ClientSecretWrong);
        for seconds in [1, 3, 2] {
            tally.count(&id("a"), Outcome::ISSUED, at(seconds));
        }
        tally.count(&id("a"), wrong.clone(), at(4));
        tally.count(&id("a"), wrong.clone(), at(3_605));
        tally.count(&id("b"), wrong, at(5));
        let expected = [
            row("a", 0, "client-secret-wrong", (1, "192.0.2.4")),
            row("a", 0, "issued", (3, "192.0.2.3")),
            row("b", 0, "client-secret-wrong", (1, "192.0.2.5")),
            row("a", 1, "client-secret-wrong", (1, "192.0.2.5")),
        ];
        assert_eq!(told(&tally), expected);
        assert!(told(&tally).is_empty());
    }

    #[test]
    fn what_could_not_be_written_is_added_to_what_came_meanwhile() {
        let tally = UsageTally::default();
        tally.count(&id("a"), Outcome::ISSUED, at(1));
        let unwritten = tally.drain();
        tally.count(&id("a"), Outcome::ISSUED, at(2));
        tally.put_back(unwritten);
        assert_eq!(told(&tally), [row("a", 0, "issued", (2, "192.0.2.2"))]);
    }

    #[test]
    fn a_flood_is_bounded_what_is_left_out_is_counted_and_known_lines_go_on() {
        let tally = UsageTally::default();
        tally.count(&id("first"), Outcome::ISSUED, at(1));
        let flood = (2 * PARTS * PART) as u64;
        for n in 0..flood {
            tally.count(&id(&format!("client-{n}")), Outcome::ISSUED, at(1));
        }
        tally.count(&id("first"), Outcome::ISSUED, at(2));
        let dropped = tally.dropped.load(Ordering::Relaxed);
        let counts = tally.drain();
        assert!(counts.len() <= PARTS * PART);
        assert_eq!(counts.iter().map(|count| count.count).sum::<u64>() + dropped, flood + 2);
        assert!(counts.iter().any(|count| count.key.client == id("first") && count.count == 2));
    }
}
