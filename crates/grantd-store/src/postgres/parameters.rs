//! Parameters that say their own type, so that no statement must be prepared on the server first.
//!
//! A prepared statement belongs to one connection of the server; behind a pooler in transaction mode the
//! next call may get another one.

use grantd_core::Ttl;
use tokio_postgres::types::{ToSql, Type};

/// A parameter of a statement.
pub(super) type Parameter<'a> = &'a (dyn Typed + Sync);

/// What has a type in the database.
pub(super) trait Typed {
    /// It with that type, as the driver takes them.
    fn typed(&self) -> (&(dyn ToSql + Sync), Type);
}

/// Parameters as the driver takes them.
pub(super) fn typed<'a>(with: &'a [Parameter<'_>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    with.iter().map(|parameter| parameter.typed()).collect()
}

macro_rules! typed {
    ($($rust:ty => $name:ident;)+) => {
        $(impl Typed for $rust {
            fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
                (self, Type::$name)
            }
        }

        impl Typed for Option<$rust> {
            fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
                (self, Type::$name)
            }
        })+
    };
}

typed! {
    &str => TEXT;
    String => TEXT;
    i64 => INT8;
    bool => BOOL;
    &[u8] => BYTEA;
    Vec<&str> => TEXT_ARRAY;
    Vec<String> => TEXT_ARRAY;
    Vec<i64> => INT8_ARRAY;
    Vec<Option<i64>> => INT8_ARRAY;
    Vec<&[u8]> => BYTEA_ARRAY;
    Vec<Option<String>> => TEXT_ARRAY;
    Vec<Option<Vec<u8>>> => BYTEA_ARRAY;
    Vec<Option<bool>> => BOOL_ARRAY;
}

/// The parameters of a statement, in their order.
macro_rules! with {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as $crate::postgres::parameters::Parameter<'_>),*]
    };
}
pub(super) use with;

/// A duration as its column has it.
pub(super) fn seconds(ttl: Ttl) -> i64 {
    ttl.seconds().into()
}

/// A text to look for. No text in the database has the sign NUL, which PostgreSQL refuses: whoever asks
/// for one asks for nothing, and nothing has an empty name.
pub(super) fn wanted(text: &str) -> &str {
    if text.contains('\0') { "" } else { text }
}
