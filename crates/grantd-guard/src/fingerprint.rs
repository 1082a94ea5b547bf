//! What a token is remembered by.

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of a token: what is kept gives no token away.
pub(crate) type Fingerprint = [u8; 32];

/// Of the whole token, its signature included.
pub(crate) fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}
