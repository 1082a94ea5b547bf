//! How templates write things.

#![expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the macro makes public structs of filters"
)]

use std::fmt;

use grantd_core::Timestamp;
use grantd_issuer::moment as moment_text;

/// A moment of RFC 3339 as people read it: `2026-11-21 07:24 UTC`.
#[askama::filter_fn]
pub(super) fn moment(text: impl fmt::Display, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(readable(&text.to_string()))
}

/// The same, outside of templates.
pub(super) fn readable(moment: &str) -> String {
    match (moment.get(..10), moment.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => moment.to_owned(),
    }
}

/// A moment as people read it.
pub(super) fn said(at: Timestamp) -> String {
    readable(&moment_text(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_readable_and_other_texts_stay() {
        assert_eq!(readable("2026-11-21T07:24:42Z"), "2026-11-21 07:24 UTC");
        assert_eq!(readable("never"), "never");
    }
}
