//! Any text as a token: read without panic, and never believed.
#![no_main]

use std::sync::LazyLock;

use grantd_core::{Algorithm, SigningKey, jose::UnverifiedJws};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).expect("a key"));

fuzz_target!(|token: &str| {
    if let Ok(jws) = UnverifiedJws::parse(token) {
        assert!(jws.verify(KEY.public()).is_err(), "a fresh key has signed nothing");
    }
});
