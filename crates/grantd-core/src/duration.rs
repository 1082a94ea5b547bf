//! How long a token lives: the durations of settings, flags and rows.

use std::{fmt, str::FromStr, time::Duration};

/// A time to live in whole seconds, from one second to ten years.
///
/// Parses `90s`, `15m`, `1h`, `365d` or plain seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(u32);

impl Ttl {
    /// One hour: what a token lives where nothing else is said.
    pub const DEFAULT: Self = Self(3600);
    /// Ten years: a token that never ends is a mistake.
    pub const MAX: Self = Self(10 * 365 * 86_400);

    /// From seconds; `None` outside one second to ten years.
    pub const fn from_seconds(seconds: i64) -> Option<Self> {
        if seconds < 1 || seconds > Self::MAX.0 as i64 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in range by the line above"
        )]
        Some(Self(seconds as u32))
    }

    /// Whole seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl From<Ttl> for Duration {
    fn from(ttl: Ttl) -> Self {
        Self::from_secs(ttl.0.into())
    }
}

/// A wait as `Retry-After` says it (RFC 9110 section 10.2.3): rounded up, so that who comes back then is let through.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(86_400, 'd'), (3600, 'h'), (60, 'm')] {
            if self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}s", self.0)
    }
}

/// Why a text is not a time to live.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a duration between 1s and 3650d: write it like 90s, 15m, 1h, 365d or plain seconds"
)]
pub struct TtlError(String);

impl FromStr for Ttl {
    type Err = TtlError;

    fn from_str(text: &str) -> Result<Self, TtlError> {
        let refuse = || TtlError(text.to_owned());
        let (digits, unit) = match text.as_bytes().last() {
            Some(b's') => (&text[..text.len() - 1], 1),
            Some(b'm') => (&text[..text.len() - 1], 60),
            Some(b'h') => (&text[..text.len() - 1], 3600),
            Some(b'd') => (&text[..text.len() - 1], 86_400),
            _ => (text, 1),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse());
        }
        let number: i64 = digits.parse().map_err(|_| refuse())?;
        number.checked_mul(unit).and_then(Self::from_seconds).ok_or_else(refuse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_s_spellings_are_read() {
        for (text, seconds) in
            [("90s", 90), ("15m", 900), ("1h", 3600), ("365d", 31_536_000), ("120", 120)]
        {
            assert_eq!(text.parse::<Ttl>().unwrap().seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn nonsense_and_forever_are_refused() {
        for text in [
            "",
            "s",
            "0",
            "-1",
            "+1",
            "1 h",
            "1w",
            "1.5h",
            "99999d",
            "99999999999999999999",
            "1hh",
            "é",
        ] {
            assert!(text.parse::<Ttl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_ttl_prints_in_its_largest_whole_unit() {
        for text in ["90s", "15m", "1h", "365d"] {
            assert_eq!(text.parse::<Ttl>().unwrap().to_string(), text);
        }
    }
}
