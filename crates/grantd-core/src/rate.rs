//! So many a second, with bursts: a token bucket kept as one number (the generic cell rate algorithm).

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use crate::time::Timestamp;

/// A rate, and how much may come at once.
///
/// Parses `1000/s` or `1000`: a thousand a second, and a second's worth at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds from one to the next.
    interval: u64,
    /// Nanoseconds that a full bucket is worth.
    burst: u64,
}

/// How full a bucket is: when it will be full again, in nanoseconds since 1970. Zero is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level(pub u64);

impl Rate {
    /// The most that can be said: a million a second.
    const MOST: u32 = 1_000_000;

    /// So many a second, so many of them at once.
    pub const fn new(per_second: NonZeroU32, at_once: NonZeroU32) -> Self {
        let interval = 1_000_000_000 / per_second.get() as u64;
        Self { interval, burst: interval * at_once.get() as u64 }
    }

    /// How long until the bucket has room for one more; nothing if it has now.
    pub fn wait(self, level: Level, now: Timestamp) -> Option<Duration> {
        let now = nanos(now);
        let wait = (self.level(level, now) + self.interval).saturating_sub(now + self.burst);
        (wait > 0).then(|| Duration::from_nanos(wait))
    }

    /// The level after one more, whether or not there was room. What goes on without room is not counted for
    /// ever: the bucket is never further from room than the time of one burst.
    pub fn less_one(self, level: Level, now: Timestamp) -> Level {
        let now = nanos(now);
        Level((self.level(level, now).max(now) + self.interval).min(self.furthest(now)))
    }

    /// From when on there is room for one, whatever comes meanwhile not counted.
    pub const fn room_at(self, level: Level) -> Timestamp {
        let nanos = (level.0 + self.interval).saturating_sub(self.burst);
        Timestamp::from_micros(nanos.div_ceil(1000).cast_signed())
    }

    /// What lies further ahead than anything that is counted was left by a clock that has been set back.
    const fn level(self, level: Level, now: u64) -> u64 {
        if level.0 > self.furthest(now) { 0 } else { level.0 }
    }

    const fn furthest(self, now: u64) -> u64 {
        now + 2 * self.burst
    }
}

fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.micros()).unwrap_or_default().saturating_mul(1000)
}

/// Why a text is not a rate.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate between 1/s and 1000000/s: write it like 1000/s")]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let digits = text.strip_suffix("/s").unwrap_or(text);
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok());
        let number = number.flatten().filter(|number: &NonZeroU32| number.get() <= Self::MOST);
        number.map(|number| Self::new(number, number)).ok_or_else(|| RateError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000_000_000;

    fn rate(per_second: u32, at_once: u32) -> Rate {
        Rate::new(per_second.try_into().unwrap(), at_once.try_into().unwrap())
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(START + micros)
    }

    /// How many get through at this moment.
    fn drain(rate: Rate, level: &mut Level, now: Timestamp) -> u32 {
        let mut through = 0;
        while rate.wait(*level, now).is_none() {
            *level = rate.less_one(*level, now);
            through += 1;
        }
        through
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let (rate, mut level) = (rate(10, 50), Level::default());
        assert_eq!(drain(rate, &mut level, at(0)), 50);
        assert_eq!(rate.wait(level, at(0)), Some(Duration::from_millis(100)));
        assert_eq!(rate.room_at(level), at(100_000));
        assert_eq!(drain(rate, &mut level, at(99_999)), 0);
        assert_eq!(drain(rate, &mut level, at(100_000)), 1);
        assert_eq!(drain(rate, &mut level, at(1_100_000)), 10);
        assert_eq!(drain(rate, &mut level, at(60_000_000)), 50, "a bucket holds no more");
    }

    #[test]
    fn whoever_goes_on_without_room_does_not_come_round_to_a_full_bucket() {
        let (rate, mut level) = (rate(10, 50), Level::default());
        for taken in 1..1000 {
            level = rate.less_one(level, at(0));
            assert_eq!(rate.wait(level, at(0)).is_some(), taken >= 50, "{taken}");
        }
        assert_eq!(rate.wait(level, at(0)), Some(Duration::from_millis(5_100)));
        assert_eq!(drain(rate, &mut level, at(5_100_000)), 1, "and it is not for ever");
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let (rate, mut level) = (rate(1, 100), Level::default());
        assert_eq!(drain(rate, &mut level, at(0)), 100);
        assert_eq!(drain(rate, &mut level, at(-3_600_000_000)), 100);
        assert_eq!(rate.wait(Level(u64::MAX / 4), at(0)), None);
    }

    #[test]
    fn rates_are_read_and_nonsense_is_not() {
        for (text, expected) in
            [("1000", 1000), ("1000/s", 1000), ("1", 1), ("1000000/s", 1_000_000)]
        {
            assert_eq!(text.parse(), Ok(rate(expected, expected)), "{text}");
        }
        for text in ["", "/s", "0", "-1", "+1", "1/m", "1.5", "1000001", "1 /s", "off", "é"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
