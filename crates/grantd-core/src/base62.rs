//! Base 62 and the check at the end of every text that grantd hands out: `[0-9A-Za-z]`, six of CRC-32.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The digits of 256 bits, the widest number that is written.
const WIDEST: usize = 43;
/// The digits of a CRC-32.
pub(crate) const CHECK: usize = 6;
/// How many bytes are written as one number, so that the work stays linear.
const BLOCK: usize = 8;
/// How many digits so many bytes take. All differ, so the digits of the last block tell its length.
const DIGITS: [usize; BLOCK + 1] = [0, 2, 3, 5, 6, 7, 9, 10, 11];

/// Writes a number, its most significant 32 bits first, padded to `digits`. The number is used up.
pub(crate) fn push_number(text: &mut String, number: &mut [u32], digits: usize) {
    let mut reversed = Zeroizing::new([0_u8; WIDEST]);
    for digit in &mut reversed[..digits] {
        let mut remainder = 0_u64;
        for limb in number.iter_mut() {
            let value = remainder << 32 | u64::from(*limb);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "value < 62 * 2^32, so the quotient has 32 bits"
            )]
            {
                *limb = (value / 62) as u32;
            }
            remainder = value % 62;
        }
        *digit = ALPHABET[usize::try_from(remainder).unwrap_or_default()];
    }
    text.extend(reversed[..digits].iter().rev().map(|digit| char::from(*digit)));
}

/// Big-endian bytes as the number that [`push_number`] takes.
pub(crate) fn to_number<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut number = [0; N];
    for (limb, bytes) in number.iter_mut().zip(bytes.as_chunks().0) {
        *limb = u32::from_be_bytes(*bytes);
    }
    number
}

/// Writes bytes in blocks of eight.
pub(crate) fn push_bytes(text: &mut String, bytes: &[u8]) {
    for block in bytes.chunks(BLOCK) {
        let mut padded = [0; BLOCK];
        padded[BLOCK - block.len()..].copy_from_slice(block);
        push_block(text, u64::from_be_bytes(padded), DIGITS[block.len()]);
    }
}

/// Writes one block: every opaque token has some fifty, so it is spared the long division.
fn push_block(text: &mut String, mut number: u64, digits: usize) {
    let mut written = [b'0'; DIGITS[BLOCK]];
    for digit in written[..digits].iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(number % 62).unwrap_or_default()];
        number /= 62;
    }
    text.extend(std::str::from_utf8(&written[..digits]));
}

/// Reads what [`push_bytes`] writes and nothing else: any sequence of bytes has exactly one text.
pub(crate) fn read_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / DIGITS[BLOCK] * BLOCK + BLOCK);
    for digits in text.as_bytes().chunks(DIGITS[BLOCK]) {
        let length = DIGITS.iter().position(|known| *known == digits.len())?;
        let number = digits.iter().try_fold(0_u64, |number, digit| {
            number.checked_mul(62)?.checked_add(digit_value(*digit)?)
        })?;
        let padded = number.to_be_bytes();
        let (zeros, block) = padded.split_at(BLOCK - length);
        if zeros.iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(block);
    }
    Some(bytes)
}

fn digit_value(digit: u8) -> Option<u64> {
    let value = match digit {
        b'0'..=b'9' => digit - b'0',
        b'A'..=b'Z' => digit - b'A' + 10,
        b'a'..=b'z' => digit - b'a' + 36,
        _ => return None,
    };
    Some(u64::from(value))
}

/// Ends a text with the check over all of it.
pub(crate) fn push_check(text: &mut String) {
    let check = crc32fast::hash(text.as_bytes());
    push_block(text, check.into(), CHECK);
}

/// The text before the check, where the check is right.
pub(crate) fn strip_check(text: &str) -> Option<&str> {
    let (front, check) = text.split_at_checked(text.len().checked_sub(CHECK)?)?;
    let mut expected = String::with_capacity(CHECK);
    push_block(&mut expected, crc32fast::hash(front.as_bytes()).into(), CHECK);
    (expected == check).then_some(front)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_agree_with_arithmetic() {
        let mut text = String::new();
        push_number(&mut text, &mut [0, 62_u32.pow(5) + 61], 8);
        assert_eq!(text, "0010000z");
        text.clear();
        push_bytes(&mut text, &[0xff; 9]);
        assert_eq!(text, "LygHa16AHYF47");
        assert_eq!(read_bytes(&text), Some(vec![0xff; 9]));
    }

    #[test]
    fn what_no_bytes_make_is_not_read() {
        for text in ["0", "0000", "00000000", "48", "LygHa16AHYG", "zzzzzzzzzzz", "0_", "é"] {
            assert_eq!(read_bytes(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_survive_their_text(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut text = String::new();
            push_bytes(&mut text, &bytes);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric()));
            prop_assert_eq!(read_bytes(&text), Some(bytes));
        }

        #[test]
        fn a_text_that_is_read_is_the_one_that_is_written(text in "[0-9A-Za-z]{0,40}") {
            if let Some(bytes) = read_bytes(&text) {
                let mut again = String::new();
                push_bytes(&mut again, &bytes);
                prop_assert_eq!(again, text);
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".{0,60}") {
            let _ = (read_bytes(&text), strip_check(&text));
        }
    }
}
