//! When and from where credentials were used, kept until somebody writes it down: never a row a token.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use grantd_core::{CredentialId, Timestamp};

use crate::registration::LastUse;

/// Parts with a lock of their own, so that requests beside each other seldom meet.
const PARTS: usize = 16;
/// How many credentials a part remembers between two calls of [`UseLog::drain`].
const PART: usize = 16_384;

type Part = HashMap<CredentialId, (Timestamp, Option<IpAddr>)>;

/// The last use of each credential since the last drain.
#[derive(Debug, Default)]
pub(crate) struct UseLog([Mutex<Part>; PARTS]);

impl UseLog {
    /// Remembers a use. A part that is full forgets new credentials: what is lost is one time stamp.
    pub(crate) fn note(&self, credential: CredentialId, at: Timestamp, from: Option<IpAddr>) {
        let mut part = self.part(credential);
        if part.len() < PART || part.contains_key(&credential) {
            part.insert(credential, (at, from));
        }
    }

    /// Takes in again what could not be written down, unless something newer was noted meanwhile.
    pub(crate) fn put_back(&self, uses: Vec<(CredentialId, LastUse)>) {
        for (credential, last) in uses {
            let mut part = self.part(credential);
            if part.len() < PART && !part.contains_key(&credential) {
                part.insert(credential, (last.at, last.address.parse().ok()));
            }
        }
    }

    fn part(&self, credential: CredentialId) -> MutexGuard<'_, Part> {
        let part = usize::from(credential.uuid().as_bytes()[15]) % PARTS;
        self.0[part].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what has been noted.
    pub(crate) fn drain(&self) -> Vec<(CredentialId, LastUse)> {
        let mut uses = Vec::new();
        for part in &self.0 {
            let part = std::mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner));
            uses.extend(part.into_iter().map(|(credential, (at, from))| {
                let address = from.map_or_else(String::new, |from| from.to_string());
                (credential, LastUse { at, address })
            }));
        }
        // As they lie in the table, like the counts of usage.
        uses.sort_unstable_by_key(|(credential, _)| *credential);
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_credential_the_last_use_is_drained_once() {
        let log = UseLog::default();
        let id = CredentialId::mint(Timestamp::default(), [1; 10]);
        let other = CredentialId::mint(Timestamp::default(), [2; 10]);
        let from = "192.0.2.1".parse().ok();
        log.note(id, Timestamp::from_seconds(1), None);
        log.note(id, Timestamp::from_seconds(2), from);
        log.note(other, Timestamp::from_seconds(3), None);
        let mut uses = log.drain();
        uses.sort_by_key(|(_, last)| last.at);
        let last = |at, address: &str| LastUse {
            at: Timestamp::from_seconds(at),
            address: address.to_owned(),
        };
        assert_eq!(uses, [(id, last(2, "192.0.2.1")), (other, last(3, ""))]);
        assert!(log.drain().is_empty());
    }

    #[test]
    fn what_could_not_be_written_comes_again_and_hides_nothing_newer() {
        let log = UseLog::default();
        let ids = [1, 2].map(|n| CredentialId::mint(Timestamp::default(), [n; 10]));
        for id in ids {
            log.note(id, Timestamp::from_seconds(1), "192.0.2.1".parse().ok());
        }
        let unwritten = log.drain();
        log.note(ids[1], Timestamp::from_seconds(2), None);
        log.put_back(unwritten);
        let mut uses = log.drain();
        uses.sort_by_key(|(_, last)| last.at);
        let told: Vec<_> =
            uses.iter().map(|(id, last)| (*id, last.at.seconds(), last.address.as_str())).collect();
        assert_eq!(told, [(ids[0], 1, "192.0.2.1"), (ids[1], 2, "")]);
    }

    #[test]
    fn a_flood_of_credentials_is_bounded() {
        let log = UseLog::default();
        for n in 0..(2 * PARTS * PART) as u64 {
            let mut entropy = [0; 10];
            entropy[2..].copy_from_slice(&n.to_be_bytes());
            log.note(CredentialId::mint(Timestamp::default(), entropy), Timestamp::default(), None);
        }
        assert!(log.drain().len() <= PARTS * PART);
    }
}
