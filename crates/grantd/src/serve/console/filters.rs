//! How templates write things.

#![expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the macro makes public structs of filters, and templates pass references"
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

/// A number as people read it: `1,234,567`.
#[askama::filter_fn]
pub(super) fn grouped(number: &u64, _: &dyn askama::Values) -> askama::Result<String> {
    Ok(in_groups(*number))
}

fn in_groups(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A moment as people read it.
pub(super) fn said(at: Timestamp) -> String {
    readable(&moment_text(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_groups_of_three() {
        let said = [0, 999, 1000, 1_234_567].map(in_groups);
        assert_eq!(said, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn moments_are_readable_and_other_texts_stay() {
        assert_eq!(readable("2026-11-21T07:24:42Z"), "2026-11-21 07:24 UTC");
        assert_eq!(readable("never"), "never");
    }
}
