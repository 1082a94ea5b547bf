//! Any text as a refresh token: read without panic, and never believed unless this key wrote it.
#![no_main]

use std::sync::LazyLock;

use grantd_core::{AuthorizationCode, RefreshTokens, SecretKey};
use libfuzzer_sys::fuzz_target;

static TOKENS: LazyLock<RefreshTokens> =
    LazyLock::new(|| RefreshTokens::new(&SecretKey::from_bytes([1; 32]), Some(&SecretKey::from_bytes([2; 32]))));

fuzz_target!(|text: &str| {
    assert!(TOKENS.read(text).is_none(), "nobody can write one without the key");
    let _ = AuthorizationCode::has_look(text);
});
