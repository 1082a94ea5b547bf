//! The audit log: every change with who, when and what, in a chain that shows tampering.

use aws_lc_rs::digest;
use grantd_core::{ApprovalId, ClientId, SessionId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::{
    admin::Stamp,
    registration::Registration,
    registration_json::{ToJson, hexadecimal, moment, names},
    session::Session,
};

/// The hash of a row; the chain begins with zeros.
pub type ChainHash = [u8; 32];

/// A change as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its place in the chain, from 1.
    pub seq: u64,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Who, e.g. `cli:root` or `client:ID`.
    pub actor: String,
    /// From where, if over a network.
    pub address: Option<String>,
    /// What was done, e.g. `client.rotate`.
    pub action: String,
    /// To what: kind and id, e.g. `client:ID`.
    pub object: String,
    /// JSON of the object before; `None` where there was none.
    pub before: Option<String>,
    /// JSON of the object after; `None` where there is none.
    pub after: Option<String>,
    /// SHA-256 over the hash of the event before and everything above.
    pub hash: ChainHash,
}

/// Which audit events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only what was done to this, e.g. `client:ID`.
    pub object: Option<String>,
    /// Only what was done by this one, e.g. `cli:root`.
    pub actor: Option<String>,
    /// Only what is called so, e.g. `client.rotate`.
    pub action: Option<String>,
    /// Which come first.
    pub order: Order,
    /// Only those that come, in this order, after the event with this number.
    pub after: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Which events come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As they happened.
    #[default]
    OldestFirst,
    /// The last one first.
    NewestFirst,
}

impl AuditQuery {
    /// Whether this event is among those asked for, their number aside.
    pub fn asks_for(&self, event: &AuditEvent) -> bool {
        let is =
            |asked: &Option<String>, own: &String| asked.as_ref().is_none_or(|asked| asked == own);
        let behind = self.after.is_none_or(|after| match self.order {
            Order::OldestFirst => event.seq > after,
            Order::NewestFirst => event.seq < after,
        });
        behind
            && is(&self.object, &event.object)
            && is(&self.actor, &event.actor)
            && is(&self.action, &event.action)
    }
}

/// What was done to what, for the log to complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// What was done, e.g. `client.rotate`.
    pub action: &'static str,
    /// To what: kind and id.
    pub object: String,
    /// The object before.
    pub before: Option<Value>,
    /// The object after.
    pub after: Option<Value>,
}

/// So many events of one action by one actor are written in an hour, where the action needs no right to
/// change anything: whoever may only sign in must not fill the log, which forgets nothing.
pub const ROUTINE: u32 = 20;

/// From when on events count against [`ROUTINE`].
pub fn routine_since(now: Timestamp) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_sub(3600 * 1_000_000))
}

/// Who had something that is deleted, of one kind: the audit event remembers so many, and the number
/// of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// How many had it.
    pub count: u64,
    /// The first of them, in the order of their ids; at most [`Held::MOST`].
    pub first: Vec<String>,
}

impl Held {
    /// How many are named.
    pub const MOST: u32 = 100;

    /// By these, in the order of their ids.
    pub fn by(holders: impl IntoIterator<Item = impl ToString>) -> Self {
        let mut held = Self::default();
        for holder in holders {
            held.count += 1;
            if held.first.len() < Self::MOST as usize {
                held.first.push(holder.to_string());
            }
        }
        held
    }
}

impl Deed {
    /// A code or refresh token was presented again, so that what the user allowed has ended.
    pub fn reused(approval: ApprovalId, user: UserId, client: &ClientId) -> Self {
        let before = json!({ "grant_id": approval.to_string(), "user_id": user.to_string() });
        let object = format!("client:{client}");
        Self { action: "consent.reuse", object, before: Some(before), after: None }
    }

    /// A signing key is in wrong hands.
    pub fn key_revoked(kid: &str) -> Self {
        Self { action: "key.revoke", object: format!("key:{kid}"), before: None, after: None }
    }

    /// The same, with who had what is deleted, kind by kind: nothing else remembers it.
    #[must_use]
    pub fn held_by(mut self, holders: &[(&str, Held)]) -> Self {
        if let Some(Value::Object(before)) = &mut self.before {
            let kinds = holders.iter().map(|(kind, held)| {
                ((*kind).to_owned(), json!({ "count": held.count, "first": held.first }))
            });
            before.insert("held_by".to_owned(), Value::Object(kinds.collect()));
        }
        self
    }

    /// Somebody signed in.
    pub fn signed_in(session: &Session) -> Self {
        let after = json!({
            "session_id": session.id.to_string(),
            "agent": session.agent,
            "ends_at": moment(session.ends_at),
        });
        let object = format!("user:{}", session.user);
        Self { action: "user.sign-in", object, before: None, after: Some(after) }
    }

    /// Somebody ended sessions of their own, at least one.
    pub fn signed_out(user: UserId, sessions: &[SessionId]) -> Self {
        let before = Some(json!({ "session_ids": names(sessions) }));
        Self { action: "user.sign-out", object: format!("user:{user}"), before, after: None }
    }

    /// A backup took the place of the database: how far its log went, and what became of the tokens,
    /// codes and sessions that were given out before.
    pub fn restored(backup: &Chain, given_out: &str) -> Self {
        let after = json!({
            "audit_events": backup.length(),
            "audit_hash": hexadecimal(backup.hash()),
            "given_out": given_out,
        });
        let object = "database:grantd".to_owned();
        Self { action: "database.restore", object, before: None, after: Some(after) }
    }

    /// Something done to a client.
    pub fn on_client(
        action: &'static str,
        before: Option<&Registration>,
        after: &Registration,
    ) -> Self {
        Self::on(action, "client", &after.id, (before, Some(after)))
    }

    /// Something done to an object of some kind, with what it was and what it is.
    pub fn on<T: ToJson>(
        action: &'static str,
        kind: &str,
        id: &impl std::fmt::Display,
        (before, after): (Option<&T>, Option<&T>),
    ) -> Self {
        let object = format!("{kind}:{id}");
        Self { action, object, before: before.map(T::to_json), after: after.map(T::to_json) }
    }
}

impl AuditEvent {
    /// The next event of a chain.
    pub fn next(seq: u64, previous: &ChainHash, deed: &Deed, stamp: &Stamp) -> Self {
        let mut event = Self {
            seq,
            at: stamp.at,
            actor: stamp.actor.clone(),
            address: stamp.address.map(|address| address.to_string()),
            action: deed.action.to_owned(),
            object: deed.object.clone(),
            before: deed.before.as_ref().map(ToString::to_string),
            after: deed.after.as_ref().map(ToString::to_string),
            hash: [0; 32],
        };
        event.hash = event.chained(previous);
        event
    }

    /// The hash this event must have behind that one. Every part goes in with its length, so that
    /// no two events write the same bytes.
    fn chained(&self, previous: &ChainHash) -> ChainHash {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(previous);
        context.update(&self.seq.to_be_bytes());
        context.update(&self.at.micros().to_be_bytes());
        let parts = [
            Some(self.actor.as_str()),
            self.address.as_deref(),
            Some(self.action.as_str()),
            Some(self.object.as_str()),
            self.before.as_deref(),
            self.after.as_deref(),
        ];
        for part in parts {
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            context.update(&length.to_be_bytes());
            context.update(part.unwrap_or_default().as_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

/// Checks a chain event by event, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    last: u64,
    hash: ChainHash,
}

/// Where a chain does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A row is missing or out of its place.
    #[error("row {expected} of the audit log is missing: row {found} stands in its place")]
    Gap {
        /// The row that should come.
        expected: u64,
        /// The row that came.
        found: u64,
    },
    /// A row is not what was written.
    #[error("row {0} of the audit log was altered, or one before it was removed or reordered")]
    Altered(u64),
    /// Rows at the end are missing.
    #[error("the audit log ends at row {found}, but {expected} were written")]
    CutOff {
        /// How many were written.
        expected: u64,
        /// How many there are.
        found: u64,
    },
}

impl Chain {
    /// Takes the next event in.
    pub fn follow(&mut self, event: &AuditEvent) -> Result<(), ChainError> {
        let expected = self.last + 1;
        if event.seq != expected {
            return Err(ChainError::Gap { expected, found: event.seq });
        }
        if event.chained(&self.hash) != event.hash {
            return Err(ChainError::Altered(event.seq));
        }
        self.last = event.seq;
        self.hash = event.hash;
        Ok(())
    }

    /// Whether the chain ends where the log says it does.
    pub fn end(&self, written: u64) -> Result<(), ChainError> {
        if self.last == written {
            Ok(())
        } else {
            Err(ChainError::CutOff { expected: written, found: self.last })
        }
    }

    /// How many events were followed.
    pub fn length(&self) -> u64 {
        self.last
    }

    /// The hash of the last one: who keeps it elsewhere can prove the log of today tomorrow.
    pub fn hash(&self) -> &ChainHash {
        &self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Admin;

    fn log() -> Vec<AuditEvent> {
        let stamp = Stamp::of(&Admin::command_line("ada"), Timestamp::from_seconds(1));
        let mut previous = [0; 32];
        (1..=5)
            .map(|seq| {
                let after = Some(serde_json::json!({ "n": seq }));
                let object = format!("client:{seq}");
                let deed = Deed { action: "client.create", object, before: None, after };
                let event = AuditEvent::next(seq, &previous, &deed, &stamp);
                previous = event.hash;
                event
            })
            .collect()
    }

    fn verify(events: &[AuditEvent]) -> Result<(), ChainError> {
        let mut chain = Chain::default();
        events.iter().try_for_each(|event| chain.follow(event))?;
        chain.end(5)
    }

    #[test]
    fn an_untouched_log_verifies() {
        assert_eq!(verify(&log()), Ok(()));
    }

    #[test]
    fn an_altered_row_is_found() {
        let spoil: [fn(&mut AuditEvent); 6] = [
            |event| event.actor.push('x'),
            |event| event.after = None,
            |event| event.before = Some(String::new()),
            |event| event.at = Timestamp::from_seconds(2),
            |event| event.address = Some("::1".to_owned()),
            |event| event.hash[0] ^= 1,
        ];
        for change in spoil {
            let mut events = log();
            change(&mut events[2]);
            assert_eq!(verify(&events), Err(ChainError::Altered(3)));
        }
    }

    #[test]
    fn a_removed_or_reordered_row_is_found_at_the_end_too() {
        let mut events = log();
        events.remove(1);
        assert_eq!(verify(&events), Err(ChainError::Gap { expected: 2, found: 3 }));
        let mut events = log();
        events.swap(1, 2);
        assert!(verify(&events).is_err());
        let mut events = log();
        events.pop();
        assert_eq!(verify(&events), Err(ChainError::CutOff { expected: 5, found: 4 }));
        let mut events = log();
        events.remove(1);
        for (at, event) in events.iter_mut().enumerate() {
            event.seq = at as u64 + 1;
        }
        assert_eq!(verify(&events), Err(ChainError::Altered(2)), "renumbering does not help");
    }
}
