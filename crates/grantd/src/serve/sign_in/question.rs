//! Questions that passkeys answer, on their way through a browser and back: vouched for, not kept.
//!
//! Whoever opens the login page asks for one, so nothing is remembered for it: the browser carries the
//! question, with an HMAC of the server's over what it is for, for whom and until when. Only an answer
//! that counted is remembered, by storage, so that it counts once (decision 0011).

use grantd_core::{SecretHash, SecretHasher, SessionId, Timestamp, Ttl};
use grantd_issuer::{Clock, clock::SystemClock, hexadecimal, passkey::Answered};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How long a person has for their answer, in seconds.
pub(super) const PATIENCE: i64 = 300;
/// The HMAC in hexadecimal.
const MAC: usize = 64;

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To sign in: whoever that is.
    SignIn,
    /// To add a passkey to the user of this session.
    Add(SessionId),
}

impl Purpose {
    fn text(self) -> String {
        match self {
            Self::SignIn => "sign-in".to_owned(),
            Self::Add(session) => format!("add {session}"),
        }
    }
}

/// What stands behind the HMAC.
#[derive(Deserialize, Serialize)]
struct Words<S> {
    purpose: String,
    /// Unix seconds.
    until: i64,
    /// What the library needs to check the answer: the challenge, and what was asked for.
    state: S,
}

/// Makes questions and recognises its own.
pub(super) struct Questions(SecretHasher);

impl Questions {
    pub(super) fn new(hasher: SecretHasher) -> Self {
        Self(hasher)
    }

    /// The question as text. `None` only if it is too long for an HMAC over all of it.
    pub(super) fn ask<S: Serialize>(&self, purpose: Purpose, state: &S) -> Option<String> {
        self.ask_at(purpose, state, SystemClock.now())
    }

    fn ask_at<S: Serialize>(&self, purpose: Purpose, state: &S, now: Timestamp) -> Option<String> {
        let until = now.after(Ttl::from_seconds(PATIENCE)?).micros() / 1_000_000;
        let words = serde_json::to_string(&Words { purpose: purpose.text(), until, state }).ok()?;
        // The hasher would cut off what is longer.
        let mac = (words.len() <= SecretHasher::MAX_SECRET).then(|| self.0.hash(&words))?;
        Some(hexadecimal(mac.as_bytes()) + &words)
    }

    /// What a question of this server's and for this purpose asked, while it may be answered.
    pub(super) fn read<S: DeserializeOwned>(
        &self,
        purpose: Purpose,
        text: &str,
    ) -> Option<(S, Answered)> {
        self.read_at(purpose, text, SystemClock.now())
    }

    fn read_at<S: DeserializeOwned>(
        &self,
        purpose: Purpose,
        text: &str,
        now: Timestamp,
    ) -> Option<(S, Answered)> {
        let (mac, words) = text.split_at_checked(MAC)?;
        if words.len() > SecretHasher::MAX_SECRET {
            return None;
        }
        let question = self.0.hash(words);
        if !question.matches(&read_mac(mac)?) {
            return None;
        }
        let words: Words<S> = serde_json::from_str(words).ok()?;
        let until = Timestamp::from_seconds(words.until);
        let fits = words.purpose == purpose.text() && now < until;
        fits.then_some((words.state, Answered { question, until }))
    }
}

fn read_mac(text: &str) -> Option<SecretHash> {
    let mut bytes = [0; MAC / 2];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(2 * at..2 * at + 2)?;
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        *byte = u8::from_str_radix(digits, 16).ok().filter(|_| plain)?;
    }
    Some(SecretHash::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use grantd_core::SecretKey;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn questions(key: u8) -> Questions {
        Questions::new(SecretKey::from_bytes([key; 32]).passkey_hasher())
    }

    fn session(number: u8) -> Purpose {
        Purpose::Add(SessionId::mint(at(0), [number; 10]))
    }

    #[test]
    fn a_question_is_read_for_its_purpose_and_in_its_time_only() {
        let questions = questions(1);
        let text = questions.ask_at(session(1), &"state", at(0)).unwrap();
        let read = |purpose, seconds| questions.read_at::<String>(purpose, &text, at(seconds));
        let (state, answered) = read(session(1), PATIENCE - 1).unwrap();
        assert_eq!((state.as_str(), answered.until), ("state", at(PATIENCE)));
        assert!(read(session(1), PATIENCE).is_none(), "too late");
        assert!(read(session(2), 0).is_none(), "another session's");
        assert!(read(Purpose::SignIn, 0).is_none(), "not for signing in");
        let other = questions.ask_at(session(1), &"state", at(1)).unwrap();
        let (_, another) = questions.read_at::<String>(session(1), &other, at(1)).unwrap();
        assert_ne!(answered.question, another.question);
    }

    #[test]
    fn what_somebody_else_made_or_changed_is_no_question() {
        let text = questions(1).ask_at(Purpose::SignIn, &"state", at(0)).unwrap();
        let read = |text: &str| questions(1).read_at::<String>(Purpose::SignIn, text, at(0));
        assert!(read(&text).is_some());
        assert!(questions(2).read_at::<String>(Purpose::SignIn, &text, at(0)).is_none());
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(read(&String::from_utf8(bytes).unwrap()).is_none(), "byte {at}");
        }
        let é = "é".repeat(40);
        for other in ["", "x", &text[..MAC], &text[1..], &text.replacen('0', "+", 1), &é] {
            assert!(*other == text || read(other).is_none(), "{other}");
        }
        let long = "x".repeat(2 * SecretHasher::MAX_SECRET);
        assert!(questions(1).ask_at(Purpose::SignIn, &long, at(0)).is_none());
        assert!(read(&format!("{text}{long}")).is_none());
    }
}
