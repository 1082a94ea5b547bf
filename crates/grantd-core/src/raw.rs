//! A request as it came: bytes, nothing believed yet.

use core::net::IpAddr;

/// The `Authorization` header of a request, before anything is read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// No such header.
    Absent,
    /// Exactly one.
    One(&'a [u8]),
    /// Two or more, which no standard allows.
    Many,
}

impl<'a> Authorization<'a> {
    /// From all values of the header.
    pub fn from_values(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => Self::One(value),
            (Some(_), Some(_)) => Self::Many,
        }
    }
}

/// A request to an OAuth endpoint as it came from outside: every byte is hostile.
///
/// The query string has no place here: credentials in the URI are never accepted (RFC 6749
/// section 2.3.1).
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    /// The `Authorization` header.
    pub authorization: Authorization<'a>,
    /// The `Content-Type` header, if there is one.
    pub content_type: Option<&'a [u8]>,
    /// The whole body, already bounded by the caller.
    pub body: &'a [u8],
    /// The address that it came from, if the caller knows.
    pub from: Option<IpAddr>,
}

impl std::fmt::Debug for Raw<'_> {
    /// Says only how much there is: bodies and headers carry secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raw").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}
