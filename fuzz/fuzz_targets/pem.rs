//! Any text as keys.
#![no_main]

use grantd_core::{Secret, jose::read_keys};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = read_keys(text, None);
    // A passphrase makes the encrypted branch reachable; its cost is bounded by the reader.
    if text.len() < 512 {
        let _ = read_keys(text, Some(&Secret::new("x".to_owned())));
    }
});
