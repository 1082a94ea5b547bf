//! Members of an entry that are words of grantd's own: read as text, kept as types.

use std::{fmt, str::FromStr};

use grantd_core::Ttl;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A member that must be there.
pub(super) fn one<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// A member that may be left out.
pub(super) fn perhaps<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    one(deserializer).map(Some)
}

/// A list; the complaint names the one that is wrong.
pub(super) fn many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let parse = |text: String| {
        text.parse().map_err(|error: T::Err| D::Error::custom(format!("`{text}`: {error}")))
    };
    Vec::<String>::deserialize(deserializer)?.into_iter().map(parse).collect()
}

/// A time to live: `"15m"`, or a number of seconds, as `--json` prints it.
pub(super) fn ttl<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Ttl>, D::Error> {
    struct Duration;
    impl Visitor<'_> for Duration {
        type Value = Ttl;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration like \"15m\", \"1h\", or a number of seconds")
        }

        fn visit_i64<E: Error>(self, seconds: i64) -> Result<Ttl, E> {
            self.visit_str(&seconds.to_string())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Ttl, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Duration).map(Some)
}
